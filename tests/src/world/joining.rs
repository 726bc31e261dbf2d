//! How devices come to belong to a team.

use firsthand_ids::UnixMillis;
use firsthand_node::meeting::{Input, InviteOptions, Invited, Opened};
use firsthand_node::{EndReason, Invitation, Ledger, LinkId, NodeError, Opening, RecoveryKeys, Role};
use firsthand_team::exchange_key_hash;
use rand_core::{CryptoRng, Rng};

use super::{Codes, World};
use crate::device::{Running, State};
use crate::join::{Applicant, Step};

impl World {
    /// A device whose person founds a team.
    pub fn found(&mut self, team: &str, name: &str) -> usize {
        self.found_with(name, |opening, rng| Ledger::create_team(opening, team, name, rng))
    }

    /// A device whose person founds a team that can be recovered; and the codes.
    pub fn found_with_recovery(&mut self, team: &str, name: &str, recovery: RecoveryKeys) -> (usize, Codes) {
        let mut codes = Codes::new();
        let number = self.found_with(name, |opening, rng| {
            let made = Ledger::create_team_with_recovery(opening, team, name, recovery, rng)?;
            codes = made.1;
            Ok(made.0)
        });
        (number, codes)
    }

    fn found_with(
        &mut self,
        name: &str,
        found: impl FnOnce(Opening<'_>, &mut dyn CryptoRng) -> Result<Ledger, NodeError>,
    ) -> usize {
        let number = self.add_device(name);
        let device = &mut self.devices[number];
        // The first thing a founding draws are the device's keys.
        let keys = firsthand_node::DeviceKeys::generate(&mut device.rng.clone()).unwrap();
        device.signing_seed = Some(*keys.signing().seed());
        let mut rng = device.rng.clone();
        let ledger = device.try_create(|opening| found(opening, &mut rng)).unwrap();
        device.rng = rng;
        assert_eq!(ledger.team().unwrap().device, keys.signing().key());
        device.state = State::Up(Running::new(ledger));
        number
    }

    /// A device that was made elsewhere.
    pub fn move_in_as(&mut self, name: &str, ledger: Ledger) -> usize {
        let number = self.add_device(name);
        self.devices[number].state = State::Up(Running::new(ledger));
        number
    }

    /// A device whose person joins `inviter`'s team, with nothing going wrong.
    pub fn join(&mut self, inviter: usize, name: &str, role: Role) -> usize {
        let number = self.add_device(name);
        let invitation = self.invite(inviter, role);
        self.apply(number, inviter, invitation).unwrap();
        self.settle(10_000);
        assert!(self.devices[number].is_up(), "{name} did not join");
        number
    }

    /// An invitation by a lead, as the code that the other phone scans.
    pub fn invite(&mut self, inviter: usize, role: Role) -> Invitation {
        let now = UnixMillis(self.now);
        let device = &mut self.devices[inviter];
        let mut secret = [0; 16];
        device.rng.fill_bytes(&mut secret);
        let State::Up(running) = &mut device.state else { panic!("nobody there to invite") };
        let options = InviteOptions { invited: Invited::Person(role), secret };
        let effects = running.meetings.handle(&mut device.rng, now, Input::Invite(options));
        assert!(effects.is_empty());
        let identity = running.ledger.identity();
        let inviter = exchange_key_hash(&identity.exchange.public().unwrap());
        let addresses = vec!["192.0.2.7:47474".to_owned()];
        let code = Invitation { team: identity.team, inviter, secret, device_of: None, addresses }.to_code();
        Invitation::from_code(&code).unwrap()
    }

    /// Somebody scans the code and dials; `None` where the inviter cannot be reached.
    pub fn apply(&mut self, number: usize, inviter: usize, invitation: Invitation) -> Option<LinkId> {
        let id = self.plug(number, inviter)?;
        let device = &mut self.devices[number];
        let (applicant, first) = Applicant::new(id, inviter, invitation, &device.name, &mut device.rng);
        device.signing_seed = Some(*applicant.keys.signing().seed());
        device.state = State::Joining(Box::new(applicant));
        let cable = self.cables.get_mut(&id)?;
        cable.taint.joining = true;
        cable.send(0, &first);
        self.input(inviter, Input::Opened(id, Opened::Accepted { once: false }));
        Some(id)
    }

    pub(super) fn applicant(&mut self, number: usize, bytes: &[u8]) {
        let device = &mut self.devices[number];
        let State::Joining(applicant) = &mut device.state else { return };
        let id = applicant.cable;
        let steps = if bytes.is_empty() { Err(EndReason::Cut) } else { applicant.on_bytes(bytes) };
        let steps = match steps {
            Ok(steps) => steps,
            Err(reason) => {
                self.devices[number].state = State::Outside;
                self.tell(|| format!("{number} does not join: {reason:?}"));
                return self.close(id, number);
            }
        };
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    if let Some(cable) = self.cables.get_mut(&id) {
                        cable.send(0, &bytes);
                    }
                }
                Step::Home(operations) => {
                    self.move_in(number, &operations);
                    self.close(id, number);
                }
            }
        }
    }

    fn move_in(&mut self, number: usize, operations: &[Vec<u8>]) {
        self.tell(|| format!("{number} has joined"));
        let device = &mut self.devices[number];
        let State::Joining(applicant) = std::mem::replace(&mut device.state, State::Outside) else { return };
        let Applicant { keys, team, .. } = *applicant;
        let mut rng = device.rng.clone();
        let ledger = device
            .try_create(|opening| Ledger::create_joined(opening, keys, &team, operations, &mut rng))
            .unwrap();
        device.rng = rng;
        device.state = State::Up(Running::new(ledger));
    }

    pub(super) fn compare(&mut self, id: LinkId) {
        let (Some(cable), Some(words)) = (self.cables.get(&id), self.words.get(&id).copied()) else { return };
        let [applicant, inviter] = cable.ends;
        if let State::Joining(applicant) = &self.devices[applicant].state {
            assert_eq!(applicant.words, Some(words), "both screens show the same words");
        }
        self.compared.insert(id);
        let same = !self.declining.contains(&id);
        self.input(inviter, Input::Compared(id, same));
    }

    pub(super) fn confirm(&mut self, id: LinkId) {
        let Some(cable) = self.cables.get_mut(&id) else { return };
        let State::Joining(applicant) = &mut self.devices[cable.ends[0]].state else { return };
        cable.send(0, &applicant.answer(true));
    }
}
