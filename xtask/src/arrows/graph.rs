//! The dependencies that manifests name, against the table.

use std::fmt;

use super::table::{ARROWS, EVERYBODY, GENERATOR, IMPURE, MAY_TEST_WITH_RECORDS, May, ONLY_FROM, PURE};

/// How a crate depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For every build, or for its build script.
    Normal,
    /// Behind a feature. An arrow all the same: somebody can switch it on.
    Optional,
    /// For its tests only.
    Dev,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "",
            Self::Optional => " (optional)",
            Self::Dev => " (dev)",
        })
    }
}

/// One line of a manifest's dependencies.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) features: Vec<String>,
}

/// A member of the workspace.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Crate {
    /// The dependencies on other members, under their short names.
    pub(crate) fn own_dependencies(&self) -> impl Iterator<Item = (&str, &Dependency)> {
        self.dependencies.iter().filter_map(|dependency| Some((short(&dependency.name)?, dependency)))
    }
}

/// The folder's name, for one of our crates.
fn short(name: &str) -> Option<&str> {
    name.strip_prefix("firsthand-")
}

/// Names every forbidden arrow, one per line.
pub(crate) fn check(crates: &[Crate]) -> Vec<String> {
    let mut found = Vec::new();
    for each in crates {
        let Some((from, may)) =
            short(&each.name).and_then(|name| ARROWS.iter().find(|(known, _)| *known == name))
        else {
            found.push(format!("unknown crate: {} (add it to xtask/src/arrows/table.rs)", each.name));
            continue;
        };
        for (to, dependency) in each.own_dependencies() {
            if !allowed(from, may, to, dependency) {
                found.push(format!("forbidden arrow: {from} -> {to}{}", dependency.kind));
            }
        }
        if PURE.contains(from) {
            let impure = each.dependencies.iter().filter(|one| IMPURE.contains(&one.name.as_str()));
            found.extend(
                impure.map(|one| format!("forbidden in a pure crate: {from} -> {}{}", one.name, one.kind)),
            );
        }
    }
    found
}

fn allowed(from: &str, may: &May, to: &str, dependency: &Dependency) -> bool {
    if let Some((_, origins)) = ONLY_FROM.iter().find(|(target, _)| *target == to) {
        return origins.contains(&from);
    }
    let May::Only(targets) = may else { return true };
    let generator = dependency.kind == Kind::Dev
        && to == "record"
        && MAY_TEST_WITH_RECORDS.contains(&from)
        && dependency.features.iter().any(|feature| feature == GENERATOR);
    targets.contains(&to) || (EVERYBODY.contains(&to) && from != to) || generator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from: &str, to: &str, kind: Kind, features: &[&str]) -> Vec<String> {
        check(&[Crate {
            name: format!("firsthand-{from}"),
            dependencies: vec![Dependency {
                name: to.to_owned(),
                kind,
                features: features.iter().map(ToString::to_string).collect(),
            }],
        }])
    }

    fn own(from: &str, to: &str, kind: Kind) -> Vec<String> {
        arrow(from, &format!("firsthand-{to}"), kind, &[])
    }

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        for (from, targets) in [
            ("record", "ids"),
            ("log", "ids"),
            ("channel", "ids"),
            ("document", "record log ids"),
            ("store", "record log ids"),
            ("team", "log ids"),
            ("seal", "log team ids"),
            ("sync", "log ids"),
            ("exchange", "record ids"),
            ("photo", "record ids"),
            ("node", "ids record document log team seal store channel sync exchange photo"),
            ("relay", "ids log channel sync"),
            ("bindings", "node record ids"),
            ("cli", "node record exchange relay discovery ids"),
            ("tests", "node cli store relay"),
            ("benches", "tests node"),
            ("xtask", "record log document"),
        ] {
            for to in targets.split(' ') {
                for kind in [Kind::Normal, Kind::Optional, Kind::Dev] {
                    assert_eq!(own(from, to, kind), [""; 0], "{from} -> {to}");
                }
            }
        }
    }

    #[test]
    fn other_arrows_are_named() {
        for (from, to) in [
            ("ids", "record"),
            ("record", "log"),
            ("log", "record"),
            ("log", "document"),
            ("document", "team"),
            ("document", "store"),
            ("store", "document"),
            ("team", "record"),
            ("sync", "seal"),
            ("sync", "record"),
            ("sync", "channel"),
            ("exchange", "document"),
            ("relay", "record"),
            ("relay", "document"),
            ("relay", "node"),
            ("bindings", "store"),
            ("cli", "store"),
            ("node", "cli"),
            ("node", "discovery"),
            ("discovery", "node"),
            ("node", "tests"),
            ("cli", "tests"),
            ("xtask", "tests"),
            ("fuzz", "tests"),
        ] {
            assert_eq!(own(from, to, Kind::Normal), [format!("forbidden arrow: {from} -> {to}")]);
            assert_eq!(
                own(from, to, Kind::Optional),
                [format!("forbidden arrow: {from} -> {to} (optional)")]
            );
            assert_eq!(own(from, to, Kind::Dev), [format!("forbidden arrow: {from} -> {to} (dev)")]);
        }
    }

    #[test]
    fn tests_of_core_may_generate_records() {
        let record = "firsthand-record";
        assert_eq!(arrow("sync", record, Kind::Dev, &["generate"]), [""; 0]);
        assert_eq!(arrow("sync", record, Kind::Dev, &[]), ["forbidden arrow: sync -> record (dev)"]);
        assert_eq!(
            arrow("sync", record, Kind::Optional, &["generate"]),
            ["forbidden arrow: sync -> record (optional)"]
        );
        assert_eq!(
            arrow("relay", record, Kind::Dev, &["generate"]),
            ["forbidden arrow: relay -> record (dev)"]
        );
    }

    #[test]
    fn pure_crates_bring_no_clock_and_no_randomness() {
        assert_eq!(
            arrow("log", "getrandom", Kind::Normal, &[]),
            ["forbidden in a pure crate: log -> getrandom"]
        );
        assert_eq!(
            arrow("sync", "tokio", Kind::Dev, &[]),
            ["forbidden in a pure crate: sync -> tokio (dev)"]
        );
        assert_eq!(arrow("node", "tokio", Kind::Normal, &[]), [""; 0]);
    }

    #[test]
    fn a_crate_nobody_placed_is_named() {
        for name in ["firsthand-stuff", "elsewhere"] {
            let found = check(&[Crate { name: name.to_owned(), dependencies: Vec::new() }]);
            assert_eq!(found, [format!("unknown crate: {name} (add it to xtask/src/arrows/table.rs)")]);
        }
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Take away, again and again, every crate that points at none of those left.
        let mut left: Vec<(&str, &[&str])> = ARROWS
            .iter()
            .map(|(name, may)| match may {
                May::Only(targets) => (*name, *targets),
                May::Anything => (*name, &[] as &[&str]),
            })
            .collect();
        while !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
            let before = left.len();
            left.retain(|(_, targets)| targets.iter().any(|target| names.contains(target)));
            assert!(left.len() < before, "a cycle among {names:?}");
        }
    }
}
