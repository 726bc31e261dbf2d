//! Snapshots at relays: proposed by themselves, confirmed by another, and counted by nobody who has not looked.
#![allow(clippy::unwrap_used)]

use firsthand_ids::{ContentHash, UnixMillis};
use firsthand_node::relay::{SnapshotPolicy, SnapshotView};
use firsthand_node::{ImportRow, Role};
use firsthand_record::Incident;
use firsthand_record::generate::Generator;
use firsthand_relay::Storage as _;
use firsthand_sync::relay::{Answer, Entered, Refused, rules};
use firsthand_tests::{Crash, Dice, Harbour, World, verdict};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

const LEAD: usize = 0;
const BRUNO: usize = 1;
const EVA: usize = 2;

/// Amina leads; the others joined over a hotspot of hers, and from then on nobody meets anybody. Eva stays away at first.
fn team(seed: u64) -> Harbour {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    for (name, role) in [("Bruno", Role::Responder), ("Eva", Role::Observer)] {
        world.join(lead, name, role);
    }
    world.calm = true;
    let mut harbour = Harbour::new(world, 1);
    harbour.policy = SnapshotPolicy { entries: 10, percent: 50 };
    let relay = harbour.team_relay(0);
    harbour.world.write(LEAD, |ledger, _, rng| ledger.add_relay(relay, rng)).unwrap();
    for phone in [BRUNO, EVA] {
        harbour.world.meet(phone, LEAD);
    }
    harbour.attach(LEAD);
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    harbour
}

fn add(harbour: &mut Harbour, phone: usize, count: usize) {
    for number in 0..count {
        let title = format!("{number} by {phone} at {}", harbour.world.now);
        let draft = Incident { title: Some(title), ..Incident::default() };
        harbour.world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        harbour.changed(phone);
        harbour.pass(100);
    }
}

fn digest(harbour: &mut Harbour, phone: usize) -> [u8; 32] {
    harbour.world.devices[phone].ledger().digest().unwrap().0
}

fn queued(harbour: &mut Harbour, phone: usize) -> u64 {
    let queue = harbour.world.write(phone, |ledger, _, rng| ledger.relay_queue(rng)).unwrap();
    queue.own + queue.others
}

fn all_queued(harbour: &mut Harbour) -> Vec<u64> {
    harbour.attached().into_iter().map(|phone| queued(harbour, phone)).collect()
}

fn ranges(harbour: &Harbour) -> u64 {
    harbour.relays[0].storage.clone().holdings().unwrap().ranges
}

fn view(harbour: &Harbour, phone: usize) -> Option<SnapshotView> {
    harbour.attachments(phone).views(UnixMillis(harbour.world.now)).remove(0).snapshot
}

/// Everybody leaves and comes back, as phones do that are given a little time now and then.
fn come_back(harbour: &mut Harbour) {
    harbour.cut(0);
    harbour.hurry();
    harbour.pass(5 * MINUTE);
}

/// Until a snapshot has taken the place of ranges and everybody has looked at it.
fn replaced(harbour: &mut Harbour) {
    let before = harbour.relays[0].replaced;
    for _ in 0..4 {
        come_back(harbour);
        harbour.sleep(5 * DAY);
    }
    assert!(harbour.relays[0].replaced > before);
    come_back(harbour);
}

/// Eva, who was never there, has what everybody has.
fn eva_finds_everything(harbour: &mut Harbour) {
    harbour.attach(EVA);
    harbour.pass(5 * MINUTE);
    assert_eq!(digest(harbour, EVA), digest(harbour, LEAD));
    assert_eq!(queued(harbour, EVA), 0);
    verdict::sound(harbour.world.devices[EVA].ledger(), EVA);
}

#[test]
fn it_is_proposed_confirmed_and_taken_in_by_who_comes_later() {
    let mut harbour = team(1);
    add(&mut harbour, LEAD, 12);
    add(&mut harbour, BRUNO, 8);
    assert_eq!((view(&harbour, LEAD), all_queued(&mut harbour)), (None, vec![0, 0]));
    harbour.drop_phone(BRUNO);
    come_back(&mut harbour);
    come_back(&mut harbour);
    assert_eq!(view(&harbour, LEAD), Some(SnapshotView::Proposed));
    assert_eq!(harbour.relays[0].brought, 0, "whoever proposed it does not look at it");
    let before = ranges(&harbour);
    harbour.attach(BRUNO);
    come_back(&mut harbour);
    // Bruno has looked at all of it.
    assert!(harbour.relays[0].brought >= 3);
    come_back(&mut harbour);
    let Some(SnapshotView::Due(due)) = view(&harbour, LEAD) else { panic!("{:?}", view(&harbour, LEAD)) };
    assert!((due.0 - harbour.world.now - rules::GRACE_MS).abs() < DAY);
    assert_eq!((ranges(&harbour), all_queued(&mut harbour)), (before, vec![0, 0]));

    // A week later the ranges are gone. Nobody counts anything before they have looked, and everybody looks by themselves.
    harbour.pass(rules::GRACE_MS + DAY);
    let left = ranges(&harbour);
    assert!(harbour.relays[0].replaced >= 20 && left + 20 <= before, "{left} of {before}");
    assert_eq!((view(&harbour, LEAD), all_queued(&mut harbour)), (None, vec![0, 0]));
    let brought = harbour.relays[0].brought;
    come_back(&mut harbour);
    assert_eq!(harbour.relays[0].brought, brought, "once is enough");

    // What follows lies behind it.
    add(&mut harbour, BRUNO, 3);
    assert_eq!(all_queued(&mut harbour), [0, 0]);
    assert!(ranges(&harbour) > left);
    eva_finds_everything(&mut harbour);

    // The next one stands for half as much again.
    add(&mut harbour, LEAD, 2);
    come_back(&mut harbour);
    assert_eq!(view(&harbour, LEAD), None);
    add(&mut harbour, LEAD, 12);
    replaced(&mut harbour);
    assert_eq!(all_queued(&mut harbour), [0, 0, 0]);
}

/// Who has everything looks when nothing else is on its way; who has nothing fetches the rows first and can work.
#[test]
fn a_late_joiner_goes_on_where_the_way_broke() {
    let mut harbour = team(2);
    let mut dice = Dice::new(2, 81);
    let mut generator = Generator::new(dice.rng());
    let rows = (0..2000).map(|row| ImportRow { row, incident: generator.team_incident() }).collect();
    harbour
        .world
        .write(LEAD, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true))
        .unwrap();
    harbour.changed(LEAD);
    harbour.pass(MINUTE);
    replaced(&mut harbour);
    assert_eq!(all_queued(&mut harbour), [0, 0]);

    harbour.attach(EVA);
    let before = harbour.relays[0].brought;
    let (mut cuts, mut last, mut shown) = (0, before, false);
    for _ in 0..20 {
        while harbour.step() {
            let brought = harbour.relays[0].brought;
            if brought > last {
                last = brought;
                shown |= !harbour.world.devices[EVA].ledger().expected(1).unwrap().is_empty();
                // The index, and then a section at least, come on each connection; the blob behind them is lost with it.
                if (brought - before).is_multiple_of(6) && cuts < 10 {
                    cuts += 1;
                    harbour.cut(0);
                    harbour.hurry();
                }
            }
        }
        harbour.pass(MINUTE);
    }
    assert!(cuts > 0 && shown, "{cuts}");
    assert_eq!(digest(&mut harbour, EVA), digest(&mut harbour, LEAD));
    assert_eq!(queued(&mut harbour, EVA), 0);
    verdict::sound(harbour.world.devices[EVA].ledger(), EVA);
}

/// A relay that says what it likes about where the mailbox begins.
#[test]
fn a_relay_that_lies_about_it_is_believed_nothing_and_harms_nothing() {
    for lie in 0..6 {
        let mut harbour = team(3);
        add(&mut harbour, LEAD, 14);
        add(&mut harbour, BRUNO, 8);
        replaced(&mut harbour);
        harbour.relays[0].script = Some(Box::new(move |answer| {
            vec![match (lie, answer) {
                // A base without a snapshot, another snapshot, an old proposal.
                (0, Answer::Entered { now, mut mailbox }) => {
                    mailbox.snapshot = None;
                    Answer::Entered { now, mailbox }
                }
                (1, Answer::Entered { now, mut mailbox }) => {
                    mailbox.snapshot = Some(ContentHash::new([7; 32]));
                    Answer::Entered { now, mailbox }
                }
                // It has lost the blobs, or alters them.
                (2, Answer::Blob { tag, .. }) => Answer::Refused { tag, reason: Refused::Missing },
                (3, Answer::Blob { tag, mut sealed }) => {
                    sealed[77] ^= 4;
                    Answer::Blob { tag, sealed }
                }
                // The base is another one: less, and more.
                (4, Answer::Listed { restart: Some(mut base), ranges, more }) => {
                    base.0.pop_first();
                    Answer::Listed { restart: Some(base), ranges, more }
                }
                (5, Answer::Listed { restart: Some(mut base), ranges, more }) => {
                    base.0.values_mut().for_each(|position| position.0 += 1);
                    Answer::Listed { restart: Some(base), ranges, more }
                }
                (_, answer) => answer,
            }]
        }));
        // Who never saw it cannot tell what is true, and waits.
        harbour.attach(EVA);
        harbour.pass(5 * MINUTE);
        assert_ne!(digest(&mut harbour, EVA), digest(&mut harbour, LEAD), "lie {lie}");
        assert_eq!(view(&harbour, EVA), Some(SnapshotView::Wrong), "lie {lie}");
        // Those who did count nothing any more, where the relay contradicts what they saw.
        come_back(&mut harbour);
        let queued = all_queued(&mut harbour);
        match lie {
            0 | 1 => assert!(queued[..2].iter().all(|queued| *queued >= 20), "lie {lie}: {queued:?}"),
            _ => assert_eq!(queued[..2], [0, 0], "lie {lie}"),
        }
        add(&mut harbour, BRUNO, 2);
        // As soon as it is honest everything counts again, and is there.
        harbour.relays[0].script = None;
        come_back(&mut harbour);
        come_back(&mut harbour);
        assert_eq!(all_queued(&mut harbour), [0, 0, 0], "lie {lie}");
        assert_eq!(digest(&mut harbour, EVA), digest(&mut harbour, LEAD), "lie {lie}");
        for phone in [LEAD, BRUNO, EVA] {
            verdict::sound(harbour.world.devices[phone].ledger(), phone);
        }
    }
}

/// The relay lost the blobs for good, and knows that a snapshot takes the place of ranges: a lead brings another one.
#[test]
fn a_snapshot_that_is_gone_is_replaced_by_another() {
    let mut harbour = team(4);
    add(&mut harbour, LEAD, 14);
    replaced(&mut harbour);
    let mut gone = None;
    harbour.relays[0].script = Some(Box::new(move |answer| {
        vec![match answer {
            Answer::Blob { tag, sealed } => {
                // The first that is asked for, which is the index.
                let name = firsthand_ids::sha256(&sealed);
                match *gone.get_or_insert(name) == name {
                    true => Answer::Refused { tag, reason: Refused::Missing },
                    false => Answer::Blob { tag, sealed },
                }
            }
            // A relay without a list remembers none of the places that it was at.
            Answer::Entered { now, mailbox } => {
                Answer::Entered { now, mailbox: Entered { serial: 0, ..mailbox } }
            }
            answer => answer,
        }]
    }));
    // They find out when the list is another one.
    harbour.cut(0);
    let backup = harbour.relays[0].storage.clone();
    add(&mut harbour, BRUNO, 2);
    come_back(&mut harbour);
    harbour.cut(0);
    harbour.relays[0].storage = backup;
    come_back(&mut harbour);
    assert!(queued(&mut harbour, LEAD) > 0 && view(&harbour, LEAD).is_some());
    for _ in 0..6 {
        come_back(&mut harbour);
        harbour.sleep(5 * DAY);
    }
    come_back(&mut harbour);
    assert_eq!(all_queued(&mut harbour), [0, 0]);
    eva_finds_everything(&mut harbour);
}

#[test]
fn backups_of_before_and_after_it_took_effect() {
    for (number, before_proposal) in [(0, true), (1, false), (2, false)] {
        let mut harbour = team(5);
        add(&mut harbour, LEAD, 14);
        let mut backup = harbour.relays[0].storage.clone();
        if !before_proposal {
            come_back(&mut harbour);
            come_back(&mut harbour);
            backup = harbour.relays[0].storage.clone();
        }
        replaced(&mut harbour);
        if number == 2 {
            backup = harbour.relays[0].storage.clone();
        }
        add(&mut harbour, BRUNO, 4);
        assert_eq!(all_queued(&mut harbour), [0, 0]);
        harbour.cut(0);
        harbour.relays[0].storage = backup;
        come_back(&mut harbour);
        assert_eq!(all_queued(&mut harbour), [0, 0], "backup {number}");
        eva_finds_everything(&mut harbour);
        // It goes on from there.
        add(&mut harbour, LEAD, 20);
        replaced(&mut harbour);
        assert_eq!(all_queued(&mut harbour), [0, 0, 0], "backup {number}");
    }
}

/// A phone that is switched off between any two steps, or a way that breaks there, costs time and nothing else.
#[test]
fn whoever_stops_between_two_steps_goes_on_later() {
    for phone in [LEAD, BRUNO] {
        for after in (1..150).step_by(12) {
            let mut harbour = team(6);
            add(&mut harbour, LEAD, 12);
            for turn in 0..3 {
                harbour.cut(0);
                harbour.hurry();
                for _ in 0..after + 7 * turn {
                    harbour.step();
                }
                harbour.drop_phone(phone);
                harbour.world.crash(phone, Crash::Dropped, false);
                harbour.world.restart(phone);
                harbour.attach(phone);
            }
            replaced(&mut harbour);
            assert_eq!(all_queued(&mut harbour), [0, 0], "{phone} after {after}");
            eva_finds_everything(&mut harbour);
        }
    }
}

/// Of one device there is nobody to confirm; who does not lead proposes nothing.
#[test]
fn nobody_proposes_what_nobody_could_take() {
    let mut harbour = team(7);
    harbour.drop_phone(LEAD);
    add(&mut harbour, BRUNO, 30);
    for _ in 0..3 {
        come_back(&mut harbour);
        harbour.sleep(DAY);
    }
    assert_eq!((view(&harbour, BRUNO), harbour.relays[0].replaced), (None, 0));
    let blobs = harbour.relays[0].storage.clone().holdings().unwrap().blobs;
    assert_eq!(blobs, 0);
    harbour.attach(LEAD);
    harbour.pass(MINUTE);
    replaced(&mut harbour);
    assert_eq!(all_queued(&mut harbour), [0, 0]);
}
