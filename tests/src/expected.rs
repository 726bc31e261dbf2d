use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::{DocumentId, PersonId, Position, SpaceId, WriterId};
use firsthand_log::{Mark, Vector};
use firsthand_node::Ledger;
use firsthand_store::EntryState;
use serde_json::Value;

/// What people were told is saved, noted beside the devices and by other means than theirs.
#[derive(Debug, Default)]
pub struct Expected {
    /// How far each chain had grown when an action was acknowledged.
    pub entries: Vec<(WriterId, Mark)>,
    pub incidents: BTreeMap<DocumentId, ExpectedIncident>,
    pub files: Vec<ExpectedFile>,
    /// Care checks.
    pub confided: Vec<Confided>,
    /// Shifts, check-ins, hand-offs and runs of checklists.
    pub organised: crate::organise::Organised,
    /// Emergency contacts: the name to call, and whose they are.
    pub contacts: Vec<(String, PersonId)>,
    /// The first incidents.
    pub first: Vec<DocumentId>,
    /// People are removed, and what they wrote is held: nobody can say beforehand which values are shown.
    pub removals: bool,
    next_sign: u32,
    next_word: u32,
}

/// What was done to one incident.
#[derive(Debug, Default)]
pub struct ExpectedIncident {
    /// The word in `source` of every count that was ever added, and whether somebody took it back.
    pub counts: BTreeMap<String, bool>,
    /// Signs that were put into a text, and signs that somebody deleted.
    pub signs: BTreeMap<&'static str, Signs>,
    /// Values that were set.
    pub sets: Vec<SetValue>,
}

#[derive(Debug, Default)]
pub struct Signs {
    pub inserted: BTreeSet<char>,
    pub deleted: BTreeSet<char>,
}

/// A value that somebody set, with what they had seen.
#[derive(Debug, Clone)]
pub struct SetValue {
    pub field: String,
    pub value: Value,
    pub seen: Seen,
    pub writer: WriterId,
    pub mark: Mark,
}

/// What a device shows: all that it holds but for what waits for something that it builds on.
#[derive(Debug, Clone)]
pub struct Seen {
    held: Vector,
    waiting: BTreeSet<(WriterId, Position)>,
}

impl Seen {
    /// What this device shows of documents that were read.
    #[must_use]
    pub fn by(ledger: &Ledger) -> Self {
        let unsettled = ledger.store().unsettled().unwrap();
        let waits = unsettled.into_iter().filter(|info| info.state == EntryState::Waiting);
        Self { held: held(ledger), waiting: waits.map(|info| (info.writer, info.position)).collect() }
    }

    /// All that it holds.
    #[must_use]
    pub fn everything(ledger: &Ledger) -> Self {
        Self { held: held(ledger), waiting: BTreeSet::new() }
    }

    fn has(&self, set: &SetValue) -> bool {
        let position = set.mark.position;
        position <= self.held.position(&set.writer) && !self.waiting.contains(&(set.writer, position))
    }
}

/// A care check.
#[derive(Debug)]
pub struct Confided {
    pub word: String,
    pub owner: PersonId,
    /// The contact whom the owner had named.
    pub reader: Option<PersonId>,
}

#[derive(Debug)]
pub struct ExpectedFile {
    pub incident: DocumentId,
    pub name: String,
    pub content: Vec<u8>,
}

/// The first of the signs that mark what somebody typed: each is used once, and no keyboard or generator has them.
const FIRST_SIGN: u32 = 0x20000;

impl Expected {
    /// A sign that nobody used before.
    pub fn sign(&mut self) -> char {
        self.next_sign += 1;
        char::from_u32(FIRST_SIGN + self.next_sign).unwrap()
    }

    /// A word that nobody used before.
    pub fn word(&mut self) -> String {
        self.next_word += 1;
        format!("word {}", self.next_word)
    }

    /// Notes how far the chain grew that an acknowledged action was written to; `None` where it changed nothing.
    pub fn acknowledge(&mut self, before: &Vector, after: &Vector) -> Option<(WriterId, Mark)> {
        let mut grown = after.iter().filter(|(writer, mark)| before.get(writer) != Some(*mark));
        let (writer, mark) = grown.next()?;
        assert!(grown.next().is_none(), "one action, one chain");
        assert!(mark.position > before.position(writer));
        self.entries.push((*writer, *mark));
        Some((*writer, *mark))
    }

    /// The values of a field that nobody who knew them has replaced, among what is seen: several different ones are a
    /// conflict.
    #[must_use]
    pub fn values(&self, incident: &DocumentId, field: &str, seen: &Seen) -> Vec<Value> {
        let Some(incident) = self.incidents.get(incident) else { return Vec::new() };
        let here: Vec<_> = incident.sets.iter().filter(|set| set.field == field && seen.has(set)).collect();
        let replaced = |old: &SetValue| here.iter().any(|new| new.seen.has(old) && !old.same(new));
        let mut values: Vec<Value> = Vec::new();
        for set in here.iter().filter(|set| !replaced(set)) {
            if !values.contains(&set.value) {
                values.push(set.value.clone());
            }
        }
        values.sort_by_key(ToString::to_string);
        values
    }
}

impl SetValue {
    fn same(&self, other: &Self) -> bool {
        (self.writer, self.mark) == (other.writer, other.mark)
    }
}

/// The signs in a text.
pub(crate) fn signs(text: &str) -> Vec<char> {
    text.chars().filter(|sign| (FIRST_SIGN..FIRST_SIGN + 0xA000).contains(&u32::from(*sign))).collect()
}

/// What a device holds of the team's space.
#[must_use]
pub(crate) fn held(ledger: &Ledger) -> Vector {
    let space: SpaceId = *ledger.space();
    ledger.store().vector(&space)
}
