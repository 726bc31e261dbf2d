use std::io;

use rusqlite::ErrorCode;

use crate::VaultError;

/// Why the store could not do what it was asked. Every message completes "failed to ..." and names nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no home in this folder.
    #[error("open the home: there is none in this folder")]
    NoHome,
    /// There is a home in this folder already, or something else that creating one would overwrite.
    #[error("create a home: the folder holds one already")]
    HomeExists,
    /// Another process has this home open.
    #[error("open the home: another process has it open")]
    InUse,
    /// The passphrase is not the home's.
    #[error("unlock: wrong passphrase, {tries_left} tries left")]
    WrongPassphrase {
        /// How many more wrong passphrases this home takes.
        tries_left: u8,
    },
    /// Ten wrong passphrases in a row: this home takes no more of them, and nothing was evaluated.
    #[error(
        "unlock: ten wrong passphrases, this home takes no more; nothing was deleted: a backup of the home made \
         earlier still takes one, and the other devices of the team hold what was exchanged with them"
    )]
    NoTriesLeft,
    /// The raw key is not the home's.
    #[error("unlock: wrong key")]
    WrongKey,
    /// The key store of the platform failed.
    #[error("unlock: {0}")]
    Vault(#[from] VaultError),
    /// The home was written by a newer version of the program.
    #[error("open the home: its {what} has version {found}, this program knows {known}")]
    Newer {
        /// Which part of the home.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// Bytes of the home are not what was written. Nothing is deleted: what verifies can be salvaged.
    #[error("read {what}: damaged")]
    Damaged {
        /// What was being read.
        what: &'static str,
    },
    /// The disk is full. Nothing was saved, and nothing that was saved before is touched.
    #[error("save: the disk is full, nothing was saved")]
    Full,
    /// The disk or the system failed.
    #[error("reach the disk: {0}")]
    Io(#[source] io::Error),
    /// An entry does not follow the last one that is held of its writer.
    #[error("append to a chain: expected position {expected}, found {found}")]
    Gap {
        /// The next position of the chain.
        expected: u64,
        /// The position of the entry.
        found: u64,
    },
    /// What was handed in contradicts itself or what is held.
    #[error("save: {0}")]
    Invalid(&'static str),
    /// The bytes of an attachment are not those its record names.
    #[error("read the attachment: its bytes are not what was recorded")]
    AttachmentMismatch,
    /// The attachment, or a chunk of it, is not here.
    #[error("read the attachment: not here")]
    AttachmentAbsent,
    /// The attachment is larger than 2 GiB.
    #[error("seal the attachment: larger than {limit} bytes")]
    AttachmentTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Whoever asked for it stopped it.
    #[error("finish: stopped")]
    Stopped,
    /// The database refused a statement for a reason that is none of the above: a mistake in this program.
    #[error("use the database: {0}")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            // SQLCipher has no memory, it says, for a page that it cannot decipher.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::OutOfMemory) => {
                Self::Damaged { what: "the database" }
            }
            Some(
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed,
            ) => Self::InUse,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
                Self::Io(io::Error::other(error))
            }
            // A value of another type or length than the program writes.
            None if !matches!(error, rusqlite::Error::QueryReturnedNoRows) => Self::Damaged { what: "a row" },
            _ => Self::Database(error),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full
            }
            _ => Self::Io(error),
        }
    }
}
