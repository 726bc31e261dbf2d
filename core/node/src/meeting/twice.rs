use firsthand_ids::{ExchangeKey, UnixMillis};
use firsthand_sync::{Frame, GoodbyeReason};

use super::link::Phase;
use super::{Effect, EndReason, LinkId, Meetings};
use crate::nearby::RunName;

/// A link that was heard of so lately is alive, and something may be on its way over it.
const ALIVE_MS: i64 = 10_000;

/// Two devices that find each other both dial, over several networks perhaps.
impl Meetings {
    /// Keeps one link to a device: a second one has just shown the same key. Of two to the same run the side with the smaller key
    /// decides alone, so that not both are closed.
    pub(super) fn keep_one(
        &mut self,
        now: UnixMillis,
        id: LinkId,
        peer: ExchangeKey,
        run: RunName,
        out: &mut Vec<Effect>,
    ) -> Result<(), EndReason> {
        let own = self.identity.exchange.public().map_err(|_| EndReason::Channel)?;
        if own == peer {
            return Err(EndReason::Twice);
        }
        let same = |other: &(&LinkId, &super::link::Connection)| {
            let met = matches!(other.1.phase, Phase::Greeting { .. } | Phase::Session(_));
            *other.0 != id && met && other.1.established.is_some_and(|it| it.peer == peer)
        };
        let others: Vec<_> =
            self.links.iter().filter(same).map(|(other, link)| (*other, link.run, link.heard)).collect();
        for (other, other_run, heard) in others {
            if other_run != Some(run) {
                // The program over there has ended since: that link leads nowhere.
                self.end(other, EndReason::Twice, out);
            } else if own < peer {
                let old = heard.0 + ALIVE_MS < now.0;
                let drop = if old { other } else { id };
                self.send_frame(drop, &Frame::Goodbye(GoodbyeReason::Done).encode(), out)?;
                if drop == id {
                    return Err(EndReason::Twice);
                }
                self.end(other, EndReason::Twice, out);
            }
        }
        Ok(())
    }
}
