//! A protocol written in our own Markdown.

use std::fmt::Write;

use firsthand_record::checklist::{ItemType, Localised, Section, TemplateContent, TemplateItem};

use super::Protocol;
use super::own::{self, Names, TYPES, ending, word_name};

/// Writes a protocol in our own Markdown, as docs/protocols.md specifies it. Nothing where the format cannot say what the
/// protocol says, such as a text of several lines, or a question behind a section that is in none.
#[must_use]
pub fn to_markdown(protocol: &Protocol) -> Option<String> {
    let text = written(protocol);
    // What cannot be said is seen by reading it again, whatever the reason.
    let again = own::read(&text, "").finish(protocol.source).ok()?;
    let is_same = again.template_id == protocol.template_id
        && again.version == protocol.version
        && again.content.sha256() == protocol.content.sha256();
    is_same.then_some(text)
}

fn written(protocol: &Protocol) -> String {
    let content = &protocol.content;
    let main = content.default_language();
    let mut out = format!("# {}\n", content.title.get(main, main));
    translations(&content.title, main, "", &mut out);
    let _ = write!(out, "\nprotocol: {}\nversion: {}\n", protocol.template_id, protocol.version);
    let _ = writeln!(out, "languages: {}", content.languages.join(", "));
    for (word, text) in [("licence", &content.licence), ("source", &content.attribution)] {
        if let Some(text) = text {
            let _ = writeln!(out, "{word}: {text}");
        }
    }
    let mut open: &[Section] = &[];
    let names = names(content);
    for (item, is_named) in content.items.iter().zip(names) {
        let same = open.iter().zip(&item.section).take_while(|(a, b)| a == b).count();
        for (section, level) in item.section.iter().zip(2..).skip(same) {
            let label = section.label.get(main, main);
            let _ = write!(out, "\n{} {label}\n", "#".repeat(level));
            if section.name != word_name(label) {
                let _ = writeln!(out, "name: {}", section.name);
            }
            translations(&section.label, main, "", &mut out);
        }
        if same < item.section.len() || open.is_empty() {
            out.push('\n');
        }
        open = &item.section;
        self::item(item, main, is_named, &mut out);
    }
    out
}

/// Whether each item needs its name written: the others get the same one from their words.
fn names(content: &TemplateContent) -> Vec<bool> {
    let main = content.default_language();
    // Those that are written are known before any is made up, so written ones are found by trying without.
    let mut written = vec![false; content.items.len()];
    loop {
        let mut names = Names::default();
        for (item, _) in content.items.iter().zip(&written).filter(|(_, written)| **written) {
            names.take(&item.item_id);
        }
        let mut is_settled = true;
        for (item, written) in content.items.iter().zip(&mut written) {
            if !*written && names.next(item.label.get(main, main)) != item.item_id {
                *written = true;
                is_settled = false;
            }
        }
        if is_settled {
            return written;
        }
    }
}

fn item(item: &TemplateItem, main: &str, is_named: bool, out: &mut String) {
    let label = item.label.get(main, main);
    let mark = if item.item_type.is_to_do() { "- [ ] " } else { "- " };
    let critical = if item.critical { "! " } else { "" };
    let escape = if label.starts_with(['!', '[', '\\']) { "\\" } else { "" };
    let word = match item.item_type {
        ItemType::Timer => Some(duration(item.timer_s.unwrap_or_default())),
        ItemType::Check | ItemType::Note if ending(label).is_none() => None,
        item_type => TYPES.iter().find(|(_, own)| *own == item_type).map(|(word, _)| (*word).to_owned()),
    };
    let word = word.map(|word| format!(" ({word})")).unwrap_or_default();
    let _ = writeln!(out, "{mark}{critical}{escape}{label}{word}");
    if is_named {
        let _ = writeln!(out, "  name: {}", item.item_id);
    }
    translations(&item.label, main, "  ", out);
    for (word, text) in [("hint", &item.hint), ("message", &item.constraint_message)] {
        for (language, text) in &text.0 {
            let language = if language == main { String::new() } else { format!(" {language}") };
            let _ = writeln!(out, "  {word}{language}: {text}");
        }
    }
    if item.required {
        out.push_str("  required: yes\n");
    }
    for (word, text) in [("when", &item.relevant), ("rule", &item.constraint)] {
        if let Some(text) = text {
            let _ = writeln!(out, "  {word}: {text}");
        }
    }
    for choice in &item.choices {
        let _ = writeln!(out, "  - {}: {}", choice.name, choice.label.get(main, main));
        translations(&choice.label, main, "    ", out);
    }
}

fn duration(seconds: u32) -> String {
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("timer {} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("timer {} min", seconds / 60),
        _ => format!("timer {seconds} s"),
    }
}

fn translations(text: &Localised, main: &str, indent: &str, out: &mut String) {
    for (language, text) in text.0.iter().filter(|(language, _)| *language != main) {
        let _ = writeln!(out, "{indent}{language}: {text}");
    }
}
