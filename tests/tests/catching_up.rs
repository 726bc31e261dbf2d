//! Somebody who receives thousands of records at once goes on working meanwhile.
#![allow(clippy::unwrap_used)]

use firsthand_node::meeting::{Answer, Question};
use firsthand_node::{Answering, ImportRow, IncidentQuery, Role};
use firsthand_record::Incident;
use firsthand_tests::{Clock, World, bring};

const INCIDENTS: usize = 600;

/// What came is put into documents piece by piece. Between two pieces somebody saves, and sees it in the list at once; in the end both devices
/// are the same.
#[test]
fn people_save_while_what_came_is_put_into_documents() {
    let mut world = World::new(1);
    let lead = world.found("Harbour", "Amina");
    let phone = world.join(lead, "Bruno", Role::Responder);
    let record = |row: usize| ImportRow {
        row,
        incident: Incident { title: Some(format!("Incident {row}")), ..Incident::default() },
    };
    let rows: Vec<_> = (0..INCIDENTS).map(record).collect();
    world.write(lead, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true)).unwrap();
    bring(&mut world, lead, phone, |_| ());

    let mut question = Question::Apply;
    let mut saved = 0;
    loop {
        let ledger = world.devices[phone].ledger();
        match ledger.begin_answer(question, Clock::default().at(0)) {
            Answering::Again(rest) => question = rest,
            Answering::Now(answer) => {
                assert!(matches!(answer, Answer::Applied { .. }), "{answer:?}");
                break;
            }
            Answering::After(_) => panic!("no file is here"),
        }
        let here = ledger.incidents(&IncidentQuery::default()).unwrap().len();
        assert!(here < INCIDENTS + saved, "all of it came at once");
        let incident = Incident { title: Some("Meanwhile".to_owned()), ..Incident::default() };
        world.write(phone, |ledger, now, rng| ledger.add_incident(incident, now, rng)).unwrap();
        saved += 1;
        let rows = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap();
        assert_eq!(rows.iter().filter(|row| row.incident.title == "Meanwhile").count(), saved);
    }
    assert!(saved >= 4, "{saved}");
    let here = world.devices[phone].ledger().incidents(&IncidentQuery::default()).unwrap().len();
    assert_eq!(here, INCIDENTS + saved);
    bring(&mut world, phone, lead, |_| ());
    world.devices[lead].ledger().answer(Question::Apply, Clock::default().at(0));
    let digests: Vec<_> = [lead, phone].map(|it| world.devices[it].ledger().digest().unwrap()).into();
    assert_eq!(digests[0], digests[1]);
}
