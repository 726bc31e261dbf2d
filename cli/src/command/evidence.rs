//! Evidence for people outside the team: a folder that anybody can check.

use firsthand_node::evidence::{FileVerdict, Signed, Verdict, verify};
use firsthand_record::{ConsentStep, Evidence, PeopleVisible};
use serde::Serialize;

use super::incident::attach::{Attachment, human as human_file};
use crate::args::{DestroyEvidenceArgs, EvidenceCommand, ExportEvidenceArgs, VerifyEvidenceArgs};
use crate::fail::{Fail, Status};
use crate::home::Session;
use crate::show::Out;
use crate::show::progress::Bar;
use crate::show::{text, when};

#[derive(Serialize)]
struct Exported {
    folder: String,
    files: usize,
    /// Names of files that show people who can be recognised, and of whose consent to share it nothing is recorded.
    without_consent: Vec<String>,
}

/// A verdict in machine output.
#[derive(Serialize)]
struct Shown {
    holds: bool,
    incident: String,
    exported: By,
    /// Whether the folder is as that device signed it.
    sealed: bool,
    files: Vec<ShownFile>,
    /// What lies in the folder besides.
    others: Vec<String>,
}

#[derive(Serialize)]
struct By {
    device: String,
    name: String,
    at: Option<String>,
}

#[derive(Serialize)]
struct DestroyedBy {
    #[serde(flatten)]
    by: By,
    reason: String,
}

#[derive(Serialize)]
struct ShownFile {
    path: Option<String>,
    document: String,
    sha256: Option<String>,
    byte_len: Option<u64>,
    captured: Option<serde_json::Value>,
    capture_path: Option<&'static str>,
    recorded: Option<By>,
    witnesses: Vec<By>,
    /// Other devices that signed to have seen the recording device's chain so far.
    seen: Vec<By>,
    /// Who destroyed its key, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed: Option<DestroyedBy>,
    problems: Vec<String>,
}

/// Does what the command line says.
pub(crate) async fn run(session: &Session, command: EvidenceCommand) -> Result<(), Fail> {
    match command {
        EvidenceCommand::Export(args) => export(session, args).await,
        EvidenceCommand::Verify(args) => check(session.out, args).await,
        EvidenceCommand::Destroy(args) => destroy(session, &args).await,
    }
}

async fn export(session: &Session, args: ExportEvidenceArgs) -> Result<(), Fail> {
    if args.to.exists() {
        return Err(Fail::input("to", "exists already, and is not overwritten"));
    }
    let (files, without_consent) = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let view = node.incident(id).await?;
            let bar = Bar::of_bytes("writing");
            let files = node.export_evidence(id, args.file.clone(), &args.to, bar.report()).await?;
            let chosen = |name: &str, hash: &str| {
                args.file.is_empty() || args.file.iter().any(|it| it == name || hash.starts_with(it.as_str()))
            };
            let bare = view.attachments.iter().filter(|it| {
                chosen(&it.name, &it.hash.to_string()) && recognised(&it.record) && !may_be_shared(&it.record)
            });
            Ok((files, bare.map(|it| it.name.clone()).collect::<Vec<_>>()))
        })
        .await?;
    session.out.note("written in the clear: outside the home nothing protects it");
    let exported = Exported { folder: args.to.display().to_string(), files, without_consent };
    session.out.data(&exported, |it| {
        let mut lines = vec![format!("{}: {}", it.folder, text::count(it.files as u64, "file", "files"))];
        for name in &it.without_consent {
            let name = text::line(name);
            lines.push(format!(
                "  {name} shows people who can be recognised; no consent to share it is recorded"
            ));
        }
        lines.push(format!("anybody can check it with: firsthand evidence verify {}", it.folder));
        lines.join("\n")
    })
}

async fn destroy(session: &Session, args: &DestroyEvidenceArgs) -> Result<(), Fail> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Fail::input("reason", "is empty: who reads the record later needs to know why"));
    }
    let view = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            Ok(node.destroy_file(id, &args.name, reason).await?)
        })
        .await?;
    if view.destroyed.is_none() {
        session.out.note("proposed only: a lead destroys it with the same command");
    }
    session.out.data(&Attachment::from(&view), |_| human_file(&view))
}

fn recognised(record: &Evidence) -> bool {
    record.people_visible == Some(PeopleVisible::Identifiable)
}

fn may_be_shared(record: &Evidence) -> bool {
    let withdrawn = record.consent.iter().any(|step| step.consent.withdrawn_at.is_some());
    let shared = |step: &ConsentStep| step.consent.share_network || step.consent.share_public;
    !withdrawn && record.consent.iter().any(shared)
}

async fn check(out: Out, args: VerifyEvidenceArgs) -> Result<(), Fail> {
    let bar = Bar::of_bytes("reading");
    let report = bar.report();
    let folder = args.folder.clone();
    let verifying =
        tokio::task::spawn_blocking(move || verify(&folder, &mut |done, total| report(done, total)));
    let verdict = verifying.await.map_err(|_| Fail::other("failed", "the check ended before its time"))?;
    drop(bar);
    let verdict =
        verdict.map_err(|error| Fail::new(Status::BadInput, "bad_evidence", format!("failed to {error}")))?;
    out.data(&shown(&verdict), |_| human(&verdict))?;
    if verdict.holds() {
        return Ok(());
    }
    Err(Fail::new(Status::Damage, "not_proven", "not everything in the folder is proven; see above"))
}

fn by(signed: &Signed) -> By {
    By {
        device: signed.device.to_string(),
        name: signed.name.clone(),
        at: signed.at.map(|at| at.to_string()),
    }
}

fn shown(verdict: &Verdict) -> Shown {
    let file = |file: &FileVerdict| ShownFile {
        path: file.path.clone(),
        document: file.document.to_string(),
        sha256: file.record.as_ref().map(|record| record.sha256.to_string()),
        byte_len: file.record.as_ref().map(|record| record.byte_len),
        captured: file.record.as_ref().and_then(|it| serde_json::to_value(it.captured.as_ref()?).ok()),
        capture_path: file.record.as_ref().map(|record| record.capture_path.code()),
        recorded: file.recorded.as_ref().map(by),
        witnesses: file.witnesses.iter().map(by).collect(),
        seen: file.seen.iter().map(by).collect(),
        destroyed: file
            .destroyed
            .as_ref()
            .map(|(signed, reason)| DestroyedBy { by: by(signed), reason: reason.clone() }),
        problems: file.problems.clone(),
    };
    Shown {
        holds: verdict.holds(),
        incident: verdict.short_code.clone(),
        exported: by(&verdict.exported),
        sealed: verdict.sealed,
        files: verdict.files.iter().map(file).collect(),
        others: verdict.others.clone(),
    }
}

fn human(verdict: &Verdict) -> String {
    let mut lines = Vec::new();
    let said = |signed: &Signed| {
        let at = signed.at.map(when::moment).unwrap_or_default();
        format!("{} (device {}), {at}", text::line(&signed.name), signed.device.short())
    };
    for file in &verdict.files {
        let name = match (&file.path, &file.record) {
            (Some(path), _) => text::line(path),
            (None, Some(record)) => text::line(record.original_name.as_deref().unwrap_or("a file")),
            (None, None) => "a file".to_owned(),
        };
        let word = match (file.problems.is_empty(), &file.path) {
            (true, Some(_)) => "proven",
            (true, None) if file.destroyed.is_some() => "proven, the file itself destroyed",
            (true, None) => "proven, the file itself left out",
            (false, _) => "NOT PROVEN",
        };
        lines.push(format!("{name}: {word}"));
        lines.extend(file.problems.iter().map(|problem| format!("  {problem}")));
        if let Some(recorded) = &file.recorded {
            lines.push(format!("  recorded by {}", said(recorded)));
        }
        if let Some(first) = file.seen.first() {
            let devices = text::count(file.seen.len() as u64, "other device", "other devices");
            lines.push(format!("  seen by {devices}, first by {}", said(first)));
        }
        if let Some((by, reason)) = &file.destroyed {
            lines.push(format!("  destroyed by {}: {}", said(by), text::line(reason)));
        }
        lines.extend(file.witnesses.iter().map(|witness| format!("  built on by {}", said(witness))));
    }
    let exported = said(&verdict.exported);
    lines.push(if verdict.sealed {
        format!("folder written by {exported}, unchanged since")
    } else {
        format!("folder said to be written by {exported}: NOT PROVEN, something in evidence.json was changed")
    });
    for other in &verdict.others {
        lines.push(format!("{}: nothing in the folder speaks of it", text::line(other)));
    }
    lines.push("times are those of the devices' own clocks; names are what the folder says".to_owned());
    lines.join("\n")
}
