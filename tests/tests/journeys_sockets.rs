//! The same journeys as people live them: nodes with real stores, opened again in between, over real sockets.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use firsthand_ids::{DocumentId, LocalTime, UnixMillis};
use firsthand_node::{
    Clock, Edit, Environment, Event, IncidentQuery, IncidentView, Node, OnlyHere, Passphrase, Role, Ticks,
    Uptime,
};
use firsthand_record::validate::Rule;
use firsthand_record::{ClockTrust, Count, CountKind, Incident, Severity};
use serde_json::json;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// 2026-11-20T08:00:00Z.
const BEGIN: i64 = 1_795_161_600_000;

/// Milliseconds that passed for everybody; the test lets them pass.
#[derive(Clone, Default)]
struct World(Arc<AtomicI64>);

impl World {
    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A phone's clock, which somebody can set.
#[derive(Clone)]
struct PhoneClock {
    world: World,
    ahead: Arc<AtomicI64>,
}

impl Clock for PhoneClock {
    fn now(&self) -> LocalTime {
        let ahead = self.ahead.load(Ordering::SeqCst);
        LocalTime { at: UnixMillis(BEGIN + self.world.now() + ahead), offset_minutes: 120 }
    }
}

impl Uptime for World {
    fn read(&self) -> Option<Ticks> {
        Some(Ticks { boot: "since the morning".to_owned(), ms: u64::try_from(self.now()).ok()? })
    }
}

struct Phone {
    node: Node,
    clock: PhoneClock,
}

fn environment(world: &World) -> (Environment, PhoneClock) {
    let clock = PhoneClock { world: world.clone(), ahead: Arc::default() };
    let uptime = Arc::new(world.clone());
    (Environment { clock: Arc::new(clock.clone()), uptime, ..Environment::laptop() }, clock)
}

fn words() -> Passphrase {
    Passphrase::new("words of the test".to_owned())
}

/// Amina, who leads, at an address, and Bruno, who has joined over it.
async fn two_phones(dir: &Path, world: &World) -> (Phone, Phone, String) {
    let (env, clock) = environment(world);
    let node = Node::create_team(&dir.join("amina"), words(), "Harbour", "Amina", env).await.unwrap();
    let amina = Phone { node, clock };
    let address = amina.node.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap().to_string();
    let code = amina.node.invite(Role::Responder, vec![address.clone()]).await.unwrap();
    let mut events = amina.node.events();
    let (env, clock) = environment(world);
    let joining = Node::join(&dir.join("bruno"), words(), &code, "Bruno", env).await.unwrap();
    let compare = async {
        loop {
            match events.recv().await.unwrap() {
                Event::Words { link, .. } => amina.node.compared(link, true).await,
                Event::Joined { .. } => return,
                _ => {}
            }
        }
    };
    let (node, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, compare);
    (amina, Phone { node, clock }, address)
}

impl Phone {
    async fn add(&self, incident: Incident) -> DocumentId {
        self.node.add_incident(incident).await.unwrap().id
    }

    async fn titled(&self, title: &str) -> DocumentId {
        self.add(Incident { title: Some(title.to_owned()), ..Incident::default() }).await
    }

    async fn edit(&self, id: DocumentId, edits: Vec<Edit>) {
        self.node.edit(id, edits).await.unwrap();
    }

    async fn show(&self, id: DocumentId) -> IncidentView {
        self.node.incident(id).await.unwrap()
    }

    /// Titles in the order of the list, oldest first.
    async fn titles(&self) -> Vec<String> {
        let rows = self.node.incidents(IncidentQuery::default()).await.unwrap();
        rows.into_iter().rev().map(|row| row.incident.title).collect()
    }

    /// Ends the program and starts it again.
    async fn again(self, home: &Path, world: &World) -> Self {
        self.node.shutdown().await.unwrap();
        let env = Environment {
            clock: Arc::new(self.clock.clone()),
            uptime: Arc::new(world.clone()),
            ..Environment::laptop()
        };
        Self { node: Node::open(home, words(), env).await.unwrap(), clock: self.clock }
    }
}

fn set(field: &str, value: &str) -> Edit {
    Edit::Set { field: field.to_owned(), value: json!(value) }
}

/// Both hold the same, to the last byte that counts.
async fn same(one: &Phone, other: &Phone) {
    assert_eq!(one.node.digest().await.unwrap(), other.node.digest().await.unwrap());
    for phone in [one, other] {
        let check = phone.node.check(Arc::new(|_, _| true)).await.unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
        assert!(phone.node.only_here().await.unwrap().is_empty());
    }
}

/// Journey 2: A and B, offline, edit one incident: the narrative in two places, severity Moderate against Severe, each adds
/// "2 injured" from a different source.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_editors() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::default());
    let (amina, bruno, address) = two_phones(dir.path(), &world).await;
    let narrative = "Two groups at the gate. Calm so far.".to_owned();
    let id = amina.add(Incident { narrative, ..Incident::default() }).await;
    assert_eq!(amina.show(id).await.only_here, OnlyHere::All);
    bruno.node.meet_once(&address).await.unwrap();
    assert_eq!(amina.show(id).await.only_here, OnlyHere::Nothing);

    let injured = |source: &str| {
        let count = Count { source: source.to_owned(), ..Count::new(CountKind::Injured, Some(2), None) };
        Edit::Add { list: "counts".to_owned(), value: json!(count) }
    };
    let splice = |at, delete, insert: &str| {
        let (field, insert) = ("narrative".to_owned(), insert.to_owned());
        Edit::Splice { field, at, delete, insert }
    };
    world.pass(10 * MINUTE);
    amina.edit(id, vec![splice(0, 3, "Three"), set("severity", "Moderate"), injured("the guard")]).await;
    world.pass(10 * MINUTE);
    bruno
        .edit(id, vec![splice(36, 0, " A stone flew."), set("severity", "Severe"), injured("a nurse")])
        .await;
    assert_eq!(bruno.show(id).await.only_here, OnlyHere::Changes);
    // Bruno's phone is switched off and on before they meet.
    let bruno = bruno.again(&dir.path().join("bruno"), &world).await;
    bruno.node.meet_once(&address).await.unwrap();

    let mut codes = Vec::new();
    for phone in [&amina, &bruno] {
        let view = phone.show(id).await;
        // Both texts are there.
        assert_eq!(view.record.narrative, "Three groups at the gate. Calm so far. A stone flew.");
        // Severity shows a conflict and acts as Severe, in the record and in the list.
        assert_eq!(view.record.severity, Some(Severity::Severe));
        let [conflict] = view.conflicts.as_slice() else { panic!("{:?}", view.conflicts) };
        assert_eq!((conflict.field.as_str(), &conflict.shown), ("severity", &json!("Severe")));
        let mut values: Vec<_> =
            conflict.candidates.iter().map(|it| (it.person.clone(), it.value.clone())).collect();
        values.sort_by(|one, other| one.0.cmp(&other.0));
        let both = [("Amina".to_owned(), json!("Moderate")), ("Bruno".to_owned(), json!("Severe"))];
        assert_eq!(values, both);
        let query = IncidentQuery { severities: vec!["Severe".to_owned()], ..IncidentQuery::default() };
        let rows = phone.node.incidents(query).await.unwrap();
        assert_eq!((rows.len(), rows[0].incident.conflicts), (1, 1));
        // There are two count entries, none overwritten.
        let mut counts: Vec<_> =
            view.record.counts.iter().map(|it| (it.source.clone(), it.low, it.high)).collect();
        counts.sort();
        assert_eq!(counts, [("a nurse".to_owned(), Some(2), None), ("the guard".to_owned(), Some(2), None)]);
        codes.push(view.short_code);
    }
    assert_eq!(codes[0], codes[1], "both phones show the same");
    same(&amina, &bruno).await;

    // Whoever has the right resolves it; Bruno can only propose.
    assert!(!bruno.node.resolve(id, "severity", json!("Moderate"), "").await.unwrap().settled);
    bruno.node.meet_once(&address).await.unwrap();
    assert_eq!(amina.show(id).await.conflicts.len(), 1);
    assert!(amina.node.resolve(id, "severity", json!("Moderate"), "by radio").await.unwrap().settled);
    bruno.node.meet_once(&address).await.unwrap();
    for phone in [&amina, &bruno] {
        let view = phone.show(id).await;
        assert_eq!((view.conflicts.len(), view.record.severity), (0, Some(Severity::Moderate)));
        let history = phone.node.history(id).await.unwrap();
        for (value, person) in [("Severe", "Bruno"), ("Moderate", "Amina")] {
            let set =
                |it: &&firsthand_node::HistoryView| it.after == Some(json!(value)) && it.person == person;
            assert!(history.iter().any(|it| set(&it)), "{value} by {person} stays in the history");
        }
    }
    same(&amina, &bruno).await;
}

/// Journey 9: a clock one day ahead; four incidents and one edit of a shared field.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_one_day_ahead() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::default());
    let (amina, bruno, address) = two_phones(dir.path(), &world).await;
    world.pass(MINUTE);
    let shared = amina.titled("shared").await;
    bruno.node.meet_once(&address).await.unwrap();
    world.pass(60 * MINUTE);
    bruno.clock.ahead.store(DAY, Ordering::SeqCst);
    let bruno = bruno.again(&dir.path().join("bruno"), &world).await;
    let (mut by_bruno, mut order) = (Vec::new(), vec!["Bruno's, a day later by his clock".to_owned()]);
    for number in 0..4 {
        let title = format!("{number} of Bruno");
        by_bruno.push((bruno.titled(&title).await, world.now()));
        order.push(title);
        world.pass(5 * MINUTE);
        order.push(format!("{number} of Amina"));
        amina.titled(&order[order.len() - 1]).await;
        world.pass(5 * MINUTE);
    }
    bruno.edit(shared, vec![set("title", &order[0])]).await;
    world.pass(5 * MINUTE);
    amina.edit(shared, vec![set("title", "Amina's, later in truth")]).await;
    bruno.node.meet_once(&address).await.unwrap();

    for phone in [&amina, &bruno] {
        for (id, entered) in &by_bruno {
            let view = phone.show(*id).await;
            // Flagged, with the estimated true time; the original is kept, offset included.
            let rules: Vec<Rule> = view.findings.iter().map(|finding| finding.rule).collect();
            assert_eq!(rules, [Rule::ClockSkew]);
            let shown = LocalTime { at: UnixMillis(BEGIN + entered + DAY), offset_minutes: 120 };
            assert_eq!(view.created, shown);
            let estimated = view.estimated.unwrap();
            assert_eq!(estimated, LocalTime { at: UnixMillis(BEGIN + entered), ..shown });
            let clock = view.record.clock_evidence.unwrap();
            assert_eq!((clock.trust, clock.device_ms), (ClockTrust::Suspect, shown.at));
        }
        // The edit does not win by its date, nor does the other one: both stand until somebody picks.
        let conflicts = phone.show(shared).await.conflicts;
        let [conflict] = conflicts.as_slice() else { panic!("{conflicts:?}") };
        let mut people: Vec<_> = conflict.candidates.iter().map(|it| it.person.as_str()).collect();
        people.sort_unstable();
        assert_eq!((conflict.field.as_str(), people), ("title", vec!["Amina", "Bruno"]));
        // The order is that of what happened.
        let titles = phone.titles().await;
        assert_eq!(titles[1..], order[1..]);
        // Nothing that a right clock dated is flagged.
        let query = IncidentQuery { flagged: true, ..IncidentQuery::default() };
        let flagged = phone.node.incidents(query).await.unwrap();
        assert_eq!(flagged.len(), 4);
        assert!(flagged.iter().all(|row| row.incident.title.ends_with("of Bruno")));
    }
    same(&amina, &bruno).await;
    // Picked by who has the right, whatever the dates say.
    let mine = json!("Amina's, later in truth");
    assert!(amina.node.resolve(shared, "title", mine.clone(), "").await.unwrap().settled);
    bruno.node.meet_once(&address).await.unwrap();
    assert_eq!(json!(bruno.show(shared).await.record.title), mine);
    assert!(bruno.show(shared).await.conflicts.is_empty());
}
