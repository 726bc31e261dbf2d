use super::{ItemType, TemplateItem};
use crate::expression::{Value, is_name};

/// The most characters of an answer that are put into another item's text.
const INSERTED: usize = 200;

/// What stands for an answer that is not there yet.
const BLANK: &str = "…";

/// The names that a text refers to by `${name}`. What looks like one but is no name is given as it stands.
#[must_use]
pub fn text_references(text: &str) -> Vec<&str> {
    parts(text).filter_map(|(_, name)| name).collect()
}

/// Text up to the next reference, and the name there.
fn parts(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let found = text.find("${").and_then(|from| {
            let length = text[from..].find('}')?;
            Some((from, from + length))
        });
        let Some((from, to)) = found else { return Some((text, None)) };
        rest = Some(&text[to + 1..]);
        Some((&text[..from], Some(text[from + 2..to].trim())))
    })
}

/// A text with the answers that it refers to.
pub(super) fn filled(text: &str, say: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for (before, name) in parts(text) {
        out.push_str(before);
        if let Some(name) = name {
            match say(name).filter(|_| is_name(name)) {
                Some(said) if !said.is_empty() => out.push_str(&said),
                _ => out.push_str(BLANK),
            }
        }
    }
    out
}

/// An answer as a person reads it, as far as it fits into another text.
pub(super) fn shown(item: &TemplateItem, value: &Value, language: &str, default: &str) -> String {
    let text = value.text();
    let said = match item.item_type {
        ItemType::SelectOne | ItemType::SelectMultiple => {
            let named = |name: &str| {
                let choice = item.choices.iter().find(|choice| choice.name == name);
                let label = choice.map_or("", |choice| choice.label.get(language, default));
                if label.is_empty() { name.to_owned() } else { label.to_owned() }
            };
            text.split_whitespace().take(INSERTED).map(named).collect::<Vec<_>>().join(", ")
        }
        _ => text.into_owned(),
    };
    said.chars().take(INSERTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_put_where_a_text_names_them() {
        let say = |name: &str| (name == "a").then(|| "Amina".to_owned());
        for (text, out) in [
            ("Ask ${a}.", "Ask Amina."),
            ("${ a }${a}", "AminaAmina"),
            ("${b} and ${", "… and ${"),
            ("5 $ {a}", "5 $ {a}"),
            ("${a", "${a"),
            ("", ""),
        ] {
            assert_eq!(filled(text, say), out);
        }
        assert_eq!(text_references("${a} ${b c} ${"), ["a", "b c"]);
        let item = TemplateItem::new("a", ItemType::Text);
        assert_eq!(shown(&item, &Value::Text("x".repeat(500)), "en", "en").len(), INSERTED);
    }
}
