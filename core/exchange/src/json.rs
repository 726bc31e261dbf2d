//! JSON as a list of items that are parsed one at a time.
//!
//! A parsed value takes about ten times the room of its text, so of a long list only the places of its items are held.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{ExchangeError, MAX_COLUMNS, MAX_ROWS};

/// The most bytes of one item. What a record keeps of it is far less; a larger item is data of another kind.
pub(crate) const MAX_ITEM: usize = 4 * 1024 * 1024;

/// The top level of a file.
pub(crate) enum Root<'a> {
    Object(Vec<(String, &'a str)>),
    List(Vec<Range<usize>>),
    Other,
}

impl<'a> Root<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, ExchangeError> {
        match text.trim_start().as_bytes().first() {
            Some(b'{') => {
                let members = run(text, Members { full: false, members: Vec::new() }, |it| it.full)?;
                members.map(|it| Self::Object(it.members)).ok_or(ExchangeError::TooManyColumns)
            }
            Some(b'[') => items(text, text).map(Self::List),
            _ => {
                serde_json::from_str::<&RawValue>(text).map_err(not_json)?;
                Ok(Self::Other)
            }
        }
    }

    /// The text of a member of an object, the last of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(own, _)| own == name).map(|(_, text)| *text),
            _ => None,
        }
    }

    /// The value of a small member.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.member(name).and_then(|text| parse(text).ok())
    }

    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.member(name).is_some_and(|text| text.starts_with('['))
    }
}

/// One item; an error is the reason why it cannot be one.
pub(crate) fn parse(text: &str) -> Result<Value, &'static str> {
    if text.len() > MAX_ITEM {
        return Err("is larger than 4 MiB");
    }
    serde_json::from_str(text)
        .map_err(|_| "is JSON that cannot be read, with a number out of range or too many levels")
}

/// The places of the items of a list, which is a part of `whole`.
pub(crate) fn items(list: &str, whole: &str) -> Result<Vec<Range<usize>>, ExchangeError> {
    let base = whole.as_ptr() as usize;
    let found = run(list, Items { base, full: false, items: Vec::new() }, |it| it.full)?;
    found.map(|it| it.items).ok_or(ExchangeError::TooManyRows)
}

/// Walks over the text; nothing if there was too much of it.
fn run<'a, S>(text: &'a str, mut state: S, is_full: impl Fn(&S) -> bool) -> Result<Option<S>, ExchangeError>
where
    for<'s> &'s mut S: DeserializeSeed<'a, Value = ()>,
{
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let done = (&mut state).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match done {
        _ if is_full(&state) => Ok(None),
        Ok(()) => Ok(Some(state)),
        Err(error) => Err(not_json(error)),
    }
}

fn not_json(error: serde_json::Error) -> ExchangeError {
    ExchangeError::Json { line: error.line(), column: error.column() }
}

struct Members<'a> {
    full: bool,
    members: Vec<(String, &'a str)>,
}

impl<'de> DeserializeSeed<'de> for &mut Members<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Members<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if self.members.len() == MAX_COLUMNS {
                self.full = true;
                return Err(A::Error::custom("too many members"));
            }
            self.members.push((name, value.get()));
        }
        Ok(())
    }
}

struct Items {
    /// Where the whole text begins in memory.
    base: usize,
    full: bool,
    items: Vec<Range<usize>>,
}

impl<'de> DeserializeSeed<'de> for &mut Items {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Items {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            if self.items.len() == MAX_ROWS {
                self.full = true;
                return Err(A::Error::custom("too many items"));
            }
            let from = item.get().as_ptr() as usize - self.base;
            self.items.push(from..from + item.get().len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_where_they_stand() {
        let text = r#" {"a": [1, {"b": "]"}, "é", [2, [3]]], "c": null, "a2": 7}"#;
        let root = Root::read(text).unwrap();
        assert!(root.is_list("a") && !root.is_list("c") && !root.is_list("x"));
        let items = items(root.member("a").unwrap(), text).unwrap();
        let texts: Vec<&str> = items.into_iter().map(|range| &text[range]).collect();
        assert_eq!(texts, ["1", r#"{"b": "]"}"#, "\"é\"", "[2, [3]]"]);
        assert_eq!(root.value("a2"), Some(Value::from(7)));
    }

    #[test]
    fn too_much_is_refused_and_what_is_no_json_is_named() {
        let many = format!("[{}0]", "0,".repeat(MAX_ROWS));
        assert!(matches!(Root::read(&many), Err(ExchangeError::TooManyRows)));
        let wide = format!("{{{}\"z\":0}}", "\"a\":0,".repeat(MAX_COLUMNS));
        assert!(matches!(Root::read(&wide), Err(ExchangeError::TooManyColumns)));
        for broken in ["[", "{", "[1] x", "{\"a\":1} 2", "[1,]", "tru"] {
            assert!(matches!(Root::read(broken), Err(ExchangeError::Json { .. })), "{broken}");
        }
        assert!(parse(&"[".repeat(200)).is_err() && parse("1e999").is_err());
        assert!(parse(&format!("\"{}\"", "x".repeat(MAX_ITEM))).is_err());
    }
}
