use rand_core::Rng;

use super::dice::Dice;

/// The sentence parts of one language. In braces: `{time}`, `{n}` (a number), `{place}`, `{street}`, `{group}`,
/// `{plate}` and `{seal}` (letters and digits), and `{name}` where a street or a group is made up.
pub(super) struct Words {
    pub(super) comma: &'static str,
    pub(super) and: &'static str,
    pub(super) leads: &'static [&'static str],
    pub(super) subjects: &'static [&'static str],
    pub(super) acts: &'static [&'static str],
    pub(super) places: &'static [&'static str],
    pub(super) manners: &'static [&'static str],
    pub(super) seen: &'static [&'static str],
    pub(super) details: &'static [&'static str],
    pub(super) tallies: &'static [&'static str],
    pub(super) remarks: &'static [&'static str],
    pub(super) closings: &'static [&'static str],
    pub(super) titles: &'static [&'static str],
    pub(super) streets: &'static [&'static str],
    pub(super) groups: &'static [&'static str],
    pub(super) descriptions: &'static [&'static str],
    pub(super) weapons: &'static [&'static str],
    pub(super) agencies: &'static [&'static str],
    pub(super) measures: &'static [&'static str],
    pub(super) notes: &'static [&'static str],
}

/// The places, streets and groups that a team meets, in the script of one language.
pub(super) struct Names {
    pub(super) places: Vec<Box<str>>,
    pub(super) streets: Vec<Box<str>>,
    pub(super) groups: Vec<Box<str>>,
}

/// One language with the names of one region.
pub(super) struct Tongue {
    pub(super) words: &'static Words,
    names: Names,
    syllables: Syllables,
}

type Syllables = (&'static [&'static str], &'static [&'static str]);

const LATIN: Syllables = (
    &[
        "Ka", "Mo", "Ri", "Sa", "To", "Be", "Lu", "Na", "Gar", "Vel", "Om", "Tar", "Ki", "Do", "Ma", "Chi",
        "Zan", "Er", "Hal", "Or", "Pen", "Ju", "Ny", "Ang", "Wa", "Is",
    ],
    &[
        "ra", "mbe", "lo", "nto", "ri", "go", "sha", "ta", "ve", "lla", "nda", "ru", "ki", "mo", "zi", "ba",
        "ren", "dor", "su", "wa", "ya", "che", "li", "nga", "pe", "to",
    ],
);

const ARABIC: Syllables = (
    &["ال", "با", "كر", "سل", "من", "رم", "حو", "جب", "قا", "طر", "عي", "شم", "نه", "دا", "مي", "زه"],
    &["را", "ين", "مة", "دي", "ور", "لا", "سان", "يد", "وان", "ية", "كل", "بو", "ح", "شا", "في", "نا"],
);

fn name<R: Rng>((heads, tails): Syllables, dice: &mut Dice<R>) -> String {
    let tail = (0..=dice.below(3)).map(|_| dice.pick(tails)).collect::<String>();
    dice.pick(heads).to_owned() + &tail
}

impl Tongue {
    pub(super) fn new<R: Rng>(words: &'static Words, arabic: bool, dice: &mut Dice<R>) -> Self {
        let syllables = if arabic { ARABIC } else { LATIN };
        let names = Names { places: Vec::new(), streets: Vec::new(), groups: Vec::new() };
        let mut tongue = Self { words, names, syllables };
        tongue.names.places = (0..48).map(|_| name(syllables, dice).into()).collect();
        tongue.names.streets = (0..40).map(|_| tongue.fill(dice.pick(words.streets), dice).into()).collect();
        tongue.names.groups = (0..24).map(|_| tongue.fill(dice.pick(words.groups), dice).into()).collect();
        tongue
    }

    /// A name the team knows, or one that it hears for the first time.
    fn known<R: Rng>(&self, names: &[Box<str>], patterns: &[&str], dice: &mut Dice<R>) -> String {
        if dice.percent(60) { dice.favour(names).to_owned() } else { self.fill(dice.pick(patterns), dice) }
    }

    /// Fills the braces of a sentence part.
    pub(super) fn fill<R: Rng>(&self, pattern: &str, dice: &mut Dice<R>) -> String {
        let mut out = String::with_capacity(pattern.len() * 2);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            match slot {
                "name" => out.push_str(&name(self.syllables, dice)),
                "place" => out.push_str(&self.known(&self.names.places, &["{name}"], dice)),
                "street" => out.push_str(&self.known(&self.names.streets, self.words.streets, dice)),
                "group" => out.push_str(&self.known(&self.names.groups, self.words.groups, dice)),
                "time" => out.push_str(&format!("{:02}:{:02}", dice.between(5, 22), dice.below(60))),
                "plate" => {
                    let letters: String =
                        (0..3).map(|_| char::from(dice.pick(b"ABCDEFGHKLMNPRSTUVWXYZ"))).collect();
                    out.push_str(&format!("{letters} {:03}", dice.below(1000)));
                }
                "seal" => out.push_str(&format!("{:05}", dice.below(100_000))),
                _ => out.push_str(&dice.people().to_string()),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn part<R: Rng>(&self, from: &[&str], dice: &mut Dice<R>) -> String {
        let pattern = dice.pick(from);
        self.fill(pattern, dice)
    }

    fn sentence<R: Rng>(&self, dice: &mut Dice<R>) -> String {
        let words = self.words;
        match dice.below(12) {
            0 | 1 => self.part(words.remarks, dice),
            2 | 3 => {
                let line =
                    |dice: &mut Dice<R>| format!("{} {}", name(self.syllables, dice), dice.between(0, 999));
                let lines: Vec<String> = (0..2 + dice.below(4)).map(|_| line(dice)).collect();
                format!(
                    "{} {}: {}.",
                    self.part(words.tallies, dice),
                    dice.between(1, 400),
                    lines.join(words.comma)
                )
            }
            4 => {
                let count = 2 + dice.below(3);
                let details: Vec<String> = (0..count).map(|_| self.part(words.details, dice)).collect();
                let list = details.join(words.comma);
                format!("{}: {list}{}{}.", dice.pick(words.seen), words.and, self.part(words.details, dice))
            }
            _ => {
                let mut out = String::new();
                if dice.percent(60) {
                    out = self.part(words.leads, dice) + words.comma;
                }
                out += &self.part(words.subjects, dice);
                out += " ";
                out += &self.part(words.acts, dice);
                if dice.percent(70) {
                    out += " ";
                    out += &self.part(words.places, dice);
                }
                if dice.percent(50) {
                    out += words.comma;
                    out += &self.part(words.manners, dice);
                }
                out += ".";
                capital(&out)
            }
        }
    }

    /// A narrative of 400 to 800 characters, with the slips of somebody who types on a phone.
    pub(super) fn narrative<R: Rng>(&self, dice: &mut Dice<R>) -> String {
        let (least, most) = (400, 800);
        let wanted = dice.between(least, most - 150) as usize;
        let mut out = String::new();
        let mut length = 0;
        while length < wanted {
            let sentence = slip(&self.sentence(dice), dice);
            let more = sentence.chars().count() + 1;
            if length + more > most as usize {
                continue;
            }
            if !out.is_empty() {
                out.push(if dice.percent(12) { '\n' } else { ' ' });
            }
            out.push_str(&sentence);
            length += more;
        }
        let closing = self.part(self.words.closings, dice);
        if length + closing.chars().count() < most as usize && dice.percent(70) {
            out.push(' ');
            out.push_str(&closing);
        }
        out
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Misspells or shortens about one word in fifteen. Without it, every sentence part would be found again byte for
/// byte, and text would compress far better than what people write.
fn slip<R: Rng>(text: &str, dice: &mut Dice<R>) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        let mut chars: Vec<char> = word.chars().collect();
        if chars.len() < 4 || !chars.iter().all(|c| c.is_alphabetic()) || !dice.percent(9) {
            continue;
        }
        let at = 1 + dice.below(chars.len() - 2);
        match dice.below(4) {
            0 => {
                chars.remove(at);
            }
            1 => chars.insert(at, chars[at]),
            2 => chars.swap(at, at - 1),
            _ => {
                chars.truncate(at.max(3));
                chars.push('.');
            }
        }
        *word = chars.into_iter().collect();
    }
    words.join(" ")
}
