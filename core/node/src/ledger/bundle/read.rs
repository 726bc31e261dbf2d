//! Taking in a bundle.

use std::io::{Read, Seek, SeekFrom};

use firsthand_ids::{DocumentId, PersonId, Position, SpaceId};
use firsthand_log::codec::Reader;
use firsthand_log::{LogError, MAX_MEMBERSHIP_HEADS, Vector};
use firsthand_seal::{
    BundleHeader, EpochKey, GroupKeys, Kind, PieceHead, SealError, open, open_range_content,
};
use firsthand_store::Commit;
use firsthand_sync::FileId;
use firsthand_team::MAX_OPERATION_BYTES;

use super::{BundleDamage, BundleError, BundleGap, BundleTaken, Holding};
use crate::NodeError;
use crate::ledger::transfer::StoredPart;
use crate::ledger::{Ledger, Now, ProgressFn, epochs};
use crate::meeting::{Answer, Change};

/// How much is looked through at once for the next piece behind damage.
const SCAN: usize = 64 * 1024;
/// The most operations of one piece: what fits into it is far less.
const MAX_OPERATIONS: usize = 1024;

const UNREADABLE: &str = "damaged";
const REFUSED: &str = "refused: it is not what a member's device makes";
const NO_ROOM: &str = "not kept: this device's disk could not take it";

/// A file read piece by piece.
struct Pieces<'a, R> {
    file: &'a mut R,
    at: u64,
    len: u64,
}

impl<R: Read + Seek> Pieces<'_, R> {
    /// As many bytes as there are from a place, at most `buffer`.
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<usize, NodeError> {
        let there = self.len.saturating_sub(at).min(buffer.len() as u64) as usize;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut buffer[..there])?;
        Ok(there)
    }

    fn head(&mut self, at: u64) -> Result<Option<PieceHead>, NodeError> {
        let mut bytes = [0; PieceHead::BYTES];
        if self.read_at(at, &mut bytes)? < bytes.len() {
            return Ok(None);
        }
        let fits = |head: &PieceHead| at + (PieceHead::BYTES + head.len) as u64 <= self.len;
        Ok(PieceHead::decode(&bytes).filter(fits))
    }

    /// Where the next piece begins, at `from` or after it; the end of the file where there is none.
    fn find(&mut self, from: u64) -> Result<u64, NodeError> {
        let marker = PieceHead::MARKER;
        let mut buffer = vec![0; SCAN + marker.len() - 1];
        let mut at = from;
        while at < self.len {
            let there = self.read_at(at, &mut buffer)?;
            let found = buffer[..there].windows(marker.len()).position(|window| window == marker);
            if let Some(found) = found {
                return Ok(at + found as u64);
            }
            at += SCAN as u64;
        }
        Ok(self.len)
    }
}

/// A key that opens something, and of which space.
struct Held {
    space: SpaceId,
    key: EpochKey,
}

/// What is known while a bundle is taken in.
struct Taking {
    /// `None` where it is damaged: then no mark says which key a piece needs.
    header: Option<BundleHeader>,
    main: EpochKey,
    keys: Vec<Held>,
    taken: BundleTaken,
    of_team: u64,
    ended: Option<(u64, u64)>,
    all: u64,
    files: bool,
}

impl Taking {
    fn damaged(&mut self, from: u64, to: u64, what: &'static str) {
        match self.taken.damage.last_mut() {
            Some(last) if last.to == from && last.what == what => last.to = to,
            _ => self.taken.damage.push(BundleDamage { from, to, what }),
        }
    }
}

impl Ledger {
    /// Takes in what a bundle holds for this device. What verifies is kept, piece by piece, and the rest is named.
    ///
    /// # Errors
    /// [`NodeError::Bundle`] where nothing of it can be opened here, [`NodeError::File`], [`NodeError::Store`],
    /// [`NodeError::Stopped`]; what was taken in by then stays.
    pub fn import_bundle<R: Read + Seek>(
        &mut self,
        file: &mut R,
        now: Now,
        progress: ProgressFn<'_>,
    ) -> Result<BundleTaken, NodeError> {
        let len = file.seek(SeekFrom::End(0))?;
        let mut pieces = Pieces { file, at: 0, len };
        let mut taking = self.begin_bundle(&mut pieces)?;
        while pieces.at < len {
            if !progress(pieces.at, len) {
                return Err(NodeError::Stopped);
            }
            let at = pieces.at;
            let Some(head) = pieces.head(at)? else {
                pieces.at = pieces.find(at + 1)?;
                taking.damaged(at, pieces.at, UNREADABLE);
                continue;
            };
            let mut envelope = vec![0; head.len];
            pieces.read_at(at + PieceHead::BYTES as u64, &mut envelope)?;
            let end = at + (PieceHead::BYTES + head.len) as u64;
            // A length that is wrong must not hide what follows.
            let follows = end == len || pieces.head(end)?.is_some();
            let known = |it: &&Held| {
                taking.header.as_ref().is_none_or(|header| header.is_piece_of(&head.mark, at, &it.key))
            };
            let mut opened = taking.keys.iter().filter(known).peekable();
            let ours = opened.peek().is_some() && taking.header.is_some();
            let opened =
                opened.find_map(|it| Some((it.space, it.key.clone(), open(&it.key, &envelope).ok()?)));
            match opened {
                Some((space, key, (kind, content))) => {
                    taking.of_team += u64::from(key == taking.main);
                    taking.all += 1;
                    if let Err(what) = self.take_piece(&mut taking, space, kind, &content, now)? {
                        taking.damaged(at, end, what);
                    }
                    pieces.at = end;
                }
                None if !ours && follows => {
                    taking.taken.others += 1;
                    taking.all += 1;
                    pieces.at = end;
                }
                None => {
                    pieces.at = pieces.find(at + 1)?;
                    taking.damaged(at, pieces.at, UNREADABLE);
                }
            }
        }
        // The end itself is not among what it counts.
        taking.taken.whole = taking.ended.is_some_and(|(of_team, all)| {
            of_team.checked_add(1) == Some(taking.of_team) && all.checked_add(1) == Some(taking.all)
        });
        self.apply_bundle()?;
        progress(len, len);
        // Open meetings hear of new operations with the next change.
        self.renamed |= taking.taken.operations > 0;
        Ok(taking.taken)
    }

    fn begin_bundle<R: Read + Seek>(&self, pieces: &mut Pieces<'_, R>) -> Result<Taking, NodeError> {
        let unreadable = |error: SealError| match error {
            SealError::Malformed(LogError::Newer { .. }) => BundleError::Newer,
            _ => BundleError::NotABundle,
        };
        let mut least = vec![0; BundleHeader::LEAST];
        if pieces.read_at(0, &mut least)? < least.len() {
            return Err(BundleError::NotABundle.into());
        }
        let header_len = BundleHeader::len_of(&least);
        let mut keys = self.held_keys();
        let mut header = None;
        if let Ok(header_len) = header_len {
            let mut bytes = vec![0; header_len];
            let there = pieces.read_at(0, &mut bytes)?;
            header = BundleHeader::decode(&bytes[..there]).ok();
            pieces.at = header_len as u64;
        }
        let main = match &header {
            Some(header) => {
                let team = self.membership.team();
                if !header.is_of(team, self.membership.discovery_secret()) {
                    return Err(BundleError::OtherTeam.into());
                }
                let known = keys.iter().find(|it| header.is_under(&it.key)).map(|it| it.key.clone());
                let main = match known {
                    Some(key) => key,
                    None => {
                        let entered = header.enter(&epochs::exchange(&self.keys)?);
                        let key = entered.ok_or(BundleError::NotForUs)?;
                        keys.push(Held { space: self.space, key: key.clone() });
                        key
                    }
                };
                Some(main)
            }
            None => {
                let at = pieces.find(0)?;
                if at == pieces.len {
                    return Err(header_len.map_or_else(unreadable, |_| BundleError::Damaged).into());
                }
                pieces.at = at;
                self.main_of_damaged(pieces, &keys)?
            }
        };
        let main = main.ok_or(BundleError::Damaged)?;
        let mut taking = Taking {
            header,
            main,
            keys,
            taken: BundleTaken::default(),
            of_team: 0,
            ended: None,
            all: 0,
            files: false,
        };
        if taking.header.is_none() {
            taking.damaged(0, pieces.at, UNREADABLE);
        }
        Ok(taking)
    }

    /// The key of the whole team that opens the first piece that any opens.
    fn main_of_damaged<R: Read + Seek>(
        &self,
        pieces: &mut Pieces<'_, R>,
        keys: &[Held],
    ) -> Result<Option<EpochKey>, NodeError> {
        let mut at = pieces.at;
        while at < pieces.len {
            if let Some(head) = pieces.head(at)? {
                let mut envelope = vec![0; head.len];
                pieces.read_at(at + PieceHead::BYTES as u64, &mut envelope)?;
                let mut of_team = keys.iter().filter(|it| it.space == self.space);
                if let Some(found) = of_team.find(|it| open(&it.key, &envelope).is_ok()) {
                    return Ok(Some(found.key.clone()));
                }
            }
            at = pieces.find(at + 1)?;
        }
        Ok(None)
    }

    fn held_keys(&self) -> Vec<Held> {
        let spaces = self.membership.spaces_of(&self.person).into_keys();
        let held = spaces.flat_map(|space| {
            let keys = self.group.opening(&self.membership, &space).into_iter();
            keys.map(move |(_, key)| Held { space, key: key.clone() }).collect::<Vec<_>>()
        });
        held.collect()
    }

    /// Takes in what was in one piece; the inner error says why it was not taken.
    fn take_piece(
        &mut self,
        taking: &mut Taking,
        space: SpaceId,
        kind: Kind,
        content: &[u8],
        now: Now,
    ) -> Result<Result<(), &'static str>, NodeError> {
        Ok(match kind {
            Kind::Operations if space == self.space => self.take_bundled_operations(taking, content),
            Kind::Holding => self.take_holding(&space, content)?,
            Kind::Range => self.take_range(taking, &space, content, now),
            Kind::FilePart => {
                if !std::mem::replace(&mut taking.files, true) {
                    self.apply_bundle()?;
                }
                self.take_file_part(taking, content)
            }
            Kind::End if space == self.space => match end(content) {
                Ok(counts) => {
                    taking.ended = Some(counts);
                    Ok(())
                }
                Err(_) => Err(REFUSED),
            },
            // Of a newer version.
            Kind::Other(_) => Ok(()),
            Kind::Operations | Kind::End | Kind::Door | Kind::Snapshot | Kind::SnapshotPart => Err(REFUSED),
        })
    }

    fn take_bundled_operations(&mut self, taking: &mut Taking, content: &[u8]) -> Result<(), &'static str> {
        let operations = read_operations(content).map_err(|_| REFUSED)?;
        let before = self.membership.all().len();
        self.take_operations(None, &operations, &mut Change::default()).map_err(|refusal| why(&refusal))?;
        taking.taken.operations += (self.membership.all().len() - before) as u64;
        taking.keys = self.held_keys();
        // Known from the door alone until the operation that makes it has come.
        if !taking.keys.iter().any(|it| it.key == taking.main) {
            taking.keys.push(Held { space: self.space, key: taking.main.clone() });
        }
        Ok(())
    }

    fn take_range(
        &mut self,
        taking: &mut Taking,
        space: &SpaceId,
        content: &[u8],
        now: Now,
    ) -> Result<(), &'static str> {
        let range = open_range_content(space, content).map_err(|_| REFUSED)?;
        let held = self.store.vector(space).position(&range.writer);
        if range.from > held.next() {
            let person = self.store.tip(space, &range.writer).map(|tip| tip.person);
            let gap = BundleGap {
                person: person.map_or_else(String::new, |person| self.name(&person)),
                from: held.next(),
                to: Position(range.from.0 - 1),
            };
            if !taking.taken.gaps.contains(&gap) {
                taking.taken.gaps.push(gap);
            }
            return Ok(());
        }
        taking.taken.read += range.batch.entries.len() as u64;
        let received = self.receive_batch(space, range.batch, now).map_err(|refusal| why(&refusal))?;
        taking.taken.entries += received.entries;
        Ok(())
    }

    fn take_file_part(&mut self, taking: &mut Taking, content: &[u8]) -> Result<(), &'static str> {
        let (file, part, total, bytes) = file_part(content).map_err(|_| REFUSED)?;
        let stored = self.store_part(&file, part, total, bytes).map_err(|refusal| why(&refusal))?;
        if let StoredPart::Work(work) = stored
            && let Answer::Session { input: firsthand_sync::Input::ChunkStored { result, .. }, .. } =
                self.file_done(work.run())
        {
            taking.taken.files += u64::from(result.map_err(|refusal| why(&refusal))?.is_empty());
        }
        Ok(())
    }

    /// Puts what has come into its documents.
    fn apply_bundle(&mut self) -> Result<(), NodeError> {
        let applied = self.apply_received(&mut Change::default());
        applied.map_err(|_| NodeError::Inconsistent("what a bundle brought"))
    }

    /// Notes what a member's device held when it made the bundle.
    fn take_holding(
        &mut self,
        space: &SpaceId,
        content: &[u8],
    ) -> Result<Result<(), &'static str>, NodeError> {
        let Ok(holding) = Holding::read(content, self.membership.team(), space) else {
            return Ok(Err(REFUSED));
        };
        if self.membership.roster().member(&holding.device).is_none() {
            return Ok(Err(REFUSED));
        }
        if holding.device == self.device {
            return Ok(Ok(()));
        }
        let name = held_setting(&holding.device, space);
        if self.store.setting(&name)?.as_deref() != Some(content) {
            let mut commit = Commit::new(self.space);
            commit.settings.push((name, content.to_vec()));
            commit.tried = self.untried.is_empty();
            // Another bundle tells again.
            commit.derived = true;
            self.store.commit(commit)?;
        }
        self.keep_delivered(space, &holding.vector)?;
        Ok(Ok(()))
    }

    /// What every device of a person held of a space when it made the last bundle that was read here; `None` where one of
    /// them made none.
    pub(super) fn held_by(&self, person: &PersonId, space: &SpaceId) -> Result<Option<Holding>, NodeError> {
        let mut least: Option<Holding> = None;
        let devices = self.membership.roster().devices.iter().filter(|(_, it)| it.person == *person);
        for (device, _) in devices {
            let kept = self.store.setting(&held_setting(device, space))?;
            let read = kept.and_then(|bytes| Holding::read(&bytes, self.membership.team(), space).ok());
            let Some(holding) = read else { return Ok(None) };
            least = Some(match least {
                None => holding,
                Some(before) => both(before, &holding),
            });
        }
        Ok(least)
    }
}

/// What two devices both held.
fn both(one: Holding, other: &Holding) -> Holding {
    let mut vector = Vector::new();
    for (writer, mark) in one.vector.iter() {
        if let Some(theirs) = other.vector.get(writer) {
            vector.set(*writer, if theirs.position < mark.position { *theirs } else { *mark });
        }
    }
    let heads = if one.heads == other.heads { one.heads } else { Vec::new() };
    Holding { device: one.device, heads, vector }
}

fn held_setting(device: &firsthand_ids::DeviceKey, space: &SpaceId) -> String {
    format!("held.{device}.{space}")
}

fn why(refusal: &firsthand_sync::Refusal) -> &'static str {
    match refusal {
        firsthand_sync::Refusal::Storage => NO_ROOM,
        _ => REFUSED,
    }
}

/// Reads a piece with membership operations.
pub(in crate::ledger) fn read_operations(content: &[u8]) -> Result<Vec<Vec<u8>>, LogError> {
    let mut reader = Reader::new(content);
    let count = reader.count(MAX_OPERATIONS, "operations")?;
    let mut operations = Vec::with_capacity(count.min(MAX_MEMBERSHIP_HEADS));
    for _ in 0..count {
        operations.push(reader.sized(MAX_OPERATION_BYTES, "operation")?.to_vec());
    }
    reader.finish("operations")?;
    Ok(operations)
}

fn file_part(content: &[u8]) -> Result<(FileId, u32, u32, &[u8]), LogError> {
    let mut reader = Reader::new(content);
    let document = DocumentId::new(reader.array("document")?);
    let form = reader.byte("form")?;
    let part = reader.count(u32::MAX as usize, "part")? as u32;
    let total = reader.count(u32::MAX as usize, "parts")? as u32;
    Ok((FileId { document, form }, part, total, reader.rest()))
}

fn end(content: &[u8]) -> Result<(u64, u64), LogError> {
    let mut reader = Reader::new(content);
    let counts = (reader.number("pieces")?, reader.number("pieces")?);
    reader.finish("end")?;
    Ok(counts)
}
