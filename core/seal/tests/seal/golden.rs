//! The bytes of what is sealed, fixed. A change here means that older devices no longer understand us.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/seal.md.

use firsthand_ids::DeviceKey;
use firsthand_seal::{Binding, DeviceExchange, EpochKey, Kind, open, open_box, seal, seal_to};
use firsthand_team::KeyBox;

use crate::support::{SPACE, TEAM, exchange, hex, unhex};

const KEY: EpochKey = EpochKey::from_bytes([5; 32]);

#[test]
fn the_commitment_of_a_key() {
    assert_eq!(hex(&KEY.commitment()), COMMITMENT);
}

#[test]
fn a_box() {
    let binding = Binding::new(TEAM, SPACE, &KEY);
    let device = DeviceKey::new([0x44; 32]);
    assert_eq!(hex(exchange(&[0x33; 32]).as_bytes()), EXCHANGE);
    let made = seal_to(&KEY, &binding, device, &exchange(&[0x33; 32])).unwrap();
    assert_eq!(hex(&made.sealed), BOX);
    let secret = DeviceExchange::from_bytes(&[0x33; 32]).unwrap();
    let sealed = KeyBox { device, sealed: unhex(BOX).try_into().unwrap() };
    assert_eq!(open_box(&secret, &binding, &sealed).unwrap(), KEY);
}

#[test]
fn an_envelope() {
    let made = seal(&KEY, Kind::Range, b"nine letters, and a few more so that padding shows").unwrap();
    assert_eq!(hex(&made), ENVELOPE);
    let (kind, content) = open(&KEY, &unhex(ENVELOPE)).unwrap();
    assert_eq!((kind, content.len()), (Kind::Range, 50));
}

const COMMITMENT: &str = "7ef3470fc8bba2fb6cb39213efd7a1e95d6bb1f94e3e8738c154dc1c05e38690";
const EXCHANGE: &str = "7b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14";
const BOX: &str = "28ab1b6b5c1499e5858ca3f307a5c081e4da59ff936ca060280fa1f39d79a352e96f0fd6139908b637115cd02218e9dbb044cedbecc73b2ebb4c1c6d816cc34b2cfb074485a3f0ee8175e89bf025648f";
const ENVELOPE: &str = "01d44b75755f252f008ebe2eb023d9d866debf85e5cb51ab760196813a9b1306cf512b0c60c443b8d22610c4db4d5095cfe49c25b48a8bb19643b7d67f5e32e4b8e1519f81ace4b11f72d085a9a30e0c2df92124a33a9e2825cff2c5d5ff96c7dc36c5783c";
