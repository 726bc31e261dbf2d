//! Rows of people, teams, shifts, check-ins and hand-offs: written, changed, made anew, and what a board asks of them.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeMap;

use common::{Folder, SPACE, Writer};
use firsthand_ids::{DocumentId, LocalTime, PersonId, Position, UnixMillis};
use firsthand_store::*;

const ESI: PersonId = PersonId::new([1; 16]);
const LEILA: PersonId = PersonId::new([2; 16]);
const NOON: i64 = 1_700_000_000_000;

/// A store, and what its rows were made of, to make them anew.
struct World {
    store: Store,
    writer: Writer,
    held: BTreeMap<DocumentId, (Position, ProjectedRow)>,
    // Removed with the world.
    _folder: Folder,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let mut store = folder.create();
        let mut writer = Writer::new(SPACE, 1);
        writer.join(&mut store);
        Self { store, writer, held: BTreeMap::new(), _folder: folder }
    }

    fn add(&mut self, row: ProjectedRow) -> DocumentId {
        let (id, entry) = self.writer.create(b"record", None);
        let position = entry.entry.position;
        let mut commit = self.writer.commit(vec![entry]);
        commit.documents = vec![self.writer.update(id, position, b"saved".to_vec(), row.clone())];
        self.store.commit(commit).unwrap();
        self.held.insert(id, (position, row));
        id
    }

    fn edit(&mut self, id: DocumentId, row: ProjectedRow) {
        let entry = self.writer.change(id, b"edit");
        let mut commit = self.writer.commit(vec![entry]);
        let position = self.held[&id].0;
        commit.documents = vec![self.writer.update(id, position, b"saved".to_vec(), row.clone())];
        self.store.commit(commit).unwrap();
        self.held.insert(id, (position, row));
    }

    /// Makes every row anew from the log: nothing may change by that.
    fn rebuilt_the_same(&mut self) {
        let before = self.store.projection_digest().unwrap();
        let (held, writer) = (&self.held, &self.writer);
        let derive = |_: &Store, id: &DocumentId, _: Vec<StoredChange>| {
            let made = held
                .get(id)
                .map(|(position, row)| writer.update(*id, *position, b"saved".to_vec(), row.clone()));
            Ok::<_, StoreError>(made)
        };
        self.store.rebuild(Rebuild::Replace, derive).unwrap();
        assert_eq!(self.store.projection_digest().unwrap(), before);
    }
}

fn person(person: PersonId, name: &str, courses: &[&str]) -> PersonProjection {
    let training = |(number, course): (usize, &&str)| TrainingRow {
        course: (*course).to_owned(),
        template_id: (number == 0).then(|| "gate".to_owned()),
        version: (number == 0).then_some(3),
        day: 20_000 + number as i32,
        expires: (number == 0).then_some(-1),
        by: (number == 0).then_some(LEILA),
        run: (number == 1).then(|| DocumentId::new([9; 16])),
    };
    PersonProjection {
        person,
        name: name.to_owned(),
        callsign: "Heron".to_owned(),
        status: Some("active".to_owned()),
        languages: vec!["ar".to_owned(), "es-MX".to_owned()],
        skills: vec!["medic".to_owned()],
        trainings: courses.iter().enumerate().map(training).collect(),
        conflicts: 1,
        hidden: false,
    }
}

fn at(ms: i64, offset_minutes: i16) -> LocalTime {
    LocalTime { at: UnixMillis(NOON + ms), offset_minutes }
}

fn shift(title: &str, starts: i64, status: u8, people: &[PersonId]) -> ShiftProjection {
    let assigned = |(number, person): (usize, &PersonId)| AssignmentRow {
        item: format!("w|{number}"),
        person: *person,
        role: "مراقبة".to_owned(),
        buddy: people.get(number ^ 1).copied(),
        begins: (number == 1).then_some(UnixMillis(NOON + 5)),
        ends: (number == 0).then_some(UnixMillis(NOON + 9)),
    };
    ShiftProjection {
        team: Some(DocumentId::new([8; 16])),
        title: title.to_owned(),
        // Two zones: the clocks were changed in between.
        starts: Some(at(starts, 60)),
        ends: Some(at(starts + 100, 120)),
        status,
        rule: Some((30, 10)),
        risk: Some("red".to_owned()),
        place: "the gate".to_owned(),
        assignments: people.iter().enumerate().map(assigned).collect(),
        go_no_go: people.iter().map(|person| (*person, *person == ESI)).collect(),
        conflicts: 2,
        proposals: 3,
        hidden: false,
    }
}

fn check_in(person: PersonId, state: &str, answers: &[DocumentId]) -> CheckInProjection {
    CheckInProjection {
        person,
        shift: Some(DocumentId::new([4; 16])),
        at: at(0, -180),
        best: UnixMillis(NOON + 7),
        ticks: Some(("boot".to_owned(), u64::MAX)),
        state: state.to_owned(),
        alarm: ["missing", "need_support"].contains(&state),
        by_whom: Some("buddy".to_owned()),
        answers: answers.to_vec(),
        place: Some((-17.5, 179.9)),
        note: "by the bridge".to_owned(),
    }
}

fn said(row: CheckInProjection) -> ProjectedRow {
    ProjectedRow::CheckIn(Box::new(row))
}

fn planned(row: ShiftProjection) -> ProjectedRow {
    ProjectedRow::Shift(Box::new(row))
}

#[test]
fn people_and_teams_are_read_as_they_were_written_and_what_is_gone_leaves_nothing() {
    let mut world = World::new();
    let row = person(ESI, "Esi", &["First aid", "Radio", "Night"]);
    let id = world.add(ProjectedRow::Person(Box::new(row.clone())));
    // A second record of the same person: two leads made one each while apart.
    let other = person(ESI, "Esi B.", &[]);
    let other_id = world.add(ProjectedRow::Person(Box::new(other.clone())));
    let leila = world.add(ProjectedRow::Person(Box::new(person(LEILA, "ليلى", &["Radio"]))));
    let of = world.store.people_of(&ESI).unwrap();
    assert_eq!(of, [Listed { id, row: row.clone() }, Listed { id: other_id, row: other }]);
    let ids: Vec<_> = world.store.people(false).unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(ids, [id, other_id, leila], "oldest first");
    assert_eq!(world.store.people(false).unwrap()[0].row.trainings, []);

    // A training that was taken back leaves no row behind.
    let fewer = PersonProjection { hidden: true, status: None, ..person(ESI, "Esi", &["Radio"]) };
    world.edit(id, ProjectedRow::Person(Box::new(fewer.clone())));
    assert_eq!(world.store.people_of(&ESI).unwrap()[0].row, fewer);
    assert_eq!(world.store.people(true).unwrap()[2].row.trainings.len(), 1, "of others nothing is touched");

    let roles = vec![("Observer".to_owned(), 2), ("Medic".to_owned(), 1)];
    let team = FieldTeamProjection { name: "East".to_owned(), roles_required: roles, hidden: false };
    let team_id = world.add(ProjectedRow::FieldTeam(Box::new(team.clone())));
    assert_eq!(world.store.field_teams().unwrap(), [Listed { id: team_id, row: team.clone() }]);
    let fewer = FieldTeamProjection { roles_required: vec![("Medic".to_owned(), 4)], hidden: true, ..team };
    world.edit(team_id, ProjectedRow::FieldTeam(Box::new(fewer.clone())));
    assert_eq!(world.store.field_teams().unwrap(), [Listed { id: team_id, row: fewer }]);
    world.rebuilt_the_same();
}

#[test]
fn shifts_are_listed_and_run_until_they_are_over_or_hidden() {
    let mut world = World::new();
    let late = world.add(planned(shift("Late", 900, 0, &[ESI, LEILA])));
    let early = world.add(planned(shift("Early", 100, 0, &[LEILA])));
    let all = world.store.shifts(9).unwrap();
    assert_eq!(all.iter().map(|it| it.id).collect::<Vec<_>>(), [late, early], "the latest first");
    assert_eq!(all[0].row, shift("Late", 900, 0, &[ESI, LEILA]));
    assert_eq!(world.store.shifts(1).unwrap().len(), 1);
    let running = |world: &World| -> Vec<DocumentId> {
        world.store.running_shifts().unwrap().into_iter().map(|it| it.id).collect()
    };
    assert_eq!(running(&world), [early, late], "in the order in which they begin");

    // Fewer people than before: what they were assigned and said is gone with them.
    world.edit(late, planned(shift("Late", 900, 1, &[LEILA])));
    assert_eq!(world.store.running_shifts().unwrap()[1].row, shift("Late", 900, 1, &[LEILA]));

    assert_eq!(world.store.unheard().unwrap(), [], "a planned shift is nothing to be heard of");
    world.edit(early, planned(shift("Early", 100, 2, &[LEILA])));
    assert_eq!(world.store.unheard().unwrap(), [Unheard::Shift(early)]);
    let heard = Heard { subject: *early.as_bytes(), at: 77, check_in: None };
    let mut commit = Commit::new(SPACE);
    commit.heard = Some(vec![heard]);
    world.store.commit(commit).unwrap();
    assert_eq!(world.store.unheard().unwrap(), []);
    assert_eq!(world.store.heard(early.as_bytes()).unwrap(), Some(heard));
    // It goes on being active: that is heard of once.
    world.edit(early, planned(shift("Early", 100, 3, &[LEILA])));
    assert_eq!(world.store.unheard().unwrap(), []);

    world.edit(early, planned(shift("Early", 100, 4, &[LEILA])));
    assert_eq!(running(&world), [late], "debriefed is over");
    let hidden = ShiftProjection { hidden: true, ..shift("Late", 900, 1, &[LEILA]) };
    world.edit(late, planned(hidden));
    assert_eq!(running(&world), []);
    assert_eq!(world.store.shifts(9).unwrap().len(), 2);
    world.rebuilt_the_same();
    assert_eq!(world.store.unheard().unwrap(), [], "what was heard long ago is not heard anew");
    assert_eq!(world.store.heard(early.as_bytes()).unwrap(), Some(heard));
}

#[test]
fn check_ins_give_the_last_word_and_the_alarms_that_anything_answers() {
    let mut world = World::new();
    let first = world.add(said(check_in(ESI, "ok", &[])));
    let alarm = world.add(said(check_in(ESI, "missing", &[])));
    let other = world.add(said(check_in(LEILA, "ok", &[])));
    let answer = world.add(said(check_in(ESI, "ok", &[alarm, first])));
    let author = world.writer.person;

    let last = world.store.check_ins(&ESI, 2).unwrap();
    assert_eq!(last.iter().map(|it| it.id).collect::<Vec<_>>(), [answer, alarm], "the last first");
    assert_eq!(last[0].row, check_in(ESI, "ok", &[alarm, first]));
    assert_eq!((last[0].author, last[0].device), (author, world.writer.device()));
    assert_eq!(world.store.check_in(&other).unwrap().unwrap().row.person, LEILA);
    assert_eq!(world.store.check_in(&DocumentId::new([0; 16])).unwrap(), None);
    assert_eq!(world.store.alarmed().unwrap(), [ESI]);
    let deciding: Vec<_> = world.store.alarms(&ESI).unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(deciding, [alarm, answer], "neither alarm nor answer decides nothing");
    assert_eq!(world.store.alarms(&LEILA).unwrap(), []);

    let waiting: Vec<_> = world.store.unheard().unwrap();
    assert_eq!(waiting.len(), 4, "each waits to be noted as heard");
    let mut commit = Commit::new(SPACE);
    let heard = Heard { subject: *ESI.as_bytes(), at: -5, check_in: Some(answer) };
    commit.heard = Some(vec![heard]);
    world.store.commit(commit).unwrap();
    assert_eq!(world.store.unheard().unwrap(), []);
    assert_eq!(world.store.heard(ESI.as_bytes()).unwrap(), Some(heard));
    assert_eq!(world.store.heard(LEILA.as_bytes()).unwrap(), None);

    // A mark on a check-in changes its row and raises nothing anew.
    let moved = CheckInProjection { place: Some((91.0, 0.0)), ticks: None, ..check_in(ESI, "missing", &[]) };
    world.edit(alarm, said(moved.clone()));
    assert_eq!(world.store.unheard().unwrap(), []);
    let held = world.store.check_in(&alarm).unwrap().unwrap().row;
    assert_eq!(held, CheckInProjection { place: None, ..moved }, "what is no point on the globe is no place");
    world.rebuilt_the_same();
}

#[test]
fn hand_offs_are_listed_as_far_as_they_have_come() {
    let mut world = World::new();
    let row = HandoffProjection {
        from_shift: Some(DocumentId::new([5; 16])),
        to_shift: None,
        given: true,
        taken: false,
        items: 4,
        unsettled: 3,
        hidden: false,
    };
    let first = world.add(ProjectedRow::Handoff(Box::new(row.clone())));
    let second = world.add(ProjectedRow::Handoff(Box::new(row.clone())));
    let done = HandoffProjection { taken: true, unsettled: 0, ..row.clone() };
    world.edit(first, ProjectedRow::Handoff(Box::new(done.clone())));
    let expected = [Listed { id: second, row }, Listed { id: first, row: done }];
    assert_eq!(world.store.handoffs(9).unwrap(), expected);
    assert_eq!(world.store.handoffs(1).unwrap(), expected[..1]);
    world.rebuilt_the_same();
}
