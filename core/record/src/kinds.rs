//! What all kinds of records have in common: how they are declared, and how they are read.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Declares a kind of record and the list of its fields together, so that the two cannot drift apart.
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $name:ident
        scalars { $($(#[doc = $sdoc:literal])+ $scalar:ident: $stype:ty,)+ }
        texts { $($(#[doc = $tdoc:literal])+ $text:ident,)* }
        lists { $($(#[doc = $ldoc:literal])+ $list:ident: $ltype:ty,)+ }
        $(maps { $($(#[doc = $mdoc:literal])+ $map:ident,)+ })?
    ) => {
        $(#[doc = $doc])+
        ///
        /// What is not known is absent, never zero or an empty guess. In JSON, fields that are absent or empty are
        /// left out.
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
        pub struct $name {
            $(
                $(#[doc = $sdoc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "uniffi", uniffi(default))]
                pub $scalar: Option<$stype>,
            )+
            $(
                $(#[doc = $tdoc])+
                #[serde(default, skip_serializing_if = "String::is_empty")]
                #[cfg_attr(feature = "uniffi", uniffi(default))]
                pub $text: String,
            )*
            $(
                $(#[doc = $ldoc])+
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                #[cfg_attr(feature = "uniffi", uniffi(default))]
                pub $list: Vec<$ltype>,
            )+
            $($(
                $(#[doc = $mdoc])+
                #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
                #[cfg_attr(feature = "uniffi", uniffi(default))]
                pub $map: $crate::Fields,
            )+)?
            /// Keys that this version does not know, kept as they came.
            #[serde(flatten)]
            #[cfg_attr(feature = "uniffi", uniffi(default))]
            pub extra: $crate::Fields,
        }

        impl $name {
            /// Fields with one value.
            pub const SCALARS: &'static [&'static str] = &[$(stringify!($scalar)),+];
            /// Fields of running text.
            pub const TEXTS: &'static [&'static str] = &[$(stringify!($text)),*];
            /// Fields that are lists of items.
            pub const LISTS: &'static [&'static str] = &[$(stringify!($list)),+];

            /// Reads JSON that another version may have written. A value that this version cannot read, such as a
            /// code of a longer list, is set aside by name instead of making the whole record unreadable.
            #[must_use]
            pub fn read(json: serde_json::Map<String, serde_json::Value>) -> $crate::Read<Self> {
                let mut read = $crate::Read::<Self>::default();
                for (key, value) in json {
                    match key.as_str() {
                        $(stringify!($scalar) => {
                            read.record.$scalar = $crate::kinds::one(value, &key, &mut read.unread);
                        })+
                        $(stringify!($text) => {
                            read.record.$text =
                                $crate::kinds::one(value, &key, &mut read.unread).unwrap_or_default();
                        })*
                        $(stringify!($list) => {
                            read.record.$list = $crate::kinds::many(value, &key, &mut read.unread);
                        })+
                        $($(stringify!($map) => {
                            read.record.$map =
                                $crate::kinds::one(value, &key, &mut read.unread).unwrap_or_default();
                        })+)?
                        _ => {
                            read.record.extra.insert(key, value);
                        }
                    }
                }
                read
            }
        }
    };
}
pub(crate) use record;

/// Fields by name that have no place of their own in a record.
pub type Fields = std::collections::BTreeMap<String, Value>;

/// A record as far as this version can read it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read<R> {
    /// What could be read; unknown keys are in `extra`.
    pub record: R,
    /// What could not.
    pub unread: Vec<Unread>,
}

/// A value under a known key that this version cannot read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unread {
    /// Where it stands, such as `severity` or `counts[1]`.
    pub field: String,
    /// The value as it came.
    pub value: Value,
}

pub(crate) fn one<T: DeserializeOwned>(value: Value, field: &str, unread: &mut Vec<Unread>) -> Option<T> {
    if value.is_null() { None } else { item(value, || field.to_owned(), unread) }
}

fn item<T: DeserializeOwned>(
    value: Value,
    field: impl Fn() -> String,
    unread: &mut Vec<Unread>,
) -> Option<T> {
    let read = T::deserialize(&value).ok();
    if read.is_none() {
        unread.push(Unread { field: field(), value });
    }
    read
}

pub(crate) fn many<T: DeserializeOwned>(value: Value, field: &str, unread: &mut Vec<Unread>) -> Vec<T> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => {
            let read = |(index, value)| item(value, || format!("{field}[{index}]"), unread);
            items.into_iter().enumerate().filter_map(read).collect()
        }
        value => {
            unread.push(Unread { field: field.to_owned(), value });
            Vec::new()
        }
    }
}

/// Reads a kind of which some fields are `required`, without those others, and without those items of lists, that this version
/// cannot read: nobody can hide a record by adding to its lists what nobody understands. `None` where what is required cannot
/// be read.
pub(crate) fn readable<T: DeserializeOwned>(fields: Map<String, Value>, required: &[&str]) -> Option<T> {
    if let Ok(whole) = T::deserialize(Value::Object(fields.clone())) {
        return Some(whole);
    }
    let (mut readable, rest): (Map<_, _>, Map<_, _>) =
        fields.into_iter().partition(|(name, _)| required.contains(&name.as_str()));
    let base = readable.clone();
    let fits = |name: &str, value: Value| {
        let mut alone = base.clone();
        alone.insert(name.to_owned(), value);
        T::deserialize(Value::Object(alone)).is_ok()
    };
    for (name, value) in rest {
        let value = match value {
            Value::Array(items) => {
                let one = |item: &Value| fits(&name, Value::from(vec![item.clone()]));
                Value::Array(items.into_iter().filter(one).collect())
            }
            value => value,
        };
        if fits(&name, value.clone()) {
            readable.insert(name, value);
        }
    }
    T::deserialize(Value::Object(readable)).ok()
}
