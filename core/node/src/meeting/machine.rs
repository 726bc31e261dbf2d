use std::collections::{BTreeMap, VecDeque};

use firsthand_channel::{Established, ExchangeSecret, Link, LinkEvent, Offer, Purpose, WordNonce};
use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId, UnixMillis};
use firsthand_sync::{Claims, Config, GoodbyeReason, Input as SessionInput, Session};
use firsthand_team::TeamError;
use rand_core::CryptoRng;

use super::invite::InviterStep;
use super::link::{Connection, Meeting, Phase, decode_heads, encode_heads};
use super::{Answer, Change, EndReason, Event, InviteOptions, Inviter, JoinFrame, Members, Question};
use crate::NodeError;

/// The most questions of one link that the ledger may owe answers to. A session asks for a handful at a time; more come
/// only from a peer that floods.
const MAX_ASKED: usize = 64;

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
    /// Close a stream once everything was sent.
    Close(LinkId),
    /// Ask the ledger.
    Ask(LinkId, Question),
    /// Tell observers.
    Tell(Event),
}

/// All links of a node.
pub struct Meetings {
    identity: Identity,
    invitation: Option<InviteOptions>,
    pub(super) links: BTreeMap<LinkId, Connection>,
    /// Which files are asked for on which link.
    pub(super) claims: Claims,
}

impl Meetings {
    /// No links yet.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self { identity, invitation: None, links: BTreeMap::new(), claims: Claims::default() }
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn deadline(&self) -> Option<UnixMillis> {
        self.links.values().filter_map(Connection::deadline).chain(self.files_deadline()).min()
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
                device: device.short(),
                name,
                standings: meeting.session.standings().collect(),
                peer_pending: meeting.session.peer_pending(),
                complete: meeting.complete,
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
            Input::Closed(id) => self.end(id, EndReason::Cut, &mut out),
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
                self.free_stalled_files();
            }
        }
        self.look_for_files(&mut out);
        self.links.values_mut().for_each(|link| link.note_turn(now));
        out
    }

    fn with(
        &mut self,
        id: LinkId,
        out: &mut Vec<Effect>,
        step: impl FnOnce(&mut Self, &mut Vec<Effect>) -> Result<(), EndReason>,
    ) {
        if let Err(reason) = step(self, out) {
            self.end(id, reason, out);
        }
    }

    fn on_opened(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        opened: Opened,
        out: &mut Vec<Effect>,
    ) {
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

    fn dial(&self, rng: &mut dyn CryptoRng) -> Result<(Link, Vec<u8>), NodeError> {
        let offer = Offer::meet(self.identity.team, &self.identity.discovery_secret)?;
        Ok(Link::initiator(&offer, &self.identity.exchange, rng)?)
    }

    fn offers(&self) -> Result<Vec<Offer>, NodeError> {
        let mut offers = vec![Offer::meet(self.identity.team, &self.identity.discovery_secret)?];
        if let Some(invitation) = &self.invitation {
            offers.push(Offer::join(self.identity.team, &invitation.shared())?);
        }
        Ok(offers)
    }

    fn exchange(&self) -> ExchangeSecret {
        ExchangeSecret::from_bytes(*self.identity.exchange.as_bytes())
    }

    fn send(&mut self, id: LinkId, bytes: Vec<u8>, out: &mut Vec<Effect>) {
        if let Some(link) = self.links.get_mut(&id)
            && !bytes.is_empty()
        {
            link.count_sent(bytes.len());
            out.push(Effect::Send(id, bytes));
        }
    }

    fn send_frame(&mut self, id: LinkId, frame: &[u8], out: &mut Vec<Effect>) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let bytes = link.link.send(frame).map_err(|_| EndReason::Channel)?;
        self.send(id, bytes, out);
        Ok(())
    }

    fn end(&mut self, id: LinkId, reason: EndReason, out: &mut Vec<Effect>) {
        if let Some(link) = self.links.remove(&id) {
            self.claims.leave_all(id);
            out.push(Effect::Close(id));
            if link.summary.entries_received > 0 {
                out.push(Effect::Ask(id, Question::Apply));
            }
            out.push(Effect::Tell(Event::Ended { link: id, reason, summary: link.summary }));
        }
    }

    fn on_bytes(
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
            self.on_link_event(rng, id, event, out)?;
        }
        Ok(())
    }

    fn on_link_event(
        &mut self,
        rng: &mut dyn CryptoRng,
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
                let payload = match &link.phase {
                    Phase::Handshake { our_heads, .. } => encode_heads(our_heads),
                    Phase::Joining(inviter) => inviter.payload(),
                    _ => return Err(EndReason::Misbehaved),
                };
                let reply = link.link.reply(&payload).map_err(|_| EndReason::Channel)?;
                self.send(id, reply.bytes, out);
                if let Some(established) = reply.established {
                    self.on_established(id, established, out)?;
                }
            }
            LinkEvent::Established(established) => self.on_established(id, established, out)?,
            LinkEvent::Frame(frame) => self.on_frame(id, frame, out)?,
        }
        Ok(())
    }

    fn on_established(
        &mut self,
        id: LinkId,
        established: Established,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.established = Some(established);
        match &mut link.phase {
            Phase::Handshake { our_heads, payload } => {
                let their_heads = decode_heads(payload.as_deref().unwrap_or_default())?;
                let our_heads = std::mem::take(our_heads);
                link.phase = Phase::Greeting { our_heads, their_heads, early: VecDeque::new() };
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

    fn on_frame(&mut self, id: LinkId, frame: Vec<u8>, out: &mut Vec<Effect>) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        match &mut link.phase {
            Phase::Handshake { .. } => Err(EndReason::Misbehaved),
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

    fn on_inviter_step(
        &mut self,
        id: LinkId,
        step: InviterStep,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        match step {
            InviterStep::Nothing => Ok(()),
            InviterStep::Show(words) => {
                out.push(Effect::Tell(Event::Words { link: id, words }));
                Ok(())
            }
            InviterStep::Admit(request, role) => {
                if let Some(exchange) = self.peer_of(id) {
                    out.push(Effect::Ask(id, Question::Admit { request, exchange, role }));
                }
                Ok(())
            }
            InviterStep::Endorse(request) => {
                if let Some(exchange) = self.peer_of(id) {
                    out.push(Effect::Ask(id, Question::Endorse { request, exchange }));
                }
                Ok(())
            }
            InviterStep::Declined => Err(EndReason::Declined),
        }
    }

    /// The key that the other side of a link has proved.
    fn peer_of(&self, id: LinkId) -> Option<ExchangeKey> {
        Some(self.links.get(&id)?.established?.peer)
    }

    /// A new device waits for a lead's word: once it belongs to the team, it is told everything.
    fn welcome(&mut self, id: LinkId, members: &Members, out: &mut Vec<Effect>) {
        let added = self.peer_of(id).is_some_and(|peer| members.contains_key(&peer));
        if let Some(Phase::Joining(inviter)) = self.links.get_mut(&id).map(|link| &mut link.phase)
            && inviter.proposed
            && added
        {
            inviter.proposed = false;
            out.push(Effect::Ask(id, Question::Welcome));
        }
    }

    fn on_compared(&mut self, id: LinkId, same: bool, out: &mut Vec<Effect>) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let Phase::Joining(inviter) = &mut link.phase else { return Ok(()) };
        if same {
            let step = inviter.confirm();
            return self.on_inviter_step(id, step, out);
        }
        self.send_frame(id, &JoinFrame::Decline.encode(), out)?;
        Err(EndReason::Declined)
    }

    fn on_answer(&mut self, id: LinkId, answer: Answer, out: &mut Vec<Effect>) {
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
                let meeting = Meeting { session, member: member.clone(), complete: false, asked: 0 };
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

    /// Tells whoever wanted to join that it is not to be.
    fn refuse(&mut self, id: LinkId, error: &TeamError, out: &mut Vec<Effect>) -> Result<(), EndReason> {
        tracing::warn!(%error, "not admitted");
        self.send_frame(id, &JoinFrame::Decline.encode(), out)?;
        Err(EndReason::Declined)
    }

    /// Tells every session what changed on this device, besides the one whose own answer it was.
    fn broadcast(&mut self, except: Option<LinkId>, change: &Change, out: &mut Vec<Effect>) {
        let ids: Vec<_> = self.links.keys().copied().collect();
        if let Some((heads, members)) = &change.membership {
            self.identity.heads.clone_from(heads);
            for id in ids.iter().copied() {
                self.welcome(id, members, out);
                let member = self.peer_of(id).and_then(|peer| members.get(&peer));
                self.introduce(id, member, out);
                let peer_known = member.is_some();
                let heads = heads.clone();
                self.session(id, SessionInput::MembershipChanged { heads, peer_known }, out);
            }
        }
        // Before anybody asks for more: what has just come is not to be asked for again.
        for id in ids.iter().copied().filter(|id| Some(*id) != except) {
            self.tell_missing(id, change, out);
        }
        for id in ids.iter().copied().filter(|id| Some(*id) != except) {
            for (space, vector) in &change.vectors {
                let (space, vector) = (*space, vector.clone());
                self.session(id, SessionInput::Advanced { space, vector }, out);
            }
        }
    }

    fn tell_missing(&mut self, id: LinkId, change: &Change, out: &mut Vec<Effect>) {
        if let Some((pending, wanted)) = &change.missing {
            self.session(id, SessionInput::Want(wanted.clone()), out);
            self.session(id, SessionInput::Pending(*pending), out);
        }
    }

    /// Notes who a link is with, where that could not be known when it was opened: two honest members may meet before
    /// either has heard that the other was added.
    fn introduce(&mut self, id: LinkId, member: Option<&(DeviceKey, String)>, out: &mut Vec<Effect>) {
        let Some(Phase::Session(meeting)) = self.links.get_mut(&id).map(|link| &mut link.phase) else {
            return;
        };
        if let (None, Some((device, name))) = (&meeting.member, member) {
            meeting.member = Some((*device, name.clone()));
            out.push(Effect::Tell(Event::Met { link: id, device: *device, name: name.clone() }));
        }
    }

    /// Feeds a session and carries out what it says.
    pub(super) fn session(&mut self, id: LinkId, input: SessionInput, out: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Phase::Session(meeting) = &mut link.phase else { return };
        let moved = matches!(
            input,
            SessionInput::Frame(_) | SessionInput::Committed { .. } | SessionInput::Advanced { .. }
        );
        let effects = meeting.session.handle_among(id, &mut self.claims, input);
        self.with(id, out, |this, out| {
            for effect in effects {
                this.on_session_effect(id, effect, out)?;
            }
            if moved || this.pending_turned(id) {
                this.report(id, out);
            }
            this.finish(id, out)
        });
    }

    /// Whether a meeting may have become complete, or stopped to be, by what is told of files and waiting entries.
    fn pending_turned(&self, id: LinkId) -> bool {
        match self.links.get(&id).map(|link| &link.phase) {
            Some(Phase::Session(meeting)) => meeting.session.nothing_pending() != meeting.complete,
            _ => false,
        }
    }

    fn on_session_effect(
        &mut self,
        id: LinkId,
        effect: firsthand_sync::Effect,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        use firsthand_sync::Effect as Session;
        match effect {
            Session::Send(frame) => self.send_frame(id, &frame, out)?,
            Session::Close(reason) => return Err(end_reason(reason)),
            Session::Forked { space, writer } => out.push(Effect::Tell(Event::Forked { space, writer })),
            Session::Equal { .. } | Session::PeerPending(_) => self.report(id, out),
            effect => {
                let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
                let Some(established) = link.established else { return Err(EndReason::Misbehaved) };
                if let Phase::Session(meeting) = &mut link.phase {
                    meeting.asked += 1;
                    if meeting.asked > MAX_ASKED {
                        return Err(EndReason::Misbehaved);
                    }
                }
                out.push(Effect::Ask(id, Question::Session { peer: established.peer, effect }));
            }
        }
        Ok(())
    }

    /// Tells observers how the two stand.
    fn report(&mut self, id: LinkId, out: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Phase::Session(meeting) = &mut link.phase else { return };
        let mut equal = true;
        let mut sent = 0;
        for (space, standing) in meeting.session.standings() {
            equal &= standing.equal;
            sent += standing.delivered;
            let peer_pending = meeting.session.peer_pending();
            out.push(Effect::Tell(Event::Progress { link: id, space, standing, peer_pending }));
        }
        link.summary.entries_sent = sent;
        let complete = equal && meeting.session.nothing_pending();
        if complete && !meeting.complete {
            out.push(Effect::Tell(Event::Complete { link: id }));
        }
        meeting.complete = complete;
    }

    /// Ends a single meeting that has nothing left to do.
    fn finish(&mut self, id: LinkId, out: &mut Vec<Effect>) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let once = link.once;
        let Phase::Session(meeting) = &mut link.phase else { return Ok(()) };
        if !once || meeting.asked > 0 || !meeting.session.finished() {
            return Ok(());
        }
        let bye = SessionInput::Close(GoodbyeReason::Done);
        for effect in meeting.session.handle_among(id, &mut self.claims, bye) {
            if let firsthand_sync::Effect::Send(frame) = effect {
                self.send_frame(id, &frame, out)?;
            }
        }
        Err(EndReason::Done)
    }
}

const fn end_reason(reason: GoodbyeReason) -> EndReason {
    match reason {
        GoodbyeReason::NotAMember => EndReason::NotAMember,
        GoodbyeReason::Storage => EndReason::Storage,
        GoodbyeReason::Misbehaved => EndReason::Misbehaved,
        GoodbyeReason::Done | GoodbyeReason::Other(_) => EndReason::Done,
    }
}
