//! What has not reached any relay, and since when.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{ExchangeKey, Position, SpaceId, WriterId};
use firsthand_store::{FileAt, form_number};
use firsthand_sync::FileId;
use firsthand_team::TeamRelay;
use rand_core::CryptoRng;

use crate::NodeError;
use crate::ledger::{Ledger, LinkKind};
use crate::relay::Queue;

impl Ledger {
    /// The team's relays.
    #[must_use]
    pub fn relays(&self) -> &[TeamRelay] {
        &self.membership.roster().relays
    }

    /// Adds a relay to the team's, or says anew where it is.
    ///
    /// # Errors
    /// [`NodeError::Team`] where this person may not, or the address is none; [`NodeError::Store`] from the store.
    pub fn add_relay(&mut self, relay: TeamRelay, rng: &mut dyn CryptoRng) -> Result<(), NodeError> {
        if !self.rights().remove {
            return Err(self.may_not_change_team());
        }
        let leads = self.leads_key(&relay.key, rng)?.key();
        self.change_team(|membership, secret| membership.add_relay(secret, relay, leads)).map(drop)
    }

    /// Drops a relay of the team's.
    ///
    /// # Errors
    /// As [`Ledger::add_relay`].
    pub fn drop_relay(&mut self, key: ExchangeKey) -> Result<(), NodeError> {
        self.change_team(|membership, secret| membership.drop_relay(secret, key)).map(drop)
    }

    /// What has not reached any of the team's relays, as far as this device knows: an entry counts as being there only if this
    /// device brought it there itself, or opened it there.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn relay_queue(&mut self, rng: &mut dyn CryptoRng) -> Result<Queue, NodeError> {
        // What is remembered of mailboxes is read in.
        self.plan_relays(BTreeMap::new(), false, rng);
        let mut reached: BTreeMap<(SpaceId, WriterId), Position> = BTreeMap::new();
        for known in self.relays.known.values_mut() {
            for (writer, _) in self.store.vector(&known.space).iter() {
                let name = known.name(writer);
                let there = known.reach.get(&name).copied().unwrap_or_default();
                let best = reached.entry((known.space, *writer)).or_default();
                *best = there.max(*best);
            }
        }
        let mut queue = Queue::default();
        for space in self.membership.spaces_of(&self.person).into_keys() {
            for (writer, mark) in self.store.vector(&space).iter() {
                let there = reached.get(&(space, *writer)).copied().unwrap_or_default();
                let behind = mark.position.0.saturating_sub(there.0);
                if behind == 0 {
                    continue;
                }
                let count = if self.is_own(&space, writer) { &mut queue.own } else { &mut queue.others };
                *count += behind;
                if let Some(info) = self.store.entry_info(writer, there.next())? {
                    let made = info.local.at;
                    queue.oldest = Some(queue.oldest.map_or(made, |oldest| oldest.min(made)));
                }
            }
        }
        self.queue_files(&mut queue)?;
        Ok(queue)
    }

    fn queue_files(&self, queue: &mut Queue) -> Result<(), NodeError> {
        let travels = |file: &FileAt| self.may_travel(LinkKind::Relay, file.form, file.byte_len);
        let mut documents = BTreeSet::new();
        for held in self.store.held_files()?.into_iter().filter(travels) {
            let file = FileId { document: held.document, form: form_number(held.form) };
            let mut known = self.relays.known.values().filter(|known| known.space == held.space);
            if !known.any(|known| known.files.contains(&file)) {
                queue.file_bytes += held.byte_len;
                documents.insert(held.document);
            }
        }
        queue.files = documents.len() as u64;
        documents.clear();
        for missing in self.missing_files()?.into_iter().filter(travels) {
            queue.wanted_bytes += missing.byte_len;
            documents.insert(missing.document);
        }
        queue.files_wanted = documents.len() as u64;
        Ok(())
    }
}
