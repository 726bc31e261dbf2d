//! What an evidence folder holds besides the files ([`crate::evidence`]).

use std::collections::{BTreeMap, BTreeSet};

use firsthand_document::{Document, DocumentKind, Incoming};
use firsthand_ids::{DocumentId, EntryHash, PersonId, Position, SpaceId, WriterId};
use firsthand_log::{Bind, EntryKind, SIGN_EVERY_ENTRIES};
use firsthand_record::Moment;
use firsthand_store::{EntryState, StoredChange};

use super::{Ledger, Now, read};
use crate::NodeError;
use crate::evidence::{
    Everybody, Exported, Hex, MAX_DISTANCE, Place, Proof, ProofChain, ProofEntry, ProofFile, ProofReceipt,
    ProofRun, record_of,
};

impl Ledger {
    /// The files of an incident whose records an evidence folder can hold: all that are not hidden, or those named.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has none, or none of that name.
    pub fn evidence_files(
        &self,
        incident: &DocumentId,
        names: &[String],
    ) -> Result<Vec<DocumentId>, NodeError> {
        let mut files = Vec::new();
        for name in names {
            let file = self.find_file(incident, name)?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        if names.is_empty() {
            files = self.shown_files(incident)?.into_iter().map(|row| row.id).collect();
        }
        if files.is_empty() {
            return Err(NodeError::NotFound("a file of this incident".to_owned()));
        }
        Ok(files)
    }

    /// What proves the records of files, signed by this device. `files` are the records, each with the path of the file in the
    /// folder; without one where its key was destroyed.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], [`NodeError::Store`].
    pub fn evidence_proof(
        &mut self,
        incident: DocumentId,
        files: Vec<(DocumentId, Option<String>)>,
        now: Now,
    ) -> Result<Proof, NodeError> {
        let at = Moment::from_local(now).ok_or(NodeError::Inconsistent("the clock"))?;
        let exported = Exported { at, device: self.device, person: self.person };
        let row = self.store.incident(&incident)?.ok_or_else(|| NodeError::NotFound(incident.short()))?;
        let chain = (*self.membership.team(), row.space);
        let mut proof = Proof::unsigned(chain, (incident, read::short_code(&row)), exported);
        let mut needed: BTreeMap<WriterId, BTreeSet<Position>> = BTreeMap::new();
        let mut created = BTreeSet::new();
        for (id, path) in files {
            let changes = self.store.changes_of(&id)?;
            let applied: Vec<&StoredChange> =
                changes.iter().filter(|change| change.info.state == EntryState::Applied).collect();
            let record = self.derive_record(&applied)?;
            let place = |change: &&StoredChange| Place {
                writer: change.info.writer,
                position: change.info.position.0,
            };
            let entries: Vec<Place> = applied.iter().map(place).collect();
            let creation = applied.iter().find(|change| change.info.kind == EntryKind::Create);
            created.extend(creation.map(place));
            for entry in &entries {
                needed.entry(entry.writer).or_default().insert(Position(entry.position));
            }
            let view = self.read_view(&id)?;
            let sha256 = view.value("sha256").and_then(serde_json::Value::as_str).unwrap_or_default();
            let destroyed = view.destructions(sha256).counted.first().map(|item| item.change);
            let destroyed = applied.iter().find(|it| Some(it.info.content) == destroyed).map(place);
            proof.files.push(ProofFile { document: id, path, record, destroyed, entries });
        }
        for (writer, positions) in needed {
            let (receipts, between) = self.chain_receipts(row.space, writer, &created)?;
            proof.receipts.extend(receipts);
            proof.chains.push(self.chain_proof(row.space, writer, &positions, between)?);
        }
        let mut people: BTreeSet<PersonId> = proof.chains.iter().map(|chain| chain.person).collect();
        people.extend(proof.receipts.iter().map(|receipt| receipt.person));
        people.insert(self.person);
        proof.people = people.into_iter().map(|person| (person, self.name(&person))).collect();
        proof.sign(&self.keys.signing);
        Ok(proof)
    }

    fn derive_record(
        &self,
        applied: &[&StoredChange],
    ) -> Result<serde_json::Map<String, serde_json::Value>, NodeError> {
        let incoming: Vec<Incoming<'_>> = applied
            .iter()
            .map(|change| Incoming {
                writer: change.info.writer,
                position: change.info.position,
                create: change.info.kind == EntryKind::Create,
                change: &change.body,
            })
            .collect();
        let authors = Everybody::from_infos(applied.iter().map(|change| &change.info));
        let mut document = Document::empty();
        record_of(&mut document, &incoming, &authors)
            .filter(|_| document.kind() == Some(&DocumentKind::Evidence))
            .ok_or(NodeError::Inconsistent("a file's record, whose applied changes do not apply again"))
    }

    /// What other devices signed of having seen a chain as far as records were created in it, and where runs must begin so that nothing
    /// is missing between such an entry and what was signed.
    fn chain_receipts(
        &self,
        space: SpaceId,
        writer: WriterId,
        created: &BTreeSet<Place>,
    ) -> Result<(Vec<ProofReceipt>, BTreeSet<Position>), NodeError> {
        let recorder = self.store.tip(&space, &writer).map(|tip| tip.device);
        let (mut receipts, mut between) = (BTreeMap::new(), BTreeSet::new());
        for place in created.iter().filter(|place| place.writer == writer) {
            for (device, receipt) in self.receipts_covering(&writer, Position(place.position))? {
                let distance = receipt.position.0 - place.position;
                if Some(device) == recorder || distance > MAX_DISTANCE {
                    continue;
                }
                let mut at = Position(place.position);
                while at <= receipt.position {
                    between.insert(at);
                    let head = self.store.heads(&space, &writer, at, 1)?.into_iter().next();
                    at = head.ok_or(NodeError::Inconsistent("a chain"))?.position.next();
                }
                let person = self.membership.roster().owner(&device).unwrap_or(self.person);
                receipts.insert((device, receipt.position), ProofReceipt::new(&receipt, device, person));
            }
        }
        Ok((receipts.into_values().collect(), between))
    }

    /// The parts of a chain that hold these entries, each up to the next entry that the device signed; and those that begin `between`.
    fn chain_proof(
        &self,
        space: SpaceId,
        writer: WriterId,
        positions: &BTreeSet<Position>,
        between: BTreeSet<Position>,
    ) -> Result<ProofChain, NodeError> {
        const GONE: NodeError = NodeError::Inconsistent("a chain");
        let store = &self.store;
        let first = store.entry(&writer, Position(1))?.ok_or(GONE)?;
        let bind = Bind::decode(&first.entry.body)?;
        let mut runs: Vec<ProofRun> = Vec::new();
        let mut proven = Position::START;
        for position in positions.iter().copied().chain(between).collect::<BTreeSet<_>>() {
            if position <= proven {
                continue;
            }
            let head = store.heads(&space, &writer, position, 1)?.into_iter().next().ok_or(GONE)?;
            let len = (head.position.0 - position.0 + 1) as usize;
            // A device signs at least so often; more would be no chain of ours.
            if len > SIGN_EVERY_ENTRIES {
                return Err(GONE);
            }
            let previous = match position.0 - 1 {
                0 => EntryHash::ZERO,
                before => store.entry_info(&writer, Position(before))?.ok_or(GONE)?.hash,
            };
            let entries = store.entries(&space, &writer, position, len)?;
            let entries = entries
                .iter()
                .map(|stored| ProofEntry::new(&stored.entry, positions.contains(&stored.info.position)))
                .collect();
            runs.push(ProofRun { from: position.0, previous, entries, signature: Hex(head.signature) });
            proven = head.position;
        }
        let (device, nonce, person) = (bind.device, Hex(bind.nonce), bind.person);
        Ok(ProofChain { writer, device, nonce, person, runs })
    }
}
