//! What a phone that lacks much shows before everything has come.
#![allow(clippy::unwrap_used)]

use firsthand_node::{ImportRow, IncidentQuery, Role};
use firsthand_record::{Incident, Severity, ShortCode, Status};
use firsthand_tests::{Crash, World};

const INCIDENTS: usize = 1500;

fn records() -> Vec<ImportRow> {
    let record = |row: usize| ImportRow {
        row,
        incident: Incident {
            title: Some(format!("Incident {row}")),
            severity: Some(Severity::Moderate),
            status: Some(Status::Open),
            narrative: "Nobody was hurt. ".repeat(20),
            ..Incident::default()
        },
    };
    (0..INCIDENTS).map(record).collect()
}

/// Somebody joins late: the newest of the list is there with the first bytes, said to be unverified; it survives a cut and a
/// crash, and gives way to the records.
#[test]
fn the_list_goes_ahead_of_the_entries() {
    let mut world = World::new(1);
    let lead = world.found("Harbour", "Amina");
    let report =
        world.write(lead, |ledger, now, rng| ledger.import(records(), false, now, rng, &mut |_, _| true));
    assert_eq!(report.unwrap().added.len(), INCIDENTS);
    let late = world.join(lead, "Bruno", Role::Responder);
    // Joining brings nothing of the log.
    let newest: Vec<(String, String)> = {
        let rows = world.devices[lead].ledger().incidents(&IncidentQuery::default()).unwrap();
        let said = |row: firsthand_node::IncidentRow| {
            let (prefix, number) = row.incident.short_code.unwrap();
            (ShortCode { prefix, number }.to_string(), row.incident.title)
        };
        rows.into_iter().map(said).collect()
    };

    let link = world.dial(late, lead, false).unwrap();
    while world.devices[late].ledger().expected(1).unwrap().is_empty() {
        assert!(world.step());
    }
    let before = world.cables[&link].sent[1];
    world.cut(link);
    world.settle(100_000);
    world.crash(late, Crash::Dropped, true);
    world.restart(late);

    let ledger = world.devices[late].ledger();
    let held = ledger.incidents(&IncidentQuery::default()).unwrap().len();
    let expected = ledger.expected(usize::MAX).unwrap();
    assert!(held < INCIDENTS && expected.len() >= 100, "{held} here, {} expected", expected.len());
    let said: Vec<_> = expected.iter().map(|it| (it.short_code.clone().unwrap(), it.title.clone())).collect();
    assert_eq!(said, newest[..expected.len()]);
    assert!(expected.iter().all(|it| it.told_by == "Amina" && it.severity.as_deref() == Some("Moderate")));

    world.meet(late, lead);
    let ledger = world.devices[late].ledger();
    assert_eq!(ledger.incidents(&IncidentQuery::default()).unwrap().len(), INCIDENTS);
    assert!(ledger.expected(usize::MAX).unwrap().is_empty());
    println!("{} rows of the list came with the first {before} bytes", expected.len());
}
