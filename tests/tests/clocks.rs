//! Journey 9: a phone whose clock is a day ahead. What it says is kept, what the time probably was stands beside it, and
//! no date wins over anybody.
#![allow(clippy::unwrap_used)]

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, IncidentQuery, Role};
use firsthand_record::validate::Rule;
use firsthand_record::{ClockTrust, Incident};
use firsthand_tests::{Crash, Expected, World, verdict};
use serde_json::json;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn add(world: &mut World, phone: usize, title: &str) -> DocumentId {
    let draft = Incident { title: Some(title.to_owned()), ..Incident::default() };
    world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id
}

fn titles(world: &mut World, phone: usize) -> Vec<String> {
    let rows = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
    rows.into_iter().rev().map(|row| row.incident.title).collect()
}

fn set_title(world: &mut World, phone: usize, id: DocumentId, title: &str) {
    let edit = Edit::Set { field: "title".to_owned(), value: json!(title) };
    world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
}

#[test]
fn clock_one_day_ahead() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let amina = world.found("Harbour", "Amina");
        let bruno = world.join(amina, "Bruno", Role::Responder);
        let shared = add(&mut world, amina, "shared");
        world.meet(bruno, amina);
        // Somebody sets the clock of a phone that met the other one an hour ago; it may also have been started again.
        world.pass(60 * MINUTE);
        world.devices[bruno].clock.skew_ms = DAY;
        if seed % 2 == 1 {
            world.crash(bruno, Crash::Dropped, false);
            world.restart(bruno);
        }
        let mut by_bruno = Vec::new();
        for number in 0..4 {
            by_bruno.push((add(&mut world, bruno, &format!("{number} b")), world.now));
            world.pass(5 * MINUTE);
            add(&mut world, amina, &format!("{number} of amina"));
            world.pass(5 * MINUTE);
        }
        set_title(&mut world, amina, shared, "Amina's");
        set_title(&mut world, bruno, shared, "Bruno's, a day later by his clock");
        world.meet(bruno, amina);

        for phone in [amina, bruno] {
            for (id, entered) in &by_bruno {
                let view = world.devices[phone].ledger().incident(*id).unwrap();
                let true_time = world.devices[amina].clock.at(*entered).at.0;
                assert_eq!(view.created.at.0, true_time + DAY, "what the phone showed is kept");
                let estimated = view.estimated.unwrap().at.0;
                assert!((estimated - true_time).abs() < 2_000, "{} ms off", estimated - true_time);
                let clock = view.record.clock_evidence.unwrap();
                assert_eq!((clock.trust, clock.device_ms.0), (ClockTrust::Suspect, true_time + DAY));
                let rules: Vec<Rule> = view.findings.iter().map(|finding| finding.rule).collect();
                assert_eq!(rules, [Rule::ClockSkew]);
            }
            // The timeline is that of the world, whoever's clock said what.
            let order: Vec<String> = titles(&mut world, phone);
            let expected: Vec<String> =
                (0..4).flat_map(|n| [format!("{n} b"), format!("{n} of amina")]).collect();
            assert_eq!(order[1..], expected, "seed {seed}");
            // Neither date won: both values stand until somebody picks one.
            let conflicts = world.devices[phone].ledger().incident(shared).unwrap().conflicts;
            let [conflict] = conflicts.as_slice() else { panic!("{conflicts:?}") };
            assert_eq!((conflict.field.as_str(), conflict.candidates.len()), ("title", 2));
        }
        // Nothing that was entered by the right clock is marked.
        let flagged = IncidentQuery { flagged: true, ..IncidentQuery::default() };
        let by_amina = world.devices[amina].ledger().incidents(&flagged).unwrap();
        assert!(by_amina.iter().all(|row| row.incident.title.ends_with('b')), "{by_amina:?}");
        verdict::same_everywhere(&mut world, &Expected::default());
    }
}

/// Three phones: the wrong one is found out, and has no say over the right ones.
#[test]
fn one_wrong_clock_of_three() {
    let mut world = World::new(9);
    let amina = world.found("Harbour", "Amina");
    let bruno = world.join(amina, "Bruno", Role::Responder);
    let chiara = world.join(amina, "Chiara", Role::Responder);
    world.devices[bruno].clock.skew_ms = -3 * DAY;
    for _ in 0..2 {
        world.meet(bruno, amina);
        world.meet(chiara, amina);
        world.meet(chiara, bruno);
    }
    world.pass(MINUTE);
    let trust = |world: &mut World, phone| {
        let id = add(world, phone, "x");
        let clock = world.devices[phone].ledger().incident(id).unwrap().record.clock_evidence.unwrap();
        (clock.trust, clock.skew_estimate_s.unwrap())
    };
    assert_eq!(trust(&mut world, amina).0, ClockTrust::Peer);
    assert_eq!(trust(&mut world, chiara).0, ClockTrust::Peer);
    let (suspect, skew) = trust(&mut world, bruno);
    assert_eq!(suspect, ClockTrust::Suspect);
    assert!((skew + 3 * DAY / 1000).abs() <= 2, "{skew}");
}

/// Before it has met anybody, a phone says that only its own clock backs a time.
#[test]
fn nobody_met_yet() {
    let mut world = World::new(1);
    let amina = world.found("Harbour", "Amina");
    let id = add(&mut world, amina, "first");
    let clock = world.devices[amina].ledger().incident(id).unwrap().record.clock_evidence.unwrap();
    assert_eq!(clock.trust, ClockTrust::DeviceOnly);
    assert_eq!((clock.last_peer_or_relay_time, clock.skew_estimate_s), (None, None));
    assert_eq!(clock.boot_id.len(), 8);
    assert!(!clock.boot_id.contains("world"));
}

/// Two who have everything say nothing for hours. What is entered then goes over all the same: silence counts from when an answer is
/// owed, not from when something was last heard.
#[test]
fn a_meeting_that_was_quiet_for_long_goes_on() {
    let mut world = World::new(4);
    let lead = world.found("Harbour", "Amina");
    let other = world.join(lead, "Bruno", Role::Responder);
    world.calm = true;
    let link = world.dial(lead, other, false).unwrap();
    world.settle(100_000);
    for hours in 1..4 {
        world.now += hours * 3_600_000;
        let draft = Incident { title: Some(format!("After {hours} hours")), ..Incident::default() };
        world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        world.settle(100_000);
        assert!(world.cables.contains_key(&link), "the link was given up after {hours} hours");
    }
    let rows = world.devices[other].ledger().incidents(&IncidentQuery::default()).unwrap();
    assert_eq!(rows.len(), 3);
}
