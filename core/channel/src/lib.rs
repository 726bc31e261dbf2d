//! The authenticated, encrypted channel between two members: Noise as a pure state machine.
//!
//! Nothing here opens a socket, reads a clock or draws randomness of its own. Bytes come in, bytes and
//! [`LinkEvent`]s go out; randomness is injected where a key or nonce is made.
//!
//! The handshake is `Noise_XXpsk0_25519_ChaChaPoly_SHA256`. Both sides prove that they hold the same secret
//! before either shows its key: a stranger who connects learns nothing, not even whom he reached. What secret
//! that is depends on the [`Purpose`]: the team's discovery secret when members meet, the one-time secret of an
//! invitation when somebody joins.
//!
//! - [`Link`] is the whole channel over a byte stream and what a node drives: purpose byte, handshake, frames.
//! - [`Handshake`], [`Transport`] and [`Deframer`] are its parts, for transports that already carry messages.
//! - [`RelayLink`] is the channel to a relay: `Noise_NK_25519_ChaChaPoly_SHA256`, in which the client shows no key.
//! - [`ShortWords`] turns a finished handshake and two nonces into three words that two people compare.
//!
//! The bytes are described in `docs/formats/channel.md`.

mod deframe;
mod error;
mod handshake;
mod keys;
mod link;
mod offer;
mod relay;
mod resolver;
mod transport;
mod words;

pub use deframe::Deframer;
pub use error::ChannelError;
pub use handshake::{Handshake, MAX_HANDSHAKE_PAYLOAD, MAX_OFFERS};
pub use keys::ExchangeSecret;
pub use link::{Established, Link, LinkEvent, Reply};
pub use offer::{Offer, Psk, Purpose};
pub use relay::{RelayEvent, RelayLink};
pub use transport::{MAX_FRAME, MAX_MESSAGE, Transport};
pub use words::{ShortWords, WordCommitment, WordLanguage, WordNonce, WordRole};
