//! What is written as JSON or as our Markdown is read as the same.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use firsthand_exchange::protocol::{Protocol, load, to_json, to_markdown};
use firsthand_ids::ContentHash;
use firsthand_record::checklist::{
    Choice, ItemType, Localised, Section, TemplateContent, TemplateItem, TemplateKind, TemplateSource,
};
use proptest::prelude::*;

/// Words with what could be taken for a mark of the format.
fn words() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => "[a-zA-Zé]{1,8}",
        1 => Just("ازفر".to_owned()),
        1 => prop::sample::select(vec![
            "!", "[ ]", "-", "#", "(date)", "(timer 5 min)", "es:", "name:", "\\", "|", "\"", "'", "${", "a: b", "(", ")", ":", "1.",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join(" "))
}

fn localised() -> impl Strategy<Value = Localised> {
    (words(), prop::option::of(words()), prop::option::of(words())).prop_map(|(en, es, ar)| {
        let mut text = Localised::one("en", en);
        for (language, words) in [("es", es), ("ar", ar)] {
            text.set(language, words.unwrap_or_default());
        }
        text
    })
}

fn item() -> impl Strategy<Value = TemplateItem> {
    let flags = (any::<bool>(), any::<bool>(), 0..ItemType::ALL.len(), 1_u32..90_000);
    let extra = (prop::option::of(localised()), prop::option::of(localised()), any::<bool>(), any::<bool>());
    let choices = prop::collection::vec(localised(), 1..4);
    let section = prop::collection::vec(prop::sample::select(vec!["One", "Two"]), 0..3);
    (localised(), flags, extra, choices, section).prop_map(
        |(
            label,
            (critical, required, at, seconds),
            (hint, message, relevant, constraint),
            choices,
            section,
        )| {
            let mut item = TemplateItem::new("", ItemType::ALL[at]);
            item.label = label;
            (item.critical, item.required) = (critical, required);
            item.timer_s = (item.item_type == ItemType::Timer).then_some(seconds.min(86_400));
            item.hint = hint.unwrap_or_default();
            item.constraint_message = message.unwrap_or_default();
            item.relevant = relevant.then(|| "selected(${i0}, 'x') or ${i1} != 3".to_owned());
            item.constraint = constraint.then(|| ". != \"it's\"".to_owned());
            if item.item_type.has_choices() {
                let choice = |(label, at)| Choice { name: format!("c{at}"), label };
                item.choices = choices.into_iter().zip(0..).map(choice).collect();
            }
            let named = |name: &str| Section { name: name.to_lowercase(), label: Localised::one("en", name) };
            item.section = section.into_iter().map(named).collect();
            item
        },
    )
}

fn protocol() -> impl Strategy<Value = Protocol> {
    let items = prop::collection::vec((item(), any::<bool>()), 2..8);
    (localised(), items, prop::option::of(words()), any::<u32>()).prop_map(
        |(title, items, licence, version)| {
            let mut content = TemplateContent {
                title,
                languages: vec!["en".into(), "es".into(), "ar".into()],
                licence,
                ..TemplateContent::default()
            };
            for (at, (mut item, is_named)) in items.into_iter().enumerate() {
                item.item_id = format!("i{at}");
                if at < 2 {
                    // What the others refer to refers to nothing.
                    item.relevant = None;
                } else if is_named {
                    item.item_id = format!("step_{at}");
                }
                content.items.push(item);
            }
            content.renumber();
            let source = TemplateSource { kind: TemplateKind::Json, sha256: ContentHash::new([0; 32]) };
            Protocol { template_id: "p".into(), version, content, source, notes: Vec::new() }
        },
    )
}

proptest! {
    #[test]
    fn json_says_everything(protocol in protocol()) {
        let read = load(to_json(&protocol).as_bytes(), "a.json").unwrap();
        prop_assert_eq!(&read.content, &protocol.content);
        prop_assert_eq!((read.template_id, read.version), (protocol.template_id, protocol.version));
    }

    /// Our Markdown has no way back out of a section; everything else that is said here, it can say.
    #[test]
    fn our_markdown_says_all_but_the_way_out_of_a_section(mut protocol in protocol()) {
        let mut open = Vec::new();
        for item in &mut protocol.content.items {
            if item.section.len() < open.len() && open.starts_with(&item.section) {
                item.section.clone_from(&open);
            }
            open.clone_from(&item.section);
        }
        let text = to_markdown(&protocol);
        prop_assert!(text.is_some());
        let read = load(text.unwrap().as_bytes(), "a.md").unwrap();
        prop_assert_eq!(&read.content, &protocol.content);
    }

    #[test]
    fn any_text_is_a_protocol_or_refused(text in "(# |## |- \\[ \\] |es: |  - |\\| survey \\||\\||type|name|\n|\\PC){0,60}") {
        for name in ["a.md", "a.csv", "a.json"] {
            if let Ok(protocol) = load(text.as_bytes(), name) {
                prop_assert!(protocol.clone().into_template().is_whole());
                let again = load(to_json(&protocol).as_bytes(), "a.json").unwrap();
                prop_assert_eq!(again.content, protocol.content);
            }
        }
    }
}

#[test]
fn what_our_markdown_cannot_say_is_not_written() {
    let json = r#"{"template_id": "p", "version": 1, "title": {"en": "T"}, "languages": ["en"],
        "items": [{"item_id": "a", "type": "check", "label": {"en": "one\ntwo"}}]}"#;
    let protocol = load(json.as_bytes(), "a.json").unwrap();
    assert_eq!(to_markdown(&protocol), None);
}
