//! What the program that is killed and the test that kills it share.

use std::path::Path;
use std::sync::Arc;

use firsthand_node::{Environment, Event, Ledger, Node, NodeError, Opening, Passphrase, Role};
use firsthand_store::{Home, SlotOptions, StoreError, Unlock};

use crate::TestVault;
use crate::dice::source;

/// The line before an action.
pub const BEGIN: &str = "-";
/// The key of the home.
pub const KEY: [u8; 32] = [9; 32];
/// The installation number does not change: a killed program is no copy.
pub const VAULT: TestVault = TestVault([9; 16]);

/// Opens the home; makes it where there is none, or where making it was cut off, as the program then tells people to do. Who
/// has seen something acknowledged finds it missing in a home that was made anew.
///
/// # Errors
/// As the ledger's.
pub fn open(dir: &Path, seed: u64) -> Result<Ledger, NodeError> {
    let opened = reopen(dir);
    if matches!(opened, Err(NodeError::Unfinished)) {
        std::fs::remove_dir_all(dir)?;
    }
    match opened {
        Err(NodeError::Unfinished | NodeError::Store(StoreError::NoHome)) => {
            let home = Home::create(dir)?;
            let opening =
                Opening { home, unlock: Unlock::RawKey(&KEY), vault: &VAULT, slot: SlotOptions::FLOOR };
            Ledger::create_team(opening, "Harbour", "Amina", &mut source(seed, 9))
        }
        opened => opened,
    }
}

/// Opens a home that is there.
///
/// # Errors
/// As the ledger's.
pub fn reopen(dir: &Path) -> Result<Ledger, NodeError> {
    let home = Home::open(dir)?;
    Ledger::open(Opening { home, unlock: Unlock::RawKey(&KEY), vault: &VAULT, slot: SlotOptions::FLOOR })
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

/// Bruno joins over a socket, with nothing going wrong.
///
/// # Panics
/// Where something does.
pub async fn join(lead: &Node, address: &str, home: &Path) -> Node {
    let code = lead.invite(Role::Responder, vec![address.to_owned()]).await.expect("a code");
    let mut events = lead.events();
    let joining =
        Node::join(home, passphrase(), &code, "Bruno", environment()).await.expect("the lead answers");
    let confirmed = async { joining.confirm().await.expect("the lead lets him in") };
    let (other, ()) = tokio::join!(confirmed, async {
        loop {
            match events.recv().await.expect("the lead goes on") {
                Event::Words { link, .. } => lead.compared(link, true).await,
                Event::Joined { .. } => return,
                _ => {}
            }
        }
    });
    other
}
