use std::borrow::Cow;
use std::collections::BTreeMap;

use super::tree::{Function, Operator, Tree};
use super::value::{self, Held, Value};
use crate::Moment;

/// The answers given so far.
pub trait Answers {
    /// That to an item: empty where there is none yet, nothing where the item is not asked.
    fn answer(&self, name: &str) -> Option<&Value>;
}

impl Answers for BTreeMap<String, Value> {
    fn answer(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// What an expression can refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The answer that `.` means.
    pub own: &'a Value,
    /// The answers that `${name}` means.
    pub answers: &'a dyn Answers,
    /// What time it is, by the local time of the reader.
    pub now: Moment,
}

/// How much work expressions may still do: about one for each part, more for long text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

/// More work than the budget allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the expressions take too much work")]
pub struct OverBudget;

impl Default for Budget {
    /// As much as a checklist of the largest size with ordinary expressions needs many times over.
    fn default() -> Self {
        Self(10_000_000)
    }
}

impl Budget {
    /// A budget of so many steps.
    #[must_use]
    pub const fn new(steps: u64) -> Self {
        Self(steps)
    }

    fn spend(&mut self, steps: usize) -> Result<(), OverBudget> {
        self.0 = self.0.checked_sub(steps as u64).ok_or(OverBudget)?;
        Ok(())
    }

    /// Reading a text once costs a step for each 32 bytes.
    fn read(&mut self, text: &str) -> Result<(), OverBudget> {
        self.spend(text.len() / 32)
    }
}

pub(super) fn evaluate<'a>(
    tree: &'a Tree,
    scope: &Scope<'a>,
    budget: &mut Budget,
) -> Result<Held<'a>, OverBudget> {
    budget.spend(1)?;
    Ok(match tree {
        Tree::Number(number) => Held::Number(*number),
        Tree::Text(text) => Held::Text(Cow::Borrowed(text)),
        Tree::Own => scope.own.held(),
        Tree::Reference(name) => {
            scope.answers.answer(name).map_or(Held::Text(Cow::Borrowed("")), Value::held)
        }
        Tree::Negate(inner) => Held::Number(-evaluate(inner, scope, budget)?.number()),
        Tree::All(parts) => Held::Truth(each(parts, false, scope, budget)?),
        Tree::Any(parts) => Held::Truth(each(parts, true, scope, budget)?),
        Tree::Binary(operator, left, right) => {
            let left = evaluate(left, scope, budget)?;
            let right = evaluate(right, scope, budget)?;
            binary(*operator, &left, &right, budget)?
        }
        Tree::Call(function, arguments) => call(*function, arguments, scope, budget)?,
        Tree::Matches(text, pattern) => {
            let held = evaluate(text, scope, budget)?;
            let text = held.text();
            // A pattern may look at each character once for each of its own parts.
            budget.spend(text.len().min(4_000).saturating_mul(4))?;
            Held::Truth(pattern.fits(&text))
        }
    })
}

/// Whether the parts lead to `wanted` for one of them; the rest is then not looked at.
fn each<'a>(
    parts: &'a [Tree],
    wanted: bool,
    scope: &Scope<'a>,
    budget: &mut Budget,
) -> Result<bool, OverBudget> {
    for part in parts {
        if evaluate(part, scope, budget)?.truth() == wanted {
            return Ok(wanted);
        }
    }
    Ok(!wanted)
}

fn binary<'a>(
    operator: Operator,
    left: &Held<'_>,
    right: &Held<'_>,
    budget: &mut Budget,
) -> Result<Held<'a>, OverBudget> {
    let is_time = matches!(left, Held::Time(..)) || matches!(right, Held::Time(..));
    let numbers = || if is_time { (left.days(), right.days()) } else { (left.number(), right.number()) };
    let number = |work: fn(f64, f64) -> f64| {
        let (left, right) = numbers();
        Held::Number(work(left, right))
    };
    let order = |holds: fn(&f64, &f64) -> bool| {
        let (left, right) = numbers();
        Held::Truth(holds(&left, &right))
    };
    for side in [left, right] {
        if let Held::Text(text) = side {
            budget.read(text)?;
        }
    }
    Ok(match operator {
        Operator::Equal => Held::Truth(equal(left, right)),
        // NaN is unlike everything, itself too.
        Operator::NotEqual => Held::Truth(!equal(left, right)),
        Operator::Less => order(f64::lt),
        Operator::LessOrEqual => order(f64::le),
        Operator::Greater => order(f64::gt),
        Operator::GreaterOrEqual => order(f64::ge),
        Operator::Plus => number(|a, b| a + b),
        Operator::Minus => number(|a, b| a - b),
        Operator::Times => number(|a, b| a * b),
        Operator::Divide => number(|a, b| a / b),
        Operator::Modulo => number(|a, b| a % b),
    })
}

#[allow(clippy::float_cmp, reason = "XPath compares numbers exactly")]
fn equal(left: &Held<'_>, right: &Held<'_>) -> bool {
    match (left, right) {
        (Held::Truth(_), _) | (_, Held::Truth(_)) => left.truth() == right.truth(),
        (Held::Time(..), _) | (_, Held::Time(..)) => left.days() == right.days(),
        (Held::Number(_), _) | (_, Held::Number(_)) => left.number() == right.number(),
        _ => left.text() == right.text(),
    }
}

fn call<'a>(
    function: Function,
    arguments: &'a [Tree],
    scope: &Scope<'a>,
    budget: &mut Budget,
) -> Result<Held<'a>, OverBudget> {
    let mut argument = |at: usize| match arguments.get(at) {
        Some(tree) => evaluate(tree, scope, budget),
        None => Ok(scope.own.held()),
    };
    Ok(match function {
        Function::Not => Held::Truth(!argument(0)?.truth()),
        Function::True => Held::Truth(true),
        Function::False => Held::Truth(false),
        Function::If => {
            let at = if argument(0)?.truth() { 1 } else { 2 };
            argument(at)?
        }
        Function::Selected => {
            let (chosen, wanted) = (argument(0)?, argument(1)?);
            let (chosen, wanted) = (chosen.text(), wanted.text());
            budget.read(&chosen)?;
            let wanted = wanted.trim();
            Held::Truth(chosen.split_whitespace().any(|name| name == wanted))
        }
        Function::CountSelected => {
            let chosen = argument(0)?;
            let chosen = chosen.text();
            budget.read(&chosen)?;
            Held::Number(chosen.split_whitespace().count() as f64)
        }
        Function::Count => {
            let asked =
                |tree: &&Tree| matches!(tree, Tree::Reference(name) if scope.answers.answer(name).is_some());
            Held::Number(arguments.iter().filter(asked).count() as f64)
        }
        Function::StringLength => {
            let held = argument(0)?;
            let text = held.text();
            budget.read(&text)?;
            Held::Number(text.chars().count() as f64)
        }
        Function::Coalesce => {
            for at in 0..arguments.len() {
                let held = argument(at)?;
                if !held.text().is_empty() {
                    return Ok(held);
                }
            }
            Held::Text(Cow::Borrowed(""))
        }
        Function::Date => {
            let held = argument(0)?;
            match held {
                Held::Text(text) => match value::days(&text) {
                    Some(days) => Held::Time(text, days),
                    None => Held::Number(f64::NAN),
                },
                other => other,
            }
        }
        Function::Today => owned(value::today(scope.now)),
        Function::Now => owned(value::now(scope.now)),
    })
}

fn owned<'a>(value: Value) -> Held<'a> {
    match value {
        Value::Text(text) => Held::Text(Cow::Owned(text)),
        Value::Number(number) => Held::Number(number),
        Value::Truth(truth) => Held::Truth(truth),
        Value::Time { text, days } => Held::Time(Cow::Owned(text), days),
    }
}
