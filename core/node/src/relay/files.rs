//! Files at one mailbox: after all words, piece by piece.
//!
//! A file lies there as [parts](../../../../docs/formats/seal.md#files-at-relays), each under its SHA-256, and is found by the name of its
//! root, which stands in its record. The relay is asked which roots it has; what is wanted and there is fetched, what is held here and
//! not there is brought, its root last. Nothing is begun while entries are on their way, and little enough is on its way at once
//! that an entry never waits longer than for one chunk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::{ContentHash, MailboxId, UnixMillis};
use firsthand_store::CHUNK_BYTES;
use firsthand_sync::FileId;
use firsthand_sync::relay::{BlobKind, ClientInput, MAX_SOUGHT, Purse, Refused};

use super::{Question, Trouble};

/// The most bytes on their way at once, as long as it is more than one part: one chunk.
const FLYING_BYTES: u64 = 262_208;
/// The most parts on their way at once: short files do not cost a turn each.
const FLYING: usize = 8;
/// What a part costs besides its bytes in the mailbox.
const PART_COST: u64 = 128;
/// One part in so many of a mailbox's room, and of this device's share of it, is left to entries.
const FOR_WORDS: u64 = 8;
/// After this it is asked again for what was not there; each further time after twice that.
const FIRST_MS: i64 = 5_000;
/// The longest time between two times.
const LONGEST_MS: i64 = 10 * 60_000;
/// As soon as so many files are known to be there the ledger hears of it.
const NEWS: usize = 64;

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is held here.
    Up,
    /// It is wanted here.
    Down,
}

/// A file that may be at a relay, or has to come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayFile {
    /// The file.
    pub file: FileId,
    /// The name of its root.
    pub root: ContentHash,
    /// Its length in bytes, as its record says.
    pub byte_len: u64,
    /// Which way it goes.
    pub way: Way,
}

impl RelayFile {
    const fn is_short(&self) -> bool {
        self.byte_len <= CHUNK_BYTES as u64
    }

    /// About how many bytes a part has.
    fn bytes(&self, part: u32) -> u64 {
        match part {
            0 => 32 * self.byte_len.div_ceil(CHUNK_BYTES as u64),
            _ => self.byte_len.min(CHUNK_BYTES as u64),
        }
    }
}

/// What became of a part that a relay brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Took {
    /// It is kept; more parts are on their way, or known.
    Kept,
    /// These are missing.
    Missing(Vec<(u32, ContentHash)>),
    /// The file is whole, and what its record says.
    Whole,
    /// The file is not wanted any more.
    NotWanted,
    /// It could not be kept. It is tried again later.
    Failed,
}

/// What is to be done.
pub(super) enum Step {
    Tell(ClientInput),
    Ask(Question),
}

struct Job {
    it: RelayFile,
    /// Parts to fetch or bring, in order.
    parts: VecDeque<(u32, ContentHash)>,
    flying: usize,
    /// The ledger is asked for the names of its parts.
    naming: bool,
    /// The relay has yet to be asked which of them it has.
    unsought: bool,
}

struct Flight {
    file: FileId,
    part: u32,
    bytes: u64,
}

/// The files of one connection.
pub(super) struct Files {
    /// The ledger has to be asked what there is to do.
    stale: bool,
    /// It is asked.
    listing: bool,
    /// Answers that the ledger owes.
    pub(super) asked: usize,
    /// Questions to the relay about roots that are not answered.
    looking: usize,
    /// What there is to do, in order, as far as it was not begun.
    row: VecDeque<RelayFile>,
    /// Roots that were looked for, and whether they were there.
    seen: BTreeMap<ContentHash, bool>,
    /// Roots that were ever looked for, to fetch what they name.
    asked_for: BTreeSet<ContentHash>,
    jobs: BTreeMap<FileId, Job>,
    /// Parts on their way, by their names.
    flying: BTreeMap<ContentHash, Flight>,
    /// Files that are passed over until it is asked again.
    passed: BTreeSet<FileId>,
    /// Files of which all is there, as far as this connection told.
    done: BTreeSet<FileId>,
    /// Those of which the ledger has not heard.
    news: Vec<FileId>,
    /// What the mailbox has room for.
    purse: Option<Purse>,
    /// Nothing more is brought on this connection, and why.
    pub(super) full: Option<Trouble>,
    /// When it is asked again for what was not there.
    again: Option<UnixMillis>,
    wait: i64,
}

impl Files {
    pub(super) const fn new() -> Self {
        Self {
            stale: true,
            listing: false,
            asked: 0,
            looking: 0,
            row: VecDeque::new(),
            seen: BTreeMap::new(),
            asked_for: BTreeSet::new(),
            jobs: BTreeMap::new(),
            flying: BTreeMap::new(),
            passed: BTreeSet::new(),
            done: BTreeSet::new(),
            news: Vec::new(),
            purse: None,
            full: None,
            again: None,
            wait: FIRST_MS,
        }
    }

    /// What this device holds or wants may have changed.
    pub(super) const fn changed(&mut self) {
        self.stale = true;
    }

    /// How full the mailbox is.
    pub(super) const fn entered(&mut self, purse: Purse) {
        self.purse = Some(purse);
    }

    /// The relay lost what it had.
    pub(super) fn anew(&mut self) {
        self.seen.clear();
        self.done.clear();
        self.stale = true;
    }

    /// Whether nothing is left to do until something changes or it is time to ask again.
    pub(super) fn is_idle(&self) -> bool {
        !self.stale
            && self.asked == 0
            && self.looking == 0
            && self.jobs.is_empty()
            && self.news.is_empty()
            && self.row.is_empty()
    }

    /// Whether no small file is on its way, or could be.
    pub(super) fn small_ones_rest(&self) -> bool {
        let jobs = self.jobs.values().map(|job| &job.it);
        !self.stale && self.asked == 0 && self.looking == 0 && !jobs.chain(&self.row).any(RelayFile::is_short)
    }

    /// When it is asked again for what was not there.
    pub(super) const fn deadline(&self) -> Option<UnixMillis> {
        self.again
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: UnixMillis) {
        if self.again.is_some_and(|at| at <= now) {
            self.wait = (2 * self.wait).min(LONGEST_MS);
            self.look_again();
        }
    }

    /// Asks at once for what was not there, and tries once more to bring what was refused.
    pub(super) fn hurry(&mut self) {
        self.wait = FIRST_MS;
        self.full = None;
        self.look_again();
    }

    fn look_again(&mut self) {
        self.again = None;
        self.seen.retain(|_, there| *there);
        self.passed.clear();
        self.stale = true;
    }

    /// Files that are being fetched on this connection.
    pub(super) fn fetching(&self) -> impl Iterator<Item = FileId> + '_ {
        self.jobs.values().filter(|job| job.it.way == Way::Down).map(|job| job.it.file)
    }

    /// What can be done next. Nothing is fetched that another connection fetches.
    pub(super) fn next(
        &mut self,
        mailbox: MailboxId,
        now: UnixMillis,
        elsewhere: &BTreeSet<FileId>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let rests = self.jobs.is_empty() && self.row.is_empty();
        if !self.news.is_empty() && (rests || self.stale || self.news.len() >= NEWS) {
            steps.push(Step::Ask(Question::AtRelay(mailbox, std::mem::take(&mut self.news))));
        }
        if self.stale && !self.listing && self.looking == 0 {
            (self.stale, self.listing) = (false, true);
            self.asked += 1;
            steps.push(Step::Ask(Question::Files(mailbox)));
            return steps;
        }
        self.look(&mut steps);
        while self.looking == 0 && self.flying.len() < FLYING {
            if !self.fly(&mut steps) && !self.begin(&mut steps, mailbox, now, elsewhere) {
                break;
            }
        }
        // What was passed over just now is listed again, to wait for its time; what was found to be there is said.
        let lists = self.stale && !self.listing && self.looking == 0;
        let tells = !self.news.is_empty() && self.jobs.is_empty() && self.row.is_empty();
        if steps.is_empty() && (lists || tells) {
            return self.next(mailbox, now, elsewhere);
        }
        steps
    }

    /// Asks which of the roots are there, and which parts of what is to be brought.
    fn look(&mut self, steps: &mut Vec<Step>) {
        if self.looking > 0 {
            return;
        }
        let roots = self.row.iter().map(|it| it.root).filter(|root| !self.seen.contains_key(root));
        let unseen: BTreeSet<ContentHash> = roots.collect();
        let mut names: Vec<ContentHash> = unseen.into_iter().collect();
        for job in self.jobs.values_mut().filter(|job| job.unsought) {
            job.unsought = false;
            names.extend(job.parts.iter().map(|(_, name)| *name));
        }
        for ids in names.chunks(MAX_SOUGHT) {
            self.looking += 1;
            steps.push(Step::Tell(ClientInput::Look(ids.to_vec())));
        }
    }

    /// Sends one more part of what was begun on its way.
    fn fly(&mut self, steps: &mut Vec<Step>) -> bool {
        let on_the_way: u64 = self.flying.values().map(|flight| flight.bytes).sum();
        let room = |bytes: u64| on_the_way == 0 || on_the_way + bytes <= FLYING_BYTES;
        let flying = &self.flying;
        let can = |job: &&mut Job| {
            let Some((part, name)) = job.parts.front() else { return false };
            // Whoever finds a root finds the chunks.
            let last = job.it.way == Way::Up && *part == 0;
            room(job.it.bytes(*part)) && !flying.contains_key(name) && !(last && job.flying > 0)
        };
        let can = self.jobs.values_mut().filter(can);
        let Some(job) = can.min_by_key(|job| !job.it.is_short()) else { return false };
        let Some((part, name)) = job.parts.front().copied() else { return false };
        let bytes = job.it.bytes(part);
        if job.it.way == Way::Up
            && let Some(trouble) = self.purse.and_then(|purse| lacks_room(purse, bytes + PART_COST))
        {
            self.is_full(trouble);
            return true;
        }
        job.parts.pop_front();
        job.flying += 1;
        let file = job.it.file;
        self.flying.insert(name, Flight { file, part, bytes });
        steps.push(match job.it.way {
            Way::Up => Step::Tell(ClientInput::Keep(BlobKind::Chunk, name)),
            Way::Down => Step::Tell(ClientInput::Fetch(name)),
        });
        true
    }

    /// Begins with one more file.
    fn begin(
        &mut self,
        steps: &mut Vec<Step>,
        mailbox: MailboxId,
        now: UnixMillis,
        elsewhere: &BTreeSet<FileId>,
    ) -> bool {
        while let Some(it) = self.row.front().copied() {
            // One long file after the other; several short ones, which go first.
            let long = self.jobs.values().any(|job| !job.it.is_short());
            if self.jobs.len() >= FLYING || (long && !it.is_short()) {
                return false;
            }
            let Some(there) = self.seen.get(&it.root).copied() else { return false };
            self.row.pop_front();
            let goes = match it.way {
                Way::Up if self.done.contains(&it.file) => false,
                Way::Up if there && it.is_short() => {
                    self.is_done(it.file);
                    false
                }
                Way::Up if self.passed.contains(&it.file) => {
                    self.wait_for(now);
                    false
                }
                Way::Up => self.full.is_none(),
                Way::Down if there && elsewhere.contains(&it.file) => {
                    self.wait_for(now);
                    false
                }
                Way::Down if there && !self.passed.contains(&it.file) => true,
                Way::Down => {
                    self.wait_for(now);
                    false
                }
            };
            if !goes || self.jobs.contains_key(&it.file) {
                continue;
            }
            let mut job = Job { it, parts: VecDeque::new(), flying: 0, naming: false, unsought: false };
            match it.way {
                Way::Down => job.parts.push_back((u32::from(it.is_short()), it.root)),
                Way::Up => {
                    job.naming = true;
                    self.asked += 1;
                    steps.push(Step::Ask(Question::NameParts(mailbox, it.file)));
                }
            }
            self.jobs.insert(it.file, job);
            return true;
        }
        false
    }

    fn wait_for(&mut self, now: UnixMillis) {
        if self.again.is_none() {
            self.again = Some(UnixMillis(now.0.saturating_add(self.wait)));
        }
    }

    /// The ledger says what there is to do.
    pub(super) fn listed(&mut self, files: Vec<RelayFile>) {
        let wanted = files.iter().filter(|it| it.way == Way::Down).map(|it| it.root);
        let known = self.asked_for.len();
        self.asked_for.extend(wanted);
        if self.asked_for.len() > known {
            // Whoever recorded it is probably bringing it.
            self.wait = FIRST_MS;
            self.again = None;
        }
        self.listing = false;
        self.row = files.into_iter().filter(|it| !self.jobs.contains_key(&it.file)).collect();
    }

    /// The relay says which roots are there.
    pub(super) fn looked(&mut self, there: Vec<(ContentHash, bool)>) {
        self.looking = self.looking.saturating_sub(1);
        if there.is_empty() {
            // It did not say: as if nothing were there, and nothing is brought.
            self.full.get_or_insert(Trouble::Disk);
            let row = std::mem::take(&mut self.row);
            self.seen.extend(row.iter().map(|it| (it.root, false)));
            self.row = row;
        }
        let found: BTreeSet<ContentHash> =
            there.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        for job in self.jobs.values_mut().filter(|job| job.it.way == Way::Up) {
            job.parts.retain(|(_, name)| !found.contains(name) || self.flying.contains_key(name));
        }
        let roots: BTreeSet<ContentHash> = self.row.iter().map(|it| it.root).collect();
        self.seen.extend(there.into_iter().filter(|(name, _)| roots.contains(name)));
        let settled = |job: &&Job| job.it.way == Way::Up && !job.naming && !job.unsought;
        let settled =
            self.jobs.values().filter(settled).filter(|job| job.parts.is_empty() && job.flying == 0);
        for file in settled.map(|job| job.it.file).collect::<Vec<_>>() {
            self.is_done(file);
            self.end(file);
        }
    }

    /// A file is whole at the relay.
    fn is_done(&mut self, file: FileId) {
        if self.done.insert(file) {
            self.news.push(file);
        }
    }

    /// The ledger names the parts of a file to bring; none where it cannot be brought.
    pub(super) fn named(&mut self, file: FileId, parts: Vec<(u32, ContentHash)>) {
        let Some(job) = self.jobs.get_mut(&file).filter(|job| job.naming) else { return };
        job.naming = false;
        if parts.is_empty() {
            self.passed.insert(file);
        }
        // Somebody may have brought some of it; and who brought all of it may have been told so by a relay that lost a part since.
        job.unsought = parts.len() > 1;
        job.parts = parts.into();
        self.end(file);
    }

    /// The client asks for a blob to bring; `None` where it is none of these files'.
    pub(super) fn load(&self, mailbox: MailboxId, name: ContentHash) -> Option<Question> {
        let flight = self.flying.get(&name)?;
        Some(Question::LoadPart { mailbox, file: flight.file, part: flight.part, name })
    }

    /// A blob came, or did not. What to ask the ledger; `Err` where the relay said that it has it and did not bring it.
    pub(super) fn came(
        &mut self,
        mailbox: MailboxId,
        name: ContentHash,
        sealed: Option<Vec<u8>>,
    ) -> Option<Result<Question, ()>> {
        let flight = self.flying.get(&name)?;
        let (file, part) = (flight.file, flight.part);
        if let Some(sealed) = sealed {
            return Some(Ok(Question::TakePart { mailbox, file, part, name, sealed }));
        }
        self.land(&name);
        // The rest of it may come from elsewhere; here it is looked for later.
        self.pass_over(file);
        Some(Err(()))
    }

    /// What became of a part that came.
    pub(super) fn took(&mut self, name: &ContentHash, took: Took) {
        let Some(file) = self.land(name) else { return };
        match took {
            Took::Kept => {}
            Took::Missing(parts) => {
                if let Some(job) = self.jobs.get_mut(&file) {
                    // What is on its way is not asked for again.
                    let flying = &self.flying;
                    job.parts = parts.into_iter().filter(|(_, name)| !flying.contains_key(name)).collect();
                }
            }
            Took::Whole => {
                self.is_done(file);
                self.drop_parts(file);
            }
            Took::NotWanted => self.drop_parts(file),
            Took::Failed => self.pass_over(file),
        }
        self.end(file);
    }

    /// A part was brought, or refused; whether it was one of these files'.
    pub(super) fn kept(&mut self, name: &ContentHash, result: Result<(), Refused>) -> bool {
        let Some(Flight { file, bytes, .. }) = self.flying.get(name) else { return false };
        let (file, bytes) = (*file, *bytes);
        self.land(name);
        match result {
            Ok(()) => {
                if let Some(purse) = &mut self.purse {
                    // Where somebody else had brought it, there is more room than that.
                    purse.used += bytes + PART_COST;
                    purse.own += bytes + PART_COST;
                }
                let done = self.jobs.get(&file).is_some_and(|job| job.parts.is_empty() && job.flying == 0);
                if done && !self.passed.contains(&file) {
                    self.is_done(file);
                }
            }
            // It is not to be had here any more.
            Err(Refused::Missing) => self.pass_over(file),
            Err(refused) => self.is_full(Trouble::of(refused)),
        }
        self.end(file);
        true
    }

    /// Nothing more is brought on this connection.
    fn is_full(&mut self, trouble: Trouble) {
        self.full.get_or_insert(trouble);
        let up: Vec<FileId> =
            self.jobs.values().filter(|job| job.it.way == Way::Up).map(|job| job.it.file).collect();
        for file in up {
            self.pass_over(file);
            self.end(file);
        }
        self.row.retain(|it| it.way == Way::Down || self.seen.get(&it.root) == Some(&true));
    }

    fn land(&mut self, name: &ContentHash) -> Option<FileId> {
        let flight = self.flying.remove(name)?;
        if let Some(job) = self.jobs.get_mut(&flight.file) {
            job.flying = job.flying.saturating_sub(1);
        }
        Some(flight.file)
    }

    fn pass_over(&mut self, file: FileId) {
        self.passed.insert(file);
        // It is tried again with what was not there.
        self.stale = true;
        self.drop_parts(file);
        self.end(file);
    }

    fn drop_parts(&mut self, file: FileId) {
        if let Some(job) = self.jobs.get_mut(&file) {
            job.parts.clear();
        }
    }

    /// Ends work on a file of which nothing is left to do.
    fn end(&mut self, file: FileId) {
        if self.jobs.get(&file).is_some_and(|job| job.parts.is_empty() && job.flying == 0 && !job.naming) {
            self.jobs.remove(&file);
        }
    }
}

/// Why a mailbox has no room for so many more bytes of files.
fn lacks_room(purse: Purse, bytes: u64) -> Option<Trouble> {
    let over = |used: u64, most: u64| used.saturating_add(bytes) > most - most / FOR_WORDS;
    if over(purse.used, purse.quota) {
        return Some(Trouble::Full);
    }
    over(purse.own, purse.share).then_some(Trouble::ShareUsed)
}
