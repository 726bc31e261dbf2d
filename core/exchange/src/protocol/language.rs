//! Names of languages into tags.

/// Names that forms use, in small letters, and the tag of each.
const NAMES: &[(&str, &str)] = &[
    ("amharic", "am"),
    ("arabic", "ar"),
    ("العربية", "ar"),
    ("armenian", "hy"),
    ("bangla", "bn"),
    ("bengali", "bn"),
    ("burmese", "my"),
    ("chinese", "zh"),
    ("dari", "prs"),
    ("english", "en"),
    ("français", "fr"),
    ("francais", "fr"),
    ("french", "fr"),
    ("german", "de"),
    ("hausa", "ha"),
    ("hebrew", "he"),
    ("hindi", "hi"),
    ("indonesian", "id"),
    ("kinyarwanda", "rw"),
    ("kurdish", "ku"),
    ("nepali", "ne"),
    ("pashto", "ps"),
    ("persian", "fa"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("russian", "ru"),
    ("somali", "so"),
    ("spanish", "es"),
    ("español", "es"),
    ("espanol", "es"),
    ("swahili", "sw"),
    ("kiswahili", "sw"),
    ("tagalog", "tl"),
    ("thai", "th"),
    ("tigrinya", "ti"),
    ("turkish", "tr"),
    ("ukrainian", "uk"),
    ("urdu", "ur"),
];

/// The tag of a language as a form writes it: `Español (es)`, `English`, `EN` and `es-mx`. A name that is not known stays as it
/// is, in small letters.
pub(super) fn tag(name: &str) -> String {
    let name = crate::grid::clean(name);
    let inner = name.strip_suffix(')').and_then(|name| name.rsplit_once('('));
    if let Some((_, code)) = inner
        && is_tag(code.trim())
    {
        return cased(code.trim());
    }
    let lower = name.to_lowercase();
    let known = NAMES.iter().find(|(own, _)| *own == lower).map(|(_, tag)| (*tag).to_owned());
    known.unwrap_or_else(|| if is_tag(&name) { cased(&name) } else { lower })
}

/// Whether text has the form of a language tag: two or three letters, and perhaps a script and a region.
pub(super) fn is_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    (2..=3).contains(&first.len())
        && letters(first)
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A tag as BCP 47 writes it: `es-MX`, `zh-Hant`.
fn cased(tag: &str) -> String {
    let part = |(index, part): (usize, &str)| match (index, part.len()) {
        (0, _) => part.to_ascii_lowercase(),
        (_, 2) => part.to_ascii_uppercase(),
        (_, 4) => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
    };
    tag.split(['-', '_']).enumerate().map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_name_and_by_tag() {
        for (name, wanted) in [
            ("English (en)", "en"),
            ("Español (es)", "es"),
            ("EN", "en"),
            ("english", "en"),
            ("es_mx", "es-MX"),
            ("zh-hant", "zh-Hant"),
            ("العربية", "ar"),
            ("Nuer", "nuer"),
            ("Side (A)", "side (a)"),
            (" fr\u{200f}", "fr"),
        ] {
            assert_eq!(tag(name), wanted, "{name}");
        }
    }
}
