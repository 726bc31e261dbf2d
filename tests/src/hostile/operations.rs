//! Operations that are well written and mean what our documents do not have: Automerge takes many of them, and some make a
//! document that it can save and never load.

use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::Transactable;
use automerge::{ActorId, ExpandedChange, ObjType, ROOT, ScalarValue};

use super::base::HOSTILE;
use super::{Attack, Base, Sent, writer};

/// The same change with its parts altered.
fn altered(change: &Sent, alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    change.by(HOSTILE, alter).bytes
}

fn id(counter: u64, number: u16) -> OpId {
    OpId(counter, ActorId::from(writer(number).as_bytes()))
}

pub(super) fn attacks(base: &Base) -> Vec<Attack> {
    let mut all = Vec::new();
    values(base, &mut all);
    objects(base, &mut all);
    references(base, &mut all);
    all.extend(deep(base));
    all
}

/// Values and actions of other kinds.
fn values(base: &Base, all: &mut Vec<Attack>) {
    let mut push = |name: String, bytes: Vec<u8>| all.push(Attack::refused(name, bytes));
    let scalars = [
        ScalarValue::Null,
        ScalarValue::Boolean(true),
        ScalarValue::Int(i64::MIN),
        ScalarValue::Uint(u64::MAX),
        ScalarValue::F64(f64::NAN),
        ScalarValue::Bytes(vec![0; 100]),
        ScalarValue::Timestamp(i64::MAX),
        ScalarValue::counter(7),
        ScalarValue::Unknown { type_code: 15, bytes: vec![1; 9] },
    ];
    for scalar in scalars {
        let name = format!("a value that is {scalar:?}");
        let change = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "x", scalar.clone()).unwrap());
        push(name.clone(), change.bytes);
        let change = base.change(&[], HOSTILE, |tx, at| tx.insert(&at.narrative, 3, scalar).unwrap());
        push(format!("{name}, in a text"), change.bytes);
    }
    let counted = base.change(&[], HOSTILE, |tx, at| {
        tx.put(&at.r, "x", ScalarValue::counter(1)).unwrap();
        tx.increment(&at.r, "x", 1).unwrap();
        tx.increment(&at.r, "x", 1).unwrap();
    });
    push("a counter".to_owned(), counted.bytes);
    for expand in [ExpandMark::Both, ExpandMark::None, ExpandMark::Before, ExpandMark::After] {
        let marked = base.change(&[], HOSTILE, |tx, at| {
            tx.mark(&at.narrative, Mark::new("bold".to_owned(), true, 0, 9), expand).unwrap();
        });
        push(format!("a mark that expands {expand:?}"), marked.bytes);
    }
    let put = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "x", "\"y\"").unwrap());
    let splice = base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 4, 1, "x").unwrap());
    let actions = [
        OpType::Make(ObjType::Map),
        OpType::Make(ObjType::List),
        OpType::Make(ObjType::Table),
        OpType::Make(ObjType::Text),
        OpType::Delete,
        OpType::Increment(i64::MIN),
        OpType::MarkEnd(true),
        OpType::MarkEnd(false),
    ];
    for action in actions {
        for change in [&put, &splice] {
            let bytes = altered(change, |change| change.operations[0].action = action.clone());
            push(format!("{action:?} instead"), bytes);
        }
    }
}

/// Objects that are not there, or not of that kind, or not ours.
fn objects(base: &Base, all: &mut Vec<Attack>) {
    let mut push = |name: String, bytes: Vec<u8>| all.push(Attack::refused(name, bytes));
    let put = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "x", "\"y\"").unwrap());
    let splice = base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 4, 1, "x").unwrap());
    for number in [1, 2, HOSTILE, 99] {
        for counter in [1, 4, 5, 6, 7, 40, 90, 5000, u64::from(u32::MAX), u64::MAX >> 1] {
            for (what, change) in [("a write", &put), ("a splice", &splice)] {
                // The maps that have a place for this.
                if number == 1 && (counter <= 5 && what == "a write") {
                    continue;
                }
                let object = ObjectId::Id(id(counter, number));
                let bytes = altered(change, |change| {
                    change.operations.iter_mut().for_each(|one| one.obj = object.clone());
                });
                push(format!("{what} in object {counter} of {number}"), bytes);
            }
        }
    }
    push("a value at the root".to_owned(), altered(&put, |it| it.operations[0].obj = ObjectId::Root));
    for kind in [ObjType::Map, ObjType::List, ObjType::Text, ObjType::Table] {
        let change = base.change(&[], HOSTILE, |tx, _| drop(tx.put_object(ROOT, "x", kind).unwrap()));
        push(format!("a {kind} at the root"), change.bytes);
        let change = base.change(&[], HOSTILE, |tx, at| drop(tx.put_object(&at.r, "x", kind).unwrap()));
        push(format!("a {kind} as a value"), change.bytes);
        let change =
            base.change(&[], HOSTILE, |tx, at| drop(tx.insert_object(&at.narrative, 2, kind).unwrap()));
        push(format!("a {kind} in a text"), change.bytes);
    }
}

/// References to nothing, to what comes later, to itself.
fn references(base: &Base, all: &mut Vec<Attack>) {
    let mut push = |name: String, bytes: Vec<u8>| all.push(Attack::refused(name, bytes));
    let put = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "title", "\"y\"").unwrap());
    let insert = base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 4, 0, "xyz").unwrap());
    let delete = base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 4, 3, "").unwrap());
    let own = automerge::Change::try_from(&put.bytes[..]).unwrap().start_op().get();
    for number in [1, 2, HOSTILE, 99] {
        for counter in [1, 5, 6, 9, own, own + 1, own + 2, own + 9, u64::from(u32::MAX)] {
            let id = id(counter, number);
            let bytes = altered(&put, |it| it.operations[0].pred = vec![id.clone()].into());
            push(format!("replaces {counter} of {number}"), bytes);
            let bytes = altered(&insert, |it| it.operations[0].pred = vec![id.clone()].into());
            push(format!("an insertion that replaces {counter} of {number}"), bytes);
            for one in 0..2 {
                // The first of the inserted may stand after what is there, and the next after the first.
                let there = number == 1 && (own > counter && counter > 9);
                let before = number == HOSTILE && counter == own && one > 0;
                if !there && !before {
                    let key = Key::Seq(ElementId::Id(id.clone()));
                    push(
                        format!("an insertion after {counter} of {number}"),
                        altered(&insert, |it| it.operations[one].key = key.clone()),
                    );
                    push(
                        format!("a deletion of {counter} of {number}"),
                        altered(&delete, |it| {
                            it.operations[one].key = key;
                            it.operations[one].pred = vec![id.clone()].into();
                        }),
                    );
                }
            }
        }
    }
    push(
        "a deletion of the front".to_owned(),
        altered(&delete, |it| it.operations[0].key = Key::Seq(ElementId::Head)),
    );
    push(
        "a deletion of nothing".to_owned(),
        altered(&delete, |it| it.operations[0].pred = Vec::new().into()),
    );
    let twice = altered(&put, |it| {
        let one = it.operations[0].pred.iter().next().unwrap().clone();
        it.operations[0].pred = vec![one.clone(), one].into();
    });
    push("replaces the same twice".to_owned(), twice);
    let many: Vec<OpId> = (1..9_000).map(|counter| id(counter, 1)).collect();
    push("replaces 9,000".to_owned(), altered(&put, |it| it.operations[0].pred = many.into()));
    for start in [1, 2, own - 1, own + 1_000_001, u64::from(u32::MAX) - 1, u64::from(u32::MAX), u64::MAX >> 1]
    {
        let bytes = altered(&put, |it| it.start_op = start.try_into().unwrap());
        push(format!("from operation {start}"), bytes);
    }
    for sequence in [2, 3, 1 << 31, u64::MAX >> 1] {
        push(format!("sequence {sequence}"), altered(&put, |it| it.seq = sequence));
    }
    push("another's name".to_owned(), altered(&put, |it| it.actor_id = ActorId::from(writer(1).as_bytes())));
    push("no writer's name".to_owned(), altered(&put, |it| it.actor_id = ActorId::from([1; 9])));
    push("nobody's name".to_owned(), altered(&put, |it| it.actor_id = ActorId::from([0; 0])));
    push("built on nothing".to_owned(), altered(&put, |it| it.deps.clear()));
    push("not a single operation".to_owned(), altered(&put, |it| it.operations.clear()));
    let over =
        base.change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 0, 0, &"x".repeat(10_001)).unwrap());
    push("10,001 operations".to_owned(), over.bytes);
    let over = base
        .change(&[], HOSTILE, |tx, at| tx.splice_text(&at.narrative, 0, 0, &"x".repeat(250_000)).unwrap());
    push("250,000 operations".to_owned(), over.bytes);
}

/// Objects in objects.
fn deep(base: &Base) -> Vec<Attack> {
    let nested = |levels: usize, kind: ObjType| {
        base.change(&[], HOSTILE, |tx, at| {
            let mut at = at.r.clone();
            for _ in 0..levels {
                at = match kind {
                    ObjType::List => {
                        let list = tx.put_object(&at, "x", kind).unwrap_or_else(|_| at.clone());
                        tx.insert_object(&list, 0, ObjType::Map).unwrap()
                    }
                    _ => tx.put_object(&at, "x", kind).unwrap(),
                };
            }
        })
    };
    let mut all = Vec::new();
    for levels in [2, 100, 5_000, 9_999] {
        let change = nested(levels, ObjType::Map);
        all.push(Attack::refused(format!("{levels} maps in each other"), change.bytes));
    }
    for levels in [2, 100, 4_000] {
        let change = nested(levels, ObjType::List);
        all.push(Attack::refused(format!("{levels} lists in each other"), change.bytes));
    }
    all
}
