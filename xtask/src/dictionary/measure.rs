//! What the dictionaries achieve, on teams they were not trained on.

use firsthand_log::compress::{DOCUMENTS_V1, ENTRIES_V1, Packer, compress_document};
use zstd::bulk::Compressor;

use super::team::Team;
use super::words::Words;
use crate::Failure;

/// Far from the seeds of the samples.
const FIRST_SEED: u64 = 1_000_000;
const TEAMS: u64 = 4;

/// Prints one table per way of writing.
pub(crate) fn run() -> Result<(), Failure> {
    println!("dictionaries of {} and {} bytes; {TEAMS} teams each\n", ENTRIES_V1.len(), DOCUMENTS_V1.len());
    for (words, name) in [
        (Words::Generated, "sentences as generated"),
        (Words::Shuffled, "known words, other sentences"),
        (Words::Unknown, "unknown words"),
    ] {
        println!("{name}");
        measure(words)?;
        println!();
    }
    Ok(())
}

fn measure(words: Words) -> Result<(), Failure> {
    let mut single = Figures::default();
    let mut hundred = Figures::default();
    let mut thousand = Figures::default();
    let mut documents = Documents::default();
    for seed in FIRST_SEED..FIRST_SEED + TEAMS {
        let mut team = Team::new(seed, words)?;
        for _ in 0..200 {
            team.create()?;
        }
        let from = team.len();
        for case in 0..100 {
            team.edit(2 * case)?;
        }
        for at in from..team.len() {
            single.add(&[team.encoded(at, at + 1)], 1, team.raw_bytes(at) - team.raw_bytes(at + 1))?;
        }
        hundred.add(&[team.encoded(from, team.len())], team.len() - from, team.raw_bytes(from))?;

        let from = team.len();
        team.work(1_000)?;
        let raw = team.raw_bytes(from);
        thousand.add(&[team.encoded(from, team.len())], team.len() - from, raw)?;
        for saved in team.saved().into_iter().take(team.incidents()) {
            documents.add(&saved)?;
        }
    }
    single.print("1 edit alone");
    hundred.print("100 edits of 100 incidents");
    thousand.print("1000 creations and edits");
    documents.print();
    Ok(())
}

/// Bytes of changes: as Automerge has them, and on the road.
#[derive(Default)]
struct Figures {
    changes: usize,
    raw: usize,
    lean: usize,
    plain: usize,
    packed: usize,
}

impl Figures {
    fn add(&mut self, batches: &[Vec<u8>], changes: usize, raw: usize) -> Result<(), Failure> {
        self.changes += changes;
        self.raw += raw;
        let mut packer = Packer::new()?;
        for batch in batches {
            self.lean += batch.len();
            self.plain += Compressor::new(8)?.compress(batch)?.len();
            self.packed += packer.pack(batch)?.len();
        }
        Ok(())
    }

    fn print(&self, name: &str) {
        let each = |bytes: usize| bytes as f64 / self.changes as f64;
        println!(
            "  {name:<28} bytes a change: raw {:6.1}  lean {:6.1}  zstd {:6.1}  with dictionary {:6.1}  ({:.3} of raw)",
            each(self.raw),
            each(self.lean),
            each(self.plain),
            each(self.packed),
            self.packed as f64 / self.raw as f64,
        );
    }
}

/// Bytes of saved documents.
#[derive(Default)]
struct Documents {
    count: usize,
    saved: usize,
    plain: usize,
    packed: usize,
}

impl Documents {
    fn add(&mut self, saved: &[u8]) -> Result<(), Failure> {
        self.count += 1;
        self.saved += saved.len();
        self.plain += Compressor::new(3)?.compress(saved)?.len();
        self.packed += compress_document(saved)?.len();
        Ok(())
    }

    fn print(&self) {
        let each = |bytes: usize| bytes as f64 / self.count as f64;
        println!(
            "  {:<28} bytes each:     saved {:6.1}               zstd {:6.1}  with dictionary {:6.1}",
            "documents of incidents",
            each(self.saved),
            each(self.plain),
            each(self.packed),
        );
    }
}
