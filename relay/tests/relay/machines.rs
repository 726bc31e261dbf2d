//! Clients and a relay's sessions, without a socket between them: what members hold comes to be the same, whatever the relay
//! loses, and whatever it says.

use std::collections::{BTreeMap, VecDeque};

use firsthand_ids::{ContentHash, Position, UnixMillis, sha256};
use firsthand_relay::{Grant, MemoryStorage, Storage};
use firsthand_sync::relay::{
    Answer, BlobKind, ClientEffect, ClientInput, Closing, Entered, Floor, Limits, MailboxBase, Outcome,
    Refused, RelayClient, RelayEffect, RelayInput, RelaySession, Remembered, proof, rules,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::support::{Member, leads, mailbox, token, writer};

/// What a relay on the way could do with its answers.
type Lie<'a> = &'a mut dyn FnMut(Answer) -> Vec<Answer>;

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    let grant = Grant { mailboxes: 4, bytes: 1 << 24, until: UnixMillis(i64::MAX) };
    storage.grant(token().kept(), grant).unwrap();
    storage
}

struct Meeting {
    client: RelayClient,
    session: RelaySession,
    inputs: VecDeque<ClientInput>,
    effects: VecDeque<ClientEffect>,
    to_relay: VecDeque<Vec<u8>>,
    now: UnixMillis,
    seed: u8,
}

impl Meeting {
    fn new(member: &Member, now: UnixMillis, seed: u8) -> Self {
        let handshake = [seed; 32];
        let (client, effects) = RelayClient::new(member.config(), handshake);
        let session = RelaySession::new(Limits::default(), handshake, now);
        Self {
            client,
            session,
            inputs: VecDeque::new(),
            effects: effects.into(),
            to_relay: VecDeque::new(),
            now,
            seed,
        }
    }

    /// Goes on until nobody has anything to say.
    fn run(&mut self, member: &mut Member, storage: &mut dyn Storage, lie: Lie<'_>) {
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < 200_000, "they never end");
            if let Some(effect) = self.effects.pop_front() {
                self.inputs.extend(member.carry_out(effect, &mut self.to_relay));
            } else if let Some(input) = self.inputs.pop_front() {
                self.effects.extend(self.client.handle(input));
            } else if let Some(frame) = self.to_relay.pop_front() {
                self.relay(RelayInput::Frame(frame), storage, lie);
            } else {
                break;
            }
        }
        member.remembered = self.client.remembered();
    }

    fn relay(&mut self, input: RelayInput, storage: &mut dyn Storage, lie: Lie<'_>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.session.handle(self.now, input) {
                match effect {
                    RelayEffect::Send(frame) => {
                        let answers = lie(Answer::decode(&frame).unwrap());
                        self.inputs.extend(answers.iter().map(|answer| ClientInput::Frame(answer.encode())));
                    }
                    RelayEffect::Order(id, order) => {
                        let outcome = storage.carry_out(self.now, &[order]).unwrap().pop().unwrap();
                        inputs.push_back(RelayInput::Outcome(id, outcome));
                    }
                    RelayEffect::Announce(_, serial) => inputs.push_back(RelayInput::Grew(serial)),
                    RelayEffect::Trust | RelayEffect::Join(_) | RelayEffect::Close(_) => {}
                }
            }
        }
    }
}

fn honest() -> impl FnMut(Answer) -> Vec<Answer> {
    |answer| vec![answer]
}

/// One whole connection.
fn connect(member: &mut Member, storage: &mut dyn Storage, lie: Lie<'_>) -> Meeting {
    let mut meeting = Meeting::new(member, UnixMillis(1000), member.number);
    meeting.run(member, storage, lie);
    meeting
}

#[test]
fn what_one_brings_the_other_gets() {
    let mut storage = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    amina.write(writer(1), 10);
    assert!(connect(&mut amina, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(amina.heard.last(), Some(&ClientEffect::UpToDate));
    bruno.write(writer(2), 5);
    assert!(connect(&mut bruno, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(bruno.holds, BTreeMap::from([(writer(1), Position(10)), (writer(2), Position(5))]));
    assert!(connect(&mut amina, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(amina.holds, bruno.holds);
    // Nothing comes twice, and nothing is listed twice.
    let received = amina.received;
    let mut pages = 0;
    connect(&mut amina, &mut storage, &mut |answer| {
        if let Answer::Listed { ranges, restart, .. } = &answer {
            assert_eq!((ranges.len(), restart), (0, &None));
            pages += 1;
        }
        vec![answer]
    });
    assert_eq!((amina.received, pages), (received, 1));
}

#[test]
fn what_a_device_holds_does_not_travel() {
    let mut storage = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    for member in [&mut amina, &mut bruno] {
        member.write(writer(1), 10);
    }
    connect(&mut amina, &mut storage, &mut honest());
    assert!(connect(&mut bruno, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(bruno.received, 0);
    // Where the same entries are sealed otherwise, only the bytes can tell.
    let mut carla = Member::new(3);
    carla.write(writer(1), 10);
    carla.len = 200;
    assert!(connect(&mut carla, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!((carla.received, storage.holdings().unwrap().ranges), (4, 4));
}

#[test]
fn what_follows_comes_while_connected() {
    let mut storage = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    let mut listening = connect(&mut amina, &mut storage, &mut honest());
    bruno.write(writer(2), 4);
    let serial = {
        connect(&mut bruno, &mut storage, &mut honest());
        2
    };
    let mut gets = 0;
    listening.relay(RelayInput::Grew(serial), &mut storage, &mut |answer| {
        gets += usize::from(matches!(answer, Answer::Range { pushed: true, .. }));
        vec![answer]
    });
    listening.run(&mut amina, &mut storage, &mut honest());
    assert_eq!((amina.holds, gets), (bruno.holds, 2));
    assert!(listening.client.is_up_to_date());
}

#[test]
fn a_relay_that_lost_everything_or_its_newest_is_filled_again() {
    let mut before = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    amina.write(writer(1), 10);
    connect(&mut amina, &mut before, &mut honest());
    // A backup is restored: what came after it is gone, and another range has its serials.
    let mut restored = storage();
    let mut early = Member::new(1);
    early.write(writer(1), 3);
    connect(&mut early, &mut restored, &mut honest());
    bruno.write(writer(2), 9);
    connect(&mut bruno, &mut restored, &mut honest());
    assert!(connect(&mut amina, &mut restored, &mut honest()).client.is_up_to_date());
    assert!(connect(&mut bruno, &mut restored, &mut honest()).client.is_up_to_date());
    assert_eq!(amina.holds, bruno.holds);
    let mut empty = storage();
    assert!(connect(&mut amina, &mut empty, &mut honest()).client.is_up_to_date());
    let mut carla = Member::new(3);
    connect(&mut carla, &mut empty, &mut honest());
    assert_eq!(carla.holds, amina.holds);
}

/// However long the list and whatever the age of what was lost: of what a relay has kept, little is listed again.
#[test]
fn a_relay_that_comes_back_from_a_copy_is_brought_what_it_lost_and_little_else() {
    const RANGES: u64 = 600;
    let mut storage = storage();
    let mut members = [Member::new(1), Member::new(2)];
    members.iter_mut().for_each(|member| member.cut = 1);
    let mut copies = BTreeMap::new();
    for n in 1..=RANGES {
        let member = &mut members[(n % 2) as usize];
        member.write(writer(member.number), 1);
        assert!(connect(member, &mut storage, &mut honest()).client.is_up_to_date());
        copies.insert(n, storage.clone());
    }
    connect(&mut members[1], &mut storage, &mut honest());
    for lost in [1, 2, 7, 30, 100, 250, 500, RANGES - 1] {
        let (mut copy, mut members) = (copies[&(RANGES - lost)].clone(), members.clone());
        for member in &mut members {
            let (received, mut again) = (member.received, 0);
            let meeting = connect(member, &mut copy, &mut |answer| {
                if let Answer::Listed { ranges, restart, .. } = &answer {
                    assert!(restart.is_none() || lost > 400, "{lost}");
                    again += ranges.iter().filter(|head| head.serial <= RANGES - lost).count() as u64;
                }
                vec![answer]
            });
            assert!(meeting.client.is_up_to_date());
            // They come by turns, so each knows every second place of the list.
            assert!(again <= lost / 4 + 2 || lost > 400, "{lost} lost, {again} listed again");
            assert_eq!(member.received, received, "{lost}");
            let moments = member.remembered.earlier.len();
            assert!(moments < 40, "{moments} moments");
        }
        assert_eq!(copy.holdings().unwrap().ranges, RANGES, "{lost}");
        // Somebody who held nothing gets everything.
        let mut carla = Member::new(3);
        connect(&mut carla, &mut copy, &mut honest());
        assert_eq!(carla.holds, members[0].holds);
    }
}

#[test]
fn a_relay_that_acknowledges_and_forgets_is_found_out_at_the_next_meeting() {
    let mut storage = storage();
    let mut amina = Member::new(1);
    amina.write(writer(1), 10);
    struct Forgetful<'a>(&'a mut MemoryStorage);
    impl Storage for Forgetful<'_> {
        fn carry_out(
            &mut self,
            now: UnixMillis,
            orders: &[firsthand_sync::relay::Order],
        ) -> Result<Vec<Outcome>, firsthand_relay::RelayError> {
            if matches!(orders, [firsthand_sync::relay::Order::Put { .. }]) {
                return Ok(vec![Outcome::Done { serial: 1, new: false }]);
            }
            self.0.carry_out(now, orders)
        }
        fn grant(&mut self, kept: [u8; 32], grant: Grant) -> Result<(), firsthand_relay::RelayError> {
            self.0.grant(kept, grant)
        }
        fn sweep(&mut self, now: UnixMillis) -> Result<firsthand_relay::Swept, firsthand_relay::RelayError> {
            self.0.sweep(now)
        }
        fn holdings(&mut self) -> Result<firsthand_relay::Holdings, firsthand_relay::RelayError> {
            self.0.holdings()
        }
    }
    connect(&mut amina, &mut Forgetful(&mut storage), &mut honest());
    assert_eq!(storage.holdings().unwrap().ranges, 0);
    connect(&mut amina, &mut storage, &mut honest());
    assert_eq!(storage.holdings().unwrap().ranges, 4);
}

#[test]
fn a_range_that_is_listed_and_not_brought_is_put_again() {
    for lie in 0..3 {
        let mut storage = storage();
        let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
        amina.write(writer(1), 3);
        connect(&mut amina, &mut storage, &mut honest());
        // Bruno holds the same, and seals it otherwise.
        bruno.write(writer(1), 3);
        bruno.len = 150;
        let mut lied = 0;
        let meeting = connect(&mut bruno, &mut storage, &mut |answer| match answer {
            Answer::Range { mut head, pushed: false, mut sealed } if lied == 0 => {
                lied += 1;
                match lie {
                    0 => return vec![Answer::Gone { serial: head.serial }],
                    1 => sealed[40] ^= 1,
                    _ => head.to.0 += 1,
                }
                vec![Answer::Range { head, pushed: false, sealed }]
            }
            other => vec![other],
        });
        assert_eq!(lied, 1);
        assert!(bruno.heard.contains(&ClientEffect::Withheld(1)));
        assert!(meeting.client.is_up_to_date(), "lie {lie}");
        assert_eq!(storage.holdings().unwrap().ranges, 2);
    }
}

#[test]
fn garbage_of_another_member_stops_nobody() {
    let mut storage = storage();
    let mut mallory = Member::new(9);
    mallory.write(writer(1), 9);
    // Nobody can open what it seals.
    let mut meeting = Meeting::new(&mallory, UnixMillis(1000), 9);
    loop {
        if let Some(effect) = meeting.effects.pop_front() {
            let inputs = mallory.carry_out(effect, &mut meeting.to_relay);
            meeting.inputs.extend(inputs.into_iter().map(|input| match input {
                ClientInput::Sealed(writer, Some((from, to, mut sealed))) => {
                    sealed[20] ^= 0xff;
                    ClientInput::Sealed(writer, Some((from, to, sealed)))
                }
                other => other,
            }));
        } else if let Some(input) = meeting.inputs.pop_front() {
            meeting.effects.extend(meeting.client.handle(input));
        } else if let Some(frame) = meeting.to_relay.pop_front() {
            meeting.relay(RelayInput::Frame(frame), &mut storage, &mut honest());
        } else {
            break;
        }
    }
    assert_eq!(storage.holdings().unwrap().ranges, 3);
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    amina.write(writer(1), 9);
    assert!(connect(&mut amina, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(storage.holdings().unwrap().ranges, 6);
    assert!(connect(&mut bruno, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(bruno.holds, amina.holds);
}

#[test]
fn a_mailbox_that_is_said_to_begin_elsewhere_is_noticed() {
    let mut storage = storage();
    let mut amina = Member::new(1);
    amina.write(writer(1), 3);
    let false_base = MailboxBase(BTreeMap::from([(writer(1), Position(3))]));
    connect(&mut amina, &mut storage, &mut |answer| match answer {
        Answer::Listed { restart: Some(_), ranges, more } => {
            vec![Answer::Listed { restart: Some(false_base.clone()), ranges, more }]
        }
        other => vec![other],
    });
    let floor = Floor { snapshot: None, base: false_base };
    assert!(amina.heard.contains(&ClientEffect::Begins(floor.clone())));
    // And nothing is counted as there because of it, nor remembered.
    assert_eq!(amina.remembered, Remembered::default());
    assert!(connect(&mut amina, &mut storage, &mut honest()).client.is_up_to_date());
    assert_eq!(storage.holdings().unwrap().ranges, 1);
    // Who knows the mailbox hears that another one is there, and begins anew when it is not.
    for (said, counted) in [(Some(&floor), 0), (None, 3)] {
        let meeting = connect(&mut amina, &mut storage, &mut |answer| match (answer, said) {
            (Answer::Entered { now, mailbox }, Some(_)) => {
                let snapshot = Some(ContentHash::new([7; 32]));
                vec![Answer::Entered { now, mailbox: Entered { snapshot, ..mailbox } }]
            }
            (Answer::Listed { restart: Some(_), ranges, more }, Some(said)) => {
                vec![Answer::Listed { restart: Some(said.base.clone()), ranges, more }]
            }
            (other, _) => vec![other],
        });
        assert_eq!(meeting.client.reach(&writer(1)), Position(counted));
    }
}

#[test]
fn a_snapshot_is_proposed_confirmed_and_takes_the_place() {
    let mut storage = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    amina.write(writer(1), 9);
    connect(&mut bruno, &mut storage, &mut honest());
    let mut meeting = connect(&mut amina, &mut storage, &mut honest());
    let id = ContentHash::new(sha256(b"snapshot"));
    amina.blobs.insert(id, b"snapshot".to_vec());
    meeting.inputs.push_back(ClientInput::Keep(BlobKind::Snapshot, id));
    meeting.run(&mut amina, &mut storage, &mut honest());
    assert!(amina.heard.contains(&ClientEffect::Kept(id, Ok(()))));
    let base = MailboxBase(BTreeMap::from([(writer(1), Position(9))]));
    let forged = proof::replace(&firsthand_sync::relay::mailbox_id(&mailbox().key()), &id, &base);
    for (signer, expected) in [(mailbox(), Err(Refused::NotTheLeads)), (leads(), Ok(()))] {
        meeting.now.0 += 1;
        meeting.inputs.push_back(ClientInput::Replace(id, base.clone(), signer.sign(&forged)));
        meeting.run(&mut amina, &mut storage, &mut honest());
        assert!(amina.heard.contains(&ClientEffect::Settled(expected)));
    }
    let mut meeting = Meeting::new(&bruno, UnixMillis(2000), 2);
    meeting.run(&mut bruno, &mut storage, &mut honest());
    let pending = bruno.heard.iter().rev().find_map(|heard| match heard {
        ClientEffect::Entered(entered, _) => Some(entered.pending.clone()),
        _ => None,
    });
    let pending = pending.flatten().unwrap();
    assert_eq!((pending.snapshot, &pending.base), (id, &base));
    meeting.inputs.push_back(ClientInput::Confirm(pending.proposal));
    meeting.run(&mut bruno, &mut storage, &mut honest());
    assert!(bruno.heard.contains(&ClientEffect::Settled(Ok(()))));
    assert_eq!(storage.sweep(UnixMillis(2000 + rules::GRACE_MS)).unwrap().ranges, 3);
    let floor = Floor { snapshot: Some(id), base };
    // Who brought the ranges counts nothing of them any more, and brings what comes behind the snapshot.
    let before = amina.heard.len();
    amina.write(writer(1), 1);
    let meeting = connect(&mut amina, &mut storage, &mut honest());
    assert!(amina.heard[before..].contains(&ClientEffect::Begins(floor.clone())));
    assert_eq!((meeting.client.reach(&writer(1)), meeting.client.is_up_to_date()), (Position(0), false));
    assert_eq!(storage.holdings().unwrap().ranges, 1);
    // A late joiner leaves what nothing here precedes, fetches the snapshot and goes on behind it.
    let mut carla = Member::new(3);
    let mut meeting = connect(&mut carla, &mut storage, &mut honest());
    assert!(meeting.client.words_rest() && !meeting.client.is_up_to_date() && carla.received == 0);
    meeting.inputs.push_back(ClientInput::Fetch(id));
    meeting.run(&mut carla, &mut storage, &mut honest());
    assert!(carla.heard.contains(&ClientEffect::Blob(id, Some(b"snapshot".to_vec()))));
    carla.holds.insert(writer(1), Position(9));
    meeting.inputs.push_back(ClientInput::Holds(carla.holds.clone()));
    meeting.inputs.push_back(ClientInput::Stands(floor));
    meeting.run(&mut carla, &mut storage, &mut honest());
    assert_eq!((carla.received, meeting.client.reach(&writer(1))), (1, Position(10)));
    assert!(meeting.client.is_up_to_date());
    // The next connection goes on there; one to a relay that lost the snapshot counts nothing.
    let meeting = connect(&mut carla, &mut storage, &mut honest());
    assert!(meeting.client.is_up_to_date());
    assert_eq!(meeting.client.reach(&writer(1)), Position(10));
    let meeting = connect(&mut carla, &mut storage, &mut |answer| match answer {
        Answer::Entered { now, mailbox } => {
            vec![Answer::Entered { now, mailbox: Entered { snapshot: None, ..mailbox } }]
        }
        other => vec![other],
    });
    assert_eq!(meeting.client.reach(&writer(1)), Position(0));
}

#[test]
fn files_come_whole_and_what_is_there_is_not_brought_again() {
    let mut storage = storage();
    let (mut amina, mut bruno) = (Member::new(1), Member::new(2));
    let chunks: Vec<Vec<u8>> = (0..10u8).map(|n| vec![n; 1000]).collect();
    let ids: Vec<_> = chunks.iter().map(|chunk| ContentHash::new(sha256(chunk))).collect();
    amina.blobs = ids.iter().copied().zip(chunks.clone()).collect();
    let mut meeting = connect(&mut amina, &mut storage, &mut honest());
    // The connection ends in the middle.
    for id in &ids[..4] {
        meeting.inputs.push_back(ClientInput::Keep(BlobKind::Chunk, *id));
    }
    meeting.run(&mut amina, &mut storage, &mut honest());
    let mut meeting = connect(&mut amina, &mut storage, &mut honest());
    meeting.inputs.extend(ids.iter().map(|id| ClientInput::Keep(BlobKind::Chunk, *id)));
    let mut loaded = 0;
    while !(meeting.inputs.is_empty() && meeting.effects.is_empty() && meeting.to_relay.is_empty()) {
        while let Some(effect) = meeting.effects.pop_front() {
            loaded += usize::from(matches!(effect, ClientEffect::Load(_)));
            meeting.inputs.extend(amina.carry_out(effect, &mut meeting.to_relay));
        }
        if let Some(input) = meeting.inputs.pop_front() {
            meeting.effects.extend(meeting.client.handle(input));
        } else if let Some(frame) = meeting.to_relay.pop_front() {
            meeting.relay(RelayInput::Frame(frame), &mut storage, &mut honest());
        }
    }
    assert_eq!(loaded, 6);
    let mut meeting = connect(&mut bruno, &mut storage, &mut honest());
    meeting.inputs.extend(ids.iter().map(|id| ClientInput::Fetch(*id)));
    let missing = ContentHash::new([0; 32]);
    meeting.inputs.push_back(ClientInput::Fetch(missing));
    meeting.run(&mut bruno, &mut storage, &mut honest());
    for (id, chunk) in ids.into_iter().zip(chunks) {
        assert!(bruno.heard.contains(&ClientEffect::Blob(id, Some(chunk))));
    }
    assert!(bruno.heard.contains(&ClientEffect::Blob(missing, None)));
}

/// Members who come and go in any order, over a relay that loses, lists, orders and answers at random what it likes: nothing
/// false is held, and as soon as it is honest again, all have all.
#[test]
fn whatever_a_relay_says_members_end_up_with_the_same() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut below = move |bound: u64| rng.next_u64() % bound;
        let mut storage = storage();
        let mut members: Vec<_> = (1..=4).map(Member::new).collect();
        for member in &mut members {
            member.len = 100 + 10 * below(2) as usize;
        }
        for _ in 0..12 {
            let at = below(4) as usize;
            let own = writer(1 + at as u8);
            members[at].write(own, 1 + below(5));
            let mut lie = |answer: Answer| match below(10) {
                0 => vec![],
                1 => vec![answer.clone(), answer],
                2 => match answer {
                    Answer::Listed { restart, mut ranges, more } => {
                        ranges.pop();
                        vec![Answer::Listed { restart, ranges, more }]
                    }
                    Answer::Range { head, pushed, mut sealed } => {
                        let at = below(sealed.len() as u64) as usize;
                        sealed[at] ^= 1;
                        vec![Answer::Range { head, pushed, sealed }]
                    }
                    Answer::Done { tag, .. } => vec![Answer::Refused { tag, reason: Refused::Candidates }],
                    other => vec![other],
                },
                3 => vec![Answer::Goodbye(Closing::Stopping)],
                _ => vec![answer],
            };
            connect(&mut members[at], &mut storage, &mut lie);
        }
        if below(3) == 0 {
            storage = self::storage();
        }
        for round in 0..3 {
            for member in &mut members {
                let meeting = connect(member, &mut storage, &mut honest());
                assert!(round == 0 || meeting.client.is_up_to_date(), "seed {seed}: {:?}", member.heard);
            }
        }
        for member in &members {
            assert_eq!(member.holds, members[0].holds, "seed {seed}");
        }
    }
}

#[test]
fn what_a_relay_cannot_say_ends_the_connection() {
    for answer in [
        Answer::Registered,
        Answer::Done { tag: 99, serial: 1 },
        Answer::Found { tag: 99, there: vec![true] },
        Answer::Gone { serial: 5 },
        Answer::Boxes { tag: 1, ids: vec![] },
    ] {
        let mut storage = storage();
        let mut amina = Member::new(1);
        let mut meeting = connect(&mut amina, &mut storage, &mut honest());
        meeting.inputs.push_back(ClientInput::Frame(answer.encode()));
        meeting.run(&mut amina, &mut storage, &mut honest());
        assert_eq!(amina.heard.last(), Some(&ClientEffect::Over(None)), "{answer:?}");
        assert_eq!(meeting.client.handle(ClientInput::Boxes), vec![]);
    }
    let mut amina = Member::new(1);
    let mut meeting = connect(&mut amina, &mut storage(), &mut honest());
    meeting.inputs.push_back(ClientInput::Frame(vec![99]));
    meeting.run(&mut amina, &mut storage(), &mut honest());
    assert_eq!(amina.heard.last(), Some(&ClientEffect::Over(None)));
    assert_eq!(amina.remembered, Remembered { reach: BTreeMap::new(), ..amina.remembered.clone() });
    assert_eq!(meeting.seed, 1);
}
