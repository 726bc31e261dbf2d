//! Benchmark 2: a device that has just joined receives everything, from another device and from a snapshot as it lies at a relay.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use automerge::Automerge;
use firsthand_node::IncidentQuery;
use firsthand_node::meeting::Question;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::baseline::{Saved, all_equal, load_all, read_saved};
use crate::data::{Data, LATER, LEAD_RESTORED, NEWCOMER, workplace};
use crate::device::{Device, at, copy_home};
use crate::link::{Met, meet, meet_observed};
use crate::report::{Quantity, Report};
use crate::timing::{median, timed};
use crate::{automerge_sync, samod_sync};

/// What a screen shows first.
const SCREEN: usize = 50;

/// What ours took.
struct Ours {
    met: Met,
    meet: Duration,
    text: Duration,
}

/// How many bytes had come when the list could be used.
#[derive(Default)]
struct Usable {
    newest: Option<u64>,
    ahead: usize,
    half: Option<u64>,
    all: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    let data = Data::of(arguments.documents, folder)?;
    let work = workplace(folder)?;
    // A first sync takes seconds, which vary less than milliseconds.
    let ours = first_sync(&data, work.path(), arguments.runs.min(3))?;
    report.heading(format!(
        "{} incidents, {} entries, to a device that holds none",
        data.documents,
        data.entries()
    ));
    let saved = read_saved(&data.saved())?;
    let saved_bytes: usize = saved.iter().map(|one| one.bytes.len()).sum();
    let bytes = Quantity::bytes(ours.met.bytes);
    let saved_bytes = Quantity::bytes(saved_bytes as u64);
    report.compare("bytes, everything", bytes, "saved documents", saved_bytes, Some(0.4));

    let mut left = load_all(&saved)?;
    let mut right: Vec<Automerge> = saved.iter().map(|_| Automerge::new()).collect();
    let (synced, sync) = timed(|| automerge_sync::sync_all(&mut left, &mut right))?;
    if !all_equal(&left, &right) {
        return Err("see Automerge's sync finish".into());
    }
    drop((left, right));
    let name = "Automerge sync";
    report.compare("bytes, everything", bytes, name, Quantity::bytes(synced.bytes), None);
    report.compare(
        "messages",
        Quantity::count(ours.met.messages),
        name,
        Quantity::count(synced.messages),
        None,
    );
    let (meet, theirs) = (Quantity::time(ours.meet), Quantity::time(sync));
    report.compare("time, durable, every chain verified", meet, name, theirs, Some(0.2));
    report.figure("time until all of it is in documents and lists", Quantity::time(ours.met.time_applied));
    let fetched = from_snapshot(&data, &work.path().join("snapshot"))?;
    let from_relay = "from a relay's snapshot, bytes";
    report.compare(from_relay, Quantity::bytes(fetched.bytes), "saved documents", saved_bytes, Some(0.4));
    let share = |bytes: Option<u64>| bytes.unwrap_or(fetched.bytes) as f64 / fetched.bytes as f64;
    let what = format!("   bytes until the list shows the newest {SCREEN}");
    report.limit(&what, Quantity::Share(share(fetched.newest)), 0.03);
    let what = "   time, durable, every chain verified";
    report.compare(what, Quantity::time(fetched.time), name, theirs, Some(0.2));
    report.figure("   bytes of each incident", Quantity::bytes(fetched.bytes / data.documents as u64));
    report.figure("   making it", Quantity::time(fetched.made));
    report.figure("   until all of it is in documents and lists", Quantity::time(fetched.applied));
    report.figure("full text of it all, afterwards", Quantity::time(ours.text));

    let usable = watch(&data, &work.path().join("watched"))?;
    let share =
        |bytes: Option<u64>| Quantity::Share(bytes.unwrap_or(ours.met.bytes) as f64 / ours.met.bytes as f64);
    report.limit(&format!("bytes until the list shows the newest {SCREEN}"), share(usable.newest), 0.03);
    report.figure("   how many rows it shows then, not verified yet", Quantity::count(usable.ahead));
    report.figure("bytes until half of the records are there, verified", share(usable.half));
    report.figure("bytes until all of them are", share(usable.all));
    report.note(
        "The newest rows travel ahead of the entries, as many as take a thirty-second part of the bytes; the list says \
         that they are not verified. Records appear in the order of the log, oldest first.",
    );

    if arguments.samod > 0 {
        let data = Data::of(arguments.samod, folder)?;
        let work = workplace(folder)?;
        let ours = first_sync(&data, work.path(), arguments.runs)?;
        let saved: Vec<Saved> = read_saved(&data.saved())?;
        let theirs = samod_sync::sync(&saved, &[])?;
        let name = format!("samod, {} documents", data.documents);
        report.compare(
            "bytes at as many",
            Quantity::bytes(ours.met.bytes),
            &name,
            Quantity::bytes(theirs.bytes),
            None,
        );
        let (meet, time) = (Quantity::time(ours.meet), Quantity::time(theirs.sync));
        report.compare("time, durable, at as many", meet, &name, time, Some(0.01));
        report.note(format!("samod runs with {} documents: at 10,000 it takes minutes.", data.documents));
    }
    report.note(
        "Automerge's sync and samod have their documents loaded before the clock starts, keep nothing on a disk and \
         verify no signatures.",
    );
    Ok(())
}

/// A newcomer beside a copy of the lead's home.
fn newcomer(data: &Data, dir: &Path) -> Outcome<(Device, Device)> {
    copy_home(&data.lead(), &dir.join("lead"))?;
    let mut lead = Device::open(&dir.join("lead"), LEAD_RESTORED)?;
    let new = Device::join(&mut lead, &dir.join("new"), NEWCOMER)?;
    Ok((lead, new))
}

fn first_sync(data: &Data, work: &Path, runs: usize) -> Outcome<Ours> {
    let (mut meets, mut texts) = (Vec::new(), Vec::new());
    let mut met = Met::default();
    for run in 0..runs {
        let dir = work.join(format!("run-{run}"));
        let (mut lead, mut new) = newcomer(data, &dir)?;
        met = meet(&mut new, &mut lead, at(LATER))?;
        meets.push(met.time);
        let held = new.ledger.team()?.counts;
        if held.incidents != data.documents as u64 || held.held > 0 || held.waiting > 0 {
            return Err(format!("receive everything: {held:?}").into());
        }
        texts.push(timed(|| new.index_text())?.1);
        drop((lead, new));
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(Ours { met, meet: median(meets), text: median(texts) })
}

/// What it took from a snapshot.
struct Fetched {
    bytes: u64,
    /// How many had come when the newest rows were listed.
    newest: Option<u64>,
    time: Duration,
    /// From the beginning until it was in its documents.
    applied: Duration,
    made: Duration,
}

/// A newcomer takes in a snapshot, blob by blob, and then holds the same.
fn from_snapshot(data: &Data, dir: &Path) -> Outcome<Fetched> {
    let (mut lead, mut new) = newcomer(data, dir)?;
    let space = *lead.ledger.space();
    let mut blobs = BTreeMap::new();
    let (snapshot, made) = timed(|| {
        let mut keep = |name, blob| {
            blobs.insert(name, blob);
            Ok(())
        };
        Ok(lead.ledger.make_snapshot(&space, &mut lead.rng, &mut keep, &mut |_, _| true)?)
    })?;
    let newest = newest(&lead)?;
    let index = &blobs[&snapshot.name];
    let mut fetched = Fetched {
        bytes: index.len() as u64,
        newest: None,
        time: Duration::ZERO,
        applied: Duration::ZERO,
        made,
    };
    let began = Instant::now();
    let mut plan = new.ledger.open_snapshot(&space, index)?;
    while let Some(wanted) = plan.wanted() {
        let section: Vec<Vec<u8>> = wanted.iter().map(|name| blobs[name].clone()).collect();
        fetched.bytes += section.iter().map(|blob| blob.len() as u64).sum::<u64>();
        new.ledger.take_section(&mut plan, &section, at(LATER))?;
        if fetched.newest.is_none() && expected(&new)? == newest {
            fetched.newest = Some(fetched.bytes);
        }
    }
    fetched.time = began.elapsed();
    new.ledger.answer(Question::Apply, at(LATER));
    fetched.applied = began.elapsed();
    if new.ledger.store().vector(&space) != lead.ledger.store().vector(&space) {
        return Err("take in everything of a snapshot".into());
    }
    Ok(fetched)
}

/// The titles of the newest rows.
fn newest(device: &Device) -> Outcome<Vec<String>> {
    let query = IncidentQuery { limit: SCREEN, ..IncidentQuery::default() };
    Ok(device.ledger.incidents(&query)?.into_iter().map(|row| row.incident.title).collect())
}

/// The titles of the newest rows that are shown and not verified yet.
fn expected(device: &Device) -> Outcome<Vec<String>> {
    Ok(device.ledger.expected(SCREEN)?.into_iter().map(|row| row.title).collect())
}

/// Looks at the list while everything arrives.
fn watch(data: &Data, dir: &Path) -> Outcome<Usable> {
    let (mut lead, mut new) = newcomer(data, dir)?;
    let newest = newest(&lead)?;
    let total = data.documents as u64;
    let mut usable = Usable::default();
    meet_observed(&mut new, &mut lead, at(LATER), &mut |device, bytes| {
        let rows = device.ledger.store().counts()?.incidents;
        if rows * 2 >= total {
            usable.half.get_or_insert(bytes);
        }
        if rows == total {
            usable.all.get_or_insert(bytes);
        }
        if usable.newest.is_none() && expected(device)? == newest {
            usable.newest = Some(bytes);
            usable.ahead = device.ledger.expected(usize::MAX)?.len();
        }
        Ok(())
    })?;
    Ok(usable)
}
