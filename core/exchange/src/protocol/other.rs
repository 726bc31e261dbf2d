//! What the choice says that forms add to a list, and the question behind it.

use firsthand_record::checklist::{Localised, base_language};

/// Languages, the choice, and its question.
const WORDS: &[(&str, &str, &str)] = &[
    ("ar", "أخرى", "يرجى التحديد."),
    ("en", "Other", "Specify other."),
    ("es", "Otro", "Especifique."),
    ("fr", "Autre", "Précisez."),
    ("pt", "Outro", "Especifique."),
    ("sw", "Nyingine", "Taja."),
];

/// The words of the choice and of its question in those of the languages in which there are any; where there are none, in
/// English for the first of them.
pub(super) fn words(languages: &[String]) -> (Localised, Localised) {
    let (mut choice, mut question) = (Localised::default(), Localised::default());
    let known = |language: &str| WORDS.iter().find(|(tag, ..)| *tag == base_language(language));
    let found = languages.iter().filter_map(|language| Some((language, known(language)?)));
    let first = languages.first().zip(known("en"));
    let found: Vec<_> = found.collect();
    for (language, (_, one, other)) in if found.is_empty() { first.into_iter().collect() } else { found } {
        choice.set(language.clone(), *one);
        question.set(language.clone(), *other);
    }
    (choice, question)
}
