use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::{ContentHash, DeviceKey, Position, UnixMillis, WriterPseudonym, sha256};
use firsthand_log::{DeviceSecret, Signature};

use super::book::Book;
use super::{
    Answer, BlobKind, Closing, Entered, ListDigest, MAX_WANTED_RANGES, MailboxBase, RangeHead, Refused,
    Request, SealedDigest, Token, mailbox_id, proof,
};

/// How many ranges are looked at, or on their way, at once: 16 of at most 1 MiB.
const WINDOW: usize = 16;
/// How many ranges and blobs are being put at once.
const PUTS: usize = 4;

const _: () = assert!(WINDOW <= MAX_WANTED_RANGES);

/// What a client brings to a relay.
#[derive(Debug)]
pub struct ClientConfig {
    /// The key of the mailbox.
    pub mailbox: DeviceSecret,
    /// The key that this device uses in this mailbox and nowhere else.
    pub uploader: DeviceSecret,
    /// Registers the mailbox first, where it may not be there yet: the token, and the leads' key.
    pub register: Option<(Token, DeviceKey)>,
    /// Where members agreed that the mailbox begins.
    pub base: MailboxBase,
    /// What was known when the last connection ended.
    pub remembered: Remembered,
    /// What this device holds.
    pub holds: BTreeMap<WriterPseudonym, Position>,
    /// Whose entries it brings.
    pub puts: Puts,
}

/// Whose entries a client brings to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Puts {
    /// Nobody's: it reads.
    Nothing,
    /// One writer's.
    Only(WriterPseudonym),
    /// Everybody's.
    All,
}

impl Puts {
    fn brings(self, writer: &WriterPseudonym) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(one) => one == *writer,
            Self::All => true,
        }
    }
}

/// What a client keeps between connections, so that the next one begins where this one ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The last serial of the list that was dealt with.
    pub serial: u64,
    /// Over the list up to there.
    pub digest: ListDigest,
    /// How far each writer's entries are at the relay, as far as this device made or opened them.
    pub reach: BTreeMap<WriterPseudonym, Position>,
}

/// What became of a range that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It verified, and is committed.
    Good,
    /// Nobody can open it, or it does not verify.
    Garbage,
    /// What precedes it is not here, or it could not be committed.
    Early,
}

/// What reaches a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientInput {
    /// A frame of the relay's.
    Frame(Vec<u8>),
    /// What this device now holds.
    Holds(BTreeMap<WriterPseudonym, Position>),
    /// Whose entries to bring from now on.
    Puts(Puts),
    /// Look again at what could not be judged: what it may have waited for has come.
    Again,
    /// Answers [`ClientEffect::Compare`]: what this device's own sealing of that range has for digest, if it can tell.
    Compared(u64, Option<SealedDigest>),
    /// Answers [`ClientEffect::Received`].
    Opened(u64, Opened),
    /// Answers [`ClientEffect::Seal`]: a range that follows, if there is one.
    Sealed(WriterPseudonym, Option<(Position, Position, Vec<u8>)>),
    /// Asks which blobs are there, at most [`MAX_SOUGHT`](super::MAX_SOUGHT) of them.
    Look(Vec<ContentHash>),
    /// Brings a blob, unless it is there.
    Keep(BlobKind, ContentHash),
    /// Answers [`ClientEffect::Load`].
    Loaded(ContentHash, Option<Vec<u8>>),
    /// Asks for a blob.
    Fetch(ContentHash),
    /// Asks for the boxes that were left.
    Boxes,
    /// Proposes, as a lead, that a snapshot stand for everything up to a base.
    Replace(ContentHash, MailboxBase, Signature),
    /// Confirms a proposal.
    Confirm([u8; 32]),
    /// Asks whether the list has grown: this device is not up to date before that is answered.
    Check,
    /// Ends the connection.
    Stop,
}

/// What a client wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// The mailbox is open: how it stands and what the relay's clock shows.
    Entered(Entered, UnixMillis),
    /// This device holds these entries: say what sealing them gives, so that the range need not travel.
    Compare(RangeHead),
    /// Open, verify and commit this range.
    Received(RangeHead, Vec<u8>),
    /// Seal what follows this position of a writer's.
    Seal(WriterPseudonym, Position),
    /// Which blobs are there; of those that are not named the relay said nothing.
    Looked(Vec<(ContentHash, bool)>),
    /// Load a blob to bring.
    Load(ContentHash),
    /// A blob came, or the relay does not have it.
    Blob(ContentHash, Option<Vec<u8>>),
    /// A blob is there, or was refused.
    Kept(ContentHash, Result<(), Refused>),
    /// The boxes that were left.
    Boxes(Vec<ContentHash>),
    /// What became of a proposal or a confirmation.
    Settled(Result<(), Refused>),
    /// Everything that is to be brought is at the relay, and everything listed there was looked at.
    UpToDate,
    /// The relay's list is another one than was seen before: it begins anew, and nothing that was there counts any more.
    Anew,
    /// The relay did not take a range of this writer's.
    NotTaken(WriterPseudonym, Refused),
    /// The relay says that its mailbox begins elsewhere than members agreed.
    OtherBase(MailboxBase),
    /// The relay listed a range that it did not bring, or brought other bytes.
    Withheld(u64),
    /// The connection is over. `None`: the relay said what a relay cannot say.
    Over(Option<Closing>),
}

#[derive(Debug, Clone)]
enum Task {
    Base,
    Put(WriterPseudonym, Position, Position),
    Look(Vec<ContentHash>),
    Seek(BlobKind, ContentHash),
    Keep(ContentHash),
    Fetch(ContentHash),
    Boxes,
    Proposal,
    Check,
}

impl Task {
    const fn is_of_blobs(&self) -> bool {
        matches!(self, Self::Look(_) | Self::Seek(..) | Self::Keep(_) | Self::Fetch(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Registering,
    Entering,
    Listing,
    Open,
    Over,
}

/// A client's side of one connection to one mailbox.
///
/// It can verify nothing and believes nothing: a range counts as being at the relay only if this device made those bytes or
/// its owner opened them. What the relay lost or withholds is put again.
pub struct RelayClient {
    config: ClientConfig,
    handshake: [u8; 32],
    stage: Stage,
    book: Book,
    serial: u64,
    digest: ListDigest,
    /// Ranges that were asked for.
    getting: BTreeSet<u64>,
    /// Ranges to ask for, since they were compared in vain.
    differing: BTreeSet<u64>,
    /// Ranges that are compared or opened.
    looking: BTreeSet<u64>,
    tasks: BTreeMap<u64, Task>,
    next_tag: u64,
    sealing: BTreeSet<WriterPseudonym>,
    /// Writers of whom the relay took no range, or of whom there was none to put.
    resting: BTreeSet<WriterPseudonym>,
    keep: VecDeque<(BlobKind, ContentHash)>,
    loading: BTreeMap<ContentHash, BlobKind>,
    told: bool,
    /// The highest serial of a range that this device put.
    put_serial: u64,
}

impl RelayClient {
    /// A client on an established channel, and what it says first.
    #[must_use]
    pub fn new(config: ClientConfig, handshake: [u8; 32]) -> (Self, Vec<ClientEffect>) {
        let Remembered { serial, digest, reach } = config.remembered.clone();
        let stage = if config.register.is_some() { Stage::Registering } else { Stage::Entering };
        let book = Book::new(config.base.clone(), reach);
        let client = Self {
            config,
            handshake,
            stage,
            book,
            serial,
            digest,
            getting: BTreeSet::new(),
            differing: BTreeSet::new(),
            looking: BTreeSet::new(),
            tasks: BTreeMap::new(),
            next_tag: 1,
            sealing: BTreeSet::new(),
            resting: BTreeSet::new(),
            keep: VecDeque::new(),
            loading: BTreeMap::new(),
            told: false,
            put_serial: 0,
        };
        let first = client.introduction();
        (client, vec![ClientEffect::Send(first.encode())])
    }

    /// What to keep for the next connection: the last moment at which the list that was seen accounts for all that counts as
    /// being at the relay, and nothing in it had to be looked at again.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        if !self.accounts() {
            return self.config.remembered.clone();
        }
        Remembered { serial: self.serial, digest: self.digest, reach: self.book.reaches().clone() }
    }

    /// Whether the list accounts for what is said to be at the relay. What was put and is not listed yet could be lost with the
    /// relay's newest ranges, and the list would not show it.
    fn accounts(&self) -> bool {
        self.stage == Stage::Open
            && self.looking.is_empty()
            && self.book.finished()
            && self.put_serial <= self.serial
    }

    /// How far a writer's entries are at the relay, as far as this device can tell.
    #[must_use]
    pub fn reach(&self, writer: &WriterPseudonym) -> Position {
        self.book.reach(writer)
    }

    /// Whether all entries held here are there and everything listed there was looked at.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.stage == Stage::Open
            && self.tasks.values().all(Task::is_of_blobs)
            && self.looking.is_empty()
            && self.book.settled()
            && self.wanting().next().is_none()
    }

    /// Whether nothing is left to do until something comes: what the relay does not take, or cannot be judged, is passed over.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Open
            && self.tasks.is_empty()
            && self.loading.is_empty()
            && self.keep.is_empty()
            && self.looking.is_empty()
            && self.getting.is_empty()
            && self.sealing.is_empty()
            && self.book.settled()
            && self.wanting().all(|writer| self.resting.contains(writer))
    }

    /// Whether nothing is left to do for entries until something comes, whatever there is to do for blobs.
    #[must_use]
    pub fn words_rest(&self) -> bool {
        self.stage == Stage::Open
            && self.tasks.values().all(Task::is_of_blobs)
            && self.looking.is_empty()
            && self.getting.is_empty()
            && self.sealing.is_empty()
            && self.book.settled()
            && self.wanting().all(|writer| self.resting.contains(writer))
    }

    /// Whether the relay owes an answer.
    #[must_use]
    pub fn awaits_relay(&self) -> bool {
        self.stage < Stage::Open || !self.tasks.is_empty() || !self.getting.is_empty()
    }

    /// How far each writer's entries are at the relay, as far as this device made or opened them.
    #[must_use]
    pub const fn reaches(&self) -> &BTreeMap<WriterPseudonym, Position> {
        self.book.reaches()
    }

    /// The writers of whom something is still to be brought.
    fn wanting(&self) -> impl Iterator<Item = &WriterPseudonym> {
        let brings = |writer: &WriterPseudonym| self.config.puts.brings(writer);
        let holds = self.config.holds.iter().filter(move |(writer, _)| brings(writer));
        holds.filter(|(writer, held)| self.book.reach(writer) < **held).map(|(writer, _)| writer)
    }

    /// Takes one input.
    pub fn handle(&mut self, input: ClientInput) -> Vec<ClientEffect> {
        let mut out = Vec::new();
        if self.stage == Stage::Over {
            return out;
        }
        match input {
            ClientInput::Frame(frame) => match Answer::decode(&frame) {
                Ok(answer) => self.answer(answer, &mut out),
                Err(_) => self.over(None, &mut out),
            },
            ClientInput::Holds(holds) => {
                for (writer, position) in &holds {
                    if self.config.holds.get(writer) != Some(position) {
                        self.resting.remove(writer);
                        self.book.again(writer);
                    }
                }
                self.config.holds = holds;
            }
            ClientInput::Puts(puts) => self.config.puts = puts,
            ClientInput::Again => self.book.all_again(),
            ClientInput::Compared(serial, digest) => self.compared(serial, digest),
            ClientInput::Opened(serial, opened) => {
                if self.looking.remove(&serial) {
                    self.judge(serial, opened);
                }
            }
            ClientInput::Sealed(writer, range) => self.sealed(writer, range, &mut out),
            ClientInput::Look(ids) => {
                let request = |tag| Request::Seek { tag, ids: ids.clone() };
                self.ask(Task::Look(ids.clone()), request, &mut out);
            }
            ClientInput::Keep(kind, id) => self.keep.push_back((kind, id)),
            ClientInput::Loaded(id, sealed) => self.loaded(id, sealed, &mut out),
            ClientInput::Fetch(id) => self.ask(Task::Fetch(id), |tag| Request::Fetch { tag, id }, &mut out),
            ClientInput::Boxes => self.ask(Task::Boxes, |tag| Request::Boxes { tag }, &mut out),
            ClientInput::Replace(snapshot, base, proof) => {
                let request = |tag| Request::Replace { tag, snapshot, base, proof };
                self.ask(Task::Proposal, request, &mut out);
            }
            ClientInput::Confirm(proposal) => {
                self.ask(Task::Proposal, |tag| Request::Confirm { tag, proposal }, &mut out);
            }
            // What is still being listed is the answer itself.
            ClientInput::Check if self.stage == Stage::Open => {
                self.ask(Task::Check, |tag| Request::Check { tag }, &mut out);
            }
            ClientInput::Check => {}
            ClientInput::Stop => {
                send(&mut out, &Request::Goodbye);
                self.over(Some(Closing::Done), &mut out);
            }
        }
        self.go_on(&mut out);
        out
    }

    fn introduction(&self) -> Request {
        let (mailbox, uploader) = (&self.config.mailbox, &self.config.uploader);
        match (&self.config.register, self.stage) {
            (Some((token, leads)), Stage::Registering) => Request::Register {
                token: *token,
                mailbox: mailbox.key(),
                leads: *leads,
                proof: mailbox.sign(&proof::register(&self.handshake, token, leads)),
            },
            _ => Request::Enter {
                mailbox: mailbox.key(),
                uploader: uploader.key(),
                proof: mailbox.sign(&proof::enter(&self.handshake, &uploader.key())),
                uploader_proof: uploader.sign(&proof::upload(&self.handshake, &mailbox_id(&mailbox.key()))),
            },
        }
    }

    fn answer(&mut self, answer: Answer, out: &mut Vec<ClientEffect>) {
        let inside = self.stage >= Stage::Listing;
        match answer {
            Answer::Goodbye(reason) => self.over(Some(reason), out),
            Answer::Registered if self.stage == Stage::Registering => {
                self.stage = Stage::Entering;
                let enter = self.introduction();
                send(out, &enter);
            }
            Answer::Entered { now, mailbox } if self.stage == Stage::Entering => {
                self.entered(now, mailbox, out);
            }
            Answer::Listed { restart, ranges, more } if inside => {
                if let Some(base) = restart {
                    self.restart(base, out);
                }
                if !ranges.into_iter().all(|head| self.listed(head)) {
                    return self.over(None, out);
                }
                if !more {
                    self.stage = Stage::Open;
                }
            }
            Answer::Range { head, pushed: true, sealed } if inside => {
                if !self.listed(head) {
                    return self.over(None, out);
                }
                // What this device holds is compared like the rest of the list.
                if !self.holds(&head) && self.book.ask(head.serial).is_some() {
                    self.received(head, sealed, out);
                }
            }
            Answer::Range { head, pushed: false, sealed } if self.getting.remove(&head.serial) => {
                match self.book.get(head.serial) {
                    Some(listed) if listed == head => self.received(head, sealed, out),
                    _ => self.withheld(head.serial, out),
                }
            }
            Answer::Gone { serial } if self.getting.remove(&serial) => self.withheld(serial, out),
            Answer::Done { tag, serial } if inside => self.done(tag, Ok(serial), out),
            Answer::Refused { tag, reason } if inside => self.done(tag, Err(reason), out),
            Answer::Found { tag, there } if inside => match self.tasks.remove(&tag) {
                Some(Task::Look(ids)) if there.len() == ids.len() => {
                    out.push(ClientEffect::Looked(ids.into_iter().zip(there).collect()));
                }
                Some(Task::Seek(_, id)) if there == [true] => out.push(ClientEffect::Kept(id, Ok(()))),
                Some(Task::Seek(kind, id)) if there == [false] => {
                    self.loading.insert(id, kind);
                    out.push(ClientEffect::Load(id));
                }
                _ => self.over(None, out),
            },
            Answer::Blob { tag, sealed } if inside => match self.tasks.remove(&tag) {
                Some(Task::Fetch(id)) => {
                    let whole = sha256(&sealed) == *id.as_bytes();
                    out.push(ClientEffect::Blob(id, whole.then_some(sealed)));
                }
                _ => self.over(None, out),
            },
            Answer::Boxes { tag, ids } if inside => match self.tasks.remove(&tag) {
                Some(Task::Boxes) => out.push(ClientEffect::Boxes(ids)),
                _ => self.over(None, out),
            },
            _ => self.over(None, out),
        }
    }

    fn entered(&mut self, now: UnixMillis, mailbox: Entered, out: &mut Vec<ClientEffect>) {
        self.stage = Stage::Listing;
        let empty = mailbox.serial == 0 && mailbox.snapshot.is_none();
        out.push(ClientEffect::Entered(mailbox, now));
        if empty && !self.config.base.0.is_empty() {
            let base = self.config.base.clone();
            self.ask(Task::Base, |tag| Request::Base { tag, base }, out);
        }
        send(out, &Request::Follow { serial: self.serial, digest: self.digest });
    }

    /// The relay's list is not the one this device saw: nothing of that counts any more.
    fn restart(&mut self, base: MailboxBase, out: &mut Vec<ClientEffect>) {
        self.book.restart();
        self.serial = 0;
        self.digest = ListDigest::default();
        self.put_serial = 0;
        self.resting.clear();
        self.config.remembered = Remembered::default();
        out.push(ClientEffect::Anew);
        if base != self.config.base {
            out.push(ClientEffect::OtherBase(base));
        }
    }

    /// Notes a range of the list; serials rise.
    fn listed(&mut self, head: RangeHead) -> bool {
        let rises = head.serial > self.serial;
        self.serial = self.serial.max(head.serial);
        self.digest = self.digest.then(&head);
        self.resting.remove(&head.writer);
        rises && self.book.note(head)
    }

    fn received(&mut self, head: RangeHead, sealed: Vec<u8>, out: &mut Vec<ClientEffect>) {
        if SealedDigest::of(&sealed) == head.digest {
            self.looking.insert(head.serial);
            out.push(ClientEffect::Received(head, sealed));
        } else {
            self.withheld(head.serial, out);
        }
    }

    /// Whether this device holds everything in a range.
    fn holds(&self, head: &RangeHead) -> bool {
        self.config.holds.get(&head.writer).is_some_and(|held| *held >= head.to)
    }

    fn withheld(&mut self, serial: u64, out: &mut Vec<ClientEffect>) {
        self.judge(serial, Opened::Early);
        out.push(ClientEffect::Withheld(serial));
    }

    fn compared(&mut self, serial: u64, digest: Option<SealedDigest>) {
        if !self.looking.remove(&serial) {
            return;
        }
        let Some(head) = self.book.get(serial) else { return };
        if digest == Some(head.digest) {
            self.judge(serial, Opened::Good);
        } else {
            // Another version may have sealed the same entries otherwise: whether it did, only the bytes can tell.
            self.differing.insert(serial);
        }
    }

    fn judge(&mut self, serial: u64, opened: Opened) {
        if let Some(head) = self.book.get(serial) {
            self.resting.remove(&head.writer);
        }
        self.book.judge(serial, opened);
    }

    fn sealed(
        &mut self,
        writer: WriterPseudonym,
        range: Option<(Position, Position, Vec<u8>)>,
        out: &mut Vec<ClientEffect>,
    ) {
        if !self.sealing.remove(&writer) {
            return;
        }
        match range {
            Some((from, to, sealed)) if from.0 == self.book.reach(&writer).0 + 1 => {
                let request = |tag| Request::Put { tag, writer, from, to, sealed };
                self.ask(Task::Put(writer, from, to), request, out);
            }
            // Another's range came meanwhile, and the next one follows that.
            Some(_) => {}
            None => drop(self.resting.insert(writer)),
        }
    }

    fn loaded(&mut self, id: ContentHash, sealed: Option<Vec<u8>>, out: &mut Vec<ClientEffect>) {
        match (self.loading.remove(&id), sealed) {
            (Some(kind), Some(sealed)) => {
                self.ask(Task::Keep(id), |tag| Request::Keep { tag, kind, sealed }, out);
            }
            (Some(_), None) => out.push(ClientEffect::Kept(id, Err(Refused::Missing))),
            (None, _) => {}
        }
    }

    fn done(&mut self, tag: u64, result: Result<u64, Refused>, out: &mut Vec<ClientEffect>) {
        match (self.tasks.remove(&tag), result) {
            (Some(Task::Put(writer, from, to)), Ok(serial)) => {
                self.put_serial = self.put_serial.max(serial);
                self.book.extend(writer, from, to);
            }
            (Some(Task::Put(writer, ..)), Err(reason)) => {
                self.resting.insert(writer);
                out.push(ClientEffect::NotTaken(writer, reason));
            }
            (Some(Task::Keep(id)), result) => out.push(ClientEffect::Kept(id, result.map(drop))),
            (Some(Task::Fetch(id)), Err(_)) => out.push(ClientEffect::Blob(id, None)),
            (Some(Task::Proposal), result) => out.push(ClientEffect::Settled(result.map(drop))),
            // Somebody else was first; where the mailbox begins comes with the list.
            (Some(Task::Base), _) | (Some(Task::Check), Ok(_)) => {}
            (Some(Task::Look(_)), Err(_)) => out.push(ClientEffect::Looked(Vec::new())),
            (Some(Task::Seek(_, id)), Err(reason)) => out.push(ClientEffect::Kept(id, Err(reason))),
            (Some(Task::Boxes), Err(_)) => out.push(ClientEffect::Boxes(Vec::new())),
            _ => self.over(None, out),
        }
    }

    fn ask(&mut self, task: Task, request: impl FnOnce(u64) -> Request, out: &mut Vec<ClientEffect>) {
        let tag = self.next_tag;
        self.next_tag += 1;
        self.tasks.insert(tag, task);
        send(out, &request(tag));
    }

    /// Whatever can be done next.
    fn go_on(&mut self, out: &mut Vec<ClientEffect>) {
        if !(Stage::Listing..Stage::Over).contains(&self.stage) {
            return;
        }
        self.look(out);
        self.put(out);
        while self.tasks.len() + self.loading.len() < PUTS {
            let Some((kind, id)) = self.keep.pop_front() else { break };
            self.ask(Task::Seek(kind, id), |tag| Request::Seek { tag, ids: vec![id] }, out);
        }
        let up_to_date = self.is_up_to_date();
        if up_to_date && !self.told {
            self.config.remembered = self.remembered();
            out.push(ClientEffect::UpToDate);
        }
        self.told = up_to_date;
    }

    /// Looks at ranges: compares what this device holds, gets the rest.
    fn look(&mut self, out: &mut Vec<ClientEffect>) {
        let mut serials: Vec<u64> = std::mem::take(&mut self.differing).into_iter().collect();
        self.getting.extend(&serials);
        while self.getting.len() + self.looking.len() < WINDOW {
            let Some(head) = self.book.look() else { break };
            if self.holds(&head) {
                self.looking.insert(head.serial);
                out.push(ClientEffect::Compare(head));
            } else {
                self.getting.insert(head.serial);
                serials.push(head.serial);
            }
        }
        if !serials.is_empty() {
            serials.sort_unstable();
            send(out, &Request::Get { serials });
        }
    }

    /// Puts what the relay lacks, as soon as nothing that it lists could make up for it.
    fn put(&mut self, out: &mut Vec<ClientEffect>) {
        if self.stage != Stage::Open {
            return;
        }
        let putting: BTreeSet<_> = self.tasks.values().filter_map(put_of).collect();
        for (writer, held) in &self.config.holds {
            if !self.config.puts.brings(writer) {
                continue;
            }
            if putting.len() + self.sealing.len() >= PUTS {
                break;
            }
            let reach = self.book.reach(writer);
            let busy =
                self.sealing.contains(writer) || putting.contains(writer) || self.resting.contains(writer);
            if reach < *held && !busy && !self.book.open(writer) {
                self.sealing.insert(*writer);
                out.push(ClientEffect::Seal(*writer, reach));
            }
        }
    }

    fn over(&mut self, reason: Option<Closing>, out: &mut Vec<ClientEffect>) {
        if self.stage != Stage::Over {
            self.config.remembered = self.remembered();
            self.stage = Stage::Over;
            out.push(ClientEffect::Over(reason));
        }
    }
}

fn put_of(task: &Task) -> Option<WriterPseudonym> {
    match task {
        Task::Put(writer, ..) => Some(*writer),
        _ => None,
    }
}

fn send(out: &mut Vec<ClientEffect>, request: &Request) {
    out.push(ClientEffect::Send(request.encode()));
}
