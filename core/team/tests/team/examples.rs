//! The rules one at a time, as a lead would put them.

use firsthand_team::{
    Body, Inserted, JoinRequest, Membership, Rights, Role, TeamError, person_id, team_space,
};

use crate::support::{FOUNDER, add, add_body, bytes, exchange, key, name, request, secret, sign, team};

#[test]
fn a_founder_leads_and_adds() {
    let mut team = team();
    assert_eq!(team.roster().name, "Río Team");
    assert_eq!(team.discovery_secret(), &[7; 32]);
    let (person, founder) = team.roster().member(&key(FOUNDER)).unwrap();
    assert_eq!(person, person_id(&key(FOUNDER)));
    assert_eq!((founder.name.as_str(), founder.role), ("Person 1", Role::Lead));
    let all = Role::Lead.rights();
    assert!(all.write && all.add && all.remove && all.resolve && all.close && all.publish);
    let member = Rights { write: true, ..Rights::default() };
    assert_eq!(team.roster().rights(&key(FOUNDER)), all);

    let grant = add(&mut team, FOUNDER, 2, Role::Responder);
    assert!(team.contains(&grant));
    assert_eq!(team.heads(), [grant]);
    let device = &team.roster().devices[&key(2)];
    assert_eq!((device.exchange, device.grants.as_slice()), (exchange(2), &[grant][..]));
    assert_eq!(team.roster().device_by_exchange(&exchange(2)), Some(key(2)));
    assert_eq!(team.roster().rights(&key(2)), member);
    assert_eq!(team.roster().rights_of(&person_id(&key(2))), member);
    assert_eq!(team.roster().rights_of(&person), all);
    assert_eq!(team.roster().rights(&key(3)), Rights::default());
    assert_ne!(team_space(team.team()), team_space(&firsthand_ids::TeamId::new([0; 32])));
}

#[test]
fn a_responder_adds_nobody() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Responder);
    let wish = request(team.team(), 3);
    assert_eq!(team.add(&secret(2), &wish, exchange(3), Role::Responder), Err(TeamError::NotAllowed));
    assert_eq!(team.add(&secret(4), &wish, exchange(3), Role::Responder), Err(TeamError::NotAllowed));
    // A program that was changed to do it anyway leaves a trace and no effect.
    let id = *team.team();
    let (hash, forced) = sign(&id, 2, 1, &team.heads(), add_body(&id, 3, exchange(3), Role::Lead));
    assert_eq!(team.insert(&forced), Ok(Inserted::Added(hash)));
    assert!(!team.roster().devices.contains_key(&key(3)));
    // Becoming a lead afterwards does not make it count.
    add(&mut team, FOUNDER, 2, Role::Lead);
    assert_eq!(team.roster().member(&key(2)).unwrap().1.role, Role::Lead);
    assert!(!team.roster().devices.contains_key(&key(3)));
    add(&mut team, 2, 3, Role::Responder);
    assert!(team.roster().devices.contains_key(&key(3)));
}

#[test]
fn a_right_that_came_beside_the_operation_does_not_count() {
    let mut here = team();
    add(&mut here, FOUNDER, 2, Role::Responder);
    let mut there = here.clone();
    let id = *here.team();
    let (_, forced) = sign(&id, 2, 1, &here.heads(), add_body(&id, 3, exchange(3), Role::Responder));
    here.insert(&forced).unwrap();
    add(&mut there, FOUNDER, 2, Role::Lead);
    here.insert_all(&bytes(there.all())).unwrap();
    assert!(here.roster().rights(&key(2)).add);
    assert!(!here.roster().devices.contains_key(&key(3)));
}

/// Person 4 is added by the founder and by the lead 2 while the two are apart.
fn added_twice(roles: [Role; 2]) -> [Membership; 2] {
    let mut one = team();
    add(&mut one, FOUNDER, 2, Role::Lead);
    let mut two = one.clone();
    add(&mut one, FOUNDER, 4, roles[0]);
    add(&mut two, 2, 4, roles[1]);
    [one, two]
}

#[test]
fn two_leads_may_add_the_same_person_while_apart() {
    for roles in [[Role::Lead, Role::Responder], [Role::Responder, Role::Lead], [Role::Lead, Role::Lead]] {
        let [one, two] = added_twice(roles);
        for (seen, role) in [(&one, roles[0]), (&two, roles[1])] {
            // The person works on with whichever operation they saw.
            let mut joiner = seen.clone();
            let id = *joiner.team();
            let (_, operation) =
                sign(&id, 4, 1, &joiner.heads(), add_body(&id, 5, exchange(5), Role::Responder));
            assert!(matches!(joiner.insert(&operation), Ok(Inserted::Added(_))));
            let heads = joiner.heads();
            let judged = joiner.roster_at(&heads).unwrap();
            assert_eq!(judged.devices.contains_key(&key(5)), role == Role::Lead);

            joiner.insert_all(&bytes(one.all())).unwrap();
            joiner.insert_all(&bytes(two.all())).unwrap();
            assert_eq!(joiner.roster().devices[&key(4)].grants.len(), 2);
            assert_eq!(joiner.roster().member(&key(4)).unwrap().1.role, Role::Lead);
            assert_eq!(joiner.roster().devices.contains_key(&key(5)), role == Role::Lead);
            assert_eq!(joiner.roster_at(&heads), Some(judged));
            // From here on the person holds the stronger role, whichever it was.
            add(&mut joiner, 4, 6, Role::Responder);
            assert!(joiner.roster().devices.contains_key(&key(6)));
        }
    }
}

#[test]
fn a_lead_cannot_weaken_another_by_signing_beside_the_past() {
    let mut team = team();
    let early = add(&mut team, FOUNDER, 2, Role::Lead);
    for number in 5..10 {
        add(&mut team, FOUNDER, number, Role::Responder);
    }
    add(&mut team, FOUNDER, 3, Role::Lead);
    let id = *team.team();
    // Device 2 pretends to have known nothing of the above, and uses what 3 once signed.
    let (_, backdated) = sign(&id, 2, 1, &[early], add_body(&id, 3, exchange(3), Role::Responder));
    team.insert(&backdated).unwrap();
    assert!(team.roster().rights(&key(3)).add);
    // Neither does taking the channel key of 3 for a device of its own.
    let (_, stolen) = sign(&id, 2, 1, &[early], add_body(&id, 11, exchange(3), Role::Responder));
    team.insert(&stolen).unwrap();
    assert!(team.roster().rights(&key(3)).add);
    assert_eq!(team.roster().devices[&key(3)].exchange, exchange(3));
}

#[test]
fn a_channel_key_in_use_is_not_given_to_another_device() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Lead);
    let id = *team.team();
    let theirs = JoinRequest::sign(&secret(3), &id, &exchange(2), &name(3)).unwrap();
    assert_eq!(team.add(&secret(FOUNDER), &theirs, exchange(2), Role::Lead), Err(TeamError::KeyTaken));
    let (_, forced) = sign(&id, FOUNDER, 3, &team.heads(), add_body(&id, 3, exchange(2), Role::Lead));
    team.insert(&forced).unwrap();
    assert!(!team.roster().devices.contains_key(&key(3)));
    let (_, forced) = sign(&id, FOUNDER, 4, &team.heads(), add_body(&id, 3, exchange(FOUNDER), Role::Lead));
    team.insert(&forced).unwrap();
    assert!(!team.roster().devices.contains_key(&key(3)));
    add(&mut team, FOUNDER, 3, Role::Responder);
    assert!(team.roster().devices.contains_key(&key(3)));
}

#[test]
fn a_device_restored_from_a_backup_goes_on() {
    // It signs its second operation twice, the second time without having seen the first.
    let mut team = team();
    let mut backup = team.clone();
    add(&mut team, FOUNDER, 2, Role::Responder);
    add(&mut backup, FOUNDER, 3, Role::Responder);
    backup.insert_all(&bytes(team.all())).unwrap();
    team.insert_all(&bytes(backup.all())).unwrap();
    add(&mut team, FOUNDER, 4, Role::Responder);
    backup.insert_all(&bytes(team.lacking(&backup.heads()))).unwrap();
    assert_eq!(backup.roster(), team.roster());
    assert_eq!(team.roster().members.len(), 4);
}

#[test]
fn what_a_newer_version_defines_is_kept_and_passed_on() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Other(40));
    assert_eq!(team.roster().rights(&key(2)), Role::Other(9).rights());
    let id = *team.team();
    let unknown = Body::Other { kind: 250, bytes: b"anything".to_vec() };
    let (hash, operation) = sign(&id, 2, 1, &team.heads(), unknown);
    assert_eq!(team.insert(&operation), Ok(Inserted::Added(hash)));
    assert_eq!(team.insert(&operation), Ok(Inserted::Known));
    // Whom the newer version admitted is unknown here, so what follows is kept without judging its author.
    let (_, operation) = sign(&id, 77, 1, &[hash], Body::Other { kind: 251, bytes: vec![] });
    assert!(matches!(team.insert(&operation), Ok(Inserted::Added(_))));
    add(&mut team, FOUNDER, 3, Role::Responder);
    assert_eq!(team.roster().members.len(), 3);
    let all = bytes(team.all());
    let again = Membership::load(all.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(bytes(again.all()), all);
}

#[test]
fn heads_that_are_not_here_give_no_roster() {
    let mut one = team();
    let here = one.heads();
    let grant = add(&mut one, FOUNDER, 2, Role::Lead);
    let two = team();
    assert_eq!(two.roster_at(&[grant]), None);
    assert_eq!(two.roster_at(&[here[0], grant]), None);
    assert_eq!(two.rights_at(&[grant], &key(2)), None);
    // Naming nothing is having seen nothing: nobody has a right there.
    assert_eq!(two.roster_at(&[]), Some(firsthand_team::Roster::default()));
    assert_eq!(two.rights_at(&[], &key(FOUNDER)), Some(Rights::default()));
}

#[test]
fn a_team_is_not_read_with_holes() {
    let mut team = team();
    for number in 2..6 {
        add(&mut team, FOUNDER, number, Role::Responder);
    }
    let all = bytes(team.all());
    let load = |without: usize| {
        let rest = all.iter().enumerate().filter(|(at, _)| *at != without);
        Membership::load(rest.map(|(_, bytes)| bytes.as_slice())).map(|team| team.all().len())
    };
    assert_eq!(load(99), Ok(5));
    assert_eq!(load(4), Ok(4));
    for hole in 1..4 {
        assert_eq!(load(hole), Err(TeamError::Incomplete));
    }
    assert_eq!(load(0), Err(TeamError::OtherTeam));
    assert_eq!(Membership::load([]).map(drop), Err(TeamError::Incomplete));
}

#[test]
fn no_name_or_secret_reaches_a_log_line() {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Responder);
    let request = request(team.team(), 2);
    let operation = firsthand_team::Operation::decode(&team.all()[0].1).unwrap();
    let printed = format!("{team:?} {:?} {request:?} {operation:?}", team.roster());
    for secret in ["Person 1", "Person 2", "Río", "7, 7", "0707"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
