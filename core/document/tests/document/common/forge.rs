//! Changes as no program of good will would write them, made with bare Automerge.

use automerge::transaction::{Transactable, Transaction};
use automerge::{ActorId, Automerge, ExpandedChange, LoadOptions, ObjType, ROOT, ReadDoc, TextEncoding};
use firsthand_document::{Document, Incoming, NoAuthors, Outcome, Rights, Rule};
use firsthand_ids::{ChangeHash, Position};
use serde_json::json;

use super::{Log, both_forms, set, writer};

/// A document with a text, an item, and a title in conflict; writer 9 may resolve.
pub(crate) struct Base {
    pub(crate) log: Log,
    pub(crate) document: Document,
}

pub(crate) fn base() -> Base {
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

pub(crate) fn load(document: &Document, number: u8) -> Automerge {
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    let am = Automerge::load_with_options(&document.save(), options).unwrap();
    am.with_actor(ActorId::from(writer(number).as_bytes()))
}

/// The five maps, and the narrative.
pub(crate) struct Places {
    pub(crate) a: automerge::ObjId,
    pub(crate) r: automerge::ObjId,
    pub(crate) s: automerge::ObjId,
    pub(crate) t: automerge::ObjId,
    pub(crate) w: automerge::ObjId,
    pub(crate) narrative: automerge::ObjId,
}

pub(crate) fn places(am: &Automerge) -> Places {
    let find = |key| am.get(ROOT, key).unwrap().unwrap().1;
    let t = find("t");
    let narrative = am.get(&t, "narrative").unwrap().unwrap().1;
    Places { a: find("a"), r: find("r"), s: find("s"), t, w: find("w"), narrative }
}

/// A change that writer 4 makes with bare Automerge.
pub(crate) fn raw(base: &Base, make: impl FnOnce(&mut Transaction<'_>, &Places)) -> Vec<u8> {
    let mut am = load(&base.document, 4);
    let places = places(&am);
    let mut transaction = am.transaction();
    make(&mut transaction, &places);
    let hash = transaction.commit().0.expect("a change");
    am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

/// The same change with its parts altered, as no program of good will would write it.
pub(crate) fn altered(bytes: &[u8], alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut change = automerge::Change::try_from(bytes).unwrap().decode();
    alter(&mut change);
    automerge::Change::from(change).raw_bytes().to_vec()
}

pub(crate) fn hash(bytes: &[u8]) -> ChangeHash {
    firsthand_log::change::hash(bytes).unwrap()
}

pub(crate) fn incoming(number: u8, create: bool, change: &[u8]) -> Incoming<'_> {
    Incoming { writer: writer(number), position: Position(2), create, change }
}

/// Gives the change to the guard together with an honest one and one that builds on it.
pub(crate) fn expect(base: &Base, case: &str, change: &[u8], rule: Rule) {
    expect_as(base, case, incoming(4, false, change), rule);
}

pub(crate) fn expect_as(base: &Base, case: &str, change: Incoming<'_>, rule: Rule) {
    let honest = base.document.clone().edit(writer(3), Rights::NONE, &[set("urgency", json!("Past"))]);
    let honest = honest.unwrap().remove(0);
    let dependent = firsthand_log::change::hash(change.change).map(|hash| {
        altered(&honest.bytes, |honest| {
            honest.actor_id = ActorId::from(writer(5).as_bytes());
            honest.deps.push(automerge::ChangeHash(*hash.as_bytes()));
        })
    });
    let mut all = vec![change, incoming(3, false, &honest.bytes)];
    all.extend(dependent.as_ref().map(|dependent| incoming(5, false, dependent)));
    for (form, reversed) in both_forms(&base.log.entries, &base.log).iter().zip([false, true]) {
        for reverse in [reversed, !reversed] {
            let mut without = form.clone();
            without.apply(&[incoming(3, false, &honest.bytes)], &base.log);
            let mut document = form.clone();
            let mut given = all.clone();
            if reverse {
                given.reverse();
            }
            let mut outcomes = document.apply(&given, &base.log).outcomes;
            if reverse {
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
}

pub(crate) fn raw_as(
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

/// A creating change by writer 1, made with bare Automerge.
pub(crate) fn creating(make: impl FnOnce(&mut Transaction<'_>, &[automerge::ObjId])) -> Vec<u8> {
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

pub(crate) fn refused_creation(case: &str, change: &[u8], rule: Rule) {
    let mut document = Document::empty();
    let outcome = document.apply(&[incoming(1, true, change)], &NoAuthors).outcomes.remove(0);
    let Outcome::Refused(error) = outcome else { panic!("{case}: {outcome:?}") };
    assert_eq!(error.rule, rule, "{case}");
    assert!(document.is_empty());
    assert_eq!(document.save(), Document::empty().save());
}
