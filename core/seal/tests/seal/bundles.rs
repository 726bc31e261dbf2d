//! The frame of a bundle: who finds the key, and who is told nothing.

use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, TeamId};
use firsthand_seal::{BundleHeader, DeviceExchange, EpochKey, Kind, PieceHead, seal};

use crate::support::{Dice, TEAM, exchange};

const KEY: EpochKey = EpochKey::from_bytes([5; 32]);

fn header(seed: u64, devices: u8) -> BundleHeader {
    let readers: BTreeMap<_, _> =
        (0..devices).map(|n| (DeviceKey::new([n; 32]), exchange(&[n + 1; 32]))).collect();
    BundleHeader::make(&TEAM, &[7; 32], &KEY, &readers, &mut Dice::new(seed).0).unwrap()
}

#[test]
fn members_find_the_key_and_others_find_nothing() {
    for (devices, boxes) in [(1, 8), (8, 8), (9, 16), (40, 64)] {
        let made = header(1, devices);
        let bytes = made.encode();
        assert_eq!(bytes.len(), BundleHeader::LEAST + 80 * boxes + 8);
        assert_eq!(BundleHeader::len_of(&bytes[..BundleHeader::LEAST]), Ok(bytes.len()));
        let read = BundleHeader::decode(&bytes).unwrap();
        assert_eq!(read, made);
        assert!(read.is_of(&TEAM, &[7; 32]) && read.is_under(&KEY));
        assert!(!read.is_of(&TeamId::new([1; 32]), &[7; 32]) && !read.is_of(&TEAM, &[8; 32]));
        assert!(!read.is_under(&EpochKey::from_bytes([6; 32])));
        for n in 0..devices {
            let secret = DeviceExchange::from_bytes(&[n + 1; 32]).unwrap();
            assert_eq!(read.enter(&secret), Some(KEY));
        }
        assert_eq!(read.enter(&DeviceExchange::from_bytes(&[99; 32]).unwrap()), None);
    }
}

#[test]
fn two_bundles_of_a_team_have_nothing_in_common() {
    let (one, two) = (header(1, 5).encode(), header(2, 5).encode());
    let from = 9;
    for (at, window) in one[from..].windows(12).enumerate() {
        assert!(!two[from..].windows(12).any(|other| other == window), "the bytes at {at}");
    }
    let envelope = seal(&KEY, Kind::End, b"").unwrap();
    let (one, two) = (header(1, 5), header(2, 5));
    assert_ne!(one.piece(700, &KEY, &envelope)[8..24], two.piece(700, &KEY, &envelope)[8..24]);
    assert_ne!(one.piece(700, &KEY, &envelope)[8..24], one.piece(900, &KEY, &envelope)[8..24]);
    let piece = one.piece(700, &KEY, &envelope);
    let head = PieceHead::decode(piece[..PieceHead::BYTES].try_into().unwrap()).unwrap();
    assert_eq!(head.len, envelope.len());
    assert!(one.is_piece_of(&head.mark, 700, &KEY) && !one.is_piece_of(&head.mark, 701, &KEY));
}

#[test]
fn a_damaged_header_is_noticed() {
    let bytes = header(3, 3).encode();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert!(BundleHeader::decode(&damaged).is_err(), "byte {at}");
    }
    for len in 0..bytes.len() {
        assert!(BundleHeader::decode(&bytes[..len]).is_err());
    }
}
