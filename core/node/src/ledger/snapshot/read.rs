//! Taking in a snapshot.

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, Position, SpaceId, WriterId, sha256};
use firsthand_log::codec::Reader;
use firsthand_log::compress::decompress_entries;
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{LogError, Standing, Vector};
use firsthand_seal::{
    EpochKey, GroupKeys, SealError, SectionKind, SectionReader, SnapshotIndex, open_section,
};
use firsthand_sync::Refusal;
use zeroize::Zeroizing;

use super::SnapshotError;
use crate::NodeError;
use crate::ledger::bundle::read_operations;
use crate::ledger::unkept::Unkept;
use crate::ledger::{Ledger, Now};
use crate::meeting::Change;

/// What rows of a snapshot are kept under: no device's key, because it is one of small order.
const SNAPSHOT: DeviceKey = DeviceKey::new([0; 32]);
/// The setting that is not empty from the last section of a snapshot until all of it is in its documents.
const ROWS_END: &str = "snapshot.rows-end";

/// A snapshot that is being taken in: what is to be fetched next, and how far it is.
#[derive(Debug, Clone)]
pub struct SnapshotPlan {
    pub(super) space: SpaceId,
    pub(super) key: EpochKey,
    pub(super) index: SnapshotIndex,
    name: ContentHash,
    pub(in crate::ledger) next: usize,
    /// Up to where every entry was compared.
    pub(in crate::ledger) seen: BTreeMap<WriterId, Position>,
}

impl SnapshotPlan {
    /// The blobs to bring next, all of them together; `None` where everything was taken in.
    #[must_use]
    pub fn wanted(&self) -> Option<&[ContentHash]> {
        self.index.sections.get(self.next).map(|section| section.blobs.as_slice())
    }

    /// Up to where it stands for everything.
    #[must_use]
    pub const fn base(&self) -> &Vector {
        &self.index.base
    }

    /// How many blobs are still to be brought.
    #[must_use]
    pub fn blobs_left(&self) -> usize {
        self.index.sections.iter().skip(self.next).map(|section| section.blobs.len()).sum()
    }

    fn setting(&self) -> String {
        format!("snapshot.{}", self.name)
    }
}

impl Ledger {
    /// Opens the index of a snapshot of a space. One that was begun before goes on behind the last section that was taken in.
    ///
    /// # Errors
    /// [`NodeError::Snapshot`]; [`NodeError::Store`].
    pub fn open_snapshot(&self, space: &SpaceId, index: &[u8]) -> Result<SnapshotPlan, NodeError> {
        let mut plan = self.open_index(space, index)?;
        let begun = self.store.setting(&plan.setting())?.and_then(|bytes| bytes.try_into().ok());
        plan.next = begun.map_or(0, u32::from_le_bytes) as usize;
        Ok(plan)
    }

    pub(super) fn open_index(&self, space: &SpaceId, index: &[u8]) -> Result<SnapshotPlan, NodeError> {
        let mut newer = false;
        for (_, key) in self.group.opening(&self.membership, space) {
            match SnapshotIndex::open(key, index) {
                Ok(opened) => {
                    let name = ContentHash::new(sha256(index));
                    return Ok(SnapshotPlan {
                        space: *space,
                        key: key.clone(),
                        index: opened,
                        name,
                        next: 0,
                        seen: BTreeMap::new(),
                    });
                }
                Err(SealError::Malformed(LogError::Newer { .. })) => newer = true,
                Err(_) => {}
            }
        }
        Err(if newer { SnapshotError::Newer } else { SnapshotError::Closed }.into())
    }

    /// Takes in the section of which [`SnapshotPlan::wanted`] named the blobs, and says how many entries were new. What of
    /// it was held already is compared and not kept twice.
    ///
    /// # Errors
    /// [`NodeError::Snapshot`] naming what is wrong: of an altered blob nothing is read, of a page that does not verify nothing is
    /// kept. The plan stays where it was.
    pub fn take_section(
        &mut self,
        plan: &mut SnapshotPlan,
        blobs: &[Vec<u8>],
        now: Now,
    ) -> Result<u64, NodeError> {
        let number = plan.next;
        let Some(section) = plan.index.sections.get(number) else { return Ok(0) };
        let bytes = open_blobs(plan, number, blobs)?;
        let entries = match section.kind {
            SectionKind::Rows => {
                // They only show what is to come, and take the place of another snapshot's. Those that cannot be read are
                // passed over.
                self.rows_end = false;
                self.store.set_setting(ROWS_END, &[])?;
                if plan.space == self.space
                    && let Err(error) = self.keep_rows(&plan.space, &SNAPSHOT, &bytes)
                {
                    tracing::warn!(%error, "rows of a snapshot were not kept");
                }
                0
            }
            SectionKind::Operations => {
                for (page, piece) in pieces(&bytes, MAX_BATCH_BYTES).enumerate() {
                    let refused = SnapshotError::Page { section: number, page };
                    let operations = piece.and_then(read_operations).map_err(|_| refused.clone())?;
                    self.take_operations(None, &operations, &mut Change::default())
                        .map_err(|refusal| why(&refusal, refused))?;
                }
                0
            }
            SectionKind::Entries => self.take_pages(plan, &bytes, now)?,
            SectionKind::Branches => {
                let mut entries = 0;
                for (page, piece) in pieces(&bytes, bytes.len()).enumerate() {
                    let refused = SnapshotError::Page { section: number, page };
                    let run = piece.and_then(|packed| decompress_entries(packed, MAX_BATCH_BYTES));
                    let run = Zeroizing::new(run.map_err(|_| refused.clone())?);
                    let taken = self.receive(&plan.space, &run, now);
                    entries += taken.map_err(|refusal| why(&refusal, refused))?.entries;
                }
                entries
            }
            // Of a newer version.
            SectionKind::Other(_) => 0,
        };
        plan.next += 1;
        if plan.wanted().is_some() {
            self.store.set_setting(&plan.setting(), &(plan.next as u32).to_le_bytes())?;
        } else {
            self.finish_snapshot(plan)?;
        }
        Ok(entries)
    }

    /// Takes in the pages of a section, in one commit as far as they are pages that members' devices make. What verified before one that
    /// does not is true all the same, and stays.
    fn take_pages(&mut self, plan: &SnapshotPlan, bytes: &[u8], now: Now) -> Result<u64, NodeError> {
        let mut unkept = Unkept::default();
        let taken = self.verify_pages(plan, bytes, &mut unkept, now);
        let room = |refusal: Refusal| why(&refusal, SnapshotError::NoRoom);
        self.keep_unkept(&plan.space, &mut unkept, now).map_err(room)?;
        taken
    }

    fn verify_pages(
        &mut self,
        plan: &SnapshotPlan,
        bytes: &[u8],
        unkept: &mut Unkept,
        now: Now,
    ) -> Result<u64, NodeError> {
        let (mut entries, mut page) = (0, 0);
        let mut reader = SectionReader::new(bytes)?;
        loop {
            let refused = SnapshotError::Page { section: plan.next, page };
            let Some(plain) = reader.page().map_err(|_| refused.clone())? else { return Ok(entries) };
            let taken = self.receive_next(&plan.space, &plain, unkept, now);
            entries += taken.map_err(|refusal| why(&refusal, refused))?;
            page += 1;
        }
    }

    /// Looks whether everything came. Its documents follow when nothing else is to be done, and the rows that show what is to
    /// come stay until then.
    fn finish_snapshot(&mut self, plan: &SnapshotPlan) -> Result<(), NodeError> {
        self.store.set_setting(ROWS_END, &[1])?;
        self.rows_end = true;
        self.store.set_setting(&plan.setting(), &[])?;
        self.end_rows()?;
        // Open meetings hear of it with the next change.
        self.renamed = true;
        let held = self.store.vector(&plan.space);
        let short =
            held.compare(&plan.index.base).any(|(_, standing)| matches!(standing, Standing::WeLack(_)));
        if short { Err(SnapshotError::Short.into()) } else { Ok(()) }
    }

    /// Whether the rows of a snapshot that was taken in still stand for what is not in its documents.
    pub(in crate::ledger) fn find_rows_end(&mut self) -> Result<(), NodeError> {
        self.rows_end = self.store.setting(ROWS_END)?.is_some_and(|setting| !setting.is_empty());
        Ok(())
    }

    /// Forgets the rows of a snapshot once everything of it is in its documents: what is left of them is nowhere.
    pub(in crate::ledger) fn end_rows(&mut self) -> Result<(), NodeError> {
        if self.rows_end && self.untried.is_empty() {
            self.forget_rows(&SNAPSHOT)?;
            self.store.set_setting(ROWS_END, &[])?;
            self.rows_end = false;
        }
        Ok(())
    }
}

pub(super) fn open_blobs(
    plan: &SnapshotPlan,
    number: usize,
    blobs: &[Vec<u8>],
) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    let named = plan.index.sections.get(number).map_or(&[][..], |section| section.blobs.as_slice());
    open_section(&plan.key, named, blobs).map_err(|error| match error {
        SealError::Blob { number: blob } => SnapshotError::Blob { section: number, blob }.into(),
        _ => SnapshotError::Closed.into(),
    })
}

/// Pieces with their lengths before them; nothing follows one that is cut.
fn pieces(bytes: &[u8], limit: usize) -> impl Iterator<Item = Result<&[u8], LogError>> {
    let mut reader = Reader::new(bytes);
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended || reader.position() == bytes.len() {
            return None;
        }
        let piece = reader.sized(limit, "piece");
        ended = piece.is_err();
        Some(piece)
    })
}

pub(super) fn why(refusal: &Refusal, refused: SnapshotError) -> SnapshotError {
    match refusal {
        Refusal::Storage => SnapshotError::NoRoom,
        _ => refused,
    }
}
