//! Damaged and forged bytes: nothing panics, nothing changes the document that is not a whole and lawful change.

use crate::common::{Log, both_forms, in_automerge, set, writer};
use automerge::ActorId;
use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use firsthand_document::{
    Document, DocumentError, Edit, Incoming, MAX_DOCUMENT_BYTES, NoAuthors, Outcome, Rule,
};
use firsthand_ids::sha256;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;

/// A document with changes of every letter, the last ones concurrent.
fn log() -> Log {
    let mut log = Log::with_leads(&[1]);
    let mut one = log.create(
        1,
        json!({ "title": "One", "severity": "Minor", "narrative": "Two men.", "counts": [{ "low": 1 }] }),
    );
    let mut two = log.replica();
    log.edit(&mut one, 1, &[set("title", json!("Two")), set("severity", json!("Severe"))]);
    log.edit(&mut two, 2, &[set("title", json!("Three"))]);
    log.edit(
        &mut two,
        2,
        &[Edit::Splice { field: "narrative".into(), at: 4, delete: 3, insert: "women".into() }],
    );
    log.bring(&mut one);
    log.edit(&mut one, 1, &[Edit::Resolve { field: "title".into(), value: json!("Four"), note: "x".into() }]);
    log.edit(&mut one, 1, &[Edit::Add { list: "counts".into(), value: json!({ "low": 2 }) }]);
    log.edit(
        &mut two,
        2,
        &[Edit::ReplaceText { field: "narrative".into(), text: "Three women went.".into() }],
    );
    log
}

/// The document as it is before the entry, in both forms, and everything else of the log.
fn around(log: &Log, at: usize) -> ([Document; 2], Vec<Incoming<'_>>) {
    (
        both_forms(&log.entries[..at], log),
        log.entries
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != at)
            .map(|(_, one)| one.incoming())
            .collect(),
    )
}

/// A chunk around contents, with the checksum that belongs to them.
fn sealed(contents: &[u8]) -> Vec<u8> {
    let mut hashed = vec![1];
    let mut length = contents.len();
    while length >= 0x80 {
        hashed.push(length as u8 | 0x80);
        length >>= 7;
    }
    hashed.push(length as u8);
    hashed.extend_from_slice(contents);
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83];
    chunk.extend_from_slice(&sha256(&hashed)[..4]);
    chunk.extend_from_slice(&hashed);
    chunk
}

fn contents(chunk: &[u8]) -> &[u8] {
    let length = chunk[9..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &chunk[9 + length..]
}

/// The same outcome, though perhaps by another rule where a change breaks several.
fn alike(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Refused(_), Outcome::Refused(_)) => true,
        _ => one == other,
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit as u64) as usize
    }

    /// Flips bits, cuts out, puts in, repeats.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(out.len());
            match self.below(8) {
                0 => drop(out.remove(at)),
                1 => out.insert(at, self.0.next_u64() as u8),
                2 => out[at] = self.0.next_u64() as u8,
                3 => {
                    let end = (at + 1 + self.below(8)).min(out.len());
                    let part = out[at..end].to_vec();
                    out.splice(at..at, part);
                }
                4 => out[at] = out[at].wrapping_add(1),
                5 => out[at] = out[at].wrapping_sub(1),
                _ => out[at] ^= 1 << self.below(8),
            }
            if out.is_empty() {
                out.push(0);
            }
        }
        out
    }
}

fn rounds(default: usize) -> usize {
    std::env::var("FIRSTHAND_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(default)
}

#[test]
fn a_damaged_change_is_refused() {
    let log = log();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(1));
    for at in 0..log.entries.len() {
        let (forms, _) = around(&log, at);
        for _ in 0..rounds(60) {
            let entry = &log.entries[at];
            let damaged = dice.damage(&entry.change.bytes);
            if damaged == entry.change.bytes {
                continue;
            }
            for form in &forms {
                let mut copy = form.clone();
                let incoming = Incoming { change: &damaged, ..entry.incoming() };
                let outcome = copy.apply(&[incoming], &log).outcomes.remove(0);
                assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
                assert_eq!(copy.save(), form.save());
            }
        }
    }
}

#[test]
fn a_forged_change_is_refused_or_taken_whole_and_by_everybody() {
    let log = log();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(2));
    let mut taken = 0;
    for at in 0..log.entries.len() {
        let (forms, others) = around(&log, at);
        let entry = &log.entries[at];
        for _ in 0..rounds(250) {
            let forged = sealed(&dice.damage(contents(&entry.change.bytes)));
            if forged == entry.change.bytes {
                continue;
            }
            let incoming = Incoming { change: &forged, ..entry.incoming() };
            let mut copies = forms.clone();
            let outcomes = copies.each_mut().map(|copy| copy.apply(&[incoming], &log).outcomes.remove(0));
            assert!(alike(&outcomes[0], &outcomes[1]), "{outcomes:?}");
            let [mut copy, other] = copies;
            assert_eq!(copy.heads(), other.heads());
            assert_eq!(copy.view(&log), other.view(&log));
            if outcomes[0] != Outcome::Applied {
                assert_eq!(copy.save(), forms[0].save());
                assert_eq!(other.save(), forms[1].save());
                continue;
            }
            taken += 1;
            let again = Document::load(&copy.save()).unwrap();
            assert_eq!(again.heads(), copy.heads());
            assert_eq!(again.view(&NoAuthors), copy.view(&NoAuthors));
            assert_eq!(again.history(&NoAuthors), other.history(&NoAuthors));
            // Beside everything else, and where everything else came first.
            let mut all = others.clone();
            all.insert(0, incoming);
            let mut other = Document::empty();
            other.apply(&all, &log);
            copy.apply(&others, &log);
            assert_eq!(other.heads(), copy.heads());
            assert_eq!(other.view(&NoAuthors), copy.view(&NoAuthors));
        }
    }
    // Another letter in a value makes a lawful change; a run in which none passed would have tested nothing.
    assert!(taken > 10, "{taken}");
}

/// Alters the operations of a change: other objects, keys, characters, predecessors, actions, order, dependencies.
fn altered(dice: &mut Dice, change: &[u8], all: &[firsthand_ids::ChangeHash]) -> Vec<u8> {
    let mut change = automerge::Change::try_from(change).unwrap().decode();
    let own = change.start_op.get();
    let last = own + change.operations.len() as u64;
    let id = |dice: &mut Dice| {
        let counter = match dice.below(4) {
            0 => 1 + dice.below(6) as u64,
            1 => own + dice.below((last - own) as usize) as u64,
            _ => 1 + dice.below(last as usize) as u64,
        };
        OpId(counter, ActorId::from(writer(1 + dice.below(2) as u8).as_bytes()))
    };
    for _ in 0..=dice.below(2) {
        if change.operations.is_empty() {
            break;
        }
        let count = change.operations.len();
        let at = dice.below(count);
        match dice.below(10) {
            0 => change.operations[at].obj = ObjectId::Id(id(dice)),
            1 => change.operations[at].key = Key::Seq(ElementId::Id(id(dice))),
            2 => change.operations[at].pred = vec![id(dice)].into(),
            3 => change.operations[at].pred = vec![id(dice), id(dice)].into(),
            4 => change.operations[at].pred = Vec::new().into(),
            5 => change.operations[at].action = OpType::Delete,
            6 => change.operations[at].insert ^= true,
            7 => {
                let again = change.operations[dice.below(count)].clone();
                change.operations.insert(at, again);
            }
            8 => drop(change.operations.remove(at)),
            _ => {
                let hash = all[dice.below(all.len())];
                change.deps = vec![automerge::ChangeHash(*hash.as_bytes())];
            }
        }
    }
    automerge::Change::from(change).raw_bytes().to_vec()
}

#[test]
fn altered_operations_are_judged_alike_by_everybody() {
    let log = log();
    let all: Vec<_> = log.entries.iter().map(|entry| entry.change.hash).collect();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(5));
    let mut taken = 0;
    for at in 0..log.entries.len() {
        let (forms, others) = around(&log, at);
        let entry = &log.entries[at];
        for _ in 0..rounds(250) {
            let altered = altered(&mut dice, &entry.change.bytes, &all);
            let incoming = Incoming { change: &altered, ..entry.incoming() };
            let mut copies = forms.clone();
            let outcomes = copies.each_mut().map(|copy| copy.apply(&[incoming], &log).outcomes.remove(0));
            assert!(alike(&outcomes[0], &outcomes[1]), "{outcomes:?}");
            let outcome = &outcomes[0];
            let mut after = others.clone();
            after.push(incoming);

            // Everything together, and everything else before.
            let mut together = Document::empty();
            together.apply(&after, &log);
            let mut last = Document::empty();
            last.apply(&others, &log);
            let mut last = in_automerge(&last);
            last.apply(&[incoming], &log);
            let late = last.apply(&after, &log).outcomes.pop().unwrap();
            for copy in &mut copies {
                copy.apply(&after, &log);
                for other in [&together, &last] {
                    assert_eq!(other.heads(), copy.heads(), "{outcome:?} {late:?}");
                    assert_eq!(other.view(&log), copy.view(&log));
                    assert_eq!(other.history(&log), copy.history(&log));
                }
            }
            assert_eq!(*outcome == Outcome::Applied, late == Outcome::Applied, "{outcome:?} {late:?}");
            taken += usize::from(*outcome == Outcome::Applied && altered != entry.change.bytes);
            let again = Document::load(&last.save()).unwrap();
            assert_eq!(again.view(&log), last.view(&log));
        }
    }
    assert!(taken > 10, "{taken}");
}

#[test]
fn garbage_is_no_change_and_no_document() {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(3));
    let log = log();
    let document = log.replica();
    for _ in 0..rounds(300) {
        let mut garbage = vec![0; dice.below(200)];
        dice.0.fill_bytes(&mut garbage);
        let garbage = if dice.below(2) == 0 { sealed(&garbage) } else { garbage };
        let incoming = Incoming {
            writer: writer(7),
            position: firsthand_ids::Position(2),
            create: false,
            change: &garbage,
        };
        let outcome = document.clone().apply(&[incoming], &log).outcomes.remove(0);
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        assert!(Document::load(&garbage).map_or(true, |read| read.is_empty()));
    }
}

#[test]
fn a_damaged_save_is_found() {
    let log = log();
    let saved = log.replica().save();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(4));
    for _ in 0..rounds(300) {
        let damaged = dice.damage(&saved);
        if damaged != saved {
            assert!(Document::load(&damaged).is_err());
        }
    }
}

/// One member writes until nobody can write any more. What is in the document stays readable, each side is told why, and what comes
/// on top is refused one by one.
#[test]
fn a_document_is_full_at_its_limit() {
    let mut log = Log::with_leads(&[1]);
    let mut one = log.create(1, json!({ "title": "One" }));
    let mut two = log.replica();
    let item = |number: usize| Edit::Add {
        list: "counts".into(),
        value: json!({ "note": format!("{number:06}").repeat(20_000), "low": number }),
    };
    let full = (0..).find(|number| {
        let before = (two.heads(), two.save());
        match two.edit(writer(2), log.rights_of(writer(2)), &[item(*number)]) {
            Ok(changes) => changes.into_iter().for_each(|change| log.push(writer(2), false, change)),
            Err(error) => {
                assert_eq!(error, DocumentError::Full);
                assert_eq!((two.heads(), two.save()), before, "nothing was changed");
                return true;
            }
        }
        false
    });
    let bytes: usize = log.entries.iter().map(|entry| entry.change.bytes.len()).sum();
    assert!(bytes <= MAX_DOCUMENT_BYTES && bytes + 130_000 > MAX_DOCUMENT_BYTES, "{full:?}: {bytes} bytes");

    // Somebody who was away meanwhile writes as well: that is more than there is room for.
    let away = log.entries.len();
    log.edit(&mut one, 1, &[set("severity", json!("Severe"))]);
    log.edit(&mut one, 1, &[item(1)]);
    log.edit(&mut one, 1, &[item(2)]);
    for mut document in [Document::empty(), both_forms(&log.entries[..away], &log)[1].clone()] {
        let document_was_empty = document.is_empty();
        let incoming: Vec<_> = log.entries.iter().map(|entry| entry.incoming()).collect();
        let outcomes = document.apply(&incoming, &log).outcomes;
        let refused: Vec<_> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| match outcome {
                Outcome::Refused(error) => Some((at, error.rule)),
                Outcome::Applied | Outcome::Waiting { .. } => None,
            })
            .collect();
        let [(at, Rule::Room)] = refused[..] else { panic!("{refused:?}") };
        // Where nothing was there yet, the few of the one come before the many of the other.
        assert_eq!(log.entries[at].writer, writer(if document_was_empty { 2 } else { 1 }));
        assert_eq!(outcomes[away], Outcome::Applied);
        assert!(document.save().len() <= MAX_DOCUMENT_BYTES);
        assert_eq!(document.view(&log).value("severity"), Some(&json!("Severe")));
    }
}
