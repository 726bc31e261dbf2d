//! `cargo xtask swift`: the iOS shell and the bindings in Swift, built and tested on Linux in a [root of their own](root).
//!
//! The code that calls the library is written to `target/swift/core` as a package of its own. `ios/Package.swift` depends on it; nothing
//! of it is in the repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) use root::refused;
use root::{Root, TARGET, WORKSPACE, inside};

use crate::{Failure, bindings, texts};

mod root;

/// Apple's modules of which `ios/Stubs` has as much as the app uses, each behind those that it needs.
const STUBS: &[&str] = &[
    "Darwin",
    "UIKit",
    "SwiftUI",
    "AVFoundation",
    "CoreImage",
    "CoreLocation",
    "MultipeerConnectivity",
    "Network",
    "Security",
    "UserNotifications",
    "VisionKit",
];

/// Everything is formatted but the stubs: their names are Apple's.
const FORMAT: &[&str] =
    &["format", "lint", "--strict", "--recursive", "App", "Sources", "Tests", "core", "Package.swift"];

/// Compiles the stubs and checks the app's types against them: `$1` is the folder for modules, `$2` that of the shell's own, `$3` that of the
/// generated code, `$4` the texts. Every file is parsed first, so that an error of grammar is said as one.
const CHECK_APP: &str = r#"set -e
modules=$1 shell=$2 core=$3 texts=$4
shift 4
mkdir -p "$modules"
files=$(find App -name '*.swift' | sort)
swiftc -frontend -parse $files
for module in "$@"; do
    swiftc -emit-module -parse-as-library -swift-version 6 -module-name "$module" -I "$modules" \
        -o "$modules/$module.swiftmodule" "Stubs/$module.swift"
done
swiftc -typecheck -parse-as-library -swift-version 6 -warnings-as-errors -module-name Firsthand -I "$modules" -I "$shell" \
    -Xcc "-fmodule-map-file=$core/firsthandFFI/module.modulemap" -Xcc "-fmodule-map-file=$core/firsthand_recordFFI/module.modulemap" \
    $files "$texts"
"#;

/// What UniFFI writes for each crate: a Swift file, a header, and a map of modules that names Apple's.
const CRATES: &[&str] = &["firsthand", "firsthand_record"];

/// Builds the library and the command line, and runs what Swift checks. With `--built` takes them as they were built last.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => bindings::build(root, true)?,
        [one] if one == "--built" => {}
        _ => return Err("it takes --built and nothing else".into()),
    }
    let report = bindings::timed("swift", || test(root));
    println!("{report}");
    if report.result.is_ok() { Ok(()) } else { Err("Swift did not pass".into()) }
}

/// Writes the texts and the code that calls the library, then formats, compiles and tests in Swift. Gives what was measured and how
/// many tests passed, or why not.
pub(crate) fn test(root: &Path) -> Result<(String, u64), String> {
    let folders = bindings::Folders::of(root);
    let cache = bindings::cache()?.join("swift");
    let inside_root = Root::ready(&cache, root, &folders.target)?;
    let written: Result<(), Failure> = texts::run(root);
    written.map_err(|why| format!("not run: the texts were not written: {why}"))?;
    generate(root, &folders).map_err(|why| format!("not run: no Swift was written: {why}"))?;
    let ios = inside(WORKSPACE, "ios");
    step("formatting", inside_root.command(&ios, "swift").args(FORMAT))?;
    let tested = step("tests", inside_root.command(&ios, "env").args(swift_test()))?;
    let mut check = inside_root.command(&ios, "sh");
    check.args(["-c", CHECK_APP, "firsthand"]).args(app_folders()).args(STUBS);
    step("types of the app", &mut check)?;
    let text = text(&tested);
    match passed(&text) {
        Some(count) if count > 0 => Ok((figures(&text), count)),
        _ => Err(format!("failed: no test was counted\n{text}")),
    }
}

/// `swift test` with what it needs to find the library and the program.
fn swift_test() -> Vec<String> {
    let deps = inside(TARGET, "debug/deps");
    let mut arguments = vec![
        format!("FIRSTHAND_CORE={}", inside(TARGET, "swift/core")),
        format!("FIRSTHAND_PROGRAM={}", inside(TARGET, "debug/firsthand")),
        "swift".to_owned(),
        "test".to_owned(),
        "--scratch-path".to_owned(),
        inside(TARGET, "swift/build"),
    ];
    // libswiftObservation.so of Debian lacks a symbol that nothing calls.
    for option in [format!("-L{deps}"), format!("-rpath={deps}"), "--allow-shlib-undefined".to_owned()] {
        arguments.extend(["-Xlinker".to_owned(), option]);
    }
    arguments
}

/// What [`CHECK_APP`] is given, as it is seen from inside.
fn app_folders() -> [String; 4] {
    ["swift/stubs", "swift/build/debug/Modules", "swift/core/Sources", "texts/apple/Texts.swift"]
        .map(|path| inside(TARGET, path))
}

/// Writes the package `FirsthandCore` for the library as it was built for the tests.
fn generate(root: &Path, folders: &bindings::Folders) -> Result<(), Failure> {
    let written = folders.target.join("bindings/swift");
    bindings::write_language(root, folders, "swift", &written)?;
    let core = folders.target.join("swift/core");
    copy(&root.join("ios/core/Package.swift"), &core.join("Package.swift"))?;
    for name in CRATES {
        copy(
            &written.join(format!("{name}.swift")),
            &core.join(format!("Sources/FirsthandCore/{name}.swift")),
        )?;
        let header = format!("{name}FFI.h");
        let module = core.join(format!("Sources/{name}FFI"));
        copy(&written.join(&header), &module.join(&header))?;
        // UniFFI's own map uses modules that only Apple's SDK has.
        let map = format!("module {name}FFI {{\n    header \"{header}\"\n    export *\n}}\n");
        write(&module.join("module.modulemap"), &map)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let content = fs::read_to_string(from).map_err(|why| format!("{}: {why}", from.display()))?;
    write(to, &content)
}

/// Writes a file. What has not changed keeps its date, so that nothing is compiled again for it.
fn write(path: &Path, content: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if fs::read_to_string(path).ok().as_deref() != Some(content) {
        fs::write(path, content)?;
    }
    Ok(())
}

/// Runs one command to its end; the error says which one failed and what it printed.
fn step(what: &str, command: &mut Command) -> Result<Output, String> {
    let ran = command.output().map_err(|why| format!("not run: {what}: {why}"))?;
    if ran.status.success() { Ok(ran) } else { Err(format!("failed: {what}\n{}", text(&ran))) }
}

fn text(output: &Output) -> String {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{errors}")
}

/// How many tests passed, by the last line of Swift Testing; nothing where one failed.
fn passed(text: &str) -> Option<u64> {
    let mut sums = text.lines().filter_map(|line| line.split_once("Test run with ")?.1.split_once(" passed"));
    let (sum, _) = sums.next_back()?;
    sum.split(' ').next()?.parse().ok()
}

fn figures(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("figure: ")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read() {
        let empty = "\u{25c7} Test run started.\n";
        assert_eq!(passed(empty), None);
        let ok = "\u{2714} Test run with 31 tests passed after 12.301 seconds.\n";
        assert_eq!(passed(&format!("{empty}{ok}")), Some(31));
        let one = "\u{2714} Test run with 1 test passed after 0.301 seconds.\n";
        assert_eq!(passed(one), Some(1));
        assert_eq!(passed("\u{2718} Test run with 31 tests failed after 12 seconds with 1 issue.\n"), None);
    }
}
