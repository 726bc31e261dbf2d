//! The bytes of operations, requests and invitations, fixed. A change here means that older devices no longer
//! understand us.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/team.md.

use firsthand_ids::{Digest, ExchangeKey, SpaceId};
use firsthand_team::{
    Invitation, JoinRequest, Membership, Operation, Role, exchange_key_hash, person_id, team_space,
};

use crate::support::{hex, secret};

/// Device 1, whose Ed25519 seed is 32 bytes 01, founds a team.
const FOUNDING: &[(&str, &str)] = &[
    ("version", "01"),
    ("author", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
    ("sequence", "01"),
    ("how many parents", "00"),
    ("kind", "01"),
    ("length of the body", "60"),
    ("length of the team's name", "09"),
    ("Río Team", "52c3ad6f205465616d"),
    ("length of the founder's name", "05"),
    ("Amina", "416d696e61"),
    ("channel key", "2121212121212121212121212121212121212121212121212121212121212121"),
    ("discovery secret", "0707070707070707070707070707070707070707070707070707070707070707"),
    ("nonce", "09090909090909090909090909090909"),
    (
        "signature",
        "3d2db328ffdd8370360afb6a0824726e054d066bad408e0f5893bae7cef8352ea40267100683960a16938ce7fb946f9fbfda0c7fb1fa8f358cf8880407a0090f",
    ),
];

/// It adds device 2, whose seed is 32 bytes 02.
const ADDING: &[(&str, &str)] = &[
    ("version", "01"),
    ("author", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
    ("sequence", "02"),
    ("how many parents", "01"),
    ("parent", "334db760036607eae14a41d84f1ff3d55ad1256ac7a4e2ed2bcabda1d040e62b"),
    ("kind", "02"),
    ("length of the body", "8501"),
    ("length of the name", "03"),
    ("Ben", "42656e"),
    ("role: responder", "02"),
    ("device", "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"),
    ("channel key", "2222222222222222222222222222222222222222222222222222222222222222"),
    (
        "consent",
        "768f97c79e1cecca1680a567f6b2cdf26f1ed848134d9a5672501baf144f0d5bc491268e4541654c722fff77b926fe98c979daa2d878a727ab58dac8164b3008",
    ),
    (
        "signature",
        "6f172cb6a9c09c5f6fb21c75ff2929b00c1034335f6f641de9c0b9efc1b50e1e5313f6ab4d50c8719f0f89b150c0447ab4f6c8340ba2dd26214fb14bf276360c",
    ),
];

/// What device 2 sent to be added.
const REQUEST: &[(&str, &str)] = &[
    ("version", "01"),
    ("length of the name", "03"),
    ("Ben", "42656e"),
    ("device", "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"),
    (
        "consent",
        "768f97c79e1cecca1680a567f6b2cdf26f1ed848134d9a5672501baf144f0d5bc491268e4541654c722fff77b926fe98c979daa2d878a727ab58dac8164b3008",
    ),
];

/// What device 1 showed to be found, before base 32.
const INVITATION: &[(&str, &str)] = &[
    ("version", "01"),
    ("team", "334db760036607eae14a41d84f1ff3d55ad1256ac7a4e2ed2bcabda1d040e62b"),
    ("the inviter's channel key, hashed", "a26d14e13513aca4ff0123cf6484ce69"),
    ("secret", "05050505050505050505050505050505"),
    ("how many addresses", "02"),
    ("length", "10"),
    ("192.168.4.1:4810", "3139322e3136382e342e313a34383130"),
    ("length", "0e"),
    ("[fe80::1]:4810", "5b666538303a3a315d3a34383130"),
    ("check", "5401ed5b"),
];

/// Device 1 names the person of device 2; the signature, which follows, is checked by everybody who takes it in.
const NAMING: &[(&str, &str)] = &[
    ("version", "01"),
    ("author", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
    ("sequence", "03"),
    ("how many parents", "01"),
    ("parent", ADDING_HASH),
    ("kind", "03"),
    ("length of the body", "10"),
    ("contact", "9682bb6273115e23ca30f9e9cc8e5878"),
];

const TEAM: &str = "334db760036607eae14a41d84f1ff3d55ad1256ac7a4e2ed2bcabda1d040e62b";
const ADDING_HASH: &str = "93aa7f7b4c8be5233e038126d09119c9be89f72ea945f4cb6925541ca06e2131";
const CONSENT: &str = "edb744546c794eb610e9197a462a332b67883bceae72310babf952314d0634f1";
const CODE: &str = "FH1AEZU3N3AANTAP2XBJJA5QTY76PKVVUJFNLD2JYXNFPFL3IOQIDTCXITNCTQTKE5MUT7QCI6PMSCM42IFAUCQ\
                    KBIFAUCQKBIFAUCQKBIFAIIDCOJSFYYTMOBOGQXDCORUHAYTADS3MZSTQMB2HIYV2ORUHAYTAVAB5VNQ";

const FOUNDER_CHANNEL: ExchangeKey = ExchangeKey::new([0x21; 32]);
const JOINER_CHANNEL: ExchangeKey = ExchangeKey::new([0x22; 32]);

fn labelled(parts: &[(&str, &str)]) -> String {
    parts.iter().map(|(_, hex)| *hex).collect()
}

fn team() -> Membership {
    Membership::found(&secret(1), FOUNDER_CHANNEL, "Río Team", "Amina", [7; 32], [9; 16]).unwrap()
}

fn request() -> JoinRequest {
    JoinRequest::sign(&secret(2), team().team(), &JOINER_CHANNEL, "Ben").unwrap()
}

#[test]
fn operations_have_these_bytes() {
    let mut team = team();
    assert_eq!(hex(&team.all()[0].1), labelled(FOUNDING));
    assert_eq!(team.team().to_string(), TEAM);
    assert_eq!(team.heads()[0].to_string(), TEAM);

    let (hash, bytes) = team.add(&secret(1), &request(), JOINER_CHANNEL, Role::Responder).unwrap();
    assert_eq!(hex(&bytes), labelled(ADDING));
    assert_eq!(hash.to_string(), ADDING_HASH);

    let (hash, bytes) = team.name_care_contact(&secret(1), Some(person_id(&secret(2).key()))).unwrap();
    assert_eq!(hex(&bytes[..bytes.len() - 64]), labelled(NAMING));
    let space = Digest::new("firsthand space v1")
        .fixed(team.team())
        .sized(b"care")
        .fixed(person_id(&secret(1).key()))
        .fixed(hash)
        .finish_short();
    assert_eq!(team.care_space(&person_id(&secret(1).key())), SpaceId::new(space));
    let (_, bytes) = team.name_care_contact(&secret(1), None).unwrap();
    assert_eq!(hex(&bytes[bytes.len() - 66..bytes.len() - 64]), "0300", "a body of nothing");
}

#[test]
fn requests_have_these_bytes() {
    let request = request();
    assert_eq!(hex(&request.encode()), labelled(REQUEST));
    let consent = Operation::consent(team().team(), &request.device, &JOINER_CHANNEL, "Ben");
    assert_eq!(hex(&consent), CONSENT);
}

#[test]
fn invitations_have_these_bytes() {
    let invitation = Invitation {
        team: TEAM.parse().unwrap(),
        inviter: exchange_key_hash(&FOUNDER_CHANNEL),
        secret: [5; 16],
        device_of: None,
        addresses: vec!["192.168.4.1:4810".into(), "[fe80::1]:4810".into()],
    };
    let code = invitation.to_code();
    assert_eq!(code, CODE);
    assert_eq!(
        hex(&data_encoding::BASE32_NOPAD.decode(&code.as_bytes()[3..]).unwrap()),
        labelled(INVITATION)
    );
    assert_eq!(Invitation::from_code(CODE), Ok(invitation.clone()));
}

#[test]
fn identifiers_have_these_values() {
    assert_eq!(person_id(&secret(2).key()).to_string(), "9682bb6273115e23ca30f9e9cc8e5878");
    assert_eq!(team_space(team().team()).to_string(), "ae5ed8c645da31581f042e821b931f1c");
}
