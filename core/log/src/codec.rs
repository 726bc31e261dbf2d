//! Reading and writing of the binary formats: varints, fixed bytes, bounded lengths.
//!
//! A [`Reader`] never allocates from a length it has not compared with a limit and with the bytes that are there.

use crate::LogError;

/// Appends values to a byte vector.
#[derive(Debug, Default, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The bytes written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Bytes whose length the format fixes.
    pub fn fixed(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// An unsigned LEB128 number: seven bits a byte, least significant first.
    pub fn number(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// A signed number, zigzag-mapped (0, -1, 1, -2, ...) and written as [`Writer::number`].
    pub fn signed(&mut self, value: i64) -> &mut Self {
        self.number(((value << 1) ^ (value >> 63)) as u64)
    }

    /// Bytes preceded by their length.
    pub fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).fixed(bytes)
    }
}

/// Reads values from hostile bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error that names `what` at the current offset.
    #[must_use]
    pub const fn malformed(&self, what: &'static str) -> LogError {
        LogError::Malformed { what, at: self.at }
    }

    /// Fails unless everything was read.
    pub fn finish(&self, what: &'static str) -> Result<(), LogError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.malformed(what)) }
    }

    /// The rest of the bytes.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    /// `len` bytes.
    pub fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], LogError> {
        if len > self.remaining() {
            return Err(self.malformed(what));
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    /// An array whose length the format fixes.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], LogError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    /// One byte.
    pub fn byte(&mut self, what: &'static str) -> Result<u8, LogError> {
        Ok(self.take(1, what)?[0])
    }

    /// An unsigned LEB128 number in its shortest form; longer forms are refused, so that a value has one encoding.
    pub fn number(&mut self, what: &'static str) -> Result<u64, LogError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if (shift == 63 && bits > 1) || (byte == 0 && shift > 0) {
                return Err(self.malformed(what));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.malformed(what))
    }

    /// A zigzag-mapped signed number.
    pub fn signed(&mut self, what: &'static str) -> Result<i64, LogError> {
        let raw = self.number(what)?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// A count of at most `limit` items.
    pub fn count(&mut self, limit: usize, what: &'static str) -> Result<usize, LogError> {
        let count = self.number(what)?;
        if count > limit as u64 {
            return Err(LogError::TooLarge { what, limit: limit as u64 });
        }
        Ok(count as usize)
    }

    /// At most `limit` bytes, preceded by their length.
    pub fn sized(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], LogError> {
        let len = self.count(limit, what)?;
        self.take(len, what)
    }

    /// At most `limit` bytes of UTF-8, preceded by their length.
    pub fn text(&mut self, limit: usize, what: &'static str) -> Result<&'a str, LogError> {
        let bytes = self.sized(limit, what)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(unsigned: u64, signed: i64) {
            let mut writer = Writer::new();
            writer.number(unsigned).signed(signed);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.number("n"), Ok(unsigned));
            prop_assert_eq!(reader.signed("n"), Ok(signed));
            prop_assert_eq!(reader.finish("n"), Ok(()));
        }

        #[test]
        fn garbage_is_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.number("n") {
                let mut writer = Writer::new();
                writer.number(value);
                prop_assert_eq!(&writer.into_bytes()[..], &bytes[..reader.position()]);
            }
            let _ = Reader::new(&bytes).sized(16, "s");
        }
    }

    #[test]
    fn a_length_is_compared_before_it_is_believed() {
        let mut writer = Writer::new();
        writer.number(u64::MAX);
        let bytes = writer.into_bytes();
        assert_eq!(Reader::new(&bytes).sized(100, "s"), Err(LogError::TooLarge { what: "s", limit: 100 }));
        assert!(Reader::new(&[5, 1]).sized(100, "s").is_err());
    }

    #[test]
    fn overlong_numbers_are_refused() {
        assert!(Reader::new(&[0x80, 0x00]).number("n").is_err());
        assert!(Reader::new(&[0xff; 11]).number("n").is_err());
    }
}
