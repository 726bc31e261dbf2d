//! Our own Markdown, which docs/protocols.md specifies for the trainer who writes it.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_record::checklist::{Choice, ItemType, Localised, Section, TemplateItem, UNDETERMINED};
use firsthand_record::expression::is_name;
use firsthand_record::validate::limits;

use super::error::Place;
use super::finish::Draft;
use super::room::{self, FULL, Room};
use super::{language, slug};

/// What stands in parentheses at the end of an item, and the type it gives it.
pub(super) const TYPES: &[(&str, ItemType)] = &[
    ("check", ItemType::Check),
    ("note", ItemType::Note),
    ("choice", ItemType::SelectOne),
    ("choices", ItemType::SelectMultiple),
    ("whole number", ItemType::Integer),
    ("number", ItemType::Decimal),
    ("text", ItemType::Text),
    ("date", ItemType::Date),
    ("time", ItemType::Time),
    ("place", ItemType::Geopoint),
    ("photo", ItemType::Image),
    ("recording", ItemType::Audio),
];

/// Words before a colon that say something about the whole, a heading or an item. Languages have other names.
const WORDS: &[&str] = &[
    "protocol",
    "version",
    "languages",
    "licence",
    "license",
    "source",
    "name",
    "hint",
    "required",
    "when",
    "rule",
    "message",
];

/// Gives names to what has none of its own: from its words, each different.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Where to go on counting, so that many of the same words are not compared with each other.
    counts: BTreeMap<String, usize>,
}

impl Names {
    /// A name that was given by hand.
    pub(super) fn take(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    pub(super) fn next(&mut self, words: &str) -> String {
        let base = word_name(words);
        let count = self.counts.entry(base.clone()).or_insert(1);
        let mut name = base.clone();
        while self.taken.contains(&name) {
            *count += 1;
            name = format!("{base}_{count}");
        }
        self.taken.insert(name.clone());
        name
    }
}

/// A name made of the first words of a text.
pub(super) fn word_name(words: &str) -> String {
    let mut name = String::new();
    for word in words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if name.chars().count() + word.chars().count() > 40 && !name.is_empty() {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name.extend(word.chars().take(40));
    }
    if is_name(&name) { name } else { "step".to_owned() }
}

/// What a line turned out to be.
enum Line<'a> {
    Blank,
    Heading { level: usize, text: &'a str },
    Item { indent: usize, text: &'a str },
    Word { indent: usize, word: &'a str, language: Option<&'a str>, text: &'a str },
    Other,
}

fn line(line: &str) -> Line<'_> {
    let trimmed = line.trim();
    let indent = line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum();
    if trimmed.is_empty() || trimmed.len() >= 3 && trimmed.bytes().all(|byte| byte == b'-') {
        return Line::Blank;
    }
    if let Some(rest) = trimmed.strip_prefix('#') {
        let level = 1 + rest.bytes().take_while(|byte| *byte == b'#').count();
        return Line::Heading { level, text: trimmed[level..].trim() };
    }
    if let Some(text) = ["- ", "* ", "+ "].iter().find_map(|mark| trimmed.strip_prefix(mark)) {
        return Line::Item { indent, text: text.trim() };
    }
    let Some((word, text)) = trimmed.split_once(':') else { return Line::Other };
    let (word, language) = match word.split_once(' ') {
        Some((word, language)) => (word, Some(language.trim())),
        None => (word, None),
    };
    Line::Word { indent, word, language, text: text.trim() }
}

/// What the next words belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Title,
    Section,
    Item,
    /// A choice, and how far it is indented.
    Choice(usize),
}

struct Reader {
    draft: Draft,
    languages: Vec<String>,
    /// Every section, in the order of the file.
    sections: Vec<Section>,
    /// Those that are open, by their place among all.
    path: Vec<usize>,
    /// Of each item: whether it was named by hand, and the sections it stands in.
    items: Vec<(bool, Vec<usize>)>,
    open: Open,
}

/// Reads a file. `stem` is its name without the ending, for a protocol that has none.
pub(super) fn read(file: &str, stem: &str) -> Draft {
    let mut reader = Reader {
        draft: Draft { version: 1, template_id: slug(stem), ..Draft::default() },
        languages: languages(file),
        sections: Vec::new(),
        path: Vec::new(),
        items: Vec::new(),
        open: Open::Nothing,
    };
    reader.draft.content.languages = reader.languages.clone();
    reader.draft.head.line = Some(1);
    for (text, number) in file.lines().zip(1..) {
        reader.line(text, number);
        if reader.draft.content.items.len() > limits::ITEMS {
            break;
        }
    }
    reader.finish()
}

/// The languages that a file names, the first of them that of its headings and items.
fn languages(file: &str) -> Vec<String> {
    let named = file.lines().find_map(|text| match line(text) {
        Line::Word { word: "languages", text, .. } => Some(text),
        _ => None,
    });
    let tags: Vec<String> =
        named.unwrap_or_default().split(',').map(language::tag).filter(|tag| !tag.is_empty()).collect();
    if tags.is_empty() { vec![UNDETERMINED.to_owned()] } else { tags }
}

impl Reader {
    fn place(&self, number: usize) -> Place {
        Place { line: Some(number), ..Place::default() }
    }

    fn problem(&mut self, number: usize, reason: impl Into<String>) {
        let problem = self.place(number).problem("", reason);
        self.draft.problems.add(problem);
    }

    fn main(&self) -> String {
        self.languages[0].clone()
    }

    fn line(&mut self, text: &str, number: usize) {
        match line(text) {
            Line::Blank => {}
            Line::Heading { level: 1, text } => {
                if self.draft.content.title.is_empty() && self.draft.content.items.is_empty() {
                    self.draft.content.title = Localised::one(self.main(), text);
                    self.draft.head = self.place(number);
                    self.open = Open::Title;
                } else {
                    self.problem(number, "is a second title; sections begin with ##");
                }
            }
            Line::Heading { level, text } => self.heading(level, text, number),
            Line::Item { indent: 0, text } => self.item(text, number),
            Line::Item { indent, text } => self.choice(indent, text, number),
            Line::Word { indent, word, language, text } => {
                if let Open::Choice(own) = self.open
                    && indent <= own
                {
                    self.open = Open::Item;
                }
                self.word(word, language, text, number);
            }
            Line::Other => self.problem(number, "is neither a heading, an item, nor a word with a colon"),
        }
    }

    fn heading(&mut self, level: usize, text: &str, number: usize) {
        let depth = level - 2;
        if depth > self.path.len() || depth >= limits::SECTIONS {
            return self.problem(number, "is a heading too deep below the one before it");
        }
        if text.is_empty() {
            return self.problem(number, "is a heading without words");
        }
        self.path.truncate(depth);
        self.path.push(self.sections.len());
        self.sections.push(Section { name: word_name(text), label: Localised::one(self.main(), text) });
        self.open = Open::Section;
    }

    fn item(&mut self, text: &str, number: usize) {
        let boxed = ["[ ]", "[x]", "[X]"].iter().find_map(|mark| text.strip_prefix(mark));
        let (mut text, mut item_type) = match boxed {
            Some(rest) => (rest.trim(), ItemType::Check),
            None => (text, ItemType::Note),
        };
        let critical = text.strip_prefix('!').map(str::trim);
        text = critical.unwrap_or(text);
        let mut timer_s = None;
        if let Some((label, ending)) = ending(text) {
            text = label;
            (item_type, timer_s) = ending;
        }
        let text = text.strip_prefix('\\').unwrap_or(text);
        if text.is_empty() {
            return self.problem(number, "is an item without words");
        }
        let mut item = TemplateItem::new("", item_type);
        item.timer_s = timer_s;
        item.critical = critical.is_some();
        item.label = Localised::one(self.main(), text);
        self.draft.content.items.push(item);
        let place = self.place(number);
        self.draft.places.push(place);
        self.items.push((false, self.path.clone()));
        self.open = Open::Item;
    }

    fn choice(&mut self, indent: usize, text: &str, number: usize) {
        let main = self.main();
        let is_open = matches!(self.open, Open::Item | Open::Choice(_));
        let Some(item) =
            self.draft.content.items.last_mut().filter(|item| is_open && item.item_type.has_choices())
        else {
            return self
                .problem(number, "is a choice, but the item above is not marked (choice) or (choices)");
        };
        let (name, label) = match text.split_once(':') {
            Some((name, label)) if is_name(name.trim()) => (name.trim().to_owned(), label.trim()),
            _ => (word_name(text), text),
        };
        item.choices.push(Choice { name, label: Localised::one(main, label) });
        self.open = Open::Choice(indent);
    }

    fn word(&mut self, word: &str, language: Option<&str>, text: &str, number: usize) {
        let tag = language::tag(language.unwrap_or(word));
        if language.is_none() && !WORDS.contains(&word) {
            if !self.languages.contains(&tag) {
                let known = self.languages.join(", ");
                return self.problem(
                    number,
                    format!("{word:?} is no word of this format, and no language of the list ({known})"),
                );
            }
            return self.translation(tag, text, number);
        }
        if let Some(language) = language {
            if !matches!(word, "hint" | "message") {
                return self.problem(number, format!("\"{word} {language}\" is no word of this format"));
            }
            if !self.languages.contains(&tag) {
                return self.problem(number, format!("{language:?} is not in the list of languages"));
            }
        }
        if matches!(word, "protocol" | "version" | "languages" | "licence" | "license" | "source") {
            return self.head(word, text, number);
        }
        if word == "name" {
            return self.name(text, number);
        }
        let language = language.map_or_else(|| self.main(), |_| tag);
        let is_item = self.open == Open::Item;
        let Some(item) = self.draft.content.items.last_mut().filter(|_| is_item) else {
            return self.problem(number, format!("{word:?} belongs to an item"));
        };
        let mut twice = false;
        match word {
            "hint" => twice = item.hint.0.insert(language, text.to_owned()).is_some(),
            "message" => twice = item.constraint_message.0.insert(language, text.to_owned()).is_some(),
            "when" => twice = item.relevant.replace(text.to_owned()).is_some(),
            "rule" => twice = item.constraint.replace(text.to_owned()).is_some(),
            _ => match text.to_lowercase().as_str() {
                "yes" | "true" => item.required = true,
                "no" | "false" => item.required = false,
                _ => return self.problem(number, "must be yes or no"),
            },
        }
        if twice {
            self.problem(number, "is said twice of one item");
        }
    }

    fn head(&mut self, word: &str, text: &str, number: usize) {
        if !matches!(self.open, Open::Title | Open::Nothing) {
            return self.problem(number, format!("{word:?} belongs above the first section and item"));
        }
        let draft = &mut self.draft;
        match word {
            "protocol" => text.clone_into(&mut draft.template_id),
            "version" => match text.parse() {
                Ok(version) => draft.version = version,
                Err(_) => self.problem(number, "the version must be a whole number"),
            },
            "licence" | "license" => {
                draft.content.licence = Some(text.to_owned()).filter(|it| !it.is_empty());
            }
            "source" => draft.content.attribution = Some(text.to_owned()).filter(|it| !it.is_empty()),
            // Read before everything else.
            _ => {}
        }
    }

    fn name(&mut self, text: &str, number: usize) {
        if !is_name(text) {
            return self
                .problem(number, format!("{text:?} is no name: letters, digits, - _ and . without spaces"));
        }
        match (self.open, self.draft.content.items.last_mut(), self.sections.last_mut()) {
            (Open::Item, Some(item), _) => {
                text.clone_into(&mut item.item_id);
                if let Some((named, _)) = self.items.last_mut() {
                    *named = true;
                }
            }
            (Open::Section, _, Some(section)) => text.clone_into(&mut section.name),
            _ => self.problem(number, "a name belongs to an item or a section"),
        }
    }

    fn translation(&mut self, language: String, text: &str, number: usize) {
        let item = self.draft.content.items.last_mut();
        let slot = match (self.open, item) {
            (Open::Title, _) => Some(&mut self.draft.content.title),
            (Open::Section, _) => self.sections.last_mut().map(|section| &mut section.label),
            (Open::Item, Some(item)) => Some(&mut item.label),
            (Open::Choice(_), Some(item)) => item.choices.last_mut().map(|choice| &mut choice.label),
            _ => None,
        };
        match slot {
            Some(slot) if slot.0.contains_key(&language) => {
                self.problem(number, "is said twice in one language");
            }
            Some(slot) => slot.set(language, text),
            None => self.problem(number, "is a translation of nothing"),
        }
    }

    /// Gives names to what has none: those given by hand are known by then.
    fn finish(mut self) -> Draft {
        let mut names = Names::default();
        let main = self.main();
        let mut room = Room::default();
        for (item, (named, _)) in self.draft.content.items.iter().zip(&self.items) {
            if *named {
                names.take(&item.item_id);
            }
        }
        for (item, (named, path)) in self.draft.content.items.iter_mut().zip(&self.items) {
            if !named {
                item.item_id = names.next(item.label.get(&main, &main));
            }
            let sections = || path.iter().map(|at| &self.sections[*at]);
            let size =
                sections().map(|section| section.name.len() + room::size(&section.label)).sum::<usize>();
            if !room.take(0, size, 0) {
                self.draft.problems.add(self.draft.head.problem("", FULL));
                break;
            }
            item.section = sections().cloned().collect();
        }
        if self.draft.content.title.is_empty() {
            let reason = "a protocol begins with its title, as in: # Title";
            let problem = self.draft.head.problem("", reason);
            self.draft.problems.add(problem);
        }
        self.draft
    }
}

/// An item's words without the type in parentheses at their end, and the type with the seconds of a timer.
pub(super) fn ending(text: &str) -> Option<(&str, (ItemType, Option<u32>))> {
    let (label, word) = text.strip_suffix(')')?.rsplit_once('(')?;
    let word = word.trim().to_lowercase();
    if let Some((_, item_type)) = TYPES.iter().find(|(own, _)| *own == word) {
        return Some((label.trim(), (*item_type, None)));
    }
    let rest = word.strip_prefix("timer")?.trim();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number: u32 = rest[..digits].parse().ok()?;
    let seconds = match rest[digits..].trim() {
        "s" | "sec" | "second" | "seconds" => 1,
        "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        _ => return None,
    };
    Some((label.trim(), (ItemType::Timer, Some(number.checked_mul(seconds)?))))
}
