/// Why bytes of a log were not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The bytes end early, run on, or hold a value their format forbids. Whoever sent them is at fault.
    #[error("read {what} at byte {at}: malformed")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Offset into the input.
        at: usize,
    },
    /// A length or count above the limit of its format, refused before anything was allocated for it.
    #[error("accept {what}: larger than {limit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit, in bytes or items.
        limit: u64,
    },
    /// The bytes need a newer version of the program.
    #[error("read {what}: written by a newer version")]
    Newer {
        /// What carries the newer version.
        what: &'static str,
    },
    /// The entries name something that this device does not hold; the sender assumed it did.
    #[error("resolve a reference to an entry that is not here")]
    MissingReference,
    /// The entries do not continue the chain they claim to continue.
    #[error("continue the chain at position {expected}: the run begins at {found}")]
    Gap {
        /// The next position of the chain as it is held here.
        expected: u64,
        /// The position the run begins with.
        found: u64,
    },
    /// The signature does not cover these entries: forged, damaged, or from a forked chain.
    #[error("verify the signature at the head of the run")]
    Signature,
    /// The parts of an entry do not fit together: a body that is not the one hashed, a document that its creating
    /// entry does not make, too many membership heads.
    #[error("accept the entry at position {position}: its parts do not fit together")]
    Entry {
        /// Its place in the chain.
        position: u64,
    },
    /// The first entry of a chain does not bind the writer to this device, or a later one tries to.
    #[error("bind the writer to its device")]
    Binding,
    /// Compressed bytes that do not decompress.
    #[error("decompress")]
    Compression,
}
