//! Photos and recordings that rows name.
//!
//! They are attached only from a folder that a person names: the rows may be anybody's, and a name in them must not
//! bring a file of this machine before the team.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firsthand_node::{ImportReport, NewFile, Node};
use serde::Serialize;

use super::file;
use crate::args::ImportArgs;
use crate::fail::Fail;
use crate::show::text;

/// How many missing files are named; the rest is a number.
const NAMED: usize = 20;

/// What became of the files that rows name.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Said {
    /// Different files that rows name.
    named: usize,
    /// Of these, the ones that are in the folder; without a folder, those that lie beside the file.
    found: usize,
    attached: usize,
    /// Files that an earlier import, or somebody by hand, had attached to the same incident.
    already: usize,
    /// The first of those that are nowhere.
    missing: Vec<String>,
    /// How many those are.
    missing_count: usize,
    /// Files that could not be attached, and why.
    failed: Vec<String>,
    #[serde(skip)]
    has_folder: bool,
}

/// The folder of the files, and what is known of them.
pub(super) struct Media {
    folder: PathBuf,
    attaches: bool,
    /// Every name, and whether the file is there.
    known: BTreeMap<String, bool>,
    attached: usize,
    already: usize,
    failed: Vec<String>,
}

impl Media {
    pub(super) fn new(args: &ImportArgs) -> Result<Self, Fail> {
        if args.media.as_ref().is_some_and(|folder| !folder.is_dir()) {
            return Err(Fail::input("media", "is not a folder"));
        }
        let beside = || args.file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self {
            folder: args.media.clone().unwrap_or_else(beside),
            attaches: args.media.is_some(),
            known: BTreeMap::new(),
            attached: 0,
            already: 0,
            failed: Vec::new(),
        })
    }

    /// The files of rows that are there, to be attached once the rows are saved.
    pub(super) fn find(&mut self, rows: &mut Vec<(usize, Vec<String>)>) -> BTreeMap<usize, Vec<PathBuf>> {
        let mut found: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
        for (row, names) in rows.drain(..) {
            for name in BTreeSet::from_iter(names) {
                let path = path(&self.folder, &name);
                self.known.insert(name, path.is_some());
                if let Some(path) = path.filter(|_| self.attaches) {
                    found.entry(row).or_default().push(path);
                }
            }
        }
        found
    }

    /// Attaches the files of rows that were added, and to those of an earlier import what was missing then. One that
    /// cannot be read is named, and the others go on.
    pub(super) async fn attach(
        &mut self,
        node: &Node,
        files: &BTreeMap<usize, Vec<PathBuf>>,
        report: &ImportReport,
    ) -> Result<(), Fail> {
        let added = report.added.iter().map(|(row, id, _)| (row, id));
        for (row, id) in added.chain(report.held.iter().map(|(row, id)| (row, id))) {
            let Some(paths) = files.get(row) else { continue };
            let mut recorded = node.recorded_files(*id).await?;
            for path in paths {
                // What is attached under this name stays as it is, also where somebody has hidden it.
                if !recorded.insert(file::name(path)) {
                    self.already += 1;
                    continue;
                }
                match node.attach_file(*id, path, NewFile::default(), Arc::new(|_, _| true)).await {
                    Ok(_) => self.attached += 1,
                    Err(error) => self.failed.push(format!("{}: {error}", file::name(path))),
                }
            }
        }
        Ok(())
    }

    pub(super) fn said(&self) -> Said {
        let missing = self.known.iter().filter(|(_, is_there)| !**is_there).map(|(name, _)| name);
        Said {
            named: self.known.len(),
            found: self.known.values().filter(|is_there| **is_there).count(),
            attached: self.attached,
            already: self.already,
            missing: missing.clone().take(NAMED).cloned().collect(),
            missing_count: missing.count(),
            failed: self.failed.clone(),
            has_folder: self.attaches,
        }
    }
}

/// Where a file is, if it is one: a plain name, no link to somewhere else.
fn path(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = Path::new(name).file_name()?.to_str()? == name;
    let path = folder.join(name);
    let is_file = || std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    (plain && is_file()).then_some(path)
}

impl Said {
    /// For a person, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.named == 0 {
            return lines;
        }
        let files = |number: usize| text::count(number as u64, "file", "files");
        if self.attached > 0 {
            lines.push(format!("{} attached", files(self.attached)));
        }
        if self.already > 0 {
            lines.push(format!("{} attached before", files(self.already)));
        }
        if !self.has_folder && self.found > 0 {
            let what = "beside it; --media with that folder attaches them as the rows come in";
            lines.push(format!(
                "{} of {} that rows name {} {what}",
                self.found,
                self.named,
                if self.found == 1 { "lies" } else { "lie" }
            ));
        }
        if self.missing_count > 0 {
            let more = self.missing_count - self.missing.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = self.missing.iter().map(|name| text::line(name)).collect::<Vec<_>>().join(", ");
            lines.push(format!("missing {}: {names}{more}", files(self.missing_count)));
        }
        lines.extend(self.failed.iter().map(|reason| format!("not attached: {}", text::line(reason))));
        lines
    }
}
