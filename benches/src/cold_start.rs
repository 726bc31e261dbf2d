//! Benchmark 3: from a closed, encrypted home to the newest records on the screen; and the filters.

use std::path::Path;
use std::time::Duration;

use firsthand_ids::UnixMillis;
use firsthand_node::{Area, IncidentQuery, IncidentRow, Ledger, Opening, Window};
use firsthand_store::{Home, SlotOptions, Unlock};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::child::{Measured, measure};
use crate::data::{Data, LEAD_RESTORED, workplace};
use crate::device::{Device, Installation, copy_home};
use crate::plain::{Database, Filter};
use crate::report::{Quantity, Report};
use crate::timing::{median, timed};

/// What a screen shows first.
const SCREEN: usize = 50;
/// Different queries of each kind; each is asked once on each side.
const QUERIES: usize = 200;

pub(crate) fn run(arguments: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    let data = Data::of(arguments.documents, folder)?;
    report.heading(format!("{} incidents, encrypted, each figure from a process of its own", data.documents));
    let opened = open(&data, folder, arguments.runs)?;
    let file = data.saved();
    let file = file.to_str().ok_or("name a file")?;
    let loaded = several(&["load", file], arguments.runs.min(3), data.documents)?;
    let name = "load all documents";
    let (ours, theirs) = (Quantity::time(opened.time), Quantity::time(loaded.time));
    report.compare("open and the newest 50", ours, name, theirs, Some(1e-3));
    if let (Some(ours), Some(theirs)) = (opened.memory, loaded.memory) {
        let (ours, theirs) = (Quantity::bytes(ours), Quantity::bytes(theirs));
        report.compare("peak memory of the process", ours, name, theirs, Some(1.0 / 40.0));
        let nothing = several(&["nothing"], 3, 0)?.memory.unwrap_or_default();
        report.figure("   of it the program before it does anything", Quantity::bytes(nothing));
    }
    let mut sizes = vec![1_000];
    sizes.extend(arguments.large.then_some(100_000));
    for documents in sizes.into_iter().filter(|size| *size != arguments.documents) {
        let other = open(&Data::of(documents, folder)?, folder, arguments.runs)?;
        let mut both = [(documents, other), (data.documents, opened)];
        both.sort_by_key(|(documents, _)| *documents);
        let [(less, small), (more, large)] = both;
        let what = format!("open and the newest 50 at {more}");
        let (large, small) = (Quantity::time(large.time), Quantity::time(small.time));
        report.compare(&what, large, &format!("at {less}"), small, Some(1.5));
    }
    report.figure("the passphrase costs besides", Quantity::time(passphrase(folder, arguments.runs)?));
    filters(&data, folder, report)?;
    report.note(
        "Files are in the system's cache. Loading reads one file of all documents as Automerge saves them, without \
         encryption.",
    );
    report.note(
        "Filters: medians over different queries of each kind, each asked once, newest 50 of what matches; the right \
         side is the same statement with the same indexes on the same tables without encryption, prepared before.",
    );
    Ok(())
}

fn open(data: &Data, folder: &Path, runs: usize) -> Outcome<Measured> {
    let work = workplace(folder)?;
    let home = work.path().join("lead");
    copy_home(&data.lead(), &home)?;
    let home = home.to_str().ok_or("name a folder")?;
    several(&["open", home, &SCREEN.to_string()], runs.max(9), SCREEN)
}

/// The median time and memory of several runs.
fn several(arguments: &[&str], runs: usize, expected: usize) -> Outcome<Measured> {
    let mut measured = Vec::new();
    for _ in 0..runs {
        let one = measure(arguments)?;
        if one.count != expected {
            return Err(format!("see {expected} records: {}", one.count).into());
        }
        measured.push(one);
    }
    let time = median(measured.iter().map(|one| one.time).collect());
    let mut memory: Vec<_> = measured.iter().filter_map(|one| one.memory).collect();
    memory.sort_unstable();
    Ok(Measured { time, memory: memory.get(memory.len() / 2).copied(), count: expected })
}

/// What opening with a passphrase takes, on a home that is empty otherwise.
fn passphrase(folder: &Path, runs: usize) -> Outcome<Duration> {
    let work = workplace(folder)?;
    let dir = work.path().join("home");
    let vault = Installation(1);
    let unlock = Unlock::Passphrase("seven words that nobody else would ever put together");
    let opening = |home| Opening { home, unlock, vault: &vault, slot: SlotOptions::default() };
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    drop(Ledger::create_team(opening(Home::create(&dir)?), "Harbour", "Amina", &mut rng)?);
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(timed(|| Ok(Ledger::open(opening(Home::open(&dir)?))?))?.1);
    }
    Ok(median(times))
}

/// One query, as both sides take it.
struct Asked {
    query: IncidentQuery,
    filter: Filter,
}

/// Makes a query that finds at least one incident.
type Ask = fn(&IncidentRow) -> Option<Asked>;

fn filters(data: &Data, folder: &Path, report: &mut Report) -> Outcome<()> {
    let work = workplace(folder)?;
    let home = work.path().join("lead");
    copy_home(&data.lead(), &home)?;
    let plain = Database::sealed(&home)?.export(&work.path().join("plain.db"))?;
    let device = Device::open(&home, LEAD_RESTORED)?;
    let sealed = Database::sealed(&home)?;
    let rows = device.ledger.incidents(&IncidentQuery::default())?;
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let kinds: [(&str, Ask); 4] =
        [("the newest 50", newest), ("one week", week), ("a square of 2 km", square), ("a word", word)];
    for (name, ask) in kinds {
        let mut asked = Vec::new();
        while asked.len() < QUERIES {
            let row = &rows[rng.next_u32() as usize % rows.len()];
            asked.extend(ask(row));
        }
        let (mut ours, mut same, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = 0;
        // The first few warm all three alike and are not counted.
        for (index, one) in asked.iter().take(10).chain(&asked).enumerate() {
            let (listed, our_time) = timed(|| Ok(device.ledger.incidents(&one.query)?.len()))?;
            let (in_sealed, same_time) = timed(|| sealed.page(&one.filter, SCREEN))?;
            let (in_plain, their_time) = timed(|| plain.page(&one.filter, SCREEN))?;
            if listed != in_plain || in_sealed != in_plain {
                return Err(format!("find the same on both sides: {name}, {listed} and {in_plain}").into());
            }
            if index >= 10 {
                found += listed;
                ours.push(our_time);
                same.push(same_time);
                theirs.push(their_time);
            }
        }
        let theirs = Quantity::time(median(theirs));
        let what = format!("list, {name} ({} rows each)", found / QUERIES);
        report.compare(&what, Quantity::time(median(ours)), "plain SQLite", theirs, Some(1.5));
        let what = "   the statement alone, encrypted";
        report.compare(what, Quantity::time(median(same)), "plain SQLite", theirs, None);
    }
    Ok(())
}

fn asked(query: IncidentQuery, filter: Filter) -> Asked {
    Asked { query: IncidentQuery { limit: SCREEN, ..query }, filter }
}

fn newest(_: &IncidentRow) -> Option<Asked> {
    Some(asked(IncidentQuery::default(), Filter::None))
}

fn week(row: &IncidentRow) -> Option<Asked> {
    let from = row.incident.occurred_start?.0;
    let until = from + 7 * 24 * 3_600_000;
    let happened = Window { from: Some(UnixMillis(from)), until: Some(UnixMillis(until)) };
    Some(asked(IncidentQuery { happened, ..IncidentQuery::default() }, Filter::Happened(from, until)))
}

fn square(row: &IncidentRow) -> Option<Asked> {
    // A hundredth of a degree is 1.1 km; near the equator, where the places are, in both directions.
    let place = row.incident.place?;
    let (south, north) = (place.lat - 0.009, place.lat + 0.009);
    let (west, east) = (place.lon - 0.009, place.lon + 0.009);
    let within = Some(Area::Box { south, west, north, east });
    Some(asked(
        IncidentQuery { within, ..IncidentQuery::default() },
        Filter::Within(south, north, west, east),
    ))
}

fn word(row: &IncidentRow) -> Option<Asked> {
    let long = |word: &&str| word.len() > 5 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let word = row.incident.title.split_whitespace().find(long)?;
    let text = word.to_owned();
    Some(asked(IncidentQuery { text, ..IncidentQuery::default() }, Filter::Text(format!("\"{word}\"*"))))
}
