//! Snapshots: everything that a space holds up to a base, as sealed blobs, for somebody who holds nothing yet.
//!
//! The entries stand in *pages*: lean batches as members send them, in the order for people, so that members who hold the same
//! and keep the same signatures make the same snapshot. Each page refers to those before it and nothing else, and ends
//! at signed heads, so whoever takes it in recomputes every chain and checks it before anything of it is kept. Pages that are
//! compressed together are a *section*, which is cut into *blobs* as a relay takes them. The *index* is a blob that names all
//! others by hash, and so names the snapshot.

mod index;
mod leads;
mod section;

pub use index::{MAX_SNAPSHOT_BLOBS, SectionKind, SnapshotIndex, SnapshotSection};
pub use leads::leads_key;
pub use section::{MAX_BLOB_BYTES, SectionReader, SectionWriter, open_section, seal_section};
