//! What people do besides incidents: shifts, check-ins, hand-offs, checklists.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DocumentId, PersonId, UnixMillis};
use firsthand_node::{Ledger, RunStep};
use firsthand_record::Moment;
use firsthand_record::checklist::{
    Checklist, ItemType, Localised, Reader, Template, TemplateContent, TemplateItem,
};
use firsthand_record::roster::{Assignment, CheckIn, CheckInRule, CheckInState, Handoff, Shift, ShiftStatus};

use crate::expected::held;
use crate::{Expected, Person, World};

const ITEMS: [&str; 3] = ["exit", "buddy", "water"];
const HOUR_MS: i64 = 3_600_000;

/// What must be found everywhere.
#[derive(Debug, Default)]
pub struct Organised {
    shifts: BTreeMap<DocumentId, ExpectedShift>,
    /// Of whom something was said, and the word in the note.
    said: Vec<(PersonId, String)>,
    /// Hand-offs, and their hazards.
    handoffs: BTreeMap<DocumentId, String>,
    /// Items that were ticked, of each run.
    ticks: BTreeMap<DocumentId, BTreeSet<&'static str>>,
}

#[derive(Debug, Default)]
struct ExpectedShift {
    title: String,
    /// The furthest that somebody with the right moved it on to.
    status: Option<ShiftStatus>,
    /// Whom somebody with the right assigned.
    people: BTreeSet<PersonId>,
}

fn content(title: &str) -> TemplateContent {
    let item = |name: &&str| TemplateItem {
        label: Localised::one("en", format!("Check the {name}")),
        ..TemplateItem::new(*name, ItemType::Check)
    };
    TemplateContent {
        title: Localised::one("en", title),
        languages: vec!["en".to_owned()],
        items: ITEMS.iter().map(item).collect(),
        ..TemplateContent::default()
    }
}

impl Person {
    /// Does one thing on a device that has to do with shifts or checklists.
    pub(crate) fn organise(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let before = held(world.devices[device].ledger());
        match self.dice.below(10) {
            0..2 => self.plan(world, expected, device),
            2..4 => self.assign(world, expected, device),
            4 => self.move_on(world, expected, device),
            5..8 => self.say(world, expected, device),
            8 => self.hand_over(world, expected, device),
            _ => self.work_through(world, expected, device),
        }
        let after = held(world.devices[device].ledger());
        expected.acknowledge(&before, &after);
    }

    /// What there must be before others can take part.
    pub(crate) fn prepare(&mut self, world: &mut World, expected: &mut Expected, lead: usize) {
        for act in [Self::plan, Self::begin] {
            let before = held(world.devices[lead].ledger());
            act(self, world, expected, lead);
            let after = held(world.devices[lead].ledger());
            expected.acknowledge(&before, &after);
        }
    }

    fn somebody(&mut self, world: &mut World, device: usize) -> PersonId {
        let members = world.devices[device].ledger().team().unwrap().members;
        members[self.dice.below(members.len())].person
    }

    fn some_shift(&mut self, world: &mut World, device: usize) -> Option<DocumentId> {
        let shifts = world.devices[device].ledger().shifts(20).unwrap();
        (!shifts.is_empty()).then(|| shifts[self.dice.below(shifts.len())].id)
    }

    fn plan(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        // To set a shift up is for leads, and refused to others.
        if !world.devices[device].ledger().rights().close {
            return;
        }
        let title = expected.word();
        let shift = world.write(device, |ledger, now, rng| {
            let at = |after: i64| {
                let at = UnixMillis(now.at.0.saturating_add(after));
                Moment::new(at, now.offset_minutes)
            };
            let shift = Shift {
                title: Some(title.clone()),
                start: at(0),
                end: at(8 * HOUR_MS),
                check_in_rule: Some(CheckInRule { every_min: 30, grace_min: 10 }),
                ..Shift::default()
            };
            ledger.add_shift(&shift, now, rng)
        });
        let id = shift.unwrap().id;
        world.tell(|| format!("{device} plans shift {}", id.short()));
        expected.organised.shifts.insert(id, ExpectedShift { title, ..ExpectedShift::default() });
    }

    fn assign(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let Some(shift) = self.some_shift(world, device) else { return };
        let (person, buddy) = (self.somebody(world, device), self.somebody(world, device));
        let buddy = Some(buddy).filter(|buddy| *buddy != person);
        let (key, role) = (String::new(), "observer".to_owned());
        let assignment = Assignment { key, person, role, buddy, from: None, until: None };
        let decided = world.write(device, |ledger, now, rng| ledger.assign(shift, &assignment, now, rng));
        world.tell(|| format!("{device} assigns somebody to {}", shift.short()));
        if decided.unwrap().counts {
            expected.organised.shifts.entry(shift).or_default().people.insert(person);
        }
    }

    fn move_on(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let Some(shift) = self.some_shift(world, device) else { return };
        let status = self.dice.pick(ShiftStatus::ALL);
        let decided =
            world.write(device, |ledger, now, rng| ledger.move_on(shift, status, now, rng)).unwrap();
        world.tell(|| format!("{device} moves {} on to {status}", shift.short()));
        if decided.counts {
            let known = expected.organised.shifts.entry(shift).or_default();
            known.status = known.status.max(Some(status));
        }
    }

    fn say(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let person = self.somebody(world, device);
        let state = self.dice.pick(CheckInState::ALL);
        let note = expected.word();
        let check_in = CheckIn {
            person: Some(person),
            state: Some(state),
            note: Some(note.clone()),
            ..CheckIn::default()
        };
        world.write(device, |ledger, now, rng| ledger.check_in(check_in, now, rng)).unwrap();
        world.tell(|| format!("{device} says that somebody is {state}"));
        expected.organised.said.push((person, note));
    }

    fn hand_over(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let Some(shift) = self.some_shift(world, device) else { return };
        let hazards = expected.word();
        let handoff = Handoff { from_shift: Some(shift), hazards: hazards.clone(), ..Handoff::default() };
        let saved = world.write(device, |ledger, now, rng| ledger.start_handoff(handoff, now, rng));
        let id = saved.unwrap().id;
        world.write(device, |ledger, now, rng| ledger.give_handoff(id, now, rng)).unwrap();
        world.tell(|| format!("{device} gives hand-off {}", id.short()));
        expected.organised.handoffs.insert(id, hazards);
    }

    fn work_through(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let ledger = world.devices[device].ledger();
        let runs: Vec<DocumentId> = expected.organised.ticks.keys().copied().collect();
        let here: Vec<DocumentId> = runs
            .into_iter()
            .filter(|run| ledger.run(*run).is_ok_and(|view| view.content.is_some()))
            .collect();
        if here.is_empty() || self.dice.percent(30) {
            return self.begin(world, expected, device);
        }
        let (run, item) = (self.dice.pick(&here), self.dice.pick(&ITEMS));
        world.write(device, |ledger, now, rng| ledger.enter(run, item, RunStep::Tick, "", now, rng)).unwrap();
        world.tell(|| format!("{device} ticks {item} of {}", run.short()));
        expected.organised.ticks.entry(run).or_default().insert(item);
    }

    fn begin(&mut self, world: &mut World, expected: &mut Expected, device: usize) {
        let ledger = world.devices[device].ledger();
        let offered: Vec<DocumentId> =
            ledger.templates().unwrap().into_iter().filter(|it| it.offered).map(|it| it.row.id).collect();
        let template = if offered.is_empty() {
            if !ledger.rights().close {
                return;
            }
            let word = expected.word();
            let template = Template::new(word.replace(' ', "-"), 1, content(&word), None);
            let saved = world.write(device, |ledger, now, rng| ledger.publish_template(template, now, rng));
            saved.unwrap().id
        } else {
            self.dice.pick(&offered)
        };
        let saved = world.write(device, |ledger, now, rng| ledger.start_run(template, None, now, rng));
        let id = saved.unwrap().id;
        world.tell(|| format!("{device} begins run {}", id.short()));
        expected.organised.ticks.entry(id).or_default();
    }
}

/// Everything of it is on a device, and counts as it must.
///
/// # Panics
/// Where it does not.
pub(crate) fn all_here(ledger: &mut Ledger, organised: &Organised) {
    for (id, known) in &organised.shifts {
        let view = ledger.shift(*id).unwrap();
        assert_eq!(view.record.title.as_deref(), Some(known.title.as_str()), "shift {}", id.short());
        let status = known.status.unwrap_or(ShiftStatus::Planned);
        assert_eq!(view.status, status, "how far shift {} has come", id.short());
        assert_eq!(view.record.people(), known.people, "who is on shift {}", id.short());
    }
    for (person, note) in &organised.said {
        let said = ledger.check_ins(*person, usize::MAX >> 1).unwrap();
        assert_eq!(said.iter().filter(|it| it.note == *note).count(), 1, "what was said: {note}");
    }
    for (id, hazards) in &organised.handoffs {
        assert_eq!(ledger.handoff(*id).unwrap().record.hazards, *hazards, "hand-off {}", id.short());
    }
    for (id, ticks) in &organised.ticks {
        let view = ledger.run(*id).unwrap();
        let content = view.content.as_ref().unwrap_or_else(|| panic!("run {} has no checklist", id.short()));
        let now = Moment::new(UnixMillis(0), 0).unwrap();
        let checklist = Checklist::new(content);
        let progress =
            checklist.progress(&view.record, &Reader { person: Some(view.me), language: "en", now });
        let ticked: BTreeSet<&str> = progress
            .items
            .iter()
            .filter(|state| !state.ticks.is_empty())
            .map(|state| state.item.item_id.as_str())
            .collect();
        assert_eq!(ticked, ticks.iter().copied().collect(), "run {}", id.short());
    }
}
