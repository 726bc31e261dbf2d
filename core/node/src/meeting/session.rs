use firsthand_ids::DeviceKey;
use firsthand_sync::{GoodbyeReason, Input as SessionInput};

use super::link::Phase;
use super::machine::MAX_ASKED;
use super::{Change, Effect, EndReason, Event, LinkId, Meetings, Question};

/// The sessions with members.
impl Meetings {
    /// Tells every session what changed on this device, besides the one whose own answer it was.
    pub(super) fn broadcast(&mut self, except: Option<LinkId>, change: &Change, out: &mut Vec<Effect>) {
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

    pub(super) fn tell_missing(&mut self, id: LinkId, change: &Change, out: &mut Vec<Effect>) {
        if let Some((pending, wanted)) = &change.missing {
            self.session(id, SessionInput::Want(wanted.clone()), out);
            self.session(id, SessionInput::Pending(*pending), out);
        }
    }

    /// Notes who a link is with, where that could not be known when it was opened: two honest members may meet before
    /// either has heard that the other was added.
    pub(super) fn introduce(
        &mut self,
        id: LinkId,
        member: Option<&(DeviceKey, String)>,
        out: &mut Vec<Effect>,
    ) {
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
    pub(super) fn pending_turned(&self, id: LinkId) -> bool {
        match self.links.get(&id).map(|link| &link.phase) {
            Some(Phase::Session(meeting)) => meeting.session.nothing_pending() != meeting.complete,
            _ => false,
        }
    }

    pub(super) fn on_session_effect(
        &mut self,
        id: LinkId,
        effect: firsthand_sync::Effect,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        use firsthand_sync::Effect as Session;
        match effect {
            Session::Send(frame) => self.send_frame(id, &frame, out)?,
            Session::TellWhenTaken => out.push(Effect::TellWhenTaken(id)),
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
    pub(super) fn report(&mut self, id: LinkId, out: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Phase::Session(meeting) = &mut link.phase else { return };
        let mut equal = true;
        let mut sent = 0;
        for (space, standing) in meeting.session.standings() {
            equal &= standing.equal;
            sent += standing.delivered;
            let peer_pending = meeting.session.peer_pending();
            // Much that happens changes nothing that could be shown.
            let told = Some((standing, peer_pending));
            if meeting.told.insert(space, (standing, peer_pending)) != told {
                out.push(Effect::Tell(Event::Progress { link: id, space, standing, peer_pending }));
            }
        }
        link.summary.entries_sent = sent;
        let complete = equal && meeting.session.nothing_pending();
        let newly = complete && !meeting.complete;
        meeting.complete = complete;
        if newly {
            out.push(Effect::Tell(Event::Complete { link: id }));
            if let (Some(seen), Some(established)) = (link.seen(), &link.established) {
                out.push(Effect::Ask(id, Question::Note { peer: established.peer, seen }));
            }
        }
    }

    /// Ends a single meeting that has nothing left to do.
    pub(super) fn finish(&mut self, id: LinkId, out: &mut Vec<Effect>) -> Result<(), EndReason> {
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
