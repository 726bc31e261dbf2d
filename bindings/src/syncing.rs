//! Meeting other phones, and how it stands with each.

use std::net::SocketAddr;
use std::sync::Arc;

use firsthand_node::meeting::Opened;
use firsthand_node::nearby::{FoundState, RunName, Sighting};
use firsthand_node::{DeviceStatus, EndReason, Event, NodeError, Summary, reachable};
use firsthand_record::uniffi_types::{DeviceKey, PersonId, UnixMillis};
use tokio::sync::broadcast::error::RecvError;

use crate::cancel::or_cancelled;
use crate::node::Shared;
use crate::runtime::{call_port, run};
use crate::stream::carry;
use crate::{ApiError, CancelToken, IncomingBytes, PeerStream};

/// How it stands with one other phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DeviceState {
    /// The device.
    pub device: DeviceKey,
    /// Whose it is.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Whether the two are connected now.
    pub connected: bool,
    /// Connected, and both hold the same and miss nothing, every file verified.
    pub complete: bool,
    /// Entries that it holds: now, or when they last met. `null` where they never told each other anything.
    pub has: Option<u64>,
    /// Entries that it lacks of what is here.
    pub lacks: Option<u64>,
    /// Files that it has not in full, or not verified.
    pub files_pending: Option<u64>,
    /// When they last met, by this phone's clock.
    pub met: Option<UnixMillis>,
    /// When both last held the same, by this phone's clock.
    pub completed: Option<UnixMillis>,
}

impl From<DeviceStatus> for DeviceState {
    fn from(status: DeviceStatus) -> Self {
        Self {
            complete: status.is_complete(),
            device: status.device,
            person: status.person,
            name: status.name,
            connected: status.link.is_some(),
            has: status.seen.map(|seen| seen.has),
            lacks: status.seen.map(|seen| seen.lacks),
            files_pending: status.seen.map(|seen| seen.files),
            met: status.met,
            completed: status.complete,
        }
    }
}

/// How it stands with the whole team.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncState {
    /// Entries that this phone holds.
    pub has: u64,
    /// Entries that wait for others.
    pub waiting: u64,
    /// Files that are not complete here.
    pub files_pending: u64,
    /// Somebody is connected, and everybody who is holds the same as this phone.
    pub all_here_complete: bool,
    /// Every other device of the team.
    pub devices: Vec<DeviceState>,
}

/// What a meeting cost and brought.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MeetingSummary {
    /// Entries taken in.
    pub entries_received: u64,
    /// Entries the other side took in.
    pub entries_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

impl From<Summary> for MeetingSummary {
    fn from(summary: Summary) -> Self {
        Self {
            entries_received: summary.entries_received,
            entries_sent: summary.entries_sent,
            bytes_received: summary.bytes_received,
            bytes_sent: summary.bytes_sent,
        }
    }
}

/// Somebody who was found on the network.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FoundDevice {
    /// The name that was announced; `null` where only an address is known.
    pub name: Option<String>,
    /// Whether it is a member and connected.
    pub met: bool,
    /// It was not reached, or showed no member of this team.
    pub failed: bool,
}

/// Meeting other phones.
#[derive(uniffi::Object)]
pub struct Syncing {
    pub(crate) shared: Arc<Shared>,
}

fn address(field: &str, text: &str) -> Result<SocketAddr, ApiError> {
    text.parse().map_err(|_| ApiError::unreadable(field, "is not an address with a port"))
}

#[uniffi::export]
impl Syncing {
    /// How it stands with everybody of the team.
    ///
    /// # Errors
    /// `Locked`, `HomeFailed`.
    pub async fn state(&self) -> Result<SyncState, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let status = node.status().await?;
            Ok(SyncState {
                has: status.has,
                waiting: status.pending.waiting,
                files_pending: status.pending.files,
                all_here_complete: status.all_here_complete(),
                devices: status.devices.into_iter().map(DeviceState::from).collect(),
            })
        })
        .await
    }

    /// Waits for other phones at an address, such as `0.0.0.0:0`, until the home is locked. Gives the address, whose port the system
    /// chose where 0 was asked for.
    ///
    /// # Errors
    /// `Invalid` for an address that is none, `HomeFailed` where it cannot be used.
    pub async fn listen(&self, at: String) -> Result<String, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.listen(address("at", &at)?, false).await?.to_string()) }).await
    }

    /// Addresses under which others reach this phone now, most likely first, at most four: for an invitation, and for a person to
    /// read out. `listening` is what `listen` gave. Ask again after the phone has changed its network.
    ///
    /// # Errors
    /// `Invalid` for an address that is none.
    pub fn reachable(&self, listening: String) -> Result<Vec<String>, ApiError> {
        let at = address("listening", &listening)?;
        Ok(reachable(at).iter().map(ToString::to_string).collect())
    }

    /// Dials a member and stays: what either side enters goes to the other at once. Gives the link.
    ///
    /// # Errors
    /// `NoAnswer`.
    pub async fn meet(&self, address: String) -> Result<u64, ApiError> {
        let node = self.shared.node()?;
        run(async move { Ok(node.meet(&address, false).await?) }).await
    }

    /// Dials a member, exchanges everything, and ends.
    ///
    /// # Errors
    /// `NoAnswer` with the reason; what was acknowledged is kept. `Cancelled`: the meeting was ended.
    pub async fn meet_once(
        &self,
        address: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<MeetingSummary, ApiError> {
        let node = self.shared.node()?;
        run(async move {
            let mut events = node.events();
            let dial = async { Ok(node.meet(&address, true).await?) };
            let link = or_cancelled(cancel.clone(), dial).await?;
            let met = or_cancelled(cancel, async {
                loop {
                    match events.recv().await {
                        Ok(Event::Ended { link: ended, reason, summary }) if ended == link => {
                            return match reason {
                                EndReason::Done => Ok(summary.into()),
                                reason => Err(NodeError::Meeting(reason).into()),
                            };
                        }
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return Err(ApiError::Locked { tries_left: None }),
                    }
                }
            });
            let met = met.await;
            if met == Err(ApiError::Cancelled) {
                node.end(link).await;
            }
            met
        })
        .await
    }

    /// Meets a member over a stream that the shell has opened, and stays. `dialled` on the side that opened it. What comes on the
    /// stream is handed to the object that this gives.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn meet_over(
        &self,
        stream: Arc<dyn PeerStream>,
        dialled: bool,
    ) -> Result<Arc<IncomingBytes>, ApiError> {
        let node = self.shared.node()?;
        let opened = if dialled { Opened::Dialled { once: false } } else { Opened::Accepted { once: false } };
        run(async move { carry(&node, stream, opened).await }).await
    }

    /// Ends a meeting.
    ///
    /// # Errors
    /// `Locked`.
    pub async fn end(&self, link: u64) -> Result<(), ApiError> {
        let node = self.shared.node()?;
        run(async move {
            node.end(link).await;
            Ok(())
        })
        .await
    }

    /// Begins to meet everybody who is near, and stays with them. The port for discovery is started, and tells what it finds to
    /// the object that this gives. With `known`, where members were reached before is tried too: ask for that on a local network
    /// only.
    ///
    /// # Errors
    /// `Invalid` for an address that is none, `NoAnswer` where the port for discovery throws.
    pub async fn look_around(&self, listening: String, known: bool) -> Result<Arc<Nearby>, ApiError> {
        let (node, discovery) = (self.shared.node()?, self.shared.platform.discovery.clone());
        run(async move {
            let port = address("listening", &listening)?.port();
            let nearby = node.look_around(move |_| known).await?;
            if let Some(discovery) = discovery {
                let name = nearby.name().to_string();
                let started = call_port(move || discovery.start(name, port)).await;
                if !matches!(started, Some(Ok(()))) {
                    return Err(ApiError::NoAnswer {
                        details: "look for others: the phone failed".to_owned(),
                    });
                }
            }
            Ok(Arc::new(Nearby { nearby }))
        })
        .await
    }
}

/// A phone that looks for others. It goes on until this object is dropped or the home is locked.
#[derive(uniffi::Object)]
pub struct Nearby {
    nearby: firsthand_node::Nearby,
}

#[uniffi::export]
impl Nearby {
    /// The name under which this phone is announced; another one at each start.
    #[must_use]
    pub fn name(&self) -> String {
        self.nearby.name().to_string()
    }

    /// A phone announces itself. Gives false where nobody looks any more.
    ///
    /// # Errors
    /// `Invalid` for a name or an address that is none.
    pub fn saw(&self, name: String, addresses: Vec<String>) -> Result<bool, ApiError> {
        let name = run_name(&name)?;
        let addresses = addresses.iter().map(|it| address("addresses", it)).collect::<Result<_, _>>()?;
        Ok(self.nearby.saw(Sighting::Here { name, addresses }))
    }

    /// A phone has said that it goes.
    ///
    /// # Errors
    /// `Invalid` for a name that is none.
    pub fn gone(&self, name: String) -> Result<bool, ApiError> {
        Ok(self.nearby.saw(Sighting::Gone { name: run_name(&name)? }))
    }

    /// Somebody may be at an address.
    ///
    /// # Errors
    /// `Invalid` for an address that is none.
    pub fn perhaps(&self, at: String) -> Result<bool, ApiError> {
        Ok(self.nearby.saw(Sighting::Perhaps { address: address("at", &at)? }))
    }

    /// Everybody who was found, members or not.
    #[must_use]
    pub fn found(&self) -> Vec<FoundDevice> {
        let found = self.nearby.found();
        let view = |it: &firsthand_node::nearby::FoundView| FoundDevice {
            name: it.name.map(|name| name.to_string()),
            met: it.state == FoundState::Met,
            failed: it.state == FoundState::NotMet,
        };
        let found = found.borrow();
        found.iter().map(view).collect()
    }
}

fn run_name(text: &str) -> Result<RunName, ApiError> {
    RunName::parse(text).ok_or_else(|| ApiError::unreadable("name", "is not one that a phone announces"))
}
