//! Answers to what links ask.

use std::collections::BTreeSet;

use firsthand_ids::{DeviceKey, ExchangeKey, SpaceId, WriterId};
use firsthand_log::lean::encode_batch;
use firsthand_log::{Batch, Mark, Standing, Vector};
use firsthand_store::BatchLimits;
use firsthand_sync::{BATCH_BYTES, BATCH_ENTRIES, Effect, Input, LoadedBatch, Refusal};

use super::transfer::{FileWork, StoredPart};
use super::{Ledger, Now};
use crate::NodeError;
use crate::meeting::{Answer, Change, Members, Question};

/// An answer, or what has to be done before there is one.
#[derive(Debug)]
pub enum Answering {
    /// The answer.
    Now(Answer),
    /// Long work on a file. Do it beside the ledger's thread and hand what comes of it to [`Ledger::file_done`], which
    /// gives the answer; other questions may be asked meanwhile.
    After(Box<FileWork>),
    /// A piece of it was done. Ask again after others had their turn: what a person saves must not wait until 10,000 documents
    /// that came at once are built.
    Again(Question),
}

impl Ledger {
    /// Answers a question of a link, however long that takes.
    pub fn answer(&mut self, question: Question, now: Now) -> Answer {
        let mut question = question;
        loop {
            match self.begin_answer(question, now) {
                Answering::Now(answer) => return answer,
                Answering::After(work) => return self.file_done(work.run()),
                Answering::Again(rest) => question = rest,
            }
        }
    }

    /// Answers a question of a link, or says what is to be done first.
    pub fn begin_answer(&mut self, question: Question, now: Now) -> Answering {
        if let Question::Session { effect: Effect::StoreChunk { file, index, total, sealed }, .. } = question
        {
            let result = match self.store_part(&file, index, total, &sealed) {
                Ok(StoredPart::Work(work)) => return Answering::After(work),
                Ok(StoredPart::Missing(missing)) => Ok(missing),
                Err(refusal) => Err(refusal),
            };
            let complete = result.as_ref().is_ok_and(Vec::is_empty);
            let change = if complete { self.received() } else { Change::default() };
            let input = Input::ChunkStored { file, result };
            return Answering::Now(Answer::Session { input, change, entries: 0 });
        }
        let applies =
            matches!(&question, Question::Apply | Question::Session { effect: Effect::Apply { .. }, .. });
        // What fails is tried once more below, which tells of it.
        if applies && self.apply_piece().unwrap_or(false) {
            return Answering::Again(question);
        }
        Answering::Now(match question {
            Question::Greet { peer } => self.greet(&peer, now),
            Question::Session { peer, effect } => self.session(&peer, effect, now),
            Question::Apply => {
                let mut change = Change::default();
                // It stays on the disk as it is, and is tried again with what comes next or when the home is opened.
                let _ = self.apply_received(&mut change);
                Answer::Applied { change }
            }
            Question::Note { peer, seen } => {
                if let Err(error) = self.note_meeting(&peer, seen, now.at) {
                    tracing::warn!(%error, "how a meeting stood was not kept");
                }
                Answer::Noted
            }
            Question::Admit { request, exchange, role } => {
                let name = request.name.clone();
                self.admit(name, |team, secret| team.add(secret, &request, exchange, role))
            }
            Question::Endorse { request, exchange } => {
                match self.membership.endorse(&self.keys.signing, &request, exchange) {
                    Ok(proposal) if self.rights().add => {
                        let name = self.name(&self.person);
                        self.admit(name, |team, secret| team.admit_device(secret, &proposal))
                    }
                    result => Answer::Endorsed { result },
                }
            }
            Question::Welcome => Answer::Admitted {
                result: Ok(self.welcomed(self.name(&self.person))),
                change: Change::default(),
            },
        })
    }

    /// What every session must hear after own entries were saved: nothing of them can be missing here.
    #[must_use]
    pub fn change(&mut self) -> Change {
        let vectors = self.store.spaces().map(|space| (space, self.store.vector(&space))).collect();
        let membership = std::mem::take(&mut self.renamed).then(|| self.members());
        Change { vectors, membership, missing: None }
    }

    /// The same after entries or files came from others.
    pub(crate) fn received(&mut self) -> Change {
        let missing =
            self.missing().inspect_err(|error| tracing::error!(%error, "what is missing is unknown"));
        Change { missing: missing.ok(), ..self.change() }
    }

    fn greet(&self, peer: &ExchangeKey, now: Now) -> Answer {
        let roster = self.membership.roster();
        let device = roster.device_by_exchange(peer);
        let member =
            device.and_then(|device| roster.member(&device).map(|(_, member)| (device, member.name.clone())));
        let (pending, wanted) = self.missing().unwrap_or_default();
        Answer::Greeted { member, heads: self.membership.heads(), pending, wanted, clock: now.at }
    }

    /// The spaces that this device and a peer both take part in.
    fn open_spaces(&self, peer: &ExchangeKey) -> Input {
        let both =
            self.membership.spaces_of(&self.person).into_keys().filter(|space| self.reads(peer, space));
        let spaces = both.map(|space| (space, self.store.vector(&space))).collect();
        Input::SpacesOpened { main: self.space, spaces }
    }

    fn reads(&self, peer: &ExchangeKey, space: &SpaceId) -> bool {
        let roster = self.membership.roster();
        let person = roster.device_by_exchange(peer).and_then(|device| roster.member(&device));
        person.is_some_and(|(person, _)| self.membership.reads(space, &person))
    }

    pub(super) fn members(&self) -> (Vec<firsthand_ids::OperationHash>, Members) {
        if !self.is_admitted() {
            return (self.membership.heads(), Members::new());
        }
        let roster = self.membership.roster();
        let member = |(key, device): (&DeviceKey, &firsthand_team::Device)| {
            let name = roster.members.get(&device.person)?.name.clone();
            Some((device.exchange, (*key, name)))
        };
        (self.membership.heads(), roster.devices.iter().filter_map(member).collect())
    }

    /// After a failed commit the operations in memory must again be those on the disk.
    pub(super) fn reload_membership(&mut self) {
        let Ok(operations) = self.store.operations() else { return };
        let operations = operations.iter().map(|(_, bytes)| bytes.as_slice());
        if let Ok(membership) = firsthand_team::Membership::load(operations) {
            self.membership = membership;
        }
    }

    fn session(&mut self, peer: &ExchangeKey, effect: Effect, now: Now) -> Answer {
        let mut change = Change::default();
        let mut entries = 0;
        let input = match effect {
            Effect::LoadOperations { heads } => {
                let removed = self.membership.roster().removed_by_exchange(peer);
                let lacking = match removed {
                    // It hears that it was removed, and nothing that came later.
                    Some(device) => self.membership.notice(&device, &self.device, &heads),
                    None => self.membership.lacking(&heads),
                };
                let operations = lacking.into_iter().map(|(_, bytes)| bytes).collect();
                Input::OperationsLoaded { heads: self.membership.heads(), operations, all: removed.is_none() }
            }
            Effect::TakeOperations { operations } => {
                let peer_known = self.take_operations(Some(peer), &operations, &mut change);
                Input::OperationsTaken { heads: self.membership.heads(), peer_known }
            }
            Effect::OpenSpaces if !self.is_admitted() => {
                Input::Close(firsthand_sync::GoodbyeReason::NotAMember)
            }
            Effect::OpenSpaces => self.open_spaces(peer),
            // Who reads a space may have changed since the meeting began.
            Effect::Load { space, .. } if !self.reads(peer, &space) => {
                Input::Loaded { space, batch: Err(Refusal::NotAMember), forks: BTreeSet::new() }
            }
            Effect::LoadBranch { space, .. } if !self.reads(peer, &space) => {
                Input::BranchLoaded { space, batch: Err(Refusal::NotAMember) }
            }
            Effect::Load { space, receiver, forks, only } => {
                self.load_batch(space, receiver, forks, only.as_ref())
            }
            Effect::Commit { space, plain } => {
                let result = self.receive(&space, &plain, now).map(|received| {
                    entries = received.entries;
                    if entries > 0 {
                        change = self.received();
                    }
                    received.committed
                });
                Input::Committed { space, result }
            }
            Effect::Apply { space } => {
                let result = self.apply_received(&mut change);
                // Nothing of what it told of is still on its way.
                if let Some(device) = self.membership.roster().device_by_exchange(peer)
                    && let Err(error) = self.forget_rows(&device)
                {
                    tracing::error!(%error, "rows that came ahead stay until the next meeting");
                }
                Input::Applied { space, result }
            }
            Effect::LoadRows { space, receiver, limit } => {
                let packed = self.load_rows(&space, &receiver, limit, now);
                // The entries come all the same.
                let packed = packed.inspect_err(|error| tracing::error!(%error, "no rows go ahead"));
                Input::RowsLoaded { space, packed: packed.ok().flatten() }
            }
            Effect::KeepRows { space, packed } => {
                if let Some(device) = self.membership.roster().device_by_exchange(peer)
                    && space == self.space
                    && let Err(error) = self.keep_rows(&space, &device, &packed)
                {
                    tracing::warn!(%error, "rows that came ahead were not kept");
                }
                Input::RowsKept
            }
            Effect::LoadBranch { space, writer } => {
                let batch = self.load_branch(&space, &writer).map_err(|error| {
                    tracing::error!(%error, "could not read a branch");
                    Refusal::Storage
                });
                Input::BranchLoaded { space, batch }
            }
            Effect::LoadChunk { file, index } => {
                // Who does not read the record gets no part of its file, not even a sealed one.
                let space = self.store.document(&file.document).ok().flatten().map(|stored| stored.space);
                let space = space.filter(|space| self.reads(peer, space));
                let chunk = space.and_then(|_| self.load_part(&file, index));
                Input::ChunkLoaded { file, index, chunk }
            }
            Effect::PeerClock { at } => {
                if let Some(device) = self.membership.roster().device_by_exchange(peer)
                    && let Err(error) = self.keep_clock(device, at, now)
                {
                    tracing::warn!(%error, "a peer's time was not kept");
                }
                Input::ClockKept
            }
            Effect::PeerHolds { space, marks } => {
                if let Err(error) = self.keep_delivered(&space, &marks) {
                    tracing::warn!(%error, "what a peer holds was not kept");
                }
                Input::HoldingKept { space }
            }
            Effect::MakeReceipts { space } => {
                // The meeting goes on without them.
                let receipts = self.make_receipts(peer, &space, now);
                let receipts = receipts.inspect_err(|error| tracing::error!(%error, "no receipts are made"));
                Input::ReceiptsMade { space, receipts: receipts.ok().flatten() }
            }
            Effect::KeepReceipts { space, receipts } => {
                if let Err(error) = self.keep_receipts(peer, &space, &receipts) {
                    tracing::warn!(%error, "a peer's receipts were not kept");
                }
                Input::ReceiptsKept
            }
            Effect::Send(_)
            | Effect::StoreChunk { .. }
            | Effect::TellWhenTaken
            | Effect::Equal { .. }
            | Effect::Forked { .. }
            | Effect::PeerPending(_)
            | Effect::Close(_) => Input::Close(firsthand_sync::GoodbyeReason::Done),
        };
        Answer::Session { input, change, entries }
    }

    pub(super) fn apply_received(&mut self, change: &mut Change) -> Result<(), Refusal> {
        let applied = self.apply_untried();
        let applied =
            applied.inspect_err(|error| tracing::error!(%error, "could not apply what was received"));
        if applied.map_err(|_| Refusal::Storage)? | self.untried.take_unheard() {
            *change = self.received();
        }
        Ok(())
    }

    /// Keeps what a peer knows of the team; says whether the peer belongs to it. Of one that does not, nothing is kept: a removed
    /// device could fill everybody's history.
    pub(super) fn take_operations(
        &mut self,
        peer: Option<&ExchangeKey>,
        operations: &[Vec<u8>],
        change: &mut Change,
    ) -> Result<bool, Refusal> {
        let mut membership = self.membership.clone();
        let added = membership.insert_all(operations).map_err(|error| {
            tracing::warn!(%error, "refused membership operations");
            Refusal::Misbehaved
        })?;
        // A file that could be opened comes from the team.
        let of = |roster: &firsthand_team::Roster| {
            peer.is_none_or(|peer| roster.device_by_exchange(peer).is_some())
        };
        let (known, was_known) = (of(membership.roster()), of(self.membership.roster()));
        if added.is_empty() || !(known || was_known) {
            return Ok(known);
        }
        let mut commit = firsthand_store::Commit::new(self.space);
        commit.operations = added;
        commit.membership = Some(membership.heads());
        commit.settings = super::epochs::follow(&mut self.group, &membership);
        self.store.commit(commit).map_err(|_| Refusal::Storage)?;
        let before = std::mem::replace(&mut self.membership, membership);
        let settled = self.settle().and_then(|settled| Ok(self.obey(&before)? | settled));
        match settled {
            Ok(true) => *change = self.received(),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "could not apply what waited for membership operations");
                return Err(Refusal::Storage);
            }
        }
        change.membership = Some(self.members());
        // Where it is this device that was removed, there is nothing more to meet for.
        Ok(known && self.is_admitted())
    }

    fn load_batch(
        &mut self,
        space: SpaceId,
        receiver: Vector,
        mut forks: BTreeSet<WriterId>,
        only: Option<&BTreeSet<WriterId>>,
    ) -> Input {
        let told = forks.clone();
        let batch = self.batch_for(&space, receiver, &mut forks, only).map_err(|error| {
            tracing::error!(%error, "could not read a batch");
            Refusal::Storage
        });
        let forks = forks.difference(&told).copied().collect();
        Input::Loaded { space, batch, forks }
    }

    fn batch_for(
        &mut self,
        space: &SpaceId,
        mut receiver: Vector,
        forks: &mut BTreeSet<WriterId>,
        only: Option<&BTreeSet<WriterId>>,
    ) -> Result<Option<LoadedBatch>, NodeError> {
        // A chain may differ behind the receiver's shorter head: its prefix there tells.
        let ours = self.store.vector(space);
        for (writer, standing) in ours.compare(&receiver) {
            if let Standing::TheyLack(position) = standing
                && position.0 > 0
                && self.mark_at(space, &writer, position)?.as_ref() != receiver.get(&writer)
            {
                forks.insert(writer);
            }
        }
        let limits = BatchLimits { entries: BATCH_ENTRIES, weight: BATCH_BYTES };
        let others = ours.iter().map(|(writer, _)| *writer);
        let others = others.filter(|writer| only.is_some_and(|only| !only.contains(writer)));
        let left_out = others.chain(forks.iter().copied()).collect();
        let Some(batch) = self.store.batch_for(space, &receiver, limits, &left_out)? else { return Ok(None) };
        // What leaves must not be forgotten here, whatever becomes of the database.
        if batch.heads.iter().any(|(writer, _)| self.is_own(space, writer)) {
            self.store.witness()?;
        }
        for writer in forks.iter() {
            receiver.remove(writer);
        }
        let references = self.store.references(*space);
        let plain = self.store.at_once(|| encode_batch(&batch, &receiver, &references));
        Ok(Some(LoadedBatch { plain, marks: marks(&batch) }))
    }
}

fn marks(batch: &Batch) -> Vector {
    let mut marks = Vector::new();
    for (writer, head) in &batch.heads {
        marks.set(*writer, Mark::new(head.position, &head.hash));
    }
    marks
}
