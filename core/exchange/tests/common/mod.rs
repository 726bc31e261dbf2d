//! What the tests of this crate share.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where its own file is missing")]

pub(crate) mod book;
pub(crate) mod old_book;
pub(crate) mod protocol;

use std::path::{Path, PathBuf};

use firsthand_exchange::{ColumnMap, ExchangeError, Import, read};
use firsthand_record::Incident;

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of real files, or a plain word that there is none.
pub(crate) fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("FIRSTHAND_SAMPLES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FIRSTHAND_SAMPLES is not set");
    }
    folder
}

pub(crate) fn import(name: &str, text: impl AsRef<[u8]>) -> Result<Import, ExchangeError> {
    read(text.as_ref(), name, None, None)
}

pub(crate) fn mapped(name: &str, text: impl AsRef<[u8]>, map: &str) -> Result<Import, ExchangeError> {
    read(text.as_ref(), name, None, Some(&ColumnMap::from_json(map.as_bytes())?))
}

/// Row, column and reason of every problem.
pub(crate) fn problems(import: &Import) -> Vec<(usize, &str, &str)> {
    import.problems.iter().map(|p| (p.row, p.column.as_str(), p.reason.as_str())).collect()
}

pub(crate) fn lat_lon(incident: &Incident) -> Option<(f64, f64)> {
    incident.place.map(|place| (place.lat.0, place.lon.0))
}

pub(crate) fn titles(import: &Import) -> Vec<&str> {
    import.incidents.iter().filter_map(|imported| imported.incident.title.as_deref()).collect()
}
