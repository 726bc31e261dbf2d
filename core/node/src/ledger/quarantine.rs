//! What is kept and not shown: entries in quarantine, what builds on them, and what waits for something else.
//!
//! A held entry is in no document, and nothing that builds on it is applied either: it waits. So every document here consists of
//! clean changes alone, and its heads are its clean heads (design.md, "Quarantine").

use std::collections::{BTreeMap, BTreeSet};

use firsthand_document::{Document, Incoming, Outcome};
use firsthand_ids::{ChangeHash, DocumentId, EntryHash, LocalTime, Position, WriterId};
use firsthand_log::EntryKind;
use firsthand_store::{EntryInfo, EntryState, HoldReason};

use super::authors::LogAuthors;
use super::order::dependencies;
use super::{Ledger, own};
use crate::NodeError;

/// How many entries behind a held one are named; all are counted.
const NAMED: usize = 20;

/// What is kept and not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineView {
    /// Entries in quarantine, in the order in which they were kept.
    pub held: Vec<HeldView>,
    /// Whose entries wait for what is not here, those behind held entries aside; the most first.
    pub waiting: Vec<WaitingView>,
}

/// An entry in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldView {
    /// Whose chain.
    pub writer: WriterId,
    /// Whose device.
    pub person: String,
    /// Its place in the chain.
    pub position: Position,
    /// Its hash.
    pub hash: EntryHash,
    /// When, as the writer says.
    pub local: LocalTime,
    /// The document it is about.
    pub document: Option<DocumentId>,
    /// Why it is held, one of a few words for machines.
    pub reason: &'static str,
    /// The rule that the change breaks, where the guard refused it.
    pub rule: Option<&'static str>,
    /// Entries that build on it and wait: the first of them.
    pub behind: Vec<PlaceView>,
    /// How many there are.
    pub behind_count: u64,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceView {
    /// Whose chain.
    pub writer: WriterId,
    /// Whose device.
    pub person: String,
    /// Its place in the chain.
    pub position: Position,
}

/// Entries of one chain that wait for what is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingView {
    /// Whose chain.
    pub writer: WriterId,
    /// Whose device.
    pub person: String,
    /// How many entries.
    pub entries: u64,
    /// Of how many documents.
    pub documents: u64,
    /// How many of the entries wait for membership operations, the others for entries.
    pub for_membership: u64,
}

const fn words(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Refused => "refused",
        HoldReason::Unsafe => "unsafe",
        HoldReason::Cut => "removed",
        HoldReason::Dependent => "dependent",
        HoldReason::Disputed => "disputed",
        _ => "other",
    }
}

impl Ledger {
    /// The entries in quarantine with what waits behind each, and what waits for anything else.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn quarantine(&mut self) -> Result<QuarantineView, NodeError> {
        self.apply_untried()?;
        let (mut held, mut waiting) = (Vec::new(), Vec::new());
        for info in self.store.unsettled()? {
            match info.state {
                EntryState::Held(reason) => held.push((info, reason)),
                EntryState::Waiting => waiting.push(info),
                _ => {}
            }
        }
        let documents: BTreeSet<_> = held.iter().filter_map(|(info, _)| info.document).collect();
        let followers = self.followers(&waiting, &documents)?;
        let mut view = QuarantineView::default();
        let mut explained = BTreeSet::new();
        for (info, reason) in held {
            let behind = behind(info.content, &followers);
            let rule = if reason == HoldReason::Refused { self.rule(&info)? } else { None };
            view.held.push(HeldView {
                writer: info.writer,
                person: self.name(&info.person),
                position: info.position,
                hash: info.hash,
                local: info.local,
                document: info.document,
                reason: words(reason),
                rule,
                behind: behind.iter().take(NAMED).map(|index| self.place(&waiting[*index])).collect(),
                behind_count: behind.len() as u64,
            });
            explained.extend(behind);
        }
        let rest = waiting.iter().enumerate().filter(|(index, _)| !explained.contains(index));
        let rest: Vec<_> = rest.map(|(_, info)| info).collect();
        view.waiting = self.by_writer(&rest);
        Ok(view)
    }

    /// Which of the waiting entries of these documents build on a change, by its hash.
    fn followers(
        &self,
        waiting: &[EntryInfo],
        documents: &BTreeSet<DocumentId>,
    ) -> Result<BTreeMap<ChangeHash, Vec<(usize, ChangeHash)>>, NodeError> {
        let mut followers: BTreeMap<ChangeHash, Vec<(usize, ChangeHash)>> = BTreeMap::new();
        for (index, info) in waiting.iter().enumerate() {
            if !info.document.is_some_and(|id| documents.contains(&id)) {
                continue;
            }
            // One after the other: together they may be more than memory holds.
            let Some(stored) = self.store.entry(&info.writer, info.position)? else { continue };
            for dependency in dependencies(&stored.entry) {
                followers.entry(dependency).or_default().push((index, info.content));
            }
        }
        Ok(followers)
    }

    /// The rule that a refused change breaks, found by trying it once more.
    fn rule(&self, info: &EntryInfo) -> Result<Option<&'static str>, NodeError> {
        let Some(id) = info.document else { return Ok(None) };
        let Some(stored) = self.store.entry(&info.writer, info.position)? else { return Ok(None) };
        let mut document = match self.store.document(&id)? {
            Some(stored) => Document::load(&stored.saved)?,
            None => Document::empty(),
        };
        if !self.may_write(info) {
            return Ok(Some("whoever may only read writes nothing"));
        }
        let known = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &known);
        let incoming = Incoming {
            writer: info.writer,
            position: info.position,
            create: info.kind == EntryKind::Create,
            change: &stored.entry.body,
        };
        match document.apply(&[incoming], &authors).outcomes.pop() {
            Some(Outcome::Refused(error)) => Ok(Some(error.rule.message())),
            _ => Ok(None),
        }
    }

    fn place(&self, info: &EntryInfo) -> PlaceView {
        PlaceView { writer: info.writer, person: self.name(&info.person), position: info.position }
    }

    fn by_writer(&self, waiting: &[&EntryInfo]) -> Vec<WaitingView> {
        let mut chains: BTreeMap<WriterId, (WaitingView, BTreeSet<DocumentId>)> = BTreeMap::new();
        for info in waiting {
            let new = || {
                let (writer, person) = (info.writer, self.name(&info.person));
                (WaitingView { writer, person, entries: 0, documents: 0, for_membership: 0 }, BTreeSet::new())
            };
            let (view, documents) = chains.entry(info.writer).or_insert_with(new);
            view.entries += 1;
            documents.extend(info.document);
            if !info.membership.iter().all(|head| self.membership.contains(head)) {
                view.for_membership += 1;
            }
        }
        let count = |(view, documents): (WaitingView, BTreeSet<DocumentId>)| WaitingView {
            documents: documents.len() as u64,
            ..view
        };
        let mut views: Vec<_> = chains.into_values().map(count).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.entries));
        views
    }

    /// Makes the next own entry begin a new chain where an own change of this document is not in it: its sequence number is
    /// taken, and two changes with one number would part the replicas for good. It takes a rebuild under stricter rules, or a
    /// repair that did not find what it builds on.
    pub(super) fn leave_unclean_chain(&mut self, id: &DocumentId) -> Result<(), NodeError> {
        let Some(stored) = self.store.document(id)?.filter(|stored| stored.unsettled > 0) else {
            return Ok(());
        };
        let Some(own::OwnChain { writer, .. }) = self.own.get(&stored.space).copied() else { return Ok(()) };
        let own = |info: &EntryInfo| info.writer == writer && info.document == Some(*id);
        if self.store.unsettled()?.iter().any(own) {
            tracing::warn!("an own entry is not in its document; the next one begins a new chain");
            self.own.remove(&stored.space);
        }
        Ok(())
    }
}

/// Everything that builds on a change, directly or not, in the order in which it was kept.
fn behind(change: ChangeHash, followers: &BTreeMap<ChangeHash, Vec<(usize, ChangeHash)>>) -> BTreeSet<usize> {
    let (mut found, mut next) = (BTreeSet::new(), vec![change]);
    while let Some(change) = next.pop() {
        for (index, content) in followers.get(&change).into_iter().flatten() {
            if found.insert(*index) {
                next.push(*content);
            }
        }
    }
    found
}
