use std::path::PathBuf;
use std::time::Duration;

use firsthand_channel::{Link, LinkEvent, Offer, WordNonce};
use firsthand_ids::TeamId;
use firsthand_store::{Home, Unlock};
use firsthand_team::Invitation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Node, Passphrase};
use crate::meeting::{JoinFrame, Joiner, JoinerEffect, invitation_secret};
use crate::{DeviceKeys, EndReason, Environment, Ledger, NodeError, Opening, SystemRandom};

/// How long a connection may take: a hotspot that has just been joined needs a moment.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// How long the inviter's device may take to answer when no person is asked.
const ANSWER: Duration = Duration::from_secs(20);
/// How long the inviter's person may take to compare the words.
const PERSON: Duration = Duration::from_secs(600);
/// How long a further device waits for a lead to add it.
const LEAD: Duration = Duration::from_secs(60 * 60);

/// Somebody who is about to join and sees the words.
pub struct Joining {
    wire: Wire,
    joiner: Joiner,
    keys: DeviceKeys,
    team: TeamId,
    request: JoinFrame,
    limit: Duration,
    home: Home,
    passphrase: Passphrase,
    environment: Environment,
    address: String,
    /// Three words. They must be the same on the inviter's screen.
    pub words: [&'static str; 3],
}

struct Wire {
    stream: TcpStream,
    link: Link,
    events: std::collections::VecDeque<LinkEvent>,
}

impl Wire {
    async fn next(&mut self, limit: Duration) -> Result<LinkEvent, NodeError> {
        let cut = || NodeError::Meeting(EndReason::Cut);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let mut piece = vec![0; 16 * 1024];
            let read = tokio::time::timeout(limit, self.stream.read(&mut piece)).await;
            let read = read.map_err(|_| NodeError::Meeting(EndReason::Silent))?.map_err(|_| cut())?;
            if read == 0 {
                // The inviter's device says nothing when it does not take the invitation.
                return Err(if self.link.is_established() {
                    cut()
                } else {
                    NodeError::Meeting(EndReason::Channel)
                });
            }
            self.events.extend(self.link.push(&piece[..read])?);
        }
    }

    async fn frame(&mut self, limit: Duration) -> Result<Vec<u8>, NodeError> {
        match self.next(limit).await? {
            LinkEvent::Frame(frame) => Ok(frame),
            _ => Err(NodeError::Meeting(EndReason::Misbehaved)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), NodeError> {
        self.stream.write_all(bytes).await.map_err(|_| NodeError::Meeting(EndReason::Cut))
    }

    async fn send_frame(&mut self, frame: &[u8]) -> Result<(), NodeError> {
        let bytes = self.link.send(frame)?;
        self.send(&bytes).await
    }
}

/// Connects to the first address that answers.
pub(super) async fn connect(addresses: &[String]) -> Result<(TcpStream, String), NodeError> {
    let mut reason = "no address given".to_owned();
    for address in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address.as_str())).await {
            Ok(Ok(stream)) => return Ok((stream, address.clone())),
            Ok(Err(error)) => reason = error.to_string(),
            Err(_) => "no answer in time".clone_into(&mut reason),
        }
    }
    Err(NodeError::NoPeer { address: addresses.join(", "), reason })
}

impl Joining {
    pub(super) async fn start(
        dir: PathBuf,
        passphrase: Passphrase,
        code: &str,
        name: &str,
        environment: Environment,
    ) -> Result<Self, NodeError> {
        let invitation = Invitation::from_code(code)?;
        // Taken first: nobody should be admitted who then finds the folder in use.
        let home = Home::create(dir)?;
        let mut random = SystemRandom::default();
        let keys = DeviceKeys::generate(&mut random)?;
        // A name that cannot be used is said before anybody compares words.
        let (team, of_device) = (invitation.team, invitation.device_of.is_some());
        let shared = invitation_secret(&invitation.secret, of_device);
        let addresses = invitation.addresses.clone();
        let mut joiner = Joiner::new(invitation, WordNonce::generate(&mut random));
        let request = joiner.request(&keys, name)?;

        let (stream, address) = connect(&addresses).await?;
        drop(stream.set_nodelay(true));
        let offer = Offer::join(team, &shared)?;
        let (link, first) = Link::initiator(&offer, keys.exchange(), &mut random)?;
        let mut wire = Wire { stream, link, events: std::collections::VecDeque::new() };
        wire.send(&first).await?;

        let misbehaved = || NodeError::Meeting(EndReason::Misbehaved);
        let LinkEvent::HandshakePayload(payload) = wire.next(ANSWER).await? else {
            return Err(misbehaved());
        };
        let peer = wire.link.peer_key().ok_or_else(misbehaved)?;
        let reply = joiner.on_payload(&peer, &payload).map_err(NodeError::Meeting)?;
        let LinkEvent::NeedsPayload = wire.next(ANSWER).await? else { return Err(misbehaved()) };
        let reply = wire.link.reply(&reply)?;
        let established = reply.established.ok_or_else(misbehaved)?;
        wire.send(&reply.bytes).await?;
        let reveal = joiner.on_established(established.handshake_hash);
        wire.send_frame(&reveal).await?;
        let frame = wire.frame(ANSWER).await?;
        let JoinerEffect::Show(words) = joiner.on_frame(&frame).map_err(NodeError::Meeting)? else {
            return Err(misbehaved());
        };
        let limit = if of_device { LEAD } else { PERSON };
        Ok(Self { wire, joiner, request, limit, keys, team, home, passphrase, environment, address, words })
    }

    /// Whether this becomes a further device of somebody who belongs to the team. Then a lead may have to add it, which can take a
    /// while.
    #[must_use]
    pub const fn is_further_device(&self) -> bool {
        matches!(self.request, JoinFrame::Device(_))
    }

    /// Where the inviter's device was reached: a first meeting can follow there.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The person says that the words are the same: asks to be added, and makes the home once the lead has agreed.
    ///
    /// # Errors
    /// [`NodeError::Meeting`] where the lead declined or the link broke off; there is no home then.
    pub async fn confirm(mut self) -> Result<Node, NodeError> {
        self.wire.send_frame(&self.request.encode()).await?;
        let frame = self.wire.frame(self.limit).await?;
        let JoinerEffect::Joined(operations) = self.joiner.on_frame(&frame).map_err(NodeError::Meeting)?
        else {
            return Err(NodeError::Meeting(EndReason::Misbehaved));
        };
        let Self { keys, team, home, passphrase, environment, .. } = self;
        Node::start(environment, move |workshop| {
            let opening = Opening {
                home,
                unlock: Unlock::Passphrase(passphrase.as_str()),
                vault: workshop.environment.vault.as_ref(),
                slot: workshop.environment.slot,
            };
            Ledger::create_joined(opening, keys, &team, &operations, &mut workshop.random)
        })
        .await
    }

    /// The words differ, or the person thought better of it.
    pub async fn decline(mut self) {
        if let Err(error) = self.wire.send_frame(&JoinFrame::Decline.encode()).await {
            tracing::debug!(%error, "the other side had gone already");
        }
    }
}
