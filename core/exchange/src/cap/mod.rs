//! Warnings of the Common Alerting Protocol: CAP 1.1 and 1.2 read, CAP 1.2 written.
//!
//! [`read`] gives a [`Message`] with everything that the protocol has; [`to_alert`] makes a draft of a warning of it, and keeps the
//! whole message with it, so that [`from_alert`] writes again what it was, with what people changed since. [`write`] gives XML that
//! holds to the schema of OASIS.
//!
//! What is read comes from strangers. A document type or an entity of the file's own is refused before anything of it is looked
//! at; how large a file is, how deep and how many elements it has is bounded, and the reader itself does not recurse.

mod alert;
mod message;
mod parse;
mod tree;
mod write;

pub use alert::{CapDraft, from_alert, to_alert};
pub use message::{ANY_TYPE, CapArea, Info, Message, Named, Reference, Resource};
pub use parse::read;
pub use write::write;

/// The largest file that is read, in bytes: 1 MiB. Warnings with the border of a province have some 100 kB.
pub const MAX_CAP_BYTES: u64 = 1024 * 1024;

/// The namespaces of the versions that are read.
pub const NAMESPACES: [&str; 2] =
    ["urn:oasis:names:tc:emergency:cap:1.1", "urn:oasis:names:tc:emergency:cap:1.2"];
