//! When the device may be taken: end what runs, or destroy everything.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use firsthand_node::{Destroyed, Home, SystemRandom};
use serde::Serialize;

use crate::args::PanicArgs;
use crate::fail::Fail;
use crate::home::Session;

/// How long a program may take to end by itself. It closes its home at once; more is a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// What has to be typed.
const WORD: &str = "destroy";

#[derive(Serialize)]
struct Locked {
    /// Whether something had to be ended.
    ended: bool,
}

#[derive(Serialize)]
struct Gone {
    keys_destroyed: bool,
    /// Names that could not be removed.
    left: Vec<String>,
}

/// Ends whatever has the home open.
pub(super) async fn lock(session: &Session) -> Result<(), Fail> {
    if !session.home.is_dir() {
        return Err(firsthand_node::NodeError::from(firsthand_node::StoreError::NoHome).into());
    }
    let ended = end(&session.home, false).await?;
    session.out.data(&Locked { ended }, |it| {
        let said = if it.ended {
            "locked: the program that had it open has ended"
        } else {
            "locked: no program has it open"
        };
        said.to_owned()
    })
}

/// Destroys the home: keys first.
pub(super) async fn panic(session: &Session, args: &PanicArgs) -> Result<(), Fail> {
    if !session.home.is_dir() {
        return Err(firsthand_node::NodeError::from(firsthand_node::StoreError::NoHome).into());
    }
    if !args.now && !confirmed(&session.home)? {
        return Err(Fail::other("declined", "nothing was destroyed"));
    }
    end(&session.home, true).await?;
    let home = session.home.clone();
    let destroying = tokio::task::spawn_blocking(move || Home::destroy(&home, &mut SystemRandom::default()));
    let destroyed = destroying.await.map_err(|_| Fail::other("failed", "it ended before its time"))?;
    let Destroyed { keys, left } = destroyed.map_err(firsthand_node::NodeError::from)?;
    let gone = Gone { keys_destroyed: keys, left };
    session.out.data(&gone, human)?;
    if gone.keys_destroyed && gone.left.is_empty() {
        return Ok(());
    }
    Err(Fail::other("disk", "not everything could be removed; see above"))
}

fn human(gone: &Gone) -> String {
    let mut lines = vec![if gone.keys_destroyed {
        "the keys are destroyed: nothing of this home can be read any more".to_owned()
    } else {
        "THE KEYS COULD NOT BE DESTROYED: whoever knows the passphrase can still read it".to_owned()
    }];
    lines.extend(gone.left.iter().map(|name| format!("could not be removed: {name}")));
    lines.push(
        "what was exchanged is on the other devices; ask a lead to remove this device from the team"
            .to_owned(),
    );
    lines.join("\n")
}

fn confirmed(home: &Path) -> Result<bool, Fail> {
    let mut error = std::io::stderr();
    let _ = write!(
        error,
        "This destroys {} for good, also what is only on this device. Type \"{WORD}\" to go on: ",
        home.display()
    );
    let _ = error.flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(error);
    }
    read.map_err(|error| Fail::other("failed", format!("failed to read the answer: {error}")))?;
    Ok(line.trim() == WORD)
}

/// Ends the process that has the home open; says whether there was one. What it had acknowledged is on the disk, whenever it ends.
async fn end(home: &Path, at_once: bool) -> Result<bool, Fail> {
    let failed =
        |error: std::io::Error| Fail::other("failed", format!("failed to look at the home: {error}"));
    let mut ended = false;
    for kill in [at_once, true] {
        let Some(process) = Home::holder(home).map_err(failed)? else { return Ok(ended) };
        ended = true;
        signal(process, kill)?;
        let dir = home.to_owned();
        let waiting = tokio::task::spawn_blocking(move || Home::wait(&dir));
        if let Ok(waited) = tokio::time::timeout(PATIENCE, waiting).await {
            waited.map_err(|_| Fail::other("failed", "it ended before its time"))?.map_err(failed)?;
            return Ok(true);
        }
    }
    Err(Fail::other("failed", "failed to end the program that has the home open"))
}

#[cfg(unix)]
fn signal(process: u32, kill: bool) -> Result<(), Fail> {
    use rustix::process::{Pid, Signal, kill_process};
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let process = process
        .ok_or_else(|| Fail::other("failed", "another program has the home open, and cannot be told"))?;
    let signal = if kill { Signal::KILL } else { Signal::TERM };
    match kill_process(process, signal) {
        // It has ended in the meantime.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            Err(Fail::other("failed", format!("failed to end the program that has the home open: {error}")))
        }
    }
}

#[cfg(not(unix))]
fn signal(process: u32, _: bool) -> Result<(), Fail> {
    Err(Fail::other("in_use", format!("process {process} has the home open; end it, then do this again")))
}
