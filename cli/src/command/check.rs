use firsthand_node::CheckView;
use serde::Serialize;

use crate::fail::{Fail, Status};
use crate::home::Session;
use crate::show::fork::{self, Fork};
use crate::show::progress::Bar;
use crate::show::quarantine::{self, Quarantine};
use crate::show::recovery::{self, Recovery};
use crate::show::{table, text};

/// What a check found, in machine output.
#[derive(Serialize)]
pub(super) struct Checked {
    /// What is wrong, one line each.
    items: Vec<String>,
    pub(super) ok: bool,
    chains: u64,
    entries: u64,
    signatures: u64,
    documents: u64,
    attachments: u64,
    /// Files that are recorded and not complete here, which is no damage.
    attachments_missing: u64,
    /// Files that came and are not what their records say.
    attachments_refused: u64,
    /// Records of files whose signature is wrong, and those that have none.
    manifests_wrong: u64,
    manifests_absent: u64,
    /// What this device has lost; absent where nothing is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<Recovery>,
    /// Chains that forked, which is no damage; absent where none did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forks: Vec<Fork>,
    /// What is kept and not shown, which is no damage.
    quarantine: Quarantine,
}

#[derive(Serialize)]
struct Digest {
    digest: String,
}

/// Checks the home.
pub(super) async fn check(session: &Session) -> Result<(), Fail> {
    let checked = session
        .with_node(async |node| {
            let bar = Bar::new("checking");
            Ok(machine(node.check(bar.report()).await?))
        })
        .await?;
    session.out.data(&checked, human)?;
    if checked.ok {
        return Ok(());
    }
    let wrong = checked.items.len().max(1);
    Err(Fail::new(Status::Damage, "damaged", format!("the check found damage ({wrong})")).hint(
        "Nothing was deleted. `firsthand check --repair` keeps what verifies and says what is lost; what was exchanged with \
         other devices of the team comes back from them.",
    ))
}

pub(super) fn machine(view: CheckView) -> Checked {
    Checked {
        ok: view.problems.is_empty(),
        items: view.problems,
        chains: view.chains,
        entries: view.entries,
        signatures: view.signatures,
        documents: view.documents,
        attachments: view.attachments,
        attachments_missing: view.attachments_missing,
        attachments_refused: view.attachments_refused,
        manifests_wrong: view.manifests_wrong,
        manifests_absent: view.manifests_absent,
        recovery: recovery::machine(&view.recovery),
        forks: fork::machine(&view.forks),
        quarantine: quarantine::machine(view.quarantine),
    }
}

pub(super) fn human(checked: &Checked) -> String {
    let missing = match checked.attachments_missing {
        0 => String::new(),
        number => format!(" ({number} more are recorded and not here yet)"),
    };
    let mut out = table::pairs(&[
        ("chains", checked.chains.to_string()),
        ("entries", checked.entries.to_string()),
        ("signatures", checked.signatures.to_string()),
        ("documents", checked.documents.to_string()),
        ("attachments", format!("{}{missing}", checked.attachments)),
        ("result", if checked.ok { "everything verifies".to_owned() } else { "DAMAGE FOUND".to_owned() }),
    ]);
    for (count, what) in [
        (checked.attachments_refused, "not the file that its record says, and set aside"),
        (checked.manifests_wrong, "recorded under a signature that is wrong"),
        (checked.manifests_absent, "recorded without a signature"),
    ] {
        if count > 0 {
            out.push_str(&format!("\n! attached files {what}: {count}"));
        }
    }
    let lines = checked.recovery.as_ref().map(recovery::lines).unwrap_or_default();
    for line in
        lines.into_iter().chain(fork::lines(&checked.forks)).chain(quarantine::lines(&checked.quarantine))
    {
        out.push_str(&format!("\n! {line}"));
    }
    for problem in &checked.items {
        out.push_str(&format!("\n! {}", text::line(problem)));
    }
    out
}

/// Prints the state digest.
pub(super) async fn digest(session: &Session) -> Result<(), Fail> {
    let digest = session.with_node(async |node| Ok(node.digest().await?.to_string())).await?;
    session.out.data(&Digest { digest }, |it| it.digest.clone())
}
