//! The root of its own in which Swift runs on Linux.
//!
//! Debian 12 has no Swift and Debian 13 has one. Packages of the two are never mixed: Debian 13 stands in a folder outside the
//! repository, and what runs there sees the workspace and the build folder as mounts. Those are made in a mount namespace that ends
//! with the command, so nothing has to be unmounted, whatever happens, and nothing is deleted through a mount.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the root is made of. A root made of something else is made anew.
const RELEASE: &str = "trixie";
const PACKAGES: &str = "swiftlang libc6-dev libstdc++-14-dev";
const RECIPE: &str = concat!("1 trixie swiftlang libc6-dev libstdc++-14-dev", "\n");

/// Where the workspace and the folder of what is built are seen from inside.
pub(crate) const WORKSPACE: &str = "/firsthand/workspace";
pub(crate) const TARGET: &str = "/firsthand/target";

/// The programs that make the root and enter it, and the Debian packages that bring them.
const PROGRAMS: &[(&str, &str)] = &[
    ("debootstrap", "debootstrap"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("chroot", "coreutils"),
];

/// Makes the root: `$1` is the folder, `$2` the release, `$3` the packages.
const MAKE: &str = r#"set -e
debootstrap --variant=minbase --include=ca-certificates "$2" "$1"
printf 'APT::Install-Recommends "0";\n' > "$1/etc/apt/apt.conf.d/99min"
mount -t proc proc "$1/proc"
chroot "$1" apt-get update
chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y $3
chroot "$1" apt-get clean
mkdir -p "$1/firsthand/workspace" "$1/firsthand/target"
"#;

/// Runs a command inside: `$1` is the root, `$2` the workspace, `$3` the folder of what is built.
const ENTER: &str = r#"set -e
root=$1 workspace=$2 target=$3
shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$target" "$root/firsthand/target"
mount --bind "$workspace" "$root/firsthand/workspace"
mount -o remount,ro,bind "$root/firsthand/workspace"
exec chroot "$root" "$@"
"#;

/// Debian 13 with Swift.
pub(crate) struct Root {
    folder: PathBuf,
    workspace: PathBuf,
    target: PathBuf,
    /// Held while the root is used, so that no other run makes it anew meanwhile.
    _used: File,
}

impl Root {
    /// The root as it is kept in `cache`; makes it where there is none, only half of one, or one of another recipe. The error's first
    /// line says why Swift cannot run here.
    pub(crate) fn ready(cache: &Path, workspace: &Path, target: &Path) -> Result<Self, String> {
        check()?;
        let unusable = |why: std::io::Error| format!("not run: the folder for Swift cannot be used: {why}");
        fs::create_dir_all(cache).map_err(unusable)?;
        let lock = File::create(cache.join("lock")).map_err(unusable)?;
        lock.lock().map_err(unusable)?;
        let folder = cache.join("root");
        if !is_complete(&folder) {
            make(cache, &folder)?;
        }
        let (workspace, target) = (workspace.to_owned(), target.to_owned());
        Ok(Self { folder, workspace, target, _used: lock })
    }

    /// A command that runs inside, in a folder as it is seen from there. Whatever it starts ends with it.
    pub(crate) fn command(&self, folder: &str, program: &str) -> Command {
        let mut command = namespace();
        command.args(["sh", "-c", ENTER, "firsthand"]).args([&self.folder, &self.workspace, &self.target]);
        // Nothing of the caller's environment but what is named: a path or a language of the host means nothing inside.
        command.args(["env", "-i", "-C", folder, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TMPDIR=/tmp"]);
        command.arg(format!("HOME={TARGET}/swift/home")).arg(program).stdin(Stdio::null());
        command
    }
}

/// A command in namespaces of its own for mounts and processes, which end with it. It ends with this process, however that ends.
fn namespace() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
    command.args(["--pid", "--fork", "--kill-child", "--"]);
    command
}

/// Why this machine lets nothing run inside, whatever is installed; `None` where it does.
pub(crate) fn refused() -> Option<&'static str> {
    let user = Command::new("id").arg("-u").output();
    if !cfg!(target_os = "linux") || !user.is_ok_and(|it| it.stdout == b"0\n") {
        return Some("Swift needs root on Linux, for a Debian 13 of its own");
    }
    let allowed = namespace().arg("true").stderr(Stdio::null()).status();
    let refuses = on_path("setpriv") && on_path("unshare") && !allowed.is_ok_and(|it| it.success());
    refuses.then_some("Swift needs a mount namespace, and this machine allows none")
}

/// Names what is missing to run anything.
fn check() -> Result<(), String> {
    if let Some(why) = refused() {
        return Err(format!("not run: {why}"));
    }
    let missing: Vec<&(&str, &str)> = PROGRAMS.iter().filter(|(program, _)| !on_path(program)).collect();
    if !missing.is_empty() {
        let list = |part: fn(&(&'static str, &'static str)) -> &'static str| {
            missing.iter().map(|it| part(it)).collect::<Vec<_>>().join(" ")
        };
        let (programs, packages) = (list(|it| it.0), list(|it| it.1));
        return Err(format!(
            "not run: Swift needs {programs}; on Debian and Ubuntu: apt-get install {packages}"
        ));
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps what only root uses in folders that not every root has on its path.
    env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|it| it.join(program).is_file())
}

fn is_complete(folder: &Path) -> bool {
    fs::read_to_string(folder.join("firsthand/recipe")).is_ok_and(|it| it == RECIPE)
}

/// Makes the root beside its place and moves it there when it is whole.
fn make(cache: &Path, folder: &Path) -> Result<(), String> {
    let making = cache.join("making");
    for old in [&making, folder] {
        remove(old)?;
    }
    fs::create_dir(&making).map_err(|why| format!("not run: {}: {why}", making.display()))?;
    println!("Debian 13 with Swift is made once, in {}: some minutes, 2.6 GB", folder.display());
    let mut command = namespace();
    command.args(["sh", "-c", MAKE, "firsthand"]).arg(&making).args([RELEASE, PACKAGES]);
    command.env("PATH", path_of_root()).stdin(Stdio::null());
    let made = command.output().map_err(|why| format!("not run: no root was made: {why}"))?;
    if !made.status.success() {
        return Err(format!("not run: no root was made for Swift\n{}", tail(&made)));
    }
    fs::write(making.join("firsthand/recipe"), RECIPE)
        .and_then(|()| fs::rename(&making, folder))
        .map_err(|why| format!("not run: the root for Swift was not finished: {why}"))
}

fn path_of_root() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin:/usr/bin:/bin");
    path
}

/// Deletes a root, and refuses where anything is mounted in it: that would be deleted with it.
fn remove(folder: &Path) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    let mounts = fs::read("/proc/self/mountinfo").map_err(|why| format!("not run: no mounts: {why}"))?;
    if let Some(mount) = mounted_in(folder, &String::from_utf8_lossy(&mounts)) {
        return Err(format!("not run: {mount} is mounted in what is to be deleted; unmount it first"));
    }
    let removed = Command::new("rm").args(["-rf", "--one-file-system", "--"]).arg(folder).status();
    if removed.is_ok_and(|it| it.success()) {
        Ok(())
    } else {
        Err(format!("not run: {} cannot be deleted", folder.display()))
    }
}

/// The first mount at or below a folder, of those that the kernel lists.
fn mounted_in(folder: &Path, mounts: &str) -> Option<String> {
    let point = |line: &str| line.split(' ').nth(4).map(unescape);
    mounts.lines().filter_map(point).find(|point| Path::new(point).starts_with(folder))
}

/// The kernel writes a space in a path as `\040`.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// The end of what a program printed: what went wrong stands there.
fn tail(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A path below the workspace or the folder of what is built, as it is seen from inside.
pub(crate) fn inside(base: &str, path: impl AsRef<OsStr>) -> String {
    format!("{base}/{}", path.as_ref().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_names_what_is_installed() {
        assert_eq!(RECIPE.trim_end(), format!("1 {RELEASE} {PACKAGES}"));
    }

    #[test]
    fn a_mount_inside_is_found() {
        let mounts = "22 1 0:20 / /proc rw - proc proc rw\n\
                      91 22 0:5 / /home/a\\040b/swift/root/dev rw - devtmpfs dev rw\n";
        let found = |folder: &str| mounted_in(Path::new(folder), mounts);
        assert_eq!(found("/home/a b/swift/root").as_deref(), Some("/home/a b/swift/root/dev"));
        assert_eq!(found("/home/a b/swift/making"), None);
        // A folder whose name begins in the same way is another one.
        assert_eq!(found("/home/a b/swift/ro"), None);
    }

    #[test]
    fn half_a_root_is_none() {
        let folder = env::temp_dir().join(format!("firsthand-root-{}", std::process::id()));
        fs::create_dir_all(folder.join("firsthand")).expect("a folder");
        assert!(!is_complete(&folder));
        fs::write(folder.join("firsthand/recipe"), "0 other\n").expect("a recipe");
        assert!(!is_complete(&folder));
        fs::write(folder.join("firsthand/recipe"), RECIPE).expect("a recipe");
        assert!(is_complete(&folder));
        assert_eq!(remove(&folder), Ok(()));
        assert!(!folder.exists());
    }
}
