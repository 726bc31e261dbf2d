use firsthand_ids::{ContentHash, UnixMillis};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};

use super::request::sealed;
use super::{
    Entered, MAX_ANSWER_BYTES, MAX_BLOB_BYTES, MAX_BOXES, MAX_PAGE, MAX_RANGE_BYTES, MAX_SOUGHT, MailboxBase,
    Pending, Purse, RangeHead,
};

/// Why a relay did not do what a tag asked for. The connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The range does not continue anything that is there: there would be a hole before it.
    Hole,
    /// Four ranges begin there already, or one of this uploader.
    Candidates,
    /// The mailbox is full.
    MailboxFull,
    /// This uploader has used its share of the mailbox.
    ShareUsed,
    /// What was named is not there.
    Missing,
    /// Not while the mailbox is as it is: a base where there are ranges, a confirmation by the proposer or by a newcomer.
    NotNow,
    /// The signature is not the leads'.
    NotTheLeads,
    /// The relay's disk is full or failed. Nothing was kept.
    Storage,
    /// A reason of a newer version.
    Other(u8),
}

impl Refused {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Hole => 0,
            Self::Candidates => 1,
            Self::MailboxFull => 2,
            Self::ShareUsed => 3,
            Self::Missing => 4,
            Self::NotNow => 5,
            Self::NotTheLeads => 6,
            Self::Storage => 7,
            Self::Other(number) => number,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Hole,
            1 => Self::Candidates,
            2 => Self::MailboxFull,
            3 => Self::ShareUsed,
            4 => Self::Missing,
            5 => Self::NotNow,
            6 => Self::NotTheLeads,
            7 => Self::Storage,
            other => Self::Other(other),
        }
    }
}

/// Why a relay ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closing {
    /// The client said goodbye.
    Done,
    /// The relay is being stopped; it will be back.
    Stopping,
    /// No such mailbox here, or it has expired.
    NoMailbox,
    /// A signature does not fit.
    Proof,
    /// The token is unknown, expired or used up.
    Token,
    /// What came is not a request, or not one that may come now.
    Forbidden,
    /// Nothing that was expected came in time.
    Late,
    /// The relay has as many connections as it can take.
    Busy,
    /// The relay's disk is full or failed.
    Storage,
    /// A reason of a newer version.
    Other(u8),
}

impl Closing {
    const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Stopping => 1,
            Self::NoMailbox => 2,
            Self::Proof => 3,
            Self::Token => 4,
            Self::Forbidden => 5,
            Self::Late => 6,
            Self::Busy => 7,
            Self::Storage => 8,
            Self::Other(number) => number,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::Stopping,
            2 => Self::NoMailbox,
            3 => Self::Proof,
            4 => Self::Token,
            5 => Self::Forbidden,
            6 => Self::Late,
            7 => Self::Busy,
            8 => Self::Storage,
            other => Self::Other(other),
        }
    }

    /// One word for logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopping => "stopping",
            Self::NoMailbox => "no_mailbox",
            Self::Proof => "proof",
            Self::Token => "token",
            Self::Forbidden => "forbidden",
            Self::Late => "late",
            Self::Busy => "busy",
            Self::Storage => "storage",
            Self::Other(_) => "other",
        }
    }
}

/// What a relay says to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The mailbox is registered.
    Registered,
    /// The mailbox is open.
    Entered {
        /// What the relay's clock shows.
        now: UnixMillis,
        /// How the mailbox stands.
        mailbox: Entered,
    },
    /// A page of the list.
    Listed {
        /// Set where the list begins anew: what this client had seen is not what the relay has. It names where the mailbox
        /// begins.
        restart: Option<MailboxBase>,
        /// Ranges, in the order of their serials.
        ranges: Vec<RangeHead>,
        /// Whether another page follows at once.
        more: bool,
    },
    /// A range: one that was asked for, or a short new one, which stands for its place in the list, too.
    Range {
        /// Which.
        head: RangeHead,
        /// Whether it comes unasked, in its place in the list.
        pushed: bool,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// A range that was asked for is not there.
    Gone {
        /// Which.
        serial: u64,
    },
    /// What the tag asked for is done, and durably so.
    Done {
        /// The client's number.
        tag: u64,
        /// The serial of the range that was put; 0 for anything else.
        serial: u64,
    },
    /// What the tag asked for was not done.
    Refused {
        /// The client's number.
        tag: u64,
        /// Why.
        reason: Refused,
    },
    /// Which of what was asked after is there.
    Found {
        /// The client's number.
        tag: u64,
        /// In the order asked.
        there: Vec<bool>,
    },
    /// A blob.
    Blob {
        /// The client's number.
        tag: u64,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// The boxes that were left in the mailbox.
    Boxes {
        /// The client's number.
        tag: u64,
        /// SHA-256 of each, in the order left.
        ids: Vec<ContentHash>,
    },
    /// The connection ends.
    Goodbye(Closing),
}

impl Answer {
    /// The answer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Registered => {
                out.byte(1);
            }
            Self::Entered { now, mailbox } => {
                out.byte(2).signed(now.0);
                encode_entered(&mut out, mailbox);
            }
            Self::Listed { restart, ranges, more } => {
                out.byte(3).byte(u8::from(*more)).byte(u8::from(restart.is_some()));
                if let Some(base) = restart {
                    base.encode(&mut out);
                }
                out.number(ranges.len() as u64);
                for head in ranges {
                    head.encode(&mut out);
                }
            }
            Self::Range { head, pushed, sealed } => {
                head.encode(out.byte(4));
                out.byte(u8::from(*pushed)).fixed(sealed);
            }
            Self::Gone { serial } => {
                out.byte(5).number(*serial);
            }
            Self::Done { tag, serial } => {
                out.byte(6).number(*tag).number(*serial);
            }
            Self::Refused { tag, reason } => {
                out.byte(7).number(*tag).byte(reason.number());
            }
            Self::Found { tag, there } => {
                out.byte(8).number(*tag).number(there.len() as u64);
                for eight in there.chunks(8) {
                    let bits =
                        eight.iter().enumerate().fold(0, |bits, (at, bit)| bits | u8::from(*bit) << at);
                    out.byte(bits);
                }
            }
            Self::Blob { tag, sealed } => {
                out.byte(9).number(*tag).fixed(sealed);
            }
            Self::Boxes { tag, ids } => {
                out.byte(10).number(*tag).number(ids.len() as u64);
                for id in ids {
                    out.fixed(id);
                }
            }
            Self::Goodbye(reason) => {
                out.byte(11).byte(reason.number());
            }
        }
        out.into_bytes()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`LogError`]; [`LogError::Newer`] for a kind of answer this version does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(LogError::TooLarge { what: "answer", limit: MAX_ANSWER_BYTES as u64 });
        }
        let mut reader = Reader::new(bytes);
        let answer = match reader.byte("answer kind")? {
            1 => Self::Registered,
            2 => Self::Entered {
                now: UnixMillis(reader.signed("clock")?),
                mailbox: decode_entered(&mut reader)?,
            },
            3 => {
                let more = flag(&mut reader)?;
                let restart = if flag(&mut reader)? { Some(MailboxBase::decode(&mut reader)?) } else { None };
                let ranges = heads(&mut reader)?;
                Self::Listed { restart, ranges, more }
            }
            4 => {
                let head = RangeHead::decode(&mut reader)?;
                let pushed = flag(&mut reader)?;
                let sealed = sealed(&mut reader, MAX_RANGE_BYTES)?;
                if sealed.len() != head.len as usize {
                    return Err(reader.malformed("range"));
                }
                Self::Range { head, pushed, sealed }
            }
            5 => Self::Gone { serial: reader.number("serial")? },
            6 => Self::Done { tag: reader.number("tag")?, serial: reader.number("serial")? },
            7 => Self::Refused {
                tag: reader.number("tag")?,
                reason: Refused::from_number(reader.byte("reason")?),
            },
            8 => Self::Found { tag: reader.number("tag")?, there: bits(&mut reader)? },
            9 => {
                let tag = reader.number("tag")?;
                Self::Blob { tag, sealed: sealed(&mut reader, MAX_BLOB_BYTES)? }
            }
            10 => {
                let tag = reader.number("tag")?;
                let count = reader.count(MAX_BOXES, "boxes")?;
                let ids = (0..count).map(|_| Ok(ContentHash::new(reader.array("box")?)));
                Self::Boxes { tag, ids: ids.collect::<Result<_, LogError>>()? }
            }
            11 => Self::Goodbye(Closing::from_number(reader.byte("reason")?)),
            _ => return Err(LogError::Newer { what: "answer" }),
        };
        reader.finish("answer")?;
        Ok(answer)
    }
}

fn encode_entered(out: &mut Writer, mailbox: &Entered) {
    let Entered { serial, known, purse, snapshot, pending } = mailbox;
    out.number(*serial)
        .byte(u8::from(*known))
        .number(purse.used)
        .number(purse.quota)
        .number(purse.own)
        .number(purse.share);
    out.byte(u8::from(snapshot.is_some()));
    if let Some(snapshot) = snapshot {
        out.fixed(snapshot);
    }
    out.byte(u8::from(pending.is_some()));
    if let Some(Pending { proposal, snapshot, base, due }) = pending {
        base.encode(out.fixed(proposal).fixed(snapshot).signed(due.map_or(0, |due| due.0)));
    }
}

fn decode_entered(reader: &mut Reader<'_>) -> Result<Entered, LogError> {
    let serial = reader.number("serial")?;
    let known = flag(reader)?;
    let purse = Purse {
        used: reader.number("bytes")?,
        quota: reader.number("bytes")?,
        own: reader.number("bytes")?,
        share: reader.number("bytes")?,
    };
    let snapshot = if flag(reader)? { Some(ContentHash::new(reader.array("snapshot")?)) } else { None };
    let pending = if flag(reader)? {
        let proposal = reader.array("proposal")?;
        let snapshot = ContentHash::new(reader.array("snapshot")?);
        let due = Some(UnixMillis(reader.signed("time")?)).filter(|due| due.0 != 0);
        Some(Pending { proposal, snapshot, due, base: MailboxBase::decode(reader)? })
    } else {
        None
    };
    Ok(Entered { serial, known, purse, snapshot, pending })
}

fn heads(reader: &mut Reader<'_>) -> Result<Vec<RangeHead>, LogError> {
    let count = reader.count(MAX_PAGE, "ranges")?;
    let mut ranges: Vec<RangeHead> = Vec::with_capacity(count);
    for _ in 0..count {
        let head = RangeHead::decode(reader)?;
        if ranges.last().is_some_and(|last| last.serial >= head.serial) {
            return Err(reader.malformed("serial"));
        }
        ranges.push(head);
    }
    Ok(ranges)
}

fn bits(reader: &mut Reader<'_>) -> Result<Vec<bool>, LogError> {
    // Of places there are fewer.
    let count = reader.count(MAX_SOUGHT, "what was found")?;
    let bytes = reader.take(count.div_ceil(8), "what was found")?;
    let bit = |at: usize| bytes[at / 8] >> (at % 8) & 1 == 1;
    if (count..bytes.len() * 8).any(bit) {
        return Err(reader.malformed("what was found"));
    }
    Ok((0..count).map(bit).collect())
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, LogError> {
    match reader.byte("flag")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.malformed("flag")),
    }
}
