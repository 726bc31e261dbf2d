//! Who holds a file, and which files this device need not hold.
//!
//! A device whose person wants it to says in a file's record that it holds the file and verified it: the steps `captured`, `received` and `verified` of the
//! custody log, which count where the entry is that device's own. Of the devices that say so, the two that come first in an order
//! drawn from the file's hash keep the file; whoever comes after two others may let go of it. So any number of devices that
//! decide apart, each knowing only some of the others, never let go of the last two copies: no device lets go of a file unless two
//! that come before it hold it, and of those that ever said so the first two never find two before them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_document::Authors;
use firsthand_ids::{ContentHash, DeviceKey, Digest, DocumentId};
use firsthand_record::{CustodyKind, VariantKind};
use firsthand_store::{DiskUse, EvidenceRow, FileState};
use rand_core::CryptoRng;

use super::authors::LogAuthors;
use super::{Forms, Ledger, LinkKind, Now};
use crate::NodeError;
use crate::meeting::Change;

/// How many devices keep a file whatever anybody's policy says.
pub(super) const KEEPERS: usize = 2;
/// How many records are looked at in one go: a few milliseconds each at worst, while a person may wait.
const AT_ONCE: usize = 32;

/// What files of one form take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormUse {
    /// How many.
    pub files: u64,
    /// Their lengths together, in bytes.
    pub bytes: u64,
}

impl FormUse {
    pub(super) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Where the files of one form stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormSpace {
    /// Complete here.
    pub here: FormUse,
    /// Recorded, not here, and asked for from devices nearby.
    pub wanted: FormUse,
    /// Recorded, not here, and not asked for as things are.
    pub held_back: FormUse,
    /// Let go of since other devices hold them.
    pub freed: FormUse,
}

/// What takes how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpaceView {
    /// Thumbnails.
    pub thumbs: FormSpace,
    /// Previews.
    pub previews: FormSpace,
    /// The files themselves.
    pub originals: FormSpace,
    /// Of those that are asked for from devices nearby, what the disk has no room for.
    pub no_room: FormUse,
    /// What others may still write onto the disk, in bytes; `None` where nobody can tell.
    pub free_bytes: Option<u64>,
    /// What lies on the disk.
    pub disk: DiskUse,
}

/// What to let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FreeRequest {
    /// Only files recorded so many milliseconds ago, or earlier.
    pub older_than_ms: u64,
    /// Stop once so many bytes have become free; `None`: everything that may go.
    pub enough: Option<u64>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Why a file stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Fewer than two other devices said that they hold it.
    TooFew {
        /// How many did.
        known: usize,
    },
    /// Others hold it, and this device is one of the two that keep it.
    Keeper,
    /// It is younger than was asked.
    Young,
    /// It is as short as a preview, so there is little to gain.
    Short,
    /// Enough has become free.
    Enough,
}

impl Kept {
    /// Its name in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooFew { .. } => "too_few_copies",
            Self::Keeper => "keeper",
            Self::Young => "young",
            Self::Short => "short",
            Self::Enough => "enough",
        }
    }
}

/// A file that went or stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreedFile {
    /// The document that records it.
    pub document: DocumentId,
    /// What it was called.
    pub name: String,
    /// Its length in bytes.
    pub byte_len: u64,
    /// Why it stays; `None`: it went, or would.
    pub kept: Option<Kept>,
}

/// What was let go of, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreedView {
    /// Files that are here, oldest record first.
    pub files: Vec<FreedFile>,
    /// Bytes of those that went, or would.
    pub bytes: u64,
    /// Files let go of earlier that two other devices no longer are known to hold: they are asked for again.
    pub wanted_again: u64,
}

/// What is still to be said of copies that are here.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// What was here already when the program started has been put into the queue.
    begun: bool,
    queue: VecDeque<DocumentId>,
}

impl Telling {
    pub(super) fn arrived(&mut self, file: DocumentId) {
        self.queue.push_back(file);
    }
}

/// What came of [`Ledger::tell_copies`].
#[derive(Debug, Default)]
pub struct CopiesTold {
    /// Give it to open meetings.
    pub change: Option<Change>,
    /// There is more to look at.
    pub more: bool,
}

/// The order in which devices keep a file: another one for each file, so that each keeps its share.
fn rank(file: &ContentHash, device: &DeviceKey) -> [u8; 32] {
    Digest::new("firsthand keepers of a file v1").fixed(file).fixed(device).finish()
}

/// Other devices that hold a file.
struct Holders {
    /// All of them.
    others: usize,
    /// Those that come before this device.
    before: usize,
    /// This device said so as well.
    told: bool,
}

impl Ledger {
    /// Where files stand and what takes how much.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub fn space_view(&self) -> Result<SpaceView, NodeError> {
        let free_bytes = self.free_bytes();
        let mut view = SpaceView { disk: self.store.disk_use()?, free_bytes, ..SpaceView::default() };
        for file in self.store.recorded_files()? {
            let space = match file.form {
                VariantKind::Thumb => &mut view.thumbs,
                VariantKind::Preview => &mut view.previews,
                VariantKind::Original => &mut view.originals,
            };
            let of = match file.state {
                FileState::Here => &mut space.here,
                FileState::Freed => &mut space.freed,
                FileState::Missing if self.may_travel(LinkKind::Nearby, file.form, file.byte_len) => {
                    &mut space.wanted
                }
                FileState::Missing => &mut space.held_back,
                FileState::Destroyed => continue,
            };
            of.add(file.byte_len);
        }
        view.no_room = self.without_room()?;
        Ok(view)
    }

    fn holders(&mut self, row: &EvidenceRow) -> Result<Holders, NodeError> {
        let view = self.read_view(&row.id)?;
        let none = BTreeMap::new();
        let authors = LogAuthors::new(&self.store, &self.membership, &none);
        let holds = [CustodyKind::Captured, CustodyKind::Received, CustodyKind::Verified];
        let mut devices = BTreeSet::new();
        for item in view.items("custody_log").iter().filter(|item| item.withdrawn.is_none()) {
            let event = serde_json::from_value::<CustodyKind>(item.value["event"].clone());
            let author = authors.author(&item.change).and_then(|by| self.store.tip(&row.space, &by.writer));
            let device = author.map(|tip| tip.device);
            let said = serde_json::from_value::<DeviceKey>(item.value["device"].clone()).ok();
            if event.is_ok_and(|event| holds.contains(&event)) && device.is_some() && device == said {
                devices.extend(device);
            }
        }
        let told = devices.remove(&self.device);
        devices.retain(|device| self.membership.roster().member(device).is_some());
        let own = rank(&row.evidence.hash, &self.device);
        let before = devices.iter().filter(|device| rank(&row.evidence.hash, device) < own).count();
        Ok(Holders { others: devices.len(), before, told })
    }

    /// Says in the records of files that are complete here that this device holds them, as far as that helps somebody: where two that come
    /// before this device say so, it does not. A few at a time, and only where the policy says so: it takes an entry for each.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; what was not said is said at the next start.
    pub fn tell_copies(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<CopiesTold, NodeError> {
        if !self.file_policy().tell_copies {
            self.telling = Telling::default();
            return Ok(CopiesTold::default());
        }
        if !self.telling.begun {
            self.telling.begun = true;
            let here = self.store.recorded_files()?.into_iter();
            let here = here.filter(|it| it.form == VariantKind::Original && it.state == FileState::Here);
            self.telling.queue.extend(here.map(|file| file.document));
        }
        let mut told = false;
        for _ in 0..AT_ONCE {
            let Some(id) = self.telling.queue.pop_front() else { break };
            if !self.rights().write || !self.is_here(&id)? {
                continue;
            }
            let Some(row) = self.store.evidence(&id)?.filter(|row| worth_freeing(row.evidence.byte_len))
            else {
                continue;
            };
            let holders = self.holders(&row)?;
            if !holders.told && holders.before < KEEPERS {
                self.note_custody(id, CustodyKind::Verified, now, rng)?;
                told = true;
            }
        }
        let more = !self.telling.queue.is_empty();
        Ok(CopiesTold { change: told.then(|| self.change()), more })
    }

    fn is_here(&self, id: &DocumentId) -> Result<bool, NodeError> {
        let secrets = self.secrets(id)?;
        Ok(secrets.is_some_and(|secrets| self.store.attachments().is_complete(&secrets.original)))
    }

    /// Lets go of files that other devices hold. Their records, thumbnails and previews stay, and so does every file that may not
    /// go: see [`Kept`].
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; files that went before are let go of then.
    pub fn free_files(&mut self, request: FreeRequest, now: Now) -> Result<FreedView, NodeError> {
        let mut view = FreedView::default();
        for file in self.store.recorded_files()? {
            let of_these = matches!(file.state, FileState::Here | FileState::Freed);
            if file.form != VariantKind::Original || !of_these {
                continue;
            }
            let Some(row) = self.store.evidence(&file.document)? else { continue };
            let holders = self.holders(&row)?;
            if file.state == FileState::Freed {
                if holders.before < KEEPERS {
                    view.wanted_again += 1;
                    if !request.dry_run
                        && let Some(secrets) = self.secrets(&file.document)?
                    {
                        self.store.want_again(&secrets.original)?;
                    }
                }
                continue;
            }
            let age = now.at.0.saturating_sub(row.effective.millis().0);
            let young = u64::try_from(age).unwrap_or(0) < request.older_than_ms;
            let kept = if !worth_freeing(file.byte_len) {
                Some(Kept::Short)
            } else if young {
                Some(Kept::Young)
            } else if request.enough.is_some_and(|enough| view.bytes >= enough) {
                Some(Kept::Enough)
            } else if holders.others < KEEPERS {
                Some(Kept::TooFew { known: holders.others })
            } else if holders.before < KEEPERS {
                Some(Kept::Keeper)
            } else {
                None
            };
            if kept.is_none() {
                view.bytes += file.byte_len;
                if !request.dry_run
                    && let Some(secrets) = self.secrets(&file.document)?
                {
                    self.store.free(&secrets.original)?;
                }
            }
            let (document, name, byte_len) = (file.document, row.evidence.name, file.byte_len);
            view.files.push(FreedFile { document, name, byte_len, kept });
        }
        Ok(view)
    }

    /// Asks again for a file that was let go of. `false` where it was not.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where the incident has no such file, [`NodeError::Destroyed`], [`NodeError::Store`].
    pub fn want_again(&mut self, incident: &DocumentId, name: &str) -> Result<bool, NodeError> {
        let file = self.find_file(incident, name)?;
        let secrets = self.secrets(&file)?.ok_or(NodeError::Destroyed)?;
        Ok(self.store.want_again(&secrets.original)?)
    }
}

/// Whether a file is longer than a preview may be: of shorter ones there is little to gain, and often nothing smaller to look at.
fn worth_freeing(byte_len: u64) -> bool {
    Forms::of(VariantKind::Original, byte_len) == Forms::Originals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keepers_stays_what_it_is() {
        let rank = rank(&ContentHash::new([2; 32]), &DeviceKey::new([7; 32]));
        let hex: String = rank.iter().map(|byte| format!("{byte:02x}")).collect();
        // A second implementation, in Python, made from docs/formats/evidence.md.
        assert_eq!(hex, "08b0faa63dfd8c77da37b97454d0441b64fbbc87a21ab1c1c6dc6fe66a28c0d7");
    }
}
