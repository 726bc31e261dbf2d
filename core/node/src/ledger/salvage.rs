//! Repair: what is damaged is set aside, what verifies is kept, and what is lost is named, so that peers can give it back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use firsthand_channel::ExchangeSecret;
use firsthand_document::DocumentError;
use firsthand_ids::{EntryHash, Position, SpaceId, WriterId};
use firsthand_log::lean::{decode_batch, encode_batch};
use firsthand_log::{Batch, DeviceSecret, Entry, Signature, SignedHead, Vector};
use firsthand_store::{
    AsideReason, AsideRun, Commit, Doubt, Home, Rescue, RescuedEntry, RescuedSettings, StoreError,
};
use firsthand_team::{Membership, team_space};
use zeroize::Zeroizing;

use super::check::Part;
use super::receive::Durable;
use super::{CheckView, DeviceKeys, EXCHANGE_SECRET, Ledger, Now, Opening, ProgressFn, SIGNING_SEED};
use crate::NodeError;

/// What a repair did. Nothing was deleted: what was damaged lies in `set_aside`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairView {
    /// What was done, step by step, in words; empty where nothing had to be.
    pub done: Vec<String>,
    /// Folders with the damaged files.
    pub set_aside: Vec<PathBuf>,
    /// Entries that could be read of a damaged database.
    pub entries_read: u64,
    /// Those of them that verified and are kept.
    pub entries_kept: u64,
    /// What is known to be lost here, chain by chain.
    pub lost: Vec<LostRange>,
    /// What a check says now.
    pub check: CheckView,
}

/// Positions of a chain that are lost here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRange {
    /// The chain.
    pub writer: WriterId,
    /// Whose; empty where that is lost, too.
    pub person: String,
    /// Whether it is this device's.
    pub own: bool,
    /// The first position.
    pub from: Position,
    /// The last position that is known.
    pub to: Position,
}

/// How far the entries of a damaged database have been taken in.
struct Rescued {
    total: u64,
    done: u64,
}

/// The entries of a chain as they could be read, with their numbers and signatures.
type Chain = BTreeMap<Position, (u64, Entry, Option<Signature>)>;

/// What the head file keeps for the case that the database is lost: the device's keys and the team's first operation.
/// Everything else can be had from peers.
pub(super) fn kept(keys: &DeviceKeys, membership: &Membership) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(1024));
    kept.extend_from_slice(keys.signing.seed());
    kept.extend_from_slice(keys.exchange.as_bytes());
    if let Some((_, first)) = membership.all().first() {
        kept.extend_from_slice(first);
    }
    kept
}

impl Ledger {
    /// Opens a home and repairs what is damaged in it. A home that is sound is not touched.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store: a repair needs room for a second database; the home is as it was then.
    /// [`NodeError::Beyond`] where neither the database nor the head file gives the device's keys.
    pub fn repair(
        opening: Opening<'_>,
        now: Now,
        progress: ProgressFn<'_>,
    ) -> Result<(Self, RepairView), NodeError> {
        let dir = opening.home.dir().to_owned();
        let Opening { home, unlock, vault, slot } = opening;
        let again = |home| Opening { home, unlock, vault, slot };
        if Rescue::is_called_for(&home)? {
            let (mut ledger, mut view) = Self::salvage(again(home), now, progress)?;
            ledger.finish_repair(&mut view, progress)?;
            return Ok((ledger, view));
        }
        let (mut ledger, mut view) = match Self::open(again(home)) {
            Ok(mut ledger) => match ledger.check(progress) {
                Ok(check)
                    if !check.parts.contains(&Part::Database) && !check.parts.contains(&Part::Chains) =>
                {
                    let view = RepairView { check, ..RepairView::default() };
                    (ledger, view)
                }
                Err(error) if !is_damage(&error) => return Err(error),
                _ => Self::salvage(again(ledger.lock()?), now, progress)?,
            },
            Err(error) if is_damage(&error) => Self::salvage(again(Home::open_damaged(dir)?), now, progress)?,
            Err(error) => return Err(error),
        };
        ledger.finish_repair(&mut view, progress)?;
        Ok((ledger, view))
    }

    fn finish_repair(&mut self, view: &mut RepairView, progress: ProgressFn<'_>) -> Result<(), NodeError> {
        if self.mend(view)? {
            view.check = self.check(progress)?;
        }
        Ok(())
    }

    /// Repairs what needs no new database; says whether anything was done.
    fn mend(&mut self, view: &mut RepairView) -> Result<bool, NodeError> {
        let (parts, before) = (view.check.parts.clone(), view.done.len());
        if parts.contains(&Part::Tables) {
            self.rebuild()?;
            view.done.push("Documents and lists were made anew from the log.".to_owned());
        }
        if parts.contains(&Part::Head) || self.store.doubts().iter().any(|doubt| *doubt != Doubt::Noted) {
            if self.store.is_in_doubt() {
                self.store.note_doubt()?;
                self.own.clear();
                view.lost.extend(self.lost_tails());
                let what = "The head file was made anew. What this device enters next begins a new chain.";
                view.done.push(what.to_owned());
            } else {
                view.done.push("The damaged part of the head file was made anew.".to_owned());
            }
        }
        if parts.contains(&Part::Attachments)
            && let Some((folder, files)) = self.store.set_aside_attachments()?
        {
            view.done.push(format!("{} damaged attachments were set aside.", files.len()));
            view.set_aside.push(folder);
        }
        Ok(view.done.len() > before)
    }

    fn lost_tails(&self) -> Vec<LostRange> {
        let tails = self.store.missing_tails().into_iter();
        tails
            .map(|tail| LostRange {
                writer: tail.writer,
                person: self.name(&self.person),
                own: true,
                from: tail.held.next(),
                to: tail.reached,
            })
            .collect()
    }

    /// Makes a new database of what can be read of the old one and verifies.
    fn salvage(
        opening: Opening<'_>,
        now: Now,
        progress: ProgressFn<'_>,
    ) -> Result<(Self, RepairView), NodeError> {
        let Opening { home, unlock, vault, slot } = opening;
        let mut rescue = Rescue::begin(home, unlock, vault)?;
        let mut view = RepairView::default();
        let made = Self::make_anew(&mut rescue, vault, now, &mut view, progress);
        let attachments = rescue.attachments();
        if let Err(error) = made {
            rescue.abandon()?;
            return Err(error);
        }
        let (home, aside) = rescue.finish()?;
        let mut ledger = Self::open(Opening { home, unlock, vault, slot })?;
        ledger.store.adopt_attachments(&attachments)?;
        view.done.insert(
            0,
            "The database was damaged. A new one was made of every entry that could be read and verifies; documents and \
             lists were made anew from them."
                .to_owned(),
        );
        view.set_aside.push(aside);
        view.check = ledger.check(progress)?;
        Ok((ledger, view))
    }

    fn make_anew(
        rescue: &mut Rescue,
        vault: &dyn firsthand_store::KeyVault,
        now: Now,
        view: &mut RepairView,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let settings = rescue.settings();
        let kept = rescue.kept();
        let keys = keys(&settings, &kept)?;
        let membership = membership(rescue.operations(), &kept)?;
        let space = team_space(membership.team());
        let mut store = rescue.new_store(vault)?;
        let mut commit = Commit::new(space);
        commit.operations = membership.all();
        commit.membership = Some(membership.heads());
        commit.settings = settings.into_iter().collect();
        commit.settings.push((SIGNING_SEED.to_owned(), keys.signing.seed().to_vec()));
        commit.settings.push((EXCHANGE_SECRET.to_owned(), keys.exchange.as_bytes().to_vec()));
        store.commit(commit)?;
        let mut ledger = Self::assemble(store, keys, membership)?;
        let mut by_space: BTreeMap<SpaceId, Vec<RescuedEntry>> = BTreeMap::new();
        for it in rescue.entries(&space) {
            by_space.entry(it.space).or_default().push(it);
        }
        // Where nothing could be read, what the head file names is lost all the same.
        for tail in ledger.store.missing_tails() {
            by_space.entry(tail.space).or_default();
        }
        let mut rescued = Rescued { total: by_space.values().map(|it| it.len() as u64).sum(), done: 0 };
        view.entries_read = rescued.total;
        for (space, entries) in by_space {
            ledger.take_rescued(&space, entries, &mut rescued, now, view, progress)?;
        }
        ledger.apply_untried()?;
        // Names the own chains as they are now, and what is missed of them.
        ledger.store.note_doubt()?;
        drop(ledger.lock()?);
        Ok(())
    }

    /// Takes in what verifies, in the order in which it was kept once.
    fn take_rescued(
        &mut self,
        space: &SpaceId,
        entries: Vec<RescuedEntry>,
        rescued: &mut Rescued,
        now: Now,
        view: &mut RepairView,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let mut known: BTreeMap<WriterId, Position> = BTreeMap::new();
        let mut chains: BTreeMap<WriterId, Chain> = BTreeMap::new();
        for it in entries {
            let furthest = known.entry(it.writer).or_default();
            *furthest = (*furthest).max(it.entry.position);
            let place = it.entry.position;
            chains.entry(it.writer).or_default().insert(place, (it.number, it.entry, it.signature));
        }
        // From one kept signature to the next, as far as no entry is missing in between.
        let mut runs: BTreeMap<u64, (WriterId, Vec<Entry>, Signature)> = BTreeMap::new();
        let mut tails = Vec::new();
        for (writer, chain) in chains {
            let mut next = Position::START.next();
            let mut run = Vec::new();
            let mut gap = false;
            for (position, (number, entry, signature)) in chain {
                if position != next {
                    gap = true;
                    run.clear();
                }
                next = position.next();
                run.push(entry);
                if let Some(signature) = signature {
                    let run = std::mem::take(&mut run);
                    if gap {
                        tails.push((writer, run, signature));
                    } else {
                        runs.insert(number, (writer, run, signature));
                    }
                }
            }
        }
        let mut broken = BTreeSet::new();
        for (writer, run, signature) in runs.into_values() {
            let len = run.len() as u64;
            if !broken.contains(&writer) {
                if self.take_run(space, writer, run, signature, now, Durable::Later)? {
                    view.entries_kept += len;
                } else {
                    broken.insert(writer);
                }
            }
            rescued.done += len;
            if !progress(rescued.done.min(rescued.total), rescued.total) {
                return Err(NodeError::Stopped);
            }
        }
        self.keep_tails(space, tails)?;
        let missing = self.store.missing_tails();
        let own: BTreeMap<_, _> = missing
            .iter()
            .filter(|tail| tail.space == *space)
            .map(|tail| (tail.writer, tail.reached))
            .collect();
        for (writer, reached) in &own {
            let furthest = known.entry(*writer).or_default();
            *furthest = (*furthest).max(*reached);
        }
        for (writer, to) in known {
            let tip = self.store.tip(space, &writer);
            let held = tip.as_ref().map_or(Position::START, |tip| tip.position);
            if held < to {
                let is_own =
                    own.contains_key(&writer) || tip.as_ref().is_some_and(|tip| tip.device == self.device);
                let person = if is_own { Some(self.person) } else { tip.map(|tip| tip.person) };
                let person = person.map(|person| self.name(&person)).unwrap_or_default();
                view.lost.push(LostRange { writer, person, own: is_own, from: held.next(), to });
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// Keeps runs of own chains that lie beyond a gap: nothing proves them, and nobody else may have them.
    fn keep_tails(
        &mut self,
        space: &SpaceId,
        tails: Vec<(WriterId, Vec<Entry>, Signature)>,
    ) -> Result<(), NodeError> {
        let own: BTreeSet<WriterId> = self.store.missing_tails().iter().map(|tail| tail.writer).collect();
        let mut commit = Commit::new(*space);
        for (writer, entries, signature) in tails.into_iter().filter(|(writer, ..)| own.contains(writer)) {
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
            let (first, last) = (first.position, last.position);
            let head = SignedHead { position: last, hash: EntryHash::ZERO, signature };
            let entries = entries.into_iter().map(|entry| (writer, entry)).collect();
            let batch = Batch { entries, heads: vec![(writer, head)] };
            let run = encode_batch(&batch, &Vector::new(), &self.store.references(*space));
            let hash = EntryHash::new(firsthand_ids::sha256(&run));
            let (reason, space) = (AsideReason::Gap, *space);
            commit.aside.push(AsideRun { reason, space, writer, first, last, hash, run });
        }
        self.store.commit(commit)?;
        Ok(())
    }

    /// Takes in what lies beyond a gap, where that has been filled.
    pub(super) fn join_tails(&mut self, now: Now) -> Result<(), NodeError> {
        for tail in self.store.aside()?.into_iter().filter(|run| run.reason == AsideReason::Gap) {
            let held = self.store.tip(&tail.space, &tail.writer).map_or(Position::START, |tip| tip.position);
            if held >= tail.last || held.next() < tail.first {
                continue;
            }
            let batch = decode_batch(&tail.run, &tail.space, &self.store.references(tail.space))?;
            let Some((_, signature)) = batch.signatures.first().copied() else { continue };
            let entries = batch.entries.into_iter().map(|(_, entry)| entry).collect();
            if !self.take_run(&tail.space, tail.writer, entries, signature, now, Durable::Yes)? {
                tracing::warn!("what lies beyond a gap does not continue what filled it");
            }
        }
        Ok(())
    }
}

/// Whether an error says that bytes are not what was written.
const fn is_damage(error: &NodeError) -> bool {
    matches!(
        error,
        NodeError::Store(StoreError::Damaged { .. })
            | NodeError::Inconsistent(_)
            | NodeError::Document(DocumentError::Damaged | DocumentError::Internal)
    )
}

/// The device's keys, from the settings or from what the head file keeps.
fn keys(settings: &RescuedSettings, kept: &[u8]) -> Result<DeviceKeys, NodeError> {
    let secret = |key: &str, from: usize| -> Result<Zeroizing<[u8; 32]>, NodeError> {
        let set = settings.get(key).and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let kept = || kept.get(from..from + 32).and_then(|bytes| bytes.try_into().ok());
        set.or_else(kept).map(Zeroizing::new).ok_or(NodeError::Beyond)
    };
    Ok(DeviceKeys {
        signing: DeviceSecret::from_seed(*secret(SIGNING_SEED, 0)?)?,
        exchange: ExchangeSecret::from_bytes(*secret(EXCHANGE_SECRET, 32)?),
    })
}

/// The membership from what could be read of it; the rest comes with the next meeting.
fn membership(mut operations: Vec<Vec<u8>>, kept: &[u8]) -> Result<Membership, NodeError> {
    if let Some(first) = kept.get(64..).filter(|first| !first.is_empty()) {
        operations.insert(0, first.to_vec());
    }
    let (mut membership, mut rest) = (None, Vec::new());
    for operation in operations {
        match membership {
            None => membership = Membership::load([operation.as_slice()]).ok(),
            Some(_) => rest.push(operation),
        }
    }
    let mut membership = membership.ok_or(NodeError::Beyond)?;
    for operation in rest {
        // One whose parent was lost comes back with it.
        if let Err(error) = membership.insert(&operation) {
            tracing::info!(%error, "a membership operation waits for another one that is lost here");
        }
    }
    Ok(membership)
}
