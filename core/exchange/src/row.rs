//! One row into one draft.

mod people;

use std::collections::{BTreeMap, BTreeSet};

use chrono::FixedOffset;
use firsthand_ids::Metres;
use firsthand_record::validate::{self, Context, Kind};
use firsthand_record::{CodeList, Harm, Incident, Occurred, Place, PlaceSource, Source, SourceKind, Tactic};
use serde_json::Value;

use crate::Format;
use crate::columns::Plan;
use crate::fields::Field;
use crate::map::ColumnMap;
use crate::point;
use crate::table::{Columns, Row};
use crate::value::{first_sentence, is_media, plain, severity, shorten, split};
use crate::when::{self, Hint, Order, Stamp};

/// How deep names of files are looked for: a group in a group, each a list of objects.
const DEEPEST: usize = 6;

/// What is the same for every row of a file.
pub(crate) struct Setting<'a> {
    pub(crate) format: Format,
    pub(crate) columns: &'a Columns,
    pub(crate) plan: &'a Plan,
    pub(crate) map: &'a ColumnMap,
    /// What the dates of each column tell of the order of day and month.
    pub(crate) hints: &'a BTreeMap<usize, Hint>,
}

/// What happened often enough to be told once for the whole file.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) without_offset: usize,
    pub(crate) without_accuracy: usize,
    pub(crate) long_titles: usize,
    pub(crate) media: usize,
    /// Per column, values that do not fit its field and were kept aside.
    pub(crate) aside: BTreeMap<usize, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.without_offset += other.without_offset;
        self.without_accuracy += other.without_accuracy;
        self.long_titles += other.long_titles;
        self.media += other.media;
        for (at, number) in &other.aside {
            *self.aside.entry(*at).or_default() += number;
        }
    }
}

/// A row on its way into an incident.
pub(crate) struct Draft<'a> {
    setting: &'a Setting<'a>,
    row: &'a Row,
    pub(crate) tally: Tally,
    pub(crate) incident: Incident,
    /// Column and reason.
    pub(crate) problems: Vec<(String, String)>,
    /// Columns whose whole value stands in a field now.
    pub(crate) used: BTreeSet<usize>,
    /// Names of photos, recordings and documents.
    pub(crate) media: Vec<String>,
    /// The column that each field came from.
    from: BTreeMap<&'static str, String>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(setting: &'a Setting<'a>, row: &'a Row) -> Self {
        Self {
            setting,
            row,
            tally: Tally::default(),
            incident: Incident::default(),
            problems: Vec::new(),
            used: BTreeSet::new(),
            media: Vec::new(),
            from: BTreeMap::new(),
        }
    }

    /// Fills every field that the row has a column for, and lets the rules of a record judge the result.
    pub(crate) fn fill(&mut self) {
        for at in &self.row.errors {
            // What has no field is kept as the spreadsheet shows it.
            if self.setting.plan.field_of(*at).is_some() {
                let said = self.row.cells.get(at).and_then(Value::as_str).unwrap_or_default();
                self.problem(*at, format!("has no value, but an error of the spreadsheet: {said}"));
            }
        }
        self.place();
        self.times();
        self.texts();
        self.codes();
        self.counts();
        self.actors();
        self.repeated();
        self.lists();
        self.title();
    }

    /// Rejections by the rules of a record, under the names of the columns.
    pub(crate) fn judge(&mut self) {
        // Only flags depend on the time, and flags are shown where the record is.
        for finding in validate::incident(&self.incident, &Context::default()) {
            if finding.kind == Kind::Reject {
                let column = self.column_of(&finding.field);
                let about_column = column.is_some();
                let reason = finding.rule.message();
                let reason =
                    if about_column { reason.to_owned() } else { format!("{} {reason}", finding.field) };
                self.problems.push((column.unwrap_or_default(), reason));
            }
        }
    }

    fn column_of(&self, field: &str) -> Option<String> {
        let mut path = field;
        loop {
            if let Some(column) = self.from.get(path) {
                return Some(column.clone());
            }
            path = path.rsplit_once(['.', '['])?.0;
        }
    }

    fn name(&self, at: usize) -> &'a str {
        &self.setting.columns.names[at]
    }

    /// The first column of a field that says something here.
    fn cell(&self, field: Field) -> Option<(usize, &'a Value)> {
        let columns = self.setting.plan.columns(field).iter();
        columns.filter(|at| !self.used.contains(at)).find_map(|at| Some((*at, self.row.cells.get(at)?)))
    }

    /// The first column of a field that says something in plain text.
    fn text(&self, field: Field) -> Option<(usize, String)> {
        let columns = self.setting.plan.columns(field).iter().filter(|at| !self.used.contains(at));
        columns.copied().find_map(|at| Some((at, plain(self.row.cells.get(&at)?)?)))
    }

    fn take(&mut self, at: usize, path: &'static str) {
        self.used.insert(at);
        self.from.insert(path, self.name(at).to_owned());
    }

    fn problem(&mut self, at: usize, reason: impl Into<String>) {
        self.problems.push((self.name(at).to_owned(), reason.into()));
    }

    /// A value that does not fit is a problem where a person named the column, and kept aside where its name was
    /// only understood that way.
    fn misfit(&mut self, at: usize, reason: impl Into<String>) {
        if self.setting.plan.named.contains(&at) {
            self.problem(at, reason);
        } else {
            *self.tally.aside.entry(at).or_default() += 1;
        }
    }

    fn place(&mut self) {
        if let Some(place) = self.row.place {
            self.from.insert("place", self.row.place_column.clone());
            self.incident.place = Some(place);
        } else if let Some((at, value)) = self.cell(Field::Point) {
            self.point(at, value);
        } else {
            self.pair();
        }
        if let Some((at, text)) = self.text(Field::PointOrText) {
            if !point::looks_like_one(&text) {
                self.take(at, "place_text");
                text.trim().clone_into(&mut self.incident.place_text);
            } else if self.incident.place.is_none() && self.problems.is_empty() {
                self.point(at, &Value::String(text));
            }
        }
    }

    fn point(&mut self, at: usize, value: &Value) {
        match plain(value).map(|text| point::parse(&text)) {
            Some(Ok(point)) => {
                self.take(at, "place");
                let parts = [Field::Lat, Field::Lon, Field::Alt, Field::Accuracy];
                self.used.extend(parts.iter().flat_map(|part| self.setting.plan.columns(*part)));
                if point.without_accuracy {
                    // The original stays beside what was made of it.
                    self.tally.without_accuracy += 1;
                    self.used.remove(&at);
                }
                self.incident.place = Some(point.place);
            }
            Some(Err(reason)) => self.problem(at, reason),
            None => self.problem(at, "is not coordinates"),
        }
    }

    /// Latitude and longitude in columns of their own.
    fn pair(&mut self) {
        let (lat, lon) = match (self.cell(Field::Lat), self.cell(Field::Lon)) {
            (None, None) => return,
            (Some((at, _)), None) => return self.problem(at, "is given without the other coordinate"),
            (None, Some((at, _))) => return self.problem(at, "is given without the other coordinate"),
            (Some(lat), Some(lon)) => (lat, lon),
        };
        let (Some(lat), Some(lon)) = (self.degrees(lat, "place.lat"), self.degrees(lon, "place.lon")) else {
            return;
        };
        let mut place = Place::new(lat, lon, PlaceSource::Import);
        place.alt = self.cell(Field::Alt).and_then(|cell| self.metres(cell, "place.alt")).map(Metres);
        if let Some(cell) = self.cell(Field::Accuracy)
            && let Some(metres) = self.metres(cell, "place.accuracy_m")
        {
            if metres == 0.0 {
                self.tally.without_accuracy += 1;
                self.used.remove(&cell.0);
            } else {
                place.accuracy_m = Some(Metres(metres));
            }
        }
        self.incident.place = Some(place);
    }

    fn degrees(&mut self, cell: (usize, &Value), path: &'static str) -> Option<f64> {
        self.measure(cell, path, point::number)
    }

    fn metres(&mut self, cell: (usize, &Value), path: &'static str) -> Option<f64> {
        self.measure(cell, path, point::metres)
    }

    fn measure(
        &mut self,
        (at, value): (usize, &Value),
        path: &'static str,
        read: fn(&str) -> Result<f64, &'static str>,
    ) -> Option<f64> {
        match plain(value).map_or(Err("is not a number"), |text| read(&text)) {
            Ok(number) => {
                self.take(at, path);
                Some(number)
            }
            Err(reason) => {
                self.problem(at, reason);
                None
            }
        }
    }

    fn times(&mut self) {
        let whole = [Field::Start, Field::StartWeak].into_iter().find_map(|field| self.stamp(field));
        let date = self.stamp(Field::StartDate);
        let time = self.stamp(Field::StartTime);
        let mut start = whole;
        if start.is_none() {
            start = match (date, time) {
                (Some((at, date)), Some((time_at, time))) if time.date.is_none() => {
                    self.used.insert(time_at);
                    Some((at, Stamp { time: time.time, offset: time.offset.or(date.offset), ..date }))
                }
                (Some(date), _) => Some(date),
                (None, time) => time,
            };
        }
        if let Some((at, stamp)) = start {
            self.incident.occurred_start = self.occurred(at, stamp, "occurred_start");
        }
        if let Some((at, stamp)) = self.stamp(Field::End) {
            // An end of `15:30` is on the day of the start.
            let date = stamp.date.or(start.and_then(|(_, start)| start.date));
            self.incident.occurred_end = self.occurred(at, Stamp { date, ..stamp }, "occurred_end");
        }
        if let Some((at, stamp)) = self.stamp(Field::Reported) {
            self.incident.reported_at = self.occurred(at, stamp, "reported_at").map(|reported| reported.time);
        }
    }

    fn stamp(&mut self, field: Field) -> Option<(usize, Stamp)> {
        let (at, text) = self.text(field)?;
        let by_format =
            self.setting.map.date_format.as_deref().and_then(|format| when::parse_as(&text, format));
        let order = self.setting.hints.get(&at).map_or(Order::Unknown, |hint| hint.order());
        match by_format.map_or_else(|| when::parse(&text, order), Ok) {
            Ok(stamp) => Some((at, stamp)),
            Err(reason) => {
                self.problem(at, reason);
                None
            }
        }
    }

    fn occurred(&mut self, at: usize, stamp: Stamp, path: &'static str) -> Option<Occurred> {
        let utc = FixedOffset::east_opt(0)?;
        // Kobo's own times are in UTC without saying so.
        let is_utc = self.setting.format == Format::Kobo && self.name(at).starts_with('_');
        let offset = self.setting.map.offset.filter(|_| !is_utc).unwrap_or(utc);
        match stamp.occurred(offset) {
            Ok(occurred) => {
                if stamp.offset.is_none() && stamp.time.is_some() && !is_utc {
                    self.tally.without_offset += 1;
                }
                self.take(at, path);
                Some(occurred)
            }
            // The date itself was refused already.
            Err(_) if stamp.date.is_none() && !self.problems.is_empty() => None,
            Err(reason) => {
                self.problem(at, reason);
                None
            }
        }
    }

    fn texts(&mut self) {
        self.incident.narrative = self.joined(Field::Narrative, "narrative");
        let place_text = self.joined(Field::PlaceText, "place_text");
        if self.incident.place_text.is_empty() {
            self.incident.place_text = place_text;
        } else if !place_text.is_empty() {
            self.incident.place_text = format!("{}\n{place_text}", self.incident.place_text);
        }
        self.incident.rumour_claim = self.joined(Field::RumourClaim, "rumour_claim");
        if let Some((at, text)) = self.text(Field::PCode) {
            self.take(at, "p_code");
            self.incident.p_code = Some(text.trim().to_owned());
            self.incident.admin_level = self.setting.plan.levels.get(&at).copied();
        }
        self.incident.category = self.line(Field::Category, "category");
        if let Some((at, text)) = self.text(Field::AdminLevel) {
            match text.trim().parse() {
                Ok(level) => {
                    self.take(at, "admin_level");
                    self.incident.admin_level = Some(level);
                }
                Err(_) => self.misfit(at, "is not a level from 0 to 5"),
            }
        }
    }

    fn joined(&mut self, field: Field, path: &'static str) -> String {
        let mut texts = Vec::new();
        while let Some((at, text)) = self.text(field) {
            self.take(at, path);
            texts.push(text.trim().to_owned());
        }
        texts.join("\n")
    }

    fn line(&mut self, field: Field, path: &'static str) -> Option<String> {
        let (at, text) = self.text(field)?;
        self.take(at, path);
        Some(text.trim().to_owned())
    }

    fn code<C: CodeList>(&mut self, field: Field, read: fn(&str) -> Option<C>) -> Option<C> {
        let (at, text) = self.text(field)?;
        let value = read(&text);
        if value.is_some() {
            self.take(at, field.path());
        } else {
            self.misfit(at, format!("is none of {}", C::CODES.join(", ")));
        }
        value
    }

    fn codes(&mut self) {
        self.incident.severity = self.code(Field::Severity, severity);
        self.incident.urgency = self.code(Field::Urgency, CodeList::from_loose);
        self.incident.certainty = self.code(Field::Certainty, CodeList::from_loose);
        self.incident.trajectory = self.code(Field::Trajectory, CodeList::from_loose);
        self.incident.status = self.code(Field::Status, CodeList::from_loose);
        self.incident.verification = self.code(Field::Verification, CodeList::from_loose);
        self.incident.followup = self.code(Field::Followup, CodeList::from_loose);
        self.incident.retaliation_risk = self.code(Field::RetaliationRisk, CodeList::from_loose);
        self.incident.mediation_outcome = self.code(Field::MediationOutcome, CodeList::from_loose);
        self.incident.sensitivity = self.code(Field::Sensitivity, CodeList::from_loose);
        self.incident.rumour_status = self.code(Field::RumourStatus, CodeList::from_loose);
        let reliability = self.code(Field::Reliability, CodeList::from_loose);
        let credibility = self.code(Field::Credibility, CodeList::from_loose);
        let kind = self.code::<SourceKind>(Field::SourceKind, CodeList::from_loose);
        let pseudonym = self.line(Field::Pseudonym, "source").unwrap_or_default();
        if kind.is_some() || reliability.is_some() || credibility.is_some() || !pseudonym.is_empty() {
            // A grade without a kind is that of whoever wrote the row, who is a witness to us.
            let kind = kind.unwrap_or(SourceKind::Witness);
            self.incident.source.push(Source { reliability, credibility, pseudonym, ..Source::new(kind) });
        }
    }

    fn lists(&mut self) {
        for harm in split(&self.joined(Field::Harm, "harm_types")) {
            self.incident.harm_types.push(Harm { harm, ..Harm::default() });
        }
        for tactic in split(&self.joined(Field::Tactic, "tactics_used")) {
            self.incident.tactics_used.push(Tactic { tactic, ..Tactic::default() });
        }
    }

    /// The title column, or the beginning of the first text there is.
    fn title(&mut self) {
        let given = self.text(Field::Title);
        let text = match &given {
            Some((_, text)) => Some(text.clone()),
            None if !self.incident.narrative.is_empty() => {
                Some(first_sentence(&self.incident.narrative).to_owned())
            }
            None => self.first_text().or_else(|| self.incident.category.clone()),
        };
        let Some(text) = text else { return };
        let (title, is_cut) = shorten(&text);
        match given {
            // The whole text of a title that is too long stays in `imported`.
            Some((at, _)) if is_cut => {
                self.from.insert("title", self.name(at).to_owned());
                self.tally.long_titles += 1;
            }
            Some((at, _)) => self.take(at, "title"),
            None => {}
        }
        self.incident.title = Some(title).filter(|title| !title.is_empty());
    }

    fn first_text(&self) -> Option<String> {
        let usable = |(at, value): (&usize, &'a Value)| {
            let text = value.as_str()?.trim();
            let skip = self.used.contains(at)
                || self.setting.plan.ignored.contains(at)
                || self.name(*at).starts_with(['_', '$'])
                || text.contains("://")
                || is_media(text)
                || !text.chars().any(char::is_alphabetic)
                || when::parse(text, Order::DayFirst).is_ok();
            (!skip).then(|| text.to_owned())
        };
        let place = || Some(&self.incident.place_text).filter(|text| !text.is_empty()).cloned();
        self.row.cells.iter().find_map(usable).or_else(place)
    }

    /// Everything that has no field, under the names of the columns.
    pub(crate) fn keep_the_rest(&mut self) {
        let mut media: BTreeSet<&str> = self.row.media.iter().map(String::as_str).collect();
        for (at, value) in &self.row.cells {
            find_media(value, 0, &mut media);
            if !self.used.contains(at) && !self.setting.plan.ignored.contains(at) {
                self.incident.imported.insert(self.name(*at).to_owned(), value.clone());
            }
        }
        for (name, value) in &self.row.aside {
            self.incident.imported.insert(name.clone(), value.clone());
        }
        self.tally.media += usize::from(!media.is_empty());
        self.media = media.into_iter().map(str::to_owned).collect();
    }
}

/// Names of files in a value, also of those in repeated groups. An address of the net is no file.
fn find_media<'a>(value: &'a Value, depth: usize, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) if is_media(text) && !text.contains("://") => {
            found.insert(text.trim());
        }
        Value::Array(items) if depth < DEEPEST => {
            items.iter().for_each(|item| find_media(item, depth + 1, found));
        }
        Value::Object(members) if depth < DEEPEST => {
            members.values().for_each(|item| find_media(item, depth + 1, found));
        }
        _ => {}
    }
}
