//! Files that people already have.

mod file;
mod media;
mod preview;
mod report;

use std::sync::Arc;

use firsthand_exchange::{ColumnMap, Drafts, Reading};
use firsthand_node::{ImportRow, Node, Progress};

pub(super) use self::file::keep_caught_panics_quiet;

use self::file::Given;
use self::media::Media;
use self::preview::Preview;
use self::report::Report;
use crate::args::ImportArgs;
use crate::fail::Fail;
use crate::home::Session;
use crate::show::progress::Bar;

/// Rows that are handed to the node at once: five of its commits, and little to hold at a time.
const BATCH: usize = 1000;

/// Brings a file in.
pub(super) async fn run(session: &Session, args: &ImportArgs) -> Result<(), Fail> {
    let reading = file::open(args)?;
    let given = args.map.as_deref().map(file::map).transpose()?;
    let media = Media::new(args)?;
    session.with_node(async |node| bring_in(session, node, args, &reading, given, media).await).await
}

async fn bring_in(
    session: &Session,
    node: &Node,
    args: &ImportArgs,
    reading: &Reading,
    given: Option<Given>,
    media: Media,
) -> Result<(), Fail> {
    let mut notes = Vec::new();
    let map = match &given {
        Some(given) => given.map.clone(),
        None if args.no_saved_map => ColumnMap::default(),
        None => saved_map(node, reading, &mut notes).await?.unwrap_or_default(),
    };
    let mut import = Import { session, node, reading, map: &map, args, media };
    let saves = !(args.dry_run || args.preview);
    // Under `--strict` the node is first asked what it would refuse, so that all or nothing comes in.
    if args.strict {
        let tried = import.all(true).await?;
        if !tried.problems.is_empty() || tried.is_nothing() {
            return Err(report::nothing(&tried.problems, true));
        }
    }
    let mut report = import.all(!saves).await?;
    report.notes.splice(0..0, notes);
    let Some(given) = given.filter(|_| saves && !report.is_nothing()) else {
        return report.show(session, args.strict);
    };
    node.keep_column_map(&reading.fingerprint(), given.json).await?;
    report.notes.push("the column map is kept for files with these columns".to_owned());
    report.show(session, args.strict)
}

/// The column map that was kept for files like this one, if it still fits.
async fn saved_map(
    node: &Node,
    reading: &Reading,
    notes: &mut Vec<String>,
) -> Result<Option<ColumnMap>, Fail> {
    let Some(json) = node.column_map(&reading.fingerprint()).await? else { return Ok(None) };
    let map = ColumnMap::from_json(&json).ok().filter(|map| reading.drafts(map).is_ok());
    notes.push(match &map {
        Some(_) => "the column map kept for these columns is used; --no-saved-map leaves it aside".to_owned(),
        None => "the column map kept for these columns does not fit any more and is left aside".to_owned(),
    });
    Ok(map)
}

/// One import.
struct Import<'a> {
    session: &'a Session,
    node: &'a Node,
    reading: &'a Reading,
    map: &'a ColumnMap,
    args: &'a ImportArgs,
    media: Media,
}

impl Import<'_> {
    /// All rows, a batch at a time: what was saved stays saved if a later batch fails or is stopped.
    async fn all(&mut self, dry_run: bool) -> Result<Report, Fail> {
        let bar = Bar::new("importing");
        let mut all = self.reading.drafts(self.map)?;
        let mut report =
            Report::new(self.session.out.json, dry_run, self.reading, &file::name(&self.args.file));
        let mut preview = self.args.preview.then(|| Preview::new(&all, self.reading));
        let mut drafts = (&mut all).peekable();
        while let Some(mut batch) = Batch::next(&mut drafts, &mut report) {
            if let Some(preview) = &mut preview {
                preview.see(&batch.rows, batch.sheet.as_deref());
            }
            let files = self.media.find(&mut batch.media);
            let numbers: Vec<usize> = batch.rows.iter().map(|row| row.row).collect();
            let watch = progress(&bar, report.done(), self.reading.rows());
            let done = self.node.import(batch.rows, dry_run, watch).await?;
            if !dry_run {
                self.media.attach(self.node, &files, &done).await?;
            }
            if report.add(batch.sheet, &numbers, done) {
                break;
            }
        }
        report.finish(all.notes(), preview, self.media.said());
        Ok(report)
    }
}

/// Progress over the whole file, from that of one batch.
fn progress(bar: &Bar, before: usize, all: usize) -> Progress {
    let inner = bar.report();
    Arc::new(move |done, _| inner(before as u64 + done, all as u64))
}

/// Rows that are handed to the node at once, all of one sheet.
struct Batch {
    sheet: Option<Arc<str>>,
    rows: Vec<ImportRow>,
    /// The files that rows name.
    media: Vec<(usize, Vec<String>)>,
}

impl Batch {
    /// The next rows; what cannot be read goes to the report.
    fn next(drafts: &mut std::iter::Peekable<&mut Drafts<'_>>, report: &mut Report) -> Option<Self> {
        let mut batch: Option<Self> = None;
        loop {
            let full = batch.as_ref().is_some_and(|batch| batch.rows.len() == BATCH);
            let other = match (&batch, drafts.peek()) {
                (Some(batch), Some(Ok(next))) => batch.sheet != next.sheet,
                _ => false,
            };
            if full || other {
                return batch;
            }
            match drafts.next() {
                None => return batch,
                Some(Err(problem)) => report.problem(problem),
                Some(Ok(next)) => {
                    let batch = batch.get_or_insert_with(|| Self {
                        sheet: next.sheet.clone(),
                        rows: Vec::new(),
                        media: Vec::new(),
                    });
                    if !next.media.is_empty() {
                        batch.media.push((next.row, next.media));
                    }
                    batch.rows.push(ImportRow { row: next.row, incident: next.incident });
                }
            }
        }
    }
}
