//! What a member's program could send and no honest one does: the kinds of bytes that break Automerge when nobody stands
//! before it, built part by part.

mod base;
mod heavy;
mod lies;
mod operations;
mod raw;

pub use base::{Base, Leads, Sent, am, in_automerge, places, writer};
pub use heavy::strays;
pub use lies::bomb;
pub use raw::{COLUMNS, Column, Raw, contents, number, overlong, sealed, signed};

/// One thing that somebody tries.
#[derive(Debug, Clone)]
pub struct Attack {
    /// What it is called.
    pub name: String,
    /// Lawful changes that come before.
    pub before: Vec<Sent>,
    /// The changes to be judged, together.
    pub sent: Vec<Sent>,
    /// Whether all of them must be refused; otherwise they may be lawful, and only dear.
    pub refused: bool,
}

impl Attack {
    fn refused(name: impl Into<String>, change: Vec<u8>) -> Self {
        let sent = vec![Sent { writer: base::HOSTILE, create: false, bytes: change }];
        Self { name: name.into(), before: Vec::new(), sent, refused: true }
    }

    /// How many bytes it takes to send.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sent.iter().map(|sent| sent.bytes.len()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

/// Everything there is, against this document.
#[must_use]
pub fn attacks(base: &Base) -> Vec<Attack> {
    let mut all = lies::attacks(base);
    all.extend(operations::attacks(base));
    all.extend(heavy::attacks(base));
    all
}
