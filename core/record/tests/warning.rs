//! Signs, readings and warnings: what is refused, what is marked, and how a warning stands.
#![cfg(feature = "generate")]
#![allow(clippy::unwrap_used, reason = "a record that cannot be made is a failure")]

use firsthand_ids::{DocumentId, Metres, UnixMillis};
use firsthand_record::generate::Generator;
use firsthand_record::roster::{Area, Corner};
use firsthand_record::validate::{self, Context, Finding, Rule, is_rejected};
use firsthand_record::warning::*;
use firsthand_record::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

fn generator(seed: u64) -> Generator<ChaCha8Rng> {
    Generator::new(ChaCha8Rng::seed_from_u64(seed))
}

fn sound() -> Alert {
    let mut generator = generator(1);
    let alert = std::iter::repeat_with(|| generator.alert()).find(|it| it.msg_type == Some(MsgType::Alert));
    Alert {
        scope: Some(AlertScope::Restricted),
        restriction: Some("the team".into()),
        addresses: None,
        ..alert.unwrap()
    }
}

fn found(alert: &Alert, field: &str, rule: Rule) -> bool {
    validate::warning::alert(alert).contains(&Finding::new(field, rule))
}

#[test]
fn what_the_generator_makes_is_sound_and_survives_json() {
    let mut generator = generator(7);
    for _ in 0..500 {
        let (indicator, alert) = (generator.indicator(), generator.alert());
        let reading = generator.reading(DocumentId::new([1; 16]));
        let context = Context::at(generator.now());
        let findings = [
            validate::warning::indicator(&indicator),
            validate::warning::reading(&reading, &context),
            validate::warning::alert(&alert),
        ];
        assert!(findings.iter().all(|findings| !is_rejected(findings)), "{findings:?} {alert:?}");
        fn read(value: Value) -> serde_json::Map<String, Value> {
            value.as_object().unwrap().clone()
        }
        let json = read(serde_json::to_value(&alert).unwrap());
        assert_eq!(Alert::read(json).record, alert);
        let json = read(serde_json::to_value(&reading).unwrap());
        assert_eq!(Reading::read(json).record, reading);
        let json = read(serde_json::to_value(&indicator).unwrap());
        assert_eq!(Indicator::read(json).record, indicator);
    }
}

#[test]
fn whether_a_warning_is_meant_is_never_filled_in() {
    let alert = Alert { status: None, ..sound() };
    assert!(found(&alert, "status", Rule::Missing) && is_rejected(&validate::warning::alert(&alert)));
    assert!(!is_rejected(&validate::warning::alert(&sound())));
    assert_eq!(Alert::default().status, None);
}

#[test]
fn what_no_system_could_read_is_refused() {
    let of = |change: fn(&mut Alert)| {
        let mut alert = sound();
        change(&mut alert);
        alert
    };
    let cases: [(Alert, &str, Rule); 16] = [
        (of(|it| it.headline = Some("x".repeat(161))), "headline", Rule::TooLong),
        (of(|it| it.headline = Some("a\nb".into())), "headline", Rule::MoreThanOneLine),
        (of(|it| it.headline = Some(" ".into())), "headline", Rule::Missing),
        (of(|it| it.msg_type = Some(MsgType::Update)), "references", Rule::Missing),
        (of(|it| it.msg_type = Some(MsgType::Cancel)), "references", Rule::Missing),
        (of(|it| it.restriction = None), "restriction", Rule::Missing),
        (of(|it| it.scope = Some(AlertScope::Private)), "addresses", Rule::Missing),
        (of(|it| it.category.clear()), "category", Rule::Missing),
        (of(|it| it.expires = it.sent), "expires", Rule::EndBeforeStart),
        (of(|it| it.expires = None), "expires", Rule::Missing),
        (of(|it| it.identifier = Some("a b".into())), "identifier", Rule::NotAnIdentifier),
        (of(|it| it.sender = Some("a,b".into())), "sender", Rule::NotAnIdentifier),
        (of(|it| it.area = Some(AlertArea::default())), "area", Rule::Empty),
        (of(|it| it.approvals_required = Some(0)), "approvals_required", Rule::OutOfRange),
        (of(|it| it.area = Some(circle(117.0, 32.0, 10.0))), "area.circle.lat", Rule::LooksSwapped),
        (of(|it| it.area = Some(circle(32.0, 117.0, -1.0))), "area.circle.radius", Rule::OutOfRange),
    ];
    for (alert, field, rule) in cases {
        assert!(found(&alert, field, rule), "{field} {rule:?}: {:?}", validate::warning::alert(&alert));
        assert!(is_rejected(&validate::warning::alert(&alert)), "{field}");
    }
    let ring = [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)];
    let corners = ring.map(|(lat, lon)| Corner { lat: Degrees(lat), lon: Degrees(lon) });
    let area = AlertArea { polygon: Some(Area(corners.to_vec())), ..AlertArea::default() };
    assert!(found(&Alert { area: Some(area), ..sound() }, "area.polygon", Rule::CrossesItself));
    let headline = Some("ع".repeat(160));
    assert!(!is_rejected(&validate::warning::alert(&Alert { headline, ..sound() })), "characters, not bytes");
}

fn circle(lat: f64, lon: f64, km: f64) -> AlertArea {
    let radius = Metres(km * 1_000.0);
    AlertArea {
        circle: Some(Circle { lat: Degrees(lat), lon: Degrees(lon), radius }),
        ..AlertArea::default()
    }
}

#[test]
fn what_a_person_should_look_at_is_marked() {
    let uncertain =
        Alert { severity: Some(Severity::Extreme), certainty: Some(Certainty::Unknown), ..sound() };
    assert!(found(&uncertain, "certainty", Rule::ExtremeButUncertain));
    let number = Alert { instruction: "Call +254 700 000 001".into(), ..sound() };
    assert!(!found(&number, "instruction", Rule::PhoneNumber), "the team may call");
    let public = Alert { scope: Some(AlertScope::Public), ..number };
    assert!(found(&public, "instruction", Rule::PhoneNumber));
    assert!(!is_rejected(&validate::warning::alert(&public)));
}

#[test]
fn an_approval_is_of_what_the_warning_says() {
    let alert = sound();
    let hash = alert.content_sha256();
    let mut later = alert.clone();
    later.acks.clear();
    later.approvals.clear();
    later.incidents.push(AlertIncident { key: "x|1".into(), document: DocumentId::new([9; 16]) });
    later.sensitivity = Some(Sensitivity::Leads);
    later.category[0].key = "0707|3".into();
    later.extra.insert("newer".into(), Value::from(1));
    assert_eq!(later.content_sha256(), hash, "what is around it is not what it says");
    let mut other = alert.clone();
    other.response_type.push(ResponseItem { key: String::new(), response_type: ResponseType::Evacuate });
    other.response_type.push(ResponseItem { key: String::new(), response_type: ResponseType::Shelter });
    let changed = [
        Alert { headline: Some("Another".into()), ..alert.clone() },
        Alert { instruction: "Go home".into(), ..alert.clone() },
        Alert { status: Some(AlertStatus::System), ..alert.clone() },
        Alert { area: Some(circle(1.0, 2.0, 3.0)), ..alert.clone() },
        Alert { expires: None, ..alert },
        other.clone(),
    ];
    assert!(changed.iter().all(|it| it.content_sha256() != hash));
    other.response_type.reverse();
    assert_eq!(other.content_sha256(), changed[5].content_sha256(), "codes have no order");
}

#[test]
fn a_warning_waits_holds_and_ends() {
    let alert = Alert { approvals_required: Some(2), ..sound() };
    let sent = alert.sent.unwrap().millis();
    let end = UnixMillis(sent.0 + Alert::HOLDS_MS);
    let of = |approved, replaced, at| standing(&alert, approved, replaced, at);
    assert_eq!(of(1, None, sent), AlertStanding::Waiting);
    assert_eq!(of(2, None, sent), AlertStanding::InForce);
    assert_eq!(of(2, None, UnixMillis(end.0 - 1)), AlertStanding::InForce);
    assert_eq!(of(2, None, end), AlertStanding::Expired);
    assert_eq!(of(0, None, end), AlertStanding::Expired, "what nobody approved in time is never current");
    assert_eq!(of(2, Some(Replaced::Updated), sent), AlertStanding::Updated);
    assert_eq!(of(2, Some(Replaced::Cancelled), end), AlertStanding::Cancelled);
    assert!(AlertStanding::ALL.iter().all(|it| it.is_current() == (*it == AlertStanding::InForce)));
    // Nobody raises a warning without a person: what says nothing, or zero, needs one.
    for said in [None, Some(0), Some(1)] {
        assert_eq!(approvals_needed(&Alert { approvals_required: said, ..Alert::default() }), 1);
    }
    let never = Alert { expires: None, ..alert };
    assert_eq!(
        standing(&never, 9, None, sent),
        AlertStanding::Expired,
        "no end is no reason to hold for ever"
    );
    assert!(Replaced::Cancelled > Replaced::Updated);
}

#[test]
fn a_reference_names_sender_identifier_and_time() {
    let alert = sound();
    let mut update = Alert { references: vec![alert.reference().unwrap()], ..sound() };
    assert!(alert.is_referred_to_by(&update));
    update.references[0].sender = "somebody-else".into();
    assert!(!alert.is_referred_to_by(&update));
    assert_eq!(Alert::default().reference(), None);
    assert!(!Alert::default().is_referred_to_by(&update));
}

#[test]
fn signs_and_readings_are_judged() {
    let indicator = generator(3).indicator();
    let polarity = match indicator.polarity {
        Some(Polarity::Peace) => Polarity::Conflict,
        _ => Polarity::Peace,
    };
    let wrong = Indicator { polarity: Some(polarity), ..indicator.clone() };
    let has = |findings: Vec<Finding>, field: &str, rule| findings.contains(&Finding::new(field, rule));
    assert!(has(validate::warning::indicator(&wrong), "family", Rule::FamilyOfOtherPolarity));
    let wrong = Indicator { window_days: Some(0), ..indicator.clone() };
    assert!(has(validate::warning::indicator(&wrong), "window_days", Rule::OutOfRange));
    let wrong = Indicator { threshold: Some(Amount(f64::NAN)), ..indicator.clone() };
    assert!(has(validate::warning::indicator(&wrong), "threshold", Rule::NotFinite));
    assert!(serde_json::to_value(&wrong).is_err(), "JSON has no such number, and none takes its place");

    let mut generator = generator(4);
    let reading = generator.reading(DocumentId::new([1; 16]));
    let context = Context::at(generator.now());
    let judge = |reading: &Reading| validate::warning::reading(reading, &context);
    assert!(has(judge(&Reading { value: None, ..reading.clone() }), "value", Rule::Missing));
    assert!(has(judge(&Reading { indicator: None, ..reading.clone() }), "indicator", Rule::Missing));
    let later = Moment::new(UnixMillis(generator.now().0 + 600_000), 0);
    assert!(has(judge(&Reading { at: later, ..reading }), "at", Rule::InTheFuture));

    let above =
        Indicator { threshold: Some(Amount(5.0)), direction: Some(Direction::Above), ..indicator.clone() };
    assert_eq!([4.5, 5.0, 5.5].map(|it| above.warns_at(Amount(it))), [Some(false), Some(true), Some(true)]);
    let below = Indicator { direction: Some(Direction::Below), ..above };
    assert_eq!([4.5, 5.0, 5.5].map(|it| below.warns_at(Amount(it))), [Some(true), Some(true), Some(false)]);
    assert_eq!(Indicator { threshold: None, ..indicator }.warns_at(Amount(1.0)), None);
}
