//! Snapshots: who holds nothing takes in everything, and nothing that is not true.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use firsthand_channel::ExchangeSecret;
use firsthand_document::DocumentKind;
use firsthand_ids::{ContentHash, MailboxId, SpaceId, WriterId, WriterPseudonym, sha256};
use firsthand_node::{ImportRow, NodeError, Role, SnapshotError, SnapshotMade, SnapshotPlan, mailbox_base};
use firsthand_record::Incident;
use firsthand_record::generate::Generator;
use firsthand_seal::MAX_BLOB_BYTES;
use firsthand_sync::relay::proof;
use firsthand_team::TeamError;
use firsthand_tests::{Crash, Dice, Poison, Run, State, World, inject, seeds};

/// The blobs of a snapshot by their names, and what was made.
struct Snapshot {
    made: SnapshotMade,
    blobs: BTreeMap<ContentHash, Vec<u8>>,
}

fn space(world: &mut World, device: usize) -> SpaceId {
    *world.devices[device].ledger().space()
}

fn make(world: &mut World, device: usize) -> Snapshot {
    let space = space(world, device);
    let mut blobs = BTreeMap::new();
    let made = world
        .write(device, |ledger, _, rng| {
            let mut keep = |name: ContentHash, blob: Vec<u8>| {
                assert!(blob.len() <= MAX_BLOB_BYTES && sha256(&blob) == *name.as_bytes());
                blobs.insert(name, blob);
                Ok(())
            };
            ledger.make_snapshot(&space, rng, &mut keep, &mut |_, _| true)
        })
        .unwrap();
    assert_eq!(made.bytes, blobs.values().map(|blob| blob.len() as u64).sum::<u64>());
    Snapshot { made, blobs }
}

fn open(world: &mut World, device: usize, snapshot: &Snapshot) -> SnapshotPlan {
    let space = space(world, device);
    world.devices[device].ledger().open_snapshot(&space, &snapshot.blobs[&snapshot.made.name]).unwrap()
}

/// Takes in the next section; `None` where there is none left.
fn step(
    world: &mut World,
    device: usize,
    plan: &mut SnapshotPlan,
    snapshot: &Snapshot,
) -> Option<Result<u64, NodeError>> {
    let blobs: Vec<Vec<u8>> = plan.wanted()?.iter().map(|name| snapshot.blobs[name].clone()).collect();
    Some(world.write(device, |ledger, now, _| ledger.take_section(plan, &blobs, now)))
}

fn take(world: &mut World, device: usize, snapshot: &Snapshot) -> u64 {
    let mut plan = open(world, device, snapshot);
    let mut entries = 0;
    while let Some(taken) = step(world, device, &mut plan, snapshot) {
        entries += taken.unwrap();
    }
    entries
}

fn digest(world: &mut World, device: usize) -> [u8; 32] {
    world.devices[device].ledger().team_digest().unwrap().0
}

fn import(world: &mut World, device: usize, count: usize, seed: u64) {
    let mut dice = Dice::new(seed, 81);
    let mut generator = Generator::new(dice.rng());
    let rows = (0..count).map(|row| ImportRow { row, incident: generator.team_incident() }).collect();
    world.write(device, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true)).unwrap();
}

/// Whatever a team went through: what an empty device takes in is what a meeting would have brought, waiting and held entries,
/// forks and all; and whoever holds the same makes the same bytes again.
#[test]
fn a_snapshot_brings_what_a_meeting_brings() {
    seeds::each("snapshots of random teams", 30, |seed| {
        let mut world = Run::new(seed, seed % 3 == 2).play();
        world.calm = true;
        world.hostile = false;
        let other = world.join(0, "Met", Role::Responder);
        let late = world.join(0, "Late", Role::Observer);
        let snapshot = make(&mut world, 0);
        let again = make(&mut world, 0);
        assert_eq!((again.made, again.blobs), (snapshot.made.clone(), snapshot.blobs.clone()));
        world.meet(other, 0);
        let entries = take(&mut world, late, &snapshot);
        assert_eq!(digest(&mut world, late), digest(&mut world, other), "{entries} entries");
        assert_eq!(digest(&mut world, late), digest(&mut world, 0));
        assert_eq!(take(&mut world, late, &snapshot), 0, "twice changes nothing");
        let forks = |world: &mut World, device: usize| {
            let aside = world.devices[device].ledger().store().aside().unwrap();
            aside.into_iter().map(|run| (run.writer, run.hash)).collect::<Vec<_>>()
        };
        let (mut ours, mut theirs) = (forks(&mut world, 0), forks(&mut world, late));
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    });
}

/// Whoever holds some of it, from whatever point on, is brought the rest: pages that repeat something are compared with what is held,
/// and pages that follow them go on from there.
#[test]
fn what_a_meeting_brought_is_not_brought_again() {
    seeds::each("snapshots for devices that held a part", 4, |seed| {
        let mut world = World::new(seed);
        let mut dice = Dice::new(seed, 85);
        let lead = world.found("Harbour", "Amina");
        let other = world.join(lead, "Bruno", Role::Responder);
        let late = world.join(lead, "Late", Role::Observer);
        let counts = [500 + dice.below(400), 500 + dice.below(400)];
        for (device, count) in [lead, other].into_iter().zip(counts) {
            import(&mut world, device, count, seed);
        }
        let from = [lead, other][dice.below(2)];
        let held = |world: &mut World| {
            let space = space(world, late);
            world.devices[late].ledger().store().vector(&space).entries()
        };
        let enough = held(&mut world) + 1 + dice.below(500) as u64;
        let link = world.dial(late, from, true).unwrap();
        while held(&mut world) < enough {
            assert!(world.step());
        }
        world.cut(link);
        world.settle(1_000_000);
        world.meet(lead, other);
        let snapshot = make(&mut world, lead);
        let before = held(&mut world);
        assert_eq!(take(&mut world, late, &snapshot), snapshot.made.base.entries() - before);
        assert_eq!(digest(&mut world, late), digest(&mut world, lead));
    });
}

/// A connection that is cut, and a program that is killed, lose one section at most.
#[test]
fn it_goes_on_where_it_was_cut() {
    for ends in [false, true] {
        goes_on_where_it_was_cut(ends);
    }
}

fn goes_on_where_it_was_cut(ends: bool) {
    let mut world = World::new(5);
    let lead = world.found("Harbour", "Amina");
    import(&mut world, lead, 3000, 5);
    let late = world.join(lead, "Late", Role::Observer);
    let snapshot = make(&mut world, lead);
    let mut plan = open(&mut world, late, &snapshot);
    let all = plan.blobs_left();
    // Rows come first, and are shown before anything else is here.
    step(&mut world, late, &mut plan, &snapshot).unwrap().unwrap();
    assert!(!world.devices[late].ledger().expected(1).unwrap().is_empty());
    step(&mut world, late, &mut plan, &snapshot).unwrap().unwrap();
    assert!(step(&mut world, late, &mut plan, &snapshot).unwrap().unwrap() > 0);
    let left = plan.blobs_left();
    assert!(0 < left && left < all, "{left} of {all}");
    world.crash(late, Crash::Dropped, true);
    world.restart(late);
    let mut plan = open(&mut world, late, &snapshot);
    assert!(plan.blobs_left() <= left);
    // Meanwhile the device is of use.
    let draft = Incident { title: Some("A van at the pier".to_owned()), ..Incident::default() };
    world.write(late, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    while let Some(taken) = step(&mut world, late, &mut plan, &snapshot) {
        taken.unwrap();
    }
    // Everything is kept, and rows stand for what is not in its documents yet.
    assert!(!world.devices[late].ledger().expected(1).unwrap().is_empty());
    if ends {
        world.crash(late, Crash::Dropped, true);
        world.restart(late);
    } else {
        while world.devices[late].ledger().work_while_idle().unwrap() {}
    }
    assert!(world.devices[late].ledger().expected(1).unwrap().is_empty());
    world.meet(late, lead);
    assert_eq!(digest(&mut world, late), digest(&mut world, lead));
}

/// One bit anywhere, and the blob is refused and named; nothing of its section is taken in.
#[test]
fn what_was_altered_is_refused_and_named() {
    let mut world = World::new(6);
    let lead = world.found("Harbour", "Amina");
    import(&mut world, lead, 40, 6);
    let late = world.join(lead, "Late", Role::Observer);
    let snapshot = make(&mut world, lead);
    let space = space(&mut world, late);
    let index = &snapshot.blobs[&snapshot.made.name];
    let ledger = world.devices[late].ledger();
    for at in 0..index.len() {
        let mut altered = index.clone();
        altered[at] ^= 1 << (at % 8);
        let refused = ledger.open_snapshot(&space, &altered);
        assert!(matches!(refused, Err(NodeError::Snapshot(SnapshotError::Closed | SnapshotError::Newer))));
    }
    let mut plan = open(&mut world, late, &snapshot);
    let mut section = 0;
    let mut dice = Dice::new(6, 82);
    while let Some(wanted) = plan.wanted() {
        let blobs: Vec<Vec<u8>> = wanted.iter().map(|name| snapshot.blobs[name].clone()).collect();
        let before = digest(&mut world, late);
        for _ in 0..200 {
            let mut altered = blobs.clone();
            let blob = dice.below(altered.len());
            let at = dice.below(altered[blob].len());
            altered[blob][at] ^= 1 << dice.below(8);
            let refused = world.write(late, |ledger, now, _| ledger.take_section(&mut plan, &altered, now));
            let named = SnapshotError::Blob { section, blob };
            assert!(matches!(refused, Err(NodeError::Snapshot(error)) if error == named), "byte {at}");
        }
        let short = world.write(late, |ledger, now, _| ledger.take_section(&mut plan, &[], now));
        assert!(matches!(short, Err(NodeError::Snapshot(SnapshotError::Blob { blob: 0, .. }))));
        assert_eq!(digest(&mut world, late), before);
        step(&mut world, late, &mut plan, &snapshot).unwrap().unwrap();
        section += 1;
    }
    assert_eq!(digest(&mut world, late), digest(&mut world, lead));
}

/// What it costs, on records that the project's own generator writes.
#[test]
fn it_is_small() {
    let mut world = World::new(7);
    let lead = world.found("Harbour", "Amina");
    import(&mut world, lead, 1500, 7);
    let snapshot = make(&mut world, lead);
    let each = snapshot.made.bytes / 1500;
    seeds::figure(&format!("a snapshot of 1,500 imported incidents: {each} bytes each"));
    assert!(each < 900, "{each}");
}

/// A lead proposes, a second member looks at all of it and confirms; what is not what they hold is not confirmed, and nobody but
/// leads has the key that proposals are signed with.
#[test]
fn a_proposal_is_confirmed_by_who_holds_the_same() {
    let mut world = World::new(8);
    let lead = world.found("Harbour", "Amina");
    let second = world.join(lead, "Bruno", Role::Lead);
    let member = world.join(lead, "Chen", Role::Responder);
    import(&mut world, lead, 300, 8);
    world.meet(second, lead);
    world.meet(member, lead);
    let mut dice = Dice::new(8, 83);
    let [relay, elsewhere] = [(); 2].map(|()| ExchangeSecret::generate(dice.rng()).public().unwrap());
    let signer = world.write(lead, |ledger, _, rng| ledger.leads_key(&relay, rng)).unwrap();
    world.meet(second, lead);
    world.meet(member, lead);
    let key = |world: &mut World, device: usize, relay| {
        world.write(device, |ledger, _, rng| ledger.leads_key(&relay, rng)).map(|key| key.key())
    };
    assert_eq!(key(&mut world, second, relay).unwrap(), signer.key());
    assert_ne!(key(&mut world, second, elsewhere).unwrap(), signer.key());
    assert!(matches!(key(&mut world, member, relay), Err(NodeError::Team(TeamError::NotAllowed))));
    assert!(world.devices[member].ledger().leads_keys(&relay).unwrap().is_empty());

    let snapshot = make(&mut world, lead);
    let name = |writer: &WriterId| WriterPseudonym::new(*writer.as_bytes());
    let mailbox = MailboxId::new([3; 16]);
    let base = mailbox_base(&snapshot.made.base, name);
    let ledger = world.devices[lead].ledger();
    let signature = ledger.propose_snapshot(&signer, &mailbox, &snapshot.made.name, &base);
    let message = proof::replace(&mailbox, &snapshot.made.name, &base);
    assert!(firsthand_log::signed_by(&signer.key(), &message, &signature));

    let space = space(&mut world, member);
    let index = &snapshot.blobs[&snapshot.made.name];
    let ledger = world.devices[member].ledger();
    let mut plan = ledger.compare_snapshot(&space, index, &base, name).unwrap();
    while let Some(wanted) = plan.wanted() {
        let blobs: Vec<Vec<u8>> = wanted.iter().map(|name| snapshot.blobs[name].clone()).collect();
        let mut altered = blobs.clone();
        altered[0][100] ^= 1;
        assert!(ledger.compare_section(&mut plan, &altered).is_err());
        ledger.compare_section(&mut plan, &blobs).unwrap();
    }
    // A base that goes further than the snapshot would drop what is nowhere else.
    let mut further = base.clone();
    for position in further.0.values_mut() {
        *position = position.next();
    }
    let refused = |result: Result<SnapshotPlan, NodeError>| {
        matches!(result, Err(NodeError::Snapshot(SnapshotError::Differs)))
    };
    assert!(refused(ledger.compare_snapshot(&space, index, &further, name)));
    // Of what it does not hold a member cannot tell.
    import(&mut world, lead, 5, 9);
    let newer = make(&mut world, lead);
    let base = mailbox_base(&newer.made.base, name);
    let index = &newer.blobs[&newer.made.name];
    assert!(refused(world.devices[member].ledger().compare_snapshot(&space, index, &base, name)));
}

/// A chain with two ends: both travel.
#[test]
fn both_branches_of_a_fork_travel() {
    let mut world = World::new(9);
    world.hostile = true;
    let lead = world.found("Harbour", "Amina");
    let eve = world.join(lead, "Eve", Role::Responder);
    world.calm = true;
    world.meet(eve, lead);
    let key = world.devices[eve].signing_seed.unwrap();
    let now = world.devices[eve].clock.at(world.now);
    let device = &mut world.devices[eve];
    let State::Up(running) = &mut device.state else { panic!("Eve is there") };
    let mut one = Poison::new(&running.ledger, key, now, &mut device.rng);
    let mut dice = Dice::new(9, 84);
    let title = |title: &str| serde_json::from_value(serde_json::json!({ "title": title })).unwrap();
    one.record(DocumentKind::Incident, &title("Before"), None, dice.bytes());
    let base = one.sign();
    let mut other = one.fork();
    one.record(DocumentKind::Incident, &title("One"), None, dice.bytes());
    other.record(DocumentKind::Incident, &title("Other"), None, dice.bytes());
    for plain in [base, one.sign(), other.sign()] {
        inject(world.devices[lead].ledger(), plain, now).unwrap();
    }
    let late = world.join(lead, "Late", Role::Observer);
    let snapshot = make(&mut world, lead);
    take(&mut world, late, &snapshot);
    assert_eq!(digest(&mut world, late), digest(&mut world, lead));
    let branches = |world: &mut World, device: usize| {
        let aside = world.devices[device].ledger().store().aside().unwrap();
        aside.into_iter().map(|run| (run.writer, run.first, run.last, run.hash)).collect::<Vec<_>>()
    };
    let ours = branches(&mut world, lead);
    assert_eq!(ours.len(), 1);
    assert_eq!(branches(&mut world, late), ours);
}
