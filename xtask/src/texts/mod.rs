//! `cargo xtask texts`: what the screens of both shells say, from one source into each platform's own format.
//!
//! `texts/*.toml` holds every message in every language. [`read`](read::read) checks them, [`write`] writes them below
//! `target/texts`: Android's resources, an Apple string catalogue, and Kotlin that runs without Android.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

mod read;
mod write;

/// A language, its plural categories by CLDR, and how the plain Kotlin form finds them.
pub(crate) struct Language {
    /// Its code.
    pub(crate) code: &'static str,
    /// Its name, for people who read an error.
    pub(crate) name: &'static str,
    /// Every category that whole numbers of everyday size fall into.
    pub(crate) categories: &'static [&'static str],
    /// The category of `n`, as an expression in Kotlin.
    pub(crate) category: &'static str,
}

/// All languages; the first is the one that the others are compared with.
pub(crate) const LANGUAGES: &[Language] = &[
    Language {
        code: "en",
        name: "English",
        categories: &["one", "other"],
        category: "if (n == 1) \"one\" else \"other\"",
    },
    Language {
        code: "es",
        name: "Spanish",
        categories: &["one", "other"],
        category: "if (n == 1) \"one\" else \"other\"",
    },
    Language {
        code: "ar",
        name: "Arabic",
        categories: &["zero", "one", "two", "few", "many", "other"],
        category: "when {\n        n == 0 -> \"zero\"\n        n == 1 -> \"one\"\n        n == 2 -> \"two\"\n        \
                   n % 100 in 3..10 -> \"few\"\n        n % 100 in 11..99 -> \"many\"\n        else -> \"other\"\n    }",
    },
];

/// What one language says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// The same whatever the numbers are.
    Plain(String),
    /// By the plural category of `n`, in the order of the language's categories.
    Plural(Vec<(&'static str, String)>),
}

/// One thing that a screen says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The screen or the code list.
    pub(crate) section: String,
    /// Its name within that.
    pub(crate) name: String,
    /// What translators should know.
    pub(crate) note: String,
    /// What stands in braces, in the order of the first language; `n` first where it is a plural.
    pub(crate) placeholders: Vec<String>,
    /// In the order of [`LANGUAGES`].
    pub(crate) texts: Vec<Text>,
}

impl Message {
    /// `today_due_in`, as Android names it.
    pub(crate) fn snake(&self) -> String {
        format!("{}_{}", self.section, self.name)
    }

    /// `todayDueIn`, as Kotlin and Swift name it.
    pub(crate) fn camel(&self) -> String {
        let mut name = String::new();
        for (at, word) in self.snake().split('_').enumerate() {
            let mut letters = word.chars();
            let first = letters.next().filter(|_| at > 0).map(|first| first.to_ascii_uppercase());
            match first {
                Some(first) => name.push(first),
                None => letters = word.chars(),
            }
            name.push_str(letters.as_str());
        }
        name
    }

    pub(crate) fn is_plural(&self) -> bool {
        matches!(self.texts.first(), Some(Text::Plural(_)))
    }
}

/// Where the forms are written.
pub(crate) fn folder(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it));
    target.join("texts")
}

/// Reads and checks the texts, and writes every form of them.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(root.join("texts"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        sources.push((name, fs::read_to_string(&path)?));
    }
    let mut code = String::new();
    for shell in ["android", "ios"] {
        collect_code(&root.join(shell), &mut code)?;
    }
    let (messages, mut errors) = read::read(&sources);
    errors.extend(read::unused(&messages, &sources, &code));
    for error in &errors {
        println!("{error}");
    }
    if !errors.is_empty() {
        return Err(format!("{} to put right in the texts", errors.len()).into());
    }
    let folder = folder(root);
    for (path, content) in write::all(&messages)? {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // What has not changed keeps its date, so that nothing is compiled again for it.
        if fs::read_to_string(&path).ok().as_deref() != Some(&*content) {
            fs::write(&path, content)?;
        }
    }
    println!("{} messages in {} languages: {}", messages.len(), LANGUAGES.len(), folder.display());
    Ok(())
}

/// Everything that the shells' sources say, one after the other.
fn collect_code(folder: &Path, code: &mut String) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_code(&path, code)?;
        } else if path.extension().is_some_and(|it| it == "kt" || it == "swift") {
            code.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
