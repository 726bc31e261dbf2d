//! Every field of an incident: entered on one device, read and changed on another, and read again on the first.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_document::{DocumentKind, Letter, Schema};
use firsthand_ids::DocumentId;
use firsthand_node::{DocumentError, Edit, NodeError, Role};
use firsthand_record::generate::Generator;
use firsthand_record::{Incident, Sensitivity, Status};
use firsthand_tests::{Dice, Expected, World, verdict};
use serde_json::{Map, Value, json};

const SEEDS: u64 = 60;

/// What the device itself says of every record it makes, whatever was entered.
const BY_DEVICE: &[&str] = &["short_code", "schema_version", "clock_evidence"];

fn object(record: &Incident) -> Map<String, Value> {
    let Value::Object(fields) = serde_json::to_value(record).unwrap() else { panic!("no object") };
    fields
}

fn letter(field: &str) -> Letter {
    // The version of the types is noted beside the kind, once.
    Schema::of(&DocumentKind::Incident).letter(field).unwrap_or(Letter::Once)
}

/// A record without what its device says of it, and without the keys that items get when they are saved.
fn entered(record: &Incident) -> Map<String, Value> {
    let mut fields = object(record);
    fields.retain(|field, _| !BY_DEVICE.contains(&field.as_str()));
    for list in Incident::LISTS {
        for item in fields.get_mut(*list).and_then(Value::as_array_mut).into_iter().flatten() {
            item.as_object_mut().unwrap().remove("key");
        }
    }
    fields
}

/// What a device shows of an incident; JSON says the same as the record.
fn shown(world: &mut World, device: usize, id: DocumentId) -> Incident {
    let view = world.devices[device].ledger().incident(id).unwrap();
    let read = Incident::read(object(&view.record));
    assert_eq!(read.unread, []);
    assert_eq!(read.record, view.record, "what is printed is what is held");
    for field in BY_DEVICE {
        assert!(object(&view.record).contains_key(*field), "{field}");
    }
    view.record
}

/// Takes out what names sources, which have no keys before they are saved, as edits to be made once they have: each says
/// which source it means by its place in the list.
fn of_sources(draft: &mut Incident) -> Vec<(&'static str, usize, Value)> {
    let place = |key: &str| draft.source.iter().position(|source| source.key == key).unwrap();
    let withdrawn = draft.consent_withdrawn.iter();
    let withdrawn = withdrawn.map(|it| ("consent_withdrawn", place(&it.source), json!(it)));
    let graded = draft.graded_by.iter().map(|it| ("graded_by", place(&it.source), json!(it)));
    let all = withdrawn.chain(graded).collect();
    draft.consent_withdrawn.clear();
    draft.graded_by.clear();
    all
}

fn add(list: &str, value: Value) -> Edit {
    Edit::Add { list: list.to_owned(), value }
}

fn edit(world: &mut World, device: usize, id: DocumentId, edits: &[Edit]) -> Result<(), NodeError> {
    world.write(device, |ledger, now, rng| ledger.edit(id, edits, now, rng)).map(drop)
}

/// Makes edits that speak of the sources a device shows, and gives the items as they are to be read afterwards.
fn judge(
    world: &mut World,
    device: usize,
    id: DocumentId,
    judged: Vec<(&'static str, usize, Value)>,
) -> Vec<(&'static str, Value)> {
    let sources = shown(world, device, id).source;
    let mut out = Vec::new();
    for (list, place, mut item) in judged {
        item["source"] = json!(sources[place].key);
        out.push((list, item));
    }
    let edits: Vec<Edit> = out.iter().map(|(list, item)| add(list, item.clone())).collect();
    edit(world, device, id, &edits).unwrap();
    out
}

fn expect(expected: &mut Map<String, Value>, list: &str, items: impl IntoIterator<Item = Value>) {
    let held = expected.entry(list).or_insert_with(|| json!([])).as_array_mut().unwrap();
    held.extend(items);
    if held.is_empty() {
        expected.remove(list);
    }
}

/// Everything that `other` says, as edits of a record of other content; what it says nothing of is emptied.
fn rewrite(other: &Incident, expected: &mut Map<String, Value>) -> Vec<Edit> {
    let says = entered(other);
    let mut edits = Vec::new();
    for field in Incident::SCALARS {
        if letter(field) == Letter::Once || (*field == "merged_into") {
            continue;
        }
        let value = says.get(*field).cloned().unwrap_or_default();
        edits.push(Edit::Set { field: (*field).to_owned(), value: value.clone() });
        expected.remove(*field);
        if !value.is_null() {
            expected.insert((*field).to_owned(), value);
        }
    }
    for field in Incident::TEXTS {
        let text = says.get(*field).and_then(Value::as_str).unwrap_or_default().to_owned();
        expected.remove(*field);
        if !text.is_empty() {
            expected.insert((*field).to_owned(), json!(text));
        }
        edits.push(Edit::ReplaceText { field: (*field).to_owned(), text });
    }
    for list in Incident::LISTS {
        let items = says.get(*list).and_then(Value::as_array).cloned().unwrap_or_default();
        edits.extend(items.iter().map(|item| add(list, item.clone())));
        expect(expected, list, items);
    }
    edits
}

#[test]
fn every_field_survives_the_way_there_and_back() {
    let (mut carried, mut changed) = (BTreeSet::new(), BTreeSet::new());
    let mut generator = Generator::new(Dice::new(7, 71).rng().clone());
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        let amina = world.found("Harbour", "Amina");
        let bruno = world.join(amina, "Bruno", Role::Lead);
        let main = world.write(amina, |ledger, now, rng| ledger.add_incident(Incident::default(), now, rng));
        let main = main.unwrap().id;

        let mut draft = generator.late_incident();
        if draft.sensitivity == Some(Sensitivity::Leads) {
            // Who can read it cannot change then (tests/for_leads.rs).
            draft.sensitivity = Some(Sensitivity::Team);
        }
        let merged = draft.merged_into.take().is_some();
        draft.status = draft.status.filter(|status| *status != Status::MergedInto).or(Some(Status::Open));
        let judged = of_sources(&mut draft);
        let id = world.write(amina, |ledger, now, rng| ledger.add_incident(draft.clone(), now, rng));
        let id = id.unwrap().id;
        let mut expected = entered(&draft);
        for (list, item) in judge(&mut world, amina, id, judged) {
            expect(&mut expected, list, [without_key(item)]);
        }
        world.meet(bruno, amina);
        for device in [amina, bruno] {
            let record = shown(&mut world, device, id);
            assert_eq!(entered(&record), expected, "seed {seed}, device {device}");
            carried.extend(object(&record).into_iter().map(|(field, _)| field));
        }

        let mut other = generator.late_incident();
        other.status = Some(Status::Monitoring);
        other.merged_into = None;
        let judged = of_sources(&mut other);
        let before = expected.clone();
        let held = expected.get("source").and_then(Value::as_array).map_or(0, Vec::len);
        let edits = rewrite(&other, &mut expected);
        edit(&mut world, bruno, id, &edits).unwrap();
        let judged = judged.into_iter().map(|(list, place, item)| (list, held + place, item)).collect();
        for (list, item) in judge(&mut world, bruno, id, judged) {
            expect(&mut expected, list, [without_key(item)]);
        }
        if merged {
            let target = Some(main);
            let close = Edit::Close { status: "merged_into".to_owned(), target, note: String::new() };
            edit(&mut world, bruno, id, &[close]).unwrap();
            expected.insert("status".to_owned(), json!("merged_into"));
            expected.insert("merged_into".to_owned(), json!(main));
        }
        world.meet(bruno, amina);
        for device in [amina, bruno] {
            let record = shown(&mut world, device, id);
            assert_eq!(entered(&record), expected, "seed {seed}, device {device}, after the edit");
        }
        let differs = |field: &&String| before.get(*field) != expected.get(*field);
        changed.extend(before.keys().chain(expected.keys()).filter(differs).cloned());
        carried.extend(expected.into_iter().map(|(field, _)| field));
        verdict::same_everywhere(&mut world, &Expected::default());
    }
    for field in [Incident::SCALARS, Incident::TEXTS, Incident::LISTS, &["imported"]].concat() {
        assert!(carried.contains(field), "no seed carried {field}");
        let once = letter(field) == Letter::Once;
        assert!(once != changed.contains(field), "{field}: written once {once}");
    }
}

fn without_key(mut item: Value) -> Value {
    item.as_object_mut().unwrap().remove("key");
    item
}

/// What is written once stays as its author wrote it, whoever tries.
#[test]
fn what_is_written_once_cannot_be_edited() {
    let mut world = World::new(1);
    let amina = world.found("Harbour", "Amina");
    let bruno = world.join(amina, "Bruno", Role::Lead);
    let draft = Generator::new(Dice::new(1, 72).rng().clone()).incident();
    let id = world.write(amina, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    world.meet(bruno, amina);
    for field in Incident::SCALARS.iter().chain(&["imported"]).filter(|it| letter(it) == Letter::Once) {
        for device in [amina, bruno] {
            let before = shown(&mut world, device, id);
            let set = Edit::Set { field: (*field).to_owned(), value: json!("x") };
            let refused = edit(&mut world, device, id, &[set]);
            let once = matches!(
                refused,
                Err(NodeError::Document(
                    DocumentError::WriteOnce { .. } | DocumentError::UnknownField { .. }
                ))
            );
            assert!(once, "{field}: {refused:?}");
            assert_eq!(shown(&mut world, device, id), before);
        }
    }
}
