//! What a person typed, read into the values that a record holds. Nothing is guessed: text where a number belongs is a
//! reason to refuse, never a zero.

pub(crate) mod entered;
pub(crate) mod field;
pub(crate) mod items;
pub(crate) mod place;
pub(crate) mod time;

use firsthand_record::CodeList;

/// Why a value was not taken, to be read after the name of the field.
pub(crate) type Reason = String;

/// A code of a list, typed as code or label, in any case.
pub(crate) fn code<C: CodeList>(text: &str) -> Result<C, Reason> {
    C::from_loose(text).ok_or_else(|| format!("is not one of {}", listed::<C>()))
}

/// The codes of a list. A code that says nothing by itself, such as 5 or B, comes with its meaning.
fn listed<C: CodeList>() -> String {
    let one = |code: &C| match code.code() {
        short if short.len() == 1 => format!("{short} ({})", code.label()),
        code => code.to_owned(),
    };
    C::ALL.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A number of people.
pub(crate) fn people(text: &str) -> Result<u32, Reason> {
    text.trim().parse().map_err(|_| String::from("is not a whole number from 0"))
}

/// A number that is one: neither NaN nor without end.
pub(crate) fn finite(text: &str) -> Result<f64, Reason> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(String::from("is not a finite number")),
        Err(_) => Err(String::from("is not a number")),
    }
}
