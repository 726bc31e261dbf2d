//! A protocol from a file, through the document that keeps it, to what another device reads of it.
#![allow(clippy::unwrap_used)]

use firsthand_document::{Document, DocumentKind, Edit, NoAuthors, Rights};
use firsthand_exchange::protocol::{load, shipped};
use firsthand_ids::WriterId;
use firsthand_record::checklist::{Template, UnreadTemplate};
use firsthand_record::validate::{self, limits};
use serde_json::{Value, json};

const AUTHOR: WriterId = WriterId::new([7; WriterId::LEN]);
const OTHER: WriterId = WriterId::new([8; WriterId::LEN]);

fn published(template: &Template) -> Document {
    assert_eq!(validate::template(template), []);
    let Value::Object(fields) = json!(template) else { panic!("an object") };
    let (document, _) = Document::create(DocumentKind::Template, AUTHOR, &fields).unwrap();
    Document::load(&document.save()).unwrap()
}

fn read(document: &mut Document) -> Result<Template, UnreadTemplate> {
    Template::read(document.view(&NoAuthors).shown(), AUTHOR)
}

#[test]
fn every_shipped_protocol_is_read_back_as_it_was_published() {
    for own in shipped() {
        let template = own.load().unwrap().into_template();
        let read = read(&mut published(&template)).unwrap();
        assert_eq!(read.content_sha256, template.content_sha256, "{}", own.template_id);
        assert!(read.is_whole());
        assert_eq!(read.source, template.source);
    }
}

#[test]
fn what_another_member_adds_is_no_part_of_it() {
    let template = shipped()[0].load().unwrap().into_template();
    let mut document = published(&template);
    let step =
        json!({"item_id": "shout", "type": "check", "label": {"en": "Shout"}, "order": 0, "critical": true});
    document.edit(OTHER, Rights::NONE, &[Edit::Add { list: "items".into(), value: step }]).unwrap();
    assert_eq!(read(&mut document).unwrap().content_sha256, template.content_sha256);
}

/// The most choices with the shortest words are the densest JSON that validation lets pass; the longest words the largest.
#[test]
fn the_largest_items_fit_a_document() {
    for words in ["w".to_owned(), "w".repeat(limits::ITEM_BYTES / limits::CHOICES - 60)] {
        let choices: String = (0..limits::CHOICES).map(|at| format!("  - {at}: {words}\n")).collect();
        let form = format!("# T\nlanguages: en\n\n- [ ] Q (choice)\n{choices}");
        let template = load(form.as_bytes(), "t.md").unwrap().into_template();
        assert_eq!(template.content.items[0].choices.len(), limits::CHOICES);
        assert!(read(&mut published(&template)).unwrap().is_whole());
    }
}
