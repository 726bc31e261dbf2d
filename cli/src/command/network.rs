//! Networks of teams.

use firsthand_node::{Environment, Node, NodeError, Offer, SharedView};
use firsthand_record::Incident;
use firsthand_record::share::Withheld;
use serde::Serialize;

use crate::args::{FoundNetworkArgs, NetworkCommand, NetworkHome, NetworkStatusArgs, ShareArgs};
use crate::fail::Fail;
use crate::home::{Session, secret};
use crate::show::progress::Bar;
use crate::show::text;

/// What came of sharing, or would.
#[derive(Serialize)]
struct Shares {
    preview: bool,
    items: Vec<Share>,
}

#[derive(Serialize)]
struct Share {
    /// The incident in the team.
    incident: String,
    /// Its copy in the network; absent in a preview of one that is not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<Copy>,
    created: bool,
    /// The incident is not shared any more, and the copy hidden.
    taken_back: bool,
    /// Fields of the copy that changed.
    changed: usize,
    /// Files that were added; in a preview all that would go.
    files: Vec<String>,
    files_taken_back: usize,
    withheld: Vec<Left>,
    /// In a preview: what the network would read.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Incident>,
}

#[derive(Serialize)]
struct Copy {
    document: String,
    short_code: String,
}

/// What is not shared, or not as it is.
#[derive(Serialize)]
struct Left {
    /// A field, or a file.
    what: String,
    why: Withheld,
}

#[derive(Serialize)]
struct Marked {
    items: Vec<MarkedItem>,
}

#[derive(Serialize)]
struct MarkedItem {
    incident: String,
    title: Option<String>,
    copy: Option<Copy>,
}

/// Does what the command line says.
pub(crate) async fn run(session: &Session, command: NetworkCommand) -> Result<(), Fail> {
    match command {
        NetworkCommand::Found(args) => found(session, &args).await,
        NetworkCommand::Share(args) => share(session, &args).await,
        NetworkCommand::Status(args) => status(session, &args).await,
    }
}

async fn found(session: &Session, args: &FoundNetworkArgs) -> Result<(), Fail> {
    let passphrase = session.new_passphrase()?;
    let env = Environment::laptop();
    let node =
        Node::create_network(&session.home, secret(&passphrase), &args.network, &args.name, env).await?;
    session.work(node, async |node| super::team::print(session, node).await).await?;
    session.out.note(
        "The network is founded, and you lead it. Invite a lead of each other team: firsthand --home HOME team invite --role lead",
    );
    Ok(())
}

/// Opens both homes.
async fn with_both<T>(
    session: &Session,
    network: &NetworkHome,
    work: impl AsyncFnOnce(&Node, &Node) -> Result<T, Fail>,
) -> Result<T, Fail> {
    let other = session.beside(&network.to, network.network_passphrase_file.as_deref());
    session
        .with_node(async |team| {
            other
                .with_node(async |network| {
                    let (team_view, network_view) = (team.team().await?, network.team().await?);
                    if !network_view.network || team_view.network {
                        return Err(NodeError::NotNetwork.into());
                    }
                    work(team, network).await
                })
                .await
        })
        .await
}

async fn share(session: &Session, args: &ShareArgs) -> Result<(), Fail> {
    let shares = with_both(session, &args.network, async |team, network| {
        let id = network.team().await?.team;
        let mut items = Vec::new();
        for code in &args.ids {
            let incident = team.find(code).await?;
            let mut offer = team.offer(incident, id, args.with_text).await?;
            items.push(if args.preview {
                preview(network, offer).await?
            } else {
                let bar = Bar::of_bytes("sharing");
                let shared = network.take_offer(&mut offer, bar.report()).await?;
                team.note_shared(&shared).await?;
                done(&offer, shared)
            });
        }
        Ok(Shares { preview: args.preview, items })
    })
    .await?;
    session.out.data(&shares, |shares| {
        shares.items.iter().map(|it| human(it, shares.preview)).collect::<Vec<_>>().join("\n")
    })
}

async fn preview(network: &Node, offer: Offer) -> Result<Share, Fail> {
    let held = network.shared_copy(&offer).await?;
    if let (Err(why), None) = (&offer.copy, &held) {
        return Err(NodeError::from(*why).into());
    }
    Ok(Share {
        withheld: withheld(&offer),
        created: held.is_none(),
        taken_back: offer.copy.is_err(),
        copy: held.map(|(id, short_code)| Copy { document: id.to_string(), short_code }),
        changed: 0,
        files: offer.files.iter().map(|file| file.name.clone()).collect(),
        files_taken_back: 0,
        record: offer.copy.ok().map(|copy| copy.incident),
        incident: offer.short_code,
    })
}

fn done(offer: &Offer, shared: SharedView) -> Share {
    Share {
        incident: offer.short_code.clone(),
        withheld: withheld(offer),
        copy: Some(Copy { document: shared.document.to_string(), short_code: shared.short_code }),
        created: shared.created,
        taken_back: shared.taken_back,
        changed: shared.changed,
        files: shared.files,
        files_taken_back: shared.files_taken_back,
        record: None,
    }
}

fn withheld(offer: &Offer) -> Vec<Left> {
    let fields = offer.copy.iter().flat_map(|copy| &copy.withheld);
    let fields = fields.map(|(field, why)| Left { what: (*field).to_owned(), why: *why });
    let files = offer.withheld_files.iter().map(|(name, why)| Left { what: name.clone(), why: *why });
    fields.chain(files).collect()
}

fn human(share: &Share, preview: bool) -> String {
    let copy = share.copy.as_ref().map_or_else(|| "a new copy".to_owned(), |copy| copy.short_code.clone());
    let code = &share.incident;
    let mut lines = vec![match (preview, share.taken_back, share.created) {
        (true, true, _) => format!("{code} would be taken back: {copy} would be hidden"),
        (true, false, _) => format!("{code} would be shared as {copy}"),
        (false, true, _) => format!("{code} is taken back: {copy} is hidden"),
        (false, false, true) => format!("{code} is shared as {copy}"),
        (false, false, false) if share.changed == 0 => {
            format!("{code} is shared as {copy}, which is up to date")
        }
        (false, false, false) => format!("{code} is shared as {copy}, which was brought up to date"),
    }];
    if let Some(record) = &share.record {
        let title = record.title.as_deref().unwrap_or_default();
        lines.push(format!("  title: {}", text::line(title)));
        if let Some(place) = &record.place {
            lines.push(format!("  place: around {:.2}, {:.2}", place.lat.0, place.lon.0));
        }
        if !record.narrative.is_empty() {
            lines.push(format!("  narrative: {}", text::line(&record.narrative)));
        }
    }
    lines.extend(share.files.iter().map(|name| format!("  with {}, the picture alone", text::line(name))));
    if share.files_taken_back > 0 {
        let files = text::count(share.files_taken_back as u64, "file", "files");
        lines.push(format!("  {files} taken back: hidden, and destroyed wherever the network hears of it"));
    }
    let left = share.withheld.iter();
    lines.extend(left.map(|it| format!("  not {}: {}", text::line(&it.what), it.why.words())));
    lines.join("\n")
}

async fn status(session: &Session, args: &NetworkStatusArgs) -> Result<(), Fail> {
    let marked = with_both(session, &args.network, async |team, network| {
        let id = network.team().await?.team;
        let mut items = Vec::new();
        for incident in team.marked_for_network().await? {
            let offer = team.offer(incident, id, false).await?;
            let held = network.shared_copy(&offer).await?;
            let title = team.incident(incident).await?.record.title;
            let copy = held.map(|(id, short_code)| Copy { document: id.to_string(), short_code });
            items.push(MarkedItem { incident: offer.short_code, title, copy });
        }
        Ok(Marked { items })
    })
    .await?;
    session.out.data(&marked, |marked| {
        if marked.items.is_empty() {
            return "No incident of your team is marked for other teams.".to_owned();
        }
        let lines = marked.items.iter().map(|it| {
            let copy = it
                .copy
                .as_ref()
                .map_or_else(|| "not shared yet".to_owned(), |copy| format!("as {}", copy.short_code));
            format!("{}  {}  {copy}", it.incident, text::line(it.title.as_deref().unwrap_or_default()))
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}
