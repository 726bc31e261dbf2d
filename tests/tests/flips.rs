//! One bit of a home is another: it is said, or it changes nothing that anybody reads. Never is something else shown.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_node::{IncidentQuery, Ledger, NodeError, StateDigest, StoreError};
use firsthand_tests::{Dice, Expected, Person, World, copy_folder, crashing, folder, seeds};

/// A home, as it lies on the disk.
struct Template {
    home: PathBuf,
    files: Vec<PathBuf>,
    digest: StateDigest,
    /// Everything that is shown.
    shown: String,
}

impl Template {
    fn of(home: &Path) -> Self {
        let mut files = Vec::new();
        for dir in [home.to_owned(), home.join("attachments")] {
            for file in fs::read_dir(dir).unwrap() {
                let file = file.unwrap();
                let path = file.path().strip_prefix(home).unwrap().to_owned();
                // The index of the log, and who has the home open, are written anew when a home is opened; the lock is empty.
                let anew = path.ends_with("store.db-shm") || path.ends_with("holder");
                let bytes = !anew && file.metadata().unwrap().len() > 0;
                if file.file_type().unwrap().is_file() && bytes {
                    files.push(path);
                }
            }
        }
        files.sort();
        let dir = folder();
        let copy = dir.path().join("home");
        copy_folder(home, &copy);
        let mut ledger = crashing::reopen(&copy).unwrap();
        let check = ledger.check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
        let (digest, shown) = (ledger.digest().unwrap(), shown(&mut ledger).unwrap());
        Self { home: home.to_owned(), files, digest, shown }
    }
}

/// Everything that somebody sees who reads all of it, files included.
fn shown(ledger: &mut Ledger) -> Result<String, NodeError> {
    let mut shown = format!("{:?}", ledger.team()?.members);
    for row in ledger.incidents(&IncidentQuery { hidden: true, ..IncidentQuery::default() })? {
        let view = ledger.incident(row.id)?;
        for file in &view.attachments {
            let mut out = Vec::new();
            ledger.read_attachment(&row.id, &file.name, &mut out)?;
            shown += &format!("{:?}", firsthand_ids::sha256(&out));
        }
        shown += &format!("{row:?} {view:?}");
    }
    Ok(shown)
}

/// How a flip came out.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// It was said.
    Told,
    /// It was not said, and everything is there.
    Harmless,
}

fn flip(template: &Template, file: &Path, dice: &mut Dice) -> Found {
    let dir = folder();
    let home = dir.path().join("home");
    copy_folder(&template.home, &home);
    let path = home.join(file);
    let mut bytes = fs::read(&path).unwrap();
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
    fs::write(&path, bytes).unwrap();
    let place = format!("byte {at} of {}", file.display());

    let mut ledger = match crashing::reopen(&home) {
        Ok(ledger) => ledger,
        Err(NodeError::Store(
            StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::WrongKey,
        )) => return Found::Told,
        Err(error) => panic!("{place}: {error:?}"),
    };
    let recovery = ledger.team().map(|team| team.recovery);
    let check = ledger.check(&mut |_, _| true);
    let told = recovery.is_err()
        || recovery.is_ok_and(|recovery| !recovery.reasons.is_empty())
        || check.is_err()
        || check.is_ok_and(|check| !check.problems.is_empty() || check.attachments_missing > 0);
    if told {
        return Found::Told;
    }
    assert_eq!(ledger.digest().unwrap(), template.digest, "{place}: silently another state");
    assert!(shown(&mut ledger).unwrap() == template.shown, "{place}: silently something else is shown");
    Found::Harmless
}

fn team_at_work(home: &Path, dir: &Path) -> Ledger {
    let ledger = crashing::open(home, 3).unwrap();
    let mut world = World::within(3, dir.join("world"));
    let device = world.move_in_as("Amina", ledger);
    let (mut person, mut expected) = (Person::new(3), Expected::default());
    for _ in 0..40 {
        person.act(&mut world, &mut expected, device);
    }
    let incident = expected.first[0];
    for len in [900, 300_000] {
        let content = Dice::new(len as u64, 51).fill(len);
        let name = format!("photo {len}.jpg");
        let mut rest = content.as_slice();
        world
            .write(device, |ledger, now, rng| {
                ledger.attach(incident, &mut rest, &name, "", now, rng, &mut |_| true)
            })
            .unwrap();
    }
    match std::mem::replace(&mut world.devices[device].state, firsthand_tests::State::Down) {
        firsthand_tests::State::Up(running) => running.ledger,
        _ => panic!("it runs"),
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let dir = folder();
    let home = dir.path().join("home");
    let ledger = team_at_work(&home, dir.path());
    // As the battery leaves it, most of it in the write-ahead log; and as closing leaves it.
    let pulled = dir.path().join("pulled");
    copy_folder(&home, &pulled);
    drop(ledger.lock().unwrap());
    let templates = [Template::of(&pulled), Template::of(&home)];
    let kinds = ["store.db", "store.db-wal", "head", "slots", "attachments"];
    let counts: [[AtomicU64; 2]; 5] = Default::default();
    seeds::each("flipped bits in every file of a home", 1000, |seed| {
        let mut dice = Dice::new(seed, 50);
        let template = &templates[dice.below(2)];
        let of = |file: &Path| {
            kinds
                .iter()
                .position(|kind| file.starts_with(kind))
                .unwrap_or_else(|| panic!("{}", file.display()))
        };
        let mut here: Vec<_> = template.files.iter().map(|file| of(file)).collect();
        here.sort_unstable();
        here.dedup();
        let kind = dice.pick(&here);
        let files: Vec<_> = template.files.iter().filter(|file| of(file) == kind).collect();
        let found = flip(template, files[dice.below(files.len())], &mut dice);
        // Only what the write-ahead log says anew may be damaged in the database without anybody's missing it.
        let replaced = std::ptr::eq(template, &raw const templates[0]) && kinds[kind] == "store.db";
        assert!(found == Found::Told || replaced, "in {}", kinds[kind]);
        counts[kind][usize::from(found == Found::Harmless)].fetch_add(1, Ordering::Relaxed);
    });
    let words: Vec<_> = kinds
        .iter()
        .zip(&counts)
        .map(|(kind, [told, harmless])| {
            let [told, harmless] = [told, harmless].map(|count| count.load(Ordering::Relaxed));
            format!("{kind} {told} told, {harmless} without effect")
        })
        .collect();
    seeds::figure(&format!("flipped bits: {}, 0 silent", words.join("; ")));
}
