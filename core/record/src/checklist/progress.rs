use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::PersonId;

use super::logic::Logic;
use super::text::{filled, shown};
use super::value::answer_value;
use super::{Answer, ItemType, Run, TemplateContent, TemplateItem, TimerEntry, TimerEvent};
use crate::Moment;
use crate::expression::{Answers, Budget, Scope, Value};

/// Who looks at a run.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The person. Their own answers come before those of others; without one, the last of anybody counts.
    pub person: Option<PersonId>,
    /// The language they read.
    pub language: &'a str,
    /// What time it is for them.
    pub now: Moment,
}

/// A template that is ready to be worked through: its expressions are understood once.
#[derive(Debug, Clone)]
pub struct Checklist<'a> {
    content: &'a TemplateContent,
    logic: Logic,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<'a> {
    /// Every item, in the template's order, also those that are not asked.
    pub items: Vec<ItemState<'a>>,
    /// How many of the items that are asked are done; notes do not count.
    pub done: usize,
    /// How many there are to do.
    pub total: usize,
    /// How many critical ones are done.
    pub critical_done: usize,
    /// How many critical ones there are to do.
    pub critical_total: usize,
}

/// Where one item stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemState<'a> {
    /// The item.
    pub item: &'a TemplateItem,
    /// Whether it is asked, as answers stand.
    pub relevant: bool,
    /// Whether it is done: ticked, or answered with what fits.
    pub done: bool,
    /// What it says, in the reader's language and with the answers that it names.
    pub label: String,
    /// The ticks that stand: if anybody ticked it, it is ticked.
    pub ticks: Vec<&'a Answer>,
    /// The entries that took ticks back.
    pub unticks: Vec<&'a Answer>,
    /// Every answer, earlier and cleared ones too, in the order of the run.
    pub entries: Vec<&'a Answer>,
    /// The last answer of each person who has one.
    pub answers: BTreeMap<PersonId, &'a Answer>,
    /// The answer that counts for the reader.
    pub counts: Option<&'a Answer>,
    /// What happened to its timer.
    pub timers: Vec<&'a TimerEntry>,
    /// Those of the answers that do not fit, with what to say of them.
    pub broken: Vec<(&'a Answer, Broken)>,
}

/// Why an answer does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// It is not what the item asks for, or a choice that it does not have.
    Kind,
    /// It does not fulfil the item's constraint. What to say, in the reader's language; may be empty.
    Constraint(String),
}

impl ItemState<'_> {
    /// Whether the run is not complete without it, and it is not done.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.relevant && self.item.required && !self.done
    }
}

impl<'a> Progress<'a> {
    /// The items that are asked, critical ones first, otherwise in the template's order.
    #[must_use]
    pub fn critical_first(&self) -> Vec<&ItemState<'a>> {
        let mut asked: Vec<_> = self.items.iter().filter(|state| state.relevant).collect();
        asked.sort_by_key(|state| !state.item.critical);
        asked
    }

    /// Required items that are asked and not done, critical ones first.
    #[must_use]
    pub fn missing(&self) -> Vec<&ItemState<'a>> {
        self.critical_first().into_iter().filter(|state| state.is_missing()).collect()
    }

    /// Answers that do not fit, of items that are asked.
    #[must_use]
    pub fn broken(&self) -> Vec<&ItemState<'a>> {
        self.items.iter().filter(|state| state.relevant && !state.broken.is_empty()).collect()
    }
}

/// The answers as expressions see them.
struct Known<'a> {
    index: &'a BTreeMap<&'a str, usize>,
    values: &'a [Value],
    relevant: &'a [bool],
}

impl Answers for Known<'_> {
    fn answer(&self, name: &str) -> Option<&Value> {
        let at = *self.index.get(name)?;
        self.relevant[at].then_some(&self.values[at])
    }
}

impl<'a> Checklist<'a> {
    /// Understands the expressions. Those that are none are passed over: [`crate::validate::template`] refuses them.
    #[must_use]
    pub fn new(content: &'a TemplateContent) -> Self {
        Self { content, logic: Logic::of(content) }
    }

    /// Where a run stands for a reader. An item is asked if its expression holds, with what is not asked counting as not
    /// answered. Should expressions take more work than is reasonable, the rest of the items are asked.
    #[must_use]
    pub fn progress(&self, run: &'a Run, reader: &Reader<'_>) -> Progress<'a> {
        let items = &self.content.items;
        let mut index = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            index.entry(item.item_id.as_str()).or_insert(at);
        }
        let mut states: Vec<ItemState<'a>> = items.iter().map(ItemState::blank).collect();
        for answer in &run.answers {
            if let Some(at) = index.get(answer.item_id.as_str()) {
                states[*at].take_in(answer);
            }
        }
        for entry in &run.timers {
            if let Some(at) = index.get(entry.item_id.as_str()) {
                states[*at].timers.push(entry);
            }
        }
        for state in &mut states {
            state.settle(reader.person);
        }
        let values: Vec<Value> = states.iter().map(ItemState::value).collect();
        let (relevant, budget) = self.relevant(&index, &values, reader.now);
        self.judge(&mut states, &index, &values, &relevant, reader, budget);
        let mut progress = Progress { items: states, done: 0, total: 0, critical_done: 0, critical_total: 0 };
        for state in &progress.items {
            if state.relevant && state.item.item_type.is_to_do() {
                progress.total += 1;
                progress.done += usize::from(state.done);
                progress.critical_total += usize::from(state.item.critical);
                progress.critical_done += usize::from(state.item.critical && state.done);
            }
        }
        progress
    }

    fn relevant(&self, index: &BTreeMap<&str, usize>, values: &[Value], now: Moment) -> (Vec<bool>, Budget) {
        let mut budget = Budget::default();
        let mut relevant = vec![true; values.len()];
        for &at in &self.logic.order {
            let Some(expression) = &self.logic.relevant[at] else { continue };
            if self.logic.circular.contains(&at) {
                continue;
            }
            let known = Known { index, values, relevant: &relevant };
            let scope = Scope { own: &values[at], answers: &known, now };
            relevant[at] = expression.holds(&scope, &mut budget).unwrap_or(true);
        }
        (relevant, budget)
    }

    fn judge(
        &self,
        states: &mut [ItemState<'a>],
        index: &BTreeMap<&str, usize>,
        values: &[Value],
        relevant: &[bool],
        reader: &Reader<'_>,
        mut budget: Budget,
    ) {
        let default = self.content.default_language();
        let known = Known { index, values, relevant };
        // An answer that many texts name is put into words once.
        let spoken = RefCell::new(BTreeMap::new());
        let say = |name: &str| {
            let (at, value) = (*index.get(name)?, known.answer(name)?);
            let words = || shown(&self.content.items[at], value, reader.language, default);
            Some(spoken.borrow_mut().entry(at).or_insert_with(words).clone())
        };
        for (at, state) in states.iter_mut().enumerate() {
            state.relevant = relevant[at];
            state.label = filled(state.item.label.get(reader.language, default), say);
            let mut broken = Vec::new();
            for answer in state.answers.values() {
                let Ok(own) = answer_value(state.item, &answer.value) else {
                    broken.push((*answer, Broken::Kind));
                    continue;
                };
                let Some(constraint) = self.logic.constraint[at].as_ref().filter(|_| own != Value::EMPTY)
                else {
                    continue;
                };
                let scope = Scope { own: &own, answers: &known, now: reader.now };
                if !constraint.holds(&scope, &mut budget).unwrap_or(true) {
                    let message = state.item.constraint_message.get(reader.language, default);
                    broken.push((*answer, Broken::Constraint(filled(message, say))));
                }
            }
            let fits = |answer: &Answer| broken.iter().all(|(other, _)| !std::ptr::eq(*other, answer));
            state.done = match state.item.item_type {
                ItemType::Note => false,
                ItemType::Check => !state.ticks.is_empty(),
                ItemType::Timer => {
                    let ran_out = |entry: &&TimerEntry| entry.event == TimerEvent::Finished;
                    !state.ticks.is_empty() || state.timers.iter().any(ran_out)
                }
                _ => state.counts.is_some_and(fits),
            };
            state.broken = broken;
        }
    }
}

impl<'a> ItemState<'a> {
    fn blank(item: &'a TemplateItem) -> Self {
        Self {
            item,
            relevant: true,
            done: false,
            label: String::new(),
            ticks: Vec::new(),
            unticks: Vec::new(),
            entries: Vec::new(),
            answers: BTreeMap::new(),
            counts: None,
            timers: Vec::new(),
            broken: Vec::new(),
        }
    }

    fn is_ticked(&self) -> bool {
        matches!(self.item.item_type, ItemType::Check | ItemType::Timer)
    }

    fn take_in(&mut self, answer: &'a Answer) {
        match (self.is_ticked(), answer.value.as_bool()) {
            (true, Some(true)) => self.ticks.push(answer),
            (true, Some(false)) => self.unticks.push(answer),
            _ => {
                self.entries.push(answer);
                self.answers.insert(answer.person, answer);
            }
        }
    }

    /// What stands once every entry is known.
    fn settle(&mut self, person: Option<PersonId>) {
        let taken: BTreeSet<&str> =
            self.unticks.iter().flat_map(|untick| untick.takes_back.iter().map(String::as_str)).collect();
        self.ticks.retain(|tick| tick.key.is_empty() || !taken.contains(tick.key.as_str()));
        self.answers.retain(|_, answer| says_something(answer));
        let own = person.and_then(|person| self.answers.get(&person).copied());
        let stands = |answer: &&&Answer| {
            self.answers.get(&answer.person).is_some_and(|other| std::ptr::eq(*other, **answer))
        };
        self.counts = own.or_else(|| self.entries.iter().rev().find(stands).copied());
    }

    fn value(&self) -> Value {
        if self.is_ticked() {
            let ran_out = self.timers.iter().any(|entry| entry.event == TimerEvent::Finished);
            return if ran_out || !self.ticks.is_empty() { Value::Truth(true) } else { Value::EMPTY };
        }
        let read = self.counts.map(|answer| match answer_value(self.item, &answer.value) {
            // A photo may be known by its record alone.
            Ok(Value::Text(text)) if text.is_empty() => {
                Value::Text(answer.evidence.map(|id| id.to_string()).unwrap_or_default())
            }
            Ok(value) => value,
            Err(_) => Value::EMPTY,
        });
        read.unwrap_or(Value::EMPTY)
    }
}

/// Whether an answer is more than the clearing of one.
fn says_something(answer: &Answer) -> bool {
    let is_blank = match &answer.value {
        serde_json::Value::Null => true,
        serde_json::Value::String(text) => text.trim().is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        _ => false,
    };
    !is_blank || answer.evidence.is_some()
}
