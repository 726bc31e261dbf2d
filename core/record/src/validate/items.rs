use super::{Context, Findings, Rule, limits, text};
use crate::Incident;

/// An item of a list.
trait Item {
    /// `writer|counter`; empty until saved.
    fn key(&self) -> &str;
}

macro_rules! items {
    ($($item:ident),+) => {
        $(impl Item for crate::$item {
            fn key(&self) -> &str {
                &self.key
            }
        })+
    };
}

items!(Actor, AuthorityPresence, ConsentWithdrawn, Count, Grading, Harm, Link, Source, Tactic, Tombstone);
items!(VerificationStep, Weapon);

/// Judges the items of one list: how many, then each under its own path.
fn each<T: Item>(
    list: &[T],
    name: &str,
    context: &Context,
    found: &mut Findings,
    mut judge: impl FnMut(&T, &dyn Fn(&str) -> String, &mut Findings),
) {
    found.add_if(list.len() > limits::LIST_ITEMS, name, Rule::TooMany);
    for (index, item) in list.iter().enumerate() {
        found.add_if(context.late.contains(item.key()), &format!("{name}[{index}]"), Rule::AfterClosing);
        judge(item, &|field| format!("{name}[{index}].{field}"), found);
    }
}

fn range(low: Option<u32>, high: Option<u32>, field: String, found: &mut Findings) {
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        found.add(field, Rule::LowAboveHigh);
    }
}

fn named(name: &str, field: &str, found: &mut Findings) {
    text::line(name, limits::NAME, field, found);
    found.add_if(name.trim().is_empty(), field, Rule::Empty);
}

pub(super) fn incident(incident: &Incident, context: &Context, found: &mut Findings) {
    each(&incident.harm_types, "harm_types", context, found, |item, at, found| {
        named(&item.harm, &at("harm"), found);
    });
    each(&incident.actors, "actors", context, found, |item, at, found| {
        range(item.count_low, item.count_high, at("count_low"), found);
        text::check(&item.description, limits::DESCRIPTION, &at("description"), found);
        text::line(&item.group_label, limits::NAME, &at("group_label"), found);
        found.add_if(item.vulnerable_flags.len() > limits::FLAGS, &at("vulnerable_flags"), Rule::TooMany);
        for flag in &item.vulnerable_flags {
            named(flag, &at("vulnerable_flags"), found);
        }
    });
    each(&incident.counts, "counts", context, found, |item, at, found| {
        range(item.low, item.high, at("low"), found);
        found.add_if(item.low.is_none() && item.high.is_none(), &at("low"), Rule::Empty);
        text::line(&item.source, limits::NAME, &at("source"), found);
    });
    each(&incident.tactics_used, "tactics_used", context, found, |item, at, found| {
        named(&item.tactic, &at("tactic"), found);
    });
    each(&incident.weapons_seen, "weapons_seen", context, found, |item, at, found| {
        named(&item.kind, &at("type"), found);
    });
    each(&incident.authority_presence, "authority_presence", context, found, |item, at, found| {
        named(&item.agency, &at("agency"), found);
        range(item.count_low, item.count_high, at("count_low"), found);
        text::line(&item.unit_marking, limits::NAME, &at("unit_marking"), found);
        text::check(&item.measures, limits::DESCRIPTION, &at("measures"), found);
    });
    each(&incident.source, "source", context, found, |item, at, found| {
        text::line(&item.pseudonym, limits::NAME, &at("pseudonym"), found);
    });
    each(&incident.consent_withdrawn, "consent_withdrawn", context, found, |item, at, found| {
        named(&item.source, &at("source"), found);
    });
    each(&incident.graded_by, "graded_by", context, found, |item, at, found| {
        named(&item.source, &at("source"), found);
    });
    each(&incident.verification_log, "verification_log", context, found, |item, at, found| {
        text::check(&item.note, limits::DESCRIPTION, &at("note"), found);
    });
    each(&incident.linked, "linked", context, found, |item, at, found| {
        found.add_if(context.document == Some(item.document), &at("document"), Rule::LeadsToItself);
    });
    each(&incident.tombstone, "tombstone", context, found, |item, at, found| {
        text::check(&item.reason, limits::DESCRIPTION, &at("reason"), found);
    });
}
