//! Proving that everything here is what was written: chains, signatures, files, and the tables derived from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use firsthand_document::{Author, Authors, Document, Incoming, NoAuthors, Outcome};
use firsthand_ids::{ChangeHash, DocumentId, Position, SpaceId, UnixMillis};
use firsthand_log::{Entry, EntryKind, Tip, verify_run};
use firsthand_store::{Damage, DocumentUpdate, EntryState, Rebuild, StoredChange};
use ring::digest::{Context, SHA256};

use super::authors::PastRights;
use super::{ForkView, Ledger, ManifestState, ProgressFn, QuarantineView, RecoveryView, project};
use crate::NodeError;

/// Entries read at a time while a chain is verified.
const PIECE: usize = 500;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckView {
    /// Chains verified from their first entry.
    pub chains: u64,
    /// Entries in them.
    pub entries: u64,
    /// Signatures verified.
    pub signatures: u64,
    /// Documents rebuilt from the log and compared.
    pub documents: u64,
    /// Files read from end to end.
    pub attachments: u64,
    /// Files that are recorded and not complete here; no damage.
    pub attachments_missing: u64,
    /// Files that came whole and are not what their records say; set aside, and no damage.
    pub attachments_refused: u64,
    /// Records of files whose signature is not that of the device that attached them; no damage here.
    pub manifests_wrong: u64,
    /// Records of files that are not signed.
    pub manifests_absent: u64,
    /// What is wrong, in words; empty where everything is sound.
    pub problems: Vec<String>,
    /// What this device has lost and asks its peers for.
    pub recovery: RecoveryView,
    /// Chains that forked; no damage.
    pub forks: Vec<ForkView>,
    /// What is kept and not shown; no damage.
    pub quarantine: QuarantineView,
    /// Where the problems lie.
    pub parts: BTreeSet<Part>,
}

/// A part of a home that can be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The pages of the database, or how they hang together.
    Database,
    /// The chains of entries.
    Chains,
    /// Documents and tables, which follow from the log.
    Tables,
    /// The head file, or what it names.
    Head,
    /// Sealed files.
    Attachments,
}

const fn part(damage: &Damage) -> Part {
    match damage {
        Damage::Head(_) | Damage::Behind(_) => Part::Head,
        Damage::AttachmentMissing { .. }
        | Damage::AttachmentUnreadable { .. }
        | Damage::AttachmentChunks { .. } => Part::Attachments,
        _ => Part::Database,
    }
}

/// What two devices compare to show that they hold the same: 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateDigest(pub [u8; 32]);

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Ledger {
    /// Checks everything: every page, chain, signature, file, and the tables against a rebuild from the log. Nothing
    /// is repaired.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the store cannot be read at all, [`NodeError::Stopped`].
    pub fn check(&mut self, progress: ProgressFn<'_>) -> Result<CheckView, NodeError> {
        self.apply_untried()?;
        let (recovery, forks, quarantine) = (self.recovery()?, self.forks()?, self.quarantine()?);
        let mut view = CheckView { recovery, forks, quarantine, ..CheckView::default() };
        let total = self.store.counts()?.entries;
        let report = self.store.check(&mut |_| ())?;
        view.attachments = report.attachments;
        view.problems.extend(report.damage.iter().map(ToString::to_string));
        view.parts.extend(report.damage.iter().map(part));
        let spaces: Vec<SpaceId> = self.store.spaces().collect();
        for space in spaces {
            for (writer, mark) in self.store.vector(&space).iter() {
                let until = mark.position;
                match self.check_chain(&space, *writer, until, &mut view, progress, total) {
                    Ok(()) => {}
                    Err(NodeError::Stopped) => return Err(NodeError::Stopped),
                    Err(problem) => {
                        view.problems.push(format!("chain {}: failed to {problem}", writer.short()));
                        view.parts.insert(Part::Chains);
                    }
                }
                view.chains += 1;
            }
        }
        self.check_files(&mut view)?;

        let past_rights = PastRights::new(&self.membership);
        let mut documents = 0;
        let rebuilt = self.store.rebuild(Rebuild::Compare, |_, id, changes| {
            documents += 1;
            derive(id, &changes, &past_rights)
        })?;
        view.documents = documents;
        for id in rebuilt.different {
            let short = id.short();
            view.problems.push(format!("document {short}: its row differs from what the log says"));
            view.parts.insert(Part::Tables);
        }
        if rebuilt.before != rebuilt.after && view.problems.is_empty() {
            view.problems.push("the lists differ from what the log says".to_owned());
            view.parts.insert(Part::Tables);
        }
        Ok(view)
    }

    /// Rebuilds documents and tables from the log and keeps them.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store; nothing has changed then.
    pub fn rebuild(&mut self) -> Result<(), NodeError> {
        self.apply_untried()?;
        let past_rights = PastRights::new(&self.membership);
        self.documents.clear();
        self.store.rebuild(Rebuild::Replace, |_, id, changes| derive(id, &changes, &past_rights))?;
        Ok(())
    }

    fn check_chain(
        &self,
        space: &SpaceId,
        writer: firsthand_ids::WriterId,
        until: Position,
        view: &mut CheckView,
        progress: ProgressFn<'_>,
        total: u64,
    ) -> Result<(), NodeError> {
        let chain = self.chain_in(space, writer);
        let mut tip: Option<Tip> = None;
        let mut at = Position::START;
        while at < until {
            // From one kept signature to the next, so that each of them is verified.
            let heads = self.store.heads(space, &writer, at.next(), 1)?;
            let head =
                heads.first().ok_or(NodeError::Inconsistent("the end of a chain, which is not signed"))?;
            let mut entries: Vec<Entry> = Vec::new();
            while at < head.position {
                let left = (head.position.0 - at.0).min(PIECE as u64) as usize;
                let piece = self.store.entries(space, &writer, at.next(), left)?;
                let Some(last) = piece.last() else {
                    return Err(NodeError::Inconsistent("a chain, which has a gap"));
                };
                at = last.entry.position;
                entries.extend(piece.into_iter().map(|stored| stored.entry));
            }
            view.entries += entries.len() as u64;
            let run = verify_run(&chain, tip.as_ref(), &entries, &head.signature)
                .map_err(|_| NodeError::Inconsistent("a chain, whose signature does not fit"))?;
            view.signatures += 1;
            tip = Some(run.tip);
            if !progress(view.entries.min(total), total) {
                return Err(NodeError::Stopped);
            }
        }
        Ok(())
    }

    fn check_files(&mut self, view: &mut CheckView) -> Result<(), NodeError> {
        view.attachments_missing = self.count_missing_files()?;
        for id in self.store.evidence_ids()? {
            let file = self.file(id)?;
            let refused = file.refused || file.forms.iter().any(|form| form.refused);
            view.attachments_refused += u64::from(refused);
            view.manifests_wrong += u64::from(file.manifest == ManifestState::Wrong);
            view.manifests_absent += u64::from(file.manifest == ManifestState::Absent);
        }
        Ok(())
    }

    /// The state digest (design.md, "A home"): every space and writer, then every document.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn digest(&mut self) -> Result<StateDigest, NodeError> {
        self.digest_of(|_| true)
    }

    /// The same of the space of the whole team alone: what any two members can compare.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn team_digest(&mut self) -> Result<StateDigest, NodeError> {
        let team = self.space;
        self.digest_of(|space| *space == team)
    }

    fn digest_of(&mut self, of: impl Fn(&SpaceId) -> bool) -> Result<StateDigest, NodeError> {
        self.apply_untried()?;
        let mut digest = Context::new(&SHA256);
        let mut feed = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        feed(b"firsthand state v1");
        let mut spaces: Vec<_> = self.store.spaces().filter(&of).collect();
        spaces.sort_unstable();
        for space in spaces {
            feed(space.as_bytes());
            for (writer, mark) in self.store.vector(&space).iter() {
                let hash = self.store.entry_hash_at(&space, writer, mark.position)?;
                let hash = hash.ok_or(NodeError::Inconsistent("the head of a chain"))?;
                feed(writer.as_bytes());
                feed(&mark.position.0.to_le_bytes());
                feed(hash.as_bytes());
            }
        }
        let mut after: Option<DocumentId> = None;
        loop {
            let page = self.store.documents(after.as_ref(), 500)?;
            for id in &page {
                // Where nothing is applied, because the rest has not come or the guard refused it, the chains say all.
                let Some(stored) = self.store.document(id)?.filter(|stored| of(&stored.space)) else {
                    continue;
                };
                let document = Document::load(&stored.saved)?;
                let mut heads = document.heads();
                heads.sort_unstable();
                feed(id.as_bytes());
                for head in heads {
                    feed(head.as_bytes());
                }
                feed(document.view(&NoAuthors).to_canonical().as_bytes());
            }
            match page.last() {
                Some(last) => after = Some(*last),
                None => break,
            }
        }
        let mut out = [0; 32];
        out.copy_from_slice(digest.finish().as_ref());
        Ok(StateDigest(out))
    }

    /// A hash of the tables, for comparing before and after a rebuild.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn projection_digest(&self) -> Result<[u8; 32], NodeError> {
        Ok(self.store.projection_digest()?)
    }
}

/// Who made the changes of one document.
struct DocumentAuthors(BTreeMap<ChangeHash, Author>);

impl Authors for DocumentAuthors {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        self.0.get(change).copied()
    }
}

/// A document from its changes, as a commit would have left it.
fn derive(
    id: &DocumentId,
    changes: &[StoredChange],
    past_rights: &PastRights<'_>,
) -> Result<Option<DocumentUpdate>, NodeError> {
    let authors = DocumentAuthors(
        changes.iter().map(|change| (change.info.content, past_rights.author(&change.info))).collect(),
    );
    let applied: Vec<_> = changes.iter().filter(|it| it.info.state == EntryState::Applied).collect();
    let incoming: Vec<_> = applied
        .iter()
        .map(|it| Incoming {
            writer: it.info.writer,
            position: it.info.position,
            create: it.info.kind == EntryKind::Create,
            change: &it.body,
        })
        .collect();
    let mut document = Document::empty();
    let outcomes = document.apply(&incoming, &authors).outcomes;
    if outcomes.iter().any(|outcome| *outcome != Outcome::Applied) {
        return Err(NodeError::Inconsistent("a document, whose applied changes do not apply again"));
    }
    let creator = applied.iter().find(|it| it.info.kind == EntryKind::Create);
    let Some(creator) = creator else { return Ok(None) };
    let created: UnixMillis = creator.info.local.at;
    let place = (creator.info.writer, creator.info.position);
    let view = document.view(&authors);
    Ok(Some(project::update(*id, &document, &view, place, created)))
}
