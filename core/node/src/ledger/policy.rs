//! Which files this device asks for, over what, and in which state of the device. The team's words are not asked about: they
//! always travel. Kept in this home and never exchanged.

use std::fmt;
use std::sync::Arc;

use firsthand_record::VariantKind;
use firsthand_store::{Commit, MAX_ATTACHMENT_BYTES};
use serde::{Deserialize, Serialize};

use super::Ledger;
use crate::{Disk, NodeError};

const POLICY: &str = "attachments.policy";

/// What a file travels over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Straight from another device, on a hotspot or a local network, which costs nothing.
    Nearby,
    /// Through a relay, over the internet.
    Relay,
}

/// Up to which form files travel. A file that is as short as a thumbnail or a preview counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forms {
    /// No file at all.
    Nothing,
    /// Thumbnails: at most 20,000 bytes each.
    Thumbs,
    /// These and previews: at most 200,000 bytes each.
    Previews,
    /// These and the files themselves.
    Originals,
}

impl Forms {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Thumbs, Self::Previews, Self::Originals];

    /// Its name in machine output.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Thumbs => "thumbs",
            Self::Previews => "previews",
            Self::Originals => "originals",
        }
    }

    /// What a form of a file of this length counts as.
    #[must_use]
    pub fn of(form: VariantKind, byte_len: u64) -> Self {
        let fits = |form: VariantKind| form.most_bytes().is_some_and(|most| byte_len <= most);
        match form {
            VariantKind::Thumb => Self::Thumbs,
            VariantKind::Preview => Self::Previews,
            VariantKind::Original if fits(VariantKind::Thumb) => Self::Thumbs,
            VariantKind::Original if fits(VariantKind::Preview) => Self::Previews,
            VariantKind::Original => Self::Originals,
        }
    }
}

/// How the device is doing, as the shell last said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Its way to the internet costs by the byte.
    pub metered: bool,
    /// What is left of its battery, in percent; `None` where it has none, or nobody said.
    pub battery_percent: Option<u8>,
    /// It hangs on a charger.
    pub charging: bool,
}

/// What is asked for. Of several rules that speak of a file the strictest counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilePolicy {
    /// From devices nearby.
    pub nearby: Forms,
    /// Through relays.
    pub relay: Forms,
    /// Through relays while that costs by the byte.
    pub metered: Forms,
    /// Over anything, while the battery is low and nothing charges it.
    pub low_battery: Forms,
    /// Below how many percent a battery is low.
    pub low_battery_percent: u8,
    /// The longest file from devices nearby, in bytes.
    pub longest_nearby: u64,
    /// The longest file through relays, in bytes.
    pub longest_relay: u64,
    /// How much of the disk no file may take, in bytes, so that words can be saved when photos and videos have filled the rest.
    pub keep_free: u64,
    /// Whether this device says in the records of long files that it holds them, so that others may let go of theirs. Each such word is an
    /// entry that reaches everybody.
    pub tell_copies: bool,
}

impl Default for FilePolicy {
    /// Everything from nearby; through relays photos as phones make them, and no more than previews where each byte is paid; on a
    /// low battery only what shows that there is a file.
    fn default() -> Self {
        Self {
            nearby: Forms::Originals,
            relay: Forms::Originals,
            metered: Forms::Previews,
            low_battery: Forms::Thumbs,
            low_battery_percent: 15,
            longest_nearby: MAX_ATTACHMENT_BYTES,
            longest_relay: 16 * 1024 * 1024,
            // Some 40,000 incidents with their entries, and the database's own work.
            keep_free: 100_000_000,
            tell_copies: false,
        }
    }
}

impl FilePolicy {
    /// Up to which form files travel now.
    #[must_use]
    pub fn most(&self, link: LinkKind, conditions: Conditions) -> Forms {
        let mut most = match link {
            LinkKind::Nearby => self.nearby,
            LinkKind::Relay if conditions.metered => self.relay.min(self.metered),
            LinkKind::Relay => self.relay,
        };
        let low = conditions.battery_percent.is_some_and(|percent| percent < self.low_battery_percent);
        if low && !conditions.charging {
            most = most.min(self.low_battery);
        }
        most
    }

    /// Whether a form of a file of this length, in bytes, is to travel now. This is the one question that whoever moves files
    /// asks, over whatever they move them.
    #[must_use]
    pub fn allows(&self, link: LinkKind, conditions: Conditions, form: VariantKind, byte_len: u64) -> bool {
        let longest = match link {
            LinkKind::Nearby => self.longest_nearby,
            LinkKind::Relay => self.longest_relay,
        };
        byte_len <= longest.min(MAX_ATTACHMENT_BYTES)
            && Forms::of(form, byte_len) <= self.most(link, conditions)
    }
}

impl Ledger {
    /// Which files this device asks for.
    #[must_use]
    pub const fn file_policy(&self) -> &FilePolicy {
        &self.files.policy
    }

    /// How the device is doing, as the shell last said.
    #[must_use]
    pub const fn conditions(&self) -> Conditions {
        self.files.conditions
    }

    /// Whether a form of a file of this length is to travel over such a link as things are.
    #[must_use]
    pub fn may_travel(&self, link: LinkKind, form: VariantKind, byte_len: u64) -> bool {
        self.files.policy.allows(link, self.files.conditions, form, byte_len)
    }

    /// Takes another policy. Give the answer to open meetings.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; the old one holds then.
    pub fn set_file_policy(&mut self, policy: FilePolicy) -> Result<crate::meeting::Change, NodeError> {
        let bytes =
            serde_json::to_vec(&policy).map_err(|_| NodeError::Inconsistent("the policy for files"))?;
        let mut commit = Commit::new(self.space);
        commit.settings.push((POLICY.to_owned(), bytes));
        commit.tried = self.untried.is_empty();
        self.store.commit(commit)?;
        self.files.policy = policy;
        Ok(self.received())
    }

    /// Asks from now on how much room there is before a file is taken in. Nothing is asked before.
    pub fn watch_disk(&mut self, disk: Arc<dyn Disk>) {
        self.files.disk = Some(Watched(disk));
    }

    /// The bytes that files may still take.
    pub(super) fn room(&self) -> u64 {
        self.free_bytes().map_or(u64::MAX, |free| free.saturating_sub(self.files.policy.keep_free))
    }

    /// What can be written onto the disk, in bytes.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        self.files.disk.as_ref().and_then(|disk| disk.0.free_bytes(self.store.folder()))
    }

    /// Hears how the device is doing. Give the answer, where there is one, to open meetings.
    pub fn set_conditions(&mut self, conditions: Conditions) -> Option<crate::meeting::Change> {
        let before = std::mem::replace(&mut self.files.conditions, conditions);
        (before != conditions).then(|| self.received())
    }
}

/// What decides about files in this home.
#[derive(Debug, Default)]
pub(super) struct Files {
    policy: FilePolicy,
    conditions: Conditions,
    disk: Option<Watched>,
}

/// What tells the room on the disk.
struct Watched(Arc<dyn Disk>);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Files {
    /// What is kept in a home. A policy that cannot be read is as if nobody had set one.
    pub(super) fn read(store: &firsthand_store::Store) -> Result<Self, NodeError> {
        let bytes = store.setting(POLICY)?;
        let policy = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { policy, ..Self::default() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LOW: Conditions = Conditions { metered: false, battery_percent: Some(14), charging: false };
    const METERED: Conditions = Conditions { metered: true, battery_percent: Some(80), charging: false };

    #[test]
    fn the_strictest_rule_counts() {
        let policy = FilePolicy::default();
        let free = Conditions::default();
        let photo = 6_000_000;
        let allows = |link, conditions, form, len| policy.allows(link, conditions, form, len);
        assert!(allows(LinkKind::Nearby, free, VariantKind::Original, photo));
        assert!(allows(LinkKind::Nearby, METERED, VariantKind::Original, photo), "nearby costs nothing");
        assert!(allows(LinkKind::Relay, free, VariantKind::Original, photo));
        assert!(!allows(LinkKind::Relay, METERED, VariantKind::Original, photo));
        assert!(allows(LinkKind::Relay, METERED, VariantKind::Preview, 200_000));
        assert!(allows(LinkKind::Relay, METERED, VariantKind::Original, 200_000), "as short as a preview");
        assert!(!allows(LinkKind::Relay, METERED, VariantKind::Original, 200_001));
        for link in [LinkKind::Nearby, LinkKind::Relay] {
            assert!(allows(link, LOW, VariantKind::Thumb, 20_000));
            assert!(!allows(link, LOW, VariantKind::Preview, 150_000));
            let charging = Conditions { charging: true, ..LOW };
            assert!(allows(link, charging, VariantKind::Preview, 150_000));
        }
        assert!(!allows(LinkKind::Relay, free, VariantKind::Original, 16 * 1024 * 1024 + 1));
        // What a record announces that no file can be.
        assert!(!allows(LinkKind::Nearby, free, VariantKind::Original, 1_000_000_000_000));
        let none = FilePolicy { nearby: Forms::Nothing, ..FilePolicy::default() };
        assert!(!none.allows(LinkKind::Nearby, free, VariantKind::Thumb, 1));
    }

    #[test]
    fn a_policy_is_read_back_and_older_ones_keep_what_they_say() {
        let policy = FilePolicy { nearby: Forms::Previews, tell_copies: true, ..FilePolicy::default() };
        let bytes = serde_json::to_vec(&policy).unwrap();
        assert_eq!(serde_json::from_slice::<FilePolicy>(&bytes).unwrap(), policy);
        let older: FilePolicy = serde_json::from_str(r#"{"nearby":"thumbs"}"#).unwrap();
        assert_eq!(older, FilePolicy { nearby: Forms::Thumbs, ..FilePolicy::default() });
    }
}
