//! Random edits by people who are apart, delivered in random order: everybody ends up with the same, and nothing that
//! anybody entered is gone.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Entry, Log, set, writer};
use firsthand_document::{
    Document, DocumentError, DocumentKind, Edit, FieldSpec, FieldView, Letter, Outcome, Schema, What,
};
use firsthand_ids::WriterId;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A table of an older version: fewer fields, among them none of the texts.
const OLDER: &[FieldSpec] = &[
    FieldSpec { name: "title", letter: Letter::Register },
    FieldSpec {
        name: "severity",
        letter: Letter::Safe(&["Extreme", "Severe", "Moderate", "Unknown", "Minor"]),
    },
    FieldSpec { name: "status", letter: Letter::Register },
];

/// A table of a newer version: fields of every letter that nobody else has heard of.
const NEWER: &[FieldSpec] = &[
    FieldSpec { name: "title", letter: Letter::Register },
    FieldSpec {
        name: "severity",
        letter: Letter::Safe(&["Extreme", "Severe", "Moderate", "Unknown", "Minor"]),
    },
    FieldSpec { name: "narrative", letter: Letter::Text },
    FieldSpec { name: "counts", letter: Letter::Add },
    FieldSpec { name: "new_value", letter: Letter::Register },
    FieldSpec { name: "new_risk", letter: Letter::Safe(&["v1", "v2"]) },
    FieldSpec { name: "new_text", letter: Letter::Text },
    FieldSpec { name: "new_list", letter: Letter::Add },
];

/// The fields of one value that people set here: few, so that they meet.
const REGISTERS: &[&str] = &["title", "severity", "retaliation_risk", "new_value", "new_risk"];

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

struct Replica {
    number: u8,
    document: Document,
    /// Which entries of the log are in it.
    has: BTreeSet<usize>,
    schema: Schema,
}

/// A value somebody set, and what they had seen.
struct Write {
    entry: usize,
    field: String,
    value: Value,
    seen: BTreeSet<usize>,
}

/// What people did, kept without any merging.
#[derive(Default)]
struct Model {
    writes: Vec<Write>,
    items: BTreeMap<String, (String, Value)>,
    inserted: BTreeMap<String, BTreeSet<char>>,
    deleted: BTreeSet<char>,
    next_char: u32,
}

impl Model {
    fn fresh(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| {
                self.next_char += 1;
                char::from_u32(0x4e00 + self.next_char).unwrap()
            })
            .collect()
    }

    fn note_text(&mut self, field: &str, old: &str, new: &str) {
        let (old, new): (BTreeSet<char>, BTreeSet<char>) = (old.chars().collect(), new.chars().collect());
        self.inserted.entry(field.into()).or_default().extend(new.difference(&old));
        self.deleted.extend(old.difference(&new));
    }

    /// The values that nobody wrote over knowingly.
    fn standing(&self, field: &str) -> BTreeSet<String> {
        let mine: Vec<_> = self.writes.iter().filter(|write| write.field == field).collect();
        let over = |one: &Write| mine.iter().any(|other| other.seen.contains(&one.entry));
        mine.iter().filter(|one| !over(one)).map(|one| one.value.to_string()).collect()
    }
}

fn fields(schema: Schema, wanted: fn(Letter) -> bool) -> Vec<&'static str> {
    schema.fields.iter().filter(|spec| wanted(spec.letter)).map(|spec| spec.name).collect()
}

fn edit(replica: &mut Replica, log: &mut Log, model: &mut Model, dice: &mut Dice) {
    let registers = fields(replica.schema, |letter| matches!(letter, Letter::Register | Letter::Safe(_)));
    let registers: Vec<_> = registers.into_iter().filter(|name| REGISTERS.contains(name)).collect();
    let texts = fields(replica.schema, |letter| letter == Letter::Text);
    let lists = fields(replica.schema, |letter| letter == Letter::Add);
    let view = replica.document.view(log);
    let value = json!(format!("v{}", dice.below(4)));
    let next = log.entries.len();
    let mut done = Vec::new();
    let me = writer(replica.number);
    let mut noted = None;
    match dice.below(9) {
        0 | 1 => {
            let field = *dice.pick(&registers);
            done.push(set(field, value.clone()));
            noted = Some((field.to_owned(), value));
        }
        2 | 3 if !texts.is_empty() => {
            let field = *dice.pick(&texts);
            let length = view.text(field).chars().count();
            let at = dice.below(length + 1);
            let (delete, count) = (dice.below(3).min(length - at), dice.below(4));
            let insert = model.fresh(count);
            done.push(Edit::Splice { field: field.into(), at, delete, insert });
        }
        4 if !texts.is_empty() => {
            let field = *dice.pick(&texts);
            let mut text: Vec<char> = view.text(field).chars().collect();
            for _ in 0..3 {
                let at = dice.below(text.len() + 1);
                if dice.below(3) == 0 && at < text.len() {
                    // The line break between two texts belongs to nobody.
                    if text[at] != '\n' {
                        text.remove(at);
                    }
                } else {
                    text.splice(at..at, model.fresh(2).chars());
                }
            }
            done.push(Edit::ReplaceText { field: field.into(), text: text.into_iter().collect() });
        }
        5 if !lists.is_empty() => {
            let list = *dice.pick(&lists);
            done.push(Edit::Add { list: list.into(), value: json!({ "n": next }) });
        }
        6 if !model.items.is_empty() => {
            let known: Vec<String> = view
                .fields
                .values()
                .filter_map(|field| match field {
                    FieldView::Items(items) => Some(items.iter().map(|item| item.key.clone())),
                    _ => None,
                })
                .flatten()
                .collect();
            if !known.is_empty() {
                done.push(Edit::Withdraw { key: dice.pick(&known).clone(), reason: "wrong".into() });
            }
        }
        7 => {
            let conflicts: Vec<String> = view.conflicts().map(|(name, _)| name.to_owned()).collect();
            if !conflicts.is_empty() {
                let field = dice.pick(&conflicts).clone();
                noted = Some((field.clone(), value.clone()));
                done.push(Edit::Resolve { field, value, note: "so".into() });
            }
        }
        _ => {
            let status = "closed".into();
            done.push(match dice.below(3) {
                0 => Edit::Close { status, target: None, note: "done".into() },
                1 => Edit::Reopen { note: "not yet".into() },
                _ => set("title", json!("v0")),
            });
            if let Edit::Set { value, .. } = &done[0] {
                noted = Some(("title".to_owned(), value.clone()));
            }
        }
    }
    let resolves = matches!(done.first(), Some(Edit::Resolve { .. }));
    let before = replica.document.view(log);
    let rights = log.rights_of(me);
    let changes = match replica.document.edit(me, rights, &done) {
        Ok(changes) => changes,
        Err(DocumentError::Conflict { .. } | DocumentError::UnknownField { .. }) => return,
        Err(error) => panic!("{error} for {done:?}"),
    };
    assert!(changes.len() <= 1);
    let seen = replica.has.clone();
    for change in changes {
        let entry = log.entries.len();
        log.push(me, false, change);
        replica.has.insert(entry);
        if let Some((field, value)) = noted.take()
            && (!resolves || rights.may_resolve)
        {
            model.writes.push(Write { entry, field, value, seen: seen.clone() });
        }
    }
    let after = replica.document.view(log);
    for edit in &done {
        if let Edit::Splice { field, .. } | Edit::ReplaceText { field, .. } = edit {
            model.note_text(field, before.text(field), after.text(field));
        }
    }
    for (list, field) in &after.fields {
        if let FieldView::Items(items) = field {
            for item in items {
                model.items.entry(item.key.clone()).or_insert((list.clone(), item.value.clone()));
            }
        }
    }
}

/// Brings some of the entries that a replica lacks, in any order.
fn deliver(replica: &mut Replica, log: &Log, dice: &mut Dice, all: bool) {
    let mut lacking: Vec<usize> =
        (0..log.entries.len()).filter(|entry| !replica.has.contains(entry)).collect();
    if !all {
        lacking.retain(|_| dice.below(2) == 0);
    }
    for index in (1..lacking.len()).rev() {
        lacking.swap(index, dice.below(index + 1));
    }
    while !lacking.is_empty() {
        let part: Vec<usize> = lacking.drain(..(1 + dice.below(6)).min(lacking.len())).collect();
        let incoming: Vec<_> = part.iter().map(|entry| log.entries[*entry].incoming()).collect();
        let applied = replica.document.apply(&incoming, log);
        for (entry, outcome) in part.iter().zip(applied.outcomes) {
            match outcome {
                Outcome::Applied => drop(replica.has.insert(*entry)),
                Outcome::Waiting { missing } => {
                    assert!(!missing.is_empty());
                    if all {
                        lacking.push(*entry);
                    }
                }
                Outcome::Refused(error) => panic!("{error:?}"),
            }
        }
    }
}

fn run(seed: u64) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let mut log = Log::with_leads(&[1, 4]);
    let kind = DocumentKind::Incident;
    let first = log.create(1, json!({ "title": "v0", "counts": [{ "n": 0 }], "severity": "Minor" }));
    let mut model = Model::default();
    for (field, value) in [("title", "v0"), ("severity", "Minor")] {
        model.writes.push(Write {
            entry: 0,
            field: field.into(),
            value: json!(value),
            seen: BTreeSet::new(),
        });
    }
    let count = 3 + dice.below(3);
    let mut replicas =
        vec![Replica { number: 1, document: first, has: BTreeSet::from([0]), schema: Schema::of(&kind) }];
    for number in 2..=count as u8 {
        let schema = match number {
            3 => Schema { version: 0, fields: OLDER },
            4 | 5 => Schema { version: 9, fields: NEWER },
            _ => Schema::of(&kind),
        };
        let document = Document::empty().with_schema(schema);
        replicas.push(Replica { number, document, has: BTreeSet::new(), schema });
    }
    for _ in 0..60 {
        let at = dice.below(replicas.len());
        let replica = &mut replicas[at];
        if dice.below(3) == 0 || replica.document.is_empty() {
            deliver(replica, &log, &mut dice, false);
        } else {
            edit(replica, &mut log, &mut model, &mut dice);
        }
        if dice.below(10) == 0 {
            replica.document = Document::load(&replica.document.save()).unwrap().with_schema(replica.schema);
        }
    }
    for replica in &mut replicas {
        deliver(replica, &log, &mut dice, true);
    }

    // Everybody has the same.
    let (first, rest) = replicas.split_first().unwrap();
    let json = first.document.view(&log).to_canonical();
    let history = first.document.history(&log);
    for replica in rest {
        assert_eq!(replica.document.heads(), first.document.heads(), "seed {seed}");
        assert_eq!(replica.document.view(&log).to_canonical(), json, "seed {seed}");
        assert_eq!(replica.document.history(&log), history, "seed {seed}");
        if replica.schema == first.schema {
            assert_eq!(replica.document.view(&log), first.document.view(&log), "seed {seed}");
        }
    }
    // Played forward, the history gives the text.
    let mut text: Vec<char> = Vec::new();
    for change in history.iter().flat_map(|item| &item.fields).filter(|change| change.field == "narrative") {
        let What::Spliced(splices) = &change.what else { panic!("{change:?}") };
        for splice in splices {
            let end = splice.at + splice.removed.chars().count();
            let removed: String = text.splice(splice.at..end, splice.inserted.chars()).collect();
            assert_eq!(removed, splice.removed, "seed {seed}");
        }
    }
    assert_eq!(text.iter().collect::<String>(), first.document.view(&log).text("narrative"), "seed {seed}");

    // The one that knows least passes on everything.
    let older = &replicas[2].document;
    let mut heir = Document::empty();
    let changes: Vec<Entry> = older
        .changes()
        .into_iter()
        .map(|change| {
            let entry = log.entries.iter().find(|entry| entry.change.hash == change.hash).unwrap();
            assert_eq!(entry.change, change, "seed {seed}");
            entry.clone()
        })
        .collect();
    let incoming: Vec<_> = changes.iter().map(Entry::incoming).collect();
    assert!(heir.apply(&incoming, &log).is_complete());
    assert_eq!(heir.view(&log).to_canonical(), json, "seed {seed}");

    // Nothing that anybody entered is gone.
    let view = first.document.view(&log);
    let names: BTreeSet<&str> = model.writes.iter().map(|write| write.field.as_str()).collect();
    for field in names {
        let FieldView::Register(register) = &view.fields[field] else { panic!("{field}") };
        let values: BTreeSet<String> = register.values.iter().map(|one| one.value.to_string()).collect();
        assert_eq!(values, model.standing(field), "seed {seed}: {field}");
    }
    for write in &model.writes {
        let there = history.iter().flat_map(|item| &item.fields).any(|change| {
            change.field == write.field
                && matches!(&change.what, What::Set { after, .. } if *after == write.value)
        });
        assert!(there, "seed {seed}: {} {}", write.field, write.value);
    }
    for (key, (list, value)) in &model.items {
        let item = view.items(list).iter().find(|item| item.key == *key);
        assert_eq!(item.map(|item| &item.value), Some(value), "seed {seed}");
    }
    for (field, inserted) in &model.inserted {
        let text: BTreeSet<char> = view.text(field).chars().filter(|one| *one != '\n').collect();
        let expected: BTreeSet<char> = inserted.difference(&model.deleted).copied().collect();
        assert_eq!(text, expected, "seed {seed}: {field}");
        assert_eq!(view.text(field).chars().filter(|one| *one != '\n').count(), expected.len());
    }
}

#[test]
fn people_apart_end_up_with_the_same() {
    let seeds = std::env::var("FIRSTHAND_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(120);
    for seed in 0..seeds {
        run(seed);
    }
}

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
    let name: WriterId = writer(2);
    assert_eq!(keys, [format!("{name}|1"), format!("{name}|2"), format!("{name}|3")]);
}
