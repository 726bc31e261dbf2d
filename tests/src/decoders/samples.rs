use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use automerge::Automerge;
use firsthand_channel::{ExchangeSecret, Link, Offer, RelayLink, WordNonce};
use firsthand_document::{Document, DocumentKind};
use firsthand_ids::{
    ContentHash, DeviceKey, DocumentId, ExchangeKey, LocalTime, PersonId, Position, SpaceId, TeamId,
    UnixMillis, WriterId, WriterPseudonym,
};
use firsthand_log::codec::Writer;
use firsthand_log::compress::{Packer, compress_document, compress_section};
use firsthand_log::lean::encode_batch;
use firsthand_log::{Bind, Receipt, Vector};
use firsthand_node::evidence::judge;
use firsthand_node::meeting::JoinFrame;
use firsthand_node::{
    AheadRows, DeviceKeys, DeviceProposal, Edit, ExpectedAssignment, ExpectedPerson, ExpectedShift,
    IncidentQuery, Invitation, Role, RosterRow, encode_rows,
};
use firsthand_record::generate::Generator;
use firsthand_store::{
    AttachmentSecret, BatchLimits, Commit, ExpectedRosterRow, FileSecrets, Home, SealedAttachment,
    SlotOptions, Store, Unlock,
};
use firsthand_sync::relay::{
    Answer, BlobKind, Closing, Entered, ListDigest, ListPoint, MailboxBase, Pending, RangeHead, Refused,
    Request, SealedDigest, Token,
};
use firsthand_sync::{FileId, Frame, GoodbyeReason};
use firsthand_team::{DeviceRequest, JoinRequest};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Map, json};

use crate::crashing::{KEY, VAULT};
use crate::poison::Nothing;
use crate::{Dice, World, folder};

pub(super) const TEAM: [u8; 32] = [3; 32];
pub(super) const DISCOVERY: [u8; 32] = [4; 32];

/// True bytes, from a team of two that has worked a little.
pub struct Samples {
    world: World,
    dice: Dice,
    generator: Generator<rand_chacha::ChaCha8Rng>,
    incident: DocumentId,
}

impl Default for Samples {
    fn default() -> Self {
        let mut world = World::new(1);
        let lead = world.found("Harbour", "Amina");
        let other = world.join(lead, "Bruno", Role::Responder);
        let mut generator = Generator::new(Dice::new(1, 61).rng().clone());
        let mut incident = None;
        for device in [lead, other, lead] {
            let draft = generator.team_incident();
            let saved = world.write(device, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
            incident.get_or_insert(saved.id);
        }
        let incident = incident.unwrap();
        world.meet(other, lead);
        for (device, title) in [(lead, "One"), (other, "Other")] {
            let edits = [
                Edit::Set { field: "title".to_owned(), value: json!(title) },
                Edit::Splice { field: "narrative".to_owned(), at: 0, delete: 0, insert: "And. ".to_owned() },
            ];
            world.write(device, |ledger, now, rng| ledger.edit(incident, &edits, now, rng)).unwrap();
        }
        let mut content = [7; 700].as_slice();
        world
            .write(lead, |ledger, now, rng| {
                ledger.attach(incident, &mut content, "photo.jpg", "seen", now, rng, &mut |_| true)
            })
            .unwrap();
        world.meet(other, lead);
        Self { world, dice: Dice::new(1, 62), generator, incident }
    }
}

impl Samples {
    pub(super) fn batches(&mut self) -> Vec<Vec<u8>> {
        let ledger = self.world.devices[0].ledger();
        let (space, store) = (*ledger.space(), ledger.store());
        let mut batches = Vec::new();
        for entries in [1, 3, 500] {
            let limits = BatchLimits { entries, weight: 1 << 20 };
            let batch =
                store.batch_for(&space, &Vector::new(), limits, &Default::default()).unwrap().unwrap();
            batches.push(encode_batch(&batch, &Vector::new(), &Nothing));
        }
        batches
    }

    /// The first device, which holds entries of several writers.
    pub(super) fn ledger(&mut self) -> &mut firsthand_node::Ledger {
        self.world.devices[0].ledger()
    }

    fn vector(&mut self) -> Vector {
        let ledger = self.world.devices[0].ledger();
        ledger.store().vector(ledger.space())
    }

    pub(super) fn vectors(&mut self) -> Vec<Vec<u8>> {
        let all = [Vector::new(), self.vector()].map(|vector| {
            let mut out = Writer::new();
            vector.encode(&mut out);
            out.into_bytes()
        });
        all.to_vec()
    }

    pub(super) fn binds(&mut self) -> Vec<Vec<u8>> {
        let keys = DeviceKeys::generate(self.dice.rng()).unwrap();
        let device = keys.signing().key();
        let person = firsthand_team::person_id(&device);
        vec![Bind { device, person, nonce: [6; 16], app_version: "1.2.3".to_owned() }.encode()]
    }

    pub(super) fn changes(&mut self) -> Vec<Vec<u8>> {
        let mut all: Vec<_> = base_document().changes().into_iter().map(|change| change.bytes).collect();
        let ledger = self.world.devices[0].ledger();
        let saved = ledger.store().document(&self.incident).unwrap().unwrap().saved;
        let automerge = Automerge::load(&saved).unwrap();
        all.extend(automerge.get_changes(&[]).iter().map(|change| change.raw_bytes().to_vec()));
        all
    }

    pub(super) fn documents(&mut self) -> Vec<Vec<u8>> {
        let ledger = self.world.devices[0].ledger();
        let rows = ledger.incidents(&IncidentQuery::default()).unwrap();
        let saved = |id| ledger.store().document(id).unwrap().unwrap().saved;
        let mut all: Vec<_> = rows.iter().map(|row| saved(&row.id)).collect();
        all.push(base_document().save());
        all
    }

    pub(super) fn packed(&mut self) -> Vec<Vec<u8>> {
        let mut packer = Packer::new().unwrap();
        let mut all = Vec::new();
        for batch in self.batches() {
            let packed = packer.pack(&batch).unwrap();
            all.push([(batch.len() as u32).to_le_bytes().as_slice(), &packed].concat());
        }
        all.extend(self.documents().iter().map(|saved| compress_document(saved).unwrap()));
        all
    }

    /// Sections of a closed period, made by hand from what docs/formats/home.md says: two bodies and a document.
    pub(super) fn closed(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for (number, saved) in (1..).zip(self.documents()) {
            let mut plain = Writer::new();
            plain.byte(1).number(3).number(2 * number).number(3).number(2 * number + 2).number(0);
            plain.number(2 * number + 1).number(saved.len() as u64).fixed(b"one").fixed(saved);
            all.push(compress_section(&plain.into_bytes()).unwrap());
        }
        all
    }

    pub(super) fn frames(&mut self) -> Vec<Vec<u8>> {
        let (vector, operations) = (self.vector(), self.operations());
        let heads = self.world.devices[0].ledger().identity().heads;
        let (space, file) = (SpaceId::new([1; 16]), FileId { document: DocumentId::new([2; 16]), form: 1 });
        let frames = [
            Frame::Operations { heads, operations, more: true },
            Frame::Hello { space, digest: [9; 16], vector: Some(vector.clone()), takes: false },
            Frame::Hello { space, digest: [9; 16], vector: None, takes: false },
            Frame::Hello { space, digest: [9; 16], vector: None, takes: true },
            Frame::Batch { space, plain_len: 700, packed: vec![8; 60] },
            Frame::Ack { space, marks: vector.clone() },
            Frame::Take {
                space,
                writers: vector.iter().map(|(writer, mark)| (*writer, mark.position)).collect(),
            },
            Frame::Holds { space, marks: vector },
            Frame::Forked { space, writer: WriterId::new([3; 16]) },
            Frame::Rows { space, packed: vec![6; 50] },
            Frame::Receipts { space, receipts: vec![4; 30] },
            Frame::Pending { waiting: 7, files: 300 },
            Frame::Want { file, from: 0, count: 4 },
            Frame::Chunk { file, index: 1, total: 3, rest: 7, sealed: vec![5; 40] },
            Frame::ChunkRest { sealed: vec![5; 7] },
            Frame::NoFile { file },
            Frame::Goodbye(GoodbyeReason::Done),
            Frame::Goodbye(GoodbyeReason::Other(99)),
        ];
        frames.iter().map(Frame::encode).collect()
    }

    pub(super) fn rows(&mut self) -> Vec<Vec<u8>> {
        let ledger = self.world.devices[0].ledger();
        let space = *ledger.space();
        let incidents = ledger.store().rows_ahead(&space, &Vector::new(), 100).unwrap();
        assert!(!incidents.is_empty());
        let first = AheadRows { roster: Vec::new(), incidents: incidents[..1].to_vec() };
        vec![encode_rows(&first), encode_rows(&AheadRows { roster: roster_ahead(), incidents })]
    }

    pub(super) fn first_messages(&mut self) -> Vec<Vec<u8>> {
        let offers = [Offer::meet(TeamId::new(TEAM), &DISCOVERY), Offer::join(TeamId::new(TEAM), &[5; 32])];
        let mut first = |offer: &Offer| {
            let secret = ExchangeSecret::generate(self.dice.rng());
            Link::initiator(offer, &secret, self.dice.rng()).unwrap().1
        };
        offers.map(|offer| first(&offer.unwrap())).to_vec()
    }

    pub(super) fn relay_hellos(&mut self) -> Vec<Vec<u8>> {
        let key = ExchangeSecret::generate(self.dice.rng()).public().unwrap();
        vec![RelayLink::dial(&key, 1000, self.dice.rng()).unwrap().1]
    }

    pub(super) fn relay_requests(&mut self) -> Vec<Vec<u8>> {
        let (writer, base) = (WriterPseudonym::new([8; 16]), relay_base());
        let (key, blob, proof) = (DeviceKey::new([2; 32]), ContentHash::new([3; 32]), [4; 64]);
        let point = |serial| ListPoint { serial, digest: ListDigest([9; 8]) };
        [
            Request::Register { token: Token::new([1; 16]), mailbox: key, leads: key, proof },
            Request::Enter { mailbox: key, uploader: key, proof, uploader_proof: proof, seen: point(5) },
            Request::Recall { tag: 9, points: vec![point(300), point(5)] },
            Request::Base { tag: 200, base: base.clone() },
            Request::Follow { serial: 5, digest: ListDigest([9; 8]) },
            Request::Put { tag: 1, writer, from: Position(11), to: Position(20), sealed: vec![7; 40] },
            Request::Get { serials: vec![5, 300, 301] },
            Request::Seek { tag: 2, ids: vec![blob; 3] },
            Request::Keep { tag: 3, kind: BlobKind::Snapshot, sealed: vec![7; 40] },
            Request::Fetch { tag: 4, id: blob },
            Request::Boxes { tag: 5 },
            Request::Replace { tag: 6, snapshot: blob, base, proof },
            Request::Confirm { tag: 7, proposal: [11; 32] },
            Request::Goodbye,
            Request::Check { tag: 8 },
        ]
        .map(|request| request.encode())
        .to_vec()
    }

    pub(super) fn relay_answers(&mut self) -> Vec<Vec<u8>> {
        let digest = SealedDigest::of(&[7; 40]);
        let head = |serial: u64| RangeHead {
            serial,
            writer: WriterPseudonym::new([8; 16]),
            from: Position(serial),
            to: Position(serial + 30),
            len: 40,
            digest,
        };
        let blob = ContentHash::new([3; 32]);
        let pending =
            Pending { proposal: [1; 32], snapshot: blob, base: relay_base(), due: Some(UnixMillis(9)) };
        let mailbox =
            Entered { serial: 5, snapshot: Some(blob), pending: Some(pending), ..Entered::default() };
        let ranges: Vec<_> = (1..4).map(head).collect();
        [
            Answer::Registered,
            Answer::Entered { now: UnixMillis(1000), mailbox },
            Answer::Listed { restart: Some(relay_base()), ranges: ranges.clone(), more: true },
            Answer::Listed { restart: None, ranges, more: false },
            Answer::Range { head: head(1), pushed: true, sealed: vec![7; 40] },
            Answer::Gone { serial: 5 },
            Answer::Done { tag: 1, serial: 5 },
            Answer::Refused { tag: 1, reason: Refused::Hole },
            Answer::Found { tag: 2, there: vec![true, false, true] },
            Answer::Blob { tag: 4, sealed: vec![7; 40] },
            Answer::Boxes { tag: 5, ids: vec![blob; 2] },
            Answer::Goodbye(Closing::Late),
        ]
        .map(|answer| answer.encode())
        .to_vec()
    }

    pub(super) fn operations(&mut self) -> Vec<Vec<u8>> {
        let operations = self.world.devices[0].ledger().store().operations().unwrap();
        operations.into_iter().map(|(_, bytes)| bytes).collect()
    }

    pub(super) fn teams(&mut self) -> Vec<Vec<u8>> {
        let operations = self.operations();
        let behind_lengths = |part: &[Vec<u8>]| {
            let one = |bytes: &Vec<u8>| [(bytes.len() as u16).to_le_bytes().as_slice(), bytes].concat();
            part.iter().flat_map(one).collect::<Vec<u8>>()
        };
        vec![behind_lengths(&operations[..1]), behind_lengths(&operations)]
    }

    pub(super) fn invitations(&mut self) -> Vec<Vec<u8>> {
        let code = |addresses: &[&str], device_of| {
            let addresses = addresses.iter().map(|&it| it.to_owned()).collect();
            let (team, inviter) = (TeamId::new(TEAM), [1; 16]);
            Invitation { team, inviter, secret: [2; 16], device_of, addresses }.to_code().into_bytes()
        };
        let proposal = DeviceProposal {
            team: TeamId::new(TEAM),
            device: DeviceKey::new([3; 32]),
            exchange: ExchangeKey::new([4; 32]),
            consent: [5; 64],
            by: DeviceKey::new([6; 32]),
            endorsement: [7; 64],
            addresses: vec!["192.0.2.7:47474".to_owned()],
        };
        let person = Some(PersonId::new([8; 16]));
        vec![
            code(&[], None),
            code(&["192.0.2.7:47474", "[2001:db8::1]:47474"], None),
            code(&["192.0.2.7:47474"], person),
            proposal.to_code().into_bytes(),
        ]
    }

    pub(super) fn join_frames(&mut self) -> Vec<Vec<u8>> {
        let keys = DeviceKeys::generate(self.dice.rng()).unwrap();
        let exchange = keys.exchange().public().unwrap();
        let request = JoinRequest::sign(keys.signing(), &TeamId::new(TEAM), &exchange, "Bruno").unwrap();
        let person = PersonId::new([8; 16]);
        let device = DeviceRequest::sign(keys.signing(), &TeamId::new(TEAM), &person, &exchange);
        let frames = [
            JoinFrame::Reveal([7; WordNonce::LEN]),
            JoinFrame::Request(request.clone()),
            JoinFrame::Welcome(self.operations()),
            JoinFrame::Decline,
            JoinFrame::Device(device.clone()),
        ];
        let mut all: Vec<_> = frames.iter().map(JoinFrame::encode).collect();
        all.push(request.encode());
        all.push(device.encode());
        all
    }

    pub(super) fn slots(&mut self) -> Vec<Vec<u8>> {
        let dir = folder();
        let mut all = vec![std::fs::read(self.world.devices[0].home.join("slots")).unwrap()];
        let home = Home::create(dir.path().join("home")).unwrap();
        let unlock = Unlock::Passphrase("the river is high");
        let store = Store::create(home, unlock, &VAULT, SlotOptions::FLOOR, self.dice.rng()).unwrap();
        all.push(std::fs::read(store.dir().join("slots")).unwrap());
        all
    }

    pub(super) fn heads(&mut self) -> Vec<Vec<u8>> {
        let (_folder, home, _) = home_with_file();
        vec![std::fs::read(home.join("head")).unwrap()]
    }

    pub(super) fn attachments(&mut self) -> Vec<Vec<u8>> {
        let (_folder, home, _) = home_with_file();
        let files = std::fs::read_dir(home.join("attachments")).unwrap();
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    pub(super) fn secrets(&mut self) -> Vec<Vec<u8>> {
        vec![FileSecrets::from(AttachmentSecret { key: [1; 32], table: [2; 32], root: [3; 32] }).encode()]
    }

    pub(super) fn photos(&mut self) -> Vec<Vec<u8>> {
        let picture = RgbImage::from_fn(60, 40, |x, y| Rgb([x as u8 * 4, y as u8 * 6, (x * y) as u8]));
        let encoded = |format| {
            let mut out = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut out, format).unwrap();
            out.into_inner()
        };
        let mut all: Vec<_> =
            [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif].map(encoded).into();
        // One with a model and a place: 10.5 N, 20.25 E.
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
        exif.extend(b"\x01\x10\0\x02\0\0\0\x03AB\0\0\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0\0\x04");
        exif.extend(b"\0\x01\0\x02\0\0\0\x02N\0\0\0\0\x02\0\x05\0\0\0\x03\0\0\0\x5c");
        exif.extend(b"\0\x03\0\x02\0\0\0\x02E\0\0\0\0\x04\0\x05\0\0\0\x03\0\0\0\x74\0\0\0\0");
        exif.extend([10u32, 1, 30, 1, 0, 1, 20, 1, 15, 1, 0, 1].map(u32::to_be_bytes).concat());
        let mut photo = vec![0xff, 0xd8, 0xff, 0xe1];
        photo.extend((exif.len() as u16 + 2).to_be_bytes());
        photo.extend(exif);
        photo.extend(&all[0][2..]);
        assert!(firsthand_photo::said("image/jpeg", &photo).place.is_some());
        all.push(photo);
        all
    }

    pub(super) fn receipts(&mut self) -> Vec<Vec<u8>> {
        let secret = firsthand_log::DeviceSecret::from_seed([3; 32]).unwrap();
        let (team, space) = (firsthand_ids::TeamId::new([4; 32]), firsthand_ids::SpaceId::new([5; 16]));
        let chain = firsthand_log::ChainId { team, space, writer: WriterId::new([6; 16]) };
        let local = firsthand_ids::LocalTime { at: UnixMillis(1_767_268_800_000), offset_minutes: -300 };
        let times = (firsthand_ids::HybridTime::new(local.at, 3), local);
        let receipt = |position| {
            let head = (firsthand_ids::Position(position), firsthand_ids::EntryHash::new([8; 32]));
            Receipt::sign(&secret, &chain, head, times)
        };
        vec![
            Receipt::encode_all(&[]),
            Receipt::encode_all(&[receipt(1)]),
            Receipt::encode_all(&[receipt(300), receipt(u64::MAX)]),
        ]
    }

    pub(super) fn csv(&mut self) -> Vec<Vec<u8>> {
        [
            "title,lat,lon,occurred_start,severity\nA gate,12.5,-3.25,2026-03-14T10:00:00+02:00,Severe\n\"b, c\",,,,\n",
            "title;narrative\r\n\"Two\nlines\";\"a \"\"word\"\"\"\r\n",
            "\u{feff}start,end,_uuid,group/title,_geolocation\n2026-01-01,2026-01-02,u1,x,\"1.5 2.5 0 0\"\n",
            "#event,#geo+lat,#geo+lon,#date\na,1,2,2026-01-02\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    }

    pub(super) fn hxl(&mut self) -> Vec<Vec<u8>> {
        [
            "What,Where,\n#event+name,#geo+lat,#geo+lon\nClash,12.5,-3.25\n",
            r##"[["#event", "#adm1+code"], ["Clash", "X1"]]"##,
            r##"[{"#event": "Clash", "#affected+killed": 2}]"##,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    }

    pub(super) fn text(&mut self) -> Vec<Vec<u8>> {
        let text = "title\tplace\nA\tX\n";
        let wide = text.encode_utf16();
        vec![
            wide.clone().flat_map(u16::to_le_bytes).collect(),
            std::iter::once(0xfeff).chain(wide).flat_map(u16::to_be_bytes).collect(),
            b"t\xedtulo;lugar\nReuni\xf3n;Choc\xf3\n".to_vec(),
        ]
    }

    /// A form with a repeated group, packed and not: altered bytes reach the XML in one and the package in the other.
    pub(super) fn xlsx(&mut self) -> Vec<Vec<u8>> {
        [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated].map(workbook).to_vec()
    }

    pub(super) fn geojson(&mut self) -> Vec<Vec<u8>> {
        [
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","id":"a1","properties":{"title":"A gate","severity":"Severe"},"geometry":{"type":"Point","coordinates":[30.5,-1.25]}}]}"#,
            r#"{"type":"Feature","properties":null,"geometry":{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[0,0]]]}}"#,
            r#"{"type":"GeometryCollection","geometries":[{"type":"LineString","coordinates":[[1,2],[3,4]]}]}"#,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    }

    pub(super) fn odk(&mut self) -> Vec<Vec<u8>> {
        [
            r#"{"value":[{"__id":"uuid:1","__system":{"submissionDate":"2026-01-01T00:00:00Z"},"title":"A gate","place":{"type":"Point","coordinates":[1.5,2.5,0]}}]}"#,
            r#"[{"__id":"uuid:2","title":"b","counts":[{"n":1}]}]"#,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    }

    pub(super) fn comapeo(&mut self) -> Vec<Vec<u8>> {
        [
            r#"[{"docId":"0a1b2c3d4e5f","schemaName":"observation","lat":-12.5,"lon":26.25,"tags":{"notes":"Tyres"},"attachments":[{"name":"p.jpg"}],"metadata":{"position":{"timestamp":"2026-03-14T09:59:00Z","coords":{"latitude":-12.5,"longitude":26.25,"accuracy":8}}}}]"#,
            r#"{"data":[{"docId":"0a1b2c3d4e5f","tags":{},"deleted":true}]}"#,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    }

    pub(super) fn maps(&mut self) -> Vec<Vec<u8>> {
        vec![br#"{"columns":{"title":"title","weather":"ignore","when":"occurred_start"},"date_format":"%d/%m/%Y","offset":"+02:00"}"#.to_vec()]
    }

    pub(super) fn proofs(&mut self) -> Vec<Vec<u8>> {
        let incident = self.incident;
        let proof = self.world.write(0, |ledger, now, _| {
            let files = ledger.evidence_files(&incident, &[])?;
            ledger.evidence_proof(
                incident,
                files.into_iter().map(|id| (id, Some("files/a".to_owned()))).collect(),
                now,
            )
        });
        let proof = proof.unwrap();
        assert!(judge(&proof).holds());
        vec![proof.to_json()]
    }

    pub(super) fn incidents(&mut self) -> Vec<Vec<u8>> {
        (0..8).map(|_| serde_json::to_vec(&self.generator.incident()).unwrap()).collect()
    }
}

fn relay_base() -> MailboxBase {
    MailboxBase(
        [(WriterPseudonym::new([7; 16]), Position(300)), (WriterPseudonym::new([8; 16]), Position(1))].into(),
    )
}

fn workbook(method: zip::CompressionMethod) -> Vec<u8> {
    const PARTS: [(&str, &str); 6] = [
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook><workbookPr date1904="0"/><sheets><sheet name="Form" sheetId="1" r:id="r1"/><sheet name="people" sheetId="2" r:id="r2"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Type="w" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="w" Target="worksheets/sheet2.xml"/></Relationships>"#,
        ),
        (
            "xl/styles.xml",
            r#"<styleSheet><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#,
        ),
        (
            "xl/worksheets/sheet1.xml",
            r#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>title</t></is></c><c r="B1" t="inlineStr"><is><t>_uuid</t></is></c><c r="C1" t="inlineStr"><is><t>_index</t></is></c><c r="D1" t="inlineStr"><is><t>date</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2" t="inlineStr"><is><t>u1</t></is></c><c r="C2"><v>1</v></c><c r="D2" s="1"><v>45000.25</v></c></row></sheetData><mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells></worksheet>"#,
        ),
        (
            "xl/worksheets/sheet2.xml",
            r#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>who</t></is></c><c r="B1" t="inlineStr"><is><t>_parent_index</t></is></c></row><row r="2"><c r="A2" t="e"><v>#REF!</v></c><c r="B2"><f>1</f><v>1</v></c></row></sheetData></worksheet>"#,
        ),
    ];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, text) in PARTS {
        writer.start_file(name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The writer of the document that changes are tried on.
pub(super) fn first_writer() -> WriterId {
    WriterId::new([0x11; 16])
}

/// A document that is there.
pub(super) fn base_document() -> Document {
    static SAVED: OnceLock<Vec<u8>> = OnceLock::new();
    let saved = SAVED.get_or_init(|| {
        let fields = json!({
            "title": "A gate",
            "narrative": "Two groups.",
            "severity": "Severe",
            "counts": [],
        });
        let fields: Map<_, _> = fields.as_object().unwrap().clone();
        let (document, _) = Document::create(DocumentKind::Incident, first_writer(), &fields).unwrap();
        document.save()
    });
    Document::load(saved).unwrap()
}

/// The first operation of a team.
pub(super) fn founding() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut world = World::new(2);
        let lead = world.found("Harbour", "Amina");
        world.devices[lead].ledger().store().operations().unwrap().remove(0).1
    })
}

/// A closed home with one sealed file.
pub(super) fn home_with_file() -> (tempfile::TempDir, PathBuf, SealedAttachment) {
    let dir = folder();
    let home = dir.path().join("home");
    let mut dice = Dice::new(2, 63);
    let unlock = Unlock::RawKey(&KEY);
    let created = Home::create(&home).unwrap();
    let mut store = Store::create(created, unlock, &VAULT, SlotOptions::FLOOR, dice.rng()).unwrap();
    let content = Dice::new(2, 64).fill(900);
    let sealed = store.attachments().seal(&mut content.as_slice(), &mut |_| true, dice.rng()).unwrap();
    let mut commit = Commit::new(SpaceId::new([1; 16]));
    commit.attachments.push(sealed.clone());
    store.commit(commit).unwrap();
    store.lock().unwrap();
    (dir, home, sealed)
}

/// Somebody, and a shift that they are on.
fn roster_ahead() -> Vec<ExpectedRosterRow> {
    let person = PersonId::new([7; 16]);
    let assignment = ExpectedAssignment { person, role: "observer".to_owned(), buddy: Some(person) };
    let rows = [
        RosterRow::Shift(ExpectedShift {
            title: "East gate".to_owned(),
            team: "Harbour".to_owned(),
            area: vec![(1.5, -2.25), (1.0, 2.0), (2.0, 2.0)],
            place: "at the kiosk".to_owned(),
            risk: Some("yellow".to_owned()),
            status: 2,
            starts: Some(LocalTime { at: UnixMillis(1_700_000_000_000), offset_minutes: 120 }),
            ends: None,
            rule: Some((30, 15)),
            assignments: vec![assignment],
        }),
        RosterRow::Person(ExpectedPerson {
            person,
            name: "Amina".to_owned(),
            callsign: "K7".to_owned(),
            status: Some("active".to_owned()),
            languages: vec!["ar".to_owned()],
            skills: vec!["medic".to_owned()],
        }),
    ];
    let row = |row: &RosterRow| ExpectedRosterRow {
        writer: WriterId::new([1; 16]),
        position: Position(9),
        row: row.encode(),
    };
    rows.iter().map(row).collect()
}
