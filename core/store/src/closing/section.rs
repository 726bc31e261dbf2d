//! Bodies of entries and saved documents, many compressed together.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{compress_section, decompress_section};
use zeroize::Zeroizing;

use crate::StoreError;

const VERSION: u8 = 1;

/// Bytes of contents after which a section is full. Whoever reads one entry inflates this much; with twice as much all of it would take 8 %
/// less room.
pub(crate) const SECTION_BYTES: usize = 256 * 1024;
/// The most that a section holds: a document is not split, so the last one may go beyond [`SECTION_BYTES`]. What is larger by itself stays in
/// its rows.
pub(crate) const MAX_CONTENT_BYTES: usize = 1024 * 1024;
/// The longest section, inflated. The names of contents come before them, each of at most 13 bytes, and an entry of 1 MiB has at least
/// some 20 bytes of content.
const MAX_SECTION_BYTES: usize = 2 * MAX_CONTENT_BYTES;
/// Sections that are kept inflated, in bytes: whoever goes through a chain comes back to the same few.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Whose content it is. The numbers are those of the tables' rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentName {
    /// The body of an entry.
    Entry(i64),
    /// The saved bytes of a document.
    Document(i64),
}

/// A part of a closed period, inflated.
pub struct Section {
    plain: Zeroizing<Vec<u8>>,
    contents: BTreeMap<ContentName, Range<usize>>,
}

/// Makes the stored bytes of a section.
pub(crate) fn encode(contents: &[(ContentName, Vec<u8>)]) -> Result<Vec<u8>, StoreError> {
    let mut plain = Writer::new();
    plain.byte(VERSION).number(contents.len() as u64);
    for (name, bytes) in contents {
        let (number, document) = match *name {
            ContentName::Entry(number) => (number, 0),
            ContentName::Document(number) => (number, 1),
        };
        plain.number((number as u64) << 1 | document).number(bytes.len() as u64);
    }
    for (_, bytes) in contents {
        plain.fixed(bytes);
    }
    let plain = Zeroizing::new(plain.into_bytes());
    compress_section(&plain).map_err(|_| StoreError::Invalid("a section that cannot be compressed"))
}

impl Section {
    /// Reads the stored bytes of a section.
    ///
    /// # Errors
    /// Where they are none, or of a newer version. Nothing beyond 2 MiB is inflated.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let plain = Zeroizing::new(decompress_section(bytes, MAX_SECTION_BYTES)?);
        let mut reader = Reader::new(&plain);
        if reader.byte("section version")? != VERSION {
            return Err(LogError::Newer { what: "section" });
        }
        let count = reader.count(MAX_SECTION_BYTES, "contents")?;
        let mut lengths = Vec::with_capacity(count.min(reader.remaining() / 2));
        for _ in 0..count {
            let name = reader.number("content name")?;
            let number = (name >> 1) as i64;
            let name = if name & 1 == 0 { ContentName::Entry(number) } else { ContentName::Document(number) };
            let length = reader.number("content length")?;
            let length = usize::try_from(length).ok().filter(|length| *length <= MAX_CONTENT_BYTES);
            lengths.push((name, length.ok_or_else(|| reader.malformed("content length"))?));
        }
        let mut at = reader.position();
        let mut contents = BTreeMap::new();
        for (name, length) in lengths {
            let end = at + length;
            if end > plain.len() || contents.insert(name, at..end).is_some() {
                return Err(LogError::Malformed { what: "contents", at });
            }
            at = end;
        }
        if at != plain.len() {
            return Err(LogError::Malformed { what: "contents", at });
        }
        Ok(Self { plain, contents })
    }

    /// A content; `None` where the section has it not.
    #[must_use]
    pub fn content(&self, name: ContentName) -> Option<&[u8]> {
        Some(&self.plain[self.contents.get(&name)?.clone()])
    }

    /// Whose contents it has.
    pub fn names(&self) -> impl Iterator<Item = ContentName> + '_ {
        self.contents.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len()
    }
}

impl std::fmt::Debug for Section {
    // The contents are what people wrote: they never reach a log line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Section").field("contents", &self.contents.len()).finish_non_exhaustive()
    }
}

/// The sections that were read last.
#[derive(Default)]
pub(crate) struct Shelf(RefCell<VecDeque<(i64, Arc<Section>)>>);

impl Shelf {
    /// A section by its number, read by `load` where it is not here.
    pub(crate) fn section(
        &self,
        number: i64,
        load: impl FnOnce() -> Result<Section, StoreError>,
    ) -> Result<Arc<Section>, StoreError> {
        let mut kept = self.0.borrow_mut();
        let place = kept.iter().position(|(known, _)| *known == number);
        let found = match place.and_then(|place| kept.remove(place)) {
            Some((_, section)) => section,
            None => Arc::new(load()?),
        };
        kept.push_back((number, found.clone()));
        let mut bytes: usize = kept.iter().map(|(_, section)| section.len()).sum();
        while bytes > KEPT_BYTES && kept.len() > 1 {
            let Some((_, gone)) = kept.pop_front() else { break };
            bytes -= gone.len();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Vec<(ContentName, Vec<u8>)> {
        vec![
            (ContentName::Entry(7), b"first".to_vec()),
            (ContentName::Entry(300), Vec::new()),
            (ContentName::Document(7), b"first and more".to_vec()),
        ]
    }

    #[test]
    fn what_goes_in_comes_out() {
        let section = Section::decode(&encode(&contents()).unwrap()).unwrap();
        for (name, bytes) in contents() {
            assert_eq!(section.content(name), Some(&bytes[..]));
        }
        assert_eq!(section.names().count(), 3);
        assert_eq!(section.content(ContentName::Document(300)), None);
    }

    #[test]
    fn the_bytes_stay_what_they_are() {
        // Version, three contents; entry 7 of 5 bytes, entry 300 of none, document 7 of 14; the contents.
        let plain = b"\x01\x03\x0e\x05\xd8\x04\x00\x0f\x0efirstfirst and more";
        let stored = encode(&contents()).unwrap();
        assert_eq!(decompress_section(&stored, 100).unwrap(), plain);
        // The same through another compressor: the bytes as they are, in one raw block, without a checksum.
        let mut raw = b"\x01\x28\xb5\x2f\xfd\x20".to_vec();
        raw.push(plain.len() as u8);
        raw.extend(&((plain.len() as u32) << 3 | 1).to_le_bytes()[..3]);
        raw.extend(plain);
        let section = Section::decode(&raw).unwrap();
        assert_eq!(section.content(ContentName::Document(7)), Some(&b"first and more"[..]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let whole: &[u8] = b"\x01\x03\x0e\x05\xd8\x04\x00\x0f\x0efirstfirst and more";
        for wrong in [
            &whole[..whole.len() - 1],
            b"\x02\x00",
            b"\x01\x00more",
            b"\x01\xff\xff\xff\xff\x0f",
            // One name twice.
            b"\x01\x02\x0e\x01\x0e\x01ab",
            // A length beyond the limit.
            b"\x01\x01\x0e\xff\xff\xff\x7f",
        ] {
            assert!(Section::decode(&compress_section(wrong).unwrap()).is_err(), "{wrong:?}");
        }
        assert!(Section::decode(b"").is_err());
    }

    #[test]
    fn a_changed_bit_is_found() {
        let stored = encode(&contents()).unwrap();
        for bit in 0..stored.len() * 8 {
            let mut changed = stored.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(section) = Section::decode(&changed) {
                for (name, bytes) in contents() {
                    assert_eq!(section.content(name), Some(&bytes[..]), "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn few_are_kept() {
        let shelf = Shelf::default();
        let large = encode(&[(ContentName::Entry(1), vec![7; MAX_CONTENT_BYTES])]).unwrap();
        let mut read = Vec::new();
        for number in [1, 2, 1, 3, 4, 1, 2, 5, 1] {
            let load = || {
                read.push(number);
                Section::decode(&large).map_err(|_| StoreError::Damaged { what: "a section" })
            };
            shelf.section(number, load).unwrap();
        }
        assert_eq!(read, [1, 2, 3, 4, 2, 5], "three fit, and the ones read last stay");
    }
}
