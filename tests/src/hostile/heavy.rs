//! Changes that may be lawful, and are as dear as a member can make them within their limits.

use automerge::legacy::{ElementId, Key, OpId, OpType};
use automerge::transaction::Transactable;
use automerge::{ActorId, ExpandedChange, ObjType, ReadDoc, ScalarValue};

use super::base::HOSTILE;
use super::{Attack, Base, Sent, writer};

/// As many operations as one change may hold.
const MOST: usize = firsthand_document::MAX_OPERATIONS;

pub(super) fn attacks(base: &Base) -> Vec<Attack> {
    let mut all = Vec::new();
    let mut push = |name: &str, before: &[&Sent], sent: Vec<Sent>| {
        let before = before.iter().map(|sent| (*sent).clone()).collect();
        all.push(Attack { name: name.to_owned(), before, sent, refused: false });
    };
    let text = base.change(&[], HOSTILE, |tx, at| {
        tx.splice_text(&at.narrative, 0, 0, &"x".repeat(MOST)).unwrap();
    });
    push("10,000 characters", &[], vec![text.clone()]);
    let front = base.change(&[], HOSTILE, |tx, at| {
        (0..MOST).for_each(|_| tx.splice_text(&at.narrative, 0, 0, "x").unwrap());
    });
    push("10,000 characters, each at the front", &[], vec![front.clone()]);
    let scattered = base.change(&[], HOSTILE, |tx, at| {
        (0..MOST).for_each(|n| tx.splice_text(&at.narrative, (n * 7919) % (n + 1), 0, "🚌").unwrap());
    });
    push("10,000 characters, all over", &[], vec![scattered.clone()]);
    for (name, typed) in [("typed", &text), ("from the front", &front), ("all over", &scattered)] {
        let before = [typed.clone()];
        let deleted =
            base.change(&before, 5, |tx, at| tx.splice_text(&at.narrative, 0, MOST as isize, "").unwrap());
        push(&format!("10,000 deletions of what was written {name}"), &[typed], vec![deleted.clone()]);
        let again = base.change(&before, 6, |tx, at| {
            (0..MOST / 2).for_each(|n| tx.splice_text(&at.narrative, 2 * n, 0, "y").unwrap());
        });
        push(&format!("between 10,000 characters written {name}"), &[typed], vec![again.clone()]);
        push(&format!("all of it, {name}"), &[], vec![typed.clone(), deleted, again]);
    }

    let registers = |number: u16, value: &str| {
        base.change(&[], number, |tx, at| {
            (0..MOST).for_each(|n| tx.put(&at.r, format!("{n:x}"), value).unwrap());
        })
    };
    push("10,000 registers", &[], vec![registers(HOSTILE, "1")]);
    let apart: Vec<Sent> = (10..14).map(|number| registers(number, &number.to_string())).collect();
    push("10,000 registers by four people apart", &[], apart);
    let same = base.change(&[], HOSTILE, |tx, at| {
        (0..MOST).for_each(|n| tx.put(&at.r, "title", n.to_string()).unwrap());
    });
    push("10,000 writes of one register", &[], vec![same]);
    let texts = base.change(&[], HOSTILE, |tx, at| {
        (0..MOST).for_each(|n| drop(tx.put_object(&at.t, format!("{n:x}"), ObjType::Text).unwrap()));
    });
    push("10,000 texts", &[], vec![texts]);
    let items = |number: u16, item: &str, count: usize| {
        base.change(&[], number, |tx, at| {
            (1..=count).for_each(|n| tx.put(&at.a, format!("{}|{n}", writer(number)), item).unwrap());
        })
    };
    push("5,000 items", &[], vec![items(HOSTILE, "{}", 5_000)]);

    // Values: as long as fits, deep, and made of many small parts.
    for (name, part) in [
        ("objects", r#"{"":0},"#),
        ("lists", "[],"),
        ("lists of one", "[0],"),
        ("members", r#""k":0,"#),
        ("numbers", "1e308,"),
        ("escapes", "\"\\u0000\","),
        ("brackets", "["),
        ("braces", "{\"\":"),
    ] {
        let parts = part.repeat(240_000 / part.len());
        let value = match name {
            "members" => {
                let members: Vec<String> = (0..20_000).map(|n| format!("\"{n:x}\":0")).collect();
                format!("{{{}}}", members.join(","))
            }
            "brackets" | "braces" => parts,
            _ => format!("[{}]", parts.trim_end_matches(',')),
        };
        let sent: Vec<Sent> = (10..14)
            .map(|number| {
                base.change(&[], number, |tx, at| {
                    tx.put(&at.r, format!("v{number}"), value.as_str()).unwrap();
                })
            })
            .collect();
        push(&format!("one value of many {name}"), &[], vec![sent[0].clone()]);
        push(&format!("four values of many {name}"), &[], sent);
        let item = items(HOSTILE, &format!("{{\"list\":\"counts\",\"x\":{value}}}"), 1);
        push(&format!("an item of many {name}"), &[], vec![item]);
    }

    resolutions(base, &mut push);
    chains(base, &mut push);
    all.push(strays(base, 1_000));
    all
}

/// Many conflicts, and many items that look as if they ended them.
fn resolutions(base: &Base, push: &mut impl FnMut(&str, &[&Sent], Vec<Sent>)) {
    let fields = 2_000;
    let write = |number: u16| {
        base.change(&[], number, |tx, at| {
            (0..fields).for_each(|n| tx.put(&at.r, format!("{n:x}"), number.to_string()).unwrap());
        })
    };
    let apart = [write(10), write(11)];
    let junk = base.change(&apart, HOSTILE, |tx, at| {
        for n in 1..=2_500 {
            let item = r#"{"list":"resolutions","field":"0","over":[]}"#;
            tx.put(&at.a, format!("{}|{n}", writer(HOSTILE)), item).unwrap();
        }
    });
    let before = [apart[0].clone(), apart[1].clone(), junk.clone()];
    let over = base.change(&before, HOSTILE, |tx, at| {
        (0..fields).for_each(|n| tx.put(&at.r, format!("{n:x}"), "7").unwrap());
    });
    let [one, two] = &apart;
    push(
        "2,000 conflicts written over beside 2,500 resolutions of another",
        &[one, two, &junk],
        vec![over.clone()],
    );
    push("the same, all at once", &[], vec![one.clone(), two.clone(), junk.clone(), over]);

    // Conflicts that are ended as they should be, each by an item that stands behind the others.
    let fields = 800;
    let ended = |before: &[Sent]| {
        base.change(before, HOSTILE, |tx, at| {
            for n in 0..fields {
                let field = format!("{n:x}");
                let standing = tx.get_all(&at.r, field.as_str()).unwrap().into_iter();
                let over = standing
                    .map(|(value, id)| format!("{{\"op\":\"{id}\",\"value\":{}}}", value.as_str().unwrap()));
                let over = over.collect::<Vec<_>>().join(",");
                let item = format!("{{\"list\":\"resolutions\",\"field\":\"{field}\",\"over\":[{over}]}}");
                tx.put(&at.a, format!("{}|{}", writer(HOSTILE), 5_000 + n), item).unwrap();
            }
        })
    };
    let ends = ended(&before);
    let before = [before.to_vec(), vec![ends.clone()]].concat();
    let ending = base.change(&before, HOSTILE, |tx, at| {
        (0..fields).for_each(|n| tx.put(&at.r, format!("{n:x}"), "7").unwrap());
    });
    push("800 conflicts ended beside 2,500 resolutions of another", &[one, two, &junk, &ends], vec![ending]);

    // One item, long enough to be dear each time it is read.
    let long = format!(
        "{{\"list\":\"resolutions\",\"field\":\"0\",\"over\":[{}]}}",
        vec!["{\"op\":\"\"}"; 12_000].join(",")
    );
    let junk =
        base.change(&apart, HOSTILE, |tx, at| tx.put(&at.a, format!("{}|1", writer(HOSTILE)), long).unwrap());
    let before = [apart[0].clone(), apart[1].clone(), junk.clone()];
    let over = base.change(&before, HOSTILE, |tx, at| {
        (0..fields).for_each(|n| tx.put(&at.r, format!("{n:x}"), "7").unwrap());
    });
    push(
        "2,000 conflicts written over beside one long resolution of another",
        &[one, two, &junk],
        vec![over],
    );
}

/// Changes by so many people of which each fails where only Automerge would notice, by a panic.
#[must_use]
pub fn strays(base: &Base, people: u16) -> Attack {
    let text = base.change(&[], 3, |tx, at| tx.splice_text(&at.narrative, 0, 0, &"x".repeat(MOST)).unwrap());
    let before = vec![text];
    let honest = base.change(&before, HOSTILE, |tx, at| tx.splice_text(&at.narrative, 9, 0, "x").unwrap());
    // A map, which is no character.
    let map = OpId(1, ActorId::from(writer(1).as_bytes()));
    let stray = |change: &mut ExpandedChange| change.operations[0].key = Key::Seq(ElementId::Id(map.clone()));
    let sent = (100..100 + people).map(|number| honest.by(number, stray)).collect();
    Attack {
        name: format!("{people} people who write after what is no character"),
        before,
        sent,
        refused: true,
    }
}

/// Long and wide histories of tiny changes.
fn chains(base: &Base, push: &mut impl FnMut(&str, &[&Sent], Vec<Sent>)) {
    let first = base.change(&[], HOSTILE, |tx, at| tx.put(&at.r, "title", "0").unwrap());
    let mut chain = vec![first];
    let template = automerge::Change::try_from(&chain[0].bytes[..]).unwrap().decode();
    for n in 1..5_000u64 {
        let mut next = template.clone();
        let last = automerge::Change::try_from(&chain[chain.len() - 1].bytes[..]).unwrap();
        next.deps = vec![last.hash()];
        next.seq = n + 1;
        next.start_op = (last.start_op().get() + 1).try_into().unwrap();
        let replaced = OpId(last.start_op().get(), next.actor_id.clone());
        next.operations[0].pred = vec![replaced].into();
        let bytes = automerge::Change::from(next).raw_bytes().to_vec();
        chain.push(Sent { writer: HOSTILE, create: false, bytes });
    }
    push("5,000 writes one after the other", &[], chain.clone());
    let first = chain[0].clone();
    chain.reverse();
    push("5,000 writes, the last one first", &[], chain);
    for people in [250, 4_000] {
        let sent = (1_000..1_000 + people).map(|number| {
            let value = ScalarValue::Str(number.to_string().into());
            first.by(number, |change| {
                change.operations[0].action = OpType::Put(value);
            })
        });
        push(&format!("{people} people who write the same field apart"), &[], sent.collect());
    }
}
