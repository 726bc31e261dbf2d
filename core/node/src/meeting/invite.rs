//! Joining a team: both people compare three words, then the lead admits and the joiner receives the team.
//!
//! Each side commits to a nonce inside the handshake and reveals it afterwards, so the words depend on something
//! neither could choose once it knew the other's. `docs/formats/join.md` gives the frames.

use firsthand_channel::{ShortWords, WordCommitment, WordLanguage, WordNonce, WordRole};
use firsthand_ids::{Digest, ExchangeKey};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_team::{DeviceRequest, Invitation, JoinRequest, MAX_OPERATION_BYTES, Role, exchange_key_hash};

use super::EndReason;
use crate::{DeviceKeys, NodeError};

/// Who is invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// A person, who gets this role. For leads.
    Person(Role),
    /// A further device of this device's person.
    Device,
}

/// What somebody decides when inviting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteOptions {
    /// Who is invited.
    pub invited: Invited,
    /// The one-time secret, see [`invitation_secret`].
    pub secret: [u8; 16],
}

impl InviteOptions {
    /// The pre-shared key material of this invitation.
    #[must_use]
    pub fn shared(&self) -> [u8; 32] {
        invitation_secret(&self.secret, self.invited == Invited::Device)
    }
}

/// The pre-shared key material of an invitation's 16-byte secret. An invitation of a device is none of a person.
#[must_use]
pub fn invitation_secret(secret: &[u8; 16], of_device: bool) -> [u8; 32] {
    let label =
        if of_device { "firsthand device invitation secret v1" } else { "firsthand invitation secret v1" };
    Digest::new(label).fixed(secret).finish()
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
    /// The new device, whose person confirmed the words, asks to be added to theirs.
    Device(DeviceRequest),
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
            Self::Device(request) => {
                out.byte(5).fixed(request.encode());
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
            5 => Self::Device(
                DeviceRequest::decode(reader.rest()).map_err(|_| reader.malformed("device request"))?,
            ),
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

/// What somebody who has confirmed the words asks for.
#[derive(Clone)]
enum Asked {
    Person(JoinRequest),
    Device(DeviceRequest),
}

/// The side of whoever invites: a lead, or a person whose new device it is.
pub(crate) struct Inviter {
    nonce: WordNonce,
    theirs: Option<WordCommitment>,
    handshake_hash: Option<[u8; 32]>,
    shown: bool,
    confirmed: bool,
    request: Option<Asked>,
    asked: bool,
    invited: Invited,
    /// The new device waits for a lead to add it.
    pub(crate) proposed: bool,
}

/// What the inviter's side does next.
pub(crate) enum InviterStep {
    Nothing,
    Show([&'static str; 3]),
    Admit(JoinRequest, Role),
    Endorse(DeviceRequest),
    Declined,
}

impl Inviter {
    pub(crate) fn new(nonce: WordNonce, invited: Invited) -> Self {
        Self {
            nonce,
            theirs: None,
            handshake_hash: None,
            shown: false,
            confirmed: false,
            request: None,
            asked: false,
            invited,
            proposed: false,
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
            (JoinFrame::Request(request), ..)
                if self.shown && self.request.is_none() && self.invited != Invited::Device =>
            {
                self.request = Some(Asked::Person(request));
                Ok(self.step())
            }
            (JoinFrame::Device(request), ..)
                if self.shown && self.request.is_none() && self.invited == Invited::Device =>
            {
                self.request = Some(Asked::Device(request));
                Ok(self.step())
            }
            (JoinFrame::Decline, ..) => Ok(InviterStep::Declined),
            _ => Err(EndReason::Misbehaved),
        }
    }

    /// The person says that the words are the same.
    pub(crate) fn confirm(&mut self) -> InviterStep {
        self.confirmed |= self.shown;
        self.step()
    }

    fn step(&mut self) -> InviterStep {
        if !self.confirmed || self.asked {
            return InviterStep::Nothing;
        }
        let step = match (&self.request, self.invited) {
            (Some(Asked::Person(request)), Invited::Person(role)) => {
                InviterStep::Admit(request.clone(), role)
            }
            (Some(Asked::Device(request)), _) => InviterStep::Endorse(request.clone()),
            _ => return InviterStep::Nothing,
        };
        self.asked = true;
        step
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

    /// What this device, with these keys, asks for once its person has confirmed the words.
    ///
    /// # Errors
    /// [`NodeError::Team`] for a name that cannot be used; a further device needs none.
    pub fn request(&self, keys: &DeviceKeys, name: &str) -> Result<JoinFrame, NodeError> {
        let (team, exchange) = (&self.invitation.team, keys.exchange().public()?);
        Ok(match &self.invitation.device_of {
            Some(person) => JoinFrame::Device(DeviceRequest::sign(keys.signing(), team, person, &exchange)),
            None => JoinFrame::Request(JoinRequest::sign(keys.signing(), team, &exchange, name)?),
        })
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
