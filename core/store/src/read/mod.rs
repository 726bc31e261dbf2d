//! Reading the log and the documents.

mod batch;
mod document;
mod entry;
mod held;
mod references;

pub use batch::BatchLimits;
pub use references::SpaceReferences;
