use std::fs;
use std::io::Read;

use crate::attachment::{self, Checked};
use crate::head::Found;
use crate::home::{ATTACHMENTS, DATABASE};
use crate::{Doubt, Store, StoreError, database};

/// What a check of the stored bytes found. Nothing is repaired or deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Pages of the database.
    pub pages: u64,
    /// Attachments that were read.
    pub attachments: u64,
    /// Their sealed bytes.
    pub attachment_bytes: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
}

/// One thing that is wrong. The texts are SQLite's; they name pages, tables and indexes, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A page of the database was changed outside the program: its authentication fails.
    #[error("the database: {0}")]
    Page(String),
    /// The database contradicts itself.
    #[error("the database: {0}")]
    Structure(String),
    /// The head file is missing or damaged.
    #[error("the head file: {0}")]
    Head(&'static str),
    /// Something that was saved is not here any more.
    #[error("the database: {0}")]
    Behind(&'static str),
    /// The file of an attachment is gone.
    #[error("attachment {file}: gone")]
    AttachmentMissing {
        /// The file's name in `attachments/`.
        file: String,
    },
    /// The file of an attachment is cut short, or its chunk table is damaged.
    #[error("attachment {file}: cut short, or its table is damaged")]
    AttachmentUnreadable {
        /// The file's name in `attachments/`.
        file: String,
    },
    /// Chunks of an attachment are not what was sealed.
    #[error("attachment {file}: {} chunks are damaged", chunks.len())]
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

impl Store {
    /// Checks the stored bytes: every page of the database, its structure and indexes, every chunk of every attachment
    /// that was complete here. Chains are not checked here; read them with [`Store::entries`]. What has not been
    /// moved from the write-ahead log yet is moved first, so that the pages are all there.
    ///
    /// # Errors
    /// From the disk. What is damaged is reported, not an error.
    pub fn check(&self, progress: &mut dyn FnMut(CheckProgress)) -> Result<CheckReport, StoreError> {
        let mut report = CheckReport::default();
        progress(CheckProgress::Database);
        self.check_witness(&mut report);
        self.check_database(&mut report)?;
        self.check_attachments(&mut report, progress)?;
        Ok(report)
    }

    fn check_witness(&self, report: &mut CheckReport) {
        if self.witness.found == Found::OneSlot {
            let what = "one of its two slots is torn or damaged; the other one holds, and nothing is lost";
            report.damage.push(Damage::Head(what));
        }
        for doubt in self.doubts() {
            report.damage.extend(match doubt {
                Doubt::Behind => Some(Damage::Behind("more was saved than is here; the head file names it")),
                Doubt::LogDamaged => Some(Damage::Behind(
                    "its write-ahead log is damaged, and what was saved last is beyond the break; a copy of the log is kept",
                )),
                Doubt::HeadMissing => Some(Damage::Head("missing")),
                Doubt::HeadDamaged => Some(Damage::Head("neither of its two slots can be read")),
                // A copy is none, and what was noted was said when it was found.
                Doubt::Restored | Doubt::Noted => None,
            });
        }
    }

    fn check_database(&self, report: &mut CheckReport) -> Result<(), StoreError> {
        let before = report.damage.len();
        self.database.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        let len = fs::metadata(self.home.path(DATABASE))?.len();
        let page = u64::from(database::PAGE_BYTES);
        report.pages = len / page;
        if len % page != 0 {
            report.damage.push(Damage::Structure("its length is no whole number of pages".to_owned()));
        }
        // No page's authentication covers the salt at the beginning, and nothing reads it there.
        let salt: String = self.database.query_row("PRAGMA cipher_salt", [], |row| row.get(0))?;
        let mut begin = [0; database::SALT_BYTES];
        fs::File::open(self.home.path(DATABASE))?.read_exact(&mut begin)?;
        if begin.iter().map(|byte| format!("{byte:02x}")).collect::<String>() != salt {
            report.damage.push(Damage::Page("its salt is another one".to_owned()));
        }
        self.ask(report, "PRAGMA cipher_integrity_check", Damage::Page)?;
        self.ask(report, "PRAGMA integrity_check(100)", Damage::Structure)?;
        if report.damage.len() > before {
            // The rest compares tables with each other, which says nothing more once pages are gone.
            return Ok(());
        }
        self.ask(report, "PRAGMA foreign_key_check", Damage::Structure)?;
        self.ask(report, "SELECT rtreecheck('incident_places')", Damage::Structure)?;
        let words = "INSERT INTO incident_text (incident_text) VALUES ('integrity-check')";
        self.ask(report, words, Damage::Structure)?;
        let wrong = self.check_sections()?;
        if wrong > 0 {
            let what = format!("{wrong} sections of closed periods are not what was written");
            report.damage.push(Damage::Structure(what));
        }
        Ok(())
    }

    /// Every row that is not "ok", and an error, is something wrong.
    fn ask(
        &self,
        report: &mut CheckReport,
        sql: &str,
        damage: impl Fn(String) -> Damage,
    ) -> Result<(), StoreError> {
        let asked = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.database.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect()
        };
        match asked() {
            Ok(rows) => report.damage.extend(rows.into_iter().filter(|row| row != "ok").map(damage)),
            Err(error) => match StoreError::from(error) {
                StoreError::Damaged { what } => report.damage.push(damage(format!("{what} cannot be read"))),
                other => return Err(other),
            },
        }
        Ok(())
    }

    pub(crate) fn check_attachments(
        &self,
        report: &mut CheckReport,
        progress: &mut dyn FnMut(CheckProgress),
    ) -> Result<(), StoreError> {
        let list = || -> rusqlite::Result<Vec<(String, [u8; 32])>> {
            let mut select =
                self.database.prepare_cached("SELECT file, table_hash FROM attachments ORDER BY file")?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        let files = match list().map_err(StoreError::from) {
            Ok(files) => files,
            // Reported by the check of the database.
            Err(StoreError::Damaged { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let total = files.len() as u64;
        for (done, (file, table_hash)) in (0..).zip(files) {
            progress(CheckProgress::Attachments { done, total });
            let path = attachment::place(&self.home.path(ATTACHMENTS), &file);
            match attachment::check(&path, Some(&table_hash))? {
                Checked::Missing => report.damage.push(Damage::AttachmentMissing { file }),
                Checked::Unreadable => report.damage.push(Damage::AttachmentUnreadable { file }),
                Checked::Read { damaged, bytes } => {
                    report.attachments += 1;
                    report.attachment_bytes += bytes;
                    if !damaged.is_empty() {
                        report.damage.push(Damage::AttachmentChunks { file, chunks: damaged });
                    }
                }
            }
        }
        Ok(())
    }
}
