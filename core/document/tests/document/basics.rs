//! One document, a few people: what each letter does.

use crate::common::{Log, in_automerge, object, set, writer};
use firsthand_document::{
    Document, DocumentError, DocumentKind, Edit, FieldView, NoAuthors, Rights, incident,
};
use firsthand_record::{Count, CountKind, Incident, Severity, Status};
use serde_json::json;

fn seed() -> serde_json::Value {
    json!({
        "title": "Shots at the bridge",
        "severity": "Severe",
        "short_code": "K7-014",
        "narrative": "Two men stood at the gate.",
        "place": { "lat": 1.25, "lon": 36.5 },
        "counts": [{ "what": "injured", "low": 1, "high": 2 }],
        "made_up": { "b": 1, "a": [2] },
    })
}

#[test]
fn a_new_document_says_what_it_was_given() {
    let mut log = Log::default();
    let document = log.create(1, seed());
    assert_eq!(log.entries.len(), 1);
    let view = document.view(&log);
    assert_eq!(view.kind, DocumentKind::Incident);
    assert_eq!(view.schema, 1);
    assert_eq!(view.value("title"), Some(&json!("Shots at the bridge")));
    assert_eq!(view.value("short_code"), Some(&json!("K7-014")));
    assert_eq!(view.value("made_up"), Some(&json!({ "a": [2], "b": 1 })));
    assert_eq!(view.text("narrative"), "Two men stood at the gate.");
    assert_eq!(view.fields["place_text"], FieldView::Text(String::new()));
    assert_eq!(view.items("counts")[0].value, json!({ "what": "injured", "low": 1, "high": 2 }));
    assert_eq!(view.items("counts")[0].key, format!("{}|1", writer(1)));

    let again = Document::load(&document.save()).unwrap();
    assert_eq!(again.heads(), document.heads());
    assert_eq!(again.view(&log), view);
    let replica = log.replica();
    assert_eq!(replica.changes(), document.changes());
    assert_eq!(replica.view(&log), view);
}

#[test]
fn a_document_is_kept_as_its_changes_until_it_is_large() {
    let mut log = Log::default();
    let mut document = log.create(1, seed());
    log.edit(&mut document, 1, &[set("title", json!("Shots"))]);
    let received = log.replica();
    let bytes: Vec<u8> = log.entries.iter().flat_map(|entry| entry.change.bytes.clone()).collect();
    assert_eq!(received.save(), bytes);
    let again = Document::load(&received.save()).unwrap();
    assert_eq!(again.view(&log), document.view(&log));
    assert_eq!(again.history(&log), document.history(&log));
    assert_eq!(again.save(), bytes);

    assert_eq!(document.save(), bytes);
    let mut edited = again.clone();
    let title = set("title", json!("Shots heard"));
    let change = edited.edit(writer(2), Rights::NONE, &[title]).unwrap().remove(0);
    assert_eq!(edited.save(), [bytes.clone(), change.bytes].concat());

    let edited = in_automerge(&again);
    assert_eq!(edited.heads(), again.heads());
    assert_eq!(edited.changes(), again.changes());
    assert_eq!(edited.view(&log), again.view(&log));
    assert_eq!(edited.history(&log), again.history(&log));

    for number in 0..80 {
        log.edit(&mut document, 1, &[set("title", json!(number))]);
    }
    let mut long = again;
    log.bring(&mut long);
    assert_eq!(long.view(&log), document.view(&log));
    assert_eq!(log.replica().view(&log), document.view(&log));
    // Many changes take less room in Automerge's own form.
    assert!(long.save().len() < log.entries.iter().map(|entry| entry.change.bytes.len()).sum::<usize>() / 2);

    for cut in [8, 9, bytes.len() - 1] {
        assert!(Document::load(&bytes[..cut]).is_err(), "{cut}");
    }
    let first = log.entries[0].change.bytes.len();
    assert!(Document::load(&bytes[first..]).is_err());
    assert!(Document::load(&[&bytes[..first], &bytes[..first]].concat()).is_err());
}

#[test]
fn edits_are_small_changes() {
    let mut log = Log::default();
    let mut document = log.create(1, seed());
    let before = log.entries.len();
    log.edit(
        &mut document,
        2,
        &[
            Edit::Splice { field: "narrative".into(), at: 4, delete: 3, insert: "women".into() },
            set("title", json!("Shots")),
        ],
    );
    log.edit(
        &mut document,
        2,
        &[Edit::ReplaceText { field: "narrative".into(), text: "Two women stood at the new gate.".into() }],
    );
    assert_eq!(log.entries.len(), before + 2);
    assert!(log.entries.last().unwrap().change.bytes.len() < 160);
    assert_eq!(document.view(&log).text("narrative"), "Two women stood at the new gate.");
    assert!(document.edit(writer(2), Rights::NONE, &[set("title", json!("Shots"))]).unwrap().is_empty());
    let replica = log.replica();
    assert_eq!(replica.view(&log), document.view(&log));
    assert_eq!(replica.changes(), document.changes());
}

#[test]
fn two_values_set_apart_both_stay_until_somebody_with_the_right_picks_one() {
    let mut log = Log::with_leads(&[9]);
    let mut one = log.create(1, seed());
    let mut two = log.replica();
    log.edit(&mut one, 1, &[set("severity", json!("Minor")), set("title", json!("One"))]);
    log.edit(&mut two, 2, &[set("severity", json!("Extreme")), set("title", json!("Two"))]);
    log.bring(&mut one);
    log.bring(&mut two);
    assert_eq!(one.view(&log), two.view(&log));
    let view = one.view(&log);
    assert_eq!(view.conflicts().map(|(name, _)| name).collect::<Vec<_>>(), ["severity", "title"]);
    assert_eq!(view.value("severity"), Some(&json!("Extreme")));
    assert_eq!(view.value("title"), Some(&json!("Two")));
    assert_eq!(
        view.to_json()["conflicts"],
        json!({ "r": { "title": ["One", "Two"] }, "s": { "severity": ["Extreme", "Minor"] } })
    );

    // An ordinary edit may not swallow it; a proposal leaves it standing.
    let error = one.edit(writer(1), Rights::NONE, &[set("title", json!("Three"))]).unwrap_err();
    assert_eq!(error, DocumentError::Conflict { field: "title".into() });
    let propose = Edit::Resolve { field: "title".into(), value: json!("One"), note: "mine".into() };
    log.edit(&mut one, 1, &[propose]);
    let view = one.view(&log);
    let FieldView::Register(title) = &view.fields["title"] else { panic!() };
    assert!(title.in_conflict());
    assert_eq!(title.proposals[0].value, json!("One"));

    // The lead picks the value that Automerge would show anyway, and another one.
    let mut three = log.replica();
    log.edit(
        &mut three,
        9,
        &[
            Edit::Resolve { field: "title".into(), value: json!("Two"), note: "seen".into() },
            Edit::Resolve { field: "severity".into(), value: json!("Minor"), note: "checked".into() },
            set("title", json!("Two and more")),
        ],
    );
    log.bring(&mut one);
    let view = one.view(&log);
    assert_eq!(view.conflicts().count(), 0);
    assert_eq!(view.value("title"), Some(&json!("Two and more")));
    assert_eq!(view.value("severity"), Some(&json!("Minor")));
    assert_eq!(view.items("resolutions").len(), 3);
    assert_eq!(log.replica().view(&log), view);
}

#[test]
fn equal_values_set_apart_are_no_conflict() {
    let mut log = Log::default();
    let mut one = log.create(1, seed());
    let mut two = log.replica();
    log.edit(&mut one, 1, &[set("title", json!("Same"))]);
    log.edit(&mut two, 2, &[set("title", json!("Same"))]);
    log.bring(&mut one);
    assert_eq!(one.view(&log).conflicts().count(), 0);
    assert!(one.edit(writer(1), Rights::NONE, &[set("title", json!("Same"))]).unwrap().is_empty());
    log.edit(&mut one, 1, &[set("title", json!("Other"))]);
    assert_eq!(log.replica().view(&log).value("title"), Some(&json!("Other")));
}

#[test]
fn closing_needs_the_right_and_can_be_undone() {
    let mut log = Log::with_leads(&[9]);
    let mut document = log.create(1, seed());
    log.edit(&mut document, 1, &[set("status", json!("monitoring"))]);
    let close = |note: &str| Edit::Close { status: "closed".into(), target: None, note: note.into() };
    log.edit(&mut document, 1, &[close("done, I think")]);
    let status = document.view(&log).status().clone();
    assert_eq!(status.code.as_deref(), Some("monitoring"));
    assert_eq!(status.proposals[0].code.as_deref(), Some("closed"));

    log.edit(&mut document, 9, &[close("done")]);
    let status = document.view(&log).status().clone();
    assert_eq!(status.code.as_deref(), Some("closed"));
    assert!(status.closing.is_some());
    let key = status.closing.unwrap();
    // Nobody undoes it with a mark, or without the right.
    log.edit(
        &mut document,
        1,
        &[Edit::Withdraw { key, reason: "no".into() }, Edit::Reopen { note: "no".into() }],
    );
    assert_eq!(document.view(&log).status().code.as_deref(), Some("closed"));
    // A closing made while apart from the reopening stands.
    let mut apart = log.replica();
    log.edit(&mut document, 9, &[Edit::Reopen { note: "again".into() }]);
    assert_eq!(document.view(&log).status().code.as_deref(), Some("monitoring"));
    log.edit(&mut apart, 9, &[]);
    let mut log_apart = log.clone();
    log_apart.rights.insert(writer(8), Rights::ALL);
    log_apart.edit(&mut apart, 8, &[close("over")]);
    log_apart.bring(&mut document);
    assert_eq!(document.view(&log_apart).status().code.as_deref(), Some("closed"));
    // Setting the register is only a wish.
    let mut log = Log::default();
    let mut document = log.create(1, seed());
    log.edit(&mut document, 1, &[set("status", json!("closed"))]);
    let status = document.view(&log).status().clone();
    assert_eq!(status.code.as_deref(), Some("open"));
    assert_eq!(status.proposals.len(), 1);
}

#[test]
fn a_record_goes_in_and_comes_out() {
    let mut record = Incident {
        title: Some("Shots".into()),
        severity: Some(Severity::Severe),
        narrative: "Two men.".into(),
        counts: vec![Count::new(CountKind::Injured, Some(1), None)],
        status: Some(Status::Open),
        ..Incident::default()
    };
    record.extra.insert("from_the_future".into(), json!([1, 2]));
    let (mut document, _) =
        Document::create(DocumentKind::Incident, writer(1), &incident::fields(&record).unwrap()).unwrap();
    let before = incident::read(&document.view(&NoAuthors));
    assert_eq!(before.counts[0].key, format!("{}|1", writer(1)));
    assert_eq!(before.schema_version, Some(1));
    let mut expected = record.clone();
    expected.schema_version = Some(1);
    expected.counts[0].key = before.counts[0].key.clone();
    assert_eq!(before, expected);

    let mut after = before.clone();
    after.title = None;
    after.narrative = "Two men and a car.".into();
    after.counts[0].low = Some(3);
    after.counts.push(Count::new(CountKind::Dead, Some(1), Some(1)));
    let edits = incident::edits(&before, &after).unwrap();
    document.edit(writer(1), Rights::NONE, &edits).unwrap();
    let read = incident::read(&document.view(&NoAuthors));
    assert_eq!(read.title, None);
    assert_eq!(read.narrative, after.narrative);
    assert_eq!(
        read.counts.iter().map(|count| (count.what, count.low)).collect::<Vec<_>>(),
        [(CountKind::Injured, Some(3)), (CountKind::Dead, Some(1)),]
    );
    assert!(incident::edits(&read, &read).unwrap().is_empty());
    assert_eq!(document.view(&NoAuthors).items("counts").len(), 3);

    let mut wrong = read.clone();
    wrong.reported_at = Some("2026-01-01T10:00:00+03:00".parse().unwrap());
    assert_eq!(
        incident::edits(&read, &wrong).unwrap_err(),
        DocumentError::WriteOnce { field: "reported_at".into() }
    );
}

#[test]
fn values_this_version_cannot_read_are_kept() {
    let fields = object(json!({ "severity": "Catastrophic", "counts": [{ "what": "unicorns" }] }));
    let (document, _) = Document::create(DocumentKind::Incident, writer(1), &fields).unwrap();
    let read = incident::read(&document.view(&NoAuthors));
    assert_eq!(read.severity, None);
    assert_eq!(read.extra["severity"], json!("Catastrophic"));
    assert_eq!(read.extra["counts[0]"]["what"], json!("unicorns"));
    assert!(incident::edits(&read, &read).unwrap().is_empty());
}

#[test]
fn a_text_longer_than_a_change_is_split() {
    let text: String = (0..30_000).map(|n| if n % 7 == 0 { ' ' } else { 'é' }).collect();
    let mut log = Log::default();
    let mut document = log.create(1, json!({ "narrative": text }));
    assert!(log.entries.len() > 3);
    log.edit(&mut document, 1, &[Edit::ReplaceText { field: "narrative".into(), text: String::new() }]);
    assert_eq!(document.view(&log).text("narrative"), "");
    let replica = log.replica();
    assert_eq!(replica.changes(), document.changes());
    for entry in &log.entries {
        assert!(entry.change.bytes.len() <= 256 * 1024);
    }
}

#[test]
fn edits_that_a_letter_does_not_allow_are_refused_and_change_nothing() {
    let mut log = Log::default();
    let mut document = log.create(1, seed());
    let saved = document.save();
    let name = |field: &str| field.to_owned();
    let cases: Vec<(Edit, DocumentError)> = vec![
        (set("short_code", json!("X")), DocumentError::WriteOnce { field: name("short_code") }),
        (set("narrative", json!("X")), DocumentError::WrongLetter { field: name("narrative") }),
        (set("counts", json!([])), DocumentError::WrongLetter { field: name("counts") }),
        (set("count_summary", json!(1)), DocumentError::WrongLetter { field: name("count_summary") }),
        (set("nonsense", json!(1)), DocumentError::UnknownField { field: name("nonsense") }),
        (
            Edit::Splice { field: name("narrative"), at: 20, delete: 7, insert: name("x") },
            DocumentError::OutsideText { field: name("narrative") },
        ),
        (
            Edit::Splice { field: name("narrative"), at: 27, delete: 0, insert: name("x") },
            DocumentError::OutsideText { field: name("narrative") },
        ),
        (
            Edit::Add { list: name("counts"), value: json!("three") },
            DocumentError::WrongShape { field: name("counts") },
        ),
        (
            Edit::Withdraw { key: name("0|1"), reason: name("") },
            DocumentError::UnknownItem { key: name("0|1") },
        ),
        (
            Edit::Resolve { field: name("title"), value: json!(1), note: name("") },
            DocumentError::NoConflict { field: name("title") },
        ),
        (
            set("title", json!("x".repeat(200_000))),
            DocumentError::TooLarge { field: name("title"), limit: firsthand_document::MAX_VALUE_BYTES },
        ),
    ];
    for (edit, expected) in cases {
        let edits = [set("title", json!("first")), edit];
        assert_eq!(document.edit(writer(1), Rights::ALL, &edits).unwrap_err(), expected);
    }
    assert_eq!(document.save(), saved);
    assert_eq!(Document::empty().edit(writer(1), Rights::ALL, &[]).unwrap_err(), DocumentError::NotCreated);
    assert_eq!(Document::load(b"no document").unwrap_err(), DocumentError::Damaged);
}
