//! Invitation codes and requests to join, as they are scanned, typed and sent.

use firsthand_team::{Invitation, JoinRequest, TeamError, exchange_key_hash};
use proptest::prelude::*;

use crate::support::{exchange, request, team};

fn invitation() -> impl Strategy<Value = Invitation> {
    let addresses = prop::collection::vec("[!-~]{1,64}", 0..9);
    (any::<[u8; 32]>(), any::<[u8; 16]>(), any::<[u8; 16]>(), addresses).prop_map(
        |(team, inviter, secret, addresses)| Invitation {
            team: team.into(),
            inviter,
            secret,
            device_of: None,
            addresses,
        },
    )
}

fn example() -> Invitation {
    Invitation {
        team: *team().team(),
        inviter: exchange_key_hash(&exchange(1)),
        secret: [5; 16],
        device_of: None,
        addresses: vec!["192.168.4.1:4810".into()],
    }
}

proptest! {
    #[test]
    fn codes_round_trip_however_they_are_typed(invitation in invitation(), group in 1..9usize, lower: bool) {
        let code = invitation.to_code();
        prop_assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
        prop_assert_eq!(&Invitation::from_code(&code), &Ok(invitation.clone()));

        let mut typed = code.clone();
        if lower {
            typed = typed.to_lowercase();
        }
        let separators = [" ", "-", " - ", "\n"];
        let typed: Vec<_> = typed.as_bytes().chunks(group).map(|it| std::str::from_utf8(it).unwrap()).collect();
        for separator in separators {
            let typed = typed.join(separator);
            if typed.len() <= 1200 {
                prop_assert_eq!(&Invitation::from_code(&format!(" {typed}\n")), &Ok(invitation.clone()));
            }
        }
    }

    #[test]
    fn the_longest_code_may_be_typed_in_groups_of_four(addresses in prop::collection::vec("[!-~]{64}", 8)) {
        let mut invitation = example();
        invitation.addresses = addresses;
        let code = invitation.to_code();
        let groups: Vec<_> = code.as_bytes().chunks(4).map(|it| std::str::from_utf8(it).unwrap()).collect();
        prop_assert_eq!(Invitation::from_code(&groups.join("-")), Ok(invitation));
    }

    #[test]
    fn other_text_is_refused_and_nothing_panics(text in "\\PC{0,80}", bytes: Vec<u8>) {
        prop_assert_eq!(Invitation::from_code(&text), Err(TeamError::Invitation));
        prop_assert_eq!(Invitation::from_code(&format!("FH1{text}")), Err(TeamError::Invitation));
        let code = format!("FH1{}", data_encoding::BASE32_NOPAD.encode(&bytes));
        prop_assert_eq!(Invitation::from_code(&code), Err(TeamError::Invitation));
        let _ = JoinRequest::decode(&bytes);
    }

    #[test]
    fn correctly_checked_nonsense_is_refused_or_means_itself(bytes: Vec<u8>, len in 0..100usize, valid: bool) {
        // Whoever makes a code can compute its check too.
        let mut bytes = bytes;
        if valid {
            bytes.splice(0..0, [1; 65]);
        }
        bytes.truncate(len);
        let sum = firsthand_ids::sha256(&bytes);
        bytes.extend_from_slice(&sum[..4]);
        let code = format!("FH1{}", data_encoding::BASE32_NOPAD.encode(&bytes));
        if let Ok(invitation) = Invitation::from_code(&code) {
            prop_assert_eq!(invitation.to_code(), code);
        }
    }
}

#[test]
fn one_wrong_character_is_refused() {
    let code = example().to_code();
    for at in 0..code.len() {
        for wrong in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".chars() {
            let mut typed: Vec<char> = code.chars().collect();
            if typed[at] == wrong {
                continue;
            }
            typed[at] = wrong;
            let typed: String = typed.into_iter().collect();
            assert_eq!(Invitation::from_code(&typed), Err(TeamError::Invitation), "{typed}");
        }
        let mut swapped = code.clone().into_bytes();
        if at > 0 && swapped[at] != swapped[at - 1] {
            swapped.swap(at, at - 1);
            let swapped = String::from_utf8(swapped).unwrap();
            assert_eq!(Invitation::from_code(&swapped), Err(TeamError::Invitation), "{swapped}");
        }
    }
}

#[test]
fn a_code_cut_short_or_continued_is_refused() {
    let code = example().to_code();
    for end in 0..code.len() {
        assert_eq!(Invitation::from_code(&code[..end]), Err(TeamError::Invitation));
        assert_eq!(Invitation::from_code(&code[end..][1..]), Err(TeamError::Invitation));
    }
    for more in ["A", "AA", "AAAAAAAA", "="] {
        assert_eq!(Invitation::from_code(&format!("{code}{more}")), Err(TeamError::Invitation));
    }
    assert_eq!(Invitation::from_code(&format!("{code}{code}")), Err(TeamError::Invitation));
}

/// A code with whatever stands after the secret, correctly checked.
fn with_addresses(tail: &[u8]) -> String {
    let mut bytes = vec![1];
    bytes.extend_from_slice(&[2; 64]);
    bytes.extend_from_slice(tail);
    let sum = firsthand_ids::sha256(&bytes);
    bytes.extend_from_slice(&sum[..4]);
    format!("FH1{}", data_encoding::BASE32_NOPAD.encode(&bytes))
}

#[test]
fn hostile_lengths_are_refused() {
    assert!(Invitation::from_code(&with_addresses(&[0])).is_ok());
    assert!(Invitation::from_code(&with_addresses(&[1, 1, b'a'])).is_ok());
    let hostile: [&[u8]; 10] = [
        &[9],
        &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        &[1],
        &[1, 0],
        &[1, 65],
        &[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        &[1, 2, b'a'],
        &[1, 1, b'a', b'b'],
        &[1, 1, b' '],
        &[1, 2, 0xc3, 0xa9],
    ];
    for tail in hostile {
        assert_eq!(Invitation::from_code(&with_addresses(tail)), Err(TeamError::Invitation), "{tail:?}");
    }
    assert_eq!(Invitation::from_code(&" ".repeat(100_000_000)), Err(TeamError::Invitation));
    assert_eq!(Invitation::from_code(&format!("FH1{}", "A".repeat(1 << 20))), Err(TeamError::Invitation));
}

#[test]
fn addresses_that_do_not_fit_are_left_out() {
    let fits = |addresses: &[&str]| {
        let mut invitation = example();
        invitation.addresses = addresses.iter().map(ToString::to_string).collect();
        Invitation::from_code(&invitation.to_code()).unwrap().addresses.clone()
    };
    assert_eq!(
        fits(&["a:1", "", "b c:1", "é:1", &"x".repeat(65), "[fe80::1%wlan0]:4810"]),
        ["a:1", "[fe80::1%wlan0]:4810"]
    );
    assert_eq!(fits(&["a:1"; 9]).len(), 8);
}

#[test]
fn a_secret_is_not_printed() {
    let invitation = example();
    let printed = format!("{invitation:?}");
    assert_eq!(printed, format!("Invitation({:?})", invitation.team));
}

#[test]
fn a_request_holds_for_its_team_channel_and_name_only() {
    let team = *team().team();
    let asked = request(&team, 2);
    assert_eq!(JoinRequest::decode(&asked.encode()), Ok(asked.clone()));
    assert_eq!(asked.verify(&team, &exchange(2)), Ok(()));
    assert_eq!(asked.verify(&team, &exchange(3)), Err(TeamError::Signature));
    assert_eq!(asked.verify(&[0; 32].into(), &exchange(2)), Err(TeamError::Signature));
    let renamed = JoinRequest { name: "Person 3".into(), ..asked.clone() };
    assert_eq!(renamed.verify(&team, &exchange(2)), Err(TeamError::Signature));
    let bytes = asked.encode();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let outcome = JoinRequest::decode(&flipped).and_then(|it| it.verify(&team, &exchange(2)));
        assert!(outcome.is_err(), "bit {bit}");
    }
    for end in 0..bytes.len() {
        assert!(JoinRequest::decode(&bytes[..end]).is_err());
    }
}
