use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not the hexadecimal form of the identifier it was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct ParseIdError {
    /// How many digits the identifier has.
    pub expected: usize,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps raw bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Reads raw bytes; `None` when the length is wrong.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The first eight hexadecimal digits: enough for a person to tell two apart on a screen.
            #[must_use]
            pub fn short(&self) -> String {
                hex(&self.0[..4])
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut out = [0u8; $len];
                if unhex(text, &mut out) { Ok(Self(out)) } else { Err(ParseIdError { expected: 2 * $len }) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier!(
    /// A team: the hash of the operation that founded it.
    TeamId, 32
);
identifier!(
    /// A space: the set of people who may read one group of documents.
    SpaceId, 16
);
identifier!(
    /// A writer: one append-only chain of one device in one space. Also the Automerge actor of its changes.
    WriterId, 16
);
identifier!(
    /// A mailbox at a relay: the hash of the key that opens it.
    MailboxId, 16
);
identifier!(
    /// What a relay calls a writer: the same in one mailbox, another in the next.
    WriterPseudonym, 16
);
identifier!(
    /// A document: one record with its whole history.
    DocumentId, 16
);
identifier!(
    /// A person, who may own several devices.
    PersonId, 16
);
identifier!(
    /// A device's Ed25519 public key, which signs.
    DeviceKey, 32
);
identifier!(
    /// A device's X25519 public key, which authenticates channels.
    ExchangeKey, 32
);
identifier!(
    /// The hash of a log entry, which commits to everything before it in its chain.
    EntryHash, 32
);
identifier!(
    /// The hash of an entry's content; for a document change, Automerge's own change hash.
    ChangeHash, 32
);
identifier!(
    /// The hash of a membership operation.
    OperationHash, 32
);
identifier!(
    /// SHA-256 of a file's plain bytes.
    ContentHash, 32
);

impl EntryHash {
    /// What the first entry of a chain names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

fn unhex(text: &str, out: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    if digits.len() != out.len() * 2 {
        return false;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let (Some(high), Some(low)) = (char::from(pair[0]).to_digit(16), char::from(pair[1]).to_digit(16))
        else {
            return false;
        };
        *byte = (high * 16 + low) as u8;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips_and_refuses_other_text() {
        let id = DocumentId::new(std::array::from_fn(|i| (i * 17) as u8));
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        for bad in ["", "00", "0011223344556677889 aabbccddeeff", "zz112233445566778899aabbccddeeff"] {
            assert_eq!(bad.parse::<DocumentId>(), Err(ParseIdError { expected: 32 }));
        }
    }
}
