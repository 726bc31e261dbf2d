//! The channel to a relay, and what each kind of stranger sees of it.

use firsthand_channel::{ChannelError, Link, Purpose, RelayEvent, RelayLink};
use firsthand_ids::ExchangeKey;
use proptest::prelude::*;

use crate::support::{device, initiator, meet, responder, rng};

const LIMIT: usize = 1 << 20;

fn key() -> ExchangeKey {
    device(9).public().unwrap()
}

fn client(seed: u8) -> (RelayLink, Vec<u8>) {
    RelayLink::dial(&key(), LIMIT, &mut rng(seed)).unwrap()
}

fn relay(seed: u8) -> RelayLink {
    RelayLink::answer(device(9), LIMIT, &mut rng(seed))
}

fn established(events: Vec<RelayEvent>) -> ([u8; 32], Vec<u8>) {
    match &events[..] {
        [RelayEvent::Established { handshake_hash, reply }] => (*handshake_hash, reply.clone()),
        other => panic!("unexpected events {other:?}"),
    }
}

fn pair(seed: u8) -> (RelayLink, RelayLink) {
    let (mut one, hello) = client(seed);
    let mut two = relay(seed + 1);
    let (_, reply) = established(two.push(&hello).unwrap());
    established(one.push(&reply).unwrap());
    (one, two)
}

#[test]
fn a_client_reaches_its_relay() {
    let (mut one, hello) = client(1);
    let mut two = relay(2);
    assert_eq!(one.send(b"too early"), Err(ChannelError::OutOfOrder));
    assert_eq!(two.send(b"too early"), Err(ChannelError::OutOfOrder));
    let (hash, reply) = established(two.push(&hello).unwrap());
    assert!(two.is_established() && !one.is_established());
    let (seen, nothing) = established(one.push(&reply).unwrap());
    assert_eq!((seen, nothing), (hash, Vec::new()));
    // Another handshake has another hash, so a signature over it opens one channel only.
    let (_, other) = client(3);
    assert_ne!(established(relay(2).push(&other).unwrap()).0, hash);

    let frame = one.send(b"hello").unwrap();
    for byte in &frame[..frame.len() - 1] {
        assert_eq!(two.push(&[*byte]), Ok(vec![]));
    }
    let last = &frame[frame.len() - 1..];
    assert_eq!(two.push(last), Ok(vec![RelayEvent::Frame(b"hello".to_vec())]));
    let back = two.send(b"welcome").unwrap();
    assert_eq!(one.push(&back), Ok(vec![RelayEvent::Frame(b"welcome".to_vec())]));
}

#[test]
fn nobody_else_can_answer() {
    // A relay with another key cannot read the first message.
    let (mut one, hello) = client(1);
    let mut other = RelayLink::answer(device(8), LIMIT, &mut rng(2));
    assert_eq!(other.push(&hello), Err(ChannelError::Refused));
    assert_eq!(other.push(&hello), Err(ChannelError::Closed));
    // Nor does what it answers to another client's fit.
    let (_, its_own) = RelayLink::dial(&device(8).public().unwrap(), LIMIT, &mut rng(3)).unwrap();
    let mut other = RelayLink::answer(device(8), LIMIT, &mut rng(2));
    let (_, reply) = established(other.push(&its_own).unwrap());
    assert_eq!(one.push(&reply), Err(ChannelError::Refused));
    assert_eq!(one.send(b"x"), Err(ChannelError::Closed));
}

#[test]
fn a_key_of_low_order_is_refused() {
    let dialled = RelayLink::dial(&ExchangeKey::new([0; 32]), LIMIT, &mut rng(1));
    assert!(matches!(dialled, Err(ChannelError::Refused)));
}

#[test]
fn purposes_do_not_mix() {
    let (_, hello) = initiator(&meet(), 1);
    assert_eq!(relay(1).push(&hello), Err(ChannelError::Purpose(1)));
    assert_eq!(relay(1).push(&[2]), Err(ChannelError::Purpose(2)));
    assert_eq!(relay(1).push(b"GET / HTTP/1.1"), Err(ChannelError::Purpose(b'G')));
    let (_, hello) = client(1);
    assert_eq!(responder(vec![meet()], 1).push(&hello), Err(ChannelError::Purpose(3)));
    let offer = firsthand_channel::Offer { purpose: Purpose::Relay, ..meet() };
    assert!(matches!(Link::initiator(&offer, &device(1), &mut rng(1)), Err(ChannelError::Purpose(3))));
}

#[test]
fn no_changed_bit_goes_unnoticed() {
    let (mut one, hello) = client(1);
    let mut two = relay(2);
    let (_, reply) = established(two.push(&hello).unwrap());
    established(one.push(&reply).unwrap());
    let frame = one.send(b"frame").unwrap();
    for at in 0..hello.len() {
        let mut changed = hello.clone();
        changed[at] ^= 1 << (at % 8);
        let outcome = relay(2).push(&changed);
        // A length that grew waits for more.
        assert!(outcome.is_err() || outcome == Ok(vec![]), "byte {at}");
    }
    for at in 0..reply.len() {
        let mut changed = reply.clone();
        changed[at] ^= 1 << (at % 8);
        let outcome = client(1).0.push(&changed);
        assert!(outcome.is_err() || outcome == Ok(vec![]), "byte {at}");
    }
    for at in 2..frame.len() {
        let (mut again, _) = client(1);
        let mut two = relay(2);
        two.push(&hello).unwrap();
        again.push(&reply).unwrap();
        let mut changed = again.send(b"frame").unwrap();
        assert_eq!(changed, frame);
        changed[at] ^= 1 << (at % 8);
        assert_eq!(two.push(&changed), Err(ChannelError::Altered), "byte {at}");
    }
}

#[test]
fn limits_hold_before_anything_is_kept() {
    for len in [47u16, 49, u16::MAX] {
        let mut two = relay(1);
        assert_eq!(two.push(&[3]), Ok(vec![]));
        let mut message = len.to_be_bytes().to_vec();
        message.resize(2 + usize::from(len.min(48)), 0);
        let error = if len < 48 { ChannelError::Malformed } else { ChannelError::TooLarge };
        assert_eq!(two.push(&message), Err(error), "{len}");
    }
    // A relay lets strangers say little, and members more.
    let (mut one, mut two) = pair(5);
    two.set_limit(100);
    let wire = one.send(&[7; 100]).unwrap();
    assert_eq!(two.push(&wire), Ok(vec![RelayEvent::Frame(vec![7; 100])]));
    two.set_limit(LIMIT);
    let wire = one.send(&vec![7; LIMIT]).unwrap();
    assert_eq!(two.push(&wire), Ok(vec![RelayEvent::Frame(vec![7; LIMIT])]));
    two.set_limit(100);
    // Two bytes are enough to refuse a message that no frame of that size has.
    assert_eq!(two.push(&121u16.to_be_bytes()), Err(ChannelError::TooLarge));

    let (mut one, mut two) = pair(5);
    let wire = one.send(&vec![7; LIMIT + 1]).unwrap();
    assert_eq!(two.push(&wire), Err(ChannelError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn garbage_is_never_accepted_and_never_panics(
        garbage in prop::collection::vec(any::<u8>(), 0..2_000),
        plausible in any::<bool>(),
        cut in 1usize..500,
    ) {
        let (one, two) = pair(7);
        for (number, mut link) in [relay(1), client(1).0, one, two].into_iter().enumerate() {
            let mut bytes = garbage.clone();
            if plausible {
                let head: &[u8] = match number {
                    0 => &[3, 0, 48],
                    1 => &[0, 48],
                    _ => &[0, 80],
                };
                bytes.splice(..0, head.iter().copied());
            }
            for piece in bytes.chunks(cut) {
                match link.push(piece) {
                    // Whoever sends a key of his own gets an answer that he can't read unless he made that key.
                    Ok(events) => prop_assert!(events.is_empty(), "garbage led to {events:?}"),
                    Err(_) => break,
                }
            }
            let _ = link.send(b"x");
        }
    }
}
