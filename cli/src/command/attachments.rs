//! What files take, which of them come, and room made.

use firsthand_node::{
    FilePolicy, FormSpace, FormUse, Forms, FreeRequest, FreedFile, FreedView, Kept, SpaceView,
};
use serde::Serialize;

use crate::args::{AttachmentsCommand, FormsArg, FreeArgs, PolicyArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::text;

const MEGABYTE: u64 = 1_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Does what was typed.
pub(super) async fn run(session: &Session, command: AttachmentsCommand) -> Result<(), Fail> {
    match command {
        AttachmentsCommand::Policy(args) => policy(session, &args).await,
        AttachmentsCommand::Status => status(session).await,
        AttachmentsCommand::Free(args) => free(session, &args).await,
        AttachmentsCommand::Want { id, name } => want(session, &id, name).await,
    }
}

const fn forms(typed: FormsArg) -> Forms {
    match typed {
        FormsArg::Nothing => Forms::Nothing,
        FormsArg::Thumbs => Forms::Thumbs,
        FormsArg::Previews => Forms::Previews,
        FormsArg::Originals => Forms::Originals,
    }
}

async fn policy(session: &Session, args: &PolicyArgs) -> Result<(), Fail> {
    let policy = session
        .with_node(async |node| {
            let before = node.file_policy().await?;
            let mut policy = before.clone();
            let set = |field: &mut Forms, typed: Option<FormsArg>| *field = typed.map_or(*field, forms);
            set(&mut policy.nearby, args.nearby);
            set(&mut policy.relay, args.relay);
            set(&mut policy.metered, args.metered);
            set(&mut policy.low_battery, args.low_battery);
            policy.low_battery_percent = args.low_battery_percent.unwrap_or(policy.low_battery_percent);
            let megabytes = |typed: Option<u32>, before| typed.map_or(before, |it| u64::from(it) * MEGABYTE);
            policy.longest_nearby = megabytes(args.longest_nearby, policy.longest_nearby);
            policy.longest_relay = megabytes(args.longest_relay, policy.longest_relay);
            policy.keep_free = megabytes(args.keep_free, policy.keep_free);
            policy.tell_copies = args.tell_copies.unwrap_or(policy.tell_copies);
            if policy != before {
                node.set_file_policy(policy.clone()).await?;
                node.tell_copies().await?;
            }
            Ok(policy)
        })
        .await?;
    session.out.data(&policy, human_policy)
}

fn human_policy(policy: &FilePolicy) -> String {
    let longest = |bytes| format!("at most {} each", text::bytes(bytes));
    [
        format!("nearby: {}, {}", policy.nearby.code(), longest(policy.longest_nearby)),
        format!("through relays: {}, {}", policy.relay.code(), longest(policy.longest_relay)),
        format!("through relays while that costs by the byte: {}", policy.metered.code()),
        format!("while the battery is under {} %: {}", policy.low_battery_percent, policy.low_battery.code()),
        format!("of the disk, files leave {} free for words", text::bytes(policy.keep_free)),
        format!(
            "tells others which long files are here, so that they may let go of theirs: {}",
            if policy.tell_copies { "yes" } else { "no" }
        ),
    ]
    .join("\n")
}

/// Where files stand, in machine output.
#[derive(Serialize)]
struct Status {
    items: Vec<Form>,
    /// Bytes on the disk: files that are complete, what has come of others, everything else.
    files_bytes: u64,
    arriving_bytes: u64,
    rest_bytes: u64,
    /// What is still free on the disk; absent where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
    /// Files that are to come, and that the disk has no room for.
    no_room: Count,
}

#[derive(Serialize)]
struct Form {
    kind: &'static str,
    here: Count,
    wanted: Count,
    held_back: Count,
    freed: Count,
}

#[derive(Serialize)]
struct Count {
    files: u64,
    bytes: u64,
}

impl From<FormUse> for Count {
    fn from(it: FormUse) -> Self {
        Self { files: it.files, bytes: it.bytes }
    }
}

async fn status(session: &Session) -> Result<(), Fail> {
    let SpaceView { thumbs, previews, originals, no_room, free_bytes, disk } =
        session.with_node(async |node| Ok(node.space().await?)).await?;
    let form = |kind, it: FormSpace| Form {
        kind,
        here: it.here.into(),
        wanted: it.wanted.into(),
        held_back: it.held_back.into(),
        freed: it.freed.into(),
    };
    let items = vec![form("thumb", thumbs), form("preview", previews), form("original", originals)];
    let (files_bytes, arriving_bytes, rest_bytes) = (disk.files, disk.arriving, disk.rest);
    let no_room = no_room.into();
    let status = Status { items, files_bytes, arriving_bytes, rest_bytes, free_bytes, no_room };
    session.out.data(&status, human_status)
}

fn human_status(status: &Status) -> String {
    let mut lines = Vec::new();
    for form in &status.items {
        let mut parts = vec![format!("{} here ({})", form.here.files, text::bytes(form.here.bytes))];
        for (count, what) in
            [(&form.wanted, "to come"), (&form.held_back, "not asked for"), (&form.freed, "let go of")]
        {
            if count.files > 0 {
                parts.push(format!("{} {what} ({})", count.files, text::bytes(count.bytes)));
            }
        }
        lines.push(format!("{}: {}", form.kind, parts.join(", ")));
    }
    lines.push(format!(
        "on the disk: {} of files, {} of files that are on their way, {} of everything else",
        text::bytes(status.files_bytes),
        text::bytes(status.arriving_bytes),
        text::bytes(status.rest_bytes)
    ));
    if let Some(free) = status.free_bytes {
        lines.push(format!("free on the disk: {}", text::bytes(free)));
    }
    if status.no_room.files > 0 {
        lines.push(format!(
            "no room for {} ({}) that others have. Make some, for example with: firsthand attachments free",
            text::count(status.no_room.files, "file", "files"),
            text::bytes(status.no_room.bytes)
        ));
    }
    lines.join("\n")
}

/// What went, in machine output.
#[derive(Serialize)]
struct Freed {
    items: Vec<Item>,
    freed_bytes: u64,
    dry_run: bool,
    /// Files let go of earlier that too few devices hold now.
    wanted_again: u64,
}

#[derive(Serialize)]
struct Item {
    document: String,
    name: String,
    byte_len: u64,
    /// Why it stays; absent where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'static str>,
    #[serde(skip)]
    why: Option<Kept>,
}

impl From<FreedFile> for Item {
    fn from(it: FreedFile) -> Self {
        let kept = it.kept.map(Kept::code);
        Self { document: it.document.to_string(), name: it.name, byte_len: it.byte_len, kept, why: it.kept }
    }
}

async fn free(session: &Session, args: &FreeArgs) -> Result<(), Fail> {
    let request = FreeRequest {
        older_than_ms: u64::from(args.older_than) * DAY_MS,
        enough: args.enough.map(|megabytes| u64::from(megabytes) * MEGABYTE),
        dry_run: args.dry_run,
    };
    let FreedView { files, bytes, wanted_again } =
        session.with_node(async |node| Ok(node.free_files(request).await?)).await?;
    let items = files.into_iter().map(Item::from).collect();
    let freed = Freed { items, freed_bytes: bytes, dry_run: args.dry_run, wanted_again };
    session.out.data(&freed, human_freed)
}

fn human_freed(freed: &Freed) -> String {
    let (goes, went) =
        if freed.dry_run { ("would go", "would become free") } else { ("went", "became free") };
    let mut lines: Vec<String> = freed
        .items
        .iter()
        .map(|it| {
            let what = match it.why {
                None => goes.to_owned(),
                Some(Kept::TooFew { known }) => {
                    format!(
                        "stays: {} said to hold it, and it takes two",
                        text::count(known as u64, "other device", "other devices")
                    )
                }
                Some(Kept::Keeper) => "stays: this device is one of the two that keep it".to_owned(),
                Some(Kept::Young) => "stays: it is younger than that".to_owned(),
                Some(Kept::Short) => "stays: it is short".to_owned(),
                Some(Kept::Enough) => "stays: enough is free".to_owned(),
            };
            format!("{} ({}): {what}", text::line(&it.name), text::bytes(it.byte_len))
        })
        .collect();
    if freed.wanted_again > 0 {
        let files = text::count(freed.wanted_again, "file", "files");
        lines.push(format!(
            "{files} let go of earlier: too few devices hold them now, so they are asked for again"
        ));
    }
    lines.push(format!("{} {went}", text::bytes(freed.freed_bytes)));
    lines.join("\n")
}

/// What was asked for again, in machine output.
#[derive(Serialize)]
struct Wanted {
    name: String,
    /// It had been let go of.
    wanted: bool,
}

async fn want(session: &Session, id: &str, name: String) -> Result<(), Fail> {
    let wanted = session
        .with_node(async |node| {
            let incident = node.find(id).await?;
            Ok(node.want_again(incident, &name).await?)
        })
        .await?;
    session.out.data(&Wanted { name, wanted }, |it| {
        let what = if it.wanted { "comes with the next meeting" } else { "had not been let go of" };
        format!("{} {what}", text::line(&it.name))
    })
}
