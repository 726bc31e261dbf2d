//! The history: who changed what, with what was there before.

use crate::common::{Log, set, writer};
use firsthand_document::{Edit, FieldChange, NoAuthors, TextSplice, What};
use firsthand_ids::PersonId;
use serde_json::{Value, json};

fn set_to(field: &str, before: &[Value], after: Value) -> FieldChange {
    FieldChange { field: field.into(), what: What::Set { before: before.to_vec(), after } }
}

#[test]
fn every_change_says_who_when_and_from_what_to_what() {
    let mut log = Log::with_leads(&[9]);
    let mut one =
        log.create(1, json!({ "title": "A", "narrative": "Two men stood.", "counts": [{ "low": 1 }] }));
    let mut two = log.replica();
    log.edit(&mut one, 1, &[set("title", json!("B"))]);
    log.edit(&mut two, 2, &[set("title", json!("C")), set("severity", json!("Minor"))]);
    log.bring(&mut one);
    log.edit(&mut one, 9, &[Edit::Resolve { field: "title".into(), value: json!("C"), note: "seen".into() }]);
    log.edit(
        &mut one,
        1,
        &[Edit::ReplaceText { field: "narrative".into(), text: "Three men stood there.".into() }],
    );
    log.edit(&mut one, 1, &[Edit::Withdraw { key: format!("{}|1", writer(1)), reason: "twice".into() }]);

    let history = one.history(&log);
    assert_eq!(history.len(), 6);
    assert_eq!(history.iter().map(|item| item.writer).collect::<Vec<_>>(), [1, 1, 2, 9, 1, 1].map(writer));
    assert_eq!(history.iter().filter(|item| item.created).count(), 1);
    let author = history[2].author.unwrap();
    assert_eq!(author.person, PersonId::new([2; 16]));
    assert_eq!(author.local.offset_minutes, 180);

    assert!(history[0].fields.contains(&set_to("title", &[], json!("A"))));
    assert_eq!(history[1].fields, [set_to("title", &[json!("A")], json!("B"))]);
    assert_eq!(
        history[2].fields,
        [set_to("title", &[json!("A")], json!("C")), set_to("severity", &[], json!("Minor"))]
    );
    assert_eq!(history[3].fields[0].field, "resolutions");
    assert_eq!(history[3].fields[1], set_to("title", &[json!("B"), json!("C")], json!("C")));
    let What::Spliced(splices) = &history[4].fields[0].what else { panic!() };
    assert_eq!(
        splices[0],
        TextSplice {
            at: 1,
            removed: "wo".into(),
            inserted: "hree".into(),
            before: "T".into(),
            after: " men stood.".into(),
        }
    );
    assert_eq!((splices[1].at, splices[1].inserted.as_str()), (15, " there"));
    assert_eq!(splices[1].before, "Three men stood");
    let What::Added { value, .. } = &history[5].fields[0].what else { panic!() };
    assert_eq!(value["reason"], json!("twice"));

    // Without a log there is still an order in which each change follows those it builds on.
    let nobody = one.history(&NoAuthors);
    assert_eq!(nobody.len(), 6);
    assert!(nobody[0].created);
    assert_eq!(log.replica().history(&log), history);
}

#[test]
fn what_two_people_remove_is_removed_once() {
    let mut log = Log::default();
    let mut one = log.create(1, json!({ "narrative": "abcdef" }));
    let mut two = log.replica();
    let cut = |at, delete| Edit::Splice { field: "narrative".into(), at, delete, insert: String::new() };
    log.edit(&mut one, 1, &[cut(1, 3)]);
    log.edit(&mut two, 2, &[cut(2, 3)]);
    log.bring(&mut one);
    assert_eq!(one.view(&log).text("narrative"), "af");
    let removed: Vec<String> = one
        .history(&log)
        .iter()
        .flat_map(|item| &item.fields)
        .filter_map(|field| match &field.what {
            What::Spliced(splices) => Some(splices[0].removed.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(removed, ["", "bcd", "e"]);
}

#[test]
fn a_thousand_changes_are_read_at_once() {
    let mut log = Log::default();
    let mut document = log.create(1, json!({ "narrative": "Two men stood at the gate." }));
    for number in 0..1_000usize {
        let at = number % 20;
        let edit = Edit::Splice { field: "narrative".into(), at, delete: 1, insert: "xy".into() };
        log.edit(&mut document, 1 + (number % 3) as u8, &[edit]);
    }
    let history = document.history(&log);
    assert_eq!(history.len(), 1_001);
    // Played forward, the splices give the text.
    let mut text: Vec<char> = Vec::new();
    for item in &history {
        for field in &item.fields {
            if let (true, What::Spliced(splices)) = (field.field == "narrative", &field.what) {
                for splice in splices {
                    let end = splice.at + splice.removed.chars().count();
                    text.splice(splice.at..end, splice.inserted.chars());
                }
            }
        }
    }
    assert_eq!(text.into_iter().collect::<String>(), document.view(&log).text("narrative"));
}
