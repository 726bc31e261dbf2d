use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use firsthand_channel::ExchangeSecret;
use firsthand_ids::ExchangeKey;
use firsthand_sync::relay::{Allowance, Limits};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::connection::{Connection, MAX_WEBSOCKET_MESSAGE};
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::worker::{Worker, now};
use crate::{RelayError, Storage, SystemRandom};

/// How long an HTTP request's head, or a TLS handshake, may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long connections get to say goodbye when the relay is stopped.
const GOODBYE: Duration = Duration::from_secs(10);
/// How often what has expired is removed.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// How long storage may take to answer that it is well.
const WELL: Duration = Duration::from_secs(5);
/// How many connections are accepted a second, over a while.
const ACCEPTS: u32 = 500;
/// What a WebSocket reads at once. Idle connections keep it, so it is small.
const READ_BUFFER: usize = 4 * 1024;

/// How a relay listens.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where.
    pub listen: SocketAddr,
    /// How many connections at a time.
    pub connections: usize,
    /// How many of one address; 0 for no limit, as behind a reverse proxy, where all come from one.
    pub per_address: usize,
    /// What one connection may cost.
    pub limits: Limits,
    /// How many orders share a commit.
    pub group: usize,
    /// Certificate chain and key, PEM files, if the relay does TLS itself.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether `/metrics` answers anybody, or only this machine.
    pub public_metrics: bool,
}

impl Config {
    /// A relay at this address, with everything else as it is usual.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            connections: 10_000,
            per_address: 256,
            limits: Limits::default(),
            group: 1024,
            tls: None,
            public_metrics: false,
        }
    }
}

/// What connections share.
pub(crate) struct Shared {
    pub(crate) secret: ExchangeSecret,
    pub(crate) random: SystemRandom,
    pub(crate) limits: Limits,
    pub(crate) worker: Worker,
    pub(crate) hub: Hub,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stop: watch::Sender<bool>,
    seats: Arc<Semaphore>,
    addresses: Mutex<BTreeMap<IpAddr, usize>>,
    per_address: usize,
    public_metrics: bool,
}

/// A connection's place. Given back when the connection ends, whichever part of it that is.
struct Seat {
    shared: Arc<Shared>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut addresses = self.shared.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// A relay that listens.
pub struct Relay {
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    shared: Arc<Shared>,
    storage: JoinHandle<()>,
    connections: usize,
}

impl Relay {
    /// Begins to listen.
    ///
    /// # Errors
    /// Any [`RelayError`] of the socket, the certificate or the system.
    pub async fn bind(
        config: Config,
        storage: Box<dyn Storage>,
        secret: ExchangeSecret,
    ) -> Result<Self, RelayError> {
        let tls = match &config.tls {
            Some((chain, key)) => Some(crate::tls::acceptor(chain, key)?),
            None => None,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(RelayError::io("listen"))?;
        let metrics = Arc::new(Metrics::default());
        let (worker, handle) = Worker::start_measured(storage, config.group, Arc::clone(&metrics))?;
        let connections = config.connections.clamp(1, Semaphore::MAX_PERMITS.min(1_000_000));
        let shared = Shared {
            secret,
            random: SystemRandom::new()?,
            limits: config.limits,
            worker,
            hub: Hub::default(),
            metrics,
            stop: watch::Sender::new(false),
            seats: Arc::new(Semaphore::new(connections)),
            addresses: Mutex::default(),
            per_address: config.per_address,
            public_metrics: config.public_metrics,
        };
        Ok(Self { listener, tls, shared: Arc::new(shared), storage: handle, connections })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`RelayError::Io`].
    pub fn address(&self) -> Result<SocketAddr, RelayError> {
        self.listener.local_addr().map_err(RelayError::io("listen"))
    }

    /// The key that clients pin.
    ///
    /// # Errors
    /// [`RelayError::Randomness`] if the build has no X25519.
    pub fn key(&self) -> Result<ExchangeKey, RelayError> {
        self.shared.secret.public().map_err(|_| RelayError::Randomness)
    }

    /// Serves until `stop` is ready; then says goodbye to everybody, and returns when everything that was taken in is on the
    /// disk.
    ///
    /// # Errors
    /// [`RelayError::Stopped`] if the storage thread failed.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), RelayError> {
        let Self { listener, tls, shared, storage, connections } = self;
        let router = router(Arc::clone(&shared));
        let mut sweep = tokio::time::interval(SWEEP);
        let mut accepts = Allowance::new(ACCEPTS, 4, now());
        tokio::pin!(stop);
        loop {
            let asked = now();
            let wait = accepts.ready_at(asked).map(|ready| ready.0.saturating_sub(asked.0).unsigned_abs());
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = sweep.tick() => drop(tokio::spawn(swept(shared.worker.clone()))),
                () = tokio::time::sleep(Duration::from_millis(wait.unwrap_or_default())), if wait.is_some() => {}
                accepted = listener.accept(), if wait.is_none() => {
                    accepts.spend(now(), 1);
                    // A connection that is gone before it is accepted, or no file to be had for it: the next one may do.
                    let Ok((socket, address)) = accepted else { continue };
                    let Some(seat) = seat(&shared, address.ip()) else {
                        shared.metrics.turned_away();
                        continue;
                    };
                    // Acknowledgements are small and somebody waits for each.
                    let _ = socket.set_nodelay(true);
                    let router = router.clone();
                    match &tls {
                        None => drop(tokio::spawn(http(socket, seat, router))),
                        Some(tls) => {
                            let accepting = tls.accept(socket);
                            tokio::spawn(async move {
                                if let Ok(Ok(socket)) = timeout(HEAD, accepting).await {
                                    http(socket, seat, router).await;
                                }
                            });
                        }
                    }
                }
            }
        }
        drop(listener);
        shared.stop.send_replace(true);
        tracing::info!("stopping");
        let all = u32::try_from(connections).unwrap_or(u32::MAX);
        let seats = Arc::clone(&shared.seats);
        // Whoever has not gone by then is not waited for; what it was told is on the disk.
        let _ = timeout(GOODBYE, seats.acquire_many(all)).await;
        drop((router, shared));
        let ended = tokio::task::spawn_blocking(move || storage.join().is_ok());
        match timeout(GOODBYE, ended).await {
            Ok(Ok(true)) => Ok(()),
            _ => Err(RelayError::Stopped),
        }
    }
}

async fn swept(worker: Worker) {
    match worker.sweep().await {
        Ok(swept) => tracing::debug!(
            mailboxes = swept.mailboxes,
            ranges = swept.ranges,
            blobs = swept.blobs,
            "removed what had expired"
        ),
        Err(error) => tracing::error!(error = %error, "what had expired could not be removed"),
    }
}

fn seat(shared: &Arc<Shared>, address: IpAddr) -> Option<Arc<Seat>> {
    let permit = Arc::clone(&shared.seats).try_acquire_owned().ok()?;
    let mut addresses = shared.addresses.lock().unwrap_or_else(PoisonError::into_inner);
    let count = addresses.entry(address).or_insert(0);
    if shared.per_address > 0 && *count >= shared.per_address {
        return None;
    }
    *count += 1;
    drop(addresses);
    Some(Arc::new(Seat { shared: Arc::clone(shared), address, _permit: permit }))
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/relay", get(enter))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

async fn http<S>(socket: S, seat: Arc<Seat>, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&seat));
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(16 * 1024);
    // A request that is none ends its connection; there is nobody to tell.
    let _ = builder.serve_connection(TokioIo::new(socket), service).with_upgrades().await;
}

async fn enter(
    upgrade: WebSocketUpgrade,
    State(shared): State<Arc<Shared>>,
    Extension(seat): Extension<Arc<Seat>>,
) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_WEBSOCKET_MESSAGE)
        .max_frame_size(MAX_WEBSOCKET_MESSAGE)
        .on_upgrade(async move |socket| {
            shared.metrics.connected();
            let ended = Box::pin(Connection::new(&shared, socket).serve()).await;
            shared.metrics.disconnected(ended);
            drop(seat);
        })
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match timeout(WELL, shared.worker.holdings()).await {
        Ok(Ok(_)) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "storage does not answer\n").into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>, Extension(seat): Extension<Arc<Seat>>) -> Response {
    if !shared.public_metrics && !seat.address.is_loopback() {
        return StatusCode::NOT_FOUND.into_response();
    }
    match shared.worker.holdings().await {
        Ok(holdings) => shared.metrics.text(&holdings).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
