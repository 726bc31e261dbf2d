//! Checklists and their runs between phones: who may publish, what comes before what it belongs to, ticks made apart.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_document::{DocumentKind, Edit};
use firsthand_ids::{DocumentId, WriterId};
use firsthand_log::lean::encode_batch;
use firsthand_node::{ChecklistError, NodeError, Role, RunStanding, RunStep, RunView, TemplateState};
use firsthand_record::Moment;
use firsthand_record::checklist::{
    Checklist, ItemType, Localised, Reader, Template, TemplateContent, TemplateItem,
};
use firsthand_store::BatchLimits;
use firsthand_tests::{Dice, Poison, State, World, inject, verdict};
use serde_json::{Map, Value, json};

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CHIDI: usize = 2;
const ALL: [usize; 3] = [LEAD, BRUNO, CHIDI];
const ITEMS: [&str; 4] = ["see", "water", "exit", "word"];

fn team(seed: u64) -> World {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    for name in ["Bruno", "Chidi"] {
        world.join(lead, name, Role::Responder);
    }
    world.calm = true;
    gather(&mut world);
    world
}

fn gather(world: &mut World) {
    for (from, to) in [(BRUNO, LEAD), (CHIDI, LEAD), (BRUNO, CHIDI)] {
        world.meet(from, to);
    }
}

fn content(title: &str) -> TemplateContent {
    let item = |name: &&str| TemplateItem {
        label: Localised::one("en", format!("Do {name}")),
        required: true,
        ..TemplateItem::new(*name, ItemType::Check)
    };
    TemplateContent {
        title: Localised::one("en", title),
        languages: vec!["en".to_owned()],
        items: ITEMS.iter().map(item).collect(),
        ..TemplateContent::default()
    }
}

fn template(version: u32, title: &str) -> Template {
    Template::new("gate", version, content(title), None)
}

fn publish(world: &mut World, phone: usize, template: Template) -> Result<DocumentId, NodeError> {
    world.write(phone, |ledger, now, rng| Ok(ledger.publish_template(template, now, rng)?.id))
}

fn begin(world: &mut World, phone: usize, template: DocumentId) -> Result<DocumentId, NodeError> {
    world.write(phone, |ledger, now, rng| Ok(ledger.start_run(template, None, now, rng)?.id))
}

fn enter(
    world: &mut World,
    phone: usize,
    run: DocumentId,
    item: &str,
    step: RunStep,
) -> Result<(), NodeError> {
    world.write(phone, |ledger, now, rng| ledger.enter(run, item, step, "", now, rng).map(|_| ()))
}

fn run(world: &mut World, phone: usize, run: DocumentId) -> RunView {
    world.devices[phone].ledger().run(run).unwrap()
}

/// The items that are ticked, and by whom.
fn ticked(view: &RunView) -> BTreeSet<(String, String)> {
    let content = view.content.as_ref().unwrap();
    let checklist = Checklist::new(content);
    let now = Moment::new(firsthand_ids::UnixMillis(0), 0).unwrap();
    let progress = checklist.progress(&view.record, &Reader { person: Some(view.me), language: "en", now });
    let ticks = progress.items.iter().flat_map(|state| {
        state.ticks.iter().map(|tick| (state.item.item_id.clone(), view.names[&tick.person].clone()))
    });
    ticks.collect()
}

fn sound(world: &mut World) {
    let digests: BTreeSet<_> =
        ALL.map(|phone| world.devices[phone].ledger().team_digest().unwrap().to_string()).into();
    assert_eq!(digests.len(), 1);
    let rows: BTreeSet<_> =
        ALL.map(|phone| world.devices[phone].ledger().projection_digest().unwrap()).into();
    assert_eq!(rows.len(), 1, "the lists say the same everywhere");
    for phone in ALL {
        verdict::sound(world.devices[phone].ledger(), phone);
        check(world, phone);
    }
}

fn check(world: &mut World, phone: usize) {
    let check = world.devices[phone].ledger().check(&mut |_, _| true).unwrap();
    assert_eq!(check.problems, Vec::<String>::new());
}

/// What one phone knows of ticks: those made, and those of them that were taken back.
#[derive(Clone, Default)]
struct Known {
    made: BTreeSet<(usize, &'static str, usize)>,
    taken: BTreeSet<(usize, &'static str, usize)>,
}

impl Known {
    fn standing(&self, item: &str) -> Vec<(usize, &'static str, usize)> {
        self.made.difference(&self.taken).filter(|(_, of, _)| *of == item).copied().collect()
    }
}

#[test]
fn ticks_and_unticks_made_apart_converge_and_only_seen_ticks_are_taken_back() {
    for seed in 0..12 {
        let mut world = team(seed);
        let mut dice = Dice::new(seed, 77);
        let gate = publish(&mut world, LEAD, template(1, "Gate")).unwrap();
        gather(&mut world);
        let id = begin(&mut world, BRUNO, gate).unwrap();
        gather(&mut world);
        let mut known: [Known; 3] = Default::default();
        for number in 0..40 {
            let phone = dice.below(3);
            let item = ITEMS[dice.below(ITEMS.len())];
            match dice.below(5) {
                0 => {
                    let other = (phone + 1 + dice.below(2)) % 3;
                    world.meet(phone, other);
                    let mut both = known[phone].clone();
                    both.made.extend(&known[other].made);
                    both.taken.extend(&known[other].taken);
                    known[phone] = both.clone();
                    known[other] = both;
                }
                1 | 2 => {
                    enter(&mut world, phone, id, item, RunStep::Tick).unwrap();
                    // A second tick of the same person says nothing new.
                    if known[phone].standing(item).iter().all(|(by, _, _)| *by != phone) {
                        known[phone].made.insert((phone, item, number));
                    }
                }
                _ => {
                    let seen = known[phone].standing(item);
                    let result = enter(&mut world, phone, id, item, RunStep::Untick);
                    let nothing = matches!(result, Err(NodeError::Checklist(ChecklistError::NotTicked(_))));
                    assert_eq!(nothing, seen.is_empty(), "seed {seed} step {number}: {result:?}");
                    known[phone].taken.extend(seen);
                }
            }
        }
        gather(&mut world);
        gather(&mut world);
        let all = Known {
            made: known.iter().flat_map(|it| it.made.clone()).collect(),
            taken: known.iter().flat_map(|it| it.taken.clone()).collect(),
        };
        let names = ["Amina", "Bruno", "Chidi"];
        let expected: BTreeSet<_> = ITEMS
            .iter()
            .flat_map(|item| all.standing(item))
            .map(|(by, item, _)| (item.to_owned(), names[by].to_owned()))
            .collect();
        for phone in ALL {
            assert_eq!(ticked(&run(&mut world, phone, id)), expected, "seed {seed} phone {phone}");
        }
        sound(&mut world);
    }
}

#[test]
fn completions_made_apart_agree_and_each_is_told() {
    let names = ["Amina", "Bruno", "Chidi"];
    let mut apart = 0;
    for seed in 0..12 {
        let mut world = team(seed);
        let mut dice = Dice::new(seed, 78);
        let gate = publish(&mut world, LEAD, template(1, "Gate")).unwrap();
        gather(&mut world);
        let id = begin(&mut world, BRUNO, gate).unwrap();
        for item in ITEMS {
            enter(&mut world, BRUNO, id, item, RunStep::Tick).unwrap();
        }
        gather(&mut world);
        gather(&mut world);
        // Whose completions each phone knows of.
        let mut known: [BTreeSet<usize>; 3] = Default::default();
        for step in 0..8 {
            let phone = dice.below(3);
            if dice.below(3) == 0 {
                let other = (phone + 1 + dice.below(2)) % 3;
                world.meet(phone, other);
                let both: BTreeSet<usize> = &known[phone] | &known[other];
                known[phone] = both.clone();
                known[other] = both;
            } else {
                let result = world
                    .write(phone, |ledger, now, rng| ledger.complete_run(id, "en", now, rng).map(|_| ()));
                let over = matches!(result, Err(NodeError::Checklist(ChecklistError::Over)));
                assert_eq!(over, !known[phone].is_empty(), "seed {seed} step {step}: {result:?}");
                if !over {
                    known[phone].insert(phone);
                }
            }
        }
        gather(&mut world);
        gather(&mut world);
        let all: BTreeSet<usize> = known.iter().flatten().copied().collect();
        apart += usize::from(all.len() > 1);
        let expected: BTreeSet<&str> = all.iter().map(|phone| names[*phone]).collect();
        let mut told = BTreeSet::new();
        for phone in ALL {
            let view = run(&mut world, phone, id);
            let by: Vec<&str> = view.completions.iter().map(|it| view.names[&it.by].as_str()).collect();
            assert_eq!(by.len(), expected.len(), "each once");
            assert_eq!(by.iter().copied().collect::<BTreeSet<_>>(), expected, "seed {seed} phone {phone}");
            assert_eq!(view.standing == RunStanding::Completed, !expected.is_empty());
            told.insert(format!("{by:?} {:?}", view.record.completed));
            let ledger = world.devices[phone].ledger();
            assert_eq!(ledger.store().runs(9).unwrap()[0].row.conflicts, 0, "nobody disagrees");
            assert_eq!(ledger.conflicts_of(id).unwrap(), []);
        }
        assert_eq!(told.len(), 1, "in the same order everywhere: {told:?}");
        sound(&mut world);
    }
    assert!(apart > 4, "only {apart} runs were completed apart");
}

/// What `from` holds of one chain and `to` lacks, as a batch.
fn batch(world: &mut World, from: usize, to: usize, writer: WriterId) -> Vec<u8> {
    let ledger = world.devices[to].ledger();
    let receiver = ledger.store().vector(ledger.space());
    let ledger = world.devices[from].ledger();
    let space = *ledger.space();
    let all = ledger.store().vector(&space);
    let others: BTreeSet<_> = all.iter().map(|(other, _)| *other).filter(|it| *it != writer).collect();
    let limits = BatchLimits { entries: 500, weight: 1 << 20 };
    let batch = ledger.store().batch_for(&space, &receiver, limits, &others).unwrap().unwrap();
    encode_batch(&batch, &receiver, &ledger.store().references(space))
}

#[test]
fn a_run_whose_checklist_has_not_come_is_held_and_goes_on_when_it_comes() {
    let mut world = team(1);
    let gate = publish(&mut world, LEAD, template(1, "Gate")).unwrap();
    world.meet(BRUNO, LEAD);
    let ledger = world.devices[BRUNO].ledger();
    let before = ledger.store().vector(ledger.space());
    let id = begin(&mut world, BRUNO, gate).unwrap();
    enter(&mut world, BRUNO, id, "water", RunStep::Tick).unwrap();
    let ledger = world.devices[BRUNO].ledger();
    let after = ledger.store().vector(ledger.space());
    let writer = after.iter().find(|(writer, mark)| before.get(writer) != Some(*mark)).unwrap();
    let (writer, now) = (*writer.0, world.devices[CHIDI].clock.at(world.now));
    let bytes = batch(&mut world, BRUNO, CHIDI, writer);
    inject(world.devices[CHIDI].ledger(), bytes, now).unwrap();

    let view = run(&mut world, CHIDI, id);
    assert_eq!((view.standing, view.content, view.template), (RunStanding::Held, None, None));
    assert_eq!(view.record.answers.len(), 1, "what was entered is shown");
    let listed = world.devices[CHIDI].ledger().runs(10, now).unwrap();
    assert_eq!((listed[0].standing, listed[0].counts), (RunStanding::Held, None));
    let refused = enter(&mut world, CHIDI, id, "see", RunStep::Tick);
    assert!(matches!(refused, Err(NodeError::Checklist(ChecklistError::NotHere))), "{refused:?}");
    check(&mut world, CHIDI);

    world.meet(CHIDI, LEAD);
    let listed = world.devices[CHIDI].ledger().runs(10, now).unwrap();
    let counts = listed[0].counts.unwrap();
    assert_eq!((listed[0].standing, counts.done, counts.total), (RunStanding::Open, 1, 4));
    for item in ["see", "exit", "word"] {
        enter(&mut world, CHIDI, id, item, RunStep::Tick).unwrap();
    }
    world.write(CHIDI, |ledger, now, rng| ledger.complete_run(id, "en", now, rng)).unwrap();
    gather(&mut world);
    gather(&mut world);
    for phone in ALL {
        assert_eq!(run(&mut world, phone, id).standing, RunStanding::Completed);
    }
    sound(&mut world);
}

/// A record by the key of somebody of the team whose program does as it likes, in everybody's hands.
fn forge(world: &mut World, by: usize, fields: &Map<String, Value>, number: u8) -> DocumentId {
    let key = world.devices[by].signing_seed.unwrap();
    let now = world.devices[by].clock.at(world.now);
    let device = &mut world.devices[by];
    let State::Up(running) = &mut device.state else { panic!("it runs") };
    let mut poison = Poison::new(&running.ledger, key, now, &mut device.rng);
    let id = poison.record(DocumentKind::Template, fields, None, [number; 16]);
    let bytes = poison.sign();
    for phone in ALL {
        inject(world.devices[phone].ledger(), bytes.clone(), now).unwrap();
    }
    id
}

#[test]
fn only_what_a_trainer_published_whole_is_offered() {
    let mut world = team(2);
    let lead = run_by(&mut world, LEAD);
    let good = || {
        let signed = Template { signed_by: Some(lead), ..template(7, "Gate") };
        let Value::Object(fields) = serde_json::to_value(signed).unwrap() else { panic!("an object") };
        fields
    };
    let with = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut fields = good();
        change(&mut fields);
        fields
    };
    let unsound = || {
        let mut content = content("Gate");
        content.items[0].relevant = Some("((".to_owned());
        let signed = Template { signed_by: Some(lead), ..Template::new("gate", 7, content, None) };
        let Value::Object(fields) = serde_json::to_value(signed).unwrap() else { panic!("an object") };
        fields
    };
    let cases = [
        (BRUNO, good(), TemplateState::NotByTrainer),
        (LEAD, with(&|it| drop(it.remove("signed_by"))), TemplateState::Misattributed),
        (LEAD, with(&|it| drop(it.insert("title".into(), json!({"en": "Other"})))), TemplateState::NotWhole),
        (LEAD, with(&|it| it["items"][1]["type"] = json!("levitate")), TemplateState::Unreadable),
        (LEAD, with(&|it| drop(it.remove("version"))), TemplateState::Unreadable),
        (LEAD, unsound(), TemplateState::Unsound),
    ];
    for (number, (by, fields, state)) in (1..).zip(cases) {
        let id = forge(&mut world, by, &fields, number);
        for phone in ALL {
            let (view, _) = world.devices[phone].ledger().template(id).unwrap();
            assert_eq!((view.row.row.state, view.offered), (state, false), "case {number}");
            let refused = begin(&mut world, phone, id);
            let Err(NodeError::Checklist(ChecklistError::Unusable(said))) = refused else {
                panic!("case {number}: {refused:?}")
            };
            assert_eq!(said, state);
        }
    }
    // The same fields by the lead's key and whole are what a trainer published.
    let id = forge(&mut world, LEAD, &good(), 20);
    assert!(world.devices[CHIDI].ledger().template(id).unwrap().0.offered);
    assert_eq!(world.devices[CHIDI].ledger().find_template("gate").unwrap(), id);
    let refused = publish(&mut world, BRUNO, template(8, "Gate"));
    assert!(matches!(refused, Err(NodeError::Team(_))), "{refused:?}");
    sound(&mut world);
}

fn run_by(world: &mut World, phone: usize) -> firsthand_ids::PersonId {
    world.devices[phone].ledger().team().unwrap().me
}

#[test]
fn nothing_that_others_mark_or_add_changes_what_was_published_or_ticked() {
    let mut world = team(3);
    let gate = publish(&mut world, LEAD, template(1, "Gate")).unwrap();
    gather(&mut world);
    let id = begin(&mut world, CHIDI, gate).unwrap();
    enter(&mut world, CHIDI, id, "water", RunStep::Tick).unwrap();
    gather(&mut world);
    let (_, before) = world.devices[BRUNO].ledger().template(gate).unwrap();
    let key = before.as_ref().unwrap().content.items[0].key.clone();
    let tick = run(&mut world, BRUNO, id).record.answers[0].key.clone();
    let item = json!({"order": 9, "item_id": "leave", "type": "check", "label": {"en": "Leave now"}});
    let edits = [
        Edit::Withdraw { key, reason: "no".to_owned() },
        Edit::Add { list: "items".to_owned(), value: item },
        Edit::Add { list: "tombstone".to_owned(), value: json!({"reason": "no"}) },
    ];
    world.write(BRUNO, |ledger, now, rng| ledger.edit(gate, &edits, now, rng)).unwrap();
    let mark = [Edit::Withdraw { key: tick, reason: "no".to_owned() }];
    world.write(BRUNO, |ledger, now, rng| ledger.edit(id, &mark, now, rng)).unwrap();
    gather(&mut world);
    for phone in ALL {
        let (view, template) = world.devices[phone].ledger().template(gate).unwrap();
        assert!(view.offered && !view.row.row.hidden);
        assert_eq!(template.unwrap().content, before.as_ref().unwrap().content);
        let ticks = ticked(&run(&mut world, phone, id));
        assert_eq!(ticks, BTreeSet::from([("water".to_owned(), "Chidi".to_owned())]));
    }
    // Who published it, or another trainer, may hide it; runs of it go on.
    let hide = [Edit::Add { list: "tombstone".to_owned(), value: json!({"reason": "old"}) }];
    world.write(LEAD, |ledger, now, rng| ledger.edit(gate, &hide, now, rng)).unwrap();
    gather(&mut world);
    for phone in ALL {
        assert_eq!(world.devices[phone].ledger().templates().unwrap(), []);
        assert_eq!(run(&mut world, phone, id).standing, RunStanding::Open);
    }
    sound(&mut world);
}

#[test]
fn a_version_never_changes_and_two_of_one_number_are_a_conflict() {
    let mut world = World::new(4);
    let lead = world.found("Harbour", "Amina");
    world.join(lead, "Bruno", Role::Lead);
    world.join(lead, "Chidi", Role::Responder);
    world.calm = true;
    gather(&mut world);
    let first = publish(&mut world, LEAD, template(1, "Gate")).unwrap();
    assert_eq!(publish(&mut world, LEAD, template(1, "Gate")).unwrap(), first, "nothing new");
    let refused = publish(&mut world, LEAD, template(1, "Door"));
    assert!(matches!(refused, Err(NodeError::Checklist(ChecklistError::Taken { .. }))), "{refused:?}");
    // Another lead, apart: the same once more, and another second version than the first lead's.
    publish(&mut world, BRUNO, template(1, "Gate")).unwrap();
    let ours = publish(&mut world, LEAD, template(2, "Gate, ours")).unwrap();
    let theirs = publish(&mut world, BRUNO, template(2, "Gate, theirs")).unwrap();
    gather(&mut world);
    gather(&mut world);
    for phone in ALL {
        let ledger = world.devices[phone].ledger();
        let views = ledger.templates().unwrap();
        let versions: Vec<_> = views.iter().map(|it| (it.row.row.version, it.conflicts.clone())).collect();
        assert_eq!(versions.len(), 3, "of the first version only one is shown");
        let conflicts: BTreeSet<_> = versions.iter().flat_map(|(_, of)| of.clone()).collect();
        assert_eq!(conflicts, BTreeSet::from([ours, theirs]));
        assert_eq!(versions[2], (1, Vec::new()));
        let ambiguous = ledger.find_template("gate");
        assert!(matches!(ambiguous, Err(NodeError::Ambiguous { .. })), "{ambiguous:?}");
        assert!(ledger.find_template("gate@1").is_ok());
        assert_eq!(ledger.find_template(&theirs.to_string()).unwrap(), theirs);
    }
    let third = publish(&mut world, BRUNO, template(3, "Gate")).unwrap();
    assert_eq!(world.devices[BRUNO].ledger().find_template("gate").unwrap(), third);
    gather(&mut world);
    gather(&mut world);
    sound(&mut world);
}
