use firsthand_log::LogError;

/// Why something was not sealed or opened. Messages are fragments that complete "failed to ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bytes are not what their format says, or larger than it allows.
    #[error(transparent)]
    Malformed(#[from] LogError),
    /// Sealed under another key, or altered.
    #[error("open what is sealed: it was altered, or sealed under another key")]
    Closed,
    /// A device's key is one that nothing can be sealed to.
    #[error("seal a key to a device: its key is of no use")]
    Recipient,
    /// More than one sealed piece may hold.
    #[error("seal more than {limit} bytes in one piece")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A blob of a snapshot is not the one that its index names.
    #[error("open the snapshot: blob {number} of the section is not the one that was named")]
    Blob {
        /// Which of its section, from 0.
        number: usize,
    },
    /// The cipher refused, which no input is known to cause.
    #[error("seal")]
    Cipher,
}
