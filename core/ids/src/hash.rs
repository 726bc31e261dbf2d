use ring::digest::{Context, SHA256};

/// SHA-256 over labelled parts.
///
/// Every hash of ours begins with a label that says what it is for, and every part of variable length is
/// preceded by its length, so no two different inputs feed the same bytes.
#[derive(Clone)]
pub struct Digest(Context);

impl Digest {
    /// Starts a hash under `label`, which is fed with its length.
    #[must_use]
    pub fn new(label: &str) -> Self {
        let mut digest = Self(Context::new(&SHA256));
        digest.sized(label.as_bytes());
        digest
    }

    /// Feeds bytes whose length is fixed by the format.
    pub fn fixed(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.update(bytes.as_ref());
        self
    }

    /// Feeds bytes of variable length, preceded by that length as eight little-endian bytes.
    pub fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Feeds a number as eight little-endian bytes.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.fixed(number.to_le_bytes())
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub fn finish(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.clone().finish().as_ref());
        out
    }

    /// The first 16 bytes of the hash, for identifiers.
    #[must_use]
    pub fn finish_short(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out.copy_from_slice(&self.finish()[..16]);
        out
    }
}

/// Plain SHA-256 of `bytes`, as other programs compute it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_slide_into_each_other() {
        let hash = |a: &[u8], b: &[u8]| Digest::new("test").sized(a).sized(b).finish();
        assert_ne!(hash(b"ab", b"c"), hash(b"a", b"bc"));
        assert_ne!(Digest::new("test").finish(), Digest::new("tes").fixed(b"t").finish());
    }

    #[test]
    fn plain_hash_is_sha256() {
        // FIPS 180-4 example "abc".
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
