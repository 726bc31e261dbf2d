//! Programs that are killed at any moment: what they said is saved is there.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::hint;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use firsthand_ids::{Position, WriterId};
use firsthand_log::Vector;
use firsthand_node::{Event, IncidentQuery, Ledger, Node, NodeError, Role};
use firsthand_record::generate::Generator;
use firsthand_store::{Home, StoreError};
use firsthand_tests::{Dice, crashing, folder, seeds};

const HOMES: u64 = 50;
const KILLS: u64 = 20;

/// A process that is being started has a copy of every open file for a moment, the locks of homes included. So nobody
/// holds a home meanwhile, who would then seem to hold it still.
static STARTING: RwLock<()> = RwLock::new(());

fn start(arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let _starting = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(env!("CARGO_BIN_EXE_firsthand-crash"));
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Lets so many microseconds pass without giving the processor away: the moment of a kill must not snap to the ticks of
/// the scheduler.
fn spin(micros: usize) {
    let until = Instant::now() + Duration::from_micros(micros as u64);
    while Instant::now() < until {
        hint::spin_loop();
    }
}

/// How far each chain was said to be saved, and the beginning of its head's hash.
type Saved = BTreeMap<WriterId, (Position, [u8; 8])>;

/// Runs the program, kills it, and notes what it said before.
fn run_and_kill(home: &Path, seed: u64, dice: &mut Dice, saved: &mut Saved) {
    let (mut child, mut out) = start(&["log", home.to_str().unwrap(), &seed.to_string()]);
    // The first kills of a home fall into its making.
    let actions = if dice.percent(10) { 0 } else { 1 + dice.below(15) };
    let mut said = String::new();
    let mut begun = 0;
    while begun < actions {
        let at = said.len();
        assert_ne!(out.read_line(&mut said).unwrap(), 0, "the program ended by itself");
        begun += usize::from(said[at..].trim_end() == crashing::BEGIN);
    }
    spin(dice.below(if actions == 0 { 30_000 } else { 4_000 }));
    child.kill().unwrap();
    child.wait().unwrap();
    // What was in the pipe was said before.
    out.read_to_string(&mut said).unwrap();
    for line in said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let words: Vec<_> = line.split(' ').collect();
        if let [writer, position, prefix] = words[..] {
            let prefix: u64 = prefix.parse().unwrap();
            let position = Position(position.parse().unwrap());
            saved.insert(writer.parse().unwrap(), (position, prefix.to_be_bytes()));
        }
    }
}

fn held(ledger: &Ledger) -> Vector {
    ledger.store().vector(ledger.space())
}

/// Everything that was said to be saved is there, and everything that is there is sound.
fn verify(home: &Path, saved: &Saved) {
    let _open = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let mut ledger = crashing::open(home, 1).unwrap();
    for (writer, (position, prefix)) in saved {
        let hash = ledger.store().entry_hash_at(ledger.space(), writer, *position).unwrap();
        let hash = hash.expect("an entry that was acknowledged is gone");
        assert_eq!(hash.as_bytes()[..8], prefix[..]);
    }
    let check = ledger.check(&mut |_, _| true).unwrap();
    assert_eq!(check.problems, Vec::<String>::new());
    assert_eq!(check.attachments_missing, 0);
    assert!(held(&ledger).len() <= 1, "the same writer goes on");
    let left_over = home.join("attachments").read_dir().unwrap();
    let left_over: Vec<_> = left_over.map(|file| file.unwrap().file_name()).collect();
    assert!(left_over.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left_over:?}");
}

#[test]
fn nothing_acknowledged_is_lost_when_the_program_is_killed() {
    seeds::each("homes whose program was killed 20 times each", HOMES, |seed| {
        let dir = folder();
        let home = dir.path().join("home");
        let mut dice = Dice::new(seed, 7);
        let mut saved = Saved::new();
        for kill in 0..KILLS {
            run_and_kill(&home, seed * 1000 + kill, &mut dice, &mut saved);
            verify(&home, &saved);
        }
        assert_eq!(saved.len(), 1);
    });
}

fn attachments(home: &Path) -> Vec<PathBuf> {
    home.join("attachments").read_dir().unwrap().map(|file| file.unwrap().path()).collect()
}

/// Between sealing a file and recording it.
#[test]
fn a_file_that_was_sealed_and_not_recorded_is_gone_and_a_recorded_one_stays() {
    let dir = folder();
    let home = dir.path().join("home");
    for (round, (finished, before)) in [(false, 0), (true, 0), (false, 1)].into_iter().enumerate() {
        let (mut child, mut out) = start(&["seal", home.to_str().unwrap()]);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), "sealed");
        assert_eq!(attachments(&home).len(), before + 1, "round {round}");
        if finished {
            drop(child.stdin.take());
            line.clear();
            out.read_line(&mut line).unwrap();
            assert_eq!(line.trim_end(), "recorded");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        verify(&home, &Saved::new());
        let left = attachments(&home);
        assert_eq!(left.len(), before + usize::from(finished), "round {round}: {left:?}");
    }
    let mut ledger = crashing::open(&home, 1).unwrap();
    let rows = ledger.incidents(&IncidentQuery::default()).unwrap();
    let views: Vec<_> = rows.iter().map(|row| ledger.incident(row.id).unwrap()).collect();
    let files: Vec<_> = views.iter().flat_map(|view| &view.attachments).collect();
    assert!(files.len() == 1 && files[0].here, "{files:?}");
}

async fn join(lead: &Node, address: &str, home: PathBuf) {
    let code = lead.invite(Role::Responder, vec![address.to_owned()]).await.unwrap();
    let mut events = lead.events();
    let environment = crashing::environment();
    let joining = Node::join(&home, crashing::passphrase(), &code, "Bruno", environment).await.unwrap();
    let (other, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, async {
        loop {
            match events.recv().await.unwrap() {
                Event::Words { link, .. } => lead.compared(link, true).await,
                Event::Joined { .. } => return,
                _ => {}
            }
        }
    });
    other.shutdown().await.unwrap();
}

/// The other side is killed while entries and files arrive, again and again.
#[test]
fn a_device_that_is_killed_while_it_receives_goes_on_where_it_was() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = folder();
        let (home, victim) = (dir.path().join("lead"), dir.path().join("victim"));
        let lead =
            Node::create_team(&home, crashing::passphrase(), "Harbour", "Amina", crashing::environment());
        let lead = lead.await.unwrap();
        let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
        join(&lead, &address, victim.clone()).await;

        let mut dice = Dice::new(1, 8);
        let mut generator = Generator::new(Dice::new(1, 9).rng().clone());
        let (mut killed, mut met, mut held) = (0, 0, 0);
        while killed < 30 {
            let mut events = lead.events();
            let mut last = None;
            for _ in 0..1 + dice.below(40) {
                last = Some(lead.add_incident(generator.team_incident()).await.unwrap().id);
            }
            let file = dir.path().join(format!("photo-{killed}-{met}.jpg"));
            std::fs::write(&file, dice.fill(600_000)).unwrap();
            lead.attach(last.unwrap(), &file, "", Arc::new(|_, _| true)).await.unwrap();

            let (mut child, mut out) = start(&["meet", victim.to_str().unwrap(), &address]);
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            assert_eq!(line.trim_end(), crashing::BEGIN);
            if dice.percent(25) {
                assert_ne!(out.read_line(&mut line).unwrap(), 0, "a meeting that nobody disturbs");
            } else {
                let most = dice.pick(&[20_000, 80_000, 300_000]);
                spin(dice.below(most));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let mut rest = String::new();
            out.read_to_string(&mut rest).unwrap();
            let over = (line + &rest).contains("met");
            *if over { &mut met } else { &mut killed } += 1;

            // What was acknowledged to the lead's device is there.
            let mut acknowledged = 0;
            while let Ok(event) = events.try_recv() {
                if let Event::Progress { standing, .. } = event {
                    acknowledged = standing.delivered;
                }
            }
            let other = Node::open(&victim, crashing::passphrase(), crashing::environment()).await.unwrap();

            let before = std::mem::replace(&mut held, other.team().await.unwrap().counts.entries);
            assert!(held >= before + acknowledged, "{before} and {acknowledged} are not {held}");
            other.shutdown().await.unwrap();
        }
        println!("killed {killed} times while it received; {met} meetings were over before");

        let other = Node::open(&victim, crashing::passphrase(), crashing::environment()).await.unwrap();
        other.meet_once(&address).await.unwrap();
        assert_eq!(other.digest().await.unwrap(), lead.digest().await.unwrap());
        for node in [&other, &lead] {
            let check = node.check(Arc::new(|_, _| true)).await.unwrap();
            assert_eq!(check.problems, Vec::<String>::new());
            assert_eq!(check.attachments_missing, 0);
        }
    });
}

/// One home, several programs: the second is refused until the first has ended, however it ended.
#[test]
fn a_home_that_is_open_is_not_opened_again() {
    let dir = folder();
    let home = dir.path().join("home");
    let in_use = || matches!(crashing::open(&home, 1), Err(NodeError::Store(StoreError::InUse)));
    let hold = || {
        let (child, mut out) = start(&["hold", home.to_str().unwrap()]);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        (child, line.trim_end().to_owned())
    };
    let ledger = crashing::open(&home, 1).unwrap();
    assert!(in_use());
    assert!(matches!(Home::create(&home), Err(StoreError::InUse | StoreError::HomeExists)));
    let (mut child, line) = hold();
    assert_eq!(line, StoreError::InUse.to_string());
    child.wait().unwrap();

    drop(ledger);
    let (mut child, line) = hold();
    assert_eq!(line, "open");
    assert!(in_use());
    child.kill().unwrap();
    child.wait().unwrap();
    drop(crashing::open(&home, 1).unwrap());
}
