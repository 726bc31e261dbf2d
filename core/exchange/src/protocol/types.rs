//! What XLSForm calls its types of questions, and the nearest that checklists have.

use firsthand_record::checklist::ItemType;

/// What a row of a survey is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowType {
    /// A question, with what a person should know of how it is read.
    Item(ItemType, Option<&'static str>),
    /// A question with a list of choices, perhaps with one more that is to be specified.
    Choices {
        item_type: ItemType,
        list: String,
        or_other: bool,
    },
    /// A number between two others.
    Range,
    BeginGroup,
    EndGroup,
    BeginRepeat,
    EndRepeat,
    /// What a phone fills in by itself, or the form works out.
    Dropped,
    Unknown,
}

const ITEMS: &[(&str, ItemType)] = &[
    ("acknowledge", ItemType::Check),
    ("trigger", ItemType::Check),
    ("check", ItemType::Check),
    ("note", ItemType::Note),
    ("add note prompt", ItemType::Note),
    ("q note", ItemType::Note),
    ("text", ItemType::Text),
    ("string", ItemType::Text),
    ("q string", ItemType::Text),
    ("add text prompt", ItemType::Text),
    ("phone number", ItemType::Text),
    ("barcode", ItemType::Text),
    ("q barcode", ItemType::Text),
    ("integer", ItemType::Integer),
    ("int", ItemType::Integer),
    ("q int", ItemType::Integer),
    ("add integer prompt", ItemType::Integer),
    ("number of days in last month", ItemType::Integer),
    ("decimal", ItemType::Decimal),
    ("q decimal", ItemType::Decimal),
    ("add decimal prompt", ItemType::Decimal),
    ("date", ItemType::Date),
    ("q date", ItemType::Date),
    ("add date prompt", ItemType::Date),
    ("time", ItemType::Time),
    ("q time", ItemType::Time),
    ("geopoint", ItemType::Geopoint),
    ("location", ItemType::Geopoint),
    ("gps", ItemType::Geopoint),
    ("q location", ItemType::Geopoint),
    ("q geopoint", ItemType::Geopoint),
    ("image", ItemType::Image),
    ("photo", ItemType::Image),
    ("q picture", ItemType::Image),
    ("q image", ItemType::Image),
    ("add image prompt", ItemType::Image),
    ("audio", ItemType::Audio),
    ("q audio", ItemType::Audio),
    ("add audio prompt", ItemType::Audio),
    ("timer", ItemType::Timer),
];

/// Types for which the phone answers, or the form itself.
const DROPPED: &[&str] = &[
    "start",
    "end",
    "today",
    "start time",
    "end time",
    "get start time",
    "get end time",
    "get today",
    "deviceid",
    "device id",
    "get device id",
    "imei",
    "subscriberid",
    "subscriber id",
    "get subscriber id",
    "simserial",
    "sim id",
    "get sim id",
    "phonenumber",
    "get phone number",
    "username",
    "email",
    "uri:username",
    "audit",
    "start-geopoint",
    "background-audio",
    "background-geopoint",
    "calculate",
    "q calculate",
    "add calculate prompt",
    "hidden",
];

const ONE: &[&str] = &[
    "add select one prompt using",
    "select one using",
    "select one from",
    "select_one from",
    "select_one",
    "select one",
    "select1 from",
    "select1",
    "q select1",
];

const SEVERAL: &[&str] = &[
    "add select multiple prompt using",
    "select all that apply from",
    "select all that apply",
    "select multiple using",
    "select multiple from",
    "select_multiple from",
    "select_multiple",
    "select multiple",
    "select from",
    "select",
    "q select",
];

const OTHER: &[&str] = &[" or specify other", " or_other", " or other"];

/// Reads a cell of the column `type`.
pub(super) fn row_type(cell: &str) -> RowType {
    let words = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = words.to_ascii_lowercase();
    let spaced = lower.replace('_', " ");
    match spaced.as_str() {
        "begin group" => return RowType::BeginGroup,
        "end group" => return RowType::EndGroup,
        "begin repeat" | "begin loop" => return RowType::BeginRepeat,
        "end repeat" | "end loop" => return RowType::EndRepeat,
        "range" => return RowType::Range,
        "datetime" | "date time" => {
            let note = "a day and a time in one answer is read as text";
            return RowType::Item(ItemType::Text, Some(note));
        }
        _ => {}
    }
    // `phone number` is a question, `phonenumber` the number of the phone itself.
    if DROPPED.contains(&lower.as_str()) || DROPPED.contains(&spaced.as_str()) {
        return RowType::Dropped;
    }
    if let Some((_, item_type)) = ITEMS.iter().find(|(name, _)| *name == spaced) {
        return RowType::Item(*item_type, None);
    }
    // Every name below is ASCII, so that places in `lower` are places in `words`.
    for (names, item_type) in [(ONE, ItemType::SelectOne), (SEVERAL, ItemType::SelectMultiple)] {
        let rest = names.iter().find_map(|name| {
            let rest = lower.strip_prefix(name)?;
            rest.starts_with(' ').then(|| &words[name.len() + 1..])
        });
        if let Some(rest) = rest {
            let ending = OTHER.iter().find(|ending| rest.to_ascii_lowercase().ends_with(**ending));
            let list = &rest[..rest.len() - ending.map_or(0, |ending| ending.len())];
            // A list out of a file has a name with an ending; a list by reference begins with `$`.
            if list.is_empty() || list.contains([' ', '$']) {
                return RowType::Unknown;
            }
            return RowType::Choices { item_type, list: list.to_owned(), or_other: ending.is_some() };
        }
    }
    RowType::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_their_other_names() {
        let one = |list: &str, or_other| RowType::Choices {
            item_type: ItemType::SelectOne,
            list: list.into(),
            or_other,
        };
        let several = |list: &str| RowType::Choices {
            item_type: ItemType::SelectMultiple,
            list: list.into(),
            or_other: false,
        };
        for (cell, wanted) in [
            ("select_one yes_no", one("yes_no", false)),
            ("select one from sexes or specify other", one("sexes", true)),
            ("Select_One  Sides or_other", one("Sides", true)),
            ("select1 a", one("a", false)),
            ("select_multiple b", several("b")),
            ("select all that apply from b_c", several("b_c")),
            ("phone number", RowType::Item(ItemType::Text, None)),
            ("phonenumber", RowType::Dropped),
            ("begin_group", RowType::BeginGroup),
            ("BEGIN GROUP", RowType::BeginGroup),
            ("int", RowType::Item(ItemType::Integer, None)),
            ("osm c1", RowType::Unknown),
            ("select_one_external c1", RowType::Unknown),
            ("select_one_from_file a.csv", RowType::Unknown),
            ("select_one", RowType::Unknown),
            ("select_one ${a}", RowType::Unknown),
            ("rank a", RowType::Unknown),
            ("", RowType::Unknown),
        ] {
            assert_eq!(row_type(cell), wanted, "{cell}");
        }
    }
}
