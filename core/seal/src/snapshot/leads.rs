use firsthand_ids::ExchangeKey;
use firsthand_log::DeviceSecret;

use crate::{EpochKey, SealError};

/// The key by which leads say that a snapshot replaces ranges in the mailboxes of a relay; `epoch` is that of the leads' space. A
/// relay takes no other for a mailbox than the one that it was registered with.
///
/// # Errors
/// [`SealError::Cipher`] if the library refuses the seed.
pub fn leads_key(epoch: &EpochKey, relay: &ExchangeKey) -> Result<DeviceSecret, SealError> {
    let seed = epoch.derive("firsthand relay leads v1", &[relay.as_bytes()]);
    DeviceSecret::from_seed(*seed).map_err(|_| SealError::Cipher)
}
