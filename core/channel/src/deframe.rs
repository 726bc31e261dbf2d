use crate::ChannelError;

/// Cuts a byte stream into messages, each preceded by its length as two big-endian bytes.
///
/// It never holds more than one message and never more than has arrived: bytes stay with the caller until
/// the message that needs them is asked for.
#[derive(Debug, Default)]
pub struct Deframer {
    /// The length prefix and as much of the message as has arrived.
    partial: Vec<u8>,
}

/// Bytes of the length before each message.
pub(crate) const PREFIX: usize = 2;

impl Deframer {
    /// Waits for the first message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the front of `bytes` until one message is complete, and returns it without its length.
    ///
    /// `None` means that all bytes were taken and more are needed. `limit` is the longest message the caller is
    /// ready to read now.
    ///
    /// # Errors
    /// [`ChannelError::TooLarge`] as soon as a length above `limit` is seen.
    pub fn next(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Option<Vec<u8>>, ChannelError> {
        self.fill(bytes, PREFIX);
        let &[high, low, ..] = self.partial.as_slice() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len > limit {
            return Err(ChannelError::TooLarge);
        }
        self.fill(bytes, PREFIX + len);
        if self.partial.len() < PREFIX + len {
            return Ok(None);
        }
        let mut message = std::mem::take(&mut self.partial);
        message.drain(..PREFIX);
        Ok(Some(message))
    }

    /// Whether nothing of a next message has arrived yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    fn fill(&mut self, bytes: &mut &[u8], target: usize) {
        let wanted = target.saturating_sub(self.partial.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at(wanted);
        self.partial.extend_from_slice(taken);
        *bytes = rest;
    }
}
