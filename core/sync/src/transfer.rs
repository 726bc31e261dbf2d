use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::SpaceId;

use crate::pieces::{Arriving, Part, Sending, Served, Whole};
use crate::{Claims, Effect, FileId, Frame, MAX_WANTED, Refusal};

/// How many chunks of a long file are asked for at once: 1 MiB on the way keeps a slow link busy and bounds what a cut
/// repeats.
const WINDOW: u32 = 4;

/// How many short files are asked for at once, so that a thousand of them do not cost a thousand turns.
const SHORT_WINDOW: usize = 32;

/// How many bytes of short files are on the way at once, as long as it is more than one.
const SHORT_BYTES: u64 = 1024 * 1024;

const _: () = assert!(SHORT_WINDOW + (WINDOW as usize) < MAX_WANTED);

/// How many files that were asked for in vain are remembered: more than a team has waiting, and 17 KiB against a peer
/// that asks for whatever comes to its mind.
const MAX_DENIED: usize = 1024;

/// A file that this device wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The space in which it is recorded. Nobody is asked for it, or told of it, who does not take part there.
    pub space: SpaceId,
    /// The file.
    pub file: FileId,
    /// The part that is wanted first. Part 0 is the table of the file's chunks, and the chunks follow.
    pub from: u32,
    /// How long that part is, where it is all that is missing. Such files go first, many at once.
    pub short: Option<u64>,
}

/// Files that are wanted, in two rows: the short ones go first.
#[derive(Default)]
struct Queue {
    short: VecDeque<Wanted>,
    long: VecDeque<Wanted>,
}

impl Queue {
    fn iter(&self) -> impl Iterator<Item = &Wanted> {
        self.short.iter().chain(&self.long)
    }

    fn push(&mut self, wanted: Wanted) {
        if wanted.short.is_some() { &mut self.short } else { &mut self.long }.push_back(wanted);
    }
}

/// The files of a session: what this device asks for, and what it was asked for.
#[derive(Default)]
pub(crate) struct Transfers {
    /// What is asked for in all sessions of this device; lent for the time of a call.
    pub(crate) claims: Claims,
    /// What this session is called there.
    pub(crate) session: u64,
    wanted: Queue,
    /// Of those some are asked for in other sessions alone, and nothing of them has come: this peer may be the one who has them.
    may_be_needed: bool,
    /// Short files that were asked for.
    short: BTreeMap<FileId, Short>,
    /// The long file that is on its way.
    long: Option<Download>,
    /// The chunk that is on its way, while pieces of it are still to come.
    arriving: Option<Arriving>,
    asked: VecDeque<(FileId, u32)>,
    loading: bool,
    sending: Sending,
    /// Files the peer did not have. It says when it has got one, see `denied`.
    absent: BTreeMap<FileId, Wanted>,
    /// Files the peer asked for and this device did not have.
    denied: BTreeSet<FileId>,
    /// One of those has come.
    news: bool,
}

struct Short {
    wanted: Wanted,
    /// It has come and is being stored.
    storing: bool,
}

struct Download {
    space: SpaceId,
    file: FileId,
    /// Parts asked for and not yet received.
    outstanding: BTreeSet<u32>,
    /// Parts that are being stored, in the order in which they came.
    storing: VecDeque<u32>,
    /// The file is complete, perhaps thanks to another peer, or not wanted any more; what is still on the way is passed over.
    complete: bool,
}

impl Download {
    fn quiet(&self) -> bool {
        self.outstanding.is_empty() && self.storing.is_empty()
    }

    fn wanted(&self) -> Wanted {
        Wanted { space: self.space, file: self.file, from: 0, short: None }
    }
}

impl Transfers {
    /// Whether no file is on its way here. What other sessions ask for is left to them.
    pub(crate) fn idle(&self) -> bool {
        self.long.is_none() && self.short.is_empty() && !self.may_be_needed
    }

    /// Whether nothing is on its way here only because other sessions ask for it, and it is not known whether their peers have it.
    pub(crate) fn waits_for_others(&self) -> bool {
        self.may_be_needed && self.long.is_none() && self.short.is_empty()
    }

    /// Takes note of whether something is wanted that this peer may be needed for.
    pub(crate) fn look_at_others(&mut self) {
        self.may_be_needed = self.wanted.iter().any(|wanted| !self.claims.is_coming(&wanted.file));
    }

    /// Whether parts were asked for that have not come.
    pub(crate) fn outstanding(&self) -> bool {
        self.long.as_ref().is_some_and(|download| !download.outstanding.is_empty())
            || self.short.values().any(|short| !short.storing)
    }

    /// Whether parts that the peer asked for are still to be sent.
    pub(crate) fn serving(&self) -> bool {
        self.loading || !self.asked.is_empty() || !self.sending.is_empty()
    }

    /// Replaces the list of files wanted.
    pub(crate) fn want(&mut self, files: Vec<Wanted>) {
        let listed: BTreeSet<_> = files.iter().map(|wanted| wanted.file).collect();
        if let Some(download) = self.long.as_mut().filter(|it| !listed.contains(&it.file)) {
            download.complete = true;
            self.claims.leave(&download.file, self.session);
        }
        self.end_complete();
        let long = self.long.as_ref().map(|download| download.file);
        self.absent.retain(|file, _| listed.contains(file));
        self.wanted = Queue::default();
        for wanted in files {
            let file = wanted.file;
            if Some(file) != long && !self.short.contains_key(&file) && !self.absent.contains_key(&file) {
                self.wanted.push(wanted);
            }
        }
        let before = self.denied.len();
        self.denied.retain(|file| listed.contains(file));
        self.news |= self.denied.len() < before;
    }

    /// Whether the peer should hear that a file is here which it asked for in vain.
    pub(crate) const fn news(&self) -> bool {
        self.news
    }

    /// Whether the peer is still to hear of a file that it is not here. What tells it later that the file has come must not come first.
    pub(crate) fn denies(&self) -> bool {
        self.sending.denies()
    }

    /// The peer has heard it.
    pub(crate) fn told(&mut self) {
        self.news = false;
    }

    /// The peer told what it misses, which it also does when it has got a file that this device asked for in vain.
    pub(crate) fn on_news(&mut self) {
        for wanted in std::mem::take(&mut self.absent).into_values() {
            self.wanted.push(wanted);
        }
    }

    /// Asks for more where the window allows.
    pub(crate) fn advance(&mut self, out: &mut Vec<Effect>) {
        let mut bytes: u64 = self.short.values().filter_map(|short| short.wanted.short).sum();
        let mut at = 0;
        while self.short.len() < SHORT_WINDOW
            && let Some(wanted) = self.wanted.short.get(at).copied()
            && (self.short.is_empty() || bytes.saturating_add(wanted.short.unwrap_or(0)) <= SHORT_BYTES)
        {
            // What another session asks for stays in its place, should that one not get it.
            if !self.claims.claim(wanted.file, wanted.from, self.session) {
                at += 1;
                continue;
            }
            self.wanted.short.remove(at);
            bytes = bytes.saturating_add(wanted.short.unwrap_or(0));
            out.push(Effect::send(&Frame::Want { file: wanted.file, from: wanted.from, count: 1 }));
            self.short.insert(wanted.file, Short { wanted, storing: false });
        }
        // A long file that is on its way waits where it is.
        if self.short.is_empty() {
            self.advance_long(out);
        }
    }

    fn advance_long(&mut self, out: &mut Vec<Effect>) {
        if self.long.as_ref().is_some_and(|download| download.complete || !download.quiet()) {
            return;
        }
        // Where the rest of it is on its way from others, another file is next.
        let (window, session) = (WINDOW as usize, self.session);
        let parts = match &self.long {
            Some(download) => self.claims.claim_next(download.file, window, session),
            None => Vec::new(),
        };
        let parts = if parts.is_empty() { self.next_long() } else { parts };
        let Some(download) = &mut self.long else { return };
        download.outstanding.extend(&parts);
        let file = download.file;
        for run in parts.chunk_by(|part, next| part + 1 == *next) {
            if let [from, ..] = run {
                out.push(Effect::send(&Frame::Want { file, from: *from, count: run.len() as u32 }));
            }
        }
    }

    /// Takes up the first long file of which something is to be had.
    fn next_long(&mut self) -> Vec<u32> {
        if let Some(download) = self.long.take() {
            self.claims.leave(&download.file, self.session);
            self.wanted.long.push_front(download.wanted());
        }
        for at in 0..self.wanted.long.len() {
            let Some(Wanted { space, file, .. }) = self.wanted.long.get(at).copied() else { break };
            let parts = self.claims.claim_next(file, WINDOW as usize, self.session);
            if !parts.is_empty() {
                self.wanted.long.remove(at);
                let (outstanding, storing) = (BTreeSet::new(), VecDeque::new());
                self.long = Some(Download { space, file, outstanding, storing, complete: false });
                return parts;
            }
        }
        Vec::new()
    }

    /// A chunk has come, or the first piece of one.
    pub(crate) fn on_chunk(&mut self, chunk: Arriving, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        if self.arriving.is_some() || !self.expects(&chunk) {
            return Err(Refusal::Misbehaved);
        }
        self.arrive(chunk, out)
    }

    /// Another piece has come.
    pub(crate) fn on_chunk_rest(&mut self, piece: &[u8], out: &mut Vec<Effect>) -> Result<(), Refusal> {
        let mut chunk = self.arriving.take().ok_or(Refusal::Misbehaved)?;
        chunk.take(piece)?;
        self.arrive(chunk, out)
    }

    fn arrive(&mut self, chunk: Arriving, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        match chunk.whole() {
            Ok(whole) => self.on_whole_chunk(whole, out),
            Err(chunk) => {
                self.arriving = Some(chunk);
                Ok(())
            }
        }
    }

    /// Whether a chunk is one that was asked for: nothing is kept of others.
    fn expects(&self, chunk: &Arriving) -> bool {
        let Part { file, index, total } = chunk.part();
        if index >= total {
            return false;
        }
        match self.short.get(&file) {
            Some(short) => !short.storing && index == short.wanted.from,
            None => {
                self.long.as_ref().is_some_and(|long| long.file == file && long.outstanding.contains(&index))
            }
        }
    }

    fn on_whole_chunk(&mut self, chunk: Whole, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        let Whole { part: Part { file, index, total }, sealed } = chunk;
        if let Some(short) = self.short.get_mut(&file) {
            if short.storing || index != short.wanted.from || index >= total {
                return Err(Refusal::Misbehaved);
            }
            short.storing = true;
            out.push(Effect::StoreChunk { file, index, total, sealed });
            self.claims.comes(&file);
        } else {
            let expected = self.long.as_mut().filter(|it| it.file == file && index < total);
            let Some(download) = expected.filter(|it| it.outstanding.contains(&index)) else {
                return Err(Refusal::Misbehaved);
            };
            download.outstanding.remove(&index);
            self.claims.comes(&file);
            if !download.complete {
                download.storing.push_back(index);
                out.push(Effect::StoreChunk { file, index, total, sealed });
            }
            self.end_complete();
        }
        let owes = self.outstanding();
        self.claims.came(self.session, owes);
        Ok(())
    }

    fn end_complete(&mut self) {
        self.long.take_if(|it| it.complete && it.quiet());
    }

    /// A part is durable; the first of those that are missing follow, none where the file is complete and its hash right.
    pub(crate) fn on_stored(&mut self, file: FileId, missing: &[u32]) {
        if let Some(Short { wanted, .. }) = self.short.remove(&file) {
            self.claims.stored(&file, Some(wanted.from), self.session, missing);
            // It was not all of the file after all.
            if !missing.is_empty() {
                self.claims.leave(&file, self.session);
                self.wanted.push(Wanted { from: 0, short: None, ..wanted });
            }
            return;
        }
        let Some(download) = self.long.as_mut().filter(|it| it.file == file) else { return };
        let part = download.storing.pop_front();
        if missing.is_empty() {
            download.complete = true;
        }
        self.claims.stored(&file, part, self.session, missing);
        self.end_complete();
    }

    pub(crate) fn on_no_file(&mut self, file: FileId) {
        if let Some(short) = self.short.get(&file) {
            // Of what has come nothing is said.
            if short.storing {
                return;
            }
            self.absent.insert(file, short.wanted);
            self.short.remove(&file);
        } else if let Some(download) = self.long.take_if(|it| it.file == file) {
            self.absent.insert(file, download.wanted());
        } else {
            return;
        }
        self.claims.leave(&file, self.session);
        let owes = self.outstanding();
        self.claims.came(self.session, owes);
    }

    pub(crate) fn on_want(&mut self, file: FileId, from: u32, count: u32) -> Result<(), Refusal> {
        if self.asked.len() + count as usize > MAX_WANTED {
            return Err(Refusal::Misbehaved);
        }
        self.asked.extend((from..from.saturating_add(count)).map(|index| (file, index)));
        Ok(())
    }

    /// The stream has taken everything that was sent.
    pub(crate) fn taken(&mut self) {
        self.sending.taken();
    }

    /// Sends the next piece of what was asked for, and loads the chunk after it.
    pub(crate) fn serve(&mut self, out: &mut Vec<Effect>) {
        self.sending.advance(out);
        if !self.loading
            && self.sending.has_room()
            && let Some((file, index)) = self.asked.pop_front()
        {
            self.loading = true;
            out.push(Effect::LoadChunk { file, index });
        }
    }

    pub(crate) fn on_loaded(&mut self, file: FileId, index: u32, chunk: Option<(u32, Vec<u8>)>) {
        self.loading = false;
        match chunk {
            Some((total, sealed)) => {
                self.denied.remove(&file);
                // Whoever does not know how long it is may have asked for more.
                self.asked.retain(|(other, index)| *other != file || *index < total);
                self.sending.push(Served::Chunk(Whole { part: Part { file, index, total }, sealed }));
            }
            None => {
                self.asked.retain(|(other, _)| *other != file);
                if self.denied.len() < MAX_DENIED {
                    self.denied.insert(file);
                }
                self.sending.push(Served::NoFile(file));
            }
        }
    }
}
