//! Whatever a peer sends, reading it takes little memory. Alone in its program, so that nothing else is measured.

// Clippy's allow-unwrap-in-tests does not reach functions beside the tests.
#![allow(clippy::unwrap_used)]

use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, WriterId};
use firsthand_log::References;
use firsthand_log::codec::{Reader, Writer};
use firsthand_log::compress::{Packer, Unpacker, decompress_document};
use firsthand_log::lean::{MAX_BATCH_BYTES, decode_batch};
use peak_alloc::PeakAlloc;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A device that finds everything it is asked for, which lets hostile references restore the most.
struct Everything;

impl References for Everything {
    fn locate_change(&self, _: &ChangeHash) -> Option<(WriterId, Position)> {
        None
    }

    fn locate_document(&self, _: &DocumentId) -> Option<(WriterId, Position)> {
        None
    }

    fn change_at(&self, _: &WriterId, _: Position) -> Option<ChangeHash> {
        Some(ChangeHash::new([1; 32]))
    }

    fn document_at(&self, _: &WriterId, _: Position) -> Option<DocumentId> {
        Some(DocumentId::new([1; 16]))
    }
}

/// How many bytes were in use at most while `run` ran, beyond those before.
fn peak(run: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    run();
    MEMORY.peak_usage() - before
}

/// A batch of `entries` changes of one writer, each with the most dependencies and other actors, all references.
fn all_references(entries: u64) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(1).number(1).fixed([1; 16]).number(1).number(2).number(1).number(0).number(entries);
    for _ in 0..entries {
        // No columns; a change, its document that of its first dependency; counter, offset, commit time, message.
        out.number(0).byte(2).number(0).number(0).number(0).number(0);
        out.number(256).number(1).number(4096).fixed([1; 4096]);
        out.number(0);
        for _ in 0..256 {
            out.number(1).number(1);
        }
        out.number(1).number(0);
    }
    out.fixed([0; 64]);
    out.into_bytes()
}

#[test]
fn hostile_bytes_take_little_memory() {
    const MIB: usize = 1024 * 1024;
    let space = SpaceId::new([2; 16]);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut noise = vec![0; MIB];
    rng.fill_bytes(&mut noise);

    // Noise behind prefixes that lead deeper and deeper into the format, and lengths that promise much.
    for len in [10, 1000, MIB] {
        for prefix in [&[][..], &[1], &[1, 1], &[1, 0xff, 0x1f], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
            let bytes = [prefix, &noise[..len]].concat();
            let used = peak(|| drop(decode_batch(&bytes, &space, &Everything)));
            assert!(used < 2 * len + 16 * 1024, "{used} bytes for {len} after {prefix:?}");
            let used = peak(|| drop(firsthand_log::Vector::decode(&mut Reader::new(&bytes))));
            assert!(used < 2 * len + 16 * 1024, "{used} bytes for {len} after {prefix:?}");
        }
    }

    // References that restore sixteen times their size: refused at the limit of a batch.
    let bytes = all_references(900);
    assert!(bytes.len() <= MAX_BATCH_BYTES);
    let used = peak(|| assert!(decode_batch(&bytes, &space, &Everything).is_err()));
    assert!(used < 8 * MIB, "{used} bytes for {}", bytes.len());
    let bytes = all_references(40);
    let used = peak(|| assert!(decode_batch(&bytes, &space, &Everything).is_ok()));
    assert!(used < 8 * MIB, "{used} bytes for {}", bytes.len());

    // Compressed bytes never grow beyond the stated size, which the receiver limits.
    let bomb = Packer::new().unwrap().pack(&vec![0; 64 * MIB]).unwrap();
    let used = peak(|| assert!(Unpacker::new().unwrap().unpack(&bomb, MAX_BATCH_BYTES).is_err()));
    assert!(used < MAX_BATCH_BYTES + MIB, "{used} bytes");
    for at in 0..200 {
        let used = peak(|| {
            drop(Unpacker::new().unwrap().unpack(&[&[1], &noise[at..at + 4000]].concat(), MAX_BATCH_BYTES));
            drop(decompress_document(&[&[1], &noise[at..at + 4000]].concat(), MIB));
        });
        assert!(used < MAX_BATCH_BYTES + MIB, "{used} bytes");
    }
}
