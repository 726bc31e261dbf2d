//! Shifts, check-ins and hand-offs on several phones: who is overdue by each phone's own count of time, whatever its clock
//! shows, and journey 13.
#![allow(clippy::unwrap_used)]

use firsthand_ids::{DocumentId, PersonId};
use firsthand_node::{BoardLine, Due, Event, Role, Watch};
use firsthand_record::roster::{
    Assignment, CheckIn, CheckInRule, CheckInState, GoNoGo, Handoff, HandoffAnswer, OpenItem, Person, Shift,
    ShiftStatus,
};
use firsthand_record::{Incident, Moment};
use firsthand_tests::{Crash, Expected, World, verdict};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A shift that begins now and lasts eight hours, with a check-in each half hour and ten minutes of grace.
fn add_shift(world: &mut World, phone: usize, title: &str, people: &[PersonId]) -> DocumentId {
    let title = Some(title.to_owned());
    let shift = world.write(phone, |ledger, now, rng| {
        let at = |after: i64| {
            let mut time = now;
            time.at.0 += after;
            Moment::from_local(time)
        };
        let rule = Some(CheckInRule { every_min: 30, grace_min: 10 });
        let shift = Shift { title, start: at(0), end: at(8 * HOUR), check_in_rule: rule, ..Shift::default() };
        ledger.add_shift(&shift, now, rng)
    });
    let id = shift.unwrap().id;
    for (place, person) in people.iter().enumerate() {
        // In pairs.
        let buddy = people.get(place ^ 1).copied();
        let (key, role) = (String::new(), "Observer".to_owned());
        let assignment = Assignment { key, person: *person, role, buddy, from: None, until: None };
        world.write(phone, |ledger, now, rng| ledger.assign(id, &assignment, now, rng)).unwrap();
    }
    id
}

fn me(world: &mut World, phone: usize) -> PersonId {
    world.devices[phone].ledger().team().unwrap().me
}

fn move_on(world: &mut World, phone: usize, shift: DocumentId, status: ShiftStatus) -> bool {
    world.write(phone, |ledger, now, rng| ledger.move_on(shift, status, now, rng)).unwrap().counts
}

fn say(world: &mut World, phone: usize, about: Option<PersonId>, state: CheckInState) -> DocumentId {
    let check_in = CheckIn { person: about, state: Some(state), ..CheckIn::default() };
    world.write(phone, |ledger, now, rng| ledger.check_in(check_in, now, rng)).unwrap().id
}

fn lines(world: &mut World, phone: usize) -> Vec<BoardLine> {
    let now = world.devices[phone].clock.at(world.now);
    world.devices[phone].ledger().board(now).unwrap().lines
}

fn line(world: &mut World, phone: usize, person: PersonId) -> BoardLine {
    lines(world, phone).into_iter().find(|line| line.person == person).unwrap()
}

fn state(world: &mut World, phone: usize, person: PersonId) -> CheckInState {
    line(world, phone, person).state.unwrap()
}

fn look(world: &mut World, phone: usize, watch: &mut Watch) -> Vec<Event> {
    let now = world.devices[phone].clock.at(world.now);
    watch.look(world.devices[phone].ledger(), now).unwrap().0
}

fn overdue(events: &[Event]) -> Vec<PersonId> {
    let overdue = |event: &Event| match event {
        Event::Overdue { person, .. } => Some(*person),
        _ => None,
    };
    events.iter().filter_map(overdue).collect()
}

/// Two leads and two responders, all of whom have met, on an active shift.
struct Field {
    world: World,
    shift: DocumentId,
    people: [PersonId; 4],
}

const AMINA: usize = 0;
const BELA: usize = 1;
const CHIDI: usize = 2;
const DINA: usize = 3;

fn field(seed: u64) -> Field {
    let mut world = World::new(seed);
    world.found("Harbour", "Amina");
    world.join(AMINA, "Bela", Role::Lead);
    world.join(AMINA, "Chidi", Role::Responder);
    world.join(AMINA, "Dina", Role::Responder);
    let people = [AMINA, BELA, CHIDI, DINA].map(|phone| me(&mut world, phone));
    let shift = add_shift(&mut world, AMINA, "East gate", &people);
    assert!(move_on(&mut world, AMINA, shift, ShiftStatus::Active));
    meet_all(&mut world);
    Field { world, shift, people }
}

fn meet_all(world: &mut World) {
    for _ in 0..2 {
        for phone in [BELA, CHIDI, DINA] {
            world.meet(phone, AMINA);
        }
    }
}

#[test]
fn who_is_not_heard_of_is_overdue_on_each_phone_without_any_network() {
    let Field { mut world, people, .. } = field(1);
    say(&mut world, CHIDI, None, CheckInState::Ok);
    world.meet(CHIDI, AMINA);
    world.pass(29 * MINUTE);
    assert!(matches!(line(&mut world, AMINA, people[CHIDI]).due, Due::In(_)));
    world.pass(2 * MINUTE);
    assert!(matches!(line(&mut world, AMINA, people[CHIDI]).due, Due::Late(_)));
    world.pass(10 * MINUTE);
    let late = line(&mut world, AMINA, people[CHIDI]);
    assert!(matches!(late.due, Due::Overdue(ms) if ms < 2 * MINUTE as u64), "{:?}", late.due);
    assert_eq!(late.buddy.as_deref(), Some("Dina"));
    // Those who never said anything are overdue since the beginning, and above.
    let all = lines(&mut world, AMINA);
    assert_eq!(all.len(), 4);
    assert_eq!(all[3].person, people[CHIDI]);
    // One who left the place is not waited for.
    say(&mut world, CHIDI, None, CheckInState::OffSite);
    assert_eq!(line(&mut world, CHIDI, people[CHIDI]).due, Due::NotExpected);
}

#[test]
fn clocks_that_jump_a_day_and_restarts_neither_raise_nor_silence_an_alarm() {
    for seed in 0..6 {
        let Field { mut world, people, .. } = field(seed);
        let chidi = people[CHIDI];
        // The clock of the one who says it may be wrong as well.
        world.devices[CHIDI].clock.skew_ms = [0, DAY, -DAY][seed as usize % 3];
        say(&mut world, CHIDI, None, CheckInState::Ok);
        world.meet(CHIDI, AMINA);
        let last = |world: &mut World| line(world, AMINA, chidi).last_ms.unwrap();
        assert!(last(&mut world) < 2 * MINUTE as u64, "seed {seed}: {}", last(&mut world));
        let heard = world.now;
        for skew in [DAY, -DAY, 0, 40 * DAY, -3 * HOUR] {
            world.devices[AMINA].clock.skew_ms = skew;
            world.crash(AMINA, if skew > 0 { Crash::Dropped } else { Crash::Frozen }, false);
            world.restart(AMINA);
            world.pass(7 * MINUTE);
            let since = (world.now - heard) as u64;
            assert!(last(&mut world).abs_diff(since) < 2 * MINUTE as u64, "seed {seed}, {skew}");
            assert!(!matches!(line(&mut world, AMINA, chidi).due, Due::Overdue(_)));
        }
        world.devices[AMINA].clock.skew_ms = -DAY;
        world.pass(6 * MINUTE);
        assert!(matches!(line(&mut world, AMINA, chidi).due, Due::Overdue(_)), "seed {seed}");
    }
}

#[test]
fn over_a_new_start_of_the_phone_nothing_known_is_taken_back() {
    let Field { mut world, people, .. } = field(3);
    let chidi = people[CHIDI];
    say(&mut world, CHIDI, None, CheckInState::Ok);
    world.meet(CHIDI, AMINA);
    world.pass(45 * MINUTE);
    let mut watch = Watch::default();
    assert!(overdue(&look(&mut world, AMINA, &mut watch)).contains(&chidi));
    // The battery is empty for an hour, and the clock comes back a day behind.
    world.crash(AMINA, Crash::Dropped, false);
    world.pass(HOUR);
    world.devices[AMINA].clock.skew_ms = -DAY;
    world.reboot(AMINA);
    assert!(matches!(line(&mut world, AMINA, chidi).due, Due::Overdue(_)));
    let mut again = Watch::default();
    assert!(overdue(&look(&mut world, AMINA, &mut again)).contains(&chidi), "told anew after a start");
    // With a clock that is right the hour counts.
    world.crash(AMINA, Crash::Dropped, false);
    world.devices[AMINA].clock.skew_ms = 0;
    world.reboot(AMINA);
    let last = line(&mut world, AMINA, chidi).last_ms.unwrap();
    assert!(last.abs_diff(105 * MINUTE as u64) < 3 * MINUTE as u64, "{last}");
}

#[test]
fn each_missed_check_in_is_told_once() {
    let Field { mut world, people, shift } = field(4);
    // On two shifts at once.
    let second = add_shift(&mut world, AMINA, "West gate", &people[2..]);
    move_on(&mut world, AMINA, second, ShiftStatus::Active);
    let mut watch = Watch::default();
    for person in people {
        say(&mut world, AMINA, Some(person), CheckInState::Ok);
    }
    assert_eq!(look(&mut world, AMINA, &mut watch), []);
    world.pass(41 * MINUTE);
    let mut told = overdue(&look(&mut world, AMINA, &mut watch));
    told.sort_unstable();
    let mut all = people.to_vec();
    all.sort_unstable();
    assert_eq!(told, all);
    world.pass(HOUR);
    assert_eq!(look(&mut world, AMINA, &mut watch), []);
    say(&mut world, AMINA, Some(people[CHIDI]), CheckInState::Moving);
    assert_eq!(look(&mut world, AMINA, &mut watch), []);
    world.pass(41 * MINUTE);
    assert_eq!(overdue(&look(&mut world, AMINA, &mut watch)), [people[CHIDI]]);
    // Once it is over nobody waits.
    for shift in [shift, second] {
        move_on(&mut world, AMINA, shift, ShiftStatus::Debriefed);
    }
    assert_eq!(lines(&mut world, AMINA), []);
}

#[test]
fn missing_stands_against_an_ok_that_knew_nothing_of_it() {
    let Field { mut world, people, .. } = field(5);
    let dina = people[DINA];
    say(&mut world, CHIDI, Some(dina), CheckInState::Ok);
    say(&mut world, BELA, Some(dina), CheckInState::Missing);
    // By its clock the "ok" is later.
    world.pass(MINUTE);
    say(&mut world, CHIDI, Some(dina), CheckInState::Ok);
    let mut watch = Watch::default();
    meet_all(&mut world);
    for phone in [AMINA, BELA, CHIDI, DINA] {
        assert_eq!(state(&mut world, phone, dina), CheckInState::Missing, "on {phone}");
    }
    let told = look(&mut world, AMINA, &mut watch);
    assert!(matches!(told[..], [Event::Alarm { state: CheckInState::Missing, .. }]), "{told:?}");
    // One other who saw it is not enough, two are.
    say(&mut world, CHIDI, Some(dina), CheckInState::Ok);
    assert_eq!(state(&mut world, CHIDI, dina), CheckInState::Missing);
    say(&mut world, AMINA, Some(dina), CheckInState::Ok);
    meet_all(&mut world);
    for phone in [AMINA, BELA, CHIDI, DINA] {
        assert_eq!(state(&mut world, phone, dina), CheckInState::Ok, "on {phone}");
    }
    verdict::same_everywhere(&mut world, &Expected::default());
}

#[test]
fn covert_distress_is_an_ordinary_check_in_on_the_senders_phone() {
    let Field { mut world, people, .. } = field(6);
    let dina = people[DINA];
    say(&mut world, DINA, None, CheckInState::CovertDistress);
    let mut watch = Watch::default();
    assert_eq!(look(&mut world, DINA, &mut watch), []);
    meet_all(&mut world);
    for phone in [AMINA, BELA, CHIDI] {
        assert_eq!(state(&mut world, phone, dina), CheckInState::CovertDistress, "on {phone}");
        assert_eq!(lines(&mut world, phone)[0].person, dina, "first on {phone}");
    }
    // Whoever holds the phone says "ok" on it, which clears nothing elsewhere and shows nothing there.
    say(&mut world, DINA, None, CheckInState::Ok);
    meet_all(&mut world);
    assert_eq!(state(&mut world, AMINA, dina), CheckInState::CovertDistress);
    let own = line(&mut world, DINA, dina);
    assert_eq!((own.state, own.open), (Some(CheckInState::Ok), vec![]));
    assert_eq!(look(&mut world, DINA, &mut watch), []);
    let listed = world.devices[DINA].ledger().check_ins(dina, 10).unwrap();
    assert!(listed.iter().all(|it| it.state == "ok" && !it.open), "{listed:?}");
    for phone in [AMINA, CHIDI] {
        say(&mut world, phone, Some(dina), CheckInState::Ok);
    }
    meet_all(&mut world);
    assert_eq!(state(&mut world, BELA, dina), CheckInState::Ok);
}

#[test]
fn what_only_leads_decide_is_a_proposal_from_others() {
    let Field { mut world, people, .. } = field(7);
    let shift = add_shift(&mut world, AMINA, "Night", &people[..1]);
    meet_all(&mut world);
    let draft = Shift::default();
    assert!(world.write(CHIDI, |ledger, now, rng| ledger.add_shift(&draft, now, rng)).is_err());
    assert!(!move_on(&mut world, CHIDI, shift, ShiftStatus::Debriefed));
    let (key, role) = (String::new(), "Observer".to_owned());
    let assignment = Assignment { key, person: people[CHIDI], role, buddy: None, from: None, until: None };
    let decided = world.write(CHIDI, |ledger, now, rng| ledger.assign(shift, &assignment, now, rng)).unwrap();
    assert!(!decided.counts);
    // Each says for themself whether they go, and nobody for others.
    let go = |world: &mut World, by: usize, of: PersonId, answer| {
        world.write(by, |ledger, now, rng| ledger.ready(shift, of, answer, "", now, rng)).unwrap().counts
    };
    assert!(go(&mut world, CHIDI, people[CHIDI], GoNoGo::Yes));
    assert!(!go(&mut world, CHIDI, people[DINA], GoNoGo::Yes));
    meet_all(&mut world);
    for phone in [AMINA, BELA, CHIDI, DINA] {
        let view = world.devices[phone].ledger().shift(shift).unwrap();
        assert_eq!(view.status, ShiftStatus::Planned, "on {phone}");
        assert_eq!(view.record.assignments.len(), 1);
        assert_eq!((view.proposed.len(), &view.proposed_steps[..]), (1, &[ShiftStatus::Debriefed][..]));
        let answers: Vec<_> = view.record.answers().iter().map(|it| it.person).collect();
        assert_eq!(answers, [people[CHIDI]]);
        let rows = world.devices[phone].ledger().shifts(10).unwrap();
        let row = rows.into_iter().find(|row| row.id == shift).unwrap().row;
        assert_eq!((row.status, row.assignments.len(), row.proposals), (0, 1, 2));
    }
    world.write(AMINA, |ledger, now, rng| ledger.assign(shift, &assignment, now, rng)).unwrap();
    world.write(AMINA, |ledger, now, rng| ledger.unassign(shift, people[AMINA], "ill", now, rng)).unwrap();
    meet_all(&mut world);
    let view = world.devices[DINA].ledger().shift(shift).unwrap();
    let assigned: Vec<_> = view.record.assignments.iter().map(|it| it.person).collect();
    assert_eq!(assigned, [people[CHIDI]]);
    verdict::same_everywhere(&mut world, &Expected::default());
}

#[test]
fn somebody_without_a_phone_is_on_a_shift_like_everybody() {
    let Field { mut world, people, .. } = field(8);
    let person = Person { display_name: Some("Esi".to_owned()), ..Person::default() };
    assert!(world.write(CHIDI, |ledger, now, rng| ledger.add_person(person.clone(), now, rng)).is_err());
    let record = world.write(AMINA, |ledger, now, rng| ledger.add_person(person, now, rng)).unwrap().id;
    let esi = world.devices[AMINA].ledger().find_person("esi").unwrap();
    assert_eq!(esi, PersonId::new(*record.as_bytes()));
    let shift = add_shift(&mut world, AMINA, "Night", &[people[CHIDI], esi]);
    meet_all(&mut world);
    say(&mut world, CHIDI, Some(esi), CheckInState::Ok);
    let shown = lines(&mut world, CHIDI);
    let shown = shown.iter().find(|line| line.person == esi && line.shift == Some(shift)).unwrap();
    assert_eq!((shown.name.as_str(), shown.state), ("Esi", Some(CheckInState::Ok)));
    let said = world.devices[CHIDI].ledger().check_ins(esi, 1).unwrap().remove(0);
    assert_eq!(
        (said.by_whom.as_deref(), said.shift, said.author.as_str()),
        (Some("buddy"), Some(shift), "Chidi")
    );
}

/// Journey 13.
#[test]
fn hand_off() {
    for seed in 0..5 {
        let Field { mut world, people, shift: early } = field(100 + seed);
        for number in 1..=4 {
            let incident = Incident { title: Some(format!("Incident {number}")), ..Incident::default() };
            world.write(AMINA, |ledger, now, rng| ledger.add_incident(incident, now, rng)).unwrap();
        }
        let late = add_shift(&mut world, AMINA, "Late", &people);
        // Everybody is heard of; from here on there is no network but the two leads' phones, once.
        for person in people {
            say(&mut world, AMINA, Some(person), CheckInState::Ok);
        }
        move_on(&mut world, AMINA, early, ShiftStatus::StandingDown);
        move_on(&mut world, AMINA, late, ShiftStatus::Active);
        let action =
            OpenItem { key: String::new(), document: None, text: "Call the harbour master".to_owned() };
        let draft = Handoff { from_shift: Some(early), to_shift: Some(late), ..Handoff::default() };
        let draft = if seed % 2 == 0 { draft } else { Handoff { open_actions: vec![action], ..draft } };
        let id = world.write(AMINA, |ledger, now, rng| ledger.start_handoff(draft, now, rng)).unwrap().id;
        world.write(AMINA, |ledger, now, rng| ledger.give_handoff(id, now, rng)).unwrap();
        world.meet(BELA, AMINA);

        let view = world.devices[BELA].ledger().handoff(id).unwrap();
        assert!(view.standing.given && !view.standing.complete());
        assert_eq!(view.record.open_incidents.len(), 4);
        assert_eq!((view.from_title.as_str(), view.to_title.as_str()), ("East gate", "Late"));
        let keys: Vec<String> = view.items.iter().map(|item| item.key.clone()).collect();
        let rest = keys.len() - 1;
        let answer = |world: &mut World, phone: usize, keys: &[String], answer| {
            let decided =
                world.write(phone, |ledger, now, rng| ledger.answer_handoff(id, keys, answer, "", now, rng));
            decided.unwrap().counts
        };
        assert!(answer(&mut world, BELA, &keys[..rest], HandoffAnswer::Accepted));
        assert!(answer(&mut world, BELA, &keys[rest..], HandoffAnswer::Questioned));
        world.write(BELA, |ledger, now, rng| ledger.take_handoff(id, "", now, rng)).unwrap();
        // Neither the one who gave it nor somebody who does not lead can settle it.
        world.meet(BELA, AMINA);
        answer(&mut world, AMINA, &keys[rest..], HandoffAnswer::Accepted);
        world.meet(CHIDI, AMINA);
        assert!(!answer(&mut world, CHIDI, &keys[rest..], HandoffAnswer::Accepted));
        world.meet(CHIDI, AMINA);
        world.meet(BELA, AMINA);
        for phone in [AMINA, BELA] {
            let view = world.devices[phone].ledger().handoff(id).unwrap();
            let standing = &view.standing;
            assert_eq!((standing.given, standing.taken, standing.unsettled()), (true, true, 1), "on {phone}");
            assert!(!standing.complete());
            let row = world.devices[phone].ledger().handoffs(1).unwrap().remove(0).row;
            assert_eq!((row.given, row.taken, row.unsettled), (true, true, 1));
        }

        // Nobody hears of Dina during the change-over, and the phones do not meet either.
        let mut watches = [Watch::default(), Watch::default()];
        for phone in [AMINA, BELA] {
            assert_eq!(look(&mut world, phone, &mut watches[phone]), []);
        }
        world.pass(20 * MINUTE);
        for phone in [AMINA, BELA] {
            for person in [AMINA, BELA, CHIDI] {
                say(&mut world, phone, Some(people[person]), CheckInState::Ok);
            }
        }
        world.devices[BELA].clock.skew_ms = if seed % 2 == 0 { DAY } else { -DAY };
        world.pass(21 * MINUTE);
        for phone in [AMINA, BELA] {
            assert_eq!(overdue(&look(&mut world, phone, &mut watches[phone])), [people[DINA]], "on {phone}");
        }

        answer(&mut world, BELA, &keys[rest..], HandoffAnswer::Accepted);
        world.meet(BELA, AMINA);
        assert!(world.devices[AMINA].ledger().handoff(id).unwrap().standing.complete());
        meet_all(&mut world);
        verdict::same_everywhere(&mut world, &Expected::default());
    }
}
