use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// What is read from.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// What is written to.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// How many bytes of messages may wait on their way between a shell and the node, in each direction.
const BUFFERED: usize = 64 * 1024;

/// How many bytes a connection takes beyond those that are on the network, where the system can be told: one piece of a file. Linux would take megabytes, and
/// what a person enters would wait behind them. Elsewhere the system's own limit holds.
#[cfg(any(target_os = "android", target_os = "linux"))]
const NOT_SENT: u32 = firsthand_sync::PIECE_BYTES as u32;

/// A stream of bytes to another device, whatever carries it.
pub(super) struct Wire {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    /// Whose address the other side has, where it has one.
    pub(super) from: Option<IpAddr>,
}

impl Wire {
    /// A connection over TCP.
    pub(super) fn tcp(stream: TcpStream) -> Self {
        // Small frames answer questions: waiting to fill a packet only costs time.
        drop(stream.set_nodelay(true));
        #[cfg(any(target_os = "android", target_os = "linux"))]
        drop(socket2::SockRef::from(&stream).set_tcp_notsent_lowat(NOT_SENT));
        let from = stream.peer_addr().ok().map(|address| address.ip());
        let (reader, writer) = stream.into_split();
        Self { reader: Box::new(reader), writer: Box::new(writer), from }
    }

    /// Any other stream.
    pub(super) fn stream(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (reader, writer) = tokio::io::split(Box::pin(stream));
        Self { reader: Box::new(reader), writer: Box::new(writer), from: None }
    }

    /// Messages that arrive whole and in order. Where one ends and the next begins says nothing.
    pub(super) fn messages(mut incoming: mpsc::Receiver<Vec<u8>>, outgoing: mpsc::Sender<Vec<u8>>) -> Self {
        let (here, there) = tokio::io::duplex(BUFFERED);
        let (mut reader, mut writer) = tokio::io::split(there);
        tokio::spawn(async move {
            while let Some(message) = incoming.recv().await {
                if writer.write_all(&message).await.is_err() {
                    return;
                }
            }
            drop(writer.shutdown().await);
        });
        tokio::spawn(async move {
            let mut piece = vec![0; BUFFERED / 4];
            while let Ok(len @ 1..) = reader.read(&mut piece).await {
                if outgoing.send(piece[..len].to_vec()).await.is_err() {
                    return;
                }
            }
        });
        Self::stream(here)
    }
}
