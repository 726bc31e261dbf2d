//! A phone is taken: locked it tells nothing, and unlocked later it gets and gives nothing more.

use std::path::Path;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use crate::support::{Home, Running, join, meet, text};

/// Names and words that are in the taken phone, and nowhere else in the world.
const TEAM: &str = "Wexelbrunn Harbour";
const LEAD: &str = "Amina Quorthane";
const TAKEN: &str = "Daniel Vyxtorbel";
const OTHER: &str = "Chidi Zhuwermont";
const TITLE: &str = "Krolvenghast Bridge";
const STORY: &str = "Two men in a grey Plimvaxer asked for the list";
const CONTACT: &str = "Rose Oombaltwick";
const FILE: &str = "drozzlefint.txt";
const IN_FILE: &str = "Nineteen Yarrowmeps at the gate";
const CANARIES: [&str; 9] = [TEAM, LEAD, TAKEN, OTHER, TITLE, STORY, CONTACT, FILE, IN_FILE];

/// Every way in which a word could lie on a disk.
fn forms(word: &str) -> Vec<Vec<u8>> {
    let wide: Vec<u16> = word.encode_utf16().collect();
    let mut forms = vec![
        word.as_bytes().to_vec(),
        wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        wide.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        HEXLOWER.encode(word.as_bytes()).into_bytes(),
        HEXUPPER.encode(word.as_bytes()).into_bytes(),
    ];
    // Base 64 depends on what stands before; the middle of it is the same.
    for before in 0..3 {
        let bytes = [&vec![0; before][..], word.as_bytes()].concat();
        let encoded = BASE64.encode(&bytes).into_bytes();
        forms.push(encoded[4..encoded.len() - 4].to_vec());
    }
    forms
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|part| part == form)
}

/// Which words are found in a folder, in its files or their names.
fn found(dir: &Path) -> Vec<&'static str> {
    let mut bytes = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            bytes.extend(path.to_string_lossy().as_bytes());
            if path.is_dir() {
                folders.push(path);
            } else {
                bytes.extend(std::fs::read(path).unwrap());
            }
        }
    }
    CANARIES.into_iter().filter(|word| forms(word).iter().any(|form| contains(&bytes, form))).collect()
}

/// Somebody who waits for others, and where.
fn waits(home: &Home) -> (Running, String) {
    let mut waiting = home.start(&["--json", "sync", "--listen", "127.0.0.1:0"]);
    let address = waiting.json()["address"].as_str().unwrap().to_owned();
    (waiting, address)
}

#[test]
fn a_phone_is_seized() {
    let lead = Home::none();
    lead.run(&["team", "create", "--team", TEAM, "--as", LEAD]).fine();
    let (taken, other) = (Home::none(), Home::none());
    join(&lead, &taken, TAKEN);
    join(&lead, &other, OTHER);
    let code = taken.add(&["--title", TITLE, "--narrative", STORY]);
    let file = taken.file(FILE, IN_FILE);
    taken.run(&["incident", "attach", &code, text(&file)]).fine();
    taken.run(&["emergency", "set", "--name", CONTACT, "--phone", "+254700000001"]).fine();
    meet(&lead, &taken);
    meet(&lead, &other);
    std::fs::remove_file(file).unwrap();

    // Open, it shows all of that; so the search below looks for the right words.
    let open = taken.run(&["team", "show"]).fine().stdout
        + &taken.run(&["incident", "show", &code]).fine().stdout
        + &taken.run(&["emergency", "list"]).fine().stdout;
    for word in CANARIES.into_iter().filter(|word| *word != IN_FILE) {
        assert!(open.contains(word), "{word}: {open}");
    }
    // Locked, its disk holds none of it, and it says none of it to somebody who guesses.
    assert_eq!(found(&taken.path()), Vec::<&str>::new());
    for args in [&["team", "show"][..], &["incident", "list"], &["team", "devices"], &["check"]] {
        let mut guess = taken.command(args);
        let guess = crate::support::run(guess.env("FIRSTHAND_PASSPHRASE", "let me in"));
        assert_eq!((guess.status, guess.stdout.as_str()), (4, ""), "{args:?}");
        assert!(!CANARIES.iter().any(|word| guess.stderr.contains(word)), "{}", guess.stderr);
    }

    // The lead takes it out, from another phone and with no internet; keys rotate at once, and a second person confirms.
    lead.run(&["team", "revoke", TAKEN, "--reason", "seized"]).fine();
    let removal = lead.json(&["team", "devices"]).json()["removals"][0]["removal"].clone();
    meet(&lead, &other);
    other.run(&["team", "confirm", &removal.as_str().unwrap()[..8]]).fine();
    meet(&lead, &other);
    let epochs = |home: &Home| {
        let mut items = home.json(&["team", "epochs"]).json()["items"].clone();
        items[0]["epochs"].take()
    };
    let keys = epochs(&lead);
    let current = keys.as_array().unwrap().iter().find(|it| it["state"] == "sealing").unwrap();
    let readers = current["readers"].as_array().unwrap();
    assert!(readers.len() == 2 && readers.iter().all(|it| it["name"] != TAKEN), "{current}");
    assert_eq!(epochs(&other), keys);

    // What had been exchanged survives, evidence too.
    for home in [&lead, &other] {
        assert!(home.run(&["incident", "show", &code]).fine().stdout.contains(STORY));
        home.run(&["incident", "verify-file", &code, FILE]).fine();
    }
    let later = lead.add(&["--title", "after it was taken"]);
    let stick = lead.path().with_file_name("later.firsthand");
    lead.run(&["bundle", "export", text(&stick), "--all", "--with-files"]).fine();
    meet(&lead, &other);
    let digest = lead.digest();

    // Unlocked by whoever has it, it writes, calls everybody, and tries what lies around.
    taken.add(&["--title", "by whoever has the phone"]);
    let size = |home: &Home| home.json(&["team", "show"]).json()["counts"]["entries"].clone();
    let had = size(&taken);
    for home in [&lead, &other] {
        let (mut waiting, address) = waits(home);
        assert_eq!(taken.json(&["sync", "--with", &address, "--once"]).error(6)["kind"], "not_a_member");
        waiting.terminate();
        waiting.status();
    }
    // Somebody who comes by on purpose is turned away as well.
    let (mut waiting, address) = waits(&taken);
    assert_eq!(lead.json(&["sync", "--with", &address, "--once"]).error(6)["kind"], "not_a_member");
    waiting.terminate();
    waiting.status();
    assert_ne!(taken.run(&["bundle", "import", text(&stick)]).status, 0);
    assert_eq!(size(&taken), had, "it has nothing that it had not");
    assert_eq!(taken.run(&["incident", "show", &later]).status, 3);
    assert!(!taken.run(&["incident", "list"]).fine().stdout.contains("after it was taken"));
    assert_eq!((lead.digest(), other.digest()), (digest.clone(), digest));
    assert_eq!(taken.json(&["incident", "add", "--title", "more"]).error(1)["kind"], "removed");
    assert_eq!(found(&taken.path()), Vec::<&str>::new());
    for home in [&lead, &other, &taken] {
        home.run(&["check"]).fine();
    }
}
