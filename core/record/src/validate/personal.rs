//! Looks for phone numbers and identity numbers in text that others will read.
//!
//! It errs towards finding: a flag costs a person one look, a missed number may cost somebody's safety. Dates, times,
//! coordinates and round amounts are told apart, since a flag on every record is a flag nobody reads.

use std::ops::Range;

use super::{Findings, Rule};
use crate::Incident;

/// The fewest digits of a phone number written without a country code. Shorter ones are house numbers and counts.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// The fewest digits in a number of a passport or an identity card that also has letters.
const ID_DIGITS: usize = 6;

pub(super) fn incident(incident: &Incident, found: &mut Findings) {
    let texts = [
        ("title", incident.title.as_deref().unwrap_or_default()),
        ("narrative", &incident.narrative),
        ("place_text", &incident.place_text),
        ("rumour_claim", &incident.rumour_claim),
    ];
    texts_for_others(&texts, found);
}

/// Looks through texts that others will read, each with the name of its field.
pub(super) fn texts_for_others(texts: &[(&str, &str)], found: &mut Findings) {
    for (field, text) in texts.iter().copied() {
        let (phone, id) = scan(text);
        found.add_if(phone, field, Rule::PhoneNumber);
        found.add_if(id, field, Rule::IdNumber);
    }
}

/// Whether a text seems to contain a phone number, and whether it seems to contain an identity number.
fn scan(text: &str) -> (bool, bool) {
    let text: Vec<char> = text.chars().map(western).collect();
    let found = |kind| places(&text).iter().any(|(_, is)| *is == kind);
    (found(Number::Phone), found(Number::Id))
}

/// The text with `mark` in the place of each number that seems to be of a phone or of an identity.
pub(crate) fn mask_numbers(text: &str, mark: &str) -> String {
    let original: Vec<char> = text.chars().collect();
    let western: Vec<char> = original.iter().copied().map(western).collect();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (place, _) in places(&western) {
        if place.end > at {
            out.extend(&original[at..place.start.max(at)]);
            out.push_str(mark);
            at = place.end;
        }
    }
    out.extend(&original[at..]);
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Phone,
    Id,
}

/// Where such numbers stand, by their first characters.
fn places(text: &[char]) -> Vec<(Range<usize>, Number)> {
    let mut places = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let starts_word = at == 0 || !text[at - 1].is_alphanumeric();
        if starts_word && text[at].is_alphanumeric() {
            let word = word(&text[at..]);
            if is_id(word) {
                places.push((at..at + word.len(), Number::Id));
            }
        }
        if text[at].is_ascii_digit() || text[at] == '+' || (text[at] == '(' && at + 1 < text.len()) {
            let run = number(&text[at..]);
            if !run.is_empty() {
                if starts_word && is_phone(run) {
                    places.push((at..at + run.len(), Number::Phone));
                }
                at += run.len();
                continue;
            }
        }
        at += 1;
    }
    places
}

/// Digits of other scripts as 0 to 9: Arabic, Persian, Devanagari, Bengali and full width.
fn western(c: char) -> char {
    let zero = match c {
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6f0}'..='\u{6f9}' => 0x6f0,
        '\u{966}'..='\u{96f}' => 0x966,
        '\u{9e6}'..='\u{9ef}' => 0x9e6,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        _ => return c,
    };
    char::from_digit(u32::from(c) - zero, 10).unwrap_or(c)
}

fn word(text: &[char]) -> &[char] {
    let end = text.iter().position(|c| !c.is_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// A run of digits with at most two separators between any two of them; it ends with a digit.
fn number(text: &[char]) -> &[char] {
    let mut end = 0;
    let mut gap = 0;
    for (index, c) in text.iter().enumerate() {
        if c.is_ascii_digit() {
            (end, gap) = (index + 1, 0);
        } else if matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '-' | '.' | '/' | ':' | ',' | '(' | ')')
            || (index == 0 && *c == '+')
        {
            gap += 1;
            if gap > 2 {
                break;
            }
        } else {
            break;
        }
    }
    &text[..end]
}

fn is_phone(run: &[char]) -> bool {
    // A time, a coordinate or a list of numbers may stand beside a phone number, so each piece between signs that no
    // phone number has is judged alone.
    let pieces = run.split(|c| matches!(c, ',' | ':' | '/'));
    pieces.map(without_date).any(|piece| {
        let text: String = piece.iter().collect();
        let text = text.trim();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if text.starts_with('+') {
            return digits >= 7;
        }
        if is_decimal(text) {
            return false;
        }
        PHONE_DIGITS.contains(&digits) || is_local(text)
    })
}

/// A piece without a leading date such as 2026-05-01 or 01.05.2026.
fn without_date(piece: &[char]) -> &[char] {
    let groups: Vec<&[char]> = piece.split(|c| matches!(c, '-' | '.' | ' ')).take(3).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_digits = groups.iter().all(|group| group.iter().all(char::is_ascii_digit));
    let is_date = matches!(lengths.as_slice(), [4, 2, 2] | [1 | 2, 1 | 2, 4]);
    let year = groups.get(if lengths.first() == Some(&4) { 0 } else { 2 });
    let is_year = year.is_some_and(|year| year.starts_with(&['1', '9']) || year.starts_with(&['2', '0']));
    if is_digits && is_date && is_year {
        &piece[(lengths.iter().sum::<usize>() + 2).min(piece.len())..]
    } else {
        piece
    }
}

/// One to three digits, a point, and the rest: a coordinate.
fn is_decimal(text: &str) -> bool {
    let Some((whole, part)) = text.trim_start_matches('-').split_once('.') else { return false };
    (1..=3).contains(&whole.len())
        && !part.is_empty()
        && (whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit())
}

/// Seven digits as 555-0134.
fn is_local(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [3, 4] && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Letters and six digits or more in one word (a passport), or more digits than a phone number has.
fn is_id(word: &[char]) -> bool {
    let digits = word.iter().filter(|c| c.is_ascii_digit()).count();
    let letters = word.len() - digits;
    // A hash or a file name has many letters; identity numbers have few.
    let mixed = digits >= ID_DIGITS && (1..=4).contains(&letters);
    mixed || (letters == 0 && digits >= 9)
}

#[cfg(test)]
mod tests {
    use super::{mask_numbers, scan};

    #[test]
    fn numbers_are_masked_and_nothing_else() {
        for (text, masked) in [
            ("call +254 712 345 678 now", "call * now"),
            ("اتصل على ٠٧٩٠١٢٣٤٥٦٧ الآن", "اتصل على * الآن"),
            ("passport A12345678, tel. 06 12 34 56 78!", "passport *, tel. *!"),
            ("0712345678", "*"),
            ("199012345678", "*"),
            ("14:30, 20-25 people at 12.345678, 34.567890", "14:30, 20-25 people at 12.345678, 34.567890"),
            ("", ""),
        ] {
            assert_eq!(mask_numbers(text, "*"), masked);
            assert_eq!(scan(&mask_numbers(text, "*")), (false, false), "{text}");
        }
    }

    #[test]
    fn phone_numbers_are_found_in_many_forms() {
        for text in [
            "call +254 712 345 678 now",
            "llamar al (0351) 15-555-0134",
            "tel. 06 12 34 56 78",
            "اتصل على ٠٧٩٠١٢٣٤٥٦٧ الآن",
            "ring 555-0134",
            "on 2026-05-01 14:30 he gave 0712 345 678",
            "+1 (202) 555-0143.",
            "at 14:30, 0712345678",
        ] {
            assert!(scan(text).0, "{text}");
        }
    }

    #[test]
    fn identity_numbers_are_found() {
        for text in ["passport A12345678", "DNI 12345678Z.", "ID 199012345678", "card ABC123456"] {
            assert!(scan(text).1, "{text}");
        }
    }

    #[test]
    fn dates_times_coordinates_and_amounts_are_left_alone() {
        for text in [
            "2026-05-01 14:30 to 2026-05-01 15:10",
            "el 01.05.2026 a las 14:30",
            "1/5/2026, 14:30:05",
            "at 12.345678, 34.567890",
            "-12.345678 -34.567890",
            "about 1,200 people, 30 vehicles, 250 000 francs",
            "from 14:00 to 15:30, 20-25 people, 3 injured",
            "house 112, street 45, km 7.5",
            "vehicle KBX 123",
            "14h30 - 15h10, 200 personnes",
            "",
            "+",
            "(",
        ] {
            assert_eq!(scan(text), (false, false), "{text}");
        }
    }
}
