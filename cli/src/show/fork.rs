//! Chains that forked, for a person and for a script.

use firsthand_node::ForkView;
use serde::Serialize;

use super::text;

/// A chain that forked, in machine output.
#[derive(Debug, Serialize)]
pub(crate) struct Fork {
    writer: String,
    person: String,
    device: String,
    /// The first position at which the branches differ.
    from: u64,
    /// How far the branch goes that is shown here.
    shown_to: u64,
    /// How far the branch goes that is kept aside.
    aside_to: u64,
}

/// In machine output.
pub(crate) fn machine(forks: &[ForkView]) -> Vec<Fork> {
    let fork = |fork: &ForkView| Fork {
        writer: fork.writer.to_string(),
        person: fork.person.clone(),
        device: fork.device.to_string(),
        from: fork.from.0,
        shown_to: fork.shown_to.0,
        aside_to: fork.aside_to.0,
    };
    forks.iter().map(fork).collect()
}

/// In lines for a person.
pub(crate) fn lines(forks: &[Fork]) -> Vec<String> {
    let line = |fork: &Fork| {
        let device: String = fork.device.chars().take(8).collect();
        format!(
            "Disputed: device {device} of {} signed two different histories from entry {} on. Shown here is the one that \
             came first; the other one is kept. A lead has to look at it.",
            text::line(&fork.person),
            fork.from
        )
    };
    forks.iter().map(line).collect()
}
