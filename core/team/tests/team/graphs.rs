//! Random graphs of operations, delivered in every way.

use firsthand_ids::OperationHash;
use firsthand_team::{Inserted, Membership, TeamError};
use proptest::prelude::*;

use crate::model::{Model, graph};
use crate::support::{below, rng, shuffle};

/// A replica that holds the founding operation alone.
fn replica(model: &Model) -> Membership {
    Membership::load([model.founding.as_slice()]).unwrap()
}

fn full(model: &Model) -> Membership {
    let all: Vec<_> = model.kept.iter().map(|hash| model.bytes(hash)).collect();
    Membership::load(all.iter().map(Vec::as_slice)).unwrap()
}

/// Some operations to ask about: one to three of those kept.
fn some(model: &Model, seed: u64) -> Vec<OperationHash> {
    let mut rng = rng(seed);
    (0..=below(&mut rng, 3)).map(|_| model.kept[below(&mut rng, model.kept.len())]).collect()
}

/// The rights and the roster at some heads, as an entry that names them is judged.
fn check_at(model: &Model, replica: &Membership, heads: &[OperationHash]) -> Result<(), TestCaseError> {
    let roster = model.roster(heads);
    for device in (1..=7).map(crate::support::key) {
        prop_assert_eq!(replica.rights_at(heads, &device), Some(roster.rights(&device)));
    }
    prop_assert_eq!(replica.roster_at(heads), Some(roster));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_order_folds_to_what_the_rules_say(model in graph(24), seed: u64) {
        let expected = model.roster(&model.kept);
        for seed in [seed, seed ^ 1, seed ^ 2] {
            let mut rng = rng(seed);
            let mut operations: Vec<_> = model.kept.iter().map(|hash| model.bytes(hash)).collect();
            operations.push(model.founding.clone());
            shuffle(&mut rng, &mut operations);
            let mut replica = replica(&model);
            let added = replica.insert_all(&operations).unwrap();
            prop_assert_eq!(added.len(), model.kept.len() - 1);
            prop_assert!(Membership::load(
                std::iter::once(model.founding.as_slice()).chain(added.iter().map(|(_, bytes)| bytes.as_slice()))
            ).is_ok(), "what is new comes parents first");
            prop_assert_eq!(replica.roster(), &expected);
            prop_assert_eq!(replica.heads(), model.heads(&model.kept));
            prop_assert_eq!(replica.all(), full(&model).all());
        }
    }

    #[test]
    fn operations_that_come_one_at_a_time_wait_for_their_parents(model in graph(12), seed: u64) {
        let mut replica = replica(&model);
        let mut left = model.kept[1..].to_vec();
        shuffle(&mut rng(seed), &mut left);
        while !left.is_empty() {
            let before = left.len();
            left.retain(|hash| match replica.insert(&model.bytes(hash)).unwrap() {
                Inserted::Added(added) => {
                    assert_eq!(added, *hash);
                    false
                }
                Inserted::Known => panic!("it was never here"),
                Inserted::Early => !replica.contains(hash),
            });
            prop_assert!(left.len() < before);
        }
        prop_assert_eq!(replica.roster(), &model.roster(&model.kept));
    }

    #[test]
    fn who_has_no_place_in_the_past_is_refused_everywhere(model in graph(24), seed: u64) {
        let mut full = full(&model);
        let (roster, heads) = (full.roster().clone(), full.heads());
        for refused in &model.refused {
            prop_assert_eq!(full.insert(refused), Err(TeamError::NotAllowed));
            prop_assert_eq!(full.insert_all(std::slice::from_ref(refused)), Err(TeamError::NotAllowed));
        }
        prop_assert_eq!(full.roster(), &roster);
        prop_assert_eq!(full.heads(), heads);
        // A replica that knows less may not know the parents yet, but never takes one in.
        let past = model.past(&some(&model, seed));
        let mut less = replica(&model);
        less.insert_all(&past.iter().map(|hash| model.bytes(hash)).collect::<Vec<_>>()).unwrap();
        for refused in &model.refused {
            let outcome = less.insert(refused);
            prop_assert!(matches!(outcome, Err(TeamError::NotAllowed) | Ok(Inserted::Early)), "{:?}", outcome);
        }
    }

    #[test]
    fn a_roster_at_heads_depends_on_their_past_alone(model in graph(24), seed: u64) {
        let full = full(&model);
        for seed in 0..8u64 {
            let heads = some(&model, seed);
            check_at(&model, &full, &heads)?;
            let past: Vec<_> = model.past(&heads).iter().map(|hash| model.bytes(hash)).collect();
            let mut only = replica(&model);
            only.insert_all(&past).unwrap();
            prop_assert_eq!(Some(only.roster().clone()), full.roster_at(&heads));
        }
        // The answer is the same while everything else arrives, and until it can be given there is none.
        let heads = some(&model, seed);
        let (expected, past) = (model.roster(&heads), model.past(&heads));
        let mut growing = replica(&model);
        let mut left = model.kept[1..].to_vec();
        while !left.is_empty() {
            shuffle(&mut rng(seed ^ left.len() as u64), &mut left);
            left.retain(|hash| growing.insert(&model.bytes(hash)) == Ok(Inserted::Early));
            let known = past.iter().all(|hash| growing.contains(hash));
            prop_assert_eq!(growing.roster_at(&heads), known.then(|| expected.clone()));
        }
    }

    #[test]
    fn nobody_disappears_as_more_arrives(model in graph(24)) {
        let full = full(&model);
        for hash in &model.kept {
            for (device, at) in full.roster_at(&[*hash]).unwrap().devices {
                let now = &full.roster().devices[&device];
                prop_assert!(at.grants.iter().all(|grant| now.grants.contains(grant)));
            }
        }
        let leads = |roster: &firsthand_team::Roster| -> std::collections::BTreeSet<_> {
            roster.devices.keys().filter(|device| roster.rights(device).add).copied().collect()
        };
        let now = leads(full.roster());
        prop_assert!(model.kept.iter().all(|hash| leads(&full.roster_at(&[*hash]).unwrap()).is_subset(&now)));
    }
}
