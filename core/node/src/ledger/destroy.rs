//! The end of a file's key. An item in the file's record says so; every device that learns of it, and finds that its author had the
//! right to it at the membership heads which their entry names, destroys the key that it holds (`firsthand_store`, when the
//! record's row is written) and then the sealed file. Record, hash, manifest and custody stay, and every chain verifies as before.

use firsthand_document::{Edit, Item, View};
use firsthand_ids::DocumentId;
use firsthand_record::{Destruction, Evidence, Moment};
use rand_core::CryptoRng;
use serde_json::Value;

use super::records::object;
use super::{AttachmentView, Ledger, Now};
use crate::NodeError;

/// Who destroyed the key of a file, or proposed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestroyedView {
    /// Whose word it was; empty where that is not known here: the key is gone, and the entry that asked for it has not come or does not
    /// count any more.
    pub by: String,
    /// When, by their device's clock.
    pub at: Option<Moment>,
    /// Why.
    pub reason: String,
}

impl Ledger {
    /// Destroys the key of a file, here now and on every device that hears of it. By somebody without a lead's right it is a proposal, and
    /// nothing is destroyed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where there is no such record, [`NodeError::Destroyed`] where that was done already,
    /// [`NodeError::Store`] from the disk.
    pub fn destroy_file(
        &mut self,
        file: DocumentId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AttachmentView, NodeError> {
        let row = self.store.evidence(&file)?.ok_or_else(|| NodeError::NotFound(file.short()))?;
        let before = self.file(file)?;
        if before.destroyed.is_some_and(|destroyed| !destroyed.by.is_empty()) {
            return Err(NodeError::Destroyed);
        }
        let sha256 = row.evidence.hash;
        let item = Destruction { key: String::new(), sha256, reason: reason.to_owned() };
        let value = Value::Object(object(&item)?);
        self.edit(file, &[Edit::Add { list: "destroyed".to_owned(), value }], now, rng)?;
        // What was arriving of it is not taken up again.
        self.receiving.retain(|arriving, _| arriving.document != file);
        self.file(file)
    }

    /// Who destroyed a file's key. `held`: it is here.
    pub(super) fn destroyed(&self, view: &View, record: &Evidence, held: bool) -> Option<DestroyedView> {
        let counted = view.destructions(&record.sha256.to_string()).counted;
        match counted.first() {
            Some(item) => Some(self.destruction(view, item)),
            None if held => None,
            None => Some(DestroyedView::default()),
        }
    }

    /// Who would have it destroyed.
    pub(super) fn destroy_proposals(&self, view: &View, record: &Evidence) -> Vec<DestroyedView> {
        let decided = view.destructions(&record.sha256.to_string());
        if !decided.counted.is_empty() {
            return Vec::new();
        }
        decided.proposed.into_iter().map(|item| self.destruction(view, item)).collect()
    }

    fn destruction(&self, view: &View, item: &Item) -> DestroyedView {
        let author = view.author(&item.change);
        DestroyedView {
            by: author.map(|author| self.name(&author.person)).unwrap_or_default(),
            at: author.and_then(|author| Moment::from_local(author.local)),
            reason: item.value["reason"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
