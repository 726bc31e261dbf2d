#![allow(unsafe_code, reason = "the standard library does not say how long a thread worked")]

use std::time::Duration;

/// How long this thread has worked, whatever else the machine does.
///
/// # Panics
/// Where the system does not say it.
#[must_use]
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of the type that the call writes.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "a clock of the thread");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
