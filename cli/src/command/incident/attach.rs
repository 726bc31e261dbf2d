//! Files of an incident, and of a run of a checklist.

use firsthand_node::ids::DocumentId;
use firsthand_node::{
    AttachmentView, CustodyView, DestroyedView, DocumentKind, Edit, FormView, ManifestState, NewFile,
    NoForms, Node,
};
use firsthand_record::{
    C2paState, Captured, CodeList, ConsentStep, Moment, PeopleVisible, Place, PlaceSource, Tombstone,
    VariantKind,
};
use serde::Serialize;
use serde_json::Value;

use super::Mark;
use crate::args::{AttachArgs, CopyFileArgs, DescribeFileArgs, FileSaidArgs, SaveFileArgs, VerifyFileArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::read::{self, field, items, place, time};
use crate::show::progress::Bar;
use crate::show::{text, when};

/// An attached file, in machine output.
#[derive(Serialize)]
pub(crate) struct Attachment {
    document: String,
    sha256: String,
    byte_len: u64,
    mime: String,
    name: String,
    caption: String,
    /// Whether its bytes are on this device.
    here: bool,
    /// Whether it came and was another file than its record says.
    refused: bool,
    /// Smaller forms that it has.
    forms: Vec<Form>,
    /// Why there are none, after attaching a photo that got none: `kind`, `too_large` or `broken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_forms: Option<&'static str>,
    capture_path: &'static str,
    captured: Option<Captured>,
    people_visible: Option<&'static str>,
    consent: Vec<ConsentStep>,
    redacted_copy_of: Option<String>,
    /// What the signature of the device that attached it says: `valid`, `wrong` or `absent`.
    manifest: &'static str,
    c2pa_state: Option<&'static str>,
    custody: Vec<Custody>,
    /// Fields that people set to different values while apart.
    conflicts: Vec<String>,
    /// That its key was destroyed: `by` (empty where that is not known here), `at`, `reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed: Option<DestroyedFile>,
    /// Who would have it destroyed and had not the right to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destroy_proposals: Vec<DestroyedFile>,
    findings: Vec<Mark>,
}

/// Whose word it was that a file's key be destroyed.
#[derive(Serialize)]
struct DestroyedFile {
    by: String,
    at: Option<Moment>,
    reason: String,
}

impl From<&DestroyedView> for DestroyedFile {
    fn from(view: &DestroyedView) -> Self {
        Self { by: view.by.clone(), at: view.at, reason: view.reason.clone() }
    }
}

/// One thing that happened to a file.
#[derive(Serialize)]
struct Custody {
    event: &'static str,
    person: String,
    at: Option<Moment>,
}

/// A smaller form of a file.
#[derive(Serialize)]
struct Form {
    kind: &'static str,
    byte_len: u64,
    sha256: String,
    here: bool,
    refused: bool,
}

impl From<&FormView> for Form {
    fn from(view: &FormView) -> Self {
        Self {
            kind: view.kind.code(),
            byte_len: view.byte_len,
            sha256: view.hash.to_string(),
            here: view.here,
            refused: view.refused,
        }
    }
}

#[derive(Serialize)]
struct Written {
    file: String,
    variant: &'static str,
    byte_len: u64,
}

impl From<&AttachmentView> for Attachment {
    fn from(view: &AttachmentView) -> Self {
        let record = &view.record;
        Self {
            document: view.document.to_string(),
            sha256: view.hash.to_string(),
            byte_len: view.byte_len,
            mime: view.mime.clone(),
            name: view.name.clone(),
            caption: view.caption.clone(),
            here: view.here,
            refused: view.refused,
            forms: view.forms.iter().map(Form::from).collect(),
            no_forms: view.no_forms.map(|why| match why {
                NoForms::Kind => "kind",
                NoForms::TooLarge => "too_large",
                NoForms::Broken => "broken",
            }),
            capture_path: record.capture_path.code(),
            captured: record.captured.clone(),
            people_visible: record.people_visible.map(CodeList::code),
            consent: record.consent.clone(),
            redacted_copy_of: record.redacted_copy_of.map(|id| id.to_string()),
            manifest: view.manifest.code(),
            c2pa_state: record.c2pa_state.map(CodeList::code),
            custody: view.custody.iter().map(custody).collect(),
            conflicts: view.conflicts.clone(),
            destroyed: view.destroyed.as_ref().map(DestroyedFile::from),
            destroy_proposals: view.destroy_proposals.iter().map(DestroyedFile::from).collect(),
            findings: view.findings.iter().map(Mark::from).collect(),
        }
    }
}

fn custody(step: &CustodyView) -> Custody {
    Custody { event: step.event.code(), person: step.person.clone(), at: step.at }
}

/// The file for a person: a line, and under it what is to be known before it is used.
pub(crate) fn human(view: &AttachmentView) -> String {
    let here = match (view.here, view.refused) {
        _ if view.destroyed.is_some() => ", destroyed",
        (true, _) => "",
        (false, false) => ", not on this device yet",
        (false, true) => ", set aside",
    };
    let caption =
        if view.caption.is_empty() { String::new() } else { format!(": {}", text::line(&view.caption)) };
    let mut lines = vec![format!(
        "{} ({}, {}{here}){caption}",
        text::line(&view.name),
        text::line(&view.mime),
        text::bytes(view.byte_len)
    )];
    let mut say = |line: String| lines.push(format!("  {line}"));
    let by = |it: &DestroyedView| {
        let at = it.at.map(when::moment).unwrap_or_default();
        format!("by {} {at}: {}", text::line(&it.by), text::line(&it.reason))
    };
    match &view.destroyed {
        Some(it) if it.by.is_empty() => {
            say(String::from("destroyed: its key is gone. Who asked for it is not known here"));
        }
        Some(it) => say(format!("destroyed {}", by(it))),
        None => {}
    }
    for it in &view.destroy_proposals {
        say(format!("? to be destroyed, if a lead agrees, {}", by(it)));
    }
    if view.refused {
        say(String::from("! the file that came is not what this record says; it was set aside"));
    }
    for finding in &view.findings {
        say(format!("? {finding}"));
    }
    if !view.conflicts.is_empty() {
        say(format!("! people say different things about: {}", text::line(&view.conflicts.join(", "))));
    }
    match view.manifest {
        ManifestState::Valid => say(String::from("signed by the device that attached it")),
        ManifestState::Wrong => {
            say(String::from("! the signature is wrong: do not rely on what this record says of the file"));
        }
        ManifestState::Absent => say(String::from("not signed by the device that attached it")),
    }
    if view.record.c2pa_state == Some(C2paState::Unknown) {
        say(String::from("carries content credentials (C2PA), which were not checked"));
    }
    if let Some(why) = view.no_forms {
        say(String::from(match why {
            NoForms::Kind => {
                "? no smaller form travels ahead of it: photos of this kind cannot be made smaller here"
            }
            NoForms::TooLarge => {
                "? no smaller form travels ahead of it: the photo is too large to be made smaller here"
            }
            NoForms::Broken => "? no smaller form travels ahead of it: the photo cannot be read",
        }));
    }
    for form in &view.forms {
        let here = match (form.here, form.refused) {
            _ if view.destroyed.is_some() => ", destroyed",
            (_, true) => ", refused: not what the record says",
            (true, _) => "",
            (false, _) => ", not on this device yet",
        };
        say(format!("{}: {}{here}", form.kind.label().to_lowercase(), text::bytes(form.byte_len)));
    }
    for line in view.record.captured.iter().flat_map(captured) {
        say(line);
    }
    if let Some(people) = view.record.people_visible {
        say(format!("people: {}", people.label().to_lowercase()));
    }
    if view.record.consent.iter().any(|step| step.consent.withdrawn_at.is_some()) {
        say(String::from("! somebody who can be seen took their agreement back"));
    }
    if let Some(original) = view.record.redacted_copy_of {
        say(format!("a redacted copy of file {}", original.short()));
    }
    for step in &view.custody {
        let at = step.at.map(when::moment).unwrap_or_default();
        say(format!("{} by {} {at}", step.event.label().to_lowercase(), text::line(&step.person)));
    }
    lines.join("\n")
}

/// When, where and with what it was made, and which of it only the file says.
fn captured(captured: &Captured) -> Vec<String> {
    let by = |name: &str| {
        if captured.from_file.iter().any(|field| field == name) { ", the file says" } else { "" }
    };
    let mut lines = Vec::new();
    if let Some(time) = captured.time {
        lines.push(format!("made {}{}", when::moment(time), by("time")));
    } else if let Some(time) = captured.local_time {
        let time = time.format("%Y-%m-%d %H:%M");
        lines.push(format!("made {time} by a clock of an unknown zone{}", by("local_time")));
    }
    if let Some(place) = &captured.place {
        lines.push(format!("at {:.5}, {:.5}{}", place.lat.0, place.lon.0, by("place")));
    }
    if let Some(model) = &captured.device_model {
        lines.push(format!("with {}{}", text::line(model), by("device_model")));
    }
    lines
}

/// What files are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Incident,
    Run,
}

impl Holder {
    async fn find(self, node: &Node, typed: &str) -> Result<DocumentId, Fail> {
        Ok(match self {
            Self::Incident => node.find(typed).await?,
            Self::Run => node.find_record(DocumentKind::Run, typed).await?,
        })
    }
}

/// Attaches a file.
pub(super) async fn attach(session: &Session, args: &AttachArgs) -> Result<(), Fail> {
    let said = said(&args.said)?;
    let view = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let mut said = said;
            said.as_it_is = args.as_it_is;
            if let Some(original) = &args.redacted_copy_of {
                said.redacted_copy_of = Some(node.find_file(id, original).await?);
            }
            let bar = Bar::of_bytes("sealing");
            Ok(node.attach_file(id, &args.file, said, bar.report()).await?)
        })
        .await?;
    session.out.data(&Attachment::from(&view), |_| human(&view))
}

/// Makes a copy that can be given away.
pub(super) async fn copy(session: &Session, args: &CopyFileArgs) -> Result<(), Fail> {
    let said = NewFile { name: args.as_name.clone().unwrap_or_default(), ..said(&args.said)? };
    let view = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let bar = Bar::of_bytes("copying");
            Ok(node.copy_file(id, &args.name, said, bar.report()).await?)
        })
        .await?;
    session.out.data(&Attachment::from(&view), |_| human(&view))
}

/// What the arguments say about a new file.
pub(crate) fn said(args: &FileSaidArgs) -> Result<NewFile, Fail> {
    let bad = |field: &'static str| move |reason: String| Fail::input(field, reason);
    let mut captured = Captured { device_model: args.device_model.clone(), ..Captured::default() };
    captured.time = args.captured.as_deref().map(time::moment).transpose().map_err(bad("captured.time"))?;
    if let Some(point) = &args.captured_at {
        let (lat, lon) =
            place::coordinates(point, "captured.place").map_err(|detail| Fail::inputs(vec![detail]))?;
        captured.place = Some(Place::new(lat, lon, PlaceSource::Description));
    }
    Ok(NewFile {
        caption: args.caption.clone(),
        captured: Some(captured).filter(|captured| *captured != Captured::default()),
        people_visible: args.people.as_deref().map(read::code).transpose().map_err(bad("people_visible"))?,
        consent: args.consent.as_deref().map(items::consent).transpose().map_err(bad("consent"))?,
        ..NewFile::default()
    })
}

/// Says more about a file.
pub(crate) async fn describe(session: &Session, of: Holder, args: &DescribeFileArgs) -> Result<(), Fail> {
    let bad = |field: &'static str| move |reason: String| Fail::input(field, reason);
    let add = |list: &str, value: Value| Edit::Add { list: list.to_owned(), value };
    let mut edits = Vec::new();
    if let Some(text) = &args.caption {
        edits.push(Edit::ReplaceText { field: "caption".to_owned(), text: text.clone() });
    }
    if let Some(people) = &args.people {
        let code: PeopleVisible = read::code(people).map_err(bad("people_visible"))?;
        edits.push(Edit::Set { field: "people_visible".to_owned(), value: Value::from(code.code()) });
    }
    if let Some(consent) = &args.consent {
        let consent = items::consent(consent).map_err(bad("consent"))?;
        let step = ConsentStep { consent, ..ConsentStep::default() };
        edits.push(add("consent", field::json(step).map_err(bad("consent"))?));
    }
    if args.withdraw_consent {
        let mut step = ConsentStep::default();
        step.consent.withdrawn_at = Moment::from_chrono(chrono::Local::now().fixed_offset());
        edits.push(add("consent", field::json(step).map_err(bad("consent"))?));
    }
    let view = session
        .with_node(async |node| {
            let id = of.find(node, &args.id).await?;
            let mut edits = edits;
            if let Some(reason) = &args.hide {
                let by = Some(node.team().await?.me);
                let mark = Tombstone { key: String::new(), reason: reason.clone(), by };
                edits.push(add("tombstone", field::json(mark).map_err(bad("tombstone"))?));
            }
            Ok(node.describe_attachment(id, &args.name, edits).await?)
        })
        .await?;
    session.out.data(&Attachment::from(&view), |_| human(&view))
}

/// Verifies a file.
pub(crate) async fn verify(session: &Session, of: Holder, args: &VerifyFileArgs) -> Result<(), Fail> {
    let byte_len = session
        .with_node(async |node| {
            let id = of.find(node, &args.id).await?;
            let bar = Bar::of_bytes("reading");
            Ok(node.verify_attachment(id, &args.name, bar.report()).await?)
        })
        .await?;
    let variant = VariantKind::Original.code();
    let verified = Written { file: args.name.clone(), variant, byte_len };
    session.out.data(&verified, |it| {
        format!("{} ({}) is what its record says", text::line(&it.file), text::bytes(it.byte_len))
    })
}

/// Writes an attached file outside the home.
pub(crate) async fn save_file(session: &Session, of: Holder, args: &SaveFileArgs) -> Result<(), Fail> {
    if args.to.exists() {
        return Err(Fail::input("to", "exists already, and is not overwritten"));
    }
    let form: VariantKind = read::code(&args.variant).map_err(|reason| Fail::input("variant", reason))?;
    let byte_len = session
        .with_node(async |node| {
            let id = of.find(node, &args.id).await?;
            let bar = Bar::of_bytes("writing");
            Ok(if args.clean {
                node.save_clean(id, &args.name, &args.to, bar.report()).await?
            } else {
                node.save_attachment(id, &args.name, form, &args.to, bar.report()).await?
            })
        })
        .await?;
    session.out.note("written in the clear: outside the home nothing protects it");
    let written = Written { file: args.to.display().to_string(), variant: form.code(), byte_len };
    session.out.data(&written, |it| format!("{} ({})", it.file, text::bytes(it.byte_len)))
}
