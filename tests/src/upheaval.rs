//! People are removed and return in the middle of everything else, remove each other while apart, and lose their last lead.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DeviceKey, OperationHash, PersonId};
use firsthand_log::Vector;
use firsthand_node::{Ledger, NodeError, Role};
use firsthand_team::{Reason, Target, TeamError};

use crate::device::Crash;
use crate::expected::held;
use crate::{Run, World, verdict};

/// How often everybody may have to meet everybody until nothing is new: a removal that undoes another travels once more.
const MOST_ROUNDS: usize = 8;

impl Run {
    /// Twice people work, are removed and return while everything goes wrong; and twice all meet whom the team still has.
    pub(crate) fn play_removals(mut self) -> World {
        for part in [3, 2] {
            self.work(self.size.actions * part / 5);
            self.put_right();
            self.meet_until_nothing_is_new();
            // Not everybody whose phone runs is known to the team: who let them in may have been removed before.
            for device in self.world.up() {
                if self.leads().is_empty() {
                    self.recover(device);
                    self.meet_until_nothing_is_new();
                }
            }
            assert!(!self.leads().is_empty(), "the codes make a new lead");
            self.compare_those_who_stay();
            self.world.calm = false;
        }
        self.world
    }

    fn people(&mut self, device: usize) -> Vec<(PersonId, DeviceKey)> {
        let devices = self.world.devices[device].ledger().devices();
        devices.into_iter().map(|it| (it.person, it.device)).collect()
    }

    /// Something about who belongs to the team.
    pub(crate) fn upheaval(&mut self, device: usize) {
        let people = self.people(device);
        let (person, key) = self.dice.pick(&people);
        let reason = self.dice.pick(&[Reason::Left, Reason::Lost, Reason::Seized, Reason::Removed]);
        match self.dice.below(100) {
            0..25 => self.change(device, "removes somebody", |ledger| {
                ledger.revoke(Target::Person(person), reason).map(drop)
            }),
            25..35 => self.change(device, "removes a device", |ledger| {
                ledger.revoke(Target::Device(key), reason).map(drop)
            }),
            35..60 => {
                let role =
                    self.dice.pick(&[Role::Lead, Role::Lead, Role::Responder, Role::Trainer, Role::ReadOnly]);
                self.change(device, "gives a role", |ledger| ledger.grant(person, role));
            }
            60..70 => self.change(device, "confirms", |ledger| match ledger.removals().last() {
                Some(last) => ledger.confirm(last.hash),
                None => Ok(()),
            }),
            70..82 => {
                let held = self.world.devices[device].ledger().quarantine().unwrap().held;
                let removed: Vec<_> = held.into_iter().filter(|it| it.reason == "removed").collect();
                if !removed.is_empty() {
                    let it = removed[self.dice.below(removed.len())].clone();
                    self.change(device, "adopts", |ledger| ledger.adopt(it.writer, it.position));
                }
            }
            82..94 => self.remove_each_other(),
            _ => self.recover(device),
        }
    }

    /// Two leads, neither of whom has heard of the other's removal.
    fn remove_each_other(&mut self) {
        let leads = self.leads();
        if leads.len() < 2 {
            return;
        }
        let (one, two) = (self.dice.pick(&leads), self.dice.pick(&leads));
        let who = [one, two].map(|it| self.world.devices[it].ledger().me());
        for (by, target) in [(one, who[1]), (two, who[0])] {
            self.change(by, "removes one who removes them", |ledger| {
                ledger.revoke(Target::Person(target), Reason::Seized).map(drop)
            });
        }
    }

    /// Enough holders of codes come together at some device.
    fn recover(&mut self, device: usize) {
        let person = self.world.devices[device].ledger().me();
        let codes = self.codes.clone().unwrap_or_default();
        let at = self.dice.below(codes.len());
        let codes: Vec<_> = codes.into_iter().cycle().skip(at).take(2).collect();
        self.change(device, "is made lead by the codes", |ledger| {
            ledger.recover(person, None, &codes).map(drop)
        });
    }

    /// Something about the team; who may not is told so, and nothing else goes wrong.
    fn change(
        &mut self,
        device: usize,
        what: &'static str,
        change: impl FnOnce(&mut Ledger) -> Result<(), NodeError>,
    ) {
        let renew = self.dice.percent(50);
        let done = self.world.write(device, |ledger, _, rng| {
            change(ledger)?;
            if renew {
                ledger.renew_keys(rng);
            }
            Ok(())
        });
        self.world.tell(|| format!("{device} {what}: {done:?}"));
        if done.is_ok() {
            *self.world.upheavals.entry(what).or_default() += 1;
        }
        let refused = |error: &NodeError| match error {
            NodeError::Team(error) => matches!(error, TeamError::NotAllowed | TeamError::NotFound),
            error => matches!(error, NodeError::Removed { .. } | NodeError::ReadOnly),
        };
        assert!(done.as_ref().err().is_none_or(refused), "{device} {what}: {done:?}");
    }

    /// Devices that may remove, by what they know themselves.
    fn leads(&mut self) -> Vec<usize> {
        let mut leads = self.world.up();
        leads.retain(|it| self.world.devices[*it].ledger().rights().remove);
        leads
    }

    /// Each meets each, until a round brings nothing new to anybody.
    fn meet_until_nothing_is_new(&mut self) {
        let open: Vec<_> = self.world.cables.keys().copied().collect();
        for id in open {
            self.world.cut(id);
        }
        self.world.settle(100_000);
        self.world.calm = true;
        let mut known = self.known();
        for _ in 0..MOST_ROUNDS {
            let up = self.world.up();
            for (at, one) in up.iter().enumerate() {
                for two in &up[..at] {
                    self.world.dial(*one, *two, true);
                    self.world.settle(300_000);
                }
            }
            assert!(self.world.cables.is_empty(), "a meeting that has nothing left to do does not end");
            let now = self.known();
            if now == known {
                return;
            }
            known = now;
        }
        panic!("after {MOST_ROUNDS} rounds there is still something new");
    }

    fn known(&mut self) -> BTreeMap<usize, (Vec<OperationHash>, Vector)> {
        let up = self.world.up();
        let known = up.into_iter().map(|it| {
            let ledger = self.world.devices[it].ledger();
            (it, (ledger.identity().heads, held(ledger)))
        });
        known.collect()
    }

    fn compare_those_who_stay(&mut self) {
        let up = self.world.up();
        let keys: BTreeMap<DeviceKey, usize> =
            up.iter().map(|it| (self.world.devices[*it].ledger().team().unwrap().device, *it)).collect();
        let admitted = |world: &mut World, it: usize| world.devices[it].ledger().is_admitted();
        let first = up.iter().copied().find(|it| admitted(&mut self.world, *it)).expect("somebody stays");
        let devices = self.world.devices[first].ledger().devices();
        let stay: BTreeSet<usize> =
            devices.iter().filter(|it| it.admitted).filter_map(|it| keys.get(&it.device).copied()).collect();
        let believe: BTreeSet<usize> =
            up.iter().copied().filter(|it| admitted(&mut self.world, *it)).collect();
        assert_eq!(believe, stay, "each knows whether it belongs to the team");
        let standing = self.world.devices[first].ledger().removals().len() as u64;
        *self.world.upheavals.entry("stands in the end").or_default() += standing;
        *self.world.upheavals.entry("is out in the end").or_default() += (up.len() - stay.len()) as u64;
        verdict::those_who_stay(&mut self.world, &self.expected, &stay, &keys);
        let number = self.dice.pick(&stay.into_iter().collect::<Vec<_>>());
        let before = self.world.devices[number].ledger().digest().unwrap();
        let how = self.dice.pick(&[Crash::Frozen, Crash::Dropped]);
        self.world.crash(number, how, false);
        self.world.restart(number);
        assert_eq!(self.world.devices[number].ledger().digest().unwrap(), before, "after starting again");
    }
}
