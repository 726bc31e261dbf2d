//! Calls of the C library that change files, made as system calls, and told to the recorder of the thread. A test program
//! puts them in front of the library's with [`watch_calls!`](crate::watch_calls), so what the store does through Rust's
//! own files (attachments, slots, the head file) is seen too. The database's files are left to the [VFS](super::vfs).

#![allow(unsafe_code, reason = "these stand in for functions of the C library")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::{mode_t, off64_t, size_t, ssize_t};

use super::{Failure, Kind, Op, note, with};

/// Puts the calls of this module in front of the C library's, in the program that uses it.
#[macro_export]
macro_rules! watch_calls {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            /// # Safety
            /// As for the function of the C library.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($argument: $type),*) -> $result {
                unsafe { $crate::disk::calls::$name($($argument),*) }
            }
        )*
    };
}

unsafe fn path(path: *const c_char) -> PathBuf {
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes())).to_owned()
}

/// Whether it is one of the database's files, whose bytes the VFS sees.
fn of_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"store.db"))
}

fn refuse(failure: Failure) -> c_int {
    let number = match failure {
        Failure::Full => libc::ENOSPC,
        Failure::Io => libc::EIO,
    };
    unsafe { *libc::__errno_location() = number };
    -1
}

/// Whether the next operation on an open file fails; `None` where it does not, or where nobody watches it.
fn failing(fd: c_int, kind: Kind, what: &str) -> Option<Failure> {
    with(|recorder| recorder.open.get(&fd).cloned().and_then(|name| recorder.fails(kind, what, &name)))
        .flatten()
}

fn noted(fd: c_int, op: impl FnOnce(String) -> Op) {
    with(|recorder| {
        if let Some(name) = recorder.open.get(&fd).cloned() {
            recorder.note(|| op(name));
        }
    });
}

/// # Safety
/// As `open64`.
pub unsafe fn open64(name: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    unsafe {
        let open = || libc::syscall(libc::SYS_openat, libc::AT_FDCWD, name, flags, mode as mode_t) as c_int;
        let path = path(name);
        // The VFS notes the files that SQLite makes; the database itself is there before SQLite comes.
        if of_database(&path) && !path.ends_with("store.db") {
            return open();
        }
        let Some(watched) = with(|recorder| recorder.name(&path)).flatten() else { return open() };
        let new = flags & libc::O_CREAT != 0 && !path.exists();
        let kind = if new { Kind::Grow } else { Kind::Other };
        if let Some(failure) = super::failing(&path, kind, "open") {
            return refuse(failure);
        }
        let fd = open();
        if fd >= 0 {
            with(|recorder| {
                if new {
                    recorder.note(|| Op::Create(watched.clone()));
                } else if flags & libc::O_TRUNC != 0 {
                    recorder.note(|| Op::Truncate { file: watched.clone(), len: 0 });
                }
                if !of_database(&path) {
                    recorder.open.insert(fd, watched);
                }
            });
        }
        fd
    }
}

/// # Safety
/// As `close`.
pub unsafe fn close(fd: c_int) -> c_int {
    with(|recorder| recorder.open.remove(&fd));
    unsafe { libc::syscall(libc::SYS_close, fd) as c_int }
}

/// # Safety
/// As `write`.
pub unsafe fn write(fd: c_int, from: *const c_void, len: size_t) -> ssize_t {
    unsafe {
        if let Some(failure) = failing(fd, Kind::Grow, "write") {
            return refuse(failure) as ssize_t;
        }
        let written = libc::syscall(libc::SYS_write, fd, from, len) as ssize_t;
        if written > 0 {
            noted(fd, |file| {
                let end = libc::syscall(libc::SYS_lseek, fd, 0, libc::SEEK_CUR);
                let bytes = std::slice::from_raw_parts(from.cast::<u8>(), written as usize).to_vec();
                Op::Write { file, at: end as u64 - written as u64, bytes }
            });
        }
        written
    }
}

/// # Safety
/// As `pwrite64`.
pub unsafe fn pwrite64(fd: c_int, from: *const c_void, len: size_t, at: off64_t) -> ssize_t {
    unsafe {
        if let Some(failure) = failing(fd, Kind::Grow, "write") {
            return refuse(failure) as ssize_t;
        }
        let written = libc::syscall(libc::SYS_pwrite64, fd, from, len, at) as ssize_t;
        if written > 0 {
            noted(fd, |file| {
                let bytes = std::slice::from_raw_parts(from.cast::<u8>(), written as usize).to_vec();
                Op::Write { file, at: at as u64, bytes }
            });
        }
        written
    }
}

/// # Safety
/// As `ftruncate64`.
pub unsafe fn ftruncate64(fd: c_int, len: off64_t) -> c_int {
    unsafe {
        if let Some(failure) = failing(fd, Kind::Grow, "truncate") {
            return refuse(failure);
        }
        let done = libc::syscall(libc::SYS_ftruncate, fd, len) as c_int;
        if done == 0 {
            noted(fd, |file| Op::Truncate { file, len: len as u64 });
        }
        done
    }
}

unsafe fn synced(fd: c_int, number: libc::c_long) -> c_int {
    unsafe {
        if let Some(failure) = failing(fd, Kind::Grow, "sync") {
            return refuse(failure);
        }
        let done = libc::syscall(number, fd) as c_int;
        if done == 0 {
            let is_dir =
                with(|recorder| recorder.open.get(&fd).is_some_and(|it| recorder.root.join(it).is_dir()));
            noted(fd, if is_dir == Some(true) { Op::SyncDir } else { Op::Sync });
        }
        done
    }
}

/// # Safety
/// As `fsync`.
pub unsafe fn fsync(fd: c_int) -> c_int {
    unsafe { synced(fd, libc::SYS_fsync) }
}

/// # Safety
/// As `fdatasync`.
pub unsafe fn fdatasync(fd: c_int) -> c_int {
    unsafe { synced(fd, libc::SYS_fdatasync) }
}

/// # Safety
/// As `rename`.
pub unsafe fn rename(from: *const c_char, to: *const c_char) -> c_int {
    unsafe {
        let (old, new) = (path(from), path(to));
        if let Some(failure) = super::failing(&old, Kind::Grow, "rename") {
            return refuse(failure);
        }
        let done = libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) as c_int;
        if done == 0 {
            let to = with(|recorder| recorder.name(&new)).flatten().unwrap_or_default();
            note(&old, |from| Op::Rename { from, to });
        }
        done
    }
}

/// # Safety
/// As `unlink`.
pub unsafe fn unlink(name: *const c_char) -> c_int {
    unsafe {
        let path = path(name);
        if let Some(failure) = super::failing(&path, Kind::Other, "unlink") {
            return refuse(failure);
        }
        let done = libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, name, 0) as c_int;
        if done == 0 {
            note(&path, Op::Remove);
        }
        done
    }
}
