use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside Automerge behind the guard, so that a panic is caught and tells nobody anything.
///
/// A panic's words can hold what a stranger's bytes said. Whoever writes panics down asks this first.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHING.get()
}

/// Puts back what was there before, also when a panic passes by.
struct Catching(bool);

impl Drop for Catching {
    fn drop(&mut self) {
        CATCHING.set(self.0);
    }
}

/// Runs what may panic on hostile or damaged bytes; `None` where it does. What it works on must be thrown away then.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    let _catching = Catching(CATCHING.replace(true));
    catch_unwind(AssertUnwindSafe(run)).ok()
}
