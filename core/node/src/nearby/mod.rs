//! Who is near: what was heard of devices on the same network, and whom of them to dial when.
//!
//! [`Finder`] decides, without sockets and clocks. It hears [`Sighting`]s, which a laptop makes of mDNS and of its neighbours and a
//! phone's shell of what its system finds, and says which addresses to dial. Everything it hears may be made up by whoever is on the
//! network: the table is bounded, a name costs a few dials, and nothing counts before the handshake has shown a member.

mod door;
mod finder;
#[cfg(test)]
mod tests;

pub use door::{Door, Entry};
pub use finder::{Dial, Finder, FoundState, FoundView, MAX_NAMES, MAX_PLACES, Sighting, Target};

use rand_core::CryptoRng;

/// Names one run of the program on a device: drawn at each start, announced on the network, and told to members within the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName([u8; 8]);

impl RunName {
    /// Draws a name.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 8];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// A name that was told.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// Reads a name as it is announced; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for RunName {
    /// As it is announced: 16 hexadecimal digits.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}
