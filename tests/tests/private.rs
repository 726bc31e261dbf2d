//! What only few may read reaches them and nobody else, whoever meets whom.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use firsthand_ids::SpaceId;
use firsthand_log::Vector;
use firsthand_node::meeting::{Answer, Question};
use firsthand_node::{CareView, ContactView, NodeError, Role};
use firsthand_record::roster::EmergencyContact;
use firsthand_record::{Care, Incident, WantsContact};
use firsthand_sync::{Effect, Input, Refusal};
use firsthand_tests::{Crash, World, verdict};

const LEAD: usize = 0;
const AMINA: usize = 1;
const BRUNO: usize = 2;
const CHIDI: usize = 3;
const ALL: [usize; 4] = [LEAD, AMINA, BRUNO, CHIDI];

fn team(seed: u64) -> World {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Lead");
    for name in ["Amina", "Bruno", "Chidi"] {
        world.join(lead, name, Role::Responder);
    }
    world.calm = true;
    let draft = Incident { title: Some("For everybody".to_owned()), ..Incident::default() };
    world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    gather(&mut world);
    world
}

fn gather(world: &mut World) {
    for _ in 0..2 {
        for phone in [AMINA, BRUNO, CHIDI] {
            world.meet(phone, LEAD);
        }
        world.meet(AMINA, CHIDI);
        world.meet(BRUNO, CHIDI);
    }
}

fn contact(phone: &str) -> EmergencyContact {
    EmergencyContact {
        name: Some("Fatima".to_owned()),
        phone: Some(phone.to_owned()),
        ..EmergencyContact::default()
    }
}

fn note(world: &mut World, phone: usize, wellbeing: u8, words: &str) {
    let care = Care {
        wellbeing: Some(wellbeing),
        wants_contact: Some(WantsContact::Later),
        note: Some(words.to_owned()),
        ..Care::default()
    };
    world.write(phone, |ledger, now, rng| ledger.add_care(care, now, rng)).unwrap();
}

fn name(world: &mut World, phone: usize, contact: Option<firsthand_ids::PersonId>) {
    world.write(phone, |ledger, _, _| ledger.name_care_contact(contact)).unwrap();
}

fn contacts(world: &mut World, phone: usize) -> Vec<ContactView> {
    world.devices[phone].ledger().emergency_contacts().unwrap()
}

fn checks(world: &mut World, phone: usize) -> Vec<CareView> {
    world.devices[phone].ledger().care_checks().unwrap()
}

/// The notes that a phone can show, and whom each is shared with.
fn notes(world: &mut World, phone: usize) -> Vec<(String, Option<String>)> {
    checks(world, phone).into_iter().map(|view| (view.care.note.unwrap(), view.shared_with)).collect()
}

fn spaces(world: &mut World, phone: usize) -> BTreeSet<SpaceId> {
    world.devices[phone].ledger().store().spaces().collect()
}

fn person(world: &mut World, phone: usize) -> firsthand_ids::PersonId {
    let name = ["Lead", "Amina", "Bruno", "Chidi"][phone];
    let team = world.devices[LEAD].ledger().team().unwrap();
    team.members.into_iter().find(|member| member.name == name).unwrap().person
}

fn sound(world: &mut World) {
    let digests: BTreeSet<_> =
        ALL.map(|phone| world.devices[phone].ledger().team_digest().unwrap().to_string()).into();
    assert_eq!(digests.len(), 1, "the team's own space is the same everywhere");
    for phone in ALL {
        verdict::sound(world.devices[phone].ledger(), phone);
        let check = world.devices[phone].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
    }
}

#[test]
fn an_emergency_contact_reaches_the_leads_and_nobody_else() {
    for seed in 0..10 {
        let mut world = team(seed);
        let saved = contact("+254 700 000001");
        world.write(AMINA, |ledger, now, rng| ledger.set_emergency_contact(saved, now, rng)).unwrap();
        gather(&mut world);
        assert_eq!([AMINA, LEAD, BRUNO, CHIDI].map(|phone| contacts(&mut world, phone).len()), [1, 1, 0, 0]);
        let [view] = &contacts(&mut world, LEAD)[..] else { panic!("one contact") };
        assert_eq!((view.person.as_str(), view.contact.phone.as_deref()), ("Amina", Some("+254 700 000001")));
        assert_eq!([BRUNO, CHIDI].map(|phone| spaces(&mut world, phone).len()), [1, 1], "not a byte of it");

        // A lead may put it right, and it comes back; nobody else may write there.
        let amina = person(&mut world, AMINA);
        let newer = EmergencyContact { person: Some(amina), ..contact("+254 700 000002") };
        let other = newer.clone();
        world.write(LEAD, |ledger, now, rng| ledger.set_emergency_contact(newer, now, rng)).unwrap();
        let refused = world.write(BRUNO, |ledger, now, rng| ledger.set_emergency_contact(other, now, rng));
        assert!(matches!(refused, Err(NodeError::Team(_))), "{refused:?}");
        world.meet(LEAD, AMINA);
        let newest = contacts(&mut world, AMINA).remove(0);
        assert_eq!(newest.contact.phone.as_deref(), Some("+254 700 000002"));
        gather(&mut world);
        sound(&mut world);
    }
}

#[test]
fn a_care_check_is_for_the_contact_that_was_named_when_it_was_noted() {
    for seed in 0..10 {
        let mut world = team(seed);
        note(&mut world, AMINA, 2, "alone");
        let bruno = person(&mut world, BRUNO);
        name(&mut world, AMINA, Some(bruno));
        note(&mut world, AMINA, 3, "to Bruno");
        // Bruno hears in one meeting that he was named, and what was noted since.
        world.meet(AMINA, BRUNO);
        let with_bruno = Some("Bruno".to_owned());
        assert_eq!(notes(&mut world, BRUNO), [("to Bruno".to_owned(), with_bruno.clone())]);
        assert!(!checks(&mut world, BRUNO)[0].own);
        gather(&mut world);
        assert_eq!([LEAD, CHIDI].map(|phone| notes(&mut world, phone).len()), [0, 0], "not even the lead");

        let chidi = person(&mut world, CHIDI);
        name(&mut world, AMINA, Some(chidi));
        assert_eq!(world.devices[AMINA].ledger().care_contact().unwrap().1, "Chidi");
        note(&mut world, AMINA, 4, "to Chidi");
        name(&mut world, AMINA, None);
        note(&mut world, AMINA, 5, "alone again");
        gather(&mut world);
        let with_chidi = Some("Chidi".to_owned());
        assert_eq!(notes(&mut world, BRUNO), [("to Bruno".to_owned(), with_bruno.clone())]);
        assert_eq!(notes(&mut world, CHIDI), [("to Chidi".to_owned(), with_chidi.clone())]);
        let own =
            [("alone again", None), ("to Chidi", with_chidi), ("to Bruno", with_bruno), ("alone", None)];
        assert_eq!(notes(&mut world, AMINA), own.map(|(note, with)| (note.to_owned(), with)));
        assert_eq!([LEAD, BRUNO, CHIDI].map(|phone| spaces(&mut world, phone).len()), [1, 2, 2]);
        sound(&mut world);

        // It stays so over a restart, and the chains go on where they ended.
        let before = world.devices[AMINA].ledger().digest().unwrap();
        world.crash(AMINA, Crash::Dropped, true);
        world.restart(AMINA);
        assert_eq!(world.devices[AMINA].ledger().digest().unwrap(), before);
        note(&mut world, AMINA, 5, "after the restart");
        let draft = Incident { title: Some("After the restart".to_owned()), ..Incident::default() };
        world.write(AMINA, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
        assert_eq!(notes(&mut world, AMINA).len(), 5);
        let ledger = world.devices[AMINA].ledger();
        let chains: Vec<usize> =
            ledger.store().spaces().map(|space| ledger.store().vector(&space).len()).collect();
        assert_eq!(chains.iter().filter(|chains| **chains == 1).count(), 3, "one chain of her own in each");
        gather(&mut world);
        sound(&mut world);
    }
}

/// While two are connected, one names the other and writes: it comes at once, not with the next meeting.
#[test]
fn in_an_open_meeting_a_new_space_opens_at_once() {
    let mut world = team(2);
    let link = world.dial(AMINA, BRUNO, false).unwrap();
    world.settle(200_000);
    let bruno = person(&mut world, BRUNO);
    name(&mut world, AMINA, Some(bruno));
    note(&mut world, AMINA, 3, "while we are connected");
    world.settle(200_000);
    assert!(world.cables.contains_key(&link));
    assert_eq!(notes(&mut world, BRUNO).len(), 1);
}

/// Somebody who changed the program asks for what is not theirs, and sends what is not theirs to write.
#[test]
fn whoever_asks_for_a_space_that_is_not_theirs_gets_nothing() {
    let mut world = team(1);
    let bruno = person(&mut world, BRUNO);
    name(&mut world, AMINA, Some(bruno));
    note(&mut world, AMINA, 1, "to Bruno");
    world.meet(AMINA, BRUNO);
    gather(&mut world);
    let all = spaces(&mut world, AMINA);
    let theirs = spaces(&mut world, CHIDI);
    let care = *all.difference(&theirs).next().unwrap();
    let chidi = world.devices[CHIDI].ledger().identity().exchange.public().unwrap();
    let now = world.devices[AMINA].clock.at(world.now);
    for holder in [AMINA, BRUNO] {
        let receiver = Vector::new();
        let writer = *world.devices[holder].ledger().store().vector(&care).iter().next().unwrap().0;
        for effect in [
            Effect::Load { space: care, receiver, forks: BTreeSet::new(), only: None },
            Effect::LoadBranch { space: care, writer },
        ] {
            let answer =
                world.devices[holder].ledger().answer(Question::Session { peer: chidi, effect }, now);
            let Answer::Session { input, .. } = answer else { panic!("no answer") };
            let refusal = match input {
                Input::Loaded { batch, .. } => batch.map(drop),
                Input::BranchLoaded { batch, .. } => batch.map(drop),
                other => panic!("{other:?}"),
            };
            assert_eq!(refusal, Err(Refusal::NotAMember));
        }
    }
    // What a reader hands over, Chidi's own device does not take.
    let bruno_key = world.devices[BRUNO].ledger().identity().exchange.public().unwrap();
    let effect = Effect::Load { space: care, receiver: Vector::new(), forks: BTreeSet::new(), only: None };
    let answer = world.devices[AMINA].ledger().answer(Question::Session { peer: bruno_key, effect }, now);
    let Answer::Session { input: Input::Loaded { batch, .. }, .. } = answer else { panic!("no batch") };
    let effect = Effect::Commit { space: care, plain: batch.unwrap().unwrap().plain };
    let answer = world.devices[CHIDI].ledger().answer(Question::Session { peer: bruno_key, effect }, now);
    let Answer::Session { input: Input::Committed { result, .. }, .. } = answer else { panic!("no answer") };
    assert_eq!(result.map(drop), Err(Refusal::Misbehaved));
    assert_eq!(spaces(&mut world, CHIDI), theirs);
}
