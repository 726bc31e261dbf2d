use firsthand_channel::ChannelError;
use firsthand_document::DocumentError;
use firsthand_log::LogError;
use firsthand_record::validate::Finding;
use firsthand_store::StoreError;
use firsthand_team::TeamError;

/// Why a node did not do what it was asked. Messages complete "failed to ..." and name nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The home could not be opened, read or written.
    #[error(transparent)]
    Store(StoreError),
    /// The team's rules forbid it, or what was given is no valid name or invitation.
    #[error(transparent)]
    Team(#[from] TeamError),
    /// This device was removed from the team; what would be entered here no other device would take.
    #[error("enter it: this device does not belong to the team any more")]
    Removed {
        /// Who removed it, by name.
        by: String,
        /// Why, a word for machines.
        reason: &'static str,
    },
    /// The person's role is to read.
    #[error("enter it: your role in this team is to read")]
    ReadOnly,
    /// What was entered cannot be saved: each finding names the field and says why.
    #[error("save: {} of the fields must be put right first", .0.len())]
    Rejected(Vec<Finding>),
    /// An edit does not fit the document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no such record here.
    #[error("find {0}: there is no such record here")]
    NotFound(String),
    /// Several records fit what was typed.
    #[error("find {typed}: it could be {}", .candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        typed: String,
        /// Short codes that fit.
        candidates: Vec<String>,
    },
    /// The file has no such smaller form.
    #[error("find the {}: this file has none", .0.label().to_lowercase())]
    NoForm(firsthand_record::VariantKind),
    /// A file without a single byte: the camera or the recorder gave nothing.
    #[error("attach the file: it is empty")]
    EmptyFile,
    /// What was given as a redacted copy has the very bytes of the original.
    #[error("save the redacted copy: it is the same file as the original")]
    NotRedacted,
    /// An incident cannot be shared with other teams.
    #[error(transparent)]
    NotShared(#[from] firsthand_record::share::NotShared),
    /// What was to be shared with is no network of teams.
    #[error("share the incident: the other home belongs to a team, and to no network of teams")]
    NotNetwork,
    /// The key of the file was destroyed: nobody opens it any more.
    #[error("open the file: its key was destroyed")]
    Destroyed,
    /// What a file says of itself cannot be taken out, so that no copy can be given away without it.
    #[error(transparent)]
    NotCleaned(#[from] firsthand_photo::NotCleaned),
    /// A redacted copy still holds what the file says of itself.
    #[error("save the redacted copy: what the file says of itself was not taken out")]
    StillSpeaks,
    /// An incident would be merged into itself, directly or by way of others.
    #[error("merge the incidents: the one to merge into was itself merged into this one")]
    MergeCircle,
    /// Nobody answered at any address.
    #[error("reach {address}: {reason}")]
    NoPeer {
        /// The address, or several.
        address: String,
        /// Why, in the operating system's words.
        reason: String,
    },
    /// The other side is there, but no session came about, or it broke off.
    #[error("meet: {0}")]
    Meeting(crate::EndReason),
    /// The home was never finished: the program ended while it was being made.
    #[error("open the home: it was never finished and holds nothing; remove the folder and begin again")]
    Unfinished,
    /// The node was shut down or locked.
    #[error("do that: the home is closed")]
    Closed,
    /// A file on this machine could not be read or written.
    #[error("use the file: {0}")]
    File(#[from] std::io::Error),
    /// Own bytes that do not read back: damage, or a defect of the program.
    #[error("read back what was written: {0}")]
    Inconsistent(&'static str),
    /// Nothing is left of the home that could be repaired.
    #[error(
        "repair the home: this device's keys cannot be read any more; nothing was changed. Join the team again in a new \
         home; what was exchanged comes back from the others"
    )]
    Beyond,
    /// A file is longer than the caller has room for.
    #[error("show the file: it has {len} bytes, and there is room for {most}")]
    TooLong {
        /// Its length in bytes.
        len: u64,
        /// The most that the caller takes.
        most: u64,
    },
    /// A checklist or a run of one does not take it.
    #[error(transparent)]
    Checklist(#[from] crate::ChecklistError),
    /// A bundle was not written, or is none that can be read here.
    #[error(transparent)]
    Bundle(#[from] crate::BundleError),
    /// A snapshot was not taken in, or not confirmed.
    #[error(transparent)]
    Snapshot(#[from] crate::SnapshotError),
    /// The person stopped it.
    #[error("finish: stopped")]
    Stopped,
}

impl From<StoreError> for NodeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stopped => Self::Stopped,
            error => Self::Store(error),
        }
    }
}

impl From<LogError> for NodeError {
    fn from(error: LogError) -> Self {
        tracing::error!(%error, "own log does not read back");
        Self::Inconsistent("the log")
    }
}

impl From<ChannelError> for NodeError {
    fn from(_: ChannelError) -> Self {
        Self::Meeting(crate::EndReason::Channel)
    }
}

impl From<firsthand_seal::SealError> for NodeError {
    fn from(error: firsthand_seal::SealError) -> Self {
        tracing::error!(%error, "could not seal");
        Self::Inconsistent("what was to be sealed")
    }
}
