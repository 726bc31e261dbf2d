//! `cargo xtask arrows`: the architecture as a check.
//!
//! [`table`] says who may depend on whom and which crates are pure, [`graph`] compares that with what the
//! manifests say, [`source`] reads the pure crates' sources, [`shell`] those of the shells of phones. `docs/adr/0002-arrows.md` gives
//! the reasons.

use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::Failure;

mod graph;
mod lex;
mod shell;
mod source;
mod table;

use graph::{Crate, Dependency, Kind};

/// What every pure crate's `clippy.toml` has to be. Clippy reads the nearest one only and has no include, so
/// the copies are compared with this.
const CLIPPY_OF_PURE_CRATES: &str = include_str!("clippy.toml");

/// Checks the workspace at `root`, and names everything that is forbidden before it fails.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let crates = read_manifests(root)?;
    let mut found = graph::check(&crates);
    let mut files = 0;
    for name in table::PURE {
        let folder = root.join("core").join(name);
        if folder.is_dir() {
            found.extend(check_clippy(&folder));
            files += scan_folder(root, &folder, &["rs"], source::scan, &mut found)?;
        }
    }
    let mut shell_files = 0;
    for name in shell::FOLDERS {
        let folder = root.join(name);
        if folder.is_dir() {
            shell_files += scan_folder(root, &folder, shell::ENDINGS, shell::scan, &mut found)?;
        }
    }
    for line in &found {
        println!("{line}");
    }
    if !found.is_empty() {
        return Err(format!("{} forbidden", found.len()).into());
    }
    let arrows: usize = crates.iter().map(|each| each.own_dependencies().count()).sum();
    println!(
        "{} crates, {arrows} arrows, {files} files of pure crates, {shell_files} of shells: nothing forbidden",
        crates.len()
    );
    Ok(())
}

/// Every member of the workspace with every dependency its manifest names: normal, build and dev, for any
/// target, optional or not.
fn read_manifests(root: &Path) -> Result<Vec<Crate>, Failure> {
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
    let crates = metadata.packages.iter().map(|package| Crate {
        name: package.name.to_string(),
        dependencies: package
            .dependencies
            .iter()
            .map(|dependency| Dependency {
                name: dependency.name.clone(),
                kind: match dependency.kind {
                    DependencyKind::Development => Kind::Dev,
                    _ if dependency.optional => Kind::Optional,
                    _ => Kind::Normal,
                },
                features: dependency.features.clone(),
            })
            .collect(),
    });
    Ok(crates.collect())
}

fn check_clippy(folder: &Path) -> Option<String> {
    let file = folder.join("clippy.toml");
    let text = fs::read_to_string(&file).unwrap_or_default();
    (text != CLIPPY_OF_PURE_CRATES)
        .then(|| format!("{}: has to equal xtask/src/arrows/clippy.toml", file.display()))
}

/// Scans every file below `folder` that ends so, tests included: a test with ambient randomness cannot be repeated.
fn scan_folder(
    root: &Path,
    folder: &Path,
    endings: &[&str],
    scan: fn(&str, &str) -> Vec<String>,
    found: &mut Vec<String>,
) -> Result<usize, Failure> {
    let mut files = 0;
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files += scan_folder(root, &path, endings, scan, found)?;
        } else if path.extension().is_some_and(|it| endings.iter().any(|ending| it == *ending)) {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            found.extend(scan(&name, &fs::read_to_string(&path)?));
            files += 1;
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read_with_every_kind_of_dependency() {
        let folder = std::env::temp_dir().join(format!("firsthand-arrows-{}", std::process::id()));
        for name in ["ids", "record", "log"] {
            fs::create_dir_all(folder.join(name).join("src")).unwrap();
            fs::write(folder.join(name).join("src/lib.rs"), "").unwrap();
        }
        fs::write(
            folder.join("Cargo.toml"),
            "[workspace]\nresolver = '3'\nmembers = ['ids', 'record', 'log']\n",
        )
        .unwrap();
        let package = |name: &str, rest: &str| {
            let manifest = format!("[package]\nname = 'firsthand-{name}'\nedition = '2024'\n{rest}");
            fs::write(folder.join(name).join("Cargo.toml"), manifest).unwrap();
        };
        package("ids", "");
        package("record", "[dependencies]\nfirsthand-ids = { path = '../ids' }\n");
        package(
            "log",
            "[dependencies]\nrenamed = { package = 'firsthand-record', path = '../record', optional = true }\n\
             [target.'cfg(windows)'.build-dependencies]\nfirsthand-record = { path = '../record' }\n",
        );
        let found = graph::check(&read_manifests(&folder).unwrap());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["forbidden arrow: log -> record (optional)", "forbidden arrow: log -> record"]);
    }

    #[test]
    fn the_copies_of_clippy_toml_name_what_the_scan_names() {
        for word in ["SystemTime", "Instant", "HashMap", "HashSet", "ActorId::random", "AutoCommit::new"] {
            assert!(CLIPPY_OF_PURE_CRATES.contains(word), "{word}");
        }
    }
}
