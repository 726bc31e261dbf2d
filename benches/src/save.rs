//! Benchmark 4: one edit, until it is on the disk.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use firsthand_document::{Author, Authors, Document, Edit, Rights, incident};
use firsthand_ids::{ChangeHash, DocumentId, HybridClock, HybridTime, SpaceId, TeamId, UnixMillis, WriterId};
use firsthand_log::{
    ChainId, DeviceSecret, Entry, EntryHeader, EntryKind, SignedHead, Tip, compress::compress_document,
    content_hash, hash_run,
};
use firsthand_node::IncidentQuery;
use firsthand_record::Incident;
use firsthand_record::generate::Generator;
use firsthand_store::{
    Commit, DocumentUpdate, EntryState, Home, IncidentProjection, NewEntry, Store, StoredDocument, Unlock,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::child::command;
use crate::data::{Data, LATER, LEAD_RESTORED, as_edit, documents_by_age, workplace};
use crate::device::{Device, KEY, at, copy_home};
use crate::report::{Quantity, Report};
use crate::timing::{median, timed};

const SAVES: usize = 400;

pub(crate) fn run(arguments: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    let data = Data::of(arguments.documents, folder)?;
    report.heading(format!("one edit of one of {} incidents, encrypted, {SAVES} of them", data.documents));
    let work = workplace(folder)?;
    let home = work.path().join("lead");
    copy_home(&data.lead(), &home)?;
    let mut floor = Floor::new(&work.path().join("floor"))?;

    let steps = steps(&home, &mut floor)?;
    let [commit, small, written] = [steps.commit, steps.floor, steps.floor_written].map(median);
    let name = format!("fdatasync of {} bytes", steps.bytes);
    report.compare(
        "commit: entry, signature, document, list row",
        time(commit),
        &name,
        time(small),
        Some(2.0),
    );
    let name = format!("fdatasync of {} bytes", steps.written);
    report.compare("   beside as many bytes as it writes", time(commit), &name, time(written), None);
    report.figure("before it: load the document", time(median(steps.load)));
    report.figure("before it: edit, read, judge, save the document", time(median(steps.edit)));
    report.figure("before it: hash and sign", time(median(steps.sign)));

    let (whole, small) = whole(&home, &mut floor, steps.bytes)?;
    let name = format!("fdatasync of {} bytes", steps.bytes);
    report.compare("the whole edit as the app asks for it", time(whole), &name, time(small), None);
    match waits(&home)? {
        Some(waits) => {
            report.limit("waits for the disk (fsync, fdatasync) per edit", Quantity::Count(waits), 1.0);
        }
        None => report.note("Waits for the disk were not counted: there is no strace here."),
    }
    report.note(
        "Bytes of the comparison: the change, its hashes and signature, the compressed document and the row. Full \
         text is queued in the same commit and indexed later. Every 16 MB or so of log SQLite moves it into the \
         database, which costs that save two more waits; medians do not show it.",
    );
    Ok(())
}

const fn time(time: Duration) -> Quantity {
    Quantity::time(time)
}

/// Appending to a file on the same disk and waiting for it.
struct Floor(File);

impl Floor {
    fn new(path: &Path) -> Outcome<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    fn save(&mut self, bytes: usize) -> Outcome<Duration> {
        let bytes = vec![0x5a; bytes];
        let start = Instant::now();
        self.0.write_all(&bytes)?;
        self.0.sync_data()?;
        Ok(start.elapsed())
    }
}

/// The steps of an edit, each on its own.
#[derive(Default)]
struct Steps {
    load: Vec<Duration>,
    edit: Vec<Duration>,
    sign: Vec<Duration>,
    commit: Vec<Duration>,
    floor: Vec<Duration>,
    floor_written: Vec<Duration>,
    /// What a save consists of, in bytes.
    bytes: usize,
    /// What a save writes, in bytes.
    written: usize,
}

fn steps(home: &Path, floor: &mut Floor) -> Outcome<Steps> {
    let (ids, team, space) = {
        let device = Device::open(home, LEAD_RESTORED)?;
        (documents_by_age(&device)?, device.ledger.identity().team, *device.ledger.space())
    };
    let mut bench = Bench::open(home, team, space)?;
    let mut generator = Generator::new(ChaCha20Rng::seed_from_u64(8));
    let mut steps = Steps::default();
    let (mut bytes, mut written) = (Vec::new(), Vec::new());
    for number in 0..SAVES {
        let id = ids[(number * 7919) % ids.len()];
        let (_, taken, size) = bench.edit(id, &mut generator, &mut steps)?;
        bytes.push(size);
        written.extend(taken);
        steps.floor.push(floor.save(size)?);
        if let Some(taken) = taken {
            steps.floor_written.push(floor.save(taken)?);
        }
    }
    bytes.sort_unstable();
    written.sort_unstable();
    steps.bytes = bytes[bytes.len() / 2];
    steps.written = written.get(written.len() / 2).copied().unwrap_or_default();
    Ok(steps)
}

/// Nobody is known, which makes no difference to how long reading a document takes.
struct Nobody;

impl Authors for Nobody {
    fn author(&self, _: &ChangeHash) -> Option<Author> {
        None
    }
}

/// A store and the chain that this device continues in it.
struct Bench {
    store: Store,
    secret: DeviceSecret,
    chain: ChainId,
    tip: Tip,
    clock: HybridClock,
    effective: HybridTime,
    now: UnixMillis,
    incidents: BTreeMap<DocumentId, Incident>,
}

impl Bench {
    fn open(home: &Path, team: TeamId, space: SpaceId) -> Outcome<Self> {
        let store = Store::open(Home::open(home)?, Unlock::RawKey(&KEY), &LEAD_RESTORED)?;
        let setting =
            |key: &str| -> Outcome<Vec<u8>> { Ok(store.setting(key)?.ok_or("find a setting of the home")?) };
        let seed = setting("device.signing")?.try_into().map_err(|_| "read the signing key")?;
        let secret = DeviceSecret::from_seed(seed)?;
        let writer = WriterId::from_slice(&setting(&format!("writer.{space}"))?).ok_or("read the writer")?;
        let tip = store.tip(&space, &writer).ok_or("find the chain")?;
        let effective = store.entry(&writer, tip.position)?.ok_or("find the last entry")?.info.effective;
        let chain = ChainId { team, space, writer };
        let clock = HybridClock::resume(effective);
        Ok(Self { store, secret, chain, tip, clock, effective, now: LATER, incidents: BTreeMap::new() })
    }

    /// One edit as the ledger makes it, step by step; gives the bytes the commit wrote and those it consists of.
    fn edit(
        &mut self,
        id: DocumentId,
        generator: &mut Generator<ChaCha20Rng>,
        steps: &mut Steps,
    ) -> Outcome<((), Option<usize>, usize)> {
        let ((stored, mut document), load) = timed(|| self.load(&id))?;
        let record = incident::read(&document.view(&Nobody));
        let record = self.incidents.entry(id).or_insert(record);
        // A text edit always changes something.
        let text = loop {
            let made = generator.edit(record);
            let edit = as_edit(made);
            if matches!(edit, Edit::Splice { .. }) {
                break edit;
            }
        };
        let rights = Rights::ALL;
        let writer = self.chain.writer;
        let ((changes, saved, row), edit) = timed(|| {
            let changes = document.edit(writer, rights, &[text])?;
            let read = incident::read(&document.view(&Nobody));
            Ok((changes, document.save(), IncidentProjection::new(&read, 0, 0)))
        })?;
        self.incidents.remove(&id);
        self.now.0 += 1000;
        let ((entries, run, head), sign) = timed(|| {
            let mut entries = Vec::new();
            for change in changes {
                let header = EntryHeader {
                    kind: EntryKind::Change,
                    document: Some(id),
                    content: content_hash(EntryKind::Change, &change.bytes),
                    hybrid: self.clock.tick(self.now),
                    local: at(self.now),
                    membership: None,
                };
                let position = self.tip.position.next();
                entries.push(Entry { position, header, nonce: None, body: change.bytes, detached: None });
            }
            let run = hash_run(&self.chain, Some(&self.tip), &entries)?;
            let head = SignedHead::sign(&self.secret, &self.chain, run.tip.position, run.tip.hash);
            Ok((entries, run, head))
        })?;
        let bodies: usize = entries.iter().map(|entry| entry.body.len()).sum();
        // Two hashes, a signature, times and numbers; a row is its title and some numbers.
        let size = bodies + 2 * 32 + 64 + 40 + compress_document(&saved)?.len() + row.title.len() + 120;

        let mut commit = Commit::new(self.chain.space);
        commit.heads = vec![(writer, head)];
        for (entry, hash) in entries.into_iter().zip(run.hashes) {
            self.effective = entry.header.hybrid.max(self.effective.successor());
            let (state, effective) = (EntryState::Applied, self.effective);
            commit.entries.push(NewEntry { writer, hash, entry, state, effective });
        }
        let (kind, creator) = (stored.kind, stored.creator);
        commit.documents = vec![DocumentUpdate { id, kind, creator, saved, row: Some(row.into()) }];
        commit.settings = vec![("clock.last".to_owned(), self.clock.last().packed().to_le_bytes().to_vec())];
        let before = written();
        let (_, took) = timed(|| Ok(self.store.commit(commit)?))?;
        let taken = written().zip(before).map(|(after, before)| after - before);
        self.tip = run.tip;
        steps.load.push(load);
        steps.edit.push(edit);
        steps.sign.push(sign);
        steps.commit.push(took);
        Ok(((), taken, size))
    }

    fn load(&self, id: &DocumentId) -> Outcome<(StoredDocument, Document)> {
        let stored = self.store.document(id)?.ok_or("find a document")?;
        let document = Document::load(&stored.saved)?;
        Ok((stored, document))
    }
}

/// What this process has handed to the system to write, in bytes, where the system is Linux.
fn written() -> Option<usize> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("wchar:")).and_then(|number| number.trim().parse().ok())
}

/// Whole edits through the ledger, each of a document that is not in memory, each beside the floor.
fn whole(home: &Path, floor: &mut Floor, bytes: usize) -> Outcome<(Duration, Duration)> {
    let mut device = Device::open(home, LEAD_RESTORED)?;
    let rows = device.ledger.incidents(&IncidentQuery::default())?;
    let (mut edits, mut floors) = (Vec::new(), Vec::new());
    for number in 0..SAVES {
        let id = rows[(number * 104_729) % rows.len()].id;
        let insert = format!("Seen again at {number}. ");
        let edit = Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert };
        let now = at(UnixMillis(LATER.0 + 10_000_000 + number as i64 * 1000));
        let (_, took) = timed(|| Ok(device.ledger.edit(id, &[edit], now, &mut device.rng)?))?;
        edits.push(took);
        floors.push(floor.save(bytes)?);
    }
    Ok((median(edits), median(floors)))
}

/// How often an edit waits for the disk: system calls of a process with more edits against one with fewer.
fn waits(home: &Path) -> Outcome<Option<f64>> {
    let home = home.to_str().ok_or("name a folder")?;
    let mut counts = Vec::new();
    let edits = [10, 50];
    for count in edits {
        let log = tempfile::NamedTempFile::new()?;
        let path = log.path().to_str().ok_or("name a file")?;
        let strace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range", "-o", path];
        let Ok(status) =
            command(&strace, &["saves", home, &count.to_string()])?.stdout(Stdio::null()).status()
        else {
            return Ok(None);
        };
        if !status.success() {
            return Ok(None);
        }
        counts.push(fs::read_to_string(path)?.lines().filter(|line| line.contains("sync")).count());
    }
    Ok(Some((counts[1] as f64 - counts[0] as f64) / f64::from(edits[1] - edits[0])))
}
