//! The header of an Automerge change, read without Automerge.
//!
//! Layout of a change chunk (Automerge's binary document format): magic `85 6f 4a 83`, the first four bytes of the
//! chunk's hash, chunk type `01`, length, then: dependencies, actor, sequence, first operation, time, message, other
//! actors, columns. The hash is SHA-256 over type, length and contents. Compressed chunks (type `02`) are never
//! accepted: a limit on the size must hold before anything is inflated.

use firsthand_ids::{ChangeHash, WriterId, sha256};

use crate::LogError;
use crate::codec::{Reader, Writer};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE_CHUNK: u8 = 1;

/// The most dependencies one change may have: a document in which all writers of a space wrote while apart has that many
/// heads, and an edit of it builds on all of them.
pub const MAX_DEPENDENCIES: usize = crate::Vector::MAX_WRITERS;
/// The most other actors one change may name: all writers of a space.
pub const MAX_ACTORS: usize = crate::Vector::MAX_WRITERS;
/// The longest commit message. We write none; 1 KiB leaves room for another program's.
pub const MAX_MESSAGE_BYTES: usize = 1024;

/// The parts of a change's header, and its columns unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeParts<'a> {
    /// Hashes of the changes it builds on.
    pub dependencies: Vec<ChangeHash>,
    /// The actor's bytes.
    pub actor: &'a [u8],
    /// The actor's how-manieth change.
    pub sequence: u64,
    /// The counter of its first operation.
    pub start_op: u64,
    /// Commit time in seconds, which we leave 0: the entry carries the times.
    pub time: i64,
    /// Commit message.
    pub message: &'a [u8],
    /// Actors its operations refer to, besides its own.
    pub other_actors: Vec<&'a [u8]>,
    /// Column metadata, column data and trailing bytes, as they stand.
    pub columns: &'a [u8],
}

/// Automerge's hash of a change chunk; `None` where the bytes are no uncompressed change chunk.
#[must_use]
pub fn hash(chunk: &[u8]) -> Option<ChangeHash> {
    let (hash, _) = open(chunk).ok()?;
    Some(hash)
}

/// The changes that one builds on, read from a chunk whose hash was checked before.
///
/// # Errors
/// [`LogError`] for bytes that are no uncompressed change chunk.
pub fn dependencies(chunk: &[u8]) -> Result<Vec<ChangeHash>, LogError> {
    read_dependencies(&mut Reader::new(Chunk::read(chunk)?.contents))
}

fn read_dependencies(contents: &mut Reader<'_>) -> Result<Vec<ChangeHash>, LogError> {
    let count = contents.count(MAX_DEPENDENCIES, "dependencies")?;
    let mut dependencies = Vec::with_capacity(count);
    for _ in 0..count {
        dependencies.push(ChangeHash::new(contents.array("dependency")?));
    }
    Ok(dependencies)
}

/// What a chunk consists of, its checksum not looked at.
struct Chunk<'a> {
    checksum: [u8; 4],
    hashed: &'a [u8],
    contents: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(chunk: &'a [u8]) -> Result<Self, LogError> {
        let mut reader = Reader::new(chunk);
        if reader.array("change magic")? != MAGIC {
            return Err(LogError::Malformed { what: "change magic", at: 0 });
        }
        let checksum = reader.array("change checksum")?;
        let hashed = &chunk[reader.position()..];
        if reader.byte("chunk type")? != CHANGE_CHUNK {
            return Err(LogError::Malformed { what: "chunk type", at: 8 });
        }
        let contents = reader.sized(crate::MAX_BODY_BYTES, "change")?;
        reader.finish("change")?;
        Ok(Self { checksum, hashed, contents })
    }
}

fn open(chunk: &[u8]) -> Result<(ChangeHash, &[u8]), LogError> {
    let Chunk { checksum, hashed, contents } = Chunk::read(chunk)?;
    let hash = sha256(hashed);
    if hash[..4] != checksum {
        return Err(LogError::Malformed { what: "change checksum", at: 4 });
    }
    Ok((ChangeHash::new(hash), contents))
}

impl<'a> ChangeParts<'a> {
    /// Reads an uncompressed change chunk and checks its checksum.
    pub fn read(chunk: &'a [u8]) -> Result<(ChangeHash, Self), LogError> {
        let (hash, contents) = open(chunk)?;
        let mut reader = Reader::new(contents);
        let dependencies = read_dependencies(&mut reader)?;
        let actor = reader.sized(64, "actor")?;
        let sequence = reader.number("sequence")?;
        let start_op = reader.number("first operation")?;
        let time = signed_leb(&mut reader)?;
        let message = reader.sized(MAX_MESSAGE_BYTES, "message")?;
        let count = reader.count(MAX_ACTORS, "other actors")?;
        let mut other_actors = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            other_actors.push(reader.sized(64, "other actor")?);
        }
        let columns = reader.rest();
        Ok((hash, Self { dependencies, actor, sequence, start_op, time, message, other_actors, columns }))
    }

    /// The writer whose change this is; `None` where the actor is no writer id.
    #[must_use]
    pub fn writer(&self) -> Option<WriterId> {
        WriterId::from_slice(self.actor)
    }

    /// Rebuilds the chunk, byte for byte where [`ChangeParts::read`] gave the parts.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.build_hashed().1
    }

    /// The same, with its hash.
    #[must_use]
    pub fn build_hashed(&self) -> (ChangeHash, Vec<u8>) {
        let mut contents = Writer::new();
        contents.number(self.dependencies.len() as u64);
        for dependency in &self.dependencies {
            contents.fixed(dependency);
        }
        contents.sized(self.actor).number(self.sequence).number(self.start_op);
        write_signed_leb(&mut contents, self.time);
        contents.sized(self.message).number(self.other_actors.len() as u64);
        for actor in &self.other_actors {
            contents.sized(actor);
        }
        contents.fixed(self.columns);
        let contents = contents.into_bytes();

        const CHECKSUM: std::ops::Range<usize> = 4..8;
        let mut chunk = Writer::new();
        chunk.fixed(MAGIC).fixed([0; 4]).byte(CHANGE_CHUNK).sized(&contents);
        let mut chunk = chunk.into_bytes();
        let hash = sha256(&chunk[CHECKSUM.end..]);
        chunk[CHECKSUM].copy_from_slice(&hash[..4]);
        (ChangeHash::new(hash), chunk)
    }
}

// Automerge writes this one number in two's-complement LEB128, not zigzag.
fn signed_leb(reader: &mut Reader<'_>) -> Result<i64, LogError> {
    let mut value = 0i64;
    let mut shift = 0;
    loop {
        let byte = reader.byte("time")?;
        if shift >= 64 {
            return Err(reader.malformed("time"));
        }
        value |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            if shift < 64 && byte & 0x40 != 0 {
                value |= -1i64 << shift;
            }
            return Ok(value);
        }
    }
}

fn write_signed_leb(out: &mut Writer, mut value: i64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.byte(byte);
            return;
        }
        out.byte(byte | 0x80);
    }
}
