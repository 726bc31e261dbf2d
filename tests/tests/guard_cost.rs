//! What the guard takes at most, whatever a member's device sends: 64 MiB of memory and a second of work for any input of
//! at most 1 MiB. Alone in its program, so that nothing else is measured. The second is one of the machine on which the
//! figures of `docs/threats.md` were read: how fast this one is, lawful work says.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use firsthand_document::{Document, Edit, Incoming, Outcome, Rights};
use firsthand_tests::hostile::{Attack, Base, Leads, Sent, attacks, writer};
use firsthand_tests::{seeds, thread_time};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
/// What one input may take.
const MOST_BYTES: usize = 64 * MIB;
const MOST_TIME: Duration = Duration::from_secs(1);
/// What nobody could complain of, and how long it took there.
const LAWFUL: &str = "5,000 writes one after the other";
const LAWFUL_TIME: Duration = Duration::from_millis(75);

/// What something took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    bytes: usize,
    time: Duration,
}

fn measure<T>(run: impl FnOnce() -> T) -> (T, Cost) {
    MEMORY.reset_peak_usage();
    let (before, began) = (MEMORY.current_usage(), thread_time());
    let result = run();
    let time = thread_time() - began;
    (result, Cost { bytes: MEMORY.peak_usage() - before, time })
}

/// The dearest of several, by memory and by time.
#[derive(Default)]
struct Dearest {
    memory: (Cost, String),
    time: (Cost, String),
    count: usize,
}

impl Dearest {
    fn note(&mut self, cost: Cost, name: &str) {
        self.count += 1;
        if cost.bytes > self.memory.0.bytes {
            self.memory = (cost, name.to_owned());
        }
        if cost.time > self.time.0.time {
            self.time = (cost, name.to_owned());
        }
    }

    fn words(&self) -> String {
        format!(
            "{} inputs, at most {:.1} MiB ({}) and {:.0} ms ({})",
            self.count,
            self.memory.0.bytes as f64 / MIB as f64,
            self.memory.1,
            self.time.0.time.as_secs_f64() * 1000.0,
            self.time.1
        )
    }
}

/// Gives the attack to a document, and says what that took; what is refused leaves the document as it was.
fn attack(document: &Document, attack: &Attack, authors: &Leads) -> (Vec<Outcome>, Cost) {
    let incoming: Vec<Incoming<'_>> = attack.sent.iter().map(|sent| sent.incoming()).collect();
    let mut copy = document.clone();
    let (outcomes, cost) = measure(|| copy.apply(&incoming, authors).outcomes);
    if attack.refused {
        let refused = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Refused(_)));
        assert!(refused, "{}: {outcomes:?}", attack.name);
        assert_eq!(copy.save(), document.save(), "{}", attack.name);
        return (outcomes, cost);
    }
    // What was taken must also be shown, kept and read again.
    let ((), after) = measure(|| {
        let view = copy.view(authors);
        drop(view.to_canonical());
        drop(view);
        let again = Document::load(&copy.save()).unwrap();
        assert_eq!(again.heads(), copy.heads());
    });
    (outcomes, Cost { bytes: cost.bytes.max(after.bytes), time: cost.time.max(after.time) })
}

#[test]
fn no_input_is_dear() {
    firsthand_node::keep_caught_panics_quiet();
    let base = Base::new();
    let plain = base.forms(&[]);
    let mut forms: [Dearest; 2] = Default::default();
    let attacks = attacks(&base);
    for one in &attacks {
        let all = base.sent.iter().chain(&one.before).chain(&one.sent);
        let authors = Leads::of(all);
        let documents = if one.before.is_empty() { plain.clone() } else { base.forms(&one.before) };
        for (document, dearest) in documents.iter().zip(&mut forms) {
            let (_, cost) = attack(document, one, &authors);
            dearest.note(cost, &one.name);
        }
    }
    for (dearest, form) in forms.iter().zip(["as changes", "in Automerge"]) {
        seeds::figure(&format!("hostile changes to a document {form}: {}", dearest.words()));
    }
    let wide = attacks.iter().filter(|attack| attack.name.contains("write the same field apart"));
    let conflicts = many_conflicts(&base, wide.max_by_key(|attack| attack.sent.len()).unwrap());
    let lawful = attacks.iter().find(|attack| attack.name == LAWFUL).unwrap();
    let most_time = most_time(&plain[0], lawful);
    let dearest = forms.iter().flat_map(|dearest| [&dearest.memory, &dearest.time]);
    for (cost, name) in dearest.chain(&conflicts) {
        assert!(cost.bytes <= MOST_BYTES && cost.time <= most_time, "{name}: {cost:?}, {most_time:?}");
    }
}

/// [`MOST_TIME`] on this machine as it is now: in proportion to what the lawful changes take, at their best of several times.
fn most_time(document: &Document, lawful: &Attack) -> Duration {
    let authors = Leads::of(&lawful.sent);
    let times = std::iter::repeat_with(|| attack(document, lawful, &authors).1.time);
    let time = times.take(5).min().unwrap();
    let ratio = time.as_secs_f64() / LAWFUL_TIME.as_secs_f64();
    seeds::figure(&format!("{LAWFUL}: {time:?}, {ratio:.2} times as long as where the limit was set"));
    MOST_TIME.mul_f64(ratio)
}

/// One field that as many wrote apart as a space has writers: applied, shown, settled by one person, and the same for others.
fn many_conflicts(base: &Base, wide: &Attack) -> [(Cost, String); 4] {
    let mut all: Vec<_> = base.sent.iter().chain(&wide.sent).cloned().collect();
    let mut document = base.document.clone();
    let incoming: Vec<Incoming<'_>> = wide.sent.iter().map(|sent| sent.incoming()).collect();
    let authors = Leads::of(&all);
    let (applied, apply) = measure(|| document.apply(&incoming, &authors).is_complete());
    assert!(applied);
    let (conflicts, show) =
        measure(|| document.view(&authors).conflicts().map(|(_, it)| it.values.len()).sum::<usize>());
    assert_eq!(conflicts, wide.sent.len());
    let edit = Edit::Resolve { field: "title".into(), value: "Settled".into(), note: "seen all".into() };
    let mut settled = document.clone();
    let (changes, resolve) = measure(|| settled.edit(writer(1), Rights::ALL, &[edit]).unwrap());
    let before = document.clone();
    all.extend(changes.iter().map(|change| Sent { writer: 1, create: false, bytes: change.bytes.clone() }));
    let authors = Leads::of(&all);
    let incoming: Vec<Incoming<'_>> =
        all[all.len() - changes.len()..].iter().map(|sent| sent.incoming()).collect();
    let (applied, take) = measure(|| document.apply(&incoming, &authors).is_complete());
    assert!(applied, "{:?}", before.clone().apply(&incoming, &authors));
    for one in [&document, &settled] {
        let view = one.view(&authors);
        assert_eq!(view.conflicts().count(), 0);
        assert_eq!(view.value("title"), Some(&"Settled".into()));
    }
    let words = [apply, show, resolve, take].map(|cost| {
        format!("{:.1} MiB and {:.0} ms", cost.bytes as f64 / MIB as f64, cost.time.as_secs_f64() * 1000.0)
    });
    seeds::figure(&format!(
        "{conflicts} conflicts on one field: to apply {}, to show {}, to settle {} in {} changes, to take that in {}",
        words[0],
        words[1],
        words[2],
        changes.len(),
        words[3]
    ));
    [(apply, "apply"), (show, "show"), (resolve, "resolve"), (take, "take in the resolution")]
        .map(|(cost, what)| (cost, format!("{conflicts} conflicts: {what}")))
}
