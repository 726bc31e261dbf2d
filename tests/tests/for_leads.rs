//! An incident that is meant for the leads is on the phones of the leads and of whoever entered it, and on no other.
#![allow(clippy::unwrap_used)]

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, ImportRow, IncidentQuery, NodeError, OnlyHere, Role};
use firsthand_record::validate::Rule;
use firsthand_record::{Incident, Sensitivity, Severity};
use firsthand_tests::{World, verdict};
use serde_json::json;

const LEAD: usize = 0;
const AMINA: usize = 1;
const BRUNO: usize = 2;
const OTHER_LEAD: usize = 3;
const ALL: [usize; 4] = [LEAD, AMINA, BRUNO, OTHER_LEAD];
const PHOTO: &[u8] = b"a photo that nobody else is to see";

fn team(seed: u64) -> World {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Lead");
    for (name, role) in [("Amina", Role::Responder), ("Bruno", Role::Observer), ("Chidi", Role::Lead)] {
        world.join(lead, name, role);
    }
    world.calm = true;
    for phone in [AMINA, BRUNO, OTHER_LEAD] {
        world.meet(phone, LEAD);
    }
    world
}

fn incident(title: &str, sensitivity: Sensitivity) -> Incident {
    Incident { title: Some(title.to_owned()), sensitivity: Some(sensitivity), ..Incident::default() }
}

fn add(world: &mut World, phone: usize, title: &str, sensitivity: Sensitivity) -> DocumentId {
    let incident = incident(title, sensitivity);
    world.write(phone, |ledger, now, rng| ledger.add_incident(incident, now, rng)).unwrap().id
}

fn titles(world: &mut World, phone: usize) -> Vec<String> {
    let rows = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
    let mut titles: Vec<_> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort_unstable();
    titles
}

#[test]
fn an_incident_for_the_leads_reaches_them_and_nobody_else() {
    for seed in 0..10 {
        let mut world = team(seed);
        let id = add(&mut world, AMINA, "For the leads", Sensitivity::Leads);
        add(&mut world, AMINA, "For everybody", Sensitivity::Team);
        world
            .write(AMINA, |ledger, now, rng| {
                ledger.attach(id, &mut &PHOTO[..], "face.bin", "", now, rng, &mut |_| true)
            })
            .unwrap();
        let only = |world: &mut World| world.devices[AMINA].ledger().incident(id).unwrap().only_here;
        assert_eq!(only(&mut world), OnlyHere::All);

        // An observer carries nothing of it, and is not told that there is something.
        world.meet(AMINA, BRUNO);
        world.meet(BRUNO, OTHER_LEAD);
        assert_eq!(titles(&mut world, BRUNO), ["For everybody"]);
        assert_eq!(world.devices[BRUNO].ledger().store().spaces().count(), 1, "not a byte of it");
        assert_eq!(titles(&mut world, OTHER_LEAD), ["For everybody"]);
        assert_eq!(only(&mut world), OnlyHere::All);

        world.meet(AMINA, LEAD);
        assert_eq!(only(&mut world), OnlyHere::Nothing);
        let view = world.devices[LEAD].ledger().incident(id).unwrap();
        assert_eq!(view.leads_and.as_deref(), Some("Amina"));
        assert!(view.attachments[0].here, "its photo came with it");
        assert!(view.findings.iter().all(|it| it.rule != Rule::TeamHasIt), "{:?}", view.findings);
        // A lead writes in it; it goes on to the other lead and back, through nobody else.
        let severity = Edit::Set { field: "severity".to_owned(), value: json!(Severity::Severe) };
        world
            .write(LEAD, |ledger, now, rng| ledger.edit(id, std::slice::from_ref(&severity), now, rng))
            .unwrap();
        world.meet(LEAD, BRUNO);
        world.meet(BRUNO, OTHER_LEAD);
        assert_eq!(titles(&mut world, OTHER_LEAD), ["For everybody"]);
        world.meet(LEAD, OTHER_LEAD);
        world.meet(OTHER_LEAD, AMINA);
        for phone in [AMINA, LEAD, OTHER_LEAD] {
            let view = world.devices[phone].ledger().incident(id).unwrap();
            assert_eq!(view.record.severity, Some(Severity::Severe));
            assert!(view.attachments[0].here, "{phone}");
        }
        assert_eq!(titles(&mut world, BRUNO), ["For everybody"]);

        for phone in ALL {
            world.meet(phone, if phone == LEAD { BRUNO } else { LEAD });
        }
        let digests = ALL.map(|phone| world.devices[phone].ledger().team_digest().unwrap());
        assert!(digests.iter().all(|digest| *digest == digests[0]));
        for phone in ALL {
            verdict::sound(world.devices[phone].ledger(), phone);
            let check = world.devices[phone].ledger().check(&mut |_, _| true).unwrap();
            assert_eq!(check.problems, Vec::<String>::new());
        }
    }
}

/// A photo that only leads are to have is asked of nobody else, and a meeting with somebody else is complete without it.
#[test]
fn what_is_missing_of_it_is_asked_of_nobody_else() {
    let mut world = team(1);
    let id = add(&mut world, AMINA, "For the leads", Sensitivity::Leads);
    let long = vec![7; 900 * 1024];
    world
        .write(AMINA, |ledger, now, rng| {
            ledger.attach(id, &mut long.as_slice(), "film.bin", "", now, rng, &mut |_| true)
        })
        .unwrap();
    // The record arrives, the file does not: the link is cut as soon as the words are through.
    let link = world.dial(AMINA, LEAD, false).unwrap();
    while world.devices[LEAD].ledger().incident(id).is_err() {
        assert!(world.step());
    }
    world.cut(link);
    world.settle(100_000);
    let here = |world: &mut World| {
        world.devices[LEAD].ledger().incident(id).unwrap().attachments.first().map(|it| it.here)
    };
    assert_ne!(here(&mut world), Some(true), "it was cut too late");

    let link = world.dial(LEAD, BRUNO, false).unwrap();
    world.settle(100_000);
    let peers = world.devices[LEAD].up().meetings.peers();
    assert!(peers[0].complete, "{:?}", peers[0]);
    world.cut(link);
    world.settle(100_000);
    world.meet(LEAD, AMINA);
    assert_eq!(here(&mut world), Some(true));
}

#[test]
fn who_can_read_it_does_not_change_and_that_is_said() {
    let mut world = team(2);
    let leads = add(&mut world, AMINA, "For the leads", Sensitivity::Leads);
    let team = add(&mut world, AMINA, "For everybody", Sensitivity::Team);
    let set = |value: Sensitivity| [Edit::Set { field: "sensitivity".to_owned(), value: json!(value) }];
    for wider in [Sensitivity::Team, Sensitivity::Network, Sensitivity::Public] {
        let refused = world.write(AMINA, |ledger, now, rng| ledger.edit(leads, &set(wider), now, rng));
        let Err(NodeError::Rejected(findings)) = refused else { panic!("{wider:?} was taken") };
        assert_eq!((findings.len(), findings[0].rule), (1, Rule::StaysWithLeads));
    }
    let saved = world.write(AMINA, |ledger, now, rng| ledger.edit(team, &set(Sensitivity::Leads), now, rng));
    assert!(saved.unwrap().findings.iter().any(|it| it.rule == Rule::TeamHasIt));
    let view = world.devices[AMINA].ledger().incident(team).unwrap();
    assert!(view.findings.iter().any(|it| it.rule == Rule::TeamHasIt) && view.leads_and.is_none());

    // Rows of a file go where each of them belongs.
    let rows = (1..=6).map(|row| ImportRow {
        row,
        incident: incident(
            &format!("Row {row}"),
            if row % 3 == 0 { Sensitivity::Leads } else { Sensitivity::Team },
        ),
    });
    let rows: Vec<_> = rows.collect();
    let report = world
        .write(AMINA, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true))
        .unwrap();
    assert_eq!(report.added.len(), 6);
    world.meet(AMINA, BRUNO);
    assert_eq!(titles(&mut world, BRUNO), ["For everybody", "Row 1", "Row 2", "Row 4", "Row 5"]);
    world.meet(AMINA, LEAD);
    assert_eq!(titles(&mut world, LEAD).len(), 8);
}
