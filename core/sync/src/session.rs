use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{SpaceId, UnixMillis};
use firsthand_log::Vector;

use crate::membership::Reconciliation;
use crate::pieces::{Arriving, Part};
use crate::space::Space;
use crate::takes::Share;
use crate::transfer::{Transfers, Wanted};
use crate::{Claims, Config, Effect, Frame, GoodbyeReason, Input, Pending, Refusal, Standing};

/// What a [`Frame::Hello`] takes without its vector, and what each mark of that takes, roughly.
const HELLO_BYTES: usize = 34;
const MARK_BYTES: usize = 26;
/// What hellos may take that come before the spaces are open: those of a thousand spaces.
const MAX_EARLY_BYTES: usize = 2 * 1024 * 1024;

/// One meeting of two members.
pub struct Session {
    membership: Reconciliation,
    main: Option<SpaceId>,
    spaces: BTreeMap<SpaceId, Space>,
    transfers: Transfers,
    pending: Option<Pending>,
    /// Files that are missing here, in any space.
    missing: Vec<Wanted>,
    peer_pending: Option<Pending>,
    told_pending: Option<Pending>,
    /// Hellos that came before this device had taken in the last operations and opened its spaces.
    early: BTreeMap<SpaceId, Frame>,
    early_bytes: usize,
    /// What to tell of this device's clock.
    clock: Option<UnixMillis>,
    /// What the peer told of its own, until it is known to be a member.
    peer_clock: Option<UnixMillis>,
    told_clock: bool,
    /// What was signed for the peer of what came from it.
    receipts: Receipts,
    /// The peer told what it signed.
    told_receipts: bool,
    /// The owner was asked for the spaces and has not answered.
    opening: bool,
    /// The membership changed since it was asked, so that there may be other spaces.
    outdated: bool,
    /// Both are members, and the spaces are open.
    members: bool,
    closed: bool,
}

impl Session {
    /// A session on an authenticated channel.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let Config { our_heads, their_heads, peer_known } = config;
        Self {
            membership: Reconciliation::new(our_heads, their_heads, peer_known),
            main: None,
            spaces: BTreeMap::new(),
            transfers: Transfers::default(),
            pending: None,
            missing: Vec::new(),
            peer_pending: None,
            told_pending: None,
            early: BTreeMap::new(),
            early_bytes: 0,
            opening: false,
            outdated: true,
            clock: None,
            peer_clock: None,
            told_clock: false,
            receipts: Receipts::Unasked,
            told_receipts: false,
            members: false,
            closed: false,
        }
    }

    /// How both stand in a space.
    #[must_use]
    pub fn standing(&self, space: &SpaceId) -> Option<Standing> {
        self.spaces.get(space).map(Space::standing)
    }

    /// How both stand in every space that was spoken of.
    pub fn standings(&self) -> impl Iterator<Item = (SpaceId, Standing)> + '_ {
        self.spaces.iter().filter(|(_, space)| space.is_open()).map(|(id, space)| (*id, space.standing()))
    }

    /// Whether both sides have said that they miss nothing besides entries.
    #[must_use]
    pub fn nothing_pending(&self) -> bool {
        let nothing = Some(Pending::default());
        self.told_pending == nothing && self.peer_pending == nothing
    }

    /// What the peer last said it misses.
    #[must_use]
    pub const fn peer_pending(&self) -> Option<Pending> {
        self.peer_pending
    }

    /// Whether nothing is left that either side could still get from the other: a single meeting may end here.
    #[must_use]
    pub fn finished(&self) -> bool {
        let settled = self.members
            && !self.may_open()
            && self.transfers.idle()
            && !self.transfers.serving()
            && self.spaces.values().all(Space::settled);
        // Each side says what it misses once it has all it can get.
        settled && self.told_pending.is_some() && self.peer_pending.is_some()
    }

    /// Whether it is the peer's turn to send something: a peer that stays silent now has gone. In a `single` meeting it is
    /// until nothing is left; otherwise silence is ordinary once each has what the other had.
    #[must_use]
    pub fn awaits_peer(&self, single: bool) -> bool {
        let others = self.transfers.waits_for_others() || self.spaces.values().any(Space::waits_for_others);
        (single && !self.finished() && !others)
            || !self.membership.heard()
            || self.transfers.outstanding()
            || self.spaces.values().any(Space::awaits_peer)
    }

    /// As [`Session::handle`], among other sessions of the same device, with what is asked for in all of them. `session` is what this
    /// one is called there.
    pub fn handle_among(&mut self, session: u64, claims: &mut Claims, input: Input) -> Vec<Effect> {
        self.transfers.session = session;
        std::mem::swap(&mut self.transfers.claims, claims);
        let out = self.handle(input);
        std::mem::swap(&mut self.transfers.claims, claims);
        out
    }

    /// Takes an input and says what follows. After [`Effect::Close`] every input is ignored.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        if self.closed {
            return out;
        }
        if let Err(refusal) = self.step(input, &mut out) {
            self.close(
                match refusal {
                    Refusal::Misbehaved => GoodbyeReason::Misbehaved,
                    Refusal::NotAMember => GoodbyeReason::NotAMember,
                    Refusal::Storage => GoodbyeReason::Storage,
                },
                &mut out,
            );
        }
        out
    }

    fn close(&mut self, reason: GoodbyeReason, out: &mut Vec<Effect>) {
        out.push(Effect::send(&Frame::Goodbye(reason)));
        out.push(Effect::Close(reason));
        self.closed = true;
    }

    fn step(&mut self, input: Input, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        if self.members && !self.membership.knows_peer() && !concerns_membership(&input) {
            // It was removed in the middle of the meeting. It is told so, and nothing else leaves or is taken any more.
            return Ok(());
        }
        match input {
            Input::Start => self.membership.start(out),
            Input::Frame(bytes) => {
                return match Frame::decode(&bytes) {
                    Ok(frame) => self.on_frame(frame, out),
                    Err(_) if Frame::is_optional(&bytes) => Ok(()),
                    Err(_) => Err(Refusal::Misbehaved),
                };
            }
            Input::OperationsLoaded { heads, operations, all } => {
                self.membership.on_loaded(heads, operations, all, out);
            }
            Input::OperationsTaken { heads, peer_known } => {
                self.outdated |= self.membership.on_taken(heads, peer_known?, out);
            }
            Input::MembershipChanged { heads, peer_known } => {
                self.outdated |= self.membership.on_changed(heads, peer_known, out);
            }
            Input::SpacesOpened { main, spaces } => self.open(main, spaces, out)?,
            Input::Advanced { space, vector } => {
                if let Ok((space, mut share)) = self.space(space) {
                    space.set_ours(vector, &mut share, out);
                }
            }
            Input::Loaded { space, batch, forks } => {
                let (space, mut share) = self.space(space)?;
                space.on_loaded(batch?, &forks, &mut share, out)?;
            }
            Input::RowsLoaded { space, packed } => {
                let (space, mut share) = self.space(space)?;
                space.on_rows_loaded(packed, &mut share, out);
            }
            Input::RowsKept => {}
            Input::BranchLoaded { space, batch } => {
                let (space, mut share) = self.space(space)?;
                space.on_branch(batch?, &mut share, out)?;
            }
            Input::Committed { space, result } => {
                let (space, mut share) = self.space(space)?;
                match result {
                    Ok(committed) => space.on_committed(committed, &mut share, out),
                    Err(Refusal::Misbehaved) => space.on_refused(&mut share, out)?,
                    Err(refusal) => return Err(refusal),
                }
            }
            Input::Applied { space, result } => {
                result?;
                let (space, mut share) = self.space(space)?;
                space.on_applied(&mut share, out);
            }
            Input::Clock(at) => self.clock = Some(at),
            Input::Look => self.look(out),
            Input::HoldingKept { space } => self.space(space)?.0.on_holding_kept(out),
            Input::ClockKept | Input::ReceiptsKept => {}
            Input::ReceiptsMade { space, receipts } => {
                if let Some(receipts) = receipts {
                    out.push(Effect::send(&Frame::Receipts { space, receipts }));
                }
                self.receipts = Receipts::Told;
            }
            Input::Pending(pending) => self.pending = Some(pending),
            Input::Want(files) => {
                self.missing = files;
                self.want();
            }
            Input::Taken => self.transfers.taken(),
            Input::ChunkLoaded { file, index, chunk } => self.transfers.on_loaded(file, index, chunk),
            Input::ChunkStored { file, result } => self.transfers.on_stored(file, &result?),
            Input::Close(reason) => {
                self.close(reason, out);
                return Ok(());
            }
        }
        self.advance(out)
    }

    fn on_frame(&mut self, frame: Frame, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        match frame {
            Frame::Operations { heads, operations, more } => {
                self.membership.on_operations(heads, operations, more, out)?;
            }
            Frame::Goodbye(reason) => {
                out.push(Effect::Close(reason));
                self.closed = true;
                return Ok(());
            }
            // The peer has finished with operations while this device still commits its last ones, or opens what spaces
            // they make.
            Frame::Hello { space, ref vector, .. }
                if self.membership.heard() && self.may_open() && !self.spaces.contains_key(&space) =>
            {
                self.early_bytes += HELLO_BYTES + vector.as_ref().map_or(0, |it| it.len() * MARK_BYTES);
                if self.early_bytes > MAX_EARLY_BYTES || self.early.insert(space, frame).is_some() {
                    return Err(Refusal::Misbehaved);
                }
            }
            // Once is enough: a peer that goes on would keep the disk busy.
            Frame::Clock { at } if self.membership.heard() && !self.told_clock => {
                self.told_clock = true;
                self.peer_clock = Some(at);
            }
            // Everything below is for members only.
            _ if !self.members => return Err(Refusal::Misbehaved),
            Frame::Hello { space, digest, vector, takes } => {
                self.on_hello(space, digest, vector, takes, out)?;
            }
            // Without the main one there would be nothing to meet for.
            Frame::NoSpace { space } if self.main != Some(space) => {
                let (space, mut share) = self.space(space)?;
                space.on_no_space(&mut share)?;
            }
            Frame::NoSpace { .. } => return Err(Refusal::Misbehaved),
            Frame::Batch { space, plain_len, packed } => {
                self.space(space)?.0.on_batch(plain_len, &packed, out)?;
            }
            Frame::Rows { space, packed } => self.space(space)?.0.on_rows(packed, out)?,
            Frame::Ack { space, marks } => {
                let (space, mut share) = self.space(space)?;
                space.on_ack(&marks, &mut share, out)?;
            }
            Frame::Take { space, writers } => {
                let (space, mut share) = self.space(space)?;
                space.on_take(writers, &mut share, out)?;
            }
            Frame::Holds { space, marks } => {
                let (space, mut share) = self.space(space)?;
                space.on_holds(&marks, &mut share, out)?;
            }
            Frame::Forked { space, writer } => {
                let (space, mut share) = self.space(space)?;
                space.on_forked(writer, &mut share, out)?;
            }
            Frame::Pending { waiting, files } => {
                let pending = Pending { waiting, files };
                self.peer_pending = Some(pending);
                self.transfers.on_news();
                out.push(Effect::PeerPending(pending));
            }
            Frame::Want { file, from, count } => self.transfers.on_want(file, from, count)?,
            Frame::Chunk { file, index, total, rest, sealed } => {
                self.transfers.on_chunk(Arriving::new(Part { file, index, total }, rest, sealed), out)?;
            }
            Frame::ChunkRest { sealed } => self.transfers.on_chunk_rest(&sealed, out)?,
            Frame::NoFile { file } => self.transfers.on_no_file(file),
            // Once is enough here too.
            Frame::Receipts { space, receipts } if self.main == Some(space) && !self.told_receipts => {
                self.told_receipts = true;
                out.push(Effect::KeepReceipts { space, receipts });
            }
            Frame::Clock { .. } | Frame::Receipts { .. } => return Err(Refusal::Misbehaved),
        }
        self.advance(out)
    }

    fn on_hello(
        &mut self,
        id: SpaceId,
        digest: [u8; 16],
        vector: Option<Vector>,
        takes: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match self.space(id) {
            Ok((space, mut share)) => space.on_hello(digest, vector, takes, &mut share, out),
            Err(_) => {
                out.push(Effect::send(&Frame::NoSpace { space: id }));
                Ok(())
            }
        }
    }

    /// A space, and what this session has to do with others in it.
    fn space(&mut self, id: SpaceId) -> Result<(&mut Space, Share<'_>), Refusal> {
        let share = Share::new(&mut self.transfers.claims.takes, self.transfers.session, id);
        Ok((self.spaces.get_mut(&id).ok_or(Refusal::Misbehaved)?, share))
    }

    /// Asks for what has become free.
    fn look(&mut self, out: &mut Vec<Effect>) {
        for (id, space) in self.spaces.iter_mut().filter(|(_, space)| space.is_open()) {
            let mut share = Share::new(&mut self.transfers.claims.takes, self.transfers.session, *id);
            space.advance(&mut share, out);
        }
    }

    /// Whether there may be spaces that are not open yet.
    fn may_open(&self) -> bool {
        self.opening || self.outdated || self.membership.busy()
    }

    /// Both are members, and this is what they take part in. A space that is open stays so: the owner refuses what must not
    /// leave any more.
    fn open(
        &mut self,
        main: SpaceId,
        spaces: BTreeMap<SpaceId, Vector>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        self.opening = false;
        // The peer must hear of an operation before it hears of the space that the operation makes.
        if self.outdated || self.membership.busy() {
            self.outdated = true;
            return Ok(());
        }
        for (id, vector) in spaces {
            if let Entry::Vacant(place) = self.spaces.entry(id) {
                place.insert(Space::new(id, vector).map_err(|_| Refusal::Storage)?);
            }
        }
        (self.main, self.members) = (Some(main), true);
        self.want();
        if let Some(at) = self.clock.take() {
            out.push(Effect::send(&Frame::Clock { at }));
        }
        self.early_bytes = 0;
        // Nothing else is done before every space that has to be greeted was: what is not open yet holds nothing up.
        for (id, frame) in std::mem::take(&mut self.early) {
            let Frame::Hello { digest, vector, takes, .. } = frame else { continue };
            self.on_hello(id, digest, vector, takes, out)?;
        }
        for (id, space) in &mut self.spaces {
            let mut share = Share::new(&mut self.transfers.claims.takes, self.transfers.session, *id);
            space.greet(*id == main, &mut share, out);
        }
        Ok(())
    }

    /// Asks for the files of spaces in which both take part. Of others the peer does not even hear that they exist.
    fn want(&mut self) {
        let shared = self.missing.iter().filter(|wanted| self.spaces.contains_key(&wanted.space));
        let shared = shared.copied().collect();
        self.transfers.want(shared);
    }

    /// What this device misses of what both may have. A file in several forms is one file.
    fn shared_pending(&self) -> Option<Pending> {
        let shared = self.missing.iter().filter(|wanted| self.spaces.contains_key(&wanted.space));
        let files: BTreeSet<_> = shared.map(|wanted| wanted.file.document).collect();
        self.pending.map(|pending| Pending { files: files.len() as u64, ..pending })
    }

    fn advance(&mut self, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        if !self.membership.done()? {
            return Ok(());
        }
        // A hello that waits is answered, also where what was taken in meanwhile changed nothing.
        if (self.outdated || !self.early.is_empty()) && !self.opening {
            (self.outdated, self.opening) = (false, true);
            out.push(Effect::OpenSpaces);
        }
        if !self.members {
            return Ok(());
        }
        if let Some(at) = self.peer_clock.take() {
            out.push(Effect::PeerClock { at });
        }
        // Files wait until the words are through.
        if self.spaces.values().all(Space::settled) {
            self.transfers.advance(out);
            self.transfers.serve(out);
            self.transfers.look_at_others();
            if self.receipts == Receipts::Unasked
                && self.transfers.idle()
                && self.pending.is_some()
                && let Some(space) = self.main
            {
                self.receipts = Receipts::Asked;
                out.push(Effect::MakeReceipts { space });
            }
            // After what is pending a single meeting may end.
            if self.receipts == Receipts::Told
                && let Some(pending) = self.shared_pending().filter(|_| self.transfers.idle())
                && (self.told_pending != Some(pending) || self.transfers.news())
                && !self.transfers.denies()
            {
                self.told_pending = Some(pending);
                self.transfers.told();
                out.push(Effect::send(&Frame::Pending { waiting: pending.waiting, files: pending.files }));
            }
        }
        Ok(())
    }
}

/// How far it has come with what this device signs of the peer's chains: once in a meeting, when nothing of them is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receipts {
    Unasked,
    Asked,
    Told,
}

/// Whether an input is about who belongs to the team, or ends the session.
const fn concerns_membership(input: &Input) -> bool {
    matches!(
        input,
        Input::OperationsLoaded { .. }
            | Input::OperationsTaken { .. }
            | Input::MembershipChanged { .. }
            | Input::Close(_)
    )
}
