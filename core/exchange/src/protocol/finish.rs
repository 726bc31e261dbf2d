//! What every format has in common at its end: expressions are understood, names are found, and validation has the last word.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::checklist::{Template, TemplateContent, TemplateSource, text_references};
use firsthand_record::expression::Expression;
use firsthand_record::validate::{self, Kind, Rule, limits};

use super::Protocol;
use super::error::{Place, Problems, ProtocolError, TOLD};
use super::room::patterns;

/// What a loader understood of a file.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) template_id: String,
    pub(super) version: u32,
    pub(super) content: TemplateContent,
    /// Where each item stands.
    pub(super) places: Vec<Place>,
    /// Where the file says what the whole is about.
    pub(super) head: Place,
    /// Names that the file has and the checklist does not, each with why.
    pub(super) dropped: BTreeMap<String, &'static str>,
    pub(super) notes: Vec<String>,
    pub(super) problems: Problems,
    /// Whether problems name the path inside an item, such as `items[3].label.es`.
    pub(super) paths: bool,
}

impl Draft {
    fn column(&self, index: Option<usize>, field: &str) -> String {
        match index {
            Some(index) if self.paths => format!("items[{index}].{field}"),
            None if self.paths => field.to_owned(),
            _ => match field.split(['.', '[']).next().unwrap_or_default() {
                "item_id" => "name",
                "choices" | "item_type" => "type",
                "timer_s" => "parameters",
                column => column,
            }
            .to_owned(),
        }
    }

    fn add(&mut self, index: Option<usize>, field: &str, reason: impl Into<String>) {
        let place = index.and_then(|index| self.places.get(index)).unwrap_or(&self.head);
        let problem = place.problem(self.column(index, field), reason);
        self.problems.add(problem);
    }

    /// The protocol, if nothing in it is wrong.
    pub(super) fn finish(mut self, source: TemplateSource) -> Result<Protocol, ProtocolError> {
        self.tidy();
        let items = &self.content.items;
        if items.is_empty() && !self.problems.is_empty() {
            return Err(self.problems.into_error());
        }
        if items.len() > limits::ITEMS {
            self.add(None, "items", format!("has more than {} items", limits::ITEMS));
            return Err(self.problems.into_error());
        }
        let expressions = items.iter().flat_map(|item| [&item.relevant, &item.constraint]);
        if expressions.map(|text| patterns(text.as_ref())).sum::<usize>() > limits::PATTERNS {
            self.add(None, "items", format!("has more than {} patterns", limits::PATTERNS));
            return Err(self.problems.into_error());
        }
        let names: BTreeSet<String> = items.iter().map(|item| item.item_id.clone()).collect();
        self.expressions(&names);
        self.texts(&names);
        self.content.renumber();
        let template =
            Template::new(self.template_id.clone(), self.version, self.content.clone(), Some(source));
        for finding in validate::template(&template) {
            let told = matches!(finding.rule, Rule::NotExpression | Rule::UnresolvedReference);
            if finding.kind == Kind::Reject && !told {
                let (index, field) = item(&finding.field);
                self.add(index, field, finding.rule.message());
            }
        }
        if !self.problems.is_empty() {
            return Err(self.problems.into_error());
        }
        self.notes.truncate(TOLD);
        let Self { template_id, version, content, notes, .. } = self;
        Ok(Protocol { template_id, version, content, source, notes })
    }

    /// Text that says nothing is none: it would make another hash of the same words.
    fn tidy(&mut self) {
        let content = &mut self.content;
        for line in [&mut content.licence, &mut content.attribution] {
            *line = line.take().filter(|line| !line.trim().is_empty());
        }
        let items = content.items.iter_mut().flat_map(|item| {
            let own = [&mut item.label, &mut item.hint, &mut item.constraint_message];
            let choices = item.choices.iter_mut().map(|choice| &mut choice.label);
            own.into_iter().chain(choices).chain(item.section.iter_mut().map(|section| &mut section.label))
        });
        for text in std::iter::once(&mut content.title).chain(items) {
            text.0.retain(|_, text| !text.trim().is_empty());
        }
    }

    /// Expressions are kept as they print, so that how they were spaced and quoted makes no difference.
    fn expressions(&mut self, known: &BTreeSet<String>) {
        for index in 0..self.content.items.len() {
            for field in ["relevant", "constraint"] {
                let item = &mut self.content.items[index];
                let slot = if field == "relevant" { &mut item.relevant } else { &mut item.constraint };
                let Some(text) = slot.as_ref() else { continue };
                match Expression::parse(text) {
                    Ok(expression) => {
                        *slot = Some(expression.to_string());
                        let names: Vec<String> =
                            expression.references().into_iter().map(str::to_owned).collect();
                        self.resolve(index, field, &names, known);
                    }
                    Err(error) => self.add(Some(index), field, error.to_string()),
                }
            }
        }
    }

    fn texts(&mut self, known: &BTreeSet<String>) {
        for index in 0..self.content.items.len() {
            let item = &self.content.items[index];
            let mut found: Vec<(&str, Vec<String>)> = Vec::new();
            let sections = item.section.iter().map(|section| ("section", &section.label));
            let choices = item.choices.iter().map(|choice| ("choices", &choice.label));
            let own = [
                ("label", &item.label),
                ("hint", &item.hint),
                ("constraint_message", &item.constraint_message),
            ];
            for (field, text) in own.into_iter().chain(sections).chain(choices) {
                let names = text.0.values().flat_map(|text| text_references(text)).map(str::to_owned);
                found.push((field, names.collect()));
            }
            for (field, names) in found {
                self.resolve(index, field, &names, known);
            }
        }
    }

    fn resolve(&mut self, index: usize, field: &str, names: &[String], known: &BTreeSet<String>) {
        let wanted: BTreeSet<&String> = names.iter().collect();
        for name in wanted {
            if known.contains(name) {
                continue;
            }
            let reason = match self.dropped.get(name) {
                Some(why) => format!("refers to ${{{name}}}, {why}"),
                None => format!("refers to ${{{name}}}, which is no question of the form"),
            };
            self.add(Some(index), field, reason);
        }
    }
}

/// The item that a finding is about, and its field there.
fn item(field: &str) -> (Option<usize>, &str) {
    let inner = field.strip_prefix("items[").and_then(|rest| rest.split_once(']'));
    match inner.and_then(|(index, rest)| Some((index.parse().ok()?, rest.trim_start_matches('.')))) {
        Some((index, field)) => (Some(index), field),
        None => (None, field),
    }
}
