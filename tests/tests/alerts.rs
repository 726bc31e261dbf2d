//! Warnings on many phones: journey 11, and approvals by people who were removed meanwhile.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_ids::{DocumentId, PersonId};
use firsthand_node::{AlertView, Edit, Reason, Role, Target};
use firsthand_record::roster::{ApprovalRule, FieldTeam};
use firsthand_record::warning::{
    AckKind, Alert, AlertArea, AlertCategory, AlertScope, AlertStanding, AlertStatus, CategoryItem, MsgType,
};
use firsthand_record::{Certainty, Severity, Urgency};
use firsthand_tests::World;

const HOUR: i64 = 60 * 60_000;
const AMINA: usize = 0;
const BELA: usize = 1;

fn warning(headline: &str) -> Alert {
    Alert {
        status: Some(AlertStatus::Exercise),
        scope: Some(AlertScope::Restricted),
        restriction: Some("the team".into()),
        event: Some("Crowd".into()),
        headline: Some(headline.into()),
        urgency: Some(Urgency::Expected),
        severity: Some(Severity::Moderate),
        certainty: Some(Certainty::Likely),
        area: Some(AlertArea { text: "the bridge".into(), ..AlertArea::default() }),
        category: vec![CategoryItem { key: String::new(), category: AlertCategory::Security }],
        ..Alert::default()
    }
}

/// A team with two leads and so many responders, that asks for two approvals.
fn team(seed: u64, responders: usize) -> World {
    let mut world = World::new(seed);
    world.found("Harbour", "Amina");
    world.join(AMINA, "Bela", Role::Lead);
    for number in 0..responders {
        world.join(AMINA, &format!("Responder {number}"), Role::Responder);
    }
    let rule = ApprovalRule { key: String::new(), required: 2 };
    let team = FieldTeam { name: Some("East".into()), alert_approvals: vec![rule], ..FieldTeam::default() };
    world.write(AMINA, |ledger, now, rng| ledger.add_field_team(&team, now, rng)).unwrap();
    world
}

fn raise(world: &mut World, phone: usize, alert: Alert) -> DocumentId {
    world.write(phone, |ledger, now, rng| ledger.raise_alert(alert, now, rng)).unwrap().id
}

fn approve(world: &mut World, phone: usize, id: DocumentId) -> bool {
    world.write(phone, |ledger, now, rng| ledger.approve_alert(id, now, rng)).unwrap().counts
}

fn acknowledge(world: &mut World, phone: usize, id: DocumentId) {
    let said = world
        .write(phone, |ledger, now, rng| ledger.acknowledge_alert(id, None, AckKind::WillAct, "", now, rng));
    assert!(said.unwrap().counts);
}

fn view(world: &mut World, phone: usize, id: DocumentId) -> AlertView {
    let now = world.devices[phone].clock.at(world.now);
    world.devices[phone].ledger().alert(id, now).unwrap()
}

/// The phones of each hotspot meet the one that owns it, twice, so that all of them hold what one of them holds.
fn hotspot(world: &mut World, owner: usize, phones: &[usize]) {
    for _ in 0..2 {
        for phone in phones {
            world.meet(*phone, owner);
        }
    }
}

#[test]
fn twelve_phones_acknowledge_over_two_hotspots_and_two_are_missing_everywhere() {
    let mut world = team(11, 12);
    let (first, second): (Vec<usize>, Vec<usize>) = (2..14).partition(|phone| phone % 2 == 0);
    let id = raise(&mut world, AMINA, warning("Keep to the north bank"));
    assert_eq!(view(&mut world, AMINA, id).standing, AlertStanding::Waiting);
    world.meet(BELA, AMINA);
    assert!(approve(&mut world, BELA, id));
    assert_eq!(view(&mut world, BELA, id).standing, AlertStanding::InForce);
    hotspot(&mut world, AMINA, &first);
    hotspot(&mut world, BELA, &second);
    assert_eq!(view(&mut world, AMINA, id).standing, AlertStanding::Waiting, "she has not heard of it yet");

    let silent = [first[0], second[0]];
    let me = |world: &mut World, phone: usize| world.devices[phone].ledger().me();
    for phone in first.iter().chain(&second).filter(|phone| !silent.contains(phone)) {
        acknowledge(&mut world, *phone, id);
    }
    hotspot(&mut world, AMINA, &first);
    hotspot(&mut world, BELA, &second);
    world.meet(BELA, AMINA);
    hotspot(&mut world, AMINA, &first);
    hotspot(&mut world, BELA, &second);
    let expected: BTreeSet<PersonId> = silent.map(|phone| me(&mut world, phone)).into();
    for phone in 0..14 {
        let view = view(&mut world, phone, id);
        let missing: BTreeSet<PersonId> = view.unacknowledged.iter().map(|(person, _)| *person).collect();
        assert_eq!(missing, expected, "phone {phone}");
        assert_eq!((view.standing, view.acks.len()), (AlertStanding::InForce, 10), "phone {phone}");
        assert_eq!(view.approvals.len(), 2);
    }
    // Past its end it is expired on each phone, and never current again.
    world.pass(4 * HOUR);
    for phone in 0..14 {
        assert_eq!(view(&mut world, phone, id).standing, AlertStanding::Expired, "phone {phone}");
    }
}

#[test]
fn an_edit_asks_for_approval_anew_and_merges_the_same_everywhere() {
    let mut world = team(12, 1);
    let id = raise(&mut world, AMINA, warning("Keep to the north bank"));
    world.meet(BELA, AMINA);
    world.meet(2, AMINA);
    assert!(approve(&mut world, BELA, id));
    // Meanwhile, apart, somebody changes what it says.
    let edit = Edit::Set { field: "headline".into(), value: "Go to the north bank".into() };
    world.write(2, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
    world.meet(2, AMINA);
    world.meet(BELA, AMINA);
    world.meet(2, AMINA);
    for phone in 0..3 {
        let view = view(&mut world, phone, id);
        assert_eq!(view.standing, AlertStanding::Waiting, "phone {phone}");
        assert!(view.approvals.iter().all(|it| !it.of_this), "phone {phone}");
    }
    assert!(approve(&mut world, AMINA, id));
    assert!(approve(&mut world, BELA, id));
    assert!(approve(&mut world, BELA, id), "twice is once");
    world.meet(BELA, AMINA);
    world.meet(2, AMINA);
    for phone in 0..3 {
        let view = view(&mut world, phone, id);
        assert_eq!((view.standing, view.approvals.len()), (AlertStanding::InForce, 2), "phone {phone}");
    }
    // Who has not the right only proposes.
    assert!(!approve(&mut world, 2, id));
    assert_eq!(view(&mut world, 2, id).proposals, 1);
}

/// Two leads who are apart change one field differently, and each approves of their own: nobody approved of both.
#[test]
fn nothing_holds_of_which_two_versions_stand_side_by_side() {
    let mut world = team(15, 0);
    let id = raise(&mut world, AMINA, warning("Keep to the north bank"));
    world.meet(BELA, AMINA);
    for (phone, says) in [(AMINA, "Go to the north bank"), (BELA, "Go to the south bank")] {
        let edit = Edit::Set { field: "headline".into(), value: says.into() };
        world.write(phone, |ledger, now, rng| ledger.edit(id, &[edit], now, rng)).unwrap();
        assert!(approve(&mut world, phone, id));
    }
    world.meet(BELA, AMINA);
    for phone in [AMINA, BELA] {
        let view = view(&mut world, phone, id);
        assert_eq!((view.standing, view.conflicts), (AlertStanding::Waiting, vec!["headline".to_owned()]));
        assert!(view.approvals.iter().all(|it| !it.of_this));
    }
    let (field, value) = ("headline".into(), "Go to the south bank".into());
    let settled = Edit::Resolve { field, value, note: String::new() };
    world.write(AMINA, |ledger, now, rng| ledger.edit(id, &[settled], now, rng)).unwrap();
    assert!(approve(&mut world, AMINA, id));
    world.meet(BELA, AMINA);
    // Bela approved of that before.
    for phone in [AMINA, BELA] {
        assert_eq!(view(&mut world, phone, id).standing, AlertStanding::InForce);
    }
}

#[test]
fn an_approval_by_somebody_removed_meanwhile_does_not_count_where_the_cut_excludes_it() {
    let mut world = team(13, 1);
    let id = raise(&mut world, AMINA, warning("Keep to the north bank"));
    let bela = world.devices[BELA].ledger().me();
    world.meet(BELA, AMINA);
    world.meet(2, AMINA);
    // Amina removes Bela, who does not know of it yet and approves.
    let target = Target::Person(bela);
    world.write(AMINA, |ledger, _, _| ledger.revoke(target, Reason::Removed)).unwrap();
    assert!(approve(&mut world, BELA, id));
    world.removals = true;
    world.meet(2, BELA);
    world.meet(2, AMINA);
    for phone in [AMINA, 2] {
        let view = view(&mut world, phone, id);
        assert_eq!((view.standing, view.approvals.len()), (AlertStanding::Waiting, 1), "phone {phone}");
        assert!(view.unacknowledged.iter().all(|(person, _)| *person != bela), "who left is not waited for");
    }
}

#[test]
fn an_exercise_calls_nothing_off_that_is_meant() {
    let mut world = team(14, 0);
    let meant = Alert { status: Some(AlertStatus::Actual), ..warning("Leave the bridge") };
    let id = raise(&mut world, AMINA, meant.clone());
    world.meet(BELA, AMINA);
    approve(&mut world, BELA, id);
    let reference = view(&mut world, BELA, id).record.reference().unwrap();
    let off = |status| Alert {
        status: Some(status),
        msg_type: Some(MsgType::Cancel),
        references: vec![reference.clone()],
        ..meant.clone()
    };
    let exercise = raise(&mut world, BELA, off(AlertStatus::Exercise));
    let real = raise(&mut world, BELA, off(AlertStatus::Actual));
    world.meet(BELA, AMINA);
    approve(&mut world, AMINA, exercise);
    assert_eq!(view(&mut world, AMINA, id).standing, AlertStanding::InForce);
    approve(&mut world, AMINA, real);
    let now = view(&mut world, AMINA, id);
    assert_eq!((now.standing, now.replaced_by), (AlertStanding::Cancelled, Some(real)));
    // What was called off stays so after the cancellation itself has ended.
    world.pass(5 * HOUR);
    assert_eq!(view(&mut world, AMINA, id).standing, AlertStanding::Cancelled);
}

#[test]
fn who_calls_the_same_off_while_apart_does_so_once_for_everybody() {
    for seed in 20..26 {
        let mut world = team(seed, 0);
        let id = raise(&mut world, AMINA, warning("Leave the bridge"));
        world.meet(BELA, AMINA);
        approve(&mut world, BELA, id);
        world.meet(BELA, AMINA);
        let reference = view(&mut world, AMINA, id).record.reference().unwrap();
        let replacing = |msg_type, headline: &str| Alert {
            msg_type: Some(msg_type),
            references: vec![reference.clone()],
            ..warning(headline)
        };
        let first = raise(&mut world, AMINA, replacing(MsgType::Cancel, "Over"));
        let second = raise(&mut world, BELA, replacing(MsgType::Cancel, "It is over"));
        let update = raise(&mut world, BELA, replacing(MsgType::Update, "Only the east end"));
        world.meet(BELA, AMINA);
        approve(&mut world, AMINA, second);
        approve(&mut world, AMINA, update);
        approve(&mut world, BELA, first);
        world.meet(BELA, AMINA);
        let seen = [AMINA, BELA].map(|phone| view(&mut world, phone, id));
        assert!(
            seen.iter().all(|it| it.standing == AlertStanding::Cancelled),
            "a cancellation counts over an update"
        );
        assert_eq!(seen[0].replaced_by, seen[1].replaced_by, "seed {seed}");
        assert!([Some(first), Some(second)].contains(&seen[0].replaced_by));
    }
}
