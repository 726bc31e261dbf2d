//! Single values of a row: words into codes, numbers of people, titles.

use firsthand_record::{CodeList, Severity, validate};
use serde_json::Value;

use crate::fields::normal;
use crate::point;

/// A plain value as text; a list or an object has none.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Severity by CAP's words, or by those that other forms use.
pub(crate) fn severity(text: &str) -> Option<Severity> {
    let own = Severity::from_loose(text);
    own.or_else(|| match normal(text).as_str() {
        "critical" | "very_high" | "extrema" | "extremo" | "critica" | "extreme_urgence" | "critique" => {
            Some(Severity::Extreme)
        }
        "high" | "serious" | "major" | "grave" | "alta" | "alto" | "severa" | "eleve" | "elevee" | "kali" => {
            Some(Severity::Severe)
        }
        "medium" | "media" | "medio" | "moderada" | "moderado" | "moyen" | "moyenne" | "modere"
        | "moderee" => Some(Severity::Moderate),
        "low" | "baja" | "bajo" | "leve" | "faible" | "mineur" | "mineure" | "ndogo" => Some(Severity::Minor),
        "desconocida" | "desconocido" | "inconnu" | "inconnue" => Some(Severity::Unknown),
        _ => None,
    })
}

/// `3`, `3-5`, `3 to 5`, `10+` or `~20`.
pub(crate) fn range(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let text = point::western(text.trim());
    let number = |text: &str| text.trim().parse::<u32>().ok();
    if let Some(least) = text.strip_suffix('+') {
        return Some((Some(number(least)?), None));
    }
    let exact = text.trim_start_matches(['~', '≈']);
    if let Some(exact) = number(exact).or_else(|| number(exact.strip_suffix(".0")?)) {
        return Some((Some(exact), Some(exact)));
    }
    let (low, high) = ["-", "–", " to ", " a ", " à "].iter().find_map(|between| text.split_once(between))?;
    Some((Some(number(low)?), Some(number(high)?)))
}

pub(crate) fn split(text: &str) -> Vec<String> {
    let parts = text.split([',', ';', '\n']).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The first sentence of the first line, without its full stop.
pub(crate) fn first_sentence(text: &str) -> &str {
    let line = text.trim().lines().next().unwrap_or_default();
    let end = line.char_indices().zip(line.chars().skip(1)).find_map(|((at, c), next)| {
        let ends = matches!(c, '.' | '!' | '?' | '؟') && next.is_whitespace();
        ends.then_some(at + c.len_utf8())
    });
    let sentence = end.map_or(line, |at| &line[..at]).trim();
    sentence.strip_suffix('.').unwrap_or(sentence)
}

/// A line of at most 120 characters, cut at a word, and whether it was cut.
pub(crate) fn shorten(text: &str) -> (String, bool) {
    let most = validate::limits::TITLE;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(most - 1) else { return (line, false) };
    if line[end..].chars().nth(1).is_none() {
        return (line, false);
    }
    let cut = line[..end].rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
    (format!("{}…", line[..cut].trim_end()), true)
}

/// Whether a value is the name of a photo, a recording or a document.
pub(crate) fn is_media(text: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        ".jpg", ".jpeg", ".png", ".heic", ".webp", ".gif", ".m4a", ".mp3", ".amr", ".wav", ".mp4", ".3gp",
        ".mov", ".pdf",
    ];
    let lower = text.trim().to_ascii_lowercase();
    !lower.contains(' ') && ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people() {
        assert_eq!(range("3"), Some((Some(3), Some(3))));
        assert_eq!(range(" 3 - 5 "), Some((Some(3), Some(5))));
        assert_eq!(range("3 to 5"), Some((Some(3), Some(5))));
        assert_eq!(range("10+"), Some((Some(10), None)));
        assert_eq!(range("~20"), Some((Some(20), Some(20))));
        assert_eq!(range("2.0"), Some((Some(2), Some(2))));
        assert_eq!(range("٢٠"), Some((Some(20), Some(20))));
        for bad in ["", "many", "-3", "2.5", "3-", "1e3", "99999999999"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn titles_fit_and_end_at_a_word() {
        assert_eq!(shorten("a  b\n c"), ("a b c".to_owned(), false));
        let exact = "x".repeat(120);
        assert_eq!(shorten(&exact), (exact.clone(), false));
        let (title, is_cut) = shorten(&"كلمة ".repeat(60));
        assert!(is_cut && title.chars().count() <= 120 && title.ends_with("كلمة…"));
        assert_eq!(shorten(&"x".repeat(121)).0.chars().count(), 120);
        assert_eq!(first_sentence("One here. Two."), "One here");
        assert_eq!(first_sentence("At 3.5 km.\nmore"), "At 3.5 km");
        assert_eq!(first_sentence("Why? Nobody knows."), "Why?");
        assert_eq!(first_sentence("  "), "");
    }
}
