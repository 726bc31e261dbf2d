//! Snapshots at one mailbox: looked at, brought, proposed and confirmed, without sockets, clocks or a store.
//!
//! A relay keeps ranges until a snapshot takes their place. From then on nobody can see from its list what it has of the entries up to
//! the base, and nobody could bring them again as ranges. So this holds:
//!
//! > **Nothing up to a base counts as being at a relay, unless this device fetched every blob of the snapshot that the relay names for that
//! > base from that relay, and found in it, without a hole, the entries that it holds, up to that base exactly. This is known of one snapshot
//! > and one base at one mailbox. It ends when the relay names another of either, or its list is not the one that was seen.**
//!
//! It holds for whoever made the snapshot as for everybody else: that a relay said "done" is worth nothing, and neither is that it finds
//! a blob. What does not count is in the queue, whatever the base excludes. It is looked at again on each new connection, so it counts as
//! soon as the relay is honest; and where the snapshot is not there or is another one, a lead brings a new one, which stands for at
//! least as much. What each of the steps loses with a crash is only work:
//!
//! | cut between | what is there | what happens next |
//! |---|---|---|
//! | two blobs that are brought | parts that nobody refers to | the rest is brought, as long as the list is the one that was seen |
//! | the last blob and the proposal | the same | the proposal is made |
//! | the proposal and a confirmation | a pending proposal, which excludes nothing | whoever enters next looks at it |
//! | a confirmation and the end of the grace time | the same | the relay carries it out |
//! | the end of the grace time and the next connection | another floor | everybody's list begins anew; nothing counts that was not looked at |
//! | two blobs that are fetched | sections that were taken in and compared | the next section |
//!
//! The order on a connection: words first; then small files; then this, one blob at a time. Only who lacks what a snapshot holds
//! fetches it at once, and several blobs at a time, because nothing else is of use without it.

mod policy;

use std::collections::{BTreeSet, VecDeque};

use firsthand_ids::{ContentHash, MailboxId, UnixMillis};
use firsthand_log::Signature;
use firsthand_sync::relay::{BlobKind, ClientInput, Floor, MailboxBase, Pending, Refused};

pub use policy::SnapshotPolicy;

use super::{Question, Trouble};

/// How many blobs are fetched at once by who lacks what is in them: most of a section.
const URGENT: usize = 4;
/// After so many blobs that were brought the ledger takes note.
const NOTED: usize = 8;

/// What the ledger wants done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotStep {
    /// Nothing, on this connection.
    Nothing,
    /// Go on with what is on its way.
    More,
    /// Fetch these, which are taken in together.
    Fetch {
        /// Their names.
        blobs: Vec<ContentHash>,
        /// How many are to be fetched with those that follow, as far as that is known.
        left: usize,
        /// What is in them is not here.
        urgent: bool,
    },
    /// The mailbox does begin there: the snapshot was fetched here, and is what this device holds.
    Stands(Floor),
    /// The snapshot is not there, or is another one.
    Wrong,
    /// Bring these, in this order.
    Bring(Vec<ContentHash>),
    /// Everything was brought: propose it.
    Propose(ContentHash, MailboxBase, Signature),
    /// Confirm a proposal.
    Confirm([u8; 32]),
}

/// How the snapshot of a mailbox is doing, as a person sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotView {
    /// So many blobs, of 256 KiB each, are to be fetched before everything is here.
    Fetching(usize),
    /// So many are to be fetched to see that they are there.
    Checking(usize),
    /// So many are to be brought.
    Bringing(usize),
    /// One was proposed; another device has to look at it and confirm.
    Proposed,
    /// One takes the place of what it stands for at that time, by the relay's clock.
    Due(UnixMillis),
    /// The relay does not bring the snapshot that it names, or brings another.
    Wrong,
}

/// What is to be done.
pub(super) enum Step {
    Tell(ClientInput),
    Ask(Question),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The ledger has not been asked whether there is a proposal to make or to look at.
    Fresh,
    /// It was.
    Asked,
}

/// The snapshots of one connection.
pub(super) struct Snapshots {
    /// The mailbox is the one in which this device brings things, and what there is to bring is known.
    pub(super) current: bool,
    stage: Stage,
    /// Where the mailbox begins; `None` where ranges hold everything.
    floor: Option<Floor>,
    /// The ledger has yet to hear of that.
    unheard: bool,
    wrong: bool,
    pending: Option<Pending>,
    proposed: bool,
    /// Answers that the ledger owes.
    pub(super) asked: usize,
    /// Blobs to fetch, or to bring.
    row: VecDeque<ContentHash>,
    flying: BTreeSet<ContentHash>,
    bringing: bool,
    urgent: bool,
    left: usize,
    /// Blobs that the relay said it has, of which the ledger has not heard.
    brought: Vec<ContentHash>,
    /// Why nothing more is brought on this connection.
    pub(super) full: Option<Trouble>,
}

impl Snapshots {
    pub(super) const fn new() -> Self {
        Self {
            current: false,
            stage: Stage::Fresh,
            floor: None,
            unheard: false,
            wrong: false,
            pending: None,
            proposed: false,
            asked: 0,
            row: VecDeque::new(),
            flying: BTreeSet::new(),
            bringing: false,
            urgent: false,
            left: 0,
            brought: Vec::new(),
            full: None,
        }
    }

    /// The mailbox was entered.
    pub(super) fn entered(&mut self, pending: Option<Pending>) {
        self.pending = pending;
    }

    /// The relay's list is another one.
    pub(super) fn anew(&mut self) {
        let (pending, current) = (self.pending.take(), self.current);
        *self = Self { pending, current, asked: self.asked, ..Self::new() };
    }

    /// The ranges begin behind a snapshot.
    pub(super) fn begins(&mut self, floor: Floor) {
        (self.floor, self.unheard) = (Some(floor), true);
    }

    /// Whether nothing is left to do on this connection.
    pub(super) fn is_idle(&self) -> bool {
        let works = self.unheard || self.stage == Stage::Fresh;
        self.asked == 0 && self.row.is_empty() && self.flying.is_empty() && !(self.current && works)
    }

    /// What a person is to see of it.
    pub(super) fn view(&self) -> Option<SnapshotView> {
        let left = self.left.max(self.row.len() + self.flying.len());
        if !self.row.is_empty() || !self.flying.is_empty() {
            return Some(match (self.bringing, self.urgent) {
                (true, _) => SnapshotView::Bringing(left),
                (false, true) => SnapshotView::Fetching(left),
                (false, false) => SnapshotView::Checking(left),
            });
        }
        match &self.pending {
            _ if self.wrong => Some(SnapshotView::Wrong),
            Some(Pending { due: Some(due), .. }) => Some(SnapshotView::Due(*due)),
            Some(_) => Some(SnapshotView::Proposed),
            None => self.proposed.then_some(SnapshotView::Proposed),
        }
    }

    /// What can be done next; `may` says that no word and no small file is on its way, `stands` what lies before the ranges, if it counts.
    pub(super) fn next(&mut self, mailbox: MailboxId, may: bool, stands: Option<Floor>) -> Vec<Step> {
        if !self.current || self.asked > 0 {
            return Vec::new();
        }
        if self.unheard
            && let Some(floor) = self.floor.clone()
        {
            self.unheard = false;
            return vec![Step::Ask(Question::Floor(mailbox, floor))];
        }
        let mut steps = Vec::new();
        let most = if self.urgent && !self.bringing { URGENT } else { 1 };
        while (may || self.urgent) && self.flying.len() < most {
            let Some(name) = self.row.pop_front() else { break };
            self.flying.insert(name);
            steps.push(Step::Tell(match self.bringing {
                true => ClientInput::Bring(BlobKind::Snapshot, name),
                false => ClientInput::Fetch(name),
            }));
        }
        let rests = self.row.is_empty() && self.flying.is_empty();
        if !self.brought.is_empty() && (rests || self.brought.len() >= NOTED) {
            steps.push(Step::Ask(Question::Brought(mailbox, std::mem::take(&mut self.brought))));
        } else if rests && may && self.stage == Stage::Fresh && (stands.is_some() || self.wrong) {
            self.stage = Stage::Asked;
            let (wrong, pending) = (self.wrong, self.pending.clone());
            steps.push(Step::Ask(Question::Snapshot { mailbox, floor: stands, wrong, pending }));
        }
        steps
    }

    /// The ledger says what to do; what the client is to be told.
    pub(super) fn told(&mut self, step: SnapshotStep) -> Option<ClientInput> {
        match step {
            SnapshotStep::More => {}
            SnapshotStep::Nothing => {
                self.row.clear();
                self.stage = Stage::Asked;
            }
            SnapshotStep::Fetch { blobs, left, urgent } => {
                (self.bringing, self.urgent, self.left) = (false, urgent, left);
                self.row = blobs.into();
            }
            SnapshotStep::Stands(floor) => {
                (self.wrong, self.urgent) = (false, false);
                return Some(ClientInput::Stands(floor));
            }
            SnapshotStep::Wrong => {
                self.row.clear();
                (self.wrong, self.urgent) = (true, false);
            }
            SnapshotStep::Bring(blobs) => {
                (self.bringing, self.urgent, self.left) = (true, false, 0);
                self.row = blobs.into();
            }
            SnapshotStep::Propose(snapshot, base, proof) => {
                return Some(ClientInput::Replace(snapshot, base, proof));
            }
            SnapshotStep::Confirm(proposal) => return Some(ClientInput::Confirm(proposal)),
        }
        None
    }

    /// Whether a blob that comes is one of these.
    pub(super) fn is_fetching(&self, name: &ContentHash) -> bool {
        !self.bringing && self.flying.contains(name)
    }

    /// A blob that is being fetched came, or did not.
    pub(super) fn came(
        &mut self,
        mailbox: MailboxId,
        name: ContentHash,
        sealed: Option<Vec<u8>>,
    ) -> Question {
        self.flying.remove(&name);
        self.left = self.left.saturating_sub(1);
        Question::TakeBlob(mailbox, name, sealed)
    }

    /// The client asks for a blob to bring.
    pub(super) fn load(&self, mailbox: MailboxId, name: ContentHash) -> Option<Question> {
        (self.bringing && self.flying.contains(&name)).then_some(Question::LoadBlob(mailbox, name))
    }

    /// A blob was brought, or refused.
    pub(super) fn kept(&mut self, name: ContentHash, result: Result<(), Refused>) {
        if !self.flying.remove(&name) {
            return;
        }
        match result {
            Ok(()) => self.brought.push(name),
            Err(refused) => {
                self.row.clear();
                self.full = (refused != Refused::Missing).then(|| Trouble::of(refused));
            }
        }
    }

    /// What became of a proposal or a confirmation.
    pub(super) fn settled(&mut self, mailbox: MailboxId, result: Result<(), Refused>) -> Question {
        self.proposed |= result.is_ok() && self.bringing;
        Question::Settled(mailbox, result)
    }
}
