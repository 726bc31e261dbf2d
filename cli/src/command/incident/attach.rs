use firsthand_node::AttachmentView;
use serde::Serialize;

use crate::args::{AttachArgs, SaveFileArgs};
use crate::fail::Fail;
use crate::home::Session;
use crate::show::progress::Bar;
use crate::show::text;

/// An attached file, in machine output.
#[derive(Serialize)]
pub(super) struct Attachment {
    document: String,
    sha256: String,
    byte_len: u64,
    mime: String,
    name: String,
    caption: String,
    /// Whether its bytes are on this device.
    here: bool,
}

#[derive(Serialize)]
struct Written {
    file: String,
    byte_len: u64,
}

impl From<&AttachmentView> for Attachment {
    fn from(view: &AttachmentView) -> Self {
        Self {
            document: view.document.to_string(),
            sha256: view.hash.to_string(),
            byte_len: view.byte_len,
            mime: view.mime.clone(),
            name: view.name.clone(),
            caption: view.caption.clone(),
            here: view.here,
        }
    }
}

/// The file on one line, for a person.
pub(super) fn human(it: &Attachment) -> String {
    let here = if it.here { "" } else { ", not on this device yet" };
    let caption =
        if it.caption.is_empty() { String::new() } else { format!(": {}", text::line(&it.caption)) };
    format!(
        "{} ({}, {}{here}){caption}",
        text::line(&it.name),
        text::line(&it.mime),
        text::bytes(it.byte_len)
    )
}

/// Attaches a file.
pub(super) async fn attach(session: &Session, args: &AttachArgs) -> Result<(), Fail> {
    let view = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            let bar = Bar::new("sealing");
            Ok(node.attach(id, &args.file, &args.caption, bar.report()).await?)
        })
        .await?;
    session.out.data(&Attachment::from(&view), human)
}

/// Writes an attached file outside the home.
pub(super) async fn save_file(session: &Session, args: &SaveFileArgs) -> Result<(), Fail> {
    if args.to.exists() {
        return Err(Fail::input("to", "exists already, and is not overwritten"));
    }
    let byte_len = session
        .with_node(async |node| {
            let id = node.find(&args.id).await?;
            Ok(node.save_attachment(id, &args.name, &args.to).await?)
        })
        .await?;
    session.out.note("written in the clear: outside the home nothing protects it");
    let written = Written { file: args.to.display().to_string(), byte_len };
    session.out.data(&written, |it| format!("{} ({})", it.file, text::bytes(it.byte_len)))
}
