//! Ranges come out as they went in, and need nothing else.

use firsthand_log::{LogError, verify_run};
use firsthand_seal::{EpochKey, Kind, SealError, open_range, seal, seal_range};

use crate::support::{Author, Dice, SPACE};

const KEY: EpochKey = EpochKey::from_bytes([5; 32]);

#[test]
fn a_range_is_restored_and_verifies_from_where_the_chain_stood() {
    let mut author = Author::new(1);
    let mut tip = None;
    for count in [0, 1, 3, 200] {
        let bodies: Vec<Vec<u8>> = (0..count).map(|n| format!("observation {n}").into_bytes()).collect();
        let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let (entries, head) = author.write(&bodies);
        if entries.is_empty() {
            continue;
        }
        let sealed = seal_range(&KEY, author.writer(), entries.clone(), head).unwrap();
        let opened = open_range(&KEY, &SPACE, &sealed).unwrap();
        assert_eq!(opened.writer, author.writer());
        assert_eq!((opened.from, opened.to), (entries[0].position, entries[entries.len() - 1].position));
        let restored: Vec<_> = opened.batch.entries.into_iter().map(|(_, entry)| entry).collect();
        assert_eq!(restored, entries);
        let (_, signature) = opened.batch.signatures[0];
        let run = verify_run(&author.chain, tip.as_ref(), &restored, &signature).unwrap();
        assert_eq!(run.tip.hash, head.hash);
        tip = Some(run.tip);
        assert_eq!(seal_range(&KEY, author.writer(), entries, head).unwrap(), sealed);
    }
}

#[test]
fn what_is_no_range_is_refused() {
    let (entries, head) = Author::new(1).write(&[b"one"]);
    let writer = Author::new(1).writer();
    let sealed = seal_range(&KEY, writer, entries, head).unwrap();
    let (kind, content) = firsthand_seal::open(&KEY, &sealed).unwrap();
    assert_eq!(kind, Kind::Range);
    let as_other = seal(&KEY, Kind::Operations, &content).unwrap();
    assert_eq!(open_range(&KEY, &SPACE, &as_other), Err(LogError::Malformed { what: "range", at: 0 }.into()));
    let bomb = firsthand_log::compress::compress_entries(&vec![0; 64 << 20]).unwrap();
    assert!(bomb.len() < 64 << 10);
    let bomb = seal(&KEY, Kind::Range, &bomb).unwrap();
    let refused = open_range(&KEY, &SPACE, &bomb);
    assert!(matches!(refused, Err(SealError::Malformed(LogError::TooLarge { .. }))));
    let mut dice = Dice::new(9);
    for _ in 0..2000 {
        let mut content = content.to_vec();
        let at = dice.below(content.len());
        content[at] ^= 1 << dice.below(8);
        // A member can seal anything; it is read or refused.
        let _ = open_range(&KEY, &SPACE, &seal(&KEY, Kind::Range, &content).unwrap());
    }
}
