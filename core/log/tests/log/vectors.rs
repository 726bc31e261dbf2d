//! Two vectors tell who lacks what, and a vector has one encoding.

use std::collections::BTreeMap;

use firsthand_ids::{Position, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Mark, Standing, Vector};
use proptest::prelude::*;

/// Vectors over few writers, positions and prefixes, so that two of them often agree in part.
fn vectors() -> impl Strategy<Value = Vector> {
    prop::collection::btree_map(0..6u8, (1..5u64, 0..2u8), 0..6).prop_map(|marks: BTreeMap<_, _>| {
        let mut vector = Vector::new();
        for (writer, (position, prefix)) in marks {
            vector
                .set(WriterId::new([writer; 16]), Mark { position: Position(position), prefix: [prefix; 8] });
        }
        vector
    })
}

fn encode(vector: &Vector) -> Vec<u8> {
    let mut out = Writer::new();
    vector.encode(&mut out);
    out.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<Vector, LogError> {
    let mut reader = Reader::new(bytes);
    let vector = Vector::decode(&mut reader)?;
    reader.finish("vector")?;
    Ok(vector)
}

proptest! {
    #[test]
    fn a_vector_has_one_encoding(vector in vectors()) {
        prop_assert_eq!(decode(&encode(&vector)).unwrap(), vector);
    }

    #[test]
    fn bytes_that_decode_are_the_encoding(bytes: Vec<u8>, vector in vectors(), flip: prop::sample::Index) {
        for mut bytes in [bytes, encode(&vector)] {
            if !bytes.is_empty() {
                let bit = flip.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            if let Ok(vector) = decode(&bytes) {
                prop_assert_eq!(encode(&vector), bytes);
            }
        }
    }

    #[test]
    fn digests_are_equal_exactly_when_vectors_are(a in vectors(), b in vectors()) {
        prop_assert_eq!(a.digest() == b.digest(), a == b);
    }

    #[test]
    fn both_sides_see_the_same_from_opposite_ends(a in vectors(), b in vectors()) {
        let (from_a, from_b): (BTreeMap<_, _>, BTreeMap<_, _>) = (a.compare(&b).collect(), b.compare(&a).collect());
        prop_assert_eq!(from_a.len(), from_b.len());
        let (mut we_lack, mut they_lack) = (0, 0);
        for (writer, standing) in &from_a {
            let (ours, theirs) = (a.position(writer), b.position(writer));
            match (standing, &from_b[writer]) {
                (Standing::TheyLack(at), Standing::WeLack(same)) => {
                    prop_assert_eq!((at, same), (&theirs, &theirs));
                    they_lack += ours.0 - theirs.0;
                }
                (Standing::WeLack(at), Standing::TheyLack(same)) => {
                    prop_assert_eq!((at, same), (&ours, &ours));
                    we_lack += theirs.0 - ours.0;
                }
                (Standing::Equal, Standing::Equal) => prop_assert_eq!(a.get(writer), b.get(writer)),
                (Standing::Fork, Standing::Fork) => {
                    prop_assert_eq!(ours, theirs);
                    prop_assert_ne!(a.get(writer), b.get(writer));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!((a.lacks(&b), b.lacks(&a)), (we_lack, they_lack));
        prop_assert_eq!(from_a.values().all(|standing| *standing == Standing::Equal), a == b);
        prop_assert_eq!(a.entries() + we_lack, b.entries() + they_lack);
    }
}

#[test]
fn a_vector_is_read_within_its_limits() {
    let mut full = Vector::new();
    for number in 0..Vector::MAX_WRITERS as u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        full.set(WriterId::new(id), Mark { position: Position(u64::MAX), prefix: [1; 8] });
    }
    assert_eq!(decode(&encode(&full)).unwrap(), full);
    assert_eq!(full.entries(), u64::MAX, "sums saturate");
    assert_eq!(Vector::new().lacks(&full), u64::MAX);
    full.set(WriterId::new([0xff; 16]), Mark { position: Position(1), prefix: [1; 8] });
    assert_eq!(
        decode(&encode(&full)),
        Err(LogError::TooLarge { what: "vector", limit: Vector::MAX_WRITERS as u64 })
    );

    let mut nothing_held = Vector::new();
    nothing_held.set(WriterId::new([1; 16]), Mark { position: Position::START, prefix: [0; 8] });
    assert!(decode(&encode(&nothing_held)).is_err());

    let mut two = Vector::new();
    two.set(WriterId::new([1; 16]), Mark { position: Position(1), prefix: [0; 8] });
    two.set(WriterId::new([2; 16]), Mark { position: Position(1), prefix: [0; 8] });
    let bytes = encode(&two);
    assert!(decode(&[&bytes[..1], &bytes[26..], &bytes[1..26]].concat()).is_err(), "writers falling");
    assert!(decode(&[&bytes[..26], &bytes[1..26]].concat()).is_err(), "the same writer twice");
    assert!(decode(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many");
}
