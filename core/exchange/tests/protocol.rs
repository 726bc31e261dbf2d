//! Protocols: the same form gives the same checklist from every format, and what cannot be kept is refused whole and by
//! its place.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

mod common;

use std::fs;

use common::book::{Book, C};
use common::old_book::{Old, old_book};
use common::protocol::{loaded, refused, said};
use common::samples;
use firsthand_exchange::ExchangeError;
use firsthand_exchange::protocol::{ProtocolError, load, to_json, to_markdown};
use firsthand_record::checklist::{ItemType, TemplateKind};

/// The form of the tests, cell by cell.
fn survey() -> Vec<Vec<&'static str>> {
    vec![
        vec![
            "type",
            "name",
            "label::English (en)",
            "label::Español (es)",
            "hint::en",
            "required",
            "relevant",
            "constraint",
            "constraint_message::en",
            "critical",
            "parameters",
        ],
        vec!["note", "intro", "Read this first", "Lea esto primero"],
        vec!["start", "started"],
        vec!["begin group", "arrive", "Arrive", "Llegar"],
        vec!["acknowledge", "breathe_out", "Breathe out", "Exhale", "Slowly", "yes", "", "", "", "yes"],
        vec!["select_one sides", "side", "Which side?", "¿Qué lado?", "", "", "", "", "", ""],
        vec!["begin group", "crowd", "Crowd", "Multitud", "", "", "selected(${side}, \"left\")"],
        vec![
            "integer",
            "people",
            "How many people?",
            "¿Cuántas personas?",
            "",
            "",
            "${breathe_out} = 'OK'",
            ".>=1 and .<= 5000",
            "1 to 5000",
            "",
        ],
        vec!["select all that apply from sides", "seen", "Seen on", "Visto en"],
        vec!["end group"],
        vec!["end group"],
        vec!["begin group", "leave", "Leave", "Salir"],
        vec!["timer", "wait", "Wait", "Espere", "", "", "", "", "", "", "seconds=300"],
        vec!["text", "words", "Words | said", "Palabras", "", "TRUE", "", "regex(., '[a-z]+')"],
        vec!["end group"],
    ]
}

fn choices() -> Vec<Vec<&'static str>> {
    vec![
        vec!["list_name", "name", "label::English (en)", "label::Español (es)"],
        vec!["sides", "left", "Left", "Izquierda"],
        vec!["sides", "right", "Right", "Derecha"],
    ]
}

fn settings() -> Vec<Vec<&'static str>> {
    vec![
        vec!["form_title", "form_id", "version", "default_language", "licence", "source"],
        vec!["March", "march", "3", "English (en)", "CC-BY-4.0", "Our own practice"],
    ]
}

fn xlsx() -> Vec<u8> {
    let cells = |rows: Vec<Vec<&'static str>>| -> Vec<Vec<C>> {
        let cell = |text: &'static str| if text.is_empty() { C::No } else { C::S(text) };
        rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()
    };
    let mut book = Book::default();
    for (name, rows) in [("Survey", survey()), ("choices", choices()), ("SETTINGS", settings())] {
        let rows = cells(rows);
        let rows: Vec<&[C]> = rows.iter().map(Vec::as_slice).collect();
        book = book.sheet(name, &rows);
    }
    book.bytes()
}

fn xls() -> Vec<u8> {
    let cell = |text: &'static str| if text.is_empty() { Old::No } else { Old::S(text) };
    let cells = |rows: Vec<Vec<&'static str>>| -> Vec<Vec<Old>> {
        rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()
    };
    let sheets =
        [("survey", cells(survey())), ("Choices", cells(choices())), ("settings", cells(settings()))];
    let rows: Vec<Vec<&[Old]>> =
        sheets.iter().map(|(_, rows)| rows.iter().map(Vec::as_slice).collect()).collect();
    let sheets: Vec<(&str, &[&[Old]])> =
        sheets.iter().zip(&rows).map(|((name, _), rows)| (*name, rows.as_slice())).collect();
    old_book(&sheets)
}

fn stacked(cell: impl Fn(&str) -> String, open: &str, between: &str, close: &str) -> String {
    let mut out = String::new();
    for (name, rows) in [("survey", survey()), ("choices", choices()), ("settings", settings())] {
        out.push_str(&format!("{open}{name}{close}\n"));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
            out.push_str(&format!("{open}{between}{}{close}\n", cells.join(between)));
        }
    }
    out
}

fn csv(between: &str) -> String {
    stacked(|text| format!("\"{}\"", text.replace('"', "\"\"")), "", between, "")
}

fn table() -> String {
    stacked(|text| text.replace('|', "\\|"), "| ", " | ", " |")
}

const OWN: &str = r#"# March

protocol: march
version: 3
languages: en, es
licence: CC-BY-4.0
source: Our own practice

- Read this first
  name: intro
  es: Lea esto primero

## Arrive
es: Llegar

- [ ] ! Breathe out
  es: Exhale
  hint: Slowly
  required: yes
- [ ] Which side? (choice)
  name: side
  es: ¿Qué lado?
  - left: Left
    es: Izquierda
  - right: Right
    es: Derecha

### Crowd
es: Multitud

- [ ] How many people? (whole number)
  name: people
  es: ¿Cuántas personas?
  when: selected(${side}, 'left') and ${breathe_out} = "OK"
  rule: . >= 1 and . <= 5000
  message: 1 to 5000
- [ ] Seen on (choices)
  name: seen
  when: selected(${side}, 'left')
  - left: Left
    es: Izquierda
  - right: Right
    es: Derecha
  es: Visto en

## Leave
es: Salir

- [ ] Wait (timer 5 min)
  es: Espere
- [ ] Words | said (text)
  name: words
  es: Palabras
  required: yes
  rule: regex(., '[a-z]+')
"#;

#[test]
fn one_form_is_the_same_checklist_in_every_format() {
    let book = loaded("march.xlsx", xlsx());
    let json = to_json(&book);
    let all = [
        loaded("any.xls", xls()),
        loaded("any.csv", csv(",")),
        loaded("any.csv", csv(";").replace('\n', "\r\n")),
        loaded("any.md", table()),
        loaded("any.md", format!("\u{feff}{OWN}")),
        loaded("any.json", &json),
        loaded("any.md", to_markdown(&book).unwrap()),
    ];
    for other in &all {
        assert_eq!(other.content, book.content);
        assert_eq!(other.content.sha256(), book.content.sha256());
        assert_eq!((other.template_id.as_str(), other.version), ("march", 3));
    }
    let kinds: Vec<TemplateKind> = all.iter().map(|it| it.source.kind).collect();
    use TemplateKind::{Json, Markdown, XlsForm};
    assert_eq!(kinds, [XlsForm, XlsForm, XlsForm, XlsForm, Markdown, Json, Markdown]);
    assert_eq!(book.notes, ["start \"started\", row 3 was left out: checklists have no use for it"]);

    let people = book.content.item("people").unwrap();
    assert_eq!(people.section.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["arrive", "crowd"]);
    assert_eq!(people.relevant.as_deref(), Some("selected(${side}, 'left') and ${breathe_out} = 'OK'"));
    assert!(book.content.item("breathe_out").unwrap().critical);
    assert_eq!(book.content.item("wait").unwrap().timer_s, Some(300));
    // Reading it again as a template loses nothing.
    let template = book.clone().into_template();
    assert!(template.is_whole());
    assert_eq!(loaded("x.json", serde_json::to_vec(&template).unwrap()).content, book.content);
}

/// The same mistake in every format has the same sheet, row, column and reason; text files name the line too.
#[test]
fn the_same_mistake_is_refused_alike_in_every_format() {
    let book = Book::default()
        .sheet(
            "survey",
            &[
                &[C::S("type"), C::S("name"), C::S("label"), C::S("relevant")],
                &[],
                &[C::S("hologram"), C::S("a"), C::S("A")],
                &[C::S("text"), C::S("b"), C::S("B"), C::S("pulldata('x') = 1")],
            ],
        )
        .bytes();
    let csv = "survey,,,,\n,type,name,label,relevant\n\n,hologram,a,A,\n,text,b,B,pulldata('x') = 1\n";
    let table = "\n| survey |\n| | type | name | label | relevant |\n|--|--|--|--|--|\n\n| | hologram | a | A | |\n| | text | b | B | pulldata('x') = 1 |\n";
    let wanted = [
        (3, "type", "\"hologram\" is a type of question that checklists do not have"),
        (4, "relevant", "the function pulldata() at character 1 is not one that checklists know"),
    ];
    for (name, bytes, lines) in [
        ("a.xlsx", book, [None, None]),
        ("a.csv", csv.into(), [Some(4), Some(5)]),
        ("a.md", table.into(), [Some(6), Some(7)]),
    ] {
        let found = refused(name, bytes);
        assert_eq!(found.len(), 2);
        for ((problem, (row, column, reason)), line) in found.iter().zip(wanted).zip(lines) {
            assert_eq!(problem.sheet.as_deref(), Some("survey"));
            assert_eq!(
                (problem.row, problem.column.as_str(), problem.line),
                (Some(row), column, line),
                "{name}"
            );
            assert_eq!(problem.reason, reason);
        }
    }
}

fn form(rows: &str) -> String {
    format!(
        "| survey |\n| | type | name | label | relevant | constraint | required | calculation | choice_filter |\n{rows}"
    )
}

#[test]
fn what_a_form_may_not_have() {
    for (rows, wanted) in [
        ("| | text | a | A |\n| | text | a | B |", "sheet survey, row 3, column name, line 4: is used twice"),
        (
            "| | text | a b | A |",
            "sheet survey, row 2, column name, line 3: is not a name: letters, digits, - _ and . without spaces",
        ),
        ("| | text | a | |", "sheet survey, row 2, column label, line 3: is empty"),
        ("| | | a | A |", "sheet survey, row 2, column type, line 3: is empty"),
        (
            "| | text | a | A | ${b} = 1 |",
            "sheet survey, row 2, column relevant, line 3: refers to ${b}, which is no question of the form",
        ),
        (
            "| | text | a | ${b}? |",
            "sheet survey, row 2, column label, line 3: refers to ${b}, which is no question of the form",
        ),
        (
            "| | start | s | |\n| | text | a | A | ${s} = 1 |",
            "sheet survey, row 3, column relevant, line 4: refers to ${s}, which checklists leave out",
        ),
        (
            "| | calculate | c | | | | | 1 + 1 |\n| | note | a | ${c} |",
            "sheet survey, row 3, column label, line 4: refers to ${c}, which checklists leave out",
        ),
        ("| | text | a | A | ${a} = 1 |", "sheet survey, row 2, column relevant, line 3: depends on itself"),
        (
            "| | text | a | A | | . = |",
            "sheet survey, row 2, column constraint, line 3: the expression ends too early",
        ),
        ("| | text | a | A | | | maybe |", "sheet survey, row 2, column required, line 3: must be yes or no"),
        (
            "| | text | a | A | | | | 1 + 1 |",
            "sheet survey, row 2, column calculation, line 3: answers that the form works out are not supported",
        ),
        (
            "| | select_one l | a | A |",
            "sheet survey, row 2, column type, line 3: there is no list of choices called \"l\"",
        ),
        (
            "| | begin repeat | r | R |\n| | text | a | A |\n| | end repeat |",
            "sheet survey, row 2, column type, line 3: questions that are asked repeatedly are not supported",
        ),
        (
            "| | begin group | g | G |\n| | text | a | A |",
            "sheet survey, row 2, column type, line 3: begins a group that is never ended",
        ),
        (
            "| | end group |\n| | text | a | A |",
            "sheet survey, row 2, column type, line 3: ends a group that was never begun",
        ),
        (
            "| | begin group | g | G | 1 + |\n| | text | a | A |\n| | end group |",
            "sheet survey, row 2, column relevant, line 3: the expression ends too early",
        ),
        (
            "| | timer | a | A |",
            "sheet survey, row 2, column parameters, line 3: is for timers, which need it, up to a day",
        ),
        (
            "| | text | a | A |\n| stray | x |",
            "line 4: begins in the first column, where only the name of a sheet may stand",
        ),
        (
            "| | text | a | A |\n| survey |\n| | type | name |",
            "sheet survey: there are two sheets of this name",
        ),
        (
            "| | text | a | A |\n| choices |\n| | list_name | name | label |\n| | l | x | X |\n| | l | x | Y |",
            "sheet choices, row 3, column name, line 7: the list l has \"x\" already",
        ),
        (
            "| | text | a | A |\n| choices |\n| | list_name | name | label |\n| | l | x | |",
            "sheet choices, row 2, column label, line 6: is empty",
        ),
    ] {
        assert_eq!(said("a.md", form(rows)), [wanted]);
    }
    assert_eq!(said("a.md", "| survey |\n"), ["sheet survey: is empty"]);
    assert_eq!(
        said("a.md", "| survey |\n| | type | label |\n"),
        ["sheet survey, row 1, column name, line 2: there is no such column"]
    );
    assert_eq!(said("a.json", "{\"a\": 1}"), ["is JSON, but neither a checklist nor a form of Vote Monitor"]);
    assert!(matches!(load(&b""[..], "a.md"), Err(ProtocolError::File(ExchangeError::Empty))));
}

/// What is written once and stands with every question cannot become more than a checklist may be.
#[test]
fn small_files_do_not_become_large_checklists() {
    let full = "the checklist is too large here: at most 2,000 items, 4 MiB of text and 50 patterns";
    let choices = |count: usize, words: usize| -> String {
        let rows = (0..count).map(|at| format!("| | l | c{at} | {} |\n", "w".repeat(words)));
        format!("| choices |\n| | list_name | name | label |\n{}", rows.collect::<String>())
    };
    let selects = |count: usize| -> String {
        (0..count).map(|at| format!("| | select_one l | q{at} | Q |\n")).collect()
    };
    assert_eq!(loaded("a.md", form(&(selects(10) + &choices(160, 1)))).content.items[9].choices.len(), 160);
    let many = said("a.md", form(&(selects(1) + &choices(161, 1))));
    assert_eq!(many, ["sheet survey, row 2, column type, line 3: the list l has more than 160 choices"]);
    let large = said("a.md", form(&(selects(500) + &choices(100, 1000))));
    assert_eq!(large.len(), 1);
    assert!(large[0].ends_with(full), "{large:?}");

    let nested: String = (0..9).map(|at| format!("| | begin group | g{at} | G |\n")).collect();
    assert_eq!(
        said("a.md", form(&nested)),
        ["sheet survey, row 10, column type, line 11: stands in more than 8 groups"]
    );
    let patterns = format!("| | begin group | g | G | {}true() |\n", "regex(${q0}, 'a') or ".repeat(20));
    let texts: String = (0..30).map(|at| format!("| | text | q{at} | Q |\n")).collect();
    assert!(said("a.md", form(&(patterns + &texts)))[0].ends_with(full));
    let items: String = (0..2001).map(|at| format!("| | text | q{at} | Q |\n")).collect();
    assert!(said("a.md", form(&items))[0].ends_with(full));

    let long = format!("# T\n## {}\n{}", "w".repeat(10_000), "- [ ] a\n".repeat(1000));
    assert!(said("a.md", long).iter().any(|said| said.ends_with(full)));
    let columns = format!("| survey |\n|{}\n", (0..501).map(|at| format!("| c{at} ")).collect::<String>());
    assert_eq!(said("a.md", columns), ["sheet survey, row 1, line 2: has more than 500 columns"]);
}

#[test]
fn other_types_are_read_as_the_nearest() {
    let rows = "| | phone number | a | A |\n| | int | b | B |\n| | photo | c | C |\n| | datetime | d | D |\n| | trigger | e | E |\n| | range | f | F |\n| | geopoint | g | G |";
    let protocol = loaded("a.md", form(rows));
    let types: Vec<ItemType> = protocol.content.items.iter().map(|item| item.item_type).collect();
    use ItemType::{Check, Geopoint, Image, Integer, Text};
    assert_eq!(types, [Text, Integer, Image, Text, Check, Integer, Geopoint]);
    assert_eq!(protocol.content.items[5].constraint.as_deref(), Some(". >= 1 and . <= 10"));
    assert_eq!(protocol.notes, ["\"d\": a day and a time in one answer is read as text"]);
}

/// Whatever stands in an old workbook, it is read or refused, with little memory.
#[test]
fn altered_old_workbooks_do_no_harm() {
    use rand_core::{Rng, SeedableRng};
    let true_bytes = xls();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3000 {
        let mut bytes = true_bytes.clone();
        for _ in 0..1 + random.next_u32() % 4 {
            let at = random.next_u32() as usize % bytes.len();
            bytes[at] = random.next_u32() as u8;
        }
        match load(&bytes[..], "a.xls") {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn vote_monitor() {
    let json = r#"{
  "id": "f1", "code": "A", "name": {"EN": "Opening", "RO": ""}, "languages": ["EN", "RO"], "defaultLanguage": "EN",
  "questions": [
    {"$questionType": "singleSelectQuestion", "id": "q1", "code": "A1", "text": {"EN": "Open?"}, "displayLogic": null,
     "options": [{"id": "o1", "text": {"EN": "Yes"}, "isFreeText": false}, {"id": "o2", "text": {"EN": "Other"}, "isFreeText": true}]},
    {"$questionType": "ratingQuestion", "id": "q2", "code": "A2", "text": {"EN": "How calm?"}, "scale": "OneTo5",
     "displayLogic": {"parentQuestionId": "q1", "condition": "Includes", "value": "o1"}},
    {"$questionType": "numberQuestion", "id": "q3", "code": "A1", "text": {"EN": "How many?"},
     "displayLogic": {"parentQuestionId": "q2", "condition": "GreaterEqual", "value": "4"}}
  ]
}"#;
    let form = loaded("a.json", json);
    assert_eq!((form.template_id.as_str(), form.source.kind), ("A", TemplateKind::Other));
    let items: Vec<_> = form
        .content
        .items
        .iter()
        .map(|it| (it.item_id.as_str(), it.item_type, it.relevant.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        items,
        [
            ("A1", ItemType::SelectOne, ""),
            ("A1_other", ItemType::Text, "selected(${A1}, 'o2')"),
            ("A2", ItemType::Integer, "selected(${A1}, 'o1')"),
            ("q3", ItemType::Decimal, "${A2} >= 4"),
        ]
    );
    assert_eq!(form.content.languages, ["en"]);
    assert_eq!(form.notes, ["languages without any text: ro"]);
    let unknown = json.replace("numberQuestion", "hologramQuestion");
    assert_eq!(
        said("a.json", unknown),
        [
            "questions[2].$questionType, line 8: \"hologramQuestion\" is a type of question that checklists do not have"
        ]
    );
    let forward = json.replace("\"parentQuestionId\": \"q1\"", "\"parentQuestionId\": \"q3\"");
    assert_eq!(said("a.json", forward), ["questions[1].DisplayLogic, line 6: refers to no earlier question"]);
}

#[test]
fn text_that_says_nothing_is_none() {
    let own = "# T\nlanguages: en, es\nlicence:\n- [ ] A\n  hint:\n  hint es: \n  es:\n";
    let json = r#"{"template_id": "a", "version": 1, "title": {"en": "T", "es": ""}, "languages": ["en", "es"], "licence": " ",
        "items": [{"item_id": "a", "type": "check", "label": {"en": "A", "es": " "}, "hint": {"en": ""}}]}"#;
    let (own, json) = (loaded("a.md", own), loaded("a.json", json));
    assert_eq!(own.content, json.content);
    assert!(own.content.items[0].hint.0.is_empty() && own.content.licence.is_none());
}

#[test]
fn json_is_refused_by_path_and_line() {
    let json = to_json(&loaded("march.xlsx", xlsx()));
    let wrong = json.replace("\"type\": \"timer\"", "\"type\": \"hologram\"");
    assert!(said("a.json", wrong)[0].starts_with("items[5], line "));
    let unknown = json.replace("\"required\": true", "\"requried\": true");
    assert!(said("a.json", unknown)[0].starts_with("items[1].requried, line "));
    assert_eq!(
        said("a.json", json.replace("\"version\": 3", "\"version\": -3")),
        ["version: must be a whole number"]
    );
    assert!(matches!(
        load(json.replace("\"version\"", "version").as_bytes(), "a.json"),
        Err(ProtocolError::File(ExchangeError::Json { .. }))
    ));
}

#[test]
fn our_markdown_is_refused_by_line() {
    let head = "# T\nlanguages: en, es\n";
    for (text, wanted) in [
        ("- [ ] A\n", "a protocol begins with its title, as in: # Title"),
        ("# T\n# U\n- [ ] A\n", "line 2: is a second title; sections begin with ##"),
        ("# T\n### U\n- [ ] A\n", "line 2: is a heading too deep below the one before it"),
        ("# T\nhello\n- [ ] A\n", "line 2: is neither a heading, an item, nor a word with a colon"),
        (
            "# T\n- [ ] A\n  fr: B\n",
            "line 3: \"fr\" is no word of this format, and no language of the list (und)",
        ),
        (
            "# T\n- [ ] A\n  - b: B\n",
            "line 3: is a choice, but the item above is not marked (choice) or (choices)",
        ),
        ("# T\n- [ ] A (choice)\n", "line 2: does not fit the type of the item"),
        ("# T\n- [ ] A\n  when: ${b} = 1\n", "line 2: refers to ${b}, which is no question of the form"),
        ("# T\n- [ ] A\n  when: 1 +\n", "line 2: the expression ends too early"),
        ("# T\n- [ ] A\n  name: b\n- [ ] C\n  name: b\n", "line 4: is used twice"),
        ("# T\n- [ ] A\n  required: maybe\n", "line 3: must be yes or no"),
        ("# T\n- [ ] A\n  hint: a\n  hint: b\n", "line 4: is said twice of one item"),
        ("# T\n- [ ] A\nversion: 2\n", "line 3: \"version\" belongs above the first section and item"),
        ("# T\nversion: two\n- [ ] A\n", "line 2: the version must be a whole number"),
        ("# T\n- [ ]\n", "line 2: is an item without words"),
    ] {
        let text = if text.contains("es:") { format!("{head}{text}") } else { text.to_owned() };
        let found = said("a.md", text);
        assert!(found.iter().any(|said| said.ends_with(wanted)), "{found:?} {wanted}");
    }
}

#[test]
fn every_sample_loads_or_is_refused_by_its_place() {
    let Some(folder) = samples() else { return };
    let mut tried = 0;
    for part in ["xlsform", "xlsform/bad", "votemonitor"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            tried += 1;
            let name = path.file_name().unwrap().to_str().unwrap();
            match load(fs::File::open(&path).unwrap(), name) {
                Ok(protocol) => assert!(!protocol.content.items.is_empty(), "{name}"),
                Err(ProtocolError::Refused(problems)) => {
                    for problem in problems {
                        assert!(problem.row.is_some() && !problem.column.is_empty(), "{name}: {problem}");
                    }
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert_eq!(tried, 19);

    let read = |name: &str| load(fs::File::open(folder.join("xlsform").join(name)).unwrap(), name);
    for (form, endings) in [
        ("group", &["md", "csv", "xlsx"][..]),
        ("specify_other", &["md", "csv", "xlsx"]),
        ("yes_or_no_question", &["md", "csv", "xls", "xlsx"]),
    ] {
        let first = read(&format!("{form}.{}", endings[0])).unwrap();
        for ending in endings {
            let other = read(&format!("{form}.{ending}")).unwrap();
            assert_eq!(other.content, first.content, "{form}.{ending}");
            assert_eq!(other.template_id, form);
        }
    }
    for ending in ["md", "csv", "xls", "xlsx"] {
        let Err(ProtocolError::Refused(problems)) = read(&format!("case_insensitivity.{ending}")) else {
            panic!("{ending} was not refused")
        };
        let found: Vec<_> = problems
            .iter()
            .map(|it| (it.sheet.as_deref().unwrap(), it.row.unwrap(), it.column.as_str()))
            .collect();
        assert_eq!(found, [("survey", 3, "type"), ("survey", 4, "type")], "{ending}");
    }
    assert_eq!(
        read("bad/badly_named_choices_sheet.xls").unwrap().content.item("color").unwrap().choices.len(),
        4
    );
    assert_eq!(read("bad/blank_second_row.xls").unwrap().content.items.len(), 1);
    assert_eq!(
        read("bad/duplicate_columns.xlsx").unwrap_err().to_string(),
        "sheet survey, row 1, column label: stands twice in the header"
    );
    let form = load(fs::File::open(folder.join("votemonitor/form_a.json")).unwrap(), "form_a.json").unwrap();
    assert_eq!(form.content.items.len(), 8, "seven questions and what stands above them");
    assert_eq!(form.content.languages, ["hy"]);
}
