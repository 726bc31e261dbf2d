/// How many wrong passphrases in a row a home takes.
pub const MAX_TRIES: u8 = 10;

/// What opens a home.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// The passphrase. It is brought to Unicode's composed form (NFC) first, so that a keyboard that types accents as
    /// separate marks opens the same home.
    Passphrase(&'a str),
    /// The data key itself, for tests and for recovery. No try is counted.
    RawKey(&'a [u8; 32]),
}

/// How expensive one try of a passphrase is (Argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotOptions {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl SlotOptions {
    /// The least that is accepted (OWASP): 19 MiB, 2 passes.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
}

impl Default for SlotOptions {
    /// RFC 9106's second choice: 64 MiB, 3 passes, with one lane since phones gain nothing from more.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}
