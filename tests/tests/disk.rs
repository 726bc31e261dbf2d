//! The power goes, the disk is full, the disk fails: what was acknowledged is there, and nothing is half there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]
#![allow(unsafe_code, reason = "calls of the C library are put in front of its own")]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_node::meeting::Question;
use firsthand_node::{
    Close, Edit, ImportRow, IncidentQuery, Ledger, NodeError, Now, Opening, Role, StateDigest, StoreError,
};
use firsthand_record::{Count, CountKind, Incident};
use firsthand_store::{Home, SlotOptions, Unlock};
use firsthand_sync::Refusal;
use firsthand_tests::disk::{self, Failure, Fault, Loss, Op, Sectors, commits_at_risk, crash, syncs};
use firsthand_tests::{
    Clock, Crash, Dice, Expected, Person, World, bring, copy_folder, crashing, folder, seeds, try_bring,
};
use serde_json::json;

firsthand_tests::watch_calls! {
    open64(name: *const libc::c_char, flags: libc::c_int, mode: libc::c_uint) -> libc::c_int;
    close(fd: libc::c_int) -> libc::c_int;
    write(fd: libc::c_int, from: *const libc::c_void, len: libc::size_t) -> libc::ssize_t;
    pwrite64(fd: libc::c_int, from: *const libc::c_void, len: libc::size_t, at: libc::off64_t) -> libc::ssize_t;
    ftruncate64(fd: libc::c_int, len: libc::off64_t) -> libc::c_int;
    fsync(fd: libc::c_int) -> libc::c_int;
    fdatasync(fd: libc::c_int) -> libc::c_int;
    rename(from: *const libc::c_char, to: *const libc::c_char) -> libc::c_int;
    unlink(name: *const libc::c_char) -> libc::c_int;
}

/// What was done to the files of a home, and the state after everything that was acknowledged.
struct Story {
    sectors: Sectors,
    ops: Vec<Op>,
    digests: Vec<StateDigest>,
}

/// Notes that everything so far was acknowledged, and what there is then.
fn acknowledge(ledger: &mut Ledger, digests: &mut Vec<StateDigest>) {
    disk::with(|disk| disk.note(|| Op::Acknowledged(digests.len())));
    digests.push(ledger.digest().unwrap());
}

/// Somebody founds a team and works, closing the home now and then.
fn work(seed: u64, actions: usize, sectors: Sectors) -> Story {
    let dir = folder();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    disk::watch(&home, true, sectors);
    let digests = Rc::new(RefCell::new(Vec::new()));
    let mut ledger = crashing::open(&home, seed).unwrap();
    acknowledge(&mut ledger, &mut digests.borrow_mut());
    let (mut person, mut expected) = (Person::new(seed), Expected::default());
    let mut done = 0;
    while done < actions {
        let mut world = World::within(seed + done as u64, dir.path().join("world"));
        let device = world.move_in_as("Amina", ledger);
        // One thing that somebody does may be saved as several, each of which is there or is not.
        let saved = Rc::clone(&digests);
        world.saved = Some(Box::new(move |ledger| acknowledge(ledger, &mut saved.borrow_mut())));
        let until = actions.min(done + 1 + person.dice.below(100));
        for _ in done..until {
            person.act(&mut world, &mut expected, device);
        }
        done = until;
        drop(world);
        ledger = crashing::reopen(&home).unwrap();
    }
    drop(ledger);
    Story { sectors, ops: disk::unwatch().ops, digests: digests.take() }
}

/// Cuts the power after so many operations, and looks at what is left.
fn cut_and_verify(story: &Story, cut: usize, loss: Loss, dice: &mut Dice) {
    let dir = folder();
    crash(&story.ops, cut, (loss, story.sectors), dice, dir.path());
    let acknowledged = story.ops[..cut].iter().rev().find_map(|op| match op {
        Op::Acknowledged(number) => Some(*number),
        _ => None,
    });
    let opened = crashing::reopen(dir.path());
    let Some(acknowledged) = acknowledged else {
        // The team was not founded yet: there is nothing, or all of it.
        match opened {
            Ok(mut ledger) => assert_eq!(ledger.digest().unwrap(), story.digests[0]),
            Err(NodeError::Unfinished | NodeError::Store(StoreError::NoHome)) => {}
            // As below: a log that was cut off looks like one that is broken in its middle, and nobody is told to throw
            // such a home away.
            Err(NodeError::Store(StoreError::Damaged { .. }))
                if loss == Loss::Torn && story.sectors == Sectors::Spoilt => {}
            Err(error) => panic!("cut {cut}, {loss:?}, while the team was founded: {error}"),
        }
        return;
    };
    let mut ledger = opened.unwrap_or_else(|error| panic!("cut {cut}, {loss:?}: {error}"));
    let digest = ledger.digest().unwrap();
    // What was being saved when the power went may have been saved.
    let next = story.digests.get(acknowledged + 1);
    assert!(
        digest == story.digests[acknowledged] || Some(&digest) == next,
        "cut {cut}, {loss:?}: the state is not the one after save {acknowledged}"
    );
    let check = ledger.check(&mut |_, _| true).unwrap();
    let found = check.problems.len();
    // Where a sector may be spoilt, SQLite ends a commit twice, and one that was cut off looks like one in the middle; so does the
    // first of two where neither had waited for the disk.
    let several = story.sectors == Sectors::Spoilt || commits_at_risk(&story.ops[..cut]) > 1;
    let problems = beyond_the_cut(check.problems, loss, several);
    assert_eq!(problems, Vec::<String>::new(), "cut {cut}, {loss:?}");
    assert_eq!(check.attachments_missing, 0, "cut {cut}, {loss:?}");
    let now = Clock::default().at(0);
    ledger.add_incident(titled("After the cut"), now, dice.rng()).unwrap();
    if found > 0 {
        drop(ledger);
        let mut ledger = crashing::reopen(dir.path()).unwrap();
        let check = ledger.check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new(), "cut {cut}: what was torn is written again");
    }
}

/// The problems that a cut does not explain: a slot of the head file, which is written without waiting for the disk, may be
/// torn, which is said and harms nobody; and where `several` commits may be cut off at once, so may the write-ahead log.
fn beyond_the_cut(mut problems: Vec<String>, loss: Loss, several: bool) -> Vec<String> {
    if loss == Loss::Torn {
        problems.retain(|it| !it.starts_with("the head file: one of its two slots is torn"));
        problems.retain(|it| !(several && it.starts_with("the database: its write-ahead log is damaged")));
    }
    problems
}

fn titled(title: &str) -> Incident {
    Incident { title: Some(title.to_owned()), ..Incident::default() }
}

fn at_every_sync(sectors: Sectors, words: &str) {
    let story = work(1, 200, sectors);
    let moments = syncs(&story.ops);
    let losses = [Loss::All, Loss::Nothing, Loss::Torn, Loss::Torn];
    let cuts = moments.len() * losses.len();
    let all = moments.len() / 2;
    assert!(all > 200, "{all} syncs");
    let name = format!("power cuts before and after all {all} syncs of a run of 200 actions, {words}");
    seeds::every(&name, cuts as u64, |seed| {
        let number = seed as usize % cuts;
        let cut = moments[number / losses.len()];
        cut_and_verify(&story, cut, losses[number % losses.len()], &mut Dice::new(seed, 40));
    });
}

#[test]
fn the_power_goes_at_every_sync() {
    at_every_sync(Sectors::Kept, "writes torn by sectors");
}

#[test]
fn the_power_goes_at_every_sync_of_a_disk_that_spoils_sectors() {
    at_every_sync(Sectors::Spoilt, "sectors spoilt");
}

/// How many cuts each run gets.
const CUTS: u64 = 20;

#[test]
fn the_power_goes_at_any_moment() {
    seeds::each("runs of 40 actions with 20 power cuts each", 20, |seed| {
        let sectors = if seed % 2 == 0 { Sectors::Kept } else { Sectors::Spoilt };
        let story = work(seed + 2, 40, sectors);
        let mut dice = Dice::new(seed, 41);
        for _ in 0..CUTS {
            let cut = dice.below(story.ops.len() + 1);
            cut_and_verify(&story, cut, Loss::Torn, &mut dice);
        }
    });
}

/// Twenty things that somebody does, each the same whenever it is done again.
struct Script {
    /// `None` only while the home is opened again.
    ledger: Option<Ledger>,
    dice: Dice,
    home: PathBuf,
    failure: Failure,
    /// How often the home had to be opened again.
    opened: u64,
}

/// Each kind of action twice, but for those that look at everything.
const ACTIONS: usize = 12;

/// The words that somebody hears whose disk is full or fails.
fn said_right(error: &NodeError, failure: Failure) {
    let (failed, first) = disk::with(|disk| (disk.failed, disk.first.clone())).unwrap();
    assert!(failed > 0, "nothing failed, and yet: {error}");
    let right = match error {
        NodeError::Store(StoreError::Full | StoreError::Io(_)) => true,
        // SQLCipher takes a page that could not be read for one that is not what was written.
        NodeError::Store(StoreError::Damaged { .. }) => failure == Failure::Io,
        _ => false,
    };
    assert!(right, "{first}: {error:?}");
}

fn fault_is_over() {
    disk::with(|disk| disk.fault = None);
}

impl Script {
    fn open(home: &Path, failure: Failure) -> Self {
        let open = || crashing::reopen(home);
        let ledger = open().or_else(|error| {
            said_right(&error, failure);
            fault_is_over();
            open()
        });
        let (home, ledger) = (home.to_owned(), Some(ledger.unwrap()));
        Self { ledger, dice: Dice::new(6, 44), home, failure, opened: 0 }
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    fn now(number: usize) -> Now {
        Clock::default().at(number as i64 * 1000)
    }

    fn some(&mut self) -> Result<DocumentId, NodeError> {
        Ok(self.ledger().incidents(&IncidentQuery::default())?[0].id)
    }

    fn act(&mut self, number: usize) -> Result<(), NodeError> {
        let now = Self::now(number);
        let mut dice = self.dice.clone();
        let rng = dice.rng();
        match number % 5 {
            0 => {
                let mut draft = titled(&format!("Incident {number}"));
                draft.counts.push(Count::new(CountKind::Injured, Some(2), None));
                self.ledger().add_incident(draft, now, rng)?;
            }
            1 => {
                let id = self.some()?;
                let insert = "And then. ".to_owned();
                let edits = [
                    Edit::Set { field: "title".to_owned(), value: json!(format!("Title {number}")) },
                    Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert },
                ];
                self.ledger().edit(id, &edits, now, rng)?;
            }
            2 => {
                let id = self.some()?;
                let len = if number % 10 == 2 { 3000 } else { 400_000 };
                let content = Dice::new(number as u64, 42).fill(len);
                let name = format!("{number}.bin");
                self.ledger().attach(id, &mut content.as_slice(), &name, "", now, rng, &mut |_| true)?;
            }
            3 => {
                let row = |row| ImportRow { row, incident: titled(&format!("Row {number}.{row}")) };
                self.ledger().import((0..3).map(row).collect(), false, now, rng, &mut |_, _| true)?;
            }
            _ if number % 10 == 4 => drop(self.ledger().index_text()?),
            _ => {
                let all = UnixMillis(i64::MAX);
                self.ledger().close_period(all, now, Close::Now, &mut |_, _| true)?;
            }
        }
        self.dice = dice;
        Ok(())
    }

    /// Does something that may meet the fault, and once more when it is over. After a page could not be read SQLCipher
    /// reads no other, so then the home is opened again; a disk that was only full costs nobody that.
    fn again<T>(&mut self, mut act: impl FnMut(&mut Self) -> Result<T, NodeError>) -> T {
        let error = match act(self) {
            Ok(done) => return done,
            Err(error) => error,
        };
        said_right(&error, self.failure);
        fault_is_over();
        if self.failure == Failure::Full {
            return act(self).unwrap();
        }
        act(self).unwrap_or_else(|error| {
            said_right(&error, self.failure);
            self.ledger = None;
            self.ledger = Some(crashing::reopen(&self.home).unwrap());
            self.opened += 1;
            act(self).unwrap()
        })
    }

    fn digest(&mut self) -> StateDigest {
        self.again(|script| script.ledger().digest())
    }

    /// Everything is as it should be. What cannot be read now is a problem too, but none that stays.
    fn check(&mut self, number: usize) {
        let failed = || disk::with(|disk| disk.failed).unwrap();
        let before = failed();
        let problems = self.again(|script| {
            let check = script.ledger().check(&mut |_, _| true)?;
            match check.problems.first() {
                Some(_) if failed() > before => Err(StoreError::Damaged { what: "a page" }.into()),
                _ => Ok(check.problems),
            }
        });
        assert_eq!(problems, Vec::<String>::new(), "after action {number}");
    }
}

/// A home with something in it, some of it in a closed period.
fn template() -> tempfile::TempDir {
    let dir = folder();
    let home = dir.path().join("home");
    drop(crashing::open(&home, 5).unwrap());
    let mut script = Script::open(&home, Failure::Io);
    for number in [0, 1, 2, 3, 9, 4] {
        script.act(number).unwrap();
    }
    dir
}

/// What a run left.
struct Ran {
    /// How many operations could have met the fault.
    met: u64,
    /// How often the home had to be opened again.
    opened: u64,
    /// The states after opening and after each action.
    states: Vec<StateDigest>,
}

/// Twelve actions, one of which meets the fault. `untroubled` are the states of a run in which none did: they save the work
/// of reading everything after each action.
fn run(template: &Path, fault: Fault, untroubled: Option<&[StateDigest]>) -> Ran {
    let dir = folder();
    let home = dir.path().join("home");
    copy_folder(template, &home);
    disk::watch(&home, false, Sectors::Kept);
    disk::with(|disk| disk.fault = Some(fault));
    let mut script = Script::open(&home, fault.failure);
    let (mut states, mut seen) = (Vec::new(), 0);
    if untroubled.is_none() {
        states.push(script.digest());
    }
    for (done, number) in (5..5 + ACTIONS).enumerate() {
        if let Err(error) = script.act(number) {
            assert_eq!(seen, 0, "there is one fault");
            said_right(&error, fault.failure);
            if fault.lasts {
                // Nothing else is saved either.
                for other in [number + 1, number + 2] {
                    match script.act(other) {
                        Ok(()) => assert_eq!(other % 5, 4, "saved on a disk that takes nothing"),
                        Err(error) => said_right(&error, fault.failure),
                    }
                }
            }
            fault_is_over();
            let before = untroubled.expect("nothing fails in the first run")[done];
            assert_eq!(script.digest(), before, "something of action {number} was saved");
            script.again(|script| script.act(number));
        }
        if untroubled.is_none() {
            states.push(script.digest());
        }
        let failed = disk::with(|disk| disk.failed).unwrap();
        // Looking at everything is most of the time that a run takes.
        if failed > seen || number == 10 {
            script.check(number);
        }
        seen = failed;
    }
    let last = script.digest();
    let opened = script.opened;
    drop(script);
    let met = disk::unwatch().met;

    let mut ledger = crashing::reopen(&home).unwrap();
    assert_eq!(ledger.digest().unwrap(), last, "opened again");
    let check = ledger.check(&mut |_, _| true).unwrap();
    assert_eq!(check.problems, Vec::<String>::new());
    assert_eq!(check.attachments_missing, 0);
    let files = fs::read_dir(home.join("attachments")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(files.iter().all(|path| path.extension().is_none()), "{files:?}");
    Ran { met, opened, states }
}

fn every_operation(failure: Failure, words: &str) -> u64 {
    let template = template();
    let home = template.path().join("home");
    let never = Fault { failure, at: u64::MAX, lasts: false };
    let states = run(&home, never, None).states;
    let met = run(&home, never, Some(&states)).met;
    assert!(met > 200, "{met} operations");
    let opened = AtomicU64::new(0);
    seeds::every(&format!("{words} at each of {met} operations, once and for good"), met * 2, |seed| {
        let fault = Fault { failure, at: seed / 2, lasts: seed % 2 == 1 };
        opened.fetch_add(run(&home, fault, Some(&states)).opened, Ordering::Relaxed);
    });
    opened.into_inner()
}

#[test]
fn the_disk_is_full_at_every_operation() {
    assert_eq!(every_operation(Failure::Full, "a full disk"), 0);
}

#[test]
fn the_disk_fails_at_every_operation() {
    let opened = every_operation(Failure::Io, "a failing disk");
    println!("the home was opened again {opened} times");
}

/// What came from others on a phone, and what it is to be after each thing that was acknowledged.
struct Received {
    story: Story,
    key: [u8; 32],
    vault: firsthand_tests::TestVault,
}

/// A phone that others bring their records, and that now and then applies them, enters something, and is opened again. A second
/// one gets the same and applies it at once: it knows what the first one is to be.
fn receive(seed: u64, rounds: usize, sectors: Sectors) -> Received {
    let dir = folder();
    let mut world = World::within(seed, dir.path().to_owned());
    let sender = world.found("Harbour", "Amina");
    let reference = world.join(sender, "Chidi", Role::Responder);
    let home = dir.path().join("device-2").join("home-0");
    fs::create_dir_all(&home).unwrap();
    disk::watch(&home, true, sectors);
    let phone = world.join(sender, "Bruno", Role::Responder);
    // The reference hears of the new member.
    world.meet(reference, sender);
    let mut digests = Vec::new();
    let mut acknowledge = |world: &mut World| {
        disk::with(|disk| disk.note(|| Op::Acknowledged(digests.len())));
        digests.push(world.devices[reference].ledger().digest().unwrap());
    };
    acknowledge(&mut world);
    let (mut person, mut expected) = (Person::new(seed), Expected::default());
    for _ in 0..rounds {
        for _ in 0..=person.dice.below(3) {
            person.act(&mut world, &mut expected, sender);
        }
        bring(&mut world, sender, reference, |_| ());
        bring(&mut world, sender, phone, &mut acknowledge);
        match person.dice.below(8) {
            0 | 1 => {
                // What a meeting asks for when nothing more is on the way.
                world.devices[phone].ledger().answer(Question::Apply, Clock::default().at(0));
            }
            2 => drop(world.devices[phone].ledger().work_while_idle().unwrap()),
            3 => {
                person.add(&mut world, &mut expected, phone);
                bring(&mut world, phone, reference, |_| ());
                acknowledge(&mut world);
                bring(&mut world, phone, sender, |_| ());
            }
            4 => {
                world.crash(phone, Crash::Dropped, true);
                world.restart(phone);
            }
            _ => {}
        }
    }
    let (key, vault) = (world.devices[phone].key(), world.devices[phone].vault);
    drop(world);
    Received { story: Story { sectors, ops: disk::unwatch().ops, digests }, key, vault }
}

/// Cuts the power while records come. What was acknowledged to the peer is there, whole, and in its documents.
fn cut_while_receiving(received: &Received, cut: usize, loss: Loss, dice: &mut Dice) {
    let Received { story, key, vault } = received;
    let acknowledged = story.ops[..cut].iter().rev().find_map(|op| match op {
        Op::Acknowledged(number) => Some(*number),
        _ => None,
    });
    // Joining is what the other test cuts.
    let Some(acknowledged) = acknowledged else { return };
    let dir = folder();
    crash(&story.ops, cut, (loss, story.sectors), dice, dir.path());
    let opened = Ledger::open(Opening {
        home: Home::open(dir.path()).unwrap(),
        unlock: Unlock::RawKey(key),
        vault,
        slot: SlotOptions::FLOOR,
    });
    let mut ledger = opened.unwrap_or_else(|error| panic!("cut {cut}, {loss:?}: {error}"));
    let digest = ledger.digest().unwrap();
    let next = story.digests.get(acknowledged + 1);
    assert!(
        digest == story.digests[acknowledged] || Some(&digest) == next,
        "cut {cut}, {loss:?}: the state is not the one after batch {acknowledged}"
    );
    let check = ledger.check(&mut |_, _| true).unwrap();
    // Commits that follow from others do not wait for the disk, so that more than one may be cut off at once.
    let problems = beyond_the_cut(check.problems, loss, true);
    assert_eq!(problems, Vec::<String>::new(), "cut {cut}, {loss:?}");
}

#[test]
fn the_power_goes_while_records_come() {
    seeds::each("runs of 30 meetings with 20 power cuts each", 20, |seed| {
        let sectors = if seed % 2 == 0 { Sectors::Kept } else { Sectors::Spoilt };
        let received = receive(seed + 50, 30, sectors);
        let mut dice = Dice::new(seed, 45);
        for number in 0..CUTS {
            let cut = dice.below(received.story.ops.len() + 1);
            let loss = [Loss::Torn, Loss::Torn, Loss::All, Loss::Nothing][number as usize % 4];
            cut_while_receiving(&received, cut, loss, &mut dice);
        }
    });
}

/// The disk is full or fails while records come: what was acknowledged stays, the rest is refused as this device's own trouble,
/// and comes when the disk works again.
#[test]
fn the_disk_fails_while_records_come() {
    seeds::each("meetings in which the disk fails at one operation", 150, |seed| {
        let dir = folder();
        let mut dice = Dice::new(seed, 46);
        let mut world = World::within(seed, dir.path().to_owned());
        let sender = world.found("Harbour", "Amina");
        let reference = world.join(sender, "Chidi", Role::Responder);
        let phone = world.join(sender, "Bruno", Role::Responder);
        world.meet(reference, sender);
        let (mut person, mut expected) = (Person::new(seed), Expected::default());
        for _ in 0..3 {
            person.act(&mut world, &mut expected, sender);
        }
        bring(&mut world, sender, reference, |_| ());
        bring(&mut world, sender, phone, |_| ());
        for _ in 0..6 {
            person.act(&mut world, &mut expected, sender);
        }
        bring(&mut world, sender, reference, |_| ());
        let expected = world.devices[reference].ledger().digest().unwrap();

        let failure = if seed % 2 == 0 { Failure::Full } else { Failure::Io };
        let home = world.devices[phone].home.clone();
        disk::watch(&home, false, Sectors::Kept);
        disk::with(|disk| {
            disk.fault = Some(Fault { failure, at: dice.below(60) as u64, lasts: seed % 4 < 2 });
        });
        let space = *world.devices[phone].ledger().space();
        let before = world.devices[phone].ledger().store().vector(&space);
        let brought = try_bring(&mut world, sender, phone, |_| ());
        let ledger = world.devices[phone].ledger();
        let after = ledger.store().vector(&space);
        match brought {
            Ok(()) => assert!(before.lacks(&after) > 0, "nothing came"),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Storage, "no fault of the sender");
                assert!(disk::with(|disk| disk.failed).unwrap() > 0, "nothing failed");
                assert_eq!(after, before, "a batch is kept whole or not at all");
            }
        }
        // Whether it can be applied now or not, nothing is lost by trying.
        ledger.answer(Question::Apply, Clock::default().at(0));
        fault_is_over();
        // After a page could not be read SQLCipher reads no other.
        if failure == Failure::Io {
            world.crash(phone, Crash::Dropped, true);
            world.restart(phone);
        }
        bring(&mut world, sender, phone, |_| ());
        let ledger = world.devices[phone].ledger();
        assert_eq!(ledger.digest().unwrap(), expected);
        let check = ledger.check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
        drop(world);
        disk::unwatch();
    });
}
