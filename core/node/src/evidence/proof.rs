use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use firsthand_document::canonical;
use firsthand_ids::{
    ChangeHash, DeviceKey, Digest, DocumentId, EntryHash, HybridTime, LocalTime, OperationHash, PersonId,
    Position, SpaceId, TeamId, WriterId,
};
use firsthand_log::{
    ChainId, Detached, DeviceSecret, Entry, EntryHeader, EntryKind, Nonce, Receipt, Signature,
};
use firsthand_record::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name of the file that proves the others.
pub const PROOF_NAME: &str = "evidence.json";
/// The largest such file that is read: 1,000 files with 20 notes of custody each take some 10 MB.
pub(crate) const MAX_PROOF_BYTES: u64 = 64 * 1024 * 1024;

/// The most entries between a record and a receipt that covers it: each takes some 400 bytes in a folder.
pub(crate) const MAX_DISTANCE: u64 = 1024;

const FORMAT: &str = "firsthand evidence";
const VERSION: u32 = 1;

/// Why a proof cannot be read. Messages complete "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// There is no such file in the folder, or it cannot be read.
    #[error("read evidence.json in the folder: {0}")]
    File(#[from] std::io::Error),
    /// It is longer than any that this program writes.
    #[error("read evidence.json: it has more than {MAX_PROOF_BYTES} bytes")]
    TooLong,
    /// It is no such JSON.
    #[error("read evidence.json: line {line}, column {column}: {reason}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is of another format.
    #[error("read evidence.json: it is not an evidence folder of Firsthand")]
    Foreign,
    /// A newer version wrote it.
    #[error("read evidence.json: version {0} of the format; a newer version of the program reads it")]
    Newer(u32),
    /// The person stopped it.
    #[error("finish: stopped")]
    Stopped,
}

/// Everything in a folder's `evidence.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    pub(crate) format: String,
    pub(crate) version: u32,
    pub(crate) team: TeamId,
    pub(crate) space: SpaceId,
    pub(crate) incident: DocumentId,
    pub(crate) short_code: String,
    /// Names as the exporting device knows them: said by it, and by nobody else.
    pub(crate) people: BTreeMap<PersonId, String>,
    pub(crate) files: Vec<ProofFile>,
    pub(crate) chains: Vec<ProofChain>,
    /// What other devices signed of having seen these chains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) receipts: Vec<ProofReceipt>,
    pub(crate) exported: Exported,
    /// The exporting device's, over everything else.
    pub(crate) signature: Hex<64>,
}

/// Who wrote the folder, and when by that device's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exported {
    pub(crate) at: Moment,
    pub(crate) device: DeviceKey,
    pub(crate) person: PersonId,
}

/// A file and its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProofFile {
    pub(crate) document: DocumentId,
    /// Below the folder, with `/`; absent where the file itself was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// The record, for people who read it without the program. It says what the entries say, and is compared with them.
    pub(crate) record: Map<String, Value>,
    /// The one of them that destroyed the file's key: said by the exporting device, which knows who had the right to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destroyed: Option<Place>,
    /// The entries that make the record, in an order in which each follows those that it builds on.
    pub(crate) entries: Vec<Place>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) writer: WriterId,
    pub(crate) position: u64,
}

/// Parts of one device's chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProofChain {
    pub(crate) writer: WriterId,
    /// With `nonce` it makes the writer's id.
    pub(crate) device: DeviceKey,
    pub(crate) nonce: Hex<16>,
    /// Whose device it is: said by the exporting device.
    pub(crate) person: PersonId,
    pub(crate) runs: Vec<ProofRun>,
}

/// Consecutive entries that end at one which the device signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProofRun {
    pub(crate) from: u64,
    /// The hash of the entry before the first.
    pub(crate) previous: EntryHash,
    pub(crate) entries: Vec<ProofEntry>,
    /// Under the hash of the last.
    pub(crate) signature: Hex<64>,
}

/// That a device held a chain so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProofReceipt {
    pub(crate) writer: WriterId,
    pub(crate) position: u64,
    pub(crate) hash: EntryHash,
    /// Who signed it.
    pub(crate) device: DeviceKey,
    /// Whose device it is: said by the exporting device.
    pub(crate) person: PersonId,
    pub(crate) hybrid: (i64, u16),
    pub(crate) local: (i64, i16),
    pub(crate) signature: Hex<64>,
}

impl ProofReceipt {
    pub(crate) fn new(receipt: &Receipt, device: DeviceKey, person: PersonId) -> Self {
        let Receipt { writer, position, hash, hybrid, local, signature } = *receipt;
        Self {
            writer,
            position: position.0,
            hash,
            device,
            person,
            hybrid: (hybrid.millis().0, hybrid.counter()),
            local: (local.at.0, local.offset_minutes),
            signature: Hex(signature),
        }
    }

    pub(crate) const fn receipt(&self) -> Receipt {
        Receipt {
            writer: self.writer,
            position: Position(self.position),
            hash: self.hash,
            hybrid: HybridTime::new(firsthand_ids::UnixMillis(self.hybrid.0), self.hybrid.1),
            local: LocalTime { at: firsthand_ids::UnixMillis(self.local.0), offset_minutes: self.local.1 },
            signature: self.signature.0,
        }
    }
}

/// What an entry's hash covers; of the entries that the records need, the body as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProofEntry {
    pub(crate) kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<DocumentId>,
    pub(crate) content: ChangeHash,
    /// Milliseconds since 1970, and the counter within one.
    pub(crate) hybrid: (i64, u16),
    /// Milliseconds since 1970, and minutes ahead of UTC.
    pub(crate) local: (i64, i16),
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) membership: Option<Vec<OperationHash>>,
    /// SHA-256 of the detached part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detached: Option<Hex<32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<Hex<16>>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Base64>,
}

impl Proof {
    /// A proof that nobody signed yet.
    pub(crate) fn unsigned(
        (team, space): (TeamId, SpaceId),
        (incident, short_code): (DocumentId, String),
        exported: Exported,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            team,
            space,
            incident,
            short_code,
            people: BTreeMap::new(),
            files: Vec::new(),
            chains: Vec::new(),
            receipts: Vec::new(),
            exported,
            signature: Hex([0; 64]),
        }
    }

    /// Reads the bytes of an `evidence.json`.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() as u64 > MAX_PROOF_BYTES {
            return Err(ProofError::TooLong);
        }
        #[derive(Deserialize)]
        struct Head {
            format: Option<String>,
            version: Option<u32>,
        }
        let malformed = |error: serde_json::Error| {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
            ProofError::Malformed { line: error.line(), column: error.column(), reason }
        };
        let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
        match (head.format.as_deref(), head.version) {
            (Some(FORMAT), Some(VERSION)) => serde_json::from_slice(bytes).map_err(malformed),
            (Some(FORMAT), Some(newer)) if newer > VERSION => Err(ProofError::Newer(newer)),
            _ => Err(ProofError::Foreign),
        }
    }

    /// Its bytes, for people to read as well.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The chain of a writer.
    pub(crate) const fn chain(&self, writer: WriterId) -> ChainId {
        ChainId { team: self.team, space: self.space, writer }
    }

    pub(crate) fn sign(&mut self, secret: &DeviceSecret) {
        self.signature = Hex(secret.sign(&self.message()));
    }

    /// What the exporting device signs.
    pub(crate) fn message(&self) -> [u8; 32] {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.remove("signature");
        }
        Digest::new("firsthand evidence folder v1").sized(canonical(&value).as_bytes()).finish()
    }
}

impl ProofEntry {
    pub(crate) fn new(entry: &Entry, with_body: bool) -> Self {
        let header = &entry.header;
        let hybrid = header.hybrid;
        Self {
            kind: header.kind.number(),
            document: header.document,
            content: header.content,
            hybrid: (hybrid.millis().0, hybrid.counter()),
            local: (header.local.at.0, header.local.offset_minutes),
            membership: header.membership.clone(),
            detached: entry.detached.as_ref().map(|part| Hex(part.hash())),
            nonce: entry.nonce.filter(|_| with_body).map(Hex),
            body: with_body.then(|| Base64(entry.body.clone())),
        }
    }

    pub(crate) fn header(&self) -> EntryHeader {
        EntryHeader {
            kind: EntryKind::from_number(self.kind),
            document: self.document,
            content: self.content,
            hybrid: HybridTime::new(firsthand_ids::UnixMillis(self.hybrid.0), self.hybrid.1),
            local: LocalTime { at: firsthand_ids::UnixMillis(self.local.0), offset_minutes: self.local.1 },
            membership: self.membership.clone(),
        }
    }

    pub(crate) fn detached(&self) -> Option<Detached> {
        self.detached.map(|hash| Detached::HashOnly(hash.0))
    }

    /// The entry with its body; `None` where that was left out.
    pub(crate) fn whole(&self, position: Position) -> Option<Entry> {
        Some(Entry {
            position,
            header: self.header(),
            nonce: self.nonce.map(|nonce| -> Nonce { nonce.0 }),
            body: self.body.as_ref()?.0.clone(),
            detached: self.detached(),
        })
    }
}

/// Bytes that stand as lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl Hex<64> {
    pub(crate) const fn signature(&self) -> &Signature {
        &self.0
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!("{} lower-case hexadecimal digits are needed", 2 * N))
        })
    }
}

/// Bytes in Base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(|_| serde::de::Error::custom("Base64 is needed"))
    }
}
