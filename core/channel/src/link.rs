use firsthand_ids::ExchangeKey;
use rand_core::CryptoRng;

use crate::deframe::Deframer;
use crate::handshake::draw;
use crate::resolver::EphemeralSeed;
use crate::transport::MAX_MESSAGE;
use crate::{ChannelError, ExchangeSecret, Handshake, Offer, Purpose, Transport};

/// A finished handshake: with whom, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Established {
    /// The other side's proven key. Whether it belongs to the team is for the roster to say.
    pub peer: ExchangeKey,
    /// The hash of the handshake; equal on both sides only if nobody stood between.
    pub handshake_hash: [u8; 32],
    /// What the channel is for.
    pub purpose: Purpose,
    /// For a responder the index of the offer that fitted; 0 for an initiator.
    pub offer: usize,
}

/// What bytes from the other side led to, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// The payload of the other side's handshake message. [`Link::peer_key`] already answers.
    HandshakePayload(Vec<u8>),
    /// The next handshake message is ours: give its payload to [`Link::reply`].
    NeedsPayload,
    /// The responder's handshake is finished (an initiator's ends with [`Reply::established`]).
    Established(Established),
    /// A complete frame.
    Frame(Vec<u8>),
}

/// Our handshake message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The bytes to send. Frames may follow directly.
    pub bytes: Vec<u8>,
    /// Set for an initiator, whose reply is the last message of the handshake.
    pub established: Option<Established>,
}

/// A channel over a byte stream, from the first byte to the last frame.
///
/// | initiator | responder |
/// |---|---|
/// | [`Link::initiator`] gives the first bytes | [`Link::responder`] |
/// | | `push` -> `NeedsPayload`; `reply(payload)` |
/// | `push` -> `HandshakePayload`, `NeedsPayload`; `reply(payload)`, established; `send(frame)` | |
/// | | `push` -> `HandshakePayload`, `Established`, `Frame` .. |
///
/// After an error the link is closed, and whoever owns the stream closes that too; nothing is said to the other
/// side about why.
pub struct Link {
    deframer: Deframer,
    state: State,
    purpose: Purpose,
    initiator: bool,
}

enum State {
    /// A responder before the first byte.
    Waiting(Box<Waiting>),
    /// Handshaking; the flag says that our payload is awaited.
    Handshaking(Handshake, bool),
    Established(Box<Transport>),
    Closed,
}

struct Waiting {
    offers: Vec<Offer>,
    secret: ExchangeSecret,
    seed: EphemeralSeed,
}

impl Link {
    /// Opens a channel and gives its first bytes: the purpose and message 1.
    ///
    /// # Errors
    /// [`ChannelError::Purpose`] for [`Purpose::Relay`].
    pub fn initiator(
        offer: &Offer,
        secret: &ExchangeSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>), ChannelError> {
        let mut handshake = Handshake::initiator(offer, secret, rng)?;
        let mut bytes = vec![offer.purpose.byte()];
        append_message(&mut bytes, &handshake.write(&[])?)?;
        let link = Self {
            deframer: Deframer::new(),
            state: State::Handshaking(handshake, false),
            purpose: offer.purpose,
            initiator: true,
        };
        Ok((link, bytes))
    }

    /// Waits for somebody to open a channel for one of the offers (at most [`MAX_OFFERS`](crate::MAX_OFFERS)).
    #[must_use]
    pub fn responder(offers: Vec<Offer>, secret: ExchangeSecret, rng: &mut dyn CryptoRng) -> Self {
        let waiting = Waiting { offers, secret, seed: draw(rng) };
        Self {
            deframer: Deframer::new(),
            state: State::Waiting(Box::new(waiting)),
            purpose: Purpose::Meet,
            initiator: false,
        }
    }

    /// Takes bytes as they came from the stream, in pieces of any size.
    ///
    /// # Errors
    /// Whatever is wrong with them; the link is closed then. Frames completed earlier in the same call are lost
    /// with it, which is safe because nothing was acknowledged yet.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<LinkEvent>, ChannelError> {
        let mut events = Vec::new();
        let result = self.try_push(bytes, &mut events);
        self.close_on_error(result)?;
        Ok(events)
    }

    fn try_push(&mut self, mut bytes: &[u8], events: &mut Vec<LinkEvent>) -> Result<(), ChannelError> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Waiting(waiting) => {
                    let (&first, rest) = bytes.split_first().ok_or(ChannelError::Malformed)?;
                    bytes = rest;
                    self.purpose = Purpose::from_byte(first)?;
                    let handshake = Handshake::responder_seeded(
                        self.purpose,
                        &waiting.offers,
                        &waiting.secret,
                        &waiting.seed,
                    )?;
                    self.state = State::Handshaking(handshake, false);
                }
                State::Handshaking(handshake, our_turn) => {
                    if *our_turn {
                        // Nobody may speak twice in a row before the handshake is done.
                        return Err(ChannelError::OutOfOrder);
                    }
                    let limit = handshake.next_message_limit();
                    let Some(message) = self.deframer.next(&mut bytes, limit)? else { continue };
                    self.read_handshake(&message, events)?;
                }
                State::Established(transport) => {
                    let Some(message) = self.deframer.next(&mut bytes, MAX_MESSAGE)? else { continue };
                    events.extend(transport.open(&message)?.map(LinkEvent::Frame));
                }
                State::Closed => return Err(ChannelError::Closed),
            }
        }
        Ok(())
    }

    fn read_handshake(&mut self, message: &[u8], events: &mut Vec<LinkEvent>) -> Result<(), ChannelError> {
        let State::Handshaking(handshake, our_turn) = &mut self.state else {
            return Err(ChannelError::OutOfOrder);
        };
        let payload = handshake.read(message)?;
        if handshake.peer_key().is_some() {
            events.push(LinkEvent::HandshakePayload(payload));
        }
        if handshake.is_finished() {
            events.push(LinkEvent::Established(self.establish()?));
        } else {
            *our_turn = true;
            events.push(LinkEvent::NeedsPayload);
        }
        Ok(())
    }

    /// Gives the payload of our handshake message, asked for by [`LinkEvent::NeedsPayload`].
    ///
    /// # Errors
    /// [`ChannelError::OutOfOrder`] if none was asked for; [`ChannelError::TooLarge`] above
    /// [`MAX_HANDSHAKE_PAYLOAD`](crate::MAX_HANDSHAKE_PAYLOAD).
    pub fn reply(&mut self, payload: &[u8]) -> Result<Reply, ChannelError> {
        let result = self.try_reply(payload);
        self.close_on_error(result)
    }

    fn try_reply(&mut self, payload: &[u8]) -> Result<Reply, ChannelError> {
        let (message, finished) = match &mut self.state {
            State::Handshaking(handshake, our_turn @ true) => {
                *our_turn = false;
                (handshake.write(payload)?, handshake.is_finished())
            }
            State::Closed => return Err(ChannelError::Closed),
            _ => return Err(ChannelError::OutOfOrder),
        };
        let mut bytes = Vec::new();
        append_message(&mut bytes, &message)?;
        let established = if finished { Some(self.establish()?) } else { None };
        Ok(Reply { bytes, established })
    }

    /// Seals a frame of at most [`MAX_FRAME`](crate::MAX_FRAME) bytes.
    ///
    /// # Errors
    /// [`ChannelError::OutOfOrder`] before the channel is established, [`ChannelError::TooLarge`] for a frame
    /// above the limit; the link stays usable after both.
    pub fn send(&mut self, frame: &[u8]) -> Result<Vec<u8>, ChannelError> {
        match &mut self.state {
            State::Established(transport) => transport.seal(frame),
            State::Closed => Err(ChannelError::Closed),
            _ => Err(ChannelError::OutOfOrder),
        }
    }

    /// The other side's proven key, as soon as it is known: for an initiator with message 2, for a responder
    /// with message 3.
    #[must_use]
    pub fn peer_key(&self) -> Option<ExchangeKey> {
        match &self.state {
            State::Handshaking(handshake, _) => handshake.peer_key(),
            State::Established(transport) => transport.peer_key(),
            _ => None,
        }
    }

    /// What the channel is for; `None` for a responder before the first byte.
    #[must_use]
    pub fn purpose(&self) -> Option<Purpose> {
        (!matches!(self.state, State::Waiting(_))).then_some(self.purpose)
    }

    /// Whether this side opened the channel.
    #[must_use]
    pub const fn is_initiator(&self) -> bool {
        self.initiator
    }

    /// Whether frames can be sent.
    #[must_use]
    pub const fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    fn establish(&mut self) -> Result<Established, ChannelError> {
        let State::Handshaking(handshake, _) = std::mem::replace(&mut self.state, State::Closed) else {
            return Err(ChannelError::OutOfOrder);
        };
        let offer = handshake.offer().ok_or(ChannelError::OutOfOrder)?;
        let transport = handshake.into_transport()?;
        let established = Established {
            peer: transport.peer_key().ok_or(ChannelError::OutOfOrder)?,
            handshake_hash: transport.handshake_hash(),
            purpose: self.purpose,
            offer,
        };
        self.state = State::Established(Box::new(transport));
        Ok(established)
    }

    fn close_on_error<T>(&mut self, result: Result<T, ChannelError>) -> Result<T, ChannelError> {
        if result.is_err() {
            self.state = State::Closed;
        }
        result
    }
}

pub(crate) fn append_message(bytes: &mut Vec<u8>, message: &[u8]) -> Result<(), ChannelError> {
    let len = u16::try_from(message.len()).map_err(|_| ChannelError::TooLarge)?;
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(message);
    Ok(())
}
