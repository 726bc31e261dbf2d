use firsthand_ids::ContentHash;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What opens a sealed file and proves its sealed bytes. Its encoding is the detached part of the entry that records
/// the file, so destroying that part destroys the file.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct AttachmentSecret {
    /// The file's own random key; cipher key and file name are derived from it.
    pub key: [u8; 32],
    /// The hash of the chunk table, so that a table that a peer sends can be checked.
    pub table: [u8; 32],
}

impl AttachmentSecret {
    const VERSION: u8 = 1;
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = 65;

    /// The detached part of the entry: version, key, hash of the table.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::ENCODED_LEN);
        bytes.push(Self::VERSION);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.table);
        bytes
    }

    /// Reads a detached part; what a newer version appended is ignored. `None` where it is none of an attachment.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (table, _) = rest.split_first_chunk()?;
        (*version == Self::VERSION).then_some(Self { key: *key, table: *table })
    }
}

impl std::fmt::Debug for AttachmentSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttachmentSecret(..)")
    }
}

/// A file that is sealed and complete here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAttachment {
    /// SHA-256 of the plain bytes.
    pub hash: ContentHash,
    /// How many plain bytes.
    pub byte_len: u64,
    /// What opens it.
    pub secret: AttachmentSecret,
}

/// How much of a file is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentState {
    /// Nothing.
    Absent,
    /// Some chunks.
    Partial {
        /// Verified chunks here.
        present: u32,
        /// Chunks of the file.
        total: u32,
    },
    /// Everything.
    Complete,
}
