//! Fixed edits by people who are apart: every order of delivery, and what each letter makes of them.

use crate::common::{Log, set, writer};
use firsthand_document::{Document, Edit, FieldSpec, Letter, Outcome, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A table of a newer version with a text that nobody else has heard of.
const NEWER: &[FieldSpec] = &[FieldSpec { name: "new_text", letter: Letter::Text }];

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for shorter in permutations(count - 1) {
        for at in 0..count {
            let mut longer = shorter.clone();
            longer.insert(at, count - 1);
            out.push(longer);
        }
    }
    out
}

/// Brings the entries one at a time, trying what waits again after each.
fn one_by_one(log: &Log, order: &[usize]) -> Document {
    let mut document = Document::empty();
    let mut waiting: Vec<usize> = Vec::new();
    for entry in order {
        waiting.push(*entry);
        loop {
            let before = waiting.len();
            waiting.retain(|entry| {
                let outcome = document.apply(&[log.entries[*entry].incoming()], log).outcomes.remove(0);
                match outcome {
                    Outcome::Applied => false,
                    Outcome::Waiting { .. } => true,
                    Outcome::Refused(error) => panic!("{error:?}"),
                }
            });
            if waiting.len() == before {
                break;
            }
        }
    }
    assert!(waiting.is_empty());
    document
}

#[test]
fn every_order_of_delivery_gives_the_same() {
    let edits: [(&str, [Edit; 2], [Edit; 2]); 4] = [
        (
            "r",
            [set("title", json!("a")), set("title", json!("b"))],
            [set("title", json!("c")), set("title", json!("d"))],
        ),
        (
            "s",
            [set("severity", json!("Minor")), set("severity", json!("Extreme"))],
            [set("severity", json!("Severe")), set("severity", json!("Moderate"))],
        ),
        (
            "t",
            [
                Edit::Splice { field: "narrative".into(), at: 4, delete: 3, insert: "women".into() },
                Edit::ReplaceText { field: "narrative".into(), text: "Two women left.".into() },
            ],
            [
                Edit::ReplaceText { field: "narrative".into(), text: "Two men stood here.".into() },
                Edit::Splice { field: "narrative".into(), at: 0, delete: 0, insert: "At noon: ".into() },
            ],
        ),
        (
            "a",
            [
                Edit::Add { list: "counts".into(), value: json!({ "n": 1 }) },
                Edit::Withdraw { key: format!("{}|1", writer(1)), reason: "no".into() },
            ],
            [
                Edit::Add { list: "counts".into(), value: json!({ "n": 2 }) },
                Edit::Withdraw { key: format!("{}|1", writer(1)), reason: "wrong".into() },
            ],
        ),
    ];
    for (letter, ones, twos) in edits {
        let mut log = Log::default();
        let seed = json!({
            "title": "x", "severity": "Unknown", "narrative": "Two men stood.", "counts": [{ "n": 0 }],
        });
        let mut one = log.create(1, seed);
        let mut two = log.replica();
        for edit in ones {
            log.edit(&mut one, 1, &[edit]);
        }
        for edit in twos {
            log.edit(&mut two, 2, &[edit]);
        }
        assert_eq!(log.entries.len(), 5, "{letter}");
        let expected = log.replica();
        for order in permutations(5) {
            let document = one_by_one(&log, &order);
            assert_eq!(document.heads(), expected.heads(), "{letter} {order:?}");
            assert_eq!(document.view(&log), expected.view(&log), "{letter} {order:?}");
        }
    }
}

#[test]
fn a_text_field_made_twice_while_apart_shows_both() {
    let mut log = Log::default();
    let newer = Schema { version: 9, fields: NEWER };
    let mut one = log.create(1, json!({})).with_schema(newer);
    let mut two = log.replica().with_schema(newer);
    let text = |text: &str| Edit::ReplaceText { field: "new_text".into(), text: text.into() };
    log.edit(&mut one, 1, &[text("first")]);
    log.edit(&mut two, 2, &[text("second")]);
    log.bring(&mut one);
    log.bring(&mut two);
    assert_eq!(one.view(&log).text("new_text"), "first\nsecond");
    assert_eq!(two.view(&log), one.view(&log));
    // Edits reach into both, and the break between them stays.
    log.edit(&mut one, 1, &[text("the first\nand the second")]);
    assert_eq!(one.view(&log).text("new_text"), "the first\nand the second");
    let across = Edit::Splice { field: "new_text".into(), at: 7, delete: 6, insert: "X".into() };
    log.edit(&mut one, 1, &[across]);
    assert_eq!(one.view(&log).text("new_text"), "the firX\n the second");
    log.edit(&mut one, 1, &[text("")]);
    assert_eq!(one.view(&log).text("new_text"), "");
    assert_eq!(log.replica().view(&log), one.view(&log));
}

#[test]
fn edits_in_different_places_of_a_text_both_survive() {
    let mut log = Log::default();
    let mut one =
        log.create(1, json!({ "narrative": "Two men stood at the gate. A car came from the north." }));
    let mut two = log.replica();
    let text = |text: &str| Edit::ReplaceText { field: "narrative".into(), text: text.into() };
    log.edit(&mut one, 1, &[text("Three men stood at the gate. A car came from the south.")]);
    log.edit(&mut two, 2, &[text("Two men stood at the old gate. A white car came from the north.")]);
    log.bring(&mut one);
    assert_eq!(
        one.view(&log).text("narrative"),
        "Three men stood at the old gate. A white car came from the south."
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn values_come_back_as_they_went_in(title: String, text: String, number: f64, keys in prop::collection::btree_map(".{0,8}", any::<i32>(), 0..5)) {
        let mut log = Log::default();
        let number = if number.is_finite() { json!(number) } else { Value::Null };
        let document = log.create(1, json!({
            "title": title, "narrative": text, "place": { "lat": number }, "imported": keys, "unknown": [number],
        }));
        let view = log.replica().view(&log);
        prop_assert_eq!(&view, &document.view(&log));
        prop_assert_eq!(view.text("narrative"), &text);
        if !title.is_empty() {
            prop_assert_eq!(view.value("title"), Some(&json!(title)));
        }
        prop_assert_eq!(view.value("place"), Some(&json!({ "lat": number })));
        prop_assert_eq!(view.value("imported"), Some(&json!(keys)));
    }
}

#[test]
fn keys_bear_the_writers_name() {
    let mut log = Log::default();
    let mut document = log.create(1, json!({}));
    for _ in 0..3 {
        log.edit(&mut document, 2, &[Edit::Add { list: "counts".into(), value: json!({}) }]);
    }
    let keys: Vec<String> = document.view(&log).items("counts").iter().map(|item| item.key.clone()).collect();
    let name = writer(2);
    assert_eq!(keys, [format!("{name}|1"), format!("{name}|2"), format!("{name}|3")]);
}
