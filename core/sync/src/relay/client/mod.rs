mod answers;
mod turn;
mod types;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::{ContentHash, Position, WriterPseudonym};

pub use self::types::{ClientConfig, ClientEffect, ClientInput, Moment, Opened, Puts, Remembered};
use super::book::Book;
use super::{
    Answer, BlobKind, Closing, Floor, ListDigest, ListPoint, MAX_WANTED_RANGES, Refused, Request, mailbox_id,
    proof,
};

/// How many ranges are looked at, or on their way, at once: 16 of at most 1 MiB.
const WINDOW: usize = 16;
/// How many ranges and blobs are being put at once.
const PUTS: usize = 4;

const _: () = assert!(WINDOW <= MAX_WANTED_RANGES);

#[derive(Debug, Clone)]
enum Task {
    Put(WriterPseudonym, Position, Position),
    Look(Vec<ContentHash>),
    Seek(BlobKind, ContentHash),
    Keep(ContentHash),
    Fetch(ContentHash),
    Boxes,
    Proposal,
    Check,
    Recall(Vec<ListPoint>),
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
    Recalling,
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
    /// Blobs that are brought without asking whether they are there.
    bring: VecDeque<(BlobKind, ContentHash)>,
    loading: BTreeMap<ContentHash, BlobKind>,
    told: bool,
    /// The snapshot that the relay named on entering.
    named: Option<ContentHash>,
    /// The list was asked for from its start, so the relay has to say where that is.
    from_start: bool,
    /// The highest serial of a range that this device put.
    put_serial: u64,
}

impl RelayClient {
    /// A client on an established channel, and what it says first.
    #[must_use]
    pub fn new(config: ClientConfig, handshake: [u8; 32]) -> (Self, Vec<ClientEffect>) {
        let Remembered { serial, digest, floor, reach, .. } = config.remembered.clone();
        let stage = if config.register.is_some() { Stage::Registering } else { Stage::Entering };
        let book = Book::new(floor, reach);
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
            bring: VecDeque::new(),
            loading: BTreeMap::new(),
            told: false,
            named: None,
            from_start: false,
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
        let (floor, reach) = (self.book.floor().clone(), self.book.reaches().clone());
        let earlier = self.config.remembered.earlier.clone();
        Remembered { serial: self.serial, digest: self.digest, floor, reach, earlier }
    }

    /// Takes note of this moment, if the list accounts for everything.
    fn note_moment(&mut self) {
        if self.accounts() {
            let mut now = self.remembered();
            now.follow(std::mem::take(&mut self.config.remembered));
            self.config.remembered = now;
        }
    }

    /// Whether the list accounts for what is said to be at the relay. What was put and is not listed yet could be lost with the
    /// relay's newest ranges, and the list would not show it.
    fn accounts(&self) -> bool {
        self.stage == Stage::Open
            && self.looking.is_empty()
            && self.book.stands()
            && self.book.finished()
            && self.put_serial <= self.serial
    }

    /// How far a writer's entries are at the relay, as far as this device can tell.
    #[must_use]
    pub fn reach(&self, writer: &WriterPseudonym) -> Position {
        self.book.reaches().get(writer).copied().unwrap_or_default()
    }

    /// What lies before the ranges, where it counts: nothing, or a snapshot that was fetched here and compared.
    #[must_use]
    pub fn floor(&self) -> Option<&Floor> {
        self.book.stands().then(|| self.book.floor())
    }

    /// Whether all entries held here are there and everything listed there was looked at.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.stage == Stage::Open
            && self.tasks.values().all(Task::is_of_blobs)
            && self.looking.is_empty()
            && self.book.stands()
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
            && self.bring.is_empty()
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
            ClientInput::Bring(kind, id) => self.bring.push_back((kind, id)),
            ClientInput::Stands(floor) => {
                if floor == *self.book.floor() {
                    self.book.stand();
                }
            }
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
        if self.serial > self.config.remembered.serial {
            self.note_moment();
        }
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
                seen: ListPoint { serial: self.serial, digest: self.digest },
            },
        }
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

    fn ask(&mut self, task: Task, request: impl FnOnce(u64) -> Request, out: &mut Vec<ClientEffect>) {
        let tag = self.next_tag;
        self.next_tag += 1;
        self.tasks.insert(tag, task);
        send(out, &request(tag));
    }

    fn over(&mut self, reason: Option<Closing>, out: &mut Vec<ClientEffect>) {
        if self.stage != Stage::Over {
            self.note_moment();
            self.stage = Stage::Over;
            out.push(ClientEffect::Over(reason));
        }
    }
}

fn send(out: &mut Vec<ClientEffect>, request: &Request) {
    out.push(ClientEffect::Send(request.encode()));
}
