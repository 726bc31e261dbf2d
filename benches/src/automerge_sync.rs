//! Automerge's own sync, document by document: what an app does that has Automerge and nothing else.

use automerge::Automerge;
use automerge::sync::{State, SyncDoc};

use crate::Outcome;

/// What naming a document costs in front of each message.
const ID_BYTES: u64 = 16;

/// What it cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Synced {
    pub(crate) messages: usize,
    /// With the ids of the documents, without a channel's seals and signatures, which it has none of.
    pub(crate) bytes: u64,
    /// The most messages one document needed, one after the other.
    pub(crate) flights: usize,
}

/// Brings two sets of documents to the same state. Both sides have met before as little as two devices after a
/// restart: Automerge's sync states are not kept here.
pub(crate) fn sync_all(left: &mut [Automerge], right: &mut [Automerge]) -> Outcome<Synced> {
    let mut synced = Synced::default();
    for (left, right) in left.iter_mut().zip(right) {
        let (mut of_left, mut of_right) = (State::new(), State::new());
        let mut flights = 0;
        loop {
            let to_right = left.generate_sync_message(&mut of_left);
            let quiet = to_right.is_none();
            if let Some(message) = to_right {
                let bytes = message.encode();
                synced.count(&bytes);
                flights += 1;
                right.receive_sync_message(&mut of_right, automerge::sync::Message::decode(&bytes)?)?;
            }
            let to_left = right.generate_sync_message(&mut of_right);
            if quiet && to_left.is_none() {
                break;
            }
            if let Some(message) = to_left {
                let bytes = message.encode();
                synced.count(&bytes);
                flights += 1;
                left.receive_sync_message(&mut of_left, automerge::sync::Message::decode(&bytes)?)?;
            }
        }
        synced.flights = synced.flights.max(flights);
    }
    Ok(synced)
}

impl Synced {
    fn count(&mut self, message: &[u8]) {
        self.messages += 1;
        self.bytes += message.len() as u64 + ID_BYTES;
    }
}
