use std::collections::BTreeMap;

use firsthand_ids::{DocumentId, OperationHash, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{LogError, MAX_MEMBERSHIP_HEADS, Vector};

/// The most bytes of membership operations in one frame: what an unknown key may send at all (design.md, "Sync").
pub const MAX_OPERATIONS_BYTES: usize = 64 * 1024;
/// The largest sealed chunk of a file: 256 KiB and its seal.
pub const MAX_CHUNK_BYTES: usize = 256 * 1024 + 64;
/// The most bytes of list rows that travel ahead, compressed: some 4,000 rows, seven seconds of a slow link (20 kB/s).
pub const MAX_ROWS_BYTES: usize = 128 * 1024;
/// The most bytes of receipts in one frame: 64 of them take at most 10 KiB.
pub const MAX_RECEIPTS_BYTES: usize = 16 * 1024;
/// The kind of a frame of receipts: one that may be passed over.
const RECEIPTS: u8 = 148;
/// The most files one frame may ask for.
pub const MAX_WANTED: usize = 64;
/// The largest frame: a batch that does not compress, and its head.
pub const MAX_FRAME_BYTES: usize = MAX_BATCH_BYTES + 64 * 1024;

const MAX_OPERATIONS: usize = 1024;

/// Why a side ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoodbyeReason {
    /// Everything was exchanged, or the person stopped it.
    Done,
    /// The other side is not a member as far as this device can tell.
    NotAMember,
    /// This device's storage is full or failed; nothing that was acknowledged is affected.
    Storage,
    /// The other side sent what the protocol forbids.
    Misbehaved,
    /// A newer reason, or one this device keeps to itself.
    Other(u8),
}

impl GoodbyeReason {
    const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotAMember => 1,
            Self::Storage => 2,
            Self::Misbehaved => 3,
            Self::Other(number) => number,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::NotAMember,
            2 => Self::Storage,
            3 => Self::Misbehaved,
            other => Self::Other(other),
        }
    }
}

/// One message between two members, inside the authenticated channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Membership operations the receiver lacks, and the heads the sender then has.
    Operations {
        /// The sender's membership heads.
        heads: Vec<OperationHash>,
        /// Operations, parents before children.
        operations: Vec<Vec<u8>>,
        /// Whether the sender has more to send.
        more: bool,
    },
    /// What the sender holds of a space.
    Hello {
        /// The space.
        space: SpaceId,
        /// The vector's digest.
        digest: [u8; 16],
        /// The vector; left out where the digest alone may do.
        vector: Option<Vector>,
        /// Send nothing of the space before it is [taken](Frame::Take).
        takes: bool,
    },
    /// Entries of a space.
    Batch {
        /// The space.
        space: SpaceId,
        /// The length before compression.
        plain_len: usize,
        /// The compressed lean encoding.
        packed: Vec<u8>,
    },
    /// What the sender now durably holds of the writers in a batch it received.
    Ack {
        /// The space.
        space: SpaceId,
        /// How far each writer is held.
        marks: Vector,
    },
    /// Send these writers' entries up to these positions. From the first such frame on, nothing is sent of which none asks.
    Take {
        /// The space.
        space: SpaceId,
        /// How far to send each writer.
        writers: BTreeMap<WriterId, Position>,
    },
    /// What the sender now durably holds of writers, where no batch says it: their entries came from elsewhere. Without any it
    /// answers the first [`Frame::Take`] of a peer that was sent everything until then.
    Holds {
        /// The space.
        space: SpaceId,
        /// How far each writer is held.
        marks: Vector,
    },
    /// A writer's chain differs between the two; nothing of it travels.
    Forked {
        /// The space.
        space: SpaceId,
        /// The writer.
        writer: WriterId,
    },
    /// Rows of records that are on their way: people, shifts, incidents. They prove nothing.
    Rows {
        /// The space.
        space: SpaceId,
        /// The compressed rows.
        packed: Vec<u8>,
    },
    /// What the sender still misses although its vector is complete.
    Pending {
        /// Entries that wait for a dependency.
        waiting: u64,
        /// Files not yet complete.
        files: u64,
    },
    /// Asks for parts of a file; part 0 is the table of its chunks, part n its chunk n - 1.
    Want {
        /// The file.
        file: FileId,
        /// The first chunk wanted.
        from: u32,
        /// How many.
        count: u32,
    },
    /// One sealed chunk of a file, or its first piece.
    Chunk {
        /// The file.
        file: FileId,
        /// Which chunk, from 0.
        index: u32,
        /// How many the file has.
        total: u32,
        /// How many of its bytes follow in frames of their own.
        rest: u32,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// The next piece of the chunk of which something is still to come; never empty.
    ChunkRest {
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// The sender does not have that file, or not that chunk.
    NoFile {
        /// The file.
        file: FileId,
    },
    /// The sender does not take part in a space that the receiver greeted.
    NoSpace {
        /// The space.
        space: SpaceId,
    },
    /// What the sender's clock shows as it sends this.
    Clock {
        /// The time.
        at: UnixMillis,
    },
    /// The sender signed that it holds the receiver's chains so far. Older versions pass it over.
    Receipts {
        /// The space.
        space: SpaceId,
        /// [`firsthand_log::Receipt`]s.
        receipts: Vec<u8>,
    },
    /// The sender ends the session.
    Goodbye(GoodbyeReason),
}

/// Names a file between devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The document that records it.
    pub document: DocumentId,
    /// Which form of it: 0 is the file itself; the others are numbered in docs/formats/evidence.md.
    pub form: u8,
}

impl FileId {
    /// The file itself that a document records.
    #[must_use]
    pub const fn original(document: DocumentId) -> Self {
        Self { document, form: 0 }
    }

    fn encode<'a>(&self, out: &'a mut Writer) -> &'a mut Writer {
        out.fixed(self.document).byte(self.form)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, LogError> {
        Ok(Self { document: DocumentId::new(reader.array("file")?), form: reader.byte("form")? })
    }
}

impl Frame {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Operations { heads, operations, more } => {
                out.byte(1).byte(u8::from(*more)).number(heads.len() as u64);
                for head in heads {
                    out.fixed(head);
                }
                out.number(operations.len() as u64);
                for operation in operations {
                    out.sized(operation);
                }
            }
            Self::Hello { space, digest, vector, takes } => {
                let flags = u8::from(vector.is_some()) | u8::from(*takes) << 1;
                out.byte(2).fixed(space).fixed(digest).byte(flags);
                if let Some(vector) = vector {
                    vector.encode(&mut out);
                }
            }
            Self::Batch { space, plain_len, packed } => {
                out.byte(3).fixed(space).number(*plain_len as u64).fixed(packed);
            }
            Self::Ack { space, marks } => {
                marks.encode(out.byte(4).fixed(space));
            }
            Self::Forked { space, writer } => {
                out.byte(10).fixed(space).fixed(writer);
            }
            Self::Rows { space, packed } => {
                out.byte(11).fixed(space).fixed(packed);
            }
            Self::Pending { waiting, files } => {
                out.byte(5).number(*waiting).number(*files);
            }
            Self::Want { file, from, count } => {
                file.encode(out.byte(6)).number(u64::from(*from)).number(u64::from(*count));
            }
            Self::Chunk { file, index, total, rest, sealed } => {
                file.encode(out.byte(7)).number(u64::from(*index)).number(u64::from(*total));
                out.number(u64::from(*rest)).fixed(sealed);
            }
            Self::ChunkRest { sealed } => {
                out.byte(16).fixed(sealed);
            }
            Self::NoFile { file } => {
                file.encode(out.byte(8));
            }
            Self::Clock { at } => {
                out.byte(12).signed(at.0);
            }
            Self::NoSpace { space } => {
                out.byte(13).fixed(space);
            }
            Self::Take { space, writers } => {
                out.byte(14).fixed(space).number(writers.len() as u64);
                for (writer, position) in writers {
                    out.fixed(writer).number(position.0);
                }
            }
            Self::Holds { space, marks } => {
                marks.encode(out.byte(15).fixed(space));
            }
            Self::Receipts { space, receipts } => {
                out.byte(RECEIPTS).fixed(space).fixed(receipts);
            }
            Self::Goodbye(reason) => {
                out.byte(9).byte(reason.number());
            }
        }
        out.into_bytes()
    }

    /// Whether a frame that this version does not know may be passed over: newer versions number those from 128 up.
    pub(crate) fn is_optional(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|kind| *kind >= 128)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Any [`LogError`]; [`LogError::Newer`] for a kind of frame this version does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(LogError::TooLarge { what: "frame", limit: MAX_FRAME_BYTES as u64 });
        }
        let mut reader = Reader::new(bytes);
        let frame = match reader.byte("frame kind")? {
            1 => Self::operations(&mut reader)?,
            2 => {
                let space = SpaceId::new(reader.array("space")?);
                let digest = reader.array("digest")?;
                let flags = reader.byte("flags")?;
                if flags > 3 {
                    return Err(reader.malformed("flags"));
                }
                let vector = if flags & 1 == 1 { Some(Vector::decode(&mut reader)?) } else { None };
                Self::Hello { space, digest, vector, takes: flags & 2 == 2 }
            }
            3 => Self::Batch {
                space: SpaceId::new(reader.array("space")?),
                plain_len: reader.count(MAX_BATCH_BYTES, "batch")?,
                packed: reader.rest().to_vec(),
            },
            4 => {
                Self::Ack { space: SpaceId::new(reader.array("space")?), marks: Vector::decode(&mut reader)? }
            }
            5 => Self::Pending { waiting: reader.number("waiting")?, files: reader.number("files")? },
            6 => Self::Want {
                file: FileId::decode(&mut reader)?,
                from: small(&mut reader, u32::MAX)?,
                count: small(&mut reader, MAX_WANTED as u32)?,
            },
            7 => {
                let file = FileId::decode(&mut reader)?;
                let (index, total) = (small(&mut reader, u32::MAX)?, small(&mut reader, u32::MAX)?);
                let rest = small(&mut reader, u32::MAX)?;
                Self::Chunk { file, index, total, rest, sealed: sealed(&mut reader, rest as usize)? }
            }
            8 => Self::NoFile { file: FileId::decode(&mut reader)? },
            9 => Self::Goodbye(GoodbyeReason::from_number(reader.byte("reason")?)),
            10 => Self::Forked {
                space: SpaceId::new(reader.array("space")?),
                writer: WriterId::new(reader.array("writer")?),
            },
            11 => {
                let space = SpaceId::new(reader.array("space")?);
                let packed = reader.rest();
                if packed.len() > MAX_ROWS_BYTES {
                    return Err(LogError::TooLarge { what: "rows", limit: MAX_ROWS_BYTES as u64 });
                }
                Self::Rows { space, packed: packed.to_vec() }
            }
            12 => Self::Clock { at: UnixMillis(reader.signed("clock")?) },
            13 => Self::NoSpace { space: SpaceId::new(reader.array("space")?) },
            14 => Self::Take { space: SpaceId::new(reader.array("space")?), writers: taken(&mut reader)? },
            15 => Self::Holds {
                space: SpaceId::new(reader.array("space")?),
                marks: Vector::decode(&mut reader)?,
            },
            16 => {
                let sealed = sealed(&mut reader, 0)?;
                if sealed.is_empty() {
                    return Err(reader.malformed("piece"));
                }
                Self::ChunkRest { sealed }
            }
            RECEIPTS => {
                let space = SpaceId::new(reader.array("space")?);
                let receipts = reader.rest();
                if receipts.len() > MAX_RECEIPTS_BYTES {
                    return Err(LogError::TooLarge { what: "receipts", limit: MAX_RECEIPTS_BYTES as u64 });
                }
                Self::Receipts { space, receipts: receipts.to_vec() }
            }
            _ => return Err(LogError::Newer { what: "frame" }),
        };
        reader.finish("frame")?;
        Ok(frame)
    }

    fn operations(reader: &mut Reader<'_>) -> Result<Self, LogError> {
        let more = flag(reader)?;
        let count = reader.count(MAX_MEMBERSHIP_HEADS, "membership heads")?;
        let mut heads = Vec::with_capacity(count);
        for _ in 0..count {
            heads.push(OperationHash::new(reader.array("membership head")?));
        }
        let count = reader.count(MAX_OPERATIONS, "operations")?;
        let mut operations = Vec::with_capacity(count.min(64));
        let mut room = MAX_OPERATIONS_BYTES;
        for _ in 0..count {
            let operation = reader.sized(room, "operation")?;
            room -= operation.len();
            operations.push(operation.to_vec());
        }
        Ok(Self::Operations { heads, operations, more })
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, LogError> {
    match reader.byte("flag")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.malformed("flag")),
    }
}

/// Writers in strictly rising order, and a position of each.
fn taken(reader: &mut Reader<'_>) -> Result<BTreeMap<WriterId, Position>, LogError> {
    let mut writers = BTreeMap::new();
    for _ in 0..reader.count(Vector::MAX_WRITERS, "writers")? {
        let writer = WriterId::new(reader.array("writer")?);
        let position = Position(reader.number("position")?);
        let rises = writers.last_key_value().is_none_or(|(last, _)| *last < writer);
        if position == Position::START || !rises {
            return Err(reader.malformed("writers"));
        }
        writers.insert(writer, position);
    }
    Ok(writers)
}

/// The bytes of a chunk up to the end of the frame, `rest` more of which follow.
fn sealed(reader: &mut Reader<'_>, rest: usize) -> Result<Vec<u8>, LogError> {
    let sealed = reader.rest();
    if sealed.len().saturating_add(rest) > MAX_CHUNK_BYTES {
        return Err(LogError::TooLarge { what: "chunk", limit: MAX_CHUNK_BYTES as u64 });
    }
    Ok(sealed.to_vec())
}

fn small(reader: &mut Reader<'_>, limit: u32) -> Result<u32, LogError> {
    Ok(reader.count(limit as usize, "number")? as u32)
}
