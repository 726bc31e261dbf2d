//! What a device is called at a relay: keys and names that follow from the key of an epoch, and say nothing to anybody who does
//! not have it.

use std::fmt;

use firsthand_ids::{DeviceKey, ExchangeKey, WriterId, WriterPseudonym};
use firsthand_log::DeviceSecret;
use zeroize::Zeroizing;

use crate::key::{authenticate, derive};
use crate::{EpochKey, SealError};

const WRITER: u8 = 1;
const JOURNAL: u8 = 2;

/// The mailbox of an epoch at one relay. At another relay the same epoch has another key and other names, so that two relays
/// that compare their files find nothing in common.
#[derive(Clone)]
pub struct MailboxKeys {
    seed: Zeroizing<[u8; 32]>,
    pseudonyms: Zeroizing<[u8; 32]>,
}

impl MailboxKeys {
    /// Those of an epoch at the relay that holds `relay`'s secret.
    #[must_use]
    pub fn of(epoch: &EpochKey, relay: &ExchangeKey) -> Self {
        Self {
            seed: epoch.derive("firsthand relay mailbox v1", &[relay.as_bytes()]),
            pseudonyms: epoch.derive("firsthand relay pseudonyms v1", &[relay.as_bytes()]),
        }
    }

    /// The key that opens the mailbox, and from whose public half its name follows.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the library refuses the seed.
    pub fn secret(&self) -> Result<DeviceSecret, SealError> {
        DeviceSecret::from_seed(*self.seed).map_err(|_| SealError::Cipher)
    }

    /// What a writer is called.
    #[must_use]
    pub fn writer(&self, writer: &WriterId) -> WriterPseudonym {
        self.pseudonym(WRITER, writer.as_bytes())
    }

    /// What the journal of a device is called: membership operations, and doors to later epochs.
    #[must_use]
    pub fn journal(&self, device: &DeviceKey) -> WriterPseudonym {
        self.pseudonym(JOURNAL, device.as_bytes())
    }

    /// The key that a device uses in this mailbox and nowhere else; `seed` is that of its signing key.
    ///
    /// # Errors
    /// As [`MailboxKeys::secret`].
    pub fn uploader(&self, seed: &[u8; 32]) -> Result<DeviceSecret, SealError> {
        let key = self.secret()?.key();
        let seed = derive(seed, "firsthand relay uploader v1", &[key.as_bytes()]);
        DeviceSecret::from_seed(*seed).map_err(|_| SealError::Cipher)
    }

    fn pseudonym(&self, kind: u8, id: &[u8]) -> WriterPseudonym {
        let mut message = vec![kind];
        message.extend_from_slice(id);
        let whole = authenticate(&self.pseudonyms, &message);
        let mut short = [0; 16];
        short.copy_from_slice(&whole[..16]);
        WriterPseudonym::new(short)
    }
}

impl fmt::Debug for MailboxKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxKeys(..)")
    }
}
