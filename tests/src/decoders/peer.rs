use firsthand_channel::{ExchangeSecret, Link, LinkEvent, Offer};
use firsthand_ids::TeamId;
use firsthand_node::meeting::JoinFrame;
use firsthand_node::{Invitation, decode_rows, encode_rows};
use firsthand_sync::Frame;
use firsthand_team::{JoinRequest, Membership, Operation};

use super::samples::{DISCOVERY, TEAM, founding};
use crate::Dice;

pub(super) fn frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame);
    }
}

pub(super) fn rows(bytes: &[u8]) {
    if let Ok(rows) = decode_rows(bytes) {
        assert_eq!(decode_rows(&encode_rows(&rows)).unwrap(), rows);
    }
}

/// What somebody sends who has not proved anything yet, to one who was dialled and to one who dialled.
pub(super) fn link(bytes: &[u8]) {
    let mut dice = Dice::new(1, 60);
    let team = TeamId::new(TEAM);
    let offers = || vec![Offer::meet(team, &DISCOVERY).unwrap(), Offer::join(team, &[5; 32]).unwrap()];
    let secret = ExchangeSecret::generate(dice.rng());
    let mut dialled = Link::responder(offers(), secret, dice.rng());
    // In two pieces, the first of a length that the bytes choose.
    let at = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    for piece in [&bytes[..at], &bytes[at..]] {
        let Ok(events) = dialled.push(piece) else { break };
        assert!(!events.iter().any(|event| matches!(event, LinkEvent::Frame(_) | LinkEvent::Established(_))));
    }
    let secret = ExchangeSecret::generate(dice.rng());
    let (mut dialler, _) = Link::initiator(&offers()[0], &secret, dice.rng()).unwrap();
    if let Ok(events) = dialler.push(bytes) {
        assert!(!events.iter().any(|event| matches!(event, LinkEvent::Frame(_) | LinkEvent::Established(_))));
    }
}

pub(super) fn operation(bytes: &[u8]) {
    if let Ok(operation) = Operation::decode(bytes) {
        assert_eq!(operation.encode(), bytes, "one operation, one way to write it");
    }
    let mut membership = Membership::load([founding()]).unwrap();
    let before = membership.heads();
    if membership.insert(bytes).is_err() {
        assert_eq!(membership.heads(), before);
    }
}

/// Operations one after the other, each behind its length.
pub(super) fn membership(bytes: &[u8]) {
    let mut rest = bytes;
    let mut operations = Vec::new();
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_le_bytes(*len)).min(behind.len());
        let (operation, behind) = behind.split_at(len);
        operations.push(operation);
        rest = behind;
    }
    if let Ok(membership) = Membership::load(operations.iter().copied()) {
        let all = membership.all();
        let again = Membership::load(all.iter().map(|(_, bytes)| bytes.as_slice())).unwrap();
        assert_eq!(again.heads(), membership.heads());
    }
}

pub(super) fn invitation(bytes: &[u8]) {
    let Ok(code) = std::str::from_utf8(bytes) else { return };
    if let Ok(invitation) = Invitation::from_code(code) {
        assert_eq!(Invitation::from_code(&invitation.to_code()).unwrap(), invitation);
    }
}

pub(super) fn join(bytes: &[u8]) {
    if let Ok(frame) = JoinFrame::decode(bytes) {
        assert_eq!(JoinFrame::decode(&frame.encode()).unwrap(), frame);
    }
    if let Ok(request) = JoinRequest::decode(bytes) {
        assert_eq!(JoinRequest::decode(&request.encode()).unwrap(), request);
    }
}
