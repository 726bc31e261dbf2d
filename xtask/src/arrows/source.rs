//! What the sources of pure crates must not name. Clippy forbids the same through each crate's `clippy.toml`;
//! this fails without Clippy too, and cannot be switched off by an `allow`.

use super::lex;

/// A name or path, and why it is forbidden.
const FORBIDDEN: &[(&str, &str)] = &[
    ("SystemTime", "time is passed in"),
    ("Instant", "time is passed in"),
    ("Utc::now", "time is passed in"),
    ("Local::now", "time is passed in"),
    ("rand::rng", "randomness is passed in"),
    ("rand::random", "randomness is passed in"),
    ("thread_rng", "randomness is passed in"),
    ("OsRng", "randomness is passed in"),
    ("SysRng", "randomness is passed in"),
    ("getrandom", "randomness is passed in"),
    ("SystemRandom", "randomness is passed in"),
    ("from_os_rng", "randomness is passed in"),
    ("ActorId::random", "the actor is the writer"),
    ("AutoCommit::new", "draws a random actor; the actor is the writer"),
    ("AutoCommit::default", "draws a random actor; the actor is the writer"),
    ("Automerge::new", "draws a random actor; the actor is the writer"),
    ("Automerge::default", "draws a random actor; the actor is the writer"),
    ("HashMap", "its order differs from run to run"),
    ("HashSet", "its order differs from run to run"),
];

/// A file in which a name is allowed all the same.
const EXCEPTIONS: &[(&str, &str)] = &[
    // UniFFI knows no other map. What comes is put in order at once, and what goes is a map in the other language.
    ("core/record/src/uniffi_types.rs", "HashMap"),
];

/// Names every forbidden thing in one file, one per line.
pub(crate) fn scan(file: &str, source: &str) -> Vec<String> {
    lex::forbidden(file, source, FORBIDDEN, EXCEPTIONS, "here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forbidden_name_is_found() {
        for (name, reason) in FORBIDDEN {
            let source = format!("//! {name}\nfn f() {{\n    let x = {name}();\n}}\n");
            assert_eq!(scan("x.rs", &source), [format!("x.rs:3: {name} is forbidden here: {reason}")]);
        }
    }

    #[test]
    fn an_exception_is_for_one_name_in_one_file() {
        for (file, name) in EXCEPTIONS {
            assert!(scan(file, &format!("use x::{name};")).is_empty());
            assert_eq!(scan(file, "use std::time::SystemTime;").len(), 1);
            assert_eq!(scan("core/record/src/lib.rs", &format!("use x::{name};")).len(), 1);
        }
    }

    #[test]
    fn spelling_and_place_do_not_matter() {
        for source in [
            "use std::time::{Duration, Instant};",
            "let doc = automerge::AutoCommit :: new ( );",
            "#[cfg(test)] mod tests { use std::collections::HashMap; }",
            "let now = std::time::SystemTime::now();",
            "#[allow(clippy::disallowed_types)] type T = HashMap<u8, u8>;",
        ] {
            assert_eq!(scan("x.rs", source).len(), 1, "{source}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        for source in [
            "/// Like a `HashMap`, but in order.\nstruct Map;",
            "let text = \"SystemTime\";",
            "let rng = rand_core::Rng::next_u32(rng);",
            "let instant = 3; let hash_map = BTreeMap::new(); fn random() {}",
            "AutoCommit::new_with_encoding(); my::AutoCommitting::new();",
            "AutoCommit::load(bytes)",
        ] {
            assert_eq!(scan("x.rs", source), [""; 0], "{source}");
        }
    }
}
