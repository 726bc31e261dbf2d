//! What a device has lost, for a person and for a script.

use firsthand_node::RecoveryView;
use serde::Serialize;

use super::text;

/// What a device has lost, in machine output.
#[derive(Debug, Serialize)]
pub(crate) struct Recovery {
    /// Why what is here may not be the newest of this device.
    reasons: Vec<&'static str>,
    /// The next entry begins a new chain.
    new_writer: bool,
    /// Ends of own chains that are missing here.
    missing: Vec<Range>,
    missing_entries: u64,
    missing_operations: u64,
}

/// Positions of a chain.
#[derive(Debug, Serialize)]
pub(crate) struct Range {
    pub(crate) writer: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// In machine output; `None` where there is nothing to say.
pub(crate) fn machine(view: &RecoveryView) -> Option<Recovery> {
    view.is_needed().then(|| Recovery {
        reasons: view.reasons.clone(),
        new_writer: view.new_writer,
        missing: view
            .missing
            .iter()
            .map(|range| Range { writer: range.writer.to_string(), from: range.from.0, to: range.to.0 })
            .collect(),
        missing_entries: view.missing_entries(),
        missing_operations: view.missing_operations,
    })
}

/// In lines for a person.
pub(crate) fn lines(recovery: &Recovery) -> Vec<String> {
    let mut lines = Vec::new();
    if !recovery.reasons.is_empty() {
        lines.push(format!("Recovering, because {}.", recovery.reasons.join(", and ")));
    }
    if recovery.missing_entries > 0 {
        lines.push(format!(
            "Missing here: {} that this device made. They come back when you meet a device that has them (firsthand \
             sync).",
            text::count(recovery.missing_entries, "entry", "entries")
        ));
    } else if recovery.new_writer {
        lines.push(String::from(
            "Whatever this device made and is not here comes back when you meet a device that has it (firsthand sync).",
        ));
    }
    if recovery.new_writer {
        lines.push(String::from(
            "You can go on working: what you enter is kept apart from what may be missing.",
        ));
    }
    lines
}
