use std::collections::VecDeque;

use crate::{Effect, FileId, Frame, Refusal};

/// How many bytes of a file's part one frame carries. What people write waits for no more than the frames that the stream has taken:
/// less than a second each on a slow link (20 kB/s). Against one frame for a whole part of 256 KiB that costs 0.15 % more bytes.
pub const PIECE_BYTES: usize = 16 * 1024;

/// How many parts are read before the stream can take them, so that it does not wait for the disk.
const MAX_READY: usize = 2;

/// Which part of a file a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) file: FileId,
    pub(crate) index: u32,
    /// How many the file has.
    pub(crate) total: u32,
}

/// A part and its sealed bytes.
pub(crate) struct Whole {
    pub(crate) part: Part,
    pub(crate) sealed: Vec<u8>,
}

/// What the peer is answered who asked for parts, piece by piece. The next piece follows when the stream has taken what was sent before,
/// so whatever is sent meanwhile goes first.
#[derive(Default)]
pub(crate) struct Sending {
    /// In the order in which it was asked for. Of the first, `sent` bytes have left.
    ready: VecDeque<Served>,
    sent: usize,
    /// A piece has left, and the stream has not taken it yet.
    waits: bool,
}

/// An answer to somebody who asked for a part.
pub(crate) enum Served {
    Chunk(Whole),
    NoFile(FileId),
}

impl Sending {
    /// Whether nothing is left to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Whether the peer is still to hear that it asked for a file in vain.
    pub(crate) fn denies(&self) -> bool {
        self.ready.iter().any(|served| matches!(served, Served::NoFile(_)))
    }

    /// Whether another part may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.ready.len() < MAX_READY
    }

    /// A part was looked up.
    pub(crate) fn push(&mut self, served: Served) {
        self.ready.push_back(served);
    }

    /// The stream has taken everything that was sent.
    pub(crate) fn taken(&mut self) {
        self.waits = false;
    }

    /// Sends what may leave now.
    pub(crate) fn advance(&mut self, out: &mut Vec<Effect>) {
        while !self.waits {
            match self.ready.front() {
                None => return,
                Some(Served::NoFile(file)) => {
                    out.push(Effect::send(&Frame::NoFile { file: *file }));
                    self.ready.pop_front();
                }
                Some(Served::Chunk(Whole { part, sealed })) => {
                    let Part { file, index, total } = *part;
                    let end = sealed.len().min(self.sent + PIECE_BYTES);
                    let piece = sealed.get(self.sent..end).unwrap_or_default().to_vec();
                    let frame = match self.sent {
                        0 => {
                            let rest = (sealed.len() - end) as u32;
                            Frame::Chunk { file, index, total, rest, sealed: piece }
                        }
                        _ => Frame::ChunkRest { sealed: piece },
                    };
                    self.sent = end;
                    if end == sealed.len() {
                        self.ready.pop_front();
                        self.sent = 0;
                    }
                    self.waits = true;
                    out.extend([Effect::send(&frame), Effect::TellWhenTaken]);
                }
            }
        }
    }
}

/// A part of which the first piece has come.
pub(crate) struct Arriving {
    part: Part,
    rest: usize,
    sealed: Vec<u8>,
}

impl Arriving {
    /// The first piece, which `rest` more bytes follow.
    pub(crate) fn new(part: Part, rest: u32, sealed: Vec<u8>) -> Self {
        Self { part, rest: rest as usize, sealed }
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// Takes another piece, unless more comes than was announced.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.rest = self.rest.checked_sub(piece.len()).ok_or(Refusal::Misbehaved)?;
        self.sealed.extend_from_slice(piece);
        Ok(())
    }

    /// The part, once all of it has come.
    pub(crate) fn whole(self) -> Result<Whole, Self> {
        if self.rest > 0 { Err(self) } else { Ok(Whole { part: self.part, sealed: self.sealed }) }
    }
}
