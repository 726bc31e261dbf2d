//! Words that must never be found in plain text, and the search for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use crate::Dice;

/// A canary's number, how it is written, and the bytes of that.
type Form = (usize, &'static str, Vec<u8>);

/// Words to hide, and every form in which they are searched for.
pub struct Canaries {
    pub words: Vec<String>,
    /// By their first two bytes: which word, how it is written, the bytes.
    forms: BTreeMap<u16, Vec<Form>>,
}

/// A word that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub word: String,
    pub form: &'static str,
    /// In which file, or what else was searched.
    pub place: String,
    pub at: usize,
}

impl Canaries {
    /// So many words of 16 letters, some of them not of ASCII.
    #[must_use]
    pub fn new(dice: &mut Dice, count: usize) -> Self {
        let mut words = Vec::new();
        for number in 0..count {
            let letters: &[char] = match number % 5 {
                0 => &['ب', 'ت', 'ث', 'ج', 'ح', 'خ', 'د', 'ذ', 'ر', 'ز', 'س', 'ش'],
                1 => &['á', 'é', 'í', 'ó', 'ú', 'ñ', 'ü', 'a', 'e', 'i', 'o', 'u'],
                _ => &['b', 'd', 'f', 'g', 'k', 'm', 'p', 'r', 's', 't', 'v', 'z'],
            };
            words.push((0..16).map(|_| dice.pick(letters)).collect());
        }
        let mut canaries = Self { words, forms: BTreeMap::new() };
        for (number, word) in canaries.words.clone().iter().enumerate() {
            for (form, bytes) in forms(word) {
                let first = u16::from_be_bytes([bytes[0], bytes[1]]);
                canaries.forms.entry(first).or_default().push((number, form, bytes));
            }
        }
        canaries
    }

    /// Searches bytes.
    #[must_use]
    pub fn search(&self, place: &str, bytes: &[u8]) -> Vec<Found> {
        let mut begins = vec![false; 1 << 16];
        for first in self.forms.keys() {
            begins[usize::from(*first)] = true;
        }
        let mut found = Vec::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            let first = u16::from_be_bytes([pair[0], pair[1]]);
            if !begins[usize::from(first)] {
                continue;
            }
            for (word, form, form_bytes) in &self.forms[&first] {
                if bytes[at..].starts_with(form_bytes) {
                    let (word, place) = (self.words[*word].clone(), place.to_owned());
                    found.push(Found { word, form, place, at });
                }
            }
        }
        found
    }

    /// Searches every file in a folder, and the names of the files; says how many bytes it read.
    pub fn search_folder(&self, dir: &Path, found: &mut Vec<Found>) -> u64 {
        let mut read = 0;
        for file in fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            let name = path.display().to_string();
            found.extend(self.search(&format!("the name {name}"), name.as_bytes()));
            if path.is_dir() {
                read += self.search_folder(&path, found);
            } else {
                let bytes = fs::read(&path).unwrap();
                read += bytes.len() as u64;
                found.extend(self.search(&name, &bytes));
            }
        }
        read
    }
}

/// Every way in which a word is written by a program that does not hide it.
#[must_use]
pub fn forms(word: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16: Vec<u16> = word.encode_utf16().collect();
    let bytes = word.as_bytes();
    let mut forms = vec![
        ("UTF-8", bytes.to_vec()),
        ("UTF-16LE", utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect()),
        ("UTF-16BE", utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect()),
        ("hex", HEXLOWER.encode(bytes).into_bytes()),
        ("HEX", HEXUPPER.encode(bytes).into_bytes()),
    ];
    for (before, form) in ["base64", "base64, one on", "base64, two on"].into_iter().enumerate() {
        // Only the digits that depend on the word alone.
        let skipped = (3 - before) % 3;
        let whole = (bytes.len() - skipped) / 3 * 3;
        forms.push((form, BASE64.encode(&bytes[skipped..skipped + whole]).into_bytes()));
    }
    forms
}
