//! Hand-offs: what one shift leaves to the next, item by item.

use std::collections::BTreeMap;

use firsthand_document::DocumentKind;
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::Moment;
use firsthand_record::Status;
use firsthand_record::roster::{AcceptedStep, GivenStep, Handoff, HandoffAnswer, HandoffStanding, OpenItem};
use firsthand_record::validate::limits::LIST_ITEMS;
use firsthand_store::{HandoffProjection, IncidentQuery, Listed};
use rand_core::CryptoRng;

use super::people::Decision;
use super::records::object;
use super::shifts::add;
use super::{Ledger, Now, Saved, roster};
use crate::NodeError;

/// A hand-off with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffView {
    /// The document.
    pub id: DocumentId,
    /// The hand-off as it stands.
    pub record: Handoff,
    /// How far it has come.
    pub standing: HandoffStanding,
    /// What is open, numbered from 1: first incidents, then actions.
    pub items: Vec<HandoffItem>,
    /// What the shifts are called; empty where one is not here.
    pub from_title: String,
    /// The same of the shift that begins.
    pub to_title: String,
    /// The names of the leads who gave it as it stands or as it stood earlier.
    pub given_by: Vec<String>,
    /// The names of everybody who said something to it.
    pub names: BTreeMap<PersonId, String>,
    /// How many steps do not count, because their author did not lead.
    pub proposals: usize,
}

/// An open incident or action.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffItem {
    /// Its number in the hand-off, from 1.
    pub number: usize,
    /// The key of the item.
    pub key: String,
    /// The record it is about.
    pub document: Option<DocumentId>,
    /// The short code of the incident, where it is one that is here.
    pub short_code: Option<String>,
    /// The incident's title, or what is to be done.
    pub text: String,
    /// What counts as the answer; `None`: nothing yet.
    pub answer: Option<HandoffAnswer>,
    /// Everything that was said to it, in order.
    pub said: Vec<AcceptedStep>,
}

/// A hand-off in a list.
pub type HandoffRow = Listed<HandoffProjection>;

impl Ledger {
    /// Starts a hand-off. The incidents that are open go into it, besides what it lists already.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right.
    pub fn start_handoff(
        &mut self,
        mut handoff: Handoff,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let open = IncidentQuery {
            statuses: [Status::Draft, Status::Open, Status::Monitoring].map(|it| it.code().to_owned()).into(),
            limit: LIST_ITEMS,
            ..IncidentQuery::default()
        };
        for row in self.store.incidents(&open)? {
            if !handoff.open_incidents.iter().any(|it| it.document == Some(row.id)) {
                // Its title is the incident's own to keep, or to lose.
                let (key, text) = (String::new(), String::new());
                handoff.open_incidents.push(OpenItem { key, document: Some(row.id), text });
            }
        }
        self.add_record(DocumentKind::Handoff, object(&handoff)?, now, rng)
    }

    /// Gives a hand-off as it stands. It counts from a lead; the entry carries their signature.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn give_handoff(
        &mut self,
        id: DocumentId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let items = self.handoff(id)?.items.into_iter().map(|item| item.key).collect();
        let step = GivenStep { key: String::new(), by: self.person, at: moment(now)?, items };
        self.edit_handoff(id, &[add("given_by", &step)?], now, rng)
    }

    /// Says something to items, by their keys. It counts from a lead who did not give the hand-off.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn answer_handoff(
        &mut self,
        id: DocumentId,
        items: &[String],
        answer: HandoffAnswer,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let at = moment(now)?;
        let step = |item: &String| AcceptedStep {
            key: String::new(),
            item: item.clone(),
            answer,
            by: self.person,
            at,
            note: note.to_owned(),
        };
        let edits: Vec<_> =
            items.iter().map(|item| add("accepted_by", &step(item))).collect::<Result<_, _>>()?;
        self.edit_handoff(id, &edits, now, rng)
    }

    /// Takes a hand-off over as a whole. Each item still needs its answer.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn take_handoff(
        &mut self,
        id: DocumentId,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        self.answer_handoff(id, &[String::new()], HandoffAnswer::Accepted, note, now, rng)
    }

    fn edit_handoff(
        &mut self,
        id: DocumentId,
        edits: &[firsthand_document::Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let saved = self.edit_of(id, &DocumentKind::Handoff, edits, now, rng)?;
        Ok(Decision { saved, counts: self.rights().close })
    }

    /// One hand-off with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here.
    pub fn handoff(&mut self, id: DocumentId) -> Result<HandoffView, NodeError> {
        let view = self.read_view(&id)?;
        let is_one = view.kind == DocumentKind::Handoff;
        if !is_one {
            return Err(NodeError::NotFound(id.short()));
        }
        let (record, standing, signed) = roster::handoff(&view);
        let names = self.names()?;
        let shifts = self.store.shifts(usize::MAX)?;
        let title = |shift: Option<DocumentId>| {
            let found = shifts.iter().find(|it| Some(it.id) == shift);
            found.map_or_else(String::new, |it| it.row.title.clone())
        };
        let mut items = Vec::new();
        for (number, item) in (1..).zip(record.items()) {
            let incident = match &item.document {
                Some(id) => self.store.incident(id)?,
                None => None,
            };
            let said = record.accepted_by.iter().filter(|it| it.item == item.key).cloned().collect();
            items.push(HandoffItem {
                number,
                key: item.key.clone(),
                document: item.document,
                short_code: incident.as_ref().map(super::read::short_code),
                text: incident
                    .map(|row| row.incident.title)
                    .filter(|it| !it.is_empty())
                    .unwrap_or_else(|| item.text.clone()),
                answer: standing.items.get(&item.key).copied().flatten(),
                said,
            });
        }
        let given = record.given_by.iter().filter(|it| signed.contains(&it.key)).map(|it| names.of(&it.by));
        let given_by: std::collections::BTreeSet<String> = given.collect();
        let people = record.given_by.iter().map(|it| it.by).chain(record.accepted_by.iter().map(|it| it.by));
        Ok(HandoffView {
            id,
            items,
            from_title: title(record.from_shift),
            to_title: title(record.to_shift),
            given_by: given_by.into_iter().collect(),
            names: people.map(|person| (person, names.of(&person))).collect(),
            proposals: record.given_by.len() + record.accepted_by.len() - signed.len(),
            standing,
            record,
        })
    }

    /// All hand-offs, the latest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn handoffs(&self, limit: usize) -> Result<Vec<HandoffRow>, NodeError> {
        Ok(self.store.handoffs(limit)?)
    }

    /// The hand-off that is meant by the beginning of its id, or `last`.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], or [`NodeError::Ambiguous`] with the ids that fit.
    pub fn find_handoff(&self, typed: &str) -> Result<DocumentId, NodeError> {
        let wanted = typed.trim().to_lowercase();
        let all = self.store.handoffs(usize::MAX)?;
        let fits = |it: &&HandoffRow| wanted.len() >= 4 && it.id.to_string().starts_with(&wanted);
        let found: Vec<&HandoffRow> =
            if wanted == "last" { all.iter().take(1).collect() } else { all.iter().filter(fits).collect() };
        match found.as_slice() {
            [] => Err(NodeError::NotFound(typed.to_owned())),
            [one] => Ok(one.id),
            several => {
                let candidates = several.iter().map(|it| it.id.short()).collect();
                Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates })
            }
        }
    }
}

fn moment(now: Now) -> Result<Moment, NodeError> {
    Moment::from_local(now).ok_or(NodeError::Inconsistent("the clock of this device"))
}
