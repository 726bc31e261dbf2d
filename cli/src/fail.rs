//! What went wrong, for a person, for a script, and as an exit status. The one place that decides the status.

use std::io;
use std::process::ExitCode;

use firsthand_exchange::ExchangeError;
use firsthand_node::{
    BundleError, ChecklistError, DocumentError, EndReason, NodeError, StoreError, TeamError,
};
use firsthand_record::validate::{Finding, Kind};
use serde::Serialize;

use crate::show::text;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Any failure that is none of the others.
    Other = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// A value or a file cannot be used.
    BadInput = 3,
    /// The home is locked, or the passphrase is wrong.
    Locked = 4,
    /// Bytes of the home are not what was written.
    Damage = 5,
    /// Nobody answered, or no meeting came about.
    NoPeer = 6,
    /// Another process has the home open.
    InUse = 7,
}

/// One thing that is wrong with what was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    /// The field or option.
    pub(crate) field: String,
    /// What is wrong, to be read after the field.
    pub(crate) reason: String,
}

/// A failure. Nothing in it is a passphrase or the text of a record.
#[derive(Debug)]
pub(crate) struct Fail {
    /// The exit status.
    pub(crate) status: Status,
    /// A stable word for scripts.
    pub(crate) kind: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
    /// What to do about it, if that can be said.
    pub(crate) hint: Option<&'static str>,
    /// Field by field.
    pub(crate) details: Vec<Detail>,
    /// The reader of standard output went away: nothing is to be said.
    quiet: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    kind: &'a str,
    message: &'a str,
    status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Detail]>::is_empty")]
    details: &'a [Detail],
}

impl Fail {
    /// A failure of the given kind.
    pub(crate) fn new(status: Status, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), hint: None, details: Vec::new(), quiet: false }
    }

    /// Bad input about one field.
    pub(crate) fn input(field: &str, reason: impl Into<String>) -> Self {
        Self::inputs(vec![Detail { field: field.to_owned(), reason: reason.into() }])
    }

    /// Bad input about several fields.
    pub(crate) fn inputs(details: Vec<Detail>) -> Self {
        Self { details, ..Self::new(Status::BadInput, "bad_input", "the input cannot be used") }
    }

    /// A failure that nothing else names.
    pub(crate) fn other(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(Status::Other, kind, message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Adds what is wrong, field by field.
    pub(crate) fn with_details(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let mut fail = Self::other("output", format!("failed to write the output: {}", error.kind()));
        fail.quiet = error.kind() == io::ErrorKind::BrokenPipe;
        fail
    }

    /// The failure as lines for a person.
    fn lines(&self) -> String {
        // A message may name a column of a file that somebody else made.
        let mut out = format!("firsthand: {}", text::lines(&self.message));
        for detail in &self.details {
            out.push_str(&format!("\n  {} {}", text::line(&detail.field), text::line(&detail.reason)));
        }
        if let Some(hint) = self.hint {
            out.push_str(&format!("\n{hint}"));
        }
        out
    }

    /// Says it on standard error, and gives the exit status.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if !self.quiet {
            let text = if json { self.json() } else { self.lines() };
            crate::show::to_stderr(&text);
        }
        ExitCode::from(self.status as u8)
    }

    fn json(&self) -> String {
        let Self { kind, message, hint, details, .. } = self;
        let body = Body { kind, message, status: self.status as u8, hint: *hint, details };
        serde_json::to_string(&Report { error: body }).unwrap_or_else(|_| self.lines())
    }
}

/// Findings that stop a record from being saved.
pub(crate) fn rejected(findings: &[Finding]) -> Vec<Detail> {
    findings.iter().filter(|finding| finding.kind == Kind::Reject).map(detail).collect()
}

/// A finding as field and reason.
pub(crate) fn detail(finding: &Finding) -> Detail {
    let text = finding.to_string();
    let reason = text.strip_prefix(&finding.field).unwrap_or(&text).trim_start().to_owned();
    Detail { field: finding.field.clone(), reason }
}

impl From<NodeError> for Fail {
    fn from(error: NodeError) -> Self {
        let message = format!("failed to {error}");
        let fail = |status, kind| Self::new(status, kind, message.clone());
        match &error {
            NodeError::Store(error) => store(error, message),
            NodeError::Team(error) => team(error, message),
            NodeError::Removed { by, reason } => removed(by, reason),
            NodeError::ReadOnly => fail(Status::Other, "read_only")
                .hint("A lead can give you another role: firsthand team grant."),
            NodeError::Document(DocumentError::Damaged | DocumentError::Internal) => {
                fail(Status::Damage, "damaged").hint("firsthand check says what is damaged.")
            }
            NodeError::Document(DocumentError::Conflict { .. }) => fail(Status::BadInput, "conflict").hint(
                "See the values with firsthand incident conflicts, and settle them with firsthand incident resolve.",
            ),
            NodeError::Document(_) => fail(Status::BadInput, "bad_edit"),
            NodeError::MergeCircle => fail(Status::BadInput, "merge_circle"),
            NodeError::NoForm(_) => fail(Status::BadInput, "no_form")
                .hint("`incident show` lists the forms that each file has"),
            NodeError::EmptyFile => fail(Status::BadInput, "empty_file"),
            NodeError::NotRedacted => fail(Status::BadInput, "not_redacted"),
            NodeError::NotShared(_) => fail(Status::BadInput, "not_shared"),
            NodeError::NotNetwork => fail(Status::BadInput, "not_network")
                .hint("A network has a home of its own: firsthand --home FOLDER network found"),
            NodeError::Destroyed => fail(Status::BadInput, "destroyed"),
            NodeError::NotCleaned(_) => fail(Status::BadInput, "not_cleaned").hint(
                "Take it out with another program. For a redacted copy that must keep it: incident attach --as-it-is.",
            ),
            NodeError::Unfinished => fail(Status::Damage, "unfinished"),
            NodeError::Rejected(findings) => {
                Self { details: rejected(findings), ..fail(Status::BadInput, "bad_input") }
            }
            NodeError::Bundle(BundleError::Damaged) => fail(Status::Damage, "damaged"),
            NodeError::Bundle(BundleError::NothingKnown(_)) => fail(Status::BadInput, "not_known")
                .hint("Leave --since out, or import a bundle of theirs first."),
            NodeError::Bundle(_) => fail(Status::BadInput, "bundle"),
            NodeError::Checklist(error) => checklist(error, message),
            NodeError::NotFound(_) => fail(Status::BadInput, "not_found"),
            NodeError::Ambiguous { .. } => {
                fail(Status::BadInput, "ambiguous").hint("Type one more letter of the code.")
            }
            NodeError::NoPeer { .. } => fail(Status::NoPeer, "no_peer")
                .hint("Check the address, and that the other device is waiting (firsthand sync --listen)."),
            NodeError::Meeting(reason) => meeting(*reason, message),
            NodeError::Closed => fail(Status::Locked, "locked"),
            NodeError::File(_) => fail(Status::BadInput, "file"),
            NodeError::Inconsistent(_) => {
                fail(Status::Damage, "damaged").hint("firsthand check says what is damaged.")
            }
            NodeError::Beyond => fail(Status::Damage, "beyond_repair"),
            NodeError::Stopped => fail(Status::Other, "stopped"),
            _ => fail(Status::Other, "failed"),
        }
    }
}

/// Somebody who was removed enters something: they are to know who decided so, and what becomes of what they wrote.
fn removed(by: &str, reason: &str) -> Fail {
    let by = text::line(by);
    let what = match reason {
        "left" => "you have left the team",
        "lost" => "this device is lost",
        "seized" => "this device was taken by somebody",
        _ => "you do not belong to the team any more",
    };
    let message = format!("failed to enter it: {by} removed this device from the team and said that {what}");
    Fail::other("removed", message).hint(
        "Nothing new can be entered here. What you had entered stays on this device. If a lead lets you in again (firsthand team \
         grant), you go on here, and the lead looks at what the others had not seen, entry by entry.",
    )
}

fn checklist(error: &ChecklistError, message: String) -> Fail {
    let kind = match error {
        ChecklistError::Taken { .. } => "taken",
        ChecklistError::Unusable(_) | ChecklistError::Hidden => "not_offered",
        ChecklistError::NotHere => "held",
        ChecklistError::Over => "over",
        ChecklistError::NoItem(_) => "not_found",
        ChecklistError::NotAsked(_) => "not_asked",
        ChecklistError::Timer(_) => "timer",
        ChecklistError::Missing(_) => "missing",
        _ => "bad_input",
    };
    let fail = Fail::new(Status::BadInput, kind, message);
    let said = |field: &str, reason: &str| Detail { field: field.to_owned(), reason: reason.to_owned() };
    match error {
        ChecklistError::Taken { .. } => {
            fail.hint("A published version never changes: --as-version gives it another number.")
        }
        ChecklistError::Constraint(said_by_trainer) if !said_by_trainer.is_empty() => {
            fail.with_details(vec![said("answer", said_by_trainer)])
        }
        ChecklistError::Missing(items) => {
            fail.with_details(items.iter().map(|(item, label)| said(item, label)).collect())
        }
        _ => fail,
    }
}

fn store(error: &StoreError, message: String) -> Fail {
    let (status, kind) = match error {
        StoreError::NoHome => (Status::Other, "no_home"),
        StoreError::HomeExists => (Status::Other, "home_exists"),
        StoreError::InUse => (Status::InUse, "in_use"),
        StoreError::WrongPassphrase { .. } | StoreError::WrongKey => (Status::Locked, "wrong_passphrase"),
        StoreError::NoTriesLeft | StoreError::Vault(_) => (Status::Locked, "locked"),
        StoreError::Newer { .. } => (Status::Other, "newer"),
        StoreError::Damaged { .. } | StoreError::AttachmentMismatch => (Status::Damage, "damaged"),
        StoreError::Full => (Status::Other, "disk_full"),
        StoreError::Io(_) => (Status::Other, "disk"),
        StoreError::AttachmentAbsent => (Status::Other, "absent"),
        StoreError::AttachmentTooLarge { .. } => (Status::BadInput, "too_large"),
        _ => (Status::Other, "failed"),
    };
    let fail = Fail::new(status, kind, message);
    match error {
        StoreError::NoHome => fail.hint(
            "Make a team with `firsthand team create`, or join one with `firsthand team join`; --home names the folder.",
        ),
        StoreError::InUse => fail.hint("End the other `firsthand` on this home first."),
        StoreError::Damaged { .. } => fail.hint(
            "Nothing was deleted. `firsthand check --repair` keeps what verifies and says what is lost; what was exchanged \
             with other devices of the team comes back from them.",
        ),
        StoreError::Full => fail.hint(
            "Make room on the disk, for example by moving files elsewhere, and do it again. Nothing that was saved before is \
             touched.",
        ),
        StoreError::Io(_) => fail.hint(
            "Nothing of this was saved. See whether the disk is there and can be written, and do it again. \
             Nothing that was saved before is touched.",
        ),
        _ => fail,
    }
}

fn team(error: &TeamError, message: String) -> Fail {
    let (status, kind) = match error {
        TeamError::Name { .. } | TeamError::Invitation | TeamError::RelayAddress { .. } => {
            (Status::BadInput, "bad_input")
        }
        TeamError::NotAllowed => (Status::Other, "not_allowed"),
        TeamError::Recovery => (Status::BadInput, "recovery"),
        _ => (Status::Other, "team"),
    };
    let fail = Fail::new(status, kind, message);
    if *error == TeamError::NotAllowed { fail.hint("A lead of the team can do this.") } else { fail }
}

/// A meeting that ended otherwise than well.
fn meeting(reason: EndReason, message: String) -> Fail {
    let status = match reason {
        EndReason::Cut | EndReason::Silent | EndReason::Channel | EndReason::NotAMember => Status::NoPeer,
        _ => Status::Other,
    };
    Fail::new(status, end_code(reason), message)
}

/// A stable word for why a meeting ended.
pub(crate) fn end_code(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Done => "done",
        EndReason::Cut => "cut",
        EndReason::Silent => "silent",
        EndReason::Channel => "no_channel",
        EndReason::NotAMember => "not_a_member",
        EndReason::Storage => "storage",
        EndReason::Misbehaved => "misbehaved",
        EndReason::Declined => "declined",
        EndReason::Twice => "twice",
        _ => "other",
    }
}

impl From<ExchangeError> for Fail {
    fn from(error: ExchangeError) -> Self {
        Self::new(Status::BadInput, "bad_input", format!("failed to read the file: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(error: impl Into<NodeError>) -> u8 {
        Fail::from(error.into()).status as u8
    }

    #[test]
    fn every_status_has_its_cause() {
        assert_eq!(status(StoreError::Full), 1);
        assert_eq!(status(StoreError::NoHome), 1);
        assert_eq!(status(TeamError::Invitation), 3);
        assert_eq!(status(NodeError::Rejected(Vec::new())), 3);
        assert_eq!(status(StoreError::WrongPassphrase { tries_left: 3 }), 4);
        assert_eq!(status(StoreError::NoTriesLeft), 4);
        assert_eq!(status(StoreError::Damaged { what: "a page" }), 5);
        assert_eq!(status(NodeError::NoPeer { address: "a".into(), reason: "b".into() }), 6);
        assert_eq!(status(NodeError::Meeting(EndReason::NotAMember)), 6);
        assert_eq!(status(StoreError::InUse), 7);
    }

    #[test]
    fn an_error_as_json_says_kind_message_and_fields() {
        let text = Fail::input("place.lat", "is not a number").json();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["error"]["kind"], "bad_input");
        assert_eq!(json["error"]["status"], 3);
        assert_eq!(json["error"]["details"][0]["field"], "place.lat");
    }
}
