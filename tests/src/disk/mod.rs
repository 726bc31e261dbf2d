//! A disk that can be watched and that can fail: everything the store does to its files passes here.
//!
//! The database's files come through a [VFS](vfs) for SQLite, all others through the [calls](calls) of the C library that a
//! test program puts in front of the real ones. Both tell the [`Recorder`] of their thread, which notes what was written
//! and what was synced, and lets an operation fail where the test wants it. From the notes [`crash`](image::crash) makes
//! what a disk may hold after the power was cut at any moment.

pub mod calls;
mod image;
pub mod vfs;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use image::{Loss, commits_at_risk, crash, syncs};

/// Something that was done to a file below the recorder's folder; names are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Create(String),
    Write {
        file: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: u64,
    },
    Sync(String),
    Rename {
        from: String,
        to: String,
    },
    Remove(String),
    /// The names in a folder were synced; the recorder's own folder is "".
    SyncDir(String),
    /// So much was acknowledged to somebody.
    Acknowledged(usize),
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No space is left. What is only read or given back works.
    Full,
    /// The device fails.
    Io,
}

/// What fails.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub failure: Failure,
    /// The first operation that fails, counted from 0 over those that this failure can meet.
    pub at: u64,
    /// Whether everything after it fails as well.
    pub lasts: bool,
}

/// What kind of operation is about to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It may need space: writing, creating, syncing what the system had only promised room for.
    Grow,
    /// It needs none.
    Other,
}

/// What happened on a disk, as far as one thread did it.
#[derive(Debug, Default)]
pub struct Recorder {
    root: PathBuf,
    pub ops: Vec<Op>,
    pub fault: Option<Fault>,
    /// How many operations the fault, were it due, could have met.
    pub met: u64,
    /// How many failed.
    pub failed: u64,
    /// The first that failed.
    pub first: String,
    /// Whether the operations are noted, or only counted.
    keeps: bool,
    open: BTreeMap<i32, String>,
    sectors: Sectors,
}

/// What a disk does with the rest of a sector of which a part is being written when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sectors {
    /// It may be spoilt: the VFS promises nothing at all.
    #[default]
    Spoilt,
    /// It stays, as the system's own VFS assumes of all disks.
    Kept,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Watches what this thread does below a folder; `keeps` notes it all.
pub fn watch(root: &Path, keeps: bool, sectors: Sectors) {
    vfs::install();
    let recorder = Recorder { root: root.to_owned(), keeps, sectors, ..Recorder::default() };
    RECORDER.with_borrow_mut(|slot| *slot = Some(recorder));
}

/// Ends the watching and gives what was seen.
///
/// # Panics
/// Where nothing was watched.
pub fn unwatch() -> Recorder {
    RECORDER.with_borrow_mut(Option::take).expect("a watched disk")
}

/// Looks at the recorder of this thread, or changes it; `None` where there is none, or where it is at work itself.
pub fn with<T>(act: impl FnOnce(&mut Recorder) -> T) -> Option<T> {
    RECORDER.try_with(|slot| slot.try_borrow_mut().ok()?.as_mut().map(act)).ok().flatten()
}

impl Recorder {
    /// The name of a watched file.
    fn name(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.root).ok()?;
        Some(name.to_string_lossy().into_owned())
    }

    pub fn note(&mut self, op: impl FnOnce() -> Op) {
        if self.keeps {
            self.ops.push(op());
        }
    }

    /// Whether the operation that comes now fails.
    fn fails(&mut self, kind: Kind, what: &str, name: &str) -> Option<Failure> {
        let fault = self.fault?;
        if fault.failure == Failure::Full && kind == Kind::Other {
            return None;
        }
        let number = self.met;
        self.met += 1;
        let fails = if fault.lasts { number >= fault.at } else { number == fault.at };
        if fails && self.failed == 0 {
            self.first = format!("{what} {name}");
        }
        self.failed += u64::from(fails);
        fails.then_some(fault.failure)
    }
}

/// Asks whether an operation on a file fails; `None` also for files that nobody watches.
pub(crate) fn failing(path: &Path, kind: Kind, what: &str) -> Option<Failure> {
    with(|recorder| recorder.name(path).and_then(|name| recorder.fails(kind, what, &name))).flatten()
}

/// Notes an operation on a file, if somebody watches it.
pub(crate) fn note(path: &Path, op: impl FnOnce(String) -> Op) {
    with(|recorder| {
        if let Some(name) = recorder.name(path) {
            recorder.note(|| op(name));
        }
    });
}
