//! Tables whose hashtags say what the columns are.

mod common;

use common::{import, lat_lon, problems, titles};
use firsthand_exchange::{ExchangeError, Format, read};
use firsthand_record::CountKind;

const TABLE: &str = "What,Where,,,Area,Code,When,Dead,Contact\n\
    #event+name,#geo+lat,#geo+lon,#loc+name,#adm1+code,#adm2 + code,#date+occurred,#affected+killed,\n\
    Clash,12.5,-3.25,Market,X1,X102,1 March 2015,2-3,Rose\n\
    Quiet,,,,X1,,2015-03-02,,\n";

#[test]
fn hashtags_say_which_column_is_which() {
    let import = import("a.csv", TABLE).unwrap();
    assert_eq!((import.format, problems(&import)), (Format::Hxl, vec![]));
    let clash = &import.incidents[0];
    assert_eq!(clash.row, 3);
    let incident = &clash.incident;
    assert_eq!((incident.title.as_deref(), lat_lon(incident)), (Some("Clash"), Some((12.5, -3.25))));
    assert_eq!((incident.p_code.as_deref(), incident.admin_level), (Some("X102"), Some(2)));
    assert_eq!(incident.occurred_start.unwrap().time.to_string(), "2015-03-01T12:00:00+00:00");
    assert_eq!((incident.counts[0].what, incident.counts[0].low), (CountKind::Dead, Some(2)));
    // A column without a hashtag is kept under the words above it, one without a field under its hashtag.
    let kept: Vec<_> = incident.imported.keys().map(String::as_str).collect();
    assert_eq!(kept, ["#adm1+code (Area)", "Contact"]);
    let quiet = &import.incidents[1].incident;
    assert_eq!((quiet.place, quiet.p_code.as_deref(), quiet.admin_level), (None, Some("X1"), Some(1)));
    assert!(quiet.counts.is_empty(), "what is missing is no zero");
}

#[test]
fn json_of_lists_and_of_objects_says_the_same() {
    let rows: Vec<Vec<&str>> = TABLE.lines().map(|line| line.split(',').collect()).collect();
    let lists = serde_json::to_string(&rows).unwrap();
    let table = import("a.csv", TABLE).unwrap();
    let found = import("a.json", &lists).unwrap();
    assert_eq!(found.format, Format::Hxl);
    assert_eq!(found.incidents, table.incidents);
    let objects = r##"[{"#event+name": "Clash", "#geo+lat": 12.5, "#geo+lon": "-3.25", "#org": "x"}, {"#event+name": "Quiet", "#geo+lat": null, "#geo+lon": null}]"##;
    let found = import("a.json", objects).unwrap();
    assert_eq!((found.format, titles(&found)), (Format::Hxl, vec!["Clash", "Quiet"]));
    assert_eq!(lat_lon(&found.incidents[0].incident), Some((12.5, -3.25)));
    assert_eq!(found.incidents[1].incident.place, None);
    let ragged = import("a.json", r##"[["#event", "#org"], ["A", "x"], ["B"], 7, ["", null]]"##).unwrap();
    assert_eq!(
        problems(&ragged),
        [(3, "", "has 1 cells, but the header has 2"), (4, "", "is not a list of values")]
    );
    assert!(ragged.notes.iter().any(|note| note == "line 5 empty and left out"));
}

#[test]
fn a_table_without_hashtags_is_none() {
    let forced = |text: &str| read(text.as_bytes(), "a.csv", Some(Format::Hxl), None).unwrap_err();
    assert!(matches!(forced("title,x\nA,1\n"), ExchangeError::NotHxl));
    assert!(matches!(forced("[[\"title\"], [\"A\"]]"), ExchangeError::NotHxl));
    assert!(matches!(forced("{\"a\": 1}"), ExchangeError::NotHxl));
    // A person who writes of hashtags has not tagged the table.
    assert_eq!(import("a.csv", "title,narrative\n#one,wrote #two\n").unwrap().format, Format::Csv);
}
