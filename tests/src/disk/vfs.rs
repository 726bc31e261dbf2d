//! A VFS for SQLite around the system's own: it tells the recorder of every write and sync, fails where the recorder
//! says so, and promises neither atomic writes nor an order between them.

#![allow(unsafe_code, reason = "SQLite calls a VFS through C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::slice;
use std::sync::Once;

use rusqlite::ffi;

use super::{Failure, Kind, Op, Sectors, failing, note, with};

/// Bytes that a disk writes as one, if at all.
pub const SECTOR: usize = 512;

/// A file of ours; the system's own lies behind it in the same memory.
#[repr(C)]
struct Shim {
    base: ffi::sqlite3_file,
    /// Where the file is; `None` for one without a name.
    path: Option<Box<PathBuf>>,
}

// SAFETY of all functions below: SQLite hands in only files that `open` filled, and calls none after `close`.

unsafe fn shim<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Shim {
    unsafe { &mut *file.cast::<Shim>() }
}

/// The system's file behind ours.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { file.cast::<u8>().add(size_of::<Shim>()).cast() }
}

/// The system's VFS.
unsafe fn below(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    unsafe { (*vfs).pAppData.cast() }
}

/// Calls a method of the system's file.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = unsafe { real($file) };
        match unsafe { (*(*real).pMethods).$method } {
            Some(method) => unsafe { method(real $(, $argument)*) },
            None => ffi::SQLITE_IOERR,
        }
    }};
}

/// Makes the VFS the one that databases are opened with, for the whole process.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SQLCipher has to be initialised whole before anything else is asked of SQLite.
        drop(rusqlite::Connection::open_in_memory());
        unsafe {
            let system = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!system.is_null(), "SQLite has a VFS");
            let mut ours = *system;
            ours.iVersion = 2;
            ours.szOsFile += size_of::<Shim>() as c_int;
            ours.pNext = ptr::null_mut();
            ours.zName = c"firsthand-disk".as_ptr();
            ours.pAppData = system.cast();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            ours.xAccess = Some(access);
            ours.xFullPathname = Some(full_path);
            ours.xRandomness = Some(randomness);
            ours.xSleep = Some(sleep);
            ours.xCurrentTimeInt64 = Some(time);
            // It stays for as long as the process lives.
            let done = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
            assert_eq!(done, ffi::SQLITE_OK);
        }
    });
}

unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())).to_owned())
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let path = path(name);
        (*file).pMethods = ptr::null();
        let new = path.as_ref().is_some_and(|path| !path.exists());
        if let Some(path) = &path
            && failing(path, if new { Kind::Grow } else { Kind::Other }, "open").is_some()
        {
            return ffi::SQLITE_CANTOPEN;
        }
        let below = below(vfs);
        let Some(method) = (*below).xOpen else { return ffi::SQLITE_CANTOPEN };
        let done = method(below, name, real(file), flags, out);
        if done == ffi::SQLITE_OK {
            if let (true, Some(path)) = (new, &path) {
                note(path, Op::Create);
            }
            ptr::write(
                file.cast(),
                Shim { base: ffi::sqlite3_file { pMethods: &METHODS }, path: path.map(Box::new) },
            );
        }
        done
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    unsafe {
        let path = path(name);
        if let Some(path) = &path
            && failing(path, Kind::Other, "remove").is_some()
        {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let below = below(vfs);
        let Some(method) = (*below).xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let done = method(below, name, sync);
        if let (ffi::SQLITE_OK, Some(path)) = (done, &path) {
            note(path, Op::Remove);
        }
        done
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let below = below(vfs);
        (*below).xAccess.map_or(ffi::SQLITE_IOERR_ACCESS, |method| method(below, name, flags, out))
    }
}

unsafe extern "C" fn full_path(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    len: c_int,
    out: *mut c_char,
) -> c_int {
    unsafe {
        let below = below(vfs);
        (*below).xFullPathname.map_or(ffi::SQLITE_CANTOPEN, |method| method(below, name, len, out))
    }
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, len: c_int, out: *mut c_char) -> c_int {
    unsafe {
        let below = below(vfs);
        (*below).xRandomness.map_or(0, |method| method(below, len, out))
    }
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    unsafe {
        let below = below(vfs);
        (*below).xSleep.map_or(0, |method| method(below, micros))
    }
}

unsafe extern "C" fn time(vfs: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    unsafe {
        let below = below(vfs);
        (*below).xCurrentTimeInt64.map_or(ffi::SQLITE_ERROR, |method| method(below, out))
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let done = pass!(file, xClose);
    unsafe { ptr::drop_in_place(file.cast::<Shim>()) };
    done
}

/// Whether an operation on a file fails.
unsafe fn refused(file: *mut ffi::sqlite3_file, kind: Kind, what: &str) -> Option<Failure> {
    unsafe { shim(file) }.path.as_deref().and_then(|path| failing(path, kind, what))
}

unsafe fn noted(file: *mut ffi::sqlite3_file, op: impl FnOnce(String) -> Op) {
    if let Some(path) = unsafe { shim(file) }.path.as_deref() {
        note(path, op);
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    if unsafe { refused(file, Kind::Other, "read") }.is_some() {
        return ffi::SQLITE_IOERR_READ;
    }
    pass!(file, xRead, out, len, at)
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    let failure = unsafe { refused(file, Kind::Grow, "write") };
    // Half of what does not fit is written all the same.
    let len = if failure.is_some() { len / 2 } else { len };
    let done = pass!(file, xWrite, from, len, at);
    if done == ffi::SQLITE_OK {
        let bytes = unsafe { slice::from_raw_parts(from.cast::<u8>(), len as usize) };
        unsafe { noted(file, |file| Op::Write { file, at: at as u64, bytes: bytes.to_vec() }) };
    }
    match failure {
        None => done,
        Some(Failure::Full) => ffi::SQLITE_FULL,
        Some(Failure::Io) => ffi::SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: ffi::sqlite3_int64) -> c_int {
    if unsafe { refused(file, Kind::Other, "truncate") }.is_some() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    let done = pass!(file, xTruncate, len);
    if done == ffi::SQLITE_OK {
        unsafe { noted(file, |file| Op::Truncate { file, len: len as u64 }) };
    }
    done
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // Systems that give out room late find only now that there is none.
    if unsafe { refused(file, Kind::Grow, "sync") }.is_some() {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    let done = pass!(file, xSync, flags);
    if done == ffi::SQLITE_OK {
        unsafe { noted(file, Op::Sync) };
    }
    done
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut ffi::sqlite3_int64) -> c_int {
    if unsafe { refused(file, Kind::Other, "file size") }.is_some() {
        return ffi::SQLITE_IOERR_FSTAT;
    }
    pass!(file, xFileSize, out)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    pass!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    pass!(file, xFileControl, op, argument)
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    SECTOR as c_int
}

/// No atomic writes, no order between writes.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    match with(|recorder| recorder.sectors) {
        Some(Sectors::Kept) => ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE,
        _ => 0,
    }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    len: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    if extend != 0 && unsafe { refused(file, Kind::Grow, "shm map") }.is_some() {
        return ffi::SQLITE_IOERR_SHMSIZE;
    }
    pass!(file, xShmMap, page, len, extend, out)
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int {
    pass!(file, xShmLock, offset, n, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    let real = unsafe { real(file) };
    if let Some(method) = unsafe { (*(*real).pMethods).xShmBarrier } {
        unsafe { method(real) };
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file, xShmUnmap, delete)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
