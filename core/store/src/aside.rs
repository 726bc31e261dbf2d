//! Where damaged files go. Nothing in there is ever read or deleted by the program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::home::{Home, SET_ASIDE, sync_dir};

/// A new folder in `set-aside/`, numbered from 1.
///
/// # Errors
/// From the disk.
pub(crate) fn folder(home: &Home) -> Result<PathBuf, StoreError> {
    let parent = home.path(SET_ASIDE);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(&parent) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => sync_dir(home.dir())?,
    }
    for number in 1.. {
        let dir = parent.join(number.to_string());
        match builder.create(&dir) {
            Ok(()) => {
                sync_dir(&parent)?;
                return Ok(dir);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Invalid("a home with every number in use"))
}

/// Copies a file of the home into a folder of its own, durably, if it is there.
///
/// # Errors
/// From the disk; then no half copy is left.
pub(crate) fn keep_copy(home: &Home, name: &str) -> Result<(), StoreError> {
    let from = home.path(name);
    if !from.exists() {
        return Ok(());
    }
    let dir = folder(home)?;
    let copied = fs::copy(&from, dir.join(name)).and_then(|_| fs::File::open(dir.join(name))?.sync_all());
    if let Err(error) = copied.and_then(|()| sync_dir(&dir)) {
        fs::remove_dir_all(&dir)?;
        return Err(error.into());
    }
    Ok(())
}

/// Moves a file of the home into `dir`, durably, if it is there; says whether it was.
///
/// # Errors
/// From the disk.
pub(crate) fn move_to(home: &Home, name: &str, dir: &Path) -> Result<bool, StoreError> {
    match fs::rename(home.path(name), dir.join(name)) {
        Ok(()) => {
            sync_dir(dir)?;
            sync_dir(home.dir())?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
