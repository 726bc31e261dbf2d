//! The Humanitarian Exchange Language: a row of hashtags that says what each column is.

use crate::fields::Field;

/// How many rows at the beginning of a file may hold the hashtags.
pub(crate) const LOOKED_AT: usize = 25;

/// A hashtag with its attributes, such as `#affected+killed+f`, in lower case without blank space.
pub(crate) fn tag(cell: &str) -> Option<String> {
    let tag: String = cell.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let mut words = tag.strip_prefix('#')?.split('+');
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    words.all(is_word).then_some(tag)
}

/// Whether these cells are the row of hashtags: at least one, and no other text.
pub(crate) fn is_tag_row<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    let mut found = false;
    for cell in cells.filter(|cell| !cell.trim().is_empty()) {
        if tag(cell).is_none() {
            return false;
        }
        found = true;
    }
    found
}

/// The hashtag in the name that a column has here: `#adm1+code` or `#adm1+code (P-code)`.
pub(crate) fn tag_of(name: &str) -> Option<String> {
    tag(without_words(name))
}

/// The name without the words beside a hashtag; a name without a hashtag as it is.
pub(crate) fn without_words(name: &str) -> &str {
    match name.split_once(" (") {
        Some((tag, _)) if name.starts_with('#') => tag,
        _ => name,
    }
}

/// The field that a hashtag means, and for the code of an area its level. What has no field is kept as it is.
pub(crate) fn field(tag: &str) -> Option<(Field, Option<u8>)> {
    let mut words = tag.strip_prefix('#')?.split('+');
    let word = words.next()?;
    let attributes: Vec<&str> = words.collect();
    let has = |attribute: &str| attributes.contains(&attribute);
    let any = |wanted: &[&str]| wanted.iter().any(|attribute| has(attribute));
    let field = match word {
        "event" | "incident" if any(&["id", "code"]) => Field::ExternalId,
        "event" | "incident" if any(&["type", "category"]) => Field::Category,
        "event" | "incident" if any(&["description", "desc"]) => Field::Narrative,
        "event" | "incident" if attributes.is_empty() || any(&["name", "title"]) => Field::Title,
        "description" => Field::Narrative,
        "meta" if any(&["id", "uuid"]) => Field::ExternalId,
        "geo" if has("lat") => Field::Lat,
        "geo" if has("lon") => Field::Lon,
        "geo" if any(&["elevation", "alt"]) => Field::Alt,
        "geo" if any(&["coord", "coords", "point"]) => Field::Point,
        "date" if any(&["reported", "report"]) => Field::Reported,
        "date" if any(&["end", "ended"]) => Field::End,
        "date" if attributes.is_empty() || any(&["occurred", "start", "event", "incident"]) => {
            Field::StartDate
        }
        "country" | "adm1" | "adm2" | "adm3" | "adm4" | "adm5" if any(&["code", "pcode", "iso2", "iso3"]) => {
            let level = word.strip_prefix("adm").map_or(Some(0), |digit| digit.parse().ok());
            return Some((Field::PCode, level));
        }
        "country" | "region" | "adm1" | "adm2" | "adm3" | "adm4" | "adm5" | "loc"
            if attributes.is_empty() || has("name") =>
        {
            Field::PlaceText
        }
        "severity" => Field::Severity,
        "status" => Field::Status,
        "affected" if any(&["killed", "dead", "died"]) => Field::Dead,
        "affected" if any(&["injured", "wounded"]) => Field::Injured,
        "affected" if any(&["displaced", "idp", "idps"]) => Field::Displaced,
        "affected" if any(&["arrested", "detained"]) => Field::Arrested,
        _ => return None,
    };
    Some((field, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_told_from_text() {
        assert_eq!(tag(" #Adm1 +Code").as_deref(), Some("#adm1+code"));
        assert_eq!(tag_of("#affected+killed (Muertos)").as_deref(), Some("#affected+killed"));
        for text in ["", "#", "adm1", "#1", "#adm1+", "# 1 of 2", "#sector!"] {
            assert_eq!(tag(text), None, "{text}");
        }
        assert!(is_tag_row(["", "#org", " #date + start "].into_iter()));
        assert!(!is_tag_row(["", " "].into_iter()));
        assert!(!is_tag_row(["#org", "Sector"].into_iter()));
    }

    #[test]
    fn hashtags_lead_to_fields() {
        assert_eq!(field("#geo+lat"), Some((Field::Lat, None)));
        assert_eq!(field("#adm2+code+v_pcode"), Some((Field::PCode, Some(2))));
        assert_eq!(field("#country+code"), Some((Field::PCode, Some(0))));
        assert_eq!(field("#affected+f+injured"), Some((Field::Injured, None)));
        for kept in ["#affected", "#targeted+f", "#org", "#contact+phone", "#date+updated", "#geo"] {
            assert_eq!(field(kept), None, "{kept}");
        }
    }
}
