//! Clients that do what they must not, as the relay's machine sees them: each ends with a reason, and costs little.

use firsthand_ids::{DeviceKey, Position, UnixMillis};
use firsthand_sync::relay::{
    Answer, Closing, Entered, Limits, ListDigest, ListPoint, Listed, Outcome, Refused, RelayEffect,
    RelayInput, RelaySession, Request, Waits, mailbox_id, proof,
};

use crate::support::{enter_request, key_of, leads, mailbox, secret, token, writer};

const HANDSHAKE: [u8; 32] = [42; 32];
const NOW: UnixMillis = UnixMillis(1_000);

fn session() -> RelaySession {
    RelaySession::new(Limits::default(), HANDSHAKE, NOW)
}

fn frame(session: &mut RelaySession, request: &Request) -> Vec<RelayEffect> {
    session.handle(NOW, RelayInput::Frame(request.encode()))
}

fn inside() -> RelaySession {
    let mut session = session();
    let effects = frame(&mut session, &enter_request(&HANDSHAKE, &mailbox(), 1));
    let [RelayEffect::Order(id, _)] = effects[..] else { panic!("{effects:?}") };
    let entered = Outcome::Entered { mailbox: Entered::default(), leads: leads().key() };
    let effects = session.handle(NOW, RelayInput::Outcome(id, entered));
    assert_eq!(effects[0], RelayEffect::Trust);
    session
}

#[track_caller]
fn ends(effects: &[RelayEffect], reason: Closing) {
    let goodbye = RelayEffect::Send(Answer::Goodbye(reason).encode());
    assert_eq!(effects, [goodbye, RelayEffect::Close(reason)]);
}

fn put(tag: u64, len: usize) -> Request {
    Request::Put { tag, writer: writer(1), from: Position(1), to: Position(1), sealed: vec![1; len] }
}

#[test]
fn a_foreign_mailbox_opens_to_nobody() {
    let (mine, other) = (mailbox(), secret(50));
    let uploader = secret(101);
    let right = (
        mine.sign(&proof::enter(&HANDSHAKE, &uploader.key())),
        uploader.sign(&proof::upload(&HANDSHAKE, &mailbox_id(&mine.key()))),
    );
    for (what, proof, uploader_proof) in [
        ("another key's", other.sign(&proof::enter(&HANDSHAKE, &uploader.key())), right.1),
        ("of another connection", mine.sign(&proof::enter(&[1; 32], &uploader.key())), right.1),
        ("for another uploader", mine.sign(&proof::enter(&HANDSHAKE, &other.key())), right.1),
        ("an uploader of another", right.0, other.sign(&proof::upload(&HANDSHAKE, &mailbox_id(&mine.key())))),
        (
            "an upload elsewhere",
            right.0,
            uploader.sign(&proof::upload(&HANDSHAKE, &mailbox_id(&other.key()))),
        ),
        ("of a registration", mine.sign(&proof::register(&HANDSHAKE, &token(), &uploader.key())), right.1),
    ] {
        let request = Request::Enter {
            mailbox: mine.key(),
            uploader: uploader.key(),
            proof,
            uploader_proof,
            seen: ListPoint::default(),
        };
        let mut session = session();
        ends(&frame(&mut session, &request), Closing::Proof);
        assert!(session.is_over(), "{what}");
        assert_eq!(frame(&mut session, &Request::Boxes { tag: 1 }), vec![], "{what}");
    }
    // A key of small order fits many messages.
    let weak = DeviceKey::new([0; 32]);
    let request = Request::Enter {
        mailbox: weak,
        uploader: key_of(101),
        proof: [0; 64],
        uploader_proof: right.1,
        seen: ListPoint::default(),
    };
    ends(&frame(&mut session(), &request), Closing::Proof);
    let request =
        Request::Register { token: token(), mailbox: mine.key(), leads: leads().key(), proof: [0; 64] };
    ends(&frame(&mut session(), &request), Closing::Proof);
}

#[test]
fn a_stranger_may_introduce_himself_and_nothing_else() {
    let follow = Request::Follow { serial: 0, digest: ListDigest::default() };
    for request in [put(1, 10), follow.clone(), Request::Get { serials: vec![1] }, Request::Boxes { tag: 1 }]
    {
        ends(&frame(&mut session(), &request), Closing::Forbidden);
    }
    for bytes in [&[][..], &[0], &[99], &[2; 100], &[255; 300]] {
        ends(&session().handle(NOW, RelayInput::Frame(bytes.to_vec())), Closing::Forbidden);
    }
    // Twice at once, before the answer.
    let mut session = self::session();
    let enter = enter_request(&HANDSHAKE, &mailbox(), 1);
    assert_eq!(frame(&mut session, &enter).len(), 1);
    ends(&frame(&mut session, &enter), Closing::Forbidden);
    // Inside, nobody enters or follows again.
    let mut session = inside();
    ends(&frame(&mut session, &enter), Closing::Forbidden);
    let mut session = inside();
    assert_eq!(frame(&mut session, &follow).len(), 2);
    ends(&frame(&mut session, &follow), Closing::Forbidden);
    // Nothing is listed to who does not follow, so there is nothing to check.
    ends(&frame(&mut inside(), &Request::Check { tag: 1 }), Closing::Forbidden);
}

/// A page that was asked for before a check came says nothing of what was brought between.
#[test]
fn a_check_is_answered_with_a_page_read_after_it_came() {
    let follow = Request::Follow { serial: 0, digest: ListDigest::default() };
    let mut session = inside();
    let effects = frame(&mut session, &follow);
    let [RelayEffect::Join(_), RelayEffect::Order(first, _)] = effects[..] else { panic!("{effects:?}") };
    assert_eq!(frame(&mut session, &Request::Check { tag: 7 }), vec![], "a page is on its way");
    let page = |more| {
        Outcome::Listed(Listed { restart: None, ranges: Vec::new(), more, digest: ListDigest([1; 8]) })
    };
    let done = |tag| RelayEffect::Send(Answer::Done { tag, serial: 0 }.encode());
    let effects = session.handle(NOW, RelayInput::Outcome(first, page(false)));
    let [RelayEffect::Send(_), RelayEffect::Order(second, _)] = effects[..] else { panic!("{effects:?}") };
    // One that comes now waits for the next page, wherever this one ends.
    assert_eq!(frame(&mut session, &Request::Check { tag: 8 }), vec![]);
    let effects = session.handle(NOW, RelayInput::Outcome(second, page(false)));
    let [ref answer, RelayEffect::Order(third, _)] = effects[..] else { panic!("{effects:?}") };
    assert_eq!(*answer, done(7));
    let effects = session.handle(NOW, RelayInput::Outcome(third, page(true)));
    let [RelayEffect::Order(fourth, _)] = effects[..] else { panic!("{effects:?}") };
    assert_eq!(session.handle(NOW, RelayInput::Outcome(fourth, page(false))), vec![done(8)]);
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let mut session = session();
    let by = session.deadline().unwrap();
    assert_eq!(session.handle(UnixMillis(by.0 - 1), RelayInput::Time), vec![]);
    ends(&session.handle(by, RelayInput::Time), Closing::Late);
    assert_eq!(inside().deadline(), None);
    // Storage that does not answer does not prolong it.
    let mut session = self::session();
    frame(&mut session, &enter_request(&HANDSHAKE, &mailbox(), 1));
    ends(&session.handle(by, RelayInput::Time), Closing::Late);
}

#[test]
fn a_flood_is_slowed_and_never_gathers() {
    let limits = Limits::default();
    // Many small requests that storage has not answered.
    let mut session = inside();
    let mut taken = 0;
    while session.waits(NOW) == Waits::Not {
        assert!(matches!(frame(&mut session, &put(taken, 10))[..], [RelayEffect::Order(..)]));
        taken += 1;
    }
    assert_eq!((taken, session.waits(NOW)), (limits.orders as u64, Waits::Outcome));
    // Checks.
    let mut session = inside();
    frame(&mut session, &Request::Follow { serial: 0, digest: ListDigest::default() });
    let mut taken = 1;
    while session.waits(NOW) == Waits::Not {
        assert_eq!(frame(&mut session, &Request::Check { tag: taken }), vec![]);
        taken += 1;
    }
    assert_eq!((taken, session.waits(NOW)), (limits.orders as u64, Waits::Outcome));
    // A few long ones.
    let mut session = inside();
    let mut bytes = 0;
    while session.waits(NOW) == Waits::Not {
        frame(&mut session, &put(1, 1 << 20));
        bytes += 1 << 20;
    }
    assert!(bytes <= limits.order_bytes + (1 << 20));
    // Ranges asked for are read one by one.
    let mut session = inside();
    let effects = frame(&mut session, &Request::Get { serials: (1..=64).collect() });
    assert_eq!((effects.len(), session.waits(NOW)), (1, Waits::Outcome));
    // Requests that are answered at once.
    let mut session = inside();
    let mut taken = 0u32;
    while session.waits(NOW) == Waits::Not {
        let effects = frame(&mut session, &Request::Boxes { tag: 1 });
        let [RelayEffect::Order(id, _)] = effects[..] else { panic!("{effects:?}") };
        session.handle(NOW, RelayInput::Outcome(id, Outcome::Boxes(vec![])));
        taken += 1;
    }
    assert_eq!(taken, limits.requests * limits.burst);
    assert_eq!(session.waits(NOW), Waits::Until(UnixMillis(NOW.0 + 1)));
}

#[test]
fn a_full_disk_is_said_and_the_connection_goes_on() {
    let mut session = inside();
    let effects = frame(&mut session, &put(7, 10));
    let [RelayEffect::Order(id, _)] = effects[..] else { panic!("{effects:?}") };
    let effects = session.handle(NOW, RelayInput::Outcome(id, Outcome::Failed));
    let refused = Answer::Refused { tag: 7, reason: Refused::Storage };
    assert_eq!(effects, [RelayEffect::Send(refused.encode())]);
    assert!(!session.is_over());
    // Before anybody has entered there is nothing to go on with.
    let mut session = self::session();
    let effects = frame(&mut session, &enter_request(&HANDSHAKE, &mailbox(), 1));
    let [RelayEffect::Order(id, _)] = effects[..] else { panic!("{effects:?}") };
    ends(&session.handle(NOW, RelayInput::Outcome(id, Outcome::Failed)), Closing::Storage);
    let mut session = self::session();
    let effects = frame(&mut session, &enter_request(&HANDSHAKE, &mailbox(), 1));
    let [RelayEffect::Order(id, _)] = effects[..] else { panic!("{effects:?}") };
    ends(&session.handle(NOW, RelayInput::Outcome(id, Outcome::NoMailbox)), Closing::NoMailbox);
}

#[test]
fn only_the_leads_replace() {
    let mut session = inside();
    let request = |by: u8| {
        let (snapshot, base) = (firsthand_ids::ContentHash::new([1; 32]), Default::default());
        let message = proof::replace(&mailbox_id(&mailbox().key()), &snapshot, &base);
        Request::Replace { tag: 3, snapshot, base, proof: secret(by).sign(&message) }
    };
    let refused = Answer::Refused { tag: 3, reason: Refused::NotTheLeads };
    assert_eq!(frame(&mut session, &request(10)), [RelayEffect::Send(refused.encode())]);
    assert!(matches!(frame(&mut session, &request(11))[..], [RelayEffect::Order(..)]));
}
