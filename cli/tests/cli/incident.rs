//! Incidents: recorded, listed, shown, edited.

use serde_json::Value;

use crate::support::{Home, lead_and_responder, meet, text};

fn items(value: &Value) -> &Vec<Value> {
    value["items"].as_array().unwrap()
}

#[test]
fn what_is_typed_is_what_is_shown() {
    let home = Home::with_team();
    let code = home.add(&[
        "--title",
        "Crowd at the bridge",
        "--narrative",
        "Forty people.\nThey wait.",
        "--severity",
        "moderate",
        "--urgency",
        "Expected",
        "--certainty",
        "Observed",
        "--category",
        "Mob violence",
        "--at",
        "2026-03-14T14:30:00+03:00",
        "--until",
        "2026-03-14T15:00:00+03:00",
        "--place",
        "-1.2864,36.8172",
        "--accuracy",
        "12",
        "--count",
        "injured=2-4:clinic",
        "--actor",
        "initiator,inter=5,low=20,label=men, on motorbikes",
        "--source",
        "witness,grade=B2",
        "--followup",
        "NeedsFollowUp",
        "--owner",
        "me",
        "--sensitivity",
        "leads",
    ]);
    let shown = home.json(&["incident", "show", &code]).json();
    let record = &shown["record"];
    assert_eq!(shown["short_code"], code.as_str());
    assert_eq!(shown["author"], "Amina");
    assert_eq!(record["narrative"], "Forty people.\nThey wait.");
    assert_eq!(record["severity"], "Moderate");
    assert_eq!(record["occurred_start"]["time"], "2026-03-14T14:30:00+03:00");
    assert_eq!(record["occurred_start"]["precision"], "exact");
    assert_eq!(record["place"]["lat"], -1.2864);
    assert_eq!(record["place"]["accuracy_m"], 12.0);
    assert_eq!(record["counts"][0]["low"], 2);
    assert_eq!(record["counts"][0]["source"], "clinic");
    assert_eq!(record["actors"][0]["group_label"], "men, on motorbikes");
    assert_eq!(record["source"][0]["reliability"], "B");
    assert_eq!(record["status"], "open");

    let human = home.run(&["incident", "show", &code]).fine().stdout;
    for part in [
        "Crowd at the bridge",
        "They wait.",
        "± 12 m",
        "injured 2-4 (clinic 2-4)",
        "men, on motorbikes",
        "Amina",
    ] {
        assert!(human.contains(part), "{part} is missing in\n{human}");
    }

    // A record as it was shown can be entered again.
    let file = home.file("record.json", record.to_string());
    let copy = home.add(&["--json-file", text(&file), "--title", "Another one"]);
    let again = home.json(&["incident", "show", &copy]).json();
    assert_eq!(again["record"]["title"], "Another one");
    assert_eq!(again["record"]["place"], record["place"]);
    assert_ne!(copy, code);
}

#[test]
fn lists_are_filtered_and_newest_first() {
    let home = Home::with_team();
    let first =
        home.add(&["--title", "Market", "--severity", "Minor", "--place", "0.5,10.5", "--at", "2026-03-01"]);
    let second = home.add(&[
        "--title",
        "Harbour",
        "--severity",
        "Severe",
        "--place",
        "0.6,10.5",
        "--at",
        "2026-03-02 10:00",
    ]);
    let third = home.add(&["--title", "Road to the market"]);
    let (first, second, third) = (first.as_str(), second.as_str(), third.as_str());
    let codes = |args: &[&str]| -> Vec<String> {
        let args = [&["incident", "list"], args].concat();
        let list = home.json(&args).json();
        items(&list).iter().map(|item| item["short_code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&[]), [third, second, first]);
    assert_eq!(codes(&["--limit", "1"]), [third]);
    assert_eq!(codes(&["--severity", "Severe", "--severity", "minor"]), [second, first]);
    assert_eq!(codes(&["--since", "2026-03-02", "--until", "2026-03-02"]), [second]);
    assert_eq!(codes(&["--until", "2026-03-01"]), [first]);
    assert_eq!(codes(&["--near", "0.5,10.5", "--radius", "1km"]), [first]);
    assert_eq!(codes(&["--within", "0.55,10,1,11"]), [second]);
    assert_eq!(codes(&["--text", "mark"]), [third, first]);
    assert!(codes(&["--conflicts"]).is_empty());
    assert!(codes(&["--status", "closed"]).is_empty());
    let near = home.json(&["incident", "list", "--near", "0.6,10.5", "--radius", "100"]).json();
    assert_eq!(items(&near)[0]["distance_m"], 0.0);

    let found = home.json(&["incident", "search", "market"]).json();
    assert_eq!(items(&found).len(), 2);
    let nothing = home.run(&["incident", "search", "volcano"]).fine();
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.trim()), ("", "no incidents"));
}

#[test]
fn edits_are_kept_with_their_history() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Crowd", "--narrative", "They wait.", "--severity", "Minor"]);
    home.run(&["incident", "edit", &code, "--severity", "Severe", "--append", "They leave."]).fine();
    home.run(&["incident", "edit", &code, "--count", "present=40+", "--clear", "title"]).fine();
    home.run_with_input(&["incident", "edit", &code, "--narrative", "-"], "They wait, still.\nThey leave.\n")
        .fine();
    let record = home.json(&["incident", "show", &code]).json()["record"].clone();
    assert_eq!(record["narrative"], "They wait, still.\nThey leave.");
    assert_eq!(record["severity"], "Severe");
    assert_eq!(record.get("title"), None);
    assert_eq!(record["counts"][0]["what"], "present");

    let history = home.json(&["incident", "history", &code]).json();
    let severity: Vec<_> = items(&history).iter().filter(|step| step["field"] == "severity").collect();
    assert_eq!(severity.len(), 2);
    assert_eq!((&severity[1]["before"], &severity[1]["after"]), (&"Minor".into(), &"Severe".into()));
    assert!(items(&history).iter().all(|step| step["person"] == "Amina" && step["at"].is_string()));

    let key = record["counts"][0]["key"].as_str().unwrap();
    home.run(&["incident", "edit", &code, "--withdraw", key, "--reason", "counted twice"]).fine();
    assert_eq!(home.json(&["incident", "edit", &code, "--clear", "nonsense"]).error(3)["kind"], "bad_input");
    assert_eq!(home.json(&["incident", "edit", &code]).error(3)["kind"], "bad_input");
}

#[test]
#[cfg(target_os = "linux")]
fn an_editor_sees_the_text_in_memory_only_and_never_the_passphrase() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Crowd", "--narrative", "They wait."]);
    let seen = home.file("seen", "");
    let script =
        format!("#!/bin/sh\nenv > {0}\necho \"$1\" >> {0}\necho They leave. >> \"$1\"\n", text(&seen));
    let editor = home.file("editor.sh", script);
    let mut edit = home.command(&["incident", "edit", &code, "--editor", "--json"]);
    let run = crate::support::run(edit.env("EDITOR", format!("sh {}", text(&editor))));
    if run.status == 1 {
        // A system without a folder in memory: refused, and nothing was written anywhere.
        assert_eq!(run.error(1)["kind"], "editor");
        return;
    }
    assert_eq!(run.status, 0, "{}", run.stderr);
    let record = home.json(&["incident", "show", &code]).json()["record"].clone();
    assert_eq!(record["narrative"], "They wait.\nThey leave.");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(!seen.contains(crate::support::PASSPHRASE));
    let file = std::path::PathBuf::from(seen.trim_end().lines().last().unwrap());
    assert!(!file.exists() && !file.parent().unwrap().exists());
}

#[test]
fn a_lead_closes_and_reopens() {
    let home = Home::with_team();
    let code = home.add(&["--title", "Over"]);
    let status = || home.json(&["incident", "show", &code]).json()["record"]["status"].clone();
    home.run(&["incident", "close", &code, "--note", "all quiet"]).fine();
    assert_eq!(status(), "closed");
    home.run(&["incident", "reopen", &code]).fine();
    assert_eq!(status(), "open");
}

#[test]
fn files_are_attached_and_come_out_again() {
    let home = Home::with_team();
    let code = home.add(&["--title", "With a photo"]);
    let bytes = [&b"\x89PNG\r\n\x1a\n"[..], &[9; 300_000]].concat();
    let photo = home.file("bridge.png", &bytes);
    let attached =
        home.json(&["incident", "attach", &code, text(&photo), "--caption", "From the east"]).json();
    assert_eq!(attached["mime"], "image/png");
    assert_eq!(attached["byte_len"], bytes.len());
    let shown = home.json(&["incident", "show", &code]).json();
    assert_eq!(shown["attachments"][0]["caption"], "From the east");
    assert_eq!(shown["attachments"][0]["here"], true);
    let copy = home.path().with_file_name("copy.png");
    home.run(&["incident", "save-file", &code, "bridge.png", "--to", text(&copy)]).fine();
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);
    let again = home.json(&["incident", "save-file", &code, "bridge.png", "--to", text(&copy)]);
    assert_eq!(again.error(3)["details"][0]["field"], "to");
    assert_eq!(home.json(&["incident", "attach", &code, "/nowhere/at/all"]).error(3)["kind"], "file");
}

/// A GIF of one pixel, with these comments in it.
fn gif(comments: &[&str]) -> Vec<u8> {
    let mut out = b"GIF89a\x01\0\x01\0\0\0\0".to_vec();
    for comment in comments {
        out.extend([0x21, 0xfe, comment.len() as u8]);
        out.extend(comment.as_bytes());
        out.push(0);
    }
    out.extend(b",\0\0\0\0\x01\0\x01\0\0\x02\x01\x44\0;");
    out
}

#[test]
fn copies_that_are_given_away_hold_the_picture_alone() {
    const CANARY: &str = "taken by Amina at the well";
    let home = Home::with_team();
    let code = home.add(&["--title", "With a photo"]);
    let photo = home.file("bridge.gif", gif(&[CANARY]));
    home.run(&["incident", "attach", &code, text(&photo), "--people", "crowd"]).fine();
    let holds = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    let saved = |args: &[&str]| {
        let to = home.path().with_file_name("out");
        home.run(&[&["incident", "save-file", &code, "--to", text(&to)], args].concat()).fine();
        let bytes = std::fs::read(&to).unwrap();
        std::fs::remove_file(&to).unwrap();
        bytes
    };
    assert_eq!(saved(&["bridge.gif", "--clean"]), gif(&[]));
    let copy = home.json(&["incident", "copy-file", &code, "bridge.gif"]).json();
    assert_eq!(
        (&copy["name"], &copy["people_visible"], &copy["manifest"]),
        (&"bridge-shared.gif".into(), &"crowd".into(), &"valid".into())
    );
    assert_eq!(saved(&["bridge-shared.gif"]), gif(&[]));
    assert!(holds(&saved(&["bridge.gif"])), "the original keeps everything");
    let shown = home.json(&["incident", "show", &code]).json();
    assert_eq!(copy["redacted_copy_of"], shown["attachments"][0]["document"]);

    // Nothing to take out.
    let again = home.json(&["incident", "copy-file", &code, "bridge-shared.gif"]);
    assert_eq!(again.error(3)["kind"], "not_redacted");
    // One that somebody redacted elsewhere is cleaned on its way in; a broken one cannot be.
    let attach = |file: &std::path::Path, more: &[&str]| {
        let of = ["--redacted-copy-of", "bridge.gif"];
        home.json(&[&["incident", "attach", &code, text(file)], &of[..], more].concat())
    };
    let mut covered = gif(&[CANARY, "covered with a program"]);
    let pixel = covered.len() - 3;
    covered[pixel] ^= 1;
    assert_eq!(attach(&home.file("covered.gif", &covered), &[]).json()["byte_len"], gif(&[]).len());
    assert!(!holds(&saved(&["covered.gif"])));
    let broken = home.file("broken.gif", &covered[..20]);
    assert_eq!(attach(&broken, &[]).error(3)["kind"], "not_cleaned");
    // Of a recording nothing is taken out: nobody gives it away without saying so.
    let voices = home.file("voices.ogg", format!("OggS {CANARY}"));
    assert_eq!(attach(&voices, &[]).error(3)["kind"], "not_cleaned");
    assert_eq!(attach(&voices, &["--as-it-is"]).json()["mime"], "audio/ogg");
    let to = home.path().with_file_name("voices-out");
    let refused = home.json(&["incident", "save-file", &code, "voices.ogg", "--clean", "--to", text(&to)]);
    assert_eq!(refused.error(3)["kind"], "not_cleaned");
    assert!(!to.exists());
}

#[test]
fn a_file_is_described_and_its_custody_noted() {
    let home = Home::with_team();
    let code = home.add(&["--title", "With a photo"]);
    let store = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71";
    let photo = home.file("bridge.jpg", [&b"\xff\xd8\xff\xe0"[..], &[9; 40_000], store].concat());
    let attached = home.json(&[
        "incident",
        "attach",
        &code,
        text(&photo),
        "--captured",
        "2026-05-01T14:30:00+03:00",
        "--captured-at",
        "-1.2864,36.8172",
        "--device-model",
        "Pixel 8",
        "--people",
        "identifiable",
    ]);
    let attached = attached.json();
    assert_eq!(attached["manifest"], "valid");
    assert_eq!(attached["c2pa_state"], "unknown");
    assert_eq!(attached["captured"]["time"], "2026-05-01T14:30:00+03:00");
    let flagged = |file: &serde_json::Value| {
        let findings = file["findings"].as_array().unwrap();
        findings.iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let accuracy = "captured.place.accuracy_m";
    assert_eq!(flagged(&attached), [accuracy, "consent"]);
    let shown = home.run(&["incident", "show", &code]).fine().stdout;
    for words in ["recognised", "signed by the device", "which were not checked", "received by"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let describe = |args: &[&str]| {
        home.json(&[&["incident", "describe-file", &code, "bridge.jpg"], args].concat()).json()
    };
    assert_eq!(flagged(&describe(&["--consent", "record+team"])), [accuracy]);
    assert_eq!(flagged(&describe(&["--withdraw-consent"])), [accuracy, "consent"]);
    home.run(&["incident", "verify-file", &code, "bridge.jpg"]).fine();
    // What cannot be cleaned is refused, and said; one black pixel can.
    let broken = home.file("broken.jpg", [&b"\xff\xd8\xff\xe0"[..], &[0; 40_000]].concat());
    let refused =
        home.json(&["incident", "attach", &code, text(&broken), "--redacted-copy-of", "bridge.jpg"]);
    assert_eq!(refused.error(3)["kind"], "not_cleaned");
    let pixel = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let redacted = home.file("redacted.gif", pixel);
    let copy =
        home.json(&["incident", "attach", &code, text(&redacted), "--redacted-copy-of", "bridge.jpg"]).json();
    assert_eq!(copy["redacted_copy_of"], attached["document"]);
    let files = home.json(&["incident", "show", &code]).json()["attachments"].clone();
    let custody = files[0]["custody"].as_array().unwrap();
    let events: Vec<_> = custody.iter().map(|step| step["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["received", "verified"]);
    assert_eq!(files[0]["manifest"], "valid");
    assert_eq!(files.as_array().unwrap().len(), 2);
    describe(&["--hide", "shows a minor"]);
    let files = home.json(&["incident", "show", &code]).json()["attachments"].clone();
    assert_eq!(files.as_array().unwrap().len(), 1);
    let wrong = home.json(&["incident", "attach", &code, text(&photo), "--people", "many"]);
    assert_eq!(wrong.error(3)["details"][0]["field"], "people_visible");
}

#[test]
fn right_to_left_names_and_hostile_text_keep_the_table_straight() {
    let home = Home::none();
    home.run(&["team", "create", "--team", "مراقبة النهر", "--as", "دانيال"]).fine();
    home.add(&["--title", "مظاهرة عند الجسر"]);
    home.add(&["--title", "plain"]);
    home.add(&["--title", "turned \u{202e}txet"]);
    let table = home.run(&["incident", "list"]).fine().stdout;
    assert!(table.contains("مظاهرة عند الجسر"));
    assert!(!table.contains('\u{202e}'));
    let column = |needle: &str| {
        let line = table.lines().find(|line| line.contains(needle)).unwrap();
        let before: String = line.split("open").next().unwrap().to_owned();
        before.chars().count()
    };
    assert_eq!(column("مظاهرة"), column("plain"));
    let json = home.json(&["incident", "list"]).json();
    assert_eq!(items(&json)[2]["title"], "مظاهرة عند الجسر");
    assert_eq!(home.json(&["team", "show"]).json()["items"][0]["name"], "دانيال");
}

#[test]
fn two_people_edit_while_apart_and_a_lead_settles_it() {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "Bridge", "--narrative", "They wait.", "--severity", "Minor"]);
    meet(&lead, &responder);
    lead.run(&["incident", "edit", &code, "--severity", "Moderate", "--narrative", "At noon: They wait."])
        .fine();
    responder.run(&["incident", "edit", &code, "--severity", "Severe", "--append", "They leave."]).fine();
    meet(&lead, &responder);
    assert_eq!(lead.digest(), responder.digest());

    for home in [&lead, &responder] {
        let list = home.json(&["incident", "list", "--conflicts"]).json();
        assert_eq!(
            (&items(&list)[0]["conflicts"], &items(&list)[0]["severity"]),
            (&1.into(), &"Severe".into())
        );
        assert!(home.run(&["incident", "list"]).stdout.contains("! 1 conflict"));
        let record = home.json(&["incident", "show", &code]).json()["record"].clone();
        assert_eq!(record["narrative"], "At noon: They wait.\nThey leave.");
        assert_eq!(record["severity"], "Severe");
    }
    let conflicts = responder.json(&["incident", "conflicts"]).json();
    let conflict = &items(&conflicts)[0];
    assert_eq!((&conflict["field"], &conflict["shown"]), (&"severity".into(), &"Severe".into()));
    let values = conflict["values"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    let people: Vec<_> = values.iter().map(|value| value["person"].as_str().unwrap()).collect();
    assert!(people.contains(&"Amina") && people.contains(&"Daniel"), "{people:?}");

    // An ordinary edit does not swallow the conflict, and a responder can only propose.
    assert_eq!(lead.run(&["incident", "edit", &code, "--severity", "Minor"]).status, 3);
    let proposed = responder.json(&["incident", "resolve", &code, "severity", "--pick", "1"]).json();
    assert_eq!(proposed["settled"], false);
    meet(&lead, &responder);
    assert_eq!(items(&lead.json(&["incident", "conflicts", &code]).json()).len(), 1);
    assert_eq!(lead.json(&["incident", "show", &code]).json()["proposals"][0]["person"], "Daniel");

    assert_eq!(
        lead.json(&["incident", "resolve", &code, "severity", "--pick", "3"]).error(3)["kind"],
        "bad_input"
    );
    let settled = lead
        .json(&["incident", "resolve", &code, "severity", "--value", "Moderate", "--note", "agreed"])
        .json();
    assert_eq!((&settled["settled"], &settled["value"]), (&true.into(), &"Moderate".into()));
    meet(&responder, &lead);
    assert_eq!(lead.digest(), responder.digest());
    assert!(items(&responder.json(&["incident", "conflicts"]).json()).is_empty());
    assert_eq!(responder.json(&["incident", "show", &code]).json()["record"]["severity"], "Moderate");
    assert_eq!(
        lead.json(&["incident", "resolve", &code, "severity", "--pick", "1"]).error(1)["kind"],
        "no_conflict"
    );
}

#[test]
fn a_photo_comes_out_in_smaller_forms() {
    let home = Home::with_team();
    let code = home.add(&["--title", "At the bridge"]);
    let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) as u8;
    let picture = image::RgbImage::from_fn(900, 600, |x, y| image::Rgb([noise(x, y), noise(y, x), x as u8]));
    let photo = home.file("large.jpg", []);
    picture.save(&photo).unwrap();
    let name = "large.jpg";
    let attached = home.json(&["incident", "attach", &code, text(&photo)]).json();
    let forms = attached["forms"].as_array().unwrap();
    let kinds: Vec<_> = forms.iter().map(|form| form["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thumb", "preview"]);
    let shown = home.run(&["incident", "show", &code]).fine().stdout;
    assert!(shown.contains("thumbnail: ") && shown.contains("preview: "), "{shown}");
    for (form, most) in [("thumb", 20_000), ("preview", 200_000)] {
        let to = home.path().with_file_name(form);
        let saved =
            home.json(&["incident", "save-file", &code, name, "--variant", form, "--to", text(&to)]).json();
        let small = std::fs::read(&to).unwrap();
        assert_eq!(saved["byte_len"], small.len());
        assert_eq!(saved["variant"], form);
        assert!(small.len() <= most && small.starts_with(&[0xff, 0xd8]), "{form}");
    }
    let to = home.path().with_file_name("other");
    let save = |name: &str, form: &str| {
        home.json(&["incident", "save-file", &code, name, "--variant", form, "--to", text(&to)]).error(3)
    };
    assert_eq!(save(name, "huge")["details"][0]["field"], "variant");

    // One that is no photo after all is attached, and what follows from it is said.
    let mut bytes = std::fs::read(&photo).unwrap();
    bytes[300..].fill(0xff);
    let torn = home.file("torn.jpg", &bytes);
    let run = home.run(&["incident", "attach", &code, text(&torn)]).fine();
    assert!(run.stdout.contains("the photo cannot be read"), "{}", run.stdout);
    assert_eq!(save("torn.jpg", "thumb")["kind"], "no_form");
}
