//! Devices of a team: real homes, real ledgers, a key that is known.

use std::fs::{self, File};
use std::path::Path;

use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::meeting::{Answer, Question};
use firsthand_node::{DeviceKeys, Ledger, Opening, Role};
use firsthand_store::{Home, KeyVault, SlotOptions, Unlock, VaultError};
use firsthand_team::JoinRequest;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::Outcome;

/// The data key of every home. A raw key, so that stretching a passphrase, which is slow on purpose, does not count.
pub(crate) const KEY: [u8; 32] = [7; 32];

/// What tells one installation from another. Given here, so that a copied home goes on with its chain: the
/// benchmarks never use a home and its copy at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installation(pub(crate) u8);

impl KeyVault for Installation {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn installation(&self, _: &Path) -> Result<[u8; 16], VaultError> {
        Ok([self.0; 16])
    }
}

/// One device of the team.
pub(crate) struct Device {
    pub(crate) ledger: Ledger,
    pub(crate) rng: ChaCha20Rng,
}

impl Device {
    /// The device of the person who founds the team.
    pub(crate) fn found(dir: &Path, installation: Installation) -> Outcome<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(installation.0));
        let opening = opening(Home::create(dir)?, &installation);
        let ledger = Ledger::create_team(opening, "Harbour", "Amina", &mut rng)?;
        Ok(Self { ledger, rng })
    }

    /// A device that `lead` admits.
    pub(crate) fn join(lead: &mut Self, dir: &Path, installation: Installation) -> Outcome<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(installation.0));
        let keys = DeviceKeys::generate(&mut rng)?;
        let team = lead.ledger.identity().team;
        let exchange = keys.exchange().public()?;
        let request = JoinRequest::sign(keys.signing(), &team, &exchange, "Bruno")?;
        let question = Question::Admit { request, exchange, role: Role::Responder };
        let Answer::Admitted { result, .. } = lead.ledger.answer(question, at(UnixMillis(0))) else {
            return Err("admit a device".into());
        };
        let (_, operations) = result?;
        let opening = opening(Home::create(dir)?, &installation);
        let ledger = Ledger::create_joined(opening, keys, &team, &operations, &mut rng)?;
        Ok(Self { ledger, rng })
    }

    /// A home as it lies on the disk.
    pub(crate) fn open(dir: &Path, installation: Installation) -> Outcome<Self> {
        let ledger = Ledger::open(opening(Home::open(dir)?, &installation))?;
        Ok(Self { ledger, rng: ChaCha20Rng::seed_from_u64(u64::from(installation.0) << 8) })
    }

    /// Closes the home in order, so that everything stands in the database file.
    pub(crate) fn close(self) -> Outcome<()> {
        self.ledger.lock()?;
        Ok(())
    }

    /// Brings the full-text index up to date.
    pub(crate) fn index_text(&mut self) -> Outcome<()> {
        while self.ledger.index_text()? {}
        Ok(())
    }
}

fn opening<'a>(home: Home, installation: &'a Installation) -> Opening<'a> {
    Opening { home, unlock: Unlock::RawKey(&KEY), vault: installation, slot: SlotOptions::default() }
}

/// A moment as the person's phone shows it.
pub(crate) const fn at(moment: UnixMillis) -> LocalTime {
    LocalTime { at: moment, offset_minutes: 120 }
}

/// Copies a closed home, and waits until it is on the disk: bytes still on their way there would slow down what is
/// timed next.
pub(crate) fn copy_home(from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_home(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}
