//! Changes and saved documents altered at random, as a member's entries. None is taken that Automerge cannot save and load with
//! the same heads, none that is refused leaves a trace, and both ways of keeping a document come to the same.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_document::{Authors, Document, Edit, Incoming, Outcome, Rights};
use firsthand_ids::sha256;
use firsthand_tests::hostile::{Base, COLUMNS, Leads, Raw, Sent, am, contents, in_automerge, sealed, writer};
use firsthand_tests::{Dice, seeds};
use serde_json::json;

/// How many histories, and how many mutants of each.
const HISTORIES: u64 = 220;
const MUTANTS: usize = 50;

/// A document that four people wrote in, now and then apart.
fn history(dice: &mut Dice) -> Vec<Sent> {
    let base = Base::new();
    let mut sent = base.sent.clone();
    let mut replicas = [base.document.clone(), base.document.clone()];
    for _ in 0..2 + dice.below(5) {
        let which = dice.below(2);
        let number = 2 + dice.below(3) as u16;
        // One writer writes in one place.
        let number = if which == 0 { number } else { number + 10 };
        let field = dice.pick(&["title", "severity", "urgency", "p_code", "narrative"]);
        let word = format!("{}", dice.below(100));
        let edit = match (field, dice.below(4)) {
            ("narrative", _) => {
                let at = dice.below(8);
                Edit::Splice { field: field.into(), at, delete: dice.below(4), insert: word }
            }
            (_, 0) => Edit::Add { list: "counts".into(), value: json!({ "low": word }) },
            _ if replicas[which].view(&Leads::default()).conflicts().any(|(name, _)| name == field) => {
                Edit::Resolve { field: field.into(), value: json!(word), note: String::new() }
            }
            _ => Edit::Set { field: field.into(), value: json!(word) },
        };
        for change in replicas[which].edit(writer(number), Rights::ALL, &[edit]).unwrap() {
            sent.push(Sent { writer: number, create: false, bytes: change.bytes });
        }
        if dice.percent(40) {
            let authors = Leads::of(&sent);
            let all: Vec<Incoming<'_>> = sent.iter().map(Sent::incoming).collect();
            assert!(replicas[which].apply(&all, &authors).is_complete());
        }
    }
    sent
}

/// Flips bits, cuts, puts in, repeats, or takes over a part of another.
fn damage(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(6) {
            0 => drop(bytes.splice(at..at, dice.fill(1 + at % 5))),
            1 => drop(bytes.drain(at..(at + 1 + dice.below(8)).min(bytes.len()))),
            2 => {
                let from = dice.below(other.len());
                let to = (from + 1 + dice.below(40)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
            3 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(1),
            4 if at < bytes.len() => bytes[at] = dice.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            _ if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            _ => {}
        }
    }
}

/// A mutant of a change: its checksum is right more often than not.
fn mutant(sent: &[Sent], which: usize, saved: &[u8], dice: &mut Dice) -> Vec<u8> {
    let change = &sent[which].bytes;
    let other = &sent[dice.below(sent.len())].bytes;
    match dice.below(9) {
        0 => {
            let mut bytes = change.clone();
            damage(&mut bytes, other, dice);
            bytes
        }
        1..4 => {
            let mut inside = contents(change).to_vec();
            damage(&mut inside, contents(other), dice);
            sealed(1, &inside)
        }
        4 => {
            // A saved document, or its contents as a change.
            let mut bytes = saved.to_vec();
            damage(&mut bytes, other, dice);
            let from = dice.below(20).min(bytes.len());
            if dice.percent(50) { bytes } else { sealed(dice.below(4) as u8, &bytes[from..]) }
        }
        5 => {
            // Columns change places, or come from another change.
            let mut raw = Raw::of(change);
            let others = Raw::of(other).columns;
            let at = dice.below(raw.columns.len());
            if dice.percent(50) {
                let to = dice.below(raw.columns.len());
                let bytes = raw.columns[at].bytes.clone();
                raw.columns[at].bytes = std::mem::replace(&mut raw.columns[to].bytes, bytes);
            } else {
                raw.columns[at] = others[dice.below(others.len())].clone();
            }
            raw.build()
        }
        6 => {
            let mut raw = Raw::of(change);
            let number = dice.pick(&COLUMNS);
            let mut bytes = raw.column(number).bytes.clone();
            bytes.push(0);
            damage(&mut bytes, other, dice);
            raw.column(number).bytes = bytes;
            raw.build()
        }
        7 => {
            // Another header: as if it built on something else, or were another in the row.
            let (mut raw, other) = (Raw::of(change), Raw::of(other));
            match dice.below(4) {
                0 => raw.dependencies = other.dependencies,
                1 => raw.sequence = other.sequence,
                2 => raw.start_op = other.start_op,
                _ => raw.actors = other.actors,
            }
            raw.build()
        }
        _ => {
            // The chunk's length.
            let mut bytes = change.clone();
            bytes[9] = bytes[9].wrapping_add(1 + dice.below(255) as u8);
            let sum = sha256(&bytes[8..]);
            bytes[4..8].copy_from_slice(&sum[..4]);
            bytes
        }
    }
}

fn alike(one: &Outcome, other: &Outcome) -> bool {
    matches!((one, other), (Outcome::Refused(_), Outcome::Refused(_))) || one == other
}

fn same(one: &Document, other: &Document, authors: &dyn Authors) {
    assert_eq!(one.heads(), other.heads());
    assert_eq!(one.view(authors), other.view(authors));
    assert_eq!(one.view(authors).to_canonical(), other.view(authors).to_canonical());
}

/// What the whole document says, in 32 bytes.
fn state(document: &Document, authors: &dyn Authors) -> ([u8; 32], Vec<firsthand_ids::ChangeHash>) {
    (sha256(document.view(authors).to_canonical().as_bytes()), document.heads())
}

#[test]
fn no_mutant_is_taken_that_cannot_be_kept() {
    firsthand_node::keep_caught_panics_quiet();
    let (taken, refused, waited) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    seeds::each(&format!("histories, {MUTANTS} mutants of each"), HISTORIES, |seed| {
        let mut dice = Dice::new(seed, 110);
        let sent = history(&mut dice);
        let authors = Leads::of(&sent);
        for _ in 0..MUTANTS {
            let which = 1 + dice.below(sent.len() - 1);
            // What came before, with or without what came after.
            let before = if dice.percent(50) { &sent[..which] } else { &sent[..] };
            let mut plain = Document::empty();
            let incoming: Vec<Incoming<'_>> = before.iter().map(Sent::incoming).collect();
            plain.apply(&incoming, &authors);
            let loaded = in_automerge(&plain);
            let bytes = mutant(&sent, which, &loaded.save(), &mut dice);
            if sent.iter().any(|sent| sent.bytes == bytes) {
                continue;
            }
            let entry = Sent { writer: sent[which].writer, create: false, bytes };
            let everybody = Leads::of(sent.iter().chain([&entry]));
            let was = state(&plain, &authors);
            let mut forms = [plain, loaded];
            let outcomes =
                forms.each_mut().map(|form| form.apply(&[entry.incoming()], &everybody).outcomes.remove(0));
            assert!(alike(&outcomes[0], &outcomes[1]), "{outcomes:?}");
            same(&forms[0], &forms[1], &everybody);
            if outcomes[0] == Outcome::Applied {
                taken.fetch_add(1, Ordering::Relaxed);
                for form in &forms {
                    let bare = am(&form.save());
                    let again = am(&bare.save());
                    assert_eq!(bare.get_heads(), again.get_heads());
                    let heads: Vec<_> = again.get_heads().iter().map(|head| head.0).collect();
                    assert_eq!(heads, form.heads().iter().map(|head| *head.as_bytes()).collect::<Vec<_>>());
                    same(&Document::load(&form.save()).unwrap(), form, &everybody);
                }
            } else {
                let count = if matches!(outcomes[0], Outcome::Refused(_)) { &refused } else { &waited };
                count.fetch_add(1, Ordering::Relaxed);
                for form in &forms {
                    assert_eq!(state(form, &authors), was);
                }
            }
            // Everything there is, in any order, one by one or together, with the mutant among it.
            let mut all: Vec<&Sent> = sent.iter().chain([&entry]).collect();
            for at in (1..all.len()).rev() {
                all.swap(at, dice.below(at + 1));
            }
            let together: Vec<Incoming<'_>> = all.iter().map(|sent| sent.incoming()).collect();
            let mut other = Document::empty();
            let first = other.apply(&together, &everybody).outcomes;
            let fork = |outcome: &Outcome| matches!(outcome, Outcome::Refused(error) if error.rule == firsthand_document::Rule::Fork);
            // Of two with one number the first stays, so what comes first matters.
            if first.iter().chain(&outcomes).any(fork) {
                continue;
            }
            for form in &mut forms {
                // What waits is tried again while something comes in.
                let mut heads = Vec::new();
                while heads != form.heads() {
                    heads = form.heads();
                    for one in &together {
                        form.apply(&[*one], &everybody);
                    }
                }
                if form.apply(&together, &everybody).outcomes.iter().any(fork) {
                    continue;
                }
                same(form, &other, &everybody);
            }
        }
    });
    if seeds::only().is_none() {
        let [taken, refused, waited] = [taken, refused, waited].map(AtomicU64::into_inner);
        seeds::figure(&format!(
            "guard mutants: {refused} refused, {waited} wait, {taken} lawful and kept, in both forms; 0 traces"
        ));
        assert!(refused > 1_000 && taken > 50, "a test of little: {refused} refused, {taken} taken");
    }
}
