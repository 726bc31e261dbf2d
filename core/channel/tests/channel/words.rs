//! The short words, and somebody in the middle of a joining.

use std::collections::BTreeSet;

use firsthand_channel::{Link, LinkEvent, ShortWords, WordCommitment, WordLanguage, WordNonce, WordRole};

use crate::support::{device, join, pair, rng};

/// What a side knows when both nonces are revealed.
fn words(hash: &[u8; 32], inviter: &WordNonce, joiner: &WordNonce) -> [&'static str; 3] {
    ShortWords::derive(hash, inviter, joiner).words(WordLanguage::English)
}

#[test]
fn both_sides_see_the_same_words() {
    let (lead, newcomer) = (WordNonce::generate(&mut rng(1)), WordNonce::generate(&mut rng(2)));
    let mut joiner;
    let (mut inviter, hello);
    (joiner, hello) = Link::initiator(&join(), &device(1), &mut rng(3)).unwrap();
    inviter = Link::responder(vec![join()], device(2), &mut rng(4));
    inviter.push(&hello).unwrap();
    let answer = inviter.reply(lead.commit(WordRole::Inviter).as_bytes()).unwrap();
    let events = joiner.push(&answer.bytes).unwrap();
    let LinkEvent::HandshakePayload(lead_commitment) = &events[0] else { panic!("{events:?}") };
    let lead_commitment = WordCommitment::from_bytes(lead_commitment.as_slice().try_into().unwrap());
    let reply = joiner.reply(newcomer.commit(WordRole::Joiner).as_bytes()).unwrap();
    let joiner_sees = reply.established.unwrap();

    let reveal = joiner.send(newcomer.as_bytes()).unwrap();
    let events = inviter.push(&[reply.bytes, reveal].concat()).unwrap();
    let [
        LinkEvent::HandshakePayload(commitment),
        LinkEvent::Established(inviter_sees),
        LinkEvent::Frame(nonce),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    let commitment = WordCommitment::from_bytes(commitment.as_slice().try_into().unwrap());
    let revealed = WordNonce::from_bytes(nonce.as_slice().try_into().unwrap());
    assert!(commitment.opens_to(&revealed, WordRole::Joiner));
    let at_inviter = words(&inviter_sees.handshake_hash, &lead, &revealed);

    let reveal = inviter.send(lead.as_bytes()).unwrap();
    let events = joiner.push(&reveal).unwrap();
    let [LinkEvent::Frame(nonce)] = &events[..] else { panic!("{events:?}") };
    let revealed = WordNonce::from_bytes(nonce.as_slice().try_into().unwrap());
    assert!(lead_commitment.opens_to(&revealed, WordRole::Inviter));
    assert_eq!(words(&joiner_sees.handshake_hash, &revealed, &newcomer), at_inviter);
}

#[test]
fn a_man_in_the_middle_shows_different_words() {
    // He stole the one-time secret, so he can shake hands with both. He has to commit before he sees a nonce.
    let (lead, newcomer) = (WordNonce::generate(&mut rng(1)), WordNonce::generate(&mut rng(2)));
    for seed in 0..100 {
        let with_joiner = pair(&join(), seed).unwrap();
        let with_inviter = pair(&join(), seed + 100).unwrap();
        let (one_hash, two_hash) =
            (with_joiner.initiator_sees.handshake_hash, with_inviter.responder_sees.handshake_hash);
        assert_ne!(one_hash, two_hash);
        let his = WordNonce::generate(&mut rng(seed));
        assert_ne!(words(&one_hash, &his, &newcomer), words(&two_hash, &lead, &his));
        // Even passing both nonces through unchanged does not help him.
        assert_ne!(words(&one_hash, &lead, &newcomer), words(&two_hash, &lead, &newcomer));
    }
}

#[test]
fn a_commitment_opens_one_way_only() {
    let nonce = WordNonce::generate(&mut rng(5));
    let commitment = nonce.commit(WordRole::Inviter);
    assert!(commitment.opens_to(&nonce, WordRole::Inviter));
    assert!(!commitment.opens_to(&nonce, WordRole::Joiner), "a commitment played back to its maker");
    for bit in 0..256 {
        let mut other = *nonce.as_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!commitment.opens_to(&WordNonce::from_bytes(other), WordRole::Inviter));
    }
    assert_eq!(format!("{nonce:?}"), "WordNonce(..)");
}

#[test]
fn the_words_use_all_33_bits() {
    let zero = WordNonce::from_bytes([0; 32]);
    let mut at = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for i in 0..20_000u32 {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&i.to_be_bytes());
        for (set, word) in at.iter_mut().zip(words(&hash, &zero, &zero)) {
            set.insert(word);
        }
    }
    // 20,000 draws of 2,048 miss one word with a chance of about 1 in 9.
    assert!(at.iter().all(|set| set.len() >= 2_040), "{:?}", at.map(|set| set.len()));
}
