//! Checklists that trainers publish: what a device makes of one that came, and publishing a new one.
//!
//! Whether somebody had the right is judged at the membership heads that their entry names, so every device decides the same. A
//! version is written once. What others mark, take back or add on its document changes nothing of it.

use std::collections::BTreeMap;

use firsthand_document::{DocumentKind, FieldView, View};
use firsthand_ids::{ContentHash, DocumentId, LocalTime};
use firsthand_record::checklist::{Template, UnreadTemplate};
use firsthand_record::validate::{self, is_rejected};
use firsthand_store::{TemplateProjection, TemplateRow, TemplateState};
use firsthand_team::TeamError;
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::records::object;
use super::{Ledger, Now, Saved};
use crate::NodeError;

/// Why a checklist or a run of one cannot be used so. Messages complete "failed to ..." and name nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChecklistError {
    /// The version has been published with other content.
    #[error("publish {template_id} {version}: that version says something else here; raise the version")]
    Taken {
        /// What it is called.
        template_id: String,
        /// The version.
        version: u32,
    },
    /// The checklist is not one that a trainer published, or not whole.
    #[error("use the checklist: {}", reason(*.0))]
    Unusable(TemplateState),
    /// The checklist was taken out of lists.
    #[error("use the checklist: it is hidden and no longer offered")]
    Hidden,
    /// What a run is of is not here, or is not what the run was begun with.
    #[error("use the run: the version of the checklist that it is of is not here yet")]
    NotHere,
    /// The run was completed or abandoned.
    #[error("change the run: it is over")]
    Over,
    /// The checklist has no such item.
    #[error("find {0}: the checklist has no such item")]
    NoItem(String),
    /// The item is not asked, as answers stand.
    #[error("answer {0}: it is not asked, as the answers stand")]
    NotAsked(String),
    /// The item cannot be ticked, answered or timed.
    #[error("do that with {0}: its type is {1}")]
    OtherType(String, &'static str),
    /// The item asks for a photo or a recording, which is attached as a file.
    #[error("answer {0} with words: it asks for a file")]
    AsksForFile(String),
    /// The file is of another kind than the item asks for.
    #[error("answer {0} with that file: the item's type is {1}, and the file is something else")]
    OtherFile(String, &'static str),
    /// Nothing to take back.
    #[error("untick {0}: it is not ticked")]
    NotTicked(String),
    /// What was typed is no answer to the item.
    #[error("save the answer: {0}")]
    Wrong(#[from] firsthand_record::checklist::WrongAnswer),
    /// The answer does not fulfil the item's constraint. With what the trainer says of that; may be empty.
    #[error("save the answer: it is not one that the item accepts")]
    Constraint(String),
    /// A timer that does not run, or still runs, for so many seconds.
    #[error("change the timer: {}", timer(*.0))]
    Timer(Option<u64>),
    /// The run is not complete without these items: their names and what they say.
    #[error("complete the run: {} of its items must be done first", .0.len())]
    Missing(Vec<(String, String)>),
    /// Abandoning needs a reason.
    #[error("abandon the run: there is no reason")]
    NoReason,
}

fn timer(left: Option<u64>) -> String {
    left.map_or_else(|| "it does not run".to_owned(), |left| format!("it runs for {left} more seconds"))
}

/// What speaks against using a checklist, in words.
#[must_use]
pub const fn reason(state: TemplateState) -> &'static str {
    match state {
        TemplateState::Published => "it is published",
        TemplateState::NotByTrainer => "it was not published by a trainer",
        TemplateState::Misattributed => "it says that somebody else published it",
        TemplateState::Unreadable => "it has something that this version cannot read",
        TemplateState::NotWhole => "it is not, or not yet, what its author published",
        TemplateState::Unsound => "it breaks a rule that every checklist keeps",
    }
}

/// One version of a checklist, for lists and screens.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateView {
    /// Its row.
    pub row: TemplateRow,
    /// The name of whoever made it.
    pub author: String,
    /// When, as their device showed it.
    pub when: LocalTime,
    /// Others of the same version with other content: made apart, and a trainer has to publish a new version.
    pub conflicts: Vec<DocumentId>,
    /// Whether runs can be begun.
    pub offered: bool,
}

/// Fields as they are shown, with those lists whose items nobody can take back given whole.
pub(super) fn whole(view: &View, lists: &[&str]) -> Map<String, Value> {
    let mut fields = view.shown();
    for list in lists {
        if let Some(FieldView::Items(items)) = view.fields.get(*list) {
            let with_key = items.iter().map(|item| {
                let mut value = item.value.clone();
                if let Some(members) = value.as_object_mut() {
                    members.insert("key".to_owned(), json!(item.key));
                }
                value
            });
            fields.insert((*list).to_owned(), with_key.collect());
        }
    }
    fields
}

/// Reads a checklist, and says what to make of it.
pub(super) fn read(view: &View) -> (Option<Template>, TemplateState) {
    let Some(author) = view.creator() else { return (None, TemplateState::Unreadable) };
    let template = match Template::read(whole(view, &["items"]), author.writer) {
        Ok(template) => template,
        Err(UnreadTemplate::NotWhole) => return (None, TemplateState::NotWhole),
        Err(_) => return (None, TemplateState::Unreadable),
    };
    let state = if !author.rights.may_publish {
        TemplateState::NotByTrainer
    } else if template.signed_by != Some(author.person) {
        TemplateState::Misattributed
    } else if is_rejected(&validate::template(&template)) {
        TemplateState::Unsound
    } else {
        TemplateState::Published
    };
    (Some(template), state)
}

pub(super) fn template_row(view: &View) -> TemplateProjection {
    let (template, state) = read(view);
    let text = |field: &str| view.value(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = view.value("title").filter(|title| title.is_object());
    TemplateProjection {
        template_id: text("template_id"),
        version: view.value("version").and_then(Value::as_u64).and_then(|it| it.try_into().ok()).unwrap_or(0),
        title: title.map_or_else(|| "{}".to_owned(), Value::to_string),
        languages: template.as_ref().map(|it| it.content.languages.clone()).unwrap_or_default(),
        content_sha256: text("content_sha256").parse::<ContentHash>().ok(),
        items: template.as_ref().map_or(0, |it| it.content.items.len() as u32),
        critical: template
            .as_ref()
            .map_or(0, |it| it.content.items.iter().filter(|item| item.critical).count() as u32),
        state,
        hidden: view.is_hidden(),
    }
}

impl Ledger {
    /// Publishes a version of a checklist. The same content a second time is the one that is there.
    ///
    /// # Errors
    /// [`NodeError::Team`] for who has not the right; [`NodeError::Rejected`] with everything to put right;
    /// [`ChecklistError::Taken`] where the version says something else here. Nothing is saved then.
    pub fn publish_template(
        &mut self,
        mut template: Template,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        if !self.rights().publish {
            return Err(TeamError::NotAllowed.into());
        }
        template.signed_by = Some(self.person);
        let findings = validate::template(&template);
        if is_rejected(&findings) {
            return Err(NodeError::Rejected(findings));
        }
        self.apply_untried()?;
        let mut same = self.store.templates()?;
        // A version that was published is taken for good, also where it is hidden now: runs of it go on.
        same.retain(|other| {
            other.row.state == TemplateState::Published
                && (&other.row.template_id, other.row.version) == (&template.template_id, template.version)
        });
        let equal = |it: &&TemplateRow| it.row.content_sha256 == Some(template.content_sha256);
        if let Some(equal) = same.iter().filter(equal).find(|it| is_offered(it)) {
            self.drop_draft(&template.template_id)?;
            return Ok(Saved { id: equal.id, short_code: equal.id.short(), findings });
        }
        if same.iter().any(|it| !equal(&it)) {
            let Template { template_id, version, .. } = template;
            return Err(ChecklistError::Taken { template_id, version }.into());
        }
        let saved = self.add_record(DocumentKind::Template, object(&template)?, now, rng)?;
        self.drop_draft(&template.template_id)?;
        Ok(saved)
    }

    /// All checklists that are not hidden, by what they are called, the newest version first. What several people published
    /// with the same content stands once.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn templates(&mut self) -> Result<Vec<TemplateView>, NodeError> {
        self.apply_untried()?;
        let mut rows = self.store.templates()?;
        rows.retain(|row| !row.row.hidden);
        let mut offered: BTreeMap<(String, u32), Vec<(ContentHash, DocumentId)>> = BTreeMap::new();
        for row in rows.iter().filter(|row| is_offered(row)) {
            let Some(hash) = row.row.content_sha256 else { continue };
            let of = offered.entry((row.row.template_id.clone(), row.row.version)).or_default();
            if of.iter().all(|(other, _)| *other != hash) {
                of.push((hash, row.id));
            }
        }
        let mut views = Vec::new();
        for row in rows {
            let mut conflicts = Vec::new();
            if is_offered(&row) {
                let of = offered.get(&(row.row.template_id.clone(), row.row.version));
                let of = of.map_or(&[][..], Vec::as_slice);
                if of.iter().all(|(_, id)| *id != row.id) {
                    continue;
                }
                conflicts.extend(of.iter().map(|(_, id)| *id).filter(|id| *id != row.id));
            }
            views.push(self.template_view(row, conflicts)?);
        }
        Ok(views)
    }

    fn template_view(&self, row: TemplateRow, conflicts: Vec<DocumentId>) -> Result<TemplateView, NodeError> {
        Ok(TemplateView {
            author: self.name(&row.author),
            when: self.created(&row.id)?.info.local,
            offered: is_offered(&row),
            conflicts,
            row,
        })
    }

    /// One checklist: its row, and what it says as far as this version can read it.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn template(&mut self, id: DocumentId) -> Result<(TemplateView, Option<Template>), NodeError> {
        let listed = self.templates()?.into_iter().find(|view| view.row.id == id);
        let view = match listed {
            Some(view) => view,
            None => {
                let row = self.store.template(&id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
                self.template_view(row, Vec::new())?
            }
        };
        Ok((view, self.read_template(id)?.0))
    }

    pub(super) fn read_template(
        &mut self,
        id: DocumentId,
    ) -> Result<(Option<Template>, TemplateState), NodeError> {
        let document = self.load(&id)?;
        let found = read(&self.view(&document, &BTreeMap::new()));
        self.documents.put(id, document);
        Ok(found)
    }

    /// The checklist that is meant: what it is called, with `@` and a version or the newest, or the beginning of its id. Those
    /// that a trainer published come before others, and those that are hidden are found where no other is meant.
    ///
    /// # Errors
    /// [`NodeError::NotFound`]; [`NodeError::Ambiguous`] where a version was published apart with different content.
    pub fn find_template(&mut self, typed: &str) -> Result<DocumentId, NodeError> {
        match Self::find_template_of(&self.templates()?, typed.trim()) {
            Err(NodeError::NotFound(_)) => {
                let mut hidden = Vec::new();
                for row in self.store.templates()?.into_iter().filter(|row| row.row.hidden) {
                    hidden.push(self.template_view(row, Vec::new())?);
                }
                Self::find_template_of(&hidden, typed.trim())
            }
            found => found,
        }
    }

    fn find_template_of(views: &[TemplateView], typed: &str) -> Result<DocumentId, NodeError> {
        let named = |name: &str, version: Option<u32>| -> Vec<&TemplateView> {
            let fits = |it: &&TemplateView| {
                it.row.row.template_id.eq_ignore_ascii_case(name)
                    && version.is_none_or(|version| it.row.row.version == version)
            };
            let found: Vec<_> = views.iter().filter(fits).collect();
            let offered: Vec<_> = found.iter().copied().filter(|it| it.offered).collect();
            if offered.is_empty() { found } else { offered }
        };
        let mut found = named(typed, None);
        if let (true, Some((name, version))) = (found.is_empty(), typed.rsplit_once('@')) {
            found = version.parse().map_or_else(|_| Vec::new(), |version| named(name, Some(version)));
        }
        let newest = found.iter().map(|it| it.row.row.version).max();
        found.retain(|it| Some(it.row.row.version) == newest);
        if found.is_empty() && typed.len() >= 4 {
            found = views.iter().filter(|it| it.row.id.to_string().starts_with(typed)).collect();
        }
        match found[..] {
            [] => Err(NodeError::NotFound(typed.to_owned())),
            [one] => Ok(one.row.id),
            _ => {
                let candidates = found.iter().map(|it| it.row.id.to_string()).collect();
                Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates })
            }
        }
    }
}

fn is_offered(row: &TemplateRow) -> bool {
    row.row.state == TemplateState::Published && !row.row.hidden
}
