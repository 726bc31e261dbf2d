//! `firsthand demo`: a field day of three devices, on real stores and over real sockets, told as it happens.
//!
//! [`day`] is the story, [`device`] how devices meet, [`crash`] the process that is killed, [`photo`] the picture,
//! [`relay`] what goes over a relay.

mod crash;
mod day;
mod device;
mod photo;
mod relay;
mod shift;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::args::DemoArgs;
use crate::command::incident::Item;
use crate::fail::Fail;
use crate::show::Out;
use device::Meeting;

/// What the day came to, in machine output.
#[derive(Serialize)]
struct Report {
    /// The incidents, the same on all devices.
    items: Vec<Item>,
    /// Whether all devices hold the same.
    same: bool,
    devices: Vec<DeviceLine>,
    meetings: Vec<Meeting>,
    conflict: Conflict,
    killed: Crash,
    relay: relay::Carried,
    seconds: f64,
    home: Option<String>,
}

#[derive(Serialize)]
struct DeviceLine {
    name: &'static str,
    digest: String,
}

#[derive(Serialize)]
struct Conflict {
    short_code: String,
    field: String,
    values: Vec<String>,
    settled: String,
}

#[derive(Serialize)]
struct Crash {
    #[serde(flatten)]
    killed: crash::Killed,
    /// Incidents the home held when it was opened again.
    incidents_after_crash: u64,
    /// And after it had met the others once more.
    incidents_at_the_end: u64,
}

/// Tells the story: on standard output for a person, on standard error when standard output is for a script.
#[derive(Clone, Copy)]
struct Narrator(Out);

impl Narrator {
    fn chapter(self, title: &str) -> Result<(), Fail> {
        self.say(&format!("\n{title}"))
    }

    fn say(self, text: &str) -> Result<(), Fail> {
        if self.0.json {
            crate::show::to_stderr(text);
            Ok(())
        } else {
            self.0.line(text)
        }
    }

    /// A step of a chapter.
    fn step(self, text: &str) -> Result<(), Fail> {
        let indented: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
        self.say(&indented.join("\n"))
    }
}

/// The demo's folder, and whether it goes at the end.
struct Folder {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folder {
    fn new(args: &DemoArgs) -> Result<Self, Fail> {
        if let Some(path) = &args.dir {
            let empty = match std::fs::read_dir(path) {
                Ok(mut entries) => entries.next().is_none(),
                Err(error) => error.kind() == std::io::ErrorKind::NotFound,
            };
            if !empty {
                return Err(Fail::input("DIR", "is not empty; the demo wants a folder of its own"));
            }
            std::fs::create_dir_all(path)
                .map_err(|error| Fail::input("DIR", format!("cannot be made: {}", error.kind())))?;
            return Ok(Self { path: path.clone(), temporary: None });
        }
        let folder = tempfile::Builder::new()
            .prefix("firsthand-demo-")
            .tempdir()
            .map_err(|error| Fail::other("demo", format!("failed to make a folder: {}", error.kind())))?;
        let path = folder.path().to_owned();
        if args.keep {
            return Ok(Self { path: folder.keep(), temporary: None });
        }
        Ok(Self { path, temporary: Some(folder) })
    }

    fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }
}

/// Plays the day.
pub(crate) async fn run(out: Out, args: &DemoArgs) -> Result<(), Fail> {
    let narrator = Narrator(out);
    let folder = Folder::new(args)?;
    let started = Instant::now();
    let mut report = day::play(narrator, &folder.path).await?;
    report.seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    narrator.say(&format!("\nThe day took {} s. All three devices hold the same.", report.seconds))?;
    if folder.is_kept() {
        report.home = Some(folder.path.display().to_string());
        narrator.say(&look_around(&folder.path))?;
    }
    if out.json { out.data(&report, |_| String::new()) } else { Ok(()) }
}

fn look_around(dir: &Path) -> String {
    let (home, passphrase) = (device::home(dir, day::LEAD), device::passphrase(day::LEAD));
    format!(
        "The homes are kept. To look around:\n  FIRSTHAND_PASSPHRASE=\"{passphrase}\" firsthand --home {} incident list",
        home.display()
    )
}
