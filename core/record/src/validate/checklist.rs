use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, Finding, Findings, Rule, limits, place, text};
use crate::checklist::logic::Logic;
use crate::checklist::value::place as place_of;
use crate::checklist::{
    Answer, ItemType, Localised, Run, Template, TemplateContent, TemplateItem, WrongAnswer, answer_value,
    text_references,
};
use crate::expression::{Expression, is_name};

/// Judges a template before it is published: nothing is passed over that would only be noticed when it is needed.
#[must_use]
pub fn template(template: &Template) -> Vec<Finding> {
    let mut found = Findings::default();
    named(&template.template_id, "template_id", &mut found);
    found.add_if(!template.is_whole(), "content_sha256", Rule::NotAsPublished);
    let content = &template.content;
    let languages = languages(content, &mut found);
    let text = Text { languages: &languages, names: None };
    text.check(&content.title, "title", limits::NAME, true, &mut found);
    for (name, line) in [("licence", &content.licence), ("attribution", &content.attribution)] {
        if let Some(line) = line {
            text::line(line, limits::TEXT, name, &mut found);
            found.add_if(is_misleading(line), name, Rule::MisleadingCharacter);
        }
    }
    found.add_if(content.items.is_empty(), "items", Rule::Empty);
    found.add_if(content.items.len() > limits::ITEMS, "items", Rule::TooMany);
    let expressions = content.items.iter().flat_map(|item| [&item.relevant, &item.constraint]).flatten();
    let patterns: usize = expressions.map(|text| text.matches("regex").count()).sum();
    found.add_if(patterns > limits::PATTERNS, "items", Rule::TooMany);
    if content.items.len() > limits::ITEMS || patterns > limits::PATTERNS {
        // Not worth the time that the rest may take.
        return found.0;
    }
    let names: BTreeSet<&str> = content.items.iter().map(|item| item.item_id.as_str()).collect();
    let text = Text { languages: &languages, names: Some(&names) };
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    for (index, item) in content.items.iter().enumerate() {
        let at = |field: &str| format!("items[{index}].{field}");
        named(&item.item_id, &at("item_id"), &mut found);
        found.add_if(!seen.insert(item.item_id.as_str()), &at("item_id"), Rule::DuplicateName);
        self::item(item, &text, &at, &mut found);
        let size = serde_json::to_vec(item).map_or(usize::MAX, |json| json.len());
        found.add_if(size > limits::ITEM_BYTES, &format!("items[{index}]"), Rule::TooLarge);
        bytes += size.min(limits::TEMPLATE_BYTES);
    }
    found.add_if(bytes > limits::TEMPLATE_BYTES, "items", Rule::TooLarge);
    for index in Logic::of(content).circular {
        found.add(format!("items[{index}].relevant"), Rule::Circular);
    }
    found.0
}

fn languages<'a>(content: &'a TemplateContent, found: &mut Findings) -> BTreeSet<&'a str> {
    found.add_if(content.languages.is_empty(), "languages", Rule::Empty);
    found.add_if(content.languages.len() > limits::LANGUAGES, "languages", Rule::TooMany);
    let mut known = BTreeSet::new();
    for (index, language) in content.languages.iter().enumerate() {
        let field = format!("languages[{index}]");
        text::line(language, limits::NAME, &field, found);
        found.add_if(language.trim().is_empty(), &field, Rule::Empty);
        found.add_if(language.contains(is_invisible), &field, Rule::MisleadingCharacter);
        found.add_if(!known.insert(language.as_str()), &field, Rule::DuplicateName);
    }
    known
}

/// What the texts of a template are judged by.
struct Text<'a> {
    languages: &'a BTreeSet<&'a str>,
    /// The items that a text may refer to; nothing where it refers to none.
    names: Option<&'a BTreeSet<&'a str>>,
}

impl Text<'_> {
    fn check(&self, text: &Localised, field: &str, limit: usize, needed: bool, found: &mut Findings) {
        found.add_if(needed && text.is_empty(), field, Rule::Empty);
        for (language, text) in &text.0 {
            let field = format!("{field}.{language}");
            found.add_if(!self.languages.contains(language.as_str()), &field, Rule::LanguageNotListed);
            text::check(text, limit, &field, found);
            found.add_if(is_misleading(text), &field, Rule::MisleadingCharacter);
            if let Some(names) = self.names {
                let unknown = text_references(text).iter().any(|name| !names.contains(name));
                found.add_if(unknown, &field, Rule::UnresolvedReference);
            }
        }
    }
}

fn item(item: &TemplateItem, text: &Text<'_>, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    text.check(&item.label, &at("label"), limits::DESCRIPTION, true, found);
    text.check(&item.hint, &at("hint"), limits::DESCRIPTION, false, found);
    text.check(&item.constraint_message, &at("constraint_message"), limits::DESCRIPTION, false, found);
    found.add_if(item.section.len() > limits::SECTIONS, &at("section"), Rule::TooMany);
    for section in &item.section {
        named(&section.name, &at("section"), found);
        text.check(&section.label, &at("section"), limits::NAME, false, found);
    }
    for (field, expression) in [("relevant", &item.relevant), ("constraint", &item.constraint)] {
        let Some(expression) = expression else { continue };
        match Expression::parse(expression) {
            Err(_) => found.add(at(field), Rule::NotExpression),
            Ok(expression) => {
                let names = text.names;
                let unknown = |name: &&str| names.is_some_and(|names| !names.contains(name));
                let unresolved = expression.references().iter().any(unknown);
                found.add_if(unresolved, &at(field), Rule::UnresolvedReference);
            }
        }
    }
    let fits = item.choices.is_empty() != item.item_type.has_choices();
    found.add_if(!fits, &at("choices"), Rule::ChoicesMissing);
    found.add_if(item.choices.len() > limits::CHOICES, &at("choices"), Rule::TooMany);
    let mut seen = BTreeSet::new();
    for (index, choice) in item.choices.iter().enumerate() {
        let field = format!("choices[{index}]");
        named(&choice.name, &at(&format!("{field}.name")), found);
        let is_new = seen.insert(choice.name.as_str());
        found.add_if(!is_new, &at(&format!("{field}.name")), Rule::DuplicateName);
        text.check(&choice.label, &at(&format!("{field}.label")), limits::DESCRIPTION, true, found);
    }
    let fits = match item.timer_s {
        Some(seconds) => item.item_type == ItemType::Timer && (1..=limits::TIMER_S).contains(&seconds),
        None => item.item_type != ItemType::Timer,
    };
    found.add_if(!fits, &at("timer_s"), Rule::DurationMissing);
}

fn named(name: &str, field: &str, found: &mut Findings) {
    text::line(name, limits::NAME, field, found);
    found.add_if(!is_name(name), field, Rule::NotAName);
}

/// Characters that take no room. Names have none; in running text, joiners and marks of direction belong to many scripts.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a text overrides the direction of its letters, or opens a direction that it never closes: it would then be shown as
/// other than it is, or turn around what stands behind it.
fn is_misleading(text: &str) -> bool {
    text.lines().any(|line| {
        let (mut embedded, mut isolated) = (0_i64, 0_i64);
        for c in line.chars() {
            match c {
                '\u{202d}' | '\u{202e}' => return true,
                '\u{202a}' | '\u{202b}' => embedded += 1,
                '\u{202c}' => embedded -= 1,
                '\u{2066}'..='\u{2068}' => isolated += 1,
                '\u{2069}' => isolated -= 1,
                _ => {}
            }
            if embedded < 0 || isolated < 0 {
                return true;
            }
        }
        embedded != 0 || isolated != 0
    })
}

/// Judges a run, by the version of the checklist that it belongs to where that is here.
#[must_use]
pub fn run(run: &Run, template: Option<&TemplateContent>, context: &Context) -> Vec<Finding> {
    let mut found = Findings::default();
    named(&run.template_id, "template_id", &mut found);
    text::check(&run.abandoned_reason, limits::TEXT, "abandoned_reason", &mut found);
    for (count, field) in [(run.answers.len(), "answers"), (run.timers.len(), "timers")] {
        found.add_if(count > limits::ANSWERS, field, Rule::TooMany);
    }
    found.add_if(run.tombstone.len() > limits::LIST_ITEMS, "tombstone", Rule::TooMany);
    let unknown = |name: &str| template.is_some_and(|content| content.item(name).is_none());
    for (index, answer) in run.answers.iter().enumerate() {
        let at = |field: &str| format!("answers[{index}].{field}");
        named(&answer.item_id, &at("item_id"), &mut found);
        found.add_if(unknown(&answer.item_id), &at("item_id"), Rule::NoSuchItem);
        let item = template.and_then(|content| content.item(&answer.item_id));
        self::answer(answer, item, &at, context, &mut found);
    }
    for (index, entry) in run.timers.iter().enumerate() {
        let at = format!("timers[{index}].item_id");
        named(&entry.item_id, &at, &mut found);
        found.add_if(unknown(&entry.item_id), &at, Rule::NoSuchItem);
    }
    let ended = run.completed.map(|it| it.at.millis()).filter(|at| *at < run.started.millis());
    found.add_if(ended.is_some(), "completed", Rule::EndBeforeStart);
    found.0
}

fn answer(
    answer: &Answer,
    item: Option<&TemplateItem>,
    at: &dyn Fn(&str) -> String,
    context: &Context,
    found: &mut Findings,
) {
    match &answer.value {
        Value::String(value) => text::check(value, limits::TEXT, &at("value"), found),
        Value::Array(names) => found.add_if(names.len() > limits::CHOICES, &at("value"), Rule::TooMany),
        _ => {}
    }
    let size = serde_json::to_vec(&answer.value).map_or(usize::MAX, |json| json.len());
    found.add_if(size > limits::ITEM_BYTES, &at("value"), Rule::TooLarge);
    text::check(&answer.note, limits::DESCRIPTION, &at("note"), found);
    found.add_if(answer.takes_back.len() > limits::LIST_ITEMS, &at("takes_back"), Rule::TooMany);
    let Some(item) = item else { return };
    match answer_value(item, &answer.value) {
        Ok(_) => {}
        Err(WrongAnswer::Choice) => found.add(at("value"), Rule::NoSuchChoice),
        Err(WrongAnswer::Kind) => found.add(at("value"), Rule::WrongKind),
    }
    if item.item_type == ItemType::Geopoint
        && let Some(place) = place_of(&answer.value)
    {
        place::check(&place, &at("value"), context, found);
    }
}
