//! What lies on the disk and goes over the wire shows nothing of what people wrote.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use firsthand_node::{Edit, Event, Node, Role};
use firsthand_record::{Actor, ActorRole, Count, CountKind, Incident, Source, SourceKind};
use firsthand_tests::canary::{Canaries, forms};
use firsthand_tests::{Crash, Dice, World, copy_folder, crashing, folder, seeds};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

const CANARIES: usize = 50;

/// Everything that the program and its libraries log, at every level.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Those of this process, from the first call on.
    fn all() -> Self {
        static LOGS: OnceLock<Logs> = OnceLock::new();
        let logs = LOGS.get_or_init(|| {
            let logs = Self::default();
            tracing::subscriber::set_global_default(logs.clone()).unwrap();
            logs
        });
        logs.clone()
    }

    fn read(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn line(&self, metadata: &Metadata<'_>, write: impl FnOnce(&mut dyn Visit)) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!(" {field}={value:?}");
            }
        }
        let mut line = Line(format!("{} {} {}", metadata.level(), metadata.target(), metadata.name()));
        write(&mut line);
        self.0.lock().unwrap().extend(line.0.into_bytes());
    }
}

impl Subscriber for Logs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata(), |visit| span.record(visit));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut words = String::new();
        values.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            words += &format!(" {field}={value:?}");
        });
        self.0.lock().unwrap().extend(words.into_bytes());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        self.line(event.metadata(), |visit| event.record(visit));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Hands out the canaries one by one.
struct Flock<'a>(std::slice::Iter<'a, String>);

impl Flock<'_> {
    fn word(&mut self) -> String {
        self.0.next().expect("enough canaries").clone()
    }
}

fn incident(flock: &mut Flock<'_>) -> Incident {
    let count = |word| Count { source: word, ..Count::new(CountKind::Injured, Some(2), None) };
    Incident {
        title: Some(flock.word()),
        narrative: format!("They said {} and left.", flock.word()),
        place_text: format!("Behind {}", flock.word()),
        rumour_claim: flock.word(),
        p_code: Some(flock.word()),
        actors: vec![Actor {
            description: flock.word(),
            group_label: flock.word(),
            ..Actor::new(ActorRole::Initiator)
        }],
        counts: vec![count(flock.word())],
        source: vec![Source { pseudonym: flock.word(), ..Source::new(SourceKind::Witness) }],
        imported: [(flock.word(), json!(flock.word()))].into(),
        extra: [("from_a_newer_version".to_owned(), json!(flock.word()))].into(),
        ..Incident::default()
    }
}

#[test]
fn nothing_is_found_on_the_disk_or_on_the_wire() {
    let logs = Logs::all();
    let canaries = Canaries::new(&mut Dice::new(1, 20), CANARIES);
    let mut flock = Flock(canaries.words.iter());
    let mut world = World::new(1);
    world.capturing = true;
    let lead = world.found(&flock.word(), &flock.word());
    let other = world.join(lead, &flock.word(), Role::Responder);

    let draft = incident(&mut flock);
    let id = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    let draft = incident(&mut flock);
    world.write(other, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    for _ in 0..2 {
        let (name, caption) = (format!("{}.jpg", flock.word()), flock.word());
        // A small file, and one whose canary lies across two chunks.
        for len in [50, 262_130] {
            let content = [vec![b'.'; len], flock.word().into_bytes(), vec![b'.'; 300_000]].concat();
            world
                .write(lead, |ledger, now, rng| {
                    ledger.attach(id, &mut content.as_slice(), &name, &caption, now, rng, &mut |_| true)
                })
                .unwrap();
        }
    }
    world.meet(other, lead);
    let edits = [
        Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert: flock.word() },
        Edit::Set { field: "title".to_owned(), value: json!(flock.word()) },
        Edit::Withdraw {
            key: world.devices[other].ledger().incident(id).unwrap().record.counts[0].key.clone(),
            reason: flock.word(),
        },
        Edit::Close { status: "closed".to_owned(), target: None, note: flock.word() },
    ];
    world.write(other, |ledger, now, rng| ledger.edit(id, &edits, now, rng)).unwrap();
    let apart = [Edit::Set { field: "title".to_owned(), value: json!(flock.word()) }];
    world.write(lead, |ledger, now, rng| ledger.edit(id, &apart, now, rng)).unwrap();
    world.meet(lead, other);
    let (settled, note) = (json!(flock.word()), flock.word());
    world.write(lead, |ledger, now, rng| ledger.resolve(id, "title", settled, &note, now, rng)).unwrap();
    // The words that are left stand in one long text, which is rewritten.
    let rest: Vec<String> = flock.0.cloned().collect();
    assert!(!rest.is_empty());
    let text = rest.join(" and ");
    let rewrite = [Edit::ReplaceText { field: "place_text".to_owned(), text }];
    world.write(lead, |ledger, now, rng| ledger.edit(id, &rewrite, now, rng)).unwrap();
    world.meet(lead, other);

    // People read all of it, and search it, before anybody looks at the disk.
    for device in [lead, other] {
        let ledger = world.devices[device].ledger();
        let view = ledger.incident(id).unwrap();
        assert!(rest.iter().all(|word| view.record.place_text.contains(word)));
        assert_eq!(ledger.search(&rest[0], 10).unwrap().len(), 1);
    }
    let mut found = canaries.search("the wire", &world.captured);
    let mut read = world.captured.len() as u64;
    let wire = read;
    for device in [lead, other] {
        // While it is open, as a crash leaves it, and closed.
        read += canaries.search_folder(&world.devices[device].home, &mut found);
        world.crash(device, Crash::Frozen, false);
        let frozen = world.devices[device].beside("frozen");
        copy_folder(&world.devices[device].home, &frozen);
        read += canaries.search_folder(&frozen, &mut found);
        let ledger = world.devices[device].try_open().unwrap();
        ledger.lock().unwrap();
        read += canaries.search_folder(&world.devices[device].home, &mut found);
    }
    let logged = logs.read();
    found.extend(canaries.search("the log", &logged));
    assert!(wire > 1_000_000, "the files went over the wire");
    assert_eq!(found, []);
    let logged = logged.len();
    seeds::figure(&format!(
        "{CANARIES} words to hide: 0 found in 8 forms in {read} bytes of two homes and the wire ({wire}), {logged} of logs"
    ));
}

/// Passes a connection on, and keeps what goes over it.
async fn tap(listener: TcpListener, to: String, heard: Arc<Mutex<Vec<u8>>>) {
    async fn pass(
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        heard: Arc<Mutex<Vec<u8>>>,
    ) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(len @ 1..) = from.read(&mut bytes).await {
            heard.lock().unwrap().extend(&bytes[..len]);
            if to.write_all(&bytes[..len]).await.is_err() {
                return;
            }
        }
    }
    while let Ok((near, _)) = listener.accept().await {
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = TcpStream::connect(&to).await.unwrap().into_split();
        tokio::spawn(pass(near_in, far_out, heard.clone()));
        tokio::spawn(pass(far_in, near_out, heard.clone()));
    }
}

/// Two nodes with sockets, as people run them, in the folder; gives what went over the sockets.
async fn meet_over_sockets(dir: &Path, flock: &mut Flock<'_>) -> Vec<u8> {
    let (home, other) = (dir.join("lead"), dir.join("other"));
    let (passphrase, environment) = (crashing::passphrase, crashing::environment);
    let (team, name) = (flock.word(), flock.word());
    let lead = Node::create_team(&home, passphrase(), &team, &name, environment()).await.unwrap();
    let address = lead.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = listener.local_addr().unwrap().to_string();
    tokio::spawn(tap(listener, address, heard.clone()));

    let code = lead.invite(Role::Responder, vec![between.clone()]).await.unwrap();
    let mut events = lead.events();
    let joining = Node::join(&other, passphrase(), &code, &flock.word(), environment()).await.unwrap();
    let (joined, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, async {
        loop {
            match events.recv().await.unwrap() {
                Event::Words { link, .. } => lead.compared(link, true).await,
                Event::Joined { .. } => return,
                _ => {}
            }
        }
    });
    let id = lead.add_incident(incident(flock)).await.unwrap().id;
    joined.add_incident(incident(flock)).await.unwrap();
    let file = dir.join("photo.jpg");
    fs::write(&file, [vec![b'.'; 400_000], flock.word().into_bytes()].concat()).unwrap();
    lead.attach(id, &file, &flock.word(), Arc::new(|_, _| true)).await.unwrap();
    // What the person had is not the program's.
    fs::remove_file(&file).unwrap();
    let summary = joined.meet_once(&between).await.unwrap();
    assert!(summary.entries_received > 0 && summary.entries_sent > 0);
    assert_eq!(joined.digest().await.unwrap(), lead.digest().await.unwrap());
    joined.shutdown().await.unwrap();
    lead.shutdown().await.unwrap();
    let heard = heard.lock().unwrap();
    heard.clone()
}

/// Where the program of the test below leaves everything.
const FOLDER: &str = "FIRSTHAND_TEST_PLAINTEXT";

#[test]
#[ignore = "runs as a child of the test below, with a folder of its own for temporary files"]
fn sockets() {
    let dir = std::env::var_os(FOLDER).unwrap();
    let dir = Path::new(&dir);
    let logs = Logs::all();
    let canaries = Canaries::new(&mut Dice::new(4, 20), CANARIES);
    let mut flock = Flock(canaries.words.iter());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let heard = runtime.block_on(meet_over_sockets(dir, &mut flock));
    fs::write(dir.join("wire"), heard).unwrap();
    fs::write(dir.join("log"), logs.read()).unwrap();
}

#[test]
fn nothing_is_found_after_a_meeting_over_real_sockets() {
    let dir = folder();
    let temporary = dir.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "sockets", "--ignored", "--nocapture"]);
    child.env(FOLDER, dir.path()).env("TMPDIR", &temporary).env("SQLITE_TMPDIR", &temporary);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let canaries = Canaries::new(&mut Dice::new(4, 20), CANARIES);
    let mut found = canaries.search("what it said", &[output.stdout, output.stderr].concat());
    let read = canaries.search_folder(dir.path(), &mut found);
    let wire = fs::metadata(dir.path().join("wire")).unwrap().len();
    assert!(wire > 400_000 && read > wire);
    assert_eq!(found, []);
    seeds::figure(&format!(
        "the same over TCP: 0 found in {read} bytes of homes, temporary files, logs and {wire} from the sockets"
    ));
}

/// The search finds what is there to find.
#[test]
fn every_form_is_found_where_it_is() {
    let canaries = Canaries::new(&mut Dice::new(2, 20), CANARIES);
    for word in &canaries.words {
        for before in 0..3 {
            let bytes = [&b"xyz"[..before], word.as_bytes(), b"xyz"].concat();
            let base64 = data_encoding::BASE64.encode(&bytes);
            let found = canaries.search("here", base64.as_bytes());
            assert_eq!(found.len(), 1, "{word} in {base64}");
        }
        for (form, bytes) in forms(word) {
            let bytes = [vec![7; 33], bytes, vec![7; 5]].concat();
            let found = canaries.search("here", &bytes);
            assert!(found.iter().any(|found| found.form == form && found.word == *word), "{form}");
        }
    }
    assert_eq!(canaries.search("here", &Dice::new(3, 20).fill(1 << 20)), []);
}
