//! Years of a team with removals, in every order of arrival.

use std::collections::BTreeSet;

use firsthand_ids::{OperationHash, SpaceId, WriterId};
use firsthand_team::{Body, Membership, Operation, Roster, Target};

use crate::schedule::Schedule;
use crate::support::{below, key, rng, shuffle};

const SCHEDULES: u64 = 2000;
const STEPS: usize = 40;

/// All that anybody ever asks of a fold.
#[derive(Debug, PartialEq)]
struct Told {
    roster: Roster,
    removals: Vec<firsthand_team::Removal>,
    heads: Vec<OperationHash>,
    judged: Vec<Option<Roster>>,
    cuts: Vec<Option<firsthand_team::ChainCut>>,
}

fn told(team: &Membership, asked: &[Vec<OperationHash>]) -> Told {
    let space = SpaceId::new([1; 16]);
    let cut = |number: u8| {
        asked.iter().map(move |heads| team.cut(&space, &WriterId::new([number; 16]), &key(number), heads))
    };
    Told {
        roster: team.roster().clone(),
        removals: team.removals(),
        heads: team.heads(),
        judged: asked.iter().map(|heads| team.roster_at(heads)).collect(),
        cuts: (1..20).flat_map(cut).collect(),
    }
}

#[test]
fn every_order_of_arrival_folds_to_the_same_team() {
    let (mut removed, mut circles, mut returned) = (0, 0, 0);
    for seed in 0..SCHEDULES {
        let mut schedule = Schedule::new(seed);
        for _ in 0..STEPS {
            schedule.step();
        }
        let founding = schedule.made[0].1.clone();
        let all: Vec<Vec<u8>> = schedule.made.iter().map(|(_, bytes)| bytes.clone()).collect();
        let mut rng = rng(seed ^ 0xffff);
        let asked: Vec<Vec<OperationHash>> =
            (0..4).map(|_| vec![schedule.made[below(&mut rng, schedule.made.len())].0]).collect();
        let mut expected = None;
        for way in 0..3 {
            let mut order = all.clone();
            let mut team = Membership::load([founding.as_slice()]).unwrap();
            if way > 0 {
                shuffle(&mut rng, &mut order);
            }
            // In one piece, or in pieces whose parents may be missing and come again.
            let piece = if way == 2 { 1 + below(&mut rng, 5) } else { order.len() };
            while team.all().len() < all.len() {
                let before = team.all().len();
                order.chunks(piece).for_each(|piece| drop(team.insert_all(piece).unwrap()));
                assert!(team.all().len() > before, "seed {seed}: something is never taken");
            }
            let now = told(&team, &asked);
            assert_eq!(expected.get_or_insert_with(|| told(&team, &asked)), &now, "seed {seed}, way {way}");
            if way > 0 {
                continue;
            }
            let again = Membership::load(team.all().iter().map(|(_, bytes)| bytes.as_slice())).unwrap();
            assert_eq!(told(&again, &asked), now, "seed {seed}, read again");
        }
        let Some(now) = expected else { continue };
        removed += usize::from(!now.removals.is_empty());
        let revocations: BTreeSet<_> = schedule.made.iter().filter(|(_, it)| is_revocation(it)).collect();
        circles += usize::from(revocations.len() > now.removals.len());
        let mut team = Membership::load([founding.as_slice()]).unwrap();
        team.insert_all(&all).unwrap();
        returned += usize::from(now.roster.devices.keys().any(|device| team.is_cut(device)));
        nobody_stands_on_a_removed_phone(seed, &team, &now);
    }
    println!(
        "{SCHEDULES} years: {removed} with removals, {circles} with some that do not stand, {returned} with a return"
    );
    // The years are of the kind that was meant.
    assert!(removed > 1300, "{removed}");
    assert!(circles > 200, "{circles}");
    assert!(returned > 60, "{returned}");
}

fn is_revocation(bytes: &[u8]) -> bool {
    matches!(Operation::decode(bytes).unwrap().body, Body::Revoke { .. })
}

/// Nobody is in the team by the word of a phone that was removed, unless the remover had seen it.
fn nobody_stands_on_a_removed_phone(seed: u64, team: &Membership, now: &Told) {
    for removal in &now.removals {
        let seen = past(team, removal.hash);
        for (number, grant) in
            now.roster.devices.values().flat_map(|it| it.grants.iter().map(move |grant| (it, grant)))
        {
            let by = team.operation(grant).unwrap();
            let hit = match removal.target {
                Target::Device(device) => device == by.author,
                Target::Person(person) => now.roster.owner(&by.author) == Some(person),
            };
            let immune =
                matches!(by.body, Body::Recover { .. }) || now.roster.devices.contains_key(&by.author);
            assert!(!hit || immune || seen.contains(grant), "seed {seed}: {number:?}");
        }
    }
}

fn past(team: &Membership, hash: OperationHash) -> BTreeSet<OperationHash> {
    let (mut past, mut open) = (BTreeSet::new(), vec![hash]);
    while let Some(hash) = open.pop() {
        if past.insert(hash) {
            open.extend(&team.operation(&hash).unwrap().parents);
        }
    }
    past
}
