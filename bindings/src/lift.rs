//! Texts that a shell hands in, read inside the method: what cannot be read is an [`ApiError`] that names the field.

use std::str::FromStr;

use firsthand_node::Passphrase;
use firsthand_node::ids::LocalTime;
use firsthand_record::{CodeList, Moment};

use crate::ApiError;

/// Reads an identifier.
pub(crate) fn id<T: FromStr>(field: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::unreadable(field, "is not an identifier"))
}

/// Hands a passphrase on, to be wiped.
pub(crate) fn passphrase(text: String) -> Passphrase {
    Passphrase::new(text)
}

/// A code of a list; `None` where only a newer version knows it.
pub(crate) fn code<T: CodeList + FromStr>(text: Option<&String>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// A time as it is shown; `None` where RFC 3339 cannot write it.
pub(crate) fn moment(time: LocalTime) -> Option<Moment> {
    Moment::from_local(time)
}

/// A count for a screen.
pub(crate) fn count(number: usize) -> u64 {
    number as u64
}
