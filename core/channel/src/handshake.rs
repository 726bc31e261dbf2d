use firsthand_ids::ExchangeKey;
use rand_core::CryptoRng;
use snow::{Builder, Error, HandshakeState};
use zeroize::Zeroizing;

use crate::resolver::{EphemeralSeed, Resolver};
use crate::{ChannelError, ExchangeSecret, Offer, Purpose, Transport};

/// The Noise pattern. `psk0` mixes the shared secret in before the first message, so a stranger's first message
/// already fails and no key is shown to him (with psk2, psk3 or none he would learn the responder's).
const PATTERN: &str = "Noise_XXpsk0_25519_ChaChaPoly_SHA256";

/// Most bytes of payload in handshake messages 2 and 3: room for membership heads, far below what a Noise
/// message holds, because it is read before the other side's key has been looked up in the roster.
pub const MAX_HANDSHAKE_PAYLOAD: usize = 16 * 1024;

/// Most offers a responder tries for one connection: one for members and a few open invitations. Each costs a
/// few hashes per connection.
pub const MAX_OFFERS: usize = 16;

/// An authentication tag of ChaCha20-Poly1305, in bytes.
pub(crate) const TAG: usize = 16;
/// Bytes of message 1: ephemeral key, empty sealed payload.
const MESSAGE_1: usize = 32 + TAG;
/// Bytes of message 2 without payload: ephemeral key, sealed static key, tag of the payload.
const MESSAGE_2: usize = 32 + 32 + TAG + TAG;
/// Bytes of message 3 without payload: sealed static key, tag of the payload.
const MESSAGE_3: usize = 32 + TAG + TAG;

/// A handshake in progress: three messages, initiator first.
///
/// Message 1 carries no payload (it could be replayed). Message 2 carries the responder's, message 3 the
/// initiator's; both are encrypted. After an error the handshake is over.
pub struct Handshake {
    state: State,
    /// Messages written and read so far.
    done: u8,
    initiator: bool,
}

enum State {
    /// A responder before message 1: one Noise state per offer of the right purpose, and its index.
    Choosing(Vec<(usize, HandshakeState)>),
    Running(usize, Box<HandshakeState>),
    Failed,
}

impl Handshake {
    /// Starts a handshake. The first message comes from [`Handshake::write`] with an empty payload.
    ///
    /// # Errors
    /// [`ChannelError::Purpose`] for [`Purpose::Relay`].
    pub fn initiator(
        offer: &Offer,
        secret: &ExchangeSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, ChannelError> {
        let state = build(offer, secret, &draw(rng), true)?;
        Ok(Self { state: State::Running(0, Box::new(state)), done: 0, initiator: true })
    }

    /// Answers a handshake that announced `purpose`, with whichever of the offers for it the first message fits.
    ///
    /// # Errors
    /// [`ChannelError::Purpose`] if no offer has that purpose, [`ChannelError::TooLarge`] for more than
    /// [`MAX_OFFERS`] offers.
    pub fn responder(
        purpose: Purpose,
        offers: &[Offer],
        secret: &ExchangeSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, ChannelError> {
        Self::responder_seeded(purpose, offers, secret, &draw(rng))
    }

    pub(crate) fn responder_seeded(
        purpose: Purpose,
        offers: &[Offer],
        secret: &ExchangeSecret,
        seed: &EphemeralSeed,
    ) -> Result<Self, ChannelError> {
        if offers.len() > MAX_OFFERS {
            return Err(ChannelError::TooLarge);
        }
        let mut choices = Vec::new();
        for (index, offer) in offers.iter().enumerate().filter(|(_, offer)| offer.purpose == purpose) {
            // The same ephemeral key in each is safe: only the one that reads message 1 ever uses it.
            choices.push((index, build(offer, secret, seed, false)?));
        }
        if choices.is_empty() {
            return Err(ChannelError::Purpose(purpose.byte()));
        }
        Ok(Self { state: State::Choosing(choices), done: 0, initiator: false })
    }

    /// Writes the next message.
    ///
    /// # Errors
    /// [`ChannelError::OutOfOrder`] when it is the other side's turn, [`ChannelError::TooLarge`] for a payload
    /// above [`MAX_HANDSHAKE_PAYLOAD`] or any payload in message 1.
    pub fn write(&mut self, payload: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let result = self.try_write(payload);
        self.settle(result)
    }

    fn try_write(&mut self, payload: &[u8]) -> Result<Vec<u8>, ChannelError> {
        if !self.is_my_turn()? {
            return Err(ChannelError::OutOfOrder);
        }
        let limit = self.next_message_limit();
        let overhead = message_overhead(self.done);
        if overhead + payload.len() > limit {
            return Err(ChannelError::TooLarge);
        }
        let State::Running(_, noise) = &mut self.state else { return Err(ChannelError::OutOfOrder) };
        let mut message = vec![0; overhead + payload.len()];
        let len = noise.write_message(payload, &mut message).map_err(refused)?;
        message.truncate(len);
        Ok(message)
    }

    /// Reads the other side's next message and returns its payload.
    ///
    /// # Errors
    /// [`ChannelError::Refused`] if it does not verify; [`ChannelError::OutOfOrder`] when it is our turn;
    /// [`ChannelError::TooLarge`] or [`ChannelError::Malformed`] for a length that cannot be.
    pub fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let result = self.try_read(message);
        self.settle(result)
    }

    fn try_read(&mut self, message: &[u8]) -> Result<Vec<u8>, ChannelError> {
        if self.is_finished() || self.is_my_turn()? {
            return Err(ChannelError::OutOfOrder);
        }
        if message.len() > self.next_message_limit() {
            return Err(ChannelError::TooLarge);
        }
        let overhead = message_overhead(self.done);
        let Some(payload_len) = message.len().checked_sub(overhead) else {
            return Err(ChannelError::Malformed);
        };
        let mut payload = Zeroizing::new(vec![0; payload_len]);
        match &mut self.state {
            State::Choosing(choices) => {
                let chosen = choices
                    .iter_mut()
                    .position(|(_, noise)| noise.read_message(message, &mut payload).is_ok())
                    .ok_or(ChannelError::Refused)?;
                let (offer, noise) = choices.swap_remove(chosen);
                self.state = State::Running(offer, Box::new(noise));
            }
            State::Running(_, noise) => {
                noise.read_message(message, &mut payload).map_err(refused)?;
            }
            State::Failed => return Err(ChannelError::Closed),
        }
        Ok(std::mem::take(&mut *payload))
    }

    /// Counts a message that worked; ends the handshake after one that did not.
    fn settle(&mut self, result: Result<Vec<u8>, ChannelError>) -> Result<Vec<u8>, ChannelError> {
        match result {
            Ok(_) => self.done += 1,
            Err(_) => self.state = State::Failed,
        }
        result
    }

    /// Whether the next message is ours to write.
    fn is_my_turn(&self) -> Result<bool, ChannelError> {
        match self.state {
            State::Failed => Err(ChannelError::Closed),
            _ => Ok(!self.is_finished() && self.done.is_multiple_of(2) == self.initiator),
        }
    }

    /// Most bytes that the next message can have.
    pub(crate) fn next_message_limit(&self) -> usize {
        match self.done {
            0 => MESSAGE_1,
            done => message_overhead(done) + MAX_HANDSHAKE_PAYLOAD,
        }
    }

    /// Whether all three messages have passed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.done == 3
    }

    /// Which of the offers given to [`Handshake::responder`] fitted message 1, as an index; 0 for an initiator.
    #[must_use]
    pub fn offer(&self) -> Option<usize> {
        match &self.state {
            State::Running(offer, _) => Some(*offer),
            _ => None,
        }
    }

    /// The other side's key, proven: for an initiator from message 2 on, for a responder from message 3 on.
    #[must_use]
    pub fn peer_key(&self) -> Option<ExchangeKey> {
        match &self.state {
            State::Running(_, noise) => noise.get_remote_static().and_then(ExchangeKey::from_slice),
            _ => None,
        }
    }

    /// The hash of everything both sides said; equal on both sides only if nobody stood between.
    ///
    /// `None` before the handshake is finished.
    #[must_use]
    pub fn handshake_hash(&self) -> Option<[u8; 32]> {
        match &self.state {
            State::Running(_, noise) if self.is_finished() => noise.get_handshake_hash().try_into().ok(),
            _ => None,
        }
    }

    /// Goes over to frames.
    ///
    /// # Errors
    /// [`ChannelError::OutOfOrder`] if the handshake is not finished.
    pub fn into_transport(self) -> Result<Transport, ChannelError> {
        let (Some(peer), Some(hash)) = (self.peer_key(), self.handshake_hash()) else {
            return Err(ChannelError::OutOfOrder);
        };
        match self.state {
            State::Running(_, noise) => {
                let noise = noise.into_transport_mode().map_err(|_| ChannelError::OutOfOrder)?;
                Ok(Transport::new(noise, Some(peer), hash))
            }
            _ => Err(ChannelError::OutOfOrder),
        }
    }
}

/// Bytes of handshake message `done + 1` around its payload.
const fn message_overhead(done: u8) -> usize {
    match done {
        0 => MESSAGE_1,
        1 => MESSAGE_2,
        _ => MESSAGE_3,
    }
}

/// Draws the ephemeral key of one handshake.
pub(crate) fn draw(rng: &mut dyn CryptoRng) -> EphemeralSeed {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(seed.as_mut());
    seed
}

fn build(
    offer: &Offer,
    secret: &ExchangeSecret,
    seed: &EphemeralSeed,
    initiator: bool,
) -> Result<HandshakeState, ChannelError> {
    if offer.purpose == Purpose::Relay {
        return Err(ChannelError::Purpose(offer.purpose.byte()));
    }
    let prologue = offer.prologue();
    let params = PATTERN.parse().map_err(|_| ChannelError::Unsupported)?;
    Builder::with_resolver(params, Box::new(Resolver { seed: seed.clone() }))
        .local_private_key(secret.as_bytes())
        .and_then(|builder| builder.psk(0, offer.psk.as_bytes()))
        .and_then(|builder| builder.prologue(&prologue))
        .and_then(|builder| if initiator { builder.build_initiator() } else { builder.build_responder() })
        .map_err(|_| ChannelError::Unsupported)
}

/// What snow reports while it reads or writes a handshake message, said in our words.
pub(crate) fn refused(error: Error) -> ChannelError {
    match error {
        Error::Decrypt | Error::Dh => ChannelError::Refused,
        Error::Input => ChannelError::Malformed,
        Error::State(_) => ChannelError::OutOfOrder,
        _ => ChannelError::Unsupported,
    }
}
