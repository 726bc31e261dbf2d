//! The file `head`: a witness beside the database of how far this device had come.
//!
//! SQLite takes a write-ahead log with a flipped bit for one that ends there, and what was committed after it is gone
//! without a word. The head file tells. It has two slots, each sealed whole. A commit writes one of them without waiting
//! for the disk, so a save stays one wait; before an own entry leaves the device, and at closing, the slot is
//! synced, and from then on the other one is written. So one slot is always whole, whatever is torn. At closing the other
//! one comes to say the same; where a session did not close, the next one waits for the disk before it writes.
//!
//! The first sync of a session puts a new file in the place of the old one, and the content names the file it was written
//! to. Bytes of a backup that are copied over the file are then told by it, even where everything else fits.

mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

pub(crate) use record::{Head, MAX_KEPT_BYTES};
use record::{HeadKeys, MAX_SLOT_BYTES, SLOT_BYTES, Slot};

use crate::StoreError;
use crate::home::{HEAD, HEAD_NEW, Home, sync_dir};
use crate::vault::file_place;

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Both slots are sound.
    Sound,
    /// One slot is torn or damaged; the other one holds.
    OneSlot,
    /// There is no file.
    Missing,
    /// Neither slot can be read.
    Damaged,
}

/// The open head file.
pub(crate) struct HeadFile {
    dir: PathBuf,
    keys: HeadKeys,
    /// Whether inode and birth time of files tell a copy on this platform.
    places: bool,
    file: Option<File>,
    slot_bytes: usize,
    /// The slot that is written next; the other one is on the disk.
    slot: usize,
    number: u64,
    /// The file was made in this session.
    fresh: bool,
    /// The slot says what it is to say, on the disk or not.
    written: bool,
    /// What was written last is on the disk.
    synced: bool,
    /// An earlier session may have left a slot that is in memory only; the other one must not be written before it is on
    /// the disk.
    inherited: bool,
}

impl HeadFile {
    /// A home without one yet.
    pub(crate) fn new(home: &Home, data_key: &[u8; 32], places: bool) -> Self {
        Self {
            dir: home.dir().to_owned(),
            keys: HeadKeys::new(data_key),
            places,
            file: None,
            slot_bytes: SLOT_BYTES,
            slot: 0,
            number: 0,
            fresh: false,
            written: false,
            synced: false,
            inherited: false,
        }
    }

    /// Reads what is there. Nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a newer version wrote both slots, [`StoreError::Io`].
    pub(crate) fn open(
        home: &Home,
        data_key: &[u8; 32],
        places: bool,
    ) -> Result<(Self, Option<Head>, Found), StoreError> {
        let mut this = Self::new(home, data_key, places);
        let file = match OpenOptions::new().read(true).write(true).open(home.path(HEAD)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((this, None, Found::Missing)),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        (&file).take(2 * MAX_SLOT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        let len = bytes.len() / 2;
        // Any other length was cut or grew; what is sound in it still counts.
        let len = if len.is_power_of_two() && (SLOT_BYTES..=MAX_SLOT_BYTES).contains(&len) {
            len
        } else {
            SLOT_BYTES
        };
        let slots = [bytes.get(..len), bytes.get(len..2 * len)];
        let mut found = Vec::new();
        for slot in slots {
            found.push(slot.map_or(Ok(Slot::Damaged), |slot| Slot::open(&this.keys, slot))?);
        }
        if let [Slot::Newer(version), Slot::Newer(_)] = found[..] {
            return Err(StoreError::Newer { what: "head file", found: version.into(), known: 1 });
        }
        let sound = found.iter().filter(|slot| matches!(slot, Slot::Sound(..))).count();
        let closed = matches!(&found[..], [Slot::Sound(_, one), Slot::Sound(_, other)] if one == other);
        let mut best: Option<(usize, u64, Head)> = None;
        for (index, slot) in found.into_iter().enumerate() {
            if let Slot::Sound(number, head) = slot
                && best.as_ref().is_none_or(|(_, before, _)| number > *before)
            {
                best = Some((index, number, head));
            }
        }
        let Some((index, number, head)) = best else { return Ok((this, None, Found::Damaged)) };
        this.slot_bytes = len;
        // At closing both slots come to say the same, the older one on the disk.
        this.slot = if closed { index } else { 1 - index };
        this.inherited = !closed;
        this.number = number;
        this.synced = true;
        this.file = Some(file);
        let found = if sound == 2 && bytes.len() == 2 * len { Found::Sound } else { Found::OneSlot };
        Ok((this, Some(head), found))
    }

    /// Whether these bytes lie in the file they were written to, as far as that can be told.
    pub(crate) fn is_in_place(&self, head: &Head) -> bool {
        match (self.place(HEAD), head.place) {
            (Some(here), there) if there != [0; 16] => here == there,
            _ => true,
        }
    }

    fn place(&self, name: &str) -> Option<[u8; 16]> {
        self.places.then(|| file_place(&self.dir.join(name))).flatten()
    }

    /// Writes down how far the device has come, without waiting for the disk; only where there was no sound file it waits
    /// for a new one. Where it fails it is made up for by the next [`HeadFile::sync`], which tells.
    pub(crate) fn write(&mut self, head: &mut Head) {
        self.synced = false;
        // The commit it speaks of is saved, so this is no failure of it.
        if self.file.is_some() {
            self.written = self.try_write(head).unwrap_or(false);
        } else {
            let _ = self.replace(head);
        }
    }

    /// The bytes belong where they are from now on.
    pub(crate) fn settle(&self, head: &mut Head) {
        head.place = self.place(HEAD).unwrap_or_default();
    }

    fn try_write(&mut self, head: &Head) -> Result<bool, StoreError> {
        let Some(file) = &mut self.file else { return Ok(false) };
        let Some(slot) = head.seal(&self.keys, self.number + 1, self.slot_bytes)? else { return Ok(false) };
        if std::mem::take(&mut self.inherited) {
            file.sync_data().inspect_err(|_| self.inherited = true)?;
        }
        file.seek(SeekFrom::Start((self.slot * self.slot_bytes) as u64))?;
        file.write_all(&slot)?;
        self.number += 1;
        Ok(true)
    }

    /// Whether the disk has what was written last.
    pub(crate) const fn is_synced(&self) -> bool {
        self.synced
    }

    /// Makes durable how far the device has come.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`]; then the disk still has what it had.
    pub(crate) fn sync(&mut self, head: &mut Head) -> Result<(), StoreError> {
        if self.fresh {
            let written = self.written || self.try_write(head)?;
            if let (true, Some(file)) = (written, &self.file) {
                file.sync_data()?;
                self.slot = 1 - self.slot;
                (self.written, self.synced) = (false, true);
                return Ok(());
            }
        }
        self.replace(head)
    }

    /// At closing, when the disk has what was written last: the other slot comes to say the same, so that the next session
    /// knows without waiting that one slot is on the disk, whichever it writes.
    pub(crate) fn close(&mut self, head: &Head) -> Result<(), StoreError> {
        if self.fresh && self.synced { self.try_write(head).map(drop) } else { Ok(()) }
    }

    /// Puts a new file in the place of the old one, both slots alike.
    pub(crate) fn replace(&mut self, head: &mut Head) -> Result<(), StoreError> {
        let path = self.dir.join(HEAD_NEW);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = create_private(&path)?;
        head.place = self.place(HEAD_NEW).unwrap_or_default();
        let len = head.slot_bytes();
        for number in [self.number + 1, self.number + 2] {
            let slot = head.seal(&self.keys, number, len)?;
            file.write_all(&slot.ok_or(StoreError::Invalid("a head with too many chains"))?)?;
        }
        file.sync_all()?;
        fs::rename(&path, self.dir.join(HEAD))?;
        sync_dir(&self.dir)?;
        self.file = Some(file);
        self.slot_bytes = len;
        self.slot = 0;
        self.number += 2;
        (self.fresh, self.inherited) = (true, false);
        (self.written, self.synced) = (false, true);
        Ok(())
    }
}

fn create_private(path: &std::path::Path) -> io::Result<File> {
    let mut create = OpenOptions::new();
    create.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    create.open(path)
}
