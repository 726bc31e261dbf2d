//! Two sides with fixed keys, and a meeting between them cut into its steps.

use firsthand_channel::{ChannelError, Established, ExchangeSecret, Link, LinkEvent, Offer};
use firsthand_ids::TeamId;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) const TEAM: TeamId = TeamId::new([0x11; 32]);
pub(crate) const OTHER_TEAM: TeamId = TeamId::new([0x12; 32]);
pub(crate) const DISCOVERY: [u8; 32] = [0x22; 32];
pub(crate) const ONE_TIME: [u8; 32] = [0x33; 32];

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// The secret key of one of the test's devices.
pub(crate) fn device(number: u8) -> ExchangeSecret {
    ExchangeSecret::generate(&mut rng(0xd0 ^ number))
}

pub(crate) fn meet() -> Offer {
    Offer::meet(TEAM, &DISCOVERY).unwrap()
}

pub(crate) fn join() -> Offer {
    Offer::join(TEAM, &ONE_TIME).unwrap()
}

/// Device 1 opens a channel with randomness from `seed`.
pub(crate) fn initiator(offer: &Offer, seed: u8) -> (Link, Vec<u8>) {
    Link::initiator(offer, &device(1), &mut rng(seed)).unwrap()
}

/// Device 2 waits for somebody, with randomness from `seed`.
pub(crate) fn responder(offers: Vec<Offer>, seed: u8) -> Link {
    Link::responder(offers, device(2), &mut rng(seed))
}

/// Two established links.
pub(crate) struct Pair {
    pub(crate) initiator: Link,
    pub(crate) responder: Link,
    pub(crate) initiator_sees: Established,
    pub(crate) responder_sees: Established,
}

/// Shakes hands over `offer` with empty payloads.
pub(crate) fn pair(offer: &Offer, seed: u8) -> Result<Pair, ChannelError> {
    let (mut initiator, hello) = initiator(offer, seed);
    let mut responder = responder(vec![offer.clone()], seed.wrapping_add(1));
    responder.push(&hello)?;
    initiator.push(&responder.reply(&[])?.bytes)?;
    let reply = initiator.reply(&[])?;
    let mut events = responder.push(&reply.bytes)?;
    let (Some(LinkEvent::Established(responder_sees)), Some(initiator_sees)) =
        (events.pop(), reply.established)
    else {
        return Err(ChannelError::OutOfOrder);
    };
    Ok(Pair { initiator, responder, initiator_sees, responder_sees })
}

/// What each side was given during a [`meeting`], in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) initiator: Vec<Vec<u8>>,
    pub(crate) responder: Vec<Vec<u8>>,
}

/// How many times bytes change hands in a [`meeting`].
pub(crate) const STEPS: usize = 6;

/// One whole meeting. `road` carries the bytes of step 0 to 5 and may change them; even steps go to the
/// responder. Ends early at the first error, as a node would close the stream.
pub(crate) fn meeting(
    seed: u8,
    mut road: impl FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> (Heard, Option<ChannelError>) {
    let mut heard = Heard::default();
    let outcome = try_meeting(seed, &mut road, &mut heard);
    (heard, outcome.err())
}

fn try_meeting(
    seed: u8,
    road: &mut impl FnMut(usize, Vec<u8>) -> Vec<u8>,
    heard: &mut Heard,
) -> Result<(), ChannelError> {
    let (mut one, hello) = initiator(&meet(), seed);
    let mut two = responder(vec![join(), meet()], seed.wrapping_add(1));
    listen(&mut two, &road(0, hello), &mut heard.responder)?;
    let reply = two.reply(b"heads of the responder")?;
    listen(&mut one, &road(1, reply.bytes), &mut heard.initiator)?;
    let mut bytes = one.reply(b"heads of the initiator")?.bytes;
    bytes.extend(one.send(b"frame behind message 3")?);
    listen(&mut two, &road(2, bytes), &mut heard.responder)?;
    let bytes = [two.send(b"first answer")?, two.send(b"second answer")?].concat();
    listen(&mut one, &road(3, bytes), &mut heard.initiator)?;
    let bytes = [one.send(&[7; 200])?, one.send(b"the same")?, one.send(b"the same")?].concat();
    listen(&mut two, &road(4, bytes), &mut heard.responder)?;
    let bytes = two.send(b"the end")?;
    listen(&mut one, &road(5, bytes), &mut heard.initiator)
}

fn listen(link: &mut Link, bytes: &[u8], heard: &mut Vec<Vec<u8>>) -> Result<(), ChannelError> {
    for event in link.push(bytes)? {
        if let LinkEvent::HandshakePayload(bytes) | LinkEvent::Frame(bytes) = event {
            heard.push(bytes);
        }
    }
    Ok(())
}

/// The bytes of an undisturbed [`meeting`] and what is heard in it.
pub(crate) fn undisturbed(seed: u8) -> (Vec<Vec<u8>>, Heard) {
    let mut steps = Vec::new();
    let (heard, error) = meeting(seed, |_, bytes| {
        steps.push(bytes.clone());
        bytes
    });
    assert_eq!(error, None);
    assert_eq!(steps.len(), STEPS);
    (steps, heard)
}
