use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, now, would be caught and be a broken photo. A program whose panics are written down asks
/// this first, and writes nothing of those: their words can hold what the file said.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHING.get()
}

/// Runs a decoder; `None` where it panics.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    CATCHING.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(false);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_decoder_is_caught_and_known_to_be() {
        assert!(!catches_panics());
        assert_eq!(caught(catches_panics), Some(true));
        assert_eq!(caught(|| assert!(!catches_panics(), "a broken photo")), None);
        assert!(!catches_panics());
    }
}
