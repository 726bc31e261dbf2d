use firsthand_ids::Metres;
use firsthand_photo::{SaidByFile, said};
use firsthand_record::{Place, PlaceSource};
use proptest::prelude::*;

use crate::build::{Is, jpeg, nairobi, picture, tiff, with_exif};

type Fields = Vec<(u16, Is)>;

fn read(fields: &[Fields; 3]) -> SaidByFile {
    let [main, exif, gps] = fields;
    said("image/jpeg", &with_exif(&jpeg(&picture(16, 16)), &tiff(main, exif, gps)))
}

/// The same photo with one field of a directory left out or another.
fn with(directory: usize, tag: u16, is: Option<Is>) -> SaidByFile {
    let mut fields = nairobi();
    fields[directory].retain(|(other, _)| *other != tag);
    fields[directory].extend(is.map(|is| (tag, is)));
    fields[directory].sort_by_key(|(tag, _)| *tag);
    read(&fields)
}

#[test]
fn time_place_and_camera_are_what_the_file_says() {
    let said = read(&nairobi());
    assert_eq!(said.time.unwrap().to_string(), "2026-05-01T14:30:00+03:00");
    assert_eq!(said.local_time, None);
    assert_eq!(said.device_model.as_deref(), Some("Tecno Spark 10"));
    let lat = -(1.0 + 17.0 / 60.0 + 11.3 / 3600.0);
    let lon = 36.0 + 49.0 / 60.0 + 1.92 / 3600.0;
    let mut place = Place::new(lat, lon, PlaceSource::Import);
    place.alt = Some(Metres(1661.0));
    place.accuracy_m = Some(Metres(8.5));
    place.fix_time = Some("2026-05-01T11:29:58+00:00".parse().unwrap());
    assert_eq!(said.place, Some(place));
}

#[test]
fn a_time_without_a_zone_stays_without_one() {
    for offset in [
        None,
        Some("   :  "),
        Some("+3:00"),
        Some("+99:00"),
        Some("03:00"),
        Some("+03:77"),
        Some("\u{2212}03:00"),
    ] {
        let said = with(1, 0x9011, offset.map(Is::Text));
        assert_eq!(said.time, None, "{offset:?}");
        assert_eq!(said.local_time.unwrap().to_string(), "2026-05-01 14:30:00", "{offset:?}");
    }
    assert_eq!(with(1, 0x9011, Some(Is::Text("-02:30"))).time.unwrap().offset_minutes(), -150);
}

#[test]
fn a_broken_time_is_no_time() {
    for time in [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2026:13:01 00:00:00",
        "2026:02:30 00:00:00",
        "2026:05:01 24:00:00",
        "2026-05-01T14:30:00",
        "1980:01:01 00:00:00",
        "",
        "2026:05:01",
    ] {
        let said = with(1, 0x9003, Some(Is::Text(time)));
        assert_eq!((said.time, said.local_time), (None, None), "{time:?}");
        assert!(said.place.is_some());
    }
}

#[test]
fn a_place_that_is_broken_or_nowhere_is_no_place() {
    let rationals = |all: &[(u32, u32)]| Some(Is::Rationals(all.to_vec()));
    for (tag, is) in [
        (1, None),
        (1, Some(Is::Text("X"))),
        (1, Some(Is::Text(""))),
        (3, None),
        (2, None),
        (2, rationals(&[(1, 0), (17, 1), (1, 1)])),
        (2, rationals(&[(0, 0), (0, 0), (0, 0)])),
        (2, rationals(&[(91, 1), (0, 1), (0, 1)])),
        (2, rationals(&[(90, 1), (0, 1), (1, 1)])),
        (2, rationals(&[(1, 1), (60, 1), (0, 1)])),
        (2, rationals(&[(1, 1), (17, 1)])),
        (2, Some(Is::Short(1))),
        (4, rationals(&[(181, 1), (0, 1), (0, 1)])),
        (4, rationals(&[(u32::MAX, 1), (0, 1), (0, 1)])),
        (4, rationals(&[(36, 1), (49, 1), (1, 0)])),
    ] {
        let said = with(2, tag, is.clone());
        assert_eq!(said.place, None, "{tag} {is:?}");
        assert!(said.time.is_some());
    }
    let mut nowhere = nairobi();
    for (tag, is) in &mut nowhere[2] {
        if matches!(tag, 2 | 4) {
            *is = Is::Rationals(vec![(0, 1); 3]);
        }
    }
    assert_eq!(read(&nowhere).place, None);
}

#[test]
fn what_is_broken_beside_a_place_is_left_out_and_never_nought() {
    let rationals = |all: &[(u32, u32)]| Some(Is::Rationals(all.to_vec()));
    assert_eq!(with(2, 6, rationals(&[(5, 0)])).place.unwrap().alt, None);
    assert_eq!(with(2, 5, None).place.unwrap().alt, None);
    assert_eq!(with(2, 5, Some(Is::Byte(1))).place.unwrap().alt, Some(Metres(-1661.0)));
    assert_eq!(with(2, 0x1f, rationals(&[(0, 0)])).place.unwrap().accuracy_m, None);
    assert_eq!(with(2, 0x1d, Some(Is::Text("2026:99:01"))).place.unwrap().fix_time, None);
    assert_eq!(with(2, 7, rationals(&[(25, 1), (0, 1), (0, 1)])).place.unwrap().fix_time, None);
}

#[test]
fn a_camera_is_named_in_plain_words() {
    assert_eq!(with(0, 0x010f, Some(Is::Text("Spark"))).device_model.as_deref(), Some("Spark 10"));
    assert_eq!(with(0, 0x010f, None).device_model.as_deref(), Some("Spark 10"));
    assert_eq!(with(0, 0x0110, Some(Is::Text("a\u{1b}[2J"))).device_model, None);
    assert_eq!(with(0, 0x0110, None).device_model, None);
}

#[test]
fn files_of_other_kinds_say_nothing() {
    let [main, exif, gps] = nairobi();
    let photo = with_exif(&jpeg(&picture(16, 16)), &tiff(&main, &exif, &gps));
    assert_eq!(said("application/pdf", &photo), SaidByFile::default());
    assert_eq!(said("image/jpeg", &[]), SaidByFile::default());
    assert_eq!(said("image/jpeg", &photo[..40]), SaidByFile::default());
}

/// A directory that names itself as the next one, and one that claims 65,535 fields.
#[test]
fn directories_without_end_are_left() {
    let [main, exif, gps] = nairobi();
    let mut round = tiff(&main, &exif, &gps);
    let next = 8 + 2 + 12 * (main.len() + 2);
    round[next..next + 4].copy_from_slice(&8u32.to_be_bytes());
    let mut many = tiff(&main, &exif, &gps);
    many[8..10].copy_from_slice(&[0xff, 0xff]);
    for block in [round, many] {
        let _ = said("image/jpeg", &with_exif(&jpeg(&picture(16, 16)), &block));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_end_the_program_or_lead_out_of_the_world(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        kind in prop::sample::select(vec!["image/jpeg", "image/png", "image/webp", "image/heif", "image/avif"]),
        noise in prop::option::of(prop::collection::vec(any::<u8>(), 0..600)),
    ) {
        let [main, exif, gps] = nairobi();
        let mut block = tiff(&main, &exif, &gps);
        for (at, value) in hits {
            let at = at.index(block.len());
            block[at] = value;
        }
        let photo = noise.unwrap_or_else(|| with_exif(&jpeg(&picture(16, 16)), &block));
        if let Some(place) = said(kind, &photo).place {
            prop_assert!(place.lat.0.abs() <= 90.0 && place.lon.0.abs() <= 180.0);
            prop_assert!(place.lat.0 != 0.0 || place.lon.0 != 0.0);
            prop_assert_eq!(place.source, PlaceSource::Import);
        }
    }
}
