//! Journey 8: on day 20 somebody joins by a code, over a link that lets little through.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::{
    Clock, Environment, Event, ImportRow, IncidentQuery, Node, Passphrase, Role, Ticks, Uptime,
};
use firsthand_record::roster::{CheckIn, CheckInState, EmergencyContact, Person, Shift};
use firsthand_record::{Incident, Moment, Sensitivity, Status};
use firsthand_tests::Dice;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast};

const HOUR: i64 = 60 * 60_000;
const DAY: i64 = 24 * HOUR;
/// 2026-11-20T08:00:00Z.
const BEGIN: i64 = 1_795_161_600_000;
const INCIDENTS: usize = 2_400;
const OPEN: usize = 12;
/// What the link lets through before the test says more: what a minute at 2 kB/s does.
const FIRST: usize = 120 * 1024;
/// Nothing here takes long; a test that waits for what never comes must end.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Clock for Time {
    fn now(&self) -> LocalTime {
        LocalTime { at: UnixMillis(BEGIN + self.0.load(Ordering::SeqCst)), offset_minutes: 120 }
    }
}

impl Uptime for Time {
    fn read(&self) -> Option<Ticks> {
        Some(Ticks { boot: "one".to_owned(), ms: u64::try_from(self.0.load(Ordering::SeqCst)).ok()? })
    }
}

fn environment(time: &Time) -> Environment {
    Environment { clock: Arc::new(time.clone()), uptime: Arc::new(time.clone()), ..Environment::laptop() }
}

fn words() -> Passphrase {
    Passphrase::new("words of the test".to_owned())
}

fn hour(time: &Time, hours: i64) -> Option<Moment> {
    let now = time.now();
    Moment::from_local(LocalTime { at: UnixMillis(now.at.0 + hours * HOUR), ..now })
}

/// A team of twenty days: much that is closed, a little that is open, a shift that runs, and what is for few.
async fn amina(home: &Path, time: &Time) -> Node {
    let node = Node::create_team(home, words(), "Harbour", "Amina", environment(time)).await.unwrap();
    // Texts that no compression makes small: all of them are several times what the link lets through.
    let mut dice = Dice::new(8, 0);
    let row = |row: usize| ImportRow {
        row,
        incident: Incident {
            title: Some(format!("Incident {row}")),
            status: Some(if row % (INCIDENTS / OPEN) == 1 { Status::Open } else { Status::Closed }),
            narrative: (0..300).map(|_| char::from(b'!' + dice.below(90) as u8)).collect(),
            ..Incident::default()
        },
    };
    node.import((1..=INCIDENTS).map(row).collect(), false, Arc::new(|_, _| true)).await.unwrap();
    time.0.fetch_add(20 * DAY, Ordering::SeqCst);
    let for_leads = Incident {
        title: Some("For the leads".to_owned()),
        sensitivity: Some(Sensitivity::Leads),
        ..Incident::default()
    };
    node.add_incident(for_leads).await.unwrap();
    let contact = EmergencyContact {
        name: Some("Her sister".to_owned()),
        phone: Some("+254 700 000001".to_owned()),
        ..EmergencyContact::default()
    };
    node.set_emergency_contact(contact).await.unwrap();
    let chen = Person { display_name: Some("Chen".to_owned()), ..Person::default() };
    node.add_person(chen).await.unwrap();
    for (title, from) in [("Yesterday", -30), ("Day shift", -2), ("Night shift", 6)] {
        let shift = Shift {
            title: Some(title.to_owned()),
            start: hour(time, from),
            end: hour(time, from + 8),
            ..Shift::default()
        };
        node.add_shift(shift).await.unwrap();
    }
    node
}

/// A link that lets through as many bytes as it was given leave to.
async fn gate(to: SocketAddr, leave: Arc<Semaphore>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(to).await.unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            for (mut from, mut into) in [(near_in, far_out), (far_in, near_out)] {
                let leave = leave.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    while let Ok(read @ 1..) = from.read(&mut bytes).await {
                        leave.acquire_many(u32::try_from(read).unwrap()).await.unwrap().forget();
                        if into.write_all(&bytes[..read]).await.is_err() {
                            return;
                        }
                    }
                    drop(into.shutdown().await);
                });
            }
        }
    });
    address
}

async fn until<T>(events: &mut broadcast::Receiver<Event>, mut found: impl FnMut(Event) -> Option<T>) -> T {
    let wait = async {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Some(it) = found(event) {
                        return it;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it never came")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_joiner() {
    let dir = firsthand_tests::folder();
    let time = Time::default();
    let amina = amina(&dir.path().join("amina"), &time).await;
    let listening = amina.listen("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
    let leave = Arc::new(Semaphore::new(FIRST));
    let address = gate(listening, leave.clone()).await.to_string();

    // The code, as a camera reads it; both compare the words.
    let code = amina.invite(Role::Observer, vec![address.clone()]).await.unwrap();
    let mut heard = amina.events();
    let joining =
        Node::join(&dir.path().join("bruno"), words(), &code, "Bruno", environment(&time)).await.unwrap();
    let compare = async {
        let link = until(&mut heard, |event| match event {
            Event::Words { link, .. } => Some(link),
            _ => None,
        });
        amina.compared(link.await, true).await;
    };
    let (bruno, ()) = tokio::join!(async { joining.confirm().await.unwrap() }, compare);

    let mut events = bruno.events();
    bruno.meet(&address, false).await.unwrap();
    // Rows come before any entry, so whoever has an entry has them.
    until(&mut events, |event| matches!(event, Event::Progress { .. }).then_some(())).await;
    let told = async {
        loop {
            let expected = bruno.expected(usize::MAX).await.unwrap();
            if !expected.is_empty() {
                return expected;
            }
            until(&mut events, |_| Some(())).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap();

    // First: who is on the team, the shift that runs and the next one, and what is open.
    let names: Vec<_> = bruno.expected_people().await.unwrap().into_iter().map(|it| it.told.name).collect();
    assert_eq!(names, ["Chen"]);
    let shifts: Vec<_> = bruno.expected_shifts().await.unwrap().into_iter().map(|it| it.told.title).collect();
    assert_eq!(shifts, ["Day shift", "Night shift"]);
    assert!(told[..OPEN].iter().all(|it| it.status.as_deref() == Some("open") && it.told_by == "Amina"));
    assert!(told.iter().all(|it| it.title != "For the leads"), "above the role of an observer");
    let here = bruno.incidents(IncidentQuery::default()).await.unwrap().len();
    assert!(here < INCIDENTS, "history came before it was let through");

    // Usable before history has finished.
    let incident = Incident { title: Some("A van at the pier".to_owned()), ..Incident::default() };
    let entered = bruno.add_incident(incident).await.unwrap().id;
    bruno.check_in(CheckIn { state: Some(CheckInState::Ok), ..CheckIn::default() }).await.unwrap();
    let rows = bruno.incidents(IncidentQuery::default()).await.unwrap();
    assert!(rows.len() < INCIDENTS && rows.iter().any(|row| row.id == entered));

    // Then the link is a good one.
    leave.add_permits(Semaphore::MAX_PERMITS / 2);
    until(&mut events, |event| matches!(event, Event::Complete { .. }).then_some(())).await;
    let rows = bruno.incidents(IncidentQuery::default()).await.unwrap();
    assert_eq!(rows.len(), INCIDENTS + 1);
    assert!(rows.iter().all(|row| row.incident.title != "For the leads"));
    assert!(bruno.expected(usize::MAX).await.unwrap().is_empty());
    assert_eq!(
        bruno.expected_people().await.unwrap().len() + bruno.expected_shifts().await.unwrap().len(),
        0
    );
    assert_eq!(bruno.emergency_contacts().await.unwrap().len(), 0, "for its person and the leads");
    assert_eq!(amina.emergency_contacts().await.unwrap().len(), 1);
    let theirs = amina.incidents(IncidentQuery::default()).await.unwrap();
    assert_eq!(theirs.len(), INCIDENTS + 2, "with the one for the leads");
    for node in [&amina, &bruno] {
        let check = node.check(Arc::new(|_, _| true)).await.unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
    }
}
