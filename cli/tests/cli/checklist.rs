//! Protocols from files to the people who work through them.

use serde_json::{Value, json};

use crate::support::{Home, join, lead_and_responder, meet, samples, text};

/// The same form as tables in Markdown and as CSV.
const MARKDOWN: &str = "\
| survey | | | | | | | | | |
| | type | name | label::English (en) | label::Arabic (ar) | required | relevant | constraint | constraint_message::English (en) | critical |
| | start | began | | | | | | | |
| | begin group | arrive | Arrive | الوصول | | | | | |
| | acknowledge | seen | Your buddy sees you | زميلك يراك | yes | | | | yes |
| | integer | people | How many people? | كم عدد الناس؟ | | | . >= 1 | At least one | |
| | select_one mood | mood | How is the mood? | كيف الأجواء؟ | yes | | | | |
| | end group | | | | | | | | |
| | text | why | Why? | لماذا؟ | | ${mood} = 'tense' | | | |
| choices | | | | | | | | | |
| | list_name | name | label::English (en) | label::Arabic (ar) | | | | | |
| | mood | calm | Calm | هادئ | | | | | |
| | mood | tense | Tense | متوتر | | | | | |
| settings | | | | | | | | | |
| | form_title | form_id | version | default_language | | | | | |
| | At the gate | gate | 1 | English (en) | | | | | |
";

fn csv() -> String {
    let cell = |cell: &str| format!("\"{}\"", cell.trim());
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(cell).collect();
        cells.join(",")
    };
    MARKDOWN.lines().map(row).collect::<Vec<_>>().join("\n")
}

/// Our own Markdown, as a trainer writes it in a text editor.
fn gate(version: u32, more: &str) -> String {
    format!(
        "\
# At the gate
ar: عند البوابة

protocol: gate
version: {version}
languages: en, ar

- [ ] ! Your buddy sees you
  name: seen
  ar: زميلك يراك
  required: yes
- [ ] How many people? (whole number)
  name: people
  ar: كم عدد الناس؟
  rule: . >= 1
  message: At least one.
- [ ] How is the mood? (choice)
  name: mood
  ar: كيف الأجواء؟
  - calm: Calm
    ar: هادئ
  - tense: Tense
    ar: متوتر
- [ ] Why? (text)
  name: why
  when: ${{mood}} = 'tense'
- [ ] Wait (timer 1 h)
  name: wait
{more}"
    )
}

fn publish(home: &Home, version: u32, more: &str) {
    let file = home.file(&format!("gate-{version}.md"), gate(version, more));
    home.run(&["checklist", "import", text(&file)]).fine();
    home.run(&["checklist", "publish", "gate"]).fine();
}

fn begin(home: &Home, checklist: &str) -> String {
    home.json(&["checklist", "run", checklist]).json()["id"].as_str().unwrap().to_owned()
}

fn show(home: &Home, id: &str) -> Value {
    home.json(&["checklist", "show", id]).json()
}

fn item<'a>(run: &'a Value, name: &str) -> &'a Value {
    run["items"].as_array().unwrap().iter().find(|item| item["item_id"] == name).unwrap()
}

/// Everything of a loaded protocol that does not say from which file it came.
fn said(loaded: &Value) -> Value {
    json!([
        loaded["template_id"],
        loaded["version"],
        loaded["title"],
        loaded["items"],
        loaded["content_sha256"]
    ])
}

/// Journey 4: the same checklist from several kinds of files gives identical items.
#[test]
fn one_form_is_one_checklist_whatever_file_it_is_in() {
    let home = Home::with_team();
    let load = |path: &str| home.json(&["checklist", "import", path, "--preview"]).json();
    let markdown = load(text(&home.file("gate.md", MARKDOWN)));
    let table = load(text(&home.file("gate.csv", csv())));
    assert_eq!(said(&markdown), said(&table));
    assert_eq!(markdown["items"].as_array().unwrap().len(), 4);
    assert_eq!(markdown["items"][0]["section"][0]["name"], "arrive");
    assert!(markdown["notes"].to_string().contains("began"), "{markdown}");
    // What was printed is a file of our JSON once what is only about this import is taken off.
    let mut printed = table.clone();
    for member in ["notes", "kept"] {
        printed.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(said(&load(text(&home.file("gate.json", printed.to_string())))), said(&markdown));

    let Some(dir) = samples() else { return };
    for (form, kinds) in
        [("yes_or_no_question", &["csv", "md", "xls", "xlsx"][..]), ("group", &["csv", "md", "xlsx"])]
    {
        let of = |kind: &&str| load(text(&dir.join(format!("xlsform/{form}.{kind}"))));
        let first = said(&of(&kinds[0]));
        assert!(kinds.iter().all(|kind| said(&of(kind)) == first), "{form}");
    }
}

/// Journey 4: a bad file names the row and column, and installs nothing.
#[test]
fn a_bad_file_names_every_place_and_installs_nothing() {
    let home = Home::with_team();
    let bad = csv().replace("\"integer\"", "\"holograph\"").replace("${mood} = 'tense'", "${mod} = 'tense'");
    let file = home.file("bad.csv", bad);
    let error = home.json(&["checklist", "import", text(&file)]).error(3);
    assert!(error["message"].as_str().unwrap().contains("nothing was installed"), "{error}");
    let fields: Vec<_> =
        error["details"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        ["sheet survey, row 5, column type, line 6", "sheet survey, row 8, column relevant, line 9"]
    );
    let human = home.run(&["checklist", "import", text(&file)]);
    assert!(human.stderr.contains("sheet survey, row 5, column type"), "{}", human.stderr);
    assert_eq!(home.json(&["checklist", "list"]).json()["items"], json!([]));
    if let Some(dir) = samples() {
        let bad = dir.join("xlsform/bad/duplicate_columns.xlsx");
        home.json(&["checklist", "import", text(&bad)]).error(3);
    }
    assert_eq!(home.json(&["checklist", "list"]).json()["items"], json!([]));
}

/// Journey 4: Arabic displays right to left, each text isolated so that it turns nothing around it.
#[test]
fn arabic_is_shown_from_right_to_left_and_other_languages_fall_back() {
    let home = Home::with_team();
    publish(&home, 1, "");
    let arabic = home.run(&["checklist", "show", "gate", "--language", "ar"]).fine().stdout;
    for words in ["عند البوابة", "زميلك يراك", "متوتر"] {
        assert!(arabic.contains(&format!("\u{2068}{words}\u{2069}")), "{arabic}");
    }
    // Nobody wrote this one in Arabic.
    assert!(arabic.contains("Why?"), "{arabic}");
    let swahili = home.run(&["checklist", "show", "gate", "--language", "sw"]).fine().stdout;
    assert!(swahili.contains("Your buddy sees you"), "{swahili}");
    let id = begin(&home, "gate");
    let run = home.run(&["checklist", "show", &id, "--language", "ar-EG"]).fine().stdout;
    assert!(run.contains("\u{2068}زميلك يراك\u{2069}"), "{run}");
}

#[test]
fn a_run_takes_what_fits_and_says_what_is_missing() {
    let home = Home::with_team();
    publish(&home, 1, "");
    let id = begin(&home, "gate");
    let refused = |args: &[&str], kind: &str| {
        let error = home.json(&[&["checklist"], args].concat()).error(3);
        assert_eq!(error["kind"], kind, "{error}");
        error
    };
    let error = refused(&["answer", &id, "people", "0"], "bad_input");
    assert_eq!(error["details"], json!([{"field": "answer", "reason": "At least one."}]));
    refused(&["answer", &id, "people", "many"], "bad_input");
    refused(&["answer", &id, "mood", "sleepy"], "bad_input");
    refused(&["answer", &id, "why", "noise"], "not_asked");
    refused(&["answer", &id, "seen", "yes"], "bad_input");
    refused(&["tick", &id, "mood"], "bad_input");
    refused(&["tick", &id, "nothing"], "not_found");
    refused(&["untick", &id, "seen"], "bad_input");
    refused(&["timer", &id, "wait", "stop"], "timer");
    let error = refused(&["complete", &id], "missing");
    assert_eq!(error["details"], json!([{"field": "seen", "reason": "Your buddy sees you"}]));

    home.run(&["checklist", "answer", &id, "people", "40", "--note", "counted"]).fine();
    home.run(&["checklist", "answer", &id, "3", "Tense"]).fine();
    home.run(&["checklist", "answer", &id, "why", "shouting"]).fine();
    home.run(&["checklist", "timer", &id, "wait", "start"]).fine();
    refused(&["timer", &id, "wait", "finish"], "timer");
    home.run(&["checklist", "timer", &id, "wait", "stop"]).fine();
    home.run(&["checklist", "tick", &id, "seen"]).fine();
    home.run(&["checklist", "untick", &id, "seen"]).fine();
    home.run(&["checklist", "tick", &id, "1"]).fine();
    let run = show(&home, &id);
    assert_eq!(run["items"][0]["item_id"], "seen", "critical items come first");
    let seen = item(&run, "seen");
    assert_eq!(seen["ticks"].as_array().unwrap().len(), 1);
    assert_eq!(seen["unticks"].as_array().unwrap().len(), 1, "taking back stays readable");
    let answer = &item(&run, "people")["answers"][0];
    assert_eq!(
        (&answer["name"], &answer["value"], &answer["note"]),
        (&json!("Amina"), &json!(40), &json!("counted"))
    );
    assert_eq!((&run["done"], &run["total"]), (&json!(4), &json!(5)));
    // Once the mood is calm nobody asks why.
    home.run(&["checklist", "answer", &id, "mood", "calm"]).fine();
    assert_eq!(item(&show(&home, &id), "why")["asked"], false);
    home.run(&["checklist", "complete", &id]).fine();
    assert_eq!(show(&home, &id)["standing"], "completed");
    refused(&["tick", &id, "seen"], "over");

    let other = begin(&home, "gate");
    refused(&["abandon", &other, "--reason", " "], "bad_input");
    home.run(&["checklist", "abandon", &other, "--reason", "we had to leave"]).fine();
    let run = show(&home, &other);
    assert_eq!(
        (&run["standing"], &run["abandoned_reason"]),
        (&json!("abandoned"), &json!("we had to leave"))
    );
    assert!(home.run(&["check"]).fine().stdout.contains("everything verifies"));
}

/// Journey 16: version 2 of a protocol is published while runs of version 1 are open; runs keep their version.
#[test]
fn runs_keep_their_version_when_a_new_one_is_published() {
    let (lead, responder) = lead_and_responder();
    publish(&lead, 1, "");
    meet(&lead, &responder);
    let old = begin(&responder, "gate");
    responder.run(&["checklist", "tick", &old, "seen"]).fine();
    // The trainer raises the version; the number of one that is published says something else only apart.
    let file = lead.file("changed.md", gate(1, "- [ ] ! Leave together\n  name: leave\n  required: yes\n"));
    lead.run(&["checklist", "import", text(&file)]).fine();
    assert_eq!(lead.json(&["checklist", "publish", "gate"]).error(3)["kind"], "taken");
    let published = lead.json(&["checklist", "publish", "gate", "--as-version", "2"]).json();
    assert_eq!(published["items"][0]["version"], 2);
    meet(&lead, &responder);

    for home in [&lead, &responder] {
        let run = show(home, &old);
        assert_eq!((&run["version"], &run["standing"]), (&json!(1), &json!("open")));
        assert_eq!((&run["done"], &run["total"]), (&json!(1), &json!(4)));
        assert!(run["items"].as_array().unwrap().iter().all(|item| item["item_id"] != "leave"));
        let listed = home.json(&["checklist", "list"]).json();
        let versions: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| &it["version"]).collect();
        assert_eq!(versions, [2, 1]);
    }
    // Both go on with the old run; who begins now gets the new version, or the old one by its number.
    lead.run(&["checklist", "answer", &old, "people", "7"]).fine();
    responder.run(&["checklist", "answer", &old, "people", "9"]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let run = show(home, &old);
        assert_eq!(item(&run, "people")["answers"].as_array().unwrap().len(), 2, "each has an answer");
    }
    responder.run(&["checklist", "complete", &old]).fine();
    assert_eq!(item(&show(&responder, &begin(&responder, "gate")), "leave")["critical"], true);
    assert_eq!(show(&responder, &begin(&responder, "gate@1"))["version"], 1);
    meet(&lead, &responder);
    assert_eq!(show(&lead, &old)["standing"], "completed");
    let runs = lead.json(&["checklist", "runs"]).json();
    assert_eq!(runs["items"].as_array().unwrap().len(), 3);
    assert_eq!(runs["items"][2]["standing"], "completed", "those that go on come first");
    assert_eq!(lead.digest(), responder.digest());
}

/// Journey 16: who has trained on what, and what expires when, is answered on any phone.
#[test]
fn who_trained_on_what_and_until_when_is_answered_on_any_phone() {
    let (lead, responder) = lead_and_responder();
    publish(&lead, 1, "");
    for person in ["Amina", "Daniel"] {
        lead.run(&["person", "add", person, "--member", person]).fine();
    }
    let train = |args: &[&str]| drop(lead.run(&[&["person", "train"], args].concat()).fine());
    train(&["Amina", "--checklist", "gate", "--on", "2025-03-01", "--until", "2025-09-01"]);
    train(&["Daniel", "--checklist", "gate", "--on", "2025-03-01", "--until", "2099-01-01"]);
    publish(&lead, 2, "");
    train(&["Amina", "--checklist", "gate@2", "--on", "2025-10-01"]);
    train(&["Daniel", "--course", "First aid", "--on", "2025-10-01"]);
    meet(&lead, &responder);
    let asked = |home: &Home| home.json(&["checklist", "trained", "gate"]).json();
    assert_eq!(asked(&lead), asked(&responder));
    let items = asked(&responder)["items"].as_array().unwrap().clone();
    let lines: Vec<_> = items
        .iter()
        .map(|it| json!([it["name"], it["course"], it["version"], it["newest"], it["expires"], it["counts"]]))
        .collect();
    assert_eq!(
        lines,
        [
            json!(["Amina", "At the gate", 1, 2, "2025-09-01", false]),
            json!(["Daniel", "At the gate", 1, 2, "2099-01-01", true]),
            json!(["Amina", "At the gate", 2, 2, null, true]),
        ]
    );
    let all = responder.run(&["checklist", "trained"]).fine().stdout;
    assert!(all.contains("First aid") && all.contains("? does not count today"), "{all}");
}

#[test]
fn who_does_not_lead_keeps_drafts_and_publishes_nothing() {
    let lead = Home::with_team();
    let responder = Home::none();
    join(&lead, &responder, "Daniel");
    let all = responder.json(&["checklist", "import", "--shipped"]).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 9);
    assert_eq!(responder.json(&["checklist", "publish", "clara"]).error(1)["kind"], "not_allowed");
    let listed = responder.json(&["checklist", "list"]).json();
    assert!(listed["items"].as_array().unwrap().iter().all(|it| it["state"] == "draft"));
    responder.json(&["checklist", "run", "clara"]).error(3);
    responder.json(&["checklist", "publish", "nothing"]).error(3);

    lead.run(&["checklist", "import", "--shipped", "clara"]).fine();
    lead.run(&["checklist", "publish", "CLARA"]).fine();
    meet(&lead, &responder);
    let listed = responder.json(&["checklist", "list"]).json();
    assert_eq!(listed["items"][0]["state"], "published");
    let incident = responder.add(&["--title", "Crowd"]);
    let id = responder.json(&["checklist", "run", "clara", "--incident", &incident]).json();
    let run = show(&responder, id["id"].as_str().unwrap());
    assert_eq!(run["context"]["kind"], "incident");
}

#[test]
fn what_comes_with_the_program_is_shown_without_a_home() {
    let nowhere = Home::none();
    let listed = nowhere.json(&["checklist", "list", "--shipped"]).json();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| &it["template_id"]).collect();
    assert!(names.contains(&&json!("buddy-check")) && names.len() == 9);
    let one = nowhere.json(&["checklist", "import", "--shipped", "clara", "--preview"]).json();
    assert_eq!(one["content_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(one["kept"], false);
    let error = nowhere.json(&["checklist", "import", "--shipped", "nothing", "--preview"]).error(3);
    assert!(error["details"][0]["reason"].as_str().unwrap().contains("clara"), "{error}");
}

#[test]
fn a_photo_and_a_recording_answer_items_and_come_with_the_run() {
    let (lead, responder) = lead_and_responder();
    let form = "# Gate\n\nprotocol: gate\n\n- [ ] ! Photo of the gate (photo)\n  name: view\n  required: yes\n- [ ] What they call (recording)\n  name: call\n- [ ] Why? (text)\n  name: why\n";
    let file = lead.file("gate.md", form);
    lead.run(&["checklist", "import", text(&file)]).fine();
    lead.run(&["checklist", "publish", "gate"]).fine();
    let run = begin(&lead, "gate");
    meet(&lead, &responder);

    let photo = responder.file("بوابة.png", [b"\x89PNG\r\n\x1a\n", &[7_u8; 5_000][..]].concat());
    let call = responder.file("call.ogg", [b"OggS", &[9_u8; 900][..]].concat());
    let refused = |args: &[&str], kind: &str| {
        let args = [&["checklist", "answer", &run[..8]], args].concat();
        assert_eq!(responder.json(&args).error(3)["kind"], kind, "{args:?}");
    };
    refused(&["view", "IMG_1.png"], "bad_input");
    refused(&["view", "--file", text(&call)], "bad_input");
    refused(&["call", "--file", text(&photo)], "bad_input");
    refused(&["why", "--file", text(&photo)], "bad_input");
    refused(&["why", "--caption", "words of a file", "because"], "bad_input");
    assert_eq!(responder.json(&["checklist", "complete", &run[..8]]).error(3)["kind"], "missing");
    assert_eq!(show(&responder, &run)["done"], 0);

    let answer = ["checklist", "answer", &run[..8], "view", "--file", text(&photo), "--people", "none"];
    responder.run(&[&answer[..], &["--caption", "the gate", "--note", "from the wall"]].concat()).fine();
    responder.run(&["checklist", "answer", &run[..8], "call", "--file", text(&call)]).fine();
    responder.run(&["checklist", "complete", &run[..8]]).fine();
    meet(&lead, &responder);

    let shown = show(&lead, &run);
    let answered = item(&shown, "view")["answers"][0].clone();
    assert_eq!((&answered["name"], &answered["value"]), (&"Daniel".into(), &"بوابة.png".into()));
    assert_eq!(answered["note"], "from the wall");
    let file = &answered["file"];
    assert_eq!((&file["manifest"], &file["here"]), (&"valid".into(), &true.into()));
    assert_eq!((&file["mime"], &file["caption"]), (&"image/png".into(), &"the gate".into()));
    assert_eq!((&file["document"], &file["people_visible"]), (&answered["evidence"], &"none".into()));
    assert_eq!(item(&shown, "call")["answers"][0]["file"]["mime"], "audio/ogg");
    let human = lead.run(&["checklist", "show", &run[..8]]).fine().stdout;
    assert!(human.contains("signed by the device that attached it"), "{human}");
    // It comes out as it went in, and who took it out is noted.
    let copy = lead.path().with_file_name("copy.ogg");
    lead.run(&["checklist", "save-file", &run[..8], "call.ogg", "--to", text(&copy)]).fine();
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&call).unwrap());
    lead.run(&["checklist", "verify-file", &run[..8], "call.ogg"]).fine();
    lead.run(&["checklist", "describe-file", &run[..8], "call.ogg", "--hide", "names are called"]).fine();
    let hidden = show(&lead, &run);
    let hidden = &item(&hidden, "call")["answers"][0];
    assert_eq!((&hidden["value"], &hidden["file"]), (&"call.ogg".into(), &Value::Null));
    lead.run(&["check"]).fine();
}

#[test]
fn a_run_that_two_people_completed_apart_says_both() {
    let (lead, responder) = lead_and_responder();
    publish(&lead, 1, "");
    let run = begin(&lead, "gate");
    lead.run(&["checklist", "tick", &run[..8], "seen"]).fine();
    meet(&lead, &responder);
    lead.run(&["checklist", "complete", &run[..8]]).fine();
    responder.run(&["checklist", "complete", &run[..8]]).fine();
    meet(&lead, &responder);
    for home in [&lead, &responder] {
        let shown = show(home, &run);
        let mut by: Vec<_> = shown["completions"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        by.sort_by_key(ToString::to_string);
        assert_eq!(by, ["Amina", "Daniel"]);
        assert_eq!(home.json(&["checklist", "conflicts"]).json()["items"], json!([]));
        let human = home.run(&["checklist", "show", &run[..8]]).fine().stdout;
        assert!(human.contains(", Amina") && human.contains(", Daniel"), "{human}");
    }
    assert_eq!(show(&lead, &run)["completed"], show(&responder, &run)["completed"]);
}
