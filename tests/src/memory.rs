//! How much memory a process takes, as Linux tells it.

use std::fs;

/// A line of `/proc/self/status`, in KB.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells a process how it is");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line for everything");
    line.trim_start_matches(':').trim_end_matches("kB").trim().parse().expect("a number of KB")
}

/// What the most memory at any moment is above what was used when this began. Of the whole process, so a file of tests that
/// measures has one test.
pub struct Memory(u64);

impl Memory {
    /// Begins to measure.
    ///
    /// # Panics
    /// Where `/proc` does not take it.
    #[must_use]
    pub fn watch() -> Self {
        // 5: the peak is forgotten (proc_pid_clear_refs(5)).
        fs::write("/proc/self/clear_refs", "5").expect("the peak is forgotten");
        Self(status("VmRSS"))
    }

    /// The most above what was used, in KB.
    #[must_use]
    pub fn peak_kb(&self) -> u64 {
        status("VmHWM").saturating_sub(self.0)
    }
}
