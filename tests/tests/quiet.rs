//! What a stranger's bytes make Automerge say when it panics is written nowhere. Alone in its program, because what is done
//! with a panic's words holds for all of it.
#![allow(clippy::unwrap_used)]

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

use firsthand_document::Outcome;
use firsthand_tests::hostile::{Base, Leads, strays};

static WRITTEN: AtomicUsize = AtomicUsize::new(0);

#[test]
fn panics_that_the_guard_catches_are_not_written_down() {
    let base = Base::new();
    let stray = strays(&base, 1);
    let document = base.forms(&stray.before)[1].clone();
    let authors = Leads::of(base.sent.iter().chain(&stray.before).chain(&stray.sent));
    let apply = || {
        let outcome = document.clone().apply(&[stray.sent[0].incoming()], &authors).outcomes.remove(0);
        assert!(matches!(outcome, Outcome::Refused(_)));
    };
    panic::set_hook(Box::new(|_| {
        WRITTEN.fetch_add(1, Ordering::SeqCst);
    }));
    apply();
    assert!(WRITTEN.swap(0, Ordering::SeqCst) > 0, "Automerge does not panic on this any more");

    firsthand_node::keep_caught_panics_quiet();
    firsthand_node::keep_caught_panics_quiet();
    apply();
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 0);
    // All others are, before and after.
    assert!(panic::catch_unwind(|| panic!("of our own")).is_err());
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 1);
    apply();
    assert!(panic::catch_unwind(|| panic!("of our own")).is_err());
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 2);
}
