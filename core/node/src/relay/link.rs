//! One connection to one mailbox.

use std::collections::BTreeMap;

use firsthand_channel::{RelayEvent, RelayLink};
use firsthand_ids::{ContentHash, DeviceKey, ExchangeKey, MailboxId, Position, UnixMillis, WriterPseudonym};
use firsthand_log::DeviceSecret;
use firsthand_sync::relay::{
    ClientConfig, ClientEffect, ClientInput, Closing, MAX_ANSWER_BYTES, Puts, Refused, RelayClient,
    Remembered, Token,
};
use firsthand_team::TeamRelay;
use rand_core::CryptoRng;

use super::files::Files;
use super::snapshots::Snapshots;
use super::{MailboxPlan, Question, Standing, Trouble};

/// How long a connection and its handshake may take.
const OPENING_MS: i64 = 20_000;
/// How long a relay may be silent while it owes something.
const ANSWER_MS: i64 = 60_000;
/// How long it may be silent otherwise. It asks after a minute of silence whether this device is still there.
const SILENCE_MS: i64 = 180_000;
/// How long it may be silent after it was asked whether it is still there.
const CHECK_MS: i64 = 10_000;
/// A WebSocket message of the channel's bytes.
const PIECE: usize = 60_000;

enum Phase {
    /// The shell is making a connection.
    Dialling,
    /// The channel is being opened.
    Greeting(Box<RelayLink>),
    /// The mailbox is being talked about.
    Open(Box<RelayLink>, Box<RelayClient>),
}

/// What a link wants of the machine.
pub(super) enum Want {
    Send(Vec<u8>),
    Ask(Question),
    /// It is over, and why.
    Over(Ended),
    /// What the relay has no room for.
    NotTaken(Refused),
    Withheld,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// As it was to.
    Done,
    /// There is no such mailbox.
    Gone,
    /// It is left over from before the network changed, or the phone slept: nothing follows from that.
    Stale,
    /// Something is wrong with the relay.
    Trouble(Trouble),
}

pub(super) struct Link {
    pub(super) relay: ExchangeKey,
    pub(super) mailbox: MailboxId,
    phase: Phase,
    opened: UnixMillis,
    heard: UnixMillis,
    owed_since: Option<UnixMillis>,
    /// When it was asked whether it is still there, if nothing was heard since.
    checked: Option<UnixMillis>,
    /// Answers the ledger owes.
    pub(super) asked: usize,
    /// Entries that came and may not be in their documents yet.
    pub(super) fresh: bool,
    /// Everything that was listed was looked at once.
    pub(super) looked: bool,
    /// The ledger has said since what to bring.
    pub(super) planned: bool,
    /// It was at rest when it was last asked.
    pub(super) rested: bool,
    /// How far this device's journal was known to go.
    pub(super) journal: Position,
    pub(super) files: Files,
    pub(super) snapshots: Snapshots,
    /// When it is left and entered again, to hear of proposals and of what became of them.
    pub(super) reenter: UnixMillis,
}

impl Link {
    pub(super) fn new(relay: ExchangeKey, mailbox: MailboxId, now: UnixMillis) -> Self {
        Self {
            relay,
            mailbox,
            phase: Phase::Dialling,
            opened: now,
            heard: now,
            owed_since: None,
            checked: None,
            asked: 0,
            fresh: false,
            looked: false,
            planned: false,
            rested: false,
            journal: Position::START,
            files: Files::new(),
            snapshots: Snapshots::new(),
            reenter: UnixMillis(i64::MAX),
        }
    }

    /// The stream is there.
    pub(super) fn begin(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis) -> Result<Vec<u8>, Trouble> {
        let (link, hello) =
            RelayLink::dial(&self.relay, MAX_ANSWER_BYTES, rng).map_err(|_| Trouble::OtherKey)?;
        self.phase = Phase::Greeting(Box::new(link));
        self.heard = now;
        Ok(hello)
    }

    pub(super) fn client(&self) -> Option<&RelayClient> {
        match &self.phase {
            Phase::Open(_, client) => Some(client),
            _ => None,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(..))
    }

    /// Whether nothing is left to do until something comes.
    pub(super) fn is_idle(&self) -> bool {
        let rests = self.asked == 0 && self.files.is_idle() && self.snapshots.is_idle();
        rests && self.client().is_some_and(RelayClient::is_idle)
    }

    /// Whether nothing is left to do for entries until something comes.
    pub(super) fn words_rest(&self) -> bool {
        self.asked == 0 && self.client().is_some_and(RelayClient::words_rest)
    }

    pub(super) fn reaches(&self) -> Option<&BTreeMap<WriterPseudonym, Position>> {
        self.client().map(RelayClient::reaches)
    }

    pub(super) const fn heard(&mut self, now: UnixMillis) {
        self.heard = now;
        self.checked = None;
    }

    /// Takes note that the relay is being asked whether it is still there, and has news.
    pub(super) fn note_check(&mut self, now: UnixMillis) {
        self.checked.get_or_insert(now);
    }

    /// Why it is given up at its deadline.
    pub(super) fn late(&self, now: UnixMillis) -> Ended {
        match self.checked {
            Some(at) if at.0.saturating_add(CHECK_MS) <= now.0 => Ended::Stale,
            _ if self.is_open() => Ended::Trouble(Trouble::Silent),
            _ => Ended::Trouble(Trouble::Unreachable),
        }
    }

    /// Takes bytes of the relay's.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        now: UnixMillis,
        plan: &MailboxPlan,
        (relay, leads): (&TeamRelay, &DeviceKey),
    ) -> Vec<Want> {
        self.heard(now);
        let link = match &mut self.phase {
            Phase::Dialling => return Vec::new(),
            Phase::Greeting(link) | Phase::Open(link, _) => link,
        };
        let greeting = !link.is_established();
        let Ok(events) = link.push(bytes) else {
            // Before the channel stands it is the key that does not fit.
            let trouble = if greeting { Trouble::OtherKey } else { Trouble::Misbehaved };
            return vec![Want::Over(Ended::Trouble(trouble))];
        };
        let mut wants = Vec::new();
        for event in events {
            match event {
                RelayEvent::Established { handshake_hash, .. } => {
                    let config = config(plan, relay, leads);
                    let Some(config) = config else {
                        return vec![Want::Over(Ended::Trouble(Trouble::Misbehaved))];
                    };
                    let (client, effects) = RelayClient::new(config, handshake_hash);
                    self.phase = match std::mem::replace(&mut self.phase, Phase::Dialling) {
                        Phase::Greeting(link) | Phase::Open(link, _) => Phase::Open(link, Box::new(client)),
                        Phase::Dialling => return wants,
                    };
                    self.wants(effects, &mut wants);
                }
                RelayEvent::Frame(frame) => self.tell(ClientInput::Frame(frame), &mut wants),
            }
        }
        wants
    }

    /// Tells the client something.
    pub(super) fn tell(&mut self, input: ClientInput, wants: &mut Vec<Want>) {
        let Phase::Open(_, client) = &mut self.phase else { return };
        let effects = client.handle(input);
        self.wants(effects, wants);
    }

    fn wants(&mut self, effects: Vec<ClientEffect>, wants: &mut Vec<Want>) {
        let mailbox = self.mailbox;
        for effect in effects {
            let want = match effect {
                ClientEffect::Send(frame) => {
                    let Phase::Open(link, _) = &mut self.phase else { continue };
                    let Ok(bytes) = link.send(&frame) else {
                        wants.push(Want::Over(Ended::Trouble(Trouble::Misbehaved)));
                        continue;
                    };
                    wants.extend(bytes.chunks(PIECE).map(|piece| Want::Send(piece.to_vec())));
                    continue;
                }
                ClientEffect::Entered(entered, _) => {
                    self.files.entered(entered.purse);
                    self.snapshots.entered(entered.pending);
                    continue;
                }
                ClientEffect::Compare(head) => Want::Ask(Question::Compare(mailbox, head)),
                ClientEffect::Received(head, sealed) => Want::Ask(Question::Open(mailbox, head, sealed)),
                ClientEffect::Seal(writer, after) => Want::Ask(Question::Seal(mailbox, writer, after)),
                ClientEffect::Anew => {
                    self.files.anew();
                    self.snapshots.anew();
                    Want::Ask(Question::Anew(mailbox))
                }
                ClientEffect::SetBack(moment) => {
                    self.files.anew();
                    self.snapshots.anew();
                    Want::Ask(Question::SetBack(mailbox, moment))
                }
                ClientEffect::NotTaken(_, refused) => Want::NotTaken(refused),
                ClientEffect::Begins(floor) => {
                    self.snapshots.begins(floor);
                    continue;
                }
                ClientEffect::Moved => Want::Over(Ended::Stale),
                ClientEffect::Withheld(_) => Want::Withheld,
                ClientEffect::Over(reason) => Want::Over(ended(reason)),
                ClientEffect::Looked(there) => {
                    self.files.looked(there);
                    continue;
                }
                ClientEffect::Load(name) => match self.load(name) {
                    Some(question) => Want::Ask(question),
                    None => continue,
                },
                ClientEffect::Blob(name, sealed) => {
                    let snapshots = &mut self.snapshots;
                    if snapshots.is_fetching(&name) {
                        Want::Ask(snapshots.came(mailbox, name, sealed))
                    } else {
                        match self.files.came(mailbox, name, sealed) {
                            Some(Ok(question)) => Want::Ask(question),
                            Some(Err(())) => Want::Withheld,
                            None => continue,
                        }
                    }
                }
                ClientEffect::Kept(name, result) => {
                    if !self.files.kept(&name, result) {
                        self.snapshots.kept(name, result);
                    }
                    continue;
                }
                ClientEffect::Settled(result) => Want::Ask(self.snapshots.settled(mailbox, result)),
                // No boxes are asked for.
                ClientEffect::Boxes(_) | ClientEffect::UpToDate => continue,
            };
            wants.push(want);
        }
    }

    /// What is to be loaded, for a file or a snapshot.
    fn load(&self, name: ContentHash) -> Option<Question> {
        self.files.load(self.mailbox, name).or_else(|| self.snapshots.load(self.mailbox, name))
    }

    /// How many answers the ledger owes of the same sort.
    pub(super) const fn owed(&mut self, files: bool, snapshots: bool) -> &mut usize {
        match (files, snapshots) {
            (true, _) => &mut self.files.asked,
            (_, true) => &mut self.snapshots.asked,
            _ => &mut self.asked,
        }
    }

    /// What to remember of it.
    pub(super) fn remembered(&self) -> Option<Remembered> {
        self.client().map(RelayClient::remembered)
    }

    /// When it is given up unless something comes before.
    pub(super) fn deadline(&self) -> UnixMillis {
        let since = |since: UnixMillis, ms: i64| UnixMillis(since.0.saturating_add(ms));
        if !self.is_open() {
            return since(self.opened, OPENING_MS);
        }
        let silent = match self.owed_since {
            Some(owed) => since(owed.max(self.heard), ANSWER_MS),
            None => since(self.heard, SILENCE_MS),
        };
        self.checked.map_or(silent, |at| silent.min(since(at, CHECK_MS)))
    }

    /// Takes note of whether the relay owes something.
    pub(super) fn note_turn(&mut self, now: UnixMillis) {
        let owes = self.asked == 0 && self.client().is_some_and(RelayClient::awaits_relay);
        self.owed_since = owes.then(|| self.owed_since.unwrap_or(now));
    }
}

fn config(plan: &MailboxPlan, relay: &TeamRelay, leads: &DeviceKey) -> Option<ClientConfig> {
    let copy = |secret: &DeviceSecret| DeviceSecret::from_seed(*secret.seed()).ok();
    // An earlier mailbox that a relay lost is made again by whoever has a door to leave there: devices that were apart at a removal, and
    // each made an epoch, find each other's only through it.
    let door = plan.standing == Standing::Former && plan.says;
    let register = (plan.standing == Standing::Current || door).then(|| (Token::new(relay.token), *leads));
    Some(ClientConfig {
        mailbox: copy(&plan.secret)?,
        uploader: copy(&plan.uploader)?,
        register,
        remembered: plan.remembered.clone(),
        holds: plan.holds.clone(),
        // What is there is read first: it may say that this mailbox is not the one to bring anything to any more.
        puts: Puts::Nothing,
    })
}

fn ended(reason: Option<Closing>) -> Ended {
    Ended::Trouble(match reason {
        Some(Closing::Done) => return Ended::Done,
        Some(Closing::NoMailbox) => return Ended::Gone,
        Some(Closing::Stopping) => Trouble::Stopping,
        Some(Closing::Token) => Trouble::Token,
        Some(Closing::Busy) => Trouble::Busy,
        Some(Closing::Storage) => Trouble::Disk,
        Some(Closing::Late) => Trouble::Silent,
        Some(Closing::Proof | Closing::Forbidden | Closing::Other(_)) | None => Trouble::Misbehaved,
    })
}
