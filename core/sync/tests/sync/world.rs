//! Two devices, a connection between them, and one seed that decides what happens next.
//!
//! Each device works as the program does: what a session asks is carried out in order by one ledger, and answers and
//! news of changes reach the session in the order in which they happened, each any time later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::{OperationHash, SpaceId, UnixMillis, WriterId};
use firsthand_log::Vector;
use firsthand_sync::{Config, Effect, Frame, GoodbyeReason, Input, Refusal, Session};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::device::{Admission, Device, Fact, SPACE, below, rarely};

/// A space of which nobody holds anything.
const QUIET: SpaceId = SpaceId::new([0x52; 16]);

/// One end of a connection.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) session: Option<Session>,
    /// Membership heads that this end sent in the handshake, and those it heard.
    heads: (Vec<OperationHash>, Vec<OperationHash>),
    inbox: VecDeque<Vec<u8>>,
    questions: VecDeque<Effect>,
    answers: VecDeque<Input>,
    pub(crate) committing: Vec<usize>,
    pub(crate) forked: BTreeSet<WriterId>,
    pub(crate) closed: Option<GoodbyeReason>,
    pub(crate) sent: BTreeMap<&'static str, usize>,
    /// How many membership operations were sent.
    pub(crate) operations: usize,
    pub(crate) equal: u32,
    /// What the other side has shown that it holds.
    pub(crate) held_there: Vector,
    /// The session was told that it or the other side was removed.
    pub(crate) told_removed: bool,
    /// Batches that the ledger was asked to commit.
    pub(crate) commits: usize,
    /// What the other side told of its clock.
    pub(crate) clocks: Vec<UnixMillis>,
    /// How often the other side said what it signed.
    pub(crate) receipts: usize,
}

pub(crate) struct World {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) devices: [Device; 2],
    pub(crate) ends: [End; 2],
    facts: u64,
    /// The peers tell the truth, so what is said about them can be compared with them.
    pub(crate) trusting: bool,
    /// What either holds of the other's chains was signed at an earlier meeting.
    pub(crate) signed_before: bool,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let device = || {
            let mut device = Device::default();
            // Operation 1 founds the team; 10 and 11 admit the two.
            device.admit(1, 99);
            device.admissions.insert(10, Admission { member: 0, parents: vec![1] });
            device.admissions.insert(11, Admission { member: 1, parents: vec![1] });
            device
        };
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            devices: [device(), device()],
            ends: [End::default(), End::default()],
            facts: 1000,
            trusting: true,
            signed_before: false,
        }
    }

    /// Numbers for new operations and facts.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.facts += 1;
        self.facts
    }

    pub(crate) fn fact(&mut self) -> Fact {
        Fact { id: self.next_id(), size: below(&mut self.rng, 40) }
    }

    /// A connection whose handshake is done; the sessions open when their devices come to it.
    pub(crate) fn connect(&mut self) {
        let heads = [self.devices[0].heads(), self.devices[1].heads()];
        for (at, end) in self.ends.iter_mut().enumerate() {
            *end = End { heads: (heads[at].clone(), heads[1 - at].clone()), ..End::default() };
        }
    }

    /// The connection breaks: whatever was on the way, asked or answered is gone.
    pub(crate) fn cut(&mut self) {
        self.ends = [End::default(), End::default()];
    }

    fn open(&mut self, at: usize) {
        // Where the meeting before broke off, its owner applied what it had brought.
        self.devices[at].unapplied = false;
        let device = &self.devices[at];
        let peer_known = device.knows(1 - at as u8);
        let end = &mut self.ends[at];
        let (our_heads, their_heads) = end.heads.clone();
        let config = Config { our_heads, their_heads, peer_known };
        end.session = Some(Session::new(config));
        let (wanted, pending) = device.missing();
        let heads = device.heads();
        for input in [
            // First, as the program does: who was removed since the handshake is to hear of it.
            Input::MembershipChanged { heads, peer_known },
            Input::Clock(UnixMillis(1_000 + at as i64)),
            Input::Want(wanted),
            Input::Pending(pending),
            Input::Start,
        ] {
            self.feed(at, input);
        }
    }

    fn feed(&mut self, at: usize, input: Input) {
        if let Input::Committed { .. } = input {
            self.ends[at].committing.remove(0);
        }
        let removed = matches!(
            input,
            Input::MembershipChanged { peer_known: false, .. }
                | Input::OperationsTaken { peer_known: Ok(false), .. }
        );
        let end = &mut self.ends[at];
        let Some(session) = &mut end.session else { return };
        end.told_removed |= removed && [0, 1].iter().any(|it| self.devices[at].removed(*it));
        let effects = session.handle(input);
        assert!(effects.len() <= 100, "one input has {} effects", effects.len());
        for effect in effects {
            self.carry_out(at, effect);
        }
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Send(frame) => self.send(at, frame),
            Effect::Close(reason) => {
                self.ends[at].closed.get_or_insert(reason);
            }
            Effect::Equal { space } => {
                assert_eq!(space, SPACE);
                self.ends[at].equal += 1;
                let standing = self.ends[at].session.as_ref().unwrap().standing(&SPACE).unwrap();
                assert!(standing.equal);
                let theirs = self.devices[1 - at].vector().entries();
                assert!(
                    theirs >= standing.have,
                    "said equal, but the other holds {theirs} of {}",
                    standing.have
                );
            }
            Effect::Forked { writer, .. } => {
                assert!(self.ends[at].forked.insert(writer), "told once");
            }
            Effect::PeerPending(_) => {}
            question => {
                if let Effect::Commit { plain, .. } = &question {
                    self.ends[at].commits += 1;
                    let committing = &mut self.ends[at].committing;
                    committing.push(plain.len());
                    assert!(committing.len() <= 2);
                    assert!(committing.iter().sum::<usize>() <= 4 << 20);
                }
                self.ends[at].questions.push_back(question);
            }
        }
    }

    fn send(&mut self, at: usize, bytes: Vec<u8>) {
        let frame = Frame::decode(&bytes).unwrap();
        let device = &self.devices[at];
        let kind = match &frame {
            Frame::Operations { operations, .. } => {
                self.ends[at].operations += operations.len();
                "operations"
            }
            Frame::Hello { vector: Some(_), .. } => "vector",
            Frame::Hello { .. } => "digest",
            Frame::Take { .. } => panic!("neither has another session"),
            Frame::Holds { .. } => {
                assert!(!self.trusting, "neither was asked");
                "holds"
            }
            Frame::Batch { .. } => "batch",
            Frame::Ack { marks, .. } => {
                for (writer, mark) in marks.iter() {
                    let held = device.chains[writer].mark(mark.position.0);
                    assert_eq!(held.as_ref(), Some(mark), "acknowledged before it was durable");
                }
                "ack"
            }
            Frame::Forked { .. } => "forked",
            Frame::Rows { .. } => "rows",
            Frame::NoSpace { .. } => "no space",
            Frame::Clock { .. } => "clock",
            Frame::Pending { .. } => "pending",
            Frame::Want { .. } => "want",
            Frame::Chunk { .. } => "chunk",
            Frame::ChunkRest { .. } => "chunk rest",
            Frame::NoFile { .. } => "no file",
            Frame::Receipts { .. } => "receipts",
            Frame::Goodbye(_) => "goodbye",
        };
        if !matches!(kind, "operations" | "goodbye") {
            // What was on its way to the session when its ledger heard of a removal may still leave, and nothing after that.
            let unheard = device.removed(1 - at as u8) && !self.ends[at].told_removed;
            assert!(device.knows(1 - at as u8) || unheard, "sent {kind} to somebody who is no member");
            let out = [0, 1].iter().any(|it| device.removed(*it));
            assert!(!self.ends[at].told_removed || !out, "sent {kind} after a removal");
        }
        *self.ends[at].sent.entry(kind).or_default() += 1;
        self.ends[1 - at].inbox.push_back(bytes);
    }

    /// A frame that the other side never meant to send.
    pub(crate) fn inject(&mut self, at: usize, frame: Vec<u8>) {
        let inbox = &mut self.ends[at].inbox;
        let place = below(&mut self.rng, inbox.len() + 1);
        inbox.insert(place, frame);
    }

    /// Loses, doubles or swaps frames on their way to a side.
    pub(crate) fn disturb(&mut self, at: usize) {
        let inbox = &mut self.ends[at].inbox;
        if inbox.is_empty() {
            return;
        }
        let (place, other) = (below(&mut self.rng, inbox.len()), below(&mut self.rng, inbox.len()));
        match below(&mut self.rng, 3) {
            0 => drop(inbox.remove(place)),
            1 => inbox.insert(other, inbox[place].clone()),
            _ => inbox.swap(place, other),
        }
    }

    /// The ledger carries out the next question.
    fn work(&mut self, at: usize) {
        let Some(question) = self.ends[at].questions.pop_front() else { return };
        let before = (self.devices[at].vector(), self.devices[at].heads());
        let (device, rng) = (&mut self.devices[at], &mut self.rng);
        let answer = match question {
            Effect::OpenSpaces => {
                // Both could speak of a second one, and neither holds anything of it.
                let spaces = [(SPACE, device.vector()), (QUIET, Vector::new())];
                Input::SpacesOpened { main: SPACE, spaces: spaces.into() }
            }
            // As the ledger does: who reads may have changed since the session asked.
            Effect::Load { space, .. } if device.removed(1 - at as u8) => {
                Input::Loaded { space, batch: Err(Refusal::NotAMember), forks: BTreeSet::new() }
            }
            Effect::LoadOperations { heads } => device.load_operations(1 - at as u8, &heads),
            Effect::TakeOperations { operations } => device.take_operations(1 - at as u8, &operations),
            Effect::Load { receiver, forks, only, .. } => {
                assert!(only.is_none() || !self.trusting);
                assert!(forks.iter().all(|writer| receiver.get(writer).is_none()));
                device.load(rng, &receiver, &forks, only.as_ref())
            }
            Effect::LoadBranch { space, writer } => device.load_branch(space, writer),
            Effect::LoadRows { space, limit, .. } => {
                Input::RowsLoaded { space, packed: Some(vec![7; limit.min(100)]) }
            }
            Effect::KeepRows { .. } => Input::RowsKept,
            Effect::PeerClock { at: shown } => {
                self.ends[at].clocks.push(shown);
                Input::ClockKept
            }
            Effect::PeerHolds { space, marks } => {
                if self.trusting {
                    let there = self.devices[1 - at].vector();
                    for (writer, mark) in marks.iter() {
                        assert!(there.position(writer) >= mark.position, "it holds what it is said to hold");
                        self.ends[at].held_there.set(*writer, *mark);
                    }
                }
                Input::HoldingKept { space }
            }
            Effect::MakeReceipts { space } => {
                assert_eq!(space, SPACE);
                let receipts = (!self.signed_before).then(|| b"receipts".to_vec());
                Input::ReceiptsMade { space, receipts }
            }
            Effect::KeepReceipts { space, receipts } => {
                assert_eq!(space, SPACE);
                self.ends[at].receipts += 1;
                assert!(!self.trusting || receipts == b"receipts");
                Input::ReceiptsKept
            }
            Effect::Commit { plain, .. } => device.commit(&plain),
            Effect::Apply { .. } => device.apply(),
            Effect::TellWhenTaken => Input::Taken,
            Effect::LoadChunk { file, index } => device.load_chunk(file, index),
            Effect::StoreChunk { file, index, total, sealed } => {
                device.store_chunk(file, index, total, sealed)
            }
            other => panic!("{other:?} is no question"),
        };
        let stored = matches!(&answer, Input::ChunkStored { result: Ok(missing), .. } if missing.is_empty());
        self.ends[at].answers.push_back(answer);
        if before.1 != self.devices[at].heads() {
            self.tell_members(at);
        }
        if stored || before.0 != self.devices[at].vector() {
            self.tell_missing(at);
        }
    }

    pub(crate) fn tell_members(&mut self, at: usize) {
        let device = &self.devices[at];
        let peer_known = device.knows(1 - at as u8) && !device.removed(at as u8);
        let heads = device.heads();
        self.ends[at].answers.push_back(Input::MembershipChanged { heads, peer_known });
    }

    pub(crate) fn tell_missing(&mut self, at: usize) {
        let (wanted, pending) = self.devices[at].missing();
        self.ends[at].answers.push_back(Input::Want(wanted));
        self.ends[at].answers.push_back(Input::Pending(pending));
    }

    pub(crate) fn tell_advanced(&mut self, at: usize) {
        let vector = self.devices[at].vector();
        self.ends[at].answers.push_back(Input::Advanced { space: SPACE, vector });
    }

    /// A device enters something.
    pub(crate) fn append(&mut self, at: usize, writer: WriterId) {
        let fact = self.fact();
        self.devices[at].append(writer, fact);
        self.tell_advanced(at);
    }

    /// A third device brings one what the other holds of a writer.
    pub(crate) fn courier(&mut self, to: usize, writer: WriterId) {
        let from = self.devices[1 - to].clone();
        self.devices[to].receive_from(&from, writer);
        self.tell_advanced(to);
    }

    /// One thing happens on the connection; `false` where nothing is left to happen.
    pub(crate) fn step(&mut self) -> bool {
        let mut possible = Vec::new();
        for at in [0, 1] {
            let end = &self.ends[at];
            match &end.session {
                None => possible.push((at, 0)),
                Some(_) if !end.inbox.is_empty() => possible.push((at, 1)),
                Some(_) => {}
            }
            if end.session.is_some() && !end.questions.is_empty() {
                possible.push((at, 2));
            }
            if end.session.is_some() && !end.answers.is_empty() {
                possible.push((at, 3));
            }
        }
        let Some((at, what)) = possible.get(below(&mut self.rng, possible.len().max(1))).copied() else {
            return false;
        };
        match what {
            0 => self.open(at),
            1 => {
                let frame = self.ends[at].inbox.pop_front().unwrap();
                self.feed(at, Input::Frame(frame));
            }
            2 => self.work(at),
            _ => {
                let answer = self.ends[at].answers.pop_front().unwrap();
                self.feed(at, answer);
            }
        }
        true
    }

    /// The ledger of a side answers all that it was asked.
    fn rest(&mut self, at: usize) {
        while !self.ends[at].questions.is_empty() || !self.ends[at].answers.is_empty() {
            self.work(at);
            if let Some(answer) = self.ends[at].answers.pop_front() {
                self.feed(at, answer);
            }
        }
    }

    /// All that has reached one side happens there, and nothing else; false where nothing had.
    pub(crate) fn turn(&mut self, at: usize) -> bool {
        let fresh = self.ends[at].session.is_none();
        if fresh {
            self.open(at);
        }
        let frames = std::mem::take(&mut self.ends[at].inbox);
        let any = fresh || !frames.is_empty();
        self.rest(at);
        for frame in frames {
            self.feed(at, Input::Frame(frame));
            self.rest(at);
        }
        any
    }

    /// Lets everything happen that is on the way.
    pub(crate) fn drain(&mut self) {
        for _ in 0..200_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the two never come to rest");
    }

    pub(crate) fn closed(&self) -> Option<GoodbyeReason> {
        self.ends[0].closed.or(self.ends[1].closed)
    }

    /// Both have everything, and both say so.
    pub(crate) fn check_same(&self) {
        assert_eq!(self.closed(), None);
        let [one, two] = &self.devices;
        assert_eq!(one.heads(), two.heads());
        let forked = &self.ends[0].forked;
        assert_eq!(forked, &self.ends[1].forked);
        for writer in one.chains.keys().chain(two.chains.keys()).filter(|writer| !forked.contains(*writer)) {
            assert_eq!(one.chains.get(writer), two.chains.get(writer));
        }
        for end in &self.ends {
            let session = end.session.as_ref().unwrap();
            let standing = session.standing(&SPACE).unwrap();
            assert_eq!(standing.equal, forked.is_empty(), "{standing:?}");
            assert_eq!(standing.forks, forked.len());
            if forked.is_empty() {
                assert_eq!((standing.we_lack, standing.they_lack), (0, 0));
            }
            assert!(session.finished());
        }
        assert!(!one.unapplied && !two.unapplied);
    }

    /// A storage failure on either side ends a meeting and nothing else.
    pub(crate) fn storage_failed(&self) -> bool {
        self.closed() == Some(GoodbyeReason::Storage)
    }

    /// Sometimes makes the disk of one side full for a commit.
    pub(crate) fn maybe_fail(&mut self, times: usize) {
        if rarely(&mut self.rng, times) {
            let at = below(&mut self.rng, 2);
            self.devices[at].failing = 1;
        }
    }
}
