//! Journey 15: a year's records take less room once they are closed, and everything about them holds as before.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, Instant};

use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_node::{
    Close, ClosedView, Edit, FilePolicy, ImportRow, IncidentQuery, Ledger, ManifestState, NewFile, Role,
};
use firsthand_record::Incident;
use firsthand_record::generate::{GeneratedEdit, Generator};
use firsthand_tests::{Crash, Dice, Run, Running, State, World, seeds};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

const ALL: UnixMillis = UnixMillis(i64::MAX);
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Longer than a preview, so that it may be let go of.
const LONG: usize = 200_001;

fn close(world: &mut World, device: usize, until: UnixMillis) -> ClosedView {
    world
        .write(device, |ledger, now, _| ledger.close_period(until, now, Close::Now, &mut |_, _| true))
        .unwrap()
}

/// Everything that somebody sees who opens every incident: fields, conflicts, history, files and who held them.
fn shown(ledger: &mut Ledger) -> Vec<String> {
    let all = IncidentQuery { hidden: true, ..IncidentQuery::default() };
    let mut shown = vec![format!("{:?} {:?}", ledger.forks().unwrap(), ledger.quarantine().unwrap())];
    for row in ledger.incidents(&all).unwrap() {
        let view = ledger.incident(row.id).unwrap();
        shown.push(format!("{row:?} {view:?} {:?}", ledger.history(row.id).unwrap()));
    }
    shown
}

fn sound(ledger: &mut Ledger) {
    let check = ledger.check(&mut |_, _| true).unwrap();
    assert_eq!(check.problems, Vec::<String>::new());
}

fn digest(world: &mut World, device: usize) -> [u8; 32] {
    world.devices[device].ledger().team_digest().unwrap().0
}

/// Every chain, entry by entry, as it would travel.
fn chains(ledger: &Ledger) -> Vec<String> {
    let store = ledger.store();
    let mut chains = Vec::new();
    for space in store.spaces() {
        for (writer, _) in store.vector(&space).iter() {
            let held = store.entries(&space, writer, firsthand_ids::Position(1), usize::MAX).unwrap();
            chains.extend(held.iter().map(|it| format!("{:?} {:?} {:?}", it.info, it.entry, it.signature)));
        }
    }
    chains
}

/// Whatever a team went through, forks, held and waiting entries and removed people: closing changes nothing that is shown,
/// proved or passed on, and who lacks everything gets everything.
#[test]
fn closing_changes_nothing_that_anybody_reads() {
    seeds::each("random teams that close what is old", 30, |seed| {
        let run = if seed % 4 == 3 { Run::with_removals(seed) } else { Run::new(seed, seed % 4 == 2) };
        let mut world = run.play();
        (world.calm, world.hostile) = (true, false);
        let ledger = world.devices[0].ledger();
        let before = (ledger.digest().unwrap(), shown(ledger), chains(ledger));
        let projection = ledger.projection_digest().unwrap();
        close(&mut world, 0, ALL);
        let ledger = world.devices[0].ledger();
        assert_eq!((ledger.digest().unwrap(), shown(ledger), chains(ledger)), before);
        sound(ledger);
        assert_eq!(close(&mut world, 0, ALL).period.documents, 0, "twice changes nothing");
        world.crash(0, Crash::Dropped, false);
        world.restart(0);
        let ledger = world.devices[0].ledger();
        assert_eq!((ledger.digest().unwrap(), shown(ledger), chains(ledger)), before);
        // What follows from the log follows from it as before.
        ledger.rebuild().unwrap();
        assert_eq!(ledger.projection_digest().unwrap(), projection);
        if ledger.rights().add {
            let late = world.join(0, "Late", Role::Responder);
            world.meet(late, 0);
            assert_eq!(digest(&mut world, late), digest(&mut world, 0));
            sound(world.devices[late].ledger());
        }
    });
}

fn set(world: &mut World, device: usize, id: DocumentId, field: &str, value: &str) {
    let edits = [Edit::Set { field: field.to_owned(), value: json!(value) }];
    world.write(device, |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
}

/// Somebody was away, without any network, and comes back with what they wrote about records that are closed here.
#[test]
fn what_comes_late_for_closed_records_is_taken_in() {
    let mut world = World::new(15);
    let amina = world.found("Harbour", "Amina");
    let bruno = world.join(amina, "Bruno", Role::Responder);
    let mut ids = Vec::new();
    for number in 0..20 {
        let draft = Incident { title: Some(format!("Incident {number}")), ..Incident::default() };
        let saved = world.write(amina, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        set(&mut world, amina, saved.id, "severity", "Moderate");
        ids.push(saved.id);
    }
    world.meet(bruno, amina);
    for id in &ids[..10] {
        set(&mut world, bruno, *id, "severity", "Severe");
    }
    // Of two, Amina says something else meanwhile, then closes it all.
    for id in &ids[..2] {
        set(&mut world, amina, *id, "severity", "Minor");
    }
    world.now += 30 * DAY;
    let closed = close(&mut world, amina, ALL);
    assert_eq!(closed.period.documents, 20);
    world.meet(bruno, amina);
    assert_eq!(digest(&mut world, bruno), digest(&mut world, amina));
    assert_eq!(world.devices[amina].ledger().conflicts().unwrap().len(), 2);
    let (here, there) = (shown(world.devices[amina].ledger()), shown(world.devices[bruno].ledger()));
    assert_eq!(here.len(), there.len());
    sound(world.devices[amina].ledger());
    // It is closed with the rest the next time.
    let again = close(&mut world, amina, ALL);
    assert_eq!(again.period.documents, 10);
    assert_eq!(shown(world.devices[amina].ledger()), here);
    assert_eq!(world.devices[amina].ledger().closed_periods().unwrap().len(), 2);
    sound(world.devices[amina].ledger());
}

/// A section that is not what was written is found, the rest is salvaged, and the lost part comes from a peer.
#[test]
fn what_is_damaged_comes_back_from_a_peer() {
    let mut world = World::new(16);
    let amina = world.found("Harbour", "Amina");
    let bruno = world.join(amina, "Bruno", Role::Responder);
    let mut dice = Dice::new(16, 3);
    let mut generator = Generator::new(dice.rng());
    let rows = (0..1200).map(|row| ImportRow { row, incident: generator.team_incident() }).collect();
    world.write(amina, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true)).unwrap();
    world.meet(bruno, amina);
    close(&mut world, amina, ALL);
    let whole = digest(&mut world, bruno);
    assert_eq!(digest(&mut world, amina), whole);
    world.crash(amina, Crash::Dropped, false);
    world.settle(10_000);
    let path = world.devices[amina].home.join("store.db");
    let mut bytes = fs::read(&path).unwrap();
    // The table of sections came last, and so lies at the end of a file that was written anew.
    for part in 1..4 {
        let at = bytes.len() - part * 64 * 1024;
        bytes[at] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    if let Ok(mut ledger) = world.devices[amina].try_open() {
        let check = ledger.check(&mut |_, _| true);
        assert!(check.is_err() || check.is_ok_and(|check| !check.problems.is_empty()));
    }
    let now = world.devices[amina].clock.at(world.now);
    let (ledger, view) = world.devices[amina].try_repair(now).unwrap();
    assert!(!view.lost.is_empty(), "{view:?}");
    world.devices[amina].state = State::Up(Running::new(ledger));
    world.meet(bruno, amina);
    assert_eq!(digest(&mut world, amina), digest(&mut world, bruno));
    assert_eq!(digest(&mut world, amina), whole);
    sound(world.devices[amina].ledger());
}

/// A generated edit as a person would make it.
fn edit(generator: &mut Generator<&mut ChaCha8Rng>, incident: &mut Incident) -> Edit {
    let made = generator.edit(incident);
    *incident = made.apply(incident);
    match made {
        GeneratedEdit::Text { field, at_char, insert } => {
            Edit::Splice { field, at: at_char, delete: 0, insert }
        }
        GeneratedEdit::Set { field, value } => Edit::Set { field, value },
        GeneratedEdit::Add { list, value } => Edit::Add { list, value },
    }
}

fn database(world: &World, device: usize) -> u64 {
    fs::metadata(world.devices[device].home.join("store.db")).unwrap().len()
}

fn reopen(world: &mut World, device: usize) -> Duration {
    world.crash(device, Crash::Dropped, false);
    world.settle(10_000);
    let start = Instant::now();
    world.restart(device);
    let newest = IncidentQuery { limit: 50, ..IncidentQuery::default() };
    world.devices[device].ledger().incidents(&newest).unwrap();
    start.elapsed()
}

/// `cargo xtask long year` plays it with 5,000 incidents. The list after opening reads no document and no section, so its time is
/// printed and not judged.
#[test]
fn one_year_is_closed() {
    let incidents = seeds::only().map_or_else(|| seeds::count(250), |_| 250) as usize;
    let mut world = World::new(15);
    let phone = world.found("Harbour", "Amina");
    let others = [world.join(phone, "Bruno", Role::Lead), world.join(phone, "Chioma", Role::Responder)];
    for device in [phone, others[0], others[1]] {
        let policy = FilePolicy { tell_copies: true, ..FilePolicy::default() };
        world.write(device, |ledger, _, _| ledger.set_file_policy(policy)).unwrap();
    }
    let mut dice = Dice::new(15, 4);
    let mut source = Dice::new(15, 5);
    let mut generator = Generator::new(source.rng());
    let (mut made, mut until) = (0, UnixMillis(0));
    let mut first = Vec::new();
    let chunk = (incidents / 10).clamp(10, 250);
    while made < incidents {
        let count = chunk.min(incidents - made);
        let mut drafts: Vec<Incident> = (0..count).map(|_| generator.team_incident()).collect();
        let rows: Vec<_> =
            drafts.iter().cloned().enumerate().map(|(row, incident)| ImportRow { row, incident }).collect();
        let imported = world
            .write(phone, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true))
            .unwrap();
        world.meet(others[0], phone);
        for turn in 0..4 {
            for (row, id, _) in &imported.added {
                world.now += 60_000;
                let device = if (turn + row) % 2 == 0 { phone } else { others[0] };
                let change = edit(&mut generator, &mut drafts[*row]);
                world.write(device, |ledger, now, rng| ledger.edit(*id, &[change], now, rng)).unwrap();
            }
            world.meet(others[0], phone);
        }
        let id = imported.added[0].1;
        let content = dice.fill(LONG);
        world
            .write(phone, |ledger, now, rng| {
                let said = NewFile { name: "film.bin".to_owned(), ..NewFile::default() };
                let sealed = ledger.sealer().seal(&mut content.as_slice(), rng, &mut |_| true)?;
                ledger.record_file(id, sealed, said, now, rng)
            })
            .unwrap();
        first.push(id);
        made += count;
        world.now += 365 * DAY * count as i64 / incidents as i64;
        for _ in 0..2 {
            for other in others {
                world.meet(other, phone);
                world.write(other, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
            }
        }
        world.write(phone, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
        if made * 10 <= incidents * 9 {
            until = world.devices[phone].clock.at(world.now).at;
        }
    }
    while world.devices[phone].ledger().index_text().unwrap() {}
    reopen(&mut world, phone);
    let ledger = world.devices[phone].ledger();
    let entries = ledger.store().counts().unwrap().entries;
    let (whole, views, held) = (ledger.digest().unwrap(), shown(ledger), chains(ledger));
    let now = world.devices[phone].clock.at(world.now);
    let ledger = world.devices[phone].ledger();
    let film = ledger.incident(first[0]).unwrap().attachments[0].document;
    let proof_before = format!("{:?}", ledger.evidence_proof(first[0], vec![(film, None)], now).unwrap());
    let list_before = reopen(&mut world, phone);
    let bytes_before = database(&world, phone);

    let preview = world
        .write(phone, |ledger, now, _| ledger.close_period(until, now, Close::Preview, &mut |_, _| true))
        .unwrap();
    let start = Instant::now();
    let closed = close(&mut world, phone, until);
    let took = start.elapsed();
    assert_eq!(preview.period.documents, closed.period.documents);
    assert_eq!(preview.file_bytes, closed.file_bytes);
    assert!(closed.period.documents * 10 >= incidents as u64 * 8, "{:?}", closed.period);
    let went = closed.files.iter().filter(|file| file.kept.is_none()).count();
    let list_after = reopen(&mut world, phone);
    let bytes_after = database(&world, phone);
    assert_eq!(closed.period.database_after, Some(bytes_after));
    assert!(bytes_after * 10 < bytes_before * 8, "{bytes_before} bytes, then {bytes_after}");

    // Everything is as it was, but for files that two others keep.
    let ledger = world.devices[phone].ledger();
    assert_eq!(ledger.digest().unwrap(), whole);
    assert_eq!(chains(ledger), held);
    let after = shown(ledger);
    let other = views.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(other <= went && views.len() == after.len(), "{other} differ, {went} files went");
    sound(ledger);
    let start = Instant::now();
    let old = ledger.incident(first[0]).unwrap();
    let history = ledger.history(first[0]).unwrap();
    let opened = start.elapsed();
    assert!(history.len() >= 5, "{history:?}");
    let file = &old.attachments[0];
    assert_eq!(file.manifest, ManifestState::Valid);
    assert!(!file.custody.is_empty());

    // Its file is proved and destroyed as before.
    let document = file.document;
    let ledger = world.devices[phone].ledger();
    let proof = ledger.evidence_proof(first[0], vec![(document, None)], now).unwrap();
    assert_eq!(format!("{proof:?}"), proof_before);
    let gone = world
        .write(phone, |ledger, now, rng| ledger.destroy_file(document, "its day has passed", now, rng))
        .unwrap();
    assert!(gone.destroyed.is_some());
    sound(world.devices[phone].ledger());
    let late = world.join(phone, "Dalia", Role::Responder);
    world.meet(late, phone);
    assert_eq!(digest(&mut world, late), digest(&mut world, phone));
    sound(world.devices[late].ledger());
    seeds::figure(&format!(
        "journey 15, {incidents} incidents, {entries} entries: {} documents closed in {took:.1?}, contents {} -> {} bytes, \
         store.db {bytes_before} -> {bytes_after}, {went} files of {LONG} bytes let go of; open and list {list_before:.1?} -> \
         {list_after:.1?}, an old incident with its history {opened:.1?}",
        closed.period.documents, closed.period.content_before, closed.period.content_after,
    ));
}
