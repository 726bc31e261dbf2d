//! Which mailboxes matter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use firsthand_ids::{MailboxId, OperationHash, Position, SpaceId, WriterId, WriterPseudonym};
use firsthand_seal::{EpochKey, GroupKeys, MailboxKeys};
use firsthand_sync::relay::{Puts, mailbox_id};
use firsthand_team::{Space, TeamRelay};
use rand_core::CryptoRng;

use super::files::{self, FilesThere};
use super::known::{Known, decode, setting};
use super::shelf::{self, Shelf};
use crate::NodeError;
use crate::ledger::Ledger;
use crate::relay::{Answer, MailboxPlan, RelayPlan, Standing};

/// How many epochs back of a space are read for what those bring who have not heard of a newer one, and get a door to it.
const FORMER: usize = 4;

/// A mailbox that matters, before anything is looked up.
struct Wanted {
    space: SpaceId,
    epoch: Option<OperationHash>,
    key: EpochKey,
    standing: Standing,
}

impl Ledger {
    pub(super) fn plan_relays(
        &mut self,
        reaches: BTreeMap<MailboxId, BTreeMap<WriterPseudonym, Position>>,
        renew: bool,
        rng: &mut dyn CryptoRng,
    ) -> Answer {
        for (mailbox, reach) in reaches {
            self.relays.reached(&mailbox, reach);
        }
        if renew && let Err(error) = self.renew_where_needed(rng) {
            tracing::error!(%error, "no new key could be made");
        }
        let heads = self.membership.heads();
        let team_changed = self.relays.heads != heads;
        self.relays.heads = heads;
        let relays = self.relays_wanted().unwrap_or_else(|error| {
            tracing::error!(%error, "could not say what there is to do at relays");
            Vec::new()
        });
        Answer::Plan { relays, team_changed }
    }

    /// Makes keys for spaces in which something is held and that have none which exactly their readers have.
    fn renew_where_needed(&mut self, rng: &mut dyn CryptoRng) -> Result<(), NodeError> {
        if !self.is_admitted() || self.membership.roster().relays.is_empty() {
            return Ok(());
        }
        for (space, kind) in self.membership.spaces_of(&self.person) {
            // The leads' key at relays follows from an epoch of theirs, so those who came to lead need that as well.
            let holds = matches!(kind, Space::Team | Space::Leads)
                || self.store.vector(&space).iter().next().is_some();
            if holds && self.group.sealing(&self.membership, &space).is_none() {
                self.sealing_key(&space, rng)?;
            }
        }
        Ok(())
    }

    fn relays_wanted(&mut self) -> Result<Vec<RelayPlan>, NodeError> {
        if !self.is_admitted() {
            return Ok(Vec::new());
        }
        let wanted = self.mailboxes_wanted();
        let relays = self.membership.roster().relays.clone();
        let mut matter: Vec<(TeamRelay, Vec<MailboxId>)> = Vec::new();
        for relay in relays {
            let found = self.found_at(&relay);
            let there =
                wanted.iter().chain(&found).map(|it| self.know(&relay, it)).collect::<Result<_, _>>()?;
            matter.push((relay, there));
        }
        let kept: BTreeSet<MailboxId> = matter.iter().flat_map(|(_, there)| there).copied().collect();
        self.relays.known.retain(|id, _| kept.contains(id));
        let mut plans = Vec::new();
        for (relay, there) in matter {
            let Some(leads) = self.membership.roster().relay_leads.get(&relay.key).copied() else { continue };
            let mut mailboxes = BTreeMap::new();
            for id in there {
                if let Some(known) = self.relays.known.get(&id) {
                    mailboxes.insert(id, self.mailbox_plan(known));
                }
            }
            plans.push(RelayPlan { relay, leads, mailboxes });
        }
        Ok(plans)
    }

    fn mailboxes_wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for (space, kind) in self.membership.spaces_of(&self.person) {
            // Nothing is written into the space of the leads.
            if kind == Space::Leads {
                continue;
            }
            let current = self.group.sealing(&self.membership, &space).map(|(hash, _)| hash);
            let safe = self.group.safe(&self.membership, &space);
            let mut former = 0;
            for (epoch, key) in self.group.opening(&self.membership, &space) {
                let standing = if current == Some(epoch) {
                    Standing::Current
                } else if former == FORMER {
                    continue;
                } else if safe.contains(&epoch) {
                    Standing::Beside
                } else {
                    Standing::Former
                };
                former += usize::from(standing != Standing::Current);
                wanted.push(Wanted { space, epoch: Some(epoch), key: key.clone(), standing });
            }
        }
        wanted
    }

    /// What doors led to and the membership does not know.
    fn found_at(&mut self, relay: &TeamRelay) -> Vec<Wanted> {
        let commitments: Vec<[u8; 32]> = self.membership.epochs().map(|it| it.epoch.commitment).collect();
        self.relays.found.retain(|(_, commitment), _| !commitments.contains(commitment));
        let there = self.relays.found.iter().filter(|((at, _), _)| *at == relay.key);
        let wanted = |(_, key): (_, &EpochKey)| Wanted {
            space: self.space,
            epoch: None,
            key: key.clone(),
            standing: Standing::Found,
        };
        there.map(wanted).collect()
    }

    /// Takes a mailbox into those that are known, and brings it up to date.
    fn know(&mut self, relay: &TeamRelay, it: &Wanted) -> Result<MailboxId, NodeError> {
        let same = |known: &Known| known.relay == relay.key && known.key == it.key;
        let known = self.relays.known.iter().find(|(_, known)| same(known)).map(|(id, _)| *id);
        let id = if let Some(id) = known {
            id
        } else {
            let keys = MailboxKeys::of(&it.key, &relay.key);
            let secret = keys.secret()?;
            let id = mailbox_id(&secret.key());
            let kept = self.store.setting(&setting(&id))?;
            let (remembered, seen) = kept.and_then(|bytes| decode(&bytes)).unwrap_or_default();
            let kept = self.store.setting(&files::setting(&id))?;
            let there = kept.and_then(|bytes| FilesThere::decode(&bytes)).unwrap_or_default();
            let kept = self.store.setting(&shelf::setting(&id))?;
            let shelf = kept.and_then(|bytes| Shelf::decode(&bytes)).unwrap_or_default();
            let known = Known {
                relay: relay.key,
                space: it.space,
                key: it.key.clone(),
                epoch: it.epoch,
                standing: it.standing,
                journal: keys.journal(&self.device),
                secret: Arc::new(secret),
                uploader: Arc::new(keys.uploader(self.keys.signing.seed())?),
                keys,
                writers: BTreeMap::new(),
                pseudonyms: BTreeMap::new(),
                seen,
                pending: None,
                reach: remembered.reach.clone(),
                remembered,
                files_kept: there.clone(),
                files: there,
                shelf_kept: shelf.clone(),
                shelf,
                work: None,
                wrong: None,
            };
            self.relays.known.insert(id, known);
            id
        };
        if let Some(known) = self.relays.known.get_mut(&id) {
            (known.epoch, known.standing) = (it.epoch, it.standing);
            for (writer, _) in self.store.vector(&it.space).iter() {
                known.name(writer);
            }
        }
        Ok(id)
    }

    fn mailbox_plan(&self, known: &Known) -> MailboxPlan {
        let vector = self.store.vector(&known.space);
        let held =
            |(name, writer): (&WriterPseudonym, &WriterId)| Some((*name, vector.get(writer)?.position));
        let mut holds: BTreeMap<WriterPseudonym, Position> = known.writers.iter().filter_map(held).collect();
        let journal = known.journal_reach();
        let says = self.has_to_say(known);
        holds.insert(known.journal, if says { journal.next() } else { journal });
        let puts = match known.standing {
            Standing::Current => Puts::All,
            Standing::Beside | Standing::Former => Puts::Only(known.journal),
            Standing::Found => Puts::Nothing,
        };
        MailboxPlan {
            standing: known.standing,
            secret: known.secret.clone(),
            uploader: known.uploader.clone(),
            journal: known.journal,
            holds,
            says,
            puts,
            remembered: known.remembered.clone(),
        }
    }
}
