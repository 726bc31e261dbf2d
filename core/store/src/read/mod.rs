//! Reading the log and the documents.

mod batch;
mod document;
mod entry;
mod held;
mod references;

pub(crate) use document::MAX_DOCUMENT_BYTES;
pub(crate) use entry::unpack;

pub use batch::BatchLimits;
pub use references::SpaceReferences;
