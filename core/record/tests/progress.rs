//! Where a run stands: ticks, answers, conditions, and what validation says of templates and runs.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::Moment;
use firsthand_record::checklist::*;
use firsthand_record::validate::{self, Context, Rule};
use proptest::prelude::*;
use serde_json::{Value, json};

fn noon() -> Moment {
    "2026-05-01T12:00:00+03:00".parse().unwrap()
}

fn person(number: u8) -> PersonId {
    PersonId::new([number; PersonId::LEN])
}

fn item(item_id: &str, item_type: ItemType, change: impl FnOnce(&mut TemplateItem)) -> TemplateItem {
    let mut item = TemplateItem::new(item_id, item_type);
    item.label = Localised::one("en", item_id);
    change(&mut item);
    item
}

fn choices(names: &[&str]) -> Vec<Choice> {
    let choice =
        |name: &&str| Choice { name: (*name).into(), label: Localised::one("en", name.to_uppercase()) };
    names.iter().map(choice).collect()
}

fn content() -> TemplateContent {
    TemplateContent {
        title: Localised::one("en", "Checkpoint"),
        languages: vec!["en".into(), "es".into()],
        items: vec![
            item("read_me", ItemType::Note, |_| {}),
            item("calm", ItemType::Check, |it| it.required = true),
            item("armed", ItemType::SelectOne, |it| {
                it.choices = choices(&["yes", "no"]);
                it.required = true;
            }),
            item("how_many", ItemType::Integer, |it| {
                it.relevant = Some("${armed} = 'yes'".into());
                it.constraint = Some(". >= 1 and . <= 50".into());
                it.constraint_message = Localised::one("en", "1 to 50, not ${armed}");
            }),
            item("retreat", ItemType::Check, |it| {
                it.relevant = Some("${how_many} > 5".into());
                it.critical = true;
                it.label = Localised::one("en", "${how_many} are armed (${armed}). Go back.");
            }),
            item("wait", ItemType::Timer, |it| it.timer_s = Some(60)),
        ],
        ..TemplateContent::default()
    }
}

fn run(answers: Vec<Answer>) -> Run {
    let mut run = Run::new("checkpoint", 1, DocumentId::new([2; DocumentId::LEN]), noon());
    run.answers = answers;
    for (index, answer) in run.answers.iter_mut().enumerate() {
        if answer.key.is_empty() {
            answer.key = format!("w|{index}");
        }
    }
    run
}

fn answer(item_id: &str, by: u8, value: Value) -> Answer {
    Answer::new(item_id, person(by), value, noon())
}

fn reader(number: u8) -> Reader<'static> {
    Reader { person: Some(person(number)), language: "es-MX", now: noon() }
}

fn ids<'a>(states: &[&'a ItemState<'a>]) -> Vec<&'a str> {
    states.iter().map(|state| state.item.item_id.as_str()).collect()
}

#[test]
fn items_come_into_question_as_answers_stand_and_critical_ones_come_first() {
    let content = content();
    let checklist = Checklist::new(&content);
    let empty = run(vec![]);
    let progress = checklist.progress(&empty, &reader(1));
    assert_eq!(ids(&progress.critical_first()), ["read_me", "calm", "armed", "wait"]);
    assert_eq!((progress.done, progress.total, progress.critical_total), (0, 3, 0));
    assert_eq!(ids(&progress.missing()), ["calm", "armed"]);

    let armed = run(vec![answer("armed", 1, json!("yes")), answer("how_many", 1, json!(8))]);
    let progress = checklist.progress(&armed, &reader(1));
    assert_eq!(ids(&progress.critical_first()), ["retreat", "read_me", "calm", "armed", "how_many", "wait"]);
    assert_eq!((progress.done, progress.total), (2, 5));
    assert_eq!((progress.critical_done, progress.critical_total), (0, 1));
    assert_eq!(progress.critical_first()[0].label, "8 are armed (YES). Go back.");

    // Where one question falls away, so does what hangs on it, though its answer is still there.
    let unarmed = run([armed.answers.clone(), vec![answer("armed", 1, json!("no"))]].concat());
    let progress = checklist.progress(&unarmed, &reader(1));
    assert_eq!(ids(&progress.critical_first()), ["read_me", "calm", "armed", "wait"]);
}

#[test]
fn an_answer_that_breaks_its_constraint_is_not_done() {
    let content = content();
    let broken = run(vec![answer("armed", 1, json!("yes")), answer("how_many", 1, json!(51))]);
    let progress = Checklist::new(&content).progress(&broken, &reader(1));
    let states = progress.broken();
    assert_eq!(ids(&states), ["how_many"]);
    assert_eq!(states[0].broken[0].1, Broken::Constraint("1 to 50, not YES".into()));
    assert!(!states[0].done);
    let wrong = run(vec![answer("armed", 1, json!("maybe"))]);
    let progress = Checklist::new(&content).progress(&wrong, &reader(1));
    assert_eq!(progress.broken()[0].broken[0].1, Broken::Kind);
    assert_eq!((progress.done, progress.total), (0, 3));
}

#[test]
fn ones_own_answer_counts_before_that_of_others_and_a_cleared_one_not_at_all() {
    let content = content();
    let two = run(vec![
        answer("armed", 1, json!("no")),
        answer("armed", 2, json!("yes")),
        answer("armed", 3, json!("no")),
        answer("armed", 3, Value::Null),
    ]);
    let checklist = Checklist::new(&content);
    let seen = |number| {
        let progress = checklist.progress(&two, &reader(number));
        let state = &progress.items[2];
        assert_eq!((state.answers.len(), state.entries.len()), (2, 4));
        state.counts.unwrap().value.clone()
    };
    assert_eq!((seen(1), seen(2), seen(3), seen(4)), (json!("no"), json!("yes"), json!("yes"), json!("yes")));
}

#[test]
fn a_timer_is_done_when_it_ran_out() {
    let content = content();
    let mut run = run(vec![]);
    let entry = |event| TimerEntry {
        key: String::new(),
        item_id: "wait".into(),
        person: person(1),
        event,
        at: noon(),
    };
    run.timers = vec![entry(TimerEvent::Started), entry(TimerEvent::Stopped)];
    assert!(!Checklist::new(&content).progress(&run, &reader(1)).items[5].done);
    run.timers.push(entry(TimerEvent::Finished));
    assert!(Checklist::new(&content).progress(&run, &reader(1)).items[5].done);
}

#[test]
fn circles_and_broken_expressions_hide_nothing() {
    let mut content = content();
    content.items[1].relevant = Some("${armed} = 'no'".into());
    content.items[2].relevant = Some("${calm}".into());
    content.items[5].relevant = Some("pulldata(1)".into());
    let empty = run(vec![]);
    let progress = Checklist::new(&content).progress(&empty, &reader(1));
    assert_eq!(ids(&progress.critical_first()), ["read_me", "calm", "armed", "wait"]);
}

proptest! {
    /// Phones that met late know no common order: whatever order entries come in, the same ticks stand, and only those
    /// are gone that somebody saw and took back.
    #[test]
    fn ticks_are_the_same_in_every_order(
        steps in prop::collection::vec((any::<bool>(), 1_u8..4, prop::collection::vec(any::<prop::sample::Index>(), 0..3)), 0..12),
        shuffle in Just(()).prop_perturb(|(), random| random),
    ) {
        let mut entries: Vec<Answer> = Vec::new();
        for (index, (is_tick, by, seen)) in steps.into_iter().enumerate() {
            let mut entry = answer("calm", by, json!(is_tick));
            entry.key = format!("w|{index}");
            if !is_tick && !entries.is_empty() {
                entry.takes_back = seen.iter().map(|at| at.get(&entries).key.clone()).collect();
            }
            entries.push(entry);
        }
        let taken: Vec<&String> = entries.iter().flat_map(|entry| &entry.takes_back).collect();
        let expected: std::collections::BTreeSet<&str> = entries
            .iter()
            .filter(|entry| entry.value == json!(true) && !taken.contains(&&entry.key))
            .map(|entry| entry.key.as_str())
            .collect();
        let mut shuffled = entries.clone();
        let mut random = shuffle;
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, (random.next_u32() as usize) % (at + 1));
        }
        let (content, run) = (content(), run(shuffled));
        let progress = Checklist::new(&content).progress(&run, &reader(1));
        let state = &progress.items[1];
        let standing: std::collections::BTreeSet<&str> = state.ticks.iter().map(|tick| tick.key.as_str()).collect();
        prop_assert_eq!(&standing, &expected);
        prop_assert_eq!(state.done, !expected.is_empty());
        let unticks = run.answers.iter().filter(|entry| entry.value == json!(false)).count();
        prop_assert_eq!(state.unticks.len(), unticks);
    }

    #[test]
    fn what_is_typed_is_an_answer_or_refused(typed in "\\PC{0,12}", at in 0..ItemType::ALL.len()) {
        let item = item("a", ItemType::ALL[at], |it| it.choices = choices(&["yes", "no"]));
        if let Ok(value) = typed_answer(&item, &typed) {
            prop_assert!(answer_value(&item, &value).is_ok());
        }
    }
}

#[test]
fn typed_answers() {
    let of = |item_type, typed: &str| {
        typed_answer(&item("a", item_type, |it| it.choices = choices(&["yes", "no"])), typed)
    };
    assert_eq!(of(ItemType::SelectOne, " NO "), Ok(json!("no")));
    assert_eq!(of(ItemType::SelectMultiple, "yes, no"), Ok(json!(["yes", "no"])));
    assert_eq!(of(ItemType::SelectOne, "perhaps"), Err(WrongAnswer::Choice));
    assert_eq!(of(ItemType::Integer, "-3"), Ok(json!(-3)));
    assert_eq!(of(ItemType::Integer, "3.5"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Decimal, "inf"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Date, "2026-05-01"), Ok(json!("2026-05-01")));
    assert_eq!(of(ItemType::Date, "14:30"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Time, "14:30"), Ok(json!("14:30")));
    assert_eq!(of(ItemType::Time, "2026-05-01"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Geopoint, "12.5, 36.25").unwrap()["lat"], 12.5);
    assert_eq!(of(ItemType::Geopoint, "91 0"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Note, "x"), Err(WrongAnswer::Kind));
    assert_eq!(of(ItemType::Check, "yes"), Ok(json!(true)));
}

fn found(change: impl FnOnce(&mut TemplateContent)) -> Vec<(String, Rule)> {
    let mut content = content();
    change(&mut content);
    let findings = validate::template(&Template::new("checkpoint", 1, content, None));
    findings.into_iter().map(|finding| (finding.field, finding.rule)).collect()
}

#[test]
fn what_a_template_may_not_have() {
    assert_eq!(found(|_| {}), []);
    type Change = fn(&mut TemplateContent);
    let cases: &[(Change, &str, Rule)] = &[
        (|it| it.items[2].item_id = "calm".into(), "items[2].item_id", Rule::DuplicateName),
        (|it| it.items[0].item_id = "read me".into(), "items[0].item_id", Rule::NotAName),
        (|it| it.items[0].item_id = "r\u{200b}".into(), "items[0].item_id", Rule::NotAName),
        (|it| it.items[0].label = Localised::default(), "items[0].label", Rule::Empty),
        (|it| it.items[0].label.set("fr", "lis"), "items[0].label.fr", Rule::LanguageNotListed),
        (|it| it.items[0].label.set("en", "a\u{202e}b"), "items[0].label.en", Rule::MisleadingCharacter),
        (|it| it.items[0].label.set("en", "a\u{2067}b"), "items[0].label.en", Rule::MisleadingCharacter),
        (|it| it.items[0].label.set("en", "${nobody}"), "items[0].label.en", Rule::UnresolvedReference),
        (|it| it.items[0].label.set("en", "x".repeat(2001)), "items[0].label.en", Rule::TooLong),
        (
            |it| it.items[0].relevant = Some("${nobody}".into()),
            "items[0].relevant",
            Rule::UnresolvedReference,
        ),
        (|it| it.items[0].relevant = Some("1 +".into()), "items[0].relevant", Rule::NotExpression),
        (|it| it.items[0].relevant = Some(". = 1".into()), "items[0].relevant", Rule::Circular),
        (|it| it.items[2].relevant = Some("${how_many} = 1".into()), "items[2].relevant", Rule::Circular),
        (|it| it.items[2].choices.clear(), "items[2].choices", Rule::ChoicesMissing),
        (|it| it.items[0].choices = choices(&["a"]), "items[0].choices", Rule::ChoicesMissing),
        (|it| it.items[2].choices = choices(&["a", "a"]), "items[2].choices[1].name", Rule::DuplicateName),
        (|it| it.items[5].timer_s = None, "items[5].timer_s", Rule::DurationMissing),
        (|it| it.items[5].timer_s = Some(86_401), "items[5].timer_s", Rule::DurationMissing),
        (|it| it.languages.push("en".into()), "languages[2]", Rule::DuplicateName),
        (|it| it.title = Localised::default(), "title", Rule::Empty),
        (|it| it.items.clear(), "items", Rule::Empty),
        (
            |it| it.items[0].section = vec![Section { name: "s".into(), ..Section::default() }; 9],
            "items[0].section",
            Rule::TooMany,
        ),
    ];
    for (change, field, rule) in cases {
        let found = found(change);
        assert!(found.contains(&((*field).to_owned(), *rule)), "{field} {rule:?}: {found:?}");
    }
    let sound = "\u{200f}قف\u{2067}x\u{2069}\u{200f}";
    assert_eq!(found(|it| it.items[0].label.set("en", sound)), []);
    let mut other = Template::new("checkpoint", 1, content(), None);
    other.content.items[1].critical = true;
    assert_eq!(validate::template(&other)[0].rule, Rule::NotAsPublished);
}

#[test]
fn the_largest_template_is_sound_and_quick_and_one_more_item_is_too_many() {
    let mut content = content();
    content.items = (0..2001)
        .map(|at: usize| {
            item(&format!("i{at}"), ItemType::Integer, |it| {
                if let Some(before) = at.checked_sub(1) {
                    it.relevant = Some(format!("${{i{before}}} > 0 or ${{i0}} = '5'"));
                }
            })
        })
        .collect();
    let rules = |content: &TemplateContent| -> Vec<Rule> {
        let findings = validate::template(&Template::new("long", 1, content.clone(), None));
        findings.into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(rules(&content), [Rule::TooMany]);
    content.items.pop();
    assert_eq!(rules(&content), []);
    let run = run(vec![answer("i0", 1, json!(5))]);
    let total = Checklist::new(&content).progress(&run, &reader(1)).total;
    content.items[1].relevant = Some("regex(${i0}, 'a') or ".repeat(26) + "true()");
    assert_eq!(rules(&content), []);
    content.items[2].relevant = content.items[1].relevant.clone();
    assert_eq!(rules(&content), [Rule::TooMany]);
    assert_eq!(total, 2000, "a chain through every item is followed to its end");
}

#[test]
fn what_a_run_may_not_say() {
    let content = content();
    let judged = |answer: Answer, template: Option<&TemplateContent>| -> Vec<Rule> {
        let findings = validate::run(&run(vec![answer]), template, &Context::at(noon().millis()));
        findings.into_iter().map(|finding| finding.rule).collect()
    };
    let all = Some(&content);
    assert_eq!(judged(answer("armed", 1, json!("yes")), all), []);
    assert_eq!(judged(answer("armed", 1, json!("maybe")), all), [Rule::NoSuchChoice]);
    assert_eq!(judged(answer("armed", 1, json!(7)), all), [Rule::WrongKind]);
    assert_eq!(judged(answer("nobody", 1, json!(7)), all), [Rule::NoSuchItem]);
    // Its version has not arrived: nothing can be said against the answer.
    assert_eq!(judged(answer("nobody", 1, json!(7)), None), []);
    assert_eq!(judged(answer("armed", 1, json!("x".repeat(5001))), None), [Rule::TooLong]);
    let mut early = run(vec![]);
    early.completed = Some(Completion { at: "2026-05-01T11:59:59+03:00".parse().unwrap(), by: person(1) });
    assert_eq!(validate::run(&early, all, &Context::at(noon().millis()))[0].rule, Rule::EndBeforeStart);
}
