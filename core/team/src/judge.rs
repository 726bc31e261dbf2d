//! Which revocations stand.
//!
//! A revocation may keep another from counting: the removal of its author, or of who made its author a lead. Those that nothing
//! speaks against stand first. Where several void each other, in a circle, the strongest of the circle stands; then all are looked
//! at once more. What stands is not voided by what is weaker. Nothing here depends on the order in which operations arrived, or
//! on a date.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use firsthand_ids::{OperationHash, PersonId};

use crate::fold::{Candidate, Fold};
use crate::membership::Placed;
use crate::past::Past;
use crate::{Body, Target};

/// How often revocations are looked at once more. Honest ones need two or three rounds; only somebody who nests removals on purpose
/// needs many, and those beyond do not count, for every device alike.
const MAX_ROUNDS: usize = 64;

/// Folds all operations, or those `within` a past.
pub(crate) fn judge(all: &[Placed], within: Option<&Past>) -> Fold {
    let mut accepted = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let fold = pass(all, within, &accepted);
        if fold.candidates.is_empty() {
            return fold;
        }
        accepted.extend(strongest(all, &fold));
    }
    pass(all, within, &accepted)
}

fn pass(all: &[Placed], within: Option<&Past>, accepted: &BTreeSet<usize>) -> Fold {
    let mut fold = Fold::under(accepted.clone());
    for index in 0..all.len() {
        if within.is_none_or(|past| past.contains(index)) {
            fold.take(all, index);
        }
    }
    fold
}

/// The revocations of a round that stand: of each group that nothing outside it speaks against, the strongest.
fn strongest(all: &[Placed], fold: &Fold) -> BTreeSet<usize> {
    let candidates = &fold.candidates;
    let voids = edges(all, fold);
    let mut voided_by = vec![Past::default(); candidates.len()];
    for (by, others) in voids.iter().enumerate() {
        others.iter().for_each(|other| voided_by[other].insert(by));
    }
    let mut stand = BTreeSet::new();
    let mut seen = Past::default();
    for at in 0..candidates.len() {
        if seen.contains(at) {
            continue;
        }
        let before = reach(&voided_by, at);
        let after = reach(&voids, at);
        if before.is_within(&after) {
            seen.join(&before);
            let group: Vec<&Candidate> = before.iter().map(|at| &candidates[at]).collect();
            stand.extend(best(all, fold, &group));
        }
    }
    stand
}

/// By revocation: which others it voids.
fn edges(all: &[Placed], fold: &Fold) -> Vec<Past> {
    let voided = |by: &Candidate| {
        let mut excluded = Past::default();
        (0..all.len()).filter(|it| fold.excludes(all, by.index, *it)).for_each(|it| excluded.insert(it));
        let mut voided = Past::default();
        for (at, other) in fold.candidates.iter().enumerate() {
            if other.index != by.index && excluded.meets(&other.support) {
                voided.insert(at);
            }
        }
        voided
    };
    fold.candidates.iter().map(voided).collect()
}

fn reach(rows: &[Past], from: usize) -> Past {
    let mut reached = Past::default();
    reached.insert(from);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        for other in rows[at].iter() {
            if !reached.contains(other) {
                reached.insert(other);
                next.push(other);
            }
        }
    }
    reached
}

fn best(all: &[Placed], fold: &Fold, group: &[&Candidate]) -> Option<usize> {
    if let [alone] = group {
        return Some(alone.index);
    }
    let stale: Vec<bool> = group.iter().map(|it| is_stale(all, it, group)).collect();
    // What everybody in the circle had seen. Who claims too old a past does not make it smaller.
    let known = group.iter().zip(&stale).filter(|(_, stale)| !**stale).map(|(it, _)| &all[it.index].past);
    let common = known.fold(None, |common: Option<Past>, past| {
        Some(common.map_or_else(|| past.clone(), |common| common.common(past)))
    });
    let common = common.unwrap_or_default();
    let parties: BTreeSet<PersonId> =
        group.iter().flat_map(|it| [Some(it.author), target(all, fold, it.index)]).flatten().collect();
    let confirming = |it: &Candidate| {
        let people = fold.confirms.get(&it.index).into_iter().flatten();
        people.filter(|person| !parties.contains(person) && fold.is_member(all, person, &common)).count()
    };
    let key = |(it, stale): &(&&Candidate, &bool)| -> (bool, bool, usize, Reverse<(u32, OperationHash)>, Reverse<OperationHash>) {
        (
            fold.backed.contains(&it.index),
            !**stale,
            confirming(it),
            Reverse(it.since),
            Reverse(all[it.index].hash),
        )
    };
    group.iter().zip(&stale).max_by_key(key).map(|(it, _)| it.index)
}

fn target(all: &[Placed], fold: &Fold, revocation: usize) -> Option<PersonId> {
    let Body::Revoke { target, .. } = &all[revocation].operation.body else { return None };
    match target {
        Target::Device(device) => fold.ever(device, &all[revocation].past).map(|it| it.person),
        Target::Person(person) => Some(*person),
    }
}

/// Whether a revocation rests on an operation that its device signed beside another one which somebody else in the circle had seen
/// already: it claims a past in which that did not exist, so that it looks earlier than it is.
fn is_stale(all: &[Placed], it: &Candidate, group: &[&Candidate]) -> bool {
    it.support.iter().any(|on| {
        let author = &all[on].operation.author;
        let others = group.iter().filter(|other| other.index != it.index);
        others.into_iter().any(|other| {
            all[other.index].past.iter().any(|seen| {
                let same = seen != on && all[seen].operation.author == *author;
                same && !all[on].past.contains(seen) && !all[seen].past.contains(on)
            })
        })
    })
}
