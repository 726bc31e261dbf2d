use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use firsthand_ids::MailboxId;
use tokio::sync::watch;

/// Who listens to which mailbox. Only the newest serial is kept: a slow listener costs what a quick one costs.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    mailboxes: Mutex<BTreeMap<MailboxId, watch::Sender<u64>>>,
}

impl Hub {
    pub(crate) fn join(&self, mailbox: MailboxId) -> watch::Receiver<u64> {
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        mailboxes.entry(mailbox).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    pub(crate) fn announce(&self, mailbox: &MailboxId, serial: u64) {
        let mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = mailboxes.get(mailbox) {
            sender.send_if_modified(|newest| {
                let grew = serial > *newest;
                *newest = serial.max(*newest);
                grew
            });
        }
    }

    /// Forgets a mailbox to which nobody listens. To be called after a listener has gone.
    pub(crate) fn leave(&self, mailbox: &MailboxId) {
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if mailboxes.get(mailbox).is_some_and(|sender| sender.receiver_count() == 0) {
            mailboxes.remove(mailbox);
        }
    }
}
