//! Receipts: their bytes, and that nothing of one can be changed.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/log.md.

use firsthand_ids::{EntryHash, HybridTime, LocalTime, Position, SpaceId, TeamId, UnixMillis, WriterId};
use firsthand_log::{ChainId, DeviceSecret, MAX_RECEIPTS, Receipt};

const RECEIPT: &str = "0106060606060606060606060606060606ac020808080808080808080808080808080808080808080808080808080808080808838080b0ddaddecd01b8efee96ef66d704885788d3fefe6793576e875d6de9369deab0857376071aa774d8715904c51ba257b0a8de2ed479f60ad399b0a84f5326634095ef831e3af4bec46df87c10950f";

const TEAM: TeamId = TeamId::new([4; TeamId::LEN]);
const SPACE: SpaceId = SpaceId::new([5; 16]);

fn receipt() -> (DeviceSecret, Receipt) {
    let secret = DeviceSecret::from_seed([7; 32]).unwrap();
    let chain = ChainId { team: TEAM, space: SPACE, writer: WriterId::new([6; 16]) };
    let hybrid = HybridTime::new(UnixMillis(1_767_268_800_000), 3);
    let local = LocalTime { at: UnixMillis(1_767_268_801_500), offset_minutes: -300 };
    let entry = (Position(300), EntryHash::new([8; 32]));
    let receipt = Receipt::sign(&secret, &chain, entry, (hybrid, local));
    (secret, receipt)
}

#[test]
fn a_receipt_has_these_bytes() {
    let bytes = Receipt::encode_all(&[receipt().1]);
    assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), RECEIPT);
    assert_eq!(Receipt::decode_all(&bytes).unwrap(), [receipt().1]);
    for len in 0..bytes.len() {
        assert!(Receipt::decode_all(&bytes[..len]).is_err(), "{len}");
    }
    assert!(Receipt::decode_all(&Receipt::encode_all(&vec![receipt().1; MAX_RECEIPTS])).is_ok());
    assert!(Receipt::decode_all(&Receipt::encode_all(&vec![receipt().1; MAX_RECEIPTS + 1])).is_err());
}

#[test]
fn nothing_of_a_receipt_can_be_changed() {
    let (secret, whole) = receipt();
    let key = secret.key();
    assert!(whole.is_of(&TEAM, &SPACE, &key));
    let bytes = Receipt::encode_all(&[whole]);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        for receipt in Receipt::decode_all(&changed).unwrap_or_default() {
            assert!(!receipt.is_of(&TEAM, &SPACE, &key), "{bit}");
        }
    }
    let other = DeviceSecret::from_seed([9; 32]).unwrap().key();
    assert!(!whole.is_of(&TEAM, &SPACE, &other));
    assert!(!whole.is_of(&TeamId::new([9; TeamId::LEN]), &SPACE, &key));
    assert!(!whole.is_of(&TEAM, &SpaceId::new([9; 16]), &key));
}
