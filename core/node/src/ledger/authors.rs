use std::cell::RefCell;
use std::collections::BTreeMap;

use firsthand_document::{Author, Authors, Rights};
use firsthand_ids::{ChangeHash, DeviceKey, OperationHash};
use firsthand_store::{EntryInfo, Store};
use firsthand_team::{Membership, Roster};

use super::document_rights;

/// Who made a change, from the log; rights at the membership heads that the entry names.
pub(super) struct LogAuthors<'a> {
    store: &'a Store,
    rosters: Rosters<'a>,
    /// Entries that are being received and are not in the store yet.
    arriving: &'a BTreeMap<ChangeHash, Author>,
}

impl<'a> LogAuthors<'a> {
    pub(super) fn new(
        store: &'a Store,
        membership: &'a Membership,
        arriving: &'a BTreeMap<ChangeHash, Author>,
    ) -> Self {
        Self { store, rosters: Rosters::new(membership), arriving }
    }
}

impl Authors for LogAuthors<'_> {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        if let Some(author) = self.arriving.get(change) {
            return Some(*author);
        }
        let info = self.store.author(change).ok().flatten()?;
        Some(self.rosters.author(&info))
    }
}

/// Rosters at membership heads, folded once each.
pub(super) struct Rosters<'a> {
    membership: &'a Membership,
    folded: RefCell<BTreeMap<Vec<OperationHash>, Option<Roster>>>,
}

impl<'a> Rosters<'a> {
    pub(super) fn new(membership: &'a Membership) -> Self {
        Self { membership, folded: RefCell::default() }
    }

    /// The author of an entry.
    pub(super) fn author(&self, info: &EntryInfo) -> Author {
        let rights = self.rights(&info.membership, &info.device);
        let (writer, person, position) = (info.writer, info.person, info.position);
        Author { writer, person, position, hybrid: info.hybrid, local: info.local, rights }
    }

    /// What a device's owner was allowed to do under these heads; nothing while they are not all here.
    pub(super) fn rights(&self, heads: &[OperationHash], device: &DeviceKey) -> Rights {
        document_rights(self.of(heads, device))
    }

    /// Whether they were allowed to enter records.
    pub(super) fn writes(&self, heads: &[OperationHash], device: &DeviceKey) -> bool {
        self.of(heads, device).write
    }

    fn of(&self, heads: &[OperationHash], device: &DeviceKey) -> firsthand_team::Rights {
        let mut folded = self.folded.borrow_mut();
        if !folded.contains_key(heads) {
            folded.insert(heads.to_vec(), self.membership.roster_at(heads));
        }
        let roster = folded.get(heads).and_then(Option::as_ref);
        roster.map(|roster| roster.rights(device)).unwrap_or_default()
    }
}
