//! The rules of validation, each on both sides of its boundary.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DocumentId, Metres, UnixMillis};
use firsthand_record::validate::{self, Context, Kind, Rule, limits};
use firsthand_record::*;

const NOON: &str = "2026-05-01T12:00:00+03:00";

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn now() -> UnixMillis {
    moment(NOON).millis()
}

fn later(ms: i64) -> Moment {
    Moment::new(UnixMillis(now().0 + ms), 180).unwrap()
}

fn place(lat: f64, lon: f64) -> Place {
    Place { accuracy_m: Some(Metres(5.0)), ..Place::new(lat, lon, PlaceSource::Gps) }
}

fn at(place: Place) -> Incident {
    Incident { place: Some(place), ..Incident::default() }
}

fn found_in(incident: &Incident, context: &Context) -> Vec<(String, Rule)> {
    let findings = validate::incident(incident, context);
    for finding in &findings {
        assert_eq!(finding.kind, finding.rule.kind());
        assert!(finding.to_string().starts_with(&finding.field));
    }
    findings.into_iter().map(|finding| (finding.field, finding.rule)).collect()
}

fn found(incident: &Incident) -> Vec<(String, Rule)> {
    found_in(incident, &Context::at(now()))
}

fn only(field: &str, rule: Rule) -> Vec<(String, Rule)> {
    vec![(field.to_owned(), rule)]
}

#[test]
fn an_empty_draft_and_a_sound_place_have_no_findings() {
    assert_eq!(found(&Incident::default()), []);
    assert_eq!(found(&at(place(-90.0, 180.0))), []);
    assert_eq!(found(&at(place(90.0, -180.0))), []);
}

#[test]
fn coordinates() {
    assert_eq!(
        found(&at(place(90.1, 200.0))),
        [
            ("place.lat".to_owned(), Rule::LatitudeOutOfRange),
            ("place.lon".to_owned(), Rule::LongitudeOutOfRange),
        ]
    );
    assert_eq!(found(&at(place(-90.000_001, 179.0))), only("place.lat", Rule::LatitudeOutOfRange));
    assert_eq!(found(&at(place(120.0, 30.0))), only("place.lat", Rule::LooksSwapped));
    assert_eq!(found(&at(place(f64::NAN, 1.0))), only("place.lat", Rule::NotFinite));
    assert_eq!(found(&at(place(1.0, f64::NEG_INFINITY))), only("place.lon", Rule::NotFinite));
    assert_eq!(found(&at(place(0.0, 0.0))), only("place", Rule::NullIsland));
    assert_eq!(found(&at(place(-0.0, 0.0))), only("place", Rule::NullIsland));
    assert_eq!(found(&at(place(0.0, 0.000_001))), []);
}

#[test]
fn accuracy_and_height() {
    let with = |metres| at(Place { accuracy_m: metres, ..place(1.0, 1.0) });
    assert_eq!(found(&with(Some(Metres(100.0)))), []);
    assert_eq!(found(&with(Some(Metres(100.1)))), only("place.accuracy_m", Rule::AccuracyPoor));
    assert_eq!(found(&with(Some(Metres(-0.1)))), only("place.accuracy_m", Rule::NegativeAccuracy));
    assert_eq!(found(&with(Some(Metres(f64::NAN)))), only("place.accuracy_m", Rule::NotFinite));
    assert_eq!(found(&with(None)), only("place.accuracy_m", Rule::AccuracyMissing));
    let high = Place { alt: Some(Metres(f64::INFINITY)), ..place(1.0, 1.0) };
    assert_eq!(found(&at(high)), only("place.alt", Rule::NotFinite));
}

#[test]
fn fixes_and_shift_areas() {
    assert_eq!(found(&at(Place { mocked: true, ..place(1.0, 1.0) })), only("place.mocked", Rule::Mocked));
    let fixed = |ms: i64, source| at(Place { fix_time: Some(later(-ms)), source, ..place(1.0, 1.0) });
    assert_eq!(found(&fixed(300_000, PlaceSource::Gps)), []);
    assert_eq!(found(&fixed(300_001, PlaceSource::Gps)), only("place.fix_time", Rule::OldFix));
    assert_eq!(found(&fixed(300_001, PlaceSource::MapPin)), []);

    let area = Circle { lat: Degrees(1.0), lon: Degrees(1.0), radius: Metres(1_000.0) };
    let context = Context { shift_area: Some(area), ..Context::at(now()) };
    // A degree of latitude is 111.19 km on the sphere that distances are measured on.
    assert_eq!(found_in(&at(place(1.0 + 50.9 / 111.195, 1.0)), &context), []);
    assert_eq!(found_in(&at(place(1.0 + 51.1 / 111.195, 1.0)), &context), only("place", Rule::FarFromShift));
}

#[test]
fn an_end_before_the_start_is_rejected_as_far_as_both_are_known() {
    let between = |start: &str, end: &str, precision| {
        let at = |text: &str| Some(Occurred { time: moment(text), precision });
        found(&Incident { occurred_start: at(start), occurred_end: at(end), ..Incident::default() })
    };
    let (one, two) = ("2026-05-01T10:10:00+03:00", "2026-05-01T10:50:00+03:00");
    assert_eq!(between(one, two, Precision::Exact), []);
    assert_eq!(between(one, one, Precision::Exact), []);
    for precision in [Precision::Exact, Precision::Minute] {
        assert_eq!(between(two, one, precision), only("occurred_end", Rule::EndBeforeStart));
    }
    assert_eq!(between(two, one, Precision::Hour), [], "both are in the hour from ten");
    assert_eq!(
        between(two, "2026-05-01T09:59:00+03:00", Precision::Hour),
        only("occurred_end", Rule::EndBeforeStart)
    );
    assert_eq!(between(two, one, Precision::Unknown), []);
    // The same instant by another offset is not before.
    assert_eq!(between(two, "2026-05-01T07:50:00+00:00", Precision::Exact), []);
    assert_eq!(Rule::EndBeforeStart.kind(), Kind::Reject);
}

#[test]
fn clocks() {
    let start =
        |ms: i64| Incident { occurred_start: Some(Occurred::exact(later(ms))), ..Incident::default() };
    let week = 7 * 86_400_000;
    assert_eq!(found(&start(300_000)), []);
    assert_eq!(found(&start(300_001)), only("occurred_start", Rule::InTheFuture));
    assert_eq!(found(&start(-week)), []);
    assert_eq!(found(&start(-week - 1)), only("occurred_start", Rule::Backdated));
    // By the best clock, the device is a day ahead, and so is what it calls now.
    let day = 86_400_000;
    let context = |off: i64| Context { best_clock: Some(UnixMillis(now().0 - off)), ..Context::at(now()) };
    let findings = found_in(&start(0), &context(day));
    assert!(findings.contains(&("occurred_start".to_owned(), Rule::InTheFuture)));
    assert!(findings.contains(&("clock_evidence.device_ms".to_owned(), Rule::ClockSkew)));
    assert_eq!(found_in(&Incident::default(), &context(600_000)), []);
    for off in [600_001, -600_001] {
        assert_eq!(
            found_in(&Incident::default(), &context(off)),
            only("clock_evidence.device_ms", Rule::ClockSkew)
        );
    }
    let noted = ClockEvidence {
        device_ms: now(),
        monotonic_ms: 5,
        boot_id: String::new(),
        gps_time: None,
        last_peer_or_relay_time: Some(later(900_000).millis()),
        skew_estimate_s: None,
        trust: ClockTrust::Suspect,
    };
    let incident = Incident { clock_evidence: Some(noted), ..Incident::default() };
    assert_eq!(found(&incident), only("clock_evidence.device_ms", Rule::ClockSkew));
}

#[test]
fn a_clock_that_was_found_wrong_before_the_device_started_anew() {
    let noted = |skew_s| ClockEvidence {
        device_ms: now(),
        monotonic_ms: 5,
        boot_id: String::new(),
        gps_time: None,
        last_peer_or_relay_time: None,
        skew_estimate_s: Some(skew_s),
        trust: ClockTrust::Suspect,
    };
    let judged = |skew_s| found(&Incident { clock_evidence: Some(noted(skew_s)), ..Incident::default() });
    assert_eq!(judged(600), []);
    assert_eq!(judged(-601), only("clock_evidence.device_ms", Rule::ClockSkew));
    assert_eq!((noted(600).error_ms(), noted(86_400).error_ms()), (None, Some(86_400_000)));
    assert_eq!(noted(86_400).best(), Some(UnixMillis(now().0 - 86_400_000)));
    assert_eq!(noted(i64::MAX).best(), None);
}

#[test]
fn consent_of_sources() {
    let consent = |share_network, share_public| Consent {
        record: true,
        share_team: true,
        share_network,
        share_public,
        withdrawn_at: None,
    };
    let told = |sensitivity, kind, consent| {
        let source = Source { key: "a|1".into(), consent, ..Source::new(kind) };
        Incident { sensitivity: Some(sensitivity), source: vec![source], ..Incident::default() }
    };
    let narrow = only("source[0].consent", Rule::ConsentTooNarrow);
    let (team, network, public) = (Sensitivity::Team, Sensitivity::Network, Sensitivity::Public);
    assert_eq!(found(&told(team, SourceKind::Victim, None)), []);
    assert_eq!(found(&told(network, SourceKind::Media, None)), []);
    assert_eq!(found(&told(network, SourceKind::Victim, None)), narrow);
    assert_eq!(found(&told(network, SourceKind::Witness, Some(consent(false, false)))), narrow);
    assert_eq!(found(&told(network, SourceKind::Witness, Some(consent(true, false)))), []);
    assert_eq!(found(&told(public, SourceKind::Witness, Some(consent(true, false)))), narrow);
    assert_eq!(found(&told(public, SourceKind::Witness, Some(consent(true, true)))), []);

    let mut incident = told(team, SourceKind::Witness, Some(consent(true, true)));
    let withdrawn =
        |source: &str| ConsentWithdrawn { key: "b|1".into(), source: source.into(), at: later(0), by: None };
    incident.consent_withdrawn = vec![withdrawn("another")];
    assert_eq!(found(&incident), []);
    incident.consent_withdrawn.push(withdrawn("a|1"));
    assert_eq!(found(&incident), only("source[0].consent", Rule::ConsentTakenBack));
    assert_eq!(incident.consent_of(&incident.source[0]).unwrap().withdrawn_at, Some(later(0)));
}

#[test]
fn items_that_came_after_the_closing() {
    let count = |key: &str| Count { key: key.into(), ..Count::new(CountKind::Injured, Some(1), Some(1)) };
    let incident = Incident { counts: vec![count("a|1"), count("a|2")], ..Incident::default() };
    let context = Context { late: ["a|2".to_owned()].into(), ..Context::at(now()) };
    assert_eq!(found_in(&incident, &context), only("counts[1]", Rule::AfterClosing));
}

#[test]
fn rules_have_names_and_words() {
    for rule in Rule::ALL {
        assert_eq!(Rule::from_code(rule.code()), Some(*rule));
        assert!(!rule.code().contains(' ') && !rule.word().is_empty());
        assert_eq!(rule.word() == "not sound", rule.kind() == Kind::Reject, "{rule:?}");
    }
    assert_eq!(Rule::from_code("FromTheFuture"), None);
}

#[test]
fn sizes() {
    let titled = |title: String| found(&Incident { title: Some(title), ..Incident::default() });
    assert_eq!(titled("ش".repeat(120)), [], "characters count, not bytes");
    assert_eq!(titled("ش".repeat(121)), only("title", Rule::TooLong));
    assert_eq!(titled("one\ntwo".to_owned()), only("title", Rule::MoreThanOneLine));
    assert_eq!(titled("nul\0".to_owned()), only("title", Rule::ControlCharacter));
    let told = |narrative: String| found(&Incident { narrative, ..Incident::default() });
    assert_eq!(told("a\n\tb\r\n".to_owned() + &"a".repeat(199_993)), []);
    assert_eq!(told("a".repeat(200_001)), only("narrative", Rule::TooLong));
    let counts = |count| vec![Count::new(CountKind::Present, Some(1), None); count];
    assert_eq!(found(&Incident { counts: counts(500), ..Incident::default() }), []);
    assert_eq!(
        found(&Incident { counts: counts(501), ..Incident::default() }),
        only("counts", Rule::TooMany)
    );
    let imported = |bytes: usize| {
        let value = "x".repeat(bytes - r#"{"k":""}"#.len());
        found(&Incident { imported: BTreeMap::from([("k".to_owned(), value.into())]), ..Incident::default() })
    };
    assert_eq!(imported(limits::IMPORTED_BYTES), []);
    assert_eq!(imported(limits::IMPORTED_BYTES + 1), only("imported", Rule::TooLarge));
    let level = |level| found(&Incident { admin_level: Some(level), ..Incident::default() });
    assert_eq!(level(5), []);
    assert_eq!(level(6), only("admin_level", Rule::NoSuchAdminLevel));
    let long = Incident { title: Some("a".repeat(121)), ..Incident::default() };
    let findings = validate::incident(&long, &Context::at(now()));
    assert_eq!(findings[0].to_string(), "title is too long (at most 120 characters)");
    assert!(validate::is_rejected(&findings));
}

#[test]
fn ranges_and_items() {
    let mut incident = Incident {
        counts: vec![
            Count::new(CountKind::Present, Some(3), Some(3)),
            Count::new(CountKind::Injured, Some(4), Some(3)),
            Count::new(CountKind::Dead, None, None),
        ],
        actors: vec![Actor { count_low: Some(9), count_high: Some(8), ..Actor::new(ActorRole::Both) }],
        harm_types: vec![Harm::default()],
        ..Incident::default()
    };
    assert_eq!(
        found(&incident),
        [
            ("harm_types[0].harm".to_owned(), Rule::Empty),
            ("actors[0].count_low".to_owned(), Rule::LowAboveHigh),
            ("counts[1].low".to_owned(), Rule::LowAboveHigh),
            ("counts[2].low".to_owned(), Rule::Empty),
        ]
    );
    assert_eq!(Rule::LowAboveHigh.kind(), Kind::Flag);
    incident = Incident { severity: Some(Severity::Extreme), ..Incident::default() };
    assert_eq!(found(&incident), only("certainty", Rule::ExtremeButUncertain));
    incident.certainty = Some(Certainty::Unknown);
    assert_eq!(found(&incident), only("certainty", Rule::ExtremeButUncertain));
    incident.certainty = Some(Certainty::Possible);
    assert_eq!(found(&incident), []);
}

#[test]
fn categories_are_the_teams_or_else_acleds() {
    let incident = Incident { category: Some("Mob violence".to_owned()), ..Incident::default() };
    assert_eq!(found(&incident), []);
    let own = Context { categories: Some(["Queue".to_owned()].into()), ..Context::at(now()) };
    assert_eq!(found_in(&incident, &own), only("category", Rule::CategoryNotListed));
}

#[test]
fn merges_and_links_lead_elsewhere() {
    let (own, other) = (DocumentId::new([1; 16]), DocumentId::new([2; 16]));
    let context = Context { document: Some(own), ..Context::at(now()) };
    let merged = |into| {
        let incident =
            Incident { status: Some(Status::MergedInto), merged_into: into, ..Incident::default() };
        found_in(&incident, &context)
    };
    assert_eq!(merged(Some(other)), []);
    assert_eq!(merged(Some(own)), only("merged_into", Rule::LeadsToItself));
    assert_eq!(merged(None), only("merged_into", Rule::MergeTargetMissing));
    let link = |document| Link {
        key: String::new(),
        document,
        kind: LinkKind::Incident,
        relation: Relation::SameEvent,
    };
    let linked = Incident { linked: vec![link(other), link(own)], ..Incident::default() };
    assert_eq!(found_in(&linked, &context), only("linked[1].document", Rule::LeadsToItself));
}

#[test]
fn personal_numbers_are_flagged_only_where_others_read() {
    let told = |sensitivity| Incident {
        narrative: "He can be reached at +254 712 345 678, passport A1234567.".to_owned(),
        sensitivity,
        ..Incident::default()
    };
    for sensitivity in [None, Some(Sensitivity::Team), Some(Sensitivity::Leads)] {
        assert_eq!(found(&told(sensitivity)), []);
    }
    for sensitivity in [Sensitivity::Network, Sensitivity::Public] {
        assert_eq!(
            found(&told(Some(sensitivity))),
            [("narrative".to_owned(), Rule::PhoneNumber), ("narrative".to_owned(), Rule::IdNumber),]
        );
    }
}

#[test]
fn evidence_needs_the_consent_of_people_who_can_be_recognised() {
    let context = Context::at(now());
    let rules = |evidence: &Evidence| {
        validate::evidence(evidence, &context).into_iter().map(|f| (f.field, f.rule)).collect::<Vec<_>>()
    };
    let mut photo = Evidence::new(
        DocumentId::new([1; 16]),
        ContentHash::new([2; 32]),
        9,
        "image/jpeg",
        CapturePath::InApp,
    );
    assert_eq!(rules(&photo), []);
    photo.people_visible = Some(PeopleVisible::Identifiable);
    assert_eq!(rules(&photo), only("consent", Rule::PeopleWithoutConsent));
    let agreed =
        ConsentStep { consent: Consent { record: true, ..Consent::default() }, ..ConsentStep::default() };
    photo.consent = vec![agreed.clone()];
    assert_eq!(rules(&photo), []);
    let taken_back = Consent { record: true, withdrawn_at: Some(later(0)), ..Consent::default() };
    let taken_back = ConsentStep { consent: taken_back, ..ConsentStep::default() };
    // Whatever the order in which phones hear of it.
    for consent in [vec![agreed.clone(), taken_back.clone()], vec![taken_back, agreed]] {
        photo.consent = consent;
        assert_eq!(rules(&photo), only("consent", Rule::PeopleWithoutConsent));
    }
    photo.captured = Some(Captured { place: Some(place(0.0, 0.0)), ..Captured::default() });
    assert!(rules(&photo).contains(&("captured.place".to_owned(), Rule::NullIsland)));
}

#[test]
fn every_rule_says_something_and_knows_its_kind() {
    let mut messages: Vec<_> = Rule::ALL.iter().map(|rule| rule.message()).collect();
    assert!(messages.iter().all(|message| message.starts_with(|c: char| c.is_ascii_lowercase())));
    messages.sort_unstable();
    messages.dedup();
    assert_eq!(messages.len(), Rule::ALL.len());
}
