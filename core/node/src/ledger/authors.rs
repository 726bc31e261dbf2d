use std::cell::RefCell;
use std::collections::BTreeMap;

use firsthand_document::{Author, Authors, Rights};
use firsthand_ids::{ChangeHash, DeviceKey, OperationHash};
use firsthand_store::{EntryInfo, Store};
use firsthand_team::Membership;

use super::document_rights;

/// Who made a change, from the log; rights at the membership heads that the entry names.
pub(super) struct LogAuthors<'a> {
    store: &'a Store,
    rights: PastRights<'a>,
    /// Entries that are being received and are not in the store yet.
    arriving: &'a BTreeMap<ChangeHash, Author>,
}

impl<'a> LogAuthors<'a> {
    pub(super) fn new(
        store: &'a Store,
        membership: &'a Membership,
        arriving: &'a BTreeMap<ChangeHash, Author>,
    ) -> Self {
        Self { store, rights: PastRights::new(membership), arriving }
    }
}

impl Authors for LogAuthors<'_> {
    fn author(&self, change: &ChangeHash) -> Option<Author> {
        if let Some(author) = self.arriving.get(change) {
            return Some(*author);
        }
        let info = self.store.author(change).ok().flatten()?;
        Some(self.rights.author(&info))
    }
}

/// What people were allowed to do at membership heads, asked once each.
pub(super) struct PastRights<'a> {
    membership: &'a Membership,
    asked: RefCell<BTreeMap<Vec<OperationHash>, BTreeMap<DeviceKey, firsthand_team::Rights>>>,
}

impl<'a> PastRights<'a> {
    pub(super) fn new(membership: &'a Membership) -> Self {
        Self { membership, asked: RefCell::default() }
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
        let mut asked = self.asked.borrow_mut();
        if let Some(rights) = asked.get(heads).and_then(|asked| asked.get(device)) {
            return *rights;
        }
        let rights = self.membership.rights_at(heads, device).unwrap_or_default();
        asked.entry(heads.to_vec()).or_default().insert(*device, rights);
        rights
    }
}
