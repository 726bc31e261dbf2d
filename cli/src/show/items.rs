//! Items of an incident's lists as a person reads them, one line each.

use std::collections::BTreeMap;

use firsthand_node::ids::{DocumentId, PersonId};
use firsthand_record::{
    Actor, AuthorityPresence, Consent, Count, Credibility, Grading, Incident, Link, LinkKind, Moment,
    Reliability, Source, VerificationStep, summarise,
};

use super::{text, when};

/// Names that ids stand for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The team's people.
    pub(crate) people: BTreeMap<PersonId, String>,
    /// The short codes of the incidents that this one leads to.
    pub(crate) incidents: BTreeMap<DocumentId, String>,
}

impl Names {
    /// A person's name, or the first digits of their id.
    pub(crate) fn person(&self, id: &PersonId) -> String {
        self.people.get(id).map_or_else(|| id.short(), |name| text::line(name))
    }

    /// An incident's short code, or that it is not here.
    pub(crate) fn incident(&self, id: &DocumentId) -> String {
        self.incidents.get(id).cloned().unwrap_or_else(|| format!("{} (not here)", id.short()))
    }

    fn noted(&self, by: Option<&PersonId>, at: Option<Moment>) -> String {
        let parts = [by.map(|by| self.person(by)), at.map(when::moment)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A range of numbers: `2`, `2-5`, `40+`, `up to 5`.
pub(crate) fn range(low: Option<u32>, high: Option<u32>) -> String {
    match (low, high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!("{low}+"),
        (None, Some(high)) => format!("up to {high}"),
        (None, None) => String::from("?"),
    }
}

/// The counts of each kind: the range over the sources, then what each said last, `injured 2-5 (clinic 2, witness 5)`.
pub(crate) fn counted(record: &Incident) -> Vec<String> {
    let line = |(kind, summary): (firsthand_record::CountKind, firsthand_record::CountSummary<'_>)| {
        let said = summary.newest.iter().map(|(source, count)| {
            format!("{} {}", source_name(record, source), range(count.low, count.high))
        });
        let said: Vec<String> = said.collect();
        format!("{} {} ({})", kind.code(), range(summary.low, summary.high), said.join(", "))
    };
    summarise(&record.counts).into_iter().map(line).collect()
}

/// What a count calls its source: words, or the key of one of the sources.
fn source_name(record: &Incident, source: &str) -> String {
    if source.is_empty() {
        return String::from("nobody named");
    }
    match record.source.iter().find(|it| it.key == source) {
        Some(it) if !it.pseudonym.is_empty() => text::line(&it.pseudonym),
        Some(it) => it.kind.label().to_lowercase(),
        None => text::line(source),
    }
}

/// Every list that has items, under its name on screens.
pub(crate) fn lists(record: &Incident, names: &Names) -> Vec<(&'static str, Vec<String>)> {
    let all = [
        ("harm_types", record.harm_types.iter().map(|it| text::line(&it.harm)).collect()),
        ("actors", record.actors.iter().map(actor).collect()),
        ("counts", record.counts.iter().map(|it| count(record, it, names)).collect()),
        ("tactics_used", record.tactics_used.iter().map(|it| text::line(&it.tactic)).collect()),
        (
            "weapons_seen",
            record
                .weapons_seen
                .iter()
                .map(|it| format!("{}, {}", text::line(&it.kind), it.usage.label().to_lowercase()))
                .collect(),
        ),
        ("authority_presence", record.authority_presence.iter().map(authority).collect()),
        ("source", record.source.iter().map(|it| source(record, it)).collect()),
        (
            "consent_withdrawn",
            record
                .consent_withdrawn
                .iter()
                .map(|it| {
                    let noted = names.noted(it.by.as_ref(), Some(it.at));
                    format!("{} ({noted})", numbered_source(record, &it.source))
                })
                .collect(),
        ),
        ("graded_by", record.graded_by.iter().map(|it| grading(record, it, names)).collect()),
        ("verification_log", record.verification_log.iter().map(|it| verified(it, names)).collect()),
        ("linked", record.linked.iter().map(|it| link(it, names)).collect()),
        (
            "tombstone",
            record
                .tombstone
                .iter()
                .map(|it| with(text::line(&it.reason), names.noted(it.by.as_ref(), None)))
                .collect(),
        ),
    ];
    all.into_iter().filter(|(_, lines): &(_, Vec<String>)| !lines.is_empty()).collect()
}

/// `what (noted)`, or what alone.
fn with(what: String, noted: String) -> String {
    if noted.is_empty() { what } else { format!("{what} ({noted})") }
}

/// Parts that say something, between commas.
fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn people(low: Option<u32>, high: Option<u32>) -> String {
    if low.is_none() && high.is_none() { String::new() } else { format!("{} people", range(low, high)) }
}

fn actor(actor: &Actor) -> String {
    joined([
        actor.role.label().to_lowercase(),
        text::line(&actor.group_label),
        people(actor.count_low, actor.count_high),
        actor.inter.map(|kind| format!("{} ({})", kind.label(), kind.code())).unwrap_or_default(),
        joined(actor.vulnerable_flags.iter().map(|flag| text::line(flag))),
        text::line(&actor.description),
    ])
}

fn count(record: &Incident, count: &Count, names: &Names) -> String {
    let said = format!(
        "{} {}, {}",
        count.what.code(),
        range(count.low, count.high),
        source_name(record, &count.source)
    );
    with(said, names.noted(count.by.as_ref(), count.at))
}

fn authority(it: &AuthorityPresence) -> String {
    joined([
        text::line(&it.agency),
        text::line(&it.unit_marking),
        people(it.count_low, it.count_high),
        text::line(&it.measures),
    ])
}

fn source(record: &Incident, source: &Source) -> String {
    let (reliability, credibility) = record.grade_of(source);
    let grade = [reliability.map(Reliability::code), credibility.map(Credibility::code)];
    let grade: String = grade.into_iter().flatten().collect();
    let meaning = [reliability.map(Reliability::label), credibility.map(Credibility::label)];
    let meaning = joined(meaning.into_iter().flatten().map(str::to_lowercase));
    joined([
        source.kind.label().to_lowercase(),
        text::line(&source.pseudonym),
        if grade.is_empty() { String::new() } else { format!("grade {grade} ({meaning})") },
        record.consent_of(source).map(|it| consent(&it)).unwrap_or_default(),
    ])
}

/// What somebody agreed to.
pub(crate) fn consent(consent: &Consent) -> String {
    let agreed = [
        (consent.record, "being recorded"),
        (consent.share_team, "the team reading it"),
        (consent.share_network, "other teams reading it"),
        (consent.share_public, "everybody reading it"),
    ];
    let agreed: Vec<&str> = agreed.into_iter().filter(|(yes, _)| *yes).map(|(_, what)| what).collect();
    let agreed = if agreed.is_empty() { String::from("nothing") } else { agreed.join(" and ") };
    match consent.withdrawn_at {
        Some(at) => format!("had agreed to {agreed}, taken back {}", when::moment(at)),
        None => format!("agreed to {agreed}"),
    }
}

/// A source by the number it is shown under.
fn numbered_source(record: &Incident, key: &str) -> String {
    match record.source.iter().position(|it| it.key == key) {
        Some(at) => format!("source {}", at + 1),
        None => String::from("a source that was taken back"),
    }
}

fn grading(record: &Incident, it: &Grading, names: &Names) -> String {
    let codes = [it.reliability.map(Reliability::code), it.credibility.map(Credibility::code)];
    let codes: String = codes.into_iter().flatten().collect();
    with(format!("{}: {codes}", numbered_source(record, &it.source)), names.noted(it.by.as_ref(), it.at))
}

fn verified(it: &VerificationStep, names: &Names) -> String {
    let note = text::line(&it.note);
    let what =
        if note.is_empty() { it.state.code().to_owned() } else { format!("{}: {note}", it.state.code()) };
    with(what, names.noted(it.by.as_ref(), it.at))
}

fn link(it: &Link, names: &Names) -> String {
    let to = match it.kind {
        LinkKind::Incident => names.incident(&it.document),
        kind => format!("{} {}", kind.label().to_lowercase(), it.document),
    };
    format!("{}: {to}", it.relation.label().to_lowercase())
}

/// What military and police reports ask for, as a view over the record: each heading with its lines.
pub(crate) fn salute(record: &Incident) -> Vec<(&'static str, Vec<String>)> {
    let present = summarise(&record.counts).remove(&firsthand_record::CountKind::Present);
    let present = present.map(|it| format!("{} present", range(it.low, it.high)));
    let sizes = record.actors.iter().filter(|it| it.count_low.is_some() || it.count_high.is_some());
    let sizes = sizes.map(|it| {
        let who = if it.group_label.is_empty() { it.role.label() } else { &it.group_label };
        format!("{} ({})", range(it.count_low, it.count_high), text::line(who).to_lowercase())
    });
    let activity = [record.category.as_deref(), record.title.as_deref()];
    let activity = activity.into_iter().flatten().map(text::line);
    let doing = record.actors.iter().map(|it| text::line(&it.description));
    let location = record.place.as_ref().map(super::value::place);
    let units = record.actors.iter().map(|it| {
        let kind = it.inter.map(|kind| kind.label().to_owned()).unwrap_or_default();
        joined([text::line(&it.group_label), kind])
    });
    let marked = record
        .authority_presence
        .iter()
        .map(|it| joined([text::line(&it.agency), text::line(&it.unit_marking)]));
    let times = [record.occurred_start.as_ref(), record.occurred_end.as_ref()];
    let times: Vec<String> = times.into_iter().flatten().map(when::occurred).collect();
    let weapons =
        record.weapons_seen.iter().map(|it| joined([text::line(&it.kind), it.usage.code().to_owned()]));
    let all = [
        ("size", present.into_iter().chain(sizes).collect::<Vec<_>>()),
        ("activity", activity.chain(doing).collect()),
        ("location", location.into_iter().chain([text::line(&record.place_text)]).collect()),
        ("unit", units.chain(marked).collect()),
        ("time", if times.is_empty() { times } else { vec![times.join(" to ")] }),
        ("equipment", weapons.collect()),
    ];
    all.map(|(name, lines)| (name, lines.into_iter().filter(|line| !line.is_empty()).collect())).into()
}

#[cfg(test)]
mod tests {
    use firsthand_record::CountKind;

    use super::*;

    fn counts(counts: &[(u32, &str)]) -> Incident {
        let count = |(number, source): &(u32, &str)| Count {
            source: (*source).to_owned(),
            ..Count::new(CountKind::Injured, Some(*number), Some(*number))
        };
        Incident { counts: counts.iter().map(count).collect(), ..Incident::default() }
    }

    #[test]
    fn counts_show_the_range_and_the_newest_of_each_source() {
        assert_eq!(counted(&counts(&[(2, "clinic"), (5, "witness")])), ["injured 2-5 (clinic 2, witness 5)"]);
        assert_eq!(counted(&counts(&[(9, "clinic"), (2, "clinic")])), ["injured 2 (clinic 2)"]);
        assert_eq!(counted(&counts(&[(3, "")])), ["injured 3 (nobody named 3)"]);
    }

    #[test]
    fn ranges_say_no_more_than_is_known() {
        let shown = [(Some(2), Some(2)), (Some(2), Some(5)), (Some(40), None), (None, Some(5)), (None, None)]
            .map(|(low, high)| range(low, high));
        assert_eq!(shown, ["2", "2-5", "40+", "up to 5", "?"]);
    }
}
