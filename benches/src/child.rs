//! What a process of its own does, so that its memory and its system calls can be told from ours.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use firsthand_document::{Document, Incoming, NoAuthors, incident};
use firsthand_ids::UnixMillis;
use firsthand_log::EntryKind;
use firsthand_node::{Edit, IncidentQuery};
use firsthand_store::{IncidentProjection, StoredChange};

use crate::Outcome;
use crate::baseline::{load_all, read_saved};
use crate::data::{LATER, LEAD_RESTORED};
use crate::device::{Device, at};

/// What a process measured of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    /// The most memory it held, in bytes; `None` where the system does not tell.
    pub(crate) memory: Option<u64>,
    pub(crate) count: usize,
}

/// Runs in the process that [`command`] starts.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    let (count, time) = match arguments.as_slice() {
        ["nothing"] => (0, start.elapsed()),
        ["open", home, newest] => {
            let device = Device::open(Path::new(home), LEAD_RESTORED)?;
            let query = IncidentQuery { limit: newest.parse()?, ..IncidentQuery::default() };
            let rows = device.ledger.incidents(&query)?;
            (rows.len(), start.elapsed())
        }
        ["load", file] => {
            let saved = read_saved(Path::new(file))?;
            let documents = load_all(&saved)?;
            (documents.len(), start.elapsed())
        }
        ["saves", home, count] => {
            let mut device = Device::open(Path::new(home), LEAD_RESTORED)?;
            save(&mut device, count.parse()?)?;
            (count.parse()?, start.elapsed())
        }
        ["apply", home, count] => {
            let read = changes(&Device::open(Path::new(home), LEAD_RESTORED)?)?;
            let documents: Vec<_> = read.iter().take(count.parse()?).map(|changes| apply(changes)).collect();
            (documents.iter().filter(|document| !document.heads().is_empty()).count(), start.elapsed())
        }
        ["project", home, count] => {
            let read = changes(&Device::open(Path::new(home), LEAD_RESTORED)?)?;
            let documents: Vec<_> = read.iter().map(|changes| apply(changes)).collect();
            let rows = documents
                .iter()
                .take(count.parse()?)
                .map(|document| IncidentProjection::new(&incident::read(&document.view(&NoAuthors)), 0, 0));
            (rows.filter(|row| !row.title.is_empty()).count(), start.elapsed())
        }
        _ => return Err("run: there is no such child".into()),
    };
    println!("{} {} {count}", time.as_nanos(), peak_memory().unwrap_or(0));
    Ok(())
}

/// How many documents are read in any case, so that two counts differ in what is done with them alone.
const MOST: usize = 300;

/// The changes of some incidents.
fn changes(device: &Device) -> Outcome<Vec<Vec<StoredChange>>> {
    let query = IncidentQuery { limit: MOST, ..IncidentQuery::default() };
    let rows = device.ledger.incidents(&query)?;
    rows.iter().map(|row| Ok(device.ledger.store().changes_of(&row.id)?)).collect()
}

/// The document of which these are the changes.
fn apply(changes: &[StoredChange]) -> Document {
    let mut document = Document::empty();
    let incoming = changes.iter().map(|change| Incoming {
        writer: change.info.writer,
        position: change.info.position,
        create: change.info.kind == EntryKind::Create,
        change: &change.body,
    });
    let incoming: Vec<_> = incoming.collect();
    document.apply(&incoming, &NoAuthors);
    document
}

/// Edits the newest incidents, one save each.
fn save(device: &mut Device, count: usize) -> Outcome<()> {
    let query = IncidentQuery { limit: count, ..IncidentQuery::default() };
    for (index, row) in device.ledger.incidents(&query)?.into_iter().enumerate() {
        let edit =
            Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert: "Later: ".to_owned() };
        let now = at(UnixMillis(LATER.0 + index as i64 * 1000));
        device.ledger.edit(row.id, &[edit], now, &mut device.rng)?;
    }
    Ok(())
}

/// This program as a child, for `arguments` of [`run`].
pub(crate) fn command(wrapper: &[&str], arguments: &[&str]) -> Outcome<Command> {
    let program = std::env::current_exe()?;
    let mut command = match wrapper.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.arg("--child").args(arguments);
    Ok(command)
}

/// Runs a child and reads what it measured.
pub(crate) fn measure(arguments: &[&str]) -> Outcome<Measured> {
    let output = command(&[], arguments)?.output()?;
    if !output.status.success() {
        return Err(format!("run a child: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [nanos, memory, count] = numbers[..] else { return Err("read what a child measured".into()) };
    let memory = Some(memory).filter(|memory| *memory > 0);
    Ok(Measured { time: Duration::from_nanos(nanos), memory, count: count as usize })
}

/// The most memory this process ever held, in bytes, where the system is Linux.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
