use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use ring::rand::SecureRandom;

use crate::RelayError;

/// The operating system's random source.
#[derive(Debug, Clone)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl SystemRandom {
    /// The source, once it has given something.
    ///
    /// # Errors
    /// [`RelayError::Randomness`] where the system has none.
    pub fn new() -> Result<Self, RelayError> {
        let random = ring::rand::SystemRandom::new();
        random.fill(&mut [0; 32]).map_err(|_| RelayError::Randomness)?;
        Ok(Self(random))
    }
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        // It gave something at the start, and systems do not stop giving. To go on without would be worse than to stop.
        assert!(self.0.fill(out).is_ok(), "the operating system gives no random bytes");
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
