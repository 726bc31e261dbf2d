//! Lists in which an item counts only if its author had the right to it.

use firsthand_document::{Document, DocumentKind, Edit, Item, View};
use serde_json::json;

use crate::common::{Log, object, writer};

fn roles(items: &[&Item]) -> Vec<String> {
    items.iter().map(|item| item.value["role"].as_str().unwrap_or_default().to_owned()).collect()
}

fn add(role: &str) -> Edit {
    Edit::Add { list: "assignments".into(), value: json!({"person": "01".repeat(16), "role": role}) }
}

fn withdraw(view: &View, role: &str) -> Edit {
    let item = view.items("assignments").iter().find(|item| item.value["role"] == role).unwrap();
    Edit::Withdraw { key: item.key.clone(), reason: "plans changed".into() }
}

/// A shift in which the lead, 1, assigned one person, and 2 another.
fn shift(log: &mut Log) -> Document {
    let fields = object(json!({"title": "East gate"}));
    let (mut document, changes) = Document::create(DocumentKind::Shift, writer(1), &fields).unwrap();
    for (index, change) in changes.into_iter().enumerate() {
        log.push(writer(1), index == 0, change);
    }
    log.edit(&mut document, 1, &[add("by the lead")]);
    log.edit(&mut document, 2, &[add("by another")]);
    document
}

fn stands(document: &Document, log: &Log) -> (Vec<String>, Vec<String>) {
    let view = document.view(log);
    let decided = view.decided("assignments", |author, _| author.rights.may_close);
    (roles(&decided.counted), roles(&decided.proposed))
}

#[test]
fn what_others_add_is_a_proposal() {
    let mut log = Log::with_leads(&[1]);
    let document = shift(&mut log);
    assert_eq!(stands(&document, &log), (vec!["by the lead".into()], vec!["by another".into()]));
    // Who is not in the log had no right.
    assert_eq!(stands(&document, &Log::default()).0, Vec::<String>::new());
}

#[test]
fn only_who_had_the_right_or_added_it_takes_an_item_back() {
    let mut log = Log::with_leads(&[1]);
    let mut document = shift(&mut log);
    let both = stands(&document, &log);
    let taken = withdraw(&document.view(&log), "by the lead");
    log.edit(&mut document, 2, &[taken]);
    let other = withdraw(&document.view(&log), "by another");
    log.edit(&mut document, 3, std::slice::from_ref(&other));
    assert_eq!(stands(&document, &log), both);
    log.edit(&mut document, 2, &[other]);
    assert_eq!(stands(&document, &log), (vec!["by the lead".into()], vec![]));
    // The mark of somebody without the right does not stand in the way of one that has it.
    let again = withdraw(&document.view(&log), "by the lead");
    log.edit(&mut document, 1, &[again]);
    assert_eq!(stands(&document, &log), (vec![], vec![]));
    assert_eq!(stands(&log.replica(), &log), stands(&document, &log));
}
