use firsthand_exchange::protocol::{FormProblem, Protocol, ProtocolError, load};

pub(crate) fn loaded(name: &str, bytes: impl AsRef<[u8]>) -> Protocol {
    load(bytes.as_ref(), name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn refused(name: &str, bytes: impl AsRef<[u8]>) -> Vec<FormProblem> {
    match load(bytes.as_ref(), name) {
        Err(ProtocolError::Refused(problems)) => problems,
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) fn said(name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    refused(name, bytes).iter().map(ToString::to_string).collect()
}
