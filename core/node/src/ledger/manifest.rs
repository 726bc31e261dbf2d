//! The capture manifest: the device that records a file signs everything about it that is written once.
//! docs/formats/evidence.md specifies the bytes.
//!
//! The chain proves the same to members; the manifest proves it outside the team, with the one record alone.

use firsthand_document::{FieldView, View, canonical};
use firsthand_ids::{DeviceKey, Digest};
use firsthand_log::{ChainId, DeviceSecret, signed_by};
use firsthand_record::{Manifest, Moment};
use serde_json::{Map, Value, json};

/// The fields of the record that are signed, those that are not there left out.
const SIGNED: [&str; 9] = [
    "byte_len",
    "c2pa_state",
    "capture_path",
    "captured",
    "incident",
    "mime",
    "original_name",
    "redacted_copy_of",
    "sha256",
];

/// What the signature of a file's record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestState {
    /// The device that recorded the file signed it as it stands.
    Valid,
    /// There is a signature, and it is not that device's over this record.
    Wrong,
    /// There is none.
    Absent,
}

impl ManifestState {
    /// Its name in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Wrong => "wrong",
            Self::Absent => "absent",
        }
    }
}

/// The canonical JSON that is signed.
fn bytes(fields: &Map<String, Value>, chain: &ChainId, device: &DeviceKey, sealed_at: Moment) -> String {
    let mut manifest: Map<String, Value> = SIGNED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.get(*name).filter(|it| !it.is_null())?.clone())))
        .collect();
    manifest.insert("device".to_owned(), json!(device));
    manifest.insert("sealed_at".to_owned(), json!(sealed_at));
    manifest.insert("space".to_owned(), json!(chain.space));
    manifest.insert("team".to_owned(), json!(chain.team));
    manifest.insert("writer".to_owned(), json!(chain.writer));
    canonical(&Value::Object(manifest))
}

fn message(manifest: &str) -> [u8; 32] {
    Digest::new("firsthand evidence manifest v1").sized(manifest.as_bytes()).finish()
}

/// Signs a record that is about to be saved.
pub(super) fn sign(
    fields: &Map<String, Value>,
    chain: &ChainId,
    secret: &DeviceSecret,
    sealed_at: Moment,
) -> Manifest {
    let device = secret.key();
    let signature = secret.sign(&message(&bytes(fields, chain, &device, sealed_at)));
    let signature = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    Manifest { device, sealed_at, signature }
}

/// Checks a record's signature against the device that the chain of its creation is bound to.
pub(crate) fn check(view: &View, chain: &ChainId, creator: &DeviceKey) -> ManifestState {
    let once = |(name, field): (&String, &FieldView)| match field {
        FieldView::Once(value) => Some((name.clone(), value.clone())),
        _ => None,
    };
    judge(&view.fields.iter().filter_map(once).collect(), chain, creator)
}

fn judge(fields: &Map<String, Value>, chain: &ChainId, creator: &DeviceKey) -> ManifestState {
    let Some(stored) = fields.get("manifest").filter(|it| !it.is_null()) else {
        return ManifestState::Absent;
    };
    let Ok(manifest) = serde_json::from_value::<Manifest>(stored.clone()) else {
        return ManifestState::Wrong;
    };
    let message = message(&bytes(fields, chain, &manifest.device, manifest.sealed_at));
    let signed = signature(&manifest.signature).is_some_and(|it| signed_by(creator, &message, &it));
    if signed && manifest.device == *creator { ManifestState::Valid } else { ManifestState::Wrong }
}

/// 128 lower-case hexadecimal digits, and nothing else: one signature has one form.
fn signature(text: &str) -> Option<[u8; 64]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use firsthand_ids::{ContentHash, DocumentId, SpaceId, TeamId, WriterId};
    use firsthand_record::{C2paState, CapturePath, Captured, Evidence, Place, PlaceSource};

    const MANIFEST: &str = concat!(
        r#"{"byte_len":12345,"c2pa_state":"unknown","capture_path":"in_app","captured":{"device_model":"Pixel 8","#,
        r#""place":{"accuracy_m":8.5,"lat":-1.2864,"lon":36.8172,"source":"gps"},"#,
        r#""time":"2026-05-01T14:30:00+03:00"},"#,
        r#""device":"1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca","#,
        r#""incident":"01010101010101010101010101010101","mime":"image/jpeg","original_name":"brücke.jpg","#,
        r#""redacted_copy_of":"03030303030303030303030303030303","sealed_at":"2026-05-01T14:31:00+03:00","#,
        r#""sha256":"0202020202020202020202020202020202020202020202020202020202020202","#,
        r#""space":"05050505050505050505050505050505","team":"0404040404040404040404040404040404040404040404040404040404040404","#,
        r#""writer":"06060606060606060606060606060606"}"#
    );

    // A second implementation, in Python, made both from docs/formats/evidence.md.
    const SIGNATURE: &str = concat!(
        "f3545bab7fdef622c2a7dc5647a393e159e9a281b3e63159fa6214cd60905b3e",
        "104d58d46cc4b99658ed4a3d1d587d4dfc1690d000bf42a8ec72837ea691e208"
    );

    fn chain() -> ChainId {
        ChainId {
            team: TeamId::new([4; TeamId::LEN]),
            space: SpaceId::new([5; 16]),
            writer: WriterId::new([6; 16]),
        }
    }

    fn secret(seed: u8) -> DeviceSecret {
        DeviceSecret::from_seed([seed; 32]).unwrap()
    }

    fn sealed_at() -> Moment {
        "2026-05-01T14:31:00+03:00".parse().unwrap()
    }

    fn fields() -> Map<String, Value> {
        let mut evidence = Evidence::new(
            DocumentId::new([1; 16]),
            ContentHash::new([2; 32]),
            12_345,
            "image/jpeg",
            CapturePath::InApp,
        );
        let mut place = Place::new(-1.2864, 36.8172, PlaceSource::Gps);
        place.accuracy_m = Some(firsthand_ids::Metres(8.5));
        evidence.captured = Some(Captured {
            time: Some("2026-05-01T14:30:00+03:00".parse().unwrap()),
            place: Some(place),
            device_model: Some("Pixel 8".to_owned()),
            ..Captured::default()
        });
        evidence.original_name = Some("brücke.jpg".to_owned());
        evidence.c2pa_state = Some(C2paState::Unknown);
        evidence.redacted_copy_of = Some(DocumentId::new([3; 16]));
        evidence.caption = "not signed".to_owned();
        serde_json::to_value(evidence).unwrap().as_object().unwrap().clone()
    }

    fn signed() -> Map<String, Value> {
        let mut fields = fields();
        let manifest = sign(&fields, &chain(), &secret(7), sealed_at());
        fields.insert("manifest".to_owned(), json!(manifest));
        fields
    }

    #[test]
    fn the_bytes_that_are_signed_stay_what_they_are() {
        let bytes = bytes(&fields(), &chain(), &secret(8).key(), sealed_at());
        assert_eq!(bytes, MANIFEST);
        let manifest = sign(&fields(), &chain(), &secret(8), sealed_at());
        assert_eq!(manifest.signature, SIGNATURE);
    }

    #[test]
    fn a_record_that_is_not_as_it_was_signed_is_told() {
        let key = secret(7).key();
        let judge = |fields: &Map<String, Value>| judge(fields, &chain(), &key);
        assert_eq!(judge(&signed()), ManifestState::Valid);
        for name in SIGNED {
            let mut changed = signed();
            changed.insert(name.to_owned(), json!("another"));
            assert_eq!(judge(&changed), ManifestState::Wrong, "{name}");
            changed.remove(name);
            assert_eq!(judge(&changed), ManifestState::Wrong, "{name}");
        }
        let mut said = signed();
        said.insert("caption".to_owned(), json!("more is known now"));
        assert_eq!(judge(&said), ManifestState::Valid);

        let mut unsigned = signed();
        unsigned.remove("manifest");
        assert_eq!(judge(&unsigned), ManifestState::Absent);
        for (name, value) in [
            ("signature", json!("00".repeat(64))),
            ("signature", json!("")),
            ("signature", json!(signed()["manifest"]["signature"].as_str().unwrap().to_uppercase())),
            ("signature", json!(7)),
            ("device", json!(secret(9).key())),
            ("device", json!(null)),
            ("sealed_at", json!("2026-05-01T14:32:00+03:00")),
            ("sealed_at", json!("soon")),
        ] {
            let mut changed = signed();
            changed["manifest"][name] = value;
            assert_eq!(judge(&changed), ManifestState::Wrong, "{name}");
        }
    }

    #[test]
    fn a_record_under_another_chain_or_device_is_told() {
        let key = secret(7).key();
        let other = [
            ChainId { team: TeamId::new([9; TeamId::LEN]), ..chain() },
            ChainId { space: SpaceId::new([9; 16]), ..chain() },
            ChainId { writer: WriterId::new([9; 16]), ..chain() },
        ];
        for chain in other {
            assert_eq!(judge(&signed(), &chain, &key), ManifestState::Wrong);
        }
        // Copied by somebody else into a record of their own.
        assert_eq!(judge(&signed(), &chain(), &secret(8).key()), ManifestState::Wrong);
    }
}
