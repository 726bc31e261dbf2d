//! `cargo xtask bindings`: the Kotlin, Swift and Python that call the built library; and the tests in these languages.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Instant;

use crate::{Failure, android, swift, tools};

/// Where Python's modules go.
const PYTHON: &str = "python/firsthand_core";
/// What runs the tests in Python.
const PYTEST: &str = "pytest==9.*";

/// Where cargo puts the programs and libraries that it builds for tests, and where the generated code goes.
pub(crate) struct Folders {
    pub(crate) target: PathBuf,
    pub(crate) programs: PathBuf,
    pub(crate) libraries: PathBuf,
    generated: PathBuf,
}

impl Folders {
    pub(crate) fn of(root: &Path) -> Self {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it));
        // What only tests link stays among what was compiled.
        let programs = target.join("debug");
        Self { libraries: programs.join("deps"), programs, generated: target.join("bindings"), target }
    }
}

const fn library() -> &'static str {
    if cfg!(target_os = "macos") {
        "libfirsthand_bindings.dylib"
    } else if cfg!(windows) {
        "firsthand_bindings.dll"
    } else {
        "libfirsthand_bindings.so"
    }
}

/// The command line, which tests of the shells use for what a laptop does.
pub(crate) const fn program() -> &'static str {
    if cfg!(windows) { "firsthand.exe" } else { "firsthand" }
}

/// Builds the library and writes the code for each language to `target/bindings`; with `--test` runs the tests in these languages.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let tested = match arguments {
        [] => false,
        [one] if one == "--test" => true,
        _ => return Err("it takes --test and nothing else".into()),
    };
    build(root, tested)?;
    if tested { test(root).map(drop) } else { generate(root) }
}

/// Builds the library as for the tests, and what writes the code that calls it; and the command line where tests use it.
pub(crate) fn build(root: &Path, with_program: bool) -> Result<(), Failure> {
    tools::check()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root).args(["test", "--no-run", "-p", "firsthand-bindings", "-p", "firsthand-bindgen"]);
    if with_program {
        build.args(["-p", "firsthand-cli"]);
    }
    if build.status()?.success() { Ok(()) } else { Err("the library does not build".into()) }
}

/// Writes the code that calls the library as it was built for the tests.
fn generate(root: &Path) -> Result<(), Failure> {
    let folders = Folders::of(root);
    let library = folders.libraries.join(library());
    // In Python the two modules find each other in a package.
    for (language, folder) in [("kotlin", "kotlin"), ("swift", "swift"), ("python", PYTHON)] {
        write_language(root, &folders, language, &folders.generated.join(folder))?;
    }
    for module in ["firsthand.py", "firsthand_record.py"] {
        compare_versions(&folders.generated.join(PYTHON).join(module))?;
    }
    // Python looks for the library beside the module.
    let beside = folders.generated.join(PYTHON).join(self::library());
    fs::copy(&library, beside)?;
    Ok(())
}

/// Writes the code for one language to a folder.
pub(crate) fn write_language(
    root: &Path,
    folders: &Folders,
    language: &str,
    out: &Path,
) -> Result<(), Failure> {
    let mut command = Command::new(folders.programs.join("uniffi-bindgen"));
    command.current_dir(root).args(["generate", "--no-format", "--language", language, "--out-dir"]);
    let output = command.arg(out).arg(folders.libraries.join(library())).output()?;
    if !output.status.success() {
        return Err(format!("no {language} was written\n{}", text(&output)).into());
    }
    println!("{}", out.display());
    Ok(())
}

/// Has a Python module compare its checksums with those of the library when it is loaded, as Kotlin and Swift do: UniFFI 0.32
/// writes the comparison and then does not call it.
fn compare_versions(module: &Path) -> Result<(), Failure> {
    const CALL: &str = "_uniffi_check_api_checksums(_UniffiLib)";
    let text = fs::read_to_string(module)?;
    let silent = format!("\n# {CALL}\n");
    if !text.contains(&silent) {
        return Err("UniFFI writes Python in another way; look how it compares versions now".into());
    }
    fs::write(module, text.replace(&silent, &format!("\n{CALL}\n")))?;
    Ok(())
}

/// How the tests of one language went.
pub(crate) struct Report {
    language: &'static str,
    /// What was printed.
    text: String,
    /// How many passed, or why they did not run or failed.
    pub(crate) result: Result<u64, String>,
    seconds: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        match &self.result {
            Ok(count) => write!(f, "{}: {count} passed in {} s", self.language, self.seconds),
            Err(why) => write!(f, "{}: {why}", self.language),
        }
    }
}

/// Generates the code and runs the tests of each language and of the shells, side by side: one compiles while the other one
/// waits for phones to meet. Swift is passed over, with a line that says so, where the machine allows no mounts. Gives how many passed, and the lines `figure: ..` that they wrote.
pub(crate) fn test(root: &Path) -> Result<(u64, Vec<String>), Failure> {
    generate(root)?;
    let (maven, others) = thread::scope(|scope| {
        // One after the other: two compilers for the JVM at once want more memory than a small machine has.
        let maven =
            scope.spawn(|| [timed("kotlin", || kotlin(root)), timed("android", || android::test(root))]);
        let mut others = vec![timed("python", || python(root))];
        match swift::refused() {
            None => others.push(timed("swift", || swift::test(root))),
            Some(why) => println!("swift: skipped: {why}"),
        }
        (maven.join(), others)
    });
    let [kotlin, android] = maven.map_err(|_| "the tests in Kotlin could not be run")?;
    let (mut passed, mut figures, mut failed) = (0, Vec::new(), Vec::new());
    for report in others.into_iter().chain([kotlin, android]) {
        println!("{report}");
        figures.extend(report.text.lines().filter_map(|it| Some(it.split_once("figure: ")?.1.to_owned())));
        match report.result {
            Ok(count) => passed += count,
            Err(_) => failed.push(report.language),
        }
    }
    if failed.is_empty() {
        Ok((passed, figures))
    } else {
        Err(format!("the tests of the bindings and shells in {} did not pass", failed.join(" and ")).into())
    }
}

pub(crate) fn timed(language: &'static str, work: impl FnOnce() -> Result<(String, u64), String>) -> Report {
    let begun = Instant::now();
    let (text, result) = match work() {
        Ok((text, passed)) => (text, Ok(passed)),
        Err(text) => match text.split_once('\n') {
            Some((why, text)) => (text.to_owned(), Err(why.to_owned())),
            None => (String::new(), Err(text)),
        },
    };
    Report { language, text, result, seconds: begun.elapsed().as_secs() }
}

/// A folder for programs that tests need, outside the repository and kept between runs.
pub(crate) fn cache() -> Result<PathBuf, String> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty()).map(PathBuf::from).or_else(home);
    Ok(base.ok_or("there is no folder for caches; set XDG_CACHE_HOME")?.join("firsthand"))
}

fn output(command: &mut Command, missing: &str) -> Result<Output, String> {
    command.output().map_err(|_| missing.to_owned())
}

fn text(output: &Output) -> String {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{errors}")
}

fn python(root: &Path) -> Result<(String, u64), String> {
    let own = cache()?.join("python");
    let program = own.join("bin/python");
    if !program.exists() {
        let missing =
            "not run: there is no Python with venv; on Debian and Ubuntu: apt-get install python3-venv";
        let made = output(Command::new("python3").args(["-m", "venv"]).arg(&own), missing)?;
        if !made.status.success() {
            // A folder that is half made would seem complete at the next start.
            drop(fs::remove_dir_all(&own));
            return Err(format!("{missing}\n{}", text(&made)));
        }
    }
    let has = output(Command::new(&program).args(["-m", "pytest", "--version"]), "not run: no Python")?;
    if !has.status.success() {
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTEST];
        let installed = output(Command::new(&program).args(install), "not run: no pip")?;
        if !installed.status.success() {
            return Err(format!("not run: pytest could not be installed\n{}", text(&installed)));
        }
    }
    let mut command = Command::new(&program);
    command.current_dir(root.join("bindings/tests/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("FIRSTHAND_GENERATED", Folders::of(root).generated.join("python"));
    let ran =
        output(command.args(["-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider"]), "not run: no Python")?;
    let text = text(&ran);
    let passed = text.lines().rev().find_map(|line| number_before(line, " passed"));
    match passed {
        Some(passed) if ran.status.success() => Ok((summary(&text), passed)),
        _ => Err(format!("failed\n{text}")),
    }
}

fn kotlin(root: &Path) -> Result<(String, u64), String> {
    let target = Folders::of(root);
    let mut command = Command::new("mvn");
    command.current_dir(root.join("bindings/tests/kotlin")).args(["-B", "-ntp", "test"]);
    command.arg(defined("cargo.library", &target.libraries));
    command.arg(defined("generated", &target.generated));
    maven(&mut command)
}

/// A property of a Maven build.
pub(crate) fn defined(name: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(format!("-D{name}="));
    argument.push(value);
    argument
}

/// Runs a Maven build, of one module or several. Gives what it measured, and how many tests passed.
pub(crate) fn maven(command: &mut Command) -> Result<(String, u64), String> {
    let missing = "not run: there is no Maven with a JDK; on Debian and Ubuntu: apt-get install maven openjdk-17-jdk-headless";
    let ran = output(command, missing)?;
    let text = text(&ran);
    match sum(&text) {
        Some(passed) if ran.status.success() && passed > 0 => Ok((summary(&text), passed)),
        _ => Err(format!("failed\n{text}")),
    }
}

/// How many tests passed in all modules; nothing where one failed.
fn sum(text: &str) -> Option<u64> {
    // Each class has a line with its name at the end; each module one without, which is their sum.
    let sums = text.lines().filter(|line| line.contains("Tests run: ") && !line.contains(" -- in "));
    sums.map(|line| number_before(line, ", Failures: 0, Errors: 0, Skipped: 0")).sum()
}

/// Of the output of tests that all passed: what they measured.
fn summary(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("figure: ")).collect();
    lines.join("\n")
}

/// The number in front of a word.
fn number_before(line: &str, word: &str) -> Option<u64> {
    line.split_once(word)?.0.split(|c: char| !c.is_ascii_digit()).next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read() {
        assert_eq!(number_before("27 passed in 10.21s", " passed"), Some(27));
        assert_eq!(number_before("1 failed, 26 passed in 10.21s", " passed"), Some(26));
        let maven = "[INFO] Tests run: 14, Failures: 0, Errors: 0, Skipped: 0";
        assert_eq!(number_before(maven, ", Failures: 0, Errors: 0, Skipped: 0"), Some(14));
        let failed = "[ERROR] Tests run: 14, Failures: 1, Errors: 0, Skipped: 0";
        assert_eq!(number_before(failed, ", Failures: 0, Errors: 0, Skipped: 0"), None);
        assert_eq!(number_before("no tests ran", " passed"), None);
    }

    #[test]
    fn modules_are_added_up() {
        let module = |tests: u64| {
            format!(
                "[INFO] Tests run: {tests}, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s -- in A\n\
                 [INFO] Results:\n[INFO] Tests run: {tests}, Failures: 0, Errors: 0, Skipped: 0\n"
            )
        };
        assert_eq!(sum(&(module(21) + &module(104))), Some(125));
        let failed = "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0\n";
        assert_eq!(sum(&(module(21) + failed)), None);
    }
}
