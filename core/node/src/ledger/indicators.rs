//! Signs that a team watches, and what was read of them.

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, LocalTime};
use firsthand_record::Moment;
use firsthand_record::warning::{Indicator, Reading};
use rand_core::CryptoRng;

use super::{Ledger, Now, Saved};
use crate::NodeError;

/// A sign with its readings.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorView {
    /// Its record.
    pub id: DocumentId,
    /// Who noted it.
    pub author: String,
    /// What it says.
    pub record: Indicator,
    /// The readings that are not hidden, the latest first.
    pub readings: Vec<ReadingView>,
    /// Fields whose values conflict.
    pub conflicts: Vec<String>,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// A reading of a sign.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingView {
    /// Its record.
    pub id: DocumentId,
    /// Who read it.
    pub author: String,
    /// When they noted it, by the clock of their device.
    pub local: LocalTime,
    /// What it says.
    pub record: Reading,
    /// Whether it is on the side of the threshold that warns; `None` where there is no threshold.
    pub warns: Option<bool>,
}

impl Ledger {
    /// Saves what was read of a sign; now, where it does not say when.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the sign is not here; [`NodeError::Rejected`] with every field to put right.
    pub fn add_reading(
        &mut self,
        mut reading: Reading,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        if let Some(id) = reading.indicator {
            let known = self.read_view(&id)?.kind == DocumentKind::Indicator;
            if !known {
                return Err(NodeError::NotFound(id.short()));
            }
        }
        reading.at = reading.at.or_else(|| Moment::from_local(now));
        self.add(&reading, now, rng)
    }

    /// All signs with their readings, those that came last first, hidden ones included.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn indicators(&mut self) -> Result<Vec<IndicatorView>, NodeError> {
        self.apply_untried()?;
        let ids = self.store.documents_of_kind(&self.space, DocumentKind::Indicator.name())?;
        let mut views: Vec<IndicatorView> =
            ids.into_iter().rev().map(|(_, id)| self.indicator_alone(id)).collect::<Result<_, _>>()?;
        let ids = self.store.documents_of_kind(&self.space, DocumentKind::Reading.name())?;
        for (_, id) in ids {
            let Some((of, mut reading)) = self.reading(id)? else { continue };
            if let Some(view) = views.iter_mut().find(|it| it.id == of) {
                reading.warns = reading.record.value.and_then(|value| view.record.warns_at(value));
                view.readings.push(reading);
            }
        }
        for view in &mut views {
            view.readings.sort_by_key(|it| std::cmp::Reverse((it.record.at.map(Moment::millis), it.id)));
        }
        Ok(views)
    }

    /// One sign with its readings.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn indicator(&mut self, id: DocumentId) -> Result<IndicatorView, NodeError> {
        let view = self.indicators()?.into_iter().find(|it| it.id == id);
        view.ok_or_else(|| NodeError::NotFound(id.short()))
    }

    fn indicator_alone(&mut self, id: DocumentId) -> Result<IndicatorView, NodeError> {
        let info = self.created(&id)?.info;
        let view = self.read_view(&id)?;
        Ok(IndicatorView {
            id,
            author: self.name(&info.person),
            record: Indicator::read(view.shown()).record,
            readings: Vec::new(),
            conflicts: view.conflicts().map(|(field, _)| field.to_owned()).collect(),
            hidden: view.is_hidden(),
        })
    }

    /// A reading and the sign that it is of; `None` where it is hidden or names none.
    fn reading(&mut self, id: DocumentId) -> Result<Option<(DocumentId, ReadingView)>, NodeError> {
        let info = self.created(&id)?.info;
        let view = self.read_view(&id)?;
        let hidden = view.is_hidden();
        let record = Reading::read(view.shown()).record;
        let (Some(of), false) = (record.indicator, hidden) else { return Ok(None) };
        let (author, local) = (self.name(&info.person), info.local);
        Ok(Some((of, ReadingView { id, author, local, record, warns: None })))
    }
}
