use firsthand_ids::{ContentHash, DeviceKey, Position, WriterPseudonym};
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::{LogError, Signature};

use super::names::read_positions;
use super::{
    BlobKind, ListDigest, ListPoint, MAX_BLOB_BYTES, MAX_RANGE_BYTES, MAX_RECALLED, MAX_REQUEST_BYTES,
    MAX_SOUGHT, MAX_WANTED_RANGES, MailboxBase, Token,
};

/// What a client says to a relay. A tag is the client's own number for what it asks; the answer carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Makes a mailbox. Registering the same one again changes nothing.
    Register {
        /// From the relay's operator.
        token: Token,
        /// The key that opens the mailbox.
        mailbox: DeviceKey,
        /// The key that may replace ranges by a snapshot.
        leads: DeviceKey,
        /// The mailbox's signature.
        proof: Signature,
    },
    /// Opens a mailbox.
    Enter {
        /// Its key.
        mailbox: DeviceKey,
        /// The key that this device's uploads are charged to.
        uploader: DeviceKey,
        /// The mailbox's signature.
        proof: Signature,
        /// The uploader's.
        uploader_proof: Signature,
        /// How far this client has seen the list.
        seen: ListPoint,
    },
    /// Asks which of these places its list has been at: whoever saw what the relay has lost goes on from the last one that both
    /// know.
    Recall {
        /// The client's number.
        tag: u64,
        /// Places that this client was at, the newest first.
        points: Vec<ListPoint>,
    },
    /// Says where the mailbox begins. Taken while nothing is in it.
    Base {
        /// The client's number.
        tag: u64,
        /// Where it begins.
        base: MailboxBase,
    },
    /// Asks for the list of ranges behind what this client has seen, and for what follows as it comes. Once a connection.
    Follow {
        /// The last serial seen.
        serial: u64,
        /// Over the list up to there.
        digest: ListDigest,
    },
    /// Brings a range.
    Put {
        /// The client's number.
        tag: u64,
        /// Whose entries.
        writer: WriterPseudonym,
        /// The first position.
        from: Position,
        /// The last position.
        to: Position,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// Asks for ranges by their serials.
    Get {
        /// Which, in rising order.
        serials: Vec<u64>,
    },
    /// Asks which of these blobs are there.
    Seek {
        /// The client's number.
        tag: u64,
        /// SHA-256 of each.
        ids: Vec<ContentHash>,
    },
    /// Brings a blob.
    Keep {
        /// The client's number.
        tag: u64,
        /// What it is.
        kind: BlobKind,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// Asks for a blob.
    Fetch {
        /// The client's number.
        tag: u64,
        /// Its SHA-256.
        id: ContentHash,
    },
    /// Asks which boxes were left here.
    Boxes {
        /// The client's number.
        tag: u64,
    },
    /// Proposes that a snapshot stand for everything up to a base.
    Replace {
        /// The client's number.
        tag: u64,
        /// The snapshot's first blob, which must be there.
        snapshot: ContentHash,
        /// What it stands for.
        base: MailboxBase,
        /// The leads' signature.
        proof: Signature,
    },
    /// Confirms, as another uploader than its proposer's, that the snapshot holds what it should.
    Confirm {
        /// The client's number.
        tag: u64,
        /// The proposal: what the leads signed.
        proposal: [u8; 32],
    },
    /// Asks whether the list has grown: answered once everything was listed that was there when this came.
    Check {
        /// The client's number.
        tag: u64,
    },
    /// Ends the connection.
    Goodbye,
}

impl Request {
    /// The request's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Register { token, mailbox, leads, proof } => {
                out.byte(1).fixed(token.as_bytes()).fixed(mailbox).fixed(leads).fixed(proof);
            }
            Self::Enter { mailbox, uploader, proof, uploader_proof, seen } => {
                out.byte(2).fixed(mailbox).fixed(uploader).fixed(proof).fixed(uploader_proof);
                out.number(seen.serial).fixed(seen.digest.0);
            }
            Self::Base { tag, base } => base.encode(out.byte(3).number(*tag)),
            Self::Follow { serial, digest } => {
                out.byte(4).number(*serial).fixed(digest.0);
            }
            Self::Put { tag, writer, from, to, sealed } => {
                out.byte(5).number(*tag).fixed(writer).number(from.0).number(to.0 - from.0).fixed(sealed);
            }
            Self::Get { serials } => {
                out.byte(6).number(serials.len() as u64);
                let mut before = 0;
                for serial in serials {
                    out.number(serial - before);
                    before = *serial;
                }
            }
            Self::Seek { tag, ids } => {
                out.byte(7).number(*tag).number(ids.len() as u64);
                for id in ids {
                    out.fixed(id);
                }
            }
            Self::Keep { tag, kind, sealed } => {
                out.byte(8).number(*tag).byte(kind.number()).fixed(sealed);
            }
            Self::Fetch { tag, id } => {
                out.byte(9).number(*tag).fixed(id);
            }
            Self::Boxes { tag } => {
                out.byte(10).number(*tag);
            }
            Self::Replace { tag, snapshot, base, proof } => {
                base.encode(out.byte(11).number(*tag).fixed(snapshot).fixed(proof));
            }
            Self::Confirm { tag, proposal } => {
                out.byte(12).number(*tag).fixed(proposal);
            }
            Self::Goodbye => {
                out.byte(13);
            }
            Self::Check { tag } => {
                out.byte(14).number(*tag);
            }
            Self::Recall { tag, points } => {
                out.byte(15).number(*tag).number(points.len() as u64);
                let mut before = None;
                for point in points {
                    out.number(before.map_or(point.serial, |before| before - point.serial))
                        .fixed(point.digest.0);
                    before = Some(point.serial);
                }
            }
        }
        out.into_bytes()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Any [`LogError`]; [`LogError::Newer`] for a kind of request this version does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(LogError::TooLarge { what: "request", limit: MAX_REQUEST_BYTES as u64 });
        }
        let mut reader = Reader::new(bytes);
        let request = match reader.byte("request kind")? {
            1 => Self::Register {
                token: Token::new(reader.array("token")?),
                mailbox: DeviceKey::new(reader.array("mailbox")?),
                leads: DeviceKey::new(reader.array("leads")?),
                proof: reader.array("proof")?,
            },
            2 => Self::Enter {
                mailbox: DeviceKey::new(reader.array("mailbox")?),
                uploader: DeviceKey::new(reader.array("uploader")?),
                proof: reader.array("proof")?,
                uploader_proof: reader.array("proof")?,
                seen: ListPoint {
                    serial: reader.number("serial")?,
                    digest: ListDigest(reader.array("digest")?),
                },
            },
            3 => Self::Base { tag: reader.number("tag")?, base: MailboxBase::decode(&mut reader)? },
            4 => {
                Self::Follow { serial: reader.number("serial")?, digest: ListDigest(reader.array("digest")?) }
            }
            5 => {
                let tag = reader.number("tag")?;
                let (writer, from, to) = read_positions(&mut reader)?;
                let sealed = sealed(&mut reader, MAX_RANGE_BYTES)?;
                Self::Put { tag, writer, from, to, sealed }
            }
            6 => Self::Get { serials: serials(&mut reader)? },
            7 => {
                let tag = reader.number("tag")?;
                let count = reader.count(MAX_SOUGHT, "blobs")?;
                let ids = (0..count).map(|_| Ok(ContentHash::new(reader.array("blob")?)));
                Self::Seek { tag, ids: ids.collect::<Result<_, LogError>>()? }
            }
            8 => {
                let tag = reader.number("tag")?;
                let kind = BlobKind::from_number(reader.byte("blob kind")?);
                let kind = kind.ok_or_else(|| reader.malformed("blob kind"))?;
                Self::Keep { tag, kind, sealed: sealed(&mut reader, MAX_BLOB_BYTES)? }
            }
            9 => Self::Fetch { tag: reader.number("tag")?, id: ContentHash::new(reader.array("blob")?) },
            10 => Self::Boxes { tag: reader.number("tag")? },
            11 => Self::Replace {
                tag: reader.number("tag")?,
                snapshot: ContentHash::new(reader.array("snapshot")?),
                proof: reader.array("proof")?,
                base: MailboxBase::decode(&mut reader)?,
            },
            12 => Self::Confirm { tag: reader.number("tag")?, proposal: reader.array("proposal")? },
            13 => Self::Goodbye,
            14 => Self::Check { tag: reader.number("tag")? },
            15 => Self::Recall { tag: reader.number("tag")?, points: points(&mut reader)? },
            _ => return Err(LogError::Newer { what: "request" }),
        };
        reader.finish("request")?;
        Ok(request)
    }
}

/// Sealed bytes to the end; there are some.
pub(super) fn sealed(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<u8>, LogError> {
    let bytes = reader.rest();
    if bytes.is_empty() {
        return Err(reader.malformed("sealed bytes"));
    }
    if bytes.len() > limit {
        return Err(LogError::TooLarge { what: "sealed bytes", limit: limit as u64 });
    }
    Ok(bytes.to_vec())
}

/// Places in falling order, as differences of their serials.
fn points(reader: &mut Reader<'_>) -> Result<Vec<ListPoint>, LogError> {
    let count = reader.count(MAX_RECALLED, "places")?;
    let mut points: Vec<ListPoint> = Vec::with_capacity(count);
    for _ in 0..count {
        let number = reader.number("serial")?;
        let serial = match points.last() {
            None => Some(number),
            Some(newer) => newer.serial.checked_sub(number).filter(|_| number > 0),
        };
        let serial = serial.filter(|serial| *serial > 0).ok_or_else(|| reader.malformed("serial"))?;
        points.push(ListPoint { serial, digest: ListDigest(reader.array("digest")?) });
    }
    Ok(points)
}

/// Serials as differences, so that they rise and have one encoding.
fn serials(reader: &mut Reader<'_>) -> Result<Vec<u64>, LogError> {
    let count = reader.count(MAX_WANTED_RANGES, "serials")?;
    let mut serials = Vec::with_capacity(count);
    let mut last = 0u64;
    for _ in 0..count {
        let step = reader.number("serial")?;
        last = match last.checked_add(step) {
            Some(serial) if step > 0 => serial,
            _ => return Err(reader.malformed("serial")),
        };
        serials.push(last);
    }
    if serials.is_empty() { Err(reader.malformed("serials")) } else { Ok(serials) }
}
