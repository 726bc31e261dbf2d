//! Homes that were restored or damaged: nothing is lost, nothing forks, and everybody ends with the same.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, Event, IncidentQuery, Role};
use firsthand_record::Incident;
use firsthand_store::Doubt;
use firsthand_tests::{Crash, State, TestVault, World, copy_folder};

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
            world.meet(bela, amina);
            stop(&mut world, amina);
            let backup = world.devices[amina].beside("backup");
            copy_folder(&world.devices[amina].home, &backup);
            world.restart(amina);
            for number in 0..5 {
                add(&mut world, amina, &format!("after the backup {number}"));
                edit(&mut world, amina, early, &format!("moved {number} times"));
            }
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
                    assert_eq!(before.recovery.missing_entries(), 10);
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
            assert_eq!(missing, if what == Restored::DatabaseOnly { 10 } else { 0 });
            add(&mut world, amina, "one writer is enough");
            assert_eq!(writers(&mut world, amina), after);

            world.meet(bela, amina);
            same(&mut world, amina, bela);
            let titles = titles(&mut world, amina);
            assert_eq!(titles.len(), 8, "{titles:?}");
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
