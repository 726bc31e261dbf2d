//! What every storage does, said once and asked of each.

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym, sha256};
use firsthand_relay::{Grant, MemoryStorage, SqliteStorage, Storage, Swept};
use firsthand_sync::relay::{
    BlobKind, Entered, ListDigest, ListPoint, Listed, MAX_BOXES, MAX_PAGE, MailboxBase, Order, Outcome,
    Refused, UploaderId, rules,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const TOKEN: [u8; 32] = [9; 32];
const QUOTA: u64 = 1 << 20;
const START: UnixMillis = UnixMillis(1_000_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

/// A storage under test, and the clock it is told.
struct Bench {
    storage: Box<dyn Storage>,
    now: UnixMillis,
    _folder: Option<tempfile::TempDir>,
}

fn both(check: impl Fn(&mut Bench)) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Box::new(SqliteStorage::open(&folder.path().join("relay.db")).unwrap());
    for (storage, folder) in [
        (Box::<MemoryStorage>::default() as Box<dyn Storage>, None),
        (sqlite as Box<dyn Storage>, Some(folder)),
    ] {
        let mut bench = Bench { storage, now: START, _folder: folder };
        let grant = Grant { mailboxes: 2, bytes: QUOTA, until: UnixMillis(START.0 + 400 * DAY) };
        bench.storage.grant(TOKEN, grant).unwrap();
        assert_eq!(bench.one(register(1)), Outcome::Registered);
        bench.enter(1);
        check(&mut bench);
    }
}

fn box_id(n: u8) -> MailboxId {
    MailboxId::new([n; 16])
}

fn who(n: u8) -> UploaderId {
    UploaderId::new([n; 16])
}

fn writer(n: u8) -> WriterPseudonym {
    WriterPseudonym::new([n; 16])
}

fn register(n: u8) -> Order {
    Order::Register { token: TOKEN, mailbox: box_id(n), leads: DeviceKey::new([7; 32]) }
}

fn put(by: u8, from: u64, to: u64, sealed: &[u8]) -> Order {
    let (from, to, sealed) = (Position(from), Position(to), sealed.to_vec());
    Order::Put { mailbox: box_id(1), uploader: who(by), writer: writer(1), from, to, sealed }
}

fn keep(by: u8, kind: BlobKind, sealed: &[u8]) -> Order {
    let id = ContentHash::new(sha256(sealed));
    Order::Keep { mailbox: box_id(1), uploader: who(by), kind, id, sealed: sealed.to_vec() }
}

fn list(after: u64, digest: ListDigest) -> Order {
    Order::List { mailbox: box_id(1), after, digest, inline: 0, uploader: who(1) }
}

fn base(positions: &[(u8, u64)]) -> MailboxBase {
    MailboxBase(positions.iter().map(|(n, at)| (writer(*n), Position(*at))).collect())
}

const DONE: Outcome = Outcome::Done { serial: 0, new: false };

impl Bench {
    fn one(&mut self, order: Order) -> Outcome {
        self.storage.carry_out(self.now, &[order]).unwrap().pop().unwrap()
    }

    fn enter(&mut self, by: u8) -> Entered {
        match self.one(Order::Enter { mailbox: box_id(1), uploader: who(by), seen: ListPoint::default() }) {
            Outcome::Entered { mailbox, leads } => {
                assert_eq!(leads, DeviceKey::new([7; 32]));
                mailbox
            }
            other => panic!("{other:?}"),
        }
    }

    fn listed(&mut self, after: u64, digest: ListDigest) -> Listed {
        match self.one(list(after, digest)) {
            Outcome::Listed(page) => page,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn stored(&mut self, order: Order) -> u64 {
        match self.one(order) {
            Outcome::Done { serial, new: true } => serial,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(&mut self, order: Order, reason: Refused) {
        assert_eq!(self.one(order), Outcome::Refused(reason));
    }

    fn sweep_after(&mut self, millis: i64) -> Swept {
        self.now.0 += millis;
        self.storage.sweep(self.now).unwrap()
    }
}

#[test]
fn mailboxes_need_a_token_and_are_as_many_as_it_allows() {
    both(|bench| {
        let unknown = Order::Register { token: [8; 32], mailbox: box_id(2), leads: DeviceKey::new([7; 32]) };
        assert_eq!(bench.one(unknown), Outcome::TokenRefused);
        assert_eq!(bench.one(register(1)), Outcome::Registered);
        assert_eq!(bench.one(register(2)), Outcome::Registered);
        assert_eq!(bench.one(register(3)), Outcome::TokenRefused);
        assert_eq!(bench.one(Order::Boxes { mailbox: box_id(3) }), Outcome::NoMailbox);
        bench.now.0 += 400 * DAY;
        // What is there is found with a token that has expired; what was left idle makes room, but not for that token.
        assert_eq!(bench.one(register(1)), Outcome::Registered);
        assert_eq!(bench.storage.sweep(bench.now).unwrap().mailboxes, 2);
        assert_eq!(bench.one(register(3)), Outcome::TokenRefused);
        assert_eq!(bench.storage.holdings().unwrap(), Default::default());
    });
}

#[test]
fn ranges_continue_what_is_there() {
    both(|bench| {
        bench.refused(put(1, 2, 3, b"hole"), Refused::Hole);
        assert_eq!(bench.stored(put(1, 1, 3, b"a")), 1);
        bench.refused(put(1, 5, 6, b"hole"), Refused::Hole);
        bench.refused(put(1, 3, 6, b"inside"), Refused::Hole);
        assert_eq!(bench.stored(put(1, 4, 6, b"b")), 2);
        // The same bytes again are there already, whoever brings them.
        for by in [1, 2] {
            assert_eq!(bench.one(put(by, 1, 3, b"a")), Outcome::Done { serial: 1, new: false });
        }
        assert_eq!(bench.one(Order::Read { mailbox: box_id(1), serial: 3 }), Outcome::Missing);
        assert_eq!(bench.one(Order::Read { mailbox: box_id(1), serial: 1 << 32 }), Outcome::Missing);
        let Outcome::Range(head, sealed) = bench.one(Order::Read { mailbox: box_id(1), serial: 2 }) else {
            panic!("not there")
        };
        assert_eq!((head.from, head.to, head.len, sealed), (Position(4), Position(6), 1, b"b".to_vec()));
    });
}

#[test]
fn one_uploader_cannot_take_every_place() {
    both(|bench| {
        for by in 2..=6 {
            bench.enter(by);
        }
        bench.stored(put(1, 1, 3, b"one"));
        bench.refused(put(1, 1, 4, b"another of the same"), Refused::Candidates);
        bench.stored(put(2, 1, 4, b"two"));
        bench.stored(put(3, 1, 3, b"three"));
        bench.stored(put(4, 1, 3, b"four"));
        bench.refused(put(5, 1, 3, b"five"), Refused::Candidates);
        // Each of them is gone on from.
        bench.stored(put(5, 4, 9, b"behind three entries"));
        bench.stored(put(5, 5, 9, b"behind four"));
        bench.refused(put(5, 6, 9, b"behind none"), Refused::Hole);
    });
}

#[test]
fn quotas_hold_and_what_goes_is_paid_back() {
    both(|bench| {
        bench.enter(2);
        let big = vec![1; 1 << 18];
        bench.stored(put(1, 1, 1, &big));
        assert_eq!(bench.one(keep(1, BlobKind::Chunk, b"chunk")), DONE);
        let used = rules::cost(big.len()) + rules::cost(5);
        let purse = bench.enter(1).purse;
        assert_eq!((purse.used, purse.own, purse.quota, purse.share), (used, used, QUOTA, QUOTA / 2));
        assert_eq!(bench.enter(2).purse.own, 0);
        bench.refused(put(1, 2, 2, &big), Refused::ShareUsed);
        bench.stored(put(2, 2, 2, &big));
        bench.refused(put(2, 3, 3, &big), Refused::ShareUsed);
        bench.enter(3);
        bench.stored(put(3, 3, 3, &big));
        bench.refused(put(3, 4, 4, &big), Refused::MailboxFull);
        bench.refused(keep(3, BlobKind::Chunk, &big), Refused::MailboxFull);
        // Nothing of what was refused is there.
        assert_eq!(bench.listed(0, ListDigest::default()).ranges.len(), 3);
        // A mailbox that somebody enters stays; the chunk goes.
        bench.now.0 += 80 * DAY;
        bench.enter(1);
        let swept = bench.sweep_after(10 * DAY);
        assert_eq!(swept, Swept { blobs: 1, ..Swept::default() });
        assert_eq!(bench.enter(1).purse.own, rules::cost(big.len()));
        assert_eq!(bench.storage.holdings().unwrap().bytes, 3 * rules::cost(big.len()));
    });
}

#[test]
fn more_devices_than_a_team_has_bring_nothing() {
    both(|bench| {
        for n in 0..rules::MAX_UPLOADERS {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_le_bytes());
            let (uploader, seen) = (UploaderId::new(id), ListPoint::default());
            bench.one(Order::Enter { mailbox: box_id(1), uploader, seen });
        }
        bench.refused(put(200, 1, 1, b"never entered"), Refused::ShareUsed);
        assert_eq!(bench.enter(200).purse.own, QUOTA);
        bench.refused(put(200, 1, 1, b"one too many"), Refused::ShareUsed);
        bench.refused(keep(200, BlobKind::Chunk, b"one too many"), Refused::ShareUsed);
        bench.stored(put(1, 1, 1, b"one of them"));
    });
}

#[test]
fn the_list_goes_on_where_it_ended_or_begins_anew() {
    both(|bench| {
        let count = MAX_PAGE as u64 + 10;
        for at in 1..=count {
            bench.stored(put(1, at, at, &at.to_le_bytes()));
        }
        let first = bench.listed(0, ListDigest::default());
        assert_eq!((first.ranges.len(), first.more, &first.restart), (MAX_PAGE, true, &Some(base(&[]))));
        let last = first.ranges[MAX_PAGE - 1].0.serial;
        let second = bench.listed(last, first.digest);
        assert_eq!((second.ranges.len(), second.more, &second.restart), (10, false, &None));
        let end = bench.listed(count, second.digest);
        assert_eq!((end.ranges.len(), end.restart, end.digest), (0, None, second.digest));
        // From any place in it.
        let digest =
            first.ranges[..5].iter().fold(ListDigest::default(), |digest, (head, _)| digest.then(head));
        let (head, _) = first.ranges[4].clone();
        assert_eq!(bench.listed(head.serial, digest).ranges[0].0.serial, head.serial + 1);
        // Whoever has seen another list, or more than is there, begins anew.
        for (serial, digest) in [(3, ListDigest([1; 8])), (count, first.digest), (count + 5, second.digest)] {
            let anew = bench.listed(serial, digest);
            assert_eq!((anew.ranges[0].0.serial, anew.restart), (1, Some(base(&[]))));
        }
    });
}

#[test]
fn a_list_knows_every_place_that_it_has_been_at() {
    both(|bench| {
        bench.enter(1);
        bench.enter(2);
        let (mut at, mut places) = (ListDigest::default(), vec![ListPoint::default()]);
        for n in 1..=100 {
            // Some large enough for their digest to be kept beside them.
            let serial = bench.stored(put(
                1 + (n % 2) as u8,
                n,
                n,
                &vec![n as u8; if n % 5 == 0 { 5000 } else { 90 }],
            ));
            let page = bench.listed(serial - 1, at);
            assert_eq!((page.restart.is_some(), page.ranges.len()), (n == 1, 1));
            at = page.digest;
            places.push(ListPoint { serial, digest: at });
        }
        let mut recall =
            |points: Vec<ListPoint>| match bench.one(Order::Recall { mailbox: box_id(1), points }) {
                Outcome::Found(there) => there,
                other => panic!("{other:?}"),
            };
        assert_eq!(recall(places.clone()), vec![true; 101]);
        let moved = |point: &ListPoint| ListPoint { serial: point.serial + 1, ..*point };
        assert_eq!(recall(places.iter().map(moved).collect()), vec![false; 101]);
        // And where the list is read from any of them, it ends as it ends.
        for place in places {
            let page = bench.listed(place.serial, place.digest);
            assert_eq!((page.ranges.len(), page.digest), (100 - place.serial as usize, at));
        }
    });
}

#[test]
fn short_new_ranges_of_others_come_along() {
    both(|bench| {
        bench.enter(2);
        bench.stored(put(1, 1, 1, b"own"));
        bench.stored(put(2, 2, 2, b"short"));
        bench.stored(put(2, 3, 3, &[0; 100]));
        let order = Order::List {
            mailbox: box_id(1),
            after: 0,
            digest: ListDigest::default(),
            inline: 50,
            uploader: who(1),
        };
        let Outcome::Listed(page) = bench.one(order) else { panic!("no list") };
        let along: Vec<_> = page.ranges.into_iter().map(|(_, sealed)| sealed).collect();
        assert_eq!(along, [None, Some(b"short".to_vec()), None]);
    });
}

#[test]
fn a_base_is_said_once_and_before_anything_else() {
    both(|bench| {
        let set = |positions: &[(u8, u64)]| Order::SetBase { mailbox: box_id(1), base: base(positions) };
        assert_eq!(bench.one(set(&[(1, 10)])), DONE);
        bench.refused(set(&[(1, 5)]), Refused::NotNow);
        bench.refused(put(1, 1, 3, b"before it"), Refused::Hole);
        bench.stored(put(1, 11, 13, b"behind it"));
        assert_eq!(bench.listed(0, ListDigest::default()).restart, Some(base(&[(1, 10)])));
    });
    both(|bench| {
        bench.stored(put(1, 1, 3, b"a"));
        bench.refused(Order::SetBase { mailbox: box_id(1), base: base(&[(1, 10)]) }, Refused::NotNow);
    });
}

fn propose(by: u8, name: u8, snapshot: &[u8], positions: &[(u8, u64)]) -> Order {
    let snapshot = ContentHash::new(sha256(snapshot));
    let (mailbox, uploader, proposal) = (box_id(1), who(by), [name; 32]);
    Order::Propose { mailbox, uploader, proposal, snapshot, base: base(positions) }
}

fn confirm(by: u8, name: u8) -> Order {
    Order::Confirm { mailbox: box_id(1), uploader: who(by), proposal: [name; 32] }
}

#[test]
fn a_snapshot_replaces_ranges_after_a_second_member_and_a_grace_time() {
    both(|bench| {
        bench.enter(2);
        for (from, to) in [(1, 5), (6, 9), (10, 12)] {
            bench.stored(put(1, from, to, b"range"));
        }
        bench.refused(propose(1, 1, b"snapshot", &[(1, 9)]), Refused::Missing);
        assert_eq!(bench.one(keep(1, BlobKind::Snapshot, b"snapshot")), DONE);
        bench.now.0 += 1;
        assert_eq!(bench.one(propose(1, 1, b"snapshot", &[(1, 9)])), DONE);
        bench.now.0 += 1;
        bench.enter(3);
        let pending = bench.enter(2).pending.unwrap();
        assert_eq!((pending.proposal, pending.due, pending.base), ([1; 32], None, base(&[(1, 9)])));
        // Not the proposer, not a newcomer, not another proposal, and nothing happens unconfirmed.
        bench.refused(confirm(1, 1), Refused::NotNow);
        bench.refused(confirm(3, 1), Refused::NotNow);
        bench.refused(confirm(4, 1), Refused::NotNow);
        bench.refused(confirm(2, 9), Refused::Missing);
        assert_eq!(bench.sweep_after(8 * DAY).ranges, 0);
        assert_eq!(bench.one(confirm(2, 1)), DONE);
        let due = bench.enter(2).pending.unwrap().due.unwrap();
        assert_eq!(due.0, bench.now.0 + rules::GRACE_MS);
        let before = bench.listed(0, ListDigest::default());
        assert_eq!(bench.sweep_after(rules::GRACE_MS - 1), Swept::default());
        assert_eq!(bench.sweep_after(1), Swept { ranges: 2, ..Swept::default() });
        let entered = bench.enter(2);
        assert_eq!(entered.snapshot, Some(ContentHash::new(sha256(b"snapshot"))));
        assert_eq!((entered.pending, entered.serial), (None, 3));
        assert_eq!(entered.purse.used, rules::cost(5) + rules::cost(8));
        // The list is another now: whoever saw the one before begins anew, at the new base.
        let (first, _) = before.ranges[0].clone();
        for (serial, digest) in [(3, before.digest), (1, ListDigest::default().then(&first))] {
            let anew = bench.listed(serial, digest);
            assert_eq!((anew.ranges.len(), anew.restart), (1, Some(base(&[(1, 9)]))));
            let digest = ListDigest::default().then(&anew.ranges[0].0);
            assert_eq!(anew.digest, digest);
            let end = bench.listed(3, digest);
            assert_eq!((end.ranges.len(), end.restart), (0, None));
        }
        bench.refused(put(2, 1, 5, b"again"), Refused::Hole);
        bench.stored(put(2, 10, 14, b"behind the base"));
        // Back is no way to go.
        bench.refused(propose(1, 2, b"snapshot", &[(1, 8)]), Refused::NotNow);
        // The next snapshot drops the parts of the one before, and keeps what was brought for it.
        bench.now.0 += 1;
        assert_eq!(bench.one(keep(1, BlobKind::Snapshot, b"next")), DONE);
        assert_eq!(bench.one(propose(1, 3, b"next", &[(1, 12)])), DONE);
        assert_eq!(bench.one(confirm(2, 3)), DONE);
        bench.sweep_after(rules::GRACE_MS);
        let ids = [&b"snapshot"[..], b"next"].map(|bytes| ContentHash::new(sha256(bytes))).to_vec();
        assert_eq!(bench.one(Order::Seek { mailbox: box_id(1), ids }), Outcome::Found(vec![false, true]));
    });
}

#[test]
fn blobs_are_found_by_their_bytes() {
    both(|bench| {
        assert_eq!(bench.one(keep(1, BlobKind::Chunk, b"chunk")), DONE);
        assert_eq!(bench.one(keep(1, BlobKind::Chunk, b"chunk")), DONE);
        let id = ContentHash::new(sha256(b"chunk"));
        let seek = |mailbox| Order::Seek { mailbox, ids: vec![id, ContentHash::new([0; 32])] };
        assert_eq!(bench.one(seek(box_id(1))), Outcome::Found(vec![true, false]));
        assert_eq!(bench.one(Order::Fetch { mailbox: box_id(1), id }), Outcome::Blob(b"chunk".to_vec()));
        assert_eq!(bench.storage.holdings().unwrap().blobs, 1);
        // Not from another mailbox.
        assert_eq!(bench.one(register(2)), Outcome::Registered);
        assert_eq!(bench.one(seek(box_id(2))), Outcome::Found(vec![false, false]));
        assert_eq!(bench.one(Order::Fetch { mailbox: box_id(2), id }), Outcome::Missing);
        // Brought again in time it stays, and as a part of a snapshot it does not expire.
        bench.now.0 += 80 * DAY;
        bench.enter(1);
        bench.one(keep(1, BlobKind::Chunk, b"chunk"));
        assert_eq!(bench.sweep_after(20 * DAY).blobs, 0);
        bench.one(keep(1, BlobKind::Snapshot, b"chunk"));
        bench.enter(1);
        assert_eq!(bench.sweep_after(100 * DAY).blobs, 0);
        bench.one(keep(1, BlobKind::Chunk, b"chunk"));
        bench.enter(1);
        assert_eq!(bench.sweep_after(100 * DAY).blobs, 0);
    });
}

#[test]
fn boxes_stay_half_a_year_one_of_each_uploader() {
    both(|bench| {
        let left = |bytes: &[u8]| ContentHash::new(sha256(bytes));
        assert_eq!(bench.one(keep(1, BlobKind::Boxes, b"first")), DONE);
        bench.refused(keep(1, BlobKind::Boxes, b"second of the same"), Refused::Candidates);
        bench.enter(2);
        assert_eq!(bench.one(keep(2, BlobKind::Boxes, b"another")), DONE);
        let boxes = Outcome::Boxes(vec![left(b"first"), left(b"another")]);
        assert_eq!(bench.one(Order::Boxes { mailbox: box_id(1) }), boxes);
        for n in 3..=MAX_BOXES as u8 {
            bench.enter(n);
            assert_eq!(bench.one(keep(n, BlobKind::Boxes, &[n])), DONE);
        }
        bench.enter(100);
        bench.refused(keep(100, BlobKind::Boxes, b"too many"), Refused::Candidates);
        bench.now.0 += 179 * DAY;
        bench.enter(1);
        assert_eq!(bench.storage.sweep(bench.now).unwrap().blobs, 0);
        assert_eq!(bench.sweep_after(DAY).blobs, MAX_BOXES as u64);
        assert_eq!(bench.one(Order::Boxes { mailbox: box_id(1) }), Outcome::Boxes(vec![]));
    });
}

/// One of the places that a list was at, or one where it never was.
fn point(seen: &[(u64, ListDigest)], at: u64) -> ListPoint {
    let (serial, digest) = seen.get(at as usize).copied().unwrap_or((at, ListDigest([1; 8])));
    ListPoint { serial, digest }
}

/// The same random orders to both: they answer the same.
#[test]
fn both_answer_random_orders_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut memory: Box<dyn Storage> = Box::<MemoryStorage>::default();
    let mut sqlite: Box<dyn Storage> =
        Box::new(SqliteStorage::open(&folder.path().join("relay.db")).unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut below = move |bound: u64| rng.next_u64() % bound;
    let grant = Grant { mailboxes: 3, bytes: 20_000, until: UnixMillis(START.0 + 900 * DAY) };
    memory.grant(TOKEN, grant).unwrap();
    sqlite.grant(TOKEN, grant).unwrap();
    let (mut now, mut seen, mut kinds) = (START, Vec::new(), BTreeMap::new());
    for round in 0..1500 {
        let mut orders = Vec::new();
        for _ in 0..1 + below(6) {
            let (n, by) = (1 + below(3) as u8, 1 + below(6) as u8);
            let (mailbox, uploader) = (box_id(n), who(by));
            let sealed = vec![below(6) as u8; 1 + below(300) as usize];
            orders.push(match below(13) {
                0 => register(1 + below(4) as u8),
                1 | 2 => Order::Enter { mailbox, uploader, seen: point(&seen, below(6)) },
                12 => Order::Recall { mailbox, points: (0..4).map(|_| point(&seen, below(60))).collect() },
                3 => Order::SetBase { mailbox, base: base(&[(1, 1 + below(3))]) },
                4..=6 => {
                    let from = 1 + below(12);
                    let (from, to) = (Position(from), Position(from + below(3)));
                    let writer = writer(1 + below(2) as u8);
                    Order::Put { mailbox, uploader, writer, from, to, sealed }
                }
                7 => {
                    let kind = BlobKind::from_number(below(3) as u8).unwrap();
                    Order::Keep { mailbox, uploader, kind, id: ContentHash::new(sha256(&sealed)), sealed }
                }
                8 => {
                    let snapshot = ContentHash::new(sha256(&sealed));
                    let (proposal, base) =
                        ([below(3) as u8; 32], base(&[(1, 1 + below(9)), (2, 1 + below(9))]));
                    Order::Propose { mailbox, uploader, proposal, snapshot, base }
                }
                9 => Order::Confirm { mailbox, uploader, proposal: [below(3) as u8; 32] },
                10 => {
                    let (after, digest) = match below(3) {
                        0 => (0, ListDigest::default()),
                        _ if seen.is_empty() => (4, ListDigest([1; 8])),
                        _ => seen[below(seen.len() as u64) as usize],
                    };
                    Order::List { mailbox, after, digest, inline: below(200) as usize, uploader }
                }
                _ => match below(4) {
                    0 => Order::Read { mailbox, serial: below(30) },
                    1 => Order::Boxes { mailbox },
                    2 => Order::Fetch { mailbox, id: ContentHash::new(sha256(&sealed)) },
                    _ => Order::Seek { mailbox, ids: vec![ContentHash::new(sha256(&sealed))] },
                },
            });
        }
        let ours = memory.carry_out(now, &orders).unwrap();
        let theirs = sqlite.carry_out(now, &orders).unwrap();
        for ((order, ours), theirs) in orders.iter().zip(&ours).zip(&theirs) {
            assert_eq!(ours, theirs, "round {round}: {order:?}");
            let kind = format!("{ours:?}");
            let kind = kind.split(['(', ' ']).next().unwrap().to_owned();
            *kinds.entry(kind).or_insert(0) += 1;
            if let Outcome::Listed(page) = ours {
                seen.extend(page.ranges.last().map(|(head, _)| (head.serial, page.digest)));
            }
        }
        now.0 += below(20) as i64 * DAY / 8;
        if below(10) == 0 {
            assert_eq!(memory.sweep(now).unwrap(), sqlite.sweep(now).unwrap(), "round {round}");
            assert_eq!(memory.holdings().unwrap(), sqlite.holdings().unwrap(), "round {round}");
        }
    }
    // The dice reached everything.
    assert!(kinds.len() >= 11, "{kinds:?}");
}
