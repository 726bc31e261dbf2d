//! Room is made on many devices at once, each knowing only some of what the others did: the last two copies of a file stay.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::DocumentId;
use firsthand_node::{FilePolicy, FreeRequest, Kept, Role};
use firsthand_record::Incident;
use firsthand_tests::{Dice, World, seeds};

const TEAMS: u64 = 40;
const STEPS: usize = 60;
/// Longer than a preview, so that it may be let go of.
const LONG: usize = 200_001;

/// A device that says what it holds.
fn tells(world: &mut World, device: usize) {
    let policy = FilePolicy { tell_copies: true, ..FilePolicy::default() };
    world.write(device, |ledger, _, _| ledger.set_file_policy(policy)).unwrap();
}

fn run(seed: u64, freed: &AtomicU64, kept: &AtomicU64) {
    let mut dice = Dice::new(seed, 71);
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    let people = dice.below(5) + 2;
    for number in 1..people {
        world.join(lead, &format!("Bruno {number}"), Role::Responder);
    }
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let incident = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    for other in 1..people {
        world.meet(other, lead);
    }
    (0..people).for_each(|device| tells(&mut world, device));
    // How many devices held each file at most.
    let mut most: BTreeMap<DocumentId, usize> = BTreeMap::new();
    for step in 0..STEPS {
        let device = dice.below(people);
        match dice.below(6) {
            0 if step < STEPS / 2 && most.len() < 5 => {
                let content = dice.fill(LONG);
                let mut rest = content.as_slice();
                let name = format!("{step}.bin");
                let attached = world.write(device, |ledger, now, rng| {
                    ledger.attach(incident, &mut rest, &name, "", now, rng, &mut |_| true)
                });
                most.insert(attached.unwrap().document, 0);
            }
            0 | 1 => {
                let request = FreeRequest { dry_run: dice.percent(20), ..FreeRequest::default() };
                let view = world.write(device, |ledger, now, _| ledger.free_files(request, now)).unwrap();
                let went = view.files.iter().filter(|file| file.kept.is_none()).count() as u64;
                assert_eq!(view.bytes, went * LONG as u64);
                freed.fetch_add(if request.dry_run { 0 } else { went }, Ordering::Relaxed);
                kept.fetch_add(view.files.len() as u64 - went, Ordering::Relaxed);
                let other = |file: &firsthand_node::FreedFile| {
                    matches!(file.kept, None | Some(Kept::Keeper | Kept::TooFew { .. }))
                };
                assert!(view.files.iter().all(other));
            }
            2 => {
                world.write(device, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
            }
            _ => {
                let other = (device + 1 + dice.below(people - 1)) % people;
                world.meet(device, other);
            }
        }
        for (file, most) in &mut most {
            let here = (0..people)
                .filter(|device| world.devices[*device].ledger().file(*file).is_ok_and(|view| view.here));
            let here = here.count();
            *most = here.max(*most);
            assert!(here >= 2.min(*most), "step {step}: {here} copies of a file that {most} devices had");
        }
    }
}

#[test]
fn the_last_two_copies_stay_whoever_makes_room() {
    let (freed, kept) = (AtomicU64::new(0), AtomicU64::new(0));
    seeds::each("teams whose devices make room while apart", TEAMS, |seed| {
        run(seed, &freed, &kept);
    });
    let [freed, kept] = [freed, kept].map(|count| count.load(Ordering::Relaxed));
    // One seed alone may have let go of nothing.
    assert!(freed > 0 || seeds::only().is_some());
    seeds::figure(&format!(
        "room made while apart: {freed} copies let go of, {kept} refused, never fewer than two left"
    ));
}

#[test]
fn who_comes_after_two_others_lets_go_and_gets_it_back() {
    let mut world = World::new(5);
    let lead = world.found("Harbour", "Amina");
    for name in ["Bruno", "Chioma", "Dalia"] {
        world.join(lead, name, Role::Responder);
    }
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let incident = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    let content = Dice::new(5, 72).fill(LONG);
    let mut rest = content.as_slice();
    let attach = |ledger: &mut firsthand_node::Ledger, now, rng: &mut dyn rand_core::CryptoRng| {
        ledger.attach(incident, &mut rest, "gate.bin", "", now, rng, &mut |_| true)
    };
    let file = world.write(lead, attach).unwrap().document;
    let everything = FreeRequest::default();
    let free = |world: &mut World, device: usize, request: FreeRequest| {
        world.write(device, |ledger, now, _| ledger.free_files(request, now)).unwrap()
    };
    // Nobody else has it yet, and then they have it and have not said so.
    assert_eq!(free(&mut world, lead, everything).files[0].kept, Some(Kept::TooFew { known: 0 }));
    for other in 1..4 {
        world.meet(other, lead);
    }
    assert_eq!(free(&mut world, lead, everything).files[0].kept, Some(Kept::TooFew { known: 0 }));
    for device in 1..4 {
        // Nothing is written unless somebody wants it.
        let told = world.write(device, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
        assert!(told.change.is_none());
        tells(&mut world, device);
        world.write(device, |ledger, now, rng| ledger.tell_copies(now, rng)).unwrap();
        world.meet(device, lead);
    }
    for device in 1..4 {
        world.meet(device, lead);
    }
    let went: Vec<usize> = (0..4)
        .filter(|device| {
            let dry = free(&mut world, *device, FreeRequest { dry_run: true, ..everything });
            assert!(world.devices[*device].ledger().file(file).unwrap().here, "only said what would go");
            let view = free(&mut world, *device, everything);
            assert_eq!(dry, view);
            view.files[0].kept.is_none()
        })
        .collect();
    assert_eq!(went.len(), 2, "all but two");
    let device = went[0];
    world.meet(device, (device + 1) % 4);
    let ledger = world.devices[device].ledger();
    assert!(!ledger.file(file).unwrap().here, "it is not asked for again by itself");
    assert_eq!(ledger.space_view().unwrap().originals.freed.files, 1);
    assert!(ledger.want_again(&incident, "gate.bin").unwrap());
    let keeper = (0..4).find(|device| !went.contains(device)).unwrap();
    world.meet(device, keeper);
    let mut out = Vec::new();
    world.devices[device].ledger().read_attachment(&incident, "gate.bin", &mut out).unwrap();
    assert_eq!(out, content);
}
