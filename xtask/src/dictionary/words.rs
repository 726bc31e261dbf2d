use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde_json::Value;

/// What is done to the words of generated records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Nothing: the generator's sentences come up again and again.
    Generated,
    /// The words of each text change places: known words, no known sentences.
    Shuffled,
    /// Each team writes in an alphabet of its own: no known word at all.
    Unknown,
}

/// Changes the texts of one team's records.
pub(crate) struct Rewriter {
    words: Words,
    /// For each Latin letter another.
    latin: Vec<char>,
    /// For each letter of the Arabic block another.
    arabic: Vec<char>,
}

impl Rewriter {
    pub(crate) fn new(words: Words, rng: &mut ChaCha8Rng) -> Self {
        let (mut latin, mut arabic): (Vec<char>, Vec<char>) = (('a'..='z').collect(), ('ء'..='ي').collect());
        shuffle(&mut latin, rng);
        shuffle(&mut arabic, rng);
        Self { words, latin, arabic }
    }

    /// Rewrites every running text in a record.
    pub(crate) fn value(&self, value: &mut Value, rng: &mut ChaCha8Rng) {
        match value {
            Value::String(text) => *text = self.text(text, rng),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, rng)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member, rng)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Rewrites a text; codes, times and names of fewer than four words stay.
    pub(crate) fn text(&self, text: &str, rng: &mut ChaCha8Rng) -> String {
        let mut words: Vec<&str> = text.split(' ').collect();
        if words.len() < 4 {
            return text.to_owned();
        }
        match self.words {
            Words::Generated => text.to_owned(),
            Words::Shuffled => {
                shuffle(&mut words, rng);
                words.join(" ")
            }
            Words::Unknown => text.chars().map(|letter| self.letter(letter)).collect(),
        }
    }

    fn letter(&self, letter: char) -> char {
        let other = match letter {
            'a'..='z' => self.latin.get(letter as usize - 'a' as usize),
            'ء'..='ي' => self.arabic.get(letter as usize - 'ء' as usize),
            _ => None,
        };
        other.copied().unwrap_or(letter)
    }
}

/// Every order is equally likely, but for the bias of a remainder, which no sample notices.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for end in (1..items.len()).rev() {
        items.swap(end, (rng.next_u64() % (end as u64 + 1)) as usize);
    }
}
