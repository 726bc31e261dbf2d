//! Photos: their smaller forms travel ahead, say nothing of the place, and cost no more than their share.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use firsthand_document::DocumentKind;
use firsthand_ids::{ContentHash, DocumentId};
use firsthand_log::Detached;
use firsthand_node::{AttachmentView, Edit, NoForms, Role};
use firsthand_record::{CapturePath, Evidence, Incident, PlaceSource, Variant, VariantKind};
use firsthand_store::{CHUNK_BYTES, FileSecrets};
use firsthand_tests::{Crash, Dice, Poison, State, World, inject, seeds};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde_json::{Map, Value, json};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Memory is measured of the whole process, so one at a time.
static ALONE: Mutex<()> = Mutex::new(());

const LEAD: usize = 0;
const OTHER: usize = 1;

/// What a person who photographs must not give away: the camera, and where it was.
const CAMERA: &[u8] = b"Canary 9000";

fn team(seed: u64) -> (World, DocumentId) {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    world.join(lead, "Bruno", Role::Responder);
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let saved = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    world.meet(OTHER, LEAD);
    (world, saved.id)
}

fn noise(seed: u64, width: u32, height: u32) -> Vec<u8> {
    let mut dice = Dice::new(seed, 71);
    let bytes = dice.fill((width * height * 3) as usize);
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let at = 3 * (y * width + x) as usize;
        let soft = |offset: usize, over: u32| bytes[at + offset] / 4 + (over % 192) as u8;
        Rgb([soft(0, x / 8), soft(1, y / 8), soft(2, (x + y) / 16)])
    });
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 90).encode_image(&picture).unwrap();
    out
}

/// A photo with a camera's name and a place in it: 10.5 N, 20.25 E.
fn photo(seed: u64, width: u32, height: u32) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
    let field = |out: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        out.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        out.extend(count.to_be_bytes());
        out.extend(value);
    };
    let gps = 8 + 2 + 2 * 12 + 4;
    let values: u32 = gps + 2 + 4 * 12 + 4;
    tiff.extend(2u16.to_be_bytes());
    field(&mut tiff, 0x0110, 2, CAMERA.len() as u32 + 1, values.to_be_bytes());
    field(&mut tiff, 0x8825, 4, 1, gps.to_be_bytes());
    tiff.extend([0; 4]);
    tiff.extend(4u16.to_be_bytes());
    field(&mut tiff, 1, 2, 2, *b"N\0\0\0");
    field(&mut tiff, 2, 5, 3, (values + 12).to_be_bytes());
    field(&mut tiff, 3, 2, 2, *b"E\0\0\0");
    field(&mut tiff, 4, 5, 3, (values + 36).to_be_bytes());
    tiff.extend([0; 4]);
    tiff.extend(CAMERA);
    tiff.push(0);
    for number in [10u32, 1, 30, 1, 0, 1, 20, 1, 15, 1, 0, 1] {
        tiff.extend(number.to_be_bytes());
    }
    let plain = noise(seed, width, height);
    let mut out = vec![0xff, 0xd8, 0xff, 0xe1];
    out.extend((tiff.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(&tiff);
    out.extend(&plain[2..]);
    out
}

fn attach(world: &mut World, at: usize, incident: DocumentId, bytes: &[u8], name: &str) -> AttachmentView {
    let mut rest = bytes;
    world
        .write(at, |ledger, now, rng| ledger.attach(incident, &mut rest, name, "", now, rng, &mut |_| true))
        .unwrap()
}

fn files(world: &mut World, at: usize, incident: DocumentId) -> Vec<AttachmentView> {
    world.devices[at].ledger().incident(incident).unwrap().attachments
}

fn read(world: &mut World, at: usize, incident: DocumentId, name: &str, form: VariantKind) -> Vec<u8> {
    let mut out = Vec::new();
    let stored = world.devices[at].ledger().stored_file(&incident, name, form).unwrap();
    stored.write_to(&mut out, &mut |_| true).unwrap();
    out
}

#[test]
fn smaller_forms_of_all_photos_come_before_any_photo() {
    let _alone = ALONE.lock();
    let (mut world, incident) = team(1);
    let mut sizes = Vec::new();
    for number in 0..6 {
        let bytes = photo(number, 1100, 800);
        assert!(bytes.len() > CHUNK_BYTES, "{}", bytes.len());
        let view = attach(&mut world, LEAD, incident, &bytes, &format!("{number}.jpg"));
        assert_eq!(view.no_forms, None);
        let kinds: Vec<_> = view.forms.iter().map(|form| form.kind).collect();
        assert_eq!(kinds, [VariantKind::Thumb, VariantKind::Preview]);
        assert!(view.forms.iter().all(|form| form.here && !form.refused));
        sizes.push((bytes.len(), view.forms[0].byte_len, view.forms[1].byte_len));
    }
    let link = world.dial(OTHER, LEAD, true).unwrap();
    let (mut thumbs_alone, mut forms_alone) = (false, false);
    while world.cables.contains_key(&link) {
        let here = files(&mut world, OTHER, incident);
        let count = |kind| {
            here.iter().flat_map(|file| &file.forms).filter(|form| form.kind == kind && form.here).count()
        };
        let (thumbs, previews) = (count(VariantKind::Thumb), count(VariantKind::Preview));
        let originals = here.iter().filter(|file| file.here).count();
        let dir = world.devices[OTHER].home.join("attachments");
        let arriving = std::fs::read_dir(dir).unwrap().any(|file| {
            let path = file.unwrap().path();
            path.extension().is_some_and(|extension| extension == "part")
                && std::fs::metadata(&path).unwrap().len() > 300_000
        });
        assert!(previews == 0 || thumbs == 6, "{thumbs} thumbnails and {previews} previews");
        assert!(
            originals == 0 && !arriving || previews == 6,
            "{previews} previews, and a photo is on its way"
        );
        thumbs_alone |= thumbs == 6 && previews == 0;
        forms_alone |= previews == 6 && originals == 0;
        assert!(world.step() || world.wait(), "a meeting without an end");
    }
    assert!(thumbs_alone && forms_alone);
    for (number, view) in (0..).zip(files(&mut world, OTHER, incident)) {
        assert!(view.here && view.forms.iter().all(|form| form.here && !form.refused));
        assert_eq!(
            read(&mut world, OTHER, incident, &view.name, VariantKind::Original),
            photo(number, 1100, 800)
        );
    }
    let (photos, thumbs, previews) =
        sizes.iter().fold((0, 0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1, sum.2 + it.2));
    seeds::figure(&format!(
        "6 photos of {photos} bytes: thumbnails {thumbs}, previews {previews} bytes, all before any photo"
    ));
    let digests = [LEAD, OTHER].map(|device| world.devices[device].ledger().digest().unwrap());
    assert_eq!(digests[0], digests[1]);
    for device in [LEAD, OTHER] {
        let check = world.devices[device].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!((check.problems, check.attachments_missing, check.attachments_refused), (vec![], 0, 0));
    }
}

#[test]
fn smaller_forms_say_nothing_of_place_and_camera_and_the_record_says_it() {
    let _alone = ALONE.lock();
    let (mut world, incident) = team(2);
    let bytes = photo(1, 900, 700);
    let view = attach(&mut world, LEAD, incident, &bytes, "gate.jpg");
    assert!(bytes.windows(CAMERA.len()).any(|window| window == CAMERA));
    let captured = view.record.captured.unwrap();
    let place = captured.place.unwrap();
    assert_eq!((place.lat.0, place.lon.0, place.source), (10.5, 20.25, PlaceSource::Import));
    assert_eq!(captured.device_model.unwrap().as_bytes(), CAMERA);
    assert_eq!(captured.from_file, ["place", "device_model"]);
    assert_eq!(captured.time, None);
    for form in [VariantKind::Thumb, VariantKind::Preview] {
        let small = read(&mut world, LEAD, incident, "gate.jpg", form);
        let most = form.most_bytes().unwrap();
        assert!(small.len() as u64 <= most && small.starts_with(&[0xff, 0xd8]));
        for word in [CAMERA, b"Exif", b"MM\0\x2a"] {
            assert!(!small.windows(word.len()).any(|window| window == word), "{form:?}");
        }
    }
}

/// A PNG of black pixels, one bit each, in 1 MB: 900 MB once they are unpacked.
fn bomb(side: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        out.extend((data.len() as u32).to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        out.extend([kind, data].concat());
        out.extend(crc.sum().to_be_bytes());
    };
    chunk(b"IHDR", &[&side.to_be_bytes()[..], &side.to_be_bytes(), &[1, 0, 0, 0, 0]].concat());
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..side {
        zlib.write_all(&vec![0; 1 + side.div_ceil(8) as usize]).unwrap();
    }
    chunk(b"IDAT", &zlib.finish().unwrap());
    chunk(b"IEND", &[]);
    out
}

#[test]
fn a_photo_that_cannot_be_made_smaller_is_attached_all_the_same() {
    let _alone = ALONE.lock();
    let (mut world, incident) = team(3);
    let whole = photo(1, 800, 600);
    let mut torn = whole.clone();
    torn[400..].fill(0xff);
    let long = [&whole[..], &vec![0; 13 << 20]].concat();
    let mut gif = Cursor::new(Vec::new());
    RgbImage::new(300, 300).write_to(&mut gif, image::ImageFormat::Gif).unwrap();
    let mut gif = gif.into_inner();
    gif[6..10].fill(0xff);
    gif.resize(gif.len().max(30_000), 0);
    let heic = [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".as_slice(), &[0; 30_000]].concat();
    for (name, bytes, why) in [
        ("bomb.png", bomb(30_000), NoForms::TooLarge),
        ("torn.jpg", torn, NoForms::Broken),
        ("long.jpg", long, NoForms::TooLarge),
        ("wide.gif", gif, NoForms::TooLarge),
        ("new.heic", heic, NoForms::Kind),
    ] {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let begun = Instant::now();
        let view = attach(&mut world, LEAD, incident, &bytes, name);
        let (took, peak) = (begun.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        seeds::figure(&format!("{name}, {} bytes: {why:?}, {} KiB, {took:?}", bytes.len(), peak / 1024));
        assert_eq!((view.no_forms, view.forms.len()), (Some(why), 0), "{name}");
        assert!(peak <= 64 << 20 && took <= Duration::from_secs(1), "{name}: {peak} bytes, {took:?}");
        let stored = read(&mut world, LEAD, incident, name, VariantKind::Original);
        assert!(stored == bytes, "{name}");
    }
    world.meet(OTHER, LEAD);
    assert!(files(&mut world, OTHER, incident).iter().all(|file| file.here));
    // What is no photo gets no word about it.
    assert_eq!(attach(&mut world, LEAD, incident, &[b'x'; 50_000], "words.txt").no_forms, None);
}

/// The largest photos that are made smaller stay inside the figures too.
#[test]
fn the_largest_photo_costs_no_more_than_its_share() {
    let _alone = ALONE.lock();
    let (mut world, incident) = team(4);
    // 16 megapixels; a picture of soft colours, as long as such a photo is.
    let large = photo(5, 4608, 3456);
    let large = if large.len() > 12 << 20 { photo(5, 3600, 2700) } else { large };
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let begun = Instant::now();
    let view = attach(&mut world, LEAD, incident, &large, "large.jpg");
    let (took, peak) = (begun.elapsed(), MEMORY.peak_usage().saturating_sub(before));
    seeds::figure(&format!(
        "a photo of {} bytes: smaller forms in {took:?}, {} KiB",
        large.len(),
        peak / 1024
    ));
    assert_eq!((view.no_forms, view.forms.len()), (None, 2));
    assert!(peak <= 66 << 20, "{peak}");
}

fn fields(evidence: &Evidence) -> Map<String, Value> {
    json!(evidence).as_object().unwrap().clone()
}

/// Records whose smaller forms are not what they say, and members who add to the forms of others.
#[test]
fn a_smaller_form_that_is_not_what_its_record_says_is_refused() {
    let _alone = ALONE.lock();
    let (mut world, incident) = team(5);
    world.hostile = true;
    let bytes = photo(1, 1000, 800);
    let honest = attach(&mut world, OTHER, incident, &bytes, "true.jpg");
    let key = world.devices[OTHER].signing_seed.unwrap();
    let ledger = world.devices[OTHER].ledger();
    let (writer, position) = ledger.store().creator(&honest.document).unwrap().unwrap();
    let entry = ledger.store().entry(&writer, position).unwrap().unwrap().entry;
    let Some(Detached::Present(detached)) = entry.detached else { panic!("the keys") };
    let secrets = FileSecrets::decode(&detached).unwrap();
    assert_eq!(secrets.forms.len(), 2);
    let now = world.devices[OTHER].clock.at(world.now);
    let device = &mut world.devices[OTHER];
    let State::Up(running) = &mut device.state else { panic!("it is there") };
    let mut poison = Poison::new(&running.ledger, key, now, &mut device.rng);

    let mut dice = Dice::new(5, 72);
    let variant = |kind, form: &firsthand_node::FormView| Variant {
        key: String::new(),
        kind,
        sha256: form.hash,
        byte_len: form.byte_len,
    };
    let [thumb, preview] = [honest.forms[0], honest.forms[1]];
    let lies = [
        // Another content than the record says; another length; a preview called a thumbnail, which is too long for one.
        (
            "content",
            vec![Variant { sha256: ContentHash::new(dice.bytes()), ..variant(VariantKind::Thumb, &thumb) }],
            0,
        ),
        ("length", vec![Variant { byte_len: thumb.byte_len - 1, ..variant(VariantKind::Thumb, &thumb) }], 0),
        ("kind", vec![variant(VariantKind::Thumb, &preview)], 1),
        // And one that is true, so that the way of making these is.
        ("nothing", vec![variant(VariantKind::Thumb, &thumb), variant(VariantKind::Preview, &preview)], 0),
    ];
    for (name, variants, swap) in &lies {
        let mut lie =
            Evidence::new(incident, honest.hash, honest.byte_len, "image/jpeg", CapturePath::Imported);
        lie.original_name = Some((*name).to_owned());
        lie.variants.clone_from(variants);
        let mut keys = secrets.clone();
        if *swap == 1 {
            keys.forms[0].1 = secrets.forms[1].1.clone();
        }
        let detached = Some(Detached::Present(keys.encode()));
        poison.record(DocumentKind::Evidence, &fields(&lie), detached, dice.bytes());
    }
    let plain = poison.sign();
    inject(world.devices[OTHER].ledger(), plain, now).unwrap();
    // The lead adds a false thumbnail to a true record. It is no form of it.
    world.meet(OTHER, LEAD);
    let false_form = json!({ "kind": "thumb", "sha256": ContentHash::new([9; 32]), "byte_len": 7 });
    let add = Edit::Add { list: "variants".to_owned(), value: false_form };
    world.write(LEAD, |ledger, now, rng| ledger.edit(honest.document, &[add], now, rng)).unwrap();
    world.meet(OTHER, LEAD);

    for device in [LEAD, OTHER] {
        let here = files(&mut world, device, incident);
        let named = |name: &str| here.iter().find(|file| file.name == name).unwrap();
        assert_eq!(named("true.jpg").forms.len(), 2);
        assert_eq!(named("true.jpg").forms[0].hash, thumb.hash);
        for name in ["true.jpg", "nothing"] {
            assert!(named(name).forms.iter().all(|form| form.here && !form.refused), "{name} on {device}");
            assert!(named(name).here);
        }
        assert!(named("kind").forms[0].refused, "{device}");
    }
    world.crash(LEAD, Crash::Dropped, false);
    world.restart(LEAD);
    world.meet(OTHER, LEAD);
    let here = files(&mut world, LEAD, incident);
    let named = |name: &str| here.iter().find(|file| file.name == name).unwrap().clone();
    for name in ["content", "length"] {
        let stored = world.devices[LEAD].ledger().stored_file(&incident, name, VariantKind::Thumb).unwrap();
        assert!(stored.write_to(&mut Vec::new(), &mut |_| true).is_err() || name == "length", "{name}");
        assert!(named(name).here, "the photo itself is what it says");
    }
    let digests = [LEAD, OTHER].map(|device| world.devices[device].ledger().digest().unwrap());
    assert_eq!(digests[0], digests[1]);
}
