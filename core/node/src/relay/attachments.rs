mod files;
mod follow;
mod snapshots;

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, ExchangeKey, MailboxId, UnixMillis};
use firsthand_sync::relay::ClientInput;
use firsthand_team::{RelayAddress, TeamRelay};
use rand_core::CryptoRng;

use super::link::{Ended, Link, Want};
use super::{Answer, MailboxPlan, Question, RelayState, RelayView, SnapshotView, Standing, Trouble};
use crate::meeting::Change;

/// After the first trouble it is tried again in about so long, after each further one in twice that.
const RETRY_MS: i64 = 2_000;
/// The longest time between two tries.
const LONGEST_MS: i64 = 15 * 60_000;
/// How often an earlier mailbox is read, for what those brought who had not heard.
const REVISIT_MS: i64 = 30 * 60_000;
/// How often it is tried whether there is a mailbox that somebody else has to make.
const GONE_MS: i64 = 10 * 60_000;
/// A connection is left and made again after about so long: on entering a relay says which snapshot is proposed, and which took the place
/// of ranges. A proposal waits seven days for objections.
const REENTER_MS: i64 = 12 * 60 * 60_000;
/// How many connections to one relay are being opened at once.
const OPENING: usize = 3;
/// How many earlier mailboxes of one relay are read at once.
const VISITS: usize = 2;

/// Names a connection for as long as the node runs.
pub type LinkId = u64;

/// What happens.
pub enum Input {
    /// Attach to the team's relays from now on.
    Start,
    /// Try now what would be tried later, and ask at once what is new: the network has come back, or a person asks.
    Hurry,
    /// Say goodbye everywhere, and rest.
    Stop,
    /// Something changed on this device: entries, or the team.
    Changed,
    /// A connection is there.
    Opened(LinkId),
    /// Bytes came on it.
    Bytes(LinkId, Vec<u8>),
    /// The other side shows that it is there.
    Heard(LinkId),
    /// The connection ended, or did not come about.
    Closed(LinkId),
    /// The ledger answered. Answers come in the order of the questions.
    Answer(Option<LinkId>, Box<Answer>),
    /// Time has passed.
    Tick,
}

/// What to do, in order.
#[derive(Debug)]
pub enum Effect {
    /// Make a connection.
    Dial(LinkId, RelayAddress),
    /// Send bytes: one message.
    Send(LinkId, Vec<u8>),
    /// Close a connection once everything was sent.
    Close(LinkId),
    /// Ask the ledger.
    Ask(Option<LinkId>, Question),
    /// What this device holds has changed: open meetings must hear of it.
    Changed(Change),
}

struct Mailbox {
    plan: MailboxPlan,
    link: Option<LinkId>,
    /// It is not dialled before.
    retry: UnixMillis,
    failures: u32,
    /// What was there was read since this device was attached, or there is no such mailbox.
    read: bool,
    trouble: Option<Trouble>,
}

struct Relay {
    relay: TeamRelay,
    leads: DeviceKey,
    mailboxes: BTreeMap<MailboxId, Mailbox>,
    retry: UnixMillis,
    failures: u32,
    trouble: Option<Trouble>,
}

/// All that this device does at the team's relays.
pub struct Attachments {
    running: bool,
    relays: BTreeMap<ExchangeKey, Relay>,
    links: BTreeMap<LinkId, Link>,
    next: LinkId,
    /// The ledger is asked for the plan.
    planning: bool,
    /// Something changed since.
    dirty: bool,
    /// When it was last told something.
    now: UnixMillis,
    /// Questions without a link to which the ledger owes an answer.
    asked: usize,
}

impl Default for Attachments {
    fn default() -> Self {
        Self::new()
    }
}

impl Attachments {
    /// Attached to nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            running: false,
            relays: BTreeMap::new(),
            links: BTreeMap::new(),
            next: 1,
            planning: false,
            dirty: false,
            now: UnixMillis(i64::MIN),
            asked: 0,
        }
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        let links = self.links.values().map(Link::deadline);
        let links = links.chain(self.links.values().filter_map(|link| link.files.deadline()));
        let links = links.chain(self.links.values().map(|link| link.reenter));
        let relays = self.relays.values().filter(|_| self.running);
        let dials = relays.flat_map(|relay| {
            let waiting = relay.mailboxes.values().filter(|mailbox| mailbox.link.is_none());
            // Those that are due wait for a place, which comes with an input.
            waiting.map(|mailbox| mailbox.retry.max(relay.retry)).filter(|at| *at > self.now)
        });
        links.chain(dials).min()
    }

    /// Whether nothing is left to do until something changes, a relay brings something, or it is time to try again.
    #[must_use]
    pub fn is_quiet(&self, now: UnixMillis) -> bool {
        let busy = |relay: &Relay| {
            let mut due = relay.mailboxes.values().filter(|it| it.link.is_none());
            due.any(|it| it.retry.max(relay.retry) <= now)
        };
        let rests = |link: &Link| link.looked && link.rested && link.is_idle();
        self.asked == 0
            && !self.planning
            && !self.dirty
            && self.links.values().all(rests)
            && !(self.running && self.relays.values().any(busy))
    }

    /// Whether every connection is closed and everything was answered.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.running && self.links.is_empty() && self.asked == 0
    }

    /// How this device and each relay stand.
    #[must_use]
    pub fn views(&self, now: UnixMillis) -> Vec<RelayView> {
        self.relays.values().map(|relay| self.view(relay, now)).collect()
    }

    fn view(&self, relay: &Relay, now: UnixMillis) -> RelayView {
        let links: Vec<&Link> = relay.mailboxes.values().filter_map(|it| self.links.get(&it.link?)).collect();
        let open = links.iter().filter(|link| link.is_open()).count();
        let waits = relay.mailboxes.values().filter(|it| it.plan.standing == Standing::Current);
        let waits = waits.filter(|it| it.link.is_none()).map(|it| it.retry.max(relay.retry).0 - now.0).max();
        let current = relay.mailboxes.values().filter(|it| it.plan.standing == Standing::Current);
        let mut current = current.filter_map(|it| self.links.get(&it.link?));
        let state = match waits {
            Some(ms) if ms > 0 && open == 0 => RelayState::Waiting { ms: ms as u64 },
            _ if !self.running => RelayState::Idle,
            _ if !links.is_empty() && links.iter().all(|link| link.looked && link.is_idle()) => {
                RelayState::UpToDate
            }
            _ if current.any(|link| link.looked) => RelayState::Exchanging,
            _ => RelayState::Connecting,
        };
        let trouble = relay.trouble.or_else(|| relay.mailboxes.values().find_map(|it| it.trouble));
        let trouble = trouble.or_else(|| links.iter().find_map(|link| link.files.full));
        let snapshot = links.iter().find_map(|link| link.snapshots.view());
        let trouble = trouble.or_else(|| links.iter().find_map(|link| link.snapshots.full));
        let trouble = trouble.or((snapshot == Some(SnapshotView::Wrong)).then_some(Trouble::Withholds));
        let (address, key) = (relay.relay.address.clone(), relay.relay.key);
        RelayView { address, key, state, trouble, open, snapshot }
    }

    /// Takes an input and says what to do.
    pub fn handle(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.now = now;
        match input {
            Input::Start => {
                self.running = true;
                self.dirty = true;
            }
            Input::Hurry => self.hurry(rng, now, &mut out),
            Input::Stop => {
                self.running = false;
                self.dirty = false;
                let links: Vec<LinkId> = self.links.keys().copied().collect();
                links.into_iter().for_each(|id| self.leave(rng, now, id, &mut out));
            }
            Input::Changed => self.dirty = self.running,
            Input::Opened(id) => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.reenter = later(rng, now, REENTER_MS);
                    match link.begin(rng, now) {
                        Ok(hello) => out.push(Effect::Send(id, hello)),
                        Err(trouble) => self.end(rng, now, id, Ended::Trouble(trouble), &mut out),
                    }
                }
            }
            Input::Bytes(id, bytes) => self.bytes(rng, now, id, &bytes, &mut out),
            Input::Heard(id) => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.heard(now);
                }
            }
            Input::Closed(id) => {
                let open = self.links.get(&id).is_some_and(Link::is_open);
                let trouble = if open { Trouble::Cut } else { Trouble::Unreachable };
                self.end(rng, now, id, Ended::Trouble(trouble), &mut out);
            }
            Input::Answer(id, answer) => self.answer(rng, now, id, *answer, &mut out),
            Input::Tick => {
                let late = self.links.iter().filter(|(_, link)| link.deadline() <= now);
                let late: Vec<_> = late.map(|(id, link)| (*id, link.late(now))).collect();
                for (id, ended) in late {
                    self.end(rng, now, id, ended, &mut out);
                }
                self.links.values_mut().for_each(|link| link.files.tick(now));
                self.enter_again(rng, now, &mut out);
            }
        }
        self.go_on(rng, now, &mut out);
        self.links.values_mut().for_each(|link| link.note_turn(now));
        out
    }

    fn hurry(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, out: &mut Vec<Effect>) {
        for relay in self.relays.values_mut() {
            relay.retry = now;
            for mailbox in relay.mailboxes.values_mut() {
                mailbox.retry = now;
            }
        }
        // A connection that rests may be a dead one, and what was brought to the relay may still be on its way here.
        let open: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.is_open()).map(|(id, _)| *id).collect();
        for id in open {
            if let Some(link) = self.links.get_mut(&id) {
                link.note_check(now);
                link.files.hurry();
            }
            self.tell(rng, now, id, ClientInput::Check, out);
        }
        self.dirty |= self.running;
    }

    fn bytes(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        bytes: &[u8],
        out: &mut Vec<Effect>,
    ) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(relay) = self.relays.get(&link.relay) else { return };
        let Some(mailbox) = relay.mailboxes.get(&link.mailbox) else { return };
        let wants = link.push(bytes, now, &mailbox.plan, (&relay.relay, &relay.leads));
        self.carry_out(rng, now, id, wants, out);
    }

    fn tell(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        input: ClientInput,
        out: &mut Vec<Effect>,
    ) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let mut wants = Vec::new();
        link.tell(input, &mut wants);
        self.carry_out(rng, now, id, wants, out);
    }

    fn carry_out(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        wants: Vec<Want>,
        out: &mut Vec<Effect>,
    ) {
        for want in wants {
            match want {
                Want::Send(bytes) => out.push(Effect::Send(id, bytes)),
                Want::Ask(question) => {
                    if let Some(link) = self.links.get_mut(&id) {
                        let (files, snapshots) = (question.is_about_files(), question.is_about_snapshots());
                        *link.owed(files, snapshots) += usize::from(question.is_answered());
                        out.push(Effect::Ask(Some(id), question));
                    }
                }
                Want::Over(ended) => self.end(rng, now, id, ended, out),
                Want::NotTaken(refused) => self.troubled(id, Trouble::of(refused)),
                Want::Withheld => self.troubled(id, Trouble::Withholds),
            }
        }
    }

    fn troubled(&mut self, id: LinkId, trouble: Trouble) {
        if let Some(mailbox) = self.mailbox(id) {
            mailbox.trouble = Some(trouble);
        }
    }

    fn mailbox(&mut self, id: LinkId) -> Option<&mut Mailbox> {
        let link = self.links.get(&id)?;
        self.relays.get_mut(&link.relay)?.mailboxes.get_mut(&link.mailbox)
    }

    /// Says goodbye, where there is somebody to say it to.
    fn leave(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, id: LinkId, out: &mut Vec<Effect>) {
        if self.links.get(&id).is_some_and(Link::is_open) {
            self.tell(rng, now, id, ClientInput::Stop, out);
        }
        self.end(rng, now, id, Ended::Done, out);
    }

    fn end(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        ended: Ended,
        out: &mut Vec<Effect>,
    ) {
        let Some(link) = self.links.remove(&id) else { return };
        out.push(Effect::Close(id));
        self.remember(&link, out);
        let Some(relay) = self.relays.get_mut(&link.relay) else { return };
        let Some(mailbox) = relay.mailboxes.get_mut(&link.mailbox) else { return };
        mailbox.link = None;
        match ended {
            Ended::Done => {
                mailbox.retry = later(rng, now, REVISIT_MS);
            }
            Ended::Stale => {
                mailbox.read = false;
                mailbox.retry = now;
            }
            Ended::Gone => {
                mailbox.read = true;
                mailbox.retry = later(rng, now, GONE_MS);
                relay.trouble = None;
                self.dirty |= self.running;
                out.push(Effect::Ask(None, Question::Gone(link.mailbox)));
            }
            Ended::Trouble(trouble @ Trouble::Token) => {
                mailbox.trouble = Some(trouble);
                mailbox.failures += 5;
                mailbox.retry = back_off(rng, now, mailbox.failures);
            }
            Ended::Trouble(trouble) => {
                mailbox.read = false;
                // Whoever is not a relay, or lies, will hardly be one soon.
                relay.failures += match trouble {
                    Trouble::OtherKey | Trouble::Misbehaved => 5,
                    _ => 1,
                };
                relay.trouble = Some(trouble);
                relay.retry = back_off(rng, now, relay.failures);
            }
        }
    }

    /// Has the ledger keep how far a connection was, and take into documents what it brought.
    fn remember(&mut self, link: &Link, out: &mut Vec<Effect>) {
        if let Some(remembered) = link.remembered() {
            if let Some(mailbox) =
                self.relays.get_mut(&link.relay).and_then(|relay| relay.mailboxes.get_mut(&link.mailbox))
            {
                mailbox.plan.remembered = remembered.clone();
            }
            let (mailbox, reach) = (link.mailbox, link.reaches().cloned().unwrap_or_default());
            out.push(Effect::Ask(None, Question::Remember { mailbox, remembered, reach }));
        }
        if link.fresh {
            self.asked += 1;
            out.push(Effect::Ask(None, Question::Apply));
        }
    }

    fn answer(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: Option<LinkId>,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        match id.and_then(|id| self.links.get_mut(&id)) {
            Some(link) => {
                let asked = link.owed(answer.is_about_files(), answer.is_about_snapshots());
                *asked = asked.saturating_sub(1);
            }
            None if id.is_none() => self.asked = self.asked.saturating_sub(1),
            None => {}
        }
        match (answer, id) {
            (Answer::Plan { relays, team_changed }, _) => {
                self.planning = false;
                self.follow(rng, now, relays, team_changed, out);
            }
            (Answer::Compared(serial, digest), Some(id)) => {
                self.tell(rng, now, id, ClientInput::Compared(serial, digest), out);
            }
            (Answer::Opened { serial, opened, change, entries, leads_on }, id) => {
                self.dirty |= self.running && leads_on;
                if change != Change::default() {
                    self.dirty |= self.running;
                    out.push(Effect::Changed(change));
                }
                match id.filter(|id| self.links.contains_key(id)) {
                    Some(id) => {
                        if let Some(link) = self.links.get_mut(&id) {
                            link.fresh |= entries > 0;
                        }
                        self.tell(rng, now, id, ClientInput::Opened(serial, opened), out);
                    }
                    // The connection is over, and what it brought has yet to come into its documents.
                    None if entries > 0 => {
                        self.asked += 1;
                        out.push(Effect::Ask(None, Question::Apply));
                    }
                    None => {}
                }
            }
            (Answer::Sealed(writer, range), Some(id)) => {
                self.tell(rng, now, id, ClientInput::Sealed(writer, range), out);
            }
            (Answer::Applied(change), _) => {
                if change != Change::default() {
                    out.push(Effect::Changed(change));
                }
            }
            (answer, id) if answer.is_about_snapshots() => {
                self.answer_snapshots(rng, now, id, answer, out);
            }
            (answer, id) => self.answer_files(rng, now, id, answer, out),
        }
    }

    /// Whatever can be done next.
    fn go_on(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, out: &mut Vec<Effect>) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for id in links {
            self.rest(rng, now, id, out);
            self.move_files(rng, now, id, out);
            self.move_snapshots(rng, now, id, out);
        }
        if !self.running {
            return;
        }
        if self.dirty && !self.planning {
            (self.dirty, self.planning) = (false, true);
            self.asked += 1;
            let question = Question::Plan { reaches: self.reaches(), renew: self.has_read() };
            out.push(Effect::Ask(None, question));
        }
        self.dial(now, out);
    }

    /// Takes note of a connection that has come to rest.
    fn rest(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, id: LinkId, out: &mut Vec<Effect>) {
        let Some(mut link) = self.links.remove(&id) else { return };
        let key = self.relays.get(&link.relay).and_then(|relay| relay.mailboxes.get(&link.mailbox));
        let journal = key.map(|mailbox| mailbox.plan.journal);
        let reach = journal.and_then(|journal| link.reaches()?.get(&journal).copied()).unwrap_or_default();
        if reach > link.journal {
            // The ledger hears that what it put there is there.
            link.journal = reach;
            self.dirty |= self.running;
        }
        let idle = link.words_rest();
        let rests = idle && !link.rested;
        link.rested = idle;
        if rests {
            self.dirty |= self.running && !link.looked;
            link.looked = true;
            self.remember(&link, out);
            link.fresh = false;
            let up_to_date = link.client().is_some_and(firsthand_sync::relay::RelayClient::is_up_to_date);
            if let Some(relay) = self.relays.get_mut(&link.relay) {
                (relay.failures, relay.trouble) = (0, None);
                if let Some(mailbox) = relay.mailboxes.get_mut(&link.mailbox) {
                    mailbox.read = true;
                    if up_to_date {
                        (mailbox.failures, mailbox.trouble) = (0, None);
                    }
                }
            }
        }
        let idle = link.is_idle();
        let visit = journal.is_some() && link.planned && idle && !self.planning && !self.dirty;
        self.links.insert(id, link);
        let passing = |it: &Mailbox| matches!(it.plan.standing, Standing::Former | Standing::Found);
        if visit && self.mailbox(id).is_some_and(|mailbox| passing(mailbox)) {
            self.leave(rng, now, id, out);
        }
    }

    fn reaches(
        &self,
    ) -> BTreeMap<MailboxId, BTreeMap<firsthand_ids::WriterPseudonym, firsthand_ids::Position>> {
        let reach = |link: &Link| Some((link.mailbox, link.reaches()?.clone()));
        self.links.values().filter_map(reach).collect()
    }

    /// Whether everything that matters at some relay was read.
    fn has_read(&self) -> bool {
        let read = |relay: &Relay| {
            !relay.mailboxes.is_empty()
                && relay.trouble.is_none()
                && relay.mailboxes.values().all(|mailbox| mailbox.read || mailbox.trouble.is_some())
        };
        self.relays.values().any(read)
    }
}

/// A time from half of `ms` to all of it later, so that devices that lost a relay together do not come back together.
fn later(rng: &mut dyn CryptoRng, now: UnixMillis, ms: i64) -> UnixMillis {
    let half = ms / 2;
    let jitter = (rng.next_u64() % (half as u64 + 1)) as i64;
    UnixMillis(now.0.saturating_add(half + jitter))
}

fn back_off(rng: &mut dyn CryptoRng, now: UnixMillis, failures: u32) -> UnixMillis {
    let doubled = RETRY_MS.saturating_mul(1 << failures.saturating_sub(1).min(20));
    later(rng, now, doubled.min(LONGEST_MS))
}
