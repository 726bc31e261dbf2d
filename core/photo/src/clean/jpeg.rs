use super::take;
use crate::said::orientation;

/// JFIF 1.01, without units, a density of 1 and no thumbnail.
const JFIF: &[u8] = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

/// EXIF, big-endian, one field: 0x0112, a SHORT. Its value follows, and the end.
const TURNED: &[u8] = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";

/// What makes the picture: frames, tables and scans, in their order.
pub(super) fn clean(file: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = file;
    if take(&mut bytes, 2)? != [0xff, 0xd8] {
        return None;
    }
    let mut body = Vec::with_capacity(file.len());
    let (mut jfif, mut adobe, mut frames, mut scans) = (false, None, 0, 0);
    loop {
        let marker = marker(&mut bytes)?;
        match marker {
            // The end. What stands behind it belongs to no picture, or to another.
            0xd9 => break,
            0x01 => continue,
            0xd0..=0xd8 => return None,
            _ => {}
        }
        let [high, low] = *take(&mut bytes, 2)? else { return None };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let payload = take(&mut bytes, len.checked_sub(2)?)?;
        match marker {
            0xe0 => jfif |= payload.starts_with(b"JFIF\0"),
            // In which colours the picture stands; without it, print files come out inverted.
            0xee => {
                if let [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..] = payload {
                    adobe = Some(*transform);
                }
            }
            0xe1..=0xef | 0xfe => {}
            _ if is_exact(marker, payload)? => {
                frames += usize::from(is_frame(marker));
                body.extend([0xff, marker, high, low]);
                body.extend(payload);
                if marker == 0xda {
                    scans += 1;
                    body.extend(scan(&mut bytes)?);
                }
            }
            _ => return None,
        }
    }
    if frames != 1 || scans == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() + 80);
    out.extend([0xff, 0xd8]);
    if jfif {
        out.extend(JFIF);
    }
    if let Some(turned @ 2..=8) = orientation(file) {
        out.extend(TURNED);
        out.push(turned);
        out.extend([0; 6]);
    }
    if let Some(transform @ 0..=2) = adobe {
        out.extend(b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0");
        out.push(transform);
    }
    out.extend(body);
    out.extend([0xff, 0xd9]);
    Some(out)
}

/// The next marker; any number of bytes 0xff may stand before it.
fn marker(bytes: &mut &[u8]) -> Option<u8> {
    if take(bytes, 1)? != [0xff] {
        return None;
    }
    loop {
        match *take(bytes, 1)? {
            [0xff] => {}
            [0] => return None,
            [marker] => return Some(marker),
            _ => return None,
        }
    }
}

const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xc3 | 0xc9..=0xcb)
}

/// Whether a part of the picture has exactly the bytes that it needs, so that nothing hides behind them; `None` for parts that
/// nobody knows.
fn is_exact(marker: u8, payload: &[u8]) -> Option<bool> {
    let len = payload.len();
    let counted = |at: usize, each: usize, fixed: usize| {
        payload.get(at).is_some_and(|count| len == fixed + each * usize::from(*count))
    };
    Some(match marker {
        _ if is_frame(marker) => counted(5, 3, 6),
        0xc4 => tables(payload, |head, rest| {
            let counts = rest.get(..16)?;
            (head & 0xec == 0).then_some(16 + counts.iter().map(|it| usize::from(*it)).sum::<usize>())
        }),
        0xcc => len.is_multiple_of(2),
        0xda => counted(0, 2, 4),
        0xdb => tables(payload, |head, _| match head >> 4 {
            0 => Some(64),
            1 => Some(128),
            _ => None,
        }),
        0xdc | 0xdd => len == 2,
        _ => return None,
    })
}

/// Whether there are tables and nothing else: each a byte that says what it is, and as many more as `len` says.
fn tables(mut payload: &[u8], len: impl Fn(u8, &[u8]) -> Option<usize>) -> bool {
    while let [head, rest @ ..] = payload {
        match len(*head, rest).and_then(|len| rest.get(len..)) {
            Some(next) => payload = next,
            None => return false,
        }
    }
    true
}

/// The bytes of a scan, up to the next marker that is not one of its own.
fn scan<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            // A byte of the picture that looks like the beginning of a marker; a point to start from again.
            0 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return take(bytes, at),
        }
    }
}
