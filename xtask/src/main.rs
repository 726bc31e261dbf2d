//! Chores of the workspace: `cargo xtask <command>`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod android;
mod arrows;
mod bindings;
mod dictionary;
mod fuzz;
mod long;
mod net;
mod swift;
mod test_run;
mod texts;
mod tools;

/// Why a chore failed, in words for the person at the terminal.
type Failure = Box<dyn std::error::Error>;

/// One chore.
struct Command {
    name: &'static str,
    about: &'static str,
    /// Gets the workspace's root and the arguments behind the command's name.
    run: fn(&Path, &[String]) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "arrows",
        about: "check who may depend on whom, and that pure crates stay pure",
        run: |root, _| arrows::run(root),
    },
    Command {
        name: "bindings",
        about: "write the Kotlin, Swift and Python that call the library, to target/bindings; --test runs their tests and those of both shells",
        run: bindings::run,
    },
    Command {
        name: "dictionary",
        about: "train the compression dictionaries; --measure prints what they achieve",
        run: dictionary::run,
    },
    Command {
        name: "fuzz",
        about: "try every decoder with libFuzzer: [--seconds N] [DECODER ..], 60 s each by default",
        run: fuzz::run,
    },
    Command {
        name: "long",
        about: "the fault runs that take hours: [--from SEED] [--count N] [RUN ..]; --list names them",
        run: long::run,
    },
    Command {
        name: "net",
        about: "nodes on networks that are slow, lossy and cut, as root on Linux; further arguments name tests",
        run: net::run,
    },
    Command {
        name: "swift",
        about: "the iOS shell and the bindings in Swift, built and tested as root on Linux; --built takes the library as it was built last",
        run: swift::run,
    },
    Command {
        name: "test",
        about: "run every test, those in Python, Kotlin and Swift and of both shells too; arguments go to `cargo test --workspace`, which then runs alone",
        run: test_run::run,
    },
    Command {
        name: "texts",
        about: "check what the screens say, and write it in each platform's own format to target/texts",
        run: |root, _| texts::run(root),
    },
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("usage: cargo xtask <command>\n");
        for Command { name, about, .. } in COMMANDS {
            eprintln!("  {name:<12} {about}");
        }
        return ExitCode::from(2);
    };
    match (command.run)(&root(), &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cargo xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: the folder above this crate's.
fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}
