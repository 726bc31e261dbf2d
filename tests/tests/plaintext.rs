//! What lies on the disk and goes over the wire shows nothing of what people wrote.
#![allow(clippy::unwrap_used)]

use firsthand_node::{Edit, Role};
use firsthand_record::{Actor, ActorRole, Count, CountKind, Incident, Source, SourceKind};
use firsthand_tests::canary::{Canaries, forms};
use firsthand_tests::{Crash, Dice, World, copy_folder};
use serde_json::json;

const CANARIES: usize = 50;

/// Hands out the canaries one by one.
struct Flock<'a>(std::slice::Iter<'a, String>);

impl Flock<'_> {
    fn word(&mut self) -> String {
        self.0.next().expect("enough canaries").clone()
    }
}

fn incident(flock: &mut Flock<'_>) -> Incident {
    let count = |word| Count { source: word, ..Count::new(CountKind::Injured, Some(2), None) };
    Incident {
        title: Some(flock.word()),
        narrative: format!("They said {} and left.", flock.word()),
        place_text: format!("Behind {}", flock.word()),
        rumour_claim: flock.word(),
        p_code: Some(flock.word()),
        actors: vec![Actor {
            description: flock.word(),
            group_label: flock.word(),
            ..Actor::new(ActorRole::Initiator)
        }],
        counts: vec![count(flock.word())],
        source: vec![Source { pseudonym: flock.word(), ..Source::new(SourceKind::Witness) }],
        imported: [(flock.word(), json!(flock.word()))].into(),
        extra: [("from_a_newer_version".to_owned(), json!(flock.word()))].into(),
        ..Incident::default()
    }
}

#[test]
fn nothing_is_found_on_the_disk_or_on_the_wire() {
    let canaries = Canaries::new(&mut Dice::new(1, 20), CANARIES);
    let mut flock = Flock(canaries.words.iter());
    let mut world = World::new(1);
    world.capturing = true;
    let lead = world.found(&flock.word(), &flock.word());
    let other = world.join(lead, &flock.word(), Role::Responder);

    let draft = incident(&mut flock);
    let id = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    let draft = incident(&mut flock);
    world.write(other, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    for _ in 0..2 {
        let (name, caption) = (format!("{}.jpg", flock.word()), flock.word());
        // A small file, and one whose canary lies across two chunks.
        for len in [50, 262_130] {
            let content = [vec![b'.'; len], flock.word().into_bytes(), vec![b'.'; 300_000]].concat();
            world
                .write(lead, |ledger, now, rng| {
                    ledger.attach(id, &mut content.as_slice(), &name, &caption, now, rng, &mut |_| ())
                })
                .unwrap();
        }
    }
    world.meet(other, lead);
    let edits = [
        Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert: flock.word() },
        Edit::Set { field: "title".to_owned(), value: json!(flock.word()) },
        Edit::Withdraw {
            key: world.devices[other].ledger().incident(id).unwrap().record.counts[0].key.clone(),
            reason: flock.word(),
        },
        Edit::Close { status: "closed".to_owned(), target: None, note: flock.word() },
    ];
    world.write(other, |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
    let apart = [Edit::Set { field: "title".to_owned(), value: json!(flock.word()) }];
    world.write(lead, |ledger, now, rng| ledger.edit(id, &apart, now, rng)).unwrap();
    world.meet(lead, other);
    let (settled, note) = (json!(flock.word()), flock.word());
    world.write(lead, |ledger, now, rng| ledger.resolve(id, "title", settled, &note, now, rng)).unwrap();
    // The words that are left stand in one long text, which is rewritten.
    let rest: Vec<String> = flock.0.cloned().collect();
    assert!(!rest.is_empty());
    let text = rest.join(" and ");
    let rewrite = [Edit::ReplaceText { field: "place_text".to_owned(), text }];
    world.write(lead, |ledger, now, rng| ledger.edit(id, &rewrite, now, rng)).unwrap();
    world.meet(lead, other);

    // People read all of it, and search it, before anybody looks at the disk.
    for device in [lead, other] {
        let ledger = world.devices[device].ledger();
        let view = ledger.incident(id).unwrap();
        assert!(rest.iter().all(|word| view.record.place_text.contains(word)));
        assert_eq!(ledger.search(&rest[0], 10).unwrap().len(), 1);
    }
    let mut found = canaries.search("the wire", &world.captured);
    let mut read = world.captured.len() as u64;
    let wire = read;
    for device in [lead, other] {
        // While it is open, as a crash leaves it, and closed.
        read += canaries.search_folder(&world.devices[device].home, &mut found);
        world.crash(device, Crash::Frozen, false);
        let frozen = world.devices[device].beside("frozen");
        copy_folder(&world.devices[device].home, &frozen);
        read += canaries.search_folder(&frozen, &mut found);
        let ledger = world.devices[device].try_open().unwrap();
        ledger.lock().unwrap();
        read += canaries.search_folder(&world.devices[device].home, &mut found);
    }
    println!("searched {read} bytes, {wire} of them from the wire, for {CANARIES} words in 8 forms");
    assert!(wire > 1_000_000, "the files went over the wire");
    assert_eq!(found, []);
}

/// The search finds what is there to find.
#[test]
fn every_form_is_found_where_it_is() {
    let canaries = Canaries::new(&mut Dice::new(2, 20), CANARIES);
    for word in &canaries.words {
        for before in 0..3 {
            let bytes = [&b"xyz"[..before], word.as_bytes(), b"xyz"].concat();
            let base64 = data_encoding::BASE64.encode(&bytes);
            let found = canaries.search("here", base64.as_bytes());
            assert_eq!(found.len(), 1, "{word} in {base64}");
        }
        for (form, bytes) in forms(word) {
            let bytes = [vec![7; 33], bytes, vec![7; 5]].concat();
            let found = canaries.search("here", &bytes);
            assert!(found.iter().any(|found| found.form == form && found.word == *word), "{form}");
        }
    }
    assert_eq!(canaries.search("here", &Dice::new(3, 20).fill(1 << 20)), []);
}
