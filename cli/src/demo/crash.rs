//! The crash: another process of this same program, killed without warning while records are on their way to it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::oneshot;

use super::device::{home, passphrase, soon, wrong};
use crate::fail::Fail;

/// Bytes that reach the process before it is killed. The handshake and the vectors are below 2 kB, what it lacks is
/// above 10 kB, so this is in the middle of a batch.
const REACHED: usize = 4_000;

/// How the process died.
#[derive(Debug, Serialize)]
pub(super) struct Killed {
    /// Bytes it had received by then.
    pub(super) after_bytes: usize,
    /// The signal, where the system has signals.
    pub(super) signal: Option<i32>,
}

/// Starts `firsthand sync` on a home, over a link that is held up in the middle, and kills it there.
pub(super) async fn kill_in_the_middle(
    dir: &Path,
    name: &'static str,
    peer: SocketAddr,
) -> Result<Killed, Fail> {
    let failed = |what: &str, error: std::io::Error| wrong(format!("{what}: {}", error.kind()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| failed("no address", error))?;
    let address = listener.local_addr().map_err(|error| failed("no address", error))?;
    let (reached, in_the_middle) = oneshot::channel();
    let link = tokio::spawn(hold_up(listener, peer, reached));

    let program = std::env::current_exe().map_err(|error| failed("this program was not found", error))?;
    let mut child = Command::new(program)
        .arg("--home")
        .arg(home(dir, name))
        .args(["sync", "--once", "--with", &address.to_string()])
        .env("FIRSTHAND_PASSPHRASE", passphrase(name))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("the other process did not start", error))?;
    let too_early = || wrong("the process ended before it was in the middle of the sync");
    let middle = soon("the process that is to be killed", async {
        tokio::select! {
            reached = in_the_middle => reached.map_err(|_| too_early()),
            _ = child.wait() => Err(too_early()),
        }
    })
    .await?;
    // SIGKILL: the process gets no chance to tidy up.
    child.start_kill().map_err(|error| failed("the process was not killed", error))?;
    let status = child.wait().await.map_err(|error| failed("the process was not killed", error))?;
    link.abort();
    if status.success() {
        return Err(wrong("the process finished its sync before it was killed"));
    }
    Ok(Killed { after_bytes: middle, signal: signal(status) })
}

#[cfg(unix)]
fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: std::process::ExitStatus) -> Option<i32> {
    None
}

/// Passes bytes on between one caller and the peer until the caller has [`REACHED`] bytes; then the link stands still.
async fn hold_up(
    listener: TcpListener,
    peer: SocketAddr,
    reached: oneshot::Sender<usize>,
) -> std::io::Result<()> {
    let (caller, _) = listener.accept().await?;
    let peer = TcpStream::connect(peer).await?;
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_peer, mut to_peer) = peer.into_split();
    let up = tokio::spawn(async move { pass(&mut from_caller, &mut to_peer, usize::MAX).await });
    // Both halves stay open while the link stands still: closing one would tell the caller that it is over.
    let passed = pass(&mut from_peer, &mut to_caller, REACHED).await?;
    if passed == REACHED {
        // The receiver only goes away when nobody waits for the middle any more.
        let _ = reached.send(passed);
        std::future::pending::<()>().await;
    }
    up.abort();
    Ok(())
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    limit: usize,
) -> std::io::Result<usize> {
    let mut buffer = [0; 1024];
    let mut passed = 0;
    while passed < limit {
        let room = buffer.len().min(limit - passed);
        let read = from.read(&mut buffer[..room]).await?;
        if read == 0 {
            break;
        }
        to.write_all(&buffer[..read]).await?;
        passed += read;
    }
    Ok(passed)
}
