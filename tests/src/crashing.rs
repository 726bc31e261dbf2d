//! What the program that is killed and the test that kills it share.

use std::path::Path;
use std::sync::Arc;

use firsthand_node::{Environment, Ledger, NodeError, Opening, Passphrase};
use firsthand_store::{Home, SlotOptions, StoreError, Unlock};

use crate::TestVault;
use crate::dice::source;

/// The line before an action.
pub const BEGIN: &str = "-";
/// The key of the home.
pub const KEY: [u8; 32] = [9; 32];
/// The installation number does not change: a killed program is no copy.
pub const VAULT: TestVault = TestVault([9; 16]);

/// Opens the home; makes it where there is none, or where making it was cut off.
///
/// # Errors
/// As the ledger's.
pub fn open(dir: &Path, seed: u64) -> Result<Ledger, NodeError> {
    let opening =
        |home| Opening { home, unlock: Unlock::RawKey(&KEY), vault: &VAULT, slot: SlotOptions::FLOOR };
    match Home::open(dir) {
        Ok(home) => Ledger::open(opening(home)),
        Err(StoreError::NoHome) => {
            let home = Home::create(dir)?;
            Ledger::create_team(opening(home), "Harbour", "Amina", &mut source(seed, 9))
        }
        Err(error) => Err(error.into()),
    }
}

/// The passphrase of homes that meet over sockets.
#[must_use]
pub fn passphrase() -> Passphrase {
    Passphrase::new("the river is high".to_owned())
}

/// A laptop whose passphrases are cheap to try.
#[must_use]
pub fn environment() -> Environment {
    Environment { vault: Arc::new(VAULT), slot: SlotOptions::FLOOR, ..Environment::laptop() }
}
