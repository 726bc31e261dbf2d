//! Snapshots at relays: what is compared and taken in of them, and when one is made. What holds for them stands in
//! [`crate::relay`]'s `snapshots`.

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, MailboxId};
use firsthand_log::{DeviceSecret, Standing as Compared, Vector};
use firsthand_seal::GroupKeys;
use firsthand_store::AsideReason;
use firsthand_sync::relay::{Floor, MailboxBase, Pending, Refused, proof};

use super::files::day;
use super::known::Known;
use super::shelf::{self, Attempt, Looked};
use crate::NodeError;
use crate::ledger::snapshot::{SnapshotError, SnapshotPlan, mailbox_base};
use crate::ledger::{Ledger, Now};
use crate::meeting::Change;
use crate::relay::{Answer, Question, SnapshotPolicy, SnapshotStep, Standing};

/// As many bytes of a snapshot that is being brought are kept in memory. Beyond them it is made again, which gives the same blobs.
const LOADED_BYTES: usize = 16 * 1024 * 1024;
/// After so many days a proposal that nobody confirmed is made anew, with everything brought again, and one that was passed over is
/// looked at again: twice the grace time.
const PATIENCE_DAYS: u16 = 14;

/// What is being done about the snapshots of a mailbox.
pub(super) enum Work {
    Looking(Box<Looking>),
    Making(Box<Making>),
}

/// A snapshot that is fetched.
pub(super) struct Looking {
    floor: Floor,
    /// The proposal that is looked at; `None`: the mailbox begins behind this snapshot.
    proposal: Option<[u8; 32]>,
    plan: Option<SnapshotPlan>,
    /// It holds what is not here, and is taken in.
    takes: bool,
    /// The blobs of the section that is on its way.
    blobs: BTreeMap<ContentHash, Vec<u8>>,
}

/// A snapshot that is brought.
pub(super) struct Making {
    base: Vector,
    /// All blobs, the index last.
    names: Vec<ContentHash>,
    loaded: BTreeMap<ContentHash, Vec<u8>>,
}

/// What came of a step.
struct Stepped {
    step: SnapshotStep,
    entries: u64,
}

impl From<SnapshotStep> for Stepped {
    fn from(step: SnapshotStep) -> Self {
        Self { step, entries: 0 }
    }
}

impl Ledger {
    /// Sets when this device proposes snapshots at relays. Until then it is as [`SnapshotPolicy::default`] says.
    pub const fn set_snapshot_policy(&mut self, policy: SnapshotPolicy) {
        self.relays.policy = policy;
    }

    pub(super) fn answer_about_snapshots(&mut self, question: Question, now: Now) -> Option<Answer> {
        let stepped = match question {
            Question::Floor(mailbox, floor) => self.look_at_floor(&mailbox, floor),
            Question::Snapshot { mailbox, floor, wrong, pending } => {
                self.next_snapshot(&mailbox, floor, wrong, pending, now)
            }
            Question::TakeBlob(mailbox, name, sealed) => self.take_blob(&mailbox, name, sealed, now),
            Question::Brought(mailbox, names) => self.note_brought(&mailbox, &names, now),
            Question::LoadBlob(mailbox, name) => {
                let loaded = self.load_blob(&mailbox, name);
                let loaded =
                    loaded.inspect_err(|error| tracing::warn!(%error, "a snapshot cannot be brought"));
                return Some(Answer::SnapshotBlob(name, loaded.ok().flatten()));
            }
            Question::Settled(mailbox, result) => {
                self.note_settled(&mailbox, result, now);
                return None;
            }
            _ => return None,
        };
        let Stepped { step, entries } = stepped.unwrap_or_else(|error| {
            tracing::warn!(%error, "a snapshot is left for another time");
            SnapshotStep::Nothing.into()
        });
        let change = if entries > 0 { self.received() } else { Change::default() };
        Some(Answer::Snapshot { step: Box::new(step), change, entries })
    }

    fn look_at_floor(&mut self, mailbox: &MailboxId, floor: Floor) -> Result<Stepped, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        if known.standing != Standing::Current {
            return Ok(SnapshotStep::Nothing.into());
        }
        known.wrong = None;
        if known.shelf.looked.as_ref().is_some_and(|looked| looked.whole && looked.floor == floor) {
            return Ok(SnapshotStep::Stands(floor).into());
        }
        let Some(name) = floor.snapshot else { return Ok(self.is_wrong(mailbox, floor, None)) };
        let lacks = !self.holds_base(mailbox, &floor.base);
        Ok(self.begin_looking(mailbox, floor, None, name, lacks))
    }

    fn begin_looking(
        &mut self,
        mailbox: &MailboxId,
        floor: Floor,
        proposal: Option<[u8; 32]>,
        name: ContentHash,
        takes: bool,
    ) -> Stepped {
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            let looking = Looking { floor, proposal, plan: None, takes, blobs: BTreeMap::new() };
            known.work = Some(Work::Looking(Box::new(looking)));
        }
        SnapshotStep::Fetch { blobs: vec![name], left: 1, urgent: takes }.into()
    }

    /// Whether everything up to a base is held here.
    fn holds_base(&self, mailbox: &MailboxId, base: &MailboxBase) -> bool {
        let Some(known) = self.relays.known.get(mailbox) else { return false };
        let vector = self.store.vector(&known.space);
        base.0.iter().all(|(name, position)| {
            known.writers.get(name).is_some_and(|writer| vector.position(writer) >= *position)
        })
    }

    /// Takes note of a snapshot that is not there, or is not what it is to be.
    fn is_wrong(&mut self, mailbox: &MailboxId, floor: Floor, proposal: Option<([u8; 32], u16)>) -> Stepped {
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            (known.work, known.shelf.looked) = (None, None);
            match proposal {
                Some(_) => known.shelf.passed = proposal,
                None => known.wrong = Some(floor),
            }
        }
        self.keep_shelf(mailbox);
        match proposal {
            Some(_) => SnapshotStep::Nothing.into(),
            None => SnapshotStep::Wrong.into(),
        }
    }

    fn take_blob(
        &mut self,
        mailbox: &MailboxId,
        name: ContentHash,
        sealed: Option<Vec<u8>>,
        now: Now,
    ) -> Result<Stepped, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        let Some(Work::Looking(mut looking)) = known.work.take() else {
            return Ok(SnapshotStep::Nothing.into());
        };
        let (floor, proposal) = (looking.floor.clone(), looking.proposal);
        let result = match sealed {
            Some(sealed) => self.take_into(mailbox, &mut looking, name, sealed, now),
            None => Err(SnapshotError::Closed.into()),
        };
        match result {
            Ok(stepped) => {
                let goes_on = !matches!(stepped.step, SnapshotStep::Nothing | SnapshotStep::Stands(_));
                if let Some(known) = self.relays.known.get_mut(mailbox).filter(|_| goes_on) {
                    known.work = Some(Work::Looking(looking));
                }
                Ok(stepped)
            }
            // That says nothing of the relay.
            Err(error @ NodeError::Snapshot(SnapshotError::NoRoom | SnapshotError::Newer)) => Err(error),
            Err(NodeError::Snapshot(error)) => {
                tracing::warn!(%error, "a relay does not have the snapshot that it names");
                Ok(self.is_wrong(mailbox, floor, proposal.map(|proposal| (proposal, day(now)))))
            }
            Err(error) => Err(error),
        }
    }

    fn take_into(
        &mut self,
        mailbox: &MailboxId,
        looking: &mut Looking,
        name: ContentHash,
        sealed: Vec<u8>,
        now: Now,
    ) -> Result<Stepped, NodeError> {
        let mut entries = 0;
        if let Some(plan) = &mut looking.plan {
            looking.blobs.insert(name, sealed);
            let wanted = plan.wanted().unwrap_or_default();
            if !wanted.iter().all(|name| looking.blobs.contains_key(name)) {
                return Ok(SnapshotStep::More.into());
            }
            let blobs: Vec<Vec<u8>> =
                wanted.iter().filter_map(|name| looking.blobs.get(name).cloned()).collect();
            looking.blobs.clear();
            if looking.takes {
                let section = plan.next;
                entries = self.take_section(plan, &blobs, now)?;
                plan.next = section;
            }
            self.compare_section(plan, &blobs)?;
            self.note_looked(mailbox, &looking.floor, plan);
        } else {
            looking.plan = Some(self.open_index_at(mailbox, looking, &sealed)?);
        }
        let Some(plan) = &looking.plan else { return Ok(SnapshotStep::Nothing.into()) };
        let step = match (plan.wanted(), looking.proposal) {
            (Some(wanted), _) => {
                SnapshotStep::Fetch { blobs: wanted.to_vec(), left: plan.blobs_left(), urgent: looking.takes }
            }
            (None, Some(proposal)) => SnapshotStep::Confirm(proposal),
            (None, None) => SnapshotStep::Stands(looking.floor.clone()),
        };
        Ok(Stepped { step, entries })
    }

    fn open_index_at(
        &mut self,
        mailbox: &MailboxId,
        looking: &mut Looking,
        index: &[u8],
    ) -> Result<SnapshotPlan, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Err(SnapshotError::Closed.into()) };
        let (space, keys) = (known.space, known.keys.clone());
        let base = &looking.floor.base;
        let mut plan = match looking.proposal {
            Some(_) => self.compare_snapshot(&space, index, base, |writer| keys.writer(writer))?,
            None => self.open_snapshot(&space, index)?,
        };
        if mailbox_base(plan.base(), |writer| keys.writer(writer)) != *base {
            return Err(SnapshotError::Differs.into());
        }
        let held = self.store.vector(&space);
        // What was begun before is finished, so that everything of it comes into its documents.
        looking.takes = looking.proposal.is_none()
            && (plan.next > 0
                || held.compare(plan.base()).any(|(_, standing)| matches!(standing, Compared::WeLack(_))));
        plan.next = 0;
        let known = self.relays.known.get(mailbox);
        if let Some(looked) =
            known.and_then(|known| known.shelf.looked.as_ref()).filter(|looked| looked.floor == looking.floor)
        {
            (plan.next, plan.seen) = (looked.sections as usize, looked.seen.clone());
        }
        Ok(plan)
    }

    /// Keeps how far a snapshot was looked at.
    fn note_looked(&mut self, mailbox: &MailboxId, floor: &Floor, plan: &SnapshotPlan) {
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            known.shelf.looked = Some(Looked {
                floor: floor.clone(),
                sections: u32::try_from(plan.next).unwrap_or(u32::MAX),
                seen: plan.seen.clone(),
                whole: plan.wanted().is_none(),
            });
        }
        self.keep_shelf(mailbox);
    }

    /// What there is to do about snapshots once words rest.
    fn next_snapshot(
        &mut self,
        mailbox: &MailboxId,
        floor: Option<Floor>,
        wrong: bool,
        pending: Option<Pending>,
        now: Now,
    ) -> Result<Stepped, NodeError> {
        let today = day(now);
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        if known.standing != Standing::Current {
            return Ok(SnapshotStep::Nothing.into());
        }
        let recent = |at: u16| today.abs_diff(at) < PATIENCE_DAYS;
        let shelf = &known.shelf;
        // A proposal's name says what is proposed; the relay could say something else beside.
        let named = |it: &Pending| it.proposal == proof::replace(mailbox, &it.snapshot, &it.base);
        if !pending.as_ref().is_none_or(named) {
            return Ok(SnapshotStep::Nothing.into());
        }
        if let Some(Pending { proposal, snapshot, base, due }) = pending {
            let own = shelf.proposed.filter(|(own, _)| *own == snapshot);
            let passed = shelf.passed.filter(|(passed, day)| *passed == proposal && recent(*day));
            match (due, own, passed) {
                (Some(_), ..) => return Ok(SnapshotStep::Nothing.into()),
                (None, Some((_, at)), _) if recent(at) => return Ok(SnapshotStep::Nothing.into()),
                // This device's own was confirmed by nobody, or somebody's is not what is held here.
                (None, Some(_), _) | (None, None, Some(_)) => {}
                (None, None, None) => {
                    let floor = Floor { snapshot: Some(snapshot), base };
                    let looked = shelf.looked.as_ref();
                    if looked.is_some_and(|looked| looked.whole && looked.floor == floor) {
                        return Ok(self.confirm_again(mailbox, floor, proposal));
                    }
                    // It may hold what is on its way here.
                    return Ok(match self.holds_base(mailbox, &floor.base) {
                        true => self.begin_looking(mailbox, floor, Some(proposal), snapshot, false),
                        false => SnapshotStep::Nothing.into(),
                    });
                }
            }
        }
        self.propose_where_worth(mailbox, floor, wrong)
    }

    fn confirm_again(&mut self, mailbox: &MailboxId, floor: Floor, proposal: [u8; 32]) -> Stepped {
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            let looking =
                Looking { floor, proposal: Some(proposal), plan: None, takes: false, blobs: BTreeMap::new() };
            known.work = Some(Work::Looking(Box::new(looking)));
        }
        SnapshotStep::Confirm(proposal).into()
    }

    fn propose_where_worth(
        &mut self,
        mailbox: &MailboxId,
        floor: Option<Floor>,
        wrong: bool,
    ) -> Result<Stepped, NodeError> {
        let nothing = Ok(SnapshotStep::Nothing.into());
        let Some(known) = self.relays.known.get(mailbox) else { return nothing };
        let base = match (&known.wrong, floor) {
            (Some(floor), _) if wrong => floor.base.clone(),
            (_, floor) => floor.unwrap_or_default().base,
        };
        let vector = self.store.vector(&known.space);
        let below = base.0.values().map(|position| position.0).fold(0, u64::saturating_add);
        // A snapshot that is not there has to be replaced, and one that is not worth it yet does not.
        let worth = wrong || self.relays.policy.is_worth(vector.entries(), below);
        let at_relay = |known: &Known| {
            vector.iter().all(|(writer, mark)| {
                let there = known.pseudonyms.get(writer).and_then(|name| known.reach.get(name));
                there.is_some_and(|there| *there >= mark.position)
            })
        };
        let readers = self.membership.reading_devices(&known.space).len();
        let sealing = self.group.sealing(&self.membership, &known.space).map(|(hash, _)| hash);
        if !worth
            || readers < 2
            || known.shelf.foreign
            || sealing != known.epoch
            || !(wrong || at_relay(known))
            || !self.holds_base(mailbox, &base)
            || self.leads_key_at(mailbox)?.is_none()
            || self.forks_in(mailbox)?
        {
            return nothing;
        }
        self.begin_bringing(mailbox)
    }

    /// The leads' key with which mailboxes at the relay are registered, for who has it.
    fn leads_key_at(&self, mailbox: &MailboxId) -> Result<Option<DeviceSecret>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(None) };
        let registered = self.membership.roster().relay_leads.get(&known.relay);
        let keys = self.leads_keys(&known.relay)?;
        Ok(keys.into_iter().find(|key| registered == Some(&key.key())))
    }

    /// Whether a chain of the mailbox's space forks: of two branches only one can be what everybody holds.
    fn forks_in(&self, mailbox: &MailboxId) -> Result<bool, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(true) };
        let mut runs = self.store.aside()?.into_iter();
        Ok(runs.any(|run| run.reason == AsideReason::Fork && run.space == known.space))
    }

    fn begin_bringing(&mut self, mailbox: &MailboxId) -> Result<Stepped, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        let vector = self.store.vector(&known.space);
        let attempt = known.shelf.attempt.take();
        let grown = |base: &Vector| vector.entries().saturating_sub(base.entries());
        // One that was begun is finished, unless so much has come that another would be due.
        let attempt = attempt.filter(|it| grown(&it.base) < self.relays.policy.entries);
        let attempt = attempt.unwrap_or_else(|| Attempt { base: vector, ..Attempt::default() });
        let made = matches!(&known.work, Some(Work::Making(making)) if making.base == attempt.base);
        let (base, brought) = (attempt.base.clone(), attempt.brought.clone());
        known.shelf.attempt = Some(attempt);
        if !made {
            let mut names = Vec::new();
            let loaded = self.make_blobs(mailbox, &base, |name| {
                names.push(*name);
                !brought.contains(name)
            })?;
            if let Some(known) = self.relays.known.get_mut(mailbox) {
                known.work = Some(Work::Making(Box::new(Making { base, names, loaded })));
            }
        }
        self.keep_shelf(mailbox);
        self.next_to_bring(mailbox)
    }

    /// Makes the blobs of a snapshot, and keeps as many of those that are asked for as may be kept.
    fn make_blobs(
        &mut self,
        mailbox: &MailboxId,
        base: &Vector,
        mut wanted: impl FnMut(&ContentHash) -> bool,
    ) -> Result<BTreeMap<ContentHash, Vec<u8>>, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(BTreeMap::new()) };
        let (space, key) = (known.space, known.key.clone());
        let (mut loaded, mut bytes) = (BTreeMap::new(), 0);
        let mut keep = |name: ContentHash, blob: Vec<u8>| {
            if wanted(&name) && bytes < LOADED_BYTES {
                bytes += blob.len();
                loaded.insert(name, blob);
            }
            Ok(())
        };
        self.write_snapshot(&space, key, base, &mut keep, &mut |_, _| true)?;
        Ok(loaded)
    }

    fn next_to_bring(&mut self, mailbox: &MailboxId) -> Result<Stepped, NodeError> {
        let Some(known) = self.relays.known.get(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        let (Some(Work::Making(making)), Some(attempt)) = (&known.work, &known.shelf.attempt) else {
            return Ok(SnapshotStep::Nothing.into());
        };
        let left = making.names.iter().filter(|name| !attempt.brought.contains(*name));
        let left: Vec<ContentHash> = left.copied().collect();
        if !left.is_empty() {
            return Ok(SnapshotStep::Bring(left).into());
        }
        let Some(index) = making.names.last().copied() else { return Ok(SnapshotStep::Nothing.into()) };
        let base = mailbox_base(&making.base, |writer| known.keys.writer(writer));
        let Some(leads) = self.leads_key_at(mailbox)? else { return Ok(SnapshotStep::Nothing.into()) };
        let proof = self.propose_snapshot(&leads, mailbox, &index, &base);
        Ok(SnapshotStep::Propose(index, base, proof).into())
    }

    fn load_blob(&mut self, mailbox: &MailboxId, name: ContentHash) -> Result<Option<Vec<u8>>, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(None) };
        // The team may have changed since: nothing leaves under a key that is not for exactly those who read the space.
        let sealing = self.group.sealing(&self.membership, &known.space).map(|(hash, _)| hash);
        if sealing.is_none() || sealing != known.epoch {
            return Ok(None);
        }
        let Some(Work::Making(making)) = &mut known.work else { return Ok(None) };
        if let Some(blob) = making.loaded.remove(&name) {
            return Ok(Some(blob));
        }
        let (base, mut reached) = (making.base.clone(), false);
        let mut loaded = self.make_blobs(mailbox, &base, |it| {
            reached |= *it == name;
            reached
        })?;
        let blob = loaded.remove(&name);
        if let Some(known) = self.relays.known.get_mut(mailbox) {
            match &mut known.work {
                Some(Work::Making(making)) if blob.is_some() => making.loaded = loaded,
                // What it was made of has changed: another one is begun on the next connection.
                _ => (known.work, known.shelf.attempt) = (None, None),
            }
        }
        Ok(blob)
    }

    fn note_brought(
        &mut self,
        mailbox: &MailboxId,
        names: &[ContentHash],
        now: Now,
    ) -> Result<Stepped, NodeError> {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return Ok(SnapshotStep::Nothing.into()) };
        let Some(attempt) = &mut known.shelf.attempt else { return Ok(SnapshotStep::Nothing.into()) };
        attempt.brought.extend(names);
        let next = self.next_to_bring(mailbox)?;
        if let (SnapshotStep::Propose(index, ..), Some(known)) =
            (&next.step, self.relays.known.get_mut(mailbox))
        {
            // Should this be the last that the relay hears, it is known whose proposal that is.
            known.shelf.proposed = Some((*index, day(now)));
        }
        self.keep_shelf(mailbox);
        Ok(match next.step {
            // They are on their way, in that order.
            SnapshotStep::Bring(_) => SnapshotStep::More.into(),
            _ => next,
        })
    }

    fn note_settled(&mut self, mailbox: &MailboxId, result: Result<(), Refused>, now: Now) {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return };
        match (known.work.take(), result) {
            (Some(Work::Making(_)), result) => {
                known.shelf.attempt = None;
                if result.is_err() {
                    known.shelf.proposed = None;
                }
                known.shelf.foreign |= result == Err(Refused::NotTheLeads);
            }
            // It is this device's own of which it forgot, or came before this device did.
            (Some(Work::Looking(looking)), Err(Refused::NotNow)) => {
                known.shelf.passed = looking.proposal.map(|proposal| (proposal, day(now)));
            }
            _ => {}
        }
        self.keep_shelf(mailbox);
    }

    pub(super) fn keep_shelf(&mut self, mailbox: &MailboxId) {
        let Some(known) = self.relays.known.get_mut(mailbox) else { return };
        if known.shelf == known.shelf_kept {
            return;
        }
        known.shelf_kept = known.shelf.clone();
        let bytes = known.shelf.encode();
        if let Err(error) = self.keep_setting(shelf::setting(mailbox), bytes) {
            // Only time is lost: it is fetched and brought again.
            tracing::warn!(%error, "how far a snapshot was looked at is forgotten");
        }
    }
}
