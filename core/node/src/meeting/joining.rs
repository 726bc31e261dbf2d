use firsthand_ids::ExchangeKey;
use firsthand_team::TeamError;

use super::invite::InviterStep;
use super::link::Phase;
use super::{Effect, EndReason, Event, JoinFrame, LinkId, Meetings, Members, Question};

/// Links over which somebody joins.
impl Meetings {
    pub(super) fn on_inviter_step(
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
    pub(super) fn peer_of(&self, id: LinkId) -> Option<ExchangeKey> {
        Some(self.links.get(&id)?.established?.peer)
    }

    /// A new device waits for a lead's word: once it belongs to the team, it is told everything.
    pub(super) fn welcome(&mut self, id: LinkId, members: &Members, out: &mut Vec<Effect>) {
        let added = self.peer_of(id).is_some_and(|peer| members.contains_key(&peer));
        if let Some(Phase::Joining(inviter)) = self.links.get_mut(&id).map(|link| &mut link.phase)
            && inviter.proposed
            && added
        {
            inviter.proposed = false;
            out.push(Effect::Ask(id, Question::Welcome));
        }
    }

    pub(super) fn on_compared(
        &mut self,
        id: LinkId,
        same: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let Phase::Joining(inviter) = &mut link.phase else { return Ok(()) };
        if same {
            let step = inviter.confirm();
            return self.on_inviter_step(id, step, out);
        }
        self.send_frame(id, &JoinFrame::Decline.encode(), out)?;
        Err(EndReason::Declined)
    }

    /// Tells whoever wanted to join that it is not to be.
    pub(super) fn refuse(
        &mut self,
        id: LinkId,
        error: &TeamError,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        tracing::warn!(%error, "not admitted");
        self.send_frame(id, &JoinFrame::Decline.encode(), out)?;
        Err(EndReason::Declined)
    }
}
