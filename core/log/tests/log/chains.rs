//! A run verifies only as it was signed, and only where it belongs.

use firsthand_ids::{
    ChangeHash, DeviceKey, DocumentId, EntryHash, HybridTime, OperationHash, PersonId, Position, SpaceId,
    TeamId, WriterId,
};
use firsthand_log::{
    Bind, ChainId, Detached, DeviceSecret, Entry, EntryKind, LogError, Signature, SignedHead, Tip,
    content_hash, document_id, hash_run, signed_by, verify_run, writer_id,
};
use proptest::prelude::*;

use crate::support::{Author, Dice, Log, SPACE, TEAM, entry};

/// One author's whole chain from a seeded log, with the signature at its head.
fn chain(seed: u64) -> (ChainId, Vec<Entry>, Signature) {
    let log = Log::random(&mut Dice::new(seed), 1, 30);
    let author = &log.authors[0];
    (author.chain, log.entries.into_iter().map(|(_, entry)| entry).collect(), author.sign().signature)
}

fn flip(bytes: &mut [u8], bit: u64) {
    let bit = bit as usize % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// The fields of an entry, each with a way to change one bit of it.
const FIELDS: usize = 12;

/// Flips a bit of one field; false where the entry has no such field.
fn flip_field(entry: &mut Entry, field: usize, bit: u64) -> bool {
    let header = &mut entry.header;
    match field {
        0 => entry.position.0 ^= 1 << (bit % 64),
        1 => header.kind = EntryKind::from_number(header.kind.number() ^ 1 << (bit % 8)),
        2 => {
            let Some(document) = &mut header.document else { return false };
            let mut bytes = *document.as_bytes();
            flip(&mut bytes, bit);
            *document = DocumentId::new(bytes);
        }
        3 => {
            let mut bytes = *header.content.as_bytes();
            flip(&mut bytes, bit);
            header.content = ChangeHash::new(bytes);
        }
        4 => header.hybrid = HybridTime::from_packed(header.hybrid.packed() ^ 1 << (bit % 64)),
        5 => header.local.at.0 ^= 1 << (bit % 64),
        6 => header.local.offset_minutes ^= 1 << (bit % 16),
        7 => {
            let Some(heads) = &mut header.membership else { return false };
            let index = bit as usize / 256 % heads.len();
            let mut bytes = *heads[index].as_bytes();
            flip(&mut bytes, bit);
            heads[index] = OperationHash::new(bytes);
        }
        8 => {
            let Some(nonce) = &mut entry.nonce else { return false };
            flip(nonce, bit);
        }
        9 if entry.body.is_empty() => return false,
        9 => flip(&mut entry.body, bit),
        // The body with a hash that fits it, which only the chain's own hash can notice.
        10 if entry.body.is_empty() => return false,
        10 => {
            flip(&mut entry.body, bit);
            entry.header.content = content_hash(entry.header.kind, &entry.body);
        }
        _ => match &mut entry.detached {
            Some(Detached::Present(bytes)) if !bytes.is_empty() => flip(bytes, bit),
            Some(Detached::HashOnly(hash)) => flip(hash, bit),
            _ => return false,
        },
    }
    true
}

proptest! {
    #[test]
    fn no_bit_of_any_field_can_be_flipped(seed in 0..50u64, at: prop::sample::Index, bit: u64) {
        let (chain, entries, signature) = chain(seed);
        prop_assert!(verify_run(&chain, None, &entries, &signature).is_ok());
        let index = at.index(entries.len());
        for field in 0..FIELDS {
            let mut changed = entries.clone();
            if flip_field(&mut changed[index], field, bit) {
                let refused = verify_run(&chain, None, &changed, &signature);
                prop_assert!(refused.is_err(), "field {} of {:?}", field, entries[index]);
            }
        }
        let mut forged = signature;
        flip(&mut forged, bit);
        prop_assert_eq!(verify_run(&chain, None, &entries, &forged), Err(LogError::Signature));
    }

    #[test]
    fn nothing_is_left_out_added_or_moved(seed in 0..50u64, a: prop::sample::Index, b: prop::sample::Index) {
        let (chain, entries, signature) = chain(seed);
        let (a, b) = (a.index(entries.len()), b.index(entries.len()));
        let refused = |entries: &[Entry]| verify_run(&chain, None, entries, &signature).is_err();

        let mut missing = entries.clone();
        missing.remove(a);
        prop_assert!(refused(&missing));
        let mut doubled = entries.clone();
        doubled.insert(b, entries[a].clone());
        prop_assert!(refused(&doubled));
        if a != b {
            let mut swapped = entries.clone();
            swapped.swap(a, b);
            prop_assert!(refused(&swapped));
            // Even where the positions are made to fit.
            swapped[a].position = entries[a].position;
            swapped[b].position = entries[b].position;
            prop_assert!(refused(&swapped));
        }
        prop_assert!(refused(&entries[..a]), "cut off before the signed head");
        let mut renumbered = missing;
        for (entry, position) in renumbered.iter_mut().zip(1..) {
            entry.position = Position(position);
        }
        prop_assert!(refused(&renumbered));
    }

    #[test]
    fn a_chain_verifies_the_same_in_one_run_and_in_many(seed in 0..50u64, cut: prop::sample::Index) {
        let (chain, entries, signature) = chain(seed);
        let whole = verify_run(&chain, None, &entries, &signature).unwrap();
        let (first, second) = entries.split_at(1 + cut.index(entries.len() - 1));
        let middle = hash_run(&chain, None, first).unwrap();
        let rest = verify_run(&chain, Some(&middle.tip), second, &signature).unwrap();
        prop_assert_eq!(&rest.tip, &whole.tip);
        prop_assert_eq!([middle.hashes, rest.hashes].concat(), whole.hashes);
        prop_assert_eq!(
            verify_run(&chain, Some(&whole.tip), second, &signature),
            Err(LogError::Gap { expected: whole.tip.position.0 + 1, found: second[0].position.0 })
        );
    }

    #[test]
    fn a_chain_belongs_to_one_team_space_and_writer(seed in 0..50u64, bit: u64) {
        let (chain, entries, signature) = chain(seed);
        let (mut team, mut space, mut writer) = (*chain.team.as_bytes(), *chain.space.as_bytes(), *chain.writer.as_bytes());
        flip(&mut team, bit);
        flip(&mut space, bit);
        flip(&mut writer, bit);
        let elsewhere = [
            ChainId { team: TeamId::new(team), ..chain },
            ChainId { space: SpaceId::new(space), ..chain },
            ChainId { writer: WriterId::new(writer), ..chain },
        ];
        let whole = hash_run(&chain, None, &entries).unwrap();
        let begun = hash_run(&chain, None, &entries[..1]).unwrap();
        for other in &elsewhere {
            prop_assert_eq!(verify_run(other, None, &entries, &signature), Err(LogError::Binding));
            // Neither as the continuation of what is held there under the same device.
            prop_assert!(verify_run(other, Some(&begun.tip), &entries[1..], &signature).is_err());
            prop_assert_eq!(
                whole.head(signature).verify(other, &whole.tip.device),
                Err(LogError::Signature)
            );
        }
    }
}

#[test]
fn another_device_cannot_sign_or_open_a_chain() {
    let (owner, thief) = (Author::new(1), Author::new(2));
    let stolen = ChainId { writer: owner.writer(), ..thief.chain };
    // The thief's own binding under the owner's id, and the owner's binding under the thief's signature.
    let forged = thief.binding(2);
    assert_eq!(hash_run(&stolen, None, std::slice::from_ref(&forged)), Err(LogError::Binding));
    let binding = owner.binding(1);
    let run = hash_run(&stolen, None, std::slice::from_ref(&binding)).unwrap();
    let signature = SignedHead::sign(&thief.secret, &stolen, run.tip.position, run.tip.hash).signature;
    assert_eq!(verify_run(&stolen, None, &[binding], &signature), Err(LogError::Signature));
    assert_eq!(run.tip.device, owner.secret.key());
}

#[test]
fn a_signature_serves_one_position_only() {
    let author = Author::new(1);
    let hash = EntryHash::new([9; 32]);
    let head = SignedHead::sign(&author.secret, &author.chain, Position(5), hash);
    assert_eq!(head.verify(&author.chain, &author.secret.key()), Ok(()));
    for wrong in [
        SignedHead { position: Position(6), ..head },
        SignedHead { hash: EntryHash::new([8; 32]), ..head },
        SignedHead { signature: [0; 64], ..head },
    ] {
        assert_eq!(wrong.verify(&author.chain, &author.secret.key()), Err(LogError::Signature));
    }
}

/// Under a key of small order one signature fits every eighth message or more: a chain bound to it has no owner.
#[test]
fn keys_of_small_order_sign_nothing() {
    let mut signature = [0; 64];
    signature[0] = 1;
    for key in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let mut key = *key.parse::<DeviceKey>().unwrap().as_bytes();
        for _ in 0..2 {
            for message in 0..64 {
                assert!(!signed_by(&DeviceKey::new(key), &[message; 32], &signature));
            }
            key[31] ^= 0x80;
        }
    }
}

#[test]
fn a_chain_begins_with_its_binding_and_binds_once() {
    let mut author = Author::new(1);
    let binding = author.binding(1);
    let early = entry(&author, EntryKind::Other(9), None, Vec::new());
    assert_eq!(hash_run(&author.chain, None, &[early]), Err(LogError::Binding));
    assert_eq!(hash_run(&author.chain, None, &[]), Err(LogError::Binding));

    let mut without_heads = binding.clone();
    without_heads.header.membership = None;
    assert_eq!(hash_run(&author.chain, None, &[without_heads]), Err(LogError::Binding));

    author.append(&binding);
    let mut again = binding;
    again.position = Position(2);
    assert_eq!(hash_run(&author.chain, author.tip.as_ref(), &[again]), Err(LogError::Binding));
}

#[test]
fn a_binding_of_a_newer_version_may_say_more_but_not_something_else() {
    let bind = Bind {
        device: DeviceKey::new([1; 32]),
        person: PersonId::new([2; 16]),
        nonce: [3; 16],
        app_version: "x".repeat(64),
    };
    let mut bytes = bind.encode();
    assert_eq!(Bind::decode(&bytes).unwrap(), bind);
    bytes.extend_from_slice(b"more");
    assert_eq!(Bind::decode(&bytes).unwrap(), bind);
    for end in 0..bind.encode().len() {
        assert!(Bind::decode(&bytes[..end]).is_err());
    }
    bytes[0] = 2;
    assert_eq!(Bind::decode(&bytes), Err(LogError::Newer { what: "binding" }));
    let long = Bind { app_version: "x".repeat(65), ..bind.clone() };
    assert!(matches!(Bind::decode(&long.encode()), Err(LogError::TooLarge { limit: 64, .. })));
    let mut no_text = bind.encode();
    *no_text.last_mut().unwrap() = 0xff;
    assert!(Bind::decode(&no_text).is_err());
}

#[test]
fn an_entry_whose_parts_do_not_fit_is_refused_when_it_is_made() {
    let mut author = Author::new(1);
    let binding = author.binding(1);
    author.append(&binding);
    let nonce = [5; 16];
    let made = document_id(&SPACE, &author.writer(), Position(2), &nonce);
    let mut create = entry(&author, EntryKind::Create, Some(made), b"body".to_vec());
    create.nonce = Some(nonce);
    let change = entry(&author, EntryKind::Change, Some(made), b"body".to_vec());
    let unknown = entry(&author, EntryKind::Other(200), None, b"body".to_vec());
    let check =
        |entry: &Entry| hash_run(&author.chain, author.tip.as_ref(), std::slice::from_ref(entry)).map(|_| ());
    for good in [&create, &change, &unknown] {
        assert_eq!(check(good), Ok(()));
    }

    type Edit = fn(&mut Entry);
    let edits: [(&str, Edit); 9] = [
        ("another body", |entry| entry.body.push(1)),
        ("no nonce or a needless one", |entry| {
            entry.nonce = if entry.nonce.is_some() { None } else { Some([1; 16]) };
        }),
        ("somebody's document", |entry| {
            entry.header.document = match entry.header.kind {
                EntryKind::Change => None,
                _ => Some(DocumentId::new([1; 16])),
            };
        }),
        ("no heads", |entry| entry.header.membership = Some(vec![])),
        ("the same head twice", |entry| {
            entry.header.membership = Some(vec![OperationHash::new([1; 32]); 2]);
        }),
        ("heads falling", |entry| {
            entry.header.membership = Some(vec![OperationHash::new([2; 32]), OperationHash::new([1; 32])]);
        }),
        ("a head more than allowed", |entry| {
            entry.header.membership = Some((0..65).map(|n| OperationHash::new([n; 32])).collect());
        }),
        ("a detached part too long", |entry| entry.detached = Some(Detached::Present(vec![0; 1025]))),
        ("a body too long", |entry| {
            entry.body = vec![0; 256 * 1024 + 1];
            entry.header.content = content_hash(entry.header.kind, &entry.body);
        }),
    ];
    for (what, edit) in edits {
        for good in [&create, &change, &unknown] {
            if what == "somebody's document" && good.header.kind == EntryKind::Other(200) {
                continue;
            }
            let mut bad = good.clone();
            edit(&mut bad);
            assert_eq!(check(&bad), Err(LogError::Entry { position: 2 }), "{what}: {:?}", good.header.kind);
        }
    }
    let mut disguised = unknown;
    disguised.header.kind = EntryKind::Other(2);
    assert_eq!(check(&disguised), Err(LogError::Entry { position: 2 }));
}

#[test]
fn membership_heads_stay_in_force_until_others_are_named() {
    let mut author = Author::new(1);
    let binding = author.binding(1);
    author.append(&binding);
    assert_eq!(author.tip.as_ref().unwrap().membership, [OperationHash::new([0x44; 32])]);
    let quiet = entry(&author, EntryKind::Other(9), None, Vec::new());
    author.append(&quiet);
    assert_eq!(author.tip.as_ref().unwrap().membership, [OperationHash::new([0x44; 32])]);
    let mut later = entry(&author, EntryKind::Other(9), None, Vec::new());
    later.header.membership = Some(vec![OperationHash::new([0x55; 32])]);
    author.append(&later);
    let tip: &Tip = author.tip.as_ref().unwrap();
    assert_eq!((tip.position, &tip.membership[..]), (Position(3), &[OperationHash::new([0x55; 32])][..]));
    assert_eq!(tip.person, PersonId::new([0xa0 ^ 1; 16]));
}

#[test]
fn ids_cover_all_they_name() {
    let secret = DeviceSecret::from_seed([1; 32]).unwrap();
    let id = writer_id(&TEAM, &SPACE, &secret.key(), &[0; 16]);
    assert_ne!(id, writer_id(&TeamId::new([0; 32]), &SPACE, &secret.key(), &[0; 16]));
    assert_ne!(id, writer_id(&TEAM, &SpaceId::new([0; 16]), &secret.key(), &[0; 16]));
    assert_ne!(id, writer_id(&TEAM, &SPACE, &DeviceKey::new([0; 32]), &[0; 16]));
    assert_ne!(id, writer_id(&TEAM, &SPACE, &secret.key(), &[1; 16]));
    let document = document_id(&SPACE, &id, Position(1), &[0; 16]);
    assert_ne!(document, document_id(&SpaceId::new([0; 16]), &id, Position(1), &[0; 16]));
    assert_ne!(document, document_id(&SPACE, &WriterId::new([0; 16]), Position(1), &[0; 16]));
    assert_ne!(document, document_id(&SPACE, &id, Position(2), &[0; 16]));
    assert_ne!(document, document_id(&SPACE, &id, Position(1), &[1; 16]));
    assert_eq!(format!("{secret:?}"), format!("DeviceSecret({:?})", secret.key()), "no secret in a log line");
}
