//! Compression: zstd with the dictionaries the program ships.
//!
//! A dictionary is part of the format: its version stands before what it compressed, and a shipped version never
//! changes. They are trained by `cargo xtask dictionary` on records that the project's own generator writes.

use std::sync::OnceLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DictAttachPref;

use crate::LogError;

/// The dictionary for batches of entries, version 1.
pub const ENTRIES_V1: &[u8] = include_bytes!("../dictionaries/entries-v1.dict");
/// The dictionary for saved documents, version 1.
pub const DOCUMENTS_V1: &[u8] = include_bytes!("../dictionaries/documents-v1.dict");

const VERSION: u8 = 1;

/// For batches. From 8 to 12 a first sync shrinks by another 5 %, and costs two and a half times the time.
const ENTRIES_LEVEL: i32 = 8;
/// For documents at rest, which are written far more often than they are shipped.
const DOCUMENTS_LEVEL: i32 = 3;
/// For sections of a closed period, which are written once and kept: 9 leaves 3 % more and takes an eighth of the time, 19 takes off 1 % and
/// takes three times as long.
const SECTIONS_LEVEL: i32 = 15;
/// A stream's window is 2^22 = 4 MiB, and a peer's is at most that, so that it cannot make this device reserve more.
const WINDOW_LOG: u32 = 22;

/// Compresses the batches of one session as one stream: each finds the repetitions of those before it.
pub struct Packer(Encoder<'static>);

/// Decompresses what the peer's [`Packer`] wrote, in the same order.
pub struct Unpacker(Decoder<'static>);

impl Packer {
    /// A new stream.
    pub fn new() -> Result<Self, LogError> {
        static DICTIONARY: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
        let dictionary = DICTIONARY.get_or_init(|| EncoderDictionary::copy(ENTRIES_V1, ENTRIES_LEVEL));
        let mut encoder = Encoder::with_prepared_dictionary(dictionary).map_err(|_| LogError::Compression)?;
        let parameters = [
            CParameter::WindowLog(WINDOW_LOG),
            // Left to itself zstd works in tables of the dictionary's size: right for one batch, but a first sync
            // grows by an eighth.
            CParameter::ForceAttachDict(DictAttachPref::ForceLoad),
            // The version byte says which dictionary it is.
            CParameter::DictIdFlag(false),
        ];
        for parameter in parameters {
            encoder.set_parameter(parameter).map_err(|_| LogError::Compression)?;
        }
        Ok(Self(encoder))
    }

    /// Compresses one batch; the result decompresses without waiting for the next.
    pub fn pack(&mut self, plain: &[u8]) -> Result<Vec<u8>, LogError> {
        let mut packed = vec![VERSION];
        let mut chunk = vec![0u8; 64 * 1024];
        let mut input = InBuffer::around(plain);
        while input.pos() < plain.len() {
            let mut output = OutBuffer::around(chunk.as_mut_slice());
            self.0.run(&mut input, &mut output).map_err(|_| LogError::Compression)?;
            packed.extend_from_slice(output.as_slice());
        }
        loop {
            let mut output = OutBuffer::around(chunk.as_mut_slice());
            let left = self.0.flush(&mut output).map_err(|_| LogError::Compression)?;
            packed.extend_from_slice(output.as_slice());
            if left == 0 {
                return Ok(packed);
            }
        }
    }
}

impl Unpacker {
    /// A new stream.
    pub fn new() -> Result<Self, LogError> {
        static DICTIONARY: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
        let dictionary = DICTIONARY.get_or_init(|| DecoderDictionary::copy(ENTRIES_V1));
        let mut decoder = Decoder::with_prepared_dictionary(dictionary).map_err(|_| LogError::Compression)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(|_| LogError::Compression)?;
        Ok(Self(decoder))
    }

    /// Decompresses one batch of exactly `len` bytes, which the sender states and the caller has limited.
    pub fn unpack(&mut self, packed: &[u8], len: usize) -> Result<Vec<u8>, LogError> {
        let Some((&VERSION, packed)) = packed.split_first() else {
            return Err(LogError::Newer { what: "compressed batch" });
        };
        // One byte more than stated, so that output beyond the statement shows instead of hiding in the stream.
        let mut plain = vec![0u8; len + 1];
        let mut input = InBuffer::around(packed);
        let mut written = 0;
        loop {
            let read = input.pos();
            let mut output = OutBuffer::around(&mut plain[written..]);
            self.0.run(&mut input, &mut output).map_err(|_| LogError::Compression)?;
            let wrote = output.pos();
            written += wrote;
            if written > len {
                return Err(LogError::Compression);
            }
            if wrote == 0 && input.pos() == read {
                break;
            }
        }
        if written != len || input.pos() != packed.len() {
            return Err(LogError::Compression);
        }
        plain.truncate(len);
        Ok(plain)
    }
}

/// Compresses saved documents for storage, each by itself. What it works in is made once: for a small one that takes as long
/// as to compress it.
pub struct DocumentPacker(Compressor<'static>);

impl DocumentPacker {
    /// Makes what it works in.
    pub fn new() -> Result<Self, LogError> {
        static DICTIONARY: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
        let dictionary = DICTIONARY.get_or_init(|| EncoderDictionary::copy(DOCUMENTS_V1, DOCUMENTS_LEVEL));
        compressor(dictionary).map(Self).map_err(|_| LogError::Compression)
    }

    /// Compresses one.
    pub fn pack(&mut self, saved: &[u8]) -> Result<Vec<u8>, LogError> {
        versioned(self.0.compress(saved))
    }
}

/// Compresses a saved document for storage.
pub fn compress_document(saved: &[u8]) -> Result<Vec<u8>, LogError> {
    DocumentPacker::new()?.pack(saved)
}

/// Decompresses a stored document of at most `limit` bytes; the size stated in the frame is compared with the limit
/// before anything is allocated.
pub fn decompress_document(packed: &[u8], limit: usize) -> Result<Vec<u8>, LogError> {
    static DICTIONARY: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
    let dictionary = DICTIONARY.get_or_init(|| DecoderDictionary::copy(DOCUMENTS_V1));
    decompress(packed, limit, || Decompressor::with_prepared_dictionary(dictionary), "document")
}

/// Compresses entries by themselves, for a range that is sealed: unlike [`Packer::pack`] it refers to nothing before, and
/// the same entries give the same bytes everywhere.
pub fn compress_entries(plain: &[u8]) -> Result<Vec<u8>, LogError> {
    static DICTIONARY: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
    let dictionary = DICTIONARY.get_or_init(|| EncoderDictionary::copy(ENTRIES_V1, ENTRIES_LEVEL));
    versioned(compressor(dictionary).and_then(|mut it| it.compress(plain)))
}

/// Decompresses entries of at most `limit` bytes, like [`decompress_document`].
pub fn decompress_entries(packed: &[u8], limit: usize) -> Result<Vec<u8>, LogError> {
    static DICTIONARY: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
    let dictionary = DICTIONARY.get_or_init(|| DecoderDictionary::copy(ENTRIES_V1));
    decompress(packed, limit, || Decompressor::with_prepared_dictionary(dictionary), "entries")
}

/// Compresses what is kept of a closed period: much together, so that no dictionary is needed. The frame carries a checksum.
pub fn compress_section(plain: &[u8]) -> Result<Vec<u8>, LogError> {
    versioned(Compressor::new(SECTIONS_LEVEL).and_then(|mut it| {
        it.set_parameter(CParameter::ChecksumFlag(true))?;
        it.compress(plain)
    }))
}

/// Decompresses a section of at most `limit` bytes, like [`decompress_document`].
pub fn decompress_section(packed: &[u8], limit: usize) -> Result<Vec<u8>, LogError> {
    decompress(packed, limit, Decompressor::new, "section")
}

fn compressor(dictionary: &'static EncoderDictionary<'static>) -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(dictionary)?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    Ok(compressor)
}

fn versioned(compressed: std::io::Result<Vec<u8>>) -> Result<Vec<u8>, LogError> {
    let mut out = vec![VERSION];
    out.extend(compressed.map_err(|_| LogError::Compression)?);
    Ok(out)
}

fn decompress<'a>(
    packed: &[u8],
    limit: usize,
    decompressor: impl FnOnce() -> std::io::Result<Decompressor<'a>>,
    what: &'static str,
) -> Result<Vec<u8>, LogError> {
    let Some((&VERSION, packed)) = packed.split_first() else {
        return Err(LogError::Newer { what: "compressed bytes" });
    };
    let stated = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let stated = stated.ok_or(LogError::Compression)?;
    if stated > limit as u64 {
        return Err(LogError::TooLarge { what, limit: limit as u64 });
    }
    decompressor()
        .and_then(|mut it| it.decompress(packed, stated as usize))
        .map_err(|_| LogError::Compression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_a_session_share_one_stream() {
        let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new().unwrap());
        let noise: Vec<u8> =
            (0..40_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let first = packer.pack(&noise).unwrap();
        let second = packer.pack(&noise).unwrap();
        assert!(second.len() * 20 < first.len(), "{} then {}", first.len(), second.len());
        assert_eq!(unpacker.unpack(&first, noise.len()).unwrap(), noise);
        assert_eq!(unpacker.unpack(&second, noise.len()).unwrap(), noise);
        let empty = packer.pack(&[]).unwrap();
        assert_eq!(unpacker.unpack(&empty, 0).unwrap(), b"");
    }

    #[test]
    fn a_wrong_statement_of_the_size_is_refused() {
        for wrong in [0, 99, 101, 5_000] {
            let packed = Packer::new().unwrap().pack(&[7; 100]).unwrap();
            assert_eq!(Unpacker::new().unwrap().unpack(&packed, wrong), Err(LogError::Compression));
        }
    }

    #[test]
    fn a_bomb_stops_at_the_stated_size() {
        let packed = Packer::new().unwrap().pack(&vec![0; 64 << 20]).unwrap();
        assert!(packed.len() < 64 << 10);
        assert_eq!(Unpacker::new().unwrap().unpack(&packed, 1 << 20), Err(LogError::Compression));
        let packed = compress_document(&vec![0; 64 << 20]).unwrap();
        assert!(matches!(decompress_document(&packed, 1 << 20), Err(LogError::TooLarge { .. })));
    }

    #[test]
    fn entries_are_compressed_alone_and_alike() {
        let entries = b"one entry is much like another entry, and that like the next".repeat(9);
        let packed = compress_entries(&entries).unwrap();
        assert_eq!(compress_entries(&entries).unwrap(), packed);
        assert_eq!(decompress_entries(&packed, entries.len()).unwrap(), entries);
        assert!(matches!(decompress_entries(&packed, entries.len() - 1), Err(LogError::TooLarge { .. })));
    }

    #[test]
    fn documents_round_trip_and_damage_is_refused() {
        let document = b"the same words, the same words, the same words".repeat(9);
        let packed = compress_document(&document).unwrap();
        assert_eq!(decompress_document(&packed, 1 << 20).unwrap(), document);
        assert!(decompress_document(&packed[..packed.len() - 3], 1 << 20).is_err());
        assert!(decompress_document(&[], 1 << 20).is_err());
        assert!(matches!(decompress_document(&[9, 1, 2], 1 << 20), Err(LogError::Newer { .. })));
    }
}
