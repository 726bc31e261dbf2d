//! What a mailbox takes and how long it keeps it, the same whatever its storage is.

use firsthand_ids::{Position, UnixMillis};

use super::{BlobKind, MAX_BOXES, Purse, Refused, UploaderId};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How many ranges of one writer may begin at one position. Any member can upload garbage and only members can tell, so there
/// has to be room beside it; each of the four is another uploader's.
pub const CANDIDATES: usize = 4;
/// The most uploaders of one mailbox: a large team's devices, several times over.
pub const MAX_UPLOADERS: u64 = 1024;
/// What a range or blob costs besides its bytes, so that a million tiny ones are not free.
pub const ROW_BYTES: u64 = 128;
/// How long after its confirmation a proposal is carried out: time for a member to look and object.
pub const GRACE_MS: i64 = 7 * DAY_MS;
/// How long boxes stay, so that somebody away for months finds the way to the next epoch.
pub const BOXES_MS: i64 = 180 * DAY_MS;
/// How long a chunk of a file stays after it was last brought.
pub const CHUNK_MS: i64 = 90 * DAY_MS;
/// How long a mailbox stays that nobody enters.
pub const IDLE_MS: i64 = 180 * DAY_MS;

/// What a range or blob of `len` bytes costs.
#[must_use]
pub const fn cost(len: usize) -> u64 {
    len as u64 + ROW_BYTES
}

/// What one uploader may use of a mailbox: half, so that whoever fills it with garbage leaves room for the rest.
#[must_use]
pub const fn share(quota: u64) -> u64 {
    quota / 2
}

/// Whether there is room for `len` bytes more.
///
/// # Errors
/// [`Refused::MailboxFull`] or [`Refused::ShareUsed`].
pub const fn afford(purse: &Purse, len: usize) -> Result<(), Refused> {
    if purse.used.saturating_add(cost(len)) > purse.quota {
        return Err(Refused::MailboxFull);
    }
    if purse.own.saturating_add(cost(len)) > purse.share {
        return Err(Refused::ShareUsed);
    }
    Ok(())
}

/// Whether a new range is taken. `continues` says that what precedes it is the mailbox's base or the end of a range there, and
/// `beginning` whose ranges begin where it does.
///
/// # Errors
/// Why not.
pub fn put(
    continues: bool,
    beginning: &[UploaderId],
    uploader: &UploaderId,
    purse: &Purse,
    len: usize,
) -> Result<(), Refused> {
    if !continues {
        return Err(Refused::Hole);
    }
    if beginning.len() >= CANDIDATES || beginning.contains(uploader) {
        return Err(Refused::Candidates);
    }
    afford(purse, len)
}

/// Whether one more uploader's boxes are taken.
///
/// # Errors
/// [`Refused::Candidates`].
pub fn leave_boxes(left: &[UploaderId], uploader: &UploaderId) -> Result<(), Refused> {
    if left.len() >= MAX_BOXES || left.contains(uploader) { Err(Refused::Candidates) } else { Ok(()) }
}

/// Whether somebody may confirm a proposal: not whoever brought it, and nobody who was never here before it came. A mailbox
/// knows keys and not persons, so this is a safeguard against a slip and a hurried hand, no proof of two people.
///
/// # Errors
/// [`Refused::NotNow`].
pub fn confirm(
    proposer: &UploaderId,
    proposed: UnixMillis,
    uploader: &UploaderId,
    first_seen: UnixMillis,
) -> Result<(), Refused> {
    if uploader == proposer || first_seen >= proposed { Err(Refused::NotNow) } else { Ok(()) }
}

/// Whether a blob that is there as a chunk becomes what it is brought as now. Otherwise it stays what it is, so that nobody makes
/// a snapshot expire by bringing it once more.
#[must_use]
pub const fn becomes(there: BlobKind, brought: BlobKind) -> bool {
    matches!(there, BlobKind::Chunk) && !matches!(brought, BlobKind::Chunk)
}

/// Until when a blob stays that was last brought at `at`, unless something else removes it.
#[must_use]
pub const fn expires(kind: BlobKind, at: UnixMillis) -> Option<UnixMillis> {
    match kind {
        BlobKind::Chunk => Some(UnixMillis(at.0.saturating_add(CHUNK_MS))),
        BlobKind::Boxes => Some(UnixMillis(at.0.saturating_add(BOXES_MS))),
        // Parts of a snapshot go with the snapshot, see `outdated`.
        BlobKind::Snapshot => None,
    }
}

/// Whether a part of a snapshot goes as a new one takes its place: if it was not brought since the one before was proposed.
#[must_use]
pub fn outdated(brought: UnixMillis, before_proposed: Option<UnixMillis>) -> bool {
    before_proposed.is_some_and(|proposed| brought <= proposed)
}

/// Whether a range goes when a snapshot stands for everything up to `base`: if no position of it is behind the base.
#[must_use]
pub fn replaced(to: Position, base: Position) -> bool {
    to <= base
}
