//! The operations that carry keys: their bytes and limits. What is in them is tested where it is made.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/team.md.

use firsthand_ids::{DeviceKey, OperationHash, SpaceId};
use firsthand_log::LogError;
use firsthand_team::{
    Body, EpochBoxes, EpochOperation, Inserted, KeyBox, MAX_BOXES, MAX_EARLIER, MAX_OPERATION_BYTES,
    NewEpoch, Operation, Reason, Role, SealedKey, Target, TeamError,
};

use crate::support::{FOUNDER, add, exchange, hex, key, secret, team};

fn a_box(number: u8) -> KeyBox {
    KeyBox { device: DeviceKey::new([number; 32]), sealed: [number; KeyBox::BYTES] }
}

fn epoch() -> NewEpoch {
    NewEpoch {
        space: SpaceId::new([0x22; 16]),
        commitment: [0x33; 32],
        earlier: vec![SealedKey { epoch: OperationHash::new([0x44; 32]), sealed: [0x55; SealedKey::BYTES] }],
        boxes: vec![a_box(1), a_box(2)],
    }
}

fn signed(body: Body) -> Vec<u8> {
    let team = firsthand_ids::TeamId::new([0x11; 32]);
    Operation::sign(&secret(1), Some(&team), 2, vec![OperationHash::new([0x66; 32])], body).encode()
}

fn repeat(byte: &str, times: usize) -> String {
    byte.repeat(times)
}

#[test]
fn the_bytes_of_an_epoch() {
    let expected = [
        ("version", "01".to_owned()),
        ("author", AUTHOR.to_owned()),
        ("sequence", "02".to_owned()),
        ("how many parents", "01".to_owned()),
        ("parent", repeat("66", 32)),
        ("kind", "0a".to_owned()),
        ("length of the body", "e202".to_owned()),
        ("space", repeat("22", 16)),
        ("commitment", repeat("33", 32)),
        ("how many earlier keys", "01".to_owned()),
        ("earlier epoch", repeat("44", 32)),
        ("its key, sealed", repeat("55", 48)),
        ("how many boxes", "02".to_owned()),
        ("device", repeat("01", 32)),
        ("the key, sealed to it", repeat("01", 80)),
        ("device", repeat("02", 32)),
        ("the key, sealed to it", repeat("02", 80)),
        ("signature", EPOCH_SIGNATURE.to_owned()),
    ];
    let bytes = signed(Body::Epoch(epoch()));
    assert_eq!(hex(&bytes), expected.map(|(_, value)| value).concat());
    assert_eq!(Operation::decode(&bytes).unwrap().body, Body::Epoch(epoch()));
}

#[test]
fn the_bytes_of_further_boxes() {
    let boxes = EpochBoxes { epoch: OperationHash::new([0x44; 32]), boxes: vec![a_box(3)] };
    let expected = [
        ("version", "01".to_owned()),
        ("author", AUTHOR.to_owned()),
        ("sequence", "02".to_owned()),
        ("how many parents", "01".to_owned()),
        ("parent", repeat("66", 32)),
        ("kind", "0b".to_owned()),
        ("length of the body", "9101".to_owned()),
        ("epoch", repeat("44", 32)),
        ("how many boxes", "01".to_owned()),
        ("device", repeat("03", 32)),
        ("the key, sealed to it", repeat("03", 80)),
        ("signature", BOXES_SIGNATURE.to_owned()),
    ];
    let bytes = signed(Body::Boxes(boxes.clone()));
    assert_eq!(hex(&bytes), expected.map(|(_, value)| value).concat());
    assert_eq!(Operation::decode(&bytes).unwrap().body, Body::Boxes(boxes));
}

#[test]
fn the_largest_fit_and_larger_ones_are_refused() {
    let many = |count: usize| -> Vec<KeyBox> {
        (0..count as u32)
            .map(|number| {
                let mut device = [0; 32];
                device[..4].copy_from_slice(&number.to_be_bytes());
                KeyBox { device: DeviceKey::new(device), sealed: [9; KeyBox::BYTES] }
            })
            .collect()
    };
    let earlier = |count: u8| -> Vec<SealedKey> {
        let sealed = [9; SealedKey::BYTES];
        (0..count).map(|n| SealedKey { epoch: OperationHash::new([n; 32]), sealed }).collect()
    };
    let parents = (0..64).map(|n| OperationHash::new([n; 32])).collect();
    let team = firsthand_ids::TeamId::new([0x11; 32]);
    let largest = NewEpoch { earlier: earlier(MAX_EARLIER as u8), boxes: many(MAX_BOXES), ..epoch() };
    let largest = Operation::sign(&secret(1), Some(&team), u64::MAX, parents, Body::Epoch(largest)).encode();
    assert!(largest.len() <= MAX_OPERATION_BYTES, "{}", largest.len());
    assert!(Operation::decode(&largest).is_ok());
    for wrong in [
        NewEpoch { boxes: many(MAX_BOXES + 1), ..epoch() },
        NewEpoch { earlier: earlier(MAX_EARLIER as u8 + 1), ..epoch() },
        NewEpoch { boxes: Vec::new(), ..epoch() },
        NewEpoch { boxes: vec![a_box(2), a_box(1)], ..epoch() },
        NewEpoch { boxes: vec![a_box(2), a_box(2)], ..epoch() },
        NewEpoch { earlier: vec![epoch().earlier[0]; 2], ..epoch() },
    ] {
        assert!(Operation::decode(&signed(Body::Epoch(wrong))).is_err());
    }
    let plain = signed(Body::Other { kind: 77, bytes: vec![0; 3000] });
    assert!(Operation::decode(&plain).is_err());
    assert_eq!(
        Operation::decode(&vec![1; MAX_OPERATION_BYTES + 1]),
        Err(LogError::TooLarge { what: "membership operation", limit: MAX_OPERATION_BYTES as u64 }.into())
    );
}

#[test]
fn members_publish_and_what_was_before_a_removal_is_told_apart() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Responder);
    let space = firsthand_team::team_space(team.team());
    assert_eq!(team.reading_devices(&space).into_keys().collect::<Vec<_>>(), {
        let mut both = vec![key(FOUNDER), key(2)];
        both.sort();
        both
    });
    let publish = |team: &mut firsthand_team::Membership, number: u8| {
        team.publish(&secret(number), EpochOperation::New(NewEpoch { space, ..epoch() }))
    };
    let (before, bytes) = publish(&mut team, 2).unwrap();
    assert!(team.follows_removals(&before));
    assert_eq!(team.insert(&bytes), Ok(Inserted::Known));
    assert_eq!(team.epochs().map(|it| (it.hash, it.author)).collect::<Vec<_>>(), [(before, key(2))]);
    assert_eq!(publish(&mut team, 9), Err(TeamError::NotAllowed));

    team.revoke(&secret(FOUNDER), Target::Device(key(2)), Reason::Lost, Vec::new()).unwrap();
    assert!(!team.follows_removals(&before));
    assert_eq!(publish(&mut team, 2), Err(TeamError::NotAllowed));
    let (after, _) = publish(&mut team, FOUNDER).unwrap();
    assert!(team.follows_removals(&after) && team.follows(&after, &before) && !team.follows(&before, &after));
    // The key that a box was sealed to is known even of who was removed.
    assert_eq!(team.exchange_at(&before, &key(2)), Some(exchange(2)));
    assert_eq!(team.exchange_at(&before, &key(9)), None);
}

const AUTHOR: &str = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
const EPOCH_SIGNATURE: &str = "fef0e29b9190dbfb0e91e95f5bbb9c811928b823d7ef99f78d6f7e8b26b175afd2293eb957211a85131d80f121b801e3959d88ffc0cebf68ca33a2c5301a9e01";
const BOXES_SIGNATURE: &str = "d9adcc06a843880a26e440e91b92e3c8e3f41f336a1a4b603d32d57083f54ae50d2c9bfa34ed9c39a7384bd2d45a4e70e2ba995e49f6ad509be27fe7ae9e9509";
