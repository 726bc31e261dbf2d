//! What a record must be before it is final (*reject*), and what a person should look at (*flag*).
//!
//! [`incident`], [`evidence`], [`template`] and [`run`] judge a record on its own, with what [`Context`] says about the moment it was saved
//! in. A draft may break every rule; nothing here changes a record.

mod checklist;
mod clock;
mod consent;
mod items;
pub mod limits;
mod personal;
mod place;
pub mod roster;
mod rule;
mod text;
pub mod warning;

use std::collections::BTreeSet;
use std::fmt;

use firsthand_ids::{DocumentId, UnixMillis};

use crate::{Certainty, Circle, Evidence, Incident, PeopleVisible, Sensitivity, Severity, Status, lists};

pub use checklist::{run, template};
pub(crate) use personal::mask_numbers;
pub use rule::Rule;

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
    /// The keys of the items that came after the incident was closed.
    pub late: BTreeSet<String>,
}

impl Context {
    /// A context in which only the device's clock is known.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self { now, ..Self::default() }
    }

    /// The best clock there is.
    #[must_use]
    pub fn clock(&self) -> UnixMillis {
        self.best_clock.unwrap_or(self.now)
    }
}

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum), uniffi(name = "FindingKind"))]
pub enum Kind {
    /// The record is not saved as final.
    Reject,
    /// The record is saved and marked.
    Flag,
}

/// One thing found in a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Finding {
    /// Where: `place.lat`, `counts[1].low`.
    pub field: String,
    /// Which rule.
    pub rule: Rule,
    /// What follows from it.
    pub kind: Kind,
}

impl Finding {
    /// That a field breaks a rule.
    #[must_use]
    pub fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self { field: field.into(), rule, kind: rule.kind() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule.message())?;
        match limits::characters(&self.field) {
            Some(limit) if self.rule == Rule::TooLong => write!(f, " (at most {limit} characters)"),
            _ => Ok(()),
        }
    }
}

/// Whether any finding stops the record from being saved as final.
#[must_use]
pub fn is_rejected(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.kind == Kind::Reject)
}

/// Findings as they are collected; the rule decides the kind.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, rule: Rule) {
        self.0.push(Finding::new(field, rule));
    }

    fn add_if(&mut self, broken: bool, field: &str, rule: Rule) {
        if broken {
            self.add(field, rule);
        }
    }
}

/// Judges an incident. An empty list means that nothing was found.
#[must_use]
pub fn incident(incident: &Incident, context: &Context) -> Vec<Finding> {
    let mut found = Findings::default();
    text::incident(incident, &mut found);
    clock::incident(incident, context, &mut found);
    if let Some(place) = &incident.place {
        place::check(place, "place", context, &mut found);
    }
    items::incident(incident, context, &mut found);
    if let Some(category) = &incident.category {
        let known = match &context.categories {
            Some(own) => own.contains(category),
            None => lists::event_type(category).is_some(),
        };
        found.add_if(!known, "category", Rule::CategoryNotListed);
    }
    let unsure = matches!(incident.certainty, None | Some(Certainty::Unknown));
    found.add_if(
        incident.severity == Some(Severity::Extreme) && unsure,
        "certainty",
        Rule::ExtremeButUncertain,
    );
    if incident.status == Some(Status::MergedInto) {
        found.add_if(incident.merged_into.is_none(), "merged_into", Rule::MergeTargetMissing);
    }
    let own = context.document;
    found.add_if(own.is_some() && incident.merged_into == own, "merged_into", Rule::LeadsToItself);
    consent::incident(incident, &mut found);
    if matches!(incident.sensitivity, Some(Sensitivity::Network | Sensitivity::Public)) {
        personal::incident(incident, &mut found);
    }
    found.0
}

/// Judges the record of a file. Whether the bytes have the hash it names is the store's to check.
#[must_use]
pub fn evidence(evidence: &Evidence, context: &Context) -> Vec<Finding> {
    let mut found = Findings::default();
    text::evidence(evidence, &mut found);
    if let Some(place) = evidence.captured.as_ref().and_then(|captured| captured.place.as_ref()) {
        place::check(place, "captured.place", context, &mut found);
    }
    if evidence.people_visible == Some(PeopleVisible::Identifiable) {
        found.add_if(!evidence.is_agreed(), "consent", Rule::PeopleWithoutConsent);
    }
    found.0
}
