use firsthand_photo::{MAX_CLEAN_BYTES, NotCleaned, SaidByFile, clean, said};
use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;

use crate::build::{Is, crc32, encoded, jpeg, nairobi, picture, tiff, with_exif};

/// Stands in everything that must not be given away.
const CANARY: &str = "canary-amina-7731";

/// The place of [`nairobi`] as EXIF writes it: 1130 hundredths of a second.
const PLACE: [u8; 8] = [0, 0, 0x04, 0x6a, 0, 0, 0, 100];

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn said_by_camera() -> Vec<u8> {
    let [mut main, exif, gps] = nairobi();
    main.retain(|(tag, _)| *tag != 0x0112);
    main.insert(0, (0x010e, Is::Text(CANARY)));
    tiff(&main, &exif, &gps)
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff, marker];
    out.extend((payload.len() as u16 + 2).to_be_bytes());
    out.extend(payload);
    out
}

/// The JPEG with everything that cameras, programs and people put into one.
fn talking_jpeg() -> Vec<u8> {
    let canary = CANARY.as_bytes();
    let thumbnail = jpeg(&picture(8, 8));
    let plain = jpeg(&picture(64, 48));
    let mut out = plain[..2].to_vec();
    out.extend(segment(0xe0, &[b"JFXX\0\x10", canary].concat()));
    // EXIF with a thumbnail behind its fields.
    out.extend(segment(0xe1, &[b"Exif\0\0", said_by_camera().as_slice(), &thumbnail, canary].concat()));
    let xmp = format!("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>{CANARY}</x:xmpmeta>");
    out.extend(segment(0xe1, xmp.as_bytes()));
    out.extend(segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", canary].concat()));
    out.extend(segment(0xeb, &[b"JP\0\0c2pa", canary].concat()));
    out.extend(segment(0xed, &[b"Photoshop 3.0\x008BIM", canary].concat()));
    out.extend(segment(0xef, canary));
    out.extend(segment(0xfe, canary));
    // And once more between what makes the picture.
    let scan = plain.windows(2).position(|it| it == [0xff, 0xda]).unwrap();
    out.extend(&plain[2..scan]);
    out.extend(segment(0xfe, canary));
    out.extend(&plain[scan..]);
    // A second picture behind the first, and a film.
    out.extend(with_exif(&thumbnail, &said_by_camera()));
    out.extend([b"\0\0\0\x18ftypmp42".as_slice(), canary].concat());
    out
}

fn chunk(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes().to_vec();
    let body = [kind.as_slice(), payload].concat();
    let crc = crc32(&body);
    out.extend(body);
    out.extend(crc.to_be_bytes());
    out
}

fn talking_png() -> Vec<u8> {
    let canary = CANARY.as_bytes();
    let plain = encoded(DynamicImage::ImageRgb8(picture(64, 48)), ImageFormat::Png);
    let mut out = plain[..33].to_vec();
    for (kind, before) in [(b"iCCP", "p\0\0"), (b"tEXt", "Author\0"), (b"zTXt", "Author\0\0")] {
        out.extend(chunk(kind, &[before.as_bytes(), canary].concat()));
    }
    out.extend(chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", canary].concat()));
    out.extend(chunk(b"eXIf", &said_by_camera()));
    out.extend(chunk(b"tIME", &[7, 0xea, 5, 1, 14, 30, 0]));
    out.extend(chunk(b"caBX", canary));
    out.extend(&plain[33..]);
    out.extend(canary);
    out
}

fn talking_webp() -> Vec<u8> {
    let canary = CANARY.as_bytes();
    let plain = encoded(DynamicImage::ImageRgb8(picture(64, 48)), ImageFormat::WebP);
    let chunk = |kind: &[u8; 4], payload: &[u8]| {
        let mut out = kind.to_vec();
        out.extend((payload.len() as u32).to_le_bytes());
        out.extend(payload);
        out.extend(vec![0; payload.len() % 2]);
        out
    };
    let mut body = chunk(b"VP8X", &[0x2c, 0, 0, 0, 63, 0, 0, 47, 0, 0]);
    body.extend(chunk(b"ICCP", canary));
    body.extend(&plain[12..]);
    body.extend(chunk(b"EXIF", &said_by_camera()));
    body.extend(chunk(b"XMP ", canary));
    body.extend(chunk(b"note", canary));
    let mut out = b"RIFF".to_vec();
    out.extend((body.len() as u32 + 4).to_le_bytes());
    out.extend(b"WEBP");
    out.extend(body);
    out.extend(canary);
    out
}

fn talking_gif() -> Vec<u8> {
    let canary = CANARY.as_bytes();
    let plain = encoded(DynamicImage::ImageRgb8(picture(64, 48)), ImageFormat::Gif);
    let block = |kind: u8, head: &[u8]| {
        let mut out = vec![0x21, kind];
        if !head.is_empty() {
            out.push(head.len() as u8);
            out.extend(head);
        }
        out.push(canary.len() as u8);
        out.extend(canary);
        out.push(0);
        out
    };
    let mut out = plain[..plain.len() - 1].to_vec();
    out.extend(block(0xfe, b""));
    out.extend(block(0xff, b"XMP DataXMP"));
    out.extend(block(0x01, &[0; 12]));
    out.push(0x3b);
    out.extend(canary);
    out
}

fn talking() -> [(&'static str, ImageFormat, Vec<u8>); 4] {
    [
        ("image/jpeg", ImageFormat::Jpeg, talking_jpeg()),
        ("image/png", ImageFormat::Png, talking_png()),
        ("image/webp", ImageFormat::WebP, talking_webp()),
        ("image/gif", ImageFormat::Gif, talking_gif()),
    ]
}

#[test]
fn the_picture_stays_and_nothing_else_does() {
    for (mime, format, file) in talking() {
        assert!(holds(&file, CANARY.as_bytes()), "{mime}");
        assert!(mime == "image/gif" || said(mime, &file).place.is_some(), "{mime}");
        let copy = clean(mime, &file).unwrap();
        for part in [CANARY.as_bytes(), b"Exif", b"EXIF", b"Tecno", b"2026:05:01", b"xmp", b"XMP", &PLACE] {
            assert!(!holds(&copy, part), "{mime}: {:?}", String::from_utf8_lossy(part));
        }
        assert_eq!(said(mime, &copy), SaidByFile::default(), "{mime}");
        let pixels = |bytes: &[u8]| image::load_from_memory_with_format(bytes, format).unwrap().into_rgba8();
        assert_eq!(pixels(&copy), pixels(&file), "{mime}");
        assert_eq!(clean(mime, &copy).unwrap(), copy, "{mime}: a copy of a copy");
    }
}

#[test]
fn which_way_is_up_is_all_that_is_kept() {
    let [main, exif, gps] = nairobi();
    let turned = with_exif(&jpeg(&picture(64, 48)), &tiff(&main, &exif, &gps));
    let copy = clean("image/jpeg", &turned).unwrap();
    assert_eq!(said("image/jpeg", &copy), SaidByFile::default());
    assert!(!holds(&copy, b"Tecno") && !holds(&copy, &PLACE));
    let exif = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(&copy)).unwrap();
    let fields: Vec<_> = exif.fields().map(|field| (field.tag, field.value.get_uint(0))).collect();
    assert_eq!(fields, [(exif::Tag::Orientation, Some(6))]);
    assert_eq!(clean("image/jpeg", &copy).unwrap(), copy);
}

#[test]
fn what_cannot_be_taken_apart_is_said() {
    for kind in ["image/heif", "image/avif", "application/pdf", "video/mp4", "application/octet-stream"] {
        assert_eq!(clean(kind, b"\0\0\0\x18ftypheic"), Err(NotCleaned::Kind), "{kind}");
    }
    assert_eq!(clean("image/png", &vec![0; MAX_CLEAN_BYTES + 1]), Err(NotCleaned::TooLarge));
    let after = |file: &[u8], mark: &[u8]| file.windows(mark.len()).position(|it| it == mark).unwrap();
    for (mime, _, file) in talking() {
        assert_eq!(clean(mime, b""), Err(NotCleaned::Broken), "{mime}");
        // Up to the end of the picture no beginning of a file is one.
        let end = match mime {
            "image/jpeg" => after(&file, &[0xff, 0xda]) + 40,
            "image/png" => after(&file, b"IEND") + 7,
            "image/webp" => file.len() - CANARY.len() - 1,
            _ => file.len() - CANARY.len() - 1,
        };
        for len in (0..end).step_by(7).chain([end]) {
            assert_eq!(clean(mime, &file[..len]), Err(NotCleaned::Broken), "{mime} {len}");
        }
    }
    // A table with something behind it.
    let plain = jpeg(&picture(16, 16));
    let mut longer = plain[..2].to_vec();
    longer.extend(segment(0xdb, &[[0; 65].as_slice(), CANARY.as_bytes()].concat()));
    longer.extend(&plain[2..]);
    assert_eq!(clean("image/jpeg", &longer), Err(NotCleaned::Broken));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_file_holds_a_copy_of_a_copy_is_the_same(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mime, _, mut file) = talking()[which].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(copy) = clean(mime, &file) {
            prop_assert!(copy.len() <= file.len() + 64);
            prop_assert_eq!(clean(mime, &copy), Ok(copy));
        }
    }
}
