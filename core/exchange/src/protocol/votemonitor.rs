//! Forms as Vote Monitor gives them, in JSON.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::checklist::{Choice, ItemType, Localised, TemplateItem};
use firsthand_record::expression::is_name;
use firsthand_record::validate::limits;
use serde_json::Value;

use super::error::{Place, ProtocolError};
use super::finish::Draft;
use super::{language, other, slug};
use crate::json::{self, Root};

/// Whether JSON is a form of Vote Monitor.
pub(super) fn is_form(root: &Root<'_>) -> bool {
    root.is_list("questions") && root.member("languages").is_some()
}

/// A member, whichever way its first letter is written: files have `Text` and the interface has `text`.
fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    let members = value.as_object();
    let found = members.and_then(|members| members.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)));
    found.map_or(&Value::Null, |(_, value)| value)
}

fn text(value: &Value) -> Localised {
    let mut text = Localised::default();
    for (name, said) in value.as_object().into_iter().flatten() {
        if let Some(said) = said.as_str() {
            text.set(language::tag(name), said.trim());
        }
    }
    text
}

/// What a question is known by, for conditions that refer to it.
struct Known {
    name: String,
    has_choices: bool,
}

pub(super) fn read(file: &str, root: &Root<'_>, stem: &str) -> Result<Draft, ProtocolError> {
    let mut draft = Draft { paths: true, version: 1, ..Draft::default() };
    let value = |name: &str| root.value(name).unwrap_or(Value::Null);
    let id = [value("code"), value("id")].iter().find_map(|id| id.as_str().map(slug));
    draft.template_id = id.unwrap_or_else(|| slug(stem));
    draft.content.title = text(&value("name"));
    let description = text(&value("description"));
    if !description.is_empty() {
        let mut item = TemplateItem::new("description", ItemType::Note);
        item.label = description;
        draft.content.items.push(item);
        draft.places.push(Place::default());
    }
    let places = json::items(root.member("questions").unwrap_or("[]"), file)?;
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut names = BTreeSet::from(["description".to_owned()]);
    let mut unclear = false;
    let (mut counted, mut line) = (0, 1);
    for (range, index) in places.into_iter().zip(0..) {
        line += file[counted..range.start].matches('\n').count();
        counted = range.start;
        if draft.content.items.len() > limits::ITEMS {
            break;
        }
        let place = Place { line: Some(line), ..Place::default() };
        let path = format!("questions[{index}]");
        match json::parse(&file[range]) {
            Ok(question) => {
                let mut reader = Question {
                    draft: &mut draft,
                    known: &mut known,
                    names: &mut names,
                    unclear: &mut unclear,
                };
                reader.read(&question, &place, &path);
            }
            Err(reason) => draft.problems.add(place.problem(path, reason)),
        }
    }
    if unclear {
        let note =
            "whether choices ask for words of their own is not said clearly; they are read as not asking";
        draft.notes.push(note.to_owned());
    }
    languages(&mut draft, &value("languages"), &value("defaultLanguage"));
    Ok(draft)
}

/// The languages that have text, the default one first.
fn languages(draft: &mut Draft, named: &Value, default: &Value) {
    let content = &mut draft.content;
    let mut used: BTreeSet<String> = content.title.0.keys().cloned().collect();
    for item in &content.items {
        let choices = item.choices.iter().map(|choice| &choice.label);
        used.extend(
            [&item.label, &item.hint].into_iter().chain(choices).flat_map(|text| text.0.keys().cloned()),
        );
    }
    let tag = |value: &Value| value.as_str().map(language::tag);
    let all =
        [tag(default)].into_iter().flatten().chain(named.as_array().into_iter().flatten().filter_map(tag));
    let mut empty = BTreeSet::new();
    for language in all {
        if used.remove(&language) {
            content.languages.push(language);
        } else if !content.languages.contains(&language) {
            empty.insert(language);
        }
    }
    content.languages.extend(used);
    if !empty.is_empty() {
        let names: Vec<String> = empty.into_iter().collect();
        draft.notes.push(format!("languages without any text: {}", names.join(", ")));
    }
}

struct Question<'a> {
    draft: &'a mut Draft,
    known: &'a mut BTreeMap<String, Known>,
    names: &'a mut BTreeSet<String>,
    unclear: &'a mut bool,
}

impl Question<'_> {
    fn read(&mut self, question: &Value, place: &Place, path: &str) {
        let kind = get(question, "$questionType").as_str().unwrap_or_default();
        let (item_type, constraint) = match kind {
            "textQuestion" => (ItemType::Text, None),
            "numberQuestion" => (ItemType::Decimal, None),
            "dateQuestion" => (ItemType::Date, None),
            "singleSelectQuestion" => (ItemType::SelectOne, None),
            "multiSelectQuestion" => (ItemType::SelectMultiple, None),
            "ratingQuestion" => {
                let scale = get(question, "scale").as_str().and_then(|scale| scale.strip_prefix("OneTo"));
                let Some(most) = scale.and_then(|most| most.parse::<u8>().ok()) else {
                    return self.problem(place, path, "scale", "is no scale such as OneTo5");
                };
                (ItemType::Integer, Some(format!(". >= 1 and . <= {most}")))
            }
            _ => {
                let reason = format!("{kind:?} is a type of question that checklists do not have");
                return self.problem(place, path, "$questionType", &reason);
            }
        };
        let (id, code) = (get(question, "id").as_str(), get(question, "code").as_str());
        // The code is what people know it by; where it is no name, or another has it, the id stands for it.
        let free = |name: &&str| is_name(name) && !self.names.contains(*name);
        let Some(name) = code.filter(free).or(id.filter(free)).map(str::to_owned) else {
            return self.problem(place, path, "Id", "there is neither a code nor an id of its own");
        };
        let mut item = TemplateItem::new(name.clone(), item_type);
        item.label = text(get(question, "text"));
        item.hint = text(get(question, "helptext"));
        item.constraint = constraint;
        item.relevant = self.condition(get(question, "displayLogic"), place, path);
        let mut free_text = Vec::new();
        for (option, at) in get(question, "options").as_array().into_iter().flatten().zip(0..) {
            let Some(option_id) = get(option, "id").as_str() else {
                return self.problem(place, path, &format!("Options[{at}].Id"), "must be text");
            };
            match get(option, "isFreeText") {
                Value::Bool(true) => free_text.push(format!("selected(${{{name}}}, '{option_id}')")),
                Value::Bool(false) | Value::Null => {}
                _ => *self.unclear = true,
            }
            item.choices.push(Choice { name: option_id.to_owned(), label: text(get(option, "text")) });
        }
        if let Some(id) = id {
            self.known
                .insert(id.to_owned(), Known { name: name.clone(), has_choices: item_type.has_choices() });
        }
        let languages: Vec<String> = item.label.0.keys().cloned().collect();
        self.push(item, place);
        if !free_text.is_empty() {
            let mut specify = TemplateItem::new(format!("{name}_other"), ItemType::Text);
            specify.label = other::words(&languages).1;
            specify.relevant = Some(free_text.join(" or "));
            self.push(specify, place);
        }
    }

    fn push(&mut self, item: TemplateItem, place: &Place) {
        self.names.insert(item.item_id.clone());
        self.draft.content.items.push(item);
        self.draft.places.push(place.clone());
    }

    fn problem(&mut self, place: &Place, path: &str, member: &str, reason: &str) {
        self.draft.problems.add(place.problem(format!("{path}.{member}"), reason));
    }

    /// When a question is asked: one answer to one earlier question.
    fn condition(&mut self, logic: &Value, place: &Place, path: &str) -> Option<String> {
        if logic.is_null() {
            return None;
        }
        let parent = get(logic, "parentQuestionId").as_str().and_then(|id| self.known.get(id));
        let Some(Known { name, has_choices }) = parent else {
            self.problem(place, path, "DisplayLogic", "refers to no earlier question");
            return None;
        };
        let value = get(logic, "value")
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| get(logic, "value").to_string());
        let sign = match get(logic, "condition").as_str().unwrap_or_default() {
            "Includes" if *has_choices && is_name(&value) => {
                return Some(format!("selected(${{{name}}}, '{value}')"));
            }
            "Equals" => "=",
            "NotEquals" => "!=",
            "LessThan" => "<",
            "LessEqual" => "<=",
            "GreaterThan" => ">",
            "GreaterEqual" => ">=",
            _ => {
                self.problem(place, path, "DisplayLogic", "is a condition that checklists do not know");
                return None;
            }
        };
        let is_number = value.parse::<f64>().is_ok_and(f64::is_finite)
            && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match (is_number, value.contains('\'')) {
            (true, _) => Some(format!("${{{name}}} {sign} {value}")),
            (false, false) => Some(format!("${{{name}}} {sign} '{value}'")),
            (false, true) => {
                self.problem(place, path, "DisplayLogic", "is a condition that checklists do not know");
                None
            }
        }
    }
}
