use firsthand_ids::ContentHash;
use firsthand_record::VariantKind;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What opens a sealed file and proves its sealed bytes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct AttachmentSecret {
    /// The file's own random key; cipher key and file name are derived from it.
    pub key: [u8; 32],
    /// The hash of the chunk table, so that a table that a peer sends can be checked.
    pub table: [u8; 32],
    /// What names the file at relays: SHA-256 of its root, which is the only chunk of a short file and the sealed table of a longer one.
    pub root: [u8; 32],
}

impl AttachmentSecret {
    const LEN: usize = 96;

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.table);
        bytes.extend_from_slice(&self.root);
    }

    fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let mut secret = Self { key: [0; 32], table: [0; 32], root: [0; 32] };
        secret.key.copy_from_slice(&bytes[..32]);
        secret.table.copy_from_slice(&bytes[32..64]);
        secret.root.copy_from_slice(&bytes[64..]);
        secret
    }
}

/// What opens a file and its smaller forms. Its encoding is the detached part of the entry that records the file, so
/// destroying that part destroys all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSecrets {
    /// Of the file itself.
    pub original: AttachmentSecret,
    /// Of its smaller forms, each kind once.
    pub forms: Vec<(VariantKind, AttachmentSecret)>,
}

impl From<AttachmentSecret> for FileSecrets {
    fn from(original: AttachmentSecret) -> Self {
        Self { original, forms: Vec::new() }
    }
}

impl FileSecrets {
    const VERSION: u8 = 1;

    /// The detached part of the entry: version, key, hash of the table and name at relays; then for each smaller form its number
    /// and the same.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(1 + AttachmentSecret::LEN + self.forms.len() * (1 + AttachmentSecret::LEN));
        bytes.push(Self::VERSION);
        self.original.encode(&mut bytes);
        for (form, secret) in &self.forms {
            bytes.push(form_number(*form));
            secret.encode(&mut bytes);
        }
        bytes
    }

    /// Reads a detached part; forms that only a newer version knows, and what it appended, are passed over. Of two of one
    /// kind the first counts. `None` where it is none of an attachment.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (original, mut rest) = rest.split_first_chunk()?;
        if *version != Self::VERSION {
            return None;
        }
        let mut secrets = Self { original: AttachmentSecret::decode(original), forms: Vec::new() };
        while let Some((number, after)) = rest.split_first()
            && let Some((secret, after)) = after.split_first_chunk()
        {
            rest = after;
            let form = form_of_number(*number).filter(|form| *form != VariantKind::Original);
            if let Some(form) = form.filter(|form| secrets.form(*form).is_none()) {
                secrets.forms.push((form, AttachmentSecret::decode(secret)));
            }
        }
        Some(secrets)
    }

    /// What opens one form of the file.
    #[must_use]
    pub fn form(&self, form: VariantKind) -> Option<&AttachmentSecret> {
        if form == VariantKind::Original {
            return Some(&self.original);
        }
        self.forms.iter().find(|(kind, _)| *kind == form).map(|(_, secret)| secret)
    }
}

/// The number of a form of a file, on the disk and between devices.
#[must_use]
pub const fn form_number(form: VariantKind) -> u8 {
    match form {
        VariantKind::Original => 0,
        VariantKind::Thumb => 1,
        VariantKind::Preview => 2,
    }
}

/// The form that has a number; `None` for those that only a newer version knows.
#[must_use]
pub const fn form_of_number(number: u8) -> Option<VariantKind> {
    match number {
        0 => Some(VariantKind::Original),
        1 => Some(VariantKind::Thumb),
        2 => Some(VariantKind::Preview),
        _ => None,
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
