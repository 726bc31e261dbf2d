//! The bytes of a whole meeting, fixed. A change here means that older devices no longer understand us.
//!
//! The expected bytes were computed by a second implementation, written in Python after the Noise
//! specification (revision 34) and docs/formats/channel.md.

use std::convert::Infallible;

use firsthand_channel::{
    ExchangeSecret, Link, LinkEvent, Offer, RelayEvent, RelayLink, ShortWords, WordLanguage, WordNonce,
    WordRole,
};
use firsthand_ids::TeamId;
use rand_chacha::rand_core::{TryCryptoRng, TryRng};

/// Randomness that is one byte over and over, so that the ephemeral keys below can be written down.
struct Byte(u8);

impl TryRng for Byte {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Byte {}

/// The initiator's first bytes.
const STEP_1: &[(&str, &str)] = &[
    ("purpose: meet", "01"),
    ("length of message 1", "0030"),
    ("ephemeral key", "5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"),
    ("tag of no payload", "cf7a90373662f3a16032094be1005d7a"),
];

/// The responder's answer, with the payload `heads 2`.
const STEP_2: &[(&str, &str)] = &[
    ("length of message 2", "0067"),
    ("ephemeral key", "ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10b"),
    (
        "sealed static key",
        "10d08c39a02f87025613dbb3c37898794813e02c39ebc13e64178faafaedd5cafbfa25f5674ca7bafbba4aebb30f452d",
    ),
    ("sealed payload", "87b71262ec27a5c3e421e7cf823d75ff5b67ccf6e14489"),
];

/// The end of the handshake with the payload `heads 3`, and the frame `frame` right behind it.
const STEP_3: &[(&str, &str)] = &[
    ("length of message 3", "0047"),
    (
        "sealed static key",
        "4c77dcfbec7d1f4a9eecbaec91f3408dee5822922105d1e807d0b10aba72b3c43552c0fb394f8a5bedb076207d62d721",
    ),
    ("sealed payload", "3d132093c8e0555fc1650a732a862fee98cb6f01fd3c2c"),
    ("length of the frame's message", "0019"),
    ("sealed 00000005, frame", "0344daf325a5345bbb3f1176557c94331d0d213ec27e9f1b35"),
];

/// The responder's frame `answer`.
const STEP_4: &[(&str, &str)] = &[
    ("length of the frame's message", "001a"),
    ("sealed 00000006, answer", "f581483e263d146a4d113dd99a3c30c3b650c2cef9754bee8a9e"),
];

const HANDSHAKE_HASH: &str = "a5eac13c07664ae0c0de5a94d26c8b3434e5732db49216e557d3887752a9aa81";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn labelled(parts: &[(&str, &str)]) -> String {
    parts.iter().map(|(_, hex)| *hex).collect()
}

#[test]
fn a_meeting_has_these_bytes() {
    let offer = Offer::meet(TeamId::new([5; 32]), &[6; 32]).unwrap();
    let (one, two) = (ExchangeSecret::from_bytes([1; 32]), ExchangeSecret::from_bytes([2; 32]));
    let (mut initiator, hello) = Link::initiator(&offer, &one, &mut Byte(3)).unwrap();
    assert_eq!(hex(&hello), labelled(STEP_1));

    let mut responder = Link::responder(vec![offer], two, &mut Byte(4));
    responder.push(&hello).unwrap();
    let answer = responder.reply(b"heads 2").unwrap().bytes;
    assert_eq!(hex(&answer), labelled(STEP_2));

    initiator.push(&answer).unwrap();
    let reply = initiator.reply(b"heads 3").unwrap();
    assert_eq!(hex(&reply.established.unwrap().handshake_hash), HANDSHAKE_HASH);
    let end = [reply.bytes, initiator.send(b"frame").unwrap()].concat();
    assert_eq!(hex(&end), labelled(STEP_3));

    let events = responder.push(&end).unwrap();
    assert_eq!(events.last(), Some(&LinkEvent::Frame(b"frame".to_vec())));
    assert_eq!(hex(&responder.send(b"answer").unwrap()), labelled(STEP_4));
}

/// A client's first bytes to a relay.
const RELAY_1: &[(&str, &str)] = &[
    ("purpose: relay", "03"),
    ("length of message 1", "0030"),
    ("ephemeral key", "5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"),
    ("tag of no payload", "186879454a3006aa4bdde2143aca9430"),
];

/// The relay's answer.
const RELAY_2: &[(&str, &str)] = &[
    ("length of message 2", "0030"),
    ("ephemeral key", "ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10b"),
    ("tag of no payload", "d987a5b3853c91969831d6d973fb7361"),
];

const RELAY_HASH: &str = "4cdcf6c78cf86edb195f88a3042082781bd3d4c4167abde8bd9af8d9aa1fc754";

#[test]
fn a_client_and_its_relay_have_these_bytes() {
    let relay = ExchangeSecret::from_bytes([2; 32]);
    let key = relay.public().unwrap();
    assert_eq!(key.to_string(), "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59");
    let (mut client, hello) = RelayLink::dial(&key, 100, &mut Byte(3)).unwrap();
    assert_eq!(hex(&hello), labelled(RELAY_1));
    let mut server = RelayLink::answer(relay, 100, &mut Byte(4));
    let Some(RelayEvent::Established { handshake_hash, reply }) = server.push(&hello).unwrap().pop() else {
        panic!("not established")
    };
    assert_eq!(hex(&reply), labelled(RELAY_2));
    assert_eq!(hex(&handshake_hash), RELAY_HASH);
    let established = RelayEvent::Established { handshake_hash, reply: Vec::new() };
    assert_eq!(client.push(&reply), Ok(vec![established]));
    assert_eq!(
        hex(&client.send(b"frame").unwrap()),
        "0019d242a424a19ac5d6e6419642de1b5edb719ce7f3c9588bbd04"
    );
    assert_eq!(
        hex(&server.send(b"answer").unwrap()),
        "001ae28854ae2408d262189ed7ddb02a74cfbc9483e13ee68cf146f4"
    );
}

#[test]
fn short_words_and_commitments_have_these_values() {
    // Any type of 32 bytes reads hexadecimal.
    let hash: TeamId = HANDSHAKE_HASH.parse().unwrap();
    let (inviter, joiner) = (WordNonce::from_bytes([7; 32]), WordNonce::from_bytes([8; 32]));
    let words = ShortWords::derive(hash.as_bytes(), &inviter, &joiner);
    // Numbers 815, 1690 and 880 of the list, counted from 0.
    assert_eq!(words.words(WordLanguage::English), ["grass", "spy", "host"]);
    assert_eq!(
        hex(inviter.commit(WordRole::Inviter).as_bytes()),
        "090f68132ffa24601412334fae86caa4b7d90ee0b045210219f53215570f1390"
    );
    assert_eq!(
        hex(joiner.commit(WordRole::Joiner).as_bytes()),
        "74b72cf4c4c2b0deec9137abf613022c894c9871346cb619a8aff70ef6b43d54"
    );
}
