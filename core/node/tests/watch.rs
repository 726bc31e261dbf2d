//! Who is overdue is told by the device itself: no network, no command.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_node::ids::{LocalTime, UnixMillis};
use firsthand_node::{Clock, Environment, Event, Node, Passphrase, Ticks, Uptime};
use firsthand_record::Moment;
use firsthand_record::roster::{Assignment, CheckIn, CheckInRule, CheckInState, Person, Shift, ShiftStatus};

const MINUTE: u64 = 60_000;

/// A count of milliseconds that the test moves on. The wall clock stands still.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Uptime for Hand {
    fn read(&self) -> Option<Ticks> {
        Some(Ticks { boot: "the only one".to_owned(), ms: self.0.load(Ordering::SeqCst) })
    }
}

impl Clock for Hand {
    fn now(&self) -> LocalTime {
        LocalTime { at: UnixMillis(1_790_000_000_000), offset_minutes: 120 }
    }
}

fn environment(hand: &Hand) -> Environment {
    Environment { clock: Arc::new(hand.clone()), uptime: Arc::new(hand.clone()), ..Environment::laptop() }
}

async fn open(dir: &Path, hand: &Hand) -> Node {
    Node::open(dir, Passphrase::new("words of a lead".to_owned()), environment(hand)).await.unwrap()
}

/// The next event about a person.
async fn next(events: &mut tokio::sync::broadcast::Receiver<Event>) -> Event {
    loop {
        let event = events.recv().await.unwrap();
        if matches!(event, Event::Overdue { .. } | Event::Alarm { .. }) {
            return event;
        }
    }
}

#[tokio::test]
async fn overdue_and_alarms_are_told_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("home");
    let hand = Hand::default();
    let words = Passphrase::new("words of a lead".to_owned());
    let node = Node::create_team(&dir, words, "Harbour", "Amina", environment(&hand)).await.unwrap();
    let mut events = node.events();
    let record = Person { display_name: Some("Esi".to_owned()), ..Person::default() };
    node.add_person(record).await.unwrap();
    let esi = node.find_person("Esi".to_owned()).await.unwrap();
    let start = Moment::from_local(hand.now());
    let end = Moment::from_local(LocalTime { at: UnixMillis(1_790_020_000_000), ..hand.now() });
    let rule = Some(CheckInRule { every_min: 20, grace_min: 5 });
    let shift =
        node.add_shift(Shift { start, end, check_in_rule: rule, ..Shift::default() }).await.unwrap().id;
    let (key, role) = (String::new(), "Observer".to_owned());
    let assignment = Assignment { key, person: esi, role, buddy: None, from: None, until: None };
    assert!(node.assign(shift, assignment).await.unwrap().counts);
    node.move_on(shift, ShiftStatus::Active).await.unwrap();

    hand.0.store(26 * MINUTE, Ordering::SeqCst);
    // Anything that is saved of the shift has it look again at once.
    node.move_on(shift, ShiftStatus::StandingDown).await.unwrap();
    let told = next(&mut events).await;
    let (name, shift_title) = ("Esi".to_owned(), String::new());
    let expected = Event::Overdue { person: esi, name, shift, shift_title, ms: MINUTE };
    assert_eq!(told, expected);

    let missing = CheckIn { person: Some(esi), state: Some(CheckInState::Missing), ..CheckIn::default() };
    let missing = node.check_in(missing).await.unwrap().id;
    let told = next(&mut events).await;
    let (name, standing) = ("Esi".to_owned(), vec![missing]);
    let alarm =
        Event::Alarm { person: esi, name, state: CheckInState::Missing, check_in: missing, open: standing };
    assert_eq!(told, alarm);
    node.shutdown().await.unwrap();

    let node = open(&dir, &hand).await;
    let mut events = node.events();
    assert_eq!([next(&mut events).await, next(&mut events).await], [alarm.clone(), expected.clone()]);
    // Who asks is told what stands, however often it was told.
    assert_eq!(node.alarms().await.unwrap(), [alarm, expected]);
    node.shutdown().await.unwrap();
}
