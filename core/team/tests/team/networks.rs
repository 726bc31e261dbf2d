//! What makes a network of teams: its bytes, and that nothing that was founded as a team becomes one.

use firsthand_ids::{OperationHash, TeamId};
use firsthand_team::{Body, Membership, Operation, TeamError};

use crate::support::{FOUNDER, add, hex, secret, sign, team};

/// Computed by a second implementation, written in Python after docs/formats/team.md.
const NETWORK: &str = "018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c020166666666666666666666666666666666666666666666666666666666666666660e008ccf55ed4ef8eaf4bef748617ecf143e99e454e25ea3171bee329cd42e0acd2395ef55f1674e9973b473dba5b2ad1c878a7907b31658dc5b7432c630aa14860c";

fn network() -> Membership {
    let mut network = team();
    network.make_network(&secret(FOUNDER)).unwrap();
    network
}

#[test]
fn the_bytes_of_a_network() {
    let parents = vec![OperationHash::new([0x66; 32])];
    let whole =
        Operation::sign(&secret(1), Some(&TeamId::new([0x11; 32])), 2, parents, Body::Network).encode();
    assert_eq!(hex(&whole), NETWORK);
    assert_eq!(Operation::decode(&whole).unwrap().encode(), whole);
    for len in 0..whole.len() {
        assert!(Operation::decode(&whole[..len]).is_err(), "{len}");
    }
}

#[test]
fn only_a_founding_is_made_a_network() {
    assert!(!team().roster().network);
    let founded = network();
    assert!(founded.roster().network);
    let all = founded.all();
    let loaded = Membership::load(all.iter().map(|(_, bytes)| bytes.as_slice())).unwrap();
    assert!(loaded.roster().network);

    // Once anything else was signed, nobody makes one of it, the founder neither.
    let mut later = team();
    add(&mut later, FOUNDER, 2, firsthand_team::Role::Lead);
    assert_eq!(later.make_network(&secret(FOUNDER)).map(|_| ()), Err(TeamError::NotAllowed));
    assert_eq!(later.make_network(&secret(2)).map(|_| ()), Err(TeamError::NotAllowed));
    let id = *later.team();
    for (number, sequence) in [(FOUNDER, 3), (2, 1)] {
        let heads = later.heads();
        later.insert(&sign(&id, number, sequence, &heads, Body::Network).1).unwrap();
        assert!(!later.roster().network);
    }
    // Nor somebody else right after the founding.
    let mut other = team();
    let founding = other.heads();
    add(&mut other, FOUNDER, 2, firsthand_team::Role::Lead);
    let early = other.insert(&sign(&id, 2, 1, &founding, Body::Network).1);
    assert_eq!(early.map(|_| ()), Err(TeamError::NotAllowed));
}
