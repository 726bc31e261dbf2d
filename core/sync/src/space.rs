use std::collections::{BTreeSet, VecDeque};

use firsthand_ids::{SpaceId, WriterId};
use firsthand_log::compress::{Packer, Unpacker};
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{LogError, Vector};

use crate::takes::Share;
use crate::talk::{Committed, LoadedBatch};
use crate::{Effect, Frame, MAX_ROWS_BYTES, Refusal};

mod sharing;

use sharing::Sharing;

/// How many entries a sender puts into one batch. Two may be on the way, so a receiver holds at most 1,000
/// unverified, which is the limit of design.md ("Guard").
pub const BATCH_ENTRIES: usize = 500;
/// How many bytes a sender aims at per batch before compression; the end of a signed run may add 512 KiB.
pub const BATCH_BYTES: usize = MAX_BATCH_BYTES / 2 - 512 * 1024;
const IN_FLIGHT: usize = 2;
/// The most branches that a session sends: a peer that claims more forks is sent no more.
const MAX_BRANCHES: usize = 16;
/// Vectors of more writers than this are preceded by their digest alone: at 26 bytes a writer the vector fills one
/// network packet, and two devices that hold the same need none.
const DIGEST_FIRST: usize = 48;

/// Where the peer lacks fewer entries than this they are with it within seconds, and no rows go ahead.
const ROWS_FROM_ENTRIES: u64 = 1000;
/// A row takes about so many bytes compressed, and an entry three times as many; rows may take a thirty-second part.
const ROW_BYTES: usize = 32;

/// Whether rows of the list went ahead of the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// It is not decided yet.
    Due,
    /// The owner was asked for them.
    Loading,
    /// They were sent, or the peer lacks too little.
    Done,
}

/// How two devices stand in one space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Entries this device holds.
    pub have: u64,
    /// Entries the peer holds that this device lacks.
    pub we_lack: u64,
    /// Entries this device holds that the peer has not acknowledged.
    pub they_lack: u64,
    /// Entries of this device that the peer acknowledged in this session.
    pub delivered: u64,
    /// Writers whose chains differ between the two.
    pub forks: usize,
    /// Both vectors are equal, as far as each has told.
    pub equal: bool,
    /// The peer has said what it holds.
    pub told: bool,
}

/// Whether what was committed is in the documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Applying {
    /// Something was committed since the owner was last asked to apply it.
    due: bool,
    /// The owner has been asked and has not answered yet.
    asked: bool,
}

/// What a hello said.
struct Told {
    vector: Vector,
    digest: [u8; 16],
    /// The vector itself was in it, not its digest alone.
    whole: bool,
}

/// One space of a session.
pub(crate) struct Space {
    id: SpaceId,
    ours: Vector,
    /// What the peer has told or acknowledged; `None` before its first hello.
    theirs: Option<Vector>,
    /// `theirs` and the batches on the way.
    sent: Vector,
    /// What this device said in its last hello; `None` before its first.
    told: Option<Told>,
    /// The peer has said a digest that this device could not match.
    heard_digest: bool,
    forks: BTreeSet<WriterId>,
    sharing: Sharing,
    rows: Rows,
    /// The peer has sent rows.
    heard_rows: bool,
    /// The peer has said that it does not take part.
    refused: bool,
    /// Forked chains whose end the peer is still to be sent.
    branches: VecDeque<WriterId>,
    loading: bool,
    /// The peer has asked for more since that was asked for.
    asked_since: bool,
    /// What is being loaded builds on a batch that the peer did not take.
    stale: bool,
    /// A batch that must wait until the receiver has room for it.
    held: Option<LoadedBatch>,
    /// The batches that the peer has not acknowledged: their lengths, and how far they bring it.
    in_flight: VecDeque<(usize, Vector)>,
    /// The lengths of the batches that are being committed here.
    receiving: VecDeque<usize>,
    applying: Applying,
    /// How many batches may still fail to verify, or go unacknowledged, because they were on the way when a fork was
    /// found, or build on such a one: what they refer to is not the same on both sides.
    excused: usize,
    packer: Packer,
    unpacker: Unpacker,
    /// What the peer holds is being kept, and what it has said since waits.
    keeping: Option<Vector>,
    delivered: u64,
    was_equal: bool,
}

impl Space {
    pub(crate) fn new(id: SpaceId, ours: Vector) -> Result<Self, LogError> {
        Ok(Self {
            id,
            ours,
            theirs: None,
            sent: Vector::new(),
            told: None,
            heard_digest: false,
            forks: BTreeSet::new(),
            sharing: Sharing::default(),
            rows: Rows::Due,
            heard_rows: false,
            refused: false,
            branches: VecDeque::new(),
            loading: false,
            asked_since: false,
            stale: false,
            held: None,
            in_flight: VecDeque::new(),
            receiving: VecDeque::new(),
            excused: 0,
            applying: Applying::default(),
            packer: Packer::new()?,
            unpacker: Unpacker::new()?,
            keeping: None,
            delivered: 0,
            was_equal: false,
        })
    }

    pub(crate) fn standing(&self) -> Standing {
        let theirs = self.theirs.clone().unwrap_or_default();
        Standing {
            have: self.ours.entries(),
            we_lack: self.ours.lacks(&theirs),
            they_lack: theirs.lacks(&self.ours),
            delivered: self.delivered,
            forks: self.forks.len(),
            equal: self.equal(),
            told: self.theirs.is_some(),
        }
    }

    fn equal(&self) -> bool {
        self.forks.is_empty() && self.theirs.as_ref() == Some(&self.ours)
    }

    /// Whether either side has said anything of it.
    pub(crate) const fn is_open(&self) -> bool {
        self.told.is_some()
    }

    /// Nothing on the way in either direction, and nothing left to send or to wait for besides forked chains.
    pub(crate) fn settled(&self) -> bool {
        // Of a space that this device holds nothing of, the peer speaks first, and before it says what it misses.
        if self.refused || (self.told.is_none() && self.ours.is_empty()) {
            return true;
        }
        let Some(theirs) = &self.theirs else { return false };
        let apart = self.ours.compare(theirs).any(|(writer, standing)| {
            standing != firsthand_log::Standing::Equal && !self.forks.contains(&writer)
        });
        !apart
            && self.rows != Rows::Loading
            && !self.loading
            && self.branches.is_empty()
            && self.held.is_none()
            && self.in_flight.is_empty()
            && self.receiving.is_empty()
            && self.applying == Applying::default()
    }

    /// The peer owes a hello, an acknowledgement, or entries that it said it holds and was asked for.
    pub(crate) fn awaits_peer(&self) -> bool {
        let owes_hello = self.told.is_some() && self.theirs.is_none() && !self.refused;
        owes_hello || !self.in_flight.is_empty() || self.is_owed()
    }

    /// Opens the space towards the peer. Of one that this device holds nothing of it says nothing, unless it is the main
    /// one: most people need most of the others never.
    pub(crate) fn greet(&mut self, main: bool, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        if self.told.is_none() && (main || !self.ours.is_empty()) {
            self.hello(self.ours.len() <= DIGEST_FIRST, share, out);
        }
    }

    fn hello(&mut self, whole: bool, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        let takes = self.join(share);
        let (vector, digest) = (self.ours.clone(), self.ours.digest());
        let shown = whole.then(|| vector.clone());
        self.told = Some(Told { vector, digest, whole });
        out.push(Effect::send(&Frame::Hello { space: self.id, digest, vector: shown, takes }));
    }

    /// Each side says a digest or a vector first. Where the two first hellos have the same digest, both hold what they
    /// said. Where not, who said a digest alone says the vector too, as it is then. Both sides decide by the hellos alone,
    /// never by what they have come to hold since.
    pub(crate) fn on_hello(
        &mut self,
        digest: [u8; 16],
        vector: Option<Vector>,
        takes: bool,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let again = self.refused || self.theirs.is_some() || (self.heard_digest && vector.is_none());
        if again || vector.as_ref().is_some_and(|vector| vector.digest() != digest) {
            return Err(Refusal::Misbehaved);
        }
        if takes {
            self.wait_to_be_asked();
        }
        if self.told.is_none() {
            self.hello(digest != self.ours.digest(), share, out);
        }
        let same = self.told.as_ref().filter(|told| told.digest == digest).map(|told| told.vector.clone());
        let matched = same.is_some();
        self.heard_digest = true;
        if let Some(theirs) = vector.or(same) {
            self.holds(theirs.clone(), out);
            self.sent = theirs.clone();
            self.theirs = Some(theirs);
        }
        if !matched && self.told.as_ref().is_some_and(|told| !told.whole) {
            self.hello(true, share, out);
        }
        self.advance(share, out);
        Ok(())
    }

    /// This device now holds more.
    pub(crate) fn set_ours(&mut self, vector: Vector, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        self.send_own(&vector, share);
        self.ours = vector;
        share.advanced(&self.ours);
        self.greet(false, share, out);
        self.advance(share, out);
    }

    /// The peer does not take part.
    pub(crate) fn on_no_space(&mut self, share: &mut Share<'_>) -> Result<(), Refusal> {
        if self.told.is_none() || self.theirs.is_some() || self.refused {
            return Err(Refusal::Misbehaved);
        }
        self.refused = true;
        share.quit();
        Ok(())
    }

    /// Asks for what is lacking, and for the next batch to send, where there is one and room for it.
    pub(crate) fn advance(&mut self, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        self.report(out);
        self.share(share, out);
        let due = self.applying.due && !self.applying.asked;
        if due && self.receiving.is_empty() && !self.is_owed() {
            self.applying = Applying { due: false, asked: true };
            out.push(Effect::Apply { space: self.id });
        }
        self.announce(out);
        if self.rows == Rows::Loading {
            return;
        }
        let more = self.ours.compare(&self.sent).any(|(writer, standing)| {
            matches!(standing, firsthand_log::Standing::TheyLack(_))
                && !self.forks.contains(&writer)
                && self.sends(&writer)
        });
        let room = !self.loading && self.held.is_none() && self.in_flight.len() < IN_FLIGHT;
        if self.theirs.is_some() && more && room {
            self.loading = true;
            let mut receiver = self.sent.clone();
            for writer in &self.forks {
                receiver.remove(writer);
            }
            let (forks, only) = (self.forks.clone(), self.asked());
            out.push(Effect::Load { space: self.id, receiver, forks, only });
        } else if self.theirs.is_some()
            && room
            && let Some(writer) = self.branches.pop_front()
        {
            self.loading = true;
            out.push(Effect::LoadBranch { space: self.id, writer });
        }
    }

    /// Decides, once it is known what the peer lacks, whether rows of the list go ahead: somebody who has just joined then
    /// sees what is going on long before everything has come.
    fn announce(&mut self, out: &mut Vec<Effect>) {
        let (Rows::Due, Some(theirs)) = (self.rows, &self.theirs) else { return };
        let lacking = self.to_send(theirs);
        if lacking == 0 && !self.sharing.is_open() {
            // It may still ask.
            return;
        }
        if lacking < ROWS_FROM_ENTRIES {
            self.rows = Rows::Done;
            return;
        }
        let bytes = usize::try_from(lacking.saturating_mul(3)).unwrap_or(MAX_ROWS_BYTES).min(MAX_ROWS_BYTES);
        self.rows = Rows::Loading;
        out.push(Effect::LoadRows { space: self.id, receiver: theirs.clone(), limit: bytes / ROW_BYTES });
    }

    pub(crate) fn on_rows_loaded(
        &mut self,
        packed: Option<Vec<u8>>,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) {
        self.rows = Rows::Done;
        if let Some(packed) = packed.filter(|packed| packed.len() <= MAX_ROWS_BYTES) {
            out.push(Effect::send(&Frame::Rows { space: self.id, packed }));
        }
        self.advance(share, out);
    }

    pub(crate) fn on_rows(&mut self, packed: Vec<u8>, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        if self.told.is_none() || std::mem::replace(&mut self.heard_rows, true) {
            return Err(Refusal::Misbehaved);
        }
        out.push(Effect::KeepRows { space: self.id, packed });
        Ok(())
    }

    fn report(&mut self, out: &mut Vec<Effect>) {
        if let Some(theirs) = &self.theirs {
            let forked = self.ours.compare(theirs).filter(|it| it.1 == firsthand_log::Standing::Fork);
            let forked = forked.map(|(writer, _)| writer).collect();
            self.tell_forks(&forked, out);
        }
        let equal = self.equal();
        if equal && !self.was_equal {
            out.push(Effect::Equal { space: self.id });
        }
        self.was_equal = equal;
    }

    pub(crate) fn on_loaded(
        &mut self,
        batch: Option<LoadedBatch>,
        forks: &BTreeSet<WriterId>,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.loading = false;
        let asked_since = std::mem::take(&mut self.asked_since);
        let stale = std::mem::take(&mut self.stale);
        let batch = batch.filter(|_| !stale);
        self.tell_forks(forks, out);
        // Where neither a batch nor a fork was found, asking again would find nothing either.
        let found = batch.is_some() || !forks.is_empty() || stale || asked_since;
        self.held = batch;
        self.send_held(out)?;
        if found {
            self.advance(share, out);
        } else {
            self.report(out);
        }
        Ok(())
    }

    /// Sends the batch that was loaded, once the receiver may hold it unverified besides those on the way.
    fn send_held(&mut self, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        let on_the_way: usize = self.in_flight.iter().map(|(len, _)| len).sum();
        let fits = |batch: &mut LoadedBatch| {
            on_the_way == 0 || on_the_way.saturating_add(batch.plain.len()) <= MAX_BATCH_BYTES
        };
        let Some(batch) = self.held.take_if(fits) else { return Ok(()) };
        for (writer, mark) in batch.marks.iter() {
            self.sent.set(*writer, *mark);
        }
        let packed = self.packer.pack(&batch.plain).map_err(|_| Refusal::Storage)?;
        let plain_len = batch.plain.len();
        self.show(&batch.marks);
        self.in_flight.push_back((plain_len, batch.marks));
        out.push(Effect::send(&Frame::Batch { space: self.id, plain_len, packed }));
        Ok(())
    }

    pub(crate) fn on_batch(
        &mut self,
        plain_len: usize,
        packed: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let unverified: usize = self.receiving.iter().sum();
        if self.receiving.len() >= IN_FLIGHT
            || unverified + plain_len > MAX_BATCH_BYTES
            || self.told.is_none()
        {
            return Err(Refusal::Misbehaved);
        }
        let plain = self.unpacker.unpack(packed, plain_len).map_err(|_| Refusal::Misbehaved)?;
        self.receiving.push_back(plain_len);
        out.push(Effect::Commit { space: self.id, plain });
        Ok(())
    }

    fn tell_forks(&mut self, forks: &BTreeSet<WriterId>, out: &mut Vec<Effect>) {
        for writer in forks {
            if self.forks.insert(*writer) {
                self.found_fork(*writer);
                out.push(Effect::Forked { space: self.id, writer: *writer });
                out.push(Effect::send(&Frame::Forked { space: self.id, writer: *writer }));
            }
        }
    }

    /// A received batch is durable: acknowledges it.
    pub(crate) fn on_committed(
        &mut self,
        committed: Committed,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) {
        let Committed { vector, marks, shown, forks } = committed;
        self.receiving.pop_front();
        self.applying.due = true;
        self.tell_forks(&forks, out);
        if let Some(theirs) = &mut self.theirs {
            let mut further = Vector::new();
            for (writer, mark) in shown.iter() {
                // It may have told meanwhile that it holds more.
                if mark.position > theirs.position(writer) {
                    theirs.set(*writer, *mark);
                    further.set(*writer, *mark);
                }
                if mark.position > self.sent.position(writer) {
                    self.sent.set(*writer, *mark);
                }
            }
            self.holds(further, out);
        }
        let mut brought = Vector::new();
        for (writer, mark) in marks.iter().filter(|(writer, mark)| mark.position > self.ours.position(writer))
        {
            brought.set(*writer, *mark);
        }
        share.brought(&brought);
        self.ours = vector;
        share.advanced(&self.ours);
        self.show(&marks);
        out.push(Effect::send(&Frame::Ack { space: self.id, marks }));
        self.advance(share, out);
    }

    /// What was committed is in the documents.
    pub(crate) fn on_applied(&mut self, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        self.applying.asked = false;
        self.advance(share, out);
    }

    fn found_fork(&mut self, writer: WriterId) {
        self.excused += 2 * IN_FLIGHT;
        if self.forks.len() <= MAX_BRANCHES && self.ours.get(&writer).is_some() {
            self.branches.push_back(writer);
        }
    }

    pub(crate) fn on_branch(
        &mut self,
        batch: Option<Vec<u8>>,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.loading = false;
        // What was to be forgotten was no branch.
        self.stale = false;
        // It brings the peer no further in its vector: it is kept beside its log.
        self.held = batch.map(|plain| LoadedBatch { plain, marks: Vector::new() });
        self.send_held(out)?;
        self.advance(share, out);
        Ok(())
    }

    /// A received batch does not verify. Where it was on the way when a fork was found that is nobody's fault: nothing of it
    /// is taken, and the sender, who has been told of the fork, sends it again without the forked chain.
    pub(crate) fn on_refused(&mut self, share: &mut Share<'_>, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        self.excused = self.excused.checked_sub(1).ok_or(Refusal::Misbehaved)?;
        self.receiving.pop_front();
        out.push(Effect::send(&Frame::Ack { space: self.id, marks: Vector::new() }));
        self.advance(share, out);
        Ok(())
    }

    pub(crate) fn on_ack(
        &mut self,
        marks: &Vector,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (Some(theirs), Some((_, sent))) = (self.theirs.as_mut(), self.in_flight.pop_front()) else {
            return Err(Refusal::Misbehaved);
        };
        let untaken =
            sent.iter().any(|(writer, _)| marks.get(writer).is_none() && !self.forks.contains(writer));
        if untaken && self.excused > 0 {
            self.excused -= 1;
            // What was prepared meanwhile builds on it.
            self.held = None;
            self.stale = self.loading;
            for (writer, _) in sent.iter().filter(|(writer, _)| marks.get(writer).is_none()) {
                match theirs.get(writer) {
                    Some(mark) => self.sent.set(*writer, *mark),
                    None => self.sent.remove(writer),
                }
            }
        }
        let mut taken = Vector::new();
        for (writer, mark) in marks.iter() {
            let before = theirs.position(writer);
            if mark.position >= before {
                taken.set(*writer, *mark);
                let ours = mark.position.min(self.ours.position(writer)).0;
                self.delivered = self.delivered.saturating_add(ours.saturating_sub(before.0));
                theirs.set(*writer, *mark);
            }
            if mark.position > self.sent.position(writer) {
                self.sent.set(*writer, *mark);
            }
        }
        self.holds(taken, out);
        self.send_held(out)?;
        self.advance(share, out);
        Ok(())
    }

    /// The peer has shown that it holds chains so far. One piece of it is kept after the other, so that a peer that tells of every
    /// entry does not fill the row of questions.
    fn holds(&mut self, marks: Vector, out: &mut Vec<Effect>) {
        if marks.is_empty() {
            return;
        }
        match &mut self.keeping {
            Some(waiting) => marks.iter().for_each(|(writer, mark)| waiting.set(*writer, *mark)),
            None => {
                self.keeping = Some(Vector::new());
                out.push(Effect::PeerHolds { space: self.id, marks });
            }
        }
    }

    /// What the peer holds was kept.
    pub(crate) fn on_holding_kept(&mut self, out: &mut Vec<Effect>) {
        let waiting = self.keeping.take().unwrap_or_default();
        self.holds(waiting, out);
    }

    pub(crate) fn on_forked(
        &mut self,
        writer: WriterId,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let theirs = self.theirs.as_ref().and_then(|theirs| theirs.get(&writer));
        if theirs.is_none() && self.ours.get(&writer).is_none() {
            return Err(Refusal::Misbehaved);
        }
        if self.forks.insert(writer) {
            self.found_fork(writer);
            out.push(Effect::Forked { space: self.id, writer });
        }
        self.advance(share, out);
        Ok(())
    }
}
