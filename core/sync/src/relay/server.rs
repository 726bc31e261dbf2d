use std::collections::{BTreeMap, VecDeque};

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, UnixMillis, sha256};
use firsthand_log::signed_by;

use super::{
    Allowance, Answer, Closing, Limits, ListDigest, Listed, Order, OrderId, Outcome, Refused, Request,
    UploaderId, mailbox_id, proof,
};

/// New ranges up to this length travel with their announcement: an edit or two, so that a phone that listens need not ask.
const INLINE: usize = 4096;

/// What reaches a relay's side of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayInput {
    /// A frame of the client's.
    Frame(Vec<u8>),
    /// What storage did about an order.
    Outcome(OrderId, Outcome),
    /// The mailbox that was joined has got a range with this serial.
    Grew(u64),
    /// Time has passed; see [`RelaySession::deadline`].
    Time,
    /// The relay is being stopped.
    Stop,
}

/// What a relay's side of a connection wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Give an order to storage.
    Order(OrderId, Order),
    /// The client proved a mailbox's key: its frames may be long now.
    Trust,
    /// Say [`RelayInput::Grew`] from now on when this mailbox grows.
    Join(MailboxId),
    /// Tell everybody who joined the mailbox that it grew.
    Announce(MailboxId, u64),
    /// Close the connection, once what was sent has gone out.
    Close(Closing),
}

/// Whether a session takes another frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It does.
    Not,
    /// Not before storage has answered.
    Outcome,
    /// Not before this time: the client has spent what it may for now.
    Until(UnixMillis),
}

/// A relay's side of one connection.
///
/// It holds at most a few orders and one page of a list, and writes nothing while its owner still sends: what a client can
/// make it keep is bounded by [`Limits`].
pub struct RelaySession {
    limits: Limits,
    handshake: [u8; 32],
    stage: Stage,
    orders: BTreeMap<OrderId, (Asked, usize)>,
    next_order: OrderId,
    requests: Allowance,
    bytes: Allowance,
    opened: UnixMillis,
    follow: Option<Follow>,
    wanted: VecDeque<u64>,
}

enum Stage {
    Stranger,
    Inside(Inside),
    Over,
}

#[derive(Clone, Copy)]
struct Inside {
    mailbox: MailboxId,
    uploader: UploaderId,
    leads: DeviceKey,
}

struct Follow {
    serial: u64,
    digest: ListDigest,
    /// A page was asked for.
    listing: bool,
    /// The first pages have been sent.
    live: bool,
    /// The client knows where the mailbox begins.
    told_base: bool,
    /// How far the mailbox is said to have grown.
    top: u64,
    /// Checks that came since the page that is on its way was asked for.
    checks: Vec<u64>,
    /// Those that are answered with the last page of what is being listed.
    checking: Vec<u64>,
}

impl Follow {
    const fn after(serial: u64, digest: ListDigest) -> Self {
        Self {
            serial,
            digest,
            listing: false,
            live: false,
            told_base: false,
            top: 0,
            checks: Vec::new(),
            checking: Vec::new(),
        }
    }

    fn has_news(&self) -> bool {
        !self.live || self.top > self.serial || !(self.checks.is_empty() && self.checking.is_empty())
    }
}

/// What an order is for.
enum Asked {
    Register,
    Enter(MailboxId, UploaderId),
    Tag(u64),
    List,
    Read(u64),
}

impl RelaySession {
    /// A session on an established channel.
    #[must_use]
    pub fn new(limits: Limits, handshake: [u8; 32], now: UnixMillis) -> Self {
        Self {
            handshake,
            stage: Stage::Stranger,
            orders: BTreeMap::new(),
            next_order: 0,
            requests: Allowance::new(limits.requests, limits.burst, now),
            bytes: Allowance::new(limits.bytes, limits.burst, now),
            limits,
            opened: now,
            follow: None,
            wanted: VecDeque::new(),
        }
    }

    /// Whether another frame may be given.
    #[must_use]
    pub fn waits(&self, now: UnixMillis) -> Waits {
        let bytes: usize = self.orders.values().map(|(_, bytes)| bytes).sum();
        let checks = self.follow.as_ref().map_or(0, |follow| follow.checks.len() + follow.checking.len());
        if self.orders.len() + checks >= self.limits.orders
            || bytes > self.limits.order_bytes
            || !self.wanted.is_empty()
        {
            return Waits::Outcome;
        }
        let ready = [self.requests, self.bytes].iter().filter_map(|it| it.ready_at(now)).max();
        ready.map_or(Waits::Not, Waits::Until)
    }

    /// When [`RelayInput::Time`] is to be said next, if ever: a stranger has to enter a mailbox by then.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        let by = UnixMillis(self.opened.0.saturating_add(self.limits.enter_within));
        matches!(self.stage, Stage::Stranger).then_some(by)
    }

    /// Whether the connection is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Takes one input.
    pub fn handle(&mut self, now: UnixMillis, input: RelayInput) -> Vec<RelayEffect> {
        let mut out = Vec::new();
        if self.is_over() {
            return out;
        }
        match input {
            RelayInput::Frame(frame) => {
                self.requests.spend(now, 1);
                self.bytes.spend(now, frame.len() as u64);
                match Request::decode(&frame) {
                    Ok(request) => self.request(request, &mut out),
                    Err(_) => self.close(Closing::Forbidden, &mut out),
                }
            }
            RelayInput::Outcome(id, outcome) => {
                if let Some((asked, _)) = self.orders.remove(&id) {
                    self.outcome(now, asked, outcome, &mut out);
                }
            }
            RelayInput::Grew(serial) => {
                if let Some(follow) = &mut self.follow {
                    follow.top = follow.top.max(serial);
                }
                self.list(&mut out);
            }
            RelayInput::Time => {
                if self.deadline().is_some_and(|by| now >= by) {
                    self.close(Closing::Late, &mut out);
                }
            }
            RelayInput::Stop => self.close(Closing::Stopping, &mut out),
        }
        out
    }

    fn request(&mut self, request: Request, out: &mut Vec<RelayEffect>) {
        match (&self.stage, request) {
            (_, Request::Goodbye) => self.close(Closing::Done, out),
            (Stage::Stranger, request) if self.orders.is_empty() => self.introduction(request, out),
            (Stage::Inside(inside), request) => self.inside(*inside, request, out),
            _ => self.close(Closing::Forbidden, out),
        }
    }

    fn introduction(&mut self, request: Request, out: &mut Vec<RelayEffect>) {
        match request {
            Request::Register { token, mailbox, leads, proof } => {
                let message = proof::register(&self.handshake, &token, &leads);
                if !signed_by(&mailbox, &message, &proof) {
                    return self.close(Closing::Proof, out);
                }
                let order = Order::Register { token: token.kept(), mailbox: mailbox_id(&mailbox), leads };
                self.order(Asked::Register, order, out);
            }
            Request::Enter { mailbox, uploader, proof, uploader_proof, seen } => {
                let id = mailbox_id(&mailbox);
                let ours = signed_by(&mailbox, &proof::enter(&self.handshake, &uploader), &proof);
                let theirs = signed_by(&uploader, &proof::upload(&self.handshake, &id), &uploader_proof);
                if !ours || !theirs {
                    return self.close(Closing::Proof, out);
                }
                let uploader = UploaderId::of(&uploader);
                let order = Order::Enter { mailbox: id, uploader, seen };
                self.order(Asked::Enter(id, uploader), order, out);
            }
            _ => self.close(Closing::Forbidden, out),
        }
    }

    fn inside(&mut self, inside: Inside, request: Request, out: &mut Vec<RelayEffect>) {
        let Inside { mailbox, uploader, leads } = inside;
        let (tag, order) = match request {
            Request::Base { tag, base } => (tag, Order::SetBase { mailbox, base }),
            Request::Put { tag, writer, from, to, sealed } => {
                (tag, Order::Put { mailbox, uploader, writer, from, to, sealed })
            }
            Request::Recall { tag, points } => (tag, Order::Recall { mailbox, points }),
            Request::Seek { tag, ids } => (tag, Order::Seek { mailbox, ids }),
            Request::Keep { tag, kind, sealed } => {
                let id = ContentHash::new(sha256(&sealed));
                (tag, Order::Keep { mailbox, uploader, kind, id, sealed })
            }
            Request::Fetch { tag, id } => (tag, Order::Fetch { mailbox, id }),
            Request::Boxes { tag } => (tag, Order::Boxes { mailbox }),
            Request::Replace { tag, snapshot, base, proof } => {
                let proposal = proof::replace(&mailbox, &snapshot, &base);
                if !signed_by(&leads, &proposal, &proof) {
                    return send(out, &Answer::Refused { tag, reason: Refused::NotTheLeads });
                }
                (tag, Order::Propose { mailbox, uploader, proposal, snapshot, base })
            }
            Request::Confirm { tag, proposal } => (tag, Order::Confirm { mailbox, uploader, proposal }),
            Request::Follow { serial, digest } if self.follow.is_none() => {
                self.follow = Some(Follow::after(serial, digest));
                out.push(RelayEffect::Join(mailbox));
                return self.list(out);
            }
            Request::Check { tag } => match &mut self.follow {
                Some(follow) => {
                    follow.checks.push(tag);
                    return self.list(out);
                }
                None => return self.close(Closing::Forbidden, out),
            },
            Request::Get { serials } => {
                self.wanted.extend(serials);
                return self.read(out);
            }
            _ => return self.close(Closing::Forbidden, out),
        };
        self.order(Asked::Tag(tag), order, out);
    }

    fn order(&mut self, asked: Asked, order: Order, out: &mut Vec<RelayEffect>) {
        let id = self.next_order;
        self.next_order += 1;
        self.orders.insert(id, (asked, order.bytes()));
        out.push(RelayEffect::Order(id, order));
    }

    /// Reads the next range that was asked for; one at a time, so that a slow client's ranges stay on the disk.
    fn read(&mut self, out: &mut Vec<RelayEffect>) {
        let Stage::Inside(Inside { mailbox, .. }) = self.stage else { return };
        if self.orders.values().any(|(asked, _)| matches!(asked, Asked::Read(_))) {
            return;
        }
        if let Some(serial) = self.wanted.pop_front() {
            self.order(Asked::Read(serial), Order::Read { mailbox, serial }, out);
        }
    }

    /// Asks for the next page of the list, if there is one.
    fn list(&mut self, out: &mut Vec<RelayEffect>) {
        let Stage::Inside(Inside { mailbox, uploader, .. }) = self.stage else { return };
        let Some(follow) = &mut self.follow else { return };
        if follow.listing || !follow.has_news() {
            return;
        }
        follow.listing = true;
        // This page is read after they came, and so are those behind it.
        follow.checking.append(&mut follow.checks);
        let inline = if follow.live { INLINE } else { 0 };
        let (after, digest) = (follow.serial, follow.digest);
        self.order(Asked::List, Order::List { mailbox, after, digest, inline, uploader }, out);
    }

    fn outcome(&mut self, now: UnixMillis, asked: Asked, outcome: Outcome, out: &mut Vec<RelayEffect>) {
        match (asked, outcome) {
            (Asked::Register, Outcome::Registered) => send(out, &Answer::Registered),
            (Asked::Register, Outcome::TokenRefused) => self.close(Closing::Token, out),
            (Asked::Enter(mailbox, uploader), Outcome::Entered { mailbox: entered, leads }) => {
                self.stage = Stage::Inside(Inside { mailbox, uploader, leads });
                out.push(RelayEffect::Trust);
                send(out, &Answer::Entered { now, mailbox: entered });
            }
            (_, Outcome::NoMailbox) => self.close(Closing::NoMailbox, out),
            (Asked::Tag(tag), outcome) => self.tagged(tag, outcome, out),
            (Asked::List, Outcome::Listed(page)) => self.page(page, out),
            (Asked::Read(serial), outcome) => {
                match outcome {
                    Outcome::Range(head, sealed) => {
                        self.bytes.spend(now, sealed.len() as u64);
                        send(out, &Answer::Range { head, pushed: false, sealed });
                    }
                    Outcome::Missing => send(out, &Answer::Gone { serial }),
                    _ => return self.close(Closing::Storage, out),
                }
                self.read(out);
            }
            _ => self.close(Closing::Storage, out),
        }
    }

    fn tagged(&mut self, tag: u64, outcome: Outcome, out: &mut Vec<RelayEffect>) {
        let answer = match outcome {
            Outcome::Done { serial, new } => {
                if let (true, Stage::Inside(Inside { mailbox, .. })) = (new, &self.stage) {
                    out.push(RelayEffect::Announce(*mailbox, serial));
                }
                Answer::Done { tag, serial }
            }
            Outcome::Refused(reason) => Answer::Refused { tag, reason },
            Outcome::Found(there) => Answer::Found { tag, there },
            Outcome::Blob(sealed) => Answer::Blob { tag, sealed },
            Outcome::Boxes(ids) => Answer::Boxes { tag, ids },
            Outcome::Missing => Answer::Refused { tag, reason: Refused::Missing },
            _ => Answer::Refused { tag, reason: Refused::Storage },
        };
        send(out, &answer);
    }

    fn page(&mut self, page: Listed, out: &mut Vec<RelayEffect>) {
        let Some(follow) = &mut self.follow else { return };
        let Listed { mut restart, ranges, more, digest } = page;
        follow.listing = false;
        // Reading from the start is reading anew only if the client had seen something.
        if follow.told_base && follow.serial == 0 {
            restart = None;
        }
        follow.told_base |= restart.is_some();
        if restart.is_some() {
            follow.serial = 0;
        }
        if let Some((head, ..)) = ranges.last() {
            follow.serial = head.serial;
        }
        follow.digest = digest;
        let first = !follow.live;
        follow.live |= !more;
        let answered = if more { Vec::new() } else { std::mem::take(&mut follow.checking) };
        let mut heads = Vec::new();
        for (head, sealed) in ranges {
            let Some(sealed) = sealed else {
                heads.push(head);
                continue;
            };
            if !heads.is_empty() {
                let (ranges, restart) = (std::mem::take(&mut heads), restart.take());
                send(out, &Answer::Listed { restart, ranges, more: true });
            }
            send(out, &Answer::Range { head, pushed: true, sealed });
        }
        if first || !heads.is_empty() || restart.is_some() {
            send(out, &Answer::Listed { restart, ranges: heads, more });
        }
        for tag in answered {
            send(out, &Answer::Done { tag, serial: 0 });
        }
        self.list(out);
    }

    fn close(&mut self, reason: Closing, out: &mut Vec<RelayEffect>) {
        self.stage = Stage::Over;
        self.wanted.clear();
        self.follow = None;
        send(out, &Answer::Goodbye(reason));
        out.push(RelayEffect::Close(reason));
    }
}

fn send(out: &mut Vec<RelayEffect>, answer: &Answer) {
    out.push(RelayEffect::Send(answer.encode()));
}
