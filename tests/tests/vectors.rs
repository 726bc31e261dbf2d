//! Known answers for the cryptography that the program uses, from the libraries and in the ways in which it uses them. The
//! files say where they come from; the sets of Wycheproof are excerpts.
#![allow(clippy::unwrap_used)]

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use data_encoding::HEXLOWER;
use firsthand_ids::DeviceKey;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{Infallible, TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};

fn cases(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    assert!(file["source"].is_string() && file["licence"].is_string());
    file["cases"].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

#[test]
fn ed25519_takes_what_is_valid_and_nothing_else() {
    let cases = cases(include_str!("../vectors/wycheproof-ed25519.json"));
    let (mut taken, mut refused) = (0, 0);
    for case in &cases {
        let (key, message, signature) = (bytes(&case[1]), bytes(&case[2]), bytes(&case[3]));
        let verified = UnparsedPublicKey::new(&ED25519, &key).verify(&message, &signature).is_ok();
        assert_eq!(verified, case[4] == "valid", "{}", case[0]);
        *if verified { &mut taken } else { &mut refused } += 1;
        // What the program signs are hashes.
        if let (Ok(message), Ok(signature)) = (message.try_into(), signature.try_into()) {
            let key = DeviceKey::from_slice(&key).unwrap();
            assert_eq!(firsthand_log::signed_by(&key, &message, &signature), verified, "{}", case[0]);
        }
    }
    assert!(taken >= 80 && refused >= 60, "{taken} taken, {refused} refused");
}

#[test]
fn x25519_of_the_channel_and_of_the_seal_gives_the_known_secrets() {
    let cases = cases(include_str!("../vectors/wycheproof-x25519.json"));
    assert!(cases.len() > 200);
    for case in &cases {
        let (public, secret, shared): ([u8; 32], [u8; 32], [u8; 32]) =
            (array(&case[1]), array(&case[2]), array(&case[3]));
        let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).unwrap();
        dh.set(&secret);
        let mut out = [0; 32];
        let agreed = dh.dh(&public, &mut out);
        assert!(agreed.is_err() && shared == [0; 32] || out == shared, "{} by the channel", case[0]);

        let secret_key = x25519_dalek::StaticSecret::from(secret);
        let agreed = secret_key.diffie_hellman(&x25519_dalek::PublicKey::from(public));
        assert_eq!(*agreed.as_bytes(), shared, "{} by the seal", case[0]);

        // With a key that gives everybody the same secret nothing is sealed.
        let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&public).unwrap();
        let sealed = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            b"",
            b"key",
            b"",
            &mut Given(secret),
        );
        assert_eq!(sealed.is_err(), shared == [0; 32], "{}", case[0]);
    }
}

#[test]
fn chacha20_poly1305_seals_and_opens_the_known_texts() {
    let cases = cases(include_str!("../vectors/wycheproof-chacha20-poly1305.json"));
    let (mut opened, mut refused) = (0, 0);
    for case in &cases {
        let (key, bound, plain) = (bytes(&case[1]), bytes(&case[3]), bytes(&case[4]));
        let sealed = [bytes(&case[5]), bytes(&case[6])].concat();
        let cipher = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
        let Ok(nonce) = Nonce::try_assume_unique_for_key(&bytes(&case[2])) else {
            assert_eq!(case[7], "invalid", "{}", case[0]);
            refused += 1;
            continue;
        };
        let mut text = sealed.clone();
        let result = cipher.open_in_place(nonce, Aad::from(&bound), &mut text);
        assert_eq!(result.is_ok(), case[7] == "valid", "{}", case[0]);
        let Ok(text) = result else {
            refused += 1;
            continue;
        };
        assert_eq!(text, plain, "{}", case[0]);
        opened += 1;
        let nonce = Nonce::try_assume_unique_for_key(&bytes(&case[2])).unwrap();
        let mut made = plain;
        cipher.seal_in_place_append_tag(nonce, Aad::from(&bound), &mut made).unwrap();
        assert_eq!(made, sealed, "{}", case[0]);
    }
    assert!(opened >= 200 && refused >= 60, "{opened} opened, {refused} refused");
}

/// Gives the bytes that the RFC calls ikmE to whoever draws a key.
struct Given([u8; 32]);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0[..4].try_into().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0[..8].try_into().unwrap()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[test]
fn hpke_gives_the_answers_of_rfc_9180() {
    let file: Value = serde_json::from_str(include_str!("../vectors/rfc9180-base.json")).unwrap();
    let info = bytes(&file["info"]);
    let (secret, public) = X25519HkdfSha256::derive_keypair(&bytes(&file["ikmR"]));
    // The library keeps secrets as they are used, with the bits set that RFC 7748 sets; the vector is from before.
    let mut used = bytes(&file["skRm"]);
    (used[0], used[31]) = (used[0] & 0xf8, used[31] & 0x7f | 0x40);
    assert_eq!(secret.to_bytes().to_vec(), used);
    assert_eq!(public.to_bytes().to_vec(), bytes(&file["pkRm"]));

    let (encapsulated, mut sender) = hpke::setup_sender_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &public, &info, &mut Given(array(&file["ikmE"])))
    .unwrap();
    assert_eq!(encapsulated.to_bytes().to_vec(), bytes(&file["enc"]));
    let mut receiver = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        &info,
    )
    .unwrap();

    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    let last = cases.iter().filter_map(|case| case[0].as_u64()).max().unwrap();
    for number in 0..=last {
        let bound = format!("Count-{number}");
        let plain = bytes(&cases[0][2]);
        let sealed = sender.seal(&plain, bound.as_bytes()).unwrap();
        if let Some(case) = cases.iter().find(|case| case[0] == number) {
            assert_eq!((bytes(&case[1]), bytes(&case[3])), (bound.clone().into_bytes(), sealed.clone()));
        }
        assert_eq!(receiver.open(&sealed, bound.as_bytes()).unwrap(), plain);
    }
}

#[test]
fn argon2id_gives_the_answer_of_rfc_9106() {
    // RFC 9106, 5.3.
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).data(AssociatedData::new(&[4; 12]).unwrap());
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.build().unwrap());
    let mut out = [0; 32];
    argon2.unwrap().hash_password_into(&[1; 32], &[2; 16], &mut out).unwrap();
    let known = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(HEXLOWER.encode(&out), known);
}
