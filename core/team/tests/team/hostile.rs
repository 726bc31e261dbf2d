//! Operations that were damaged, forged, taken from elsewhere or made up.

use firsthand_ids::OperationHash;
use firsthand_log::LogError;
use firsthand_team::{
    Body, Inserted, JoinRequest, MAX_NAME_BYTES, MAX_OPERATION_BYTES, Membership, Operation, Role, TeamError,
};
use proptest::prelude::*;

use crate::support::{FOUNDER, add, add_body, bytes, exchange, key, secret, sign, team};

/// A team of three, and the operations in it.
fn three() -> (Membership, Vec<Vec<u8>>) {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Lead);
    add(&mut team, 2, 3, Role::Responder);
    let all = bytes(team.all());
    (team, all)
}

#[test]
fn every_flipped_bit_is_refused() {
    let (full, all) = three();
    for (at, operation) in all.iter().enumerate() {
        for bit in 0..operation.len() * 8 {
            let mut flipped = operation.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // By somebody who has the original, somebody who lacks it, and somebody who reads a team.
            assert!(full.clone().insert(&flipped).is_err(), "operation {at}, bit {bit}");
            let mut before = Membership::load(all[..at.max(1)].iter().map(Vec::as_slice)).unwrap();
            assert!(before.insert(&flipped).is_err(), "operation {at}, bit {bit}");
            assert!(before.insert_all(&[flipped.clone()]).is_err());
            assert_eq!(before.all().len(), at.max(1));
            if at == 0 {
                assert!(Membership::load([flipped.as_slice()]).is_err(), "bit {bit}");
            }
        }
        for end in 0..operation.len() {
            assert!(full.clone().insert(&operation[..end]).is_err());
        }
        assert!(full.clone().insert(&[operation.as_slice(), &[0]].concat()).is_err());
        assert_eq!(full.clone().insert(operation), Ok(Inserted::Known));
    }
}

#[test]
fn operations_of_another_team_are_refused() {
    let (mut ours, _) = three();
    // The same people found a second team: same keys, same names, another nonce.
    let theirs =
        Membership::found(&secret(FOUNDER), exchange(FOUNDER), "Río Team", "Person 1", [7; 32], [8; 16]);
    let mut theirs = theirs.unwrap();
    assert_ne!(ours.team(), theirs.team());
    add(&mut theirs, FOUNDER, 2, Role::Lead);
    let before = ours.all();
    let foreign = bytes(theirs.all());
    assert_eq!(ours.insert(&foreign[0]), Err(TeamError::OtherTeam));
    assert_eq!(ours.insert(&foreign[1]), Err(TeamError::Signature));
    assert!(ours.insert_all(&foreign).is_err());
    // Nor does what a person signed for one team admit them to another.
    let consented = add_body(theirs.team(), 4, exchange(4), Role::Responder);
    let (_, transplanted) = sign(ours.team(), FOUNDER, 3, &ours.heads(), consented);
    assert_eq!(ours.insert(&transplanted), Err(TeamError::Signature));
    let asked = JoinRequest::sign(&secret(4), theirs.team(), &exchange(4), "Person 4").unwrap();
    let refused = ours.add(&secret(FOUNDER), &asked, exchange(4), Role::Responder);
    assert_eq!(refused, Err(TeamError::Signature));
    assert_eq!(ours.all(), before);
}

#[test]
fn nobody_is_added_without_their_own_signature() {
    let (mut team, _) = three();
    let id = *team.team();
    let Body::Add { name, role, device, exchange, mut consent } =
        add_body(&id, 4, exchange(4), Role::Responder)
    else {
        unreachable!()
    };
    consent[0] ^= 1;
    let forged = Body::Add { name: name.clone(), role, device, exchange, consent };
    assert_eq!(team.insert(&sign(&id, FOUNDER, 3, &team.heads(), forged).1), Err(TeamError::Signature));
    consent[0] ^= 1;
    let renamed = Body::Add { name: name + "x", role, device, exchange, consent };
    assert_eq!(team.insert(&sign(&id, FOUNDER, 3, &team.heads(), renamed).1), Err(TeamError::Signature));
}

#[test]
fn an_author_counts_its_own_operations() {
    let (mut team, _) = three();
    let id = *team.team();
    let heads = team.heads();
    let body = || add_body(&id, 4, exchange(4), Role::Responder);
    for wrong in [0, 1, 2, 4, u64::MAX] {
        let (_, operation) = sign(&id, FOUNDER, wrong, &heads, body());
        assert_eq!(team.insert(&operation), Err(TeamError::Sequence));
    }
    let (_, rootless) = sign(&id, FOUNDER, 1, &[], body());
    assert_eq!(team.insert(&rootless), Err(TeamError::Sequence));
    let (_, next) = sign(&id, FOUNDER, 3, &heads, body());
    assert!(matches!(team.insert(&next), Ok(Inserted::Added(_))));
}

#[test]
fn a_founding_operation_has_no_past() {
    let found = |sequence, parents: &[OperationHash]| {
        let Body::Found { team_name, name, exchange, discovery_secret, nonce, recovery } =
            Operation::decode(&team().all()[0].1).unwrap().body
        else {
            unreachable!()
        };
        let body = Body::Found { team_name, name, exchange, discovery_secret, nonce, recovery };
        let operation = Operation::sign(&secret(FOUNDER), None, sequence, parents.to_vec(), body);
        Membership::load([operation.encode().as_slice()]).map(drop)
    };
    assert_eq!(found(1, &[]), Ok(()));
    assert_eq!(found(2, &[]), Err(TeamError::Sequence));
    assert_eq!(found(1, &[OperationHash::new([1; 32])]), Err(TeamError::Sequence));
    // An operation of a team is no beginning, however it is signed.
    let body = add_body(team().team(), 2, exchange(2), Role::Lead);
    let operation = Operation::sign(&secret(FOUNDER), None, 1, vec![], body);
    assert_eq!(Membership::load([operation.encode().as_slice()]).map(drop), Err(TeamError::OtherTeam));
    // And a second founding operation inside a team changes nothing.
    let mut team = team();
    let (_, bytes) =
        sign(team.team(), FOUNDER, 2, &team.heads(), Operation::decode(&team.all()[0].1).unwrap().body);
    assert!(team.clone().insert(&bytes).is_err());
    add(&mut team, FOUNDER, 2, Role::Lead);
}

#[test]
fn names_have_limits() {
    let named = |name: &str| {
        Membership::found(&secret(1), exchange(1), "Team", name, [0; 32], [0; 16]).map(drop)?;
        Membership::found(&secret(1), exchange(1), name, "Name", [0; 32], [0; 16]).map(drop)?;
        JoinRequest::sign(&secret(1), team().team(), &exchange(1), name).map(drop)
    };
    let long = "é".repeat(MAX_NAME_BYTES / 2);
    for good in ["A", "د. سلمى", "می‌خواهم", "Ana María", "🔥", long.as_str()] {
        assert_eq!(named(good), Ok(()), "{good}");
    }
    let longer = format!("{long}x");
    for bad in
        ["", " ", "\u{3000}", "a\nb", "a\u{0}", "a\u{85}b", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", &longer]
    {
        assert_eq!(named(bad), Err(TeamError::Name { max: MAX_NAME_BYTES }), "{bad:?}");
    }
    // The same holds for bytes from elsewhere, correctly signed.
    let (mut team, _) = three();
    let id = *team.team();
    for bad in ["", " ", "a\u{202e}b", &longer] {
        let device = key(4);
        let consent = secret(4).sign(&Operation::consent(&id, &device, &exchange(4), bad));
        let body = Body::Add { name: bad.into(), role: Role::Lead, device, exchange: exchange(4), consent };
        assert!(team.insert(&sign(&id, FOUNDER, 3, &team.heads(), body).1).is_err());
    }
}

#[test]
fn hostile_counts_and_sizes_are_refused() {
    let (mut team, all) = three();
    // Version, author, sequence; then the count of parents.
    let head = &all[1][..34];
    for count in [&[65u8][..], &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1], &[64]] {
        assert!(Operation::decode(&[head, count].concat()).is_err());
    }
    assert_eq!(
        Operation::decode(&vec![1; MAX_OPERATION_BYTES + 1]),
        Err(LogError::TooLarge { what: "membership operation", limit: MAX_OPERATION_BYTES as u64 }.into())
    );
    let id = *team.team();
    let heads = team.heads();
    let other = |len: usize| Body::Other { kind: 77, bytes: vec![0; len] };
    assert!(matches!(team.insert(&sign(&id, FOUNDER, 3, &heads, other(2560)).1), Ok(Inserted::Added(_))));
    assert!(team.insert(&sign(&id, FOUNDER, 3, &heads, other(2561)).1).is_err());
    // The largest operation there can be fits its limit.
    let parents: Vec<_> = (0..64).map(|n| OperationHash::new([n; 32])).collect();
    let (_, largest) = sign(&id, FOUNDER, u64::MAX, &parents, other(2560));
    assert!(largest.len() <= MAX_OPERATION_BYTES);
    assert!(Operation::decode(&largest).is_ok());
    assert_eq!(team.insert(&largest), Ok(Inserted::Early));
    let parents: Vec<_> = (0..65).map(|n| OperationHash::new([n; 32])).collect();
    assert!(Operation::decode(&sign(&id, FOUNDER, 1, &parents, other(0)).1).is_err());
}

#[test]
fn one_value_has_one_encoding() {
    let (team, _) = three();
    let id = *team.team();
    let parents = [OperationHash::new([1; 32]), OperationHash::new([2; 32])];
    let unsorted = |parents: Vec<OperationHash>| {
        let body = Body::Other { kind: 77, bytes: vec![] };
        Operation::decode(&Operation::sign(&secret(1), Some(&id), 1, parents, body).encode()).map(drop)
    };
    assert_eq!(unsorted(parents.to_vec()), Ok(()));
    assert!(unsorted(vec![parents[1], parents[0]]).is_err());
    assert!(unsorted(vec![parents[0], parents[0]]).is_err());
    for kind in [0, 1, 2] {
        let body = Body::Other { kind, bytes: vec![] };
        assert!(
            Operation::decode(&Operation::sign(&secret(1), Some(&id), 1, vec![], body).encode()).is_err()
        );
    }
    let role_zero = add_body(&id, 4, exchange(4), Role::Other(0));
    assert!(Operation::decode(&sign(&id, 1, 1, &parents, role_zero).1).is_err());
}

#[test]
fn a_later_version_is_named_as_such() {
    let mut bytes = team().all().remove(0).1;
    bytes[0] = 2;
    assert_eq!(Operation::decode(&bytes), Err(LogError::Newer { what: "membership operation" }.into()));
}

proptest! {
    #[test]
    fn random_bytes_are_refused_without_a_panic(mut bytes: Vec<u8>, version: bool) {
        if version && !bytes.is_empty() {
            bytes[0] = 1;
        }
        prop_assert!(Operation::decode(&bytes).is_err());
        prop_assert!(team().insert(&bytes).is_err());
        prop_assert!(Membership::load([bytes.as_slice()]).is_err());
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(at in 0..3usize, edits in prop::collection::vec(any::<(u16, u8)>(), 0..4)) {
        let mut bytes = three().1.remove(at);
        for (place, byte) in edits {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(operation) = Operation::decode(&bytes) {
            prop_assert_eq!(operation.encode(), bytes);
        }
    }
}
