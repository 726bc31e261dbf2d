//! Editing a text in the person's editor without leaving it on a disk.
//!
//! No plaintext of a record may be written to a file. An editor needs one, so it gets it where files are memory: in the
//! session's own folder under `/run/user`, or in `/dev/shm`. Where there is no such place, the editor is refused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::Fail;
use crate::home::{NEW_PASSPHRASE, PASSPHRASE};
use crate::meeting::interrupted;

/// Opens the editor on `text` and returns what it left.
pub(super) async fn edit(text: String) -> Result<String, Fail> {
    // Ctrl-C is the editor's while it runs. If it ended this program, the file would stay behind.
    let ignore = tokio::spawn(async {
        loop {
            interrupted().await;
        }
    });
    let edited = tokio::task::spawn_blocking(move || run(&text)).await;
    ignore.abort();
    edited.unwrap_or_else(|_| Err(Fail::other("editor", "the editor could not be run")))
}

fn run(text: &str) -> Result<String, Fail> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        return Err(Fail::other("editor", "failed to open an editor: set EDITOR to its name"));
    };
    let Some(place) = memory_folder() else {
        return Err(Fail::other(
            "editor",
            "failed to open an editor: it needs a file, and this system has no folder that is kept in memory only",
        )
        .hint("Give the text with --narrative, or pipe it in with --narrative -."));
    };
    let file =
        |error: std::io::Error| Fail::other("editor", format!("failed to open an editor: {}", error.kind()));
    let folder = private_folder(&place).map_err(file)?;
    let path = folder.path().join("narrative.txt");
    // Editors end the last line; the text does not.
    let content = format!("{text}\n");
    std::fs::File::create_new(&path).and_then(|mut file| file.write_all(content.as_bytes())).map_err(file)?;
    let mut words = editor.split_whitespace();
    let status = Command::new(words.next().unwrap_or_default())
        .args(words)
        .arg(&path)
        // The editor and what it starts have no use for these.
        .env_remove(PASSPHRASE)
        .env_remove(NEW_PASSPHRASE)
        .status()
        .map_err(file)?;
    if !status.success() {
        return Err(Fail::other("editor", "the editor ended with an error; nothing was changed"));
    }
    let edited = std::fs::read_to_string(&path).map_err(file)?;
    Ok(edited.strip_suffix('\n').unwrap_or(&edited).to_owned())
}

/// A folder that only this person can enter. It goes when the value does.
fn private_folder(place: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("firsthand-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(place)
}

/// A folder whose files are kept in memory.
fn memory_folder() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.into_iter()
        .chain([PathBuf::from("/dev/shm")])
        .find(|folder| folder.is_dir() && in_memory(folder, &mounts))
}

/// Whether the innermost mount that holds `folder` keeps its files in memory.
fn in_memory(folder: &Path, mounts: &str) -> bool {
    let mount = |line: &str| {
        let mut words = line.split(' ');
        let (_, point, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(point).then(|| (point.len(), kind == "tmpfs" || kind == "ramfs"))
    };
    // The last of equal mounts covers the others.
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).is_some_and(|(_, memory)| memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
/dev/sda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
tmpfs /run/user/1000 tmpfs rw 0 0
/dev/sdb1 /run/media ext4 rw 0 0
";

    #[test]
    #[cfg(unix)]
    fn nobody_else_can_enter_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = private_folder(place.path()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&folder.path().metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn only_a_folder_in_memory_will_do() {
        let memory = |folder: &str| in_memory(Path::new(folder), MOUNTS);
        assert!(memory("/run/user/1000"));
        assert!(memory("/run/user/1000/x"));
        assert!(!memory("/tmp"));
        assert!(!memory("/run/media/stick"));
        assert!(!in_memory(Path::new("/dev/shm"), ""));
    }
}
