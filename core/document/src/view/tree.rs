use std::collections::BTreeMap;

use serde_json::Value;

use crate::json;

/// A document's JSON made of what the view holds. Nothing of it is copied: what people have written can be large.
pub(super) enum Tree<'a> {
    Value(&'a Value),
    Values(Vec<&'a Value>),
    Text(&'a str),
    Number(u32),
    Object(BTreeMap<&'a str, Tree<'a>>),
}

impl<'a> Tree<'a> {
    pub(super) fn objects(members: BTreeMap<&'a str, BTreeMap<&'a str, Self>>) -> BTreeMap<&'a str, Self> {
        members.into_iter().map(|(key, members)| (key, Self::Object(members))).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Value(value) => (*value).clone(),
            Self::Values(values) => values.iter().copied().cloned().collect(),
            Self::Text(text) => Value::from(*text),
            Self::Number(number) => Value::from(*number),
            Self::Object(members) => {
                members.iter().map(|(key, member)| ((*key).to_owned(), member.to_json())).collect()
            }
        }
    }

    /// Canonical text.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Value(value) => json::write(value, out),
            Self::Values(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    json::separate(index, out);
                    json::write(value, out);
                }
                out.push(']');
            }
            Self::Text(text) => json::write_text(text, out),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Object(members) => {
                out.push('{');
                for (index, (key, member)) in members.iter().enumerate() {
                    json::separate(index, out);
                    json::write_text(key, out);
                    out.push(':');
                    member.write(out);
                }
                out.push('}');
            }
        }
    }
}
