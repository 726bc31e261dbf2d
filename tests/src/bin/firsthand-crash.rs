//! A device that works until somebody kills it. `tests/tests/kill.rs` is that somebody.
//!
//! - `firsthand-crash log HOME SEED` opens the home (making it where there is none) and logs, edits, imports and
//!   attaches. What it is about to do goes to standard output, and after every save a line with the chain and how far
//!   it is: from then on it must survive.
//! - `firsthand-crash meet HOME ADDRESS` meets a member once and says so.
//! - `firsthand-crash seal HOME` seals a file, says so, and records it only once standard input ends.
//! - `firsthand-crash hold HOME` holds a home until standard input ends.

use std::env;
use std::io::{self, Write};
use std::path::Path;

use firsthand_node::{NewFile, Node};
use firsthand_record::Incident;
use firsthand_tests::{Clock, Dice, Expected, Person, World, crashing};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["log", home, seed] => log(Path::new(home), seed.parse().expect("a seed")),
        ["meet", home, address] => meet(Path::new(home), address),
        ["seal", home] => seal(Path::new(home)),
        ["hold", home] => hold(Path::new(home)),
        _ => panic!("firsthand-crash log HOME SEED | meet HOME ADDRESS | seal HOME | hold HOME"),
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").expect("somebody listens");
    out.flush().expect("somebody listens");
}

/// Works without an end.
fn log(home: &Path, seed: u64) {
    let ledger = crashing::open(home, seed).expect("the home opens");
    let mut world = World::within(seed, home.to_owned());
    let device = world.move_in_as("Amina", ledger);
    let mut person = Person::new(seed);
    let mut expected = Expected::default();
    loop {
        say(crashing::BEGIN);
        let known = expected.entries.len();
        person.act(&mut world, &mut expected, device);
        for (writer, mark) in &expected.entries[known..] {
            let prefix = u64::from_be_bytes(mark.prefix);
            say(&format!("{writer} {} {prefix}", mark.position.0));
        }
    }
}

fn meet(home: &Path, address: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let node =
            Node::open(home, crashing::passphrase(), crashing::environment()).await.expect("the home opens");
        say(crashing::BEGIN);
        node.meet_once(address).await.expect("a meeting");
        say("met");
        node.shutdown().await.expect("an end");
    });
}

fn seal(home: &Path) {
    let mut ledger = crashing::open(home, 0).expect("the home opens");
    let mut dice = Dice::new(1, 11);
    let now = Clock::default().at(0);
    let incident = ledger.add_incident(Incident::default(), now, dice.rng()).expect("an incident").id;
    let content = dice.fill(600_000);
    let sealed =
        ledger.sealer().seal(&mut content.as_slice(), dice.rng(), &mut |_| true).expect("a sealed file");
    say("sealed");
    io::stdin().lines().for_each(drop);
    let said = NewFile { name: "photo.jpg".to_owned(), ..NewFile::default() };
    ledger.record_file(incident, sealed, said, now, dice.rng()).expect("a record");
    say("recorded");
}

fn hold(home: &Path) {
    match crashing::open(home, 0) {
        Ok(_ledger) => {
            say("open");
            io::stdin().lines().for_each(drop);
        }
        Err(error) => say(&error.to_string()),
    }
}
