//! Photos that are made up: noise, so that they are as long as those of a camera, and EXIF of any content.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};

/// Noise of a fixed seed over large patches.
pub(crate) fn picture(width: u32, height: u32) -> RgbImage {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    RgbImage::from_fn(width, height, |x, y| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let noise = (state & 0x1f) as u8;
        Rgb([(x / 64 * 40) as u8 ^ noise, (y / 64 * 40) as u8 ^ noise, noise << 2])
    })
}

pub(crate) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    jpeg_of(picture, 92)
}

pub(crate) fn jpeg_of(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality).encode_image(picture).unwrap();
    out
}

pub(crate) fn encoded(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// The JPEG with an EXIF block.
pub(crate) fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((tiff.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out.extend(&jpeg[2..]);
    out
}

/// A value of a field.
#[derive(Debug, Clone)]
pub(crate) enum Is {
    Text(&'static str),
    Short(u16),
    Byte(u8),
    Rationals(Vec<(u32, u32)>),
}

/// An EXIF block, big-endian: fields of the main directory, of the EXIF one and of the GPS one.
pub(crate) fn tiff(main: &[(u16, Is)], exif: &[(u16, Is)], gps: &[(u16, Is)]) -> Vec<u8> {
    let len = |fields: usize| 2 + 12 * fields + 4;
    let exif_at = 8 + len(main.len() + 2);
    let gps_at = exif_at + len(exif.len());
    let mut values_at = gps_at + len(gps.len());
    let mut values = Vec::new();
    let mut out = b"MM\0\x2a\0\0\0\x08".to_vec();
    let pointers = [(0x8769_u16, exif_at), (0x8825, gps_at)];
    for (fields, pointers) in [(main, &pointers[..]), (exif, &[]), (gps, &[])] {
        out.extend(((fields.len() + pointers.len()) as u16).to_be_bytes());
        for (tag, is) in fields {
            let (kind, count, bytes) = match is {
                Is::Text(text) => (2u16, text.len() + 1, [text.as_bytes(), b"\0"].concat()),
                Is::Short(number) => (3, 1, number.to_be_bytes().to_vec()),
                Is::Byte(number) => (1, 1, vec![*number]),
                Is::Rationals(all) => {
                    let bytes = all.iter().flat_map(|(a, b)| [a.to_be_bytes(), b.to_be_bytes()].concat());
                    (5, all.len(), bytes.collect())
                }
            };
            out.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
            out.extend((count as u32).to_be_bytes());
            if bytes.len() <= 4 {
                out.extend(&bytes);
                out.extend(vec![0; 4 - bytes.len()]);
            } else {
                out.extend((values_at as u32).to_be_bytes());
                values_at += bytes.len();
                values.extend(bytes);
            }
        }
        for (tag, at) in pointers {
            out.extend([tag.to_be_bytes(), 4u16.to_be_bytes()].concat());
            out.extend(1u32.to_be_bytes());
            out.extend((*at as u32).to_be_bytes());
        }
        out.extend([0; 4]);
    }
    out.extend(values);
    out
}

/// Taken in Nairobi at half past two, by a phone with a fix.
pub(crate) fn nairobi() -> [Vec<(u16, Is)>; 3] {
    let at = |degrees, minutes, seconds| Is::Rationals(vec![(degrees, 1), (minutes, 1), (seconds, 100)]);
    [
        vec![(0x010f, Is::Text("Tecno")), (0x0110, Is::Text("Spark 10")), (0x0112, Is::Short(6))],
        vec![(0x9003, Is::Text("2026:05:01 14:30:00")), (0x9011, Is::Text("+03:00"))],
        vec![
            (1, Is::Text("S")),
            (2, at(1, 17, 1130)),
            (3, Is::Text("E")),
            (4, at(36, 49, 192)),
            (5, Is::Byte(0)),
            (6, Is::Rationals(vec![(16_610, 10)])),
            (7, at(11, 29, 5800)),
            (0x1d, Is::Text("2026:05:01")),
            (0x1f, Is::Rationals(vec![(85, 10)])),
        ],
    ]
}

/// A PNG that says it has this many pixels, with as little behind it as there can be.
pub(crate) fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    image::codecs::png::PngEncoder::new(&mut out).write_image(&[0; 1], 1, 1, ExtendedColorType::L8).unwrap();
    out[16..20].copy_from_slice(&width.to_be_bytes());
    out[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&out[12..29]);
    out[29..33].copy_from_slice(&crc.to_be_bytes());
    out
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
