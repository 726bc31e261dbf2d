//! Benchmark 9: a relay comes back from a backup, and phones that had seen what it lost come by.
//!
//! The machines that a real connection uses, without a socket: what is counted is what the channel would put on the wire, the
//! handshake included. What the ranges hold does not matter here, so it is made up.

use std::collections::{BTreeMap, VecDeque};

use firsthand_channel::{ExchangeSecret, RelayEvent, RelayLink};
use firsthand_ids::{Position, UnixMillis, WriterPseudonym};
use firsthand_log::DeviceSecret;
use firsthand_relay::{Grant, MemoryStorage, Storage};
use firsthand_sync::relay::{
    ClientConfig, ClientEffect, ClientInput, Limits, MAX_ANSWER_BYTES, MAX_FIRST_REQUEST_BYTES,
    MAX_REQUEST_BYTES, Opened, Puts, RelayClient, RelayEffect, RelayInput, RelaySession, Remembered,
    SealedDigest, Token,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::Outcome;
use crate::report::{Quantity, Report};

/// Two phones for each of six people.
const PHONES: u8 = 12;
/// What the relay held, each entry in a range of its own: the worst case for a list.
const ENTRIES: u64 = 10_000;
/// How much of that came after the backup.
const LOST: [u64; 3] = [100, 1_000, 5_000];
/// Bytes of a sealed entry.
const BYTES: usize = 600;
/// How many entries of one writer a range holds when many are brought at once.
const TOGETHER: u64 = 400;
const NOW: UnixMillis = UnixMillis(1_000);
const TOKEN: Token = Token::new([1; 16]);

pub(crate) fn run(report: &mut Report) -> Outcome<()> {
    report.heading(format!(
        "a relay with {ENTRIES} entries of {PHONES} phones comes back from a backup; phones that had seen all of it come by"
    ));
    let mut world = World::new()?;
    let mut backups = BTreeMap::new();
    for number in 1..=ENTRIES {
        world.save()?;
        if LOST.contains(&(ENTRIES - number)) {
            backups.insert(ENTRIES - number, world.storage.clone());
        }
    }
    for phone in 0..PHONES {
        world.meet(phone)?;
    }
    for lost in LOST {
        let storage = backups.remove(&lost).ok_or("find the backup")?;
        let mut first = world.with(storage.clone());
        let took = first.meet(0)?;
        // What a connection takes that finds nothing to do.
        let idle = first.meet(0)?.bytes;
        let each = |met: &Met| (met.bytes - met.sealed).saturating_sub(idle) as f64 / lost as f64;
        let what = format!("{lost} lost: bytes for each, beside what was brought and any connection takes");
        report.limit(&what, Quantity::Bytes(each(&took)), 25.0);
        let next = first.meet(1)?;
        report.limit("   the same for the next phone", Quantity::Bytes(each(&next)), 25.0);
        let mut forgetful = world.with(storage);
        forgetful.phones.iter_mut().for_each(|phone| phone.remembered.earlier.clear());
        let whole = forgetful.meet(0)?;
        report.compare(
            "   bytes for all of them, the connection included",
            Quantity::bytes(took.bytes - took.sealed),
            "the whole list again",
            Quantity::bytes(whole.bytes - whole.sealed),
            None,
        );
        if first.storage.holdings()?.ranges < ENTRIES - lost || took.sealed == 0 {
            return Err("bring what was lost".into());
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Phone {
    number: u8,
    holds: BTreeMap<WriterPseudonym, Position>,
    remembered: Remembered,
}

/// What a connection took.
#[derive(Default)]
struct Met {
    /// Both ways, on the wire.
    bytes: u64,
    /// Sealed ranges that were brought.
    sealed: u64,
}

struct World {
    storage: MemoryStorage,
    phones: Vec<Phone>,
    rng: ChaCha20Rng,
    /// How many entries of one writer a range holds at most.
    together: u64,
}

impl World {
    fn new() -> Outcome<Self> {
        let mut storage = MemoryStorage::default();
        storage.grant(TOKEN.kept(), Grant { mailboxes: 1, bytes: 1 << 40, until: UnixMillis(i64::MAX) })?;
        let phone = |number| Phone { number, holds: BTreeMap::new(), remembered: Remembered::default() };
        let phones = (0..PHONES).map(phone).collect();
        Ok(Self { storage, phones, rng: ChaCha20Rng::seed_from_u64(9), together: 1 })
    }

    /// The same phones with another relay, to which they bring what it lacks in as few ranges as they can.
    fn with(&self, storage: MemoryStorage) -> Self {
        Self { storage, phones: self.phones.clone(), rng: self.rng.clone(), together: TOGETHER }
    }

    /// Somebody saves something, which reaches the relay at once, and hears what others saved meanwhile.
    fn save(&mut self) -> Outcome<()> {
        let phone = (self.rng.next_u32() % u32::from(PHONES)) as u8;
        self.phones[usize::from(phone)].holds.entry(writer(phone)).or_default().0 += 1;
        self.meet(phone).map(drop)
    }

    fn meet(&mut self, phone: u8) -> Outcome<Met> {
        connect(&mut self.phones[usize::from(phone)], &mut self.storage, &mut self.rng, self.together)
    }
}

fn writer(phone: u8) -> WriterPseudonym {
    WriterPseudonym::new([phone + 1; 16])
}

fn secret(number: u8) -> Outcome<DeviceSecret> {
    Ok(DeviceSecret::from_seed([number; 32])?)
}

/// What entries look like, sealed: the same on every phone.
fn sealed(writer: WriterPseudonym, from: Position, to: Position) -> Vec<u8> {
    let mut bytes = [writer.as_bytes().as_slice(), &from.0.to_be_bytes(), &to.0.to_be_bytes()].concat();
    bytes.resize(BYTES * (to.0 - from.0 + 1) as usize, 0);
    bytes
}

/// One connection, until nobody has anything to say.
fn connect(
    phone: &mut Phone,
    storage: &mut MemoryStorage,
    rng: &mut ChaCha20Rng,
    together: u64,
) -> Outcome<Met> {
    let mut met = Met::default();
    let key = ExchangeSecret::from_bytes([7; 32]);
    let (mut ours, hello) = RelayLink::dial(&key.public()?, MAX_ANSWER_BYTES, rng)?;
    let mut theirs = RelayLink::answer(key, MAX_FIRST_REQUEST_BYTES, rng);
    let Some(RelayEvent::Established { handshake_hash, reply }) = theirs.push(&hello)?.pop() else {
        return Err("shake hands".into());
    };
    met.bytes += (hello.len() + reply.len()) as u64;
    ours.push(&reply)?;
    let config = ClientConfig {
        mailbox: secret(2)?,
        uploader: secret(100 + phone.number)?,
        register: Some((TOKEN, secret(3)?.key())),
        remembered: phone.remembered.clone(),
        holds: phone.holds.clone(),
        puts: Puts::All,
    };
    let (mut client, effects) = RelayClient::new(config, handshake_hash);
    let mut session = RelaySession::new(Limits::default(), handshake_hash, NOW);
    let (mut effects, mut inputs) = (VecDeque::from(effects), VecDeque::new());
    while let Some(effect) = effects.pop_front() {
        match effect {
            ClientEffect::Send(frame) => {
                let bytes = ours.send(&frame)?;
                met.bytes += bytes.len() as u64;
                for event in theirs.push(&bytes)? {
                    let RelayEvent::Frame(frame) = event else { continue };
                    for answer in serve(&mut session, storage, frame, &mut theirs)? {
                        let bytes = theirs.send(&answer)?;
                        met.bytes += bytes.len() as u64;
                        let frames = ours.push(&bytes)?.into_iter();
                        inputs.extend(frames.filter_map(|event| match event {
                            RelayEvent::Frame(frame) => Some(ClientInput::Frame(frame)),
                            RelayEvent::Established { .. } => None,
                        }));
                    }
                }
            }
            ClientEffect::Compare(head) => {
                let digest = SealedDigest::of(&sealed(head.writer, head.from, head.to));
                inputs.push_back(ClientInput::Compared(head.serial, Some(digest)));
            }
            ClientEffect::Received(head, _) => {
                let held = phone.holds.entry(head.writer).or_default();
                *held = (*held).max(head.to);
                inputs.push_back(ClientInput::Holds(phone.holds.clone()));
                inputs.push_back(ClientInput::Opened(head.serial, Opened::Good));
            }
            ClientEffect::Seal(writer, after) => {
                let to = Position(phone.holds[&writer].0.min(after.0 + together));
                let range = (to > after).then(|| (after.next(), to, sealed(writer, after.next(), to)));
                met.sealed += range.as_ref().map_or(0, |(_, _, sealed)| sealed.len() as u64);
                inputs.push_back(ClientInput::Sealed(writer, range));
            }
            ClientEffect::Over(reason) => return Err(format!("stay connected: {reason:?}").into()),
            _ => {}
        }
        while effects.is_empty()
            && let Some(input) = inputs.pop_front()
        {
            effects.extend(client.handle(input));
        }
    }
    if !client.is_up_to_date() {
        return Err("bring everything".into());
    }
    phone.remembered = client.remembered();
    Ok(met)
}

/// What the relay says to a request.
fn serve(
    session: &mut RelaySession,
    storage: &mut MemoryStorage,
    frame: Vec<u8>,
    link: &mut RelayLink,
) -> Outcome<Vec<Vec<u8>>> {
    let (mut answers, mut inputs) = (Vec::new(), VecDeque::from([RelayInput::Frame(frame)]));
    while let Some(input) = inputs.pop_front() {
        for effect in session.handle(NOW, input) {
            match effect {
                RelayEffect::Send(frame) => answers.push(frame),
                RelayEffect::Order(id, order) => {
                    let outcome = storage.carry_out(NOW, &[order])?.pop().ok_or("carry out an order")?;
                    inputs.push_back(RelayInput::Outcome(id, outcome));
                }
                RelayEffect::Announce(_, serial) => inputs.push_back(RelayInput::Grew(serial)),
                RelayEffect::Trust => link.set_limit(MAX_REQUEST_BYTES),
                RelayEffect::Join(_) | RelayEffect::Close(_) => {}
            }
        }
    }
    Ok(answers)
}
