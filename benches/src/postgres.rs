//! PostgreSQL where the machine has it: a server of our own for one run, and pgbench.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

/// Where distributions put its programs, besides the PATH.
const VERSIONS: &str = "/usr/lib/postgresql";
const PROGRAMS: [&str; 5] = ["initdb", "pg_ctl", "postgres", "psql", "pgbench"];
/// PostgreSQL does not run as root; this user owns nothing (`nobody`).
const NOBODY: u32 = 65_534;

/// Seconds that single-row inserts take, each in a transaction of its own that is on the disk when it is acknowledged; `None` where there is no
/// PostgreSQL. The rows are made by the server, so their bytes do not travel.
pub(crate) fn single_row_inserts(
    folder: &Path,
    connections: usize,
    each: u64,
    bytes: usize,
) -> Outcome<Option<f64>> {
    let Some(programs) = programs() else { return Ok(None) };
    let server = Server::start(&programs, folder)?;
    server.sql("CREATE TABLE ranges (serial bigserial PRIMARY KEY, writer int, range bytea)")?;
    let script = folder.join("insert.sql");
    let row = format!("decode(repeat(md5(random()::text), {}), 'hex')", bytes / 16);
    fs::write(&script, format!("INSERT INTO ranges (writer, range) VALUES (:client_id, {row});\n"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644))?;
    let output = server
        .program("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args([format!("--client={connections}"), format!("--transactions={each}")])
        .arg(format!("--file={}", script.display()))
        .arg("postgres")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // "tps = 12345.678901 (without initial connection time)"
    let rate =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    let Some(rate) = rate.filter(|_| output.status.success()) else {
        return Err(format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into());
    };
    Ok(Some((connections as u64 * each) as f64 / rate))
}

/// The folder with all of its programs: a PATH may lead to some of them only.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir(VERSIONS).into_iter().flatten().filter_map(|entry| {
        let version = entry.ok()?.path();
        let number: u32 = version.file_name()?.to_str()?.parse().ok()?;
        Some((number, version.join("bin")))
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&on_path).collect();
    let newest = installed.max().map(|(_, folder)| folder);
    let all = |folder: &PathBuf| PROGRAMS.iter().all(|name| folder.join(name).is_file());
    on_path.into_iter().chain(newest).find(all)
}

/// A server with nothing in it, reached through a socket in its folder, gone when dropped.
struct Server {
    programs: PathBuf,
    folder: PathBuf,
}

impl Server {
    fn start(programs: &Path, folder: &Path) -> Outcome<Self> {
        let server = Self { programs: programs.to_owned(), folder: folder.join("postgres") };
        fs::create_dir(&server.folder)?;
        fs::set_permissions(&server.folder, fs::Permissions::from_mode(0o700))?;
        if is_root()? {
            chown(&server.folder, Some(NOBODY), Some(NOBODY))?;
            // The way to it has to be open for a user without rights.
            for above in server.folder.ancestors().skip(1) {
                let mode = fs::metadata(above)?.permissions().mode();
                if mode & 0o001 == 0 {
                    fs::set_permissions(above, fs::Permissions::from_mode(mode | 0o011))?;
                }
            }
        }
        let data = server.folder.join("data");
        let sockets = server.folder.display();
        run(server.program("initdb").args(["--auth=trust", "--username=postgres"]).arg(&data))?;
        let options =
            format!("-c listen_addresses= -c unix_socket_directories={sockets} -c max_connections=200");
        let log = server.folder.join("log");
        run(server
            .program("pg_ctl")
            .args(["--wait", "start"])
            .arg(format!("--pgdata={}", data.display()))
            .arg(format!("--log={}", log.display()))
            .arg(format!("--options={options}")))?;
        Ok(server)
    }

    /// One of its programs, as a user who may run it, told where the server is.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env("PGHOST", &self.folder).env("PGUSER", "postgres").current_dir(&self.folder);
        if is_root().unwrap_or(false) {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn sql(&self, statement: &str) -> Outcome<()> {
        run(self.program("psql").args(["--quiet", "--command", statement, "postgres"]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = format!("--pgdata={}", self.folder.join("data").display());
        // What is left goes with the folder.
        drop(run(self.program("pg_ctl").args(["--wait", "--mode=immediate", "stop"]).arg(data)));
    }
}

fn is_root() -> Outcome<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn run(command: &mut Command) -> Outcome<()> {
    // A server that is started keeps what it is given, so nothing may wait for the end of a pipe.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
