use std::sync::Mutex;

use firsthand_photo::{
    MAX_FILE_BYTES, NoForms, PREVIEW_BYTES, SmallForm, THUMB_BYTES, forms, forms_of_picture,
};
use firsthand_record::VariantKind;
use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};
use proptest::prelude::*;

use crate::MEMORY;
use crate::build::{encoded, jpeg, jpeg_of, nairobi, picture, png_bomb, tiff, with_exif};

/// Memory is measured of the process, so one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn of_kind(forms: &[SmallForm], kind: VariantKind) -> &[u8] {
    &forms.iter().find(|form| form.kind == kind).unwrap().jpeg
}

#[test]
fn a_photo_has_a_thumbnail_and_a_preview_within_their_limits() {
    let _alone = ALONE.lock();
    for (width, height) in [(2400, 1800), (1800, 2400), (5000, 400), (900, 900)] {
        let photo = jpeg(&picture(width, height));
        assert!(photo.len() as u64 > PREVIEW_BYTES, "{}", photo.len());
        let made = forms("image/jpeg", photo).unwrap();
        let kinds: Vec<_> = made.iter().map(|form| form.kind).collect();
        assert_eq!(kinds, [VariantKind::Thumb, VariantKind::Preview]);
        for (kind, most, side) in
            [(VariantKind::Thumb, THUMB_BYTES, 320), (VariantKind::Preview, PREVIEW_BYTES, 1600)]
        {
            let bytes = of_kind(&made, kind);
            assert!(bytes.len() as u64 <= most, "{kind:?} {}", bytes.len());
            let small = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap();
            let (w, h) = small.dimensions();
            assert!(w.max(h) <= side, "{kind:?} {w} x {h}");
            // Large enough to be of use, and not distorted.
            assert!(w.max(h) >= side.min(width.max(height)) / 3, "{kind:?} {w} x {h}");
            let ratio = f64::from(w) * f64::from(height) / (f64::from(h) * f64::from(width));
            assert!((0.9..1.1).contains(&ratio), "{kind:?} {w} x {h}");
        }
    }
}

#[test]
fn a_film_gets_its_forms_from_a_picture_however_short_that_is() {
    let _alone = ALONE.lock();
    for (width, height, kinds) in [
        (100, 80, vec![VariantKind::Thumb]),
        (400, 400, vec![VariantKind::Thumb, VariantKind::Preview]),
        (2400, 1800, vec![VariantKind::Thumb, VariantKind::Preview]),
    ] {
        let made = forms_of_picture("image/jpeg", jpeg(&picture(width, height))).unwrap();
        assert_eq!(made.iter().map(|form| form.kind).collect::<Vec<_>>(), kinds, "{width} x {height}");
        for form in made {
            assert!(form.jpeg.len() as u64 <= form.kind.most_bytes().unwrap());
        }
    }
    assert_eq!(forms_of_picture("video/mp4", vec![0; 100]), Err(NoForms::Kind));
    assert_eq!(forms_of_picture("image/jpeg", vec![0xff, 0xd8, 0xff]), Err(NoForms::Broken));
    assert_eq!(forms_of_picture("image/jpeg", vec![0; MAX_FILE_BYTES + 1]), Err(NoForms::TooLarge));
    assert_eq!(forms_of_picture("image/png", png_bomb(40_000, 40_000)), Err(NoForms::TooLarge));
}

#[test]
fn a_photo_that_is_small_itself_has_no_smaller_forms() {
    let _alone = ALONE.lock();
    let small = jpeg(&picture(100, 80));
    assert!((small.len() as u64) < THUMB_BYTES);
    assert_eq!(forms("image/jpeg", small), Ok(Vec::new()));
    let middle = jpeg(&picture(400, 400));
    let len = middle.len() as u64;
    assert!((THUMB_BYTES..PREVIEW_BYTES).contains(&len), "{len}");
    let made = forms("image/jpeg", middle).unwrap();
    assert_eq!(made.len(), 1);
    assert!((of_kind(&made, VariantKind::Thumb).len() as u64) < len);
}

#[test]
fn nothing_of_what_the_file_says_is_in_the_smaller_forms() {
    let _alone = ALONE.lock();
    let [main, exif, gps] = nairobi();
    let block = tiff(&main, &exif, &gps);
    let photo = with_exif(&jpeg(&picture(1500, 1000)), &block);
    assert!(photo.windows(8).any(|window| window == b"Spark 10"));
    for form in forms("image/jpeg", photo).unwrap() {
        for word in [&b"Exif"[..], b"Spark", b"Tecno", b"2026:05", b"MM\0\x2a", b"http", b"\xff\xe1"] {
            assert!(!form.jpeg.windows(word.len()).any(|window| window == word), "{:?} {word:?}", form.kind);
        }
        // The camera lay on its side, and the picture stands.
        let small = image::load_from_memory(&form.jpeg).unwrap();
        assert!(small.height() > small.width(), "{:?}", form.kind);
    }
}

#[test]
fn what_lies_under_transparent_places_is_not_shown() {
    let _alone = ALONE.lock();
    let mut photo = RgbaImage::from_fn(600, 600, |x, y| {
        let image::Rgb([r, g, b]) = *picture(1, 1).get_pixel(0, 0);
        Rgba([r ^ (x * 7 + y * 13) as u8, g ^ (x * y) as u8, b, 255])
    });
    for (x, y) in (0..300).flat_map(|x| (0..600).map(move |y| (x, y))) {
        photo.put_pixel(x, y, Rgba([0, 0, 0, 0]));
    }
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let bytes = encoded(DynamicImage::ImageRgba8(photo.clone()), format);
        let made = forms(format.to_mime_type(), bytes).unwrap();
        let thumb = image::load_from_memory(of_kind(&made, VariantKind::Thumb)).unwrap().to_rgb8();
        let covered = thumb.get_pixel(thumb.width() / 8, thumb.height() / 2);
        assert!(covered.0.iter().all(|value| *value > 240), "{format:?} {covered:?}");
    }
}

#[test]
fn photos_of_every_kind_cost_at_most_their_share_of_memory() {
    let _alone = ALONE.lock();
    // As large as may be: 16 megapixels and more than the limit lets a decoder hold for kinds that need more.
    let large = picture(4608, 3456);
    let middle = DynamicImage::ImageRgb8(picture(2000, 1400));
    let files = [
        ("image/jpeg", jpeg_of(&large, 80)),
        ("image/png", encoded(middle.clone(), ImageFormat::Png)),
        ("image/webp", encoded(middle.clone(), ImageFormat::WebP)),
        ("image/gif", encoded(DynamicImage::ImageRgb8(picture(2000, 1500)), ImageFormat::Gif)),
    ];
    drop((large, middle));
    for (mime, bytes) in files {
        let len = bytes.len();
        let before = MEMORY.current_usage() - len;
        MEMORY.reset_peak_usage();
        let made = forms(mime, bytes);
        let peak = MEMORY.peak_usage().saturating_sub(before);
        println!("{mime}, {len} bytes: {} forms, {peak} bytes at most", made.as_ref().map_or(0, Vec::len));
        assert_eq!(made.map(|forms| forms.len()), Ok(2), "{mime}");
        assert!(peak <= 64 << 20, "{mime} {peak}");
    }
}

/// A JPEG whose frame says that it is progressive and has 16 megapixels.
fn progressive() -> Vec<u8> {
    let mut bytes = jpeg(&picture(1000, 1000));
    let frame = bytes.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    bytes[frame + 1] = 0xc2;
    bytes[frame + 5..frame + 9].copy_from_slice(&[0x0d, 0x80, 0x12, 0]);
    bytes
}

#[test]
fn a_file_that_unpacks_to_far_more_than_it_is_costs_nothing() {
    let _alone = ALONE.lock();
    let mut bombs = vec![
        ("image/png", [png_bomb(30_000, 30_000), vec![0; 30_000]].concat(), NoForms::TooLarge),
        ("image/png", [png_bomb(u32::MAX, u32::MAX), vec![0; 30_000]].concat(), NoForms::TooLarge),
        ("image/png", [png_bomb(16_000, 16_000), vec![0; 30_000]].concat(), NoForms::TooLarge),
        ("image/jpeg", progressive(), NoForms::TooLarge),
    ];
    let mut gif = encoded(DynamicImage::ImageRgb8(picture(300, 300)), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    bombs.push(("image/gif", gif, NoForms::TooLarge));
    let mut frame = jpeg(&picture(400, 400));
    let at = frame.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    frame[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    bombs.push(("image/jpeg", frame, NoForms::TooLarge));
    bombs.push(("image/jpeg", vec![0xff; MAX_FILE_BYTES + 1], NoForms::TooLarge));
    for (mime, bytes, why) in bombs {
        let len = bytes.len();
        let before = MEMORY.current_usage() - len;
        MEMORY.reset_peak_usage();
        assert_eq!(forms(mime, bytes), Err(why), "{mime}");
        let peak = MEMORY.peak_usage().saturating_sub(before + 3 * len);
        assert!(peak < 4 << 20, "{mime} {peak}");
    }
}

#[test]
fn a_file_that_is_no_photo_is_said_to_be_none() {
    let _alone = ALONE.lock();
    let photo = jpeg(&picture(500, 500));
    assert_eq!(forms("application/pdf", photo.clone()), Err(NoForms::Kind));
    assert_eq!(forms("image/heif", photo.clone()), Err(NoForms::Kind));
    assert_eq!(forms("image/png", photo.clone()), Err(NoForms::Broken));
    assert_eq!(forms("image/jpeg", vec![0; 30_000]), Err(NoForms::Broken));
    assert_eq!(
        forms("image/jpeg", photo[..300].iter().copied().cycle().take(30_000).collect()),
        Err(NoForms::Broken)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_photo_never_ends_the_program(
        kind in 0..4usize, hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>(),
    ) {
        let _alone = ALONE.lock();
        let photo = DynamicImage::ImageRgb8(picture(220, 160));
        let format = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif][kind];
        let mut bytes = encoded(photo, format);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.resize(bytes.len().max(THUMB_BYTES as usize + 1), 0);
        for form in forms(format.to_mime_type(), bytes).unwrap_or_default() {
            prop_assert!(form.jpeg.len() as u64 <= PREVIEW_BYTES);
        }
    }
}
