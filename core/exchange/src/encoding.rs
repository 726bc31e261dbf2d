//! Bytes into text: which encoding a file is in, and the text without a byte order mark.

use std::str;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::ExchangeError;

/// How much of a file without a byte order mark is looked at to tell UTF-16 by.
const LOOKED_AT: usize = 4096;

/// The text of a file, and the name of its encoding.
///
/// A byte order mark decides; then two bytes a character, where every other byte is zero; then UTF-8. What is none of
/// these is in an encoding of one language, and which one is a guess that a person is told.
pub(crate) fn text(
    bytes: Vec<u8>,
    forced: Option<&str>,
) -> Result<(String, &'static Encoding), ExchangeError> {
    let encoding = match forced {
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or(ExchangeError::NoSuchEncoding)?,
        None => find(&bytes)?,
    };
    // The mark of the encoding itself is no text.
    let marked = Encoding::for_bom(&bytes).filter(|(marked, _)| *marked == encoding).map_or(0, |it| it.1);
    let text = if encoding == UTF_8 {
        let mut text = String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes()))?;
        text.drain(..marked);
        text
    } else {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[marked..]);
        match text {
            Some(text) if is_text(&text) => text.into_owned(),
            _ => return Err(ExchangeError::NotText { encoding: encoding.name() }),
        }
    };
    if text.trim().is_empty() { Err(ExchangeError::Empty) } else { Ok((text, encoding)) }
}

/// Whether the encoding of a text was a guess that a person should look at.
pub(crate) fn is_guess(encoding: &'static Encoding) -> bool {
    encoding != UTF_8 && encoding != UTF_16LE && encoding != UTF_16BE
}

fn find(bytes: &[u8]) -> Result<&'static Encoding, ExchangeError> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok(encoding);
    }
    if let Some(encoding) = wide(bytes) {
        return Ok(encoding);
    }
    let valid = match str::from_utf8(bytes) {
        Ok(_) => return Ok(UTF_8),
        Err(error) => error.valid_up_to(),
    };
    // A broken character in text that is UTF-8 otherwise: read as anything else, all its other letters would change.
    if is_mostly_utf8(bytes) {
        return Err(not_utf8(bytes));
    }
    // Whatever stands before the first odd byte is the same in every encoding that is tried.
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let from = bytes[..valid].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    detector.feed(&bytes[from..], true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    Ok(if sound(guess, bytes) { guess } else { WINDOWS_1252 })
}

/// UTF-16 without a byte order mark: line ends, delimiters and digits then have a zero byte each.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(LOOKED_AT) & !1];
    if !bytes.len().is_multiple_of(2) || !sample.contains(&0) {
        return None;
    }
    let plain = |encoding: &'static Encoding| {
        // A character of two halves may be cut at the end of the sample; one more or less does not matter.
        let (text, _) = encoding.decode_without_bom_handling(sample);
        let chars = text.chars().count();
        let ascii = text.chars().filter(|c| c.is_ascii_graphic() || matches!(c, ' ' | '\t' | '\n' | '\r'));
        // A table has lines and a list has brackets; a zero among plain letters makes neither.
        let is_text = !text.contains('\0') && text.contains(['\n', '\r', '[', '{']);
        (is_text, ascii.count() * 20 >= chars.max(1))
    };
    [UTF_16LE, UTF_16BE].into_iter().find(|encoding| plain(encoding) == (true, true))
}

/// Whether a text that is not UTF-8 has at least as many letters that are as bytes that are not.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good >= bad
}

fn not_utf8(bytes: &[u8]) -> ExchangeError {
    let valid = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), |_| bytes.len());
    ExchangeError::NotUtf8 { line: 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count() }
}

fn sound(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some_and(|text| is_text(&text))
}

/// Control characters stand in no text: a decoder gives them for the bytes of a photo, or of another encoding.
fn is_text(text: &str) -> bool {
    !text
        .contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1a}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_ends_in_half_a_character_is_still_utf_16() {
        let text = format!("title,narrative\nA,{}\n", "x😀".repeat(3000));
        for encoding in [UTF_16LE, UTF_16BE] {
            let units = text.encode_utf16();
            let bytes: Vec<u8> = if encoding == UTF_16LE {
                units.flat_map(u16::to_le_bytes).collect()
            } else {
                units.flat_map(u16::to_be_bytes).collect()
            };
            assert_eq!(find(&bytes).unwrap(), encoding);
        }
    }

    #[test]
    fn a_zero_in_plain_text_does_not_make_it_utf_16() {
        assert_eq!(find(b"title,narrative\nA,nul\0here!\n").unwrap(), UTF_8);
        assert_eq!(find(b"title,narrative\nA,nul\0here\n").unwrap(), UTF_8);
    }
}
