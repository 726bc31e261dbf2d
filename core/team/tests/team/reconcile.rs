//! Two replicas that met apart from each other become the same.

use firsthand_log::MAX_MEMBERSHIP_HEADS;
use firsthand_team::{Body, Membership, Role, TeamError};
use proptest::prelude::*;

use crate::model::{Model, graph};
use crate::support::{FOUNDER, add, add_body, bytes, exchange, key, rng, shuffle, sign, team};

/// A replica that holds the past of some of the operations.
fn part(model: &Model, seed: u64) -> Membership {
    let mut some = model.kept.clone();
    shuffle(&mut rng(seed), &mut some);
    some.truncate(seed as usize % 4);
    let past: Vec<_> = model.past(&some).iter().map(|hash| model.bytes(hash)).collect();
    let mut replica = Membership::load([model.founding.as_slice()]).unwrap();
    replica.insert_all(&past).unwrap();
    replica
}

/// Each tells its heads; each sends what the other lacks.
fn exchange_once(one: &mut Membership, two: &mut Membership) {
    let (for_two, for_one) = (one.lacking(&two.heads()), two.lacking(&one.heads()));
    one.insert_all(&bytes(for_one)).unwrap();
    two.insert_all(&bytes(for_two)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn one_exchange_each_way_is_enough(model in graph(24), first: u64, second: u64) {
        let (mut one, mut two) = (part(&model, first), part(&model, second));
        let union = one.all().len().max(two.all().len());
        exchange_once(&mut one, &mut two);
        prop_assert!(one.all().len() >= union);
        prop_assert_eq!(one.all(), two.all());
        prop_assert_eq!(one.roster(), two.roster());
        prop_assert_eq!(one.heads(), two.heads());
        prop_assert!(one.lacking(&two.heads()).is_empty());
    }
}

/// 300 operations side by side by a member who wants everybody to run out of heads.
fn flooded() -> Membership {
    let mut team = team();
    let grant = add(&mut team, FOUNDER, 2, Role::Responder);
    let id = *team.team();
    for number in 0..300u16 {
        let body = Body::Other { kind: 200, bytes: number.to_le_bytes().to_vec() };
        team.insert(&sign(&id, 2, 1, &[grant], body).1).unwrap();
    }
    team
}

#[test]
fn a_flood_of_heads_keeps_nobody_from_working() {
    let mut team = flooded();
    assert_eq!(team.heads().len(), MAX_MEMBERSHIP_HEADS);
    for number in 10..20 {
        let grant = add(&mut team, FOUNDER, number, Role::Lead);
        assert!(team.heads().contains(&grant), "what counts is named first");
        assert!(team.heads().len() <= MAX_MEMBERSHIP_HEADS);
        assert!(team.heads().is_sorted());
        let there = team.roster_at(&team.heads()).unwrap();
        assert_eq!(there.rights(&key(number)), team.roster().rights(&key(number)));
    }
    // Every operation of the founder gathers up to 64 heads, and so the flood drains away.
    assert_eq!(team.heads().len(), 1);
    let reloaded = bytes(team.all());
    let reloaded = Membership::load(reloaded.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(reloaded.heads(), team.heads());
}

#[test]
fn replicas_with_more_heads_than_they_can_name_still_reconcile() {
    let (mut one, mut two) = (flooded(), team());
    add(&mut two, FOUNDER, 30, Role::Lead);
    exchange_once(&mut one, &mut two);
    assert_eq!(one.all(), two.all());
    assert_eq!(one.roster(), two.roster());
}

#[test]
fn a_hundred_leads_apart_come_together() {
    let mut origin = team();
    for number in 2..102 {
        add(&mut origin, FOUNDER, number, Role::Lead);
    }
    let mut replicas: Vec<_> = (2..102u8)
        .map(|number| {
            let mut replica = origin.clone();
            add(&mut replica, number, 100 + number, Role::Responder);
            replica
        })
        .collect();
    for replica in &mut replicas {
        exchange_once(&mut origin, replica);
    }
    assert_eq!(origin.roster().members.len(), 201);
    assert_eq!(origin.heads().len(), MAX_MEMBERSHIP_HEADS);
    for _ in 0..2 {
        // The founder's next operations gather the heads.
        add(&mut origin, FOUNDER, 203, Role::Responder);
    }
    assert_eq!(origin.heads().len(), 1);
    for replica in &mut replicas {
        exchange_once(&mut origin, replica);
        assert_eq!(replica.roster(), origin.roster());
    }
}

#[test]
fn a_history_has_an_end() {
    let mut team = team();
    let id = *team.team();
    let body = |number: u32| {
        let device = (number % 200) as u8 + 2;
        add_body(&id, device, exchange(device), Role::Responder)
    };
    let mut last = team.heads();
    for number in 1..4096 {
        let (hash, operation) = sign(&id, FOUNDER, u64::from(number) + 1, &last, body(number));
        team.insert(&operation).unwrap();
        last = vec![hash];
    }
    let (_, operation) = sign(&id, FOUNDER, 4097, &last, body(0));
    assert_eq!(team.insert(&operation), Err(TeamError::TooMany { limit: 4096 }));
    assert_eq!(team.heads(), last);
    let all = bytes(team.all());
    let mut backwards = Membership::load([all[0].as_slice()]).unwrap();
    let reversed: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(backwards.insert_all(&reversed).unwrap().len(), 4095);
    assert_eq!(backwards.roster(), team.roster());
}
