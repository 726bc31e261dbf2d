//! The operations that carry keys. What is in them is made and opened by the crate `seal`; here they are bytes of a known
//! form.

use firsthand_ids::DeviceKey;

/// The key of an epoch, sealed to one device: HPKE's encapsulated key (32 bytes), and the sealed key with its tag (48).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyBox {
    /// To which device.
    pub device: DeviceKey,
    /// The sealed key.
    pub sealed: [u8; Self::BYTES],
}

impl KeyBox {
    /// The length of a sealed key with what opens it.
    pub const BYTES: usize = 80;
}

impl std::fmt::Debug for KeyBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyBox({:?})", self.device)
    }
}
