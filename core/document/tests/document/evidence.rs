//! Every field of a file's record, by its letter, whatever people do to it while apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{Log, object, set, writer};
use firsthand_document::{
    Document, DocumentError, DocumentKind, Edit, FieldView, Letter, Rights, Schema, View,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

const KIND: DocumentKind = DocumentKind::Evidence;

fn named(wanted: impl Fn(Letter) -> bool) -> Vec<&'static str> {
    Schema::of(&KIND).fields.iter().filter(|spec| wanted(spec.letter)).map(|spec| spec.name).collect()
}

fn order(field: &str) -> Vec<&'static str> {
    match Schema::of(&KIND).letter(field) {
        Some(Letter::Safe(order)) => order.to_vec(),
        _ => vec!["one", "two", "three"],
    }
}

/// A record in which every field says something.
fn whole() -> Map<String, Value> {
    let fields = Schema::of(&KIND).fields.iter().filter_map(|spec| {
        let value = match spec.letter {
            Letter::Once => json!({ "said of": spec.name }),
            Letter::Text => json!("first"),
            Letter::Register => json!("one"),
            Letter::Safe(order) => json!(order[order.len() - 1]),
            Letter::Add => json!([{ "n": "first" }]),
            Letter::Derived => return None,
        };
        Some((spec.name.to_owned(), value))
    });
    fields.collect()
}

/// One thing that somebody does to the record.
#[derive(Debug, Clone)]
enum Deed {
    Set(Index, Index),
    Add(Index),
    Withdraw(Index),
    Insert(Index, Index),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let any = any::<Index>;
    prop::collection::vec(
        prop_oneof![
            (any(), any()).prop_map(|(field, value)| Deed::Set(field, value)),
            any().prop_map(Deed::Add),
            any().prop_map(Deed::Withdraw),
            (any(), any()).prop_map(|(field, at)| Deed::Insert(field, at)),
        ],
        0..8,
    )
}

/// What people did, kept without any merging.
#[derive(Default)]
struct Model {
    items: BTreeMap<String, (String, Value)>,
    letters: BTreeMap<String, BTreeSet<char>>,
    /// The last value that each person set, by field.
    last: BTreeMap<(String, u8), String>,
    next: u32,
}

fn items(view: &View) -> Vec<(String, String, Value)> {
    let lists = view.fields.iter().filter_map(|(name, field)| match field {
        FieldView::Items(items) => Some(items.iter().map(move |item| (name, item))),
        _ => None,
    });
    lists.flatten().map(|(list, item)| (item.key.clone(), list.clone(), item.value.clone())).collect()
}

fn act(document: &mut Document, number: u8, log: &mut Log, model: &mut Model, deed: &Deed) {
    let view = document.view(log);
    let mut noted = None;
    let edit = match deed {
        Deed::Set(field, value) => {
            let fields = named(|letter| matches!(letter, Letter::Register | Letter::Safe(_)));
            let field = *field.get(&fields);
            let value = *value.get(&order(field));
            noted = Some(((field.to_owned(), number), value.to_owned()));
            set(field, json!(value))
        }
        Deed::Add(list) => {
            model.next += 1;
            let list = (*list.get(&named(|letter| letter == Letter::Add))).to_owned();
            Edit::Add { list, value: json!({ "n": model.next }) }
        }
        Deed::Withdraw(item) => {
            let known = items(&view);
            Edit::Withdraw { key: item.get(&known).0.clone(), reason: "wrong".to_owned() }
        }
        Deed::Insert(field, at) => {
            model.next += 1;
            let field = (*field.get(&named(|letter| letter == Letter::Text))).to_owned();
            let letter = char::from_u32(0x4e00 + model.next).unwrap();
            model.letters.entry(field.clone()).or_default().insert(letter);
            let at = at.index(view.text(&field).chars().count() + 1);
            Edit::Splice { field, at, delete: 0, insert: letter.to_string() }
        }
    };
    let changes = log.edit(document, number, &[edit]);
    // Whoever sets what stands there already has said nothing.
    model.last.extend(noted.filter(|_| !changes.is_empty()));
    for (key, list, value) in items(&document.view(log)) {
        model.items.entry(key).or_insert((list, value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_field_keeps_its_letter(apart in prop::collection::vec(deeds(), 2..4), turned in any::<bool>()) {
        let mut log = Log::with_leads(&[1]);
        let (first, changes) = Document::create(KIND, writer(1), &whole()).unwrap();
        for (index, change) in changes.into_iter().enumerate() {
            log.push(writer(1), index == 0, change);
        }
        let created = first.view(&log);
        let mut model = Model::default();
        for (key, list, value) in items(&created) {
            model.items.insert(key, (list, value));
        }
        // Each has what was there first, and nothing of the others.
        let base = log.clone();
        for (number, deeds) in (2..).zip(&apart) {
            let mut document = base.replica();
            for deed in deeds {
                act(&mut document, number, &mut log, &mut model, deed);
            }
        }
        let merged = log.replica();
        let view = merged.view(&log);
        let mut other = Document::empty();
        let mut incoming: Vec<_> = log.entries.iter().map(|entry| entry.incoming()).collect();
        if turned {
            incoming[1..].reverse();
            while !other.apply(&incoming, &log).is_complete() {}
        } else {
            other.apply(&incoming, &log);
        }
        prop_assert_eq!(other.view(&log).to_canonical(), view.to_canonical());

        for spec in Schema::of(&KIND).fields {
            let field = view.fields.get(spec.name);
            match (spec.letter, field) {
                // W: what it was at creation.
                (Letter::Once, Some(FieldView::Once(value))) => {
                    prop_assert_eq!(value, &json!({ "said of": spec.name }));
                }
                // A: nothing is gone that anybody added, withdrawn or not.
                (Letter::Add, Some(FieldView::Items(items))) => {
                    let there: BTreeMap<_, _> =
                        items.iter().map(|item| (item.key.clone(), item.value.clone())).collect();
                    let added = model.items.iter().filter(|(_, (list, _))| list == spec.name);
                    let added: BTreeMap<_, _> =
                        added.map(|(key, (_, value))| (key.clone(), value.clone())).collect();
                    prop_assert_eq!(there, added, "{}", spec.name);
                }
                // T: every letter that anybody typed.
                (Letter::Text, Some(FieldView::Text(text))) => {
                    let typed = model.letters.get(spec.name).cloned().unwrap_or_default();
                    prop_assert_eq!(text.chars().count(), "first".len() + typed.len());
                    prop_assert!(typed.iter().all(|letter| text.contains(*letter)));
                }
                // R and S: the last value of each who was apart; of S the most protective is shown.
                (letter, Some(FieldView::Register(register))) => {
                    let set = model.last.iter().filter(|((field, _), _)| field == spec.name);
                    let mut set: BTreeSet<String> = set.map(|(_, value)| value.clone()).collect();
                    if set.is_empty() {
                        set.insert(whole()[spec.name].as_str().unwrap().to_owned());
                    }
                    let values: BTreeSet<String> =
                        register.values.iter().map(|one| one.value.as_str().unwrap().to_owned()).collect();
                    prop_assert_eq!(&values, &set, "{}", spec.name);
                    prop_assert_eq!(register.in_conflict(), set.len() > 1);
                    if let Letter::Safe(order) = letter {
                        let most = order.iter().find(|code| set.contains(**code)).copied();
                        prop_assert_eq!(register.shown().as_str(), most, "{}", spec.name);
                    }
                }
                (Letter::Derived, None) => {}
                (letter, field) => prop_assert!(false, "{} {letter:?}: {field:?}", spec.name),
            }
        }
    }
}

#[test]
fn what_is_written_once_is_never_written_again() {
    let (document, _) = Document::create(KIND, writer(1), &whole()).unwrap();
    let log = Log::with_leads(&[1]);
    let once = named(|letter| letter == Letter::Once);
    // What says which file it is, and what its manifest signs.
    for field in ["byte_len", "captured", "incident", "manifest", "mime", "redacted_copy_of", "sha256"] {
        assert!(once.contains(&field), "{field}");
    }
    for field in once {
        for edit in [
            set(field, json!("another")),
            set(field, Value::Null),
            Edit::Add { list: field.to_owned(), value: json!({ "n": 1 }) },
            Edit::ReplaceText { field: field.to_owned(), text: "another".to_owned() },
        ] {
            let mut document = document.clone();
            let refused = document.edit(writer(1), Rights::ALL, std::slice::from_ref(&edit));
            assert!(
                matches!(&refused, Err(error) if !matches!(error, DocumentError::Damaged | DocumentError::Internal)),
                "{edit:?}: {refused:?}"
            );
            let still = document.view(&log).fields[field].clone();
            assert_eq!(still, FieldView::Once(json!({ "said of": field })), "{edit:?}");
        }
    }
}

#[test]
fn of_people_who_can_be_seen_the_most_protective_word_counts_until_somebody_decides() {
    for (one, other, shown) in [
        ("none", "crowd", "crowd"),
        ("crowd", "identifiable", "identifiable"),
        ("identifiable", "none", "identifiable"),
    ] {
        let mut log = Log::with_leads(&[1]);
        let fields = object(json!({ "mime": "image/jpeg" }));
        let (_, changes) = Document::create(KIND, writer(1), &fields).unwrap();
        log.push(writer(1), true, changes.into_iter().next().unwrap());
        let base = log.clone();
        for (number, value) in [(2, one), (3, other)] {
            log.edit(&mut base.replica(), number, &[set("people_visible", json!(value))]);
        }
        let mut lead = log.replica();
        assert_eq!(lead.view(&log).shown()["people_visible"], shown);
        let decision =
            Edit::Resolve { field: "people_visible".to_owned(), value: json!("none"), note: String::new() };
        log.edit(&mut lead, 1, &[decision]);
        assert_eq!(log.replica().view(&log).shown()["people_visible"], "none");
    }
}
