//! Entries made on this device: from content to the commit after which it is called saved.

use std::collections::VecDeque;

use firsthand_document::{Change, Document};
use firsthand_ids::{DocumentId, HybridTime, Position, SpaceId, WriterId};
use firsthand_log::{
    Bind, Detached, Entry, EntryHeader, EntryKind, Nonce, SIGN_EVERY_BYTES, SIGN_EVERY_ENTRIES, SignedHead,
    Tip, content_hash, document_id, hash_run, writer_id,
};
use firsthand_record::ShortCode;
use firsthand_store::{Commit, DocumentUpdate, EntryState, NewEntry, Store};
use rand_core::CryptoRng;

use super::{CLOCK, Ledger, Now, SHORT_CODE_PREFIX};
use crate::NodeError;

/// Documents that are likely to be needed again. Each costs about 19 KB of memory loaded (design.md), so few stay.
#[derive(Default)]
pub(super) struct DocumentCache(VecDeque<(DocumentId, Document)>);

const CACHED_DOCUMENTS: usize = 16;

impl DocumentCache {
    pub(super) fn take(&mut self, id: &DocumentId) -> Option<Document> {
        let at = self.0.iter().position(|(other, _)| other == id)?;
        self.0.remove(at).map(|(_, document)| document)
    }

    pub(super) fn put(&mut self, id: DocumentId, document: Document) {
        self.0.push_front((id, document));
        self.0.truncate(CACHED_DOCUMENTS);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// This device's chain in a space.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnChain {
    pub(super) writer: WriterId,
    /// Effective time of its last entry.
    pub(super) effective: HybridTime,
}

impl OwnChain {
    /// The chain that this device goes on with in a space.
    pub(super) fn find(store: &Store, space: SpaceId) -> Result<Option<Self>, NodeError> {
        let writer = store.setting(&setting(&space))?.and_then(|bytes| WriterId::from_slice(&bytes));
        let Some(writer) = writer else { return Ok(None) };
        let last = match store.tip(&space, &writer) {
            Some(tip) => store.entry_info(&writer, tip.position)?,
            None => None,
        };
        Ok(Some(Self { writer, effective: last.map_or(HybridTime::ZERO, |info| info.effective) }))
    }
}

/// The setting that names this device's writer in a space.
fn setting(space: &SpaceId) -> String {
    format!("writer.{space}")
}

/// Own entries in the making. Positions are given out as content is added; nothing is final before
/// [`Ledger::commit_own`].
pub(super) struct Draft {
    pub(super) writer: WriterId,
    pub(super) commit: Commit,
    /// Of the short codes of what it creates.
    pub(super) prefix: String,
    tip: Option<Tip>,
    entries: Vec<Entry>,
    next: Position,
}

impl Ledger {
    /// Begins a commit of own entries; opens a writer where this device has none for the space.
    pub(super) fn draft_in(
        &mut self,
        space: SpaceId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Draft, NodeError> {
        if !self.rights().write {
            return Err(self.may_not_write());
        }
        self.leave_cut_chain(&space)?;
        let mut commit = Commit::new(space);
        if let Some(OwnChain { writer, .. }) = self.own.get(&space).copied() {
            let tip = self.store.tip(&space, &writer);
            let next = tip.as_ref().map_or(Position::START, |tip| tip.position).next();
            let prefix =
                self.store.setting(SHORT_CODE_PREFIX)?.and_then(|bytes| String::from_utf8(bytes).ok());
            let prefix = prefix.unwrap_or_else(|| ShortCode::prefix_for(&self.device));
            return Ok(Draft { writer, commit, prefix, tip, entries: Vec::new(), next });
        }
        let mut nonce: Nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let writer = writer_id(self.membership.team(), &space, &self.device, &nonce);
        commit.settings.push((setting(&space), writer.as_bytes().to_vec()));
        commit.claim_installation = true;
        let kept = self.store.setting(SHORT_CODE_PREFIX)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let mut prefix = kept.unwrap_or_else(|| ShortCode::prefix_for(&self.device));
        if self.store.is_in_doubt() {
            // This settles the doubt, and no chain that was in doubt may be gone on with.
            for other in self.membership.spaces_of(&self.person).into_keys().filter(|other| *other != space) {
                commit.settings.push((setting(&other), Vec::new()));
            }
            prefix = ShortCode::prefix_of_writer(&writer);
            commit.settings.push((SHORT_CODE_PREFIX.to_owned(), prefix.clone().into_bytes()));
        }
        let bind = Bind {
            device: self.device,
            person: self.person,
            nonce,
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut draft =
            Draft { writer, commit, prefix, tip: None, entries: Vec::new(), next: Position::START.next() };
        self.add_entry(&mut draft, now, EntryKind::Bind, None, None, bind.encode(), None);
        Ok(draft)
    }

    /// Makes the next own entry begin a new chain where the one in use was cut by a removal: who returns begins anew.
    fn leave_cut_chain(&mut self, space: &SpaceId) -> Result<(), NodeError> {
        let Some(OwnChain { writer, .. }) = self.own.get(space).copied() else { return Ok(()) };
        if self.membership.is_cut(&self.device) {
            let first = self.store.entry_info(&writer, Position::START.next())?;
            let heads = first.map(|info| info.membership).unwrap_or_default();
            if self.membership.cut(space, &writer, &self.device, &heads).is_some() {
                self.own.remove(space);
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "each is one field of an entry")]
    fn add_entry(
        &mut self,
        draft: &mut Draft,
        now: Now,
        kind: EntryKind,
        document: Option<DocumentId>,
        nonce: Option<Nonce>,
        body: Vec<u8>,
        detached: Option<Detached>,
    ) {
        let heads = self.membership.heads();
        let named = draft
            .entries
            .iter()
            .rev()
            .find_map(|entry| entry.header.membership.as_ref())
            .or_else(|| draft.tip.as_ref().map(|tip| &tip.membership));
        let membership = (named != Some(&heads)).then_some(heads);
        let header = EntryHeader {
            kind,
            document,
            content: content_hash(kind, &body),
            hybrid: self.clock.tick(self.hybrid_now(now.at)),
            local: now,
            membership,
        };
        draft.entries.push(Entry { position: draft.next, header, nonce, body, detached });
        draft.next = draft.next.next();
    }

    /// Adds the entries that create a document; `make` builds it once its id is known.
    pub(super) fn add_document(
        &mut self,
        draft: &mut Draft,
        now: Now,
        detached: Option<Detached>,
        rng: &mut dyn CryptoRng,
        make: impl FnOnce(DocumentId, WriterId) -> Result<(Document, Vec<Change>), NodeError>,
    ) -> Result<(DocumentId, Document, (WriterId, Position)), NodeError> {
        let mut nonce: Nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let creator = (draft.writer, draft.next);
        let id = document_id(&draft.commit.space, &draft.writer, draft.next, &nonce);
        let (document, changes) = make(id, draft.writer)?;
        let mut detached = detached;
        for (index, change) in changes.into_iter().enumerate() {
            let (kind, nonce) =
                if index == 0 { (EntryKind::Create, Some(nonce)) } else { (EntryKind::Change, None) };
            self.add_entry(draft, now, kind, Some(id), nonce, change.bytes, detached.take());
        }
        Ok((id, document, creator))
    }

    /// Adds the entries of an edit.
    pub(super) fn add_changes(&mut self, draft: &mut Draft, now: Now, id: DocumentId, changes: Vec<Change>) {
        for change in changes {
            self.add_entry(draft, now, EntryKind::Change, Some(id), None, change.bytes, None);
        }
    }

    /// Signs and saves. When this returns, the entries are durable; when it fails, nothing has changed.
    pub(super) fn commit_own(
        &mut self,
        mut draft: Draft,
        documents: Vec<DocumentUpdate>,
    ) -> Result<(), NodeError> {
        let space = draft.commit.space;
        let chain = self.chain_in(&space, draft.writer);
        let run = hash_run(&chain, draft.tip.as_ref(), &draft.entries)?;
        draft.commit.heads = self.sign(&draft, &run.hashes);

        // A chain that begins follows nothing.
        let own = self.own.get(&space).filter(|own| own.writer == draft.writer);
        let mut effective = own.map_or(HybridTime::ZERO, |own| own.effective);
        let mut known = std::collections::BTreeMap::new();
        for (entry, hash) in draft.entries.into_iter().zip(run.hashes) {
            let dependencies = firsthand_log::change::ChangeParts::read(&entry.body)
                .map(|(_, parts)| parts.dependencies)
                .unwrap_or_default();
            let mut latest = effective;
            for dependency in dependencies {
                let held = match known.get(&dependency) {
                    Some(time) => Some(*time),
                    None => self.store.author(&dependency)?.map(|info| info.effective),
                };
                latest = latest.max(held.unwrap_or_default());
            }
            effective = effective_time(entry.header.hybrid, latest);
            known.insert(entry.header.content, effective);
            let (writer, state) = (draft.writer, EntryState::Applied);
            draft.commit.entries.push(NewEntry { writer, hash, entry, state, effective });
        }
        let clock = self.clock.last().packed().to_le_bytes().to_vec();
        draft.commit.settings.push((CLOCK.to_owned(), clock));
        draft.commit.documents = documents;
        draft.commit.tried = self.untried.is_empty();
        self.store.commit(draft.commit)?;
        self.own.insert(space, OwnChain { writer: draft.writer, effective });
        Ok(())
    }

    /// The head, and inside a long commit one more every 256 entries or 256 KiB.
    fn sign(&self, draft: &Draft, hashes: &[firsthand_ids::EntryHash]) -> Vec<(WriterId, SignedHead)> {
        let chain = self.chain_in(&draft.commit.space, draft.writer);
        let mut heads = Vec::new();
        let (mut entries, mut bytes) = (0, 0);
        for (index, (entry, hash)) in draft.entries.iter().zip(hashes).enumerate() {
            entries += 1;
            bytes += entry.body.len();
            let due = entries >= SIGN_EVERY_ENTRIES || bytes >= SIGN_EVERY_BYTES;
            if due || index + 1 == draft.entries.len() {
                let head = SignedHead::sign(&self.keys.signing, &chain, entry.position, *hash);
                heads.push((draft.writer, head));
                (entries, bytes) = (0, 0);
            }
        }
        heads
    }

    /// A document as it stands, from memory or the store.
    pub(super) fn load(&mut self, id: &DocumentId) -> Result<Document, NodeError> {
        self.apply_untried_of(id)?;
        if let Some(document) = self.documents.take(id) {
            return Ok(document);
        }
        let stored = self.store.document(id)?.ok_or_else(|| NodeError::NotFound(id.short()))?;
        Ok(Document::load(&stored.saved)?)
    }
}

/// The later of an entry's own time and one after its predecessors' (design.md, "Log": order for people).
pub(super) fn effective_time(own: HybridTime, predecessors: HybridTime) -> HybridTime {
    if predecessors == HybridTime::ZERO { own } else { own.max(predecessors.successor()) }
}
