//! Several spaces in one meeting: which are spoken of, and what becomes of one in which only one side takes part.

use std::collections::BTreeMap;

use firsthand_ids::{Position, SpaceId, WriterId};
use firsthand_log::{Mark, Vector};
use firsthand_sync::{Config, Effect, Frame, GoodbyeReason, Input, Session};

const MAIN: SpaceId = SpaceId::new([1; 16]);
const OTHER: SpaceId = SpaceId::new([2; 16]);
const THIRD: SpaceId = SpaceId::new([3; 16]);

fn held(entries: u64) -> Vector {
    let mut vector = Vector::new();
    vector.set(WriterId::new([7; 16]), Mark { position: Position(entries), prefix: [0; 8] });
    vector
}

/// A session between members, up to the question which spaces there are.
fn session() -> Session {
    let mut session = Session::new(Config { our_heads: vec![], their_heads: vec![], peer_known: true });
    assert_eq!(session.handle(Input::Start), [Effect::OpenSpaces]);
    session
}

fn opened(spaces: &[(SpaceId, Vector)]) -> Input {
    Input::SpacesOpened { main: MAIN, spaces: spaces.iter().cloned().collect::<BTreeMap<_, _>>() }
}

fn frames(effects: &[Effect]) -> Vec<Frame> {
    let sent = |effect: &Effect| match effect {
        Effect::Send(bytes) => Some(Frame::decode(bytes).unwrap()),
        _ => None,
    };
    effects.iter().filter_map(sent).collect()
}

fn hello(space: SpaceId, vector: &Vector) -> Frame {
    Frame::Hello { space, digest: vector.digest(), vector: Some(vector.clone()), takes: false }
}

fn hear(session: &mut Session, frame: &Frame) -> Vec<Effect> {
    session.handle(Input::Frame(frame.encode()))
}

#[test]
fn of_what_nobody_holds_anything_nothing_is_said() {
    let mut session = session();
    let spaces = [(MAIN, Vector::new()), (OTHER, Vector::new()), (THIRD, held(3))];
    let said = frames(&session.handle(opened(&spaces)));
    assert_eq!(said, [hello(MAIN, &Vector::new()), hello(THIRD, &held(3))]);
    assert_eq!(session.standings().map(|(space, _)| space).collect::<Vec<_>>(), [MAIN, THIRD]);
    hear(&mut session, &hello(MAIN, &Vector::new()));
    hear(&mut session, &hello(THIRD, &held(3)));
    assert!(session.standings().all(|(_, standing)| standing.equal));
    // What comes into being later is spoken of then.
    let said = frames(&session.handle(Input::Advanced { space: OTHER, vector: held(1) }));
    assert_eq!(said, [hello(OTHER, &held(1))]);
    assert!(session.awaits_peer(false));
    // And where the other side speaks first, this one answers.
    let mut session = self::session();
    session.handle(opened(&spaces[..2]));
    let said = frames(&hear(&mut session, &hello(OTHER, &held(9))));
    assert_eq!(said, [hello(OTHER, &Vector::new())]);
    assert_eq!(session.standing(&OTHER).unwrap().we_lack, 9);
    assert!(!session.finished());
}

#[test]
fn a_space_of_one_side_alone_holds_nothing_up_and_is_never_called_equal() {
    let (mut one, mut two) = (session(), session());
    let mut said = frames(&one.handle(opened(&[(MAIN, held(1)), (OTHER, held(5))])));
    let answered = frames(&two.handle(opened(&[(MAIN, held(1))])));
    said.iter().for_each(|frame| {
        for answer in frames(&hear(&mut two, frame)) {
            assert_eq!(answer, Frame::NoSpace { space: OTHER });
            assert!(frames(&hear(&mut one, &answer)).is_empty());
        }
    });
    for frame in answered {
        hear(&mut one, &frame);
    }
    said.clear();
    assert!(one.standing(&MAIN).unwrap().equal);
    let other = one.standing(&OTHER).unwrap();
    assert!(!other.equal && other.they_lack == 5, "{other:?}");
    assert!(!one.awaits_peer(false), "nothing more is owed");
    // It goes on growing, and nothing of it leaves.
    assert_eq!(one.handle(Input::Advanced { space: OTHER, vector: held(6) }), []);
    // To come back to it, or to leave the main one, is no way to behave.
    for frame in [hello(OTHER, &Vector::new()), Frame::NoSpace { space: OTHER }] {
        let (mut again, _) = (session(), ());
        again.handle(opened(&[(MAIN, held(1)), (OTHER, held(5))]));
        hear(&mut again, &Frame::NoSpace { space: OTHER });
        let last = hear(&mut again, &frame).pop();
        assert_eq!(last, Some(Effect::Close(GoodbyeReason::Misbehaved)));
    }
    for space in [MAIN, THIRD] {
        let mut again = session();
        again.handle(opened(&[(MAIN, held(1))]));
        let last = hear(&mut again, &Frame::NoSpace { space }).pop();
        assert_eq!(last, Some(Effect::Close(GoodbyeReason::Misbehaved)));
    }
}

#[test]
fn hellos_that_come_early_wait_and_have_a_limit() {
    let mut early = session();
    assert_eq!(hear(&mut early, &hello(OTHER, &held(2))), []);
    assert_eq!(hear(&mut early, &hello(THIRD, &held(2))), []);
    let said = frames(&early.handle(opened(&[(MAIN, Vector::new()), (OTHER, Vector::new())])));
    assert!(said.contains(&Frame::NoSpace { space: THIRD }));
    assert!(said.contains(&hello(OTHER, &Vector::new())));
    assert_eq!(early.standing(&OTHER).unwrap().we_lack, 2);
    // The same space twice, and more than a thousand teams have.
    let mut twice = session();
    hear(&mut twice, &hello(OTHER, &held(2)));
    let last = hear(&mut twice, &hello(OTHER, &held(2))).pop();
    assert_eq!(last, Some(Effect::Close(GoodbyeReason::Misbehaved)));
    let mut many = Vector::new();
    for number in 0..4096_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        many.set(WriterId::new(id), Mark { position: Position(1), prefix: [0; 8] });
    }
    let mut flooded = session();
    let ended = (0..=u8::MAX).find(|number| {
        let frame = hello(SpaceId::new([*number; 16]), &many);
        hear(&mut flooded, &frame).pop() == Some(Effect::Close(GoodbyeReason::Misbehaved))
    });
    assert_eq!(ended, Some(19), "19 vectors of 4,096 writers are 2 MiB");
}

/// A space that comes into being while two meet: who names somebody is heard, and what they write for them comes at once.
#[test]
fn a_space_that_an_operation_makes_opens_in_the_same_meeting() {
    let operation = |number: u8| firsthand_ids::OperationHash::new([number; 32]);
    let mut two = session();
    two.handle(opened(&[(MAIN, held(1))]));
    hear(&mut two, &hello(MAIN, &held(1)));
    let told = Frame::Operations { heads: vec![operation(1)], operations: vec![vec![1]], more: false };
    let effects = hear(&mut two, &told);
    assert_eq!(effects, [Effect::TakeOperations { operations: vec![vec![1]] }]);
    // It is greeted before this side knows of it: that waits.
    assert_eq!(hear(&mut two, &hello(OTHER, &held(4))), []);
    assert!(!two.finished());
    let taken = Input::OperationsTaken { heads: vec![operation(1)], peer_known: Ok(true) };
    assert_eq!(two.handle(taken), [Effect::OpenSpaces]);
    let said = frames(&two.handle(opened(&[(MAIN, held(1)), (OTHER, Vector::new())])));
    assert_eq!(said, [hello(OTHER, &Vector::new())]);
    assert_eq!(two.standing(&OTHER).unwrap().we_lack, 4);
}

/// Two hellos came early, that of a small space first: nothing is called settled before all were answered.
#[test]
fn nothing_is_told_of_files_before_every_space_is_open() {
    let mut early = session();
    early.handle(Input::Pending(Default::default()));
    for (space, entries) in [(OTHER, 1), (THIRD, 7)] {
        hear(&mut early, &hello(space, &held(entries)));
    }
    let spaces = [(MAIN, held(2)), (OTHER, held(1)), (THIRD, held(2))];
    let said = frames(&early.handle(opened(&spaces)));
    assert!(!said.iter().any(|frame| matches!(frame, Frame::Pending { .. })), "{said:?}");
    assert_eq!(said.iter().filter(|frame| matches!(frame, Frame::Hello { .. })).count(), 3);
}

/// Operations that are known already come, and with them a hello of a space that is not: it is answered all the same.
#[test]
fn a_hello_that_waits_is_answered_also_where_nothing_changed() {
    let mut two = session();
    two.handle(opened(&[(MAIN, held(1))]));
    hear(&mut two, &hello(MAIN, &held(1)));
    hear(&mut two, &Frame::Operations { heads: vec![], operations: vec![], more: false });
    assert_eq!(hear(&mut two, &hello(OTHER, &held(4))), []);
    let asked = two.handle(Input::OperationsTaken { heads: vec![], peer_known: Ok(true) });
    assert!(asked.contains(&Effect::OpenSpaces), "{asked:?}");
    let said = frames(&two.handle(opened(&[(MAIN, held(1))])));
    assert!(said.contains(&Frame::NoSpace { space: OTHER }));
    assert!(!two.awaits_peer(false));
}
