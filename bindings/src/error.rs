//! The one error of the bindings: what a shell can do about it.

use std::io::ErrorKind;

use firsthand_node::{ChecklistError, DocumentError, NodeError, StoreError, TeamError, VaultError};
use firsthand_record::validate::{Finding, Kind, Rule};

/// Why something was not done. Each variant is a decision of the shell; `details` are for people who look into it, complete
/// "failed to ..." and name nobody.
#[derive(Debug, Clone, PartialEq, thiserror::Error, uniffi::Error)]
pub enum ApiError {
    /// The home is locked or closed, or the passphrase was wrong: ask for the passphrase.
    #[error("the home is locked")]
    Locked {
        /// After a wrong passphrase: how many more are taken.
        tries_left: Option<u8>,
    },
    /// The phone's key store gave no answer: let the person unlock the phone, and try again.
    #[error("the key store gave no answer")]
    KeyStore {
        /// Its secret is gone for good: the person joins the team again in a new home.
        gone: bool,
    },
    /// The phone is full: nothing was saved. Say so, and let the person free space.
    #[error("the storage is full")]
    StorageFull,
    /// Another process has the home open: say so, and try again once it has ended.
    #[error("another process has the home open")]
    InUse,
    /// A newer version of the app wrote this: ask the person to update.
    #[error("a newer version of the app is needed")]
    NewerApp,
    /// Fields must be put right first: mark them. Nothing was saved.
    #[error("{} fields must be put right", fields.len())]
    Invalid {
        /// Which, and why.
        fields: Vec<FieldProblem>,
    },
    /// It cannot be done as things stand: say why. Trying again changes nothing.
    #[error("failed to {details}")]
    Refused {
        /// Why.
        why: Refusal,
        /// In words.
        details: String,
    },
    /// Nobody answered, or not in time: offer to try again.
    #[error("failed to {details}")]
    NoAnswer {
        /// In words.
        details: String,
    },
    /// The home, or a file, is gone, cannot be read or is damaged: offer to repair the home. Nothing was deleted.
    #[error("failed to {details}")]
    HomeFailed {
        /// In words.
        details: String,
    },
    /// The shell cancelled it: show nothing.
    #[error("cancelled")]
    Cancelled,
}

/// A field that must be put right.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct FieldProblem {
    /// Which: `place.lat`, `counts[1].low`.
    pub field: String,
    /// The rule that it breaks; `null` where it cannot be read at all.
    pub rule: Option<Rule>,
    /// What is wrong, in English, to be read after the name of the field.
    pub says: String,
}

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Refusal {
    /// There is no such record, file, person or home here.
    NotFound,
    /// What was typed fits several.
    Ambiguous,
    /// There is a home, or a file, already.
    Exists,
    /// The person has not the right to it.
    NotAllowed,
    /// This device was taken out of the team.
    Removed,
    /// Values conflict, or do not any more.
    Conflict,
    /// The file is empty: the camera or the recorder gave nothing.
    EmptyFile,
    /// The invitation, or the recovery codes, cannot be used.
    BadCode,
    /// Anything else: the details say it.
    Other,
}

impl ApiError {
    /// A field that a method could not read.
    pub(crate) fn unreadable(field: &str, says: &str) -> Self {
        Self::Invalid {
            fields: vec![FieldProblem { field: field.to_owned(), rule: None, says: says.to_owned() }],
        }
    }

    pub(crate) fn rejected(findings: Vec<Finding>) -> Self {
        let rejects = findings.into_iter().filter(|finding| finding.kind == Kind::Reject);
        let problem = |finding: Finding| FieldProblem {
            rule: Some(finding.rule),
            says: finding.rule.message().to_owned(),
            field: finding.field,
        };
        Self::Invalid { fields: rejects.map(problem).collect() }
    }

    pub(crate) fn home_failed(details: String) -> Self {
        Self::HomeFailed { details }
    }

    pub(crate) fn refused(why: Refusal, error: &impl ToString) -> Self {
        Self::Refused { why, details: error.to_string() }
    }
}

impl From<NodeError> for ApiError {
    fn from(error: NodeError) -> Self {
        let details = error.to_string();
        let refused = |why| Self::refused(why, &details);
        match error {
            NodeError::Store(error) => error.into(),
            NodeError::Closed => Self::Locked { tries_left: None },
            NodeError::Stopped => Self::Cancelled,
            NodeError::Rejected(findings) => Self::rejected(findings),
            NodeError::Team(TeamError::Name { .. }) => Self::unreadable(
                "name",
                "must have something in it, must not be too long, and must not hide or turn the text around it",
            ),
            NodeError::Team(TeamError::NotAllowed) | NodeError::ReadOnly => refused(Refusal::NotAllowed),
            NodeError::Team(TeamError::NotFound) | NodeError::NotFound(_) | NodeError::NoForm(_) => {
                refused(Refusal::NotFound)
            }
            NodeError::Team(TeamError::Invitation | TeamError::Recovery) => refused(Refusal::BadCode),
            NodeError::Ambiguous { .. } => refused(Refusal::Ambiguous),
            NodeError::Removed { .. } => refused(Refusal::Removed),
            NodeError::EmptyFile => refused(Refusal::EmptyFile),
            NodeError::Document(DocumentError::Conflict { .. } | DocumentError::NoConflict { .. }) => {
                refused(Refusal::Conflict)
            }
            NodeError::Document(DocumentError::UnknownField { field }) => {
                Self::unreadable(&field, "is no field of this record")
            }
            NodeError::Document(
                DocumentError::WrongLetter { field }
                | DocumentError::WriteOnce { field }
                | DocumentError::WrongShape { field }
                | DocumentError::OutsideText { field }
                | DocumentError::TooLarge { field, .. },
            ) => Self::unreadable(&field, "cannot be changed in this way"),
            NodeError::Checklist(ChecklistError::Missing(items)) => {
                let says = "must be done first".to_owned();
                let problem = |(field, _)| FieldProblem { field, rule: None, says: says.clone() };
                Self::Invalid { fields: items.into_iter().map(problem).collect() }
            }
            NodeError::NoPeer { .. } | NodeError::Meeting(_) => Self::NoAnswer { details },
            NodeError::File(file) => match file.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::StorageFull,
                ErrorKind::NotFound => refused(Refusal::NotFound),
                ErrorKind::AlreadyExists => refused(Refusal::Exists),
                kind => Self::home_failed(format!("use the file: {kind}")),
            },
            NodeError::Unfinished | NodeError::Inconsistent(_) | NodeError::Beyond => {
                Self::home_failed(details)
            }
            _ => refused(Refusal::Other),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongPassphrase { tries_left } => Self::Locked { tries_left: Some(tries_left) },
            StoreError::NoTriesLeft => Self::Locked { tries_left: Some(0) },
            StoreError::WrongKey => Self::Locked { tries_left: None },
            StoreError::Vault(error) => Self::KeyStore { gone: matches!(error, VaultError::Gone) },
            StoreError::Full => Self::StorageFull,
            StoreError::InUse => Self::InUse,
            StoreError::Newer { .. } => Self::NewerApp,
            StoreError::Stopped => Self::Cancelled,
            StoreError::HomeExists => Self::refused(Refusal::Exists, &error),
            StoreError::AttachmentAbsent => Self::refused(Refusal::NotFound, &error),
            StoreError::AttachmentTooLarge { .. } => Self::refused(Refusal::Other, &error),
            // The text of the system's error may hold a path.
            StoreError::Io(error) => Self::home_failed(format!("reach the disk: {}", error.kind())),
            error => Self::home_failed(error.to_string()),
        }
    }
}
