//! Joining a team: both people compare three words, then the lead admits and the joiner receives the team.
//!
//! Each side commits to a nonce inside the handshake and reveals it afterwards, so the words depend on something
//! neither could choose once it knew the other's. `docs/formats/join.md` gives the frames.

use firsthand_channel::{ShortWords, WordCommitment, WordLanguage, WordNonce, WordRole};
use firsthand_ids::{Digest, ExchangeKey};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_team::{Invitation, JoinRequest, MAX_OPERATION_BYTES, Role, exchange_key_hash};

use super::EndReason;

/// What a lead decides when inviting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteOptions {
    /// The role of whoever joins.
    pub role: Role,
    /// The one-time secret, see [`invitation_secret`].
    pub secret: [u8; 16],
}

/// The pre-shared key material of an invitation's 16-byte secret.
#[must_use]
pub fn invitation_secret(secret: &[u8; 16]) -> [u8; 32] {
    Digest::new("firsthand invitation secret v1").fixed(secret).finish()
}

const MAX_OPERATIONS: usize = 4096;

/// The messages of joining, after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinFrame {
    /// Opens the commitment made in the handshake.
    Reveal([u8; WordNonce::LEN]),
    /// The joiner, whose person confirmed the words, asks to be added.
    Request(JoinRequest),
    /// The lead's person confirmed too: here is the team.
    Welcome(Vec<Vec<u8>>),
    /// A person declined.
    Decline,
}

impl JoinFrame {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Reveal(nonce) => {
                out.byte(1).fixed(nonce);
            }
            Self::Request(request) => {
                out.byte(2).fixed(request.encode());
            }
            Self::Welcome(operations) => {
                out.byte(3).number(operations.len() as u64);
                for operation in operations {
                    out.sized(operation);
                }
            }
            Self::Decline => {
                out.byte(4);
            }
        }
        out.into_bytes()
    }

    /// Reads a frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.byte("join frame")? {
            1 => Self::Reveal(reader.array("nonce")?),
            2 => Self::Request(
                JoinRequest::decode(reader.rest()).map_err(|_| reader.malformed("join request"))?,
            ),
            3 => {
                let mut operations = Vec::new();
                for _ in 0..reader.count(MAX_OPERATIONS, "operations")? {
                    operations.push(reader.sized(MAX_OPERATION_BYTES, "operation")?.to_vec());
                }
                Self::Welcome(operations)
            }
            4 => Self::Decline,
            _ => return Err(LogError::Newer { what: "join frame" }),
        };
        reader.finish("join frame")?;
        Ok(frame)
    }
}

/// Reads the commitment in a handshake payload.
fn commitment(payload: &[u8]) -> Result<WordCommitment, EndReason> {
    <[u8; WordCommitment::LEN]>::try_from(payload)
        .map(WordCommitment::from_bytes)
        .map_err(|_| EndReason::Misbehaved)
}

/// The lead's side.
pub(crate) struct Inviter {
    nonce: WordNonce,
    theirs: Option<WordCommitment>,
    handshake_hash: Option<[u8; 32]>,
    shown: bool,
    confirmed: bool,
    request: Option<JoinRequest>,
    asked: bool,
    pub(crate) role: Role,
}

/// What the lead's side does next.
pub(crate) enum InviterStep {
    Nothing,
    Show([&'static str; 3]),
    Admit(JoinRequest),
    Declined,
}

impl Inviter {
    pub(crate) fn new(nonce: WordNonce, role: Role) -> Self {
        Self {
            nonce,
            theirs: None,
            handshake_hash: None,
            shown: false,
            confirmed: false,
            request: None,
            asked: false,
            role,
        }
    }

    /// The payload of handshake message 2.
    pub(crate) fn payload(&self) -> Vec<u8> {
        self.nonce.commit(WordRole::Inviter).as_bytes().to_vec()
    }

    pub(crate) fn on_payload(&mut self, payload: &[u8]) -> Result<(), EndReason> {
        self.theirs = Some(commitment(payload)?);
        Ok(())
    }

    /// The channel is open: reveal.
    pub(crate) fn on_established(&mut self, handshake_hash: [u8; 32]) -> Vec<u8> {
        self.handshake_hash = Some(handshake_hash);
        JoinFrame::Reveal(*self.nonce.as_bytes()).encode()
    }

    pub(crate) fn on_frame(&mut self, bytes: &[u8]) -> Result<InviterStep, EndReason> {
        let frame = JoinFrame::decode(bytes).map_err(|_| EndReason::Misbehaved)?;
        match (frame, &self.theirs, self.handshake_hash) {
            (JoinFrame::Reveal(nonce), Some(theirs), Some(hash)) if !self.shown => {
                let nonce = WordNonce::from_bytes(nonce);
                if !theirs.opens_to(&nonce, WordRole::Joiner) {
                    return Err(EndReason::Misbehaved);
                }
                self.shown = true;
                let words = ShortWords::derive(&hash, &self.nonce, &nonce);
                Ok(InviterStep::Show(words.words(WordLanguage::English)))
            }
            (JoinFrame::Request(request), ..) if self.shown && self.request.is_none() => {
                self.request = Some(request);
                Ok(self.step())
            }
            (JoinFrame::Decline, ..) => Ok(InviterStep::Declined),
            _ => Err(EndReason::Misbehaved),
        }
    }

    /// The lead's person says that the words are the same.
    pub(crate) fn confirm(&mut self) -> InviterStep {
        self.confirmed |= self.shown;
        self.step()
    }

    fn step(&mut self) -> InviterStep {
        match &self.request {
            Some(request) if self.confirmed && !self.asked => {
                self.asked = true;
                InviterStep::Admit(request.clone())
            }
            _ => InviterStep::Nothing,
        }
    }
}

/// The joiner's side. It owns no link either: the driver carries frames.
pub struct Joiner {
    invitation: Invitation,
    nonce: WordNonce,
    theirs: Option<WordCommitment>,
    handshake_hash: [u8; 32],
    words: Option<[&'static str; 3]>,
}

/// What the joiner's side does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinerEffect {
    /// Show these words and ask.
    Show([&'static str; 3]),
    /// The team, all membership operations, parents first.
    Joined(Vec<Vec<u8>>),
}

impl Joiner {
    /// Begins with a scanned invitation.
    #[must_use]
    pub const fn new(invitation: Invitation, nonce: WordNonce) -> Self {
        Self { invitation, nonce, theirs: None, handshake_hash: [0; 32], words: None }
    }

    /// Takes the payload of handshake message 2 and gives that of message 3.
    ///
    /// # Errors
    /// [`EndReason::Channel`] where `peer` is not the inviter of the code.
    pub fn on_payload(&mut self, peer: &ExchangeKey, payload: &[u8]) -> Result<Vec<u8>, EndReason> {
        if exchange_key_hash(peer) != self.invitation.inviter {
            return Err(EndReason::Channel);
        }
        self.theirs = Some(commitment(payload)?);
        Ok(self.nonce.commit(WordRole::Joiner).as_bytes().to_vec())
    }

    /// The channel is open: gives the frame that reveals the nonce.
    pub fn on_established(&mut self, handshake_hash: [u8; 32]) -> Vec<u8> {
        self.handshake_hash = handshake_hash;
        JoinFrame::Reveal(*self.nonce.as_bytes()).encode()
    }

    /// Takes a frame.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<JoinerEffect, EndReason> {
        match (JoinFrame::decode(bytes).map_err(|_| EndReason::Misbehaved)?, &self.theirs) {
            (JoinFrame::Reveal(nonce), Some(theirs)) if self.words.is_none() => {
                let nonce = WordNonce::from_bytes(nonce);
                if !theirs.opens_to(&nonce, WordRole::Inviter) {
                    return Err(EndReason::Misbehaved);
                }
                let words = ShortWords::derive(&self.handshake_hash, &nonce, &self.nonce);
                let words = words.words(WordLanguage::English);
                self.words = Some(words);
                Ok(JoinerEffect::Show(words))
            }
            (JoinFrame::Welcome(operations), _) if self.words.is_some() => {
                Ok(JoinerEffect::Joined(operations))
            }
            (JoinFrame::Decline, _) => Err(EndReason::Declined),
            _ => Err(EndReason::Misbehaved),
        }
    }
}
