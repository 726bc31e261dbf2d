//! Files and entries that several links bring together.

use firsthand_ids::UnixMillis;
use firsthand_sync::Input as SessionInput;

use super::machine::{Effect, LinkId, Meetings};

impl Meetings {
    /// When a peer that brings nothing of what it was asked for is no longer waited for. With one link there is nobody else to ask.
    pub(super) fn claims_deadline(&self) -> Option<UnixMillis> {
        self.claims.deadline().filter(|_| self.links.len() > 1)
    }

    pub(super) fn free_stalled(&mut self) {
        if self.links.len() > 1 {
            self.claims.free_stalled();
        }
    }

    /// Has every link look again for what to ask for, where one has let go of something, brought the table of a file, or is new.
    pub(super) fn look_again(&mut self, out: &mut Vec<Effect>) {
        while self.claims.take_news() {
            let links: Vec<LinkId> = self.links.keys().copied().collect();
            for link in links {
                self.session(link, SessionInput::Look, out);
            }
        }
    }
}
