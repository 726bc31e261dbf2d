//! The program is killed at moments spread over what it does: what it said is saved is there, once.

use std::hint;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Home;

/// How often it is killed on each home. Each start tries the passphrase, which is made to take long.
const KILLS: u64 = 10;
const HOMES: u64 = 2;
/// The moment of a kill is spread over so many microseconds from the start.
const SPREAD: u64 = 250_000;

/// Moments that fall evenly into the spread, in an order that jumps: steps of the golden ratio.
fn moment(number: u64) -> Duration {
    Duration::from_micros((number + 1) * 154_508 % SPREAD)
}

/// Starts a command, kills it, and gives what it had said, if it had said all.
fn run_and_kill(home: &Home, args: &[&str], moment: Duration) -> Option<Value> {
    let mut command = home.command(args);
    let mut child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Without giving the processor away: the moment must not snap to the ticks of the scheduler.
    let until = Instant::now() + moment;
    while Instant::now() < until {
        hint::spin_loop();
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

/// Titles and ids of everything in the list.
fn list(home: &Home) -> (Vec<String>, Vec<String>) {
    let list = home.json(&["incident", "list"]).json();
    let items = list["items"].as_array().unwrap();
    let all = |key: &str| items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect();
    (all("title"), all("id"))
}

#[test]
fn nothing_it_said_is_saved_is_lost() {
    for number in 0..HOMES {
        let home = Home::with_team();
        let rows: String = (0..60).map(|row| format!("row {row},{}\n", row % 40)).collect();
        let file = home.file("rows.csv", format!("title,weather\n{rows}"));
        let mut said = Vec::new();
        for kill in 0..KILLS {
            let moment = moment(number * KILLS + kill);
            if kill % 3 == 2 {
                run_and_kill(&home, &["import", file.to_str().unwrap()], moment);
            } else {
                let added =
                    run_and_kill(&home, &["incident", "add", "--title", &format!("kill {kill}")], moment);
                said.extend(added.and_then(|added| added["id"].as_str().map(str::to_owned)));
            }
            // Each start that is cut off while it tries the passphrase has cost a try, and ten are too many.
            if kill % 5 == 4 {
                let (mut titles, ids) = list(&home);
                assert!(said.iter().all(|id| ids.contains(id)), "an incident that was saved is gone");
                let count = titles.len();
                titles.sort_unstable();
                titles.dedup();
                assert_eq!(titles.len(), count, "something was saved twice");
            }
        }
        home.run(&["import", file.to_str().unwrap()]).fine();
        let imported = list(&home).0.iter().filter(|title| title.starts_with("row")).count();
        assert_eq!(imported, 60);
        home.run(&["check"]).fine();
    }
}
