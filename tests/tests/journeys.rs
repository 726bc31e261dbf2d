//! What people must be able to do, step by step, on real stores over a virtual network.
#![allow(clippy::unwrap_used)]

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, Event, FilePolicy, FreeRequest, Kept, LinkId, Role};
use firsthand_record::{
    Actor, ActorRole, Count, CountKind, Incident, Moment, Occurred, Place, PlaceSource, Precision, Severity,
    VariantKind, Weapon, WeaponUse,
};
use firsthand_store::CHUNK_BYTES;
use firsthand_tests::{Crash, Dice, Expected, World, seeds, verdict};
use image::codecs::jpeg::JpegEncoder;
use serde_json::json;

fn set(field: &str, value: serde_json::Value) -> Edit {
    Edit::Set { field: field.to_owned(), value }
}

fn edit(world: &mut World, device: usize, id: DocumentId, edits: &[Edit]) {
    world.write(device, |ledger, now, rng| ledger.edit(id, edits, now, rng)).unwrap();
}

fn attach(world: &mut World, device: usize, id: DocumentId, name: &str, content: &[u8]) {
    let mut content = content;
    world
        .write(device, |ledger, now, rng| ledger.attach(id, &mut content, name, "", now, rng, &mut |_| true))
        .unwrap();
}

fn photo(seed: u64, len: usize) -> Vec<u8> {
    [b"\xff\xd8\xff".to_vec(), Dice::new(seed, 40).fill(len)].concat()
}

/// Journey 1: an incident and a photo without any network; the phone dies, and both are there.
#[test]
fn no_signal() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let phone = world.found("Harbour", "Amina");
        let now = world.devices[phone].clock.at(0);
        let draft = Incident {
            title: Some("Checkpoint moved".to_owned()),
            narrative: "About twenty people in uniform stopped buses at the old bridge.".to_owned(),
            actors: vec![Actor {
                count_low: Some(18),
                count_high: Some(22),
                description: "green uniforms, no badges".to_owned(),
                ..Actor::new(ActorRole::Initiator)
            }],
            place: Some(Place::new(4.85, 31.58, PlaceSource::Gps)),
            place_text: "the old bridge".to_owned(),
            occurred_start: Moment::from_local(now)
                .map(|time| Occurred { time, precision: Precision::Minute }),
            weapons_seen: vec![Weapon {
                key: String::new(),
                kind: "rifles".to_owned(),
                usage: WeaponUse::Displayed,
            }],
            severity: Some(Severity::Moderate),
            ..Incident::default()
        };
        let saved =
            world.write(phone, |ledger, now, rng| ledger.add_incident(draft.clone(), now, rng)).unwrap();
        let content = photo(seed, 400_000);
        attach(&mut world, phone, saved.id, "bridge.jpg", &content);

        let crash = if seed % 2 == 0 { Crash::Frozen } else { Crash::Dropped };
        world.crash(phone, crash, true);
        world.restart(phone);

        let ledger = world.devices[phone].ledger();
        let view = ledger.incident(saved.id).unwrap();
        assert_eq!(view.short_code, saved.short_code);
        assert_eq!(view.record.narrative, draft.narrative);
        assert_eq!(view.record.place, draft.place);
        assert_eq!(view.record.occurred_start, draft.occurred_start);
        assert_eq!(view.record.actors[0].description, draft.actors[0].description);
        assert_eq!(view.record.weapons_seen[0].kind, "rifles");
        assert_eq!((view.attachments[0].name.as_str(), view.attachments[0].here), ("bridge.jpg", true));
        assert_eq!(view.attachments[0].mime, "image/jpeg");
        let mut out = Vec::new();
        ledger.read_attachment(&saved.id, "bridge.jpg", &mut out).unwrap();
        assert!(out == content);
        verdict::sound(ledger, phone);
        // Only on this phone: it is connected to nobody.
        assert!(world.devices[phone].up().meetings.peers().is_empty());
    }
}

/// Journey 2: two people edit one incident while apart.
#[test]
fn two_editors() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let amina = world.found("Harbour", "Amina");
        let bruno = world.join(amina, "Bruno", Role::Responder);
        let draft = Incident {
            narrative: "Two groups at the gate. Calm so far.".to_owned(),
            severity: Some(Severity::Unknown),
            ..Incident::default()
        };
        let id = world.write(amina, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
        world.meet(bruno, amina);

        let injured = |source: &str| {
            let count = Count { source: source.to_owned(), ..Count::new(CountKind::Injured, Some(2), None) };
            Edit::Add { list: "counts".to_owned(), value: serde_json::to_value(count).unwrap() }
        };
        let splice = |at, delete, insert: &str| Edit::Splice {
            field: "narrative".to_owned(),
            at,
            delete,
            insert: insert.to_owned(),
        };
        let by_amina = [splice(0, 3, "Three"), set("severity", json!("Moderate")), injured("the guard")];
        edit(&mut world, amina, id, &by_amina);
        let by_bruno =
            [splice(36, 0, " A stone flew."), set("severity", json!("Severe")), injured("a nurse")];
        edit(&mut world, bruno, id, &by_bruno);
        world.meet(bruno, amina);

        for phone in [amina, bruno] {
            let view = world.devices[phone].ledger().incident(id).unwrap();
            assert_eq!(view.record.narrative, "Three groups at the gate. Calm so far. A stone flew.");
            assert_eq!(view.record.severity, Some(Severity::Severe), "acts as the more severe");
            let [conflict] = view.conflicts.as_slice() else { panic!("{:?}", view.conflicts) };
            let mut values: Vec<_> =
                conflict.candidates.iter().map(|it| (it.value.clone(), it.person.as_str())).collect();
            values.sort_by_key(|(_, person)| (*person).to_owned());
            assert_eq!(values, [(json!("Moderate"), "Amina"), (json!("Severe"), "Bruno")]);
            let mut counts: Vec<_> =
                view.record.counts.iter().map(|count| (count.source.as_str(), count.low)).collect();
            counts.sort_unstable();
            assert_eq!(counts, [("a nurse", Some(2)), ("the guard", Some(2))]);
        }

        // Bruno has not the right to settle it: his choice is a proposal, everywhere.
        let pick = |world: &mut World, phone, value: &str| {
            let value = json!(value);
            let resolve = world.write(phone, |ledger, now, rng| {
                ledger.resolve(id, "severity", value.clone(), "asked at the clinic", now, rng)
            });
            resolve.unwrap().settled
        };
        assert!(!pick(&mut world, bruno, "Moderate"));
        world.meet(amina, bruno);
        for phone in [amina, bruno] {
            let view = world.devices[phone].ledger().incident(id).unwrap();
            assert_eq!((view.conflicts.len(), view.proposals.len()), (1, 1));
            assert_eq!(view.record.severity, Some(Severity::Severe));
        }
        assert!(pick(&mut world, amina, "Moderate"));
        world.meet(amina, bruno);
        for phone in [amina, bruno] {
            let ledger = world.devices[phone].ledger();
            assert_eq!(ledger.conflicts().unwrap(), []);
            assert_eq!(ledger.incident(id).unwrap().record.severity, Some(Severity::Moderate));
            // Nothing was overwritten: both values stay in the history, with who set them.
            let history = ledger.history(id).unwrap();
            let who = |value: &str| {
                let step = |step: &&firsthand_node::HistoryView| {
                    step.field == "severity" && step.after == Some(json!(value))
                };
                history.iter().find(step).map(|step| step.person.clone())
            };
            assert_eq!(who("Severe").as_deref(), Some("Bruno"));
            assert_eq!(who("Moderate").as_deref(), Some("Amina"));
        }
        verdict::same_everywhere(&mut world, &Expected::default());
    }
}

const PHONES: usize = 6;
const PHOTO: usize = 2_500_000;

/// How a link stands, as the phone that owns the hotspot sees it.
fn complete(world: &World, device: usize, link: LinkId) -> bool {
    let told = |(number, event): &(usize, Event)| {
        *number == device && matches!(event, Event::Complete { link: told } if *told == link)
    };
    world.heard.iter().any(told)
}

/// Journey 3: six phones meet on the hotspot of one; one of them is dropped at 40 % and goes on where it was.
#[test]
fn six_phones_one_hotspot() {
    let mut world = World::new(3);
    let hub = world.found("Harbour", "Amina");
    let mut ids = Vec::new();
    for number in 1..PHONES {
        world.join(hub, &format!("Person {number}"), Role::Responder);
    }
    for phone in 0..PHONES {
        for number in 0..4 {
            let title = Some(format!("Incident {number} of {phone}"));
            let draft = Incident { title, ..Incident::default() };
            ids.push(world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id);
        }
    }
    let dropped = 1;
    let (of_dropped, of_other) = (ids[4], ids[8]);
    attach(&mut world, dropped, of_dropped, "large.jpg", &photo(1, PHOTO));
    attach(&mut world, 2, of_other, "small.jpg", &photo(2, 60_000));

    let here = |world: &mut World, phone: usize, id| {
        let view = world.devices[phone].ledger().incident(id);
        view.is_ok_and(|view| view.attachments.iter().any(|file| file.here))
    };
    let links: Vec<LinkId> = (1..PHONES).map(|phone| world.dial(phone, hub, false).unwrap()).collect();
    let first = links[0];
    // The large photo is on its way.
    while world.cables[&first].sent[0] < PHOTO * 4 / 10 {
        assert!(world.step());
        assert!(!complete(&world, hub, first), "complete before every file is there");
    }
    // The words came first.
    assert!(world.devices[hub].ledger().incident(of_dropped).is_ok());
    let peers = world.devices[hub].up().meetings.peers();
    let peer = peers.iter().find(|peer| peer.link == first).unwrap();
    assert!(!peer.complete);
    assert!(peer.standings[0].1.equal, "{:?}", peer.standings);
    let before = world.cables[&first].sent[0];
    world.cut(first);
    world.settle(200_000);
    assert!(!here(&mut world, hub, of_dropped));
    // The others have everything that the hub has, and know what is pending.
    for (phone, link) in (2..PHONES).zip(&links[1..]) {
        let peers = world.devices[hub].up().meetings.peers();
        let peer = peers.iter().find(|peer| peer.link == *link).unwrap();
        assert!(peer.standings[0].1.equal && !peer.complete);
        assert_eq!(peer.peer_pending.map(|pending| pending.files), Some(1));
        assert!(here(&mut world, phone, of_other));
    }

    let again = world.dial(dropped, hub, false).unwrap();
    world.settle(500_000);
    let sent = before + world.cables[&again].sent[0];
    println!("a photo of {PHOTO} bytes, cut once: {sent} bytes sent");
    // At most what was on the way is sent twice: four chunks of 256 KiB.
    assert!(sent < PHOTO + 5 * 262_144, "{sent}");
    for link in links[1..].iter().chain([&again]) {
        assert!(complete(&world, hub, *link));
    }
    for phone in 0..PHONES {
        assert!(here(&mut world, phone, of_dropped) && here(&mut world, phone, of_other), "phone {phone}");
        let peers = world.devices[phone].up().meetings.peers();
        assert!(!peers.is_empty() && peers.iter().all(|peer| peer.complete), "phone {phone}: {peers:?}");
        assert_eq!(world.devices[phone].ledger().team().unwrap().counts.attachments_missing, 0);
    }
    verdict::same_everywhere(&mut world, &Expected::default());
    verdict::nothing_unsettled(&mut world);
}

/// How often the photo's way is cut, and what a meeting says besides the parts of files: the handshake, vectors, and asking.
const CUTS: usize = 10;
const MEETING_BYTES: usize = 16 * 1024;

/// A photo of about 8 MB, as a phone makes them, that no compression makes smaller.
fn large_photo(seed: u64) -> Vec<u8> {
    let (width, height) = (2_600, 1_950);
    let noise = Dice::new(seed, 41).fill(width * height * 3);
    let picture = image::RgbImage::from_raw(width as u32, height as u32, noise).unwrap();
    let mut photo = Vec::new();
    JpegEncoder::new_with_quality(&mut photo, 85).encode_image(&picture).unwrap();
    photo
}

/// Bytes that have come out at the other end of a link's first direction, of those that it carried.
fn delivered(world: &World, link: LinkId) -> usize {
    let cable = &world.cables[&link];
    cable.sent[0] - cable.pipes[0].bytes.len()
}

/// Journey 10: a photo of 8 MB, whose way is cut ten times. What was captured arrives, no more than a chunk is sent again for each cut, and
/// the phone that took it keeps it until two others hold it.
#[test]
fn a_large_photo_cut_ten_times() {
    let mut world = World::new(10);
    let observer = world.found("Harbour", "Amina");
    let [lead, responder] = ["Bruno", "Chioma"].map(|name| world.join(observer, name, Role::Responder));
    let content = large_photo(10);
    assert!((7_500_000..9_000_000).contains(&content.len()), "{} bytes", content.len());
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let incident = world.write(observer, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    attach(&mut world, observer, incident, "gate.jpg", &content);
    let captured = world.devices[observer].ledger().incident(incident).unwrap().attachments.remove(0);
    let forms: u64 = captured.forms.iter().map(|form| form.byte_len).sum();

    let mut dice = Dice::new(10, 42);
    let (mut came, mut meetings, mut words_first) = (0, 0, false);
    loop {
        meetings += 1;
        assert!(meetings <= CUTS + 1, "the photo does not arrive");
        let link = world.dial(observer, lead, true).unwrap();
        // Four chunks are on their way at once, and some of them still arrive.
        let until = dice.below(CHUNK_BYTES);
        let mut there = 0;
        while world.cables.contains_key(&link) {
            there = delivered(&world, link);
            if meetings <= CUTS && there >= until {
                world.cut(link);
                // What was on the way when the link broke may still come.
                there = world.cables[&link].sent[0].min(there + world.cables[&link].pipes[0].bytes.len());
                world.settle(10_000);
                break;
            }
            if !words_first && came + there > meetings * (MEETING_BYTES + CHUNK_BYTES) + forms as usize {
                let view = world.devices[lead].ledger().incident(incident).unwrap();
                assert!(view.attachments[0].forms.iter().all(|form| form.here));
                assert!(!view.attachments[0].here);
                words_first = true;
            }
            assert!(world.step() || world.wait(), "a meeting without an end");
        }
        came += there;
        if world.devices[lead].ledger().incident(incident).unwrap().attachments[0].here {
            break;
        }
        // Nobody lets go of it before it has arrived.
        let view = world.write(observer, |ledger, now, _| ledger.free_files(FreeRequest::default(), now));
        assert_eq!(view.unwrap().files[0].kept, Some(Kept::TooFew { known: 0 }));
    }
    assert_eq!((meetings, words_first), (CUTS + 1, true));
    let most = content.len() + forms as usize + CUTS * (CHUNK_BYTES + 1024) + meetings * MEETING_BYTES;
    assert!(came <= most, "{came} bytes for {} and {forms} of its forms", content.len());
    seeds::figure(&format!(
        "a photo of {} bytes, cut {CUTS} times: {came} bytes came, {} a cut more than the photo and its forms",
        content.len(),
        (came - content.len() - forms as usize) / CUTS
    ));

    let view = world.devices[lead].ledger().incident(incident).unwrap().attachments.remove(0);
    assert_eq!(view.hash, captured.hash);
    let mut out = Vec::new();
    let stored = world.devices[lead].ledger().stored_file(&incident, "gate.jpg", VariantKind::Original);
    stored.unwrap().write_to(&mut out, &mut |_| true).unwrap();
    assert!(out == content, "what arrived is another photo");

    // One verified copy elsewhere is not enough; two are.
    world.meet(responder, lead);
    for (copies, device) in (1..).zip([lead, responder]) {
        let policy = FilePolicy { tell_copies: true, ..FilePolicy::default() };
        world.write(device, |ledger, _, _| ledger.set_file_policy(policy)).unwrap();
        world.write(device, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
        world.meet(observer, device);
        let view = world.write(observer, |ledger, now, _| ledger.free_files(FreeRequest::default(), now));
        let kept = view.unwrap().files[0].kept;
        let here = world.devices[observer].ledger().incident(incident).unwrap().attachments[0].here;
        match copies {
            1 => assert_eq!((kept, here), (Some(Kept::TooFew { known: 1 }), true)),
            _ => assert!(here == kept.is_some() && kept != Some(Kept::TooFew { known: 2 }), "{kept:?}"),
        }
    }
}
