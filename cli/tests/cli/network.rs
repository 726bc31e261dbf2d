//! Journey 17 with the real program: two teams, each with its own home, and a network that both join.

use std::path::Path;

use serde_json::Value;

use crate::support::{Home, meet, text};

/// A network founded by the person of a team, and the home of another team's lead in it.
fn network() -> (Home, Home) {
    let (first, second) = (Home::none(), Home::none());
    first.run(&["network", "found", "--network", "River monitors", "--as", "Amina (River)"]).fine();
    let mut invite = first.start(&["team", "invite", "--listen", "127.0.0.1:0", "--role", "lead", "--yes"]);
    let code = invite.line();
    second.run(&["team", "join", &code, "--as", "Bea (Hill)", "--yes"]).fine();
    assert_eq!(invite.status(), 0);
    (first, second)
}

fn why(share: &Value, what: &str) -> Option<String> {
    let withheld = share["withheld"].as_array().unwrap();
    let found = withheld.iter().find(|it| it["what"] == what)?;
    Some(found["why"].as_str().unwrap().to_owned())
}

/// Whether any file below a folder holds these words in the clear.
fn holds(folder: &Path, words: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, words);
        }
        std::fs::read(path).unwrap().windows(words.len()).any(|window| window == words.as_bytes())
    })
}

#[test]
fn two_teams_share_what_they_marked_for_each_other() {
    const SECRET: &str = "the well behind the blue shop";
    let river = Home::with_team();
    let hill = Home::none();
    hill.run(&["team", "create", "--team", "Hill watch", "--as", "Bea"]).fine();
    let (amina, bea) = network();
    assert_eq!(amina.json(&["team", "show"]).json()["network"], true);
    assert_eq!(river.json(&["team", "show"]).json()["network"], false);
    let to = amina.path();
    let to = text(&to);

    let code = river.add(&[
        "--title",
        "Crowd at the bridge, call +254 712 345 678",
        "--narrative",
        SECRET,
        "--place",
        "-1.286412,36.817234",
        "--sensitivity",
        "network",
    ]);
    let own = river.add(&["--title", "Only for the team"]);
    let photo = river.file(
        "bridge.gif",
        b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x05Amina\0,\0\0\0\0\x01\0\x01\0\0\x02\x01\x44\0;",
    );
    river.run(&["incident", "attach", &code, text(&photo), "--people", "none"]).fine();

    // What is not marked stays; a team is no network.
    let refused = river.json(&["network", "share", &own, "--to", to]);
    assert_eq!(refused.error(3)["kind"], "not_shared");
    let hill_home = hill.path();
    let wrong = river.json(&["network", "share", &code, "--to", text(&hill_home)]);
    assert_eq!(wrong.error(3)["kind"], "not_network");

    // First a look, of which nothing stays.
    let preview = river.json(&["network", "share", &code, "--to", to, "--preview"]).json();
    let share = &preview["items"][0];
    assert_eq!(share["record"]["title"], "Crowd at the bridge, call [withheld]");
    assert_eq!(why(share, "place").as_deref(), Some("coarsened"));
    assert_eq!(why(share, "narrative").as_deref(), Some("text"));
    assert_eq!(share["files"][0], "bridge.gif");
    let marked = river.json(&["network", "status", "--to", to]).json();
    assert_eq!((marked["items"].as_array().unwrap().len(), &marked["items"][0]["copy"]), (1, &Value::Null));

    let human = river.run(&["network", "share", &code, "--to", to]).fine().stdout;
    for words in ["is shared as", "with bridge.gif, the picture alone", "not narrative: free words"] {
        assert!(human.contains(words), "{human}");
    }
    let again = river.json(&["network", "share", &code, "--to", to]).json();
    assert_eq!((&again["items"][0]["created"], &again["items"][0]["changed"]), (&false.into(), &0.into()));
    let marked = river.json(&["network", "status", "--to", to]).json();
    assert!(marked["items"][0]["copy"]["short_code"].is_string());

    meet(&amina, &bea);
    let list = bea.json(&["incident", "list"]).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let copy = list["items"][0]["short_code"].as_str().unwrap();
    let shown = bea.json(&["incident", "show", copy]).json();
    assert_eq!(shown["record"]["title"], "Crowd at the bridge, call [withheld]");
    assert_eq!(shown["record"]["place"]["lat"], -1.25);
    let out = bea.path().with_file_name("out.gif");
    let name = shown["attachments"][0]["name"].as_str().unwrap();
    bea.run(&["incident", "save-file", copy, name, "--to", text(&out)]).fine();
    assert!(!holds(out.parent().unwrap(), "Amina"), "the comment in the picture");
    assert!(!shown.to_string().contains(SECRET) && !shown.to_string().contains("345 678"));
    let people = bea.json(&["person", "list"]).json().to_string();
    assert!(people.contains("Amina (River)") && !people.contains("Only for the team"));

    // The other team's own home knows nothing of it, and the two teams do not open to each other.
    assert_eq!(hill.json(&["incident", "list"]).json()["items"].as_array().unwrap().len(), 0);
    let mut listening = river.start(&["sync", "--listen", "127.0.0.1:0", "--once"]);
    let address = listening.line();
    assert_ne!(hill.run(&["sync", "--with", &address, "--once"]).status, 0);
    drop(listening);

    // With its words, when somebody asks for it; and taken back when it is no longer marked.
    river.run(&["network", "share", &code, "--to", to, "--with-text"]).fine();
    meet(&amina, &bea);
    assert!(bea.json(&["incident", "show", copy]).json().to_string().contains(SECRET));
    river.run(&["incident", "edit", &code, "--sensitivity", "team"]).fine();
    let back = river.run(&["network", "share", &code, "--to", to]).fine().stdout;
    assert!(back.contains("is taken back") && back.contains("1 file taken back"), "{back}");
    meet(&amina, &bea);
    assert_eq!(bea.json(&["incident", "list"]).json()["items"].as_array().unwrap().len(), 0);
}
