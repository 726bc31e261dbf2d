//! Who reads which space.

use std::collections::BTreeSet;

use firsthand_ids::{PersonId, SpaceId};
use firsthand_team::{Membership, Role, Space, TeamError, leads_space, person_id, team_space};

use crate::support::{FOUNDER, add, below, key, rng, secret, shuffle, team};

fn person(number: u8) -> PersonId {
    person_id(&key(number))
}

/// The founder and another lead, and three responders.
fn five() -> Membership {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Lead);
    for number in 3..=5 {
        add(&mut team, FOUNDER, number, Role::Responder);
    }
    team
}

fn contact_of(team: &Membership, number: u8) -> SpaceId {
    let spaces = team.spaces_of(&person(number));
    let is_it = |space: &Space| *space == Space::Contact { person: person(number) };
    spaces.into_iter().find(|(_, space)| is_it(space)).unwrap().0
}

#[test]
fn an_emergency_contact_is_for_the_person_and_the_leads() {
    let mut team = five();
    let contact = contact_of(&team, 3);
    let readers: Vec<u8> = (1..=5).filter(|number| team.reads(&contact, &person(*number))).collect();
    assert_eq!(readers, [1, 2, 3]);
    assert_eq!(team.spaces_of(&person(9)).len(), 0, "no member reads nothing");
    add(&mut team, FOUNDER, 4, Role::Lead);
    assert!(team.reads(&contact, &person(4)));
    assert!(team.reads(&team_space(team.team()), &person(5)));
    assert!(!team.reads(&SpaceId::new([0; 16]), &person(1)), "a space that nobody made");
}

#[test]
fn the_leads_have_a_space_of_their_own() {
    let mut team = five();
    let leads = leads_space(team.team());
    let readers = |team: &Membership| -> Vec<u8> {
        (1..=5).filter(|number| team.reads(&leads, &person(*number))).collect()
    };
    assert_eq!(readers(&team), [1, 2]);
    add(&mut team, FOUNDER, 4, Role::Lead);
    assert_eq!(readers(&team), [1, 2, 4]);
    assert_ne!(leads, team_space(team.team()));
}

#[test]
fn a_care_contact_reads_what_is_written_from_then_on() {
    let mut team = five();
    let alone = team.care_space(&person(3));
    assert_eq!(team.care_contact(&person(3)), None);
    let (_, bytes) = team.name_care_contact(&secret(3), Some(person(4))).unwrap();
    let with_four = team.care_space(&person(3));
    team.name_care_contact(&secret(3), Some(person(5))).unwrap();
    let with_five = team.care_space(&person(3));
    assert_eq!(team.care_contact(&person(3)), Some(person(5)));
    team.name_care_contact(&secret(3), None).unwrap();
    assert_eq!(team.care_space(&person(3)), alone);
    assert_eq!(team.care_contact(&person(3)), None);
    assert_eq!(BTreeSet::from([alone, with_four, with_five]).len(), 3);
    let readers =
        |space| -> Vec<u8> { (1..=5).filter(|number| team.reads(&space, &person(*number))).collect() };
    // Not even the leads, and nobody what was told to somebody else.
    assert_eq!([alone, with_four, with_five].map(readers), [vec![3], vec![3, 4], vec![3, 5]]);
    // To name the same again is a new space: in between it was somebody else.
    let mut again = team.clone();
    again.name_care_contact(&secret(3), Some(person(4))).unwrap();
    assert_ne!(again.care_space(&person(3)), with_four);
    assert!(Membership::load([bytes.as_slice()]).is_err());
}

#[test]
fn nobody_names_themselves_a_stranger_or_for_somebody_else() {
    let mut team = five();
    let before = team.all();
    let not_allowed = Err(TeamError::NotAllowed);
    assert_eq!(team.name_care_contact(&secret(3), Some(person(3))).map(drop), not_allowed);
    assert_eq!(team.name_care_contact(&secret(3), Some(person(9))).map(drop), not_allowed);
    assert_eq!(team.name_care_contact(&secret(9), Some(person(3))).map(drop), not_allowed);
    assert_eq!(team.all(), before);
}

/// Whatever order operations come in, everybody finds the same spaces with the same readers.
#[test]
fn spaces_do_not_depend_on_the_order_of_arrival() {
    for seed in 0..200 {
        let mut rng = rng(seed);
        let mut replicas = vec![five(); 3];
        for _ in 0..12 {
            let at = below(&mut rng, replicas.len());
            let author = 1 + below(&mut rng, 5) as u8;
            let contact = match below(&mut rng, 6) as u8 {
                0 => None,
                number => Some(person(number)),
            };
            let _ = replicas[at].name_care_contact(&secret(author), contact);
            if below(&mut rng, 3) == 0 {
                let from = replicas[below(&mut rng, 3)].clone();
                let operations = from.all().into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>();
                replicas[at].insert_all(&operations).unwrap();
            }
        }
        let mut all: Vec<Vec<u8>> =
            replicas.iter().flat_map(Membership::all).map(|(_, bytes)| bytes).collect();
        let spaces: BTreeSet<_> = replicas
            .iter_mut()
            .map(|team| {
                shuffle(&mut rng, &mut all);
                team.insert_all(&all).unwrap();
                (1..=5)
                    .map(|number| (team.care_space(&person(number)), team.spaces_of(&person(number))))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(spaces.len(), 1, "seed {seed}");
    }
}
