//! Warnings as documents: their bytes, what stands while people are apart, and what nobody can take away.

use firsthand_document::{Document, DocumentError, DocumentKind, Edit, NoAuthors, View};
use firsthand_ids::sha256;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{Log, object, set, writer};

fn fields() -> Value {
    json!({
        "identifier": "a1", "sender": "firsthand-01", "sent": "2026-05-01T14:30:00+03:00",
        "status": "Exercise", "msg_type": "Alert", "scope": "Restricted", "restriction": "the team",
        "event": "Crowd", "headline": "Stay away from the bridge", "description": "Two", "instruction": "Go",
        "urgency": "Expected", "severity": "Moderate", "certainty": "Likely",
        "expires": "2026-05-01T18:30:00+03:00", "area": {"text": "the bridge"}, "approvals_required": 2,
        "category": [{"category": "Security"}],
    })
}

fn add(list: &str, value: Value) -> Edit {
    Edit::Add { list: list.into(), value }
}

fn ack(person: u8, kind: &str) -> Edit {
    add("acks", json!({"person": format!("{person:02x}").repeat(16), "kind": kind}))
}

#[test]
fn the_bytes_of_a_warning_are_fixed() {
    let (document, changes) = Document::create(DocumentKind::Alert, writer(7), &object(fields())).unwrap();
    assert_eq!(changes.len(), 1);
    // Golden: where this changes, older devices and newer ones would no longer make the same of one entry.
    let hash = sha256(&changes[0].bytes);
    assert_eq!(hash[..8], [126, 97, 60, 6, 2, 239, 90, 112], "{hash:?}");
    let expected = concat!(
        r#"{"a":{"category":{"07070707070707070707070707070707|1":{"category":"Security"}}},"kind":"alert","#,
        r#""r":{"area":{"text":"the bridge"},"event":"Crowd","expires":"2026-05-01T18:30:00+03:00","#,
        r#""headline":"Stay away from the bridge","restriction":"the team","status":"Exercise"},"#,
        r#""s":{"certainty":"Likely","scope":"Restricted","severity":"Moderate","urgency":"Expected"},"#,
        r#""schema":1,"t":{"description":"Two","instruction":"Go"},"w":{"approvals_required":2,"#,
        r#""identifier":"a1","msg_type":"Alert","sender":"firsthand-01","sent":"2026-05-01T14:30:00+03:00"}}"#,
    );
    assert_eq!(document.view(&NoAuthors).to_canonical(), expected);
}

#[test]
fn a_warning_never_turns_into_another_message() {
    let mut log = Log::with_leads(&[1]);
    let mut document = log.create_kind(DocumentKind::Alert, 1, fields());
    for (field, value) in
        [("msg_type", json!("Cancel")), ("approvals_required", json!(1)), ("identifier", json!("b"))]
    {
        let edit = document.edit(writer(1), log.rights_of(writer(1)), &[set(field, value)]);
        assert!(matches!(edit, Err(DocumentError::WriteOnce { .. })), "{field}: {edit:?}");
    }
}

#[test]
fn an_approval_counts_from_who_had_the_right_and_is_taken_back_by_nobody_else() {
    let mut log = Log::with_leads(&[1, 2]);
    let mut document = log.create_kind(DocumentKind::Alert, 1, fields());
    let approval = |number: u8| add("approvals", json!({"by": format!("{number:02x}").repeat(16)}));
    let approved = |document: &Document, log: &Log| {
        let view = document.view(log);
        let own = |author: &firsthand_document::Author, item: &firsthand_document::Item| {
            author.rights.may_close && item.value["by"].as_str() == Some(&author.person.to_string())
        };
        let decided = view.decided("approvals", own);
        (decided.counted.len(), decided.proposed.len())
    };
    log.edit(&mut document, 1, &[approval(1)]);
    log.edit(&mut document, 3, &[approval(3)]);
    log.edit(&mut document, 3, &[approval(2)]);
    assert_eq!(approved(&document, &log), (1, 2), "neither a stranger's nor one in another's name");
    log.edit(&mut document, 2, &[approval(2)]);
    assert_eq!(approved(&document, &log), (2, 2));
    let first = document.view(&log).items("approvals")[0].key.clone();
    let back = Edit::Withdraw { key: first, reason: "I was wrong".into() };
    log.edit(&mut document, 2, std::slice::from_ref(&back));
    assert_eq!(approved(&document, &log), (2, 2));
    log.edit(&mut document, 1, &[back]);
    assert_eq!(approved(&document, &log), (1, 2));
    assert_eq!(approved(&log.replica(), &log), (1, 2));
}

fn acks(view: &View) -> Vec<String> {
    let mut all: Vec<String> = view.items("acks").iter().map(|item| item.value.to_string()).collect();
    all.sort_unstable();
    all
}

const SAFE: [(&str, &[&str]); 4] = [
    ("urgency", &["Immediate", "Expected", "Future", "Unknown", "Past"]),
    ("severity", &["Extreme", "Severe", "Moderate", "Unknown", "Minor"]),
    ("certainty", &["Observed", "Likely", "Possible", "Unknown", "Unlikely"]),
    ("scope", &["Private", "Restricted", "Public"]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: prop::test_runner::RngSeed::Fixed(8), ..ProptestConfig::default() })]

    /// People who are apart set values and acknowledge; however their entries arrive, everybody sees the same: of each safe
    /// field the most protective of the values that were set last, and every acknowledgement, taken back or not.
    #[test]
    fn apart_the_most_protective_value_stands_and_no_acknowledgement_is_lost(
        steps in prop::collection::vec((1u8..4, 0usize..4, 0usize..5, any::<bool>()), 1..12),
        order in any::<prop::sample::Index>(),
    ) {
        let mut log = Log::with_leads(&[1]);
        let created = log.create_kind(DocumentKind::Alert, 1, fields());
        let base = log.entries.len();
        let mut replicas = vec![created; 3];
        let mut last: [[Option<&str>; 4]; 3] = [[None; 4]; 3];
        let mut said = Vec::new();
        for (index, (number, field, value, back)) in steps.into_iter().enumerate() {
            let replica = &mut replicas[usize::from(number) - 1];
            let (name, codes) = SAFE[field];
            let code = codes[value % codes.len()];
            // To set what is set already is no write, and another person's later one takes its place.
            if replica.view(&log).value(name) != Some(&json!(code)) {
                log.edit(replica, number, &[set(name, json!(code))]);
                last[usize::from(number) - 1][field] = Some(code);
            }
            log.edit(replica, number, &[ack(number, if index % 2 == 0 { "read" } else { "will_act" })]);
            said.push(index);
            if back {
                let key = replica.view(&log).items("acks").last().map(|item| item.key.clone()).unwrap();
                log.edit(replica, number, &[Edit::Withdraw { key, reason: "no".into() }]);
            }
        }
        let mut merged: Vec<View> = Vec::new();
        for mut replica in replicas {
            // Each takes in the others' entries beginning somewhere else; what builds on what is not there yet waits and is tried again.
            let rest = &log.entries[base..];
            let from = order.index(rest.len());
            let turned: Vec<_> = rest[from..].iter().chain(&rest[..from]).map(|it| it.incoming()).collect();
            replica.apply(&turned, &log);
            log.bring(&mut replica);
            merged.push(replica.view(&log));
        }
        prop_assert!(merged.iter().all(|view| view.to_canonical() == merged[0].to_canonical()));
        prop_assert_eq!(acks(&merged[0]).len(), said.len());
        let original = fields();
        for (field, (name, codes)) in SAFE.into_iter().enumerate() {
            let set: Vec<&str> = last.iter().filter_map(|own| own[field]).collect();
            let rank = |code: &&str| codes.iter().position(|it| it == code);
            let expected = set.into_iter().min_by_key(rank).or(original[name].as_str());
            prop_assert_eq!(merged[0].value(name).and_then(Value::as_str), expected);
        }
    }
}
