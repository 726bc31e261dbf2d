//! The stream to a relay: a WebSocket over TCP, or over TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use firsthand_team::RelayAddress;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::relay::LinkId;

/// How long it may take to reach a relay, names and TLS included.
const CONNECT: Duration = Duration::from_secs(15);
/// How long the relay may take to read what is sent.
const STALLED: Duration = Duration::from_secs(60);
/// How long a stream is still read after this side closed it, so that the relay gets what was sent last.
const DRAIN: Duration = Duration::from_secs(2);
/// The most bytes of one WebSocket message of a relay's: what it gathered while a range was on its way.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Socket = WebSocketStream<Box<dyn Stream>>;

/// What becomes of a connection.
pub(super) enum Happened {
    Opened,
    Bytes(Vec<u8>),
    /// The other side is there.
    Heard,
    Closed,
}

/// Connects, then moves bytes both ways until either side ends it. `tell` says whether anybody still listens.
pub(super) async fn run(
    id: LinkId,
    address: RelayAddress,
    outbox: mpsc::UnboundedReceiver<Vec<u8>>,
    tell: impl AsyncFn(LinkId, Happened) -> bool,
) {
    let socket = match tokio::time::timeout(CONNECT, connect(&address)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            tracing::debug!(%error, "could not reach a relay");
            tell(id, Happened::Closed).await;
            return;
        }
        Err(_) => {
            tell(id, Happened::Closed).await;
            return;
        }
    };
    if !tell(id, Happened::Opened).await {
        return;
    }
    let (sink, mut stream) = socket.split();
    let mut writing = Box::pin(write(sink, outbox));
    loop {
        let message = tokio::select! {
            done = &mut writing => {
                if done {
                    drop(tokio::time::timeout(DRAIN, drain(&mut stream)).await);
                }
                tell(id, Happened::Closed).await;
                return;
            }
            message = stream.next() => message,
        };
        let happened = match message {
            Some(Ok(Message::Binary(bytes))) => Happened::Bytes(bytes.to_vec()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Happened::Heard,
            _ => Happened::Closed,
        };
        let over = matches!(happened, Happened::Closed);
        if !tell(id, happened).await || over {
            return;
        }
    }
}

/// Sends what is queued; once the queue is closed and empty, says goodbye. Whether that went well.
async fn write(mut sink: SplitSink<Socket, Message>, mut outbox: mpsc::UnboundedReceiver<Vec<u8>>) -> bool {
    while let Some(bytes) = outbox.recv().await {
        let sent = tokio::time::timeout(STALLED, sink.send(Message::Binary(bytes.into()))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return false;
        }
    }
    matches!(tokio::time::timeout(STALLED, sink.close()).await, Ok(Ok(())))
}

async fn drain(stream: &mut SplitStream<Socket>) {
    while let Some(Ok(_)) = stream.next().await {}
}

async fn connect(address: &RelayAddress) -> io::Result<Socket> {
    let RelayAddress { tls, host, port, path } = address;
    let stream = TcpStream::connect((host.as_str(), *port)).await?;
    drop(stream.set_nodelay(true));
    let stream: Box<dyn Stream> = if *tls {
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        Box::new(connector()?.connect(name, stream).await?)
    } else {
        Box::new(stream)
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let url = format!("{}://{host}:{port}{path}", if *tls { "wss" } else { "ws" });
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024);
    let (socket, _) = client_async_with_config(url, stream, Some(config)).await.map_err(io::Error::other)?;
    Ok(socket)
}

fn connector() -> io::Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes every certificate. The channel inside is opened to the relay's own key, which the team pinned: a certificate proves
/// nothing, so a false one changes nothing.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
