//! Devices that meet only at relays, and relays on which nobody can count.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::DocumentId;
use firsthand_node::relay::RelayState;
use firsthand_node::relay::{Answer, Question, SnapshotPolicy};
use firsthand_node::{IncidentQuery, NodeError, Role};
use firsthand_record::Incident;
use firsthand_relay::Storage as _;
use firsthand_team::{Reason, Target};
use firsthand_tests::{Crash, Dice, Harbour, Mood, World, seeds, verdict};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CAROL: usize = 2;
const DANA: usize = 3;
const EVA: usize = 4;

/// Amina leads, Dana too, and each joined over a hotspot of Amina's; from then on nobody meets anybody.
fn team(seed: u64, relays: usize) -> Harbour {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    for (name, role) in [
        ("Bruno", Role::Responder),
        ("Carol", Role::Responder),
        ("Dana", Role::Lead),
        ("Eva", Role::Observer),
    ] {
        world.join(lead, name, role);
    }
    (world.calm, world.removals) = (true, true);
    let mut harbour = Harbour::new(world, relays);
    for number in 0..relays {
        let relay = harbour.team_relay(number);
        harbour.world.write(LEAD, |ledger, _, rng| ledger.add_relay(relay, rng)).unwrap();
    }
    // They hear of the relays, and of each other.
    for phone in [BRUNO, CAROL, DANA, EVA] {
        harbour.world.meet(phone, LEAD);
    }
    harbour
}

fn add(harbour: &mut Harbour, phone: usize, title: &str) -> DocumentId {
    let draft = Incident { title: Some(title.to_owned()), ..Incident::default() };
    let saved = harbour.world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    harbour.changed(phone);
    saved.id
}

fn titles(harbour: &mut Harbour, phone: usize) -> Vec<String> {
    let rows = harbour.world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort();
    titles
}

fn digest(harbour: &mut Harbour, phone: usize) -> [u8; 32] {
    harbour.world.devices[phone].ledger().digest().unwrap().0
}

fn queued(harbour: &mut Harbour, phone: usize) -> u64 {
    let queue = harbour.world.write(phone, |ledger, _, rng| ledger.relay_queue(rng)).unwrap();
    queue.own + queue.others
}

fn remove(harbour: &mut Harbour, by: usize, name: &str) -> Result<(), NodeError> {
    let devices = harbour.world.devices[by].ledger().devices();
    let person = devices.into_iter().find(|it| it.name == name).unwrap().person;
    harbour
        .world
        .write(by, |ledger, _, _| ledger.revoke(Target::Person(person), Reason::Removed))
        .map(drop)?;
    harbour.changed(by);
    Ok(())
}

/// Who leads can say at a relay that something takes the place of ranges, whoever was there first, and nobody else can.
#[test]
fn whoever_is_first_registers_with_the_key_that_leads_have() {
    let mut harbour = team(6, 1);
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    let question = Question::Plan { reaches: BTreeMap::new(), renew: false };
    let answer = harbour.world.write(BRUNO, |ledger, now, rng| Ok(ledger.answer_relay(question, now, rng)));
    let Some(Answer::Plan { relays, .. }) = answer.unwrap() else { panic!("a plan") };
    let [plan] = relays.as_slice() else { panic!("one relay") };
    let has = |harbour: &mut Harbour, phone: usize| {
        let keys = harbour.world.devices[phone].ledger().leads_keys(&plan.relay.key).unwrap();
        keys.iter().any(|key| key.key() == plan.leads)
    };
    assert_eq!([LEAD, DANA].map(|phone| has(&mut harbour, phone)), [true; 2]);
    assert_eq!([BRUNO, CAROL, EVA].map(|phone| has(&mut harbour, phone)), [false; 3]);
    // Who comes to lead later gets it once another lead has read what is at the relay. No mailbox is made for that.
    let fay = harbour.world.join(LEAD, "Fay", Role::Lead);
    assert!(!has(&mut harbour, fay));
    harbour.attach(LEAD);
    harbour.pass(MINUTE);
    harbour.world.meet(fay, LEAD);
    assert!(has(&mut harbour, fay));
    assert_eq!(harbour.relays[0].storage.clone().holdings().unwrap().mailboxes, 1);
}

#[test]
fn what_one_saves_the_other_shows_though_they_never_meet() {
    let mut harbour = team(1, 1);
    harbour.attach(LEAD);
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    add(&mut harbour, LEAD, "Bridge");
    add(&mut harbour, BRUNO, "Market");
    harbour.pass(MINUTE);
    for phone in [LEAD, BRUNO] {
        assert_eq!(titles(&mut harbour, phone), ["Bridge", "Market"]);
        assert_eq!(queued(&mut harbour, phone), 0);
        assert!(harbour.attachments(phone).is_quiet(firsthand_ids::UnixMillis(harbour.world.now)));
    }
    assert_eq!(digest(&mut harbour, LEAD), digest(&mut harbour, BRUNO));
    // Who comes later gets it all.
    harbour.attach(CAROL);
    harbour.pass(MINUTE);
    assert_eq!(digest(&mut harbour, CAROL), digest(&mut harbour, BRUNO));
}

/// A phone wakes up and has twenty seconds: it does not wait for a connection that died while it slept.
#[test]
fn a_dead_connection_is_found_out_when_there_is_reason_to_ask() {
    let mut harbour = team(3, 1);
    harbour.attach(LEAD);
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    harbour.lose(0);
    add(&mut harbour, LEAD, "Bridge");
    harbour.pass(12_000);
    assert_eq!(titles(&mut harbour, BRUNO), [""; 0], "nobody has noticed");
    harbour.hurry();
    harbour.pass(12_000);
    assert_eq!(titles(&mut harbour, BRUNO), ["Bridge"]);
    for phone in [LEAD, BRUNO] {
        let now = firsthand_ids::UnixMillis(harbour.world.now);
        let view = harbour.attachments(phone).views(now).remove(0);
        assert_eq!((view.state, view.trouble), (RelayState::UpToDate, None));
    }
}

#[test]
fn who_is_removed_gets_nothing_more_and_who_was_away_finds_the_way() {
    let mut harbour = team(2, 1);
    [LEAD, BRUNO, CAROL, DANA].into_iter().for_each(|phone| harbour.attach(phone));
    add(&mut harbour, CAROL, "By Carol");
    harbour.pass(MINUTE);
    harbour.drop_phone(BRUNO);
    add(&mut harbour, BRUNO, "While away");
    assert_eq!(titles(&mut harbour, DANA), ["By Carol"]);

    // The lead removes her while she is connected. She hears nothing, and what she writes is shown to nobody.
    remove(&mut harbour, LEAD, "Carol").unwrap();
    harbour.pass(MINUTE);
    let ranges = harbour.relays[0].storage.clone().holdings().unwrap().mailboxes;
    assert!(ranges >= 2, "a removal makes a new mailbox");
    add(&mut harbour, LEAD, "Afterwards");
    add(&mut harbour, DANA, "And this");
    add(&mut harbour, CAROL, "By who was removed");
    harbour.pass(HOUR);
    assert_eq!(titles(&mut harbour, CAROL), ["By Carol", "By who was removed"]);
    assert_eq!(titles(&mut harbour, DANA), ["Afterwards", "And this", "By Carol"]);
    // A program that is started again on her phone finds no more than that.
    harbour.drop_phone(CAROL);
    harbour.attach(CAROL);
    harbour.pass(HOUR);
    assert_eq!(titles(&mut harbour, CAROL), ["By Carol", "By who was removed"]);

    // Bruno comes back after a second removal: the old mailbox leads on, and what he wrote reaches all.
    harbour.drop_phone(DANA);
    remove(&mut harbour, LEAD, "Dana").unwrap();
    harbour.pass(HOUR);
    add(&mut harbour, LEAD, "Much later");
    harbour.pass(MINUTE);
    harbour.attach(BRUNO);
    harbour.pass(HOUR);
    let all = ["Afterwards", "And this", "By Carol", "Much later", "While away"];
    for phone in [LEAD, BRUNO] {
        assert_eq!(titles(&mut harbour, phone), all);
        assert_eq!(queued(&mut harbour, phone), 0);
    }
    // So does Eva, who was never there, from the mailbox of the first epoch.
    harbour.attach(EVA);
    harbour.pass(HOUR);
    assert_eq!(titles(&mut harbour, EVA), all);
    assert_eq!(digest(&mut harbour, EVA), digest(&mut harbour, LEAD));
    assert_eq!(digest(&mut harbour, EVA), digest(&mut harbour, BRUNO));
}

#[test]
fn a_relay_that_forgot_is_filled_again() {
    let mut harbour = team(3, 1);
    harbour.attach(LEAD);
    for number in 0..5 {
        add(&mut harbour, LEAD, &format!("First {number}"));
    }
    harbour.pass(MINUTE);
    let backup = harbour.relays[0].storage.clone();
    for number in 0..5 {
        add(&mut harbour, LEAD, &format!("Second {number}"));
    }
    harbour.pass(MINUTE);
    let whole = harbour.relays[0].storage.clone().holdings().unwrap();

    for reset in [false, true] {
        harbour.cut(0);
        if reset {
            harbour.relays[0].reset();
        } else {
            harbour.relays[0].storage = backup.clone();
        }
        harbour.hurry();
        harbour.pass(HOUR);
        let now = harbour.relays[0].storage.clone().holdings().unwrap();
        assert!(now.ranges > 0 && now.bytes <= whole.bytes, "{now:?} {whole:?}");
        assert_eq!(queued(&mut harbour, LEAD), 0);
    }
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    assert_eq!(digest(&mut harbour, BRUNO), digest(&mut harbour, LEAD));
    // Nothing is put a second time: what is there once stays as it is.
    let before = harbour.relays[0].storage.clone().holdings().unwrap();
    harbour.drop_phone(LEAD);
    harbour.attach(LEAD);
    harbour.pass(HOUR);
    assert_eq!(harbour.relays[0].storage.clone().holdings().unwrap().ranges, before.ranges);
}

#[test]
fn of_two_relays_one_dead_or_silent() {
    for mood in [Mood::Down, Mood::Hangs] {
        let mut harbour = team(4, 2);
        harbour.relays[0].mood = mood;
        harbour.attach(LEAD);
        harbour.attach(BRUNO);
        add(&mut harbour, LEAD, "Bridge");
        harbour.pass(MINUTE / 6);
        assert_eq!(titles(&mut harbour, BRUNO), ["Bridge"], "{mood:?}");
        assert_eq!(queued(&mut harbour, LEAD), 0);
        harbour.pass(HOUR);
        let now = firsthand_ids::UnixMillis(harbour.world.now);
        let views = harbour.attachments(LEAD).views(now);
        let dead = views.iter().find(|it| it.address.contains("relay-0")).unwrap();
        assert!(dead.trouble.is_some() && dead.open == 0, "{dead:?}");
        harbour.relays[0].mood = Mood::Honest;
        harbour.pass(HOUR);
        let views = harbour.attachments(LEAD).views(firsthand_ids::UnixMillis(harbour.world.now));
        assert!(views.iter().all(|it| it.trouble.is_none() && it.open > 0), "{views:?}");
    }
}

/// Weeks pass, so that snapshots take the place of ranges, again and again: at relays that lie, come back from backups of before and
/// after that, and lose all.
#[test]
fn relays_that_crash_and_lie() {
    let (runs, replaced, recalled) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    seeds::each("relays that crash and lie", 300, |seed| {
        let mut dice = Dice::new(seed, 1);
        let relays = 1 + dice.below(2);
        let mut harbour = team(seed, relays);
        harbour.policy = SnapshotPolicy { entries: 2, percent: 10 };
        let mut staying = vec![LEAD, BRUNO, CAROL, DANA];
        let mut written: Vec<String> = Vec::new();
        let mut backups: Vec<_> = harbour.relays.iter().map(|it| it.storage.clone()).collect();
        staying.iter().for_each(|phone| harbour.attach(*phone));
        for step in 0..30 {
            let (phone, other) = (dice.pick(&staying), dice.pick(&staying));
            let relay = dice.below(relays);
            match dice.below(14) {
                0..=4 => {
                    for number in 0..1 + dice.below(3) {
                        let title = format!("{step}-{number} by {phone}");
                        add(&mut harbour, phone, &title);
                        written.push(title);
                    }
                }
                5 => harbour.relays[relay].mood = Mood::Lies,
                6 => harbour.relays[relay].mood = dice.pick(&[Mood::Down, Mood::Hangs, Mood::Honest]),
                7 => harbour.cut(relay),
                8 => {
                    harbour.cut(relay);
                    harbour.relays[relay].storage = backups[relay].clone();
                }
                9 => backups[relay] = harbour.relays[relay].storage.clone(),
                10 if dice.percent(40) => {
                    harbour.cut(relay);
                    harbour.relays[relay].reset();
                }
                10 | 11 => {
                    if harbour.attached().contains(&phone) {
                        harbour.drop_phone(phone);
                        harbour.world.crash(phone, Crash::Dropped, false);
                        harbour.world.restart(phone);
                    } else {
                        harbour.attach(phone);
                    }
                }
                12 if phone != other => {
                    harbour.world.meet(phone, other);
                    harbour.changed(phone);
                    harbour.changed(other);
                }
                13 if step > 10 && staying.contains(&CAROL) => {
                    // She goes on at the relay, not knowing.
                    remove(&mut harbour, dice.pick(&[LEAD, DANA]), "Carol").unwrap();
                    staying.retain(|it| *it != CAROL);
                    written.retain(|title| !title.ends_with(&CAROL.to_string()));
                }
                _ => {}
            }
            let ms = [0, 100, 5_000, MINUTE, 20 * MINUTE][dice.below(5)];
            harbour.pass(ms);
            if dice.percent(30) {
                let days = dice.between(1, 9);
                harbour.sleep(days * DAY);
            }
        }
        for relay in 0..relays {
            harbour.relays[relay].mood = Mood::Honest;
            harbour.cut(relay);
        }
        staying.iter().for_each(|phone| {
            if !harbour.attached().contains(phone) {
                harbour.attach(*phone);
            }
        });
        for _ in 0..3 {
            harbour.hurry();
            harbour.pass(5 * MINUTE);
        }
        let expected = digest(&mut harbour, LEAD);
        for phone in staying.clone() {
            let shown = titles(&mut harbour, phone);
            assert!(written.iter().all(|title| shown.contains(title)), "{phone} lost something");
            assert_eq!(digest(&mut harbour, phone), expected, "{phone}");
            assert_eq!(queued(&mut harbour, phone), 0, "{phone}");
            verdict::sound(harbour.world.devices[phone].ledger(), phone);
        }
        // What is said to be at the relays is there: somebody who never met anybody finds all of it.
        harbour.attach(EVA);
        harbour.pass(5 * MINUTE);
        harbour.pass(5 * MINUTE);
        assert_eq!(digest(&mut harbour, EVA), expected, "Eva");
        runs.fetch_add(1, Ordering::Relaxed);
        let took = harbour.relays.iter().any(|relay| relay.replaced > 0);
        replaced.fetch_add(u64::from(took), Ordering::Relaxed);
        recalled.fetch_add(harbour.relays.iter().map(|relay| relay.recalled).sum(), Ordering::Relaxed);
    });
    let (runs, replaced) = (runs.into_inner(), replaced.into_inner());
    seeds::figure(&format!(
        "relays that crash and lie: a snapshot took the place of ranges in {replaced} of {runs} runs, and {} times a \
         relay that had lost ranges was gone on with from an earlier place",
        recalled.into_inner()
    ));
    assert!(runs < 20 || 2 * replaced > runs, "{replaced} of {runs}");
}
