//! Bytes that say what is not true of themselves: lengths, counts, runs, forms.

use std::io::Write;

use automerge::sync::SyncDoc;
use automerge::transaction::Transactable;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::base::HOSTILE;
use super::raw::{CHANGE, COMPRESSED};
use super::{Attack, Base, COLUMNS, Raw, am, contents, number, overlong, sealed, signed};
use crate::Dice;

/// What a few bytes inflate to.
const INFLATED: usize = 200 << 20;
/// The longest input.
const MIB: usize = 1 << 20;

/// Numbers that a count or a length may claim.
const CLAIMS: [u64; 7] = [1 << 20, 1 << 30, 1 << 32, 1 << 40, i64::MAX as u64, (1 << 63) + 5, u64::MAX];

pub(super) fn attacks(base: &Base) -> Vec<Attack> {
    let put = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "category", "\"theft\"").unwrap());
    let splice = base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 4, 3, "women").unwrap());
    let mut all = Vec::new();
    let bomb = bomb(INFLATED);
    all.push(Attack::refused("deflated zeros", sealed(COMPRESSED, &bomb)));
    for (what, change) in [("a write", &put.bytes), ("a splice", &splice.bytes)] {
        headers(what, change, &mut all);
        runs(what, change, &bomb, &mut all);
        longer(what, change, &mut all);
    }
    shapes(base, &put.bytes, &mut all);
    all
}

/// Lies in front of the columns, and about them.
fn headers(what: &str, change: &[u8], all: &mut Vec<Attack>) {
    let good = Raw::of(change);
    let mut push =
        |name: String, raw: &Raw| all.push(Attack::refused(format!("{what}: {name}"), raw.build()));
    for claim in CLAIMS {
        let lie = |part: &[u8]| [number(claim), part[1..].to_vec()].concat();
        push(format!("{claim} dependencies"), &Raw { dependencies: lie(&good.dependencies), ..good.clone() });
        push(format!("an actor of {claim} bytes"), &Raw { actor: lie(&good.actor), ..good.clone() });
        push(format!("a message of {claim} bytes"), &Raw { message: lie(&good.message), ..good.clone() });
        push(format!("{claim} actors"), &Raw { actors: lie(&good.actors), ..good.clone() });
        push(format!("{claim} columns"), &Raw { column_count: Some(number(claim)), ..good.clone() });
        push(format!("sequence {claim}"), &Raw { sequence: number(claim), ..good.clone() });
        push(format!("first operation {claim}"), &Raw { start_op: number(claim), ..good.clone() });
        push(format!("at {claim}"), &Raw { time: signed(claim as i64), ..good.clone() });
        for column in COLUMNS {
            let mut raw = good.clone();
            raw.column(column).length = Some(number(claim));
            push(format!("column {column:#x} of {claim} bytes"), &raw);
        }
    }
    push("number 0".to_owned(), &Raw { sequence: number(0), ..good.clone() });
    push("operation 0".to_owned(), &Raw { start_op: number(0), ..good.clone() });
    push("trailing bytes".to_owned(), &Raw { trailing: vec![0; 100], ..good.clone() });

    // What is claimed is there.
    let many = 30_000;
    let hashes = [number(many), vec![9; 32 * many as usize]].concat();
    push("30,000 dependencies".to_owned(), &Raw { dependencies: hashes, ..good.clone() });
    let twice = [number(2), good.dependencies[1..33].to_vec(), good.dependencies[1..33].to_vec()].concat();
    push("one dependency twice".to_owned(), &Raw { dependencies: twice, ..good.clone() });
    let actors: Vec<u8> =
        (0..50_000u32).flat_map(|n| [&[16][..], &[0; 12], &n.to_be_bytes()].concat()).collect();
    push("50,000 actors".to_owned(), &Raw { actors: [number(50_000), actors].concat(), ..good.clone() });
    let empty = [number(MIB as u64 / 2), vec![0; MIB / 2]].concat();
    push("500,000 empty actors".to_owned(), &Raw { actors: empty, ..good.clone() });
    push(
        "a long message".to_owned(),
        &Raw { message: [number(200_000), vec![b'x'; 200_000]].concat(), ..good },
    );
}

/// Columns that claim a great many cells.
fn runs(what: &str, change: &[u8], bomb: &[u8], all: &mut Vec<Attack>) {
    let good = Raw::of(change);
    for column in COLUMNS {
        let mut lies: Vec<(String, Vec<u8>)> = Vec::new();
        for claim in CLAIMS {
            let count = (claim as i64).max(1);
            lies.push((format!("{count} equal cells"), [signed(count), vec![1, 1]].concat()));
            lies.push((format!("{claim} missing cells"), [vec![0], number(claim)].concat()));
            lies.push((format!("{count} other cells"), [signed(-count), vec![1; 40]].concat()));
            lies.push((format!("{claim} cells in turn"), [number(claim), number(claim)].concat()));
            lies.push((
                format!("a text of {claim} bytes"),
                [vec![1], number(claim), b"text".to_vec()].concat(),
            ));
            lies.push((
                format!("a difference of {count}"),
                [vec![0x7e], signed(count), signed(count)].concat(),
            ));
        }
        lies.push(("the smallest run".to_owned(), signed(i64::MIN)));
        lies.push(("empty runs".to_owned(), [0, 0].repeat(50_000)));
        lies.push(("runs of no length".to_owned(), vec![0; 100_000]));
        lies.push(("a great many runs".to_owned(), [2, 1].repeat(60_000)));
        lies.push(("a number without an end".to_owned(), vec![0xff; 100_000]));
        lies.push(("no UTF-8".to_owned(), vec![0x7f, 4, 0xff, 0xfe, 0xc0, 0x80]));
        for (name, bytes) in lies {
            let mut raw = good.clone();
            let honest = raw.column(column).bytes.clone();
            raw.column(column).bytes.clone_from(&bytes);
            all.push(Attack::refused(format!("{what}: column {column:#x}: {name}"), raw.build()));
            raw.column(column).bytes = [honest, bytes].concat();
            all.push(Attack::refused(format!("{what}: column {column:#x}: then {name}"), raw.build()));
        }
    }
    // A string, bytes, a number of so many bytes.
    for kind in 0..16 {
        for claim in [0, 1, 9, 1 << 30, u64::MAX >> 4] {
            let mut raw = good.clone();
            let cell = [signed(-1), number(claim << 4 | kind)].concat();
            if raw.column(0x56).bytes != cell {
                raw.column(0x56).bytes = cell;
                all.push(Attack::refused(
                    format!("{what}: a value of kind {kind}, {claim} bytes"),
                    raw.build(),
                ));
            }
        }
    }
    // One operation that replaces a great many.
    for claim in CLAIMS {
        let mut raw = good.clone();
        raw.column(0x70).bytes = [signed(-1), number(claim)].concat();
        raw.column(0x71).bytes = [signed(claim as i64 >> 1), vec![0]].concat();
        raw.column(0x73).bytes = [signed(claim as i64 >> 1), vec![1]].concat();
        all.push(Attack::refused(format!("{what}: replaces {claim}"), raw.build()));
    }
    // Columns of other kinds: deflated, of later versions, twice, out of order, of the format of documents.
    for number in (0..0x100).filter(|number| !COLUMNS.contains(number)) {
        let mut raw = good.clone();
        raw.column(number).bytes = vec![1, 1];
        all.push(Attack::refused(format!("{what}: column {number:#x}"), raw.build()));
    }
    let twice = Raw { columns: [good.columns.clone(), good.columns.clone()].concat(), ..good.clone() };
    all.push(Attack::refused(format!("{what}: every column twice"), twice.build()));
    let backwards = Raw { columns: good.columns.iter().rev().cloned().collect(), ..good.clone() };
    all.push(Attack::refused(format!("{what}: columns out of order"), backwards.build()));
    for column in COLUMNS {
        let mut raw = good.clone();
        raw.columns.retain(|other| other.number != column);
        raw.column(column | 8).bytes = bomb.to_vec();
        all.push(Attack::refused(format!("{what}: column {column:#x} deflated"), raw.build()));
    }
}

/// The same numbers in more bytes: another hash for the same meaning.
fn longer(what: &str, change: &[u8], all: &mut Vec<Attack>) {
    let good = Raw::of(change);
    for more in [1, 2, 9, 100] {
        let mut push = |name: &str, raw: Raw| {
            all.push(Attack::refused(format!("{what}: {name} in {more} bytes more"), raw.build()));
        };
        push("sequence", Raw { sequence: overlong(&good.sequence, more), ..good.clone() });
        push("first operation", Raw { start_op: overlong(&good.start_op, more), ..good.clone() });
        push("time", Raw { time: overlong(&good.time, more), ..good.clone() });
        push("message", Raw { message: overlong(&good.message, more), ..good.clone() });
        push(
            "actors",
            Raw {
                actors: [overlong(&good.actors[..1], more), good.actors[1..].to_vec()].concat(),
                ..good.clone()
            },
        );
        push(
            "columns",
            Raw { column_count: Some(overlong(&number(good.columns.len() as u64), more)), ..good.clone() },
        );
        for at in 0..good.columns.len() {
            let mut raw = good.clone();
            let length = number(raw.columns[at].bytes.len() as u64);
            raw.columns[at].length = Some(overlong(&length, more));
            push("a column's length", raw);
            // The first run's length.
            let mut raw = good.clone();
            let bytes = &mut raw.columns[at].bytes;
            *bytes = [overlong(&bytes[..1], more), bytes[1..].to_vec()].concat();
            push("a run", raw);
        }
    }
    // The chunk's own length.
    let inside = contents(change);
    for more in [1, 5, 100] {
        let length = overlong(&number(inside.len() as u64), more);
        let hashed = [vec![CHANGE], length, inside.to_vec()].concat();
        let sum = firsthand_ids::sha256(&hashed);
        let chunk = [&change[..4], &sum[..4], &hashed].concat();
        all.push(Attack::refused(format!("{what}: the chunk's length in {more} bytes more"), chunk));
    }
    for claim in CLAIMS {
        let hashed = [vec![CHANGE], number(claim), inside.to_vec()].concat();
        let sum = firsthand_ids::sha256(&hashed);
        let chunk = [&change[..4], &sum[..4], &hashed].concat();
        all.push(Attack::refused(format!("{what}: a chunk of {claim} bytes"), chunk));
    }
}

/// What is no single plain change.
fn shapes(base: &Base, change: &[u8], all: &mut Vec<Attack>) {
    let mut push = |name: &str, bytes: Vec<u8>| all.push(Attack::refused(name, bytes));
    push("a deflated change", sealed(COMPRESSED, &deflated(contents(change))));
    push("deflated garbage", sealed(COMPRESSED, &[0x5a; 5000]));
    let document = am(&base.document.save());
    push("a saved document", document.save());
    push("a saved document, not deflated", document.save_nocompress());
    push("a document's chunk with a change inside", sealed(0, contents(change)));
    let hashes: Vec<_> = document.get_changes(&[]).iter().map(automerge::Change::hash).collect();
    push("a bundle", document.bundle(hashes).unwrap().bytes().to_vec());
    for kind in [3, 4, 0x7f, 0xff] {
        push("a chunk of another type", sealed(kind, contents(change)));
    }
    let message = document.generate_sync_message(&mut automerge::sync::State::new());
    push("a sync message", message.unwrap().encode());
    push("two changes", [change, change].concat());
    push("half a change", change[..change.len() / 2].to_vec());
    push("nothing", Vec::new());
    push("nothing in a chunk", sealed(CHANGE, &[]));
    let mut wrong = change.to_vec();
    wrong[5] ^= 1;
    push("another checksum", wrong);
    let mut dice = Dice::new(1, 90);
    for len in [1, 100, 10_000, 250_000, MIB] {
        let noise = dice.fill(len);
        push("noise", noise.clone());
        push("noise in a chunk", sealed(CHANGE, &noise));
        push("noise in a deflated chunk", sealed(COMPRESSED, &noise));
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            push("one byte again and again", vec![byte; len]);
            push("one byte again and again in a chunk", sealed(CHANGE, &vec![byte; len]));
        }
        let mut raw = Raw::of(change);
        for column in &mut raw.columns {
            column.bytes = dice.fill(len / 16);
        }
        push("noise in every column", raw.build());
    }
    // Short messages that ask for much, of the kind that sync messages and bundles are.
    for first in [0x42, 0x43, 0x00, 0x01] {
        for _ in 0..50 {
            let tail = dice.fill(14);
            push("a few bytes", [vec![first], tail.clone()].concat());
            push("a few bytes in a chunk", sealed(CHANGE, &tail));
        }
    }
}

/// A few bytes that inflate to so many.
///
/// # Panics
/// Where the compressor fails.
#[must_use]
pub fn bomb(inflated: usize) -> Vec<u8> {
    deflated(&vec![0; inflated])
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
