//! Times, places, short codes and counts.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use firsthand_ids::{DeviceKey, LocalTime, UnixMillis};
use firsthand_record::*;
use proptest::prelude::*;

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

#[test]
fn a_moment_keeps_its_offset_and_never_says_z() {
    for (text, written) in [
        ("2026-05-01T14:30:00+03:00", "2026-05-01T14:30:00+03:00"),
        ("2026-05-01T14:30:00Z", "2026-05-01T14:30:00+00:00"),
        ("2026-05-01T14:30:00.250-03:30", "2026-05-01T14:30:00.250-03:30"),
    ] {
        assert_eq!(moment(text).to_string(), written);
    }
    assert_eq!(moment("2026-05-01T14:30:00-03:30").offset_minutes(), -210);
    assert_ne!(moment("2026-05-01T14:00:00+00:00"), moment("2026-05-01T15:00:00+01:00"));
    assert_eq!(moment("2026-05-01T14:00:00+00:00").millis(), moment("2026-05-01T15:00:00+01:00").millis());
    for bad in ["", "2026-05-01", "2026-05-01T14:30", "2026-13-01T00:00:00Z", "yesterday"] {
        assert!(bad.parse::<Moment>().is_err(), "{bad}");
    }
}

#[test]
fn times_that_rfc_3339_cannot_write_are_no_moments() {
    assert!(Moment::new(UnixMillis(i64::MAX), 0).is_none());
    assert!(Moment::new(UnixMillis(253_402_300_800_000), 0).is_none(), "the year 10000");
    assert!(Moment::new(UnixMillis(253_402_300_799_999), 0).is_some());
    assert!(Moment::new(UnixMillis(253_402_300_799_999), 60).is_none(), "the year 10000 by local time");
    assert!(Moment::new(UnixMillis(0), 24 * 60).is_none());
}

#[test]
fn precision_gives_the_span_by_local_time() {
    let span = |precision| {
        let (first, last) = Occurred { time: moment("2026-05-01T14:30:20+03:00"), precision }.span()?;
        let text = |at| Moment::new(at, 180).unwrap().to_string();
        Some((text(first), text(last)))
    };
    let between = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(span(Precision::Exact), between("2026-05-01T14:30:20+03:00", "2026-05-01T14:30:20+03:00"));
    assert_eq!(
        span(Precision::Minute),
        between("2026-05-01T14:30:00+03:00", "2026-05-01T14:30:59.999+03:00")
    );
    assert_eq!(span(Precision::Hour), between("2026-05-01T14:00:00+03:00", "2026-05-01T14:59:59.999+03:00"));
    assert_eq!(
        span(Precision::PartOfDay),
        between("2026-05-01T12:00:00+03:00", "2026-05-01T17:59:59.999+03:00")
    );
    assert_eq!(span(Precision::Day), between("2026-05-01T00:00:00+03:00", "2026-05-01T23:59:59.999+03:00"));
    assert_eq!(span(Precision::Week), between("2026-04-27T00:00:00+03:00", "2026-05-03T23:59:59.999+03:00"));
    assert_eq!(span(Precision::Unknown), None);
}

proptest! {
    #[test]
    fn moments_round_trip(at in -62_135_596_800_000i64..253_402_300_799_999, offset in -900i16..900) {
        let Some(moment) = Moment::new(UnixMillis(at), offset) else { return Ok(()) };
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        prop_assert_eq!(moment.local_time(), LocalTime { at: UnixMillis(at), offset_minutes: offset });
        prop_assert_eq!(Moment::from_local(moment.local_time()), Some(moment));
    }

    #[test]
    fn a_span_holds_its_own_time(at in 0i64..4_000_000_000_000, offset in -720i16..840) {
        let time = Moment::new(UnixMillis(at), offset).unwrap();
        for precision in Precision::ALL {
            if let Some((first, last)) = (Occurred { time, precision: *precision }).span() {
                prop_assert!(first <= time.millis() && time.millis() <= last, "{precision:?}");
            }
        }
    }

    #[test]
    fn short_codes_round_trip(key in any::<[u8; 32]>(), number in 1u32..) {
        let code = ShortCode::new(&DeviceKey::new(key), number);
        prop_assert_eq!(code.prefix.len(), 4);
        prop_assert_eq!(code.display_with(4).parse(), Ok(code.clone()));
        prop_assert_eq!(serde_json::from_value::<ShortCode>(serde_json::to_value(&code).unwrap()).unwrap(), code.clone());
        prop_assert!(code.matches(&code.to_string().to_lowercase().parse().unwrap()));
    }

    #[test]
    fn nothing_read_as_a_code_or_a_moment_panics(text in ".{0,40}") {
        let _ = (text.parse::<ShortCode>(), text.parse::<Moment>(), Severity::from_loose(&text));
    }
}

#[test]
fn short_codes_show_as_many_letters_as_it_takes() {
    let code = |prefix: &str, number| ShortCode { prefix: prefix.to_owned(), number };
    let own = code("K7QF", 14);
    assert_eq!(own.to_string(), "K7-014");
    assert_eq!(serde_json::to_string(&own).unwrap(), "\"K7QF-014\"");
    assert_eq!(own.shown_among([]), "K7-014");
    assert_eq!(own.shown_among([&own, &code("K7XX", 15), &code("M7QF", 14)]), "K7-014");
    assert_eq!(own.shown_among([&code("K7XX", 14)]), "K7Q-014");
    assert_eq!(own.shown_among([&code("K7XX", 14), &code("K7QG", 14)]), "K7QF-014");
    assert!(own.matches(&"k7-14".parse().unwrap()));
    assert!(!own.matches(&"k7-15".parse().unwrap()));
    assert!(!own.matches(&"K7X-014".parse().unwrap()));
    for bad in
        ["", "K7", "K-014", "K7014", "77-014", "KO-014", "K7QFF-014", "K7--14", "K7-", "K7-99999999999"]
    {
        assert!(bad.parse::<ShortCode>().is_err(), "{bad}");
    }
    // Golden: a prefix that changed would rename every incident of a device.
    assert_eq!(ShortCode::prefix_for(&DeviceKey::new([7; 32])), "R8D7");
}

#[test]
fn distances_are_along_the_ground() {
    let paris = Place::new(48.8566, 2.3522, PlaceSource::MapPin);
    let london = Place::new(51.5074, -0.1278, PlaceSource::MapPin);
    assert!((paris.distance(&london).0 - 343_500.0).abs() < 1_000.0);
    let east = Place::new(0.0, 179.999, PlaceSource::MapPin);
    let west = Place::new(0.0, -179.999, PlaceSource::MapPin);
    assert!(east.distance(&west).0 < 250.0, "across the date line");
}

#[test]
fn a_number_that_is_not_finite_is_not_written_as_null() {
    for number in [f64::NAN, f64::INFINITY] {
        let mut place = Place::new(1.0, 2.0, PlaceSource::Gps);
        place.alt = Some(firsthand_ids::Metres(number));
        assert!(serde_json::to_string(&place).is_err());
        assert!(serde_json::to_string(&Place::new(number, 2.0, PlaceSource::Gps)).is_err());
    }
}

#[test]
fn counts_sum_up_to_the_newest_of_each_source() {
    let count = |low, high, source: &str| Count {
        source: source.to_owned(),
        ..Count::new(CountKind::Injured, low, high)
    };
    let counts = [
        count(Some(9), Some(9), "clinic"),
        count(Some(2), None, "police"),
        count(Some(4), Some(6), "clinic"),
        Count::new(CountKind::Dead, None, Some(1)),
    ];
    let summary = summarise(&counts);
    let injured = &summary[&CountKind::Injured];
    // "2 or more" has no greatest number, and "up to 1" no least: none is made up.
    assert_eq!((injured.low, injured.high), (Some(2), None));
    assert_eq!(injured.newest["clinic"], &counts[2]);
    assert_eq!(injured.newest.len(), 2);
    assert_eq!((summary[&CountKind::Dead].low, summary[&CountKind::Dead].high), (None, Some(1)));
    let backwards = [count(Some(7), Some(3), "clinic"), count(Some(4), Some(4), "police")];
    let injured = &summarise(&backwards)[&CountKind::Injured];
    assert_eq!((injured.low, injured.high), (Some(3), Some(7)));
    assert!(!summary.contains_key(&CountKind::Arrested));
}
