//! CSV files as people write them.

mod common;

use common::{fixture, import, lat_lon, mapped, problems, titles};
use firsthand_exchange::{ExchangeError, Format};
use firsthand_record::{CountKind, PlaceSource, Precision, Severity};

#[test]
fn a_spanish_log_with_semicolons_and_decimal_commas() {
    let import = import("bitacora.csv", fixture("bitacora.csv")).unwrap();
    assert_eq!(import.format, Format::Csv);
    let [bridge, queue] = import.incidents.as_slice() else { panic!("{import:?}") };
    // The record of two lines begins in line 2, and a blank line counts.
    assert_eq!((bridge.row, queue.row), (2, 5));
    let incident = &bridge.incident;
    assert_eq!(incident.title.as_deref(), Some("Bloqueo del puente"));
    assert_eq!(incident.narrative, "Unas 30 personas cierran el puente.\nDicen \"no\" a todo.");
    assert_eq!(lat_lon(incident), Some((-12.341, -26.783)));
    let place = incident.place.unwrap();
    assert_eq!(place.accuracy_m.map(|metres| metres.0), Some(4.5));
    assert_eq!(place.source, PlaceSource::Import);
    assert_eq!(incident.severity, Some(Severity::Severe));
    // 15/03 in another row tells that the day comes first.
    let start = incident.occurred_start.unwrap();
    assert_eq!(start.time.to_string(), "2026-03-14T08:10:00+00:00");
    assert_eq!(start.precision, Precision::Minute);
    assert_eq!(
        (incident.counts[0].what, incident.counts[0].low, incident.counts[0].high),
        (CountKind::Injured, Some(1), Some(2))
    );
    assert_eq!(incident.imported.keys().collect::<Vec<_>>(), ["Teléfono"]);
    let origin = incident.origin.as_ref().unwrap();
    assert_eq!((origin.format.as_str(), &origin.external_id, origin.row_hash.len()), ("csv", &None, 64));

    assert_eq!(lat_lon(&queue.incident), None, "missing stays missing");
    assert_eq!(queue.incident.occurred_start.unwrap().precision, Precision::Day);
    assert_eq!(problems(&import), [(6, "Latitud", "is outside -90 to 90 degrees")]);
    assert_eq!(import.problems[0].file, "bitacora.csv");
    assert!(
        import.notes.iter().any(|note| note.contains("\"Heridos\" as counts.injured")),
        "{:?}",
        import.notes
    );
    assert!(import.notes.iter().any(|note| note.contains("read as UTC")));
}

#[test]
fn coordinates_are_numbers_in_range_or_a_reason() {
    let text = "title,lat,lon\n\
        zero,0,0\nempty,,\ntext,here,12\nnan,NaN,1\ninf,1,-inf\nhalf,1.5,\nother half,,1.5\nlat,90.5,200\nswapped,120,30\n\
        edge,-90,180\nexp,1e1,2E1\n";
    let import = import("a.csv", text).unwrap();
    assert_eq!(titles(&import), ["zero", "empty", "edge", "exp"]);
    assert_eq!(
        lat_lon(&import.incidents[0].incident),
        Some((0.0, 0.0)),
        "a person is asked, nothing is refused"
    );
    assert_eq!(lat_lon(&import.incidents[1].incident), None);
    assert_eq!(
        problems(&import),
        [
            (4, "lat", "is not a number"),
            (5, "lat", "is not a finite number"),
            (6, "lon", "is not a finite number"),
            (7, "lat", "is given without the other coordinate"),
            (8, "lon", "is given without the other coordinate"),
            (9, "lat", "is outside -90 to 90 degrees"),
            (9, "lon", "is outside -180 to 180 degrees"),
            (10, "lat", "is outside -90 to 90 degrees; latitude and longitude look swapped"),
        ]
    );
}

#[test]
fn delimiters_byte_order_marks_and_line_ends() {
    for text in [
        "title,lat,lon\nA,1,2\n",
        "title;lat;lon\r\nA;1;2\r\n",
        "\u{feff}title\tlat\tlon\nA\t1\t2",
        "title|lat|lon\nA|1|2",
        "\"title\";\"lat, degrees\";\"lat\";\"lon\"\n\"A\";;\"1\";\"2\"",
    ] {
        let import = import("file", text).unwrap();
        assert_eq!(titles(&import), ["A"], "{text}");
        assert_eq!(lat_lon(&import.incidents[0].incident), Some((1.0, 2.0)));
    }
    let import = import("excel.csv", "sep=;\r\ntitle;lat;lon\r\nA;1;2\r\nB;x;2\r\n").unwrap();
    assert_eq!(import.incidents[0].row, 3);
    assert_eq!(problems(&import), [(4, "lat", "is not a number")]);
}

#[test]
fn quotations_run_over_lines_and_lines_end_in_any_way() {
    for end in ["\n", "\r\n", "\r"] {
        let lines = [
            "title,narrative,lat,lon",
            "A,\"one",
            "two\",,",
            "",
            "B,\"a \"\"b\"\"\",,",
            "C,,1,",
            "\"D\"",
            "",
        ];
        let import = import("a.csv", lines.join(end)).unwrap();
        assert_eq!(import.incidents[0].incident.narrative, format!("one{end}two"));
        assert_eq!(
            (import.incidents[1].row, import.incidents[1].incident.narrative.as_str()),
            (5, "a \"b\"")
        );
        assert_eq!(
            problems(&import),
            [
                (6, "lat", "is given without the other coordinate"),
                (7, "", "has 1 cells, but the header has 4")
            ],
            "{end:?}"
        );
    }
}

#[test]
fn a_quotation_that_is_never_closed_swallows_nothing() {
    let text = "title,narrative\nA,sound\nB,\"begins\nC,and\nD,goes on\n";
    let import = import("a.csv", text).unwrap();
    assert_eq!(titles(&import), ["A"]);
    let reason = "begins a quotation that is never closed, so the rest of the file is part of it";
    assert_eq!(problems(&import), [(3, "", reason)]);
}

#[test]
fn commas_in_numbers_are_decimal_where_nothing_else_fits_and_refused_where_two_readings_do() {
    let text = "title;lat;lon;alt\nA;-12,341;26,5;12,5\nB;1,5;2;1,234\nC;1.000,5;2;\n";
    let import = import("a.csv", text).unwrap();
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((-12.341, 26.5)));
    assert_eq!(
        problems(&import),
        [
            (3, "alt", "could be 1,234 as a decimal or in thousands; write it without a comma"),
            (4, "lat", "is not a number"),
        ]
    );
    let points = common::import("a.csv", "title;gps\nA;12,5,13,5\nB;12,5 13,5\nC;12,5\n").unwrap();
    assert_eq!(titles(&points), ["B"]);
    assert_eq!(lat_lon(&points.incidents[0].incident), Some((12.5, 13.5)));
    let reason = "could be decimal commas; write the numbers with points";
    assert_eq!(problems(&points), [(2, "gps", reason), (4, "gps", reason)]);
}

#[test]
fn names_with_marks_of_direction_and_invisible_characters() {
    let text = "\u{200f}العنوان\u{200e},\u{202b}خط العرض\u{202c},lon\u{200b},ti\u{ad}tle\nحاجز,\u{200e}١٢٫٥,\u{200f}36.25\u{200f},x\n";
    let import = import("a.csv", text).unwrap();
    assert_eq!(problems(&import), []);
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((12.5, 36.25)));
    // Two columns that look the same stay two.
    let twins = common::import("a.csv", "title,e\u{301}tat,état\nA,1,2\n").unwrap();
    assert_eq!(twins.incidents[0].incident.imported.len(), 2);
    let map = "{\"columns\": {\"\u{200f}Où\": \"place_text\"}}";
    let mapped = mapped("a.csv", "title,Où\u{200e}\nA,here\n", map).unwrap();
    assert_eq!(mapped.incidents[0].incident.place_text, "here");
}

#[test]
fn points_in_one_column() {
    let text = "title,location\nA,\"1.5, 36.25\"\nB,Central market\nC,12 Main Street\nD,99 10\n";
    let import = import("a.csv", text).unwrap();
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((1.5, 36.25)));
    assert_eq!(import.incidents[1].incident.place_text, "Central market");
    assert_eq!(import.incidents[2].incident.place_text, "12 Main Street");
    assert_eq!(
        problems(&import),
        [(5, "location", "is outside -90 to 90 degrees; latitude and longitude look swapped")]
    );
    let import = common::import("a.csv", "title,gps\nA,POINT (36.25 1.5)\nB,near the well\n").unwrap();
    assert_eq!(lat_lon(&import.incidents[0].incident), Some((1.5, 36.25)));
    assert_eq!(problems(&import), [(3, "gps", "is not a number")]);
}

#[test]
fn dates_that_could_be_two_days_are_refused_and_can_be_told() {
    let text = "title,date,time,end\nA,03/04/2026,14:30,15:10\n";
    assert_eq!(
        problems(&import("a.csv", text).unwrap()),
        [(2, "date", "could be day/month or month/day; give date_format in a column map"),]
    );
    let map = r#"{"date_format": "%d/%m/%Y", "offset": "+03:00"}"#;
    let import = mapped("a.csv", text, map).unwrap();
    let incident = &import.incidents[0].incident;
    assert_eq!(incident.occurred_start.unwrap().time.to_string(), "2026-04-03T14:30:00+03:00");
    assert_eq!(incident.occurred_end.unwrap().time.to_string(), "2026-04-03T15:10:00+03:00");
    let early =
        common::import("a.csv", "title,start_time,end_time\nA,2026-03-14 10:00,2026-03-14 09:00\n").unwrap();
    assert_eq!(problems(&early), [(2, "end_time", "is before the start")]);
}

#[test]
fn a_map_says_which_column_is_which() {
    let text = "Qué,Nota 1,Nota 2,Dónde,Nivel,Teléfono,Clave\nA,uno,dos,1 2,Severe,600,9\nB,tres,,1 2,mucho,600,10\n";
    let map = r#"{"columns": {"Qué": "title", "Nota 1": "narrative", "Nota 2": "narrative", "Dónde": "place",
                 "Nivel": "severity", "Teléfono": "ignore", "Clave": "external_id"}}"#;
    let import = mapped("a.csv", text, map).unwrap();
    let incident = &import.incidents[0].incident;
    assert_eq!(incident.narrative, "uno\ndos");
    assert_eq!(incident.severity, Some(Severity::Severe));
    assert!(incident.imported.is_empty(), "what is ignored is not kept: {:?}", incident.imported);
    assert_eq!(incident.origin.as_ref().unwrap().external_id.as_deref(), Some("9"));
    assert_eq!(problems(&import), [(3, "Nivel", "is none of Extreme, Severe, Moderate, Minor, Unknown")]);
    // The hash is of the row, not of what the map makes of it.
    let other = mapped("a.csv", text, r#"{"columns": {"Qué": "narrative"}}"#).unwrap();
    assert_eq!(
        other.incidents[0].incident.origin.as_ref().unwrap().row_hash,
        incident.origin.as_ref().unwrap().row_hash
    );

    let error = |map| mapped("a.csv", text, map).unwrap_err();
    assert!(
        matches!(error(r#"{"columns": {"Que": "title"}}"#), ExchangeError::MapColumn { column } if column == "Que")
    );
    assert!(matches!(error(r#"{"columns": {"Qué": "titel"}}"#), ExchangeError::MapField { .. }));
    assert!(matches!(
        error(r#"{"columns": {"Qué": "title", "Nota 1": "title"}}"#),
        ExchangeError::MapTwice { field: "title" }
    ));
    assert!(matches!(error(r#"{"offset": "3"}"#), ExchangeError::MapOffset));
    assert!(matches!(error(r#"{"date_format": "%Q"}"#), ExchangeError::MapDateFormat));
    assert!(matches!(error(r#"{"colums": {}}"#), ExchangeError::Map { line: 1, .. }));
    assert!(matches!(error("nothing"), ExchangeError::Map { .. }));
}

#[test]
fn what_only_looks_like_a_code_is_kept_aside() {
    let import = import("a.csv", "title,severity,crowd_size\nA,3,many\n").unwrap();
    let incident = &import.incidents[0].incident;
    assert_eq!((incident.severity, incident.counts.len()), (None, 0));
    assert_eq!(incident.imported["severity"], "3");
    assert_eq!(incident.imported["crowd_size"], "many");
    assert!(
        import.notes.iter().any(|note| note == "1 value of \"severity\" kept aside, not fit for its field")
    );
}

#[test]
fn ragged_rows_are_named_and_columns_of_one_name_are_told_apart() {
    let import = import("a.csv", "title,a,a,\nA,1,2,3\nB,1,2\nC,1,2,3,4\n\n,,,\nD,,,\n").unwrap();
    assert_eq!(titles(&import), ["A", "D"]);
    assert_eq!(import.incidents[1].row, 7);
    let keys: Vec<_> = import.incidents[0].incident.imported.keys().collect();
    assert_eq!(keys, ["a", "a (2)", "column 4"]);
    assert_eq!(
        problems(&import),
        [(3, "", "has 3 cells, but the header has 4"), (4, "", "has 5 cells, but the header has 4"),]
    );
}

#[test]
fn titles_come_from_the_first_text_and_no_text_is_lost() {
    let long = "word ".repeat(40);
    let text =
        format!("when,what,narrative\n2026-01-01,Something,\n,,First sentence. Second one.\n1,,\n,,{long}\n");
    let import = import("a.csv", text).unwrap();
    assert_eq!(titles(&import)[..3], ["Something", "First sentence", "Line 4"]);
    assert_eq!(import.incidents[0].incident.imported["what"], "Something");
    assert_eq!(import.incidents[3].incident.narrative, long.trim());
    assert!(import.incidents[3].incident.title.as_ref().unwrap().ends_with("word…"));
    let import = common::import("a.csv", format!("title,x\n{long},1\n")).unwrap();
    assert_eq!(import.incidents[0].incident.imported["title"], long.as_str());
    assert!(import.notes.iter().any(|note| note.starts_with("1 title longer")));
}

#[test]
fn rows_that_repeat_come_in_once() {
    let import = import("a.csv", "title,p\nA,1\nB,1\nA,1\n").unwrap();
    assert_eq!(titles(&import), ["A", "B"]);
    assert!(import.notes.iter().any(|note| note == "line 4 repeated earlier in the file and left out"));
    // The order of columns and columns without values do not make another row.
    let turned = common::import("b.csv", "p,title,q\n1,A,\n").unwrap();
    assert_eq!(turned.incidents[0].incident.origin, import.incidents[0].incident.origin);
    let ids = common::import("a.csv", "uuid,title\n12345678-1,A\n12345678-1,A\n12345678-1,B\n").unwrap();
    assert_eq!(titles(&ids), ["A"]);
    assert_eq!(problems(&ids), [(4, "id", "is that of row 2, which says something else")]);
    let short = common::import("a.csv", "id,title\n1,A\n2,B\n").unwrap();
    assert_eq!(short.incidents[0].incident.origin.as_ref().unwrap().external_id, None);
    assert_eq!(short.incidents[0].incident.imported["id"], "1");
}

#[test]
fn rules_of_a_record_hold_for_rows_too() {
    let text = format!("title,narrative\nA,nul\0here\nB,{}\n", "x".repeat(200_001));
    let import = import("a.csv", text).unwrap();
    assert_eq!(
        problems(&import),
        [(2, "narrative", "contains a control character"), (3, "narrative", "is too long"),]
    );
}

#[test]
fn files_that_are_no_table_are_refused_as_a_whole() {
    let error = |name: &str, bytes: &[u8]| import(name, bytes).unwrap_err();
    assert!(matches!(error("a.csv", b""), ExchangeError::Empty));
    assert!(matches!(error("a.csv", b"\xef\xbb\xbf \n"), ExchangeError::Empty));
    // One broken letter among sound ones: in any other encoding all of them would change.
    assert!(matches!(error("a.csv", b"a,b\n1,\xc3\xa9\xff\n"), ExchangeError::NotUtf8 { line: 2 }));
    assert!(matches!(error("a.csv", b"PK\x03\x04rest"), ExchangeError::NotWorkbook));
    assert!(matches!(error("a.txt", b"just words"), ExchangeError::UnknownFormat));
    assert!(matches!(error("a.xml", b"<a>1,2</a>"), ExchangeError::UnknownFormat));
    let many = "a,b\n".to_owned() + &"1,2\n".repeat(200_001);
    assert!(matches!(error("a.csv", many.as_bytes()), ExchangeError::TooManyRows));
    assert!(matches!(error("a.csv", ",".repeat(10_000).as_bytes()), ExchangeError::TooManyColumns));
    assert!(matches!(
        error("a.csv", b"\xff\xd8\xff\xe0\x00\x10JFIF,\n\x01,\x81\x8d"),
        ExchangeError::NotText { .. }
    ));
    assert!(matches!(error("a.xls", b"\xd0\xcf\x11\xe0rest"), ExchangeError::OldWorkbook));
    let large = firsthand_exchange::read(std::io::repeat(b' '), "a.csv", None, None).unwrap_err();
    assert!(matches!(large, ExchangeError::TooLarge));
    let big = firsthand_exchange::check_length(4 << 30).unwrap_err();
    assert_eq!(big.to_string(), "the file is larger than 64 MiB");
    let header_only = import("a.csv", "title,lat,lon\n").unwrap();
    assert!(
        header_only.incidents.is_empty()
            && header_only.notes.iter().any(|note| note == "the file has no rows")
    );
}

#[test]
fn the_field_day_of_the_demo_comes_in_whole() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cli/demo/field-day.csv");
    let import = import("field-day.csv", std::fs::read(path).unwrap()).unwrap();
    assert_eq!(problems(&import), []);
    assert_eq!(import.incidents.len(), 40);
    for imported in &import.incidents {
        let incident = &imported.incident;
        assert!(incident.place.is_some_and(|place| place.accuracy_m.is_some()));
        assert!(incident.severity.is_some() && incident.urgency.is_some() && incident.certainty.is_some());
        assert!(
            incident
                .category
                .as_deref()
                .is_some_and(|category| firsthand_record::lists::event_type(category).is_some())
        );
        assert!(incident.occurred_start.is_some() && !incident.narrative.is_empty());
        assert_eq!(incident.imported.keys().collect::<Vec<_>>(), ["shift"]);
    }
}
