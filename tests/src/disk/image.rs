//! What a disk may hold after the power was cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::vfs::SECTOR;
use super::{Op, Sectors};
use crate::Dice;

/// What became of writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// None reached the disk.
    All,
    /// All did.
    Nothing,
    /// Some did, sector by sector, in any order; a sector that was being written may hold anything.
    Torn,
}

/// A file's bytes on the disk, and what was done to it since it was synced.
#[derive(Debug, Default)]
struct File<'a> {
    synced: Vec<u8>,
    since: Vec<&'a Op>,
}

/// A name that was given or taken since the names of its folder were synced.
#[derive(Debug)]
struct Naming {
    /// Each name, and the file it stands for from then on. All of it happens at once.
    set: Vec<(String, Option<usize>)>,
}

#[derive(Debug, Default)]
struct Disk<'a> {
    files: Vec<File<'a>>,
    /// The names as everybody sees them.
    names: BTreeMap<String, usize>,
    /// The names on the disk.
    synced: BTreeMap<String, usize>,
    since: Vec<Naming>,
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn put(bytes: &mut Vec<u8>, at: u64, new: &[u8]) {
    let end = at as usize + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at as usize..end].copy_from_slice(new);
}

impl<'a> Disk<'a> {
    fn name(&mut self, set: Vec<(String, Option<usize>)>) {
        apply(&mut self.names, &set);
        self.since.push(Naming { set });
    }

    fn sync_names(&mut self, wanted: impl Fn(&str) -> bool) {
        let all = std::mem::take(&mut self.since);
        let (now, later) =
            all.into_iter().partition(|naming| naming.set.iter().any(|(name, _)| wanted(name)));
        self.since = later;
        let now: Vec<Naming> = now;
        for naming in now {
            apply(&mut self.synced, &naming.set);
        }
    }

    fn happen(&mut self, op: &'a Op) {
        match op {
            Op::Create(name) => {
                self.files.push(File::default());
                let number = self.files.len() - 1;
                self.name(vec![(name.clone(), Some(number))]);
            }
            Op::Write { file, .. } | Op::Truncate { file, .. } => {
                if let Some(number) = self.names.get(file) {
                    self.files[*number].since.push(op);
                }
            }
            Op::Sync(file) => {
                let Some(number) = self.names.get(file) else { return };
                let File { synced, since } = &mut self.files[*number];
                for op in since.drain(..) {
                    match op {
                        Op::Write { at, bytes, .. } => put(synced, *at, bytes),
                        Op::Truncate { len, .. } => synced.resize(*len as usize, 0),
                        _ => {}
                    }
                }
            }
            Op::Rename { from, to } => {
                let number = self.names.get(from).copied();
                self.name(vec![(from.clone(), None), (to.clone(), number)]);
            }
            Op::Remove(name) => self.name(vec![(name.clone(), None)]),
            Op::SyncDir(synced) => self.sync_names(|name| folder(name) == synced),
            Op::Acknowledged(_) => {}
        }
    }

    /// The names that are found after the cut.
    fn found(&self, loss: Loss, dice: &mut Dice) -> BTreeMap<String, usize> {
        let mut names = self.synced.clone();
        // A journal keeps the order of names; a disk without one does not.
        let until = dice.below(self.since.len() + 1);
        let in_order = dice.percent(50);
        for (number, naming) in self.since.iter().enumerate() {
            let kept = match loss {
                Loss::All => false,
                Loss::Nothing => true,
                Loss::Torn if in_order => number < until,
                Loss::Torn => dice.percent(50),
            };
            if kept {
                apply(&mut names, &naming.set);
            }
        }
        names
    }

    /// The bytes of a file that are found after the cut.
    fn bytes(&self, number: usize, loss: Loss, sectors: Sectors, dice: &mut Dice) -> Vec<u8> {
        let File { synced, since } = &self.files[number];
        let mut found = synced.clone();
        // From nothing of it to nearly all of it.
        let chance = dice.pick(&[5, 50, 50, 95]);
        for op in since {
            match op {
                Op::Write { at, bytes, .. } if loss == Loss::Nothing => put(&mut found, *at, bytes),
                Op::Write { at, bytes, .. } if loss == Loss::Torn => {
                    tear(&mut found, *at, bytes, (chance, sectors), dice);
                }
                Op::Truncate { len, .. }
                    if loss == Loss::Nothing || (loss == Loss::Torn && dice.percent(50)) =>
                {
                    found.resize(*len as usize, 0);
                }
                _ => {}
            }
        }
        found
    }
}

fn apply(names: &mut BTreeMap<String, usize>, set: &[(String, Option<usize>)]) {
    for (name, file) in set {
        match file {
            Some(file) => names.insert(name.clone(), *file),
            None => names.remove(name),
        };
    }
}

/// Writes some of the sectors of a write.
fn tear(found: &mut Vec<u8>, at: u64, bytes: &[u8], how: (usize, Sectors), dice: &mut Dice) {
    let (chance, sectors) = how;
    let (begin, end) = (at as usize, at as usize + bytes.len());
    let mut from = begin;
    while from < end {
        let to = ((from / SECTOR + 1) * SECTOR).min(end);
        if dice.percent(chance) {
            put(found, from as u64, &bytes[from - begin..to - begin]);
        } else if dice.percent(10) {
            // The power went while this sector was written.
            let sector = from / SECTOR * SECTOR;
            let (begin, end) = match sectors {
                Sectors::Spoilt => (sector, found.len().min(sector + SECTOR)),
                Sectors::Kept => (from, to),
            };
            put(found, begin as u64, &dice.fill(end.saturating_sub(begin)));
        }
        from = to;
    }
}

/// Makes in `to` what the disk may hold if the power is cut after so many operations.
///
/// # Panics
/// Where `to` cannot be written.
pub fn crash(ops: &[Op], cut: usize, (loss, sectors): (Loss, Sectors), dice: &mut Dice, to: &Path) {
    let mut disk = Disk::default();
    for op in &ops[..cut] {
        disk.happen(op);
    }
    fs::create_dir_all(to).unwrap();
    for (name, number) in disk.found(loss, dice) {
        let path = to.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(to)).unwrap();
        fs::write(path, disk.bytes(number, loss, sectors, dice)).unwrap();
    }
}

/// The moments before and after every sync.
#[must_use]
pub fn syncs(ops: &[Op]) -> Vec<usize> {
    let synced = ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Sync(_) | Op::SyncDir(_)));
    let mut moments: Vec<usize> = synced.flat_map(|(number, _)| [number, number + 1]).collect();
    moments.dedup();
    moments
}

/// How many commits went into the write-ahead log since it was synced last. Those that follow from others do not wait for the
/// disk, so there may be several.
#[must_use]
pub fn commits_at_risk(ops: &[Op]) -> usize {
    /// SQLite's file format, "WAL Frame Header": 24 bytes; bytes 4 to 7 are not zero in the last frame of a commit.
    const FRAME_HEADER: usize = 24;
    let log = |file: &String| file.ends_with("store.db-wal");
    let since = ops.iter().rev().take_while(|op| !matches!(op, Op::Sync(file) if log(file)));
    let commits = since.filter(|op| match op {
        Op::Write { file, bytes, .. } => {
            log(file) && bytes.len() == FRAME_HEADER && bytes[4..8].iter().any(|byte| *byte != 0)
        }
        _ => false,
    });
    commits.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder;

    fn write(file: &str, at: u64, bytes: &[u8]) -> Op {
        Op::Write { file: file.to_owned(), at, bytes: bytes.to_vec() }
    }

    fn found(ops: &[Op], loss: Loss, seed: u64) -> BTreeMap<String, Vec<u8>> {
        let dir = folder();
        crash(ops, ops.len(), (loss, Sectors::Spoilt), &mut Dice::new(seed, 0), dir.path());
        let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
        files
            .map(|it| (it.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(it).unwrap()))
            .collect()
    }

    #[test]
    fn what_was_synced_stays_and_nothing_else_need_to() {
        let name = |text: &str| text.to_owned();
        let mut ops = vec![
            Op::Create(name("a")),
            write("a", 0, &[1; 1024]),
            Op::Sync(name("a")),
            Op::SyncDir(name("")),
            write("a", 100, &[2; 1024]),
        ];
        assert_eq!(found(&ops, Loss::All, 1)["a"], [1; 1024]);
        assert_eq!(found(&ops, Loss::Nothing, 1)["a"], [[1; 100].as_slice(), &[2; 1024]].concat());
        let torn: Vec<_> = (0..100).map(|seed| found(&ops, Loss::Torn, seed)["a"].clone()).collect();
        assert!(torn.iter().any(|it| it.len() == 1024 && it[100..512] == [2; 412] && it[512..] == [1; 512]));
        assert!(torn.iter().any(|it| it.len() == 1124 && it[..512] == [1; 512] && it[1024..] == [2; 100]));
        assert!(torn.iter().any(|it| it[..100] != [1; 100]), "a sector that is spoilt");
        ops.push(Op::Sync(name("a")));
        for seed in 0..100 {
            assert_eq!(found(&ops, Loss::Torn, seed)["a"], found(&ops, Loss::Nothing, 1)["a"]);
        }

        ops.extend([
            Op::Rename { from: name("a"), to: name("b") },
            Op::Create(name("c")),
            Op::Remove(name("b")),
        ]);
        let names = |loss, seed| found(&ops, loss, seed).into_keys().collect::<String>();
        assert_eq!((names(Loss::All, 1), names(Loss::Nothing, 1)), (name("a"), name("c")));
        let torn: std::collections::BTreeSet<_> = (0..100).map(|seed| names(Loss::Torn, seed)).collect();
        for wanted in ["a", "b", "bc", "c", "", "ac"] {
            assert!(torn.contains(wanted), "{wanted:?} in {torn:?}");
        }
        assert_eq!(syncs(&ops), [2, 3, 4, 5, 6]);
    }
}
