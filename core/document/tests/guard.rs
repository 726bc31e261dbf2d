//! Changes that break a rule, made with bare Automerge: each is refused by name, and the rest goes on.

mod common;

use automerge::legacy::{ElementId, Key, ObjectId, OpId as LegacyId, OpType};
use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{
    ActorId, Automerge, ExpandedChange, LoadOptions, ObjType, ROOT, ReadDoc, ScalarValue, TextEncoding,
};
use common::{Log, set, writer};
use firsthand_document::{Authors, Document, Edit, Incoming, NoAuthors, Outcome, Rights, Rule};
use firsthand_ids::{ChangeHash, Position, WriterId};
use serde_json::json;

/// A document with a text, an item, and a title in conflict; writer 9 may resolve.
struct Base {
    log: Log,
    document: Document,
}

fn base() -> Base {
    let mut log = Log::with_leads(&[9]);
    let mut document = log.create(
        1,
        json!({
            "title": "Seed",
            "severity": "Severe",
            "short_code": "K7-014",
            "narrative": "Two men stood at the gate.",
            "counts": [{ "what": "injured", "low": 1 }],
        }),
    );
    let mut apart = log.replica();
    log.edit(&mut document, 1, &[set("title", json!("One"))]);
    log.edit(&mut apart, 2, &[set("title", json!("Two"))]);
    log.bring(&mut document);
    Base { log, document }
}

fn load(document: &Document, number: u8) -> Automerge {
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    let am = Automerge::load_with_options(&document.save(), options).unwrap();
    am.with_actor(ActorId::from(writer(number).as_bytes()))
}

/// The five maps, and the narrative.
struct Places {
    a: automerge::ObjId,
    r: automerge::ObjId,
    s: automerge::ObjId,
    t: automerge::ObjId,
    w: automerge::ObjId,
    narrative: automerge::ObjId,
}

fn places(am: &Automerge) -> Places {
    let find = |key| am.get(ROOT, key).unwrap().unwrap().1;
    let t = find("t");
    let narrative = am.get(&t, "narrative").unwrap().unwrap().1;
    Places { a: find("a"), r: find("r"), s: find("s"), t, w: find("w"), narrative }
}

/// A change that writer 4 makes with bare Automerge.
fn raw(base: &Base, make: impl FnOnce(&mut Transaction<'_>, &Places)) -> Vec<u8> {
    let mut am = load(&base.document, 4);
    let places = places(&am);
    let mut transaction = am.transaction();
    make(&mut transaction, &places);
    let hash = transaction.commit().0.expect("a change");
    am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

/// The same change with its parts altered, as no program of good will would write it.
fn altered(bytes: &[u8], alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut change = automerge::Change::try_from(bytes).unwrap().decode();
    alter(&mut change);
    automerge::Change::from(change).raw_bytes().to_vec()
}

fn hash(bytes: &[u8]) -> ChangeHash {
    firsthand_log::change::hash(bytes).unwrap()
}

fn incoming(number: u8, create: bool, change: &[u8]) -> Incoming<'_> {
    Incoming { writer: writer(number), position: Position(2), create, change }
}

/// Gives the change to the guard together with an honest one and one that builds on it.
fn expect(base: &Base, case: &str, change: &[u8], rule: Rule) {
    expect_as(base, case, incoming(4, false, change), rule);
}

fn expect_as(base: &Base, case: &str, change: Incoming<'_>, rule: Rule) {
    let honest = base.document.clone().edit(writer(3), Rights::NONE, &[set("urgency", json!("Past"))]);
    let honest = honest.unwrap().remove(0);
    let mut without = base.document.clone();
    without.apply(&[incoming(3, false, &honest.bytes)], &base.log);

    let dependent = firsthand_log::change::hash(change.change).map(|hash| {
        altered(&honest.bytes, |honest| {
            honest.actor_id = ActorId::from(writer(5).as_bytes());
            honest.deps.push(automerge::ChangeHash(*hash.as_bytes()));
        })
    });
    let mut all = vec![change, incoming(3, false, &honest.bytes)];
    all.extend(dependent.as_ref().map(|dependent| incoming(5, false, dependent)));
    for order in 0..2 {
        if order == 1 {
            all.reverse();
        }
        let mut document = base.document.clone();
        let mut outcomes = document.apply(&all, &base.log).outcomes;
        if order == 1 {
            outcomes.reverse();
        }
        let Outcome::Refused(error) = &outcomes[0] else { panic!("{case}: {:?}", outcomes[0]) };
        assert_eq!(error.rule, rule, "{case}: {error:?}");
        assert_eq!(outcomes[1], Outcome::Applied, "{case}");
        if dependent.is_some() {
            let missing = vec![hash(change.change)];
            assert_eq!(outcomes[2], Outcome::Waiting { missing }, "{case}");
        }
        assert_eq!(document.save(), without.save(), "{case}");
        assert_eq!(document.view(&NoAuthors), without.view(&NoAuthors), "{case}");
    }
}

#[test]
fn what_is_written_once_stays() {
    let base = base();
    expect(
        &base,
        "overwrites",
        &raw(&base, |tx, at| tx.put(&at.w, "short_code", "\"X\"").unwrap()),
        Rule::Once,
    );
    expect(&base, "adds", &raw(&base, |tx, at| tx.put(&at.w, "origin", "{}").unwrap()), Rule::Once);
    expect(&base, "deletes", &raw(&base, |tx, at| tx.delete(&at.w, "short_code").unwrap()), Rule::Once);
    expect(
        &base,
        "changes the kind",
        &raw(&base, |tx, at| tx.put(&at.w, "kind", "\"x\"").unwrap()),
        Rule::Once,
    );
    let twice = creating(|tx, maps| {
        tx.put(&maps[4], "kind", "\"incident\"").unwrap();
        tx.put(&maps[4], "kind", "\"evidence\"").unwrap();
    });
    refused_creation("writes twice", &twice, Rule::Once);
}

#[test]
fn items_are_added_and_nothing_else() {
    let base = base();
    let item = json!({ "list": "counts", "low": 2 }).to_string();
    let put = |key: String| raw(&base, |tx, at| tx.put(&at.a, key, item.as_str()).unwrap());
    let (mine, other) = (writer(4), writer(1));
    expect(&base, "another's key", &put(format!("{other}|7")), Rule::Add);
    expect(&base, "another's item", &put(format!("{other}|1")), Rule::Add);
    for key in ["", "x", "|1", &format!("{mine}|"), &format!("{mine}|0"), &format!("{mine}|01")] {
        expect(&base, key, &put(key.to_owned()), Rule::Add);
    }
    let key = format!("{mine}|1");
    expect(
        &base,
        "deletes",
        &raw(&base, |tx, at| tx.delete(&at.a, format!("{other}|1")).unwrap()),
        Rule::Add,
    );
    expect(
        &base,
        "writes twice",
        &raw(&base, |tx, at| {
            tx.put(&at.a, &key, "{}").unwrap();
            tx.put(&at.a, &key, "[]").unwrap();
        }),
        Rule::Add,
    );
    expect(
        &base,
        "an object",
        &raw(&base, |tx, at| drop(tx.put_object(&at.a, &key, ObjType::Map).unwrap())),
        Rule::Add,
    );
    expect(&base, "a number", &raw(&base, |tx, at| tx.put(&at.a, &key, 7).unwrap()), Rule::Operations);

    // Once more in a later change, hiding that it was there.
    let mut log = base.log.clone();
    let mut document = base.document.clone();
    log.edit(&mut document, 4, &[Edit::Add { list: "counts".into(), value: json!({}) }]);
    let later = Base { log, document };
    let again = raw(&later, |tx, at| tx.put(&at.a, &key, item.as_str()).unwrap());
    expect(&later, "overwrites its own", &again, Rule::Add);
    let hidden = altered(&again, |change| change.operations[0].pred = Vec::new().into());
    expect(&later, "writes its own again", &hidden, Rule::Add);
}

#[test]
fn texts_are_spliced_and_nothing_else() {
    let base = base();
    let cases: Vec<(&str, Vec<u8>, Rule)> = vec![
        ("deletes", raw(&base, |tx, at| tx.delete(&at.t, "narrative").unwrap()), Rule::Text),
        (
            "replaces",
            raw(&base, |tx, at| drop(tx.put_object(&at.t, "narrative", ObjType::Text).unwrap())),
            Rule::Text,
        ),
        ("a scalar", raw(&base, |tx, at| tx.put(&at.t, "new", "text").unwrap()), Rule::Text),
        ("a map", raw(&base, |tx, at| drop(tx.put_object(&at.t, "new", ObjType::Map).unwrap())), Rule::Text),
        (
            "a list",
            raw(&base, |tx, at| drop(tx.put_object(&at.t, "new", ObjType::List).unwrap())),
            Rule::Operations,
        ),
        ("overwrites a character", raw(&base, |tx, at| tx.put(&at.narrative, 3, "x").unwrap()), Rule::Text),
        ("inserts two at once", raw(&base, |tx, at| tx.insert(&at.narrative, 3, "xy").unwrap()), Rule::Text),
        ("inserts none", raw(&base, |tx, at| tx.insert(&at.narrative, 3, "").unwrap()), Rule::Text),
        ("inserts a number", raw(&base, |tx, at| tx.insert(&at.narrative, 3, 7).unwrap()), Rule::Operations),
        ("inserts a block", raw(&base, |tx, at| drop(tx.split_block(&at.narrative, 3).unwrap())), Rule::Text),
        (
            "marks",
            raw(&base, |tx, at| {
                let mark = automerge::marks::Mark::new("bold".to_owned(), true, 2, 5);
                tx.mark(&at.narrative, mark, automerge::marks::ExpandMark::Both).unwrap();
            }),
            Rule::Operations,
        ),
    ];
    for (case, change, rule) in cases {
        expect(&base, case, &change, rule);
    }

    // Making the field again, hiding that it was there.
    let again = raw(&base, |tx, at| drop(tx.put_object(&at.t, "narrative", ObjType::Text).unwrap()));
    let hidden = altered(&again, |change| change.operations[0].pred = Vec::new().into());
    expect(&base, "makes again", &hidden, Rule::Text);

    // A deletion that replaces another character than it names.
    let delete = raw(&base, |tx, at| tx.splice_text(&at.narrative, 3, 2, "").unwrap());
    let crossed = altered(&delete, |change| {
        let other = change.operations[1].pred.clone();
        change.operations[0].pred = other;
    });
    expect(&base, "crossed deletion", &crossed, Rule::Text);
}

#[test]
fn registers_hold_one_string_and_are_never_deleted() {
    let base = base();
    for map in ["r", "s"] {
        let at = |at: &Places| if map == "r" { at.r.clone() } else { at.s.clone() };
        let cases: Vec<(&str, Vec<u8>, Rule)> = vec![
            (
                "deletes",
                raw(&base, |tx, places| {
                    let key = if map == "r" { "title" } else { "severity" };
                    tx.delete(at(places), key).unwrap();
                }),
                Rule::Register,
            ),
            (
                "an object",
                raw(&base, |tx, places| drop(tx.put_object(at(places), "new", ObjType::Map).unwrap())),
                Rule::Register,
            ),
            (
                "a text",
                raw(&base, |tx, places| drop(tx.put_object(at(places), "new", ObjType::Text).unwrap())),
                Rule::Register,
            ),
            ("a number", raw(&base, |tx, places| tx.put(at(places), "new", 1).unwrap()), Rule::Operations),
            ("nothing", raw(&base, |tx, places| tx.put(at(places), "new", ()).unwrap()), Rule::Operations),
            (
                "bytes",
                raw(&base, |tx, places| tx.put(at(places), "new", ScalarValue::Bytes(vec![1])).unwrap()),
                Rule::Operations,
            ),
            (
                "a counter",
                raw(&base, |tx, places| tx.put(at(places), "new", ScalarValue::counter(1)).unwrap()),
                Rule::Operations,
            ),
        ];
        for (case, change, rule) in cases {
            expect(&base, &format!("{map}: {case}"), &change, rule);
        }
    }
    let write = raw(&base, |tx, at| tx.put(&at.r, "category", "\"x\"").unwrap());
    let write = altered(&write, |change| {
        change.operations[0].key = Key::Map("severity".into());
        change.operations[0].obj = ObjectId::Id(LegacyId(3, ActorId::from(writer(1).as_bytes())));
    });
    expect(&base, "hides what stood there", &write, Rule::Register);

    // A write over one of two values in conflict only: the other would stand as if there had been no conflict.
    let write = raw(&base, |tx, at| tx.put(&at.r, "title", "\"Three\"").unwrap());
    let half = altered(&write, |change| {
        change.operations[0].pred = change.operations[0].pred.iter().take(1).cloned().collect();
    });
    expect(&base, "half a conflict", &half, Rule::Register);

    // A write over a value its author cannot have seen.
    let unseen = altered(&write, |change| {
        change.deps.pop();
    });
    let mut document = base.document.clone();
    let outcome = document.apply(&[incoming(4, false, &unseen)], &base.log).outcomes.remove(0);
    let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(error.rule, Rule::Register | Rule::StartOp), "{error:?}");
}

/// A resolution of the title's conflict, as an item.
fn resolution(base: &Base, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut document = base.document.clone();
    let resolve = Edit::Resolve { field: "title".into(), value: json!("Three"), note: String::new() };
    document.edit(writer(9), Rights::NONE, &[resolve]).unwrap();
    let mut item = document.view(&NoAuthors).items("resolutions")[0].value.clone();
    item["list"] = json!("resolutions");
    change(&mut item);
    item.to_string()
}

/// Everybody in `leads` had the right, whatever they wrote.
struct Leads<'a>(&'a Log, &'a [(ChangeHash, WriterId)], &'a [u8]);

impl Authors for Leads<'_> {
    fn author(&self, change: &ChangeHash) -> Option<firsthand_document::Author> {
        let known = self.0.author(change);
        let (_, by) = self.1.iter().find(|(hash, _)| hash == change)?;
        let mut author = known.or_else(|| self.0.author(&self.0.entries[0].change.hash))?;
        author.writer = *by;
        author.rights =
            if self.2.iter().any(|number| writer(*number) == *by) { Rights::ALL } else { Rights::NONE };
        Some(author)
    }
}

#[test]
fn a_conflict_is_swallowed_by_nobody() {
    let base = base();
    let write = raw(&base, |tx, at| tx.put(&at.r, "title", "\"Three\"").unwrap());
    expect(&base, "an ordinary edit", &write, Rule::Conflict);

    let with = |item: &str| {
        raw(&base, |tx, at| {
            tx.put(&at.a, format!("{}|1", writer(4)), item).unwrap();
            tx.put(&at.r, "title", "\"Three\"").unwrap();
        })
    };
    let good = with(&resolution(&base, |_| {}));
    expect(&base, "without the right", &good, Rule::Conflict);
    let judge = |change: &[u8], lead: u8| {
        let known = [(hash(change), writer(4))];
        let mut document = base.document.clone();
        let authors = Leads(&base.log, &known, &[lead]);
        (document.apply(&[incoming(4, false, change)], &authors).outcomes.remove(0), document)
    };
    let (outcome, document) = judge(&good, 4);
    assert_eq!(outcome, Outcome::Applied);
    assert_eq!(document.view(&NoAuthors).conflicts().count(), 0);

    let bad: Vec<(&str, String)> = vec![
        ("another field", resolution(&base, |item| item["field"] = json!("severity"))),
        ("another list", resolution(&base, |item| item["list"] = json!("counts"))),
        ("without the values", resolution(&base, |item| item["over"] = json!([]))),
        ("without one value", resolution(&base, |item| drop(item["over"].as_array_mut().unwrap().pop()))),
        ("with a false value", resolution(&base, |item| item["over"][0]["value"] = json!("Zero"))),
        ("of another write", resolution(&base, |item| item["over"][0]["op"] = json!("1@00"))),
        ("no JSON", "resolutions".to_owned()),
    ];
    for (case, item) in bad {
        let (outcome, _) = judge(&with(&item), 4);
        let Outcome::Refused(error) = outcome else { panic!("{case}: {outcome:?}") };
        assert_eq!(error.rule, Rule::Conflict, "{case}");
    }
}

#[test]
fn an_earlier_resolution_lets_a_later_write_through_but_no_new_conflict() {
    let mut base = base();
    // The lead says what should stand, and somebody else writes it.
    let item = resolution(&base, |_| {});
    let said = raw_as(&base, 9, |tx, at| tx.put(&at.a, format!("{}|1", writer(9)), item.as_str()).unwrap());
    base.log.push(writer(9), false, said);
    base.log.bring(&mut base.document);
    let written = raw_as(&base, 4, |tx, at| tx.put(&at.r, "title", "\"Three\"").unwrap());
    base.log.push(writer(4), false, written);
    base.log.bring(&mut base.document);
    assert_eq!(base.document.view(&base.log).value("title"), Some(&json!("Three")));

    // A conflict that came later is another one.
    let mut apart = base.log.replica();
    base.log.edit(&mut base.document, 1, &[set("title", json!("Four"))]);
    base.log.edit(&mut apart, 2, &[set("title", json!("Five"))]);
    base.log.bring(&mut base.document);
    let write = raw_as(&base, 6, |tx, at| tx.put(&at.r, "title", "\"Six\"").unwrap());
    expect_as(&base, "a new conflict", incoming(6, false, &write.bytes), Rule::Conflict);
}

fn raw_as(
    base: &Base,
    number: u8,
    make: impl FnOnce(&mut Transaction<'_>, &Places),
) -> firsthand_document::Change {
    let mut am = load(&base.document, number);
    let places = places(&am);
    let mut transaction = am.transaction();
    make(&mut transaction, &places);
    let hash = transaction.commit().0.unwrap();
    let bytes = am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
    firsthand_document::Change { hash: ChangeHash::new(hash.0), bytes }
}

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

/// A creating change by writer 1, made with bare Automerge.
fn creating(make: impl FnOnce(&mut Transaction<'_>, &[automerge::ObjId])) -> Vec<u8> {
    let am = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    let mut am = am.with_actor(ActorId::from(writer(1).as_bytes()));
    let mut transaction = am.transaction();
    let maps: Vec<_> = ["a", "r", "s", "t", "w"]
        .iter()
        .map(|key| transaction.put_object(ROOT, *key, ObjType::Map).unwrap())
        .collect();
    make(&mut transaction, &maps);
    let hash = transaction.commit().0.unwrap();
    am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

fn refused_creation(case: &str, change: &[u8], rule: Rule) {
    let mut document = Document::empty();
    let outcome = document.apply(&[incoming(1, true, change)], &NoAuthors).outcomes.remove(0);
    let Outcome::Refused(error) = outcome else { panic!("{case}: {outcome:?}") };
    assert_eq!(error.rule, rule, "{case}");
    assert!(document.is_empty());
    assert_eq!(document.save(), Document::empty().save());
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
