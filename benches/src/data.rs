//! The data: one team, two devices, three chains, some thousand incidents of six entries each.
//!
//! Seeded, so that every machine measures the same. The first thousand incidents of a large set are those of a small
//! one. A set is built once and kept as two closed homes and a file of saved documents; benchmarks work on copies.

use std::fs;
use std::path::{Path, PathBuf};

use firsthand_document::Edit;
use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_node::ImportRow;
use firsthand_record::Incident;
use firsthand_record::generate::{GeneratedEdit, Generator};
use firsthand_store::IncidentQuery;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::Outcome;
use crate::baseline::{Saved, write_saved};
use crate::device::{Device, Installation, at, copy_home};
use crate::link::meet;

/// The founder's device, and what it is after it was restored from a backup: then it opens its second chain.
const LEAD: Installation = Installation(1);
pub(crate) const LEAD_RESTORED: Installation = Installation(2);
pub(crate) const OTHER: Installation = Installation(3);
/// Another device that joins later.
pub(crate) const NEWCOMER: Installation = Installation(4);

/// After everything in the largest data set: a clock that ran behind would have the hybrid clock count on by itself, and
/// every entry say how far the two are apart.
pub(crate) const LATER: UnixMillis = UnixMillis(2_500_000_000_000);

/// Incidents that are created, exchanged and edited before the next come.
const CHUNK: usize = 500;
/// Changes to an incident after the one that creates it, for the newest ones. Of a larger set the older incidents stay as
/// they were brought in: half a million edits, each a commit, would take most of an hour to build.
const EDITS: usize = 5;
const EDITED: usize = 10_000;
/// Of this, the data sets' place on the disk is named; raise it when they are built in another way.
const VERSION: u32 = 2;

/// A data set on the disk.
pub(crate) struct Data {
    pub(crate) documents: usize,
    folder: PathBuf,
}

impl Data {
    /// The set of a size, built where it is not there yet.
    pub(crate) fn of(documents: usize, folder: &Path) -> Outcome<Self> {
        let place = folder.join(format!("v{VERSION}-{documents}"));
        if !place.exists() {
            eprintln!("building {documents} incidents, once ...");
            build(documents, folder, &place)?;
        }
        Ok(Self { documents, folder: place })
    }

    pub(crate) fn entries(&self) -> usize {
        entries_of(self.documents)
    }

    /// The founder's home; not to be opened for writing.
    pub(crate) fn lead(&self) -> PathBuf {
        self.folder.join("lead")
    }

    /// The other device's home; not to be opened for writing.
    pub(crate) fn other(&self) -> PathBuf {
        self.folder.join("other")
    }

    /// All documents as Automerge saves them.
    pub(crate) fn saved(&self) -> PathBuf {
        self.folder.join("documents")
    }
}

fn entries_of(documents: usize) -> usize {
    documents + EDITS * documents.min(EDITED)
}

/// A folder for one run beside the data, on the same file system, gone at the end.
pub(crate) fn workplace(folder: &Path) -> Outcome<tempfile::TempDir> {
    fs::create_dir_all(folder)?;
    Ok(tempfile::Builder::new().prefix("run-").tempdir_in(folder)?)
}

fn build(documents: usize, folder: &Path, place: &Path) -> Outcome<()> {
    let finished = workplace(folder)?;
    // Where memory can hold the homes while they are built, no commit waits for a disk.
    let memory = Path::new("/dev/shm");
    let work = workplace(if memory.is_dir() { memory } else { folder })?;
    let (lead_dir, other_dir) = (work.path().join("lead"), work.path().join("other"));
    let mut lead = Device::found(&lead_dir, LEAD)?;
    let mut other = Device::join(&mut lead, &other_dir, OTHER)?;
    let mut generator = Generator::new(ChaCha20Rng::seed_from_u64(2));
    let mut restored = false;
    for start in (0..documents).step_by(CHUNK) {
        let count = CHUNK.min(documents - start);
        let mut incidents: Vec<Incident> = (0..count).map(|_| generator.team_incident()).collect();
        let (mut by_lead, mut by_other) = (Vec::new(), Vec::new());
        for (row, incident) in incidents.iter().cloned().enumerate() {
            // Three of five are the founder's.
            let rows = if row % 5 < 3 { &mut by_lead } else { &mut by_other };
            rows.push(ImportRow { row, incident });
        }
        let mut now = generator.now();
        let mut ids = import(&mut lead, by_lead, now)?;
        ids.extend(import(&mut other, by_other, now)?);
        ids.sort_unstable();
        meet(&mut lead, &mut other, at(now))?;
        let edits = if documents - start <= EDITED { EDITS } else { 0 };
        for round in 0..edits {
            if !restored && round == 2 {
                lead.close()?;
                lead = Device::open(&lead_dir, LEAD_RESTORED)?;
                restored = true;
            }
            for &(row, id) in &ids {
                now.0 += 20_000;
                let device = if (row + round) % 2 == 0 { &mut lead } else { &mut other };
                edit(device, id, &mut incidents[row], &mut generator, now)?;
            }
            meet(&mut lead, &mut other, at(now))?;
        }
        eprint!("\r{} of {documents}", start + count);
    }
    eprintln!();
    for device in [&mut lead, &mut other] {
        device.index_text()?;
        let held = device.ledger.team()?.counts;
        let own = held.entries - 3;
        if held.incidents != documents as u64 || own != entries_of(documents) as u64 || held.held > 0 {
            return Err(format!("build the data: {held:?}").into());
        }
    }
    let mut saved = Vec::with_capacity(documents);
    for id in documents_by_age(&lead)? {
        let stored = lead.ledger.store().document(&id)?.ok_or("find a document")?;
        saved.push(Saved::compressed(id, &stored.saved)?);
    }
    write_saved(&finished.path().join("documents"), &saved)?;
    lead.close()?;
    other.close()?;
    copy_home(&lead_dir, &finished.path().join("lead"))?;
    copy_home(&other_dir, &finished.path().join("other"))?;
    fs::rename(finished.keep(), place)?;
    Ok(())
}

fn import(device: &mut Device, rows: Vec<ImportRow>, now: UnixMillis) -> Outcome<Vec<(usize, DocumentId)>> {
    let report = device.ledger.import(rows, false, at(now), &mut device.rng, &mut |_, _| true)?;
    if let Some((_, findings)) = report.rejected.first() {
        return Err(format!("build the data: {findings:?}").into());
    }
    Ok(report.added.into_iter().map(|(row, id, _)| (row, id)).collect())
}

/// Makes one change that changes something.
pub(crate) fn edit(
    device: &mut Device,
    id: DocumentId,
    incident: &mut Incident,
    generator: &mut Generator<ChaCha20Rng>,
    now: UnixMillis,
) -> Outcome<()> {
    let space = *device.ledger.space();
    let before = device.ledger.store().vector(&space).entries();
    loop {
        let made = generator.edit(incident);
        *incident = made.apply(incident);
        device.ledger.edit(id, &[as_edit(made)], at(now), &mut device.rng)?;
        // One more where the edit is the first of its chain.
        if device.ledger.store().vector(&space).entries() > before {
            return Ok(());
        }
    }
}

/// A generated edit as a person would make it.
pub(crate) fn as_edit(edit: GeneratedEdit) -> Edit {
    match edit {
        GeneratedEdit::Text { field, at_char, insert } => {
            Edit::Splice { field, at: at_char, delete: 0, insert }
        }
        GeneratedEdit::Set { field, value } => Edit::Set { field, value },
        GeneratedEdit::Add { list, value } => Edit::Add { list, value },
    }
}

/// Every incident, oldest first.
pub(crate) fn documents_by_age(device: &Device) -> Outcome<Vec<DocumentId>> {
    let rows = device.ledger.incidents(&IncidentQuery { hidden: true, ..IncidentQuery::default() })?;
    Ok(rows.into_iter().rev().map(|row| row.id).collect())
}
