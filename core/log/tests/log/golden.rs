//! The log's bytes, fixed. A change here means that older devices no longer understand us.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/log.md.

use firsthand_ids::{DocumentId, HybridTime, OperationHash, Position, UnixMillis, sha256};
use firsthand_log::change::ChangeParts;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{
    DOCUMENTS_V1, ENTRIES_V1, Packer, Unpacker, compress_document, decompress_document,
};
use firsthand_log::lean::decode_batch;
use firsthand_log::{Bind, Detached, Entry, EntryKind, Mark, Vector, content_hash, document_id};

use crate::support::{Author, Dice, Log, Nothing, SPACE, encode_for, entry, verify};

/// Noon of 2026-01-01 UTC.
const NOON: i64 = 1_767_268_800_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Compares bytes with labelled parts, and names the first part that differs.
fn assert_parts(bytes: &[u8], parts: &[(&str, &str)]) {
    let mut rest = hex(bytes);
    for (label, expected) in parts {
        let found: String = rest.chars().take(expected.len()).collect();
        assert_eq!(found, *expected, "{label}");
        rest.drain(..expected.len());
    }
    assert_eq!(rest, "", "bytes after the last part");
}

fn at(mut entry: Entry, millis: i64, counter: u16, local: i64, offset: i16) -> Entry {
    entry.header.hybrid = HybridTime::new(UnixMillis(NOON + millis), counter);
    entry.header.local.at = UnixMillis(NOON + local);
    entry.header.local.offset_minutes = offset;
    entry
}

fn change(author: &Author, document: DocumentId, parts: &ChangeParts<'_>) -> Entry {
    entry(author, EntryKind::Change, Some(document), parts.build())
}

/// Two writers and seven entries, which between them have every flag.
fn log() -> Log {
    let mut log = Log::random(&mut Dice::new(0), 0, 0);
    log.authors = vec![Author::new(1), Author::new(2)];
    let (one, two) = (log.authors[0].writer(), log.authors[1].writer());
    let empty = ChangeParts {
        dependencies: vec![],
        actor: one.as_bytes(),
        sequence: 1,
        start_op: 1,
        time: 0,
        message: b"",
        other_actors: vec![],
        columns: b"",
    };

    let binding = log.authors[0].binding(1);
    log.append(0, at(binding, 0, 0, 0, 120));
    let parts = ChangeParts { columns: b"columns of a creation", ..empty.clone() };
    let nonce = [0x55; 16];
    let document = document_id(&SPACE, &one, Position(2), &nonce);
    let mut creation = entry(&log.authors[0], EntryKind::Create, Some(document), parts.build());
    creation.nonce = Some(nonce);
    creation.detached = Some(Detached::Present(b"a photo's key".to_vec()));
    let created = creation.header.content;
    log.append(0, at(creation, 1_500, 3, 1_400, 120));

    let binding = log.authors[1].binding(2);
    log.append(1, at(binding, 2_000, 0, 2_000, -300));
    let parts = ChangeParts {
        dependencies: vec![created],
        actor: two.as_bytes(),
        start_op: 9,
        time: -5,
        message: b"m",
        other_actors: vec![one.as_bytes(), &[0x77; 3]],
        columns: b"columns of a change",
        ..empty.clone()
    };
    let next = change(&log.authors[1], document, &parts);
    log.append(1, at(next, 1_900, 0, 60_000, -300));

    let body = b"from a newer version".to_vec();
    let mut unknown = entry(&log.authors[1], EntryKind::Other(9), Some(document), body);
    unknown.header.membership = Some(vec![OperationHash::new([0x44; 32]), OperationHash::new([0x66; 32])]);
    unknown.detached = Some(Detached::HashOnly([0x88; 32]));
    log.append(1, at(unknown, 3_000, 0, 3_000, -300));

    let elsewhere = DocumentId::new([0x99; 16]);
    let dependencies = vec![firsthand_ids::ChangeHash::new([0xaa; 32])];
    let parts = ChangeParts { dependencies, actor: two.as_bytes(), start_op: 300, ..empty.clone() };
    let next = change(&log.authors[1], elsewhere, &parts);
    log.append(1, at(next, 3_000, 1, 3_000, -300));

    let forged = change(&log.authors[1], elsewhere, &ChangeParts { actor: &[0xbb; 16], ..empty.clone() });
    log.append(1, at(forged, 3_001, 0, 3_001, -300));
    log
}

#[test]
fn ids_hashes_and_signatures() {
    let log = log();
    let (one, two) = (log.authors[0].writer(), log.authors[1].writer());
    assert_eq!(
        hex(log.authors[0].secret.key().as_bytes()),
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
    );
    assert_eq!(one.to_string(), "b088ae71740e72686f9f3521a85edd6f");
    assert_eq!(two.to_string(), "aac01f26f0aa73b5134ff88a0ab507c8");
    let (_, creation) = &log.entries[1];
    assert_eq!(creation.header.document.unwrap().to_string(), "c648f3379c60872d33c4cd05f1633d7f");
    assert_eq!(
        hex(&creation.body),
        "856f4a83ed14f043012c0010b088ae71740e72686f9f3521a85edd6f0101000000636f6c756d6e73206f662061206372656174696f6e"
    );
    assert_eq!(
        creation.header.content.to_string(),
        "ed14f043382d2431a3fb1b18c4b6937b9e1c3b54d08e9e2bf7942deec931052f"
    );
    assert_eq!(creation.header.content, content_hash(EntryKind::Create, &creation.body));

    for (writer, position, expected) in [
        (one, 1, "78692c0d9606e68d87fd935477ead649c055a125945e74f94c93d9c2c7defd57"),
        (one, 2, "7741b66ceb0dddc821a79159531e8d3cc6834690654108bfc0bd02b38f082b22"),
        (two, 1, "c205a092c5c0aaf27c03ddb4be98a77bb69422e81a10dd3e7ca8175333cf9c44"),
        (two, 2, "52863aad69f0ba19ad9349bb10e3081aff0110f775bbc5da91d9eb72779d9f73"),
        (two, 3, "5e16676f0c65480ef2191af8407ae51e8c7ce9e7f1bcfa83e55e69035fcf91e7"),
        (two, 4, "4fcd69b2cd0f6ed3e83bd9c851a9d4a03250295e5d715c1ccfa8b5c1e207cebb"),
        (two, 5, "28a510a53b02685e22e9de5b054d3555e23e0f2219e42650c94fc2d50d192871"),
    ] {
        assert_eq!(log.hashes[&(writer, Position(position))].to_string(), expected, "{writer} {position}");
    }

    let mut author = Author::new(1);
    author.append(&log.entries[0].1);
    assert_eq!(
        hex(&author.sign().signature),
        "b5ec1d1d83d82f2b73d00757f0a2c62a2b4667d0cf7b65f55addab952c351a13\
         853fb4e98bac9d8790ba847a806d56112f8ac752d566fa8ad4579762b1034704"
    );
}

#[test]
fn the_body_of_a_binding() {
    let (_, binding) = &log().entries[0];
    assert_parts(
        &binding.body,
        &[
            ("version", "01"),
            ("device", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
            ("person", "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"),
            ("nonce", "01010101010101010101010101010101"),
            ("length", "05"),
            ("program", "302e312e30"),
        ],
    );
    assert_eq!(Bind::decode(&binding.body).unwrap().encode(), binding.body);
}

#[test]
fn a_vector() {
    let log = log();
    let mut vector = log.vector();
    let two = log.authors[1].writer();
    let mark = *vector.get(&two).unwrap();
    vector.set(two, Mark { position: Position(300), ..mark });
    let mut out = Writer::new();
    vector.encode(&mut out);
    assert_parts(
        out.as_bytes(),
        &[
            ("two writers", "02"),
            ("writer", "aac01f26f0aa73b5134ff88a0ab507c8"),
            ("position 300", "ac02"),
            ("hash prefix", "28a510a53b02685e"),
            ("writer", "b088ae71740e72686f9f3521a85edd6f"),
            ("position 2", "02"),
            ("hash prefix", "7741b66ceb0dddc8"),
        ],
    );
    assert_eq!(hex(&vector.digest()), "5b373dfcd551095bda7520bd3615b0b5");
    assert_eq!(Vector::decode(&mut Reader::new(out.as_bytes())), Ok(vector));
}

/// The batch of [`log`], part by part.
const BATCH: &[(&str, &str)] = &[
    ("version", "01"),
    ("two writers", "02"),
    ("writer 1", "b088ae71740e72686f9f3521a85edd6f"),
    ("writer 2", "aac01f26f0aa73b5134ff88a0ab507c8"),
    ("both have entries", "02"),
    ("from position 1", "01"),
    ("from position 1", "01"),
    ("two runs", "02"),
    ("writer 1, two entries", "0002"),
    ("binding: length", "47"),
    ("kind 0, heads, raw", "24"),
    ("counter 0, offset 120", "00f001"),
    (
        "body",
        "018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5ca1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a10101010101010101010101010101010105302e312e30",
    ),
    ("time", "80d8ee96ef66"),
    ("one head", "014444444444444444444444444444444444444444444444444444444444444444"),
    ("local time: the same", "00"),
    ("creation: 21 bytes of columns", "15"),
    ("kind 1, detached part", "09"),
    ("counter 3, offset the same", "0300"),
    ("commit time 0, no message, no dependencies, sequence 1, no other actors", "0000000100"),
    ("columns", "636f6c756d6e73206f662061206372656174696f6e"),
    ("1500 ms later", "b817"),
    ("first operation 1", "01"),
    ("nonce", "55555555555555555555555555555555"),
    ("detached part", "0d612070686f746f2773206b6579"),
    ("local time: 100 ms less", "c701"),
    ("writer 2, five entries", "0105"),
    ("binding: length", "47"),
    ("kind 0, heads, raw", "24"),
    ("counter 0, offset 420 less", "00c706"),
    (
        "body",
        "018139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a20202020202020202020202020202020205302e312e30",
    ),
    ("500 ms later", "e807"),
    ("one head", "014444444444444444444444444444444444444444444444444444444444444444"),
    ("local time: the same", "00"),
    ("change: 19 bytes of columns", "13"),
    ("kind 2", "02"),
    ("counter 0, offset the same", "0000"),
    ("commit time -5, message, one dependency, sequence 1, two other actors", "09016d010102"),
    ("writer 1", "01"),
    ("an actor that is no writer", "0003777777"),
    ("columns", "636f6c756d6e73206f662061206368616e6765"),
    ("100 ms earlier", "c701"),
    ("dependency: writer 1, position 2", "0102"),
    ("first operation 9", "09"),
    ("local time: 58.1 s more", "e88b07"),
    ("unknown: length", "14"),
    ("kind above 2, heads, hash of the detached part, raw, names its document", "77"),
    ("kind 9", "09"),
    ("counter 0, offset the same", "0000"),
    ("body", "66726f6d2061206e657765722076657273696f6e"),
    ("1100 ms later", "9811"),
    (
        "two heads",
        "0244444444444444444444444444444444444444444444444444444444444444446666666666666666666666666666666666666666666666666666666666666666",
    ),
    ("document: that of writer 1, position 2", "0102"),
    ("hash of the detached part", "8888888888888888888888888888888888888888888888888888888888888888"),
    ("local time: the same", "00"),
    ("change: no columns", "00"),
    ("kind 2, names its document", "42"),
    ("counter 1, offset the same", "0100"),
    ("commit time 0, no message, one dependency, sequence 1, no other actors", "0000010100"),
    ("no time later", "00"),
    ("dependency: 32 bytes", "00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("first operation 300", "ac02"),
    ("document: 16 bytes", "0099999999999999999999999999999999"),
    ("local time: the same", "00"),
    ("another actor's change: length", "21"),
    ("kind 2, raw, names its document", "62"),
    ("counter 0, offset the same", "0000"),
    ("body", "856f4a830599c0d001170010bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0101000000"),
    ("1 ms later", "02"),
    ("document: that of writer 2, position 4", "0204"),
    ("local time: the same", "00"),
    (
        "signature of writer 1",
        "02141b6187f45f334d455dfe828349f99773cc5eba4d3b8e0e63d34c9275a3d3db3e13cd2ba6db243dbc8e2dae828e7a79f1cb541f46d260a8489cdc6f376806",
    ),
    (
        "signature of writer 2",
        "ee0ebc220129ca880b539806dc51556bdc98724234dce86c3de3004ee38fa68be3eea67834edb9038c7c40b78f5ab278a054dc724e0d2d5d0d7df9aa28aab70f",
    ),
];

#[test]
fn a_batch_with_every_flag() {
    let log = log();
    let bytes = encode_for(&log, &Vector::new());
    assert_parts(&bytes, BATCH);
    let received = decode_batch(&bytes, &SPACE, &Nothing).unwrap();
    assert_eq!(received.entries, log.entries);
    verify(&received, |_| None).unwrap();
}

/// A dictionary is part of the format: once released it never changes.
#[test]
fn the_dictionaries() {
    assert_eq!(hex(&sha256(ENTRIES_V1)), "61d11eb4352f2fb7dc64caeddab0e87556891406f879056f7e7df1153a9915f3");
    assert_eq!(
        hex(&sha256(DOCUMENTS_V1)),
        "a09123a7170a5d03e6f5ab378e3e4109adee17995df28c5f27c165ce7e62d551"
    );
}

#[test]
fn the_header_of_a_compressed_batch() {
    let plain = encode_for(&log(), &Vector::new());
    let packed = Packer::new().unwrap().pack(&plain).unwrap();
    // Dictionary version; zstd's magic; nothing but a window follows; 2^22 bytes.
    assert_eq!(hex(&packed[..7]), concat!("01", "28b52ffd", "00", "60"));
    assert_eq!(Unpacker::new().unwrap().unpack(&packed, plain.len()).unwrap(), plain);
}

#[test]
fn the_header_of_a_compressed_document() {
    let plain = [7; 300];
    let packed = compress_document(&plain).unwrap();
    // Dictionary version; zstd's magic; one segment, size in two bytes; 300 - 256.
    assert_eq!(hex(&packed[..8]), concat!("01", "28b52ffd", "60", "2c00"));
    assert_eq!(decompress_document(&packed, 300).unwrap(), plain);
}

/// What this version compressed must be readable for ever, also by one whose compressor finds other bytes.
#[test]
fn compressed_bytes_of_this_version_stay_readable() {
    let plain: String = BATCH.iter().map(|(_, part)| *part).collect();
    let plain = unhex(&plain);
    assert_eq!(Unpacker::new().unwrap().unpack(&unhex(PACKED_BATCH), plain.len()).unwrap(), plain);
    assert_eq!(decompress_document(&unhex(PACKED_DOCUMENT), 1 << 20).unwrap(), DOCUMENT);
}

const PACKED_BATCH: &str = "\
    0128b52ffd0060b40d0034170102b088ae71740e72686f9f3521a85edd6faac01f26f0aa73b5134ff88a0ab507c80201\
    01020002472400f001018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5ca10105302e31\
    2e3080d8ee96ef66014400150903636f6c756d6e637265b81701550d612773206b6579c7010105472400c70601813977\
    0ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394a202e8071302000009016d0101020100037777\
    77c701010209e88b07147709000061206e65776572981102446601028800004201000000aaac0200990021620000856f\
    4a830599c0d001170010bb0202040002141b6187f45f334d455dfe828349f99773cc5eba4d3b8e0e63d34c9275a3d3db\
    3e13cd2ba6db243dbc8e2dae828e7a79f1cb541f46d260a8489cdc6f376806ee0ebc220129ca880b539806dc51556bdc\
    98724234dce86c3de3004ee38fa68be3eea67834edb9038c7c40b78f5ab278a054dc724e0d2d5d0d7df9aa28aab70f18\
    fc5c0300b7d35900be352de6888c8f64ccd8dae0794171eaa35309e6a8b730b62dd2fda1f7ae046e4a8f54948a6f888e\
    98125546d3cc0e9335d4db3e14f17a05";
const DOCUMENT: &[u8] =
    b"At the checkpoint near the school the soldiers asked for phones. occurred_start reported_at";
const PACKED_DOCUMENT: &str = "\
    0128b52ffd205b3501004041666f72202e202009fcfc5cc5d250d455268893e15d85675d807a8adcea85665bc9ddf196";
