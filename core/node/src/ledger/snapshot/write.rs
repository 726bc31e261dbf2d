//! Making a snapshot.

use firsthand_ids::{ContentHash, HybridTime, SpaceId, sha256};
use firsthand_log::codec::Writer;
use firsthand_log::compress::compress_entries;
use firsthand_log::lean::encode_batch;
use firsthand_log::{Mark, Vector};
use firsthand_seal::{EpochKey, SectionKind, SectionWriter, SnapshotIndex, SnapshotSection, seal_section};
use firsthand_store::{AsideReason, BatchLimits};
use firsthand_sync::MAX_ROWS_BYTES;
use rand_core::CryptoRng;

use super::SnapshotMade;
use crate::NodeError;
use crate::ledger::bundle::operation_pieces;
use crate::ledger::{Ledger, Now, ProgressFn};

/// Takes the blobs as they are made, the index last. Its first argument is a blob's name, SHA-256 over it.
pub type BlobSink<'a> = &'a mut dyn FnMut(ContentHash, Vec<u8>) -> Result<(), NodeError>;

/// A snapshot in the making.
struct Making<'a, 'b> {
    key: EpochKey,
    index: SnapshotIndex,
    made: SnapshotMade,
    out: &'a mut BlobSink<'b>,
}

impl Making<'_, '_> {
    fn section(&mut self, kind: SectionKind, bytes: &[u8]) -> Result<(), NodeError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut blobs = Vec::new();
        for blob in seal_section(&self.key, bytes)? {
            blobs.push(self.blob(blob)?);
        }
        self.index.sections.push(SnapshotSection { kind, blobs });
        Ok(())
    }

    fn blob(&mut self, blob: Vec<u8>) -> Result<ContentHash, NodeError> {
        let name = ContentHash::new(sha256(&blob));
        self.made.blobs += 1;
        self.made.bytes += blob.len() as u64;
        (self.out)(name, blob)?;
        Ok(name)
    }
}

impl Ledger {
    /// Makes a snapshot of everything that is held of a space. The same entries, operations and signatures give the same
    /// bytes under the same key, so making it again after a cut gives the blobs that are still to be brought.
    ///
    /// # Errors
    /// [`NodeError::Store`], [`NodeError::Stopped`], those of `out`.
    pub fn make_snapshot(
        &mut self,
        space: &SpaceId,
        rng: &mut dyn CryptoRng,
        mut out: BlobSink<'_>,
        progress: ProgressFn<'_>,
    ) -> Result<SnapshotMade, NodeError> {
        let key = self.sealing_key(space, rng)?;
        let base = self.store.vector(space);
        self.write_snapshot(space, key, &base, &mut out, progress)
    }

    /// The same under a key and up to a base that were chosen before: what has come since is not in it.
    pub(in crate::ledger) fn write_snapshot(
        &mut self,
        space: &SpaceId,
        key: EpochKey,
        base: &Vector,
        mut out: BlobSink<'_>,
        progress: ProgressFn<'_>,
    ) -> Result<SnapshotMade, NodeError> {
        self.apply_untried()?;
        // What leaves must not be forgotten here, whatever becomes of the database.
        self.store.witness()?;
        let made = SnapshotMade {
            name: ContentHash::new([0; 32]),
            base: base.clone(),
            entries: 0,
            blobs: 0,
            bytes: 0,
        };
        let index = SnapshotIndex { base: base.clone(), sections: Vec::new() };
        let mut making = Making { key, index, made, out: &mut out };
        self.write_rows(&mut making, space, base)?;
        let mut operations = Writer::new();
        for piece in operation_pieces(&self.membership, &[]) {
            operations.sized(&piece);
        }
        making.section(SectionKind::Operations, operations.as_bytes())?;
        self.write_entries(&mut making, space, base, progress)?;
        self.write_branches(&mut making, space)?;
        let index = making.index.seal(&making.key)?;
        making.made.name = making.blob(index)?;
        Ok(making.made)
    }

    /// Rows as they are at the time of the newest entry, so that everybody makes the same ones.
    fn write_rows(
        &mut self,
        making: &mut Making<'_, '_>,
        space: &SpaceId,
        base: &Vector,
    ) -> Result<(), NodeError> {
        let mut newest = HybridTime::ZERO;
        for (writer, mark) in base.iter() {
            if let Some(info) = self.store.entry_info(writer, mark.position)? {
                newest = newest.max(info.hybrid);
            }
        }
        let now = Now { at: newest.millis(), offset_minutes: 0 };
        let packed = self.load_rows(space, &Vector::new(), rows_worth(base.entries()), now)?;
        making.section(SectionKind::Rows, &packed.unwrap_or_default())
    }

    fn write_entries(
        &self,
        making: &mut Making<'_, '_>,
        space: &SpaceId,
        base: &Vector,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let mut held = Vector::new();
        let mut writer = SectionWriter::new()?;
        while let Some(batch) = self.store.batch_up_to(space, &held, base, BatchLimits::default())? {
            let references = self.store.references(*space);
            let page = self.store.at_once(|| encode_batch(&batch, &held, &references));
            for (writer, head) in &batch.heads {
                held.set(*writer, Mark::new(head.position, &head.hash));
            }
            if let Some(full) = writer.page(&page)? {
                making.section(SectionKind::Entries, &full)?;
            }
            making.made.entries += batch.entries.len() as u64;
            if !progress(making.made.entries, base.entries()) {
                return Err(NodeError::Stopped);
            }
        }
        making.section(SectionKind::Entries, &writer.finish())
    }

    /// The other branches of chains that forked, as they are kept.
    fn write_branches(&self, making: &mut Making<'_, '_>, space: &SpaceId) -> Result<(), NodeError> {
        let mut runs = self.store.aside()?;
        runs.retain(|run| run.reason == AsideReason::Fork && run.space == *space);
        runs.sort_by_key(|run| (run.writer, run.hash));
        for run in runs {
            let mut out = Writer::new();
            out.sized(&compress_entries(&run.run)?);
            making.section(SectionKind::Branches, out.as_bytes())?;
        }
        Ok(())
    }
}

/// As many rows as take about a thirty-second part of all entries, as where two members meet.
fn rows_worth(entries: u64) -> usize {
    const ROW_BYTES: usize = 32;
    let bytes = usize::try_from(entries.saturating_mul(3)).unwrap_or(MAX_ROWS_BYTES);
    bytes.min(MAX_ROWS_BYTES) / ROW_BYTES
}
