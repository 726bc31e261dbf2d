use std::collections::BTreeSet;

use firsthand_ids::{SpaceId, WriterId};
use firsthand_log::compress::{Packer, Unpacker};
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{LogError, Vector};

use crate::session::{Committed, LoadedBatch};
use crate::{Effect, Frame, Refusal};

/// How many entries a sender puts into one batch. Two may be on the way, so a receiver holds at most 1,000
/// unverified, which is the limit of design.md ("Guard").
pub const BATCH_ENTRIES: usize = 500;
/// How many bytes a sender aims at per batch before compression; the end of a signed run may add 512 KiB.
pub const BATCH_BYTES: usize = MAX_BATCH_BYTES / 2 - 512 * 1024;
const IN_FLIGHT: usize = 2;
/// Vectors of more writers than this are preceded by their digest alone: at 26 bytes a writer the vector fills one
/// network packet, and two devices that hold the same need none.
const DIGEST_FIRST: usize = 48;

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
}

/// One space of a session.
pub(crate) struct Space {
    id: SpaceId,
    ours: Vector,
    /// What the peer has told or acknowledged; `None` before its first hello.
    theirs: Option<Vector>,
    /// `theirs` and the batches on the way.
    sent: Vector,
    told_vector: bool,
    greeted: bool,
    forks: BTreeSet<WriterId>,
    loading: bool,
    in_flight: usize,
    receiving: Vec<usize>,
    packer: Packer,
    unpacker: Unpacker,
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
            told_vector: false,
            greeted: false,
            forks: BTreeSet::new(),
            loading: false,
            in_flight: 0,
            receiving: Vec::new(),
            packer: Packer::new()?,
            unpacker: Unpacker::new()?,
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
        }
    }

    fn equal(&self) -> bool {
        self.forks.is_empty() && self.theirs.as_ref() == Some(&self.ours)
    }

    /// Nothing on the way in either direction, and nothing left to send or to wait for besides forked chains.
    pub(crate) fn settled(&self) -> bool {
        let Some(theirs) = &self.theirs else { return false };
        let apart = self.ours.compare(theirs).any(|(writer, standing)| {
            standing != firsthand_log::Standing::Equal && !self.forks.contains(&writer)
        });
        !apart && !self.loading && self.in_flight == 0 && self.receiving.is_empty()
    }

    /// Opens the space towards the peer.
    pub(crate) fn greet(&mut self, out: &mut Vec<Effect>) {
        if !self.greeted {
            self.hello(self.ours.len() <= DIGEST_FIRST, out);
        }
    }

    fn hello(&mut self, with_vector: bool, out: &mut Vec<Effect>) {
        self.greeted = true;
        self.told_vector |= with_vector;
        let vector = with_vector.then(|| self.ours.clone());
        out.push(Effect::send(&Frame::Hello { space: self.id, digest: self.ours.digest(), vector }));
    }

    pub(crate) fn on_hello(
        &mut self,
        digest: [u8; 16],
        vector: Option<Vector>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match vector {
            Some(vector) if vector.digest() == digest && self.theirs.is_none() => self.learn(vector, out),
            Some(_) => return Err(Refusal::Misbehaved),
            None if digest == self.ours.digest() && self.theirs.is_none() => {
                self.learn(self.ours.clone(), out)
            }
            None => {}
        }
        let differ = digest != self.ours.digest();
        if !self.greeted || (differ && !self.told_vector) {
            self.hello(differ, out);
        }
        self.advance(out);
        Ok(())
    }

    fn learn(&mut self, theirs: Vector, out: &mut Vec<Effect>) {
        self.sent = theirs.clone();
        for (writer, standing) in self.ours.compare(&theirs) {
            if standing == firsthand_log::Standing::Fork && self.forks.insert(writer) {
                out.push(Effect::Forked { space: self.id, writer });
            }
        }
        self.theirs = Some(theirs);
    }

    /// This device now holds more.
    pub(crate) fn set_ours(&mut self, vector: Vector, out: &mut Vec<Effect>) {
        self.ours = vector;
        self.advance(out);
    }

    /// Asks for the next batch to send, where there is one and room for it.
    fn advance(&mut self, out: &mut Vec<Effect>) {
        self.report(out);
        let more = self.ours.compare(&self.sent).any(|(writer, standing)| {
            matches!(standing, firsthand_log::Standing::TheyLack(_)) && !self.forks.contains(&writer)
        });
        if self.theirs.is_some() && self.greeted && more && !self.loading && self.in_flight < IN_FLIGHT {
            self.loading = true;
            let receiver = self.sent.clone();
            out.push(Effect::Load { space: self.id, receiver, forks: self.forks.clone() });
        }
    }

    fn report(&mut self, out: &mut Vec<Effect>) {
        let equal = self.equal() && self.in_flight == 0;
        if equal && !self.was_equal {
            out.push(Effect::Equal { space: self.id });
        }
        self.was_equal = equal;
    }

    pub(crate) fn on_loaded(
        &mut self,
        batch: Option<LoadedBatch>,
        forks: &BTreeSet<WriterId>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.loading = false;
        self.tell_forks(forks, out);
        let Some(batch) = batch else {
            // The load raced with nothing newer: what is left is forked or held back.
            return Ok(());
        };
        for (writer, mark) in batch.marks.iter() {
            self.sent.set(*writer, *mark);
        }
        let packed = self.packer.pack(&batch.plain).map_err(|_| Refusal::Storage)?;
        self.in_flight += 1;
        out.push(Effect::send(&Frame::Batch { space: self.id, plain_len: batch.plain.len(), packed }));
        self.advance(out);
        Ok(())
    }

    pub(crate) fn on_batch(
        &mut self,
        plain_len: usize,
        packed: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let unverified: usize = self.receiving.iter().sum();
        if self.receiving.len() >= IN_FLIGHT || unverified + plain_len > MAX_BATCH_BYTES || !self.greeted {
            return Err(Refusal::Misbehaved);
        }
        let plain = self.unpacker.unpack(packed, plain_len).map_err(|_| Refusal::Misbehaved)?;
        self.receiving.push(plain_len);
        out.push(Effect::Commit { space: self.id, plain });
        Ok(())
    }

    fn tell_forks(&mut self, forks: &BTreeSet<WriterId>, out: &mut Vec<Effect>) {
        for writer in forks {
            if self.forks.insert(*writer) {
                out.push(Effect::Forked { space: self.id, writer: *writer });
                out.push(Effect::send(&Frame::Forked { space: self.id, writer: *writer }));
            }
        }
    }

    /// A received batch is durable: acknowledges it.
    pub(crate) fn on_committed(&mut self, committed: Committed, out: &mut Vec<Effect>) {
        let Committed { vector, marks, forks } = committed;
        if !self.receiving.is_empty() {
            self.receiving.remove(0);
        }
        self.ours = vector;
        self.tell_forks(&forks, out);
        if let Some(theirs) = &mut self.theirs {
            for (writer, mark) in marks.iter() {
                for known in [&mut *theirs, &mut self.sent] {
                    if mark.position > known.position(writer) {
                        known.set(*writer, *mark);
                    }
                }
            }
        }
        out.push(Effect::send(&Frame::Ack { space: self.id, marks }));
        self.advance(out);
    }

    pub(crate) fn on_ack(&mut self, marks: &Vector, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        let Some(theirs) = self.theirs.as_mut().filter(|_| self.in_flight > 0) else {
            return Err(Refusal::Misbehaved);
        };
        self.in_flight -= 1;
        for (writer, mark) in marks.iter() {
            if mark.position >= theirs.position(writer) {
                self.delivered += mark.position.0 - theirs.position(writer).0;
                theirs.set(*writer, *mark);
            }
            if mark.position > self.sent.position(writer) {
                self.sent.set(*writer, *mark);
            }
        }
        self.advance(out);
        Ok(())
    }

    pub(crate) fn on_forked(&mut self, writer: WriterId, out: &mut Vec<Effect>) {
        if self.forks.insert(writer) {
            out.push(Effect::Forked { space: self.id, writer });
        }
        self.report(out);
    }
}
