//! What Linux offers for a network of one's own.
#![allow(unsafe_code, reason = "namespaces and Ethernet devices are made by system calls")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// The device's name is seen by people who look into the namespace.
const FLAGS: libc::c_short = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;

/// From here on this thread, and what it starts, sees a network with nothing in it.
pub(super) fn enter_new_namespace() -> io::Result<()> {
    // SAFETY: no memory is involved.
    match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// An Ethernet device in this thread's namespace; whoever holds the file is the cable's other end. One read is one frame, and one
/// write.
pub(super) fn open(name: &str) -> io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: all zeros is a valid request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    assert!(name.len() < request.ifr_name.len());
    for (to, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = FLAGS;
    // SAFETY: the kernel reads and writes a request of this type at this address, which lives until it returns.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } {
        0 => Ok(file),
        _ => Err(io::Error::last_os_error()),
    }
}
