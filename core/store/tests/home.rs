//! Homes: creation, keys, tries, copies, damage, versions.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::fs;

use common::{Folder, KEY, SPACE, Writer, raw, rng, titled};
use firsthand_store::*;
use rand_chacha::rand_core::Rng;
use zeroize::Zeroizing;

fn with_passphrase(folder: &Folder, passphrase: &str) -> Store {
    let home = Home::create(folder.home()).unwrap();
    let unlock = Unlock::Passphrase(passphrase);
    Store::create(home, unlock, &LaptopVault, SlotOptions::FLOOR, &mut rng(3)).unwrap()
}

fn enter(folder: &Folder, passphrase: &str) -> Result<Store, StoreError> {
    Store::open(Home::open(folder.home())?, Unlock::Passphrase(passphrase), &LaptopVault)
}

#[test]
fn what_was_saved_is_there_after_closing() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = folder.create();
    writer.join(&mut store);
    let id = writer.log(&mut store, titled("one"));
    let (vector, tip) = (store.vector(&SPACE), store.tip(&SPACE, &writer.id()));
    assert_eq!(tip, writer.tip);
    let home = store.lock().unwrap();
    let store = Store::open(home, Unlock::RawKey(&KEY), &LaptopVault).unwrap();
    assert_eq!(store.vector(&SPACE), vector);
    assert_eq!(store.tip(&SPACE, &writer.id()), tip);
    assert_eq!(store.document(&id).unwrap().unwrap().saved, b"saved one");
    assert!(!store.is_new_installation());
}

#[test]
fn what_was_saved_survives_a_pulled_battery() {
    let folder = Folder::new();
    let mut writer = Writer::new(SPACE, 1);
    let mut store = folder.create();
    writer.join(&mut store);
    for number in 0..20 {
        writer.log(&mut store, titled(&format!("incident {number}")));
        let pulled = folder.pulled();
        let after = pulled.open();
        assert_eq!(after.vector(&SPACE), store.vector(&SPACE));
        assert_eq!(after.projection_digest().unwrap(), store.projection_digest().unwrap());
        assert!(after.is_new_installation());
    }
}

#[test]
fn a_second_opening_is_refused() {
    let folder = Folder::new();
    let store = folder.create();
    assert!(matches!(Home::open(folder.home()), Err(StoreError::InUse)));
    assert!(matches!(Home::create(folder.home()), Err(StoreError::InUse)));
    let home = store.lock().unwrap();
    assert!(matches!(Home::open(folder.home()), Err(StoreError::InUse)));
    drop(home);
    folder.open();
}

#[test]
fn a_folder_without_a_home_is_told_from_one_with_parts_missing() {
    let folder = Folder::new();
    assert!(matches!(Home::open(folder.home()), Err(StoreError::NoHome)));
    drop(folder.create());
    assert!(matches!(Home::create(folder.home()), Err(StoreError::HomeExists)));
    for part in ["store.db", "slots"] {
        let aside = folder.home().join("aside");
        fs::rename(folder.home().join(part), &aside).unwrap();
        assert!(matches!(Home::open(folder.home()), Err(StoreError::Damaged { .. })));
        assert!(matches!(Home::create(folder.home()), Err(StoreError::HomeExists)));
        fs::rename(&aside, folder.home().join(part)).unwrap();
    }
    folder.open();
}

#[test]
fn an_interrupted_creation_can_be_repeated() {
    let folder = Folder::new();
    drop(folder.create());
    fs::rename(folder.home().join("slots"), folder.home().join("slots.new")).unwrap();
    assert!(matches!(Home::open(folder.home()), Err(StoreError::NoHome)));
    drop(folder.create());
    folder.open();
}

#[test]
fn the_eleventh_try_is_refused() {
    let folder = Folder::new();
    drop(with_passphrase(&folder, "correct horse"));
    for left in (0..10).rev() {
        match enter(&folder, "wrong") {
            Err(StoreError::WrongPassphrase { tries_left }) => assert_eq!(tries_left, left),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(enter(&folder, "correct horse"), Err(StoreError::NoTriesLeft)));
}

#[test]
fn the_right_passphrase_gives_all_tries_back() {
    let folder = Folder::new();
    drop(with_passphrase(&folder, "correct horse"));
    for _ in 0..9 {
        enter(&folder, "wrong").unwrap_err();
    }
    drop(enter(&folder, "correct horse").unwrap());
    assert!(matches!(enter(&folder, "wrong"), Err(StoreError::WrongPassphrase { tries_left: 9 })));
}

#[test]
fn a_wrong_try_stays_counted_when_the_battery_is_pulled() {
    let folder = Folder::new();
    drop(with_passphrase(&folder, "correct horse"));
    enter(&folder, "wrong").unwrap_err();
    let pulled = folder.pulled();
    assert!(matches!(enter(&pulled, "wrong"), Err(StoreError::WrongPassphrase { tries_left: 8 })));
}

#[test]
fn accents_may_be_typed_either_way() {
    let folder = Folder::new();
    drop(with_passphrase(&folder, "caf\u{e9} \u{1e69}"));
    drop(enter(&folder, "cafe\u{301} s\u{323}\u{307}").unwrap());
    assert!(matches!(enter(&folder, "cafe \u{1e69}"), Err(StoreError::WrongPassphrase { .. })));
}

#[test]
fn the_passphrase_can_be_changed() {
    let folder = Folder::new();
    let mut store = with_passphrase(&folder, "old one");
    let (vault, options) = (&LaptopVault, SlotOptions::FLOOR);
    let wrong = store.change_passphrase(Unlock::Passphrase("other"), "new one", vault, options, &mut rng(4));
    assert!(matches!(wrong, Err(StoreError::WrongPassphrase { .. })));
    store.change_passphrase(Unlock::Passphrase("old one"), "new one", vault, options, &mut rng(5)).unwrap();
    drop(store);
    assert!(matches!(enter(&folder, "old one"), Err(StoreError::WrongPassphrase { .. })));
    enter(&folder, "new one").unwrap();
}

struct Phone(Option<Vec<u8>>);

impl KeyVault for Phone {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.0.clone().map(Zeroizing::new))
    }

    fn installation(&self, home: &std::path::Path) -> Result<[u8; 16], VaultError> {
        LaptopVault.installation(home)
    }
}

#[test]
fn the_vault_s_secret_is_needed_as_well() {
    let folder = Folder::new();
    let (phone, other) = (Phone(Some(vec![1; 32])), Phone(Some(vec![2; 32])));
    let home = Home::create(folder.home()).unwrap();
    let unlock = Unlock::Passphrase("correct horse");
    drop(Store::create(home, unlock, &phone, SlotOptions::FLOOR, &mut rng(3)).unwrap());
    let open = |vault: &Phone| Store::open(Home::open(folder.home()).unwrap(), unlock, vault);
    assert!(matches!(open(&other), Err(StoreError::WrongPassphrase { tries_left: 9 })));
    // A vault without an answer costs no try.
    assert!(matches!(open(&Phone(None)), Err(StoreError::Vault(VaultError::Gone))));
    open(&phone).unwrap();
}

#[test]
fn too_cheap_or_too_expensive_slots_are_refused() {
    let floor = SlotOptions::FLOOR;
    for options in [
        SlotOptions { memory_kib: 1024, ..floor },
        SlotOptions { passes: 1, ..floor },
        SlotOptions { memory_kib: u32::MAX, ..floor },
        SlotOptions { passes: u32::MAX, ..floor },
        SlotOptions { lanes: 0, ..floor },
    ] {
        let folder = Folder::new();
        let home = Home::create(folder.home()).unwrap();
        let created = Store::create(home, Unlock::Passphrase("x"), &LaptopVault, options, &mut rng(1));
        assert!(matches!(created, Err(StoreError::Invalid(_))));
    }
}

#[test]
fn every_flipped_bit_of_the_slots_is_noticed_and_costs_no_try() {
    let folder = Folder::new();
    drop(with_passphrase(&folder, "correct horse"));
    let path = folder.home().join("slots");
    let bytes = fs::read(&path).unwrap();
    const TRIES_AT: usize = 20;
    for at in (0..bytes.len()).filter(|at| *at != TRIES_AT) {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&path, &flipped).unwrap();
            let opened = enter(&folder, "correct horse");
            assert!(
                matches!(opened, Err(StoreError::Damaged { .. } | StoreError::Newer { .. })),
                "byte {at} bit {bit}: {opened:?}"
            );
            assert_eq!(fs::read(&path).unwrap(), flipped);
        }
    }
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        assert!(matches!(enter(&folder, "correct horse"), Err(StoreError::Damaged { .. })));
    }
    fs::write(&path, &bytes).unwrap();
    enter(&folder, "correct horse").unwrap();
}

#[test]
fn a_wrong_key_is_told_from_a_damaged_database() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    for number in 0..50 {
        writer.log(&mut store, titled(&format!("incident {number}")));
    }
    drop(store);
    let wrong = Store::open(Home::open(folder.home()).unwrap(), Unlock::RawKey(&[0; 32]), &LaptopVault);
    assert!(matches!(wrong, Err(StoreError::WrongKey)));

    let path = folder.home().join("store.db");
    let bytes = fs::read(&path).unwrap();
    for len in [0, 10, 100, 5000, 16384, 20000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..len]).unwrap();
        match folder.try_open() {
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{len}: {error:?}"),
            // Only the end is missing: it opens, and a check tells.
            Ok(store) => assert_ne!(store.check(&mut |_| {}).unwrap().damage, [], "{len}"),
        }
        // Nothing was deleted or repaired away.
        assert!(fs::metadata(&path).unwrap().len() >= len as u64);
    }
}

#[test]
fn a_newer_home_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.create());
    raw(&folder, |database| database.pragma_update(None, "user_version", 99).unwrap());
    match folder.try_open() {
        Err(StoreError::Newer { found: 99, known, .. }) => assert!(known < 99),
        other => panic!("{other:?}"),
    }
    raw(&folder, |database| {
        let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    });

    let folder = Folder::new();
    drop(folder.create());
    let path = folder.home().join("slots");
    let mut slots = fs::read(&path).unwrap();
    slots[8] = 2;
    fs::write(&path, slots).unwrap();
    assert!(matches!(folder.try_open(), Err(StoreError::Newer { found: 2, known: 1, .. })));
}

#[test]
fn a_copy_is_a_new_installation_until_it_claims_the_home() {
    let folder = Folder::new();
    drop(folder.create());
    let copy = folder.pulled();
    let mut store = copy.open();
    assert!(store.is_new_installation());
    let mut commit = Commit::new(SPACE);
    commit.claim_installation = true;
    store.commit(commit).unwrap();
    assert!(!store.is_new_installation());
    drop(store);
    assert!(!copy.open().is_new_installation());
    assert!(!folder.open().is_new_installation());
}

#[test]
fn settings_stay_until_they_are_emptied() {
    let folder = Folder::new();
    let mut store = folder.create();
    assert_eq!(store.setting("writer").unwrap(), None);
    store.set_setting("writer", b"one").unwrap();
    store.set_setting("writer", b"two").unwrap();
    drop(store);
    let mut store = folder.open();
    assert_eq!(store.setting("writer").unwrap().as_deref(), Some(&b"two"[..]));
    store.set_setting("writer", b"").unwrap();
    assert_eq!(store.setting("writer").unwrap(), None);
    assert!(matches!(store.set_setting("store.installation", b"x"), Err(StoreError::Invalid(_))));
}

#[test]
fn every_flipped_bit_of_the_database_is_found() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    for number in 0..60 {
        writer.log(&mut store, titled(&format!("incident {number}")));
    }
    drop(store);
    let path = folder.home().join("store.db");
    let bytes = fs::read(&path).unwrap();
    let mut rng = rng(21);
    let mut random = |limit: usize| rng.next_u64() as usize % limit;
    for _ in 0..100 {
        let (at, bit) = (random(bytes.len()), random(8));
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        fs::write(&path, &flipped).unwrap();
        match folder.try_open() {
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "byte {at}: {error:?}"),
            Ok(store) => {
                let damage = store.check(&mut |_| {}).unwrap().damage;
                assert!(matches!(damage[..], [Damage::Page(_), ..]), "byte {at}: {damage:?}");
            }
        }
    }
    fs::write(&path, &bytes).unwrap();
    assert_eq!(folder.open().check(&mut |_| {}).unwrap().damage, []);
}
