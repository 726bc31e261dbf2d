//! Journey 18: what one laptop holds goes to another on a USB stick. Real homes, and real files beside them.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use firsthand_ids::DocumentId;
use firsthand_log::Vector;
use firsthand_node::{BundleError, BundleMade, BundleRequest, BundleTaken, Edit, Ledger, NodeError, Role};
use firsthand_record::generate::Generator;
use firsthand_record::roster::EmergencyContact;
use firsthand_record::{Care, Incident};
use firsthand_seal::{ENVELOPE_OVERHEAD, EpochKey, open, open_range, seal_range};
use firsthand_store::BatchLimits;
use firsthand_tests::{Dice, World, seeds};
use serde_json::json;

const ALL: BundleRequest = BundleRequest { since: None, with_files: false };

fn add(world: &mut World, device: usize, count: usize) -> Vec<DocumentId> {
    (0..count)
        .map(|number| {
            let draft = Incident {
                title: Some(format!("Checkpoint {number} seen by {device}")),
                narrative: "Six buses were stopped at the old bridge for about an hour, then let through."
                    .to_owned(),
                ..Incident::default()
            };
            world.pass(60_000);
            world.write(device, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id
        })
        .collect()
}

fn edit(world: &mut World, device: usize, id: DocumentId, title: &str) {
    let edits = [Edit::Set { field: "title".to_owned(), value: json!(title) }];
    world.write(device, |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
}

/// A file on the stick.
fn stick(world: &World, device: usize, name: &str) -> PathBuf {
    world.devices[device].beside(name)
}

fn export(world: &mut World, device: usize, path: &PathBuf, request: BundleRequest) -> BundleMade {
    let mut out = File::create(path).unwrap();
    let made = world
        .write(device, |ledger, _, rng| ledger.export_bundle(&mut out, request, rng, &mut |_, _| true))
        .unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), made.bytes);
    made
}

fn import(world: &mut World, device: usize, path: &PathBuf) -> Result<BundleTaken, NodeError> {
    let mut file = BufReader::new(File::open(path).unwrap());
    world.write(device, |ledger, now, _| ledger.import_bundle(&mut file, now, &mut |_, _| true))
}

fn import_bytes(world: &mut World, device: usize, bytes: &[u8]) -> Result<BundleTaken, NodeError> {
    let mut file = Cursor::new(bytes);
    world.write(device, |ledger, now, _| ledger.import_bundle(&mut file, now, &mut |_, _| true))
}

fn digest(world: &mut World, device: usize) -> [u8; 32] {
    world.devices[device].ledger().digest().unwrap().0
}

fn incidents(ledger: &mut Ledger) -> usize {
    ledger.team().unwrap().counts.incidents as usize
}

/// A lead and a member who met when he joined, and never again.
fn two(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    world.calm = true;
    let lead = world.found("Harbour", "Amina");
    let other = world.join(lead, "Bruno", Role::Responder);
    (world, lead, other)
}

#[test]
fn sneakernet() {
    let (mut world, lead, other) = two(1);
    let here = add(&mut world, lead, 40);
    add(&mut world, other, 25);

    let path = stick(&world, lead, "all.firsthand");
    let made = export(&mut world, lead, &path, ALL);
    assert!(made.entries >= 40 && made.devices == 2, "{made:?}");
    let taken = import(&mut world, other, &path).unwrap();
    assert!(taken.is_complete() && taken.entries == made.entries && taken.others == 0, "{taken:?}");
    assert_eq!(incidents(world.devices[other].ledger()), 65);

    // The difference goes back, and no more.
    let edited = here[3];
    edit(&mut world, other, edited, "Seen again from the other side.");
    let amina = world.devices[lead].ledger().team().unwrap().members;
    let amina = amina.iter().find(|member| member.name == "Amina").unwrap().person;
    let back = stick(&world, other, "back.firsthand");
    let request = BundleRequest { since: Some(amina), with_files: false };
    let answer = export(&mut world, other, &back, request);
    assert!((25..=60).contains(&answer.entries), "{answer:?}");
    assert_eq!(answer.operations, 0);
    let taken = import(&mut world, lead, &back).unwrap();
    assert!(taken.is_complete() && taken.entries == answer.entries, "{taken:?}");
    let state = digest(&mut world, lead);
    assert_eq!(state, digest(&mut world, other));
    let view = world.devices[lead].ledger().incident(edited).unwrap();
    assert_eq!(view.record.title.as_deref(), Some("Seen again from the other side."));

    // A second time nothing changes.
    for (device, path) in [(other, &path), (lead, &back), (lead, &path)] {
        let again = import(&mut world, device, path).unwrap();
        assert_eq!((again.entries, again.operations, again.files), (0, 0, 0));
        assert!(again.is_complete(), "{again:?}");
    }
    assert_eq!(digest(&mut world, lead), state);

    let plain = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let bytes = fs::read(&path).unwrap();
    for word in ["Harbour", "Amina", "Bruno", "Checkpoint", "bridge"] {
        assert!(!plain(&bytes, word), "{word}");
    }
    seeds::figure(&format!(
        "a bundle of {} entries has {} bytes, {:.1} an entry",
        made.entries,
        made.bytes,
        made.bytes as f64 / made.entries as f64
    ));
}

#[test]
fn a_damaged_bundle_gives_what_verifies_and_names_the_rest() {
    let (mut world, lead, other) = two(2);
    add(&mut world, lead, 700);
    let path = stick(&world, lead, "all.firsthand");
    let made = export(&mut world, lead, &path, ALL);
    let bytes = fs::read(&path).unwrap();
    let before = digest(&mut world, other);

    // The last piece but one: what comes before it is taken in.
    let mut damaged = bytes.clone();
    let at = bytes.len() - 2000;
    damaged[at] ^= 1;
    let taken = import_bytes(&mut world, other, &damaged).unwrap();
    assert!(!taken.is_complete() && !taken.whole, "{taken:?}");
    assert_eq!(taken.damage.len(), 1, "{taken:?}");
    assert!(taken.damage[0].from <= at as u64 && (at as u64) < taken.damage[0].to);
    assert!(taken.entries > 0 && taken.entries < made.entries, "{taken:?}");
    assert_ne!(digest(&mut world, other), before);

    // Cut short: said, and nothing lost of what is there.
    let taken = import_bytes(&mut world, other, &bytes[..bytes.len() - 40]).unwrap();
    assert!(!taken.whole);
    // What was damaged comes with a sound copy.
    let taken = import_bytes(&mut world, other, &bytes).unwrap();
    assert!(taken.is_complete());
    assert_eq!(digest(&mut world, lead), digest(&mut world, other));
}

#[test]
fn wherever_it_is_damaged_nothing_wrong_is_taken_in() {
    let (mut world, lead, other) = two(3);
    add(&mut world, lead, 60);
    let path = stick(&world, lead, "all.firsthand");
    export(&mut world, lead, &path, ALL);
    let bytes = fs::read(&path).unwrap();
    import_bytes(&mut world, other, &bytes).unwrap();
    let state = digest(&mut world, other);
    let mut dice = Dice::new(3, 90);
    let mut refused = 0;
    for _ in 0..400 {
        let mut altered = bytes.clone();
        let at = dice.below(bytes.len());
        match dice.below(4) {
            0 => altered.truncate(at),
            1 => drop(altered.drain(at..(at + dice.below(900)).min(bytes.len()))),
            2 => altered.splice(at..at, dice.fill(40)).for_each(drop),
            _ => altered[at] ^= 1 << dice.below(8),
        }
        match import_bytes(&mut world, other, &altered) {
            Ok(taken) => {
                assert!(altered == bytes || !taken.is_complete() || taken.others > 0, "{taken:?} at {at}");
            }
            Err(NodeError::Bundle(_)) => refused += 1,
            Err(error) => panic!("{error} at {at}"),
        }
        assert_eq!(digest(&mut world, other), state);
    }
    assert!(refused > 0);
}

#[test]
fn others_are_told_plainly() {
    let (mut world, lead, other) = two(4);
    add(&mut world, lead, 3);
    let path = stick(&world, lead, "all.firsthand");
    export(&mut world, lead, &path, ALL);
    let stranger = world.found("Valley", "Zoe");
    let told = import(&mut world, stranger, &path).unwrap_err();
    assert!(matches!(told, NodeError::Bundle(BundleError::OtherTeam)), "{told}");
    let told =
        import_bytes(&mut world, other, b"not a bundle at all, only text that somebody wrote").unwrap_err();
    assert!(matches!(told, NodeError::Bundle(BundleError::NotABundle)), "{told}");
    // Made before the device was one of the team's.
    let late = world.join(lead, "Chidi", Role::Responder);
    let taken = import(&mut world, late, &path).unwrap();
    assert!(taken.is_complete(), "whoever joins later reads history: {taken:?}");
    // Nothing was read from there, so what they hold is not known.
    let members = world.devices[lead].ledger().team().unwrap().members;
    let bruno = members.iter().find(|member| member.name == "Bruno").unwrap().person;
    let request = BundleRequest { since: Some(bruno), with_files: false };
    let told = world
        .write(lead, |ledger, _, rng| ledger.export_bundle(&mut Vec::new(), request, rng, &mut |_, _| true))
        .unwrap_err();
    assert!(matches!(told, NodeError::Bundle(BundleError::NothingKnown(_))), "{told}");
}

#[test]
fn what_is_for_few_opens_for_few() {
    let (mut world, lead, other) = two(5);
    let third = world.join(lead, "Chidi", Role::Responder);
    world.meet(other, lead);
    world.meet(third, lead);
    let contact = EmergencyContact {
        name: Some("Dalia".to_owned()),
        phone: Some("+962 1".to_owned()),
        ..EmergencyContact::default()
    };
    world.write(other, |ledger, now, rng| ledger.set_emergency_contact(contact, now, rng)).unwrap();
    world
        .write(other, |ledger, now, rng| {
            ledger.add_care(Care { wellbeing: Some(3), ..Care::default() }, now, rng)
        })
        .unwrap();
    add(&mut world, other, 2);
    let path = stick(&world, other, "all.firsthand");
    let made = export(&mut world, other, &path, ALL);
    // The lead reads the contact, not the care check; the third neither.
    let taken = import(&mut world, lead, &path).unwrap();
    assert!(taken.is_complete() && taken.others > 0 && taken.read < made.entries, "{taken:?}");
    assert_eq!(world.devices[lead].ledger().emergency_contacts().unwrap().len(), 1);
    assert!(world.devices[lead].ledger().care_checks().unwrap().is_empty());
    let less = import(&mut world, third, &path).unwrap();
    assert!(less.is_complete() && less.others > taken.others && less.read < taken.read, "{less:?}");
    assert!(world.devices[third].ledger().reads_all_it_holds());
}

#[test]
fn files_travel_as_they_are_sealed() {
    let (mut world, lead, other) = two(6);
    let id = add(&mut world, lead, 1)[0];
    let content = [b"\xff\xd8\xff".to_vec(), Dice::new(6, 91).fill(900_000)].concat();
    world
        .write(lead, |ledger, now, rng| {
            ledger.attach(id, &mut content.as_slice(), "bridge.jpg", "", now, rng, &mut |_| true)
        })
        .unwrap();
    let path = stick(&world, lead, "all.firsthand");
    let records = export(&mut world, lead, &path, ALL);
    assert_eq!(records.files, 0);
    let taken = import(&mut world, other, &path).unwrap();
    assert!(taken.is_complete() && taken.files == 0);
    assert!(!world.devices[other].ledger().incident(id).unwrap().attachments[0].here);

    let path = stick(&world, lead, "files.firsthand");
    let made = export(&mut world, lead, &path, BundleRequest { since: None, with_files: true });
    assert!(made.files >= 1 && made.bytes > 900_000, "{made:?}");
    let taken = import(&mut world, other, &path).unwrap();
    assert!(taken.is_complete() && taken.files == made.files, "{taken:?}");
    let mut out = Vec::new();
    world.devices[other].ledger().read_attachment(&id, "bridge.jpg", &mut out).unwrap();
    assert_eq!(out, content);
    let again = import(&mut world, other, &path).unwrap();
    assert!(again.is_complete() && again.files == 0 && again.entries == 0, "{again:?}");
}

#[test]
fn somebody_who_never_heard_of_the_new_key_opens_it_at_the_door() {
    let (mut world, lead, other) = two(7);
    // Another joins while Bruno is away; a new person means more boxes, and what follows names operations he has not seen.
    let third = world.join(lead, "Chidi", Role::Responder);
    add(&mut world, third, 4);
    world.meet(third, lead);
    let path = stick(&world, lead, "all.firsthand");
    let made = export(&mut world, lead, &path, ALL);
    assert_eq!(made.devices, 3);
    let taken = import(&mut world, other, &path).unwrap();
    assert!(taken.is_complete() && taken.operations > 0 && taken.entries == made.entries, "{taken:?}");
    assert_eq!(digest(&mut world, other), digest(&mut world, lead));
}

/// Ranges of realistic records: what sealing adds to them, and how long it takes.
#[test]
fn what_sealing_costs() {
    let (mut world, lead, _) = two(8);
    let mut generator = Generator::new(Dice::new(8, 92).rng().clone());
    for number in 0..400 {
        let draft = generator.team_incident();
        world.pass(60_000);
        let id = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
        if number % 2 == 0 {
            edit(&mut world, lead, id, "Seen again.");
        }
    }
    let key = EpochKey::from_bytes([7; 32]);
    let ledger = world.devices[lead].ledger();
    let (space, store) = (*ledger.space(), ledger.store());
    for most in [1, 16, 512] {
        let (mut receiver, limits) = (Vector::new(), BatchLimits { entries: most, weight: 256 * 1024 });
        let (mut entries, mut ranges, mut bytes, mut padding, mut plain) = (0, 0, 0, 0, 0);
        let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
        while let Some(batch) = store.batch_for(&space, &receiver, limits, &Default::default()).unwrap() {
            let (writer, head) = batch.heads[0];
            assert_eq!(batch.heads.len(), 1);
            receiver.set(writer, firsthand_log::Mark::new(head.position, &head.hash));
            let range: Vec<_> = batch.entries.into_iter().map(|(_, entry)| entry).collect();
            entries += range.len();
            plain += range.iter().map(|entry| entry.body.len()).sum::<usize>();
            let begun = Instant::now();
            let sealed = seal_range(&key, writer, range, head).unwrap();
            sealing += begun.elapsed();
            let begun = Instant::now();
            open_range(&key, &space, &sealed).unwrap();
            opening += begun.elapsed();
            let content = open(&key, &sealed).unwrap().1.len();
            let header = 1 + [1, 2, 3][usize::from(content > 127) + usize::from(content > 16_383)];
            padding += sealed.len() - ENVELOPE_OVERHEAD - header - content;
            (ranges, bytes) = (ranges + 1, bytes + sealed.len());
        }
        assert!(padding * 100 <= bytes * 12, "{padding} of {bytes}");
        assert!(bytes < plain + ranges * (64 + 3 * ENVELOPE_OVERHEAD), "{bytes} for {plain}");
        seeds::figure(&format!(
            "{entries} entries in {ranges} ranges of at most {most}: {:.0} bytes an entry ({:.0} as they stand), {:.1} % of it padding; {:.0} us to seal a range, {:.0} us to open it",
            bytes as f64 / entries as f64,
            plain as f64 / entries as f64,
            padding as f64 * 100.0 / bytes as f64,
            sealing.as_secs_f64() * 1e6 / ranges as f64,
            opening.as_secs_f64() * 1e6 / ranges as f64,
        ));
    }
}
