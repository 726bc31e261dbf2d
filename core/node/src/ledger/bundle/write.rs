//! Making a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use firsthand_ids::{DocumentId, OperationHash, PersonId, SpaceId, WriterId};
use firsthand_log::codec::Writer as Bytes;
use firsthand_log::{Batch, Detached, Entry, EntryKind, Mark, Standing, Vector};
use firsthand_record::VariantKind;
use firsthand_seal::{BundleHeader, EpochKey, Kind, seal, seal_range};
use firsthand_store::{BatchLimits, FileSecrets, form_number};
use firsthand_team::Membership;
use rand_core::CryptoRng;

use super::{BundleError, BundleMade, BundleRequest, Holding};
use crate::NodeError;
use crate::ledger::{Ledger, ProgressFn};

/// How much goes into one range: enough to compress well, and little enough to be lost to one damaged byte.
const RANGE: BatchLimits = BatchLimits { entries: 512, weight: 256 * 1024 };
/// How many bytes of membership operations go into one piece, as into one frame between devices.
const OPERATIONS_BYTES: usize = 64 * 1024;

/// A bundle in the making.
struct Making<'a> {
    out: &'a mut dyn Write,
    header: BundleHeader,
    main: EpochKey,
    made: BundleMade,
    /// Pieces under the key of the whole team, and all.
    pieces: (u64, u64),
}

impl Making<'_> {
    fn envelope(&mut self, key: &EpochKey, envelope: &[u8]) -> Result<(), NodeError> {
        let piece = self.header.piece(self.made.bytes, key, envelope);
        self.out.write_all(&piece)?;
        self.made.bytes += piece.len() as u64;
        self.pieces.0 += u64::from(*key == self.main);
        self.pieces.1 += 1;
        Ok(())
    }

    fn piece(&mut self, key: &EpochKey, kind: Kind, content: &[u8]) -> Result<(), NodeError> {
        self.envelope(key, &seal(key, kind, content)?)
    }
}

/// A space that goes into a bundle.
struct Part {
    space: SpaceId,
    key: EpochKey,
    receiver: Vector,
}

/// A file whose record goes into it.
struct Named {
    key: EpochKey,
    document: DocumentId,
    secrets: FileSecrets,
}

impl Ledger {
    /// Writes a bundle. What it holds is on the disk here before it is written.
    ///
    /// # Errors
    /// [`NodeError::Bundle`] where the other side is not known, [`NodeError::File`], [`NodeError::Store`],
    /// [`NodeError::Stopped`].
    pub fn export_bundle(
        &mut self,
        out: &mut dyn Write,
        request: BundleRequest,
        rng: &mut dyn CryptoRng,
        progress: ProgressFn<'_>,
    ) -> Result<BundleMade, NodeError> {
        self.store.witness()?;
        let main = self.sealing_key(&self.space.clone(), rng)?;
        let (parts, heads, total) = self.parts(request.since, rng)?;
        let membership = &self.membership;
        let readers = membership.reading_devices(&self.space);
        let header =
            BundleHeader::make(membership.team(), membership.discovery_secret(), &main, &readers, rng)?;
        let begin = header.encode();
        out.write_all(&begin)?;
        let made =
            BundleMade { bytes: begin.len() as u64, devices: readers.len() as u64, ..BundleMade::default() };
        let mut making = Making { out, header, main: main.clone(), made, pieces: (0, 0) };
        self.write_operations(&mut making, &heads)?;
        let mut files = Vec::new();
        for part in parts {
            let holding = Holding {
                device: self.device,
                heads: self.membership.heads(),
                vector: self.store.vector(&part.space),
            };
            let holding = holding.sign(&self.keys.signing, self.membership.team(), &part.space);
            making.piece(&part.key, Kind::Holding, &holding)?;
            self.write_part(&mut making, part, &mut files, total, progress)?;
        }
        if request.with_files {
            for file in &files {
                self.write_file(&mut making, file, total, progress)?;
            }
        }
        let (of_team, all) = making.pieces;
        let mut end = Bytes::new();
        end.number(of_team).number(all);
        making.piece(&main, Kind::End, end.as_bytes())?;
        Ok(making.made)
    }

    /// The spaces of which the other side lacks something, the heads that it knows, and how many entries it lacks.
    fn parts(
        &mut self,
        since: Option<PersonId>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<Part>, Vec<OperationHash>, u64), NodeError> {
        let (mut parts, mut heads, mut total) = (Vec::new(), Vec::new(), 0);
        let spaces: Vec<SpaceId> = self.membership.spaces_of(&self.person).into_keys().collect();
        for space in spaces {
            let main = space == self.space;
            let mut receiver = match since {
                Some(person) => match self.held_by(&person, &space)? {
                    Some(holding) => {
                        heads.extend(holding.heads.into_iter().filter(|_| main));
                        holding.vector
                    }
                    None if main => return Err(BundleError::NothingKnown(self.name(&person)).into()),
                    None => Vector::new(),
                },
                None => Vector::new(),
            };
            // Where the chains differ the other side gets all of it, and sees the fork.
            let ours = self.store.vector(&space);
            for (writer, standing) in ours.compare(&receiver.clone()) {
                let differs = match standing {
                    Standing::TheyLack(at) if at.0 > 0 => {
                        self.mark_at(&space, &writer, at)?.as_ref() != receiver.get(&writer)
                    }
                    Standing::Fork => true,
                    _ => false,
                };
                if differs {
                    receiver.remove(&writer);
                }
            }
            let lacks = receiver.lacks(&ours);
            if lacks > 0 || main {
                total += lacks;
                parts.push(Part { space, key: self.sealing_key(&space, rng)?, receiver });
            }
        }
        // The whole team's first: what is in the spaces of few may name it.
        parts.sort_by_key(|part| part.space != self.space);
        Ok((parts, heads, total))
    }

    fn write_operations(&self, making: &mut Making<'_>, heads: &[OperationHash]) -> Result<(), NodeError> {
        let main = making.main.clone();
        for piece in operation_pieces(&self.membership, heads) {
            making.piece(&main, Kind::Operations, &piece)?;
        }
        making.made.operations += self.membership.lacking(heads).len() as u64;
        Ok(())
    }

    fn write_part(
        &self,
        making: &mut Making<'_>,
        part: Part,
        files: &mut Vec<Named>,
        total: u64,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let Part { space, key, mut receiver } = part;
        while let Some(batch) = self.store.batch_for(&space, &receiver, RANGE, &BTreeSet::new())? {
            for (writer, head) in &batch.heads {
                receiver.set(*writer, Mark::new(head.position, &head.hash));
            }
            let heads = batch.heads.clone();
            let mut ranges = by_writer(batch);
            for (writer, head) in heads {
                let entries = ranges.remove(&writer).unwrap_or_default();
                files.extend(entries.iter().filter_map(|entry| names_file(&key, entry)));
                making.made.entries += entries.len() as u64;
                let envelope = seal_range(&key, writer, entries, head)?;
                making.envelope(&key, &envelope)?;
            }
            if !progress(making.made.entries, total) {
                return Err(NodeError::Stopped);
            }
        }
        Ok(())
    }

    /// A file with its smaller forms, as far as they are complete here: the table of the chunks, and the chunks as they are
    /// sealed at rest. What opens them stands in the entry that records the file.
    fn write_file(
        &self,
        making: &mut Making<'_>,
        file: &Named,
        total: u64,
        progress: ProgressFn<'_>,
    ) -> Result<(), NodeError> {
        let attachments = self.store.attachments();
        for form in [VariantKind::Thumb, VariantKind::Preview, VariantKind::Original] {
            let Some(secret) = file.secrets.form(form).filter(|it| attachments.is_complete(it)) else {
                continue;
            };
            let table = attachments.table(secret)?;
            let parts = table.chunks() + 1;
            for part in 0..parts {
                let sealed = match part.checked_sub(1) {
                    None => table.encode(),
                    Some(chunk) => attachments.chunk(secret, chunk)?,
                };
                let mut out = Bytes::new();
                out.fixed(file.document).byte(form_number(form)).number(part.into()).number(parts.into());
                out.fixed(sealed);
                making.piece(&file.key, Kind::FilePart, out.as_bytes())?;
                if !progress(making.made.entries, total) {
                    return Err(NodeError::Stopped);
                }
            }
            making.made.files += 1;
        }
        Ok(())
    }
}

/// The operations that somebody with these heads lacks, in pieces as they are sealed.
pub(in crate::ledger) fn operation_pieces(membership: &Membership, heads: &[OperationHash]) -> Vec<Vec<u8>> {
    let (mut pieces, mut pending, mut waiting) = (Vec::new(), Vec::new(), 0);
    let piece = |pending: &mut Vec<Vec<u8>>| {
        let mut out = Bytes::new();
        out.number(pending.len() as u64);
        for bytes in pending.drain(..) {
            out.sized(&bytes);
        }
        out.into_bytes()
    };
    for (_, bytes) in membership.lacking(heads) {
        if waiting + bytes.len() > OPERATIONS_BYTES && !pending.is_empty() {
            pieces.push(piece(&mut pending));
            waiting = 0;
        }
        waiting += bytes.len();
        pending.push(bytes);
    }
    if !pending.is_empty() {
        pieces.push(piece(&mut pending));
    }
    pieces
}

fn by_writer(batch: Batch) -> BTreeMap<WriterId, Vec<Entry>> {
    let mut ranges: BTreeMap<WriterId, Vec<Entry>> = BTreeMap::new();
    for (writer, entry) in batch.entries {
        ranges.entry(writer).or_default().push(entry);
    }
    ranges
}

fn names_file(key: &EpochKey, entry: &Entry) -> Option<Named> {
    let (EntryKind::Create, Some(document), Some(Detached::Present(bytes))) =
        (entry.header.kind, entry.header.document, &entry.detached)
    else {
        return None;
    };
    Some(Named { key: key.clone(), document, secrets: FileSecrets::decode(bytes)? })
}
