//! The field day.

use crate::support::{Home, program, run, text};

#[test]
fn three_devices_end_with_one_digest() {
    let report = run(program().args(["demo", "--json"])).json();
    assert_eq!(report["same"], true);
    let digests: Vec<&str> = report["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| device["digest"].as_str().unwrap())
        .collect();
    assert_eq!(digests.len(), 3);
    assert!(digests.iter().all(|digest| *digest == digests[0] && digest.len() == 64));
    assert!(report["items"].as_array().unwrap().len() > 40);
    assert!(
        report["meetings"].as_array().unwrap().iter().all(|meeting| meeting["bytes"].as_u64().unwrap() > 0)
    );
    assert_eq!(report["conflict"]["settled"], "Severe");
    let killed = &report["killed"];
    assert!(killed["incidents_after_crash"].as_u64() < killed["incidents_at_the_end"].as_u64());
    #[cfg(unix)]
    assert_eq!(killed["signal"], 9);
    let relay = &report["relay"];
    assert!(relay["incidents"].as_u64().unwrap() > 40 && relay["searched_bytes"].as_u64().unwrap() > 20_000);
    assert_eq!(relay["words_found"], 0);
    assert!(report["seconds"].as_f64().unwrap() < 60.0);
}

#[test]
fn the_story_is_told_and_the_homes_can_be_kept() {
    let place = Home::none();
    let dir = place.path();
    let told = run(program().arg("demo").arg(&dir)).fine().stdout;
    let digests: Vec<&str> = told
        .split_whitespace()
        .filter(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    assert_eq!(digests.len(), 3);
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    let again = run(program().env("FIRSTHAND_PASSPHRASE", "the demo passphrase of Daniel").args([
        "--home",
        text(&dir.join("daniel")),
        "digest",
    ]));
    assert_eq!(again.fine().stdout.trim(), digests[0]);
    assert_eq!(run(program().arg("demo").arg(&dir).arg("--json")).error(3)["kind"], "bad_input");
}
