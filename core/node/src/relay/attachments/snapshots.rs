//! Snapshots over connections to relays.

use firsthand_ids::UnixMillis;
use firsthand_sync::relay::ClientInput;
use rand_core::CryptoRng;

use super::{Attachments, Effect, Link, LinkId};
use crate::meeting::Change;
use crate::relay::snapshots::Step;
use crate::relay::{Answer, Question, Standing};

/// A connection on which something is on its way is left so much later.
const BUSY_MS: i64 = 10 * 60_000;

impl Attachments {
    /// Does for snapshots what can be done now.
    pub(super) fn move_snapshots(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        out: &mut Vec<Effect>,
    ) {
        loop {
            let current = self.mailbox(id).is_some_and(|it| it.plan.standing == Standing::Current);
            let known = self.running && !self.dirty && !self.planning;
            let Some(link) = self.links.get_mut(&id) else { return };
            let Some(stands) = link.client().map(|client| client.floor().cloned()) else { return };
            link.snapshots.current = current && self.running;
            let words = known && link.planned && link.rested && link.words_rest();
            let may = words && link.files.small_ones_rest();
            let steps = link.snapshots.next(link.mailbox, may, stands);
            if steps.is_empty() {
                return;
            }
            for step in steps {
                match step {
                    Step::Ask(question) => {
                        if let Some(link) = self.links.get_mut(&id) {
                            link.snapshots.asked += 1;
                        }
                        out.push(Effect::Ask(Some(id), question));
                    }
                    Step::Tell(input) => self.tell(rng, now, id, input, out),
                }
            }
        }
    }

    pub(super) fn answer_snapshots(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: Option<LinkId>,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let link = id.and_then(|id| Some((id, self.links.get_mut(&id)?)));
        match (answer, link) {
            (Answer::Snapshot { step, change, entries }, link) => {
                let told = match link {
                    Some((id, link)) => {
                        link.fresh |= entries > 0;
                        link.snapshots.told(*step).map(|input| (id, input))
                    }
                    // The connection is over, and what it brought has yet to come into its documents.
                    None => {
                        if entries > 0 {
                            self.asked += 1;
                            out.push(Effect::Ask(None, Question::Apply));
                        }
                        None
                    }
                };
                if change != Change::default() {
                    self.dirty |= self.running;
                    out.push(Effect::Changed(change));
                }
                if let Some((id, input)) = told {
                    if let (ClientInput::Stands(_), Some(link)) = (&input, self.links.get_mut(&id)) {
                        // What counts now is told and kept as soon as words rest again.
                        link.rested = false;
                    }
                    self.tell(rng, now, id, input, out);
                }
            }
            (Answer::SnapshotBlob(name, sealed), Some((id, _))) => {
                self.tell(rng, now, id, ClientInput::Loaded(name, sealed), out);
            }
            _ => {}
        }
    }

    /// Leaves connections that have rested for long, and makes them again.
    pub(super) fn enter_again(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, out: &mut Vec<Effect>) {
        let due = self.links.iter_mut().filter(|(_, link)| link.reenter <= now);
        let mut rests = Vec::new();
        for (id, link) in due {
            link.reenter = UnixMillis(now.0.saturating_add(BUSY_MS));
            if link.looked && Link::is_idle(link) {
                rests.push(*id);
            }
        }
        for id in rests {
            let Some(at) = self.links.get(&id).map(|link| (link.relay, link.mailbox)) else { continue };
            self.leave(rng, now, id, out);
            let mailboxes = self.relays.get_mut(&at.0).map(|relay| &mut relay.mailboxes);
            if let Some(mailbox) = mailboxes.and_then(|mailboxes| mailboxes.get_mut(&at.1)) {
                mailbox.retry = now;
            }
        }
    }
}
