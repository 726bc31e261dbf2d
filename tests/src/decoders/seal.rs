//! What is sealed for relays and files. Whoever has the key of an epoch can seal anything, so contents are read as well.

use firsthand_ids::{ContentHash, SpaceId};
use firsthand_log::Vector;
use firsthand_node::BundleRequest;
use firsthand_seal::{
    BundleHeader, EpochKey, Kind, MAX_ENVELOPE_BYTES, PieceHead, SectionKind, SectionReader, SectionWriter,
    SnapshotIndex, SnapshotSection, open, open_range_content, seal, seal_range,
};
use firsthand_store::BatchLimits;

use super::Samples;
use crate::Dice;

const KEY: EpochKey = EpochKey::from_bytes([7; 32]);

pub(super) fn envelope(bytes: &[u8]) {
    if let Ok((kind, content)) = open(&KEY, bytes) {
        assert_eq!(seal(&KEY, kind, &content).unwrap(), bytes, "a content has one envelope");
    }
}

pub(super) fn range(bytes: &[u8]) {
    if let Ok(range) = open_range_content(&SpaceId::new([1; 16]), bytes) {
        let count = range.batch.entries.len() as u64;
        assert_eq!(range.to.0 - range.from.0 + 1, count, "entries of one writer are consecutive");
    }
}

pub(super) fn bundle(bytes: &[u8]) {
    if let Ok(header) = BundleHeader::decode(bytes) {
        assert_eq!(header.encode(), bytes, "a header has one form");
    }
    if let Some(head) = bytes.first_chunk().and_then(PieceHead::decode) {
        assert!(head.len <= MAX_ENVELOPE_BYTES);
    }
}

pub(super) fn snapshot(bytes: &[u8]) {
    if let Ok(index) = SnapshotIndex::decode(bytes) {
        assert_eq!(index.encode(), bytes, "an index has one form");
    }
}

/// The pages of a section, each of at most 4 MiB, one at a time.
pub(super) fn section(bytes: &[u8]) {
    let mut reader = SectionReader::new(bytes).unwrap();
    // Each page of nothing takes two bytes at least; a target is to be quick, not to unpack all that may be.
    for _ in 0..16 {
        if !matches!(reader.page(), Ok(Some(_))) {
            break;
        }
    }
}

pub(super) fn snapshots(samples: &mut Samples) -> Vec<Vec<u8>> {
    let ledger = samples.ledger();
    let base = ledger.store().vector(&ledger.space().clone());
    let section = |kind, blobs: u8| SnapshotSection {
        kind,
        blobs: (0..blobs).map(|blob| ContentHash::new([blob; 32])).collect(),
    };
    let sections = vec![section(SectionKind::Rows, 1), section(SectionKind::Entries, 5)];
    let index = SnapshotIndex { base, sections };
    vec![SnapshotIndex::default().encode(), index.encode()]
}

pub(super) fn sections(samples: &mut Samples) -> Vec<Vec<u8>> {
    let mut writer = SectionWriter::new().unwrap();
    for batch in samples.batches() {
        writer.page(&batch).unwrap();
    }
    vec![writer.finish()]
}

pub(super) fn bundles(samples: &mut Samples) -> Vec<Vec<u8>> {
    let envelope = envelopes(samples).remove(0);
    let ledger = samples.ledger();
    let mut bundle = Vec::new();
    let mut rng = Dice::new(1, 93).rng().clone();
    ledger.export_bundle(&mut bundle, BundleRequest::default(), &mut rng, &mut |_, _| true).unwrap();
    let header = bundle[..BundleHeader::len_of(&bundle).unwrap()].to_vec();
    let piece = BundleHeader::decode(&header).unwrap().piece(header.len() as u64, &KEY, &envelope);
    vec![header, piece]
}

pub(super) fn envelopes(samples: &mut Samples) -> Vec<Vec<u8>> {
    let mut envelopes: Vec<_> =
        ranges(samples).iter().map(|content| seal(&KEY, Kind::Range, content).unwrap()).collect();
    envelopes.push(seal(&KEY, Kind::Other(9), &[]).unwrap());
    envelopes
}

pub(super) fn ranges(samples: &mut Samples) -> Vec<Vec<u8>> {
    let ledger = samples.ledger();
    let (space, store) = (*ledger.space(), ledger.store());
    let limits = BatchLimits { entries: 100, weight: 1 << 20 };
    let batch = store.batch_for(&space, &Vector::new(), limits, &Default::default()).unwrap().unwrap();
    let sealed = batch.heads.iter().map(|(writer, head)| {
        let own = batch.entries.iter().filter(|(other, _)| other == writer);
        let entries = own.map(|(_, entry)| entry.clone()).collect();
        seal_range(&KEY, *writer, entries, *head).unwrap()
    });
    sealed.map(|envelope| open(&KEY, &envelope).unwrap().1.to_vec()).collect()
}
