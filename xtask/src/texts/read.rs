//! Reading the texts, and everything that can be wrong with them.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{LANGUAGES, Language, Message, Text};

/// Reads files of messages, given with their names. Gives what is wrong beside what could be read.
pub(crate) fn read(sources: &[(String, String)]) -> (Vec<Message>, Vec<String>) {
    let mut messages = Vec::new();
    let mut errors = Vec::new();
    let mut sections = BTreeSet::new();
    for (file, source) in sources {
        let table: Table = match source.parse() {
            Ok(table) => table,
            Err(error) => {
                errors.push(format!("{file}: {error}"));
                continue;
            }
        };
        for (section, members) in &table {
            let Value::Table(members) = members else {
                errors.push(format!("{file}: {section}: is no section"));
                continue;
            };
            if !sections.insert(section.clone()) {
                errors.push(format!("{file}: {section}: stands in two files"));
            }
            let note = members.get("note").and_then(Value::as_str).unwrap_or_default();
            if note.trim().is_empty() {
                errors.push(format!("{file}: {section}: has no note for translators"));
            }
            for (name, value) in members.iter().filter(|(name, _)| *name != "note") {
                match message(section, name, note, value) {
                    Ok(message) => messages.push(message),
                    Err(why) => errors.push(format!("{}: {why}", place(file, source, section, name))),
                }
            }
        }
    }
    (messages, errors)
}

/// Messages that no shell shows.
pub(crate) fn unused(messages: &[Message], sources: &[(String, String)], code: &str) -> Vec<String> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let words: BTreeSet<&str> = code.split(|char| !is_part(char)).collect();
    let unused = messages.iter().filter(|it| !words.contains(it.camel().as_str()));
    let line = |message: &Message| {
        let (section, name) = (&message.section, &message.name);
        let here = sources.iter().find(|(_, source)| line_of(source, section, name).is_some());
        let place = here.map(|(file, source)| place(file, source, section, name));
        format!("{}: no shell uses {}", place.unwrap_or_default(), message.camel())
    };
    unused.map(line).collect()
}

/// The file, the line and the key.
fn place(file: &str, source: &str, section: &str, name: &str) -> String {
    let line = line_of(source, section, name).map(|line| format!(":{line}")).unwrap_or_default();
    format!("{file}{line}: {section}.{name}")
}

/// The line, from 1, on which a message stands.
fn line_of(source: &str, section: &str, name: &str) -> Option<usize> {
    let mut lines = source.lines().enumerate().skip_while(|(_, line)| line.trim() != format!("[{section}]"));
    lines.next()?;
    let mut lines = lines.take_while(|(_, line)| !line.starts_with('['));
    let starts = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
    lines.find(|(_, line)| starts(line)).map(|(at, _)| at + 1)
}

fn message(section: &str, name: &str, section_note: &str, value: &Value) -> Result<Message, String> {
    let is_key = |key: &str| key.chars().all(|char| char.is_ascii_lowercase() || char == '_');
    if !is_key(section) || !is_key(name) {
        return Err("names are lower case letters and _".to_owned());
    }
    let members = value.as_table().ok_or("is no table of languages")?;
    let known = |member: &str| member == "note" || LANGUAGES.iter().any(|it| it.code == member);
    if let Some(member) = members.keys().find(|member| !known(member)) {
        return Err(format!("{member} is no language"));
    }
    let mut texts = Vec::new();
    for language in LANGUAGES {
        let value = members.get(language.code).ok_or_else(|| format!("{} is missing", language.name))?;
        texts.push(text(language, value)?);
    }
    let placeholders = placeholders_of(&texts)?;
    let note = match members.get("note").and_then(Value::as_str) {
        Some(note) => format!("{section_note} {note}"),
        None => section_note.to_owned(),
    };
    Ok(Message { section: section.to_owned(), name: name.to_owned(), note, placeholders, texts })
}

fn text(language: &Language, value: &Value) -> Result<Text, String> {
    match value {
        Value::String(text) => {
            check_style(language, text)?;
            Ok(Text::Plain(text.clone()))
        }
        Value::Table(forms) => {
            if let Some(form) = forms.keys().find(|it| !language.categories.contains(&it.as_str())) {
                return Err(format!("{} has no plural category {form}", language.name));
            }
            let mut plural = Vec::new();
            for category in language.categories {
                let form = forms.get(*category).and_then(Value::as_str);
                let form =
                    form.ok_or_else(|| format!("{} lacks the plural category {category}", language.name))?;
                check_style(language, form)?;
                plural.push((*category, form.to_owned()));
            }
            Ok(Text::Plural(plural))
        }
        _ => Err(format!("{} is neither a text nor a table of plurals", language.name)),
    }
}

/// Plain, short and calm; and nothing that one of the formats would take for an order.
fn check_style(language: &Language, text: &str) -> Result<(), String> {
    let name = language.name;
    if text.trim() != text || text.is_empty() {
        return Err(format!("{name} is empty, or has space around it"));
    }
    if let Some(sign) = text.chars().find(|char| ['!', '¡', '%', '<', '\n'].contains(char)) {
        return Err(format!("{name} has {sign:?} in it"));
    }
    Ok(())
}

/// What stands in braces in a text, in order, each once.
fn placeholders(text: &str) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or("a brace is not closed")?;
        if before.contains('}') {
            return Err("a brace is closed that was not opened".to_owned());
        }
        if name.is_empty() || !name.chars().all(|char| char.is_ascii_lowercase()) {
            return Err(format!("{{{name}}} is no name"));
        }
        if !found.iter().any(|it| it == name) {
            found.push(name.to_owned());
        }
        rest = after;
    }
    if rest.contains('}') {
        return Err("a brace is closed that was not opened".to_owned());
    }
    Ok(found)
}

/// The placeholders of a message, which have to be the same in every language and form. A form for one number need not name it.
fn placeholders_of(texts: &[Text]) -> Result<Vec<String>, String> {
    let mut wanted: Option<(bool, Vec<String>)> = None;
    for (language, text) in LANGUAGES.iter().zip(texts) {
        let (is_plural, forms): (bool, Vec<(&str, &String)>) = match text {
            Text::Plain(text) => (false, vec![("", text)]),
            Text::Plural(forms) => (true, forms.iter().map(|(category, text)| (*category, text)).collect()),
        };
        let whole = forms.last().map(|(_, text)| placeholders(text)).transpose()?.unwrap_or_default();
        if is_plural != whole.iter().any(|it| it == "n") {
            return Err(format!("{}: {{n}} is for plurals, in their form other", language.name));
        }
        let (first_is_plural, first) = wanted.get_or_insert((is_plural, whole));
        if *first_is_plural != is_plural {
            return Err(format!("{} is a plural and the first language not, or the reverse", language.name));
        }
        for (category, form) in forms {
            let mut missing: BTreeSet<&str> = first.iter().map(String::as_str).collect();
            for name in placeholders(form)? {
                if !missing.remove(name.as_str()) {
                    return Err(format!(
                        "{} {category} names {{{name}}}, which the first language does not",
                        language.name
                    ));
                }
            }
            let may_leave_out = ["zero", "one", "two"].contains(&category);
            if let Some(name) = missing.into_iter().find(|name| !(may_leave_out && *name == "n")) {
                return Err(format!("{} {category} lacks {{{name}}}", language.name));
            }
        }
    }
    let (_, mut names) = wanted.unwrap_or_default();
    // The number comes first, as the platforms' plurals want it.
    names.sort_by_key(|name| name != "n");
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLURAL_AR: &str =
        "{ zero = \"٠\", one = \"١\", two = \"٢\", few = \"{n} a\", many = \"{n} b\", other = \"{n} c\" }";

    fn errors(source: &str) -> Vec<String> {
        read(&[("a.toml".to_owned(), source.to_owned())]).1
    }

    #[test]
    fn messages_are_read_in_order_with_their_placeholders() {
        let source = format!(
            "[today]\nnote = \"First.\"\ntitle = {{ en = \"Today\", es = \"Hoy\", ar = \"اليوم\" }}\n\
             due_in = {{ note = \"n: minutes.\", en = {{ one = \"{{n}} {{who}}\", other = \"{{n}} {{who}}\" }}, \
             es = {{ one = \"{{who}}\", other = \"{{who}} {{n}}\" }}, ar = {} }}\n",
            PLURAL_AR
                .replace("\"٠\"", "\"{who}\"")
                .replace("\"١\"", "\"{who}\"")
                .replace("\"٢\"", "\"{who}\"")
                .replace("{n}", "{n} {who}"),
        );
        let (messages, errors) = read(&[("a.toml".to_owned(), source)]);
        assert_eq!(errors, [""; 0]);
        assert_eq!(messages.iter().map(Message::camel).collect::<Vec<_>>(), ["todayTitle", "todayDueIn"]);
        assert_eq!(messages[1].placeholders, ["n", "who"]);
        assert_eq!(messages[1].note, "First. n: minutes.");
        assert!(messages[1].is_plural() && !messages[0].is_plural());
    }

    #[test]
    fn each_mistake_names_its_file_line_and_key() {
        let cases = [
            ("a = { en = \"a\", es = \"a\" }", "Arabic is missing"),
            ("a = { en = \"a\", es = \"a\", ar = \"a\", fr = \"a\" }", "fr is no language"),
            ("a = { en = \"a {b}\", es = \"a\", ar = \"a {b}\" }", "Spanish  lacks {b}"),
            (
                "a = { en = \"a\", es = \"a {b}\", ar = \"a\" }",
                "Spanish  names {b}, which the first language does not",
            ),
            ("a = { en = \"Go!\", es = \"a\", ar = \"a\" }", "English has '!' in it"),
            ("a = { en = \" a\", es = \"a\", ar = \"a\" }", "English is empty, or has space around it"),
            ("a = { en = \"{a\", es = \"a\", ar = \"a\" }", "a brace is not closed"),
            (
                "a = { en = \"{n}\", es = \"{n}\", ar = \"{n}\" }",
                "English: {n} is for plurals, in their form other",
            ),
            (
                "a = { en = { one = \"{n}\", other = \"{n}\" }, es = { one = \"{n}\", other = \"{n}\" }, \
                 ar = { one = \"{n}\", other = \"{n}\" } }",
                "Arabic lacks the plural category zero",
            ),
            (
                "a = { en = { one = \"{n}\", few = \"{n}\", other = \"{n}\" }, es = \"a\", ar = \"a\" }",
                "English has no plural category few",
            ),
            ("aB = { en = \"a\", es = \"a\", ar = \"a\" }", "names are lower case letters and _"),
        ];
        for (line, why) in cases {
            let key = if line.starts_with("aB") { "aB" } else { "a" };
            assert_eq!(
                errors(&format!("[x]\nnote = \"n\"\n\n{line}\n")),
                [format!("a.toml:4: x.{key}: {why}")]
            );
        }
        assert_eq!(errors("[x]\n"), ["a.toml: x: has no note for translators"]);
        assert!(errors("[x]\na = 1\na = 2\n")[0].contains("duplicate key"));
    }

    #[test]
    fn a_message_that_no_shell_uses_is_named() {
        let source = "[x]\nnote = \"n\"\nused_one = { en = \"a\", es = \"a\", ar = \"a\" }\n\
                      used = { en = \"a\", es = \"a\", ar = \"a\" }\n";
        let sources = [("a.toml".to_owned(), source.to_owned())];
        let (messages, _) = read(&sources);
        assert_eq!(
            unused(&messages, &sources, "Text(texts.xUsedOne)"),
            ["a.toml:4: x.used: no shell uses xUsed"]
        );
        assert_eq!(unused(&messages, &sources, "texts.xUsedOne + texts.xUsed"), [""; 0]);
    }
}
