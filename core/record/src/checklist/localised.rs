use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The language of text of which nobody said what language it is (BCP 47).
pub const UNDETERMINED: &str = "und";

/// A text in several languages, by language tag such as `en`, `es-MX` or `ar`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localised(pub BTreeMap<String, String>);

impl Localised {
    /// A text in one language.
    #[must_use]
    pub fn one(language: impl Into<String>, text: impl Into<String>) -> Self {
        Self(BTreeMap::from([(language.into(), text.into())]))
    }

    /// Whether it says nothing in any language.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|text| text.trim().is_empty())
    }

    /// The text for a reader of `wanted`, and the language it is in. The first of these that says something: that language;
    /// its base, `es` for `es-MX`; another form of that base, `es-CO` for `es` or `es-MX`; `default`, the template's own
    /// language; any other, in the order of their tags. Tags are compared without case.
    #[must_use]
    pub fn find(&self, wanted: &str, default: &str) -> Option<(&str, &str)> {
        let filled = || self.0.iter().filter(|(_, text)| !text.trim().is_empty());
        let exact = |tag: &str| filled().find(|(own, _)| own.eq_ignore_ascii_case(tag));
        let base = base_language(wanted);
        let related = || filled().find(|(own, _)| base_language(own).eq_ignore_ascii_case(base));
        let found = exact(wanted)
            .or_else(|| exact(base))
            .or_else(related)
            .or_else(|| exact(default))
            .or_else(|| filled().next());
        found.map(|(tag, text)| (text.as_str(), tag.as_str()))
    }

    /// As [`Localised::find`], the text alone; empty where there is none.
    #[must_use]
    pub fn get(&self, wanted: &str, default: &str) -> &str {
        self.find(wanted, default).map_or("", |(text, _)| text)
    }

    /// Sets the text of a language; blank text is none.
    pub fn set(&mut self, language: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.0.insert(language.into(), text);
        }
    }
}

/// A language tag without what follows its first part: `es` of `es-MX`.
#[must_use]
pub fn base_language(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_nearest_language() {
        let of = |pairs: &[(&str, &str)]| {
            Localised(pairs.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect())
        };
        let text = of(&[("ar", "أ"), ("en", "a"), ("es", "e"), ("fr", " ")]);
        for (wanted, default, found) in [
            ("es", "en", "es"),
            ("es-MX", "en", "es"),
            ("ES_mx", "en", "es"),
            ("fr", "en", "en"),
            ("sw", "en", "en"),
            ("sw", "fr", "ar"),
            ("", "es", "es"),
        ] {
            assert_eq!(text.find(wanted, default).unwrap().1, found, "{wanted} {default}");
        }
        let regional = of(&[("en", "a"), ("es-CO", "c"), ("es-MX", "m")]);
        assert_eq!(regional.get("es-MX", "en"), "m");
        assert_eq!(regional.get("es", "en"), "c");
        assert_eq!(of(&[("fr", "")]).find("fr", "fr"), None);
        assert!(of(&[("fr", " \n")]).is_empty() && !text.is_empty());
    }
}
