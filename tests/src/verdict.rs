//! What must hold once everybody has met everybody.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_ids::Position;
use firsthand_node::{IncidentQuery, IncidentView, Ledger, OnlyHere};
use firsthand_store::EntryState;

use crate::expected::{Seen, held, signs};
use crate::{Expected, World};

/// Compares all running devices with each other and with what was acknowledged.
///
/// # Panics
/// Where they differ, or where something is missing, damaged or left over.
pub fn same_everywhere(world: &mut World, expected: &Expected) {
    let numbers = world.up();
    let first = numbers[0];
    let state = world.devices[first].ledger().team_digest().unwrap();
    let rows = world.devices[first].ledger().projection_digest().unwrap();
    let views = views(world.devices[first].ledger());
    for &number in &numbers {
        let ledger = world.devices[number].ledger();
        assert_eq!(ledger.team_digest().unwrap(), state, "the state of {number} and {first}");
        if ledger.projection_digest().unwrap() != rows {
            explain_rows(world, number, first);
        }
        let own = self::views(world.devices[number].ledger());
        for (id, view) in &views {
            assert_eq!(own.get(id), Some(view), "incident {} on {number} and {first}", id.short());
        }
    }
    let codes: BTreeSet<_> = views.values().map(|view| view.record.short_code.clone()).collect();
    assert_eq!(codes.len(), views.len(), "a short code stands for two incidents");
    for &number in &numbers {
        let only = world.devices[number].ledger().only_here().unwrap();
        assert!(numbers.len() < 2 || only.is_empty(), "{number} alone holds something of {only:?}");
        searched(world.devices[number].ledger(), &views);
        nothing_missing(world.devices[number].ledger(), number, expected);
        contents(&views, expected);
        files(world.devices[number].ledger(), expected);
        confided(world.devices[number].ledger(), number, expected);
        crate::organise::all_here(world.devices[number].ledger(), &expected.organised);
        sound(world.devices[number].ledger(), number);
    }
    times_rise(world.devices[first].ledger());
}

/// Compares the devices that still belong to a team from which some were removed: all show the same and hold the same back, and what
/// somebody was told is saved is there, shown or held. Entries of a device that does not belong to the team may be on that device alone.
///
/// # Panics
/// Where that is not so.
pub fn those_who_stay(
    world: &mut World,
    expected: &Expected,
    stay: &BTreeSet<usize>,
    keys: &BTreeMap<firsthand_ids::DeviceKey, usize>,
) {
    let Some(&first) = stay.first() else { panic!("nobody is left") };
    let ledger = world.devices[first].ledger();
    let (heads, removals) = (ledger.identity().heads, ledger.removals());
    let (state, vector) = (ledger.team_digest().unwrap(), held(ledger));
    let (rows, views, aside) = (ledger.projection_digest().unwrap(), views(ledger), aside(ledger));
    for &number in stay {
        let ledger = world.devices[number].ledger();
        assert_eq!(ledger.identity().heads, heads, "the membership of {number} and {first}");
        assert_eq!(ledger.removals(), removals, "the removals on {number} and {first}");
        assert_eq!(held(ledger), vector, "what {number} and {first} hold");
        assert_eq!(self::aside(ledger), aside, "what {number} and {first} hold back");
        assert_eq!(ledger.team_digest().unwrap(), state, "the state of {number} and {first}");
        let own = self::views(ledger);
        for (id, view) in &views {
            assert_eq!(own.get(id), Some(view), "incident {} on {number} and {first}", id.short());
        }
        assert_eq!(own.len(), views.len(), "the incidents of {number} and {first}");
        if ledger.projection_digest().unwrap() != rows {
            explain_rows(world, number, first);
        }
        let check = world.devices[number].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new(), "on {number}");
    }
    for (writer, mark) in &expected.entries {
        let hash = |world: &mut World, number: usize| {
            let ledger = world.devices[number].ledger();
            let hash = ledger.store().entry_hash_at(ledger.space(), writer, mark.position).unwrap();
            hash.map(|hash| hash.as_bytes()[..8].to_vec())
        };
        let device = |world: &mut World, number: &usize| {
            let ledger = world.devices[*number].ledger();
            ledger.store().tip(ledger.space(), writer).map(|tip| tip.device)
        };
        let up = world.up();
        let device = up.iter().find_map(|it| device(world, it)).expect("somebody has the chain");
        let own = keys[&device];
        let prefix = Some(mark.prefix.to_vec());
        assert_eq!(hash(world, own), prefix, "{own} lost what it had saved");
        for &number in stay.iter().filter(|_| stay.contains(&own)) {
            assert_eq!(hash(world, number), prefix, "what {own} saved is missing on {number}");
        }
    }
}

/// The entries of the whole team's space that are held or wait.
fn aside(ledger: &Ledger) -> BTreeMap<(firsthand_ids::WriterId, u64), EntryState> {
    let chains: BTreeSet<_> = held(ledger).iter().map(|(writer, _)| *writer).collect();
    let mut aside = unsettled(ledger);
    aside.retain(|(writer, _), _| chains.contains(writer));
    aside
}

fn views(ledger: &mut Ledger) -> BTreeMap<firsthand_ids::DocumentId, IncidentView> {
    let query = IncidentQuery { hidden: true, ..IncidentQuery::default() };
    let rows = ledger.incidents(&query).unwrap();
    let only = ledger.only_here().unwrap();
    let view = |row: firsthand_node::IncidentRow| {
        let mut view = ledger.incident(row.id).unwrap();
        assert_eq!(view.only_here, only.get(&row.id).copied().unwrap_or_default(), "list and record agree");
        // Each device says this of itself.
        view.only_here = OnlyHere::Nothing;
        (row.id, view)
    };
    rows.into_iter().map(view).collect()
}

/// An incident is found by its title, also where it has just come in, unless it is hidden.
fn searched(ledger: &mut Ledger, views: &BTreeMap<firsthand_ids::DocumentId, IncidentView>) {
    let Some((id, view)) = views.first_key_value() else { return };
    let Some(title) = &view.record.title else { return };
    let found = ledger.search(title, 1000).unwrap();
    let hidden = !view.record.tombstone.is_empty();
    assert!(found.iter().any(|row| row.id == *id) != hidden, "{title}: is it found? hidden {hidden}");
}

fn explain_rows(world: &mut World, number: usize, first: usize) {
    let query = IncidentQuery { hidden: true, ..IncidentQuery::default() };
    let own = world.devices[number].ledger().incidents(&query).unwrap();
    let other = world.devices[first].ledger().incidents(&query).unwrap();
    for (own, other) in own.iter().zip(&other) {
        assert_eq!(own, other, "a row of {number} and {first}");
    }
    assert_eq!(own.len(), other.len(), "rows of {number} and {first}");
    panic!("the lists of {number} and {first} differ in what they do not show");
}

/// The hybrid clock of a chain never goes back, whatever the wall clock did.
fn times_rise(ledger: &Ledger) {
    for (writer, mark) in held(ledger).iter() {
        let entries = ledger.store().entries(ledger.space(), writer, Position(1), mark.position.0 as usize);
        let times: Vec<_> = entries.unwrap().iter().map(|stored| stored.info.hybrid).collect();
        assert!(times.is_sorted_by(|before, after| before < after), "a clock went back");
    }
}

fn nothing_missing(ledger: &Ledger, number: usize, expected: &Expected) {
    for (writer, mark) in &expected.entries {
        let hash = ledger.store().entry_hash_at(ledger.space(), writer, mark.position).unwrap();
        let prefix = hash.map(|hash| hash.as_bytes()[..8].to_vec());
        assert_eq!(prefix, Some(mark.prefix.to_vec()), "an acknowledged entry is missing on {number}");
    }
}

fn contents(views: &BTreeMap<firsthand_ids::DocumentId, IncidentView>, expected: &Expected) {
    for (id, incident) in &expected.incidents {
        let view = views.get(id).unwrap_or_else(|| panic!("incident {} is missing", id.short()));
        for (word, withdrawn) in &incident.counts {
            let shown = view.record.counts.iter().filter(|count| count.source == *word).count();
            assert_eq!(shown, usize::from(!withdrawn), "{word} in {}", view.short_code);
            let all = view.json["a"]["counts"].as_object().into_iter().flatten();
            let kept = all.filter(|(_, item)| item["source"] == word.as_str()).count();
            assert_eq!(kept, 1, "{word} in {}", view.short_code);
        }
        for (field, known) in &incident.signs {
            let text = if *field == "narrative" { &view.record.narrative } else { &view.record.place_text };
            let mut there = signs(text);
            there.sort_unstable();
            let wanted: Vec<_> = known.inserted.difference(&known.deleted).copied().collect();
            assert_eq!(there, wanted, "{field} of {}", view.short_code);
        }
    }
}

/// Values, with everything that anybody has.
///
/// # Panics
/// Where a value was lost, or a conflict does not show.
pub fn values(ledger: &mut Ledger, expected: &Expected) {
    let everything = Seen::everything(ledger);
    for (id, incident) in &expected.incidents {
        let view = ledger.incident(*id).unwrap();
        let mut fields: Vec<_> = incident.sets.iter().map(|set| set.field.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let wanted = expected.values(id, field, &everything);
            let found = ["r", "s"].iter().find_map(|letter| {
                let conflict = view.json["conflicts"][letter][field].as_array().cloned();
                conflict.or_else(|| view.json[letter].get(field).map(|value| vec![value.clone()]))
            });
            let mut found = found.unwrap_or_default();
            found.sort_by_key(ToString::to_string);
            assert_eq!(found, wanted, "{field} of {}", view.short_code);
        }
    }
}

fn files(ledger: &Ledger, expected: &Expected) {
    for file in &expected.files {
        let mut out = Vec::new();
        ledger.read_attachment(&file.incident, &file.name, &mut out).unwrap();
        assert!(out == file.content, "{} has other bytes", file.name);
    }
}

/// What only few may read is with them, as far as they met, and with nobody else.
fn confided(ledger: &mut Ledger, number: usize, expected: &Expected) {
    let team = ledger.team().unwrap();
    let me = team.members.iter().find(|member| member.me).unwrap();
    let shown = ledger.care_checks().unwrap();
    let shown: BTreeSet<String> = shown.into_iter().filter_map(|view| view.care.note).collect();
    for it in &expected.confided {
        let there = shown.contains(&it.word);
        if it.owner == me.person {
            assert!(there, "{number} lost what they noted: {}", it.word);
        } else {
            assert!(!there || it.reader == Some(me.person), "{number} can read {}", it.word);
        }
    }
    let contacts: BTreeSet<_> =
        ledger.emergency_contacts().unwrap().into_iter().filter_map(|view| view.contact.name).collect();
    for (word, owner) in &expected.contacts {
        let there = contacts.contains(word);
        assert!(there || *owner != me.person, "{number} lost whom to call: {word}");
        assert!(!there || *owner == me.person || me.role == "lead", "{number} can read {word}");
    }
    assert!(ledger.reads_all_it_holds(), "{number} holds a space that is not theirs to read");
}

/// Nothing is damaged, and a rebuild from the log gives the same.
///
/// # Panics
/// Where that is not so.
pub fn sound(ledger: &mut Ledger, number: usize) {
    let check = ledger.check(&mut |_, _| true).unwrap();
    assert_eq!(check.problems, Vec::<String>::new(), "on {number}");
    assert_eq!(check.attachments_missing, 0, "on {number}");
}

/// No entry waits or is held, on any running device.
///
/// # Panics
/// Where one is.
pub fn nothing_unsettled(world: &mut World) {
    for number in world.up() {
        let unsettled = world.devices[number].ledger().store().unsettled().unwrap();
        let shown: Vec<_> =
            unsettled.iter().map(|info| (info.writer.short(), info.position, info.state)).collect();
        assert_eq!(shown, [], "unsettled on {number}");
    }
}

/// The entries in quarantine and those that wait, by their place.
#[must_use]
pub fn unsettled(ledger: &Ledger) -> BTreeMap<(firsthand_ids::WriterId, u64), EntryState> {
    let all = ledger.store().unsettled().unwrap();
    all.into_iter().map(|info| ((info.writer, info.position.0), info.state)).collect()
}
