//! What lies beyond the cut of a removed device: held, whoever had applied it before, and released where leads say so.
//!
//! A change is never taken out of a document; the document is made anew from the changes that are clean. That happens where a
//! revocation stands or falls, and where a lead releases an entry. Which entries are held follows from the membership alone, so
//! all devices hold the same.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_document::Document;
use firsthand_ids::{OperationHash, Position, SpaceId, WriterId};
use firsthand_log::EntryKind;
use firsthand_log::codec::{Reader, Writer};
use firsthand_store::{AsideReason, Commit, EntryInfo, EntryState, HoldReason};
use firsthand_team::{Membership, TeamError};

use super::apply::{Arrival, Growing, Subject};
use super::order::dependencies;
use super::{Ledger, project};
use crate::NodeError;

/// The membership heads under which documents were last judged where a revocation or a release was among the operations.
const JUDGED: &str = "team.judged";
/// How many entries beyond a cut are read at once.
const PAGE: usize = 256;

const CUT: EntryState = EntryState::Held(HoldReason::Cut);

type Place = (WriterId, Position);

impl Ledger {
    /// Signs a membership operation, saves it and does what follows from it.
    ///
    /// # Errors
    /// [`NodeError::Team`] where the team's rules forbid it; [`NodeError::Store`] from the store.
    pub(super) fn change_team(
        &mut self,
        sign: impl FnOnce(
            &mut Membership,
            &firsthand_log::DeviceSecret,
        ) -> Result<(OperationHash, Vec<u8>), TeamError>,
    ) -> Result<OperationHash, NodeError> {
        let mut membership = self.membership.clone();
        let operation = sign(&mut membership, &self.keys.signing).map_err(|error| match error {
            TeamError::NotAllowed => self.may_not_change_team(),
            error => error.into(),
        })?;
        let hash = operation.0;
        let mut commit = Commit::new(self.space);
        commit.operations.push(operation);
        commit.membership = Some(membership.heads());
        commit.settings = super::epochs::follow(&mut self.group, &membership);
        self.store.commit(commit)?;
        let before = std::mem::replace(&mut self.membership, membership);
        self.renamed = true;
        self.obey(&before)?;
        Ok(hash)
    }

    /// Brings the documents in line with the membership, where they were judged under another; says whether any changed.
    pub(super) fn obey(&mut self, before: &Membership) -> Result<bool, NodeError> {
        if !self.membership.overrules(before) {
            return Ok(false);
        }
        self.apply_untried()?;
        let beyond = self.beyond()?;
        let mut documents: BTreeSet<Subject> = self.cut_documents(&beyond)?;
        let mut differs = |device: &firsthand_ids::DeviceKey, heads: &[OperationHash]| {
            self.membership.rights_at(heads, device) != before.rights_at(heads, device)
        };
        documents.extend(self.store.documents_judged_under(&mut differs)?);
        for subject in &documents {
            self.judge_anew(*subject, &beyond)?;
        }
        let mut commit = Commit::new(self.space);
        commit.derived = true;
        commit.settings.push((JUDGED.to_owned(), encode(&self.membership.heads())));
        self.keep(commit)?;
        Ok(!documents.is_empty())
    }

    /// The same for what was saved before the program ended.
    pub(super) fn obey_what_was_saved(&mut self) -> Result<(), NodeError> {
        let judged = self.store.setting(JUDGED)?.and_then(|bytes| decode(&bytes));
        let first: Vec<OperationHash> =
            self.membership.all().into_iter().take(1).map(|(hash, _)| hash).collect();
        let heads = judged.unwrap_or(first);
        match self.membership.before(&heads) {
            Some(before) => self.obey(&before).map(drop),
            None => Ok(()),
        }
    }

    /// Whether entries of chains that may be cut have just come; then what of them is held is looked at once more.
    pub(super) fn look_at_cuts(&mut self) -> Result<(), NodeError> {
        let beyond = self.beyond()?;
        let documents = self.cut_documents(&beyond)?;
        if !documents.is_empty() {
            self.apply_untried()?;
        }
        for subject in documents {
            self.judge_anew(subject, &beyond)?;
        }
        Ok(())
    }

    /// The last position of a chain that stays; `None` where it is not cut.
    pub(super) fn stays_to(
        &self,
        space: &SpaceId,
        writer: &WriterId,
        device: &firsthand_ids::DeviceKey,
        first_heads: &[OperationHash],
    ) -> Result<Option<Position>, NodeError> {
        let Some(cut) = self.membership.cut(space, writer, device, first_heads) else { return Ok(None) };
        let here = self.store.entry_hash_at(space, writer, cut.position)?;
        if cut.hash.is_none() || here.is_none() || here == cut.hash {
            return Ok(Some(cut.position));
        }
        // Another branch was seen by those who cut it: what both have in common stays.
        let forks = self.store.aside()?.into_iter();
        let forks = forks.filter(|run| run.reason == AsideReason::Fork && run.writer == *writer);
        let first = forks.map(|run| run.first.0).min().unwrap_or(1);
        Ok(Some(Position(first.saturating_sub(1))))
    }

    /// Entries that lie beyond a cut and are not released.
    fn beyond(&self) -> Result<BTreeMap<Place, EntryInfo>, NodeError> {
        let mut beyond = BTreeMap::new();
        let spaces: Vec<SpaceId> = self.store.spaces().collect();
        for space in spaces {
            for (writer, mark) in self.store.vector(&space).iter() {
                let Some(tip) = self.store.tip(&space, writer) else { continue };
                if !self.membership.is_cut(&tip.device) {
                    continue;
                }
                let first = self.store.entry_info(writer, Position::START.next())?;
                let heads = first.map(|info| info.membership).unwrap_or_default();
                let Some(stays) = self.stays_to(&space, writer, &tip.device, &heads)? else { continue };
                let mut from = stays.next();
                while from <= mark.position {
                    let page = self.store.entries(&space, writer, from, PAGE)?;
                    let Some(last) = page.last() else { break };
                    from = last.info.position.next();
                    let changes = page.into_iter().map(|stored| stored.info).filter(is_change);
                    beyond.extend(changes.map(|info| ((info.writer, info.position), info)));
                }
            }
        }
        if !beyond.is_empty() {
            for place in self.released()? {
                beyond.remove(&place);
            }
        }
        Ok(beyond)
    }

    /// The entries that leads released, with all that each builds on in its document.
    fn released(&self) -> Result<BTreeSet<Place>, NodeError> {
        let mut released = BTreeSet::new();
        for (_, writer, position, hash) in self.membership.all_adopted() {
            let mut next = vec![(writer, position)];
            if self.store.entry_info(&writer, position)?.is_none_or(|info| info.hash != hash) {
                continue;
            }
            while let Some((writer, position)) = next.pop() {
                if !released.insert((writer, position)) {
                    continue;
                }
                let Some(stored) = self.store.entry(&writer, position)? else { continue };
                for change in dependencies(&stored.entry) {
                    let before = self.store.author(&change)?;
                    let same = before.filter(|info| info.document == stored.info.document);
                    next.extend(same.map(|info| (info.writer, info.position)));
                }
            }
        }
        Ok(released)
    }

    /// The documents in which something is held that should not be, or the other way round.
    fn cut_documents(&self, beyond: &BTreeMap<Place, EntryInfo>) -> Result<BTreeSet<Subject>, NodeError> {
        let mut documents: BTreeSet<Subject> = beyond
            .values()
            .filter(|info| info.state != CUT)
            .filter_map(|info| Some((info.space, info.document?)))
            .collect();
        let held = self.store.unsettled()?.into_iter().filter(|info| info.state == CUT);
        let free = held.filter(|info| !beyond.contains_key(&(info.writer, info.position)));
        documents.extend(free.filter_map(|info| Some((info.space, info.document?))));
        Ok(documents)
    }

    /// Makes a document anew from the changes that are clean.
    fn judge_anew(
        &mut self,
        (space, id): Subject,
        beyond: &BTreeMap<Place, EntryInfo>,
    ) -> Result<(), NodeError> {
        let mut commit = Commit::new(space);
        commit.derived = true;
        for (place, info) in beyond {
            if (info.space, info.document) == (space, Some(id)) && info.state != CUT {
                commit.state_changes.push((place.0, place.1, CUT));
            }
        }
        let mut arrivals = Vec::new();
        for change in self.store.changes_of(&id)? {
            let place = (change.info.writer, change.info.position);
            if change.info.space != space || !is_change(&change.info) || beyond.contains_key(&place) {
                continue;
            }
            match change.info.state {
                EntryState::Applied
                | EntryState::Waiting
                | EntryState::Held(HoldReason::Refused | HoldReason::Cut) => {
                    let ready = self.is_ready(&change);
                    if ready && !self.may_write(&change.info) {
                        self.refuse(&change.info, &mut commit);
                        continue;
                    }
                    arrivals.push((ready, Arrival::from(change)));
                }
                _ => {}
            }
        }
        let mut growing =
            Growing { document: Document::empty(), creator: None, changed: false, settled: BTreeSet::new() };
        let known = BTreeMap::new();
        let ready = arrivals.iter().filter(|(ready, _)| *ready).map(|(_, arrival)| arrival).collect();
        self.grow(&mut growing, ready, &known, &mut commit);
        for (_, arrival) in &arrivals {
            let place = (arrival.writer, arrival.position);
            if !growing.settled.contains(&place) && arrival.state != EntryState::Waiting {
                commit.state_changes.push((place.0, place.1, EntryState::Waiting));
            }
        }
        self.documents.take(&id);
        commit.reset.push(id);
        if let (true, Some((creator, created))) = (growing.changed, growing.creator) {
            let view = self.view(&growing.document, &known);
            commit.documents.push(project::update(id, &growing.document, &view, creator, created));
        }
        self.keep(commit)
    }

    /// Whether an entry's author was allowed to write anything at all; asked where the heads that it names are here.
    pub(super) fn may_write(&self, info: &EntryInfo) -> bool {
        self.membership.rights_at(&info.membership, &info.device).is_some_and(|rights| rights.write)
    }

    /// Holds an entry of somebody who may only read.
    pub(super) fn refuse(&self, info: &EntryInfo, commit: &mut Commit) {
        let held = EntryState::Held(HoldReason::Refused);
        if info.state != held {
            commit.state_changes.push((info.writer, info.position, held));
        }
    }
}

/// Whether an entry changes a document.
fn is_change(info: &EntryInfo) -> bool {
    matches!(info.kind, EntryKind::Create | EntryKind::Change) && info.document.is_some()
}

fn encode(heads: &[OperationHash]) -> Vec<u8> {
    let mut out = Writer::new();
    for head in heads {
        out.fixed(head);
    }
    out.into_bytes()
}

fn decode(bytes: &[u8]) -> Option<Vec<OperationHash>> {
    let mut reader = Reader::new(bytes);
    let heads = (0..bytes.len() / 32).map(|_| reader.array("heads").ok().map(OperationHash::new));
    heads.collect()
}
