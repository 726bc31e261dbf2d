//! What a record must be before it is final (*reject*), and what a person should look at (*flag*).

use std::collections::BTreeSet;
use std::fmt;

use firsthand_ids::{DocumentId, UnixMillis};

use crate::{Circle, Incident};

/// What is known around a record when it is judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// The device's clock when the record was saved; for a record saved earlier, the time then.
    pub now: UnixMillis,
    /// Satellite or peer time at that moment, where there is one.
    pub best_clock: Option<UnixMillis>,
    /// Where the team works at the time.
    pub shift_area: Option<Circle>,
    /// The team's own categories; without it, ACLED's sub-event types are meant.
    pub categories: Option<BTreeSet<String>>,
    /// The record's own id, to see a link or a merge that leads back to it.
    pub document: Option<DocumentId>,
}

/// Whether a finding stops a record from being saved as final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Not saved as final.
    Reject,
    /// Saved and marked.
    Flag,
}

/// One thing found in a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where: `place.lat`, `counts[1].low`.
    pub field: String,
    /// Which rule.
    pub rule: Rule,
    /// What follows from it.
    pub kind: Kind,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// placeholder
    NotFinite,
}

impl Rule {
    /// A plain sentence part.
    #[must_use]
    pub const fn message(self) -> &'static str {
        "is not a finite number"
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule.message())
    }
}

/// Judges an incident. Findings come in the order of the fields; none means nothing was found.
#[must_use]
pub fn incident(incident: &Incident, context: &Context) -> Vec<Finding> {
    let _ = (incident, context);
    Vec::new()
}
