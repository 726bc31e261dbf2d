//! Meeting over a stream that the shell has opened.

use std::sync::Arc;

use firsthand_node::Node;
use firsthand_node::meeting::Opened;
use tokio::sync::{Mutex, mpsc};

use crate::runtime::{call_port, run};
use crate::{ApiError, PeerStream};

/// How many messages may wait in each direction before whoever brings them waits.
const QUEUE: usize = 16;

/// Where the shell hands in what it receives on a stream.
#[derive(uniffi::Object)]
pub struct IncomingBytes {
    link: u64,
    incoming: Arc<Mutex<Option<mpsc::Sender<Vec<u8>>>>>,
}

#[uniffi::export]
impl IncomingBytes {
    /// The link that this stream carries.
    #[must_use]
    pub fn link(&self) -> u64 {
        self.link
    }

    /// Bytes came, in order; their length is of no account. Returns when there is room for more.
    ///
    /// # Errors
    /// `NoAnswer` where the meeting has ended.
    pub async fn received(&self, bytes: Vec<u8>) -> Result<(), ApiError> {
        let incoming = self.incoming.clone();
        run(async move {
            // Held while it waits, so that pieces stay in order.
            let sender = incoming.lock().await;
            let ended = || ApiError::NoAnswer { details: "go on: the meeting has ended".to_owned() };
            sender.as_ref().ok_or_else(ended)?.send(bytes).await.map_err(|_| ended())
        })
        .await
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// None but a defect of the program.
    pub async fn ended(&self) -> Result<(), ApiError> {
        let incoming = self.incoming.clone();
        run(async move {
            drop(incoming.lock().await.take());
            Ok(())
        })
        .await
    }
}

/// Starts a meeting over the stream. Runs within the runtime.
pub(crate) async fn carry(
    node: &Node,
    stream: Arc<dyn PeerStream>,
    opened: Opened,
) -> Result<Arc<IncomingBytes>, ApiError> {
    let (incoming, arriving) = mpsc::channel(QUEUE);
    let (leaving, mut outgoing) = mpsc::channel::<Vec<u8>>(QUEUE);
    let link = node.meet_over_messages(arriving, leaving, opened).await?;
    let incoming = Arc::new(Mutex::new(Some(incoming)));
    let input = incoming.clone();
    tokio::spawn(async move {
        while let Some(bytes) = outgoing.recv().await {
            let port = stream.clone();
            let sent = call_port(move || port.send(bytes)).await;
            if !matches!(sent, Some(Ok(()))) {
                tracing::debug!("a stream of the shell broke off");
                break;
            }
        }
        drop(input.lock().await.take());
        call_port(move || drop(stream.finish())).await;
    });
    Ok(Arc::new(IncomingBytes { link, incoming }))
}
