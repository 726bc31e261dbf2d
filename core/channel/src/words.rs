use std::fmt;

use firsthand_ids::Digest;
use rand_core::CryptoRng;
use ring::hmac;

/// Who made a nonce. Part of its commitment, so that neither side can be fed its own back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum WordRole {
    /// The side that showed the invitation; the responder of the channel.
    Inviter = 1,
    /// The side that scanned it; the initiator of the channel.
    Joiner = 2,
}

/// 32 random bytes that one side adds to the short words, shown only after both sides have committed to theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WordNonce([u8; 32]);

impl WordNonce {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Draws a nonce.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; Self::LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads a nonce that the other side revealed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, to reveal.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// What is sent before the nonce is revealed.
    #[must_use]
    pub fn commit(&self, role: WordRole) -> WordCommitment {
        let mut bytes = [0; WordCommitment::LEN];
        bytes.copy_from_slice(hmac::sign(&commitment_key(role), &self.0).as_ref());
        WordCommitment(bytes)
    }
}

impl fmt::Debug for WordNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WordNonce(..)")
    }
}

/// A promise of a [`WordNonce`]: it can be opened in one way only, and shows nothing of it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordCommitment([u8; 32]);

impl WordCommitment {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Reads a commitment that the other side sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, to send.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Whether `nonce` is what the other side, in `role`, committed to. Compares in constant time.
    #[must_use]
    pub fn opens_to(&self, nonce: &WordNonce, role: WordRole) -> bool {
        hmac::verify(&commitment_key(role), nonce.as_bytes(), &self.0).is_ok()
    }
}

/// The commitment is an HMAC under a public key, because ring compares those in constant time.
fn commitment_key(role: WordRole) -> hmac::Key {
    let label = Digest::new("firsthand word commitment v1").fixed([role as u8]).finish();
    hmac::Key::new(hmac::HMAC_SHA256, &label)
}

/// The language the short words are shown in. Both sides see the same words only in the same language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WordLanguage {
    /// English, the list of BIP-39.
    #[default]
    English,
}

impl WordLanguage {
    fn list(self) -> &'static [&'static str; 2048] {
        match self {
            Self::English => bip39::Language::English.word_list(),
        }
    }
}

/// 33 bits that two people compare on their screens: three words of 2,048.
///
/// They depend on the handshake and on one nonce of each side. Somebody in the middle has two handshakes, and
/// since every nonce was committed to before any was shown, one guess in 2^33 that they agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortWords([u16; 3]);

impl ShortWords {
    /// The words of a finished handshake and the two revealed nonces.
    ///
    /// Check each nonce against its commitment first ([`WordCommitment::opens_to`]).
    #[must_use]
    pub fn derive(handshake_hash: &[u8; 32], inviter: &WordNonce, joiner: &WordNonce) -> Self {
        let hash = Digest::new("firsthand short words v1")
            .fixed(handshake_hash)
            .fixed(inviter.as_bytes())
            .fixed(joiner.as_bytes())
            .finish();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        let bits = u64::from_be_bytes(first) >> (64 - 33);
        Self([22, 11, 0].map(|shift| (bits >> shift & 0x7ff) as u16))
    }

    /// The three words in the given language.
    #[must_use]
    pub fn words(&self, language: WordLanguage) -> [&'static str; 3] {
        self.0.map(|index| language.list()[usize::from(index)])
    }
}

impl fmt::Display for ShortWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(WordLanguage::English).join(" "))
    }
}
