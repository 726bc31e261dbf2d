//! Warnings of the Common Alerting Protocol: what is read, what is refused, what comes out again.
#![allow(clippy::unwrap_used, reason = "a message that cannot be read is a failure")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use firsthand_exchange::ExchangeError;
use firsthand_exchange::cap::{MAX_CAP_BYTES, Message, NAMESPACES, from_alert, read, to_alert, write};
use firsthand_record::generate::Generator;
use firsthand_record::validate::{self, is_rejected};
use firsthand_record::warning::{Alert, AlertStanding, AlertStatus, MsgType, standing};
use firsthand_record::{Severity, Urgency};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A message with everything that a message must have, and `inside` in its block.
fn xml(head: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"{}\">\n<identifier>a-1</identifier>\
         <sender>us</sender><sent>2026-05-01T14:30:00+03:00</sent><status>Exercise</status>\n{head}<scope>Public</scope>\
         <info><category>Security</category><event>Crowd</event><urgency>Expected</urgency><severity>Severe</severity>\
         <certainty>Likely</certainty>{inside}</info></alert>",
        NAMESPACES[1]
    )
}

const FIRST: &str = "<msgType>Alert</msgType>";

fn message(inside: &str) -> Message {
    read(xml(FIRST, inside).as_bytes()).unwrap()
}

fn refused(text: &str) -> ExchangeError {
    read(text.as_bytes()).unwrap_err()
}

fn not_cap(text: &str) -> (&'static str, String) {
    match refused(text) {
        ExchangeError::NotCap { element, reason, .. } => (element, reason.to_owned()),
        other => panic!("{other}"),
    }
}

#[test]
fn latitude_stands_first_and_a_ring_is_closed() {
    let area = "<headline>Stay &amp; wait &#x2014; &quot;here&quot;</headline>\
        <area><areaDesc>The <![CDATA[<old>]]> market</areaDesc><polygon>0.5,35.25 0.5,35.5 0.75,35.25 0.5,35.25</polygon>\
        <circle>0.51,35.27 2.5</circle><circle/><geocode><valueName>P-code</valueName><value>XX01</value></geocode></area>";
    let read = message(area);
    let info = &read.infos[0];
    assert_eq!(info.headline.as_deref(), Some("Stay & wait — \"here\""));
    assert_eq!(info.areas[0].text, "The <old> market");
    assert_eq!((info.areas[0].polygons[0].len(), info.areas[0].polygons[0][0].lat.0), (3, 0.5));
    assert_eq!(info.areas[0].circles.len(), 1, "an empty element says nothing");
    assert_eq!(info.areas[0].circles[0].radius.0, 2_500.0);
    let written = write(&read).unwrap();
    assert!(written.contains("<polygon>0.5,35.25 0.5,35.5 0.75,35.25 0.5,35.25</polygon>"), "{written}");
    assert!(written.contains("<circle>0.51,35.27 2.5</circle>"), "{written}");
    assert_eq!(firsthand_exchange::cap::read(written.as_bytes()).unwrap(), read);
}

#[test]
fn what_the_protocol_does_not_allow_is_refused_by_line_and_element() {
    let area = |shape: &str| xml(FIRST, &format!("\n<area><areaDesc>x</areaDesc>\n{shape}</area>"));
    let cases = [
        (area("<circle>117.0,32.7 5</circle>"), "circle", "swapped"),
        (area("<polygon>117,32 118,32 118,33 117,32</polygon>"), "polygon", "swapped"),
        (area("<circle>200,200 5</circle>"), "circle", "not on Earth"),
        (area("<circle>NaN,1 5</circle>"), "circle", "latitude,longitude"),
        (area("<circle>1,1 -5</circle>"), "circle", "radius"),
        (area("<circle>1,1</circle>"), "circle", "kilometres"),
        (area("<polygon>1,1 1,2 1,1</polygon>"), "polygon", "four"),
        (area("<polygon>1,1 1,2 2,2 2,1</polygon>"), "polygon", "end where it begins"),
        (xml("<msgType>Update</msgType>", ""), "references", "missing"),
        (xml("<msgType>Cancel</msgType><references> </references>", ""), "references", "missing"),
        (
            xml("<msgType>Update</msgType><references>us,a</references>", ""),
            "references",
            "sender,identifier,sent",
        ),
        (xml("<msgType>Alarm</msgType>", ""), "msgType", "not a code"),
        (xml("", ""), "msgType", "missing"),
        (xml(&FIRST.repeat(2), ""), "msgType", "twice"),
        (xml(FIRST, "<expires>2026-05-01T14:30:00</expires>"), "expires", "offset"),
        (xml(FIRST, "<parameter><value>1</value></parameter>"), "valueName", "missing"),
        (xml(FIRST, "").replace("<status>Exercise</status>", ""), "status", "missing"),
        (xml(FIRST, "").replace("<category>Security</category>", ""), "category", "missing"),
        (xml(FIRST, "").replace(NAMESPACES[1], "urn:other"), "alert", "not the root"),
    ];
    for (text, element, reason) in cases {
        let (found, why) = not_cap(&text);
        assert_eq!(found, element, "{text}");
        assert!(why.contains(reason), "{element} {why}");
    }
    let swapped = refused(&area("<circle>117.0,32.7 5</circle>")).to_string();
    assert!(swapped.starts_with("not CAP in line 6: circle has a latitude"), "{swapped}");
}

#[test]
fn what_could_hurt_is_refused_before_it_does() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let text = xml(FIRST, "<headline>&c;</headline>");
    assert!(matches!(refused(&text.replace("?>\n", &format!("?>{bomb}"))), ExchangeError::DocumentType));
    assert!(matches!(refused(&text), ExchangeError::DocumentType), "an entity nobody defined");
    let external = text.replace("?>\n", "?><!DOCTYPE a SYSTEM \"file:///etc/hostname\">");
    assert!(matches!(refused(&external), ExchangeError::DocumentType));
    let deep = format!("{}{}", "<x>".repeat(1_000), "</x>".repeat(1_000));
    assert!(matches!(refused(&xml(FIRST, &deep)), ExchangeError::TooManyElements));
    let foreign = format!("<s xmlns=\"urn:s\">{}{}</s>", "<x>".repeat(1_000), "</x>".repeat(1_000));
    assert!(matches!(refused(&xml(FIRST, &foreign)), ExchangeError::TooManyElements));
    assert!(matches!(refused(&xml(FIRST, &"<x/>".repeat(20_001))), ExchangeError::TooManyElements));
    let large = xml(FIRST, &format!("<headline>{}</headline>", "x".repeat(MAX_CAP_BYTES as usize)));
    assert!(matches!(refused(&large), ExchangeError::CapTooLarge));
    for broken in ["", " ", "hello", "<alert", "<a></b>", "<!-- -->", "{}", "\u{feff}"] {
        let error = refused(broken);
        assert!(
            matches!(error, ExchangeError::Xml { .. } | ExchangeError::Empty | ExchangeError::NotCap { .. }),
            "{broken} {error}"
        );
    }
    assert!(matches!(
        refused(&text[..text.len() - 9]),
        ExchangeError::DocumentType | ExchangeError::Xml { .. }
    ));
    let twice = format!("{}<alert xmlns=\"{}\"/>", xml(FIRST, ""), NAMESPACES[1]);
    assert!(matches!(refused(&twice), ExchangeError::Xml { .. }));
}

#[test]
fn signatures_and_encodings_of_others_are_no_hindrance() {
    let signed = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><info><x/></info></Signature>";
    let text = xml(FIRST, "<headline>مظاهرة é</headline>").replace("</alert>", &format!("{signed}</alert>"));
    let plain = read(text.as_bytes()).unwrap();
    assert_eq!((plain.infos.len(), plain.infos[0].headline.as_deref()), (1, Some("مظاهرة é")));
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(read(&wide[..]).unwrap(), plain);
    let latin = xml(FIRST, "<headline>caf\u{e9}</headline>").replace("UTF-8", "ISO-8859-1");
    let bytes: Vec<u8> = latin.chars().map(|c| c as u8).collect();
    assert_eq!(read(&bytes[..]).unwrap().infos[0].headline.as_deref(), Some("caf\u{e9}"));
}

#[test]
fn unknown_parameters_are_kept_and_what_has_ended_has_ended() {
    let inside = "<expires>2026-05-01T15:30:00+03:00</expires><headline>x</headline>\
        <parameter><valueName>layer:Colour</valueName><value>amber</value></parameter>\
        <parameter><valueName>ISO 22324 level</valueName><value>red</value></parameter>";
    let read = message(inside);
    let draft = to_alert(&read).unwrap();
    assert!(draft.notes.is_empty(), "{:?}", draft.notes);
    assert_eq!(draft.alert.parameters.len(), 1);
    assert_eq!(
        (draft.alert.parameters[0].name.as_str(), draft.alert.level.unwrap().code()),
        ("layer:Colour", "red")
    );
    assert_eq!(draft.alert.status, Some(AlertStatus::Exercise));
    assert!(
        !is_rejected(&validate::warning::alert(&draft.alert)),
        "{:?}",
        validate::warning::alert(&draft.alert)
    );
    let end = draft.alert.expires.unwrap().millis();
    assert_eq!(standing(&draft.alert, 9, None, end), AlertStanding::Expired);
    // Without an end it ends as the team's own do.
    let endless = to_alert(&message("<headline>x</headline>")).unwrap().alert;
    assert_eq!(endless.expires.unwrap().millis().0 - endless.sent.unwrap().millis().0, Alert::HOLDS_MS);
    // Written again it is what it was, and what people changed is changed.
    assert_eq!(from_alert(&draft.alert).unwrap(), read);
    let changed = Alert { urgency: Some(Urgency::Immediate), ..draft.alert };
    let written = from_alert(&changed).unwrap();
    assert_eq!(written.infos[0].urgency, Urgency::Immediate);
    assert_eq!(written.infos[0].parameters, read.infos[0].parameters);
}

#[test]
fn a_long_headline_is_shortened_and_stands_whole_in_the_description() {
    let long = "ع ".repeat(120);
    let read = message(&format!("<headline>{long}</headline><description>Why</description>"));
    let draft = to_alert(&read).unwrap();
    assert_eq!(draft.alert.headline.as_ref().unwrap().chars().count(), 160);
    assert!(draft.alert.description.starts_with(long.trim()) && draft.alert.description.ends_with("Why"));
    assert_eq!(draft.notes.len(), 1);
    assert_eq!(from_alert(&draft.alert).unwrap(), read);
    let answer = xml("<msgType>Ack</msgType><references>us,a,2026-05-01T14:30:00+03:00</references>", "");
    assert!(to_alert(&firsthand_exchange::cap::read(answer.as_bytes()).unwrap()).is_err());
    assert!(matches!(from_alert(&Alert::default()), Err(ExchangeError::Unfinished { .. })));
}

fn alerts(seed: u64) -> impl Iterator<Item = Alert> {
    let mut generator = Generator::new(ChaCha8Rng::seed_from_u64(seed));
    std::iter::repeat_with(move || generator.alert())
}

#[test]
fn own_warnings_come_back_as_they_went() {
    for alert in alerts(5).take(300) {
        let message = from_alert(&alert).unwrap();
        let read = read(write(&message).unwrap().as_bytes()).unwrap();
        assert_eq!(read, message);
        let back = to_alert(&read).unwrap().alert;
        let expected = Alert { imported: back.imported.clone(), origin: back.origin.clone(), ..alert };
        assert_eq!(back.content_sha256(), expected.content_sha256(), "{back:?}\n{expected:?}");
    }
}

/// The folder of real files, if there is one.
fn samples() -> Option<PathBuf> {
    let dir = std::env::var_os("FIRSTHAND_SAMPLES").map(|dir| PathBuf::from(dir).join("cap"));
    if dir.is_none() {
        println!("FIRSTHAND_SAMPLES is not set: the real warnings of others are not tried");
    }
    dir
}

const VALID: [&str; 5] = ["australia", "canada", "earthquake", "weather", "no_optional_fields"];

#[test]
fn real_warnings_round_trip() {
    let Some(dir) = samples() else { return };
    for name in VALID {
        let bytes = std::fs::read(dir.join(format!("{name}.cap"))).unwrap();
        let message = read(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = read(write(&message).unwrap().as_bytes()).unwrap();
        assert_eq!(again, message, "{name}");
        if message.infos.is_empty() {
            assert!(to_alert(&message).is_err(), "{name}");
            continue;
        }
        let draft = to_alert(&message).unwrap();
        assert!(!is_rejected(&validate::warning::alert(&draft.alert)), "{name}: {:?}", draft.alert);
        assert_eq!(from_alert(&draft.alert).unwrap(), message, "{name}");
    }
    let canada = read(&std::fs::read(dir.join("canada.cap")).unwrap()[..]).unwrap();
    assert_eq!((canada.msg_type, canada.references.len(), canada.infos.len()), (MsgType::Update, 2, 2));
    assert_eq!((canada.restriction, canada.infos[0].severity), (None, Severity::Minor));
    let invalid = std::fs::read_to_string(dir.join("invalid.cap")).unwrap();
    assert_eq!(not_cap(&invalid).0, "scope");
}

/// Whether libxml2's `xmllint` finds a text valid by a schema; `None` where the program is not there.
fn valid(schema: &PathBuf, text: &str) -> Option<(bool, String)> {
    let program = std::env::var_os("FIRSTHAND_XMLLINT").unwrap_or_else(|| "xmllint".into());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("message.cap");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(program);
    command.args(["--noout", "--nonet", "--schema"]).arg(schema).arg(&file).stdin(Stdio::null());
    let output = command.output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn what_is_written_holds_to_the_schema() {
    let Some(dir) = samples() else { return };
    let schema = dir.join("cap12.xsd");
    let invalid = std::fs::read_to_string(dir.join("invalid.cap")).unwrap();
    let Some((accepted, _)) = valid(&schema, &invalid) else {
        println!("xmllint is not here: nothing was held against the schema");
        return;
    };
    assert!(!accepted, "the judge judges");
    let mut written: Vec<String> =
        alerts(9).take(60).map(|alert| write(&from_alert(&alert).unwrap()).unwrap()).collect();
    for name in VALID {
        let bytes = std::fs::read(dir.join(format!("{name}.cap"))).unwrap();
        written.push(write(&read(&bytes[..]).unwrap()).unwrap());
    }
    let odd = Alert {
        headline: Some("<&>\"'\u{fffe} ]]> \u{1f6a8}".into()),
        language: Some("not a tag!".into()),
        ..alerts(1).next().unwrap()
    };
    written.push(write(&from_alert(&odd).unwrap()).unwrap());
    for text in &written {
        let (accepted, why) = valid(&schema, text).unwrap();
        assert!(accepted, "{why}\n{text}");
    }
}
