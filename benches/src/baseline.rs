//! Documents as an app that is built on Automerge alone keeps them: each saved by Automerge, one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use automerge::Automerge;
use firsthand_ids::DocumentId;

use crate::Outcome;
use crate::device::Device;

/// A document as [`Automerge::save`] gives it, compressed.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) id: DocumentId,
    pub(crate) bytes: Vec<u8>,
}

impl Saved {
    /// From the bytes that a store keeps.
    pub(crate) fn compressed(id: DocumentId, stored: &[u8]) -> Outcome<Self> {
        Ok(Self { id, bytes: Automerge::load(stored)?.save() })
    }
}

pub(crate) fn write_saved(path: &Path, saved: &[Saved]) -> Outcome<()> {
    let mut bytes = Vec::new();
    for Saved { id, bytes: document } in saved {
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(&(document.len() as u32).to_le_bytes());
        bytes.extend_from_slice(document);
    }
    Ok(fs::write(path, bytes)?)
}

pub(crate) fn read_saved(path: &Path) -> Outcome<Vec<Saved>> {
    let bytes = fs::read(path)?;
    let mut rest = bytes.as_slice();
    let mut saved = Vec::new();
    while let Some((id, more)) = rest.split_first_chunk::<16>() {
        let (len, more) = more.split_first_chunk::<4>().ok_or("read the saved documents")?;
        let (document, more) =
            more.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or("read the saved documents")?;
        saved.push(Saved { id: DocumentId::new(*id), bytes: document.to_vec() });
        rest = more;
    }
    Ok(saved)
}

/// The documents as `device` has them, given those it had and which have changed.
pub(crate) fn updated(device: &Device, saved: &[Saved], changed: &[DocumentId]) -> Outcome<Vec<Saved>> {
    let mut new = BTreeMap::new();
    for id in changed {
        let stored = device.ledger.store().document(id)?.ok_or("find a document")?;
        new.insert(*id, Saved::compressed(*id, &stored.saved)?);
    }
    Ok(saved.iter().map(|one| new.remove(&one.id).unwrap_or_else(|| one.clone())).collect())
}

pub(crate) fn load_all(saved: &[Saved]) -> Outcome<Vec<Automerge>> {
    saved.iter().map(|one| Ok(Automerge::load(&one.bytes)?)).collect()
}

/// Whether two devices hold the same of every document.
pub(crate) fn all_equal(left: &[Automerge], right: &[Automerge]) -> bool {
    left.iter().zip(right).all(|(left, right)| left.get_heads() == right.get_heads())
}
