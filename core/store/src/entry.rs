use firsthand_ids::{
    ChangeHash, DeviceKey, DocumentId, EntryHash, HybridTime, LocalTime, OperationHash, PersonId, Position,
    SpaceId, WriterId,
};
use firsthand_log::{Entry, EntryKind, Nonce, Signature, SignedHead};

use crate::EntryState;

/// What is known of an entry without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its number in the order in which this device kept entries.
    pub number: u64,
    /// The space.
    pub space: SpaceId,
    /// Whose chain.
    pub writer: WriterId,
    /// The device the chain is bound to.
    pub device: DeviceKey,
    /// The person the device belongs to.
    pub person: PersonId,
    /// Its place in the chain.
    pub position: Position,
    /// Its hash.
    pub hash: EntryHash,
    /// What it does.
    pub kind: EntryKind,
    /// The document it is about.
    pub document: Option<DocumentId>,
    /// The hash of its content.
    pub content: ChangeHash,
    /// When, by the writer's hybrid clock.
    pub hybrid: HybridTime,
    /// The order for people.
    pub effective: HybridTime,
    /// When, as the person's phone showed it.
    pub local: LocalTime,
    /// The membership heads in force, whether this entry names them or an earlier one.
    pub membership: Vec<OperationHash>,
    /// What became of it.
    pub state: EntryState,
}

/// An entry with everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// What is known of it.
    pub info: EntryInfo,
    /// The entry, byte for byte.
    pub entry: Entry,
    /// The signature under it, where one was kept.
    pub signature: Option<Signature>,
}

impl StoredEntry {
    /// The signed head at this entry, where a signature was kept.
    #[must_use]
    pub fn head(&self) -> Option<SignedHead> {
        let signature = self.signature?;
        Some(SignedHead { position: self.info.position, hash: self.info.hash, signature })
    }
}

/// A change of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// The entry that carries it.
    pub info: EntryInfo,
    /// For the entry that creates the document: what makes the document's id.
    pub nonce: Option<Nonce>,
    /// The change.
    pub body: Vec<u8>,
}

/// A document as it was last saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// The document.
    pub id: DocumentId,
    /// The space it is in.
    pub space: SpaceId,
    /// Its kind.
    pub kind: String,
    /// The entry that created it.
    pub creator: (WriterId, Position),
    /// Its saved bytes.
    pub saved: Vec<u8>,
    /// How many of its entries are not applied.
    pub unsettled: u64,
}

/// How much is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries.
    pub entries: u64,
    /// Documents that entries name, applied or not.
    pub documents: u64,
    /// Incidents in the lists, hidden ones included.
    pub incidents: u64,
    /// Entries that wait for something.
    pub waiting: u64,
    /// Entries in quarantine.
    pub held: u64,
    /// Entries that need a newer version.
    pub not_understood: u64,
    /// Documents that wait for the full-text index.
    pub text_pending: u64,
}
