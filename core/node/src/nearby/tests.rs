use std::collections::BTreeMap;
use std::net::SocketAddr;

use firsthand_ids::UnixMillis;

use super::*;

fn name(number: u8) -> RunName {
    RunName::from_bytes([number; 8])
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn here(number: u8, addresses: &[&str]) -> Sighting {
    Sighting::Here { name: name(number), addresses: addresses.iter().map(|it| at(it)).collect() }
}

const T0: UnixMillis = UnixMillis(1_000);

fn later(ms: i64) -> UnixMillis {
    UnixMillis(T0.0 + ms)
}

#[test]
fn a_name_is_sixteen_digits() {
    assert_eq!(RunName::parse("0101010101010101"), Some(name(1)));
    assert_eq!(name(0xab).to_string(), "abababababababab");
    for text in ["", "01010101010101", "010101010101010101", "Anna's phone", "ABABABABABABABAB"] {
        assert_eq!(RunName::parse(text), None, "{text}");
    }
}

#[test]
fn the_smaller_name_dials_and_the_other_waits_for_it() {
    let (mut small, mut great) = (Finder::new(name(1)), Finder::new(name(2)));
    small.saw(T0, here(2, &["10.0.0.2:4700"]));
    great.saw(T0, here(1, &["10.0.0.1:4700"]));
    assert_eq!(small.dials(T0).len(), 1);
    assert_eq!(great.dials(T0), []);
    // It was called and has nothing left to do.
    great.connected(later(500), &BTreeMap::from([(7, Some(name(1)))]));
    assert_eq!(great.dials(later(10_000)), []);
    assert_eq!(great.found()[0].state, FoundState::Met);
    assert_eq!(great.found()[0].link, Some(7));
    // A phone that owns the hotspot may be one that cannot call.
    let mut alone = Finder::new(name(2));
    alone.saw(T0, here(1, &["10.0.0.1:4700"]));
    let deadline = alone.deadline().unwrap();
    assert!(deadline > T0);
    assert_eq!(alone.dials(deadline).len(), 1);
}

#[test]
fn one_device_on_two_networks_is_one() {
    let mut finder = Finder::new(name(1));
    finder.saw(T0, here(2, &["192.168.43.2:4700"]));
    finder.saw(T0, here(2, &["[fe80::2%3]:4700", "192.168.43.2:4700"]));
    finder.saw(T0, Sighting::Perhaps { address: at("192.168.43.2:4700") });
    let dials = finder.dials(T0);
    assert_eq!(dials.len(), 1);
    assert_eq!(dials[0].addresses, [at("[fe80::2%3]:4700"), at("192.168.43.2:4700")]);
    finder.dialled(T0, &dials[0].target, Some(4));
    finder.connected(T0, &BTreeMap::from([(4, Some(name(2)))]));
    assert_eq!(finder.dials(later(100_000)), []);
    assert_eq!(finder.addresses_of(&name(2)).len(), 2);
}

#[test]
fn itself_is_nobody_near() {
    let mut finder = Finder::new(name(1));
    finder.saw(T0, here(1, &["10.0.0.1:4700"]));
    finder.saw(T0, here(2, &[]));
    assert_eq!(finder.found(), []);
    assert_eq!(finder.deadline(), None);
}

/// Not in the roster: the link ends before anybody was met there, and it is tried ever more seldom.
#[test]
fn a_trap_is_dialled_ever_more_seldom() {
    let mut finder = Finder::new(name(1));
    finder.saw(T0, here(2, &["10.0.0.2:4700"]));
    let (mut now, mut dials) = (T0, Vec::new());
    while now < later(3_600_000) {
        for dial in finder.dials(now) {
            dials.push(now);
            let link = dials.len() as u64;
            finder.dialled(now, &dial.target, Some(link));
            finder.connected(now, &BTreeMap::from([(link, None)]));
            assert_eq!(finder.found()[0].state, FoundState::Trying);
            finder.connected(now, &BTreeMap::new());
            assert_eq!(finder.found()[0].state, FoundState::NotMet);
        }
        now = finder.deadline().unwrap();
    }
    assert!((60..=66).contains(&dials.len()), "{} dials in an hour", dials.len());
}

#[test]
fn who_was_lost_is_dialled_again_soon() {
    let mut finder = Finder::new(name(1));
    finder.saw(T0, here(2, &["10.0.0.2:4700"]));
    let dial = finder.dials(T0).remove(0);
    finder.dialled(T0, &dial.target, Some(1));
    finder.connected(T0, &BTreeMap::from([(1, Some(name(2)))]));
    finder.connected(later(60_000), &BTreeMap::new());
    let again = finder.deadline().unwrap();
    assert!(again > later(60_000) && again <= later(65_000));
    assert_eq!(finder.dials(again).len(), 1);
    finder.saw(again, Sighting::Gone { name: name(2) });
    assert_eq!(finder.found(), []);
}

/// One device offers 100,000 others. The table stays small, dials at once are few, and a member who was met stays in it.
#[test]
fn a_hundred_thousand_names_cost_a_bounded_table() {
    let mut finder = Finder::new(name(1));
    finder.saw(T0, here(2, &["10.0.0.2:4700"]));
    let dial = finder.dials(T0).remove(0);
    finder.dialled(T0, &dial.target, Some(1));
    let links = BTreeMap::from([(1, Some(name(2)))]);
    finder.connected(T0, &links);
    for number in 0..100_000_u64 {
        let name = RunName::from_bytes((number << 8 | 0xff).to_be_bytes());
        finder.saw(later(1), Sighting::Here { name, addresses: vec![at("10.0.0.66:4700"); 100] });
        let port = 1024 + (number % 60_000) as u16;
        finder.saw(later(1), Sighting::Perhaps { address: SocketAddr::new([10, 0, 0, 66].into(), port) });
    }
    let found = finder.found();
    assert_eq!(found.len(), MAX_NAMES + MAX_PLACES);
    assert!(found.iter().all(|it| it.addresses.len() <= 8));
    assert!(finder.dials(later(10_000)).len() <= 8);
    assert_eq!(finder.dials(later(10_000)), []);
    assert!(finder.found().iter().any(|it| it.state == FoundState::Met));
    // Somebody who comes now, from another address, finds a place and is kept.
    finder.saw(later(2), here(9, &["10.0.0.9:4700"]));
    for number in 0..1000_u64 {
        let name = RunName::from_bytes((number << 8 | 0xfe).to_be_bytes());
        finder.saw(later(3), Sighting::Here { name, addresses: vec![at("10.0.0.66:4700")] });
    }
    assert!(finder.found().iter().any(|it| it.name == Some(name(9))));
}
