//! The generator: the same seed, the same records; and records as people write them.
#![cfg(feature = "generate")]

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_record::generate::{self, GeneratedEdit, Generator};
use firsthand_record::validate::{self, Context};
use firsthand_record::{Incident, SCHEMA_VERSION};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

fn generator(seed: u64) -> Generator<ChaCha8Rng> {
    Generator::new(ChaCha8Rng::seed_from_u64(seed))
}

#[test]
fn one_seed_gives_one_series() {
    let series = |seed| {
        let mut generator = generator(seed);
        (0..20)
            .map(|_| {
                let incident = generator.incident();
                let edit = generator.edit(&incident);
                (serde_json::to_string(&incident).unwrap(), serde_json::to_string(&edit).unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(series(1), series(1));
    assert_ne!(series(1), series(2));
    // Golden: benchmarks and dictionaries name their seed, so a change of the texts must be a decision.
    assert_eq!(firsthand_ids::sha256(format!("{:?}", series(1)).as_bytes())[..4], [211, 116, 239, 236]);
}

#[test]
fn incidents_look_like_incidents() {
    let mut generator = generator(3);
    let mut scripts = BTreeSet::new();
    for _ in 0..2_000 {
        let incident = generator.incident();
        let length = incident.narrative.chars().count();
        assert!((400..=800).contains(&length), "{length}: {}", incident.narrative);
        assert!(!incident.narrative.contains(['{', '}']), "{}", incident.narrative);
        let json = serde_json::to_value(&incident).unwrap();
        let fields = json.as_object().unwrap().len();
        assert!((20..=36).contains(&fields), "{fields}");
        assert_eq!(incident.schema_version, Some(SCHEMA_VERSION));
        let findings = validate::incident(&incident, &Context::at(generator.now()));
        assert!(!validate::is_rejected(&findings), "{findings:?}");
        scripts.insert(incident.narrative.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)));
        let evidence = generator.evidence(DocumentId::new([1; 16]));
        let findings = validate::evidence(&evidence, &Context::at(generator.now()));
        assert!(!validate::is_rejected(&findings), "{findings:?}");
    }
    assert_eq!(scripts.len(), 2, "Arabic and Latin letters");
}

#[test]
fn edits_apply_and_change_something() {
    let mut generator = generator(4);
    let mut kinds = BTreeSet::new();
    let mut incident = generator.incident();
    for _ in 0..500 {
        let edit = generator.edit(&incident);
        let after = edit.apply(&incident);
        match &edit {
            GeneratedEdit::Text { insert, at_char, .. } => {
                let before: Vec<char> = incident.narrative.chars().collect();
                let wanted: String = before[..*at_char]
                    .iter()
                    .copied()
                    .chain(insert.chars())
                    .chain(before[*at_char..].iter().copied())
                    .collect();
                assert_eq!(after.narrative, wanted);
                kinds.insert("text");
            }
            GeneratedEdit::Set { field, .. } => {
                assert_eq!(after.narrative, incident.narrative);
                kinds.insert(if field == "title" { "title" } else { "code" });
            }
            GeneratedEdit::Add { .. } => {
                assert_eq!(after.counts.len(), incident.counts.len() + 1);
                kinds.insert("count");
            }
        }
        assert_ne!(after, incident);
        incident = if after.narrative.len() > 5_000 { generator.incident() } else { after };
    }
    assert_eq!(kinds.len(), 4);
}

#[test]
fn the_short_forms_need_no_generator() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let incident: Incident = generate::incident(&mut rng);
    let _ = generate::edit(&mut rng, &incident);
    assert!(incident.reported_at.unwrap().millis() > UnixMillis(1_772_341_200_000));
}

#[test]
fn late_incidents_carry_every_field_there_is() {
    let mut of: BTreeMap<String, usize> = BTreeMap::new();
    const SEEDS: u64 = 200;
    for seed in 0..SEEDS {
        let mut generator = generator(seed);
        let incident = generator.late_incident();
        let Value::Object(json) = serde_json::to_value(&incident).unwrap() else { panic!("no object") };
        assert_eq!(Incident::read(json.clone()).record, incident);
        for (field, _) in json {
            *of.entry(field).or_default() += 1;
        }
        let findings = validate::incident(&incident, &Context::at(generator.now()));
        assert!(!validate::is_rejected(&findings), "{findings:?}");
        // What names a source names one that is there.
        for named in incident.graded_by.iter().map(|it| &it.source) {
            assert!(incident.source.iter().any(|source| source.key == *named));
        }
    }
    for field in [Incident::SCALARS, Incident::TEXTS, Incident::LISTS, &["imported"]].concat() {
        assert!(of.get(field).is_some_and(|count| *count >= 10), "{field}: {:?}", of.get(field));
    }
}
