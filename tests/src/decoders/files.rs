use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use firsthand_exchange::{ColumnMap, Format, read};
use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::evidence::{Proof, judge};
use firsthand_photo::{SaidByFile, THUMB_BYTES, clean, forms, said};
use firsthand_record::Incident;
use firsthand_record::validate::{self, Context};
use firsthand_store::{FileSecrets, Home, SealedAttachment, Store, StoreError, Unlock};
use serde_json::{Map, Value};

use super::samples::home_with_file;
use crate::crashing::{KEY, VAULT};

/// A home of this thread whose files can be replaced.
struct Victim {
    _folder: tempfile::TempDir,
    home: PathBuf,
    store: Option<Store>,
    sealed: SealedAttachment,
    file: PathBuf,
}

thread_local! {
    static VICTIM: RefCell<Option<Victim>> = const { RefCell::new(None) };
}

fn with<T>(act: impl FnOnce(&mut Victim) -> T) -> T {
    VICTIM.with_borrow_mut(|victim| {
        act(victim.get_or_insert_with(|| {
            let (folder, home, sealed) = home_with_file();
            let file = fs::read_dir(home.join("attachments")).unwrap().next().unwrap().unwrap().path();
            Victim { _folder: folder, home, store: None, sealed, file }
        }))
    })
}

fn open(home: &PathBuf) -> Result<Store, StoreError> {
    Store::open(Home::open(home)?, Unlock::RawKey(&KEY), &VAULT)
}

/// A home with this as one of its files; everything else is as it was.
fn replaced(name: &str, bytes: &[u8]) {
    with(|victim| {
        victim.store = None;
        let path = victim.home.join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        if let Ok(store) = open(&victim.home) {
            drop(store.check(&mut |_| ()));
        }
        fs::write(&path, before).unwrap();
    });
}

pub(super) fn slots(bytes: &[u8]) {
    replaced("slots", bytes);
}

pub(super) fn head(bytes: &[u8]) {
    replaced("head", bytes);
}

/// A sealed file. What is read of it is what was sealed, or an error.
pub(super) fn attachment(bytes: &[u8]) {
    with(|victim| {
        fs::write(&victim.file, bytes).unwrap();
        let home = &victim.home;
        let store = victim.store.get_or_insert_with(|| open(home).unwrap());
        let mut out = Vec::new();
        let files = store.attachments();
        if files.read(&victim.sealed.secret, &victim.sealed.hash, &mut out, &mut |_| true).is_ok() {
            assert_eq!(firsthand_ids::sha256(&out), *victim.sealed.hash.as_bytes());
        }
        drop(files.table(&victim.sealed.secret));
        drop(files.chunk(&victim.sealed.secret, 0));
    });
}

pub(super) fn secret(bytes: &[u8]) {
    if let Some(secrets) = FileSecrets::decode(bytes) {
        let written = secrets.encode();
        assert!(written.len() <= bytes.len());
        assert_eq!(FileSecrets::decode(&written), Some(secrets));
    }
}

pub(super) fn photo(bytes: &[u8]) {
    firsthand_node::keep_caught_panics_quiet();
    let mime = match bytes {
        [0x89, ..] => "image/png",
        [b'R', ..] => "image/webp",
        [b'G', ..] => "image/gif",
        [0, ..] => "image/heif",
        _ => "image/jpeg",
    };
    if let Some(place) = said(mime, bytes).place {
        assert!(place.lat.0.abs() <= 90.0 && place.lon.0.abs() <= 180.0);
        assert!(place.lat.0 != 0.0 || place.lon.0 != 0.0);
    }
    // A copy of a copy is the same, and says nothing.
    if let Ok(copy) = clean(mime, bytes) {
        assert!(copy.len() <= bytes.len() + 64);
        assert_eq!(said(mime, &copy), SaidByFile::default());
        assert_eq!(clean(mime, &copy).as_ref(), Ok(&copy));
    }
    // Shorter ones have no smaller forms.
    let mut long = bytes.to_vec();
    long.resize(bytes.len().max(THUMB_BYTES as usize + 1), 0);
    for form in forms(mime, long).unwrap_or_default() {
        assert!(form.jpeg.len() as u64 <= form.kind.most_bytes().unwrap_or(0));
    }
}

fn import(bytes: &[u8], name: &str, format: Format) {
    if let Ok(import) = read(bytes, name, Some(format), None) {
        for row in &import.incidents {
            sound(&row.incident);
        }
    }
    drop(read(bytes, name, None, None));
}

/// Nothing is a place that is none, and what is written is read again.
fn sound(incident: &Incident) {
    if let Some(place) = &incident.place {
        assert!(place.lat.0.is_finite() && place.lon.0.is_finite());
    }
    let at = LocalTime { at: UnixMillis(1_795_161_600_000), offset_minutes: 0 };
    drop(validate::incident(incident, &Context::at(at.at)));
    let Ok(Value::Object(json)) = serde_json::to_value(incident) else { panic!("a record is an object") };
    let again = Incident::read(json);
    assert!(again.unread.is_empty(), "{:?}", again.unread);
}

pub(super) fn csv(bytes: &[u8]) {
    import(bytes, "rows.csv", Format::Csv);
    import(bytes, "rows.csv", Format::Kobo);
}

pub(super) fn hxl(bytes: &[u8]) {
    import(bytes, "rows.csv", Format::Hxl);
    import(bytes, "rows.json", Format::Hxl);
}

/// Text whose encoding nobody named.
pub(super) fn text(bytes: &[u8]) {
    import(bytes, "rows.tsv", Format::Csv);
}

/// A workbook as it is packed.
pub(super) fn xlsx(bytes: &[u8]) {
    import(bytes, "rows.xlsx", Format::Xlsx);
    import(bytes, "rows.xlsx", Format::Kobo);
}

pub(super) fn geojson(bytes: &[u8]) {
    import(bytes, "places.geojson", Format::GeoJson);
}

pub(super) fn odk(bytes: &[u8]) {
    import(bytes, "submissions.json", Format::Odk);
}

pub(super) fn comapeo(bytes: &[u8]) {
    import(bytes, "observations.json", Format::CoMapeo);
}

pub(super) fn map(bytes: &[u8]) {
    if let Ok(map) = ColumnMap::from_json(bytes) {
        drop(read(
            b"title,lat,lon,weather,when\na,1,2,rain,2026-01-02\n".as_slice(),
            "a.csv",
            None,
            Some(&map),
        ));
    }
}

pub(super) fn incident(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    let read = Incident::read(json);
    let at = UnixMillis(1_795_161_600_000);
    drop(validate::incident(&read.record, &Context::at(at)));
}

pub(super) fn evidence(bytes: &[u8]) {
    if let Ok(proof) = Proof::read(bytes) {
        drop(judge(&proof));
    }
}
