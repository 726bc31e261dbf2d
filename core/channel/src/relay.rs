use firsthand_ids::ExchangeKey;
use rand_core::CryptoRng;
use snow::{Builder, HandshakeState};

use crate::deframe::Deframer;
use crate::handshake::{TAG, draw, refused};
use crate::link::append_message;
use crate::offer::LABEL;
use crate::resolver::{EphemeralSeed, Resolver};
use crate::transport::{FRAME_PREFIX, MAX_MESSAGE};
use crate::{ChannelError, ExchangeSecret, Purpose, Transport};

/// The Noise pattern: the client knows the relay's key beforehand and shows none of its own. With XX the relay would see
/// every device's key and could tell who was there when.
const PATTERN: &str = "Noise_NK_25519_ChaChaPoly_SHA256";

/// Bytes of either handshake message: an ephemeral key and the tag of no payload.
const MESSAGE: usize = 32 + TAG;

/// What bytes from the other side led to, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayEvent {
    /// Frames can be sent.
    Established {
        /// The hash of the handshake, equal on both sides only if nobody stood between. A client signs it with the key of
        /// its mailbox, so what it signed is worth nothing anywhere else.
        handshake_hash: [u8; 32],
        /// What a relay has to send first; empty for a client.
        reply: Vec<u8>,
    },
    /// A complete frame.
    Frame(Vec<u8>),
}

/// A channel between a client and a relay, over a byte stream.
///
/// The client needs the relay's key and proves nothing; who it is follows inside the channel. Payloads are not allowed in
/// the handshake: whatever a client says reaches nobody but the holder of the relay's key, and can't be replayed.
///
/// After an error the link is closed, and whoever owns the stream closes that too.
pub struct RelayLink {
    deframer: Deframer,
    state: State,
    /// Most bytes of a frame of the other side's.
    limit: usize,
}

enum State {
    /// A relay before the first byte.
    Waiting(ExchangeSecret, EphemeralSeed),
    /// A relay that awaits message 1.
    Answering(Box<HandshakeState>),
    /// A client that awaits message 2.
    Dialling(Box<HandshakeState>),
    Established(Box<Transport>),
    Closed,
}

impl RelayLink {
    /// Opens a channel to the relay that holds `relay`'s secret, and gives its first bytes. Frames of the relay's may have
    /// `limit` bytes.
    ///
    /// # Errors
    /// [`ChannelError::Refused`] for a key of low order, [`ChannelError::Unsupported`] if the build lacks a primitive.
    pub fn dial(
        relay: &ExchangeKey,
        limit: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>), ChannelError> {
        let seed = draw(rng);
        let mut noise = builder(&seed)?
            .remote_public_key(relay.as_bytes())
            .and_then(Builder::build_initiator)
            .map_err(|_| ChannelError::Unsupported)?;
        let mut message = [0; MESSAGE];
        let len = noise.write_message(&[], &mut message).map_err(refused)?;
        let mut bytes = vec![Purpose::Relay.byte()];
        append_message(&mut bytes, &message[..len])?;
        Ok((Self { deframer: Deframer::new(), state: State::Dialling(Box::new(noise)), limit }, bytes))
    }

    /// Waits, as the relay, for a client. Its frames may have `limit` bytes.
    #[must_use]
    pub fn answer(secret: ExchangeSecret, limit: usize, rng: &mut dyn CryptoRng) -> Self {
        Self { deframer: Deframer::new(), state: State::Waiting(secret, draw(rng)), limit }
    }

    /// Takes bytes as they came from the stream, in pieces of any size.
    ///
    /// # Errors
    /// Whatever is wrong with them; the link is closed then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<RelayEvent>, ChannelError> {
        let mut events = Vec::new();
        match self.try_push(bytes, &mut events) {
            Ok(()) => Ok(events),
            Err(error) => {
                self.state = State::Closed;
                Err(error)
            }
        }
    }

    fn try_push(&mut self, mut bytes: &[u8], events: &mut Vec<RelayEvent>) -> Result<(), ChannelError> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Waiting(secret, seed) => {
                    let (&first, rest) = bytes.split_first().ok_or(ChannelError::Malformed)?;
                    bytes = rest;
                    if Purpose::from_byte(first)? != Purpose::Relay {
                        return Err(ChannelError::Purpose(first));
                    }
                    let noise = builder(seed)?
                        .local_private_key(secret.as_bytes())
                        .and_then(Builder::build_responder)
                        .map_err(|_| ChannelError::Unsupported)?;
                    self.state = State::Answering(Box::new(noise));
                }
                State::Answering(_) | State::Dialling(_) => {
                    let Some(message) = self.deframer.next(&mut bytes, MESSAGE)? else { continue };
                    events.push(self.read_handshake(&message)?);
                }
                State::Established(transport) => {
                    let longest = self.limit.saturating_add(FRAME_PREFIX + TAG).min(MAX_MESSAGE);
                    let Some(message) = self.deframer.next(&mut bytes, longest)? else { continue };
                    events.extend(transport.open(&message)?.map(RelayEvent::Frame));
                }
                State::Closed => return Err(ChannelError::Closed),
            }
        }
        Ok(())
    }

    fn read_handshake(&mut self, message: &[u8]) -> Result<RelayEvent, ChannelError> {
        if message.len() < MESSAGE {
            return Err(ChannelError::Malformed);
        }
        let mut reply = Vec::new();
        let noise = match std::mem::replace(&mut self.state, State::Closed) {
            State::Answering(mut noise) => {
                noise.read_message(message, &mut []).map_err(refused)?;
                let mut answer = [0; MESSAGE];
                let len = noise.write_message(&[], &mut answer).map_err(refused)?;
                append_message(&mut reply, &answer[..len])?;
                noise
            }
            State::Dialling(mut noise) => {
                noise.read_message(message, &mut []).map_err(refused)?;
                noise
            }
            _ => return Err(ChannelError::OutOfOrder),
        };
        let handshake_hash = noise.get_handshake_hash().try_into().map_err(|_| ChannelError::Unsupported)?;
        let peer = noise.get_remote_static().and_then(ExchangeKey::from_slice);
        let noise = noise.into_transport_mode().map_err(|_| ChannelError::OutOfOrder)?;
        let mut transport = Transport::new(noise, peer, handshake_hash);
        transport.set_limit(self.limit);
        self.state = State::Established(Box::new(transport));
        Ok(RelayEvent::Established { handshake_hash, reply })
    }

    /// Sets how long the other side's frames may be, from the next one on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        if let State::Established(transport) = &mut self.state {
            transport.set_limit(limit);
        }
    }

    /// Seals a frame of at most [`MAX_FRAME`](crate::MAX_FRAME) bytes.
    ///
    /// # Errors
    /// [`ChannelError::OutOfOrder`] before the channel is established, [`ChannelError::TooLarge`] for a frame above the
    /// limit; the link stays usable after both.
    pub fn send(&mut self, frame: &[u8]) -> Result<Vec<u8>, ChannelError> {
        match &mut self.state {
            State::Established(transport) => transport.seal(frame),
            State::Closed => Err(ChannelError::Closed),
            _ => Err(ChannelError::OutOfOrder),
        }
    }

    /// Whether frames can be sent.
    #[must_use]
    pub const fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }
}

fn builder(seed: &EphemeralSeed) -> Result<Builder<'static>, ChannelError> {
    let params = PATTERN.parse().map_err(|_| ChannelError::Unsupported)?;
    let prologue: &'static [u8] = PROLOGUE;
    Builder::with_resolver(params, Box::new(Resolver { seed: seed.clone() }))
        .prologue(prologue)
        .map_err(|_| ChannelError::Unsupported)
}

/// What both sides hash before the first message: the label and the purpose.
const PROLOGUE: &[u8] = &prologue();

const fn prologue() -> [u8; LABEL.len() + 1] {
    let mut bytes = [0; LABEL.len() + 1];
    let (label, purpose) = bytes.split_at_mut(LABEL.len());
    label.copy_from_slice(LABEL);
    purpose[0] = Purpose::Relay.byte();
    bytes
}
