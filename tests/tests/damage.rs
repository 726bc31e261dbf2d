//! Homes that were restored or damaged: nothing is lost, nothing forks, and everybody ends with the same.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, Event, IncidentQuery, RepairView, Role};
use firsthand_record::{Care, Incident};
use firsthand_store::Doubt;
use firsthand_tests::{Crash, Running, State, TestVault, World, copy_folder};

/// What is put back from the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restored {
    DatabaseAndHead,
    DatabaseOnly,
    HeadOnly,
}

fn add(world: &mut World, device: usize, title: &str) -> DocumentId {
    let draft = Incident { title: Some(title.to_owned()), ..Incident::default() };
    world.write(device, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id
}

/// Notes something in a space that only two read.
fn confide(world: &mut World, device: usize, words: &str) {
    let care = Care { note: Some(words.to_owned()), ..Care::default() };
    world.write(device, |ledger, now, rng| ledger.add_care(care, now, rng)).unwrap();
}

fn edit(world: &mut World, device: usize, id: DocumentId, text: &str) {
    let edits = [Edit::Set { field: "title".to_owned(), value: text.into() }];
    world.write(device, |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
}

/// Ends a device's program in order.
fn stop(world: &mut World, device: usize) {
    let state = std::mem::replace(&mut world.devices[device].state, State::Down);
    let State::Up(running) = state else { panic!("it does not run") };
    running.ledger.lock().unwrap();
}

fn titles(world: &mut World, device: usize) -> Vec<String> {
    let rows = world.devices[device].ledger().incidents(&IncidentQuery::default()).unwrap();
    let mut titles: Vec<_> = rows.into_iter().map(|row| row.incident.title).collect();
    titles.sort();
    titles
}

fn same(world: &mut World, one: usize, other: usize) {
    for device in [one, other] {
        let check = world.devices[device].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new(), "{device}");
    }
    let digest = world.devices[one].ledger().digest().unwrap();
    assert_eq!(world.devices[other].ledger().digest().unwrap(), digest);
    assert_eq!(titles(world, one), titles(world, other));
    let forked = world.heard.iter().any(|(_, event)| matches!(event, Event::Forked { .. }));
    assert!(!forked, "a chain forked");
}

fn restore(world: &mut World, device: usize, backup: &Path, what: Restored) {
    let home = world.devices[device].home.clone();
    if what != Restored::HeadOnly {
        drop(fs::remove_file(home.join("store.db-wal")));
        drop(fs::remove_file(home.join("store.db-shm")));
        fs::copy(backup.join("store.db"), home.join("store.db")).unwrap();
    }
    if what != Restored::DatabaseOnly {
        fs::copy(backup.join("head"), home.join("head")).unwrap();
    }
    if what == Restored::DatabaseAndHead {
        // The third witness stands outside the backup.
        world.devices[device].vault = TestVault([0xee; 16]);
    }
}

/// A backup is taken, more is written and reaches a peer, the backup is put back, and work goes on.
#[test]
fn after_a_restore_nothing_is_lost_and_no_chain_forks() {
    for what in [Restored::DatabaseAndHead, Restored::DatabaseOnly, Restored::HeadOnly] {
        for told in [true, false] {
            let mut world = World::new(31);
            let amina = world.found("Harbour", "Amina");
            let bela = world.join(amina, "Bela", Role::Responder);
            let early = add(&mut world, amina, "before the backup");
            let team = world.devices[amina].ledger().team().unwrap();
            let contact =
                team.members.iter().find(|member| member.name == "Bela").map(|member| member.person);
            world.write(amina, |ledger, _, _| ledger.name_care_contact(contact)).unwrap();
            confide(&mut world, amina, "before the backup");
            world.meet(bela, amina);
            stop(&mut world, amina);
            let backup = world.devices[amina].beside("backup");
            copy_folder(&world.devices[amina].home, &backup);
            world.restart(amina);
            for number in 0..5 {
                add(&mut world, amina, &format!("after the backup {number}"));
                edit(&mut world, amina, early, &format!("moved {number} times"));
            }
            confide(&mut world, amina, "after the backup");
            world.meet(bela, amina);
            if told {
                stop(&mut world, amina);
            } else {
                world.crash(amina, Crash::Dropped, false);
                world.settle(10_000);
            }
            restore(&mut world, amina, &backup, what);
            world.restart(amina);

            let before = world.devices[amina].ledger().team().unwrap();
            let ledger = world.devices[amina].ledger();
            match what {
                Restored::HeadOnly => assert!(!ledger.store().is_in_doubt()),
                Restored::DatabaseOnly => {
                    assert_eq!(ledger.store().doubts(), [Doubt::Behind]);
                    assert_eq!(before.recovery.missing_entries(), 11);
                }
                Restored::DatabaseAndHead => assert_eq!(ledger.store().doubts(), [Doubt::Restored]),
            }
            assert_eq!(before.recovery.new_writer, what != Restored::HeadOnly);
            let chains = writers(&mut world, amina);
            edit(&mut world, amina, early, "the restored device writes");
            add(&mut world, amina, "after the restore");
            let after = writers(&mut world, amina);
            assert_eq!(after - chains, usize::from(what != Restored::HeadOnly), "{what:?}");
            // What is missed is still known after another start.
            stop(&mut world, amina);
            world.restart(amina);
            let missing = world.devices[amina].ledger().team().unwrap().recovery.missing_entries();
            assert_eq!(missing, if what == Restored::DatabaseOnly { 11 } else { 0 });
            // The doubt is settled, and still no chain of another space is gone on with.
            confide(&mut world, amina, "after the restore");
            add(&mut world, amina, "one writer is enough");
            assert_eq!(writers(&mut world, amina), after);

            world.meet(bela, amina);
            same(&mut world, amina, bela);
            let titles = titles(&mut world, amina);
            assert_eq!(titles.len(), 8, "{titles:?}");
            for device in [amina, bela] {
                let checks = world.devices[device].ledger().care_checks().unwrap();
                let mut notes: Vec<_> = checks.into_iter().filter_map(|view| view.care.note).collect();
                notes.sort();
                assert_eq!(notes, ["after the backup", "after the restore", "before the backup"], "{what:?}");
            }
            let recovery = world.devices[amina].ledger().team().unwrap().recovery;
            assert_eq!((recovery.missing_entries(), recovery.new_writer), (0, false));
            let rows = world.devices[amina].ledger().incidents(&IncidentQuery::default()).unwrap();
            let codes: std::collections::BTreeSet<_> =
                rows.iter().map(|row| row.incident.short_code.clone()).collect();
            assert_eq!(codes.len(), rows.len(), "a short code stands for two incidents");
        }
    }
}

/// How many chains a device holds.
fn writers(world: &mut World, device: usize) -> usize {
    let ledger = world.devices[device].ledger();
    ledger.store().vector(ledger.space()).len()
}

/// The write-ahead log loses what was saved last, which the peer already has.
#[test]
fn a_damaged_log_is_noticed_and_peers_give_back_the_tail() {
    let mut world = World::new(32);
    let amina = world.found("Harbour", "Amina");
    let bela = world.join(amina, "Bela", Role::Responder);
    add(&mut world, amina, "on the disk");
    stop(&mut world, amina);
    world.restart(amina);
    for number in 0..6 {
        add(&mut world, amina, &format!("in the log {number}"));
    }
    world.meet(bela, amina);
    world.crash(amina, Crash::Frozen, false);
    world.settle(10_000);
    let log = world.devices[amina].home.join("store.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes[20_000] ^= 0x10;
    fs::write(&log, bytes).unwrap();
    world.restart(amina);
    let recovery = world.devices[amina].ledger().team().unwrap().recovery;
    assert!(recovery.new_writer && recovery.missing_entries() > 0, "{recovery:?}");
    assert!(!world.devices[amina].ledger().check(&mut |_, _| true).unwrap().problems.is_empty());
    add(&mut world, amina, "meanwhile");
    world.meet(amina, bela);
    same(&mut world, amina, bela);
    assert_eq!(titles(&mut world, bela).len(), 8);
    assert_eq!(world.devices[amina].ledger().team().unwrap().recovery.missing_entries(), 0);
}

fn spoil(home: &Path, name: &str, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(home.join(name)).unwrap();
    with(&mut bytes);
    fs::write(home.join(name), bytes).unwrap();
}

/// Repairs a device's home as `firsthand check --repair` does, and lets it run again.
fn repair(world: &mut World, device: usize) -> RepairView {
    let now = world.devices[device].clock.at(world.now);
    let (ledger, view) = world.devices[device].try_repair(now).unwrap();
    world.devices[device].state = State::Up(Running::new(ledger));
    view
}

/// Everything in the folder, with what it holds.
fn files(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(home).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoilt {
    /// The page that stands so many twentieths into the file, and the one behind it.
    Pages(usize),
    FirstPage,
    Cut,
    Log,
    Garbage,
    Gone,
}

/// A broken database: what verifies is kept, the rest comes from a peer, nothing is deleted, and a second repair finds
/// nothing to do.
#[test]
fn a_broken_database_is_salvaged_and_a_peer_gives_the_rest() {
    let others = [Spoilt::FirstPage, Spoilt::Cut, Spoilt::Log, Spoilt::Garbage, Spoilt::Gone];
    // Which page holds what is SQLite's affair: some hold entries, others what is made of them anew.
    let (mut with_loss, mut without_loss, mut joined) = (0, 0, 0);
    for what in (1..20).map(Spoilt::Pages).chain(others) {
        let mut world = World::new(33);
        let amina = world.found("Harbour", "Amina");
        let bela = world.join(amina, "Bela", Role::Responder);
        let mut ids = Vec::new();
        for number in 0..60 {
            let who = if number % 3 == 0 { bela } else { amina };
            ids.push(add(&mut world, who, &format!("incident {number}")));
        }
        world.meet(bela, amina);
        for (number, id) in ids.iter().enumerate() {
            edit(&mut world, amina, *id, &format!("incident {number}, seen again"));
        }
        let mut photo: &[u8] = b"\xff\xd8\xffa photo";
        let first = ids[0];
        world
            .write(amina, |ledger, now, rng| {
                ledger.attach(first, &mut photo, "p.jpg", "", now, rng, &mut |_| true)
            })
            .unwrap();
        if what == Spoilt::Log {
            // A fresh log, and much in it that nobody else has.
            stop(&mut world, amina);
            world.restart(amina);
            for id in &ids {
                edit(&mut world, amina, *id, "seen a third time");
            }
        } else {
            world.meet(bela, amina);
        }
        let unsent = add(&mut world, amina, "nobody else has this");
        let whole = titles(&mut world, amina);
        if what == Spoilt::Log {
            world.crash(amina, Crash::Frozen, false);
        } else {
            stop(&mut world, amina);
        }
        world.settle(10_000);
        let home = world.devices[amina].home.clone();
        let pages = fs::read(home.join("store.db")).unwrap().len() / 4096;
        match what {
            Spoilt::Pages(twentieths) => spoil(&home, "store.db", |bytes| {
                let page = pages * twentieths / 20;
                for page in [page, page + 1] {
                    bytes[page * 4096 + 99] ^= 2;
                }
            }),
            Spoilt::FirstPage => spoil(&home, "store.db", |bytes| bytes[..4096].fill(7)),
            Spoilt::Cut => spoil(&home, "store.db", |bytes| bytes.truncate(bytes.len() * 2 / 3)),
            Spoilt::Log => spoil(&home, "store.db-wal", |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 2;
            }),
            Spoilt::Garbage => spoil(&home, "store.db", |bytes| {
                for byte in bytes {
                    *byte ^= 0x55;
                }
            }),
            Spoilt::Gone => fs::remove_file(home.join("store.db")).unwrap(),
        }
        let broken = fs::read(home.join("store.db")).ok();
        let view = repair(&mut world, amina);
        println!("{what:?}: {} read, {} kept, lost {:?}", view.entries_read, view.entries_kept, view.lost);
        assert!(!view.done.is_empty(), "{what:?}");
        assert_eq!(view.check.problems, Vec::<String>::new(), "{what:?}");
        if what != Spoilt::Log {
            assert_eq!(fs::read(view.set_aside[0].join("store.db")).ok(), broken, "{what:?}");
        }
        match what {
            Spoilt::FirstPage | Spoilt::Log => {
                assert!(view.entries_read > 100);
                assert_eq!((view.entries_kept, view.lost.len()), (view.entries_read, 0));
            }
            Spoilt::Pages(_) if view.lost.is_empty() => without_loss += 1,
            Spoilt::Pages(_) => with_loss += usize::from(view.entries_kept > 0),
            Spoilt::Garbage | Spoilt::Gone => {
                assert_eq!(view.entries_kept, 0);
                assert!(view.lost.iter().any(|lost| lost.own && lost.from.0 == 1));
            }
            _ => {}
        }
        // A second repair finds nothing to do and touches nothing.
        stop(&mut world, amina);
        let before = files(&home);
        let again = repair(&mut world, amina);
        assert_eq!((again.done, again.set_aside.len()), (Vec::new(), 0), "{what:?}");
        stop(&mut world, amina);
        assert_eq!(files(&home), before, "{what:?}");
        world.restart(amina);

        add(&mut world, amina, "after the repair");
        world.meet(amina, bela);
        world.meet(bela, amina);
        same(&mut world, amina, bela);
        let now = titles(&mut world, amina);
        let missing: Vec<_> = whole.iter().filter(|title| !now.contains(title)).collect();
        let kept = world.devices[amina].ledger().incident(unsent).is_ok();
        assert!(
            missing.is_empty() || (missing == ["nobody else has this"] && !kept),
            "{what:?}: {missing:?}"
        );
        match what {
            Spoilt::FirstPage | Spoilt::Log => assert!(kept),
            // Where a page was lost before it, a peer filled the gap, and then it could be proved.
            Spoilt::Pages(_) => joined += usize::from(kept && !view.lost.is_empty()),
            _ => {}
        }
        let mut photo = Vec::new();
        world.devices[amina].ledger().read_attachment(&first, "p.jpg", &mut photo).unwrap();
        assert_eq!(photo, b"\xff\xd8\xffa photo");
    }
    assert!(with_loss > 0 && without_loss > 0 && joined > 0, "{with_loss} {without_loss} {joined}");
}

#[test]
fn a_sound_home_is_not_touched_by_a_repair() {
    let mut world = World::new(34);
    let amina = world.found("Harbour", "Amina");
    for number in 0..5 {
        add(&mut world, amina, &format!("incident {number}"));
    }
    stop(&mut world, amina);
    let home = world.devices[amina].home.clone();
    let before = files(&home);
    let view = repair(&mut world, amina);
    assert_eq!((view.done, view.set_aside, view.lost), Default::default());
    stop(&mut world, amina);
    assert_eq!(files(&home), before);
    assert!(!home.join("set-aside").exists() && !home.join("repair").exists());
}

/// Damage of the head file alone is repaired without a new database; a damaged attachment is set aside and comes back.
#[test]
fn a_head_file_and_an_attachment_are_repaired_in_place() {
    let mut world = World::new(35);
    let amina = world.found("Harbour", "Amina");
    let bela = world.join(amina, "Bela", Role::Responder);
    let id = add(&mut world, amina, "an incident");
    let mut photo: &[u8] = b"\xff\xd8\xffa photo";
    world
        .write(amina, |ledger, now, rng| ledger.attach(id, &mut photo, "p.jpg", "", now, rng, &mut |_| true))
        .unwrap();
    world.meet(bela, amina);
    stop(&mut world, amina);
    let home = world.devices[amina].home.clone();
    fs::remove_file(home.join("head")).unwrap();
    let attachment = fs::read_dir(home.join("attachments")).unwrap().next().unwrap().unwrap().path();
    spoil(attachment.parent().unwrap(), attachment.file_name().unwrap().to_str().unwrap(), |bytes| {
        bytes[20] ^= 1;
    });
    let view = repair(&mut world, amina);
    assert_eq!((view.done.len(), view.set_aside.len()), (2, 1), "{view:?}");
    assert_eq!(view.check.problems, Vec::<String>::new());
    assert_eq!(view.check.attachments_missing, 1);
    stop(&mut world, amina);
    assert!(repair(&mut world, amina).done.is_empty());
    let chains = writers(&mut world, amina);
    add(&mut world, amina, "a new chain");
    assert_eq!(writers(&mut world, amina), chains + 1);
    world.meet(amina, bela);
    same(&mut world, amina, bela);
    let mut photo = Vec::new();
    world.devices[amina].ledger().read_attachment(&id, "p.jpg", &mut photo).unwrap();
    assert_eq!(photo, b"\xff\xd8\xffa photo");
}
