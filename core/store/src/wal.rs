//! A look at the write-ahead log before SQLite sees it.
//!
//! SQLite reads the log up to the first frame whose checksum does not fit and takes that for its end, which after a power
//! cut it is. A bit that flipped in the middle looks the same, and every later commit is gone without a word. But each
//! frame carries the running checksum, so frames beyond the break still prove each other, and a commit beyond the one
//! that broke was acknowledged. The format is SQLite's (<https://sqlite.org/fileformat2.html#walformat>).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::StoreError;
use crate::database::PAGE_BYTES;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + PAGE_BYTES as usize;
/// The last bit of the magic number says that words of checksums are read big end first.
const MAGIC: u32 = 0x377f_0682;
const FORMAT: u32 = 3_007_000;

/// What the log turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wal {
    /// Whole, absent, or cut where a power cut may cut it.
    Sound,
    /// Commits that were acknowledged lie beyond a broken frame: SQLite will not see them.
    Broken,
}

/// A log in memory.
struct Log {
    bytes: Vec<u8>,
    big_endian: bool,
    salts: [u8; 8],
    header_fits: bool,
}

type Sum = (u32, u32);

impl Log {
    fn read(bytes: Vec<u8>) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let magic = word(header, 0);
        let big_endian = magic & 1 == 1;
        let sum = checksum(&header[..24], (0, 0), big_endian);
        let fits = magic & !1 == MAGIC
            && word(header, 4) == FORMAT
            && word(header, 8) == PAGE_BYTES
            && sum == (word(header, 24), word(header, 28));
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        Some(Self { bytes, big_endian, salts, header_fits: fits })
    }

    fn frames(&self) -> usize {
        (self.bytes.len() - HEADER_BYTES) / FRAME_BYTES
    }

    fn frame(&self, index: usize) -> &[u8] {
        let at = HEADER_BYTES + index * FRAME_BYTES;
        &self.bytes[at..at + FRAME_BYTES]
    }

    /// The checksum that stands before a frame: the header's or the one of the frame before it.
    fn before(&self, index: usize) -> Sum {
        match index.checked_sub(1) {
            Some(before) => (word(self.frame(before), 16), word(self.frame(before), 20)),
            None => (word(&self.bytes, 24), word(&self.bytes, 28)),
        }
    }

    /// Whether a frame is of this log and follows the one before it.
    fn follows(&self, index: usize) -> bool {
        let frame = self.frame(index);
        frame[8..16] == self.salts
            && self.sum(index, self.before(index)) == (word(frame, 16), word(frame, 20))
    }

    fn sum(&self, index: usize, before: Sum) -> Sum {
        let frame = self.frame(index);
        let sum = checksum(&frame[..8], before, self.big_endian);
        checksum(&frame[FRAME_HEADER_BYTES..], sum, self.big_endian)
    }

    /// A frame that ends a commit says how long the database is then.
    fn commits(&self, index: usize) -> bool {
        word(self.frame(index), 4) != 0
    }
}

/// Looks at the log.
///
/// # Errors
/// From the disk.
pub(crate) fn inspect(path: &Path) -> Result<Wal, StoreError> {
    let Some(mut log) = load(path)? else { return Ok(Wal::Sound) };
    if !log.header_fits {
        log.adopt();
    }
    let broken = (0..log.frames()).find(|index| !log.follows(*index));
    let first = if log.header_fits { broken } else { Some(0) };
    let Some(first) = first else { return Ok(Wal::Sound) };
    // The last commit may have been cut off before it was acknowledged. One that follows another was not the last.
    let commits = (first..log.frames()).filter(|index| {
        log.commits(*index)
            && (log.follows(*index) || (*index == first && log.frame(first)[8..16] == log.salts))
    });
    Ok(if commits.count() > 1 { Wal::Broken } else { Wal::Sound })
}

impl Log {
    /// Takes the order of bytes and the salts from the frames where the header is broken: those under which most frames
    /// prove each other.
    fn adopt(&mut self) {
        let mut best = 0;
        let mut adopted = (self.big_endian, self.salts);
        for big_endian in [false, true] {
            for index in (1..self.frames()).take(8) {
                self.big_endian = big_endian;
                self.salts.copy_from_slice(&self.bytes[HEADER_BYTES + index * FRAME_BYTES + 8..][..8]);
                let follow = (1..self.frames()).filter(|index| self.follows(*index)).count();
                if follow > best {
                    (best, adopted) = (follow, (big_endian, self.salts));
                }
            }
        }
        (self.big_endian, self.salts) = adopted;
    }
}

fn load(path: &Path) -> Result<Option<Log>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Log::read(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// SQLite's checksum over whole pairs of words.
fn checksum(bytes: &[u8], (mut a, mut b): Sum, big_endian: bool) -> Sum {
    let read =
        |word: &[u8; 4]| if big_endian { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) };
    for pair in bytes.as_chunks::<4>().0.as_chunks::<2>().0 {
        a = a.wrapping_add(read(&pair[0])).wrapping_add(b);
        b = b.wrapping_add(read(&pair[1])).wrapping_add(a);
    }
    (a, b)
}
/// The log with its broken frames left out and its checksums made anew, so that SQLite reads the rest of it. What the
/// frames hold stays sealed and authenticated by itself, so nothing false comes in by this. `None` where there is no log.
///
/// # Errors
/// From the disk.
pub(crate) fn mend(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(mut log) = load(path)? else { return Ok(None) };
    if !log.header_fits {
        log.adopt();
    }
    let mut out = Vec::with_capacity(log.bytes.len());
    for number in [MAGIC | u32::from(log.big_endian), FORMAT, PAGE_BYTES] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&log.bytes[12..16]);
    out.extend_from_slice(&log.salts);
    let mut sum = checksum(&out, (0, 0), log.big_endian);
    push(&mut out, sum);
    let sound: Vec<usize> = (0..log.frames()).filter(|index| log.follows(*index)).collect();
    // The first frame after a broken header follows nothing; it is taken at its word.
    let first = (!log.header_fits && log.frames() > 0 && log.frame(0)[8..16] == log.salts).then_some(0);
    let Some(last) = sound.iter().rposition(|index| log.commits(*index)) else { return Ok(Some(out)) };
    for index in first.into_iter().chain(sound[..=last].iter().copied().filter(|index| Some(*index) != first))
    {
        let frame = log.frame(index);
        sum = log.sum(index, sum);
        out.extend_from_slice(&frame[..16]);
        push(&mut out, sum);
        out.extend_from_slice(&frame[FRAME_HEADER_BYTES..]);
    }
    Ok(Some(out))
}

fn push(out: &mut Vec<u8>, sum: Sum) {
    out.extend_from_slice(&sum.0.to_be_bytes());
    out.extend_from_slice(&sum.1.to_be_bytes());
}
