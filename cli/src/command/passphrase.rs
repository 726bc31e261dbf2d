use std::path::Path;

use firsthand_node::{Environment, Node};

use crate::fail::Fail;
use crate::home::{Session, replacement, secret};

/// Changes the passphrase. The old one opens the home first, so a wrong one is told before a new one is asked for.
pub(super) async fn change(session: &Session, new_file: Option<&Path>) -> Result<(), Fail> {
    let old = session.passphrase()?;
    let node = Node::open(&session.home, secret(&old), Environment::laptop()).await?;
    session
        .work(node, async |node| {
            let new = replacement(new_file)?;
            Ok(node.change_passphrase(secret(&old), secret(&new)).await?)
        })
        .await?;
    session
        .out
        .note("The passphrase is changed. A backup of the home made earlier still opens with the old one.");
    Ok(())
}
