//! Which mailboxes there are, and which are dialled next.

use std::collections::BTreeMap;

use firsthand_ids::{MailboxId, UnixMillis};
use firsthand_sync::relay::ClientInput;
use firsthand_team::RelayAddress;
use rand_core::CryptoRng;

use super::{Attachments, Effect, Link, LinkId, Mailbox, OPENING, Relay, VISITS};
use crate::relay::{MailboxPlan, RelayPlan, Standing};

impl Attachments {
    /// Brings relays and mailboxes in line with what the ledger says.
    pub(super) fn follow(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        plans: Vec<RelayPlan>,
        team_changed: bool,
        out: &mut Vec<Effect>,
    ) {
        if !self.running {
            return;
        }
        let mut before = std::mem::take(&mut self.relays);
        let mut left: Vec<LinkId> = Vec::new();
        for RelayPlan { relay, leads, mailboxes } in plans {
            let mut known = before.remove(&relay.key).unwrap_or_else(|| Relay {
                relay: relay.clone(),
                leads,
                mailboxes: BTreeMap::new(),
                retry: now,
                failures: 0,
                trouble: None,
            });
            if known.relay != relay {
                // It has moved.
                left.extend(known.mailboxes.values_mut().filter_map(|mailbox| mailbox.link.take()));
                known = Relay { relay, retry: now, failures: 0, trouble: None, ..known };
            }
            let mut old = std::mem::take(&mut known.mailboxes);
            for (id, plan) in mailboxes {
                let mailbox = match old.remove(&id) {
                    Some(mailbox) => {
                        let remembered = mailbox.plan.remembered.clone();
                        // What was found may be where this device brings things now, and what was read has to be told something.
                        let becomes =
                            plan.standing == Standing::Current && mailbox.plan.standing != Standing::Current;
                        let now_says = plan.says && !mailbox.plan.says;
                        let retry = if becomes || now_says { now } else { mailbox.retry };
                        Mailbox { plan: MailboxPlan { remembered, ..plan }, retry, ..mailbox }
                    }
                    None => Mailbox { plan, link: None, retry: now, failures: 0, read: false, trouble: None },
                };
                known.mailboxes.insert(id, mailbox);
            }
            left.extend(old.into_values().filter_map(|mailbox| mailbox.link));
            self.relays.insert(known.relay.key, known);
        }
        left.extend(before.into_values().flat_map(|it| it.mailboxes.into_values().filter_map(|it| it.link)));
        left.into_iter().for_each(|id| self.leave(rng, now, id, out));
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for id in links {
            let Some(mailbox) = self.mailbox(id) else { continue };
            let (holds, puts) = (mailbox.plan.holds.clone(), mailbox.plan.puts);
            self.tell(rng, now, id, ClientInput::Holds(holds), out);
            if team_changed {
                self.tell(rng, now, id, ClientInput::Again, out);
            }
            if let Some(link) = self.links.get_mut(&id) {
                link.files.changed();
            }
            if self.links.get(&id).is_some_and(|link| link.looked) {
                if let Some(link) = self.links.get_mut(&id) {
                    link.planned = true;
                }
                self.tell(rng, now, id, ClientInput::Puts(puts), out);
            }
        }
    }

    /// Dials what is due, as far as there is room.
    pub(super) fn dial(&mut self, now: UnixMillis, out: &mut Vec<Effect>) {
        for relay in self.relays.values_mut() {
            let Ok(address) = RelayAddress::parse(&relay.relay.address) else { continue };
            let is_visit = |it: &Mailbox| matches!(it.plan.standing, Standing::Former | Standing::Found);
            let linked = relay.mailboxes.values().filter_map(|it| Some((it, self.links.get(&it.link?)?)));
            let linked: Vec<_> = linked.map(|(it, link)| (is_visit(it), link.is_open())).collect();
            let mut opening = linked.iter().filter(|(_, open)| !open).count();
            let mut visits = linked.iter().filter(|(visit, _)| *visit).count();
            // A relay that has not answered is not asked several times at once.
            let most = if linked.iter().any(|(_, open)| *open) { OPENING } else { 1 };
            if relay.retry > now {
                continue;
            }
            let mut due: Vec<(&MailboxId, &mut Mailbox)> =
                relay.mailboxes.iter_mut().filter(|(_, it)| it.link.is_none() && it.retry <= now).collect();
            due.sort_by_key(|(_, it)| it.plan.standing);
            for (id, mailbox) in due {
                let visit = is_visit(mailbox);
                if opening >= most || (visit && visits >= VISITS) {
                    continue;
                }
                opening += 1;
                visits += usize::from(visit);
                let link = self.next;
                self.next += 1;
                mailbox.link = Some(link);
                self.links.insert(link, Link::new(relay.relay.key, *id, now));
                out.push(Effect::Dial(link, address.clone()));
            }
        }
    }
}
