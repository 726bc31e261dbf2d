use std::panic;
use std::sync::Once;

/// Keeps panics that the guard and the reader of photos catch out of what the program writes: a stranger's bytes put no words there, and nobody is
/// alarmed by what was expected. All other panics go on to whatever was set before. Starting a [`Node`](crate::Node) does this;
/// a program that uses a [`Ledger`](crate::Ledger) by itself asks for it.
pub fn keep_caught_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !firsthand_document::catches_panics() && !firsthand_photo::catches_panics() {
                before(info);
            }
        }));
    });
}
