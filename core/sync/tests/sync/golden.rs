//! The bytes of every frame, fixed. A change here means that older devices no longer understand us.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/sync.md.

use firsthand_ids::{DocumentId, OperationHash, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::{Mark, Vector};
use firsthand_sync::{FileId, Frame, GoodbyeReason};

/// Two operations, of which the sender has more.
const OPERATIONS: &[(&str, &str)] = &[
    ("kind", "01"),
    ("more to come", "01"),
    ("how many heads", "01"),
    ("head", "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"),
    ("how many operations", "02"),
    ("length", "03"),
    ("one", "6f6e65"),
    ("length", "03"),
    ("two", "74776f"),
];

/// A digest alone.
const HELLO_DIGEST: &[(&str, &str)] = &[
    ("kind", "02"),
    ("space", "51515151515151515151515151515151"),
    ("digest", "cb149f72bc2d8e97c754ebec215504ab"),
    ("no vector", "00"),
];

/// A digest and its vector.
const HELLO_VECTOR: &[(&str, &str)] = &[
    ("kind", "02"),
    ("space", "51515151515151515151515151515151"),
    ("digest", "cb149f72bc2d8e97c754ebec215504ab"),
    ("a vector", "01"),
    ("how many writers", "02"),
    ("writer", "01010101010101010101010101010101"),
    ("position 812", "ac06"),
    ("head's first bytes", "a1a1a1a1a1a1a1a1"),
    ("writer", "02020202020202020202020202020202"),
    ("position 77", "4d"),
    ("head's first bytes", "a2a2a2a2a2a2a2a2"),
];

/// A digest, from somebody who asks for what they want.
const HELLO_TAKES: &[(&str, &str)] = &[
    ("kind", "02"),
    ("space", "51515151515151515151515151515151"),
    ("digest", "cb149f72bc2d8e97c754ebec215504ab"),
    ("no vector, takes", "02"),
];

/// Entries; what `packed` holds is the log's.
const BATCH: &[(&str, &str)] = &[
    ("kind", "03"),
    ("space", "51515151515151515151515151515151"),
    ("length before compression: 300", "ac02"),
    ("packed", "7061636b6564"),
];

/// How far the sender durably holds a writer.
const ACK: &[(&str, &str)] = &[
    ("kind", "04"),
    ("space", "51515151515151515151515151515151"),
    ("how many writers", "01"),
    ("writer", "01010101010101010101010101010101"),
    ("position 812", "ac06"),
    ("head's first bytes", "a1a1a1a1a1a1a1a1"),
];

/// Two writers that are asked for, up to these positions.
const TAKE: &[(&str, &str)] = &[
    ("kind", "0e"),
    ("space", "51515151515151515151515151515151"),
    ("how many writers", "02"),
    ("writer", "01010101010101010101010101010101"),
    ("position 812", "ac06"),
    ("writer", "02020202020202020202020202020202"),
    ("position 77", "4d"),
];

/// How far the sender holds a writer whose entries came from elsewhere.
const HOLDS: &[(&str, &str)] = &[
    ("kind", "0f"),
    ("space", "51515151515151515151515151515151"),
    ("how many writers", "01"),
    ("writer", "01010101010101010101010101010101"),
    ("position 812", "ac06"),
    ("head's first bytes", "a1a1a1a1a1a1a1a1"),
];

/// Three entries wait, and 200 files.
const PENDING: &[(&str, &str)] = &[("kind", "05"), ("waiting", "03"), ("files", "c801")];

/// Four parts from the second on.
const WANT: &[(&str, &str)] = &[
    ("kind", "06"),
    ("file", "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"),
    ("its preview", "02"),
    ("first part", "01"),
    ("how many", "04"),
];

/// The second of nine parts.
const CHUNK: &[(&str, &str)] = &[
    ("kind", "07"),
    ("file", "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"),
    ("its preview", "02"),
    ("index", "01"),
    ("of how many", "09"),
    ("bytes that follow", "ac02"),
    ("sealed", "7365616c6564"),
];

/// The next piece of it.
const CHUNK_REST: &[(&str, &str)] = &[("kind", "10"), ("sealed", "6d6f7265")];

/// The file is not here.
const NO_FILE: &[(&str, &str)] =
    &[("kind", "08"), ("file", "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"), ("its preview", "02")];

/// The end, because of the disk.
const GOODBYE: &[(&str, &str)] = &[("kind", "09"), ("reason: storage", "02")];

/// A writer's chain differs.
const FORKED: &[(&str, &str)] = &[
    ("kind", "0a"),
    ("space", "51515151515151515151515151515151"),
    ("writer", "01010101010101010101010101010101"),
];

/// Rows ahead; what `packed` holds is the node's.
const ROWS: &[(&str, &str)] =
    &[("kind", "0b"), ("space", "51515151515151515151515151515151"), ("packed", "7061636b6564")];

/// What the sender's clock shows: 2026-11-20T08:00:00Z.
const CLOCK: &[(&str, &str)] = &[("kind", "0c"), ("milliseconds", "80c0c1ffbe68")];

/// A space that the sender has no part in.
const NO_SPACE: &[(&str, &str)] = &[("kind", "0d"), ("space", "51515151515151515151515151515151")];
const RECEIPTS: &[(&str, &str)] =
    &[("kind", "94"), ("space", "51515151515151515151515151515151"), ("receipts", "7369676e6564")];

const SPACE: SpaceId = SpaceId::new([0x51; 16]);
const FILE: FileId = FileId { document: DocumentId::new([0xd0; 16]), form: 2 };

fn vector(writers: u8) -> Vector {
    let mut vector = Vector::new();
    for (number, position) in [(1, 812), (2, 77)].into_iter().take(writers.into()) {
        let mark = Mark { position: Position(position), prefix: [0xa0 | number; 8] };
        vector.set(WriterId::new([number; 16]), mark);
    }
    vector
}

#[track_caller]
fn check(frame: &Frame, parts: &[(&str, &str)]) {
    let bytes = frame.encode();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, parts.iter().map(|(_, hex)| *hex).collect::<String>());
    assert_eq!(Frame::decode(&bytes).as_ref(), Ok(frame));
}

#[test]
fn frames_have_these_bytes() {
    let operations = vec![b"one".to_vec(), b"two".to_vec()];
    check(
        &Frame::Operations { heads: vec![OperationHash::new([14; 32])], operations, more: true },
        OPERATIONS,
    );
    let digest = vector(2).digest();
    check(&Frame::Hello { space: SPACE, digest, vector: None, takes: false }, HELLO_DIGEST);
    check(&Frame::Hello { space: SPACE, digest, vector: Some(vector(2)), takes: false }, HELLO_VECTOR);
    check(&Frame::Hello { space: SPACE, digest, vector: None, takes: true }, HELLO_TAKES);
    check(&Frame::Batch { space: SPACE, plain_len: 300, packed: b"packed".to_vec() }, BATCH);
    check(&Frame::Ack { space: SPACE, marks: vector(1) }, ACK);
    let writers = vector(2).iter().map(|(writer, mark)| (*writer, mark.position)).collect();
    check(&Frame::Take { space: SPACE, writers }, TAKE);
    check(&Frame::Holds { space: SPACE, marks: vector(1) }, HOLDS);
    check(&Frame::Pending { waiting: 3, files: 200 }, PENDING);
    check(&Frame::Want { file: FILE, from: 1, count: 4 }, WANT);
    check(&Frame::Chunk { file: FILE, index: 1, total: 9, rest: 300, sealed: b"sealed".to_vec() }, CHUNK);
    check(&Frame::ChunkRest { sealed: b"more".to_vec() }, CHUNK_REST);
    check(&Frame::NoFile { file: FILE }, NO_FILE);
    check(&Frame::Goodbye(GoodbyeReason::Storage), GOODBYE);
    check(&Frame::Forked { space: SPACE, writer: WriterId::new([1; 16]) }, FORKED);
    check(&Frame::Rows { space: SPACE, packed: b"packed".to_vec() }, ROWS);
    check(&Frame::Receipts { space: SPACE, receipts: b"signed".to_vec() }, RECEIPTS);
    check(&Frame::NoSpace { space: SPACE }, NO_SPACE);
    check(&Frame::Clock { at: UnixMillis(1_795_161_600_000) }, CLOCK);
}

#[test]
fn reasons_have_these_numbers() {
    let reasons = [
        GoodbyeReason::Done,
        GoodbyeReason::NotAMember,
        GoodbyeReason::Storage,
        GoodbyeReason::Misbehaved,
        GoodbyeReason::Other(4),
    ];
    for (number, reason) in reasons.into_iter().enumerate() {
        assert_eq!(Frame::Goodbye(reason).encode(), [9, number as u8]);
        assert_eq!(Frame::decode(&[9, number as u8]), Ok(Frame::Goodbye(reason)));
    }
}
