//! Random edits by people who are apart, delivered in random order: everybody ends up with the same, and nothing that
//! anybody entered is gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{Entry, Log, both_forms, in_automerge, set, writer};
use firsthand_document::{
    Document, DocumentError, DocumentKind, Edit, FieldSpec, FieldView, Letter, Outcome, Schema, What,
};
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
            let again = Document::load(&replica.document.save()).unwrap();
            let again = if dice.below(2) == 0 { in_automerge(&again) } else { again };
            replica.document = again.with_schema(replica.schema);
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
    // As changes, in Automerge, and half as one and half as the other.
    let half = dice.below(changes.len());
    for mut form in both_forms(&changes[..half], &log) {
        assert!(form.apply(&incoming, &log).is_complete(), "seed {seed}");
        assert_eq!(form.heads(), heir.heads(), "seed {seed}");
        assert_eq!(form.view(&log), heir.view(&log), "seed {seed}");
        assert_eq!(form.history(&log), history, "seed {seed}");
    }

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
