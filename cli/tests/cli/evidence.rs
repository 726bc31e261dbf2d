//! Evidence that somebody outside the team can check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Home, lead_and_responder, meet, program, run, text};

/// A folder with two files of an incident, the first of which another device has verified.
fn exported() -> (Home, PathBuf) {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "Crowd at the bridge"]);
    let photo = lead.file("gate\u{202e}gpj.exe", [0xff, 0xd8, 0xff, 0xe0, 7, 7, 7]);
    let note = lead.file("ملاحظة.txt", "what the guard said");
    let said = ["--people", "identifiable", "--captured-at=-0.0000012,36.8"];
    lead.run(&[&["incident", "attach", &code, text(&photo)], &said[..]].concat()).fine();
    lead.run(&["incident", "attach", &code, text(&note)]).fine();
    meet(&lead, &responder);
    responder.run(&["incident", "verify-file", &code, "ملاحظة.txt"]).fine();
    meet(&lead, &responder);
    let folder = lead.path().with_file_name("folder");
    let written = lead.json(&["evidence", "export", &code, text(&folder)]).json();
    assert_eq!(written["files"], 2);
    assert_eq!(written["without_consent"].as_array().unwrap().len(), 1);
    (lead, folder)
}

fn verify(folder: &Path) -> (i32, Value) {
    let run = run(program().args(["--json", "evidence", "verify", text(folder)]));
    (run.status, serde_json::from_str(&run.stdout).unwrap_or(Value::Null))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("files")).unwrap();
    for dir in ["", "files"] {
        for entry in fs::read_dir(from.join(dir)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(dir).join(entry.file_name())).unwrap();
            }
        }
    }
}

/// The folder with something done to it; the answer of `evidence verify`.
fn altered(folder: &Path, alter: impl FnOnce(&Path, &mut Value)) -> (i32, Value) {
    let dir = folder.with_file_name("altered");
    copy(folder, &dir);
    let path = dir.join("evidence.json");
    let mut proof: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let before = proof.clone();
    alter(&dir, &mut proof);
    if proof != before {
        fs::write(&path, serde_json::to_vec(&proof).unwrap()).unwrap();
    }
    let answer = verify(&dir);
    fs::remove_dir_all(&dir).unwrap();
    answer
}

/// Which chain recorded a file.
fn chain_of(proof: &Value, file: usize) -> usize {
    let writer = &proof["files"][file]["entries"][0]["writer"];
    proof["chains"].as_array().unwrap().iter().position(|chain| chain["writer"] == *writer).unwrap()
}

#[test]
fn anybody_can_check_what_was_exported() {
    let (lead, folder) = exported();
    let (status, verdict) = verify(&folder);
    assert_eq!((status, &verdict["holds"], &verdict["sealed"]), (0, &json!(true), &json!(true)));
    let files = verdict["files"].as_array().unwrap();
    let names: Vec<_> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["files/01 gate_gpj.exe", "files/02 ملاحظة.txt"]);
    for file in files {
        assert_eq!(file["problems"], json!([]));
        assert_eq!(file["recorded"]["name"], "Amina");
        assert!(folder.join(file["path"].as_str().unwrap()).is_file());
    }
    assert_eq!(files[0]["witnesses"], json!([]));
    assert_eq!(files[1]["witnesses"][0]["name"], "Daniel");
    assert_eq!(verdict["others"], json!([]));

    // The folder speaks of nothing else of the team.
    let proof = fs::read_to_string(folder.join("evidence.json")).unwrap();
    assert!(!proof.contains("Crowd at the bridge") && !proof.contains("discovery"));
    // That it was exported stands in the record, in the folder and in the home.
    assert!(proof.contains("\"exported\""));
    let said = run(program().args(["evidence", "verify", text(&folder)])).fine().stdout;
    assert!(said.contains("proven") && said.contains("built on by Daniel"), "{said}");
    assert!(said.contains("seen by 1 other device, first by Daniel"), "{said}");
    let twice = lead.json(&["evidence", "export", "nothing", text(&folder)]);
    assert_eq!(twice.error(3)["kind"], "bad_input");
}

/// The checker in docs/, which shares no line with the program. Not run where there is no Python or OpenSSL.
fn by_hand(folder: &Path) -> Option<(bool, String)> {
    let here = |program: &str, arg: &str| Command::new(program).arg(arg).output().is_ok();
    if !here("python3", "--version") || !here("openssl", "version") {
        eprintln!("not run: docs/verify_evidence.py needs python3 and openssl");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify_evidence.py");
    let done = Command::new("python3").arg(script).arg(folder).env("PYTHONUTF8", "1").output().unwrap();
    Some((done.status.success(), String::from_utf8(done.stdout).unwrap()))
}

#[test]
fn a_second_implementation_comes_to_the_same() {
    let (_lead, folder) = exported();
    let Some((holds, said)) = by_hand(&folder) else { return };
    assert!(holds && said.matches("proven, by device").count() == 2, "{said}");
    assert_eq!(said.matches("seen by 1 other device").count(), 2, "{said}");
    fs::write(folder.join("files/02 ملاحظة.txt"), "what the guard sald").unwrap();
    let (holds, said) = by_hand(&folder).unwrap();
    assert!(!holds && said.contains("not the one that was recorded"), "{said}");
    let path = folder.join("evidence.json");
    let proof = fs::read_to_string(&path).unwrap();
    fs::write(&path, proof.replace("Amina", "Adama")).unwrap();
    assert!(by_hand(&folder).unwrap().1.contains("evidence.json: CHANGED"));
}

#[test]
fn what_was_altered_is_not_proven() {
    let (_lead, folder) = exported();
    let problems = |(status, verdict): &(i32, Value), file: usize| {
        assert_eq!((status, &verdict["holds"]), (&5, &json!(false)));
        verdict["files"][file]["problems"].to_string()
    };
    let answer = altered(&folder, |dir, _| {
        fs::write(dir.join("files/02 ملاحظة.txt"), "what the guard sald").unwrap();
    });
    assert!(problems(&answer, 1).contains("not the one that was recorded"));
    assert_eq!(problems(&answer, 0), "[]");

    let answer = altered(&folder, |_, proof| proof["people"] = json!({}));
    assert_eq!((problems(&answer, 0).as_str(), &answer.1["sealed"]), ("[]", &json!(false)));

    let answer = altered(&folder, |_, proof| {
        proof["files"][0]["record"]["original_name"] = json!("another.jpg");
    });
    assert!(problems(&answer, 0).contains("not what its entries say"));

    let answer = altered(&folder, |_, proof| {
        let at = chain_of(proof, 0);
        proof["chains"][at]["runs"][0]["entries"][0]["local"][0] = json!(0);
    });
    assert!(problems(&answer, 0).contains("do not verify"));

    let answer = altered(&folder, |_, proof| {
        let at = chain_of(proof, 0);
        let device = proof["chains"][1 - at]["device"].clone();
        proof["chains"][at]["device"] = device;
    });
    assert!(problems(&answer, 0).contains("do not verify"));

    let answer = altered(&folder, |_, proof| {
        let entries = proof["files"][1]["entries"].as_array_mut().unwrap();
        entries.pop();
    });
    assert!(problems(&answer, 1).contains("not what its entries say"));

    let answer = altered(&folder, |_, proof| {
        let file = proof["files"][0].clone();
        proof["files"].as_array_mut().unwrap().push(file);
    });
    assert!(problems(&answer, 2).contains("twice"));

    for path in ["../evidence.json", "files/../../secret", "/etc/passwd", "files/", "files/a\\b"] {
        let answer = altered(&folder, |_, proof| proof["files"][0]["path"] = json!(path));
        assert!(problems(&answer, 0).contains("does not lead into the folder"), "{path}");
    }
    #[cfg(unix)]
    {
        let answer = altered(&folder, |dir, _| {
            let file = dir.join("files/01 gate_gpj.exe");
            fs::rename(&file, dir.join("elsewhere")).unwrap();
            std::os::unix::fs::symlink(dir.join("elsewhere"), file).unwrap();
        });
        assert!(problems(&answer, 0).contains("no file"));
        assert_eq!(answer.1["others"], json!(["elsewhere"]));
    }
    let answer = altered(&folder, |dir, _| fs::remove_file(dir.join("files/01 gate_gpj.exe")).unwrap());
    assert!(problems(&answer, 0).contains("cannot be read"));

    // A file that was left out on purpose is no failure of the others; the folder's own signature tells that it was altered.
    let answer = altered(&folder, |_, proof| {
        proof["files"][0].as_object_mut().unwrap().remove("path");
    });
    assert_eq!((problems(&answer, 0).as_str(), &answer.1["sealed"]), ("[]", &json!(false)));
}

#[test]
fn what_is_no_evidence_folder_says_so() {
    let home = Home::none();
    let folder = home.path().with_file_name("none");
    assert_eq!(verify(&folder).0, 3);
    fs::create_dir_all(&folder).unwrap();
    let answer = |bytes: &[u8]| {
        fs::write(folder.join("evidence.json"), bytes).unwrap();
        run(program().args(["--json", "evidence", "verify", text(&folder)])).error(3)["message"].to_string()
    };
    assert!(answer(b"").contains("line 1, column 0"));
    assert!(answer(b"{\n  \"format\": 7}").contains("line 2"));
    assert!(answer(b"{}").contains("not an evidence folder"));
    assert!(answer(b"{\"format\":\"firsthand evidence\",\"version\":9}").contains("version 9"));
    assert!(answer(&[b'['; 100_000]).contains("line 1"));
}

#[test]
fn a_file_that_was_destroyed_leaves_its_record_and_its_proof() {
    let (lead, responder) = lead_and_responder();
    let code = lead.add(&["--title", "Crowd at the bridge"]);
    let photo = lead.file("faces.jpg", [0xff, 0xd8, 0xff, 0xe0, 7, 7, 7]);
    lead.run(&["incident", "attach", &code, text(&photo)]).fine();
    meet(&lead, &responder);
    let destroy = ["evidence", "destroy", &code, "faces.jpg", "--reason", "she asked for it"];
    // Without the right to it, it is proposed.
    let proposed = responder.json(&destroy).json();
    assert_eq!(
        (&proposed["here"], &proposed["destroy_proposals"][0]["by"]),
        (&true.into(), &"Daniel".into())
    );
    meet(&lead, &responder);
    assert_eq!(lead.json(&["incident", "show", &code]).json()["attachments"][0]["here"], true);
    let empty = ["evidence", "destroy", &code, "faces.jpg", "--reason", " "];
    assert_eq!(lead.json(&empty).error(3)["details"][0]["field"], "reason");

    let done = lead.run(&destroy).fine().stdout;
    assert!(done.contains("destroyed by Amina") && done.contains("she asked for it"), "{done}");
    assert_eq!(lead.json(&destroy).error(3)["kind"], "destroyed");
    let to = lead.path().with_file_name("out");
    let save = ["incident", "save-file", &code, "faces.jpg", "--to", text(&to)];
    assert_eq!(lead.json(&save).error(3)["kind"], "destroyed");
    meet(&lead, &responder);
    assert_eq!(responder.json(&save).error(3)["kind"], "destroyed");
    assert_eq!(std::fs::read_dir(responder.path().join("attachments")).unwrap().count(), 0);
    responder.run(&["check"]).fine();

    let folder = lead.path().with_file_name("folder");
    assert_eq!(lead.json(&["evidence", "export", &code, text(&folder)]).json()["files"], 0);
    let (status, verdict) = verify(&folder);
    assert_eq!((status, &verdict["holds"]), (0, &true.into()));
    let file = &verdict["files"][0];
    assert_eq!((&file["path"], &file["byte_len"]), (&Value::Null, &7.into()));
    assert_eq!(
        (&file["destroyed"]["name"], &file["destroyed"]["reason"]),
        (&"Amina".into(), &"she asked for it".into())
    );
    let human = run(program().args(["evidence", "verify", text(&folder)])).fine().stdout;
    assert!(
        human.contains("proven, the file itself destroyed") && human.contains("destroyed by Amina"),
        "{human}"
    );
}
