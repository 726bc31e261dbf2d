use std::collections::{BTreeMap, VecDeque};

use firsthand_channel::{Established, ExchangeSecret, Link, LinkEvent, Offer, Purpose, WordNonce};
use firsthand_ids::{OperationHash, TeamId, UnixMillis};
use firsthand_sync::{Claims, Config, Frame, GoodbyeReason, Input as SessionInput, Session};
use rand_core::CryptoRng;

use super::link::{Connection, Meeting, Phase, decode_payload, encode_payload};
use super::{Answer, Change, EndReason, Event, InviteOptions, Inviter, JoinFrame, Question};
use crate::NodeError;
use crate::nearby::RunName;

/// The most questions of one link that the ledger may owe answers to. A session asks for a handful at a time; more come
/// only from a peer that floods.
pub(super) const MAX_ASKED: usize = 64;

/// Names a link for as long as the node runs.
pub type LinkId = u64;

/// Who this device is towards others.
pub struct Identity {
    /// The team.
    pub team: TeamId,
    /// What members share.
    pub discovery_secret: [u8; 32],
    /// This device's channel key.
    pub exchange: ExchangeSecret,
    /// The membership heads.
    pub heads: Vec<OperationHash>,
}

/// How a link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// This device dialled a member; `once`: end when nothing is left to exchange.
    Dialled {
        /// End when nothing is left to exchange.
        once: bool,
    },
    /// Somebody dialled this device.
    Accepted {
        /// End when nothing is left to exchange.
        once: bool,
    },
}

/// What happens.
#[derive(Debug)]
pub enum Input {
    /// A stream is open.
    Opened(LinkId, Opened),
    /// Bytes came.
    Bytes(LinkId, Vec<u8>),
    /// The stream ended.
    Closed(LinkId),
    /// Answers [`Effect::TellWhenTaken`].
    Taken(LinkId),
    /// The ledger answered a question of this link. Answers come in the order of the questions.
    Answer(LinkId, Box<Answer>),
    /// Something was entered on this device.
    Changed(Change),
    /// Let somebody join; replaces an earlier invitation.
    Invite(InviteOptions),
    /// Take the invitation back.
    Uninvite,
    /// The person says whether the words are the same.
    Compared(LinkId, bool),
    /// The person ends a meeting.
    End(LinkId),
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug)]
pub enum Effect {
    /// Send bytes on a stream.
    Send(LinkId, Vec<u8>),
    /// Answer with [`Input::Taken`] when the stream has taken everything that was sent on it until now.
    TellWhenTaken(LinkId),
    /// Close a stream once everything was sent.
    Close(LinkId),
    /// Ask the ledger.
    Ask(LinkId, Question),
    /// Tell observers.
    Tell(Event),
}

/// All links of a node.
pub struct Meetings {
    pub(super) identity: Identity,
    run: Option<RunName>,
    invitation: Option<InviteOptions>,
    pub(super) links: BTreeMap<LinkId, Connection>,
    /// What is asked for on which link.
    pub(super) claims: Claims,
}

impl Meetings {
    /// No links yet.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self { identity, run: None, invitation: None, links: BTreeMap::new(), claims: Claims::default() }
    }

    /// What this run is called towards members; drawn when it is first asked for.
    pub fn run_name(&mut self, rng: &mut dyn CryptoRng) -> RunName {
        *self.run.get_or_insert_with(|| RunName::generate(rng))
    }

    /// The links that are open, and which run of a program each is with once it has shown a member.
    #[must_use]
    pub fn runs(&self) -> BTreeMap<LinkId, Option<RunName>> {
        let run = |link: &Connection| match &link.phase {
            Phase::Session(meeting) if meeting.member.is_some() => link.run,
            _ => None,
        };
        self.links.iter().map(|(id, link)| (*id, run(link))).collect()
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        self.links.values().filter_map(Connection::deadline).chain(self.claims_deadline()).min()
    }

    /// How many links are open.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// How this device stands with every member it is connected to.
    #[must_use]
    pub fn peers(&self) -> Vec<crate::PeerView> {
        let view = |(id, link): (&LinkId, &Connection)| {
            let Phase::Session(meeting) = &link.phase else { return None };
            let (device, name) = meeting.member.clone()?;
            Some(crate::PeerView {
                link: *id,
                key: device,
                device: device.short(),
                name,
                standings: meeting.session.standings().collect(),
                peer_pending: meeting.session.peer_pending(),
                complete: meeting.complete,
                seen: link.seen(),
            })
        };
        self.links.iter().filter_map(view).collect()
    }

    /// Takes an input and says what to do.
    pub fn handle(&mut self, rng: &mut dyn CryptoRng, now: UnixMillis, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.claims.set_time(now);
        match input {
            Input::Opened(id, opened) => self.on_opened(rng, now, id, opened, &mut out),
            Input::Bytes(id, bytes) => {
                self.with(id, &mut out, |this, out| this.on_bytes(rng, now, id, &bytes, out));
            }
            Input::Closed(id) => {
                // What came before is looked at first: it may say why.
                let waits = self.links.get_mut(&id).is_some_and(Connection::closes_later);
                if !waits {
                    self.end(id, EndReason::Cut, &mut out);
                }
            }
            Input::Taken(id) => self.session(id, SessionInput::Taken, &mut out),
            Input::Answer(id, answer) => self.on_answer(id, *answer, &mut out),
            Input::Changed(change) => self.broadcast(None, &change, &mut out),
            Input::Invite(options) => self.invitation = Some(options),
            Input::Uninvite => self.invitation = None,
            Input::Compared(id, same) => {
                self.with(id, &mut out, |this, out| this.on_compared(id, same, out));
            }
            Input::End(id) => {
                self.session(id, SessionInput::Close(GoodbyeReason::Done), &mut out);
                self.end(id, EndReason::Done, &mut out);
            }
            Input::Tick => {
                let late = |link: &Connection| link.deadline().is_some_and(|deadline| deadline <= now);
                let late: Vec<_> = self.links.iter().filter(|(_, it)| late(it)).map(|(id, _)| *id).collect();
                for id in late {
                    self.end(id, EndReason::Silent, &mut out);
                }
                self.free_stalled();
            }
        }
        self.look_again(&mut out);
        self.links.values_mut().for_each(|link| link.note_turn(now));
        out
    }

    pub(super) fn with(
        &mut self,
        id: LinkId,
        out: &mut Vec<Effect>,
        step: impl FnOnce(&mut Self, &mut Vec<Effect>) -> Result<(), EndReason>,
    ) {
        if let Err(reason) = step(self, out) {
            self.end(id, reason, out);
        }
    }

    pub(super) fn on_opened(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        opened: Opened,
        out: &mut Vec<Effect>,
    ) {
        self.run_name(rng);
        let heads = self.identity.heads.clone();
        let phase = Phase::Handshake { our_heads: heads, payload: None };
        let opened = match opened {
            Opened::Dialled { once } => self.dial(rng).map(|(link, bytes)| (link, bytes, once)),
            Opened::Accepted { once } => {
                self.offers().map(|offers| (Link::responder(offers, self.exchange(), rng), Vec::new(), once))
            }
        };
        match opened {
            Ok((link, bytes, once)) => {
                self.links.insert(id, Connection::new(link, phase, once, now));
                self.send(id, bytes, out);
            }
            Err(error) => {
                tracing::error!(%error, "cannot open a channel");
                out.push(Effect::Close(id));
            }
        }
    }

    pub(super) fn dial(&self, rng: &mut dyn CryptoRng) -> Result<(Link, Vec<u8>), NodeError> {
        let offer = Offer::meet(self.identity.team, &self.identity.discovery_secret)?;
        Ok(Link::initiator(&offer, &self.identity.exchange, rng)?)
    }

    pub(super) fn offers(&self) -> Result<Vec<Offer>, NodeError> {
        let mut offers = vec![Offer::meet(self.identity.team, &self.identity.discovery_secret)?];
        if let Some(invitation) = &self.invitation {
            offers.push(Offer::join(self.identity.team, &invitation.shared())?);
        }
        Ok(offers)
    }

    pub(super) fn exchange(&self) -> ExchangeSecret {
        ExchangeSecret::from_bytes(*self.identity.exchange.as_bytes())
    }

    pub(super) fn send(&mut self, id: LinkId, bytes: Vec<u8>, out: &mut Vec<Effect>) {
        if let Some(link) = self.links.get_mut(&id)
            && !bytes.is_empty()
        {
            link.count_sent(bytes.len());
            out.push(Effect::Send(id, bytes));
        }
    }

    pub(super) fn send_frame(
        &mut self,
        id: LinkId,
        frame: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let bytes = link.link.send(frame).map_err(|_| EndReason::Channel)?;
        self.send(id, bytes, out);
        Ok(())
    }

    pub(super) fn end(&mut self, id: LinkId, reason: EndReason, out: &mut Vec<Effect>) {
        if let Some(link) = self.links.remove(&id) {
            self.claims.leave_all(id);
            out.push(Effect::Close(id));
            if let (Some(seen), Some(established)) = (link.seen(), &link.established) {
                out.push(Effect::Ask(id, Question::Note { peer: established.peer, seen }));
            }
            if link.summary.entries_received > 0 {
                out.push(Effect::Ask(id, Question::Apply));
            }
            out.push(Effect::Tell(Event::Ended { link: id, reason, summary: link.summary }));
        }
    }

    pub(super) fn on_bytes(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        bytes: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.count_received(bytes.len(), now);
        for event in link.open(bytes)? {
            self.on_link_event(rng, now, id, event, out)?;
        }
        Ok(())
    }

    pub(super) fn on_link_event(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        event: LinkEvent,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        match event {
            LinkEvent::HandshakePayload(payload) => match &mut link.phase {
                Phase::Handshake { payload: kept, .. } => *kept = Some(payload),
                Phase::Joining(inviter) => inviter.on_payload(&payload)?,
                _ => return Err(EndReason::Misbehaved),
            },
            LinkEvent::NeedsPayload => {
                if link.purpose() == Some(Purpose::Join) {
                    // An invitation serves once: from here on only this link may use it.
                    let options = self.invitation.take().ok_or(EndReason::Channel)?;
                    let inviter = Inviter::new(WordNonce::generate(rng), options.invited);
                    link.phase = Phase::Joining(Box::new(inviter));
                }
                let run = self.run.ok_or(EndReason::Channel)?;
                let payload = match &link.phase {
                    Phase::Handshake { our_heads, .. } => encode_payload(run, our_heads),
                    Phase::Joining(inviter) => inviter.payload(),
                    _ => return Err(EndReason::Misbehaved),
                };
                let reply = link.link.reply(&payload).map_err(|_| EndReason::Channel)?;
                self.send(id, reply.bytes, out);
                if let Some(established) = reply.established {
                    self.on_established(now, id, established, out)?;
                }
            }
            LinkEvent::Established(established) => self.on_established(now, id, established, out)?,
            LinkEvent::Frame(frame) => self.on_frame(id, frame, out)?,
        }
        Ok(())
    }

    pub(super) fn on_established(
        &mut self,
        now: UnixMillis,
        id: LinkId,
        established: Established,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.established = Some(established);
        match &mut link.phase {
            Phase::Handshake { our_heads, payload } => {
                let (run, their_heads) = decode_payload(payload.as_deref().unwrap_or_default())?;
                let our_heads = std::mem::take(our_heads);
                link.run = Some(run);
                link.phase = Phase::Greeting { our_heads, their_heads, early: VecDeque::new() };
                self.keep_one(now, id, established.peer, run, out)?;
                out.push(Effect::Ask(id, Question::Greet { peer: established.peer }));
                Ok(())
            }
            Phase::Joining(inviter) => {
                let frame = inviter.on_established(established.handshake_hash);
                self.send_frame(id, &frame, out)
            }
            _ => Err(EndReason::Misbehaved),
        }
    }

    pub(super) fn on_frame(
        &mut self,
        id: LinkId,
        frame: Vec<u8>,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        match &mut link.phase {
            Phase::Handshake { .. } => Err(EndReason::Misbehaved),
            // Both devices have dialled, and the other side has closed this link for the other one.
            Phase::Greeting { .. } if frame == Frame::Goodbye(GoodbyeReason::Done).encode() => {
                Err(EndReason::Twice)
            }
            Phase::Greeting { .. } => link.keep_early(frame),
            Phase::Session(_) => {
                self.session(id, SessionInput::Frame(frame), out);
                Ok(())
            }
            Phase::Joining(inviter) => {
                let step = inviter.on_frame(&frame)?;
                self.on_inviter_step(id, step, out)
            }
        }
    }

    pub(super) fn on_answer(&mut self, id: LinkId, answer: Answer, out: &mut Vec<Effect>) {
        match answer {
            Answer::Greeted { member, heads, pending, wanted, clock } => {
                let Some(link) = self.links.get_mut(&id) else { return };
                let phase = std::mem::replace(
                    &mut link.phase,
                    Phase::Handshake { our_heads: Vec::new(), payload: None },
                );
                let Phase::Greeting { our_heads, their_heads, early } = phase else { return };
                let peer_known = member.is_some();
                let session = Session::new(Config { our_heads, their_heads, peer_known });
                let meeting = Meeting {
                    session,
                    member: member.clone(),
                    complete: false,
                    told: BTreeMap::new(),
                    asked: 0,
                };
                link.phase = Phase::Session(Box::new(meeting));
                if let Some((device, name)) = member {
                    out.push(Effect::Tell(Event::Met { link: id, device, name }));
                }
                // What changed since the handshake comes first: who was removed meanwhile is to hear of it.
                self.session(id, SessionInput::MembershipChanged { heads, peer_known }, out);
                self.session(id, SessionInput::Clock(clock), out);
                self.session(id, SessionInput::Want(wanted), out);
                self.session(id, SessionInput::Pending(pending), out);
                self.session(id, SessionInput::Start, out);
                for frame in early {
                    self.session(id, SessionInput::Frame(frame), out);
                }
                if self.links.get(&id).is_some_and(|link| link.closed) {
                    self.end(id, EndReason::Cut, out);
                }
            }
            Answer::Session { input, change, entries } => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.summary.entries_received += entries;
                    if let Phase::Session(meeting) = &mut link.phase {
                        meeting.asked = meeting.asked.saturating_sub(1);
                    }
                }
                // What is missing now comes first: the session must not tell its peer that nothing is.
                self.tell_missing(id, &change, out);
                self.session(id, input, out);
                self.broadcast(Some(id), &change, out);
            }
            Answer::Noted => {}
            Answer::Applied { change } => self.broadcast(None, &change, out),
            Answer::Endorsed { result } => self.with(id, out, |this, out| match result {
                Ok(proposal) => {
                    if let Some(Phase::Joining(inviter)) = this.links.get_mut(&id).map(|it| &mut it.phase) {
                        inviter.proposed = true;
                        out.push(Effect::Tell(Event::Proposed { link: id, proposal: Box::new(proposal) }));
                    }
                    Ok(())
                }
                Err(error) => this.refuse(id, &error, out),
            }),
            Answer::Admitted { result, change } => {
                self.with(id, out, |this, out| match result {
                    Ok((name, operations)) => {
                        this.send_frame(id, &JoinFrame::Welcome(operations).encode(), out)?;
                        out.push(Effect::Tell(Event::Joined { link: id, name }));
                        Err(EndReason::Done)
                    }
                    Err(error) => this.refuse(id, &error, out),
                });
                self.broadcast(None, &change, out);
            }
        }
    }
}
