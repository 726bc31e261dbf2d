//! The rows of checklists and of their runs.
//!
//! A row follows from its own document alone. How many steps of a run are done follows from the checklist too, which may come
//! later, from the day and from who looks; so that is worked out when it is shown, and no row has to be made anew for it.

use firsthand_ids::{ContentHash, DocumentId, LocalTime, PersonId, UnixMillis};
use rusqlite::Row;

use crate::{Store, StoreError};

/// What a device makes of a checklist that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateState {
    /// Published by somebody with the right to.
    Published,
    /// Its author had not the right to publish it.
    NotByTrainer,
    /// It names somebody else than its author as who published it.
    Misattributed,
    /// It has something that this version cannot read.
    Unreadable,
    /// It is not, or not yet, what its author hashed.
    NotWhole,
    /// It breaks a rule that every checklist keeps.
    Unsound,
}

impl TemplateState {
    const ALL: [Self; 6] = [
        Self::Published,
        Self::NotByTrainer,
        Self::Misattributed,
        Self::Unreadable,
        Self::NotWhole,
        Self::Unsound,
    ];

    /// The word in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::NotByTrainer => "not_by_trainer",
            Self::Misattributed => "misattributed",
            Self::Unreadable => "unreadable",
            Self::NotWhole => "not_whole",
            Self::Unsound => "unsound",
        }
    }

    pub(crate) fn number(self) -> i64 {
        Self::ALL.iter().zip(0..).find(|(state, _)| **state == self).map_or(0, |(_, number)| number)
    }

    fn from_number(number: i64) -> Self {
        let at = usize::try_from(number).ok();
        at.and_then(|at| Self::ALL.get(at)).copied().unwrap_or(Self::Unreadable)
    }
}

/// The row of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProjection {
    /// What all its versions are called; empty where it does not say.
    pub template_id: String,
    /// Its version.
    pub version: u32,
    /// Its title by language, as a JSON object.
    pub title: String,
    /// Its languages, the default one first.
    pub languages: Vec<String>,
    /// What its author hashed.
    pub content_sha256: Option<ContentHash>,
    /// How many items it has.
    pub items: u32,
    /// How many of them are critical.
    pub critical: u32,
    /// What this device makes of it.
    pub state: TemplateState,
    /// Whether a mark of its author or a trainer hides it.
    pub hidden: bool,
}

/// A checklist and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRow {
    /// The document.
    pub id: DocumentId,
    /// Whose device made it.
    pub author: PersonId,
    /// What it says.
    pub row: TemplateProjection,
}

/// The row of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunProjection {
    /// The document of its checklist, which need not be here.
    pub template: DocumentId,
    /// What that checklist is called.
    pub template_id: String,
    /// Its version.
    pub version: u32,
    /// What that version says.
    pub content_sha256: Option<ContentHash>,
    /// What kind of thing it belongs to.
    pub context: Option<String>,
    /// Which.
    pub about: Option<DocumentId>,
    /// When it began.
    pub started: LocalTime,
    /// When it was completed.
    pub completed: Option<UnixMillis>,
    /// Whether somebody gave a reason for abandoning it.
    pub abandoned: bool,
    /// How many answers and ticks stand in it, earlier ones too.
    pub entries: u32,
    /// How many fields are in conflict.
    pub conflicts: u32,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// A run and who began it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// The document.
    pub id: DocumentId,
    /// Who began it.
    pub author: PersonId,
    /// What it says.
    pub row: RunProjection,
    /// What this device makes of its checklist; `None` where that has not come yet.
    pub template: Option<TemplateState>,
    /// The checklist's title by language, as a JSON object; empty where it has not come yet.
    pub title: String,
    /// The checklist's own language; empty where it has not come yet.
    pub language: String,
}

const TEMPLATE: &str =
    "t.id, t.author, t.template_id, t.version, t.title, t.languages, t.sha256, t.items, t.critical,
    t.state, t.hidden";

impl Store {
    /// All checklists, by what they are called, the newest version first; of several of one version the oldest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {TEMPLATE} FROM templates AS t ORDER BY t.template_id, t.version DESC, t.effective, t.id"
        ))?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.template_row(row)?);
        }
        Ok(found)
    }

    /// One checklist.
    ///
    /// # Errors
    /// From the disk.
    pub fn template(&self, id: &DocumentId) -> Result<Option<TemplateRow>, StoreError> {
        let mut select = self.database.prepare_cached(&format!(
            "SELECT {TEMPLATE} FROM documents AS d JOIN templates AS t ON t.document = d.number WHERE d.id = ?1"
        ))?;
        let mut rows = select.query([id.as_bytes()])?;
        rows.next()?.map(|row| self.template_row(row)).transpose()
    }

    fn template_row(&self, row: &Row<'_>) -> Result<TemplateRow, StoreError> {
        let (_, chain) = self.cache.writer(row.get(1)?)?;
        let languages: String = row.get(5)?;
        Ok(TemplateRow {
            id: DocumentId::new(row.get(0)?),
            author: chain.person,
            row: TemplateProjection {
                template_id: row.get(2)?,
                version: row.get(3)?,
                title: row.get(4)?,
                languages: languages.split('\n').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
                content_sha256: row.get::<_, Option<_>>(6)?.map(ContentHash::new),
                items: row.get(7)?,
                critical: row.get(8)?,
                state: TemplateState::from_number(row.get(9)?),
                hidden: row.get(10)?,
            },
        })
    }

    /// The runs, those that are not over first, otherwise the latest first.
    ///
    /// # Errors
    /// From the disk.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let mut select = self.database.prepare_cached(
            "SELECT r.id, r.author, r.template, r.template_id, r.version, r.sha256, c.code, r.about, r.started,
                 r.started_offset, r.completed, r.abandoned, r.entries, r.conflicts, r.hidden, t.state, t.title, t.languages
             FROM runs AS r LEFT JOIN codes AS c ON c.number = r.context
                 LEFT JOIN documents AS d ON d.id = r.template LEFT JOIN templates AS t ON t.document = d.number
             ORDER BY r.completed IS NOT NULL OR r.abandoned, r.effective DESC, r.id LIMIT ?1",
        )?;
        let mut rows = select.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id = DocumentId::new(row.get(0)?);
            let (_, chain) = self.cache.writer(row.get(1)?)?;
            let started = LocalTime { at: UnixMillis(row.get(8)?), offset_minutes: row.get(9)? };
            let run = RunProjection {
                template: DocumentId::new(row.get(2)?),
                template_id: row.get(3)?,
                version: row.get(4)?,
                content_sha256: row.get::<_, Option<_>>(5)?.map(ContentHash::new),
                context: row.get(6)?,
                about: row.get::<_, Option<_>>(7)?.map(DocumentId::new),
                started,
                completed: row.get::<_, Option<_>>(10)?.map(UnixMillis),
                abandoned: row.get(11)?,
                entries: row.get(12)?,
                conflicts: row.get(13)?,
                hidden: row.get(14)?,
            };
            let template = row.get::<_, Option<i64>>(15)?.map(TemplateState::from_number);
            let title = row.get::<_, Option<String>>(16)?.unwrap_or_default();
            let languages = row.get::<_, Option<String>>(17)?.unwrap_or_default();
            let language = languages.split('\n').next().unwrap_or_default().to_owned();
            found.push(RunRow { id, author: chain.person, row: run, template, title, language });
        }
        Ok(found)
    }
}
