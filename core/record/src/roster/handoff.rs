use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use firsthand_ids::{DocumentId, PersonId};
use serde::{Deserialize, Serialize};

use super::HandoffAnswer;
use crate::kinds::record;
use crate::{ClockEvidence, Moment, Sensitivity, Tombstone};

record! {
    /// What one shift leaves to the next.
    Handoff
    scalars {
        /// The shift that ends.
        from_shift: DocumentId,
        /// The shift that begins.
        to_shift: DocumentId,
        /// How widely it may be shared.
        sensitivity: Sensitivity,
        /// The day after which it is to be destroyed.
        retention_until: NaiveDate,
        /// What was known about the device's clock when it was made.
        clock_evidence: ClockEvidence,
        /// The version of the types it was written with.
        schema_version: u32,
    }
    texts {
        /// What is dangerous.
        hazards,
        /// Whom they spoke with.
        contacts_made,
    }
    lists {
        /// Incidents that are not over.
        open_incidents: OpenItem,
        /// Actions that are not done.
        open_actions: OpenItem,
        /// What is handed over with it.
        equipment: Equipment,
        /// That the outgoing lead gives it. The entry carries their signature.
        given_by: GivenStep,
        /// What the incoming leads say to each item. Their entries carry their signatures.
        accepted_by: AcceptedStep,
        /// Marks that hide it.
        tombstone: Tombstone,
    }
}

/// Something that the next shift takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OpenItem {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Its record, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub document: Option<DocumentId>,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub text: String,
}

/// A thing that is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Equipment {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What it is.
    pub text: String,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub count: Option<u32>,
}

/// That somebody gives the hand-off as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct GivenStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Moment,
    /// The items that they give: the keys of all open incidents and actions that they saw.
    pub items: Vec<String>,
}

/// What somebody says to an item, or that they take the hand-off over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AcceptedStep {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// The item; empty: the hand-off as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub item: String,
    /// What they say.
    pub answer: HandoffAnswer,
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Moment,
    /// Why, or what they ask.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub note: String,
}

/// How far a hand-off has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffStanding {
    /// An outgoing lead has given every item that stands.
    pub given: bool,
    /// An incoming lead has taken it over as a whole.
    pub taken: bool,
    /// Each open incident and action, and what was said to it last; `None`: nothing yet.
    pub items: BTreeMap<String, Option<HandoffAnswer>>,
}

impl HandoffStanding {
    /// Items that nobody accepted, declined or closed.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.items.values().filter(|answer| matches!(answer, None | Some(HandoffAnswer::Questioned))).count()
    }

    /// Whether there is nothing left to do: given, each item settled, and taken over.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.given && self.taken && self.unsettled() == 0
    }
}

impl Handoff {
    /// The open incidents and actions.
    pub fn items(&self) -> impl Iterator<Item = &OpenItem> {
        self.open_incidents.iter().chain(&self.open_actions)
    }

    /// How far it has come. `by_lead` says of an item of `given_by` or `accepted_by`, by its key, whether a lead wrote it, and is
    /// the one it names: what others write does not count.
    ///
    /// An item that came after the hand-off was given is not given. Who gives it, or gave an earlier state of it, cannot take it
    /// over. What was said to an item last counts, but a question stands until the one who asked says otherwise.
    #[must_use]
    pub fn standing(&self, by_lead: impl Fn(&str) -> bool) -> HandoffStanding {
        let keys: Vec<&str> = self.items().map(|item| item.key.as_str()).collect();
        let all = |step: &GivenStep| keys.iter().all(|key| step.items.iter().any(|it| it == key));
        let gave: Vec<&GivenStep> = self.given_by.iter().filter(|step| by_lead(&step.key)).collect();
        let givers: BTreeSet<PersonId> = gave.iter().map(|step| step.by).collect();
        let takes = |step: &&AcceptedStep| by_lead(&step.key) && !givers.contains(&step.by);
        let said: Vec<&AcceptedStep> = self.accepted_by.iter().filter(takes).collect();
        let answer = |item: &str| {
            let mut by_person: BTreeMap<PersonId, HandoffAnswer> = BTreeMap::new();
            let mut last = None;
            for step in said.iter().filter(|step| step.item == item) {
                by_person.insert(step.by, step.answer);
                last = Some(step.answer);
            }
            let questioned = by_person.values().any(|answer| *answer == HandoffAnswer::Questioned);
            if questioned { Some(HandoffAnswer::Questioned) } else { last }
        };
        HandoffStanding {
            given: gave.iter().any(|step| all(step)),
            taken: answer("") == Some(HandoffAnswer::Accepted),
            items: keys.iter().map(|key| ((*key).to_owned(), answer(key))).collect(),
        }
    }
}
