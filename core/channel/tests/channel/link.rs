//! What honest sides see, and what each kind of stranger sees.

use firsthand_channel::{
    ChannelError, Deframer, ExchangeSecret, Handshake, Link, LinkEvent, MAX_FRAME, MAX_HANDSHAKE_PAYLOAD,
    MAX_MESSAGE, MAX_OFFERS, Offer, Purpose,
};
use firsthand_ids::ExchangeKey;
use proptest::prelude::*;

use crate::support::{
    DISCOVERY, OTHER_TEAM, TEAM, device, initiator, join, meet, pair, responder, rng, undisturbed,
};

#[test]
fn two_members_meet() {
    let (mut one, hello) = initiator(&meet(), 1);
    let mut two = responder(vec![meet()], 2);
    assert_eq!((one.purpose(), two.purpose()), (Some(Purpose::Meet), None));
    assert_eq!(two.send(b"too early"), Err(ChannelError::OutOfOrder));

    assert_eq!(two.push(&hello), Ok(vec![LinkEvent::NeedsPayload]));
    assert_eq!(two.peer_key(), None);
    let reply = two.reply(b"my heads").unwrap();
    assert_eq!(reply.established, None);

    let events = one.push(&reply.bytes).unwrap();
    assert_eq!(events, [LinkEvent::HandshakePayload(b"my heads".to_vec()), LinkEvent::NeedsPayload]);
    // An initiator can look the other side up before it shows its own key.
    assert_eq!(one.peer_key(), Some(device(2).public().unwrap()));
    assert!(!one.is_established());
    let reply = one.reply(b"and mine").unwrap();
    let established = reply.established.unwrap();
    assert_eq!(established.peer, device(2).public().unwrap());

    let frame = one.send(b"hello").unwrap();
    let events = two.push(&[reply.bytes, frame].concat()).unwrap();
    let [LinkEvent::HandshakePayload(payload), LinkEvent::Established(seen), LinkEvent::Frame(frame)] =
        &events[..]
    else {
        panic!("unexpected events {events:?}");
    };
    assert_eq!((payload.as_slice(), frame.as_slice()), (&b"and mine"[..], &b"hello"[..]));
    assert_eq!(seen.peer, device(1).public().unwrap());
    assert_eq!(seen.handshake_hash, established.handshake_hash);
    assert_eq!(two.peer_key(), Some(seen.peer));

    let back = two.send(b"welcome").unwrap();
    assert_eq!(one.push(&back), Ok(vec![LinkEvent::Frame(b"welcome".to_vec())]));
}

#[test]
fn every_split_of_the_bytes_gives_the_same() {
    let (steps, heard) = undisturbed(3);
    for cut in 0..steps[2].len() {
        let mut two = responder(vec![join(), meet()], 4);
        two.push(&steps[0]).unwrap();
        two.reply(b"heads of the responder").unwrap();
        let mut events = two.push(&steps[2][..cut]).unwrap();
        events.extend(two.push(&steps[2][cut..]).unwrap());
        let frame = events.pop();
        assert_eq!(frame, Some(LinkEvent::Frame(heard.responder[1].clone())), "cut at {cut}");
    }
    // And byte by byte, in all steps.
    let mut two = responder(vec![join(), meet()], 4);
    let mut got = Vec::new();
    for step in [0, 2, 4] {
        for byte in &steps[step] {
            for event in two.push(&[*byte]).unwrap() {
                match event {
                    LinkEvent::NeedsPayload => drop(two.reply(b"heads of the responder").unwrap()),
                    LinkEvent::HandshakePayload(bytes) | LinkEvent::Frame(bytes) => got.push(bytes),
                    LinkEvent::Established(_) => {}
                }
            }
        }
    }
    assert_eq!(got, heard.responder);
}

#[test]
fn the_offer_that_fits_is_found() {
    let invitation = |n: u8| Offer::join(TEAM, &[n; 32]).unwrap();
    let offers = vec![meet(), invitation(1), invitation(2), invitation(3)];
    for (index, offer) in offers.iter().enumerate() {
        let (mut one, hello) = initiator(offer, 5);
        let mut two = responder(offers.clone(), 6);
        two.push(&hello).unwrap();
        one.push(&two.reply(&[]).unwrap().bytes).unwrap();
        let events = two.push(&one.reply(&[]).unwrap().bytes).unwrap();
        let Some(LinkEvent::Established(seen)) = events.last() else { panic!("not established: {events:?}") };
        assert_eq!((seen.offer, seen.purpose), (index, offer.purpose));
    }
    let (_, hello) = initiator(&invitation(4), 5);
    assert_eq!(responder(offers, 6).push(&hello), Err(ChannelError::Refused));
}

#[test]
fn whoever_lacks_the_secret_or_the_team_learns_nothing() {
    let same_secret_for_both = [0x44; 32];
    let as_join = |offer: Offer| Offer { purpose: Purpose::Join, ..offer };
    for (what, theirs, ours, error) in [
        ("secret", Offer::meet(TEAM, &[0; 32]).unwrap(), meet(), ChannelError::Refused),
        ("team", Offer::meet(OTHER_TEAM, &DISCOVERY).unwrap(), meet(), ChannelError::Refused),
        ("invitation", Offer::join(TEAM, &[0; 32]).unwrap(), join(), ChannelError::Refused),
        ("purpose", meet(), join(), ChannelError::Purpose(1)),
        ("no invitation open", join(), meet(), ChannelError::Purpose(2)),
        (
            "one secret used twice",
            Offer::join(TEAM, &same_secret_for_both).unwrap(),
            as_join(Offer::meet(TEAM, &same_secret_for_both).unwrap()),
            ChannelError::Refused,
        ),
    ] {
        let (_, hello) = initiator(&theirs, 7);
        let mut two = responder(vec![ours], 8);
        assert_eq!(two.push(&hello), Err(error), "{what}");
        assert_eq!(two.reply(&[]), Err(ChannelError::Closed), "{what}");
        assert_eq!(two.push(&hello), Err(ChannelError::Closed), "{what}");
    }
    // The purpose is bound by the prologue too, not only by the keys.
    let (_, mut hello) = initiator(&meet(), 7);
    hello[0] = Purpose::Join.byte();
    assert_eq!(responder(vec![as_join(meet())], 8).push(&hello), Err(ChannelError::Refused));
}

#[test]
fn a_false_responder_is_noticed_before_the_initiator_shows_its_key() {
    let (mut one, _) = initiator(&meet(), 9);
    // It has read nothing of ours, so it can only answer a handshake of its own.
    let (_, other_hello) = initiator(&Offer::meet(TEAM, &[1; 32]).unwrap(), 10);
    let mut two = responder(vec![Offer::meet(TEAM, &[1; 32]).unwrap()], 11);
    two.push(&other_hello).unwrap();
    assert_eq!(one.push(&two.reply(&[]).unwrap().bytes), Err(ChannelError::Refused));
    assert_eq!(one.reply(&[]), Err(ChannelError::Closed));
}

#[test]
fn the_relay_byte_and_unknown_bytes_are_refused() {
    let relay = Offer { purpose: Purpose::Relay, ..meet() };
    assert!(matches!(Link::initiator(&relay, &device(1), &mut rng(1)), Err(ChannelError::Purpose(3))));
    assert_eq!(responder(vec![relay, meet()], 1).push(&[3]), Err(ChannelError::Purpose(3)));
    for byte in [0, 4, 0x16, b'G', 0xff] {
        assert_eq!(responder(vec![meet(), join()], 1).push(&[byte]), Err(ChannelError::Purpose(byte)));
    }
}

#[test]
fn nobody_speaks_out_of_turn() {
    let (mut one, hello) = initiator(&meet(), 12);
    assert_eq!(one.reply(b"unasked"), Err(ChannelError::OutOfOrder));

    let (mut one, hello_again) = initiator(&meet(), 12);
    assert_eq!(hello, hello_again);
    let mut two = responder(vec![meet()], 13);
    assert_eq!(two.push(&[&hello[..], &[0]].concat()), Err(ChannelError::OutOfOrder));

    let mut two = responder(vec![meet()], 13);
    two.push(&hello).unwrap();
    let answer = two.reply(&[]).unwrap().bytes;
    assert_eq!(two.reply(&[]), Err(ChannelError::OutOfOrder));
    assert_eq!(one.push(&[&answer[..], &[0]].concat()), Err(ChannelError::OutOfOrder));
}

#[test]
fn limits_hold() {
    let too_many = vec![join(); MAX_OFFERS + 1];
    let (_, hello) = initiator(&join(), 14);
    assert_eq!(responder(too_many, 15).push(&hello), Err(ChannelError::TooLarge));

    let (mut one, hello) = initiator(&meet(), 14);
    let mut two = responder(vec![meet()], 15);
    two.push(&hello).unwrap();
    let full = vec![1; MAX_HANDSHAKE_PAYLOAD];
    one.push(&two.reply(&full).unwrap().bytes).unwrap();
    let reply = one.reply(&full).unwrap();
    assert_eq!(two.push(&reply.bytes).unwrap()[0], LinkEvent::HandshakePayload(full));

    let mut two = responder(vec![meet()], 15);
    two.push(&hello).unwrap();
    assert_eq!(two.reply(&vec![1; MAX_HANDSHAKE_PAYLOAD + 1]), Err(ChannelError::TooLarge));

    // A length above what the step allows is refused when its two bytes are there, before anything is kept.
    for len in [49u16, u16::MAX] {
        let mut two = responder(vec![meet()], 15);
        assert_eq!(two.push(&[1]), Ok(vec![]));
        assert_eq!(two.push(&len.to_be_bytes()), Err(ChannelError::TooLarge));
    }
    let (mut one, _) = initiator(&meet(), 14);
    let above = (96 + MAX_HANDSHAKE_PAYLOAD + 1) as u16;
    assert_eq!(one.push(&above.to_be_bytes()), Err(ChannelError::TooLarge));

    let mut both = pair(&meet(), 16).unwrap();
    assert_eq!(both.initiator.send(&vec![0; MAX_FRAME + 1]), Err(ChannelError::TooLarge));
    let frame = vec![9; MAX_FRAME];
    let wire = both.initiator.send(&frame).unwrap();
    let overhead = wire.len() - frame.len();
    assert!(overhead < 2_500, "a full frame costs {overhead} bytes more");
    assert_eq!(both.responder.push(&wire), Ok(vec![LinkEvent::Frame(frame)]));
}

#[test]
fn message_one_carries_no_payload() {
    let mut one = Handshake::initiator(&meet(), &device(1), &mut rng(1)).unwrap();
    assert_eq!(one.write(b"x"), Err(ChannelError::TooLarge));
    assert_eq!(one.write(&[]), Err(ChannelError::Closed));
}

#[test]
fn a_handshake_that_is_not_finished_gives_no_transport() {
    let mut one = Handshake::initiator(&meet(), &device(1), &mut rng(1)).unwrap();
    one.write(&[]).unwrap();
    assert_eq!(one.handshake_hash(), None);
    assert!(matches!(one.into_transport(), Err(ChannelError::OutOfOrder)));
}

#[test]
fn public_keys_are_those_of_rfc_7748() {
    let bytes = |text: &str| *text.parse::<ExchangeKey>().unwrap().as_bytes();
    for (secret, public) in [
        (
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        ),
        (
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        ),
    ] {
        let secret = ExchangeSecret::from_bytes(bytes(secret));
        assert_eq!(secret.public().unwrap().to_string(), public);
        assert_eq!(format!("{secret:?}"), "ExchangeSecret(..)");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_deframer_gives_back_what_was_framed(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
        cuts in prop::collection::vec(1usize..64, 1..40),
    ) {
        let mut wire = Vec::new();
        for message in &messages {
            wire.extend((message.len() as u16).to_be_bytes());
            wire.extend(message);
        }
        let mut deframer = Deframer::new();
        let mut got = Vec::new();
        let mut rest = wire.as_slice();
        let mut cuts = cuts.into_iter().cycle();
        while !rest.is_empty() {
            let (mut piece, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
            rest = after;
            while let Some(message) = deframer.next(&mut piece, MAX_MESSAGE).unwrap() {
                got.push(message);
            }
            prop_assert!(piece.is_empty());
        }
        prop_assert!(deframer.is_empty());
        prop_assert_eq!(got, messages);
    }

    #[test]
    fn frames_of_any_size_arrive_in_order(
        sizes in prop::collection::vec(prop_oneof![0usize..200, 65_000usize..66_000, 130_000usize..132_000], 1..5),
        cut in 1usize..70_000,
    ) {
        let mut both = pair(&meet(), 20).unwrap();
        let frames: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(i, len)| vec![i as u8; *len]).collect();
        let mut wire = Vec::new();
        for frame in &frames {
            wire.extend(both.responder.send(frame).unwrap());
        }
        let mut got = Vec::new();
        for piece in wire.chunks(cut) {
            got.extend(both.initiator.push(piece).unwrap());
        }
        let frames: Vec<_> = frames.into_iter().map(LinkEvent::Frame).collect();
        prop_assert_eq!(got, frames);
    }
}
