//! What no member can have sent: altered, forged, replayed, of another team, of another space. Nothing of it is taken, and
//! the state stays as it was.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_ids::{UnixMillis, WriterId};
use firsthand_log::lean::encode_batch;
use firsthand_node::meeting::{Effect, Input, Opened};
use firsthand_node::{Event, LinkId, Meetings, Role};
use firsthand_record::Incident;
use firsthand_store::BatchLimits;
use firsthand_sync::Refusal;
use firsthand_team::Membership;
use firsthand_tests::{Dice, Poison, State, World, inject, seeds};

/// How many mutants each team gets of each kind.
const BATCHES: usize = 70;
const OPERATIONS: usize = 20;
const STREAMS: usize = 10;
const MUTANTS: usize = BATCHES + OPERATIONS + STREAMS;
/// How many teams.
const TEAMS: u64 = 100;

const LEAD: usize = 0;
const FIRST: usize = 1;
const VICTIM: usize = 2;
const HOSTILE: usize = 3;

/// A lead, two members, one member who does not keep to the rules; and everything that went over one of their cables.
fn team(seed: u64) -> (World, [Vec<u8>; 2]) {
    let mut world = World::new(seed);
    world.hostile = true;
    let lead = world.found("Harbour", "Amina");
    for name in ["Bruno", "Chidi", "Eve"] {
        world.join(lead, name, Role::Responder);
    }
    for phone in [LEAD, FIRST, VICTIM] {
        log(&mut world, phone);
    }
    world.calm = true;
    world.meet(FIRST, LEAD);
    world.meet(HOSTILE, LEAD);
    let link = world.dial(VICTIM, LEAD, true).unwrap();
    let mut streams = [Vec::new(), Vec::new()];
    while world.cables.contains_key(&link) {
        let cable = world.cables.get_mut(&link).unwrap();
        for (side, stream) in streams.iter_mut().enumerate() {
            let known = cable.sent[side] - cable.pipes[side].bytes.len();
            // What is on its way and was not seen yet.
            let fresh = stream.len().saturating_sub(known);
            stream.extend(cable.pipes[side].bytes.iter().skip(fresh));
        }
        if !world.step() && !world.wait() {
            break;
        }
    }
    (world, streams)
}

fn log(world: &mut World, phone: usize) -> WriterId {
    let draft = Incident { title: Some(format!("By {phone}")), ..Incident::default() };
    let before = vector(world, phone);
    world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    let after = vector(world, phone);
    after.iter().find(|(writer, mark)| before.get(writer) != Some(*mark)).map(|(writer, _)| *writer).unwrap()
}

fn vector(world: &mut World, phone: usize) -> firsthand_log::Vector {
    let ledger = world.devices[phone].ledger();
    ledger.store().vector(ledger.space())
}

/// What `from` holds of one chain and `VICTIM` lacks, as a batch; everything where the victim is taken to hold nothing.
fn batch(world: &mut World, from: usize, writer: Option<WriterId>) -> Vec<u8> {
    let receiver = if writer.is_some() { vector(world, VICTIM) } else { firsthand_log::Vector::new() };
    let ledger = world.devices[from].ledger();
    let space = *ledger.space();
    let all = ledger.store().vector(&space);
    let others = all.iter().map(|(other, _)| *other).filter(|it| writer.is_some_and(|writer| writer != *it));
    let others: BTreeSet<_> = others.collect();
    let limits = BatchLimits { entries: 500, weight: 1 << 20 };
    let batch = ledger.store().batch_for(&space, &receiver, limits, &others).unwrap().unwrap();
    encode_batch(&batch, &receiver, &ledger.store().references(space))
}

fn alter(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let before = bytes.clone();
    while *bytes == before {
        let at = dice.below(bytes.len());
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => {
                let len = 1 + dice.below(9);
                bytes.extend(dice.fill(len));
            }
            2 => {
                // The end of another: its signature, or more.
                let len = (1 + dice.below(120)).min(other.len()).min(bytes.len());
                bytes.truncate(bytes.len() - len);
                bytes.extend(&other[other.len() - len..]);
            }
            3 => {
                let to = (at + 1 + dice.below(4)).min(bytes.len());
                bytes.drain(at..to);
            }
            _ => bytes[at] ^= 1 << dice.below(8),
        }
    }
}

/// Batches, as if a member had sent them.
fn batches(world: &mut World, dice: &mut Dice) {
    let [of_lead, of_first] = [LEAD, FIRST].map(|phone| log(world, phone));
    let fresh = [(LEAD, of_lead), (FIRST, of_first)].map(|(from, writer)| batch(world, from, Some(writer)));
    let mut elsewhere = World::new(world.seed + 1_000_000);
    let stranger = elsewhere.found("Hillside", "Olga");
    log(&mut elsewhere, stranger);
    let of_another_team = batch(&mut elsewhere, stranger, None);
    let known = batch(world, VICTIM, None);

    let before = world.devices[VICTIM].ledger().digest().unwrap();
    for number in 0..BATCHES {
        let seed = world.devices[HOSTILE].signing_seed.unwrap();
        let now = world.devices[HOSTILE].clock.at(world.now);
        let device = &mut world.devices[HOSTILE];
        let State::Up(running) = &mut device.state else { panic!("Eve is there") };
        let ledger = &running.ledger;
        let poison = Poison::new(ledger, seed, now, &mut device.rng);
        let (what, plain) = match number % 14 {
            0 => ("continued", poison.usurp(ledger, dice.pick(&[of_lead, of_first]))),
            1 => ("taken", poison.squat(ledger, WriterId::new(dice.bytes()), &mut device.rng)),
            2 => ("another space", poison.elsewhere(ledger, &mut device.rng)),
            3 => ("another team", of_another_team.clone()),
            4 => ("nothing", Vec::new()),
            5 => ("replayed", known.clone()),
            _ => {
                let which = dice.below(2);
                let mut plain = fresh[which].clone();
                alter(&mut plain, &fresh[1 - which], dice);
                ("altered", plain)
            }
        };
        let now = world.devices[VICTIM].clock.at(world.now);
        let result = inject(world.devices[VICTIM].ledger(), plain, now);
        if what != "replayed" {
            assert_eq!(result.map(|_| ()), Err(Refusal::Misbehaved), "{what}");
        }
        assert_eq!(world.devices[VICTIM].ledger().digest().unwrap(), before, "{what}");
    }
    // The real ones are still welcome.
    let now = world.devices[VICTIM].clock.at(world.now);
    for plain in fresh {
        inject(world.devices[VICTIM].ledger(), plain, now).unwrap();
    }
    assert_ne!(world.devices[VICTIM].ledger().digest().unwrap(), before);
}

/// Membership operations, altered or of another team.
fn operations(world: &mut World, dice: &mut Dice) {
    let true_ones = world.devices[LEAD].ledger().store().operations().unwrap();
    let true_ones: Vec<Vec<u8>> = true_ones.into_iter().map(|(_, bytes)| bytes).collect();
    let mut elsewhere = World::new(world.seed + 2_000_000);
    let stranger = elsewhere.found("Hillside", "Olga");
    let foreign = elsewhere.devices[stranger].ledger().store().operations().unwrap().remove(0).1;
    for number in 0..OPERATIONS {
        let mut membership = Membership::load(true_ones.iter().map(Vec::as_slice)).unwrap();
        let before = membership.heads();
        let mut bytes = true_ones[dice.below(true_ones.len())].clone();
        if number == 0 {
            bytes.clone_from(&foreign);
        } else {
            alter(&mut bytes, &foreign, dice);
        }
        assert!(membership.insert(&bytes).is_err());
        assert_eq!(membership.heads(), before);
    }
}

/// What somebody recorded of a meeting, sent again or altered, to one who is dialled and to one who dials.
fn streams(world: &mut World, streams: &[Vec<u8>; 2], dice: &mut Dice) {
    let before = world.devices[LEAD].ledger().digest().unwrap();
    for number in 0..STREAMS {
        let dialled = dice.percent(50);
        let mut bytes = streams[usize::from(!dialled)].clone();
        assert!(bytes.len() > 200);
        if number > 1 {
            let other = streams[usize::from(dialled)].clone();
            alter(&mut bytes, &other, dice);
        }
        let device = &mut world.devices[LEAD];
        let mut meetings = Meetings::new(device.ledger().identity());
        let id: LinkId = 1_000_000 + number as u64;
        let opened = if dialled { Opened::Accepted { once: true } } else { Opened::Dialled { once: true } };
        let now = UnixMillis(world.now);
        let mut effects = meetings.handle(&mut device.rng, now, Input::Opened(id, opened));
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + dice.below(rest.len()));
            effects.extend(meetings.handle(&mut device.rng, now, Input::Bytes(id, piece.to_vec())));
            rest = behind;
        }
        let met = effects.iter().any(|effect| matches!(effect, Effect::Tell(Event::Met { .. })));
        let asked = effects.iter().any(|effect| matches!(effect, Effect::Ask(..)));
        assert!(!met && !asked, "a meeting with somebody who is not there");
        assert_eq!(device.ledger().digest().unwrap(), before);
    }
}

#[test]
fn no_mutant_is_accepted() {
    let name = format!("teams that met {MUTANTS} forged batches, operations and streams each");
    seeds::each(&name, TEAMS, |seed| {
        let (mut world, recorded) = team(seed);
        let mut dice = Dice::new(seed, 70);
        streams(&mut world, &recorded, &mut dice);
        operations(&mut world, &mut dice);
        batches(&mut world, &mut dice);
    });
}
