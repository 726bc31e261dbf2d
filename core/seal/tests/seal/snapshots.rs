//! Snapshots: the index, and sections cut into blobs.

use firsthand_ids::{ContentHash, Position, WriterId, sha256};
use firsthand_log::lean::MAX_BATCH_BYTES;
use firsthand_log::{Mark, Vector};
use firsthand_seal::{
    EpochKey, Kind, MAX_BLOB_BYTES, MAX_SNAPSHOT_BLOBS, SealError, SectionKind, SectionReader, SectionWriter,
    SnapshotIndex, SnapshotSection, open_section, seal, seal_section,
};

use crate::support::hex;

const KEY: EpochKey = EpochKey::from_bytes([5; 32]);

fn index() -> SnapshotIndex {
    let mut base = Vector::new();
    base.set(WriterId::new([4; 16]), Mark { position: Position(300), prefix: [5; 8] });
    let section = |kind, blobs: &[u8]| SnapshotSection {
        kind,
        blobs: blobs.iter().map(|it| ContentHash::new([*it; 32])).collect(),
    };
    SnapshotIndex {
        base,
        sections: vec![section(SectionKind::Rows, &[6]), section(SectionKind::Entries, &[7, 8])],
    }
}

#[test]
fn an_index_has_these_bytes() {
    // Computed by a second implementation, written in Python after docs/formats/seal.md.
    assert_eq!(hex(&index().encode()), INDEX);
    let bytes = index().encode();
    assert_eq!(SnapshotIndex::decode(&bytes), Ok(index()));
    for end in 0..bytes.len() {
        assert!(SnapshotIndex::decode(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn an_index_is_opened_by_its_key_alone_and_is_a_blob() {
    let blob = index().seal(&KEY).unwrap();
    assert_eq!(SnapshotIndex::open(&KEY, &blob).unwrap(), index());
    assert_eq!(SnapshotIndex::open(&EpochKey::from_bytes([6; 32]), &blob), Err(SealError::Closed));
    assert!(SnapshotIndex::open(&KEY, &seal(&KEY, Kind::SnapshotPart, &index().encode()).unwrap()).is_err());
    // As large as it may be.
    let mut base = Vector::new();
    for number in 0..Vector::MAX_WRITERS as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        base.set(WriterId::new(id), Mark { position: Position(i64::MAX as u64), prefix: [5; 8] });
    }
    let section = SnapshotSection { kind: SectionKind::Entries, blobs: vec![ContentHash::new([1; 32])] };
    let largest = SnapshotIndex { base, sections: vec![section; MAX_SNAPSHOT_BLOBS] };
    assert!(largest.seal(&KEY).unwrap().len() <= MAX_BLOB_BYTES);
    let mut more = largest;
    more.sections.push(more.sections[0].clone());
    assert!(more.seal(&KEY).is_err() && SnapshotIndex::decode(&more.encode()).is_err());
}

/// Bytes that do not compress.
fn noise(len: usize, seed: u8) -> Vec<u8> {
    (0..len.div_ceil(32) as u64)
        .flat_map(|at| sha256(&[[seed].as_slice(), &at.to_le_bytes()].concat()))
        .take(len)
        .collect()
}

#[test]
fn pages_come_back_in_sections_that_end_where_they_are_full() {
    let pages: Vec<Vec<u8>> = [0, 5, 300_000, 900_000, MAX_BATCH_BYTES, 400_000, 40]
        .into_iter()
        .enumerate()
        .map(|(seed, len)| noise(len, seed as u8))
        .collect();
    let mut writer = SectionWriter::new().unwrap();
    let mut sections = Vec::new();
    for page in &pages {
        sections.extend(writer.page(page).unwrap());
    }
    sections.push(writer.finish());
    assert_eq!(sections.len(), 4);
    let mut read = Vec::new();
    for section in &sections {
        let blobs = seal_section(&KEY, section).unwrap();
        assert!(blobs.iter().all(|blob| blob.len() <= MAX_BLOB_BYTES));
        let names: Vec<_> = blobs.iter().map(|blob| ContentHash::new(sha256(blob))).collect();
        let opened = open_section(&KEY, &names, &blobs).unwrap();
        assert_eq!(*opened, *section);
        let mut reader = SectionReader::new(&opened).unwrap();
        while let Some(page) = reader.page().unwrap() {
            read.push(page.to_vec());
        }
        for number in 0..blobs.len() {
            let mut altered = blobs.clone();
            let last = altered[number].len() - 1;
            altered[number][last] ^= 1;
            assert_eq!(open_section(&KEY, &names, &altered), Err(SealError::Blob { number }));
        }
        let missing = open_section(&KEY, &names, &blobs[1..]);
        assert_eq!(missing, Err(SealError::Blob { number: 0 }));
    }
    assert_eq!(read, pages);
    assert!(SectionWriter::new().unwrap().page(&vec![0; MAX_BATCH_BYTES + 1]).is_err());
}

#[test]
fn a_page_that_says_another_length_is_refused() {
    let mut writer = SectionWriter::new().unwrap();
    writer.page(&noise(100, 1)).unwrap();
    let section = writer.finish();
    for end in 1..section.len() {
        let mut reader = SectionReader::new(&section[..end]).unwrap();
        assert!(reader.page().is_err(), "{end}");
    }
    let mut altered = section;
    altered[0] += 1;
    assert!(SectionReader::new(&altered).unwrap().page().is_err());
}

const INDEX: &str = "010104040404040404040404040404040404ac0205050505050505050201010606060606060606060606060606060606060606060606060606060606060606030207070707070707070707070707070707070707070707070707070707070707070808080808080808080808080808080808080808080808080808080808080808";
