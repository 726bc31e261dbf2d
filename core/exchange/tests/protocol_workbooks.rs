//! Protocols in workbooks: what cells hold, and what a file may not do.
#![allow(clippy::unwrap_used, reason = "the tests read what they wrote")]

mod common;

use common::book::{Book, C};
use common::old_book::{Old, old_book};
use common::protocol::{loaded, said};
use firsthand_exchange::ExchangeError;
use firsthand_exchange::protocol::{ProtocolError, load};
use zip::CompressionMethod;

#[test]
fn formulas_give_what_was_saved_and_macros_are_not_looked_at() {
    let header: &[C] = &[C::S("type"), C::S("name"), C::S("label")];
    let saved =
        Book::default().sheet("survey", &[header, &[C::S("text"), C::S("a"), C::Formula("1+1", Some(2.0))]]);
    assert_eq!(loaded("a.xlsx", saved.bytes()).content.items[0].label.get("en", "en"), "2");
    let unsaved =
        Book::default().sheet("survey", &[header, &[C::S("text"), C::S("a"), C::Formula("1+1", None)]]);
    assert_eq!(
        said("a.xlsx", unsaved.bytes()),
        [
            "sheet survey, row 2, column label: has no value in the file: a formula without a result",
            "sheet survey, row 2, column label: is empty"
        ]
    );
    let mut macros = Book::default().sheet("survey", &[header, &[C::S("text"), C::S("a"), C::S("A")]]);
    macros.more.push(("xl/vbaProject.bin".into(), b"\xd0\xcf\x11\xe0 not looked at".to_vec()));
    macros.more.push(("xl/externalLinks/externalLink1.xml".into(), b"<externalLink/>".to_vec()));
    let notes = loaded("a.xlsm", macros.bytes()).notes;
    assert_eq!(
        notes,
        [
            "the workbook has macros, which were not looked at",
            "the workbook has links to other files, which were not looked at"
        ]
    );
}

#[test]
fn cells_of_old_workbooks() {
    let header: &[Old] =
        &[Old::S("type"), Old::S("name"), Old::S("label"), Old::S("required"), Old::S("hint")];
    let book = |rows: &[&[Old]]| old_book(&[("survey", &[&[header], rows].concat())]);
    let sound = loaded(
        "a.xls",
        book(&[
            &[Old::S("text"), Old::S("a"), Old::Formula("Sí, ahora"), Old::Bool(true), Old::N(2.5)],
            &[],
            &[Old::S("text"), Old::S("b"), Old::Rk(-7), Old::Bool(false)],
        ]),
    );
    let [a, b] = &sound.content.items[..] else { panic!("two items") };
    assert_eq!((a.label.get("", ""), a.hint.get("", ""), a.required), ("Sí, ahora", "2.5", true));
    assert_eq!((b.label.get("", ""), b.required), ("-7", false));
    let broken = book(&[&[Old::S("text"), Old::S("a"), Old::S("A"), Old::No, Old::Broken]]);
    assert_eq!(said("a.xls", broken), ["sheet survey, row 2, column hint: has no value in the file"]);
}

#[test]
fn traps_in_workbooks_are_refused_before_they_are_unpacked() {
    let mut bomb = Book::default().sheet("survey", &[&[C::S("type"), C::S("name")]]);
    bomb.more.push(("xl/media/a.bin".into(), vec![0; 60_000_000]));
    assert!(matches!(load(&bomb.bytes()[..], "a.xlsx"), Err(ProtocolError::File(ExchangeError::Expands))));
    let mut entities = Book::default().sheet("survey", &[&[C::S("type"), C::S("name")]]);
    entities.more.push(("xl/a.xml".into(), b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>".to_vec()));
    let entities = entities.packed(CompressionMethod::Stored);
    assert!(matches!(load(&entities[..], "a.xlsx"), Err(ProtocolError::File(ExchangeError::Entities))));
    let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".repeat(200);
    assert!(matches!(load(&old[..], "a.xls"), Err(ProtocolError::File(ExchangeError::OldWorkbook))));
}
