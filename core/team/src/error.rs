use firsthand_log::LogError;

/// Why an operation or an invitation was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TeamError {
    /// The bytes are not what their format says; whoever sent them is at fault.
    #[error("read a membership operation: {0}")]
    Malformed(#[from] LogError),
    /// The signature is not the author's.
    #[error("verify the signature of a membership operation")]
    Signature,
    /// The operation belongs to another team, or founds one a second time.
    #[error("accept an operation of another team")]
    OtherTeam,
    /// The author's own counting of operations does not fit its past, or the operation names no past.
    #[error("accept an operation out of its author's order")]
    Sequence,
    /// A name is empty, too long, or holds characters that control how text is shown.
    #[error("accept the name: it must have 1 to {max} bytes and no control characters")]
    Name {
        /// The limit in bytes of UTF-8.
        max: usize,
    },
    /// An operation that others build on is not here, so the history cannot be read.
    #[error("find the membership operations before this one")]
    Incomplete,
    /// The author is no member in the operation's own past, or this device's person may not add people.
    #[error("accept it from somebody without the right to it")]
    NotAllowed,
    /// Another device of the team has that channel key already.
    #[error("add a second device with the same channel key")]
    KeyTaken,
    /// The person or device is not, or not any more, in the team; or it is there already.
    #[error("find that person or device in the team")]
    NotFound,
    /// The recovery codes are mistyped, too few, or of another team; or the team was founded without any.
    #[error(
        "use these recovery codes: check that each is complete, that they are enough, and that they are this team's"
    )]
    Recovery,
    /// The address of a relay is not one, or too long.
    #[error(
        "read the relay's address: it is ws:// or wss://, a host, perhaps a port, and a path, of at most {max} characters"
    )]
    RelayAddress {
        /// The limit in bytes.
        max: usize,
    },
    /// The team has as many relays as it may.
    #[error("add more than {limit} relays to a team; remove one first")]
    TooManyRelays {
        /// The limit.
        limit: usize,
    },
    /// The text is no invitation: mistyped, cut short, or of a newer version.
    #[error("read the invitation code: check that it is complete")]
    Invitation,
    /// More operations than a team's history may have.
    #[error("accept more than {limit} membership operations")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}
