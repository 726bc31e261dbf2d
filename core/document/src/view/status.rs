use std::collections::BTreeSet;

use firsthand_ids::{ChangeHash, DocumentId};

use super::read::Stored;
use super::{FieldView, Item};
use crate::Authors;
use crate::schema::lists;

/// The statuses that only a closing gives.
const CLOSED: [&str; 2] = ["closed", "merged_into"];

/// Where a record stands in the team's work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// The status that counts, such as `open`; `None` where nobody set one.
    pub code: Option<String>,
    /// For `merged_into`: the record it was merged into.
    pub target: Option<DocumentId>,
    /// The key of the closing that decides it; `None` where the register does.
    pub closing: Option<String>,
    /// What people would like who have not the right to.
    pub proposals: Vec<StatusProposal>,
}

/// A closing or an opening that does not count, because its author had not the right to it.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusProposal {
    /// The key of the item; `None` where somebody only set the register to a closed status.
    pub key: Option<String>,
    /// The status they would give it; `None` for opening it again.
    pub code: Option<String>,
    /// For `merged_into`: the record they would merge it into.
    pub target: Option<DocumentId>,
    /// Why.
    pub note: String,
    /// The change that made it.
    pub change: ChangeHash,
}

impl Status {
    pub(super) fn read(fields: &Stored, authors: &dyn Authors) -> Self {
        let closings = match fields.get(&("a", lists::CLOSINGS.to_owned())) {
            Some(FieldView::Items(items)) => items.as_slice(),
            _ => &[],
        };
        let mut status = Self::of_register(fields);
        // Taking a closing back is opening again, and needs the right; a mark on the item that anybody may make does not.
        let counts = |item: &&Item| authors.rights(&item.change).may_close;
        // A reopening undoes the closings its author saw; one made while apart stands, since being closed by mistake
        // is noticed and being open by mistake is not.
        let undone: BTreeSet<&str> = closings
            .iter()
            .filter(counts)
            .filter_map(|item| item.value["reopens"].as_array())
            .flatten()
            .filter_map(|key| key.as_str())
            .collect();
        for item in closings {
            let code = item.value["status"].as_str().filter(|code| CLOSED.contains(code));
            if undone.contains(item.key.as_str()) {
                continue;
            }
            if !counts(&item) {
                if item.withdrawn.is_some() {
                    continue;
                }
                status.proposals.push(StatusProposal {
                    key: Some(item.key.clone()),
                    code: code.map(str::to_owned),
                    target: target(item),
                    note: item.value["note"].as_str().unwrap_or_default().to_owned(),
                    change: item.change,
                });
            } else if let Some(code) = code {
                status.code = Some(code.to_owned());
                status.target = target(item);
                status.closing = Some(item.key.clone());
            }
        }
        status
    }

    /// What the register says. There a closed status is only a wish.
    fn of_register(fields: &Stored) -> Self {
        let mut status = Self::default();
        let Some(FieldView::Register(register)) = fields.get(&("r", "status".to_owned())) else {
            return status;
        };
        for candidate in &register.values {
            let Some(code) = candidate.value.as_str() else { continue };
            if CLOSED.contains(&code) {
                status.proposals.push(StatusProposal {
                    key: None,
                    code: Some(code.to_owned()),
                    target: None,
                    note: String::new(),
                    change: candidate.change,
                });
            } else if status.code.is_none() {
                status.code = Some(code.to_owned());
            }
        }
        if status.code.is_none() && !status.proposals.is_empty() {
            status.code = Some("open".to_owned());
        }
        status
    }
}

fn target(closing: &Item) -> Option<DocumentId> {
    closing.value["target"].as_str().and_then(|id| id.parse().ok())
}
