//! Benchmark 1: two devices that hold the same meet again after a few records changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use firsthand_ids::{DocumentId, Position, UnixMillis};
use firsthand_record::generate::Generator;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::baseline::{Saved, all_equal, load_all, read_saved, updated};
use crate::data::{Data, LATER, LEAD_RESTORED, OTHER, documents_by_age, edit, workplace};
use crate::device::{Device, at, copy_home};
use crate::link::{Met, meet};
use crate::report::{Quantity, Report};
use crate::timing::{median, timed};
use crate::{automerge_sync, samod_sync};

/// Incidents that change while the devices are apart, half of them on each, one change each.
const CHANGED: usize = 100;
/// They are among the newest so many, as people change them.
const AMONG: usize = 1_000;

/// Two devices that were apart.
struct Apart {
    lead: std::path::PathBuf,
    other: std::path::PathBuf,
    changed: Vec<DocumentId>,
    /// The changes as Automerge writes them, nothing around them.
    raw_bytes: u64,
}

/// What ours took.
struct Ours {
    met: Met,
    open: Duration,
    meet: Duration,
}

pub(crate) fn run(arguments: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    let data = Data::of(arguments.documents, folder)?;
    let work = workplace(folder)?;
    let apart = part(&data, work.path())?;
    let ours = reconnect(&apart, work.path(), arguments.runs)?;
    report.heading(format!(
        "{} incidents, {} entries, {CHANGED} changed while apart, half on each device",
        data.documents,
        data.entries()
    ));
    let met = &ours.met;
    report.limit("round trips, handshake left out", rounds(met.round_trips_after_handshake()), 1.5);
    report.figure("round trips with the handshake", rounds(met.round_trips()));
    report.figure("turns of the whole talk, farewell included", Quantity::count(met.turns as usize));
    let bytes = Quantity::bytes(met.bytes);
    report.compare("bytes, everything", bytes, "raw changes", Quantity::bytes(apart.raw_bytes), Some(0.4));
    report.figure("bytes until both hold everything", Quantity::bytes(met.bytes_until_equal));

    let saved = read_saved(&data.saved())?;
    let (mut left, mut right) = documents(&apart, &saved)?;
    let before = timed(|| Ok((load_all(&left)?, load_all(&right)?)))?;
    let ((mut of_left, mut of_right), load) = before;
    let (synced, sync) = timed(|| automerge_sync::sync_all(&mut of_left, &mut of_right))?;
    if !all_equal(&of_left, &of_right) {
        return Err("see Automerge's sync finish".into());
    }
    drop((of_left, of_right));
    let name = "Automerge sync";
    report.compare("bytes, everything", bytes, name, Quantity::bytes(synced.bytes), Some(1.0 / 200.0));
    let messages = Quantity::count(synced.messages);
    report.compare("messages", Quantity::count(met.messages), name, messages, None);
    let trips = rounds(synced.flights as f64 / 2.0);
    report.compare(
        "round trips, handshake left out",
        rounds(met.round_trips_after_handshake()),
        name,
        trips,
        None,
    );
    let cold = Quantity::time(ours.open + ours.meet);
    let theirs = Quantity::time(load + sync);
    report.compare("time from cold, durable", cold, "Automerge load + sync", theirs, Some(0.01));
    report.compare(
        "   of it the meeting, durable",
        Quantity::time(ours.meet),
        name,
        Quantity::time(sync),
        None,
    );
    report.figure("   until all of it is in documents and lists", Quantity::time(ours.met.time_applied));
    report.compare(
        "   of it opening both",
        Quantity::time(ours.open),
        "Automerge load",
        Quantity::time(load),
        None,
    );

    let mut sizes = vec![AMONG];
    sizes.extend(arguments.large.then_some(100_000));
    for documents in sizes.into_iter().filter(|size| *size != arguments.documents) {
        let work = workplace(folder)?;
        let apart = part(&Data::of(documents, folder)?, work.path())?;
        let ours = reconnect(&apart, work.path(), arguments.runs)?;
        let beside = Quantity::bytes(ours.met.bytes);
        // The larger is to be within a tenth of the smaller.
        let (large, small) = if documents > arguments.documents { (beside, bytes) } else { (bytes, beside) };
        let counts = [documents.max(arguments.documents), documents.min(arguments.documents)];
        report.compare(
            &format!("bytes at {} incidents", counts[0]),
            large,
            &format!("at {}", counts[1]),
            small,
            Some(1.1),
        );
        let cold = Quantity::time(ours.open + ours.meet);
        report.figure(&format!("time from cold at {documents} incidents"), cold);
    }
    if !arguments.large {
        report.note("The same at 100,000 incidents: --large.");
    }
    if arguments.samod > 0 {
        let work = workplace(folder)?;
        let data = Data::of(arguments.samod.max(AMONG), folder)?;
        let apart = part(&data, work.path())?;
        let ours = reconnect(&apart, work.path(), arguments.runs)?;
        let saved = read_saved(&data.saved())?;
        (left, right) = documents(&apart, &saved)?;
        let theirs = samod_sync::sync(&left, &right)?;
        let name = format!("samod, {} documents", data.documents);
        let ours_bytes = Quantity::bytes(ours.met.bytes);
        report.compare("bytes at as many", ours_bytes, &name, Quantity::bytes(theirs.bytes), None);
        let messages = Quantity::count(theirs.messages);
        report.compare("messages at as many", Quantity::count(ours.met.messages), &name, messages, None);
        let (cold, time) = (Quantity::time(ours.open + ours.meet), Quantity::time(theirs.load + theirs.sync));
        report.compare("time from cold at as many", cold, &name, time, None);
        report.note(format!(
            "samod runs with {} documents: at 10,000 it takes minutes. It and Automerge's sync keep nothing on a disk \
             here and seal nothing.",
            data.documents
        ));
    }
    report.note(
        "Time from cold: both homes closed before, their files in the system's cache; both devices one after the \
         other on one processor.",
    );
    Ok(())
}

const fn rounds(trips: f64) -> Quantity {
    Quantity::RoundTrips(trips)
}

/// Copies a data set's homes and changes some incidents on each.
fn part(data: &Data, work: &Path) -> Outcome<Apart> {
    let (lead_dir, other_dir) = (work.join("lead"), work.join("other"));
    copy_home(&data.lead(), &lead_dir)?;
    copy_home(&data.other(), &other_dir)?;
    let mut lead = Device::open(&lead_dir, LEAD_RESTORED)?;
    let mut other = Device::open(&other_dir, OTHER)?;
    let space = *lead.ledger.space();
    let before = lead.ledger.store().vector(&space);
    let all = documents_by_age(&lead)?;
    let among = all.len().min(AMONG);
    let changed: Vec<DocumentId> =
        all[all.len() - among..].iter().step_by(among / CHANGED).take(CHANGED).copied().collect();
    let mut generator = Generator::new(ChaCha20Rng::seed_from_u64(3));
    for (index, id) in changed.iter().enumerate() {
        let device = if index % 2 == 0 { &mut lead } else { &mut other };
        let mut incident = device.ledger.incident(*id)?.record;
        let now = UnixMillis(LATER.0 + index as i64 * 90_000);
        edit(device, *id, &mut incident, &mut generator, now)?;
    }
    let mut raw_bytes = 0;
    for device in [&mut lead, &mut other] {
        device.index_text()?;
        for (writer, mark) in device.ledger.store().vector(&space).iter() {
            for position in before.position(writer).0 + 1..=mark.position.0 {
                let entry =
                    device.ledger.store().entry(writer, Position(position))?.ok_or("find an entry")?;
                raw_bytes += entry.entry.body.len() as u64;
            }
        }
    }
    lead.close()?;
    other.close()?;
    Ok(Apart { lead: lead_dir, other: other_dir, changed, raw_bytes })
}

/// Lets copies of the two devices meet, from closed homes, several times.
fn reconnect(apart: &Apart, work: &Path, runs: usize) -> Outcome<Ours> {
    let (mut opens, mut meets) = (Vec::new(), Vec::new());
    let mut met = Met::default();
    for run in 0..runs {
        let (lead_dir, other_dir) = (work.join(format!("lead-{run}")), work.join(format!("other-{run}")));
        copy_home(&apart.lead, &lead_dir)?;
        copy_home(&apart.other, &other_dir)?;
        let opened =
            timed(|| Ok((Device::open(&lead_dir, LEAD_RESTORED)?, Device::open(&other_dir, OTHER)?)))?;
        let ((mut lead, mut other), open) = opened;
        met = meet(&mut other, &mut lead, at(UnixMillis(LATER.0 + 86_400_000)))?;
        opens.push(open);
        meets.push(met.time);
        lead.close()?;
        other.close()?;
        std::fs::remove_dir_all(&lead_dir)?;
        std::fs::remove_dir_all(&other_dir)?;
    }
    Ok(Ours { met, open: median(opens), meet: median(meets) })
}

/// All documents of both devices as an app on Automerge alone would have them.
fn documents(apart: &Apart, saved: &[Saved]) -> Outcome<(Vec<Saved>, Vec<Saved>)> {
    let (lead, other) = (Device::open(&apart.lead, LEAD_RESTORED)?, Device::open(&apart.other, OTHER)?);
    let changed: BTreeSet<_> = apart.changed.iter().copied().collect();
    let changed: Vec<_> = changed.into_iter().collect();
    Ok((updated(&lead, saved, &changed)?, updated(&other, saved, &changed)?))
}
