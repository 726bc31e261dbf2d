//! Which folder is the home, and its passphrase.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use firsthand_node::{Environment, Node, Passphrase};
use zeroize::Zeroizing;

use crate::args::Global;
use crate::fail::{Fail, Status};
use crate::show::{Out, recovery};

/// The longest passphrase: more is a mistaken file.
const MAX_PASSPHRASE_BYTES: usize = 1024;

/// Below this many characters a passphrase that is made up gets a word of advice.
const SHORT_PASSPHRASE: usize = 12;

/// Holds the passphrase.
pub(crate) const PASSPHRASE: &str = "FIRSTHAND_PASSPHRASE";
/// Holds the passphrase that replaces the present one.
pub(crate) const NEW_PASSPHRASE: &str = "FIRSTHAND_NEW_PASSPHRASE";

/// What every command works with.
pub(crate) struct Session {
    /// Where output goes.
    pub(crate) out: Out,
    /// The home's folder.
    pub(crate) home: PathBuf,
    passphrase_file: Option<PathBuf>,
}

impl Session {
    /// The session of a command line.
    pub(crate) fn new(global: &Global) -> Result<Self, Fail> {
        let home = match &global.home {
            Some(home) => home.clone(),
            None => default_home(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
                .ok_or_else(|| {
                    Fail::other("no_home", "there is no folder for your data; name one with --home")
                })?,
        };
        Ok(Self { out: Out { json: global.json }, home, passphrase_file: global.passphrase_file.clone() })
    }

    /// The session of another home of the same person.
    pub(crate) fn beside(&self, home: &Path, passphrase_file: Option<&Path>) -> Self {
        let file = passphrase_file.map(Path::to_owned).or_else(|| self.passphrase_file.clone());
        Self { out: self.out, home: home.to_owned(), passphrase_file: file }
    }

    /// The passphrase of a home that exists.
    pub(crate) fn passphrase(&self) -> Result<Zeroizing<String>, Fail> {
        given(self.passphrase_file.as_deref(), PASSPHRASE).unwrap_or_else(|| ask("Passphrase: "))
    }

    /// A passphrase for a home that is being made.
    pub(crate) fn new_passphrase(&self) -> Result<Zeroizing<String>, Fail> {
        choose(self.passphrase_file.as_deref(), PASSPHRASE)
    }

    /// Opens the home, does the work, and closes it again whatever came of it.
    pub(crate) async fn with_node<T>(
        &self,
        work: impl AsyncFnOnce(&Node) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        if !self.home.is_dir() {
            return Err(firsthand_node::NodeError::from(firsthand_node::StoreError::NoHome).into());
        }
        let passphrase = self.passphrase()?;
        let node = Node::open(&self.home, secret(&passphrase), Environment::laptop()).await?;
        let recovery = node.recovery().await?;
        if recovery.new_writer {
            let lines = recovery::machine(&recovery).map(|it| recovery::lines(&it)).unwrap_or_default();
            self.out.note(&lines.join("\n"));
        }
        self.work(node, work).await
    }

    /// Does the work on an open node, and closes it whatever came of it.
    pub(crate) async fn work<T>(
        &self,
        node: Node,
        work: impl AsyncFnOnce(&Node) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let result = work(&node).await;
        let closed = node.shutdown().await;
        let value = result?;
        closed?;
        Ok(value)
    }
}

/// Hands a passphrase to the node.
pub(crate) fn secret(passphrase: &Zeroizing<String>) -> Passphrase {
    Passphrase::new(passphrase.to_string())
}

/// The passphrase that replaces the present one.
pub(crate) fn replacement(file: Option<&Path>) -> Result<Zeroizing<String>, Fail> {
    choose(file, NEW_PASSPHRASE)
}

fn choose(file: Option<&Path>, variable: &str) -> Result<Zeroizing<String>, Fail> {
    let passphrase = match given(file, variable) {
        Some(given) => given?,
        None => {
            let first = ask("New passphrase: ")?;
            if *ask("The same again: ")? != *first {
                return Err(Fail::input("passphrase", "was not the same the second time"));
            }
            first
        }
    };
    if passphrase.is_empty() {
        return Err(Fail::input("passphrase", "is empty"));
    }
    if passphrase.chars().count() < SHORT_PASSPHRASE {
        crate::show::to_stderr(
            "note: this passphrase is short. Whoever holds the device can try many; five or more words picked at random \
             are hard to guess and easy to keep.",
        );
    }
    Ok(passphrase)
}

/// The passphrase from a file or the environment, if either is there.
fn given(file: Option<&Path>, variable: &str) -> Option<Result<Zeroizing<String>, Fail>> {
    if let Some(file) = file {
        return Some(first_line(file));
    }
    let value = std::env::var_os(variable)?;
    Some(match value.into_string() {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(_) => Err(Fail::input("passphrase", "is not text in UTF-8")),
    })
}

fn first_line(file: &Path) -> Result<Zeroizing<String>, Fail> {
    let unreadable = |error: std::io::Error| {
        Fail::new(Status::Locked, "locked", format!("failed to read the passphrase file: {}", error.kind()))
    };
    // Room for the longest line from the start: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_BYTES + 2));
    let mut reader =
        BufReader::with_capacity(1, std::io::Read::take(File::open(file).map_err(unreadable)?, 1026));
    reader.read_until(b'\n', &mut line).map_err(unreadable)?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match std::str::from_utf8(text) {
        Ok(text) if text.len() <= MAX_PASSPHRASE_BYTES => Ok(Zeroizing::new(text.to_owned())),
        Ok(_) => Err(Fail::input("passphrase", format!("is longer than {MAX_PASSPHRASE_BYTES} bytes"))),
        Err(_) => Err(Fail::input("passphrase", "is not text in UTF-8")),
    }
}

pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Fail> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| {
        Fail::new(Status::Locked, "locked", "failed to ask for the passphrase: there is no terminal")
            .hint("Set FIRSTHAND_PASSPHRASE or give --passphrase-file.")
    })
}

/// Where programs keep data on this platform.
fn default_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let user = || variable("HOME").map(PathBuf::from);
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        user().map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG base directory specification ignores relative paths.
        let given = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        given.or_else(|| user().map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("firsthand"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_default_home_follows_the_platform() {
        let home = |pairs: &[(&str, &str)]| {
            default_home(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(home(&[("HOME", "/h")]), Some("/h/.local/share/firsthand".into()));
        assert_eq!(home(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]), Some("/d/firsthand".into()));
        assert_eq!(home(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]), Some("/h/.local/share/firsthand".into()));
        assert_eq!(home(&[]), None);
    }

    #[test]
    fn a_passphrase_file_gives_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p");
        for (content, expected) in
            [("one\ntwo\n", "one"), ("one\r\n", "one"), ("  spaces stay \n", "  spaces stay ")]
        {
            std::fs::write(&file, content).unwrap();
            assert_eq!(*first_line(&file).unwrap(), expected);
        }
        std::fs::write(&file, "x".repeat(2000)).unwrap();
        assert_eq!(first_line(&file).unwrap_err().status, Status::BadInput);
        assert_eq!(first_line(&dir.path().join("none")).unwrap_err().status, Status::Locked);
    }
}
