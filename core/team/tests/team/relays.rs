//! The relays of a team: their bytes, who may say which there are, and that everybody finds the same ones.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/team.md.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId};
use firsthand_team::{
    Body, MAX_RELAYS, Membership, Operation, Reason, RelayAddress, Role, Target, TeamError, TeamRelay,
};
use proptest::prelude::*;

use crate::support::{FOUNDER, add, bytes, hex, key, rng, secret, shuffle, sign, team};

const LEADS: DeviceKey = DeviceKey::new([0x99; 32]);

fn relay(number: u8) -> TeamRelay {
    at(number, "relay.example.org")
}

fn at(number: u8, host: &str) -> TeamRelay {
    TeamRelay {
        address: format!("wss://{host}:47480/relay"),
        key: ExchangeKey::new([number; 32]),
        token: [0x88; 16],
    }
}

fn signed(sequence: u64, body: Body) -> Vec<u8> {
    let parents = vec![OperationHash::new([0x66; 32])];
    Operation::sign(&secret(1), Some(&TeamId::new([0x11; 32])), sequence, parents, body).encode()
}

#[test]
fn the_bytes_of_relays() {
    let added = signed(2, Body::AddRelay { relay: relay(0x77), leads: LEADS });
    assert_eq!(hex(&added), ADDED);
    let dropped = signed(3, Body::DropRelay { key: ExchangeKey::new([0x77; 32]) });
    assert_eq!(hex(&dropped), DROPPED);
    for whole in [added, dropped] {
        assert_eq!(Operation::decode(&whole).unwrap().encode(), whole);
        for len in 0..whole.len() {
            assert!(Operation::decode(&whole[..len]).is_err(), "{len}");
        }
    }
}

#[test]
fn an_address_has_one_form() {
    let parts = |address| RelayAddress::parse(address).map(|it| (it.tls, it.host, it.port, it.path));
    let is = |tls, host: &str, port, path: &str| Ok((tls, host.to_owned(), port, path.to_owned()));
    assert_eq!(parts("wss://relay.example.org/relay"), is(true, "relay.example.org", 443, "/relay"));
    assert_eq!(parts("ws://10.0.0.1:47480/relay"), is(false, "10.0.0.1", 47480, "/relay"));
    assert_eq!(parts("ws://[fe80::1]:80/a/b"), is(false, "fe80::1", 80, "/a/b"));
    assert_eq!(parts("ws://[::1]/"), is(false, "::1", 80, "/"));
    let long = format!("ws://h/{}", "a".repeat(250));
    let fits = format!("ws://h/{}", "a".repeat(249));
    assert!(parts(&fits).is_ok());
    for wrong in [
        "",
        "ws://",
        "ws://h",
        "ws:///relay",
        "http://h/relay",
        "WS://h/relay",
        "ws://H/relay",
        "ws://h:/r",
        "ws://h:0/r",
        "ws://h:080/r",
        "ws://h:65536/r",
        "ws://h:+80/r",
        "ws://u@h/r",
        "ws://h/r?q",
        "ws://h/r#f",
        "ws://h/a b",
        "ws://h\u{e9}/r",
        "ws://h/\n",
        "ws://[::1/r",
        "ws://[h]/r",
        "ws://[::1]x/r",
        "ws://::1/r",
        &long,
    ] {
        assert!(matches!(parts(wrong), Err(TeamError::RelayAddress { .. })), "{wrong}");
    }
    let body = Body::AddRelay { relay: TeamRelay { address: "ws://h".to_owned(), ..relay(1) }, leads: LEADS };
    assert!(Operation::decode(&signed(2, body)).is_err());
}

#[test]
fn leads_say_which_there_are() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Coordinator);
    assert_eq!(team.add_relay(&secret(2), relay(1), LEADS), Err(TeamError::NotAllowed));
    team.add_relay(&secret(FOUNDER), relay(1), LEADS).unwrap();
    assert_eq!(team.roster().relays, [relay(1)]);
    assert_eq!(team.drop_relay(&secret(2), relay(1).key), Err(TeamError::NotAllowed));
    // One that signs without asking is kept, and counts for nothing.
    let (id, heads) = (*team.team(), team.heads());
    team.insert(&sign(&id, 2, 1, &heads, Body::AddRelay { relay: relay(9), leads: LEADS }).1).unwrap();
    assert_eq!(team.roster().relays, [relay(1)]);

    // Another address of the same relay takes the place of the first.
    let other = DeviceKey::new([0x9a; 32]);
    team.add_relay(&secret(FOUNDER), at(1, "other.example.org"), other).unwrap();
    assert_eq!(team.roster().relay_leads, BTreeMap::from([(relay(1).key, other)]));
    assert_eq!(team.roster().relays, [at(1, "other.example.org")]);
    for number in 2..=MAX_RELAYS as u8 {
        team.add_relay(&secret(FOUNDER), relay(number), LEADS).unwrap();
    }
    let limit = MAX_RELAYS;
    assert_eq!(team.add_relay(&secret(FOUNDER), relay(7), LEADS), Err(TeamError::TooManyRelays { limit }));
    team.add_relay(&secret(FOUNDER), relay(1), LEADS).unwrap();
    team.drop_relay(&secret(FOUNDER), relay(2).key).unwrap();
    assert_eq!(team.drop_relay(&secret(FOUNDER), relay(2).key), Err(TeamError::NotFound));
    team.add_relay(&secret(FOUNDER), relay(7), LEADS).unwrap();
    assert_eq!(team.roster().relays.len(), MAX_RELAYS);
    let wrong = TeamRelay { address: "relay.example.org".to_owned(), ..relay(1) };
    assert!(matches!(team.add_relay(&secret(FOUNDER), wrong, LEADS), Err(TeamError::RelayAddress { .. })));
}

#[test]
fn a_taken_phone_neither_adds_nor_drops_one() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Lead);
    team.add_relay(&secret(FOUNDER), relay(1), LEADS).unwrap();
    let mut taken = team.clone();
    taken.add_relay(&secret(2), relay(2), LEADS).unwrap();
    taken.drop_relay(&secret(2), relay(1).key).unwrap();
    team.revoke(&secret(FOUNDER), Target::Device(key(2)), Reason::Seized, Vec::new()).unwrap();
    team.insert_all(&bytes(taken.all())).unwrap();
    assert_eq!(team.roster().relays, [relay(1)]);
}

/// What the rules say, looked up over parents alone, for operations of which all count.
fn expected(team: &Membership) -> Vec<TeamRelay> {
    let all = team.all();
    let operation = |hash: &OperationHash| team.operation(hash).unwrap();
    let past = |hash: &OperationHash| {
        let (mut seen, mut open) = (BTreeSet::new(), operation(hash).parents.clone());
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&operation(&next).parents);
            }
        }
        seen
    };
    let about = |hash: &OperationHash| match &operation(hash).body {
        Body::AddRelay { relay, .. } => Some(relay.key),
        Body::DropRelay { key } => Some(*key),
        _ => None,
    };
    let mut found: Vec<TeamRelay> = Vec::new();
    // In the common order, so the first of a key stands.
    for (hash, _) in &all {
        let Body::AddRelay { relay, .. } = &operation(hash).body else { continue };
        let followed =
            all.iter().any(|(by, _)| about(by) == Some(relay.key) && by != hash && past(by).contains(hash));
        // What was added again is followed by that, and what was dropped by its dropping.
        if !followed && found.iter().all(|it| it.key != relay.key) {
            found.push(relay.clone());
        }
    }
    found.truncate(MAX_RELAYS);
    found
}

proptest! {
    #[test]
    fn everybody_finds_the_same(steps in prop::collection::vec((0..3_usize, 0..12_u8, 0..3_usize), 1..40), seed: u64) {
        let mut founded = team();
        add(&mut founded, FOUNDER, 2, Role::Lead);
        add(&mut founded, FOUNDER, 3, Role::Lead);
        let mut replicas = vec![founded.clone(), founded.clone(), founded];
        for (who, what, other) in steps {
            let secret = secret(who as u8 + 1);
            match what {
                // Seven relays, so that those who are apart add more than there may be.
                0..=6 => drop(replicas[who].add_relay(&secret, at(what, &format!("h{other}.org")), LEADS)),
                7..=9 => drop(replicas[who].drop_relay(&secret, ExchangeKey::new([what - 7; 32]))),
                _ => {
                    let theirs = bytes(replicas[other].all());
                    replicas[who].insert_all(&theirs).unwrap();
                }
            }
        }
        let mut all: Vec<Vec<u8>> = replicas.iter().flat_map(|it| bytes(it.all())).collect();
        let mut rng = rng(seed);
        for replica in &mut replicas {
            shuffle(&mut rng, &mut all);
            while !replica.insert_all(&all).unwrap().is_empty() {}
        }
        let relays = replicas[0].roster().relays.clone();
        prop_assert_eq!(&relays, &expected(&replicas[0]));
        prop_assert!(relays.len() <= MAX_RELAYS);
        for replica in &replicas {
            prop_assert_eq!(&replica.roster().relays, &relays);
            let again = replica.all();
            let again = Membership::load(again.iter().map(|(_, it)| it.as_slice())).unwrap();
            prop_assert_eq!(&again.roster().relays, &relays);
        }
    }
}

const ADDED: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c020166666666666666666666666666\
    666666666666666666666666666666666666660c74237773733a2f2f72656c61792e6578616d706c652e6f72673a3437\
    3438302f72656c6179777777777777777777777777777777777777777777777777777777777777777788888888888888\
    8888888888888888889999999999999999999999999999999999999999999999999999999999999999b8bdb84c165bf4\
    8fa9c4b7237fe7eefa34564259bcd544eb4e741d9bb535e00b64b885cf43ff209057ede4fb034f326e344d21b903bfac\
    024db15072e5921a0b";
const DROPPED: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c030166666666666666666666666666\
    666666666666666666666666666666666666660d20777777777777777777777777777777777777777777777777777777\
    7777777777827a97db28ed1bf65f9a7d7dd0b5e71dbdbe0bc279c22ca19741d0891ba4427adc8cc664d4a5531edf5fcd\
    d9a439ff752ee54229da3dfc14a93e173070c6e108";
