//! What this device keeps at relays: which mailboxes matter, what is sealed for them, and what is believed of what they bring.
//!
//! A mailbox belongs to an epoch of a space at one relay, and begins with nothing: what was under an earlier key is sealed again
//! under the new one, so that whoever has the newest key finds everything in one place, also after the relay lost all it had
//! ([ADR 29](../../../../../docs/adr/0029-attachments.md)).

mod files;
mod known;
mod open;
mod plan;
mod queue;
mod seal;
mod shelf;
mod snapshots;

use firsthand_ids::MailboxId;
use firsthand_sync::relay::{Opened, Remembered};
use rand_core::CryptoRng;

pub use files::{RelayAnswering, RelayDone, RelayWork};
pub(super) use known::Relays;

use super::{Ledger, Now};
use crate::NodeError;
use crate::meeting::Change;
use crate::relay::{Answer, Question};

impl Ledger {
    /// Answers a question about entries; some need no answer.
    fn answer_about_words(
        &mut self,
        question: Question,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Option<Answer> {
        match question {
            Question::Plan { reaches, renew } => Some(self.plan_relays(reaches, renew, rng)),
            Question::Compare(mailbox, head) => {
                let digest = self.sealed_digest(&mailbox, &head);
                let digest = digest.inspect_err(|error| tracing::error!(%error, "could not compare a range"));
                Some(Answer::Compared(head.serial, digest.ok().flatten()))
            }
            Question::Open(mailbox, head, sealed) => {
                let serial = head.serial;
                let mut change = Change::default();
                let took = self.open_range(&mailbox, &head, &sealed, now, &mut change);
                let took = took.unwrap_or_else(|error| {
                    tracing::error!(%error, "could not keep what a relay brought");
                    open::Took { opened: Opened::Early, entries: 0, leads_on: false }
                });
                let open::Took { opened, entries, leads_on } = took;
                Some(Answer::Opened { serial, opened, change, entries, leads_on })
            }
            Question::Seal(mailbox, writer, after) => {
                let sealed = self.seal_for(&mailbox, &writer, after, rng);
                let sealed = sealed.inspect_err(|error| tracing::error!(%error, "could not seal a range"));
                Some(Answer::Sealed(writer, sealed.ok().flatten()))
            }
            Question::Anew(mailbox) => {
                self.relays.anew(&mailbox);
                self.keep_files(&mailbox);
                self.keep_shelf(&mailbox);
                None
            }
            Question::SetBack(mailbox, moment) => {
                self.relays.set_back(&mailbox, moment);
                self.keep_files(&mailbox);
                self.keep_shelf(&mailbox);
                None
            }
            Question::Remember { mailbox, remembered, reach } => {
                self.relays.reached(&mailbox, reach);
                self.keep_or_say(&mailbox, Some(remembered));
                None
            }
            Question::Gone(mailbox) => {
                self.relays.gone(&mailbox);
                self.keep_or_say(&mailbox, None);
                self.keep_files(&mailbox);
                self.keep_shelf(&mailbox);
                None
            }
            Question::Apply => {
                let mut change = Change::default();
                // It stays on the disk as it is, and is tried again with what comes next or when the home is opened.
                let _ = self.apply_received(&mut change);
                Some(Answer::Applied(change))
            }
            Question::Files(_)
            | Question::NameParts(..)
            | Question::LoadPart { .. }
            | Question::TakePart { .. }
            | Question::AtRelay(..)
            | Question::Floor(..)
            | Question::Snapshot { .. }
            | Question::TakeBlob(..)
            | Question::LoadBlob(..)
            | Question::Brought(..)
            | Question::Settled(..) => None,
        }
    }

    fn keep_or_say(&mut self, mailbox: &MailboxId, remembered: Option<Remembered>) {
        if let Err(error) = self.remember_mailbox(mailbox, remembered) {
            // Only time is lost: the relay lists everything again.
            tracing::warn!(%error, "how far a relay was read is forgotten");
        }
    }

    fn remember_mailbox(
        &mut self,
        mailbox: &MailboxId,
        remembered: Option<Remembered>,
    ) -> Result<(), NodeError> {
        match self.relays.remember(mailbox, remembered) {
            Some(bytes) => self.keep_setting(known::setting(mailbox), bytes),
            None => Ok(()),
        }
    }

    fn keep_setting(&mut self, name: String, bytes: Vec<u8>) -> Result<(), NodeError> {
        let mut commit = firsthand_store::Commit::new(self.space);
        commit.settings.push((name, bytes));
        commit.tried = self.untried.is_empty();
        // Should the device lose power before this is on the disk, the relay tells again.
        commit.derived = true;
        self.store.commit(commit)?;
        Ok(())
    }
}
