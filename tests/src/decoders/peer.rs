use firsthand_channel::{ExchangeSecret, Link, LinkEvent, Offer, RelayEvent, RelayLink};
use firsthand_ids::{Position, TeamId, UnixMillis, WriterPseudonym};
use firsthand_log::{DeviceSecret, Receipt};
use firsthand_node::meeting::JoinFrame;
use firsthand_node::{DeviceProposal, Invitation, decode_rows, encode_rows};
use firsthand_sync::Frame;
use firsthand_sync::relay::{
    Answer, ClientConfig, ClientEffect, ClientInput, Entered, Limits, MAX_ANSWER_BYTES,
    MAX_FIRST_REQUEST_BYTES, Puts, RelayClient, RelayEffect, RelayInput, RelaySession, Remembered, Request,
};
use firsthand_team::{DeviceRequest, JoinRequest, Membership, Operation};

use super::samples::{DISCOVERY, TEAM, founding};
use crate::Dice;

pub(super) fn frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame);
    }
}

pub(super) fn receipts(bytes: &[u8]) {
    if let Ok(receipts) = Receipt::decode_all(bytes) {
        assert_eq!(Receipt::encode_all(&receipts), bytes);
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

/// What anybody sends to a relay, and a false relay to a client.
pub(super) fn relay_link(bytes: &[u8]) {
    let mut dice = Dice::new(1, 66);
    let secret = ExchangeSecret::generate(dice.rng());
    let key = secret.public().unwrap();
    let mut relay = RelayLink::answer(secret, MAX_FIRST_REQUEST_BYTES, dice.rng());
    let at = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    for piece in [&bytes[..at], &bytes[at..]] {
        let Ok(events) = relay.push(piece) else { break };
        assert!(!events.iter().any(|event| matches!(event, RelayEvent::Frame(_))));
    }
    let (mut client, _) = RelayLink::dial(&key, MAX_ANSWER_BYTES, dice.rng()).unwrap();
    assert!(client.push(bytes).is_ok_and(|events| events.is_empty()) || !client.is_established());
}

/// A request, to a session that nobody has entered: it is refused, or waits for storage.
pub(super) fn relay_request(bytes: &[u8]) {
    if let Ok(request) = Request::decode(bytes) {
        assert_eq!(request.encode(), bytes, "one request, one way to write it");
    }
    let mut session = RelaySession::new(Limits::default(), [1; 32], UnixMillis(0));
    let effects = session.handle(UnixMillis(0), RelayInput::Frame(bytes.to_vec()));
    assert!(matches!(effects.last(), Some(RelayEffect::Close(_) | RelayEffect::Order(..))));
}

pub(super) fn relay_answer(bytes: &[u8]) {
    if let Ok(answer) = Answer::decode(bytes) {
        assert_eq!(answer.encode(), bytes, "one answer, one way to write it");
    }
}

/// An answer, to a client that has entered, is following, and waits for a list.
pub(super) fn relay_client(bytes: &[u8]) {
    let config = ClientConfig {
        mailbox: DeviceSecret::from_seed([1; 32]).unwrap(),
        uploader: DeviceSecret::from_seed([2; 32]).unwrap(),
        register: None,
        remembered: Remembered::default(),
        holds: [(WriterPseudonym::new([8; 16]), Position(20))].into(),
        puts: Puts::All,
    };
    let (mut client, _) = RelayClient::new(config, [1; 32]);
    let entered = Answer::Entered { now: UnixMillis(0), mailbox: Entered::default() };
    client.handle(ClientInput::Frame(entered.encode()));
    for _ in 0..2 {
        for effect in client.handle(ClientInput::Frame(bytes.to_vec())) {
            if let ClientEffect::Compare(head) = effect {
                client.handle(ClientInput::Compared(head.serial, None));
            }
        }
    }
    assert_eq!(client.remembered().serial, 0, "nothing of a list counts as seen before its ranges were");
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
    if let Ok(proposal) = DeviceProposal::from_code(code) {
        assert_eq!(DeviceProposal::from_code(&proposal.to_code()).unwrap(), proposal);
    }
}

pub(super) fn join(bytes: &[u8]) {
    if let Ok(frame) = JoinFrame::decode(bytes) {
        assert_eq!(JoinFrame::decode(&frame.encode()).unwrap(), frame);
    }
    if let Ok(request) = JoinRequest::decode(bytes) {
        assert_eq!(JoinRequest::decode(&request.encode()).unwrap(), request);
    }
    if let Ok(request) = DeviceRequest::decode(bytes) {
        assert_eq!(DeviceRequest::decode(&request.encode()).unwrap(), request);
    }
}
