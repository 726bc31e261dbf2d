//! Every decoder that bytes of a peer, a file or a damaged home reach, each as a function of those bytes, with true bytes
//! to begin from.
//!
//! `fuzz/` gives them to libFuzzer, `tests/tests/decoders.rs` alters the true bytes at random. A target fails by a panic, by
//! too much memory or time, or where what it reads does not come out the same when it is written again.

mod files;
mod forms;
mod log;
mod peer;
mod samples;
mod seal;
mod warnings;

pub use samples::Samples;

/// A decoder.
pub struct Target {
    pub name: &'static str,
    /// Reads the bytes; anything but a panic is right.
    pub read: fn(&[u8]),
    /// True bytes.
    pub samples: fn(&mut Samples) -> Vec<Vec<u8>>,
}

/// Keeps panics that a decoder catches from whatever is told of panics: they are results like others.
pub fn let_caught_panics_pass() {
    firsthand_node::keep_caught_panics_quiet();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !firsthand_exchange::catches_panics() {
            before(info);
        }
    }));
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "batch", read: log::batch, samples: Samples::batches },
    Target { name: "vector", read: log::vector, samples: Samples::vectors },
    Target { name: "bind", read: log::bind, samples: Samples::binds },
    Target { name: "change", read: log::change, samples: Samples::changes },
    Target { name: "guard", read: log::guard, samples: Samples::changes },
    Target { name: "document", read: log::document, samples: Samples::documents },
    Target { name: "packed", read: log::packed, samples: Samples::packed },
    Target { name: "closed", read: log::closed, samples: Samples::closed },
    Target { name: "envelope", read: seal::envelope, samples: seal::envelopes },
    Target { name: "bundle", read: seal::bundle, samples: seal::bundles },
    Target { name: "range", read: seal::range, samples: seal::ranges },
    Target { name: "snapshot", read: seal::snapshot, samples: seal::snapshots },
    Target { name: "section", read: seal::section, samples: seal::sections },
    Target { name: "frame", read: peer::frame, samples: Samples::frames },
    Target { name: "receipts", read: peer::receipts, samples: Samples::receipts },
    Target { name: "rows", read: peer::rows, samples: Samples::rows },
    Target { name: "link", read: peer::link, samples: Samples::first_messages },
    Target { name: "relay_link", read: peer::relay_link, samples: Samples::relay_hellos },
    Target { name: "relay_request", read: peer::relay_request, samples: Samples::relay_requests },
    Target { name: "relay_answer", read: peer::relay_answer, samples: Samples::relay_answers },
    Target { name: "relay_client", read: peer::relay_client, samples: Samples::relay_answers },
    Target { name: "operation", read: peer::operation, samples: Samples::operations },
    Target { name: "membership", read: peer::membership, samples: Samples::teams },
    Target { name: "invitation", read: peer::invitation, samples: Samples::invitations },
    Target { name: "join", read: peer::join, samples: Samples::join_frames },
    Target { name: "slots", read: files::slots, samples: Samples::slots },
    Target { name: "head", read: files::head, samples: Samples::heads },
    Target { name: "attachment", read: files::attachment, samples: Samples::attachments },
    Target { name: "secret", read: files::secret, samples: Samples::secrets },
    Target { name: "photo", read: files::photo, samples: Samples::photos },
    Target { name: "csv", read: files::csv, samples: Samples::csv },
    Target { name: "hxl", read: files::hxl, samples: Samples::hxl },
    Target { name: "text", read: files::text, samples: Samples::text },
    Target { name: "xlsx", read: files::xlsx, samples: Samples::xlsx },
    Target { name: "geojson", read: files::geojson, samples: Samples::geojson },
    Target { name: "odk", read: files::odk, samples: Samples::odk },
    Target { name: "comapeo", read: files::comapeo, samples: Samples::comapeo },
    Target { name: "cap", read: warnings::cap, samples: warnings::caps },
    Target { name: "map", read: files::map, samples: Samples::maps },
    Target { name: "xlsform", read: forms::xlsform, samples: forms::xlsforms },
    Target { name: "markdown", read: forms::markdown, samples: forms::texts },
    Target { name: "protocol", read: forms::json, samples: forms::protocols },
    Target { name: "expression", read: forms::expression, samples: forms::expressions },
    Target { name: "evidence", read: files::evidence, samples: Samples::proofs },
    Target { name: "incident", read: files::incident, samples: Samples::incidents },
];

/// Reads bytes with one of the targets.
///
/// # Panics
/// Where there is none of that name, or where the target fails.
pub fn read(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").read)(bytes);
}
