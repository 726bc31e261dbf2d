/// What a check of the stored bytes found. Nothing is repaired or deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Pages of the database that were read.
    pub pages: u64,
    /// Attachments that were read.
    pub attachments: u64,
    /// Their sealed bytes.
    pub attachment_bytes: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A page of the database was changed outside the program: its authentication fails.
    Page(String),
    /// The database's structure contradicts itself.
    Structure(String),
    /// A file of an attachment is gone.
    AttachmentMissing {
        /// The file's name in `attachments/`.
        file: String,
    },
    /// A file of an attachment is cut short, or its chunk table is damaged.
    AttachmentUnreadable {
        /// The file's name in `attachments/`.
        file: String,
    },
    /// Chunks of an attachment are not what was sealed.
    AttachmentChunks {
        /// The file's name in `attachments/`.
        file: String,
        /// Which, counted from 0.
        chunks: Vec<u32>,
    },
}

/// What a check is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckProgress {
    /// The database.
    Database,
    /// So many attachments of so many.
    Attachments {
        /// Done.
        done: u64,
        /// In all.
        total: u64,
    },
}
