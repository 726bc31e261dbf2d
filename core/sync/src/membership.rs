use firsthand_ids::OperationHash;

use crate::{Effect, Frame, MAX_OPERATIONS_BYTES, Refusal};

/// Reconciling the membership operations of both sides, which comes before anything else.
pub(crate) struct Reconciliation {
    our_heads: Vec<OperationHash>,
    their_heads: Vec<OperationHash>,
    peer_known: bool,
    /// Bytes of operations a still unknown peer has sent.
    received: usize,
    frames: usize,
    told: bool,
    heard: bool,
    loading: bool,
    taking: usize,
    /// The peer was told why it does not belong to the team, and not everything.
    partly: bool,
}

/// An unknown key may send this many frames of operations: one that is full, and some for what changes meanwhile.
const MAX_UNKNOWN_FRAMES: usize = 8;

impl Reconciliation {
    pub(crate) fn new(
        our_heads: Vec<OperationHash>,
        their_heads: Vec<OperationHash>,
        peer_known: bool,
    ) -> Self {
        let equal = our_heads == their_heads;
        Self {
            our_heads,
            their_heads,
            peer_known,
            received: 0,
            frames: 0,
            told: equal,
            heard: equal,
            loading: false,
            taking: 0,
            partly: false,
        }
    }

    /// Both sides have told what they have, it is taken in, and the peer is a member. An error where it turned out not
    /// to be one.
    pub(crate) fn done(&self) -> Result<bool, Refusal> {
        if self.busy() {
            return Ok(false);
        }
        if self.peer_known { Ok(true) } else { Err(Refusal::NotAMember) }
    }

    /// Whether the peer belongs to the team.
    pub(crate) const fn knows_peer(&self) -> bool {
        self.peer_known
    }

    /// Operations are still looked up, on the way here, or being taken in.
    pub(crate) fn busy(&self) -> bool {
        !(self.told && self.heard) || self.taking > 0 || self.loading
    }

    /// The peer has sent all it had to send at the beginning.
    pub(crate) fn heard(&self) -> bool {
        self.heard
    }

    pub(crate) fn start(&mut self, out: &mut Vec<Effect>) {
        if !self.told {
            self.load(out);
        }
    }

    fn load(&mut self, out: &mut Vec<Effect>) {
        (self.loading, self.partly) = (true, false);
        out.push(Effect::LoadOperations { heads: self.their_heads.clone() });
    }

    pub(crate) fn on_loaded(
        &mut self,
        heads: Vec<OperationHash>,
        operations: Vec<Vec<u8>>,
        all: bool,
        out: &mut Vec<Effect>,
    ) {
        (self.loading, self.partly) = (false, !all);
        self.told = true;
        // What follows goes on from here: the peer takes these in, or the session ends.
        if all {
            self.their_heads.clone_from(&heads);
        }
        self.our_heads.clone_from(&heads);
        let mut frames: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
        let mut room = MAX_OPERATIONS_BYTES;
        for operation in operations {
            if operation.len() > room {
                frames.push(Vec::new());
                room = MAX_OPERATIONS_BYTES;
            }
            room = room.saturating_sub(operation.len());
            if let Some(frame) = frames.last_mut() {
                frame.push(operation);
            }
        }
        let last = frames.len() - 1;
        for (index, operations) in frames.into_iter().enumerate() {
            let heads = heads.clone();
            out.push(Effect::send(&Frame::Operations { heads, operations, more: index < last }));
        }
    }

    pub(crate) fn on_operations(
        &mut self,
        heads: Vec<OperationHash>,
        operations: Vec<Vec<u8>>,
        more: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if !self.peer_known {
            self.received += operations.iter().map(Vec::len).sum::<usize>();
            self.frames += 1;
            if self.received > MAX_OPERATIONS_BYTES || self.frames > MAX_UNKNOWN_FRAMES {
                return Err(Refusal::NotAMember);
            }
        }
        self.their_heads = heads;
        self.heard |= !more;
        self.taking += 1;
        out.push(Effect::TakeOperations { operations });
        Ok(())
    }

    /// Says whether the team changed by it.
    pub(crate) fn on_taken(
        &mut self,
        heads: Vec<OperationHash>,
        peer_known: bool,
        out: &mut Vec<Effect>,
    ) -> bool {
        self.taking = self.taking.saturating_sub(1);
        let changed = self.our_heads != heads;
        self.our_heads = heads;
        self.peer_known = peer_known;
        self.tell_the_rest(out);
        changed
    }

    /// The peer was thought to be removed, and what it brought says that it is not: it must hear what it was not told before any
    /// entry that builds on that.
    fn tell_the_rest(&mut self, out: &mut Vec<Effect>) {
        if self.peer_known && self.partly && !self.loading {
            self.load(out);
        }
    }

    /// The team changed here: the peer hears it before any entry that names the new heads.
    /// Says whether it did.
    pub(crate) fn on_changed(
        &mut self,
        heads: Vec<OperationHash>,
        peer_known: bool,
        out: &mut Vec<Effect>,
    ) -> bool {
        self.peer_known = peer_known;
        let changed = heads != self.our_heads;
        if changed {
            self.our_heads = heads;
            // What is being looked up is answered after this change, and so with it.
            if self.told && !self.loading && self.our_heads != self.their_heads {
                self.load(out);
            }
        }
        self.tell_the_rest(out);
        changed
    }
}
