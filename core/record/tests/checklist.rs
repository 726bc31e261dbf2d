//! Templates and runs: their shapes, the hash of what a template says, and what a reader does with what is not sound.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use firsthand_ids::{DocumentId, PersonId, WriterId};
use firsthand_record::Moment;
use firsthand_record::checklist::*;
use serde_json::{Map, Value, json};

const AUTHOR: WriterId = WriterId::new([7; WriterId::LEN]);

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

fn content() -> TemplateContent {
    let mut breathe = TemplateItem::new("breathe", ItemType::Check);
    breathe.label = Localised::one("en", "Breathe out slowly");
    breathe.label.set("ar", "ازفر ببطء");
    breathe.critical = true;
    breathe.section = vec![Section { name: "before".into(), label: Localised::one("en", "Before") }];
    let mut side = TemplateItem::new("side", ItemType::SelectOne);
    side.label = Localised::one("en", "Which side?");
    side.choices = vec![Choice { name: "left".into(), label: Localised::one("en", "Left") }];
    side.relevant = Some("${breathe} = true()".into());
    let mut wait = TemplateItem::new("wait", ItemType::Timer);
    wait.timer_s = Some(300);
    TemplateContent {
        title: Localised::one("en", "Calm"),
        languages: vec!["en".into(), "ar".into()],
        licence: Some("CC-BY-4.0".into()),
        attribution: None,
        items: vec![breathe, side, wait],
    }
}

/// The fields as a document gives them: items with keys, in any order.
fn fields(template: &Template) -> Map<String, Value> {
    let Value::Object(mut fields) = json!(template) else { panic!("an object") };
    let items = fields["items"].as_array_mut().unwrap();
    for (item, counter) in items.iter_mut().zip(1..) {
        item["key"] = json!(format!("{AUTHOR}|{counter}"));
    }
    items.reverse();
    fields
}

#[test]
fn a_template_has_the_shape_that_documents_keep() {
    let template = Template::new("calm", 2, content(), None);
    let fields = json!(template);
    assert_eq!(fields["template_id"], "calm");
    assert_eq!(fields["version"], 2);
    assert_eq!(fields["title"], json!({"en": "Calm"}));
    assert_eq!(fields["languages"], json!(["en", "ar"]));
    assert_eq!(
        fields["items"][1],
        json!({
            "order": 1, "item_id": "side", "type": "select_one", "label": {"en": "Which side?"},
            "relevant": "${breathe} = true()", "choices": [{"name": "left", "label": {"en": "Left"}}]
        })
    );
    assert_eq!(fields["items"][2], json!({"order": 2, "item_id": "wait", "type": "timer", "timer_s": 300}));
}

#[test]
fn a_template_is_read_back_in_its_order_and_with_what_a_newer_version_added() {
    let mut newer = content();
    newer.items[0].extra.insert("colour".into(), json!("red"));
    let template = Template::new("calm", 1, newer, None);
    let mut fields = fields(&template);
    fields.insert("later".into(), json!([1]));
    let read = Template::read(fields, AUTHOR).unwrap();
    let names: Vec<_> = read.content.items.iter().map(|item| item.item_id.as_str()).collect();
    assert_eq!(names, ["breathe", "side", "wait"]);
    assert_eq!(read.content.items[0].extra["colour"], "red");
    assert_eq!(read.extra.keys().collect::<Vec<_>>(), ["later"]);
    assert_eq!(read.content_sha256, template.content_sha256);
}

#[test]
fn the_hash_is_that_of_the_words_alone() {
    // What any program gets for the same members sorted by key, without spaces.
    let hash = content().sha256();
    assert_eq!(hash.to_string(), "55bf62a536d259328659ecdb5293810655cc6a46e885434ec389e15c2518eb57");
    let mut same = content();
    same.renumber();
    same.items[0].key = "a|1".into();
    assert_eq!(same.sha256(), hash);
    type Change = fn(&mut TemplateContent);
    let changes: [Change; 7] = [
        |it| it.title.set("es", "Calma"),
        |it| it.languages.swap(0, 1),
        |it| it.licence = None,
        |it| it.items.swap(0, 1),
        |it| it.items[0].critical = false,
        |it| it.items[1].choices[0].name = "right".into(),
        |it| it.items[2].timer_s = Some(301),
    ];
    for change in changes {
        let mut other = content();
        change(&mut other);
        assert_ne!(other.sha256(), hash);
    }
}

#[test]
fn what_others_add_to_a_template_is_no_part_of_it_and_what_is_missing_is_seen() {
    let template = Template::new("calm", 1, content(), None);
    let mut more = fields(&template);
    let stranger = WriterId::new([8; WriterId::LEN]);
    let added = json!({"key": format!("{stranger}|1"), "item_id": "shout", "type": "check", "order": 0});
    more["items"].as_array_mut().unwrap().push(added);
    assert_eq!(Template::read(more, AUTHOR).unwrap().content.items.len(), 3);

    let mut fewer = fields(&template);
    fewer["items"].as_array_mut().unwrap().pop();
    assert_eq!(Template::read(fewer, AUTHOR), Err(UnreadTemplate::NotWhole));
    assert_eq!(Template::read(fields(&template), stranger), Err(UnreadTemplate::NotWhole));

    let mut unknown = fields(&template);
    unknown["items"][0]["type"] = json!("hologram");
    assert_eq!(Template::read(unknown, AUTHOR), Err(UnreadTemplate::Unreadable));
}

#[test]
fn a_run_is_read_without_what_this_version_cannot_read() {
    let person = PersonId::new([1; PersonId::LEN]);
    let mut run = Run::new("calm", 1, DocumentId::new([2; DocumentId::LEN]), at("2026-05-01T12:00:00+03:00"));
    run.context = Some(RunContext { kind: RunContextKind::Training, document: None });
    run.answers = vec![Answer::tick("breathe", person, at("2026-05-01T12:01:00+03:00"))];
    run.timers = vec![TimerEntry {
        key: String::new(),
        item_id: "wait".into(),
        person,
        event: TimerEvent::Started,
        at: at("2026-05-01T12:02:00+03:00"),
    }];
    let Value::Object(mut fields) = json!(run) else { panic!("an object") };
    assert_eq!(Run::read(fields.clone()).unwrap(), run);

    fields["answers"].as_array_mut().unwrap().push(json!({"item_id": 7}));
    fields.insert("context".into(), json!({"kind": "festival"}));
    run.context = None;
    assert_eq!(Run::read(fields.clone()).unwrap(), run);
    fields.remove("template");
    assert_eq!(Run::read(fields), None);
}
