//! The forms of the texts: Android's resources, Apple's catalogue, Kotlin and Swift.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{LANGUAGES, Language, Message, Text};

/// Says in each file where it comes from.
const ORIGIN: &str = "Written by `cargo xtask texts` from texts/. Do not edit.";

/// Every file, with its path below the folder of texts.
pub(crate) fn all(messages: &[Message]) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut files = Vec::new();
    for (at, language) in LANGUAGES.iter().enumerate() {
        let values = if at == 0 { "values".to_owned() } else { format!("values-{}", language.code) };
        files.push((format!("android/res/{values}/strings.xml"), android(messages, at)));
        let name = object(language);
        files.push((format!("kotlin-plain/firsthand/texts/{name}.kt"), plain(messages, at, language)));
    }
    files.push(("kotlin/firsthand/texts/Texts.kt".to_owned(), interface(messages)));
    files.push(("kotlin-plain/firsthand/texts/Languages.kt".to_owned(), languages()));
    files.push(("kotlin-android/firsthand/texts/ResourceTexts.kt".to_owned(), resources(messages)));
    files.push(("apple/Localizable.xcstrings".to_owned(), apple(messages)?));
    files.push(("apple/Texts.swift".to_owned(), swift(messages)));
    Ok(files)
}

/// Replaces each `{name}` by what `form` gives for its place in the message's list and its name.
fn fill(message: &Message, text: &str, form: impl Fn(usize, &str) -> String) -> String {
    let mut filled = text.to_owned();
    for (at, name) in message.placeholders.iter().enumerate() {
        filled = filled.replace(&format!("{{{name}}}"), &form(at, name));
    }
    filled
}

fn android(messages: &[Message], language: usize) -> String {
    let argument = |at: usize, name: &str| format!("%{}${}", at + 1, if name == "n" { 'd' } else { 's' });
    let value = |message: &Message, text: &str| {
        let text = fill(message, text, argument);
        let text = text.replace('\\', "\\\\").replace('&', "&amp;").replace('\'', "\\'").replace('"', "\\\"");
        // A first @ or ? would be a reference to something else.
        if text.starts_with(['@', '?']) { format!("\\{text}") } else { text }
    };
    let mut out = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- {ORIGIN} -->\n<resources>\n");
    for message in messages {
        let name = message.snake();
        if language == 0 {
            // Two hyphens in a row would end the comment.
            let _ = writeln!(out, "    <!-- {} -->", message.note.replace("--", "-"));
        }
        match &message.texts[language] {
            Text::Plain(text) => {
                let _ = writeln!(out, "    <string name=\"{name}\">{}</string>", value(message, text));
            }
            Text::Plural(forms) => {
                let _ = writeln!(out, "    <plurals name=\"{name}\">");
                for (category, text) in forms {
                    let _ = writeln!(
                        out,
                        "        <item quantity=\"{category}\">{}</item>",
                        value(message, text)
                    );
                }
                out.push_str("    </plurals>\n");
            }
        }
    }
    out.push_str("</resources>\n");
    out
}

fn apple(messages: &[Message]) -> Result<String, serde_json::Error> {
    let argument = |at: usize, name: &str| format!("%{}${}", at + 1, if name == "n" { "lld" } else { "@" });
    let unit = |message: &Message, text: &str| json!({ "stringUnit": { "state": "translated", "value": fill(message, text, argument) } });
    let mut strings = BTreeMap::new();
    for message in messages {
        let mut localizations = BTreeMap::new();
        for (language, text) in LANGUAGES.iter().zip(&message.texts) {
            let value = match text {
                Text::Plain(text) => unit(message, text),
                Text::Plural(forms) => {
                    let forms: serde_json::Map<String, Value> = forms
                        .iter()
                        .map(|(category, text)| ((*category).to_owned(), unit(message, text)))
                        .collect();
                    json!({ "variations": { "plural": forms } })
                }
            };
            localizations.insert(language.code, value);
        }
        strings.insert(
            format!("{}.{}", message.section, message.name),
            json!({ "comment": message.note, "extractionState": "manual", "localizations": localizations }),
        );
    }
    let catalogue = json!({ "sourceLanguage": LANGUAGES[0].code, "strings": strings, "version": "1.0" });
    serde_json::to_string_pretty(&catalogue).map(|text| text + "\n")
}

/// Swift that looks the messages up in the catalogue: a text that is missing does not compile.
fn swift(messages: &[Message]) -> String {
    let mut out = format!(
        "// {ORIGIN}\n\nimport Foundation\n\n/// Everything that the screens say, in the language that the phone chooses.\nenum Texts {{\n"
    );
    for message in messages {
        let key = format!("{}.{}", message.section, message.name);
        let name = message.camel();
        let lookup = format!("Bundle.main.localizedString(forKey: \"{key}\", value: nil, table: nil)");
        let _ = writeln!(out, "    /// {}", message.note);
        if message.placeholders.is_empty() {
            let _ = writeln!(out, "    static var {name}: String {{ {lookup} }}\n");
            continue;
        }
        let kind = |name: &str| if name == "n" { "Int" } else { "String" };
        let declared: Vec<String> =
            message.placeholders.iter().map(|it| format!("_ {it}: {}", kind(it))).collect();
        let (declared, given) = (declared.join(", "), message.placeholders.join(", "));
        let _ = writeln!(
            out,
            "    static func {name}({declared}) -> String {{\n        String(format: {lookup}, locale: .current, {given})\n    }}\n"
        );
    }
    out.push_str("}\n");
    out
}

/// `val todayTitle: String` or `fun todayDueIn(n: Int, who: String): String`.
fn declaration(message: &Message) -> String {
    if message.placeholders.is_empty() {
        return format!("val {}: String", message.camel());
    }
    let arguments: Vec<String> = message
        .placeholders
        .iter()
        .map(|name| format!("{name}: {}", if name == "n" { "Int" } else { "String" }))
        .collect();
    format!("fun {}({}): String", message.camel(), arguments.join(", "))
}

fn interface(messages: &[Message]) -> String {
    let mut out = format!(
        "// {ORIGIN}\n\npackage firsthand.texts\n\n/** Everything that the screens say. */\ninterface Texts {{\n"
    );
    out.push_str("    /** The language, such as `ar`. */\n    val language: String\n");
    for message in messages {
        let note = message.note.replace("*/", "* /");
        let _ = write!(out, "\n    /** {note} */\n    {}\n", declaration(message));
    }
    out.push_str("}\n");
    out
}

fn object(language: &Language) -> String {
    let mut code = language.code.to_owned();
    code[..1].make_ascii_uppercase();
    format!("Texts{code}")
}

fn languages() -> String {
    let mut out = format!(
        "// {ORIGIN}\n\npackage firsthand.texts\n\n/** The texts of a language; where there are none, those of the first one. */\n\
         fun textsOf(language: String): Texts = when (language) {{\n"
    );
    for language in LANGUAGES.iter().skip(1) {
        let _ = writeln!(out, "    \"{}\" -> {}", language.code, object(language));
    }
    let _ = write!(out, "    else -> {}\n}}\n", object(&LANGUAGES[0]));
    out
}

fn plain(messages: &[Message], at: usize, language: &Language) -> String {
    let literal = |message: &Message, text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        format!("\"{}\"", fill(message, &text, |_, name| format!("${{{name}}}")))
    };
    let mut out = format!(
        "// {ORIGIN}\n\npackage firsthand.texts\n\n/** {}. */\nobject {} : Texts {{\n    override val language = \"{}\"\n\n    \
         private fun category(n: Int): String = {}\n\n",
        language.name,
        object(language),
        language.code,
        language.category,
    );
    for message in messages {
        let declared = declaration(message);
        match &message.texts[at] {
            Text::Plain(text) => {
                let _ = writeln!(out, "    override {declared} = {}", literal(message, text));
            }
            Text::Plural(forms) => {
                let _ = writeln!(out, "    override {declared} = when (category(n)) {{");
                for (category, text) in forms {
                    let case =
                        if *category == "other" { "else".to_owned() } else { format!("\"{category}\"") };
                    let _ = writeln!(out, "        {case} -> {}", literal(message, text));
                }
                out.push_str("    }\n");
            }
        }
    }
    out.push_str("}\n");
    out
}

fn resources(messages: &[Message]) -> String {
    let mut out = format!(
        "// {ORIGIN}\n\npackage firsthand.texts\n\nimport android.content.res.Resources\nimport firsthand.ui.R\n\n\
         /** The texts as Android chooses them by the phone's languages. */\n\
         class ResourceTexts(private val resources: Resources) : Texts {{\n    \
         override val language: String get() = resources.configuration.locales[0].language\n"
    );
    for message in messages {
        let name = message.snake();
        let arguments: String = message.placeholders.iter().map(|name| format!(", {name}")).collect();
        let call = if message.is_plural() {
            // Once to choose the form, once to be written into it.
            format!("resources.getQuantityString(R.plurals.{name}, n{arguments})")
        } else {
            format!("resources.getString(R.string.{name}{arguments})")
        };
        let is_value = message.placeholders.is_empty();
        let _ = write!(
            out,
            "\n    override {}{} = {call}\n",
            declaration(message),
            if is_value { " get()" } else { "" }
        );
    }
    out.push_str("}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &str) -> String {
        let plural = |forms: &[&'static str], text: &str| {
            Text::Plural(forms.iter().map(|form| (*form, text.to_owned())).collect())
        };
        let plain = |text: &str| Text::Plain(text.to_owned());
        let messages = [
            Message {
                section: "today".to_owned(),
                name: "in".to_owned(),
                note: "A note -- long.".to_owned(),
                placeholders: vec!["who".to_owned()],
                texts: vec![plain("It's \"{who}\" & $x"), plain("?{who}"), plain("{who}")],
            },
            Message {
                section: "a".to_owned(),
                name: "files".to_owned(),
                note: "Note.".to_owned(),
                placeholders: vec!["n".to_owned(), "who".to_owned()],
                texts: vec![
                    plural(&["one", "other"], "{n} of {who}"),
                    plural(&["one", "other"], "{n} de {who}"),
                    plural(LANGUAGES[2].categories, "{who}: {n}"),
                ],
            },
        ];
        all(&messages).unwrap().into_iter().find(|(it, _)| it == path).unwrap().1
    }

    #[test]
    fn android_gets_resources() {
        let english = written("android/res/values/strings.xml");
        assert!(english.contains("<!-- A note - long. -->"));
        assert!(english.contains("<string name=\"today_in\">It\\'s \\\"%1$s\\\" &amp; $x</string>"));
        assert!(
            english
                .contains("<plurals name=\"a_files\">\n        <item quantity=\"one\">%1$d of %2$s</item>")
        );
        assert!(written("android/res/values-es/strings.xml").contains(">\\?%1$s</string>"));
        assert_eq!(written("android/res/values-ar/strings.xml").matches("<item").count(), 6);
        let adapter = written("kotlin-android/firsthand/texts/ResourceTexts.kt");
        assert!(adapter.contains("resources.getQuantityString(R.plurals.a_files, n, n, who)"));
        assert!(
            adapter
                .contains("fun todayIn(who: String): String = resources.getString(R.string.today_in, who)")
        );
    }

    #[test]
    fn apple_gets_a_catalogue() {
        let catalogue: Value = serde_json::from_str(&written("apple/Localizable.xcstrings")).unwrap();
        assert_eq!(catalogue["sourceLanguage"], "en");
        let ar = &catalogue["strings"]["a.files"]["localizations"]["ar"]["variations"]["plural"];
        assert_eq!(ar["few"]["stringUnit"]["value"], "%2$@: %1$lld");
        let es = &catalogue["strings"]["today.in"]["localizations"]["es"]["stringUnit"];
        assert_eq!(es["value"], "?%1$@");
        let swift = written("apple/Texts.swift");
        assert!(swift.contains("static func aFiles(_ n: Int, _ who: String) -> String {"));
        assert!(swift.contains("(forKey: \"today.in\", value: nil, table: nil), locale: .current, who)"));
    }

    #[test]
    fn kotlin_gets_an_interface_and_an_object_for_each_language() {
        let interface = written("kotlin/firsthand/texts/Texts.kt");
        assert!(interface.contains("    fun aFiles(n: Int, who: String): String\n"));
        let english = written("kotlin-plain/firsthand/texts/TextsEn.kt");
        assert!(
            english.contains("override fun todayIn(who: String): String = \"It's \\\"${who}\\\" & \\$x\"\n")
        );
        assert!(english.contains("        else -> \"${n} of ${who}\"\n"));
        assert!(written("kotlin-plain/firsthand/texts/TextsAr.kt").contains("n % 100 in 3..10 -> \"few\""));
        assert!(written("kotlin-plain/firsthand/texts/Languages.kt").contains("\"es\" -> TextsEs\n"));
    }
}
