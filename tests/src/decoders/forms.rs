//! Protocols and their expressions.

use std::collections::BTreeMap;

use std::io::Write;

use firsthand_exchange::protocol::{load, shipped, to_json};
use firsthand_record::Moment;
use firsthand_record::checklist::{Checklist, Reader, Run};
use firsthand_record::expression::{Budget, Expression, Scope, Value};
use zip::CompressionMethod;

use super::Samples;

#[path = "../../../core/exchange/tests/common/old_book.rs"]
#[allow(dead_code, reason = "its own tests use all of it")]
mod old_book;

fn now() -> Moment {
    "2026-05-01T14:30:00+03:00".parse().unwrap()
}

/// Reads a protocol. What comes of it is whole, is the same once written as JSON and read again, and can be begun.
fn form(name: &str, bytes: &[u8]) {
    let Ok(protocol) = load(bytes, name) else { return };
    let again = load(to_json(&protocol).as_bytes(), "a.json").expect("what was read can be written");
    assert_eq!(again.content, protocol.content);
    let template = protocol.into_template();
    assert!(template.is_whole());
    let run = Run::new("a", 1, firsthand_ids::DocumentId::new([0; 16]), now());
    let reader = Reader { person: None, language: "es", now: now() };
    let progress = Checklist::new(&template.content).progress(&run, &reader);
    assert!(progress.done == 0 && progress.total <= template.content.items.len());
}

/// XLSForm in CSV and workbooks.
pub(super) fn xlsform(bytes: &[u8]) {
    form("form.csv", bytes);
}

/// Markdown, of forms and our own.
pub(super) fn markdown(bytes: &[u8]) {
    form("form.md", bytes);
}

/// JSON, our own and Vote Monitor's.
pub(super) fn json(bytes: &[u8]) {
    form("form.json", bytes);
}

/// An expression prints as what it is, and is worked out whatever the answers are.
pub(super) fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(expression) = Expression::parse(text) else { return };
    let printed = expression.to_string();
    let again = Expression::parse(&printed).expect("what was printed can be read");
    assert_eq!(again, expression);
    assert_eq!(again.to_string(), printed);
    for value in [
        Value::EMPTY,
        Value::Number(3.0),
        Value::Text("3 b".into()),
        Value::Truth(true),
        Value::time("2026-05-01"),
    ] {
        let answers: BTreeMap<String, Value> =
            expression.references().into_iter().map(|name| (name.to_owned(), value.clone())).collect();
        let scope = Scope { own: &value, answers: &answers, now: now() };
        let _ = expression.evaluate(&scope, &mut Budget::default()).map(|value| value.text().len());
    }
}

/// Forms as a table and as workbooks, of both kinds.
pub(super) fn xlsforms(_: &mut Samples) -> Vec<Vec<u8>> {
    use old_book::Old::{N, No, S};
    let table = concat!(
        "survey,,,,\n,type,name,label::en,relevant\n,begin group,g,G,\n,select_one l or_other,a,A,\n",
        ",integer,b,B,\"${a} = 'x'\"\n,end group,,,\nchoices,,,,\n,list_name,name,label::en,\n,l,x,X,\n",
        "settings,,,,\n,form_id,version,,\n,f,2,,\n",
    );
    let header = [S("type"), S("name"), S("label"), S("hint")];
    let old = old_book::old_book(&[("survey", &[&header, &[S("text"), S("a"), S("A"), N(2.5)], &[No]])]);
    let mut samples = vec![table.as_bytes().to_vec(), old];
    samples.extend([CompressionMethod::Stored, CompressionMethod::Deflated].map(workbook));
    samples
}

fn workbook(method: CompressionMethod) -> Vec<u8> {
    const PARTS: [(&str, &str); 4] = [
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook><workbookPr date1904="0"/><sheets><sheet name="survey" sheetId="1" r:id="r1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Type="w" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/worksheets/sheet1.xml",
            r#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>type</t></is></c><c r="B1" t="inlineStr"><is><t>name</t></is></c><c r="C1" t="inlineStr"><is><t>label</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>text</t></is></c><c r="B2" t="inlineStr"><is><t>a</t></is></c><c r="C2"><f>1</f><v>1</v></c></row></sheetData></worksheet>"#,
        ),
    ];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, text) in PARTS {
        writer.start_file(name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Markdown: a form's tables, and our own.
pub(super) fn texts(_: &mut Samples) -> Vec<Vec<u8>> {
    let table = concat!(
        "| survey |\n| | type | name | label::en | constraint |\n|--|--|--|--|--|\n",
        "| | text | a | A \\| ${a} | regex(., '[a-z]+') |\n",
    );
    let own = concat!(
        "# T\nes: U\n\nlanguages: en, es\n\n## S\n\n- [ ] ! A (choice)\n  name: a\n  es: B\n  hint es: H\n",
        "  required: yes\n  - x: X\n    es: Y\n- [ ] W (timer 5 min)\n  when: ${a} = 'x'\n- N\n",
    );
    let own = [table, own].into_iter().chain(shipped().iter().map(|own| own.markdown));
    own.map(|text| text.as_bytes().to_vec()).collect()
}

/// JSON: a form of Vote Monitor, and our own.
pub(super) fn protocols(_: &mut Samples) -> Vec<Vec<u8>> {
    let form = r#"{"id":"f","name":{"EN":"T"},"languages":["EN"],"defaultLanguage":"EN","questions":[{"$questionType":"singleSelectQuestion","Id":"q","Code":"A","Text":{"EN":"A"},"DisplayLogic":null,"Options":[{"Id":"o","Text":{"EN":"O"},"IsFreeText":true}]},{"$questionType":"numberQuestion","Id":"r","Code":"B","Text":{"EN":"B"},"DisplayLogic":{"ParentQuestionId":"q","Condition":"Includes","Value":"o"}}]}"#;
    let own = shipped().iter().map(|own| to_json(&own.load().unwrap()));
    std::iter::once(form.to_owned()).chain(own).map(String::into_bytes).collect()
}

pub(super) fn expressions(_: &mut Samples) -> Vec<Vec<u8>> {
    [
        "not(selected(${a}, 'yes')) and (${age} >= 18 or . != \"it's\")",
        "if(count-selected(.) > 2, today() - 7 < date(${d}), coalesce(${a}, 'x') = 'x')",
        "regex(., '[A-Z]{2}\\d+(-\\w*)?') or string-length(.) mod 3 = -1.5 div 2 * 4",
        "count(${a}, ${b}) = 2 and now() > '2026-05-01T10:00:00+03:00' and true() != false()",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
