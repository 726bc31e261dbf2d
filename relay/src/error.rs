use std::io;

/// Why a relay could not do something. Nothing here names a client or a mailbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The database failed; with a full disk, too.
    #[error("use the relay's database")]
    Database(#[from] rusqlite::Error),
    /// The database was written by a newer version of the program.
    #[error("open the relay's database: written by a newer version")]
    Newer,
    /// A row that no version writes.
    #[error("read the relay's database: damaged")]
    Damaged,
    /// A file or a socket failed.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or its key cannot be used.
    #[error("use the certificate: {0}")]
    Certificate(String),
    /// The system gives no randomness.
    #[error("draw randomness")]
    Randomness,
    /// Storage has stopped.
    #[error("reach the relay's storage")]
    Stopped,
}

impl RelayError {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
