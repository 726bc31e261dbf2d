use std::fmt;

use firsthand_ids::TeamId;
use ring::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ChannelError;

/// The first part of every label, so that no key or hash of the channel equals one made for anything else.
pub(crate) const LABEL: &[u8] = b"firsthand channel v1";

/// What a channel is opened for: the first byte on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Two members of one team compare their logs.
    Meet = 1,
    /// Somebody who was invited joins.
    Join = 2,
    /// A member talks to a relay: [`RelayLink`](crate::RelayLink). Between members it is refused.
    Relay = 3,
}

impl Purpose {
    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Reads the byte on the wire.
    ///
    /// # Errors
    /// [`ChannelError::Purpose`] for a byte that names nothing.
    pub const fn from_byte(byte: u8) -> Result<Self, ChannelError> {
        match byte {
            1 => Ok(Self::Meet),
            2 => Ok(Self::Join),
            3 => Ok(Self::Relay),
            other => Err(ChannelError::Purpose(other)),
        }
    }
}

/// The pre-shared key of a handshake. Wiped from memory when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Psk([u8; 32]);

impl Psk {
    /// Derives the key for members from the team's discovery secret.
    ///
    /// # Errors
    /// [`ChannelError::Unsupported`] if the derivation is not available.
    pub fn meet(discovery_secret: &[u8; 32]) -> Result<Self, ChannelError> {
        Self::derive(discovery_secret, b"meet psk")
    }

    /// Derives the key for joining from the one-time secret of an invitation.
    ///
    /// # Errors
    /// [`ChannelError::Unsupported`] if the derivation is not available.
    pub fn join(one_time_secret: &[u8; 32]) -> Result<Self, ChannelError> {
        Self::derive(one_time_secret, b"join psk")
    }

    fn derive(secret: &[u8; 32], purpose: &[u8]) -> Result<Self, ChannelError> {
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, LABEL)
            .extract(secret)
            .expand(&[purpose], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| ChannelError::Unsupported)?;
        let psk = Self(key);
        key.zeroize();
        Ok(psk)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}

/// What both sides must agree on before a channel exists: the purpose, the team and the secret.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What the channel is for.
    pub purpose: Purpose,
    /// The team it belongs to.
    pub team: TeamId,
    /// The key that both sides hold already.
    pub psk: Psk,
}

impl Offer {
    /// To meet members of `team`, who share its discovery secret.
    ///
    /// # Errors
    /// [`ChannelError::Unsupported`] if the key cannot be derived.
    pub fn meet(team: TeamId, discovery_secret: &[u8; 32]) -> Result<Self, ChannelError> {
        Ok(Self { purpose: Purpose::Meet, team, psk: Psk::meet(discovery_secret)? })
    }

    /// To join `team`, or to let somebody join, with the one-time secret of an invitation.
    ///
    /// # Errors
    /// [`ChannelError::Unsupported`] if the key cannot be derived.
    pub fn join(team: TeamId, one_time_secret: &[u8; 32]) -> Result<Self, ChannelError> {
        Ok(Self { purpose: Purpose::Join, team, psk: Psk::join(one_time_secret)? })
    }

    /// What both sides hash before the first message: label, purpose, team.
    pub(crate) fn prologue(&self) -> Vec<u8> {
        let mut prologue = LABEL.to_vec();
        prologue.push(self.purpose.byte());
        prologue.extend_from_slice(self.team.as_bytes());
        prologue
    }
}
