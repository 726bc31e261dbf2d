//! The compression dictionaries that the program ships: trained here, from records that the project's own generator
//! writes, and measured on records it did not train on.
//!
//! The same sources give the same files. A released version of a dictionary never changes; new ones get new numbers.

mod measure;
mod team;
mod words;

use std::fs;
use std::path::Path;

use self::team::Team;
use self::words::Words;
use crate::Failure;

/// The largest dictionary. Twice as much would save another 3 %, and every phone carries the file.
const MAX_BYTES: usize = 64 * 1024;
/// How many teams the samples come from, each with its own region, people and writers. The seeds are 0 and up;
/// measuring takes others.
const TEAMS: u64 = 48;
/// How many entries each team writes.
const ENTRIES: usize = 400;

/// What dictionaries are trained on.
#[derive(Default)]
struct Samples {
    /// Batches of one to 24 entries in the lean encoding.
    batches: Vec<Vec<u8>>,
    /// Saved documents.
    documents: Vec<Vec<u8>>,
}

impl Samples {
    fn new(teams: u64, entries: usize) -> Result<Self, Failure> {
        let mut samples = Self::default();
        for seed in 0..teams {
            // The generator knows few sentences, and a dictionary of those alone would flatter its own records. With the
            // words of every other team shuffled it holds what real reports share with them too: single words.
            let words = if seed.is_multiple_of(2) { Words::Generated } else { Words::Shuffled };
            let mut team = Team::new(seed, words)?;
            team.work(entries)?;
            let mut from = 0;
            while from < team.len() {
                let to = (from + 1 + team.below(24)).min(team.len());
                samples.batches.push(team.encoded(from, to));
                from = to;
            }
            samples.documents.extend(team.saved());
        }
        Ok(samples)
    }
}

/// Trains both dictionaries, or with `--measure` prints what the shipped ones achieve.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => {
            let folder = root.join("core/log/dictionaries");
            let samples = Samples::new(TEAMS, ENTRIES)?;
            for (name, samples) in [("entries", &samples.batches), ("documents", &samples.documents)] {
                let dictionary = zstd::dict::from_samples(samples, MAX_BYTES)?;
                let path = folder.join(format!("{name}-v1.dict"));
                println!("{}: {} bytes from {} samples", path.display(), dictionary.len(), samples.len());
                fs::write(path, dictionary)?;
            }
            Ok(())
        }
        [option] if option == "--measure" => measure::run(),
        _ => Err("usage: cargo xtask dictionary [--measure]".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_twice_gives_the_same_dictionary() {
        let train = || {
            let samples = Samples::new(2, 60).unwrap();
            zstd::dict::from_samples(&samples.batches, 8 * 1024).unwrap()
        };
        assert_eq!(train(), train());
    }
}
