//! Changes that break a merge letter: each is refused by name, and the rest goes on.

use crate::common::forge::{
    Base, Places, altered, base, creating, expect, expect_as, hash, incoming, raw, raw_as, refused_creation,
};
use crate::common::{Log, set, writer};
use automerge::legacy::{Key, ObjectId, OpId as LegacyId};
use automerge::transaction::Transactable;
use automerge::{ActorId, ObjType, ScalarValue};
use firsthand_document::{Authors, Edit, NoAuthors, Outcome, Rights, Rule};
use firsthand_ids::{ChangeHash, WriterId};
use serde_json::json;

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
