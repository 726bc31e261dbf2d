//! Records to JSON and back: nothing is lost, nothing is added, and what another version wrote is kept.

use std::collections::BTreeSet;

use firsthand_ids::{ContentHash, DocumentId, Metres, PersonId, UnixMillis};
use firsthand_record::*;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

fn code<C: CodeList + std::fmt::Debug>() -> impl Strategy<Value = C> {
    select(C::ALL)
}

fn moments() -> impl Strategy<Value = Moment> {
    (-60_000_000_000_000i64..250_000_000_000_000, -840i16..840)
        .prop_filter_map("writable", |(at, offset)| Moment::new(UnixMillis(at), offset))
}

fn occurred() -> impl Strategy<Value = Occurred> {
    (moments(), code()).prop_map(|(time, precision)| Occurred { time, precision })
}

fn metres() -> impl Strategy<Value = Option<Metres>> {
    of(any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Metres))
}

fn places() -> impl Strategy<Value = Place> {
    (-90.0..=90.0, -180.0..=180.0, metres(), metres(), code(), any::<bool>(), of(moments())).prop_map(
        |(lat, lon, alt, accuracy_m, source, mocked, fix_time)| Place {
            alt,
            accuracy_m,
            mocked,
            fix_time,
            ..Place::new(lat, lon, source)
        },
    )
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[0-9a-f]{32}\\|[0-9]{1,6}"]
}

fn counts() -> impl Strategy<Value = Count> {
    let ends = (of(any::<u32>()), of(any::<u32>()));
    (keys(), code(), ends, ".{0,10}", of(moments()), of(any::<[u8; 16]>())).prop_map(
        |(key, what, (low, high), source, at, by)| Count {
            key,
            what,
            low,
            high,
            source,
            at,
            by: by.map(PersonId::new),
        },
    )
}

fn actors() -> impl Strategy<Value = Actor> {
    let ends = (of(any::<u32>()), of(any::<u32>()));
    (keys(), code(), of(code()), ends, ".{0,20}", ".{0,20}", vec("[a-z_]{1,8}", 0..3)).prop_map(
        |(key, role, inter, (count_low, count_high), description, group_label, vulnerable_flags)| Actor {
            key,
            role,
            inter,
            count_low,
            count_high,
            description,
            group_label,
            vulnerable_flags,
        },
    )
}

fn sources() -> impl Strategy<Value = Source> {
    let consent = of((any::<[bool; 4]>(), of(moments())));
    (keys(), code(), of(code()), of(code()), consent, ".{0,10}").prop_map(
        |(key, kind, reliability, credibility, consent, pseudonym)| Source {
            key,
            kind,
            reliability,
            credibility,
            consent: consent.map(|([record, share_team, share_network, share_public], withdrawn_at)| {
                Consent { record, share_team, share_network, share_public, withdrawn_at }
            }),
            pseudonym,
        },
    )
}

fn incidents() -> impl Strategy<Value = Incident> {
    let what = (of(".{0,30}"), ".{0,60}", of(code()), of(code()), of(code()), of(".{0,9}"));
    let times = (of(occurred()), of(occurred()), of(moments()));
    let lists = (vec(counts(), 0..3), vec(actors(), 0..3), vec(sources(), 0..3));
    let rest = (of(code()), of(any::<u8>()), of(any::<[u8; 16]>()));
    let kept = (btree_map(".{0,8}", json_values(), 0..3), btree_map("x_[a-z]{0,6}", json_values(), 0..3));
    (what, times, of(places()), lists, rest, kept).prop_map(
        |(
            (title, narrative, severity, urgency, certainty, category),
            (occurred_start, occurred_end, reported_at),
            place,
            (counts, actors, source),
            (status, admin_level, owner),
            (imported, extra),
        )| Incident {
            title,
            narrative,
            severity,
            urgency,
            certainty,
            category,
            occurred_start,
            occurred_end,
            reported_at,
            place,
            counts,
            actors,
            source,
            status,
            admin_level,
            owner: owner.map(PersonId::new),
            imported,
            extra,
            ..Incident::default()
        },
    )
}

fn object(incident: &Incident) -> Map<String, Value> {
    match serde_json::to_value(incident) {
        Ok(Value::Object(map)) => map,
        other => panic!("not an object: {other:?}"),
    }
}

proptest! {
    #[test]
    fn incidents_round_trip(incident in incidents()) {
        let text = serde_json::to_string(&incident).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Incident>(&text).unwrap(), &incident);
        let read = Incident::read(object(&incident));
        prop_assert_eq!(read.record, incident);
        prop_assert_eq!(read.unread, vec![]);
    }

    #[test]
    fn any_json_object_is_read_without_loss(map in btree_map("[a-z_]{1,12}|title|place|counts|severity", json_values(), 0..6)) {
        let map: Map<String, Value> = map.into_iter().collect();
        let read = Incident::read(map.clone());
        let mut seen: BTreeSet<String> = object(&read.record).keys().cloned().collect();
        for unread in &read.unread {
            seen.insert(unread.field.split('[').next().unwrap_or_default().to_owned());
        }
        for (key, value) in map {
            let empty = value.is_null() || value == json!([]) || value == json!("") || value == json!({});
            prop_assert!(seen.contains(&key) || empty, "{} is lost", key);
        }
    }
}

#[test]
fn the_empty_draft_is_the_empty_object() {
    assert_eq!(serde_json::to_string(&Incident::default()).unwrap(), "{}");
    assert_eq!(serde_json::from_str::<Incident>("{}").unwrap(), Incident::default());
}

#[test]
fn what_another_version_wrote_is_kept_or_set_aside_by_name() {
    let json = json!({
        "title": "A",
        "severity": "Catastrophic",
        "counts": [{"what": "injured", "low": 2}, {"what": "evacuated", "low": 9}],
        "weather": {"rain": true},
        "narrative": 7,
    });
    assert!(serde_json::from_value::<Incident>(json.clone()).is_err());
    let Value::Object(map) = json else { unreachable!() };
    let read = Incident::read(map);
    assert_eq!(read.record.title.as_deref(), Some("A"));
    assert_eq!(read.record.counts, [Count::new(CountKind::Injured, Some(2), None)]);
    assert_eq!(read.record.extra["weather"], json!({"rain": true}));
    let fields: Vec<_> = read.unread.iter().map(|unread| unread.field.as_str()).collect();
    assert_eq!(fields, ["counts[1]", "narrative", "severity"]);
    assert_eq!(read.unread[2].value, "Catastrophic");
}

#[test]
fn json_names_are_those_of_the_model() {
    let json = json!({
        "short_code": "K7QF-014",
        "title": "Stones",
        "occurred_start": {"time": "2026-05-01T14:00:00+03:00", "precision": "part_of_day"},
        "reported_at": "2026-05-01T15:00:00+03:00",
        "place": {"lat": 1.5, "lon": 36.25, "alt": 1200.0, "accuracy_m": 4.5, "source": "gps", "mocked": true,
                  "fix_time": "2026-05-01T14:59:00+03:00"},
        "geo_precision": "1",
        "merged_into": "00112233445566778899aabbccddeeff",
        "retention_until": "2027-01-01",
        "clock_evidence": {"device_ms": 1, "monotonic_ms": 2, "boot_id": "b", "gps_time": 3, "trust": "gps"},
        "origin": {"format": "csv", "row_hash": "00"},
        "weapons_seen": [{"type": "stones", "use": "used"}],
        "harm_types": [{"harm": "injury"}],
        "tactics_used": [{"tactic": "listening"}],
        "authority_presence": [{"agency": "Police", "unit_marking": "A1", "count_low": 2, "measures": "cordon"}],
        "source": [{"kind": "witness", "reliability": "B", "credibility": "2",
                    "consent": {"record": true, "share_team": true, "share_network": false, "share_public": false}}],
        "linked": [{"document": "00112233445566778899aabbccddeeff", "kind": "incident", "relation": "same_event"}],
        "imported": {"Which plants?": "bamboo"},
    });
    let incident: Incident = serde_json::from_value(json.clone()).unwrap();
    assert!(incident.extra.is_empty());
    assert_eq!(serde_json::to_value(&incident).unwrap(), json);
}

#[test]
fn field_lists_name_each_field_once() {
    let all = [Incident::SCALARS, Incident::TEXTS, Incident::LISTS].concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for field in all {
        let read = Incident::read([(field.to_owned(), json!([[]]))].into_iter().collect());
        assert!(read.record.extra.is_empty(), "{field} is known");
    }
}

#[test]
fn evidence_round_trips_with_unknown_keys() {
    let incident = DocumentId::new([1; 16]);
    let mut evidence =
        Evidence::new(incident, ContentHash::new([2; 32]), 12, "image/jpeg", CapturePath::Imported);
    evidence.captured = Some(Captured {
        time: Some("2026-05-01T14:00:00+03:00".parse().unwrap()),
        place: Some(Place::new(1.0, 2.0, PlaceSource::Gps)),
        ..Captured::default()
    });
    evidence.extra.insert("lens".to_owned(), json!(["wide"]));
    let text = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence);
}

#[test]
fn what_cannot_be_read_hides_no_evidence() {
    let mut evidence = Evidence::new(
        DocumentId::new([1; 16]),
        ContentHash::new([2; 32]),
        12,
        "image/jpeg",
        CapturePath::Imported,
    );
    let step = |event| CustodyStep { key: String::new(), event, device: None, at: None };
    evidence.custody_log = vec![step(CustodyKind::Received), step(CustodyKind::Exported)];
    evidence.caption = "the gate".to_owned();
    let fields = || serde_json::to_value(&evidence).unwrap().as_object().unwrap().clone();
    assert_eq!(Evidence::read(fields()), Some(evidence.clone()));
    let mut hostile = fields();
    for junk in [json!({"event": "melted"}), json!(7), json!({"event": "viewed", "device": "x"})] {
        hostile["custody_log"].as_array_mut().unwrap().insert(1, junk);
    }
    hostile.insert("consent".to_owned(), json!([{"record": "perhaps"}]));
    hostile.insert("tombstone".to_owned(), json!("all"));
    hostile.insert("people_visible".to_owned(), json!("everybody"));
    assert_eq!(Evidence::read(hostile), Some(evidence.clone()));
    for name in ["incident", "sha256", "byte_len", "mime", "capture_path"] {
        let mut fields = fields();
        fields.insert(name.to_owned(), json!([]));
        assert_eq!(Evidence::read(fields), None, "{name}");
    }
}
