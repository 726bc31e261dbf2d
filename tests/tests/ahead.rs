//! What a phone that lacks much shows before everything has come.
#![allow(clippy::unwrap_used)]

use firsthand_ids::UnixMillis;
use firsthand_node::{Edit, ImportRow, IncidentQuery, Role};
use firsthand_record::roster::{
    Area, Assignment, CheckIn, CheckInState, Corner, FieldTeam, Person, PersonStatus, Shift, ShiftStatus,
};
use firsthand_record::{Degrees, Incident, Moment, Severity, ShortCode, Status};
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

const HOUR_MS: i64 = 3_600_000;

/// Everybody who is on, the shift that runs, the next one, and what is open come before the history, and the phone is of use
/// meanwhile: what is entered on it while history still comes is there at the end, everywhere.
#[test]
fn what_a_shift_needs_goes_ahead_and_the_phone_is_of_use_meanwhile() {
    let mut world = World::new(2);
    let lead = world.found("Harbour", "Amina");
    world
        .write(lead, |ledger, now, rng| ledger.import(records(), false, now, rng, &mut |_, _| true))
        .unwrap();
    // Of the newest, most are closed.
    let rows = world.devices[lead].ledger().incidents(&IncidentQuery::default()).unwrap();
    for row in &rows[..200] {
        let (status, note) = (Status::Closed.code().to_owned(), String::new());
        let close = Edit::Close { status, target: None, note };
        world.write(lead, |ledger, now, rng| ledger.edit(row.id, &[close], now, rng)).unwrap();
    }
    let open = rows[200].incident.title.clone();
    let somebody = |name: &str, status| Person {
        display_name: Some(name.to_owned()),
        status: Some(status),
        ..Person::default()
    };
    let mut add = |name, status| {
        world.write(lead, |ledger, now, rng| ledger.add_person(somebody(name, status), now, rng)).unwrap();
        world.devices[lead].ledger().find_person(name).unwrap()
    };
    let chen = add("Chen", PersonStatus::Active);
    add("Dima", PersonStatus::Left);
    let corner = |lat, lon| Corner { lat: Degrees(lat), lon: Degrees(lon) };
    let area = vec![corner(33.9, 35.5), corner(33.9, 35.6), corner(33.8, 35.5)];
    let team = FieldTeam { name: Some("Pier".to_owned()), area: Some(Area(area)), ..FieldTeam::default() };
    let team = world.write(lead, |ledger, now, rng| ledger.add_field_team(&team, now, rng)).unwrap().id;
    let mut plan = |title: &str, from: i64, status: Option<ShiftStatus>| {
        world
            .write(lead, |ledger, now, rng| {
                let at = |hours: i64| {
                    let mut local = now;
                    local.at = UnixMillis(now.at.0 + hours * HOUR_MS);
                    Moment::from_local(local)
                };
                let shift = Shift {
                    title: Some(title.to_owned()),
                    team: Some(team),
                    start: at(from),
                    end: at(from + 8),
                    ..Shift::default()
                };
                let id = ledger.add_shift(&shift, now, rng).unwrap().id;
                let on = Assignment {
                    key: String::new(),
                    person: chen,
                    role: "observer".to_owned(),
                    buddy: None,
                    from: None,
                    until: None,
                };
                ledger.assign(id, &on, now, rng).unwrap();
                match status {
                    Some(status) => ledger.move_on(id, status, now, rng).map(|_| ()),
                    None => Ok(()),
                }
            })
            .unwrap();
    };
    plan("over", -30, Some(ShiftStatus::Debriefed));
    plan("forgotten", -60, None);
    plan("next", 10, None);
    plan("now", -1, Some(ShiftStatus::Active));
    let late = world.join(lead, "Bruno", Role::Observer);

    world.dial(late, lead, false).unwrap();
    while world.devices[late].ledger().expected(1).unwrap().is_empty() {
        assert!(world.step());
    }
    let ledger = world.devices[late].ledger();
    assert!(ledger.incidents(&IncidentQuery::default()).unwrap().is_empty());
    let expected = ledger.expected(usize::MAX).unwrap();
    assert_eq!(expected[0].title, open);
    assert!(expected.iter().all(|it| it.status.as_deref() == Some("open")));
    let shifts = ledger.expected_shifts().unwrap();
    let said: Vec<_> = shifts.iter().map(|it| (it.told.title.as_str(), it.told.status)).collect();
    assert_eq!(said, [("now", 2), ("next", 0)]);
    assert_eq!((shifts[0].told.team.as_str(), shifts[0].told.area.len()), ("Pier", 3));
    assert_eq!((shifts[0].names.as_slice(), shifts[0].told_by.as_str()), (&["Chen".to_owned()][..], "Amina"));
    let people = ledger.expected_people().unwrap();
    let names: Vec<_> = people.iter().map(|it| it.told.name.as_str()).collect();
    assert_eq!(names, ["Chen"]);

    // History is still on its way: most of it is not here.
    let me = ledger.find_person("me").unwrap();
    let incident = Incident { title: Some("A van at the pier".to_owned()), ..Incident::default() };
    let entered = world.write(late, |ledger, now, rng| ledger.add_incident(incident, now, rng)).unwrap().id;
    let check_in = CheckIn { state: Some(CheckInState::Ok), ..CheckIn::default() };
    world.write(late, |ledger, now, rng| ledger.check_in(check_in, now, rng)).unwrap();
    let list = world.devices[late].ledger().incidents(&IncidentQuery::default()).unwrap();
    assert!(list.len() < INCIDENTS && list.iter().any(|row| row.id == entered), "{}", list.len());

    world.settle(1_000_000);
    for device in [lead, late] {
        let ledger = world.devices[device].ledger();
        assert_eq!(ledger.incidents(&IncidentQuery::default()).unwrap().len(), INCIDENTS + 1);
        assert_eq!(ledger.check_ins(me, 5).unwrap().len(), 1);
        assert!(ledger.expected(1).unwrap().is_empty());
        assert!(ledger.expected_people().unwrap().is_empty() && ledger.expected_shifts().unwrap().is_empty());
    }
    let digests = [lead, late].map(|device| world.devices[device].ledger().digest().unwrap());
    assert_eq!(digests[0], digests[1]);
}
