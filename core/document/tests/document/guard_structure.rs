//! Changes that are out of shape: each is refused by name, and the rest goes on.

use crate::common::forge::{
    altered, base, creating, expect, expect_as, incoming, load, places, raw, raw_as, refused_creation,
};
use crate::common::writer;
use automerge::legacy::{ElementId, Key, ObjectId, OpId as LegacyId, OpType};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, ExpandedChange, ObjType, ROOT, ReadDoc};
use firsthand_document::{Document, NoAuthors, Outcome, Rule};

#[test]
fn the_root_and_unknown_objects_are_out_of_reach() {
    let base = base();
    let make =
        |key: &'static str| raw(&base, move |tx, _| drop(tx.put_object(ROOT, key, ObjType::Map).unwrap()));
    expect(&base, "a sixth map", &make("x"), Rule::Creation);
    expect(&base, "replaces a map", &make("r"), Rule::Creation);
    expect(&base, "deletes a map", &raw(&base, |tx, _| tx.delete(ROOT, "s").unwrap()), Rule::Creation);
    expect(
        &base,
        "a value at the root",
        &raw(&base, |tx, _| tx.put(ROOT, "k", "v").unwrap()),
        Rule::Creation,
    );

    let write = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let elsewhere = |counter, number: u8| {
        altered(&write, |change| {
            change.operations[0].obj =
                ObjectId::Id(LegacyId(counter, ActorId::from(writer(number).as_bytes())));
        })
    };
    expect(&base, "no object", &elsewhere(99, 1), Rule::Reference);
    expect(&base, "no writer", &elsewhere(1, 77), Rule::Reference);
    expect(&base, "a value as object", &elsewhere(6, 1), Rule::Reference);

    let insert = raw(&base, |tx, at| tx.splice_text(&at.narrative, 3, 0, "x").unwrap());
    let after = |counter, number: u8| {
        altered(&insert, |change| {
            let id = LegacyId(counter, ActorId::from(writer(number).as_bytes()));
            change.operations[0].key = Key::Seq(ElementId::Id(id));
        })
    };
    expect(&base, "after no character", &after(9_999, 1), Rule::Reference);
    expect(&base, "after itself", &after(1, 4), Rule::Reference);
    // That is an operation its author knew, but no character of the text: Automerge alone can tell.
    expect(&base, "after a map", &after(1, 1), Rule::Apply);
}

#[test]
fn only_characters_of_the_text_are_deleted_from_it() {
    let base = base();
    let one = raw(&base, |tx, at| tx.splice_text(&at.narrative, 3, 1, "").unwrap());
    let two = raw(&base, |tx, at| tx.splice_text(&at.narrative, 3, 2, "").unwrap());
    // The five maps, values, texts and an item of the creating change, and the last operation of all.
    for counter in (1..15).chain([base.document.history(&NoAuthors).len() as u64 + 40]) {
        let id = LegacyId(counter, ActorId::from(writer(1).as_bytes()));
        for change in [&one, &two] {
            let altered = altered(change, |change| {
                change.operations[0].key = Key::Seq(ElementId::Id(id.clone()));
                change.operations[0].pred = vec![id.clone()].into();
            });
            let incoming = incoming(4, false, &altered);
            let mut document = base.document.clone();
            let outcome = document.apply(&[incoming], &base.log).outcomes.remove(0);
            let Outcome::Refused(error) = outcome else { panic!("{counter}: {outcome:?}") };
            assert!(
                matches!(error.rule, Rule::Apply | Rule::Canonical | Rule::Reference),
                "{counter}: {error:?}"
            );
            assert_eq!(document.save(), base.document.save());
        }
    }
}

#[test]
fn a_text_that_came_from_apart_is_no_place_to_write_unseen() {
    // Writer 2 makes a new text field; writer 4 has not seen it and writes into it all the same.
    let mut base = base();
    let before = base.document.clone();
    let made = raw_as(&base, 2, |tx, at| {
        let text = tx.put_object(&at.t, "new_text", ObjType::Text).unwrap();
        tx.splice_text(&text, 0, 0, "ab").unwrap();
    });
    base.log.push(writer(2), false, made);
    base.log.bring(&mut base.document);
    let seen = raw(&base, |tx, at| {
        let text = tx.get(&at.t, "new_text").unwrap().unwrap().1;
        tx.splice_text(&text, 1, 0, "x").unwrap();
    });
    let heads = before.heads();
    let unseen = altered(&seen, |change| {
        change.deps = heads.iter().map(|head| automerge::ChangeHash(*head.as_bytes())).collect();
    });
    expect(&base, "unseen", &unseen, Rule::Reference);
}

#[test]
fn chunks_headers_and_numbers() {
    let base = base();
    let good = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let alter = |alter: fn(&mut ExpandedChange)| altered(&good, alter);

    expect_as(&base, "another's actor", incoming(5, false, &good), Rule::Actor);
    expect(&base, "a time", &alter(|change| change.time = 1), Rule::Chunk);
    expect(&base, "a message", &alter(|change| change.message = Some("m".into())), Rule::Chunk);
    expect(&base, "trailing bytes", &alter(|change| change.extra_bytes = vec![0]), Rule::Chunk);
    expect(
        &base,
        "an actor that is no writer",
        &alter(|change| change.actor_id = ActorId::from([1u8; 8])),
        Rule::Actor,
    );
    expect(&base, "an earlier number", &alter(|change| change.seq = 9), Rule::Sequence);
    expect(&base, "no operations", &alter(|change| change.operations.clear()), Rule::Operations);
    expect(
        &base,
        "an early counter",
        &alter(|change| change.start_op = 5.try_into().unwrap()),
        Rule::StartOp,
    );
    let far = |gap: u64| {
        altered(&good, |change| change.start_op = (change.start_op.get() + gap).try_into().unwrap())
    };
    expect(&base, "too far", &far(1_000_001), Rule::StartOp);
    let mut document = base.document.clone();
    assert!(document.apply(&[incoming(4, false, &far(1_000_000))], &base.log).is_complete());

    expect(&base, "two at once", &[&good[..], &good].concat(), Rule::Chunk);
    expect(&base, "a document", &base.document.save(), Rule::Chunk);
    expect(&base, "nothing", &[], Rule::Chunk);
    let long = raw(&base, |tx, at| tx.splice_text(&at.narrative, 0, 0, &"x".repeat(10_001)).unwrap());
    expect(&base, "too many operations", &long, Rule::Operations);
    let just = raw(&base, |tx, at| tx.splice_text(&at.narrative, 0, 0, &"x".repeat(10_000)).unwrap());
    assert!(document.apply(&[incoming(4, false, &just)], &base.log).outcomes[0] != Outcome::Applied);
    let mut document = base.document.clone();
    assert!(document.apply(&[incoming(4, false, &just)], &base.log).is_complete());

    // A compressed change: Automerge would inflate it.
    let mut change = automerge::Change::try_from(&just[..]).unwrap();
    let compressed = change.bytes().into_owned();
    assert_eq!(compressed[8], 2);
    expect(&base, "compressed", &compressed, Rule::Chunk);

    let authored = {
        let mut am = load(&base.document, 4);
        am.set_author(Some(automerge::Author::from(vec![1])));
        am.set_actor(ActorId::from(writer(4).as_bytes()));
        let places = places(&am);
        let mut transaction = am.transaction();
        transaction.put(&places.r, "category", "\"x\"").unwrap();
        let hash = transaction.commit_with(CommitOptions::default()).0.unwrap();
        am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
    };
    expect(&base, "an author", &authored, Rule::Chunk);
}

#[test]
fn one_writer_cannot_be_in_two_places() {
    let base = base();
    let first = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let second = raw(&base, |tx, at| tx.put(&at.r, "category", "\"y\"").unwrap());
    let mut document = base.document.clone();
    let both = [incoming(4, false, &first), incoming(4, false, &second)];
    let outcomes = document.apply(&both, &base.log).outcomes;
    assert_eq!(outcomes[0], Outcome::Applied);
    let Outcome::Refused(error) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(error.rule, Rule::Fork);
    // The same later on, and the first once more.
    let outcomes = document.apply(&both, &base.log).outcomes;
    assert_eq!(outcomes[0], Outcome::Applied);
    assert!(matches!(&outcomes[1], Outcome::Refused(error) if error.rule == Rule::Fork));
}

#[test]
fn documents_are_created_once_and_in_one_way() {
    let base = base();
    let create = creating(|tx, maps| tx.put(&maps[4], "kind", "\"incident\"").unwrap());
    expect_as(&base, "a second time", incoming(1, true, &create), Rule::Creation);
    let outcome = Document::empty().apply(&[incoming(1, false, &create)], &NoAuthors).outcomes.remove(0);
    assert!(matches!(outcome, Outcome::Refused(error) if error.rule == Rule::Dependencies));
    let later = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let outcome = Document::empty().apply(&[incoming(4, true, &later)], &NoAuthors).outcomes.remove(0);
    assert!(matches!(outcome, Outcome::Refused(error) if error.rule == Rule::Dependencies));

    let swapped = altered(&create, |change| change.operations.swap(0, 1));
    refused_creation("swapped maps", &swapped, Rule::Creation);
    let fewer = altered(&create, |change| change.operations.truncate(4));
    refused_creation("four maps", &fewer, Rule::Creation);
    let far = altered(&create, |change| change.start_op = 2.try_into().unwrap());
    refused_creation("another start", &far, Rule::Creation);

    // A document that is not here yet waits.
    let mut document = Document::empty();
    let outcome = document.apply(&[incoming(4, false, &later)], &NoAuthors).outcomes.remove(0);
    assert_eq!(outcome, Outcome::Waiting { missing: base.document.heads() });
    // A bare document without kind or fields is one of a kind nobody knows.
    let mut document = Document::empty();
    assert!(document.apply(&[incoming(1, true, &creating(|_, _| {}))], &NoAuthors).is_complete());
    assert_eq!(document.kind().unwrap().name(), "");
}

#[test]
fn many_bad_changes_among_good_ones_are_found_one_by_one() {
    let base = base();
    let mut all = Vec::new();
    for number in 10..60u8 {
        let bad = number % 7 == 0;
        all.push((
            number,
            bad,
            raw_as(&base, number, |tx, at| {
                if bad {
                    tx.splice_text(&at.narrative, 1, 0, "x").unwrap();
                } else {
                    tx.put(&at.r, format!("field{number}"), "1").unwrap();
                }
            }),
        ));
    }
    for (number, bad, change) in &mut all {
        if *bad {
            // After something that is no character: Automerge panics on it.
            change.bytes = altered(&change.bytes, |change| {
                let id = LegacyId(u64::from(*number % 5) + 1, ActorId::from(writer(1).as_bytes()));
                change.operations[0].key = Key::Seq(ElementId::Id(id));
            });
        }
    }
    let incoming: Vec<_> =
        all.iter().map(|(number, _, change)| incoming(*number, false, &change.bytes)).collect();
    let mut document = base.document.clone();
    let applied = document.apply(&incoming, &base.log);
    for ((number, bad, _), outcome) in all.iter().zip(applied.outcomes) {
        match outcome {
            Outcome::Applied => assert!(!bad, "{number}"),
            Outcome::Refused(error) => {
                assert!(bad, "{number}");
                assert_eq!(error.rule, Rule::Apply);
            }
            Outcome::Waiting { .. } => panic!("{number}"),
        }
    }
}

#[test]
fn operations_of_other_kinds_are_refused() {
    let base = base();
    let good = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let action = |action: OpType| altered(&good, |change| change.operations[0].action = action);
    expect(&base, "an increment", &action(OpType::Increment(1)), Rule::Operations);
    expect(&base, "the end of a mark", &action(OpType::MarkEnd(true)), Rule::Operations);
    let inserted = altered(&good, |change| change.operations[0].insert = true);
    expect(&base, "an insertion into a map", &inserted, Rule::Register);
    let indexed = altered(&good, |change| change.operations[0].key = Key::Seq(ElementId::Head));
    expect(&base, "a place in a map", &indexed, Rule::Register);
    let spliced = raw(&base, |tx, at| tx.splice_text(&at.narrative, 0, 0, "x").unwrap());
    let named = altered(&spliced, |change| {
        change.operations[0].key = Key::Map("x".into());
        change.operations[0].insert = false;
    });
    expect(&base, "a key in a text", &named, Rule::Text);
}
