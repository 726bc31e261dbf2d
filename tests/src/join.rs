use firsthand_channel::{Link, LinkEvent, Offer, WordNonce};
use firsthand_ids::TeamId;
use firsthand_node::meeting::{JoinFrame, Joiner, JoinerEffect, invitation_secret};
use firsthand_node::{DeviceKeys, EndReason, Invitation, LinkId};
use rand_core::CryptoRng;

/// Somebody who joins: the real machines, without a socket.
pub struct Applicant {
    pub cable: LinkId,
    pub inviter: usize,
    pub keys: DeviceKeys,
    pub team: TeamId,
    pub words: Option<[&'static str; 3]>,
    /// The person has said that the words are the same.
    pub confirmed: bool,
    name: String,
    link: Link,
    joiner: Joiner,
}

/// What the applicant's device does next.
pub enum Step {
    Send(Vec<u8>),
    /// Make the home from these operations.
    Home(Vec<Vec<u8>>),
}

impl Applicant {
    /// Dials; gives the first bytes.
    pub fn new(
        cable: LinkId,
        inviter: usize,
        invitation: Invitation,
        name: &str,
        rng: &mut dyn CryptoRng,
    ) -> (Self, Vec<u8>) {
        let keys = DeviceKeys::generate(rng).unwrap();
        let team = invitation.team;
        let offer = Offer::join(team, &invitation_secret(&invitation.secret, invitation.device_of.is_some()))
            .unwrap();
        let (link, first) = Link::initiator(&offer, keys.exchange(), rng).unwrap();
        let joiner = Joiner::new(invitation, WordNonce::generate(rng));
        let name = name.to_owned();
        (Self { cable, inviter, keys, team, words: None, confirmed: false, name, link, joiner }, first)
    }

    pub fn on_bytes(&mut self, bytes: &[u8]) -> Result<Vec<Step>, EndReason> {
        let mut steps = Vec::new();
        let mut answer = None;
        for event in self.link.push(bytes).map_err(|_| EndReason::Channel)? {
            match event {
                LinkEvent::HandshakePayload(payload) => {
                    let peer = self.link.peer_key().ok_or(EndReason::Channel)?;
                    answer = Some(self.joiner.on_payload(&peer, &payload)?);
                }
                LinkEvent::NeedsPayload => {
                    let payload = answer.take().ok_or(EndReason::Misbehaved)?;
                    let reply = self.link.reply(&payload).map_err(|_| EndReason::Channel)?;
                    steps.push(Step::Send(reply.bytes));
                    let established = reply.established.ok_or(EndReason::Channel)?;
                    let reveal = self.joiner.on_established(established.handshake_hash);
                    steps.push(Step::Send(self.link.send(&reveal).unwrap()));
                }
                LinkEvent::Established(_) => return Err(EndReason::Misbehaved),
                LinkEvent::Frame(frame) => match self.joiner.on_frame(&frame)? {
                    JoinerEffect::Show(words) => self.words = Some(words),
                    JoinerEffect::Joined(operations) => steps.push(Step::Home(operations)),
                },
            }
        }
        Ok(steps)
    }

    /// The person says that the words are the same, or not.
    pub fn answer(&mut self, same: bool) -> Vec<u8> {
        self.confirmed = true;
        let frame =
            if same { self.joiner.request(&self.keys, &self.name).unwrap() } else { JoinFrame::Decline };
        self.link.send(&frame.encode()).unwrap()
    }
}
