use std::collections::{BTreeMap, BTreeSet};

use super::TemplateContent;
use crate::expression::Expression;
use crate::validate::limits;

/// The expressions of a template, understood once, and the order in which they can be worked out.
#[derive(Debug, Clone)]
pub(crate) struct Logic {
    /// By item. Nothing where there is none, and where it is no expression: validation refuses that, and a step that somebody
    /// may need is rather shown than hidden.
    pub(super) relevant: Vec<Option<Expression>>,
    pub(super) constraint: Vec<Option<Expression>>,
    /// Every item, those first that others depend on.
    pub(super) order: Vec<usize>,
    /// Items whose relevance depends on itself.
    pub(crate) circular: BTreeSet<usize>,
}

impl Logic {
    pub(crate) fn of(content: &TemplateContent) -> Self {
        let mut patterns = limits::PATTERNS;
        let mut read = |text: &Option<String>| {
            let text = text.as_deref()?;
            patterns = patterns.checked_sub(text.matches("regex").count())?;
            Expression::parse(text).ok()
        };
        let relevant: Vec<_> = content.items.iter().map(|item| read(&item.relevant)).collect();
        let constraint = content.items.iter().map(|item| read(&item.constraint)).collect();
        let mut index = BTreeMap::new();
        for (at, item) in content.items.iter().enumerate() {
            index.entry(item.item_id.as_str()).or_insert(at);
        }
        let needs = |at: usize| {
            let expression = relevant[at].as_ref();
            let names = expression.map(Expression::references).unwrap_or_default();
            let mut needed: BTreeSet<usize> =
                names.iter().filter_map(|name| index.get(name).copied()).collect();
            if expression.is_some_and(Expression::uses_own) {
                needed.insert(at);
            }
            needed
        };
        let needed: Vec<BTreeSet<usize>> = (0..relevant.len()).map(needs).collect();
        let (order, circular) = sorted(&needed);
        Self { relevant, constraint, order, circular }
    }
}

/// Everything behind what it needs, and what needs itself.
fn sorted(needed: &[BTreeSet<usize>]) -> (Vec<usize>, BTreeSet<usize>) {
    let mut left: Vec<usize> = needed.iter().map(BTreeSet::len).collect();
    let mut wanted_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, needs) in needed.iter().enumerate() {
        for need in needs {
            wanted_by.entry(*need).or_default().push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..needed.len()).filter(|at| left[*at] == 0).collect();
    let mut order = Vec::new();
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for other in wanted_by.get(&at).into_iter().flatten() {
            left[*other] -= 1;
            if left[*other] == 0 {
                ready.insert(*other);
            }
        }
    }
    // What is left needs itself, or something that does. Taking away what nothing left needs leaves the circles alone.
    let mut circular: BTreeSet<usize> = (0..needed.len()).filter(|at| left[*at] > 0).collect();
    order.extend(&circular);
    let mut wanted: BTreeMap<usize, usize> = circular.iter().map(|at| (*at, 0)).collect();
    for at in &circular {
        for need in &needed[*at] {
            if let Some(count) = wanted.get_mut(need) {
                *count += 1;
            }
        }
    }
    let mut idle: Vec<usize> = wanted.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
    while let Some(at) = idle.pop() {
        circular.remove(&at);
        for need in &needed[at] {
            if let Some(count) = wanted.get_mut(need) {
                *count -= 1;
                if *count == 0 {
                    idle.push(*need);
                }
            }
        }
    }
    (order, circular)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(needed: &[&[usize]]) -> (Vec<usize>, Vec<usize>) {
        let needed: Vec<BTreeSet<usize>> = needed.iter().map(|it| it.iter().copied().collect()).collect();
        let (order, circular) = sorted(&needed);
        (order, circular.into_iter().collect())
    }

    #[test]
    fn what_is_needed_comes_first_and_circles_are_found() {
        assert_eq!(sets(&[&[2], &[], &[1]]), (vec![1, 2, 0], vec![]));
        assert_eq!(sets(&[&[0]]), (vec![0], vec![0]));
        // 1 and 2 need each other; 3 needs them and is none of them; so does 4, which 0 does not need.
        assert_eq!(sets(&[&[], &[2], &[1], &[2], &[3]]), (vec![0, 1, 2, 3, 4], vec![1, 2]));
        assert_eq!(sets(&[]), (vec![], vec![]));
    }
}
