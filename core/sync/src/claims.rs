use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::UnixMillis;

use crate::FileId;
use crate::takes::Takes;

/// How long a session may bring nothing of what it was asked for before others may be asked for the same as well, in
/// milliseconds: a chunk takes 13 seconds on a slow link (20 kB/s), and eight times that where eight share it.
const STALLED_MS: i64 = 120_000;

/// Which parts of which files, and which writers' entries, are asked for in which session of a device, so that nothing is asked for twice and
/// several peers bring one file together. It belongs to whoever owns the sessions, and is lent to each while it is told something
/// ([`crate::Session::handle_among`]). A session is called by a number that its owner gives.
#[derive(Debug, Default)]
pub struct Claims {
    files: BTreeMap<FileId, Asked>,
    /// When each session that owes parts was asked, or brought the last of them.
    owing: BTreeMap<u64, UnixMillis>,
    /// The same for entries.
    pub(crate) takes: Takes,
    now: UnixMillis,
    news: bool,
}

#[derive(Debug, Default)]
struct Asked {
    /// The first parts that are missing, in order; `None` until the file's table has come.
    missing: Option<Vec<u32>>,
    /// In which session each part was asked for.
    parts: BTreeMap<u32, u64>,
    /// The sessions that have taken the file up.
    sessions: BTreeSet<u64>,
    /// A part has come: one of those who were asked has it.
    coming: bool,
}

impl Claims {
    /// What the owner's clock for deadlines shows.
    pub fn set_time(&mut self, now: UnixMillis) {
        (self.now, self.takes.now) = (now, now);
    }

    /// Whether something that a session asked for has become free for others, or was not known before. Then every session is to
    /// be told to [look again](crate::Input::Look).
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news) | std::mem::take(&mut self.takes.news)
    }

    /// A session has ended.
    pub fn leave_all(&mut self, session: u64) {
        let files: Vec<_> = self.files.keys().copied().collect();
        for file in files {
            self.leave(&file, session);
        }
        self.owing.remove(&session);
        self.takes.leave_all(session);
    }

    /// When [`Claims::free_stalled`] has something to do, unless more comes.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        let files = self.owing.values().min().map(|since| UnixMillis(since.0 + STALLED_MS));
        files.into_iter().chain(self.takes.deadline()).min()
    }

    /// Lets others ask for what is owed by peers that bring nothing, however much else they say. What they bring later is taken all
    /// the same.
    pub fn free_stalled(&mut self) {
        let stalled = |since: &UnixMillis| since.0 + STALLED_MS <= self.now.0;
        let late: BTreeSet<u64> =
            self.owing.iter().filter(|(_, since)| stalled(since)).map(|(session, _)| *session).collect();
        self.owing.retain(|session, _| !late.contains(session));
        for asked in self.files.values_mut() {
            let before = asked.parts.len();
            asked.parts.retain(|_, session| !late.contains(session));
            self.news |= asked.parts.len() < before;
        }
        self.takes.free_stalled();
    }

    /// Claims one part; false where another session has.
    pub(crate) fn claim(&mut self, file: FileId, part: u32, session: u64) -> bool {
        let asked = self.files.entry(file).or_default();
        if asked.parts.contains_key(&part) {
            return false;
        }
        asked.parts.insert(part, session);
        asked.sessions.insert(session);
        self.owing.entry(session).or_insert(self.now);
        true
    }

    /// Claims up to `most` parts of a long file: its table where nobody has that, then chunks.
    pub(crate) fn claim_next(&mut self, file: FileId, most: usize, session: u64) -> Vec<u32> {
        let asked = self.files.get(&file);
        let missing = asked.and_then(|asked| asked.missing.as_deref()).unwrap_or(&[0]);
        let free = |part: &&u32| asked.is_none_or(|asked| !asked.parts.contains_key(*part));
        let parts: Vec<u32> = missing.iter().filter(free).take(most).copied().collect();
        for part in &parts {
            self.claim(file, *part, session);
        }
        parts
    }

    /// A part of a file came: whoever waits to see whether its peer is needed for it need not wait any longer.
    pub(crate) fn comes(&mut self, file: &FileId) {
        if let Some(asked) = self.files.get_mut(file) {
            self.news |= !asked.coming;
            asked.coming = true;
        }
    }

    /// Whether parts of a file have come in some session that goes on.
    pub(crate) fn is_coming(&self, file: &FileId) -> bool {
        self.files.get(file).is_some_and(|asked| asked.coming)
    }

    /// A part came from a session, whatever becomes of it. `owes`: more is to come.
    pub(crate) fn came(&mut self, session: u64, owes: bool) {
        if owes {
            self.owing.insert(session, self.now);
        } else {
            self.owing.remove(&session);
        }
    }

    /// A part that a session had asked for is stored; these are missing of the file.
    pub(crate) fn stored(&mut self, file: &FileId, part: Option<u32>, session: u64, missing: &[u32]) {
        if missing.is_empty() {
            self.files.remove(file);
            return;
        }
        let Some(asked) = self.files.get_mut(file) else { return };
        if let Some(part) = part.filter(|part| asked.parts.get(part) == Some(&session)) {
            asked.parts.remove(&part);
        }
        self.news |= asked.missing.is_none();
        asked.missing = Some(missing.to_vec());
    }

    /// A session asks for nothing more of a file.
    pub(crate) fn leave(&mut self, file: &FileId, session: u64) {
        let Some(asked) = self.files.get_mut(file) else { return };
        let before = asked.parts.len();
        asked.parts.retain(|_, by| *by != session);
        self.news |= asked.parts.len() < before;
        asked.coming = false;
        asked.sessions.remove(&session);
        // Whoever takes it up after everybody left begins with its table, and what is on the disk.
        if asked.sessions.is_empty() {
            self.files.remove(file);
        }
    }
}
