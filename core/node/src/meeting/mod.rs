//! Everything that happens on links to other devices, decided without sockets, clocks or a store.
//!
//! [`Meetings::handle`] takes an [`Input`] and returns [`Effect`]s. Whoever drives it moves bytes, carries questions to
//! the [`Ledger`](crate::Ledger) and hands back the answers; a test does the same with a virtual network.

mod event;
mod invite;
mod joining;
mod link;
mod machine;
mod question;
mod session;
mod sharing;
mod twice;

pub use event::{EndReason, Event, Summary};
pub use invite::{InviteOptions, Invited, JoinFrame, Joiner, JoinerEffect, invitation_secret};
pub use machine::{Effect, Identity, Input, LinkId, Meetings, Opened};
pub use question::{Answer, Change, Members, Question};

pub(crate) use invite::Inviter;
