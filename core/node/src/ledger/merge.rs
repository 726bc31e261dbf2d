//! Incidents that were merged into one another, and what comes after one was closed.
//!
//! Each incident leads to at most one other. People who are apart can merge A into B and B into A, or make a longer
//! circle. Nothing stored forbids that, and no entry is thrown away for it: of the incidents of a circle the one that was
//! entered first counts as the main one, as if it had not been merged. "First" is the order of the list, which is made of
//! the log alone, so every device that holds the incidents says the same (docs/adr).

use std::collections::BTreeSet;

use firsthand_document::{Authors, Edit, Item, View};
use firsthand_ids::{DocumentId, HybridTime};
use firsthand_record::validate::{Finding, Rule};
use serde_json::{Value, json};

use super::read::short_code;
use super::{AttachmentView, CandidateView, Ledger};
use crate::NodeError;

/// What an incident has to do with those it was merged with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeView {
    /// The incident that counts in its place, and its short code; `None` where this one counts itself.
    pub main: Option<(DocumentId, String)>,
    /// The incidents merged directly into this one, with their short codes, newest first.
    pub duplicates: Vec<(DocumentId, String)>,
    /// It is part of a circle, which people made while apart.
    pub in_circle: bool,
}

/// Where following the merges of an incident leads.
enum Way {
    /// To one that was not merged, or is not here.
    To(DocumentId),
    /// Around a circle, of which this one counts.
    Circle { main: DocumentId, holds_start: bool },
}

impl Ledger {
    /// How an incident was merged.
    pub(super) fn merged(&self, id: &DocumentId) -> Result<MergeView, NodeError> {
        let (main, in_circle) = match self.way(id)? {
            Way::To(main) => (main, false),
            Way::Circle { main, holds_start } => (main, holds_start),
        };
        let duplicates = self.store.merged_into(id)?;
        Ok(MergeView {
            main: if main == *id { None } else { Some((main, self.code_of(&main)?)) },
            duplicates: duplicates.iter().map(|row| (row.id, short_code(row))).collect(),
            in_circle,
        })
    }

    fn code_of(&self, id: &DocumentId) -> Result<String, NodeError> {
        Ok(self.store.incident(id)?.map_or_else(|| id.short(), |row| short_code(&row)))
    }

    /// Follows the merges. It passes each incident once, so it ends whatever others have merged.
    fn way(&self, start: &DocumentId) -> Result<Way, NodeError> {
        let mut passed = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = *start;
        while seen.insert(at) {
            let Some(row) = self.store.incident(&at)? else { return Ok(Way::To(at)) };
            passed.push((row.effective, row.entry, at));
            match row.incident.merged_into {
                Some(next) => at = next,
                None => return Ok(Way::To(at)),
            }
        }
        // The circle begins where the way came back to; what lies before only leads to it.
        let circle = passed.iter().skip_while(|(.., id)| *id != at);
        let main = circle.clone().min().map_or(at, |(.., id)| *id);
        Ok(Way::Circle { main, holds_start: circle.clone().any(|(.., id)| id == start) })
    }

    /// Refuses an edit that would merge an incident into itself, by whatever way.
    pub(super) fn refuse_circles(&self, id: &DocumentId, edits: &[Edit]) -> Result<(), NodeError> {
        for edit in edits {
            let Edit::Close { target: Some(target), .. } = edit else { continue };
            let mut seen = BTreeSet::new();
            let mut at = Some(*target);
            while let Some(next) = at.filter(|next| seen.insert(*next)) {
                if next == *id {
                    return Err(NodeError::MergeCircle);
                }
                at = self.store.incident(&next)?.and_then(|row| row.incident.merged_into);
            }
        }
        Ok(())
    }

    /// Closings and openings by people without the right to them, unless the incident stands so anyway.
    pub(super) fn status_proposals(&self, view: &View, authors: &dyn Authors) -> Vec<CandidateView> {
        let status = view.status();
        let stands = |code: Option<&str>| match code {
            Some(code) => status.code.as_deref() == Some(code),
            None => status.closing.is_none(),
        };
        let open = status.proposals.iter().filter(|proposal| !stands(proposal.code.as_deref()));
        open.map(|proposal| {
            let code = proposal.code.as_deref().unwrap_or("open");
            let value = match proposal.target {
                Some(target) => json!({ "status": code, "merged_into": target }),
                None => Value::from(code),
            };
            self.candidate("status", &value, &proposal.change, authors.author(&proposal.change))
        })
        .collect()
    }

    /// Marks the files that came after the incident was closed.
    pub(super) fn mark_late(
        &self,
        files: &mut [AttachmentView],
        view: &View,
        authors: &dyn Authors,
    ) -> Result<(), NodeError> {
        let Some(closed) = closed_at(view, authors) else { return Ok(()) };
        for file in files {
            if self.created(&file.document)?.info.hybrid > closed {
                let rule = Rule::AfterClosing;
                file.findings.push(Finding::new("attached", rule));
            }
        }
        Ok(())
    }
}

/// When the incident was closed, by the hybrid clock of whoever closed it; `None` where it is open.
fn closed_at(view: &View, authors: &dyn Authors) -> Option<HybridTime> {
    let key = view.status().closing.as_ref()?;
    let closing = |item: &&Item| item.key == *key;
    let item = view.items("closings").iter().find(closing)?;
    authors.author(&item.change).map(|author| author.hybrid)
}
