//! Writes true bytes for every decoder, for libFuzzer to begin from: `firsthand-corpus FOLDER` fills a folder per decoder
//! and prints the decoders' names.

use std::path::Path;
use std::{env, fs, io};

use firsthand_tests::decoders::{Samples, TARGETS};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| panic!("firsthand-corpus FOLDER"));
    let mut samples = Samples::default();
    for target in TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, bytes) in (target.samples)(&mut samples).into_iter().enumerate() {
            fs::write(folder.join(format!("true-{number:03}")), bytes)?;
        }
        println!("{}", target.name);
    }
    Ok(())
}
