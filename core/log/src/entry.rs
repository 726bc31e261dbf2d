use firsthand_ids::{
    ChangeHash, DeviceKey, Digest, DocumentId, EntryHash, HybridTime, LocalTime, OperationHash, PersonId,
    Position, SpaceId, TeamId, WriterId,
};

use crate::LogError;
use crate::codec::{Reader, Writer};

/// The largest content of one entry: 256 KiB, the largest change the guard lets through.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The largest detached part of one entry. It holds a key or two, so 1 KiB is plenty.
pub const MAX_DETACHED_BYTES: usize = 1024;

/// The most membership heads one entry may name: that many people changing a team's members while apart.
pub const MAX_MEMBERSHIP_HEADS: usize = 64;

/// Chosen by the device; makes identifiers unpredictable.
pub type Nonce = [u8; 16];

/// Which chain: everything the hash of an entry is bound to besides the chain itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainId {
    /// The team.
    pub team: TeamId,
    /// The space of the team.
    pub space: SpaceId,
    /// The writer.
    pub writer: WriterId,
}

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// The first entry of a chain: it binds the writer to a device and a person.
    Bind,
    /// Creates a document.
    Create,
    /// Changes a document.
    Change,
    /// A kind that a newer version defines: verified, kept and passed on, not understood. Its number is 3 or more.
    Other(u8),
}

impl EntryKind {
    /// The number of the kind.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Bind => 0,
            Self::Create => 1,
            Self::Change => 2,
            Self::Other(number) => number,
        }
    }

    /// The kind of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Bind,
            1 => Self::Create,
            2 => Self::Change,
            other => Self::Other(other),
        }
    }
}

/// The part of an entry whose bytes can be destroyed without breaking the chain, because the entry's hash covers only
/// its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub enum Detached {
    /// The bytes are here.
    Present(Vec<u8>),
    /// The bytes were destroyed or withheld; this is their hash.
    HashOnly([u8; 32]),
}

impl Detached {
    /// SHA-256 of the bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        match self {
            Self::Present(bytes) => firsthand_ids::sha256(bytes),
            Self::HashOnly(hash) => *hash,
        }
    }
}

impl std::fmt::Debug for Detached {
    // The bytes are keys: they never reach a log line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Present(_) => "Present(..)",
            Self::HashOnly(_) => "HashOnly(..)",
        })
    }
}

/// The hashed fields of an entry besides its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHeader {
    /// What the entry does.
    pub kind: EntryKind,
    /// The document it is about: none for [`EntryKind::Bind`], perhaps one for unknown kinds, always one otherwise.
    pub document: Option<DocumentId>,
    /// The hash of the body, see [`content_hash`].
    pub content: ChangeHash,
    /// When, by the writer's hybrid clock.
    pub hybrid: HybridTime,
    /// When, as the person's phone showed it.
    pub local: LocalTime,
    /// The membership heads the writer had folded, strictly rising; `None` where they are those of the entry before.
    pub membership: Option<Vec<OperationHash>>,
}

/// One entry of a chain, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the chain.
    pub position: Position,
    /// The hashed fields.
    pub header: EntryHeader,
    /// For [`EntryKind::Create`]: what makes the document's id, see [`document_id`].
    pub nonce: Option<Nonce>,
    /// The content: a [`Bind`], or one uncompressed Automerge change.
    pub body: Vec<u8>,
    /// The part that may be destroyed.
    pub detached: Option<Detached>,
}

impl Entry {
    /// What the entry adds at most to a [batch](crate::Batch), encoded or restored, in bytes: its parts of variable
    /// length, and 256 for its header, its writer's id and its writer's signature.
    #[must_use]
    pub fn weight(&self) -> usize {
        let heads = self.header.membership.as_ref().map_or(0, Vec::len);
        let detached = match &self.detached {
            Some(Detached::Present(bytes)) => bytes.len(),
            Some(Detached::HashOnly(hash)) => hash.len(),
            None => 0,
        };
        256 + self.body.len() + detached + heads * OperationHash::LEN
    }

    /// Checks what one entry shows by itself: limits, that the body is the one hashed, and that the document of a
    /// creating entry is the one its nonce makes. What fails here could not travel, so no chain may hold it.
    ///
    /// # Errors
    /// [`LogError::Entry`].
    pub fn check(&self, chain: &ChainId) -> Result<(), LogError> {
        let header = &self.header;
        let document = match (header.kind, &self.nonce) {
            (EntryKind::Create, Some(nonce)) => {
                header.document == Some(document_id(&chain.space, &chain.writer, self.position, nonce))
            }
            (EntryKind::Bind, None) => header.document.is_none(),
            (EntryKind::Change, None) => header.document.is_some(),
            (EntryKind::Other(number), None) => EntryKind::from_number(number) == header.kind,
            _ => false,
        };
        let heads = header.membership.as_ref().is_none_or(|heads| {
            (1..=MAX_MEMBERSHIP_HEADS).contains(&heads.len()) && heads.is_sorted_by(|a, b| a < b)
        });
        let detached = match &self.detached {
            Some(Detached::Present(bytes)) => bytes.len() <= MAX_DETACHED_BYTES,
            Some(Detached::HashOnly(_)) | None => true,
        };
        let body =
            self.body.len() <= MAX_BODY_BYTES && header.content == content_hash(header.kind, &self.body);
        if document && heads && detached && body {
            Ok(())
        } else {
            Err(LogError::Entry { position: self.position.0 })
        }
    }
}

/// The hash of a body: for a change of a document Automerge's own change hash, otherwise a labelled hash.
///
/// A body that is no Automerge change gets the labelled hash too: it is kept and proven, and the guard refuses it.
#[must_use]
pub fn content_hash(kind: EntryKind, body: &[u8]) -> ChangeHash {
    let change = match kind {
        EntryKind::Create | EntryKind::Change => crate::change::hash(body),
        EntryKind::Bind | EntryKind::Other(_) => None,
    };
    change.unwrap_or_else(|| ChangeHash::new(Digest::new("firsthand content v1").sized(body).finish()))
}

/// The hash of the entry at `position` that follows `previous` ([`EntryHash::ZERO`] for the first).
#[must_use]
pub fn entry_hash(
    chain: &ChainId,
    position: Position,
    previous: &EntryHash,
    header: &EntryHeader,
    detached: Option<&Detached>,
) -> EntryHash {
    let mut digest = Digest::new("firsthand entry v1");
    digest.fixed(chain.team).fixed(chain.space).fixed(chain.writer).number(position.0).fixed(previous);
    digest.number(u64::from(header.kind.number()));
    match &header.document {
        Some(document) => digest.number(1).fixed(document),
        None => digest.number(0),
    };
    digest.fixed(header.content).number(header.hybrid.packed());
    digest.number(header.local.at.0 as u64).number(i64::from(header.local.offset_minutes) as u64);
    match &header.membership {
        Some(heads) => {
            digest.number(heads.len() as u64 + 1);
            for head in heads {
                digest.fixed(head);
            }
        }
        None => {
            digest.number(0);
        }
    }
    match detached {
        Some(part) => digest.number(1).fixed(part.hash()),
        None => digest.number(0),
    };
    EntryHash::new(digest.finish())
}

/// The id of a writer. Nobody can open a chain under another device's id, because the id covers the device's key.
#[must_use]
pub fn writer_id(team: &TeamId, space: &SpaceId, device: &DeviceKey, nonce: &Nonce) -> WriterId {
    let mut digest = Digest::new("firsthand writer v1");
    WriterId::new(digest.fixed(team).fixed(space).fixed(device).fixed(nonce).finish_short())
}

/// The id of the document that the entry at `position` of `writer` creates.
#[must_use]
pub fn document_id(space: &SpaceId, writer: &WriterId, position: Position, nonce: &Nonce) -> DocumentId {
    let mut digest = Digest::new("firsthand document v1");
    DocumentId::new(digest.fixed(space).fixed(writer).number(position.0).fixed(nonce).finish_short())
}

/// The body of the first entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The device whose key signs the chain.
    pub device: DeviceKey,
    /// The person the device belongs to.
    pub person: PersonId,
    /// What made the writer's id, see [`writer_id`].
    pub nonce: Nonce,
    /// The version of the program, for diagnosis: at most 64 bytes.
    pub app_version: String,
}

impl Bind {
    const MAX_VERSION_BYTES: usize = 64;

    /// The bytes of the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .byte(1)
            .fixed(self.device)
            .fixed(self.person)
            .fixed(self.nonce)
            .sized(self.app_version.as_bytes());
        writer.into_bytes()
    }

    /// Reads a body; what a newer version appended is ignored.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("binding version")? != 1 {
            return Err(LogError::Newer { what: "binding" });
        }
        Ok(Self {
            device: DeviceKey::new(reader.array("device key")?),
            person: PersonId::new(reader.array("person")?),
            nonce: reader.array("nonce")?,
            app_version: reader.text(Self::MAX_VERSION_BYTES, "app version")?.to_owned(),
        })
    }
}
