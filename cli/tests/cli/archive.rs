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
