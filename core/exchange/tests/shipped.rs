//! The protocols that come with the program.
#![allow(clippy::unwrap_used, reason = "they are constants")]

use std::collections::BTreeSet;

use firsthand_exchange::protocol::{load, shipped, to_markdown};
use firsthand_record::checklist::{Localised, TemplateContent};

const LANGUAGES: [&str; 3] = ["en", "es", "ar"];
/// What fits a phone screen together with the buttons under it.
const LABEL: usize = 120;
const HINT: usize = 200;

fn texts(content: &TemplateContent) -> Vec<(&Localised, usize)> {
    let mut texts = vec![(&content.title, LABEL)];
    for item in &content.items {
        texts.push((&item.label, LABEL));
        texts.extend(item.section.iter().map(|section| (&section.label, LABEL)));
        texts.extend(item.choices.iter().map(|choice| (&choice.label, LABEL)));
        let more = [&item.hint, &item.constraint_message];
        texts.extend(more.into_iter().filter(|text| !text.is_empty()).map(|text| (text, HINT)));
    }
    texts
}

#[test]
fn each_is_complete_in_three_languages_and_fits_a_screen() {
    let mut names = BTreeSet::new();
    for own in shipped() {
        let protocol = own.load().unwrap_or_else(|error| panic!("{}: {error}", own.template_id));
        assert_eq!(protocol.template_id, own.template_id);
        assert!(names.insert(own.template_id));
        assert_eq!(protocol.version, 1);
        assert_eq!(protocol.content.languages, LANGUAGES);
        assert!(protocol.content.licence.is_some() && protocol.content.attribution.is_some());
        assert_eq!(protocol.notes, [""; 0]);
        let items = &protocol.content.items;
        assert!((8..=24).contains(&items.len()), "{}: {} items", own.template_id, items.len());
        assert!(items.iter().any(|item| item.critical), "{}", own.template_id);
        for (text, most) in texts(&protocol.content) {
            assert_eq!(text.0.keys().map(String::as_str).collect::<Vec<_>>(), ["ar", "en", "es"], "{text:?}");
            for (language, said) in &text.0 {
                let length = said.chars().count();
                assert!((1..=most).contains(&length), "{} {language}: {length}: {said}", own.template_id);
                let is_arabic = said.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c));
                assert_eq!(is_arabic, language == "ar", "{said}");
            }
        }
    }
    let wanted = [
        "arrest-witness",
        "buddy-check",
        "checkpoint",
        "clara",
        "end-of-shift",
        "high-threat",
        "interpositioning",
        "pre-deployment",
        "staff-care",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn each_can_be_written_again() {
    for own in shipped() {
        let protocol = own.load().unwrap();
        let text = to_markdown(&protocol).unwrap();
        assert_eq!(load(text.as_bytes(), "a.md").unwrap().content, protocol.content);
    }
}

/// What a team writes down in public view: of staff care, nothing that somebody said.
#[test]
fn staff_care_asks_for_no_answers() {
    let own = shipped().iter().find(|own| own.template_id == "staff-care").unwrap();
    for item in own.load().unwrap().content.items {
        let kind = item.item_type.code();
        assert!(matches!(kind, "check" | "note" | "timer"), "{} is {kind}", item.item_id);
    }
}
