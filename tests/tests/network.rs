//! Journey 17: two teams share incidents through a network, and neither learns anything else of the other.
#![allow(clippy::unwrap_used)]

use firsthand_document::Edit;
use firsthand_ids::DocumentId;
use firsthand_node::{IncidentView, Ledger, NewFile, NodeError, Offer, Role, SharedView};
use firsthand_record::share::{NotShared, Withheld};
use firsthand_record::{
    Consent, GeoPrecision, Incident, PeopleVisible, Place, PlaceSource, Sensitivity, Severity, Source,
    SourceKind,
};
use firsthand_store::IncidentQuery;
use firsthand_tests::canary::Canaries;
use firsthand_tests::{Dice, State, World};
use serde_json::json;

/// Amina's home in her team, and Bea's in hers.
const RIVER: usize = 0;
const HILL: usize = 1;
/// Amina's home in the network, Bea's, and that of Carol, whom Bea brought in.
const AMINA: usize = 2;
const BEA: usize = 3;
const CAROL: usize = 4;

const PHONE: &str = "+254 712 345 678";

fn world(seed: u64, canary: &str) -> World {
    let mut world = World::new(seed);
    world.capturing = true;
    world.found("River watch", canary);
    world.found("Hill watch", "Bea");
    let number = world.add_device("Amina (River)");
    let device = &mut world.devices[number];
    let mut rng = device.rng.clone();
    let ledger = device
        .try_create(|opening| Ledger::create_network(opening, "Monitors", "Amina (River)", &mut rng))
        .unwrap();
    device.rng = rng;
    device.state = State::Up(firsthand_tests::Running::new(ledger));
    world.join(AMINA, "Bea (Hill)", Role::Lead);
    world.join(BEA, "Carol (Hill)", Role::Responder);
    world
}

fn offer(world: &mut World, incident: DocumentId, texts: bool) -> Offer {
    let network = world.devices[AMINA].ledger().team().unwrap().team;
    world.devices[RIVER].ledger().offer(incident, &network, texts).unwrap()
}

fn share(world: &mut World, incident: DocumentId, texts: bool) -> Result<SharedView, NodeError> {
    let offer = offer(world, incident, texts);
    world.write(AMINA, |ledger, now, rng| {
        let mut files = Vec::new();
        for file in &offer.files {
            let mut bytes = Vec::new();
            file.stored.write_to(&mut bytes, &mut |_| true)?;
            let sealed = ledger.sealer().seal_clean(&mut bytes.as_slice(), rng, &mut |_| true)?;
            files.push((file.clone(), sealed));
        }
        ledger.take_offer(&offer, files, now, rng)
    })
}

/// What somebody reads in the network.
fn read(world: &mut World, phone: usize) -> Vec<IncidentView> {
    let ledger = world.devices[phone].ledger();
    let rows = ledger.store().incidents(&IncidentQuery { hidden: true, ..Default::default() }).unwrap();
    rows.iter().map(|row| ledger.incident(row.id).unwrap()).collect()
}

/// Every byte that the log of a home holds, in the clear.
fn log(world: &mut World, phone: usize) -> Vec<u8> {
    let store = world.devices[phone].ledger().store();
    let mut bytes = Vec::new();
    for space in store.spaces() {
        for (writer, mark) in store.vector(&space).iter() {
            let all =
                store.entries(&space, writer, firsthand_ids::Position(1), mark.position.0 as usize).unwrap();
            assert_eq!(all.len() as u64, mark.position.0);
            bytes.extend(all.into_iter().flat_map(|stored| stored.entry.body));
        }
    }
    bytes
}

fn edit(world: &mut World, phone: usize, id: DocumentId, edits: Vec<Edit>) {
    world.write(phone, move |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
}

fn set(field: &str, value: serde_json::Value) -> Edit {
    Edit::Set { field: field.to_owned(), value }
}

/// A GIF of one pixel with a comment in it.
fn gif(comment: &str, pixel: u8) -> Vec<u8> {
    let mut out = b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe".to_vec();
    out.push(comment.len() as u8);
    out.extend(comment.as_bytes());
    out.extend(b"\0,\0\0\0\0\x01\0\x01\0\0\x02\x01");
    out.extend([pixel, 0, 0x3b]);
    out
}

fn attach(
    world: &mut World,
    incident: DocumentId,
    name: &str,
    comment: &str,
    pixel: u8,
    said: NewFile,
) -> DocumentId {
    let bytes = gif(comment, pixel);
    let said = NewFile { name: name.to_owned(), ..said };
    let view = world.write(RIVER, move |ledger, now, rng| {
        let sealed = ledger.sealer().seal(&mut bytes.as_slice(), rng, &mut |_| true)?;
        ledger.record_file(incident, sealed, said, now, rng)
    });
    view.unwrap().document
}

#[test]
fn two_teams_share_and_neither_learns_anything_else_of_the_other() {
    let canaries = Canaries::new(&mut Dice::new(17, 3), 8);
    let words = canaries.words.clone();
    let [person, narrative, place, pseudonym, comment, name, internal, label] = words.as_slice() else {
        panic!("eight words")
    };
    let mut world = world(17, person);
    let network_consent = Consent { record: true, share_network: true, ..Consent::default() };
    let said = |consent| Source { pseudonym: pseudonym.clone(), consent, ..Source::new(SourceKind::Witness) };
    let draft = Incident {
        title: Some(format!("Crowd at the bridge, {person} is there, {PHONE}")),
        narrative: format!("{narrative} said that {PHONE} is his brother's"),
        place_text: place.clone(),
        place: Some(Place::new(-1.286_412, 36.817_234, PlaceSource::Gps)),
        severity: Some(Severity::Moderate),
        sensitivity: Some(Sensitivity::Network),
        source: vec![said(Some(network_consent)), said(None)],
        actors: vec![firsthand_record::Actor {
            group_label: label.clone(),
            ..firsthand_record::Actor::new(firsthand_record::ActorRole::Bystander)
        }],
        ..Incident::default()
    };
    let id = world.write(RIVER, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    let own = Incident { title: Some(internal.clone()), ..Incident::default() };
    let own = world.write(RIVER, |ledger, now, rng| ledger.add_incident(own, now, rng)).unwrap().id;
    let agreed = NewFile {
        people_visible: Some(PeopleVisible::Identifiable),
        consent: Some(network_consent),
        ..NewFile::default()
    };
    let photo = attach(&mut world, id, &format!("{name}.gif"), comment, 0x44, agreed);
    let faces = NewFile { people_visible: Some(PeopleVisible::Identifiable), ..NewFile::default() };
    attach(&mut world, id, "faces.gif", comment, 0x45, faces);

    // What is not marked is not shared, and nothing comes of trying.
    let refused = share(&mut world, own, true);
    assert!(matches!(refused, Err(NodeError::NotShared(NotShared::Sensitivity))), "{refused:?}");
    assert_eq!(read(&mut world, AMINA).len(), 0);
    // A team is no network.
    let wrong = offer(&mut world, id, false);
    let wrong = world.write(HILL, |ledger, now, rng| ledger.take_offer(&wrong, Vec::new(), now, rng));
    assert!(matches!(wrong, Err(NodeError::NotNetwork)));

    // The preview says what stays behind.
    let preview = offer(&mut world, id, false);
    let withheld = &preview.copy.as_ref().unwrap().withheld;
    assert_eq!(withheld["narrative"], Withheld::Text);
    assert_eq!(withheld["place"], Withheld::Coarsened);
    assert_eq!(withheld["title"], Withheld::Masked);
    assert_eq!(preview.withheld_files, [("faces.gif".to_owned(), Withheld::NoConsent)]);

    let shared = share(&mut world, id, false).unwrap();
    assert!(shared.created && !shared.taken_back);
    assert_eq!(shared.files, [format!("{name}.gif")]);
    world.meet(BEA, AMINA);
    world.meet(CAROL, BEA);
    for phone in [AMINA, BEA, CAROL] {
        let all = read(&mut world, phone);
        let [copy] = all.as_slice() else { panic!("one copy") };
        let record = &copy.record;
        assert_eq!(record.title.as_deref(), Some("Crowd at the bridge, [withheld] is there, [withheld]"));
        assert_eq!((record.severity, record.narrative.as_str()), (Some(Severity::Moderate), ""));
        let place = record.place.unwrap();
        assert_eq!(
            (place.lat.0, place.lon.0, record.geo_precision),
            (-1.25, 36.85, Some(GeoPrecision::Area))
        );
        assert_eq!((record.source.len(), record.actors.len(), copy.attachments.len()), (1, 1, 1));
        assert!(copy.attachments[0].here && copy.attachments[0].byte_len < gif("", 0).len() as u64);
    }

    // Again: nothing new. Changed: the same copy says so, and what another team added to it stays.
    let again = share(&mut world, id, false).unwrap();
    assert_eq!((again.document, again.created, again.changed), (shared.document, false, 0));
    assert_eq!(again.files, [] as [String; 0]);
    let count = json!({ "what": "injured", "low": 2, "high": 2, "source": "clinic" });
    edit(&mut world, CAROL, shared.document, vec![Edit::Add { list: "counts".to_owned(), value: count }]);
    world.meet(CAROL, AMINA);
    edit(&mut world, RIVER, id, vec![set("severity", json!("Severe"))]);
    let updated = share(&mut world, id, false).unwrap();
    assert_eq!((updated.document, updated.changed), (shared.document, 1));
    world.meet(BEA, AMINA);
    let copy = read(&mut world, BEA).remove(0);
    assert_eq!((copy.record.severity, copy.record.counts.len()), (Some(Severity::Severe), 1));

    // Consent that is taken back reaches the copy, and the file goes from every home that hears of it.
    let consent = json!({ "withdrawn_at": "2026-05-01T14:30:00+03:00" });
    edit(&mut world, RIVER, photo, vec![Edit::Add { list: "consent".to_owned(), value: consent }]);
    let source = world.devices[RIVER].ledger().incident(id).unwrap().record.source[0].key.clone();
    let consent = json!({ "source": source, "at": "2026-05-01T14:30:00+03:00" });
    edit(&mut world, RIVER, id, vec![Edit::Add { list: "consent_withdrawn".to_owned(), value: consent }]);
    let withdrawn = share(&mut world, id, false).unwrap();
    assert_eq!((withdrawn.files_taken_back, withdrawn.files.len()), (1, 0));
    world.meet(BEA, AMINA);
    let copy = read(&mut world, BEA).remove(0);
    assert_eq!((copy.record.source.len(), copy.attachments.len()), (0, 0));
    let sealed = |world: &World, phone: usize| {
        std::fs::read_dir(world.devices[phone].home.join("attachments")).unwrap().count()
    };
    assert_eq!((sealed(&world, AMINA), sealed(&world, BEA)), (0, 0));

    // What is marked no more is hidden there.
    edit(&mut world, RIVER, id, vec![set("sensitivity", json!("team"))]);
    assert!(share(&mut world, id, false).unwrap().taken_back);
    world.meet(BEA, AMINA);
    assert_eq!(read(&mut world, BEA)[0].record.tombstone.len(), 1);
    edit(&mut world, RIVER, id, vec![set("sensitivity", json!("network"))]);
    let back = share(&mut world, id, false).unwrap();
    assert_eq!((back.document, back.created, back.taken_back), (shared.document, false, false));
    world.meet(BEA, AMINA);
    assert_eq!(read(&mut world, BEA)[0].record.tombstone.len(), 0);

    // Nothing of the team stands in any home of the network or of the other team, nor on any wire, and nothing of the network says which
    // record of the team it came from.
    let captured = world.captured.clone();
    assert!(captured.len() > 10_000);
    let mut places = vec![("the wire".to_owned(), captured)];
    for phone in [HILL, AMINA, BEA, CAROL] {
        places.push((format!("the log of home {phone}"), log(&mut world, phone)));
    }
    let team = world.devices[RIVER].ledger().team().unwrap();
    for (place, bytes) in &places {
        assert_eq!(canaries.search(place, bytes), [], "{place}");
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        for part in [PHONE.as_bytes(), b"817234", id.to_string().as_bytes(), team.team.to_string().as_bytes()]
        {
            assert!(!holds(part), "{place}: {}", String::from_utf8_lossy(part));
        }
    }
    // The same search finds them at home.
    let home = log(&mut world, RIVER);
    let found = canaries.search("home", &home);
    for word in [narrative, place, pseudonym, name, internal, label] {
        assert!(found.iter().any(|it| it.word == *word), "{word}");
    }
    for phone in [RIVER, HILL, AMINA, BEA, CAROL] {
        let check = world.devices[phone].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
    }
    assert_eq!(world.devices[HILL].ledger().team().unwrap().counts.incidents, 0);
}

/// Each device of the team computes the same mark, so that a colleague who shares the same incident changes the copy that is there.
#[test]
fn a_colleague_changes_the_same_copy() {
    let mut world = World::new(5);
    world.found("River watch", "Amina");
    let colleague = world.join(0, "Dana", Role::Responder);
    let number = world.add_device("Amina");
    let device = &mut world.devices[number];
    let mut rng = device.rng.clone();
    let ledger =
        device.try_create(|opening| Ledger::create_network(opening, "Monitors", "Amina", &mut rng)).unwrap();
    device.rng = rng;
    device.state = State::Up(firsthand_tests::Running::new(ledger));
    let danas = world.join(number, "Dana", Role::Responder);
    let draft = Incident {
        title: Some("Crowd".to_owned()),
        sensitivity: Some(Sensitivity::Public),
        ..Incident::default()
    };
    let id = world.write(0, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    world.meet(colleague, 0);
    let network = world.devices[number].ledger().team().unwrap().team;
    let mut give = |from: usize, to: usize| {
        let offer = world.devices[from].ledger().offer(id, &network, false).unwrap();
        let shared =
            world.write(to, |ledger, now, rng| ledger.take_offer(&offer, Vec::new(), now, rng)).unwrap();
        world.meet(danas, number);
        (shared.document, shared.created)
    };
    let (first, created) = give(0, number);
    assert!(created);
    assert_eq!(give(colleague, danas), (first, false));
    assert!(world.devices[number].ledger().team().unwrap().network);
    assert!(!world.devices[0].ledger().team().unwrap().network);
}
