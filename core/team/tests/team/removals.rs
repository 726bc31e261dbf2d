//! Removal, return and recovery, one rule at a time.

use firsthand_ids::{EntryHash, OperationHash, Position, SpaceId, WriterId};
use firsthand_log::DeviceSecret;
use firsthand_team::{
    Body, ChainCut, Cut, Decision, Inserted, Membership, Operation, Quorum, Reason, Rights, Role, Target,
    TeamError, person_id, recovery_secret, team_space,
};

use crate::support::{FOUNDER, add, add_body, bytes, exchange, key, secret, sign, team};

/// Founder 1, lead 2, responders 3, 4 and 5; lead 2 added 4 and 5.
pub(crate) fn five() -> Membership {
    let mut team = team();
    add(&mut team, FOUNDER, 2, Role::Lead);
    add(&mut team, FOUNDER, 3, Role::Responder);
    add(&mut team, 2, 4, Role::Responder);
    add(&mut team, 2, 5, Role::Responder);
    team
}

fn remove(team: &mut Membership, by: u8, number: u8) -> OperationHash {
    let target = Target::Person(person_id(&key(number)));
    team.revoke(&secret(by), target, Reason::Removed, Vec::new()).unwrap().0
}

fn meet(one: &mut Membership, two: &mut Membership) {
    let (here, there) = (two.lacking(&one.heads()), one.lacking(&two.heads()));
    one.insert_all(&bytes(here)).unwrap();
    two.insert_all(&bytes(there)).unwrap();
    assert_eq!(one.roster(), two.roster());
    assert_eq!(one.removals(), two.removals());
}

fn is_in(team: &Membership, number: u8) -> bool {
    team.roster().devices.contains_key(&key(number))
}

#[test]
fn who_is_removed_belongs_to_the_team_no_more() {
    let mut team = five();
    let before = team.heads();
    let rights = team.rights_at(&before, &key(3)).unwrap();
    let removal = remove(&mut team, 2, 3);
    assert!(!is_in(&team, 3));
    assert_eq!(team.roster().known(&person_id(&key(3))).unwrap().name, "Person 3");
    assert_eq!(team.roster().removed_by_exchange(&exchange(3)), Some(key(3)));
    assert_eq!(team.roster().owner(&key(3)), Some(person_id(&key(3))));
    assert_eq!(team.rights_at(&team.heads(), &key(3)), Some(Rights::default()));
    assert_eq!(
        team.rights_at(&before, &key(3)),
        Some(rights),
        "what was signed before stays as it was judged"
    );
    assert_eq!(team.removals().len(), 1);
    assert_eq!(team.removals()[0].hash, removal);
    // And it signs nothing more that anybody keeps, once it has seen that.
    let id = *team.team();
    let (_, more) = sign(&id, 3, 1, &team.heads(), Body::Care { contact: None });
    assert_eq!(team.insert(&more), Err(TeamError::NotAllowed));
}

#[test]
fn only_leads_remove_others_and_everybody_may_go() {
    let mut team = five();
    let target = Target::Device(key(4));
    assert_eq!(team.revoke(&secret(3), target, Reason::Left, vec![]), Err(TeamError::NotAllowed));
    let nobody = Target::Device(key(9));
    assert_eq!(team.revoke(&secret(1), nobody, Reason::Left, vec![]), Err(TeamError::NotFound));
    // A changed program signs it anyway.
    let (id, heads) = (*team.team(), team.heads());
    let body = Body::Revoke { target, reason: Reason::Removed, cuts: vec![] };
    let (_, forced) = sign(&id, 3, 1, &heads, body);
    assert!(matches!(team.insert(&forced), Ok(Inserted::Added(_))));
    assert!(is_in(&team, 4));
    team.revoke(&secret(4), target, Reason::Left, vec![]).unwrap();
    assert!(!is_in(&team, 4));
}

#[test]
fn a_revocation_wins_over_a_grant_beside_it() {
    let mut here = five();
    let mut there = here.clone();
    remove(&mut here, 1, 3);
    there.grant(&secret(2), person_id(&key(3)), Role::Lead).unwrap();
    add(&mut there, 3, 6, Role::Responder);
    assert!(is_in(&there, 6));
    meet(&mut here, &mut there);
    assert!(!is_in(&here, 3));
    assert!(!is_in(&here, 6), "the removed one had no right any more to add them");
    // Anybody else can.
    add(&mut here, 2, 6, Role::Responder);
    assert!(is_in(&here, 6));
}

#[test]
fn what_a_taken_phone_signs_beside_the_past_gives_nobody_rights() {
    let mut team = five();
    // The founder's phone has been taken. The captor makes an accomplice a lead, as if it were the first day.
    let (id, first) = (*team.team(), team.all()[0].0);
    let accomplice = Body::Grant { person: person_id(&key(3)), role: Role::Lead, device: None };
    let known = team.all().into_iter().find(
        |(_, it)| matches!(Operation::decode(it).unwrap().body, Body::Add { device, .. } if device == key(3)),
    );
    let (grant, forged) = sign(&id, FOUNDER, 4, &[known.unwrap().0], accomplice);
    assert!(matches!(team.insert(&forged), Ok(Inserted::Added(_))));
    assert!(team.rights_at(&[grant], &key(3)).unwrap().resolve, "until the removal is known");
    let mut honest = five();
    remove(&mut honest, 2, FOUNDER);
    team.insert_all(&bytes(honest.all())).unwrap();
    assert!(!team.rights_at(&[grant], &key(3)).unwrap().resolve);
    assert_eq!(team.roster().member(&key(3)).unwrap().1.role, Role::Responder);
    // Nor does a person whom it adds come in, however old the past is that it claims.
    let (_, puppet) = sign(&id, FOUNDER, 2, &[first], add_body(&id, 6, exchange(6), Role::Lead));
    assert!(matches!(team.insert(&puppet), Ok(Inserted::Added(_))));
    assert!(!is_in(&team, 6));
}

#[test]
fn of_two_who_remove_each_other_the_earlier_lead_stays() {
    let (mut here, mut there) = (five(), five());
    remove(&mut here, 2, FOUNDER);
    remove(&mut there, FOUNDER, 2);
    meet(&mut here, &mut there);
    assert!(is_in(&here, FOUNDER));
    assert!(!is_in(&here, 2));
}

#[test]
fn whom_more_people_stand_behind_stays() {
    let (mut here, mut there) = (five(), five());
    let removal = remove(&mut here, 2, FOUNDER);
    remove(&mut there, FOUNDER, 2);
    here.confirm(&secret(3), removal).unwrap();
    meet(&mut here, &mut there);
    assert!(is_in(&here, 2));
    assert!(!is_in(&here, FOUNDER));
    assert_eq!(here.removals()[0].confirmed, [person_id(&key(3))]);
    assert_eq!(here.confirm(&secret(3), here.all()[0].0), Err(TeamError::NotFound));
}

#[test]
fn a_past_that_is_too_old_does_not_take_the_witnesses_away() {
    let mut here = five();
    let removal = remove(&mut here, 2, FOUNDER);
    here.confirm(&secret(4), removal).unwrap();
    // The founder's phone answers as if nobody but the founder had been there.
    let (id, all) = (*here.team(), here.all());
    let body = Body::Revoke { target: Target::Device(key(2)), reason: Reason::Removed, cuts: vec![] };
    let lead = all.iter().find(|(_, it)| Operation::decode(it).unwrap().sequence == 2).unwrap().0;
    let (_, answer) = sign(&id, FOUNDER, 3, &[lead], body);
    assert!(matches!(here.insert(&answer), Ok(Inserted::Added(_))));
    assert!(is_in(&here, 2));
    assert!(!is_in(&here, FOUNDER));
}

#[test]
fn confirmations_of_those_whom_a_party_added_beside_the_others_weigh_nothing() {
    let (mut here, mut there) = (five(), five());
    let removal = remove(&mut here, FOUNDER, 2);
    for puppet in [6, 7] {
        add(&mut there, 2, puppet, Role::Responder);
    }
    let answer = remove(&mut there, 2, FOUNDER);
    for puppet in [6, 7] {
        there.confirm(&secret(puppet), answer).unwrap();
    }
    meet(&mut here, &mut there);
    assert_eq!(here.removals()[0].hash, removal);
    assert!(is_in(&here, FOUNDER));
    assert!(!is_in(&here, 2) && !is_in(&here, 6));
}

#[test]
fn three_in_a_circle_leave_the_strongest_standing() {
    let mut base = five();
    base.grant(&secret(1), person_id(&key(3)), Role::Lead).unwrap();
    let mut apart = [base.clone(), base.clone(), base];
    remove(&mut apart[0], 1, 2);
    remove(&mut apart[1], 2, 3);
    remove(&mut apart[2], 3, 1);
    let [one, two, three] = &mut apart;
    meet(one, two);
    meet(two, three);
    meet(one, three);
    // The founder's removal of 2 stands first; that takes 2's removal of 3 away, and nothing speaks against 3's.
    let left: Vec<_> = (1..=5).filter(|number| is_in(one, *number)).collect();
    assert_eq!(left, [3, 4, 5]);
}

#[test]
fn a_person_returns_on_the_same_phone() {
    let mut team = five();
    remove(&mut team, 1, 4);
    let person = person_id(&key(4));
    assert_eq!(team.readmit(&secret(3), key(4), Role::Responder), Err(TeamError::NotAllowed));
    assert_eq!(team.grant(&secret(1), person, Role::Responder), Err(TeamError::NotFound));
    let back = team.readmit(&secret(1), key(4), Role::Observer).unwrap().0;
    assert_eq!(team.roster().member(&key(4)).unwrap().1.role, Role::Observer);
    assert_eq!(team.roster().devices[&key(4)].grants, [back]);
    assert_eq!(team.readmit(&secret(1), key(4), Role::Observer), Err(TeamError::NotFound));
    // And signs again.
    team.name_care_contact(&secret(4), Some(person_id(&key(3)))).unwrap();
    assert_eq!(team.care_contact(&person), Some(person_id(&key(3))));
    // A second removal takes effect like the first.
    remove(&mut team, 2, 4);
    assert!(!is_in(&team, 4));
    team.readmit(&secret(2), key(4), Role::Responder).unwrap();
    assert!(is_in(&team, 4));
}

#[test]
fn a_role_is_changed_for_better_and_for_worse() {
    let mut team = five();
    for role in Role::ALL {
        team.grant(&secret(1), person_id(&key(2)), role).unwrap();
        assert_eq!(team.roster().member(&key(2)).unwrap().1.role, role);
        assert_eq!(team.roster().rights(&key(2)), role.rights());
        assert_eq!(Role::from_number(role.number()), role);
    }
    // Beside each other the stronger holds: nobody's role is taken by signing beside the past.
    let (mut here, mut there) = (team.clone(), team);
    here.grant(&secret(1), person_id(&key(3)), Role::Trainer).unwrap();
    there.grant(&secret(1), person_id(&key(3)), Role::ReadOnly).unwrap();
    meet(&mut here, &mut there);
    assert_eq!(here.roster().member(&key(3)).unwrap().1.role, Role::Trainer);
}

fn cut(n: u8, position: u64) -> Cut {
    let space = SpaceId::new([1; 16]);
    Cut { space, writer: WriterId::new([n; 16]), position: Position(position), hash: EntryHash::new([n; 32]) }
}

#[test]
fn a_cut_is_raised_and_never_lowered() {
    let mut team = five();
    let (id, writer) = (SpaceId::new([1; 16]), WriterId::new([7; 16]));
    let before = team.heads();
    let at = |team: &Membership| team.cut(&id, &writer, &key(3), &before);
    assert_eq!(at(&team), None);
    let target = Target::Device(key(3));
    let mut other = team.clone();
    team.revoke(&secret(1), target, Reason::Lost, vec![cut(7, 12), cut(3, 4)]).unwrap();
    other.revoke(&secret(2), target, Reason::Lost, vec![cut(7, 9)]).unwrap();
    assert_eq!(at(&other).unwrap().position, Position(9));
    meet(&mut team, &mut other);
    assert_eq!(at(&team), Some(ChainCut { position: Position(12), hash: Some(EntryHash::new([7; 32])) }));
    team.revoke(&secret(2), target, Reason::Lost, vec![cut(7, 11)]).unwrap();
    assert_eq!(at(&team).unwrap().position, Position(12));
    team.revoke(&secret(2), target, Reason::Lost, vec![cut(7, 20)]).unwrap();
    assert_eq!(at(&team).unwrap().position, Position(20));
    // Of a chain that nobody named nothing stays.
    let unnamed = team.cut(&id, &WriterId::new([8; 16]), &key(3), &before).unwrap();
    assert_eq!((unnamed.position, unnamed.hash), (Position::START, None));
    // After a return a new chain is whole, and the old one stays cut.
    let back = team.readmit(&secret(1), key(3), Role::Responder).unwrap().0;
    assert_eq!(team.cut(&id, &WriterId::new([9; 16]), &key(3), &[back]), None);
    assert_eq!(at(&team).unwrap().position, Position(20));
    assert!(team.is_cut(&key(3)) && !team.is_cut(&key(4)));
    // What nobody ever admitted has no place at all.
    assert!(team.is_cut(&key(9)));
    assert_eq!(team.cut(&team_space(team.team()), &writer, &key(9), &before).unwrap().hash, None);
}

#[test]
fn leads_release_what_is_held() {
    let mut team = five();
    let cut = cut(7, 3);
    let adopt = |team: &mut Membership, by: u8| {
        team.adopt(&secret(by), cut.space, cut.writer, cut.position, cut.hash)
    };
    assert_eq!(adopt(&mut team, 3), Err(TeamError::NotAllowed));
    assert!(team.adopted(&cut.space, &cut.writer).is_empty());
    adopt(&mut team, 2).unwrap();
    assert_eq!(team.adopted(&cut.space, &cut.writer).get(&cut.position), Some(&cut.hash));
}

fn second_phone(
    team: &Membership,
    by: u8,
    number: u8,
) -> (firsthand_log::Signature, firsthand_log::Signature) {
    let (id, person) = (team.team(), team.roster().owner(&key(by)).unwrap());
    let consent = Operation::device_consent(id, &person, &key(number), &exchange(number));
    let endorsement = Operation::device_endorsement(id, &person, &key(number), &exchange(number));
    (secret(number).sign(&consent), secret(by).sign(&endorsement))
}

#[test]
fn a_second_phone_is_the_same_person() {
    let mut team = five();
    let (consent, endorsement) = second_phone(&team, 3, 6);
    let add_device = |team: &mut Membership, by: u8, consent, endorsement| {
        team.add_device(&secret(by), key(6), exchange(6), consent, key(3), endorsement)
    };
    assert_eq!(add_device(&mut team, 3, consent, endorsement), Err(TeamError::NotAllowed));
    assert_eq!(add_device(&mut team, 1, consent, consent), Err(TeamError::Signature));
    assert_eq!(add_device(&mut team, 1, endorsement, endorsement), Err(TeamError::Signature));
    add_device(&mut team, 1, consent, endorsement).unwrap();
    let person = person_id(&key(3));
    assert_eq!(team.roster().member(&key(6)).unwrap().0, person);
    assert_eq!(team.roster().members.len(), 5);
    // One of them is lost: the person stays, and loses neither role nor the other phone.
    team.revoke(&secret(6), Target::Device(key(3)), Reason::Lost, vec![]).unwrap();
    assert!(!is_in(&team, 3) && is_in(&team, 6));
    assert_eq!(team.roster().member(&key(6)).unwrap().1.role, Role::Responder);
    // The person is removed: both are out.
    remove(&mut team, 1, 3);
    assert!(!is_in(&team, 6) && !team.roster().members.contains_key(&person));
}

/// Founder 1 alone leads 2, 3 and 4; three recovery codes, two are needed.
fn recoverable() -> (Membership, Vec<DeviceSecret>) {
    let (quorum, codes) = Quorum::of(2, &[[51; 32], [52; 32], [53; 32]]).unwrap();
    let mut team = Membership::found_with_recovery(
        &secret(1),
        exchange(1),
        "Team",
        "Person 1",
        [7; 32],
        [9; 16],
        Some(quorum),
    )
    .unwrap();
    for number in [2, 3, 4] {
        add(&mut team, FOUNDER, number, Role::Responder);
    }
    let codes = codes.iter().map(|code| recovery_secret(&code.to_lowercase()).unwrap()).collect();
    (team, codes)
}

#[test]
fn a_team_outlives_its_last_lead() {
    let (mut team, codes) = recoverable();
    let lead = Decision::Lead(person_id(&key(3)));
    assert_eq!(team.recover(&secret(2), lead, &codes[..1]), Err(TeamError::Recovery));
    assert_eq!(team.recover(&secret(2), lead, &[secret(2), secret(3)]), Err(TeamError::Recovery));
    let again = [recovery_secret(&Quorum::of(1, &[[51; 32]]).unwrap().1[0]).unwrap()];
    let twice: Vec<_> =
        again.iter().chain(&again).map(|it| DeviceSecret::from_seed(*it.seed()).unwrap()).collect();
    assert_eq!(team.recover(&secret(2), lead, &twice), Err(TeamError::Recovery), "one code is one code");
    team.recover(&secret(2), lead, &codes[..2]).unwrap();
    assert_eq!(team.roster().member(&key(3)).unwrap().1.role, Role::Lead);
    // The phone that is gone answers, and it is the founder's: the codes decide.
    let mut taken = team.clone();
    let removal = remove(&mut team, 3, FOUNDER);
    remove(&mut taken, FOUNDER, 3);
    let mut apart = team.clone();
    meet(&mut apart, &mut taken);
    assert!(is_in(&apart, FOUNDER) && !is_in(&apart, 3), "the earlier lead, as long as nobody says more");
    team.recover(&secret(4), Decision::Back(removal), &codes[1..]).unwrap();
    meet(&mut team, &mut taken);
    assert!(!is_in(&team, FOUNDER) && is_in(&team, 3));
}

#[test]
fn the_codes_bring_a_team_back_of_which_everybody_was_removed() {
    let (mut team, codes) = recoverable();
    for number in [2, 3, 4] {
        remove(&mut team, FOUNDER, number);
    }
    assert_eq!(team.roster().devices.len(), 1);
    team.recover(&secret(4), Decision::Lead(person_id(&key(2))), &codes[..2]).unwrap();
    assert_eq!(team.roster().member(&key(2)).unwrap().1.role, Role::Lead);
    let removal = remove(&mut team, 2, FOUNDER);
    assert_eq!(team.removals().iter().filter(|it| it.hash == removal).count(), 1);
    team.readmit(&secret(2), key(4), Role::Responder).unwrap();
    assert!(is_in(&team, 4) && !is_in(&team, FOUNDER) && !is_in(&team, 3));
}

#[test]
fn recovery_signatures_work_once() {
    let (mut team, codes) = recoverable();
    let (_, signed) = team.recover(&secret(2), Decision::Lead(person_id(&key(3))), &codes[..2]).unwrap();
    remove(&mut team, 1, 3);
    let Body::Recover { decision, signatures } = Operation::decode(&signed).unwrap().body else {
        unreachable!()
    };
    let (id, heads) = (*team.team(), team.heads());
    let (_, replayed) = sign(&id, 2, 2, &heads, Body::Recover { decision, signatures });
    assert_eq!(team.insert(&replayed), Err(TeamError::Recovery));
    let mut without = five();
    assert_eq!(without.recover(&secret(2), decision, &codes), Err(TeamError::Recovery));
}

#[test]
fn a_quorum_has_limits_and_codes_a_check() {
    assert_eq!(Quorum::of(0, &[[1; 32]]).map(drop), Err(TeamError::Recovery));
    assert_eq!(Quorum::of(2, &[[1; 32]]).map(drop), Err(TeamError::Recovery));
    assert_eq!(Quorum::of(2, &[[1; 32], [1; 32]]).map(drop), Err(TeamError::Recovery));
    let seeds: Vec<_> = (1..=10).map(|n| [n; 32]).collect();
    assert_eq!(Quorum::of(1, &seeds).map(drop), Err(TeamError::Recovery));
    let (_, codes) = Quorum::of(5, &seeds[..9]).unwrap();
    let code = codes[0].as_str();
    assert!(recovery_secret(code).is_ok());
    for at in 0..code.len() {
        let mut wrong: Vec<char> = code.chars().collect();
        wrong[at] = if wrong[at] == 'A' { 'B' } else { 'A' };
        let wrong: String = wrong.into_iter().collect();
        assert!(recovery_secret(&wrong).is_err(), "{at}");
    }
    for bad in ["", "FHR1", "FH1AEAQ", &"A".repeat(500)] {
        assert_eq!(recovery_secret(bad).map(drop), Err(TeamError::Recovery));
    }
}

#[test]
fn a_removed_device_hears_that_it_was_removed_and_nothing_later() {
    let mut team = five();
    let then = team.heads();
    add(&mut team, 1, 6, Role::Responder);
    let removal = remove(&mut team, 2, 3);
    let told: Vec<_> = team.notice(&key(3), &key(FOUNDER), &then).into_iter().map(|(hash, _)| hash).collect();
    assert_eq!(told.last(), Some(&removal));
    add(&mut team, 1, 7, Role::Responder);
    team.grant(&secret(1), person_id(&key(4)), Role::Trainer).unwrap();
    let told: Vec<_> = team.notice(&key(3), &key(FOUNDER), &then).into_iter().map(|(hash, _)| hash).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told.last(), Some(&removal));
    assert!(team.notice(&key(4), &key(FOUNDER), &then).is_empty());
    // Enough to see it.
    let mut theirs = five();
    theirs.insert_all(&bytes(team.notice(&key(3), &key(FOUNDER), &then))).unwrap();
    assert!(!is_in(&theirs, 3));
}

#[test]
fn a_removed_device_that_believes_another_removal_is_told_why_it_does_not_stand() {
    let base = five();
    let (mut founder, mut other, mut out) = (base.clone(), base.clone(), base);
    remove(&mut founder, FOUNDER, 3);
    out.insert_all(&bytes(founder.notice(&key(3), &key(FOUNDER), &out.heads()))).unwrap();
    assert!(!is_in(&out, 3));
    // Two leads remove each other, and the one who loses meets the removed device first.
    remove(&mut founder, FOUNDER, 2);
    remove(&mut other, 2, FOUNDER);
    out.insert_all(&bytes(other.lacking(&out.heads()))).unwrap();
    assert!(is_in(&out, 3) && !is_in(&out, FOUNDER), "as far as it can know");
    // The founder's device never takes that removal in, from either of them.
    out.insert_all(&bytes(founder.notice(&key(3), &key(FOUNDER), &out.heads()))).unwrap();
    assert!(!is_in(&out, 3) && is_in(&out, FOUNDER) && !is_in(&out, 2));
}

#[test]
fn a_removed_device_believes_somebody_who_came_after_it() {
    let mut team = five();
    let mut out = team.clone();
    remove(&mut team, FOUNDER, 3);
    add(&mut team, FOUNDER, 6, Role::Responder);
    let later = team.heads();
    remove(&mut team, FOUNDER, 5);
    let told = team.notice(&key(3), &key(6), &out.heads());
    assert!(told.iter().any(|(hash, _)| later.contains(hash)), "what makes the teller a member");
    out.insert_all(&bytes(told)).unwrap();
    assert!(!is_in(&out, 3) && is_in(&out, 6) && is_in(&out, 5), "and nothing that came later");
}
