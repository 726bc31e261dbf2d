use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A passphrase that is easy to find should it ever be printed.
pub(crate) const PASSPHRASE: &str = "orchid-lantern-47 never printed";

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The data, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The error, as JSON: the last line of standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn error(&self, status: i32) -> Value {
        assert_eq!(self.status, status, "{} {}", self.stdout, self.stderr);
        let last = self.stderr.trim_end().lines().last().unwrap_or_default();
        let error: Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}", self.stderr));
        assert_eq!(error["error"]["status"], status);
        error["error"].clone()
    }

    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.status, 0, "{} {}", self.stdout, self.stderr);
        self
    }
}

/// The program, untouched by the settings of whoever runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firsthand"));
    for name in ["FIRSTHAND_HOME", "FIRSTHAND_PASSPHRASE", "FIRSTHAND_NEW_PASSPHRASE", "VISUAL", "EDITOR"] {
        command.env_remove(name);
    }
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let run = Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!run.stdout.contains(PASSPHRASE) && !run.stderr.contains(PASSPHRASE));
    run
}

/// A home in a folder of its own.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    /// No home yet, only a place for one.
    pub(crate) fn none() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A home whose person, Amina, leads a new team.
    pub(crate) fn with_team() -> Self {
        let home = Self::none();
        home.run(&["team", "create", "--team", "River watch", "--as", "Amina"]).fine();
        home
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file beside the home.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.env("FIRSTHAND_PASSPHRASE", PASSPHRASE).arg("--home").arg(self.path()).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    /// Runs with `--json`.
    pub(crate) fn json(&self, args: &[&str]) -> Run {
        run(self.command(args).arg("--json"))
    }

    /// Runs with text on standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Run {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Run {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Adds an incident and returns its short code.
    pub(crate) fn add(&self, args: &[&str]) -> String {
        let args = [&["incident", "add"], args].concat();
        self.json(&args).json()["short_code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn digest(&self) -> String {
        let digest = self.run(&["digest"]).fine().stdout.trim().to_owned();
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
        digest
    }

    /// Starts a command that goes on, such as `sync --listen`.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }
}

/// A program that is running; it ends with the test.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// The next line of its data.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of its data, as JSON.
    #[track_caller]
    pub(crate) fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits for its end.
    pub(crate) fn status(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Asks it to end, as Ctrl-C or a service manager does.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two homes of one team: a lead, Amina, and a responder, Daniel, who joined through a real invitation.
pub(crate) fn lead_and_responder() -> (Home, Home) {
    let lead = Home::with_team();
    let responder = Home::none();
    join(&lead, &responder, "Daniel");
    (lead, responder)
}

/// Lets `joiner` join the team of `lead`.
pub(crate) fn join(lead: &Home, joiner: &Home, name: &str) {
    let mut invite = lead.start(&["team", "invite", "--listen", "127.0.0.1:0", "--yes"]);
    let code = invite.line();
    joiner.run(&["team", "join", &code, "--as", name, "--yes"]).fine();
    assert_eq!(invite.status(), 0);
}

/// Lets two homes meet once.
pub(crate) fn meet(waiting: &Home, calling: &Home) {
    let mut listening = waiting.start(&["sync", "--listen", "127.0.0.1:0", "--once"]);
    let address = listening.line();
    calling.run(&["sync", "--with", &address, "--once"]).fine();
    assert_eq!(listening.status(), 0);
}

/// The folder of real files, if there is one.
pub(crate) fn samples() -> Option<PathBuf> {
    let dir = std::env::var_os("FIRSTHAND_SAMPLES").map(PathBuf::from);
    if dir.is_none() {
        println!("FIRSTHAND_SAMPLES is not set: the real files of other programs are not tried");
    }
    dir
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
