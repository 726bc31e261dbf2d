//! What a client and a relay say to each other, byte by byte, and what neither takes.
//!
//! The expected bytes were computed by a second implementation, written in Python after docs/formats/relay.md.

use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym};
use firsthand_log::LogError;
use firsthand_sync::relay::{
    Answer, BlobKind, Closing, Entered, ListDigest, ListPoint, MAX_ANSWER_BYTES, MAX_BLOB_BYTES,
    MAX_FIRST_REQUEST_BYTES, MAX_PAGE, MAX_RANGE_BYTES, MAX_REQUEST_BYTES, MAX_SOUGHT, MAX_WANTED_RANGES,
    MAX_WRITERS, MailboxBase, Pending, Purse, RangeHead, Refused, Request, SealedDigest, Token, UploaderId,
    mailbox_id, proof,
};
use proptest::prelude::*;

const REQUESTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Register",
        &[
            ("kind", "01"),
            ("token", "01010101010101010101010101010101"),
            ("mailbox", "0202020202020202020202020202020202020202020202020202020202020202"),
            ("leads", "0303030303030303030303030303030303030303030303030303030303030303"),
            (
                "proof",
                "04040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404",
            ),
        ],
    ),
    (
        "Enter",
        &[
            ("kind", "02"),
            ("mailbox", "0202020202020202020202020202020202020202020202020202020202020202"),
            ("uploader", "0505050505050505050505050505050505050505050505050505050505050505"),
            (
                "proof",
                "04040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404",
            ),
            (
                "uploader's proof",
                "06060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606",
            ),
            ("serial 5", "05"),
            ("digest", "0909090909090909"),
        ],
    ),
    (
        "Base",
        &[
            ("kind", "03"),
            ("tag 200", "c801"),
            ("one writer at 300", "0107070707070707070707070707070707ac02"),
        ],
    ),
    ("Follow", &[("kind", "04"), ("serial 5", "05"), ("digest", "0909090909090909")]),
    (
        "Put",
        &[
            ("kind", "05"),
            ("tag 1", "01"),
            ("writer", "08080808080808080808080808080808"),
            ("from 11", "0b"),
            ("9 further", "09"),
            ("sealed", "aabbcc"),
        ],
    ),
    ("Get", &[("kind", "06"), ("two", "02"), ("5", "05"), ("300 less 5", "a702")]),
    (
        "Seek",
        &[
            ("kind", "07"),
            ("tag 2", "02"),
            ("one", "01"),
            ("blob", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
        ],
    ),
    ("Keep", &[("kind", "08"), ("tag 3", "03"), ("boxes", "02"), ("sealed", "dd")]),
    (
        "Fetch",
        &[
            ("kind", "09"),
            ("tag 4", "04"),
            ("blob", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
        ],
    ),
    ("Boxes", &[("kind", "0a"), ("tag 5", "05")]),
    (
        "Replace",
        &[
            ("kind", "0b"),
            ("tag 6", "06"),
            ("snapshot", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
            (
                "proof",
                "04040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404",
            ),
            ("base", "0107070707070707070707070707070707ac02"),
        ],
    ),
    (
        "Confirm",
        &[
            ("kind", "0c"),
            ("tag 7", "07"),
            ("proposal", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
        ],
    ),
    ("Goodbye", &[("kind", "0d")]),
    ("Check", &[("kind", "0e"), ("tag 8", "08")]),
    (
        "Recall",
        &[
            ("kind", "0f"),
            ("tag 9", "09"),
            ("two places", "02"),
            ("serial 300", "ac02"),
            ("digest", "0909090909090909"),
            ("295 before it", "a702"),
            ("digest", "0909090909090909"),
        ],
    ),
];

const ANSWERS: &[(&str, &[(&str, &str)])] = &[
    ("Registered", &[("kind", "01")]),
    (
        "Entered",
        &[
            ("kind", "02"),
            ("clock 1000", "d00f"),
            ("serial 5", "05"),
            ("known", "01"),
            ("used 300", "ac02"),
            ("of 4096", "8020"),
            ("own 200", "c801"),
            ("of 2048", "8010"),
            ("a snapshot", "01"),
            ("snapshot", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
            ("a proposal", "01"),
            ("proposal", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
            ("its snapshot", "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"),
            ("due 1500", "b817"),
            ("base", "0107070707070707070707070707070707ac02"),
        ],
    ),
    (
        "Listed",
        &[
            ("kind", "03"),
            ("more", "01"),
            ("begins anew", "01"),
            ("base", "0107070707070707070707070707070707ac02"),
            ("one", "01"),
            ("range", "05080808080808080808080808080808080b090309090909090909090909090909090909"),
        ],
    ),
    (
        "Range",
        &[
            ("kind", "04"),
            ("range", "05080808080808080808080808080808080b090309090909090909090909090909090909"),
            ("pushed", "01"),
            ("sealed", "aabbcc"),
        ],
    ),
    ("Gone", &[("kind", "05"), ("serial 5", "05")]),
    ("Done", &[("kind", "06"), ("tag 1", "01"), ("serial 5", "05")]),
    ("Refused", &[("kind", "07"), ("tag 1", "01"), ("candidates", "01")]),
    ("Found", &[("kind", "08"), ("tag 2", "02"), ("nine", "09"), ("yes no no yes ..", "0901")]),
    ("Blob", &[("kind", "09"), ("tag 4", "04"), ("sealed", "dd")]),
    (
        "Boxes",
        &[
            ("kind", "0a"),
            ("tag 5", "05"),
            ("one", "01"),
            ("box", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
        ],
    ),
    ("Goodbye", &[("kind", "0b"), ("late", "06")]),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(byte: u8) -> DeviceKey {
    DeviceKey::new([byte; 32])
}

fn blob(byte: u8) -> ContentHash {
    ContentHash::new([byte; 32])
}

fn base() -> MailboxBase {
    MailboxBase(BTreeMap::from([(WriterPseudonym::new([7; 16]), Position(300))]))
}

fn head() -> RangeHead {
    RangeHead {
        serial: 5,
        writer: WriterPseudonym::new([8; 16]),
        from: Position(11),
        to: Position(20),
        len: 3,
        digest: SealedDigest::new([9; 16]),
    }
}

fn point(serial: u64) -> ListPoint {
    ListPoint { serial, digest: ListDigest([9; 8]) }
}

fn requests() -> Vec<Request> {
    let RangeHead { writer, from, to, .. } = head();
    let proof = [4; 64];
    vec![
        Request::Register { token: Token::new([1; 16]), mailbox: key(2), leads: key(3), proof },
        Request::Enter { mailbox: key(2), uploader: key(5), proof, uploader_proof: [6; 64], seen: point(5) },
        Request::Base { tag: 200, base: base() },
        Request::Follow { serial: 5, digest: ListDigest([9; 8]) },
        Request::Put { tag: 1, writer, from, to, sealed: vec![0xaa, 0xbb, 0xcc] },
        Request::Get { serials: vec![5, 300] },
        Request::Seek { tag: 2, ids: vec![blob(10)] },
        Request::Keep { tag: 3, kind: BlobKind::Boxes, sealed: vec![0xdd] },
        Request::Fetch { tag: 4, id: blob(10) },
        Request::Boxes { tag: 5 },
        Request::Replace { tag: 6, snapshot: blob(10), base: base(), proof },
        Request::Confirm { tag: 7, proposal: [11; 32] },
        Request::Goodbye,
        Request::Check { tag: 8 },
        Request::Recall { tag: 9, points: vec![point(300), point(5)] },
    ]
}

fn answers() -> Vec<Answer> {
    let pending =
        Pending { proposal: [11; 32], snapshot: blob(12), base: base(), due: Some(UnixMillis(1500)) };
    let mailbox = Entered {
        serial: 5,
        known: true,
        purse: Purse { used: 300, quota: 4096, own: 200, share: 2048 },
        snapshot: Some(blob(10)),
        pending: Some(pending),
    };
    vec![
        Answer::Registered,
        Answer::Entered { now: UnixMillis(1000), mailbox },
        Answer::Listed { restart: Some(base()), ranges: vec![head()], more: true },
        Answer::Range { head: head(), pushed: true, sealed: vec![0xaa, 0xbb, 0xcc] },
        Answer::Gone { serial: 5 },
        Answer::Done { tag: 1, serial: 5 },
        Answer::Refused { tag: 1, reason: Refused::Candidates },
        Answer::Found {
            tag: 2,
            there: [true, false, false, true, false, false, false, false, true].to_vec(),
        },
        Answer::Blob { tag: 4, sealed: vec![0xdd] },
        Answer::Boxes { tag: 5, ids: vec![blob(10)] },
        Answer::Goodbye(Closing::Late),
    ]
}

#[test]
fn requests_and_answers_have_these_bytes() {
    let whole = |parts: &[(&str, &str)]| parts.iter().map(|(_, hex)| *hex).collect::<String>();
    assert_eq!(requests().len(), REQUESTS.len());
    for (request, (name, parts)) in requests().iter().zip(REQUESTS) {
        let bytes = request.encode();
        assert_eq!(hex(&bytes), whole(parts), "{name}");
        assert_eq!(Request::decode(&bytes).as_ref(), Ok(request), "{name}");
    }
    assert_eq!(answers().len(), ANSWERS.len());
    for (answer, (name, parts)) in answers().iter().zip(ANSWERS) {
        let bytes = answer.encode();
        assert_eq!(hex(&bytes), whole(parts), "{name}");
        assert_eq!(Answer::decode(&bytes).as_ref(), Ok(answer), "{name}");
    }
}

#[test]
fn names_and_what_is_signed_have_these_values() {
    let handshake = [20; 32];
    let mailbox = MailboxId::new([21; 16]);
    for (got, expected) in [
        (hex(mailbox_id(&key(2)).as_bytes()), "8b7652b9b39836653d68b5d429e15424"),
        (hex(UploaderId::of(&key(5)).as_bytes()), "f4c658872e02959d94b619b4c2b27b7d"),
        (
            hex(&Token::new([1; 16]).kept()),
            "fb8607906194b223e20f7977b59ed52c0ce643c8dd75102ee51d0af3041d974d",
        ),
        (
            hex(&proof::register(&handshake, &Token::new([1; 16]), &key(3))),
            "d1c0d11bd208439ab2feb1ba787e2fcde5c67013533cb398b453aeef4dbe8afc",
        ),
        (
            hex(&proof::enter(&handshake, &key(5))),
            "a9065fd8620dd5790bfec8d56ca1f97651e14a8d09708b55fa1230459d56282c",
        ),
        (
            hex(&proof::upload(&handshake, &mailbox)),
            "8b299368deb84ecca869033f9428acd84cf46f67a060d20917734f0133eb09cc",
        ),
        (
            hex(&proof::replace(&mailbox, &blob(10), &base())),
            "251e44b296e0c5e20d4d5a5bcbb8c465a5de982fefd2c95cba4ba9d87c2d89f7",
        ),
        (hex(&ListDigest([9; 8]).then(&head()).0), "34709fe1803669d9"),
    ] {
        assert_eq!(got, expected);
    }
    assert_eq!(format!("{:?}", Token::new([1; 16])), "Token(..)");
}

#[test]
fn every_cut_and_every_byte_more_is_refused() {
    for request in requests() {
        let bytes = request.encode();
        // What ends in sealed bytes may end earlier; those that were cut are noticed by whoever opens them.
        let open_ended = matches!(request, Request::Put { .. } | Request::Keep { .. });
        for cut in 0..bytes.len() - usize::from(open_ended) {
            let read = Request::decode(&bytes[..cut]);
            assert!(read.is_err() || open_ended, "{request:?} cut at {cut}");
        }
        let more = Request::decode(&[&bytes[..], &[0]].concat());
        assert!(more.is_err() || open_ended, "{request:?}");
    }
    for answer in answers() {
        let bytes = answer.encode();
        let open_ended = matches!(answer, Answer::Blob { .. });
        for cut in 0..bytes.len() - usize::from(open_ended) {
            assert!(Answer::decode(&bytes[..cut]).is_err() || open_ended, "{answer:?} cut at {cut}");
        }
        let more = Answer::decode(&[&bytes[..], &[0]].concat());
        assert!(more.is_err() || open_ended, "{answer:?}");
    }
}

#[test]
fn limits_hold() {
    let RangeHead { writer, from, to, .. } = head();
    let put = |len| Request::Put { tag: u64::MAX, writer, from, to, sealed: vec![0; len] }.encode();
    assert!(put(MAX_RANGE_BYTES).len() <= MAX_REQUEST_BYTES);
    assert!(Request::decode(&put(MAX_RANGE_BYTES)).is_ok());
    assert!(matches!(Request::decode(&put(MAX_RANGE_BYTES + 1)), Err(LogError::TooLarge { .. })));
    assert!(Request::decode(&put(0)).is_err());
    let keep = |len| Request::Keep { tag: 1, kind: BlobKind::Chunk, sealed: vec![0; len] }.encode();
    assert!(Request::decode(&keep(MAX_BLOB_BYTES)).is_ok());
    assert!(Request::decode(&keep(MAX_BLOB_BYTES + 1)).is_err());
    for first in &requests()[..2] {
        assert!(first.encode().len() <= MAX_FIRST_REQUEST_BYTES);
    }
    let get = |count: u64| Request::Get { serials: (1..=count).collect() }.encode();
    assert!(Request::decode(&get(MAX_WANTED_RANGES as u64)).is_ok());
    assert!(Request::decode(&get(MAX_WANTED_RANGES as u64 + 1)).is_err());
    // None, twice the same one, and one past the last number.
    for serials in [&[0u8][..], &[2, 5, 0], &[2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]]
    {
        assert!(Request::decode(&[&[6], serials].concat()).is_err());
    }
    let seek = |count| Request::Seek { tag: 1, ids: vec![blob(1); count] }.encode();
    assert!(Request::decode(&seek(MAX_SOUGHT)).is_ok());
    assert!(Request::decode(&seek(MAX_SOUGHT + 1)).is_err());
    let wide = |count: usize| {
        let writer = |n: usize| WriterPseudonym::new((n as u128).to_be_bytes());
        MailboxBase((0..count).map(|n| (writer(n), Position(1))).collect())
    };
    let replace = |count| Request::Replace { tag: 1, snapshot: blob(1), base: wide(count), proof: [0; 64] };
    assert!(Request::decode(&replace(MAX_WRITERS).encode()).is_ok());
    assert!(Request::decode(&replace(MAX_WRITERS + 1).encode()).is_err());
    let page: Vec<_> = (1..=MAX_PAGE as u64 + 1).map(|serial| RangeHead { serial, ..head() }).collect();
    let listed = |ranges: &[RangeHead]| {
        let (restart, ranges) = (Some(wide(MAX_WRITERS)), ranges.to_vec());
        Answer::Listed { restart, ranges, more: false }.encode()
    };
    assert!(listed(&page[..MAX_PAGE]).len() <= MAX_ANSWER_BYTES);
    assert!(Answer::decode(&listed(&page[..MAX_PAGE])).is_ok());
    assert!(Answer::decode(&listed(&page)).is_err());
    let falling = [page[1], page[0]];
    assert!(Answer::decode(&listed(&falling)).is_err());
    assert!(matches!(Request::decode(&[16]), Err(LogError::Newer { .. })));
    assert!(matches!(Answer::decode(&[12]), Err(LogError::Newer { .. })));
    assert!(Request::decode(&vec![0; MAX_REQUEST_BYTES + 1]).is_err());
}

#[test]
fn a_range_of_no_positions_or_past_the_last_is_refused() {
    let put = |from: &[u8], more: &[u8]| Request::decode(&[&[5, 1], &[8; 16][..], from, more, &[1]].concat());
    let last: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert!(put(&[1], &[0]).is_ok());
    assert!(put(&[0], &[5]).is_err());
    assert!(put(last, &[0]).is_err());
    assert!(put(&[2], last).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_read_has_one_form(kind in 0u8..16, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [&[kind], &rest[..]].concat();
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert_eq!(request.encode(), &bytes[..]);
        }
        if let Ok(answer) = Answer::decode(&bytes) {
            prop_assert_eq!(answer.encode(), &bytes[..]);
        }
    }
}
