//! The file and the map that a person names.

use std::fs::File;
use std::io::Read;
use std::panic;
use std::path::Path;

use firsthand_exchange::{ColumnMap, Format, Options, Reading};

use crate::args::ImportArgs;
use crate::fail::Fail;

/// The most bytes of a column map.
const MAX_MAP: u64 = 1024 * 1024;

/// A column map, as it was written and as it was understood.
pub(super) struct Given {
    pub(super) json: Vec<u8>,
    pub(super) map: ColumnMap,
}

pub(super) fn name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn unreadable(what: &str, error: &std::io::Error) -> Fail {
    Fail::input(what, format!("cannot be read: {}", error.kind()))
}

/// Keeps panics that come of a broken workbook, and end that file alone, off the terminal.
pub(crate) fn keep_caught_panics_quiet() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !firsthand_exchange::catches_panics() {
            before(info);
        }
    }));
}

/// Opens the file. One that is too large is refused by its length, before anything of it is read.
pub(super) fn open(args: &ImportArgs) -> Result<Reading, Fail> {
    let format = args.format.as_deref().map(str::parse::<Format>).transpose()?;
    let file = File::open(&args.file).map_err(|error| unreadable("file", &error))?;
    let metadata = file.metadata().map_err(|error| unreadable("file", &error))?;
    if metadata.is_dir() {
        return Err(Fail::input("file", "is a folder"));
    }
    firsthand_exchange::check_length(metadata.len())?;
    keep_caught_panics_quiet();
    let options = Options { format, encoding: args.encoding.clone(), sheet: args.sheet.clone() };
    Ok(Reading::open(file, &name(&args.file), &options)?)
}

/// Reads a column map.
pub(super) fn map(file: &Path) -> Result<Given, Fail> {
    let mut json = Vec::new();
    let opened = File::open(file).map_err(|error| unreadable("map", &error))?;
    opened.take(MAX_MAP + 1).read_to_end(&mut json).map_err(|error| unreadable("map", &error))?;
    if json.len() as u64 > MAX_MAP {
        return Err(Fail::input("map", "is larger than 1 MiB"));
    }
    let map = ColumnMap::from_json(&json)?;
    Ok(Given { json, map })
}
