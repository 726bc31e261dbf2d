use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// In which order the keys of a JSON file first appear.
///
/// `serde_json::Value` sorts keys, but the order of questions in a form means something: the first answer makes a
/// better title than the first by the alphabet.
#[derive(Debug, Default)]
pub(crate) struct KeyOrder {
    ranks: BTreeMap<String, usize>,
}

impl KeyOrder {
    /// Reads the order out of a file that is JSON. What is too deep to be read ends the order, not the import.
    pub(crate) fn of(text: &str) -> Self {
        let mut order = Self::default();
        let _ = Walk(&mut order).deserialize(&mut serde_json::Deserializer::from_str(text));
        order
    }

    /// The members of an object in the order of the file.
    pub(crate) fn sorted<V>(&self, members: impl IntoIterator<Item = (String, V)>) -> Vec<(String, V)> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by_key(|(name, _)| self.ranks.get(name).copied().unwrap_or(usize::MAX));
        members
    }
}

struct Walk<'a>(&'a mut KeyOrder);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let next = self.0.ranks.len();
            // Keys beyond the most columns there may be come last.
            if next <= crate::MAX_COLUMNS {
                self.0.ranks.entry(key).or_insert(next);
            }
            map.next_value_seed(Walk(&mut *self.0))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Walk(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let order =
            KeyOrder::of(r#"[{"z": {"m": null, "b": 1.5}, "a": "x"}, {"c": [true, {"d": -1}], "a": 2}]"#);
        let names = |members: &[&str]| {
            let sorted = order.sorted(members.iter().map(|name| ((*name).to_owned(), ())));
            sorted.into_iter().map(|(name, ())| name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(&["a", "b", "c", "d", "m", "z", "unknown"]),
            ["z", "m", "b", "a", "c", "d", "unknown"]
        );
    }
}
