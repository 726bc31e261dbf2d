//! What teams learnt from shifts and incidents.

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, LocalTime};
use firsthand_record::Debrief;

use super::Ledger;
use crate::NodeError;

/// A debrief with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct DebriefView {
    /// Its record.
    pub id: DocumentId,
    /// Who began it.
    pub author: String,
    /// When, by the clock of their device.
    pub local: LocalTime,
    /// What it says.
    pub record: Debrief,
    /// Whether a mark hides it.
    pub hidden: bool,
}

impl Ledger {
    /// All debriefs that are not hidden, those that came last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn debriefs(&mut self) -> Result<Vec<DebriefView>, NodeError> {
        self.apply_untried()?;
        let ids = self.store.documents_of_kind(&self.space, DocumentKind::Debrief.name())?;
        let views: Result<Vec<_>, _> = ids.into_iter().rev().map(|(_, id)| self.debrief(id)).collect();
        Ok(views?.into_iter().filter(|view| !view.hidden).collect())
    }

    /// One debrief.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn debrief(&mut self, id: DocumentId) -> Result<DebriefView, NodeError> {
        let info = self.created(&id)?.info;
        let view = self.read_view(&id)?;
        if view.kind != DocumentKind::Debrief {
            return Err(NodeError::NotFound(id.short()));
        }
        let record = Debrief::read(view.shown()).record;
        let hidden = view.is_hidden();
        Ok(DebriefView { id, author: self.name(&info.person), local: info.local, record, hidden })
    }

    /// The record of a kind whose id begins as it was typed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Ambiguous`].
    pub fn find_record(&mut self, kind: &DocumentKind, typed: &str) -> Result<DocumentId, NodeError> {
        self.apply_untried()?;
        let wanted = typed.trim().to_ascii_lowercase();
        let ids = self.store.documents_of_kind(&self.space, kind.name())?;
        let fits = |id: &DocumentId| !wanted.is_empty() && id.to_string().starts_with(&wanted);
        let found: Vec<DocumentId> = ids.into_iter().map(|(_, id)| id).filter(fits).collect();
        match found[..] {
            [] => Err(NodeError::NotFound(typed.to_owned())),
            [id] => Ok(id),
            _ => {
                let candidates = found.iter().map(ToString::to_string).collect();
                Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates })
            }
        }
    }
}
