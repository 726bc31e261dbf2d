//! What is asked for and told where one of the two devices is connected to others in the same space.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{Position, WriterId};
use firsthand_log::{Standing, Vector};

use super::Space;
use crate::takes::Share;
use crate::{Effect, Frame, Refusal};

/// What one of the two is sent of the writers that the other holds: all, or what it asks for.
#[derive(Default)]
pub(super) struct Sharing {
    /// What the peer asks for; `None` where it is sent everything.
    asked: Option<BTreeMap<WriterId, Position>>,
    /// What this device asks for; `None` where it is sent everything.
    takes: Option<BTreeMap<WriterId, Position>>,
    /// The peer knows that this device asks: nothing else is on the way.
    agreed: bool,
    /// How far the peer has been told that this device holds each writer.
    shown: Vector,
}

impl Sharing {
    /// Both are sent everything that they lack.
    pub(super) const fn is_open(&self) -> bool {
        self.asked.is_none() && self.takes.is_none()
    }
}

impl Space {
    /// This device is about to say hello: from then on it may be sent something. Says whether it will ask first.
    pub(super) fn join(&mut self, share: &mut Share<'_>) -> bool {
        if share.has_others() {
            self.sharing.takes.get_or_insert_default();
        }
        let takes = self.sharing.takes.is_some();
        self.sharing.agreed = takes;
        share.join(takes);
        self.sharing.shown = self.ours.clone();
        takes
    }

    /// The peer will ask first.
    pub(super) fn wait_to_be_asked(&mut self) {
        self.sharing.asked.get_or_insert_default();
    }

    /// The peer has been told by something else than [`Frame::Holds`] that this device holds so much.
    pub(super) fn show(&mut self, marks: &Vector) {
        for (writer, mark) in marks.iter() {
            if mark.position > self.sharing.shown.position(writer) {
                self.sharing.shown.set(*writer, *mark);
            }
        }
    }

    /// Whether this device sends what the peer lacks of a writer.
    pub(super) fn sends(&self, writer: &WriterId) -> bool {
        let Some(asked) = &self.sharing.asked else { return true };
        asked.get(writer).is_some_and(|until| *until > self.sent.position(writer))
    }

    /// The writers that are to be sent, where the peer does not take everything.
    pub(super) fn asked(&self) -> Option<BTreeSet<WriterId>> {
        let asked = self.sharing.asked.as_ref()?;
        Some(asked.keys().filter(|writer| self.sends(writer)).copied().collect())
    }

    /// How many entries this device has to send.
    pub(super) fn to_send(&self, theirs: &Vector) -> u64 {
        let Some(asked) = &self.sharing.asked else { return theirs.lacks(&self.ours) };
        asked.iter().fold(0, |sum: u64, (writer, until)| {
            sum.saturating_add(until.0.saturating_sub(theirs.position(writer).0))
        })
    }

    /// The peer has said that it holds entries that are not here, and that no fork keeps apart. Those that are asked for
    /// here, or elsewhere.
    fn lacks(&self, here: bool) -> bool {
        let asked = |writer: &WriterId, ours: Position| match &self.sharing.takes {
            Some(takes) => takes.get(writer).is_some_and(|until| *until > ours),
            None => true,
        };
        let lacks = |(writer, standing)| match standing {
            Standing::WeLack(ours) => !self.forks.contains(&writer) && asked(&writer, ours) == here,
            _ => false,
        };
        self.theirs.as_ref().is_some_and(|theirs| self.ours.compare(theirs).any(lacks))
    }

    /// The peer owes entries.
    pub(super) fn is_owed(&self) -> bool {
        self.lacks(true)
    }

    /// The peer holds entries that are not here, and other sessions bring them: it owes nothing of them.
    pub(crate) fn waits_for_others(&self) -> bool {
        self.lacks(false) && !self.is_owed()
    }

    /// Asks for what no other session is asked for, and tells what came from elsewhere.
    pub(super) fn share(&mut self, share: &mut Share<'_>, out: &mut Vec<Effect>) {
        // Before the peer has said anything of the space it may not have opened it.
        if self.told.is_none() || !self.heard_digest {
            return;
        }
        let begins = self.sharing.takes.is_none() && share.has_others();
        if begins {
            self.sharing.takes = Some(BTreeMap::new());
            share.unknown();
        }
        let mut writers = BTreeMap::new();
        if let Some(theirs) = &self.theirs {
            for writer in &self.forks {
                share.withdraw(writer);
            }
            for (writer, standing) in self.ours.compare(theirs) {
                let until = theirs.position(&writer);
                // Where another session has brought some of it, this one will hear of that, and the peer before it is asked.
                if matches!(standing, Standing::WeLack(ours) if ours >= share.brought_to(&writer))
                    && !self.forks.contains(&writer)
                    && share.offer(writer, until)
                    && let Some(takes) = &mut self.sharing.takes
                    && takes.get(&writer).is_none_or(|asked| *asked < until)
                {
                    takes.insert(writer, until);
                    writers.insert(writer, until);
                }
            }
            // What the peer sent before it knew is on the disk, too.
            if self.sharing.takes.is_none() || (self.sharing.agreed && self.receiving.is_empty()) {
                share.known();
            }
        }
        self.tell(out);
        if begins || !writers.is_empty() {
            out.push(Effect::send(&Frame::Take { space: self.id, writers }));
        }
    }

    /// Tells what the peer does not know to be here, and no batch will tell it.
    fn tell(&mut self, out: &mut Vec<Effect>) {
        if self.sharing.is_open() || self.theirs.is_none() {
            return;
        }
        let mut marks = Vector::new();
        for (writer, mark) in self.ours.iter().filter(|(writer, _)| !self.forks.contains(*writer)) {
            let told = mark.position <= self.sharing.shown.position(writer);
            if !told && (mark.position <= self.sent.position(writer) || !self.sends(writer)) {
                marks.set(*writer, *mark);
            }
        }
        if !marks.is_empty() {
            self.show(&marks);
            out.push(Effect::send(&Frame::Holds { space: self.id, marks }));
        }
    }

    /// What was written here since nobody else can have: the peer is sent it at once, where it holds all before it.
    pub(super) fn send_own(&mut self, vector: &Vector, share: &Share<'_>) {
        let Some(asked) = &mut self.sharing.asked else { return };
        for (writer, mark) in vector.iter() {
            let before = self.ours.position(writer);
            let until = asked.get(writer).copied().unwrap_or_default().max(self.sent.position(writer));
            if mark.position > before && mark.position > share.brought_to(writer) && until >= before {
                asked.insert(*writer, mark.position);
            }
        }
    }

    pub(crate) fn on_take(
        &mut self,
        writers: BTreeMap<WriterId, Position>,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if self.told.is_none() {
            return Err(Refusal::Misbehaved);
        }
        if self.sharing.asked.is_none() {
            // What was prepared for somebody who takes everything does not leave any more, and the peer hears what did.
            drop(self.held.take_if(|batch| !batch.marks.is_empty()));
            self.stale |= self.loading;
            out.push(Effect::send(&Frame::Holds { space: self.id, marks: Vector::new() }));
        }
        let asked = self.sharing.asked.get_or_insert_default();
        for (writer, until) in writers {
            let until = until.min(self.ours.position(&writer));
            if until > asked.get(&writer).copied().unwrap_or_default() {
                asked.insert(writer, until);
            }
        }
        self.asked_since |= self.loading;
        self.advance(share, out);
        Ok(())
    }

    pub(crate) fn on_holds(
        &mut self,
        marks: &Vector,
        share: &mut Share<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if marks.is_empty() {
            self.sharing.agreed |= self.sharing.takes.is_some();
            self.advance(share, out);
            return Ok(());
        }
        let Some(theirs) = &mut self.theirs else { return Err(Refusal::Misbehaved) };
        let mut further = Vector::new();
        for (writer, mark) in marks.iter() {
            if mark.position > theirs.position(writer) {
                theirs.set(*writer, *mark);
                further.set(*writer, *mark);
            }
            if mark.position > self.sent.position(writer) {
                self.sent.set(*writer, *mark);
            }
        }
        if theirs.len() > Vector::MAX_WRITERS {
            return Err(Refusal::Misbehaved);
        }
        self.holds(further, out);
        self.advance(share, out);
        Ok(())
    }
}
