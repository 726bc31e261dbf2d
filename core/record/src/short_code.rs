use std::fmt;
use std::str::FromStr;

use firsthand_ids::{DeviceKey, Digest, WriterId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Letters that are not taken for a digit or another letter, by eye or in handwriting, and no vowels, so that no
/// code spells a word.
const LETTERS: &[u8] = b"CDFGHJKMNPQRTVWXY";
const LETTERS_AND_DIGITS: &[u8] = b"CDFGHJKMNPQRTVWXY23456789";

/// How many characters of a prefix are stored: devices collide once in 265,625 pairs.
const STORED: usize = 4;
/// How many are shown unless two devices collide in them.
const SHOWN: usize = 2;

/// Text that is not a short code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a short code like K7-014")]
pub struct ParseShortCodeError;

/// The name people use for an incident, such as `K7-014`: a prefix that comes from the device, and a counter.
///
/// It is made without a network. Four characters of the prefix are stored and two are shown; should two devices
/// share those, [`ShortCode::shown_among`] shows one more. Only the document's id is unique by force.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ShortCode {
    /// Two to four characters; four in codes made here, fewer in a code that a person typed.
    pub prefix: String,
    /// Counts the incidents of the device, from 1.
    pub number: u32,
}

impl ShortCode {
    /// The prefix of a device: a letter, then three letters or digits.
    #[must_use]
    pub fn prefix_for(device: &DeviceKey) -> String {
        Self::prefix_from(&Digest::new("firsthand short code prefix v1").fixed(device).finish())
    }

    /// The prefix of a chain that a device opened after its home was restored: its counter may have been further once, so
    /// codes under the device's own prefix could come twice.
    #[must_use]
    pub fn prefix_of_writer(writer: &WriterId) -> String {
        Self::prefix_from(&Digest::new("firsthand short code prefix v1").fixed(writer).finish())
    }

    fn prefix_from(hash: &[u8; 32]) -> String {
        let mut pick = hash.chunks_exact(4).map(|four| {
            let bytes = [four[0], four[1], four[2], four[3]];
            u32::from_be_bytes(bytes) as usize
        });
        let mut next = |from: &[u8]| char::from(from[pick.next().unwrap_or_default() % from.len()]);
        let first = next(LETTERS);
        std::iter::once(first).chain((1..STORED).map(|_| next(LETTERS_AND_DIGITS))).collect()
    }

    /// The code of a device's incident number `number`.
    #[must_use]
    pub fn new(device: &DeviceKey, number: u32) -> Self {
        Self { prefix: Self::prefix_for(device), number }
    }

    /// The code with `letters` characters of its prefix, at least two.
    #[must_use]
    pub fn display_with(&self, letters: usize) -> String {
        let prefix: String = self.prefix.chars().take(letters.max(SHOWN)).collect();
        format!("{prefix}-{:03}", self.number)
    }

    /// The code as shown beside `others`: with as many letters as it takes to tell it from them.
    #[must_use]
    pub fn shown_among<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> String {
        let clash = |other: &Self| {
            let shared = self.prefix.chars().zip(other.prefix.chars()).take_while(|(a, b)| a == b).count();
            if other.number == self.number && other.prefix != self.prefix { shared + 1 } else { 0 }
        };
        self.display_with(others.into_iter().map(clash).max().unwrap_or_default())
    }

    /// Whether `typed` names this code: the same number, and one prefix begins with the other.
    #[must_use]
    pub fn matches(&self, typed: &Self) -> bool {
        self.number == typed.number && self.prefix.starts_with(&typed.prefix)
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.display_with(SHOWN))
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display_with(STORED))
    }
}

impl FromStr for ShortCode {
    type Err = ParseShortCodeError;

    fn from_str(text: &str) -> Result<Self, ParseShortCodeError> {
        let (prefix, number) = text.trim().split_once('-').ok_or(ParseShortCodeError)?;
        let prefix = prefix.to_ascii_uppercase();
        let sound = (SHOWN..=STORED).contains(&prefix.len())
            && LETTERS.contains(&prefix.as_bytes()[0])
            && prefix.bytes().all(|byte| LETTERS_AND_DIGITS.contains(&byte))
            && number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(number) if sound => Ok(Self { prefix, number }),
            _ => Err(ParseShortCodeError),
        }
    }
}

impl Serialize for ShortCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.display_with(STORED))
    }
}

impl<'de> Deserialize<'de> for ShortCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
