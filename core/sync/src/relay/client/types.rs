use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, Position, UnixMillis, WriterPseudonym};
use firsthand_log::{DeviceSecret, Signature};

use crate::relay::{
    BlobKind, Closing, Entered, Floor, ListDigest, ListPoint, MAX_RECALLED, MailboxBase, RangeHead, Refused,
    SealedDigest, Token,
};

/// What a client brings to a relay.
#[derive(Debug)]
pub struct ClientConfig {
    /// The key of the mailbox.
    pub mailbox: DeviceSecret,
    /// The key that this device uses in this mailbox and nowhere else.
    pub uploader: DeviceSecret,
    /// Registers the mailbox first, where it may not be there yet: the token, and the leads' key.
    pub register: Option<(Token, DeviceKey)>,
    /// What was known when the last connection ended.
    pub remembered: Remembered,
    /// What this device holds.
    pub holds: BTreeMap<WriterPseudonym, Position>,
    /// Whose entries it brings.
    pub puts: Puts,
}

/// Whose entries a client brings to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Puts {
    /// Nobody's: it reads.
    Nothing,
    /// One writer's.
    Only(WriterPseudonym),
    /// Everybody's.
    All,
}

impl Puts {
    pub(super) fn brings(self, writer: &WriterPseudonym) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(one) => one == *writer,
            Self::All => true,
        }
    }
}

/// What a client keeps between connections, so that the next one begins where this one ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The last serial of the list that was dealt with.
    pub serial: u64,
    /// Over the list up to there.
    pub digest: ListDigest,
    /// What lay before the list, fetched and compared.
    pub floor: Floor,
    /// How far each writer's entries are at the relay, as far as this device made or opened them.
    pub reach: BTreeMap<WriterPseudonym, Position>,
    /// The same at earlier moments, the oldest first. If the relay lost its newest ranges, all that was there before is not
    /// looked at again.
    pub earlier: Vec<Moment>,
}

/// How a relay stood when its list accounted for everything that counted as being there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// Where its list was.
    pub point: ListPoint,
    /// How far each writer's entries were there.
    pub reach: BTreeMap<WriterPseudonym, Position>,
}

/// So many positions are remembered of all earlier moments together.
const MAX_POSITIONS: usize = 8192;

impl Remembered {
    /// The newest moment.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let point = ListPoint { serial: self.serial, digest: self.digest };
        Moment { point, reach: self.reach.clone() }
    }

    /// Takes the place of what was remembered of the same list, which becomes one of the earlier moments.
    ///
    /// Of these there are the fewer the longer ago: between two of them lies at most a quarter of what has come since. So a
    /// relay that lost some ranges has at most a quarter as many looked at again that it did not lose.
    pub(super) fn follow(&mut self, before: Self) {
        let last = before.moment();
        self.earlier = before.earlier;
        if last.point.serial > 0 && last.point.serial < self.serial {
            self.earlier.push(last);
        }
        let since = |serial: u64| self.serial - serial;
        let mut newer = self.serial;
        let mut at = self.earlier.len();
        while at > 1 {
            at -= 1;
            let (older, this) = (self.earlier[at - 1].point.serial, self.earlier[at].point.serial);
            if newer - older <= since(newer) / 4 {
                self.earlier.remove(at);
            } else {
                newer = this;
            }
        }
        let mut positions: usize = self.earlier.iter().map(|moment| moment.reach.len()).sum();
        while self.earlier.len() > MAX_RECALLED || positions > MAX_POSITIONS {
            positions -= self.earlier.remove(0).reach.len();
        }
    }

    /// What is left of it where the list is only known up to one of the earlier moments.
    pub(super) fn set_back(&mut self, point: ListPoint) -> Option<Moment> {
        let at = self.earlier.iter().position(|moment| moment.point == point)?;
        let moment = self.earlier.drain(at..).next()?;
        (self.serial, self.digest) = (point.serial, point.digest);
        self.reach.clone_from(&moment.reach);
        Some(moment)
    }
}

/// What became of a range that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It verified, and is committed.
    Good,
    /// Nobody can open it, or it does not verify.
    Garbage,
    /// What precedes it is not here, or it could not be committed.
    Early,
}

/// What reaches a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientInput {
    /// A frame of the relay's.
    Frame(Vec<u8>),
    /// What this device now holds.
    Holds(BTreeMap<WriterPseudonym, Position>),
    /// Whose entries to bring from now on.
    Puts(Puts),
    /// Look again at what could not be judged: what it may have waited for has come.
    Again,
    /// Answers [`ClientEffect::Compare`]: what this device's own sealing of that range has for digest, if it can tell.
    Compared(u64, Option<SealedDigest>),
    /// Answers [`ClientEffect::Received`].
    Opened(u64, Opened),
    /// Answers [`ClientEffect::Seal`]: a range that follows, if there is one.
    Sealed(WriterPseudonym, Option<(Position, Position, Vec<u8>)>),
    /// Asks which blobs are there, at most [`MAX_SOUGHT`](super::MAX_SOUGHT) of them.
    Look(Vec<ContentHash>),
    /// Brings a blob, unless it is there.
    Keep(BlobKind, ContentHash),
    /// Answers [`ClientEffect::Load`].
    Loaded(ContentHash, Option<Vec<u8>>),
    /// Brings a blob, also where the relay says that it is there.
    Bring(BlobKind, ContentHash),
    /// Asks for a blob.
    Fetch(ContentHash),
    /// Answers [`ClientEffect::Begins`]: all of the snapshot was fetched here, and is what this device holds.
    Stands(Floor),
    /// Asks for the boxes that were left.
    Boxes,
    /// Proposes, as a lead, that a snapshot stand for everything up to a base.
    Replace(ContentHash, MailboxBase, Signature),
    /// Confirms a proposal.
    Confirm([u8; 32]),
    /// Asks whether the list has grown: this device is not up to date before that is answered.
    Check,
    /// Ends the connection.
    Stop,
}

/// What a client wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// The mailbox is open: how it stands and what the relay's clock shows.
    Entered(Entered, UnixMillis),
    /// This device holds these entries: say what sealing them gives, so that the range need not travel.
    Compare(RangeHead),
    /// Open, verify and commit this range.
    Received(RangeHead, Vec<u8>),
    /// Seal what follows this position of a writer's.
    Seal(WriterPseudonym, Position),
    /// Which blobs are there; of those that are not named the relay said nothing.
    Looked(Vec<(ContentHash, bool)>),
    /// Load a blob to bring.
    Load(ContentHash),
    /// A blob came, or the relay does not have it.
    Blob(ContentHash, Option<Vec<u8>>),
    /// A blob is there, or was refused.
    Kept(ContentHash, Result<(), Refused>),
    /// The boxes that were left.
    Boxes(Vec<ContentHash>),
    /// What became of a proposal or a confirmation.
    Settled(Result<(), Refused>),
    /// Everything that is to be brought is at the relay, and everything listed there was looked at.
    UpToDate,
    /// The relay's list is another one than was seen before: it begins anew, and nothing that was there counts any more.
    Anew,
    /// The relay has lost what came after this moment: what was there by then counts, and nothing else.
    SetBack(Moment),
    /// The ranges begin behind a snapshot. Nothing up to the base counts before [`ClientInput::Stands`], and what nothing here
    /// precedes is left until then.
    Begins(Floor),
    /// A snapshot took the place of ranges meanwhile: the mailbox is to be entered again. The connection is over.
    Moved,
    /// The relay did not take a range of this writer's.
    NotTaken(WriterPseudonym, Refused),
    /// The relay listed a range that it did not bring, or brought other bytes.
    Withheld(u64),
    /// The connection is over. `None`: the relay said what a relay cannot say.
    Over(Option<Closing>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(serial: u64) -> Remembered {
        let reach = BTreeMap::from([(WriterPseudonym::new([1; 16]), Position(serial))]);
        Remembered { serial, digest: ListDigest(serial.to_be_bytes()), reach, ..Remembered::default() }
    }

    proptest! {
        /// Of a relay that lost everything after a moment, at most a quarter as much is looked at again as it lost.
        #[test]
        fn between_two_moments_lies_a_quarter_of_what_came_since(steps in prop::collection::vec(1_u64..200, 1..400)) {
            let (mut remembered, mut all) = (Remembered::default(), Vec::new());
            for step in steps {
                let mut now = at(remembered.serial + step);
                all.push(now.moment());
                now.follow(remembered);
                remembered = now;
            }
            prop_assert!(remembered.earlier.len() <= MAX_RECALLED);
            prop_assert!(remembered.earlier.is_sorted_by(|a, b| a.point.serial < b.point.serial));
            let newest = remembered.serial;
            for moment in &all[..all.len() - 1] {
                let lost_after = moment.point.serial;
                let known = remembered.earlier.iter().rev().find(|it| it.point.serial <= lost_after);
                let known = known.ok_or_else(|| TestCaseError::fail("the first moment is kept"))?;
                prop_assert!(lost_after - known.point.serial <= (newest - lost_after) / 4);
                prop_assert_eq!(known, &at(known.point.serial).moment());
                let mut back = remembered.clone();
                prop_assert_eq!(back.set_back(known.point), Some(known.clone()));
                prop_assert_eq!(back.moment(), known.clone());
                prop_assert!(back.earlier.iter().all(|it| it.point.serial < known.point.serial));
            }
            prop_assert_eq!(remembered.set_back(ListPoint { serial: newest, ..ListPoint::default() }), None);
        }
    }

    #[test]
    fn moments_of_many_writers_are_fewer() {
        let mut remembered = Remembered::default();
        for serial in 1..200 {
            let mut now = at(serial);
            now.reach =
                (0..1000_u16).map(|n| (WriterPseudonym::new([n as u8; 16]), Position(serial))).collect();
            now.follow(remembered);
            remembered = now;
        }
        let positions: usize = remembered.earlier.iter().map(|moment| moment.reach.len()).sum();
        assert!((MAX_POSITIONS / 2..=MAX_POSITIONS).contains(&positions), "{positions}");
    }
}
