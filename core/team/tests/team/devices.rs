//! Further devices of one person: what is handed from one to another, and that both signatures are needed.

use firsthand_team::{
    Body, DeviceProposal, DeviceRequest, Invitation, Membership, Operation, Role, TeamError, person_id,
};

use crate::support::{exchange, request, secret, team};

/// A team of a lead (1) and a responder (2).
fn two() -> Membership {
    let mut team = team();
    let asked = request(team.team(), 2);
    team.add(&secret(1), &asked, exchange(2), Role::Responder).unwrap();
    team
}

/// The responder's device stands by the device 3.
fn proposal(team: &Membership) -> DeviceProposal {
    let person = person_id(&secret(2).key());
    let asked = DeviceRequest::sign(&secret(3), team.team(), &person, &exchange(3));
    assert_eq!(DeviceRequest::decode(&asked.encode()), Ok(asked.clone()));
    team.endorse(&secret(2), &asked, exchange(3)).unwrap()
}

#[test]
fn a_proposal_becomes_a_device_of_whoever_endorsed_it() {
    let mut team = two();
    let mut proposal = proposal(&team);
    proposal.addresses = vec!["192.168.4.1:4810".to_owned()];
    let code = proposal.to_code();
    assert!(code.starts_with("FHE1") && code.len() < 480, "{}", code.len());
    assert_eq!(DeviceProposal::from_code(&code.to_lowercase()), Ok(proposal.clone()));
    assert_eq!(team.admit_device(&secret(2), &proposal).unwrap_err(), TeamError::NotAllowed);
    team.admit_device(&secret(1), &proposal).unwrap();
    let roster = team.roster();
    assert_eq!(roster.owner(&secret(3).key()), Some(person_id(&secret(2).key())));
    assert_eq!(roster.members.len(), 2);
}

#[test]
fn nothing_in_a_proposal_can_be_changed() {
    let team = two();
    let code = proposal(&team).to_code();
    let bytes = data_encoding::BASE32_NOPAD.decode(&code.as_bytes()[4..]).unwrap();
    let content = &bytes[..bytes.len() - 4];
    for bit in 0..content.len() * 8 {
        let mut flipped = content.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Whoever alters a code can compute its check too.
        let sum = firsthand_ids::sha256(&flipped);
        flipped.extend_from_slice(&sum[..4]);
        let code = format!("FHE1{}", data_encoding::BASE32_NOPAD.encode(&flipped));
        let taken =
            DeviceProposal::from_code(&code).and_then(|it| team.clone().admit_device(&secret(1), &it));
        assert!(taken.is_err(), "bit {bit}");
    }
    for end in 0..code.len() {
        assert_eq!(DeviceProposal::from_code(&code[..end]), Err(TeamError::Invitation));
    }
    assert_eq!(DeviceProposal::from_code(&"A".repeat(1 << 20)), Err(TeamError::Invitation));
}

#[test]
fn a_request_is_for_its_team_person_and_channel_alone() {
    let team = two();
    let (own, other) = (person_id(&secret(2).key()), person_id(&secret(1).key()));
    let by = secret(2);
    let sign = |team: &firsthand_ids::TeamId, person, channel| {
        DeviceRequest::sign(&secret(3), team, person, &exchange(channel))
    };
    let right = sign(team.team(), &own, 3);
    assert!(team.endorse(&by, &right, exchange(3)).is_ok());
    for wrong in [sign(team.team(), &other, 3), sign(&[0; 32].into(), &own, 3), sign(team.team(), &own, 4)] {
        assert_eq!(team.endorse(&by, &wrong, exchange(3)), Err(TeamError::Signature));
    }
    // Agreeing to be added as a person is not agreeing to be somebody's device, nor the other way round.
    let person = request(team.team(), 3);
    let asked = DeviceRequest { device: person.device, consent: person.consent };
    assert_eq!(team.endorse(&by, &asked, exchange(3)), Err(TeamError::Signature));
    assert_eq!(team.endorse(&secret(9), &right, exchange(3)), Err(TeamError::NotAllowed));
    let theirs = DeviceRequest::sign(&secret(1), team.team(), &own, &exchange(1));
    assert_eq!(team.endorse(&by, &theirs, exchange(1)), Err(TeamError::KeyTaken));
}

#[test]
fn a_lead_alone_and_an_endorsement_alone_add_nothing() {
    let mut team = two();
    let proposal = proposal(&team);
    let person = person_id(&secret(2).key());
    let (device, channel) = (secret(3).key(), exchange(3));
    // The lead signs for the person's device.
    let forged = secret(1).sign(&Operation::device_endorsement(team.team(), &person, &device, &channel));
    let mut alone = proposal.clone();
    alone.endorsement = forged;
    assert_eq!(team.admit_device(&secret(1), &alone).unwrap_err(), TeamError::Signature);
    // An honest endorsement in an operation of somebody who may not add: kept, and without effect.
    let body = Body::AddDevice {
        person,
        device,
        exchange: channel,
        consent: proposal.consent,
        by: proposal.by,
        endorsement: proposal.endorsement,
    };
    let id = *team.team();
    let operation = Operation::sign(&secret(2), Some(&id), 1, team.heads(), body);
    team.insert(&operation.encode()).unwrap();
    assert_eq!(team.roster().owner(&device), None);
}

#[test]
fn an_invitation_of_a_device_names_its_person_and_is_none_of_a_person() {
    let invitation = |device_of| Invitation {
        team: *two().team(),
        inviter: [1; 16],
        secret: [2; 16],
        device_of,
        addresses: vec!["a:1".to_owned()],
    };
    let (plain, device) = (invitation(None), invitation(Some(person_id(&secret(2).key()))));
    for (invitation, prefix) in [(&plain, "FH1"), (&device, "FHD1")] {
        let code = invitation.to_code();
        assert!(code.starts_with(prefix));
        assert_eq!(Invitation::from_code(&code).as_ref(), Ok(invitation));
    }
    let code = device.to_code();
    let swapped = code.replacen("FHD1", "FH1", 1);
    assert!(Invitation::from_code(&swapped).is_err(), "a person's length where addresses are counted");
    assert_eq!(DeviceProposal::from_code(&code), Err(TeamError::Invitation));
}
