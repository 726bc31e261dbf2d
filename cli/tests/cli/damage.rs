//! Damaged homes, full disks, and two programs on one home, as a person or a script meets them.

use std::fs;

use crate::support::{Home, program, run};

/// A home with twelve incidents.
fn filled() -> Home {
    let home = Home::with_team();
    for number in 0..12 {
        home.run(&["incident", "add", "--title", &format!("incident {number}")]).fine();
    }
    home
}

fn incidents(home: &Home) -> usize {
    home.json(&["incident", "list"]).json()["items"].as_array().unwrap().len()
}

fn spoil(home: &Home, name: &str, with: impl FnOnce(&mut Vec<u8>)) {
    let path = home.path().join(name);
    let mut bytes = fs::read(&path).unwrap();
    with(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_home_needs_no_repair() {
    let home = filled();
    let before = fs::read(home.path().join("store.db")).unwrap();
    let repaired = home.json(&["check", "--repair"]).json();
    assert_eq!((&repaired["repaired"], &repaired["check"]["ok"]), (&false.into(), &true.into()));
    assert_eq!(repaired["items"].as_array().unwrap().len(), 0);
    assert_eq!(fs::read(home.path().join("store.db")).unwrap(), before);
    assert!(home.run(&["check", "--repair"]).fine().stdout.contains("Nothing had to be repaired."));
}

#[test]
fn a_broken_first_page_is_repaired_without_loss() {
    let home = filled();
    spoil(&home, "store.db", |bytes| bytes[100..3000].fill(0));
    let broken = fs::read(home.path().join("store.db")).unwrap();
    for command in [&["incident", "list"][..], &["check"]] {
        let error = home.json(command).error(5);
        assert_eq!(error["kind"], "damaged");
        assert!(error["hint"].as_str().unwrap().contains("check --repair"));
    }
    assert_eq!(fs::read(home.path().join("store.db")).unwrap(), broken);
    let repaired = home.json(&["check", "--repair"]).json();
    assert_eq!((&repaired["repaired"], &repaired["entries_lost"]), (&true.into(), &0.into()));
    assert_eq!(repaired["entries_read"], repaired["entries_kept"]);
    let aside = repaired["set_aside"][0].as_str().unwrap();
    assert_eq!(fs::read(format!("{aside}/store.db")).unwrap(), broken);
    assert_eq!(incidents(&home), 12);
    home.run(&["incident", "add", "--title", "after"]).fine();
    home.run(&["check"]).fine();
    assert_eq!(home.json(&["check", "--repair"]).json()["repaired"], false);
}

#[test]
fn what_is_lost_is_said_and_ends_with_five() {
    let home = filled();
    spoil(&home, "store.db", |bytes| bytes.truncate(20_000));
    let run = home.run(&["check", "--repair"]);
    assert_eq!(run.status, 5, "{} {}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Lost here: entries 1 to 13 of this device"), "{}", run.stdout);
    assert!(run.stdout.contains("Nothing was deleted."));
    assert!(run.stderr.contains("firsthand sync"), "{}", run.stderr);
    // The home works, and says what it misses.
    let added = home.run(&["incident", "add", "--title", "meanwhile"]).fine();
    assert!(added.stderr.contains("Recovering") && added.stderr.contains("13 entries"), "{}", added.stderr);
    let team = home.json(&["team", "show"]).json();
    assert_eq!(
        (&team["recovery"]["missing_entries"], &team["recovery"]["new_writer"]),
        (&13.into(), &false.into())
    );
    assert!(home.run(&["team", "show"]).fine().stdout.contains("Missing here: 13 entries"));
    assert_eq!(home.json(&["check", "--repair"]).json()["repaired"], false);
    assert_eq!(incidents(&home), 1);
}

/// A limit on the length of files stands in for a full disk.
#[test]
#[cfg(target_os = "linux")]
fn what_does_not_fit_is_not_saved_and_nothing_is_half_done() {
    let home = filled();
    let photo = home.path().with_extension("jpg");
    fs::write(&photo, [b"\xff\xd8\xff".to_vec(), vec![5; 3_000_000]].concat()).unwrap();
    let code = home.json(&["incident", "list"]).json()["items"][0]["short_code"].as_str().unwrap().to_owned();
    let limited = |kib: u32, args: &str| {
        let command = format!(
            "trap '' XFSZ; ulimit -f {kib}; exec \"$0\" --json --home '{}' {args}",
            home.path().display()
        );
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &command, env!("CARGO_BIN_EXE_firsthand")]);
        shell.env("FIRSTHAND_PASSPHRASE", crate::support::PASSPHRASE);
        run(&mut shell)
    };
    let refused = limited(2000, &format!("incident attach {code} '{}'", photo.display())).error(1);
    assert_eq!(refused["kind"], "disk_full", "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("Make room"), "{refused}");
    let refused = limited(40, "incident add --title refused").error(1);
    assert!(refused["kind"] == "disk_full" || refused["kind"] == "disk", "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("do it again"), "{refused}");
    home.run(&["check"]).fine();
    assert_eq!(incidents(&home), 12);
    assert_eq!(fs::read_dir(home.path().join("attachments")).unwrap().count(), 0);
    home.run(&["incident", "attach", &code, photo.to_str().unwrap()]).fine();
    home.run(&["incident", "add", "--title", "now there is room"]).fine();
    home.run(&["check"]).fine();
}

/// One program at a time, by whatever path; one that was killed holds nothing.
#[test]
#[cfg(unix)]
fn seven_while_another_program_has_the_home_open() {
    let home = filled();
    let other = home.path().with_extension("link");
    std::os::unix::fs::symlink(home.path(), &other).unwrap();
    // Another folder whose files are the same files.
    let hard = home.path().with_extension("hard");
    fs::create_dir(&hard).unwrap();
    for name in ["store.db", "head", "slots", "lock"] {
        fs::hard_link(home.path().join(name), hard.join(name)).unwrap();
    }
    let mut listening = home.start(&["sync", "--listen", "127.0.0.1:0"]);
    assert!(listening.line().starts_with("127.0.0.1:"));
    for path in [home.path().to_owned(), other, hard] {
        let mut command = program();
        command.env("FIRSTHAND_PASSPHRASE", crate::support::PASSPHRASE);
        let error =
            run(command.args(["--json", "--home", path.to_str().unwrap(), "check", "--repair"])).error(7);
        assert_eq!(error["kind"], "in_use");
    }
    // Killed: it has no time to give anything back.
    drop(listening);
    home.run(&["check"]).fine();
}
