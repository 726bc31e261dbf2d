//! What is signed for a relay. Each has a label of its own, and all but a replacement name the handshake, so that nothing
//! signed on one connection is worth anything on another.

use firsthand_ids::{ContentHash, DeviceKey, Digest, MailboxId};
use firsthand_log::codec::Writer;

use super::{MailboxBase, Token};

/// What the mailbox's key signs to register it.
#[must_use]
pub fn register(handshake: &[u8; 32], token: &Token, leads: &DeviceKey) -> [u8; 32] {
    Digest::new("firsthand relay register v1").fixed(handshake).fixed(token.as_bytes()).fixed(leads).finish()
}

/// What the mailbox's key signs to enter it.
#[must_use]
pub fn enter(handshake: &[u8; 32], uploader: &DeviceKey) -> [u8; 32] {
    Digest::new("firsthand relay enter v1").fixed(handshake).fixed(uploader).finish()
}

/// What the uploader's key signs on entering `mailbox`.
#[must_use]
pub fn upload(handshake: &[u8; 32], mailbox: &MailboxId) -> [u8; 32] {
    Digest::new("firsthand relay upload v1").fixed(handshake).fixed(mailbox).finish()
}

/// What the leads' key signs: `snapshot` stands for everything up to `base`. Also the proposal's name.
#[must_use]
pub fn replace(mailbox: &MailboxId, snapshot: &ContentHash, base: &MailboxBase) -> [u8; 32] {
    let mut out = Writer::new();
    base.encode(&mut out);
    Digest::new("firsthand relay replace v1").fixed(mailbox).fixed(snapshot).sized(out.as_bytes()).finish()
}
