//! Who may depend on whom, and which crates are pure. Names are the folders': `record` is `firsthand-record`.

/// What a crate may depend on.
pub(crate) enum May {
    /// These and [`EVERYBODY`].
    Only(&'static [&'static str]),
    /// Whatever serves checking the rest.
    Anything,
}

/// What every crate may use: the words the others speak in.
pub(crate) const EVERYBODY: &[&str] = &["ids"];

/// The arrows.
pub(crate) const ARROWS: &[(&str, May)] = &[
    ("ids", May::Only(&[])),
    ("record", May::Only(&[])),
    ("log", May::Only(&[])),
    ("channel", May::Only(&[])),
    ("document", May::Only(&["record", "log"])),
    ("team", May::Only(&["log"])),
    ("seal", May::Only(&["log", "team"])),
    ("store", May::Only(&["record", "log"])),
    ("sync", May::Only(&["log"])),
    ("exchange", May::Only(&["record"])),
    ("photo", May::Only(&["record"])),
    ("discovery", May::Only(&[])),
    (
        "node",
        May::Only(&[
            "record", "log", "channel", "document", "team", "seal", "store", "sync", "exchange", "photo",
        ]),
    ),
    ("relay", May::Only(&["log", "channel", "sync"])),
    ("bindings", May::Only(&["node", "record"])),
    ("bindgen", May::Only(&[])),
    ("cli", May::Only(&["node", "record", "exchange", "relay", "discovery"])),
    ("tests", May::Anything),
    ("benches", May::Anything),
    ("fuzz", May::Anything),
    ("xtask", May::Anything),
];

/// What only these may depend on, even those who may use anything: nothing is built on the tests.
pub(crate) const ONLY_FROM: &[(&str, &[&str])] = &[("tests", &["benches"])];

/// Crates of `core` whose tests may use record's generator ([`GENERATOR`]) though they may not link `record`:
/// what they carry is realistic then, and nothing of it reaches a program.
pub(crate) const MAY_TEST_WITH_RECORDS: &[&str] = &["log", "channel", "team", "seal", "sync"];

/// The feature that a dev-dependency on `record` has to ask for.
pub(crate) const GENERATOR: &str = "generate";

/// Crates without clock, randomness of their own, files or sockets.
pub(crate) const PURE: &[&str] =
    &["ids", "record", "document", "log", "team", "channel", "seal", "sync", "photo"];

/// Crates from outside that bring a clock, randomness, files or sockets, and so have no place in a pure one.
pub(crate) const IMPURE: &[&str] =
    &["async-std", "fastrand", "getrandom", "mio", "rand", "rusqlite", "smol", "socket2", "tokio", "uuid"];
