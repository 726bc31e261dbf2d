//! What the relay says.

use firsthand_ids::{UnixMillis, sha256};

use super::{Book, ClientEffect, Opened, RelayClient, Remembered, Stage, Task, send};
use crate::relay::{
    Answer, Entered, Floor, ListDigest, ListPoint, MailboxBase, RangeHead, Refused, Request, SealedDigest,
};

impl RelayClient {
    pub(super) fn answer(&mut self, answer: Answer, out: &mut Vec<ClientEffect>) {
        let inside = self.stage >= Stage::Listing;
        match answer {
            Answer::Goodbye(reason) => self.over(Some(reason), out),
            Answer::Registered if self.stage == Stage::Registering => {
                self.stage = Stage::Entering;
                let enter = self.introduction();
                send(out, &enter);
            }
            Answer::Entered { now, mailbox } if self.stage == Stage::Entering => {
                self.entered(now, mailbox, out);
            }
            Answer::Found { tag, there } if self.stage == Stage::Recalling => match self.tasks.remove(&tag) {
                Some(Task::Recall(points)) if there.len() == points.len() => {
                    let known = points.into_iter().zip(there).find(|(_, there)| *there);
                    self.recalled(known.map(|(point, _)| point), out);
                }
                _ => self.over(None, out),
            },
            Answer::Listed { restart, ranges, more } if inside => {
                match restart {
                    Some(base) => self.restart(base, out),
                    None if self.from_start => return self.over(None, out),
                    None => {}
                }
                if self.stage == Stage::Over {
                    return;
                }
                if !ranges.into_iter().all(|head| self.listed(head)) {
                    return self.over(None, out);
                }
                if !more {
                    self.stage = Stage::Open;
                }
            }
            Answer::Range { head, pushed: true, sealed } if inside && !self.from_start => {
                if !self.listed(head) {
                    return self.over(None, out);
                }
                // What this device holds is compared like the rest of the list.
                if !self.holds(&head) && !self.lacks_before(&head) && self.book.ask(head.serial).is_some() {
                    self.received(head, sealed, out);
                }
            }
            Answer::Range { head, pushed: false, sealed } if self.getting.remove(&head.serial) => {
                match self.book.get(head.serial) {
                    Some(listed) if listed == head => self.received(head, sealed, out),
                    _ => self.withheld(head.serial, out),
                }
            }
            Answer::Gone { serial } if self.getting.remove(&serial) => self.withheld(serial, out),
            Answer::Done { tag, serial } if inside => self.done(tag, Ok(serial), out),
            Answer::Refused { tag, reason } if inside => self.done(tag, Err(reason), out),
            Answer::Found { tag, there } if inside => match self.tasks.remove(&tag) {
                Some(Task::Look(ids)) if there.len() == ids.len() => {
                    out.push(ClientEffect::Looked(ids.into_iter().zip(there).collect()));
                }
                Some(Task::Seek(_, id)) if there == [true] => out.push(ClientEffect::Kept(id, Ok(()))),
                Some(Task::Seek(kind, id)) if there == [false] => {
                    self.loading.insert(id, kind);
                    out.push(ClientEffect::Load(id));
                }
                _ => self.over(None, out),
            },
            Answer::Blob { tag, sealed } if inside => match self.tasks.remove(&tag) {
                Some(Task::Fetch(id)) => {
                    let whole = sha256(&sealed) == *id.as_bytes();
                    out.push(ClientEffect::Blob(id, whole.then_some(sealed)));
                }
                _ => self.over(None, out),
            },
            Answer::Boxes { tag, ids } if inside => match self.tasks.remove(&tag) {
                Some(Task::Boxes) => out.push(ClientEffect::Boxes(ids)),
                _ => self.over(None, out),
            },
            _ => self.over(None, out),
        }
    }

    fn entered(&mut self, now: UnixMillis, mailbox: Entered, out: &mut Vec<ClientEffect>) {
        self.named = mailbox.snapshot;
        let (known, newest) = (mailbox.known, mailbox.serial);
        out.push(ClientEffect::Entered(mailbox, now));
        if self.named != self.book.floor().snapshot {
            // The list may be the same where nothing of it had to go; what lies before it is not.
            (self.serial, self.digest) = (0, ListDigest::default());
        } else if !known {
            // The relay lost its newest ranges, or came back from a copy.
            let earlier = self.config.remembered.earlier.iter().rev().map(|moment| moment.point);
            let points: Vec<ListPoint> = earlier.filter(|point| point.serial <= newest).collect();
            if !points.is_empty() {
                self.stage = Stage::Recalling;
                return self.ask(Task::Recall(points.clone()), |tag| Request::Recall { tag, points }, out);
            }
        }
        self.follow(out);
    }

    /// The relay has said up to where it has the list that was seen before.
    fn recalled(&mut self, known: Option<ListPoint>, out: &mut Vec<ClientEffect>) {
        if let Some(moment) = known.and_then(|point| self.config.remembered.set_back(point)) {
            (self.serial, self.digest) = (moment.point.serial, moment.point.digest);
            self.book = Book::new(self.book.floor().clone(), moment.reach.clone());
            out.push(ClientEffect::SetBack(moment));
        }
        self.follow(out);
    }

    fn follow(&mut self, out: &mut Vec<ClientEffect>) {
        self.stage = Stage::Listing;
        self.from_start = self.serial == 0;
        send(out, &Request::Follow { serial: self.serial, digest: self.digest });
    }

    /// The relay's list is not the one this device saw: nothing of that counts any more. Where only a snapshot had been seen, and it
    /// lies before the list as it did, nothing is another one.
    fn restart(&mut self, base: MailboxBase, out: &mut Vec<ClientEffect>) {
        self.from_start = false;
        let floor = Floor { snapshot: self.named, base };
        let same = floor == *self.book.floor();
        if self.serial == 0 && same && self.book.stands() && !floor.is_ground() {
            return;
        }
        if self.stage == Stage::Open && floor.base != self.book.floor().base {
            self.config.remembered = Remembered::default();
            self.stage = Stage::Over;
            out.push(ClientEffect::Moved);
            return;
        }
        self.book.restart(floor.clone());
        self.serial = 0;
        self.digest = ListDigest::default();
        self.put_serial = 0;
        self.resting.clear();
        self.config.remembered = Remembered::default();
        out.push(ClientEffect::Anew);
        if !floor.is_ground() {
            out.push(ClientEffect::Begins(floor));
        }
    }

    /// Notes a range of the list; serials rise.
    fn listed(&mut self, head: RangeHead) -> bool {
        let rises = head.serial > self.serial;
        self.serial = self.serial.max(head.serial);
        self.digest = self.digest.then(&head);
        self.resting.remove(&head.writer);
        rises && self.book.note(head)
    }

    fn received(&mut self, head: RangeHead, sealed: Vec<u8>, out: &mut Vec<ClientEffect>) {
        if SealedDigest::of(&sealed) == head.digest {
            self.looking.insert(head.serial);
            out.push(ClientEffect::Received(head, sealed));
        } else {
            self.withheld(head.serial, out);
        }
    }

    /// Whether this device holds everything in a range.
    pub(super) fn holds(&self, head: &RangeHead) -> bool {
        self.config.holds.get(&head.writer).is_some_and(|held| *held >= head.to)
    }

    /// Whether what precedes a range is in a snapshot that has yet to come, so that it is of no use.
    pub(super) fn lacks_before(&self, head: &RangeHead) -> bool {
        let held = self.config.holds.get(&head.writer).copied().unwrap_or_default();
        held < self.book.floor().base.position(&head.writer) && head.from > held.next()
    }

    fn withheld(&mut self, serial: u64, out: &mut Vec<ClientEffect>) {
        self.judge(serial, Opened::Early);
        out.push(ClientEffect::Withheld(serial));
    }

    pub(super) fn compared(&mut self, serial: u64, digest: Option<SealedDigest>) {
        if !self.looking.remove(&serial) {
            return;
        }
        let Some(head) = self.book.get(serial) else { return };
        if digest == Some(head.digest) {
            self.judge(serial, Opened::Good);
        } else {
            // Another version may have sealed the same entries otherwise: whether it did, only the bytes can tell.
            self.differing.insert(serial);
        }
    }

    pub(super) fn judge(&mut self, serial: u64, opened: Opened) {
        if let Some(head) = self.book.get(serial) {
            self.resting.remove(&head.writer);
        }
        self.book.judge(serial, opened);
    }

    fn done(&mut self, tag: u64, result: Result<u64, Refused>, out: &mut Vec<ClientEffect>) {
        match (self.tasks.remove(&tag), result) {
            (Some(Task::Put(writer, from, to)), Ok(serial)) => {
                self.put_serial = self.put_serial.max(serial);
                self.book.extend(writer, from, to);
            }
            (Some(Task::Put(writer, ..)), Err(reason)) => {
                self.resting.insert(writer);
                out.push(ClientEffect::NotTaken(writer, reason));
            }
            (Some(Task::Keep(id)), result) => out.push(ClientEffect::Kept(id, result.map(drop))),
            (Some(Task::Fetch(id)), Err(_)) => out.push(ClientEffect::Blob(id, None)),
            (Some(Task::Proposal), result) => out.push(ClientEffect::Settled(result.map(drop))),
            (Some(Task::Check), Ok(_)) => {}
            (Some(Task::Look(_)), Err(_)) => out.push(ClientEffect::Looked(Vec::new())),
            (Some(Task::Seek(_, id)), Err(reason)) => out.push(ClientEffect::Kept(id, Err(reason))),
            (Some(Task::Boxes), Err(_)) => out.push(ClientEffect::Boxes(Vec::new())),
            _ => self.over(None, out),
        }
    }
}
