//! The end of the time for which files are kept.

use crate::support::{lead_and_responder, meet};

#[test]
fn files_past_their_day_are_listed_and_destroyed_by_a_lead() {
    let (lead, daniel) = lead_and_responder();
    let incident = lead.add(&["--title", "At the bridge", "--retention-until", "2020-01-31"]);
    let kept = lead.add(&["--title", "At the market", "--retention-until", "2999-01-31"]);
    for (incident, name) in [(&incident, "bridge.txt"), (&kept, "market.txt")] {
        let path = lead.path().join(name);
        std::fs::write(&path, "who was there").unwrap();
        lead.run(&["incident", "attach", incident, path.to_str().unwrap()]).fine();
    }
    meet(&lead, &daniel);

    let listed = lead.run(&["archive", "retention"]).fine().stdout;
    assert!(listed.contains("bridge.txt") && listed.contains("2020-01-31"), "{listed}");
    assert!(!listed.contains("market.txt") && listed.contains("nothing was destroyed"), "{listed}");
    // Nobody who is asked and does not say yes has said yes.
    let refused = lead.run_with_input(&["archive", "retention", "--destroy"], "no\n");
    assert!(refused.status == 1 && refused.stderr.contains("bridge.txt"), "{}", refused.stderr);

    let proposed = daniel.json(&["archive", "retention", "--destroy", "--yes"]).json();
    assert_eq!(
        (proposed["items"].as_array().unwrap().len(), &proposed["items"][0]["destroyed"]),
        (1, &false.into())
    );
    meet(&lead, &daniel);
    let listed = lead.run(&["archive", "retention"]).fine().stdout;
    assert!(listed.contains("proposed"), "{listed}");
    let destroyed = lead.run(&["archive", "retention", "--destroy", "--yes"]).fine().stdout;
    assert!(destroyed.contains("destroyed: 1 file"), "{destroyed}");
    meet(&lead, &daniel);
    for home in [&lead, &daniel] {
        let none = home.run(&["archive", "retention"]).fine().stdout;
        assert!(none.contains("no file is past the day"), "{none}");
        let shown = home.run(&["incident", "show", &incident]).fine().stdout;
        assert!(shown.contains("kept until 2020-01-31"), "{shown}");
        home.run(&["check"]).fine();
    }
}

#[test]
fn a_closed_period_reads_as_before_and_reaches_a_newcomer() {
    let (lead, daniel) = lead_and_responder();
    let codes: Vec<_> = (0..40)
        .map(|number| {
            lead.add(&["--title", &format!("At the bridge {number}"), "--narrative", "Two men stopped us."])
        })
        .collect();
    lead.run(&["incident", "edit", &codes[0], "--severity", "Severe"]).fine();
    let empty = lead.json(&["archive", "close", "--until", "2020-01-31", "--yes"]).json();
    assert_eq!((&empty["documents"], &empty["database_after"]), (&0.into(), &serde_json::Value::Null));
    assert!(lead.run(&["archive", "list"]).fine().stdout.contains("nothing is closed"));

    let (digest, shown) = (lead.digest(), lead.run(&["incident", "history", &codes[0]]).fine().stdout);
    let until = ["archive", "close", "--until", "2999-12-31"];
    let preview = lead.json(&[&until[..], &["--dry-run"]].concat()).json();
    assert!(preview["documents"].as_u64().unwrap() >= 40 && preview["dry_run"] == true, "{preview}");
    // Nobody who is asked and does not say yes has said yes.
    let refused = lead.run_with_input(&until, "no\n");
    assert!(refused.status == 1 && refused.stderr.contains("would take"), "{}", refused.stderr);
    assert!(lead.run(&["archive", "status"]).fine().stdout.contains("nothing is closed"));

    let said = lead.run_with_input(&until, "yes\n").fine().stdout;
    assert!(said.contains("now take") && said.contains("the database took"), "{said}");
    let listed = lead.json(&["archive", "list"]).json();
    let period = &listed["items"][0];
    assert_eq!((&period["documents"], &period["finished"]), (&preview["documents"], &true.into()));
    assert_eq!(period["content_after"], preview["content_after"]);
    assert!(period["before"].as_str().unwrap().starts_with("3000-01-01"), "{period}");
    let table = lead.run(&["archive", "list"]).fine().stdout;
    assert!(table.contains("->") && table.lines().count() >= 2, "{table}");

    assert_eq!(lead.digest(), digest);
    assert_eq!(lead.run(&["incident", "history", &codes[0]]).fine().stdout, shown);
    lead.run(&["check"]).fine();
    meet(&lead, &daniel);
    assert_eq!(daniel.digest(), digest);
    lead.run(&["incident", "edit", &codes[0], "--severity", "Minor"]).fine();
    meet(&lead, &daniel);
    assert_eq!(daniel.digest(), lead.digest());
    let again = lead.json(&[&until[..], &["--yes"]].concat()).json();
    assert_eq!(again["documents"], 1);
    lead.run(&["check"]).fine();
}
