use firsthand_document::DocumentError;
use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_node::{Close, Edit, ImportRow, IncidentQuery, IncidentView, NodeError};
use firsthand_record::generate::Generator;
use firsthand_record::roster::EmergencyContact;
use firsthand_record::{Care, Count, CountKind, Incident, Origin, Severity, Urgency, lists};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::dice::source;
use crate::expected::{Confided, ExpectedFile, Seen, SetValue, held, signs};
use crate::{Dice, Expected, World};

/// Decides what people do, and does it.
pub struct Person {
    pub dice: Dice,
    /// Whether the day is one of shifts and checklists more than of incidents.
    pub organises: bool,
    generator: Generator<ChaCha8Rng>,
}

/// Fields that people set to different values while apart.
const REGISTERS: [&str; 7] = ["severity", "severity", "severity", "urgency", "title", "p_code", "category"];
const TEXTS: [&str; 2] = ["narrative", "place_text"];

impl Person {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed, 1), organises: false, generator: Generator::new(source(seed, 2)) }
    }

    /// Does one thing on a device.
    pub fn act(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        if self.organises && self.dice.percent(70) {
            return self.organise(world, expected, device);
        }
        let rows = world.devices[device].ledger().incidents(&IncidentQuery::default()).unwrap();
        if rows.len() < 3 || self.dice.percent(15) {
            return self.add(world, expected, device);
        }
        // People often meet on the same incident: one of the first, which all of them know.
        let known = expected.first.iter().filter(|id| rows.iter().any(|row| row.id == **id));
        let known: Vec<_> = known.copied().collect();
        let incident = if known.is_empty() || self.dice.percent(35) {
            rows[self.dice.below(rows.len())].id
        } else {
            self.dice.pick(&known)
        };
        match self.dice.below(100) {
            0..10 => self.attach(world, expected, device, incident),
            10..16 => self.import(world, expected, device, 4),
            16..22 => self.status(world, expected, device, incident),
            22..27 => self.confide(world, expected, device),
            27..30 => self.organise(world, expected, device),
            30..33 => self.close(world, device),
            _ => self.edit(world, expected, device, incident),
        }
    }

    /// A draft, and the words in it that are watched.
    fn draft(&mut self, expected: &mut Expected) -> (Incident, Vec<(char, &'static str)>) {
        let mut incident = if self.dice.percent(25) {
            let mut incident = self.generator.team_incident();
            incident.counts.clear();
            incident
        } else {
            Incident {
                narrative: "Two groups face each other at the gate.".to_owned(),
                ..Incident::default()
            }
        };
        incident.title = Some(expected.word());
        incident.severity = self.dice.percent(60).then(|| self.dice.pick(Severity::ALL));
        incident.urgency = None;
        incident.p_code = None;
        incident.category = None;
        let mut put = Vec::new();
        let sign = expected.sign();
        incident.narrative.push(sign);
        put.push((sign, "narrative"));
        for _ in 0..self.dice.below(3) {
            incident.counts.push(count(expected.word(), self.dice.below(40) as u32));
        }
        (incident, put)
    }

    /// Notes what a saved draft must leave everywhere.
    fn note_new(
        expected: &mut Expected,
        id: DocumentId,
        incident: &Incident,
        put: &[(char, &'static str)],
        set: Option<SetValue>,
    ) {
        let known = expected.incidents.entry(id).or_default();
        known.counts.extend(incident.counts.iter().map(|count| (count.source.clone(), false)));
        for (sign, text) in put {
            known.signs.entry(text).or_default().inserted.insert(*sign);
        }
        let Some(set) = set else { return };
        let values = [("title", json!(incident.title)), ("severity", json!(incident.severity))];
        for (field, value) in values.into_iter().filter(|(_, value)| !value.is_null()) {
            known.sets.push(SetValue { field: field.to_owned(), value, ..set.clone() });
        }
    }

    /// Logs an incident.
    pub fn add(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let (incident, put) = self.draft(expected);
        let before = held(world.devices[device].ledger());
        let seen = Seen::by(world.devices[device].ledger());
        let saved = world.write(device, |ledger, now, rng| ledger.add_incident(incident.clone(), now, rng));
        let saved = saved.unwrap_or_else(|error| panic!("an incident is not saved: {error}"));
        world.tell(|| format!("{device} logs {}", saved.short_code));
        let after = held(world.devices[device].ledger());
        let (writer, mark) = expected.acknowledge(&before, &after).expect("entries of a new incident");
        let set = SetValue { field: String::new(), value: Value::Null, seen, writer, mark };
        Self::note_new(expected, saved.id, &incident, &put, Some(set));
        if expected.first.len() < 2 {
            expected.first.push(saved.id);
        }
    }

    /// Imports a file that others may import as well.
    pub fn import(&mut self, world: &mut World, expected: &mut Expected, device: usize, rows: usize) {
        let file = self.dice.below(3);
        let rows: Vec<ImportRow> = (0..rows)
            .map(|row| {
                let (mut incident, _) = self.draft(expected);
                let external_id = Some(format!("{file}-{row}"));
                let row_hash = firsthand_ids::sha256(format!("{file}-{row}").as_bytes());
                let row_hash = row_hash.iter().map(|byte| format!("{byte:02x}")).collect();
                incident.origin = Some(Origin { format: "csv".to_owned(), external_id, row_hash });
                ImportRow { row: row + 1, incident }
            })
            .collect();
        let before = held(world.devices[device].ledger());
        let seen = Seen::by(world.devices[device].ledger());
        let given = rows.clone();
        let report = world
            .write(device, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true))
            .unwrap();
        assert_eq!(report.added.len() + report.already.len(), given.len(), "{report:?}");
        world.tell(|| format!("{device} imports {} rows", report.added.len()));
        let after = held(world.devices[device].ledger());
        let marks = expected.acknowledge(&before, &after);
        for (row, id, _) in report.added {
            let (writer, mark) = marks.expect("entries of an import");
            let incident = &given[row - 1].incident;
            let put: Vec<_> =
                signs(&incident.narrative).into_iter().map(|sign| (sign, "narrative")).collect();
            let seen = seen.clone();
            let set = SetValue { field: String::new(), value: Value::Null, seen, writer, mark };
            Self::note_new(expected, id, incident, &put, Some(set));
        }
    }

    /// Attaches a small file; sometimes one of several chunks.
    pub fn attach(
        &mut self,
        world: &mut World,
        expected: &mut Expected,
        device: usize,
        incident: DocumentId,
    ) {
        let len = match self.dice.below(10) {
            0 => 0,
            1..9 => self.dice.below(3000),
            _ => 200_000 + self.dice.below(500_000),
        };
        let content = self.dice.fill(len);
        let name = format!("{}.bin", expected.word());
        let before = held(world.devices[device].ledger());
        world
            .write(device, |ledger, now, rng| {
                ledger.attach(incident, &mut content.as_slice(), &name, "seen", now, rng, &mut |_| true)
            })
            .unwrap();
        world.tell(|| format!("{device} attaches {} bytes", content.len()));
        let after = held(world.devices[device].ledger());
        expected.acknowledge(&before, &after);
        expected.files.push(ExpectedFile { incident, name, content });
    }

    /// Closes everything that is there, or some of it: nothing that is there is another for it.
    fn close(&mut self, world: &mut World, device: usize) {
        let mut pieces = self.dice.below(4);
        world
            .write(device, |ledger, now, _| {
                let before = ledger.digest()?;
                let stop = &mut |_, _| {
                    pieces = pieces.saturating_sub(1);
                    pieces > 0
                };
                match ledger.close_period(UnixMillis(i64::MAX), now, Close::Now, stop) {
                    Ok(_) | Err(NodeError::Stopped) => {}
                    Err(error) => return Err(error),
                }
                assert_eq!(ledger.digest()?, before);
                Ok(())
            })
            .unwrap();
        world.tell(|| format!("{device} closes what is old"));
    }

    /// Closes an incident or opens it again, with the right or without.
    fn status(&mut self, world: &mut World, expected: &mut Expected, device: usize, incident: DocumentId) {
        let note = expected.word();
        let edit = if self.dice.percent(60) {
            Edit::Close { status: "closed".to_owned(), target: None, note }
        } else {
            Edit::Reopen { note }
        };
        let before = held(world.devices[device].ledger());
        world.write(device, |ledger, now, rng| ledger.edit(incident, &[edit], now, rng)).unwrap();
        let after = held(world.devices[device].ledger());
        world.tell(|| format!("{device} closes or opens {}", incident.short()));
        expected.acknowledge(&before, &after);
    }

    /// Notes what only few may read, or chooses who they are.
    fn confide(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let team = world.devices[device].ledger().team().unwrap();
        let me = team.members.iter().find(|member| member.me).unwrap().person;
        let word = expected.word();
        match self.dice.below(3) {
            0 => {
                let others = team.members.iter().filter(|member| !member.me).map(|member| member.person);
                let others: Vec<_> = others.map(Some).chain([None]).collect();
                let contact = self.dice.pick(&others);
                world.write(device, |ledger, _, _| ledger.name_care_contact(contact)).unwrap();
                world.tell(|| format!("{device} names a care contact"));
            }
            1 => {
                let reader = world.devices[device].ledger().care_contact().map(|(person, _)| person);
                let care = Care { note: Some(word.clone()), ..Care::default() };
                world.write(device, |ledger, now, rng| ledger.add_care(care, now, rng)).unwrap();
                world.tell(|| format!("{device} notes how they are"));
                expected.confided.push(Confided { word, owner: me, reader });
            }
            _ => {
                let contact = EmergencyContact {
                    name: Some(word.clone()),
                    phone: Some("+254 700 000000".to_owned()),
                    ..EmergencyContact::default()
                };
                world
                    .write(device, |ledger, now, rng| ledger.set_emergency_contact(contact, now, rng))
                    .unwrap();
                world.tell(|| format!("{device} says whom to call"));
                expected.contacts.push((word, me));
            }
        }
    }

    /// Edits an incident in one to three places.
    pub fn edit(&mut self, world: &mut World, expected: &mut Expected, device: usize, incident: DocumentId) {
        let view = world.devices[device].ledger().incident(incident).unwrap();
        let mut plan = Plan::default();
        for _ in 0..=self.dice.below(3) {
            self.plan_edit(&mut plan, expected, &view);
        }
        Self::save(world, expected, device, incident, plan);
    }

    /// Two people set one field to different values, neither knowing of the other.
    pub fn disagree(&mut self, world: &mut World, expected: &mut Expected, devices: [usize; 2]) {
        let incident = self.dice.pick(&expected.first);
        let field = self.dice.pick(&REGISTERS);
        for device in devices {
            let ledger = world.devices[device].ledger();
            let Ok(view) = ledger.incident(incident) else { return };
            let mut plan = Plan::default();
            self.plan_value(&mut plan, expected, &view, field);
            Self::save(world, expected, device, incident, plan);
        }
    }

    fn save(world: &mut World, expected: &mut Expected, device: usize, incident: DocumentId, mut plan: Plan) {
        let before = held(world.devices[device].ledger());
        let seen = Seen::by(world.devices[device].ledger());
        let may_resolve = world.devices[device].ledger().rights().resolve;
        let conflict = |field: &str| expected.values(&incident, field, &seen).len() > 1;
        let refused = plan.sets.iter().any(|(field, _, resolve)| *resolve != conflict(field));
        // What stands already is not written again.
        plan.sets.retain(|(field, value, resolve)| {
            *resolve || expected.values(&incident, field, &seen) != [value.clone()]
        });
        let edits = plan.edits.clone();
        let result = world.write(device, |ledger, now, rng| ledger.edit(incident, &edits, now, rng));
        match result {
            Ok(_) => assert!(
                !refused || expected.removals,
                "a conflict was written over, or seen where none is: {edits:?}"
            ),
            Err(NodeError::Document(DocumentError::Conflict { .. } | DocumentError::NoConflict { .. })) => {
                assert!(refused || expected.removals, "a conflict where nobody was apart: {edits:?}");
                return;
            }
            Err(error) => panic!("{edits:?} is not saved: {error}"),
        }
        world.tell(|| format!("{device} edits {}: {edits:?}", incident.short()));
        let after = held(world.devices[device].ledger());
        let Some((writer, mark)) = expected.acknowledge(&before, &after) else { return };
        let known = expected.incidents.entry(incident).or_default();
        for word in plan.counts {
            known.counts.insert(word, false);
        }
        for word in plan.withdrawn {
            known.counts.insert(word, true);
        }
        for (text, inserted, deleted) in plan.signs {
            let signs = known.signs.entry(text).or_default();
            signs.inserted.extend(inserted);
            signs.deleted.extend(deleted);
        }
        for (field, value, resolve) in plan.sets {
            if may_resolve || !resolve {
                known.sets.push(SetValue { field, value, seen: seen.clone(), writer, mark });
            }
        }
    }

    fn plan_edit(&mut self, plan: &mut Plan, expected: &mut Expected, view: &IncidentView) {
        match self.dice.below(100) {
            0..30 => self.plan_text(plan, expected, view),
            30..70 => self.plan_set(plan, expected, view),
            70..90 => {
                let word = expected.word();
                let value = serde_json::to_value(count(word.clone(), self.dice.below(40) as u32)).unwrap();
                plan.counts.push(word);
                plan.edits.push(Edit::Add { list: "counts".to_owned(), value });
            }
            _ => {
                let counts = &view.record.counts;
                if !counts.is_empty() {
                    let taken = &counts[self.dice.below(counts.len())];
                    plan.withdrawn.push(taken.source.clone());
                    let reason = "counted twice".to_owned();
                    plan.edits.push(Edit::Withdraw { key: taken.key.clone(), reason });
                }
            }
        }
    }

    fn plan_text(&mut self, plan: &mut Plan, expected: &mut Expected, view: &IncidentView) {
        let field = self.dice.pick(&TEXTS);
        if plan.signs.iter().any(|(other, ..)| *other == field) {
            return;
        }
        let text = if field == "narrative" { &view.record.narrative } else { &view.record.place_text };
        let text: Vec<char> = text.chars().collect();
        let at = self.dice.below(text.len() + 1);
        let delete = if self.dice.percent(40) { self.dice.below((text.len() - at).min(20) + 1) } else { 0 };
        let sign = expected.sign();
        let insert = format!("{}{sign}", self.dice.pick(&["", " and then ", "á", "مرحبا ", "\n", "🕊"]));
        let gone: String = text[at..at + delete].iter().collect();
        plan.signs.push((field, vec![sign], signs(&gone)));
        let field = field.to_owned();
        plan.edits.push(if self.dice.percent(70) {
            Edit::Splice { field, at, delete, insert }
        } else {
            let (front, back) = (text[..at].iter(), text[at + delete..].iter());
            let text = front.copied().chain(insert.chars()).chain(back.copied()).collect();
            Edit::ReplaceText { field, text }
        });
    }

    fn plan_set(&mut self, plan: &mut Plan, expected: &mut Expected, view: &IncidentView) {
        let apart: Vec<_> = view.conflicts.iter().map(|conflict| conflict.field.as_str()).collect();
        let field = match self.dice.pick(&REGISTERS) {
            _ if !apart.is_empty() && self.dice.percent(50) => self.dice.pick(&apart),
            field => field,
        };
        if !plan.sets.iter().any(|(other, ..)| other == field) {
            self.plan_value(plan, expected, view, field);
        }
    }

    fn plan_value(&mut self, plan: &mut Plan, expected: &mut Expected, view: &IncidentView, field: &str) {
        let value = match field {
            "severity" => json!(self.dice.pick(Severity::ALL)),
            "urgency" => json!(self.dice.pick(Urgency::ALL)),
            "category" => json!(lists::categories().nth(self.dice.below(10))),
            "p_code" if self.dice.percent(20) => Value::Null,
            _ => json!(expected.word()),
        };
        let resolve = view.conflicts.iter().any(|conflict| conflict.field == field);
        plan.sets.push((field.to_owned(), value.clone(), resolve));
        let (field, note) = (field.to_owned(), "both were asked".to_owned());
        plan.edits.push(if resolve {
            Edit::Resolve { field, value, note }
        } else {
            Edit::Set { field, value }
        });
    }
}

/// The edits of one save, and what they mean.
#[derive(Default)]
struct Plan {
    edits: Vec<Edit>,
    counts: Vec<String>,
    withdrawn: Vec<String>,
    signs: Vec<(&'static str, Vec<char>, Vec<char>)>,
    sets: Vec<(String, Value, bool)>,
}

fn count(word: String, low: u32) -> Count {
    Count { source: word, ..Count::new(CountKind::Injured, Some(low), None) }
}
