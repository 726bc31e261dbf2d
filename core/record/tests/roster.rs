//! How people, shifts and hand-offs stand by what was said of them, and what validation says of them.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::Moment;
use firsthand_record::roster::*;
use firsthand_record::validate::roster::ShiftContext;
use firsthand_record::validate::{self, Context, Finding, Rule, is_rejected};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn person(number: u8) -> PersonId {
    PersonId::new([number; PersonId::LEN])
}

fn document(number: u8) -> DocumentId {
    DocumentId::new([number; DocumentId::LEN])
}

const STATES: [CheckInState; 6] = [
    CheckInState::Ok,
    CheckInState::NeedSupport,
    CheckInState::Moving,
    CheckInState::OffSite,
    CheckInState::Missing,
    CheckInState::CovertDistress,
];

/// The person whom everything is about; 2 to 4 are others.
const SELF: u8 = 1;

/// One check-in: its number is its place.
#[derive(Debug, Clone)]
struct Step {
    id: u8,
    author: u8,
    state: CheckInState,
    answers: Vec<DocumentId>,
}

fn said(steps: &[Step]) -> Vec<Said<'_>> {
    let said = |step: &'_ Step| (document(step.id), person(step.author), step.state);
    steps
        .iter()
        .map(|step| {
            let (id, author, state) = said(step);
            Said { id, author, state, answers: &step.answers }
        })
        .collect()
}

fn stands(steps: &[Step]) -> Option<PersonStanding> {
    standing(person(SELF), &said(steps))
}

/// Check-ins in the order in which they were made; each answers some of what came before it.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (1u8..=4, select(&STATES[..]), prop::collection::vec(any::<Index>(), 0..4));
    prop::collection::vec(one, 1..12).prop_map(|drawn| {
        let mut steps: Vec<Step> = Vec::new();
        for (author, state, seen) in drawn {
            let answers = match steps.len() {
                0 => Vec::new(),
                len => seen.iter().map(|index| document(steps[index.index(len)].id)).collect(),
            };
            steps.push(Step { id: steps.len() as u8 + 10, author, state, answers });
        }
        steps
    })
}

/// The rule said once more, alarm by alarm.
fn is_open(alarm: &Step, steps: &[Step]) -> bool {
    let answered = steps.iter().filter(|it| !it.state.is_alarm() && it.answers.contains(&document(alarm.id)));
    let by: BTreeSet<u8> = answered.map(|it| it.author).collect();
    let others = by.iter().filter(|author| **author != SELF).count();
    let own = by.contains(&SELF) && alarm.state != CheckInState::CovertDistress;
    alarm.state.is_alarm() && !own && others < 2
}

proptest! {
    #[test]
    fn an_alarm_is_cleared_only_by_those_who_had_seen_it(steps in steps()) {
        let found = stands(&steps).unwrap();
        let open: Vec<_> = steps.iter().filter(|it| is_open(it, &steps)).map(|it| document(it.id)).collect();
        prop_assert_eq!(&found.open, &open);
        prop_assert_eq!(found.state.is_alarm(), !open.is_empty());
        // What is shown is the most protective of what is open.
        for step in steps.iter().filter(|it| is_open(it, &steps)) {
            prop_assert!(found.state.protective() <= step.state.protective());
        }
    }

    #[test]
    fn who_says_ok_without_having_seen_the_alarm_clears_nothing(steps in steps(), author in 1u8..=4) {
        let before = stands(&steps).unwrap();
        let mut after = steps;
        after.push(Step { id: 99, author, state: CheckInState::Ok, answers: Vec::new() });
        let after = stands(&after).unwrap();
        prop_assert_eq!(&after.open, &before.open);
        if before.state.is_alarm() {
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn what_is_open_does_not_depend_on_the_order(steps in steps(), shuffled in Just(()).prop_perturb(|(), rng| rng)) {
        let mut other = steps.clone();
        let mut rng = shuffled;
        for place in (1..other.len()).rev() {
            other.swap(place, rng.next_u32() as usize % (place + 1));
        }
        let (one, two) = (stands(&steps).unwrap(), stands(&other).unwrap());
        let set = |it: &PersonStanding| it.open.iter().copied().collect::<BTreeSet<_>>();
        prop_assert_eq!(set(&one), set(&two));
        if one.state.is_alarm() {
            prop_assert_eq!(one.state, two.state);
        }
    }

    #[test]
    fn more_that_is_known_opens_no_alarm_but_a_new_one(steps in steps(), len in any::<Index>()) {
        let part = &steps[..=len.index(steps.len())];
        let new: BTreeSet<_> = steps[part.len()..].iter().map(|it| document(it.id)).collect();
        let before: BTreeSet<_> = stands(part).unwrap().open.into_iter().collect();
        let after: BTreeSet<_> = stands(&steps).unwrap().open.into_iter().collect();
        prop_assert!(after.difference(&before).all(|id| new.contains(id)));
    }

    #[test]
    fn covert_distress_is_never_cleared_by_the_person(steps in steps()) {
        let mut steps = steps;
        steps.push(Step { id: 98, author: SELF, state: CheckInState::CovertDistress, answers: Vec::new() });
        let mut last = steps.clone();
        let all = steps.iter().map(|it| document(it.id)).collect();
        last.push(Step { id: 99, author: SELF, state: CheckInState::Ok, answers: all });
        prop_assert!(stands(&last).unwrap().open.contains(&document(98)));
        prop_assert_eq!(stands(&last).unwrap().state, CheckInState::CovertDistress);
    }

    #[test]
    fn the_screen_of_the_person_never_tells_covert_distress(steps in steps()) {
        let own = standing_on(person(SELF), person(SELF), &said(&steps)).unwrap();
        prop_assert!(own.state != CheckInState::CovertDistress);
        // It reads as if each were an ordinary "ok".
        let overt: Vec<Step> = steps.iter().map(|it| Step { state: it.state.overt(), ..it.clone() }).collect();
        prop_assert_eq!(&own, &stands(&overt).unwrap());
        for other in 2..=4 {
            prop_assert_eq!(standing_on(person(other), person(SELF), &said(&steps)), stands(&steps));
        }
    }

    #[test]
    fn a_shift_only_moves_on(one in prop::collection::vec(0usize..5, 0..6), two in prop::collection::vec(0usize..5, 0..6)) {
        let all = [
            ShiftStatus::Planned,
            ShiftStatus::Briefed,
            ShiftStatus::Active,
            ShiftStatus::StandingDown,
            ShiftStatus::Debriefed,
        ];
        let shift = |steps: &[usize]| Shift {
            status_log: steps
                .iter()
                .map(|at| ShiftStep { key: String::new(), status: all[*at], by: None, at: None })
                .collect(),
            ..Shift::default()
        };
        let (left, right) = (shift(&one).status(), shift(&two).status());
        let merged = shift(&[one.clone(), two.clone()].concat()).status();
        prop_assert_eq!(merged, left.max(right));
        prop_assert_eq!(merged, shift(&[two, one].concat()).status());
    }
}

#[test]
fn ok_by_a_buddy_and_missing_by_a_lead_while_apart_is_missing() {
    for order in [[0, 1], [1, 0]] {
        let both = [
            Step { id: 10, author: 2, state: CheckInState::Ok, answers: vec![] },
            Step { id: 11, author: 3, state: CheckInState::Missing, answers: vec![] },
        ];
        let steps: Vec<Step> = order.iter().map(|at| both[*at].clone()).collect();
        assert_eq!(stands(&steps).unwrap().state, CheckInState::Missing);
    }
}

#[test]
fn missing_is_cleared_by_the_person_or_by_two_others() {
    let missing = Step { id: 10, author: 3, state: CheckInState::Missing, answers: vec![] };
    let ok = |id, author| Step { id, author, state: CheckInState::Ok, answers: vec![document(10)] };
    let state = |steps: &[Step]| stands(steps).unwrap().state;
    assert_eq!(state(&[missing.clone(), ok(11, SELF)]), CheckInState::Ok);
    assert_eq!(state(&[missing.clone(), ok(11, 2)]), CheckInState::Missing);
    assert_eq!(state(&[missing.clone(), ok(11, 2), ok(12, 2)]), CheckInState::Missing);
    assert_eq!(state(&[missing.clone(), ok(11, 2), ok(12, 3)]), CheckInState::Ok);
    let covert = Step { state: CheckInState::CovertDistress, author: SELF, ..missing };
    assert_eq!(state(&[covert.clone(), ok(11, SELF), ok(12, 2)]), CheckInState::CovertDistress);
    assert_eq!(state(&[covert, ok(11, 2), ok(12, 3)]), CheckInState::Ok);
}

/// A hand-off of `items` items that is given and answered as `steps` say: who, of which item (0: the whole), what.
fn handoff(items: u8, given: &[(u8, u8)], steps: &[(u8, u8, HandoffAnswer)]) -> Handoff {
    let key = |number: u8| if number == 0 { String::new() } else { format!("item|{number}") };
    let item = |number| OpenItem { key: key(number), document: Some(document(number)), text: String::new() };
    let at = moment("2026-05-01T12:00:00+03:00");
    let split = items / 2;
    Handoff {
        open_incidents: (1..=split).map(item).collect(),
        open_actions: (split + 1..=items).map(item).collect(),
        given_by: given
            .iter()
            .enumerate()
            .map(|(place, (by, count))| GivenStep {
                key: format!("given|{place}|{by}"),
                by: person(*by),
                at,
                items: (1..=*count).map(key).collect(),
            })
            .collect(),
        accepted_by: steps
            .iter()
            .enumerate()
            .map(|(place, (by, number, answer))| AcceptedStep {
                key: format!("said|{place}|{by}"),
                item: key(*number),
                answer: *answer,
                by: person(*by),
                at,
                note: String::new(),
            })
            .collect(),
        ..Handoff::default()
    }
}

/// 1 and 2 lead, 3 does not.
fn by_lead(key: &str) -> bool {
    !key.ends_with("|3")
}

const ANSWERS: [HandoffAnswer; 4] =
    [HandoffAnswer::Accepted, HandoffAnswer::Questioned, HandoffAnswer::Declined, HandoffAnswer::Closed];

type Given = Vec<(u8, u8)>;
type Answered = Vec<(u8, u8, HandoffAnswer)>;

fn history() -> impl Strategy<Value = (u8, Given, Answered)> {
    let given = prop::collection::vec((1u8..=3, 0u8..=5), 0..4);
    let answered = prop::collection::vec((1u8..=3, 0u8..=5, select(&ANSWERS[..])), 0..16);
    (0u8..=5, given, answered)
}

proptest! {
    #[test]
    fn a_hand_off_is_complete_only_if_an_incoming_lead_settled_each_item((items, given, steps) in history()) {
        let standing = handoff(items, &given, &steps).standing(by_lead);
        let gave: BTreeSet<u8> = given.iter().map(|(by, _)| *by).filter(|by| *by != 3).collect();
        let counts = |by: u8| by != 3 && !gave.contains(&by);
        prop_assert_eq!(standing.items.len(), items as usize);
        if standing.complete() {
            prop_assert!(given.iter().any(|(by, count)| *by != 3 && *count >= items));
            for item in 0..=items {
                let said: Vec<_> = steps.iter().filter(|(by, of, _)| *of == item && counts(*by)).collect();
                let mut last = BTreeMap::new();
                for (by, _, answer) in &said {
                    last.insert(*by, *answer);
                }
                prop_assert!(!last.is_empty(), "nobody who takes over said anything to item {}", item);
                prop_assert!(last.values().all(|answer| *answer != HandoffAnswer::Questioned));
                if item == 0 {
                    prop_assert_eq!(said.last().unwrap().2, HandoffAnswer::Accepted);
                }
            }
        }
    }

    #[test]
    fn who_does_not_lead_changes_nothing((items, given, steps) in history()) {
        let without_given: Given = given.iter().copied().filter(|(by, _)| *by != 3).collect();
        let without: Answered = steps.iter().copied().filter(|(by, _, _)| *by != 3).collect();
        let all = handoff(items, &given, &steps).standing(by_lead);
        prop_assert_eq!(all, handoff(items, &without_given, &without).standing(by_lead));
    }

    #[test]
    fn a_question_stands_until_the_one_who_asked_says_otherwise((items, given, steps) in history()) {
        prop_assume!(items > 0 && given.iter().all(|(by, _)| *by != 1));
        let mut steps = steps;
        steps.retain(|(by, item, _)| !(*by == 1 && *item == 1));
        steps.push((1, 1, HandoffAnswer::Questioned));
        steps.push((2, 1, HandoffAnswer::Accepted));
        let open = handoff(items, &given, &steps).standing(by_lead);
        prop_assert_eq!(open.items["item|1"], Some(HandoffAnswer::Questioned));
        prop_assert!(!open.complete());
        steps.push((1, 1, HandoffAnswer::Accepted));
        let now = handoff(items, &given, &steps).standing(by_lead).items["item|1"];
        prop_assert!(now == Some(HandoffAnswer::Accepted));
    }

    #[test]
    fn an_item_that_came_after_the_giving_is_not_given((items, given, steps) in history()) {
        prop_assume!(given.iter().all(|(_, count)| *count <= items));
        prop_assert!(!handoff(items + 1, &given, &steps).standing(by_lead).given);
    }
}

#[test]
fn who_gave_an_earlier_state_of_it_cannot_take_it_over() {
    use HandoffAnswer::Accepted;
    // 1 gave one item; a second one came, and 2 gave both.
    let standing = handoff(2, &[(1, 1), (2, 2)], &[(1, 1, Accepted), (1, 2, Accepted), (1, 0, Accepted)])
        .standing(by_lead);
    assert!(standing.given && !standing.taken && !standing.complete());
}

#[test]
fn of_four_items_three_accepted_and_one_questioned_stay_open() {
    use HandoffAnswer::{Accepted, Questioned};
    let mut steps =
        vec![(2, 1, Accepted), (2, 2, Accepted), (2, 3, Accepted), (2, 4, Questioned), (2, 0, Accepted)];
    let open = handoff(4, &[(1, 4)], &steps).standing(by_lead);
    assert_eq!((open.given, open.taken, open.unsettled(), open.complete()), (true, true, 1, false));
    steps.push((2, 4, Accepted));
    assert!(handoff(4, &[(1, 4)], &steps).standing(by_lead).complete());
}

fn shift() -> Shift {
    Shift {
        title: Some("East gate, night".into()),
        start: Some(moment("2026-05-01T20:00:00+03:00")),
        end: Some(moment("2026-05-02T02:00:00+03:00")),
        check_in_rule: Some(CheckInRule { every_min: 60, grace_min: 15 }),
        ..Shift::default()
    }
}

fn assigned(who: u8, role: &str, buddy: Option<u8>) -> Assignment {
    let (person, buddy) = (person(who), buddy.map(person));
    Assignment { key: String::new(), person, role: role.into(), buddy, from: None, until: None }
}

fn judge(shift: &Shift, around: &ShiftContext) -> Vec<Finding> {
    validate::roster::shift(shift, &Context::at(shift.start.unwrap().millis()), around)
}

fn rules(found: &[Finding]) -> BTreeSet<(String, Rule)> {
    found.iter().map(|it| (it.field.clone(), it.rule)).collect()
}

#[test]
fn a_shift_over_midnight_and_over_a_change_of_clocks_is_sound() {
    assert_eq!(judge(&shift(), &ShiftContext::default()), []);
    // Clocks go back an hour: the wall shows 01:00 twice, and the shift lasts seven hours.
    let back = Shift {
        start: Some(moment("2026-10-24T22:00:00+02:00")),
        end: Some(moment("2026-10-25T04:00:00+01:00")),
        ..shift()
    };
    assert_eq!(judge(&back, &ShiftContext::default()), []);
    // By the wall it ends before it begins, in truth half an hour after.
    let wall = Shift {
        start: Some(moment("2026-10-25T02:45:00+02:00")),
        end: Some(moment("2026-10-25T02:15:00+01:00")),
        ..shift()
    };
    assert_eq!(judge(&wall, &ShiftContext::default()), []);
    let turned = Shift { start: shift().end, end: shift().start, ..shift() };
    assert!(is_rejected(&judge(&turned, &ShiftContext::default())));
}

#[test]
fn who_is_alone_elsewhere_or_no_longer_there_is_marked_and_saved() {
    let mut shift = shift();
    shift.assignments = vec![
        assigned(1, "Lead", Some(2)),
        assigned(2, "Observer", Some(1)),
        assigned(3, "Observer", None),
        assigned(4, "Observer", Some(1)),
        assigned(5, "Observer", Some(6)),
    ];
    let around = ShiftContext {
        roles_required: BTreeMap::from([("observer".into(), 3), ("Medic".into(), 1)]),
        active: Some((1..=4).map(person).collect()),
    };
    let found = judge(&shift, &around);
    assert!(!is_rejected(&found));
    let expected = [
        ("assignments[2].person", Rule::NoBuddy),
        ("assignments[4].buddy", Rule::BuddyElsewhere),
        ("assignments[4].person", Rule::NotActive),
        ("roles_required.Medic", Rule::RoleNotFilled),
    ];
    assert_eq!(rules(&found), expected.map(|(field, rule)| (field.to_owned(), rule)).into());
}

#[test]
fn a_buddy_at_another_time_is_elsewhere() {
    let mut shift = shift();
    let mut late = assigned(2, "Observer", Some(1));
    late.from = Some(moment("2026-05-01T23:00:00+03:00"));
    let mut early = assigned(1, "Observer", Some(2));
    early.until = Some(moment("2026-05-01T23:00:00+03:00"));
    shift.assignments = vec![early, late];
    let found = rules(&judge(&shift, &ShiftContext::default()));
    assert!(found.contains(&("assignments[0].buddy".into(), Rule::BuddyElsewhere)));
    assert!(found.contains(&("assignments[1].buddy".into(), Rule::BuddyElsewhere)));
}

#[test]
fn what_cannot_be_is_refused() {
    let none = ShiftContext::default();
    for rule in [
        CheckInRule { every_min: 0, grace_min: 5 },
        CheckInRule { every_min: 1_441, grace_min: 5 },
        CheckInRule { every_min: 60, grace_min: 1_441 },
        CheckInRule { every_min: u32::MAX, grace_min: u32::MAX },
    ] {
        let found = judge(&Shift { check_in_rule: Some(rule), ..shift() }, &none);
        assert!(is_rejected(&found), "{rule:?}");
        // However large, it is a time.
        assert!(rule.due_ms() >= u64::from(rule.grace_min) * 60_000);
    }
    let own = Shift { assignments: vec![assigned(4, "Observer", Some(4))], ..shift() };
    assert!(is_rejected(&judge(&own, &none)));
    let context = Context::at(shift().start.unwrap().millis());
    let empty = validate::roster::check_in(&CheckIn::default(), &context);
    assert_eq!(rules(&empty).len(), 3);
    assert!(is_rejected(&empty));
    let person_of =
        |name: &str| Person { person: Some(person(1)), display_name: Some(name.into()), ..Person::default() };
    assert!(is_rejected(&validate::roster::person(&person_of("  "))));
    assert_eq!(validate::roster::person(&person_of("Amina")), []);
    let same = Handoff { from_shift: Some(document(1)), to_shift: Some(document(1)), ..Handoff::default() };
    assert!(is_rejected(&validate::roster::handoff(&same)));
}

proptest! {
    #[test]
    fn a_training_counts_from_its_day_to_its_last(days in 0u64..900, from in 0u64..400, long in prop::option::of(0u64..400)) {
        let zero = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let day = |after: u64| zero + chrono::Days::new(after);
        let training = Training {
            key: String::new(),
            course: "First aid".into(),
            template_id: None,
            version: None,
            run: None,
            date: day(from),
            expires: long.map(|long| day(from + long)),
            by: None,
            certificate: None,
        };
        let counts = days >= from && long.is_none_or(|long| days <= from + long);
        prop_assert_eq!(training.counts_on(day(days)), counts);
    }

    #[test]
    fn the_last_answer_of_each_counts(steps in prop::collection::vec((1u8..5, any::<bool>()), 0..10)) {
        let mut last = BTreeMap::new();
        let mut shift = shift();
        for (who, go) in steps {
            let answer = if go { GoNoGo::Yes } else { GoNoGo::No };
            last.insert(person(who), answer);
            let step = GoNoGoStep { key: String::new(), person: person(who), answer, note: String::new(), at: None };
            shift.go_no_go.push(step);
        }
        let answers: BTreeMap<_, _> = shift.answers().into_iter().map(|it| (it.person, it.answer)).collect();
        prop_assert_eq!(answers, last);
    }
}
