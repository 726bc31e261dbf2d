use firsthand_ids::ExchangeKey;
use snow::TransportState;

use crate::ChannelError;
use crate::deframe::PREFIX;
use crate::handshake::TAG;

/// Most bytes of one Noise message, fixed by the Noise specification.
pub const MAX_MESSAGE: usize = 65_535;

/// Most bytes of one frame: 8 MiB, twice what may wait unverified per peer, and 64 KiB for what stands around it.
pub const MAX_FRAME: usize = 8 * 1024 * 1024 + 64 * 1024;

/// Most plain bytes in one Noise message.
const MAX_PLAIN: usize = MAX_MESSAGE - TAG;

/// Bytes of a frame's length at the head of its first message.
pub(crate) const FRAME_PREFIX: usize = 4;

/// An established channel: frames in, sealed messages out, and back.
///
/// A frame of up to [`MAX_FRAME`] bytes travels in as few Noise messages as hold it; every message but the last
/// is full, so a frame has exactly one form. Keys are not renewed inside a channel: a key seals up to 2^64 - 1
/// messages, a meeting sends thousands, and the next meeting makes new ones.
pub struct Transport {
    noise: TransportState,
    peer: Option<ExchangeKey>,
    hash: [u8; 32],
    /// Most bytes of a frame of the other side's.
    limit: usize,
    /// A frame of which some messages have arrived.
    incoming: Option<Incoming>,
    failed: bool,
}

struct Incoming {
    len: usize,
    bytes: Vec<u8>,
}

impl Transport {
    pub(crate) const fn new(noise: TransportState, peer: Option<ExchangeKey>, hash: [u8; 32]) -> Self {
        Self { noise, peer, hash, limit: MAX_FRAME, incoming: None, failed: false }
    }

    /// The other side's key; `None` for a relay, whose clients show none.
    #[must_use]
    pub const fn peer_key(&self) -> Option<ExchangeKey> {
        self.peer
    }

    /// Sets how long the other side's frames may be, from the next one on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(MAX_FRAME);
    }

    /// The hash of the handshake that made this channel; equal on both sides only if nobody stood between.
    #[must_use]
    pub const fn handshake_hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Seals a frame into wire bytes: Noise messages, each preceded by its length as two big-endian bytes.
    ///
    /// # Errors
    /// [`ChannelError::TooLarge`] above [`MAX_FRAME`]; the channel stays usable then.
    /// [`ChannelError::Closed`] after an earlier failure.
    pub fn seal(&mut self, frame: &[u8]) -> Result<Vec<u8>, ChannelError> {
        if self.failed {
            return Err(ChannelError::Closed);
        }
        let len = u32::try_from(frame.len()).map_err(|_| ChannelError::TooLarge)?;
        if frame.len() > MAX_FRAME {
            return Err(ChannelError::TooLarge);
        }
        let (head, mut rest) = frame.split_at(frame.len().min(MAX_PLAIN - FRAME_PREFIX));
        let mut first = Vec::with_capacity(FRAME_PREFIX + head.len());
        first.extend_from_slice(&len.to_be_bytes());
        first.extend_from_slice(head);

        let messages = 1 + rest.len().div_ceil(MAX_PLAIN);
        let mut wire = Vec::with_capacity(FRAME_PREFIX + frame.len() + messages * (PREFIX + TAG));
        self.seal_message(&first, &mut wire)?;
        while !rest.is_empty() {
            let (plain, after) = rest.split_at(rest.len().min(MAX_PLAIN));
            self.seal_message(plain, &mut wire)?;
            rest = after;
        }
        Ok(wire)
    }

    fn seal_message(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), ChannelError> {
        let len = u16::try_from(plain.len() + TAG).map_err(|_| ChannelError::TooLarge)?;
        wire.extend_from_slice(&len.to_be_bytes());
        let start = wire.len();
        wire.resize(start + usize::from(len), 0);
        self.noise.write_message(plain, &mut wire[start..]).map_err(|_| {
            self.failed = true;
            ChannelError::Closed
        })?;
        Ok(())
    }

    /// Opens one Noise message, without its length; returns the frame that it completes, if it does.
    ///
    /// # Errors
    /// [`ChannelError::Altered`] if it does not verify as the next message, [`ChannelError::Malformed`] or
    /// [`ChannelError::TooLarge`] if it verifies but breaks the form. After any error nothing more is accepted:
    /// [`ChannelError::Closed`].
    pub fn open(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ChannelError> {
        if self.failed {
            return Err(ChannelError::Closed);
        }
        let result = self.try_open(message);
        if result.is_err() {
            self.failed = true;
            self.incoming = None;
        }
        result
    }

    fn try_open(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ChannelError> {
        if message.len() > MAX_MESSAGE {
            return Err(ChannelError::TooLarge);
        }
        let mut plain = vec![0; message.len().saturating_sub(TAG)];
        self.noise.read_message(message, &mut plain).map_err(|_| ChannelError::Altered)?;
        let (mut incoming, part, room) = match self.incoming.take() {
            Some(incoming) => (incoming, plain.as_slice(), MAX_PLAIN),
            None => {
                let (prefix, part) =
                    plain.split_first_chunk::<FRAME_PREFIX>().ok_or(ChannelError::Malformed)?;
                let len = usize::try_from(u32::from_be_bytes(*prefix)).map_err(|_| ChannelError::TooLarge)?;
                if len > self.limit {
                    return Err(ChannelError::TooLarge);
                }
                // Grown as bytes arrive, never reserved from the announced length.
                (Incoming { len, bytes: Vec::new() }, part, MAX_PLAIN - FRAME_PREFIX)
            }
        };
        if part.len() != room.min(incoming.len - incoming.bytes.len()) {
            return Err(ChannelError::Malformed);
        }
        incoming.bytes.extend_from_slice(part);
        if incoming.bytes.len() == incoming.len {
            return Ok(Some(incoming.bytes));
        }
        self.incoming = Some(incoming);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExchangeSecret, Handshake, Offer, Purpose};
    use firsthand_ids::TeamId;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn pair() -> (Transport, Transport) {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let offer = Offer::meet(TeamId::new([1; 32]), &[2; 32]).unwrap();
        let (alice, bob) = (ExchangeSecret::generate(&mut rng), ExchangeSecret::generate(&mut rng));
        let mut one = Handshake::initiator(&offer, &alice, &mut rng).unwrap();
        let mut two =
            Handshake::responder(Purpose::Meet, std::slice::from_ref(&offer), &bob, &mut rng).unwrap();
        two.read(&one.write(&[]).unwrap()).unwrap();
        one.read(&two.write(&[]).unwrap()).unwrap();
        two.read(&one.write(&[]).unwrap()).unwrap();
        (one.into_transport().unwrap(), two.into_transport().unwrap())
    }

    /// Seals plain bytes as one message, whatever they say, as a hostile member could.
    fn message(from: &mut Transport, plain: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        from.seal_message(plain, &mut wire).unwrap();
        wire.split_off(PREFIX)
    }

    fn first(len: usize, part: &[u8]) -> Vec<u8> {
        [&u32::try_from(len).unwrap().to_be_bytes(), part].concat()
    }

    #[test]
    fn a_frame_has_one_form_only() {
        let full = MAX_PLAIN - FRAME_PREFIX;
        for (what, plains, error) in [
            ("no length", vec![vec![0; 3]], ChannelError::Malformed),
            ("above the limit", vec![first(MAX_FRAME + 1, &[0; 8])], ChannelError::TooLarge),
            ("longest length", vec![first(u32::MAX as usize, &[])], ChannelError::TooLarge),
            ("more than announced", vec![first(3, &[0; 4])], ChannelError::Malformed),
            ("less than announced", vec![first(5, &[0; 4])], ChannelError::Malformed),
            ("first message not full", vec![first(full + 9, &vec![0; full - 1])], ChannelError::Malformed),
            (
                "last message too long",
                vec![first(full + 9, &vec![0; full]), vec![0; 10]],
                ChannelError::Malformed,
            ),
            ("empty message between", vec![first(full + 9, &vec![0; full]), vec![]], ChannelError::Malformed),
        ] {
            let (mut one, mut two) = pair();
            let mut outcomes: Vec<_> =
                plains.iter().map(|plain| two.open(&message(&mut one, plain))).collect();
            assert_eq!(outcomes.pop(), Some(Err(error)), "{what}");
            assert!(outcomes.iter().all(|outcome| *outcome == Ok(None)), "{what}");
            assert_eq!(two.open(&message(&mut one, &first(1, b"x"))), Err(ChannelError::Closed), "{what}");
        }
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let (mut one, mut two) = pair();
        let plain = first(MAX_FRAME, &vec![0; MAX_PLAIN - FRAME_PREFIX]);
        assert_eq!(two.open(&message(&mut one, &plain)), Ok(None));
        assert!(two.incoming.is_some_and(|incoming| incoming.bytes.capacity() <= 2 * MAX_PLAIN));
    }

    #[test]
    fn lengths_around_the_message_limit_arrive() {
        let (mut one, mut two) = pair();
        for len in
            [0, 1, MAX_PLAIN - FRAME_PREFIX - 1, MAX_PLAIN - FRAME_PREFIX, MAX_PLAIN - FRAME_PREFIX + 1]
                .into_iter()
                .chain([2 * MAX_PLAIN - FRAME_PREFIX, 2 * MAX_PLAIN - FRAME_PREFIX + 1, MAX_FRAME])
        {
            let frame: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let wire = one.seal(&frame).unwrap();
            let mut rest = wire.as_slice();
            let mut deframer = crate::Deframer::new();
            let mut got = None;
            while let Some(message) = deframer.next(&mut rest, MAX_MESSAGE).unwrap() {
                assert_eq!(got, None);
                got = two.open(&message).unwrap();
            }
            assert_eq!(got, Some(frame));
        }
        assert_eq!(one.seal(&vec![0; MAX_FRAME + 1]), Err(ChannelError::TooLarge));
        assert!(one.seal(b"still usable").is_ok());
    }
}
