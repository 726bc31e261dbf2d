//! Files that travel over relays: after all words, resumed after any cut, whole everywhere or not there at all.
#![allow(clippy::unwrap_used)]

use firsthand_ids::{DocumentId, UnixMillis};
use firsthand_node::relay::{Queue, RelayState, Trouble};
use firsthand_node::{Conditions, Role};
use firsthand_record::{Incident, Sensitivity};
use firsthand_relay::{Grant, Storage as _};
use firsthand_store::CHUNK_BYTES;
use firsthand_sync::relay::Token;
use firsthand_tests::{Crash, Dice, Harbour, Mood, World, seeds, verdict};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CAROL: usize = 2;
const DANA: usize = 3;

/// Amina leads, Dana too; each joined over a hotspot of Amina's, and from then on nobody meets anybody.
fn team(seed: u64, relays: usize) -> Harbour {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    for (name, role) in [("Bruno", Role::Responder), ("Carol", Role::Responder), ("Dana", Role::Lead)] {
        world.join(lead, name, role);
    }
    (world.calm, world.removals) = (true, true);
    let mut harbour = Harbour::new(world, relays);
    for number in 0..relays {
        let relay = harbour.team_relay(number);
        harbour.world.write(LEAD, |ledger, _, rng| ledger.add_relay(relay, rng)).unwrap();
    }
    for phone in [BRUNO, CAROL, DANA] {
        harbour.world.meet(phone, LEAD);
    }
    harbour
}

fn add(harbour: &mut Harbour, phone: usize, title: &str) -> DocumentId {
    add_for(harbour, phone, title, Sensitivity::Team)
}

fn add_for(harbour: &mut Harbour, phone: usize, title: &str, sensitivity: Sensitivity) -> DocumentId {
    let draft =
        Incident { title: Some(title.to_owned()), sensitivity: Some(sensitivity), ..Incident::default() };
    let saved = harbour.world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    harbour.changed(phone);
    saved.id
}

/// A file, or nothing where the incident is not on that phone.
fn attach(harbour: &mut Harbour, phone: usize, incident: DocumentId, content: &[u8]) -> Option<DocumentId> {
    let attached = harbour.world.write(phone, |ledger, now, rng| {
        let mut file = content;
        ledger.attach(incident, &mut file, "voice.bin", "", now, rng, &mut |_| true)
    });
    harbour.changed(phone);
    Some(attached.ok()?.document)
}

/// What a phone shows of a file: nothing, that it is not here, or its bytes.
fn shown(harbour: &mut Harbour, phone: usize, file: DocumentId) -> Option<Option<Vec<u8>>> {
    let ledger = harbour.world.devices[phone].ledger();
    let view = ledger.file(file).ok()?;
    let mut content = Vec::new();
    let name = view.hash.to_string();
    let read = ledger.read_attachment(&view.record.incident, &name, &mut content);
    assert_eq!(view.here, read.is_ok(), "{read:?}");
    Some(view.here.then_some(content))
}

fn queue(harbour: &mut Harbour, phone: usize) -> Queue {
    harbour.world.write(phone, |ledger, _, rng| ledger.relay_queue(rng)).unwrap()
}

fn blobs(harbour: &Harbour, relay: usize) -> u64 {
    harbour.relays[relay].storage.clone().holdings().unwrap().blobs
}

fn is_quiet(harbour: &Harbour, phone: usize) -> bool {
    harbour.attachments(phone).is_quiet(UnixMillis(harbour.world.now))
}

fn content(seed: u64, len: usize) -> Vec<u8> {
    Dice::new(seed, 900).fill(len)
}

#[test]
fn what_one_records_the_other_has_though_they_never_meet() {
    let mut harbour = team(1, 1);
    harbour.attach(LEAD);
    harbour.attach(BRUNO);
    harbour.pass(MINUTE);
    let incident = add(&mut harbour, LEAD, "Bridge");
    let lens = [0, 1, 900, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5];
    let contents: Vec<Vec<u8>> = (0..).zip(lens).map(|(seed, len)| content(seed, len)).collect();
    let files: Vec<DocumentId> =
        contents.iter().map(|content| attach(&mut harbour, LEAD, incident, content).unwrap()).collect();
    let before = queue(&mut harbour, LEAD);
    assert_eq!((before.files, before.file_bytes), (6, lens.iter().sum::<usize>() as u64));
    harbour.pass(MINUTE);
    for (file, content) in files.iter().zip(&contents) {
        assert_eq!(shown(&mut harbour, BRUNO, *file), Some(Some(content.clone())));
    }
    for phone in [LEAD, BRUNO] {
        assert_eq!(queue(&mut harbour, phone), Queue::default());
        assert!(is_quiet(&harbour, phone));
    }
    // Each chunk is kept once, and the root of each file that has several: 1 + 1 + 1 + 1 + 2 + 4, and two roots.
    assert_eq!(blobs(&harbour, 0), 12);
    // Who comes later gets it all, and from then on nothing goes over the wire but what is new.
    harbour.attach(CAROL);
    harbour.pass(MINUTE);
    for (file, content) in files.iter().zip(&contents) {
        assert_eq!(shown(&mut harbour, CAROL, *file), Some(Some(content.clone())));
    }
    assert_eq!(blobs(&harbour, 0), 12);
    for piece in contents.iter().flat_map(|content| content.chunks_exact(16)).step_by(97) {
        assert!(!harbour.captured.windows(16).any(|bytes| bytes == piece), "a file's bytes on the wire");
    }
    // Programs that begin anew ask for what is newest, and bring and fetch nothing a second time.
    harbour.captured.clear();
    for phone in [LEAD, BRUNO, CAROL] {
        harbour.drop_phone(phone);
        harbour.attach(phone);
    }
    harbour.pass(MINUTE);
    assert!(harbour.captured.len() < 20_000, "{}", harbour.captured.len());
    assert_eq!(blobs(&harbour, 0), 12);
}

#[test]
fn words_come_before_files_and_between_their_chunks() {
    let mut harbour = team(2, 1);
    let incident = add(&mut harbour, LEAD, "First");
    let file = attach(&mut harbour, LEAD, incident, &content(2, 24 * CHUNK_BYTES)).unwrap();
    for number in 0..60 {
        add(&mut harbour, LEAD, &format!("Before {number}"));
    }
    harbour.attach(LEAD);
    while blobs(&harbour, 0) == 0 {
        assert!(harbour.step());
    }
    let words = |queue: Queue| queue.own + queue.others;
    assert_eq!(words(queue(&mut harbour, LEAD)), 0, "words were waiting");

    // In the middle of the file somebody records something, and hears of something.
    while blobs(&harbour, 0) < 4 {
        assert!(harbour.step());
    }
    let before = blobs(&harbour, 0);
    add(&mut harbour, LEAD, "Now");
    while words(queue(&mut harbour, LEAD)) > 0 {
        assert!(harbour.step());
    }
    assert!(blobs(&harbour, 0) <= before + 2, "an entry waited for {} chunks", blobs(&harbour, 0) - before);

    // The same where it comes.
    harbour.pass(MINUTE);
    assert_eq!(blobs(&harbour, 0), 25);
    harbour.attach(BRUNO);
    let titles = |harbour: &mut Harbour| {
        let query = firsthand_node::IncidentQuery::default();
        harbour.world.devices[BRUNO].ledger().incidents(&query).unwrap().len()
    };
    let part = |harbour: &mut Harbour| {
        let dir = harbour.world.devices[BRUNO].ledger().store().dir().join("attachments");
        let mut files = std::fs::read_dir(dir).unwrap();
        files.any(|file| file.unwrap().path().extension().is_some_and(|it| it == "part"))
    };
    while !part(&mut harbour) {
        assert!(harbour.step());
    }
    assert_eq!(titles(&mut harbour), 62, "a file before words");
    add(&mut harbour, LEAD, "Later");
    while titles(&mut harbour) < 63 {
        assert!(harbour.step());
    }
    assert_eq!(shown(&mut harbour, BRUNO, file), Some(None), "the words waited for the whole file");
    harbour.pass(MINUTE);
    assert!(shown(&mut harbour, BRUNO, file).unwrap().is_some());
}

#[test]
fn a_file_goes_on_where_it_was_cut() {
    let mut harbour = team(3, 1);
    let incident = add(&mut harbour, LEAD, "Bridge");
    let whole = content(3, 30 * CHUNK_BYTES);
    let file = attach(&mut harbour, LEAD, incident, &whole).unwrap();
    harbour.attach(LEAD);
    let mut cuts = 0;
    // The program ends, or the connection breaks, after every few chunks.
    while blobs(&harbour, 0) < 31 {
        let there = blobs(&harbour, 0);
        while blobs(&harbour, 0) < (there + 4).min(31) && harbour.step() {}
        if cuts % 2 == 0 {
            harbour.cut(0);
        } else {
            harbour.drop_phone(LEAD);
            harbour.world.crash(LEAD, Crash::Dropped, false);
            harbour.world.restart(LEAD);
            harbour.attach(LEAD);
        }
        cuts += 1;
        assert!(cuts < 30, "nothing is resumed");
        while blobs(&harbour, 0) < there + 4 && harbour.step() {}
        harbour.hurry();
        harbour.pass(MINUTE / 4);
    }
    harbour.pass(MINUTE);
    assert_eq!(queue(&mut harbour, LEAD), Queue::default());
    assert_eq!(harbour.relays[0].storage.clone().holdings().unwrap().blobs, 31);

    harbour.captured.clear();
    harbour.attach(BRUNO);
    for cut in 0..6 {
        for _ in 0..150 {
            harbour.step();
        }
        if cut % 2 == 0 {
            harbour.cut(0);
            harbour.pass(MINUTE);
        } else {
            harbour.drop_phone(BRUNO);
            harbour.world.crash(BRUNO, Crash::Dropped, false);
            harbour.world.restart(BRUNO);
            harbour.attach(BRUNO);
        }
    }
    harbour.pass(MINUTE);
    assert_eq!(shown(&mut harbour, BRUNO, file), Some(Some(whole.clone())));
    // What a cut costs is what was on its way.
    let most = whole.len() + 8 * 2 * (CHUNK_BYTES + 2048) + 64 * 1024;
    assert!(harbour.captured.len() < most, "{} for {}", harbour.captured.len(), whole.len());
}

#[test]
fn a_full_mailbox_is_told_and_words_go_on() {
    let mut harbour = team(4, 1);
    let relay = harbour.team_relay(0);
    harbour.relays[0].storage = firsthand_relay::MemoryStorage::default();
    let grant = Grant { mailboxes: 64, bytes: 4 << 20, until: UnixMillis(i64::MAX) };
    harbour.relays[0].storage.grant(Token::new(relay.token).kept(), grant).unwrap();
    let incident = add(&mut harbour, LEAD, "Bridge");
    for seed in 0..4 {
        attach(&mut harbour, LEAD, incident, &content(seed, 4 * CHUNK_BYTES)).unwrap();
    }
    harbour.attach(LEAD);
    harbour.pass(HOUR);
    let view = harbour.attachments(LEAD).views(UnixMillis(harbour.world.now)).remove(0);
    assert_eq!((view.state, view.trouble), (RelayState::UpToDate, Some(Trouble::ShareUsed)), "{view:?}");
    let left = queue(&mut harbour, LEAD);
    // A share is half of 4 MiB, and an eighth of that is left to words: one file of a MiB has room.
    assert_eq!((left.own, left.files), (0, 3));
    // It is not tried over and over.
    harbour.captured.clear();
    harbour.pass(MINUTE);
    assert!(harbour.captured.len() < 5_000, "{}", harbour.captured.len());
    add(&mut harbour, LEAD, "Words");
    harbour.pass(MINUTE);
    assert_eq!(queue(&mut harbour, LEAD).own, 0);
    // Another phone brings what it holds of the rest, as far as its own share goes.
    harbour.world.meet(BRUNO, LEAD);
    harbour.attach(BRUNO);
    harbour.pass(HOUR);
    let left = queue(&mut harbour, BRUNO).files;
    assert!((1..3).contains(&left), "{left}");
}

#[test]
fn what_costs_by_the_byte_goes_later() {
    let mut harbour = team(5, 1);
    let incident = add(&mut harbour, LEAD, "Bridge");
    let metered = Conditions { metered: true, ..Conditions::default() };
    for phone in [LEAD, BRUNO] {
        harbour.world.write(phone, |ledger, _, _| Ok(ledger.set_conditions(metered).is_some())).unwrap();
        harbour.attach(phone);
    }
    let short = attach(&mut harbour, LEAD, incident, &content(1, 100_000)).unwrap();
    let long = attach(&mut harbour, LEAD, incident, &content(2, 600_000)).unwrap();
    harbour.pass(HOUR);
    assert!(shown(&mut harbour, BRUNO, short).unwrap().is_some());
    assert_eq!(shown(&mut harbour, BRUNO, long), Some(None));
    assert_eq!(blobs(&harbour, 0), 1);
    for phone in [LEAD, BRUNO] {
        let free = Conditions::default();
        harbour.world.write(phone, |ledger, _, _| Ok(ledger.set_conditions(free).is_some())).unwrap();
        harbour.changed(phone);
    }
    harbour.pass(HOUR);
    assert!(shown(&mut harbour, BRUNO, long).unwrap().is_some());
}

#[test]
fn files_of_the_leads_reach_leads_and_destroyed_ones_nobody() {
    let mut harbour = team(6, 1);
    [LEAD, BRUNO].into_iter().for_each(|phone| harbour.attach(phone));
    let secret = add_for(&mut harbour, LEAD, "For the leads", Sensitivity::Leads);
    let open = add(&mut harbour, LEAD, "For all");
    let face = attach(&mut harbour, LEAD, secret, &content(1, 300_000)).unwrap();
    let gone = attach(&mut harbour, LEAD, open, &content(2, 300_000)).unwrap();
    harbour.pass(MINUTE);
    assert_eq!(shown(&mut harbour, BRUNO, face), None);
    assert!(shown(&mut harbour, BRUNO, gone).unwrap().is_some());
    harbour.world.write(LEAD, |ledger, now, rng| ledger.destroy_file(gone, "asked to", now, rng)).unwrap();
    harbour.changed(LEAD);
    harbour.pass(MINUTE);
    // Its chunks lie at the relay for a while, and nobody has what opens them.
    [CAROL, DANA].into_iter().for_each(|phone| harbour.attach(phone));
    harbour.pass(HOUR);
    assert!(shown(&mut harbour, DANA, face).unwrap().is_some());
    assert_eq!(shown(&mut harbour, CAROL, face), None);
    for phone in [LEAD, BRUNO, CAROL, DANA] {
        let view = harbour.world.devices[phone].ledger().file(gone).unwrap();
        assert!(!view.here && view.destroyed.is_some());
        assert_eq!(queue(&mut harbour, phone), Queue::default(), "{phone}");
    }
}

#[test]
fn chunks_that_expired_are_brought_again() {
    let mut harbour = team(7, 1);
    let incident = add(&mut harbour, LEAD, "Bridge");
    let file = attach(&mut harbour, LEAD, incident, &content(1, 600_000)).unwrap();
    harbour.attach(LEAD);
    harbour.pass(HOUR);
    let there = blobs(&harbour, 0);
    harbour.drop_phone(LEAD);
    harbour.pass(95 * DAY);
    let now = UnixMillis(harbour.world.now);
    harbour.relays[0].storage.sweep(now).unwrap();
    assert_eq!(blobs(&harbour, 0), 0);
    harbour.attach(LEAD);
    harbour.pass(MINUTE);
    assert_eq!(blobs(&harbour, 0), there);
    harbour.attach(BRUNO);
    harbour.pass(HOUR);
    assert!(shown(&mut harbour, BRUNO, file).unwrap().is_some());
}

#[test]
fn files_over_relays_that_crash_and_lie() {
    seeds::each("files over relays that crash and lie", 40, |seed| {
        let mut dice = Dice::new(seed, 1);
        let relays = 1 + dice.below(2);
        let mut harbour = team(seed, relays);
        let phones = [LEAD, BRUNO, CAROL, DANA];
        let mut recorded: Vec<(DocumentId, Vec<u8>)> = Vec::new();
        let mut incidents = vec![add(&mut harbour, LEAD, "First")];
        let mut backups: Vec<_> = harbour.relays.iter().map(|it| it.storage.clone()).collect();
        phones.iter().for_each(|phone| harbour.attach(*phone));
        harbour.pass(MINUTE);
        for step in 0..20 {
            let (phone, other) = (dice.pick(&phones), dice.pick(&phones));
            let relay = dice.below(relays);
            match dice.below(13) {
                0..=3 => {
                    let len = match dice.below(3) {
                        0 => dice.below(2000),
                        1 => dice.below(CHUNK_BYTES + 2),
                        _ => dice.below(4 * CHUNK_BYTES),
                    };
                    let content = dice.fill(len);
                    let incident = dice.pick(&incidents);
                    if let Some(file) = attach(&mut harbour, phone, incident, &content) {
                        recorded.push((file, content));
                    }
                }
                4 => incidents.push(add(&mut harbour, phone, &format!("{step} by {phone}"))),
                5 => harbour.relays[relay].mood = Mood::Lies,
                6 => harbour.relays[relay].mood = dice.pick(&[Mood::Down, Mood::Hangs, Mood::Honest]),
                7 => harbour.cut(relay),
                8 => {
                    harbour.cut(relay);
                    harbour.relays[relay].storage = backups[relay].clone();
                }
                9 => backups[relay] = harbour.relays[relay].storage.clone(),
                10 if harbour.attached().contains(&phone) => {
                    harbour.drop_phone(phone);
                    harbour.world.crash(phone, Crash::Dropped, false);
                    harbour.world.restart(phone);
                }
                10 => harbour.attach(phone),
                11 if phone != other => {
                    harbour.world.meet(phone, other);
                    harbour.changed(phone);
                    harbour.changed(other);
                }
                _ => {}
            }
            if dice.percent(50) {
                for _ in 0..dice.below(400) {
                    harbour.step();
                }
            } else {
                let ms = [0, 100, 5_000, MINUTE, 20 * MINUTE][dice.below(5)];
                harbour.pass(ms);
            }
            for (file, content) in &recorded {
                for phone in phones {
                    if let Some(Some(shown)) = shown(&mut harbour, phone, *file) {
                        assert!(shown == *content, "{phone} shows another file");
                    }
                }
            }
        }
        for relay in 0..relays {
            harbour.relays[relay].mood = Mood::Honest;
            harbour.cut(relay);
        }
        for phone in phones {
            if !harbour.attached().contains(&phone) {
                harbour.attach(phone);
            }
        }
        for _ in 0..3 {
            harbour.hurry();
            harbour.pass(15 * MINUTE);
        }
        for phone in phones {
            for (number, (file, content)) in recorded.iter().enumerate() {
                let here = shown(&mut harbour, phone, *file);
                assert!(
                    here == Some(Some(content.clone())),
                    "{phone} lacks file {number} of {} bytes",
                    content.len()
                );
            }
            let left = queue(&mut harbour, phone);
            assert_eq!((left.files, left.files_wanted), (0, 0), "{phone}");
            assert!(is_quiet(&harbour, phone), "{phone}");
            verdict::sound(harbour.world.devices[phone].ledger(), phone);
        }
    });
}
