//! The list of incidents: which index leads, and the exact tests that SQL leaves to us.

use std::fmt::Write;

use firsthand_ids::{DocumentId, EntryHash, HybridTime, Metres, UnixMillis};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::area::Bounds;
use super::query::{IncidentQuery, Window};
use super::row::{IncidentProjection, IncidentRow, ProjectedPlace};
use super::text;
use crate::cache::{ordered, time};
use crate::{Store, StoreError};

/// Up to so many candidates it is cheaper to sort what an index of place or time finds than to walk the list in order.
const FEW: usize = 4000;

/// The columns that [`Store::incident_row`] reads, in its order.
pub(super) const COLUMNS: &str = "i.id, i.space, i.effective, i.entry, i.author, i.short_prefix, i.short_number, \
     i.title, i.category, i.severity, i.urgency, i.certainty, i.status, i.followup, i.occurred_start, i.occurred_end, \
     i.reported, i.lat, i.lon, i.accuracy, i.conflicts, \
     i.flags + (SELECT coalesce(sum(a.flags), 0) FROM evidence AS a WHERE a.incident = i.id AND a.hidden = 0), i.hidden, \
     (SELECT count(*) FROM evidence AS a WHERE a.incident = i.id AND a.hidden = 0), \
     (SELECT count(*) FROM evidence AS a WHERE a.incident = i.id AND a.hidden = 0 AND a.flags > 0), \
     i.verification, i.rumour, i.marks, i.merged_into";

/// An SQL condition and its parameters. Only numbers of ours are ever part of its text.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    /// `column IN (numbers)`.
    fn one_of(&mut self, column: &str, numbers: &[i64]) {
        let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
        self.and(&format!("{column} IN ({})", list.join(",")), []);
    }
}

impl Store {
    /// A page of the list of incidents, newest first.
    ///
    /// # Errors
    /// From the disk; [`StoreError::Invalid`] for a place that is none.
    pub fn incidents(&self, query: &IncidentQuery) -> Result<Vec<IncidentRow>, StoreError> {
        let Some((sql, values)) = self.plan(query)? else { return Ok(Vec::new()) };
        let mut select = self.database.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        let mut row_of = self
            .database
            .prepare_cached(&format!("SELECT {COLUMNS} FROM incidents AS i WHERE i.document = ?1"))?;
        let mut page = Vec::new();
        while page.len() < query.limit {
            let Some(found) = rows.next()? else { break };
            let document: i64 = found.get(0)?;
            if query.near.is_some() || query.within.is_some() {
                let (Some(lat), Some(lon)) = (found.get(1)?, found.get(2)?) else { continue };
                let near = query.near.is_none_or(|near| near.holds(lat, lon));
                if !near || query.within.as_ref().is_some_and(|area| !area.holds(lat, lon)) {
                    continue;
                }
            }
            let mut rows = row_of.query([document])?;
            if let Some(row) = rows.next()? {
                page.push(self.incident_row(row)?);
            }
        }
        Ok(page)
    }

    /// The statement that finds the documents of a query in the order of the list; `None` where nothing can match.
    /// Their rows are read one by one afterwards, so that sorting carries no rows along.
    pub(super) fn plan(&self, query: &IncidentQuery) -> Result<Option<(String, Vec<Value>)>, StoreError> {
        let mut conditions = Conditions::default();
        if !self.filter(query, &mut conditions)? {
            return Ok(None);
        }
        let mut lead = "INDEXED BY incidents_in_order";
        if !query.text.trim().is_empty() {
            let Some(words) = text::query(&query.text) else { return Ok(None) };
            lead = "NOT INDEXED";
            let matching = "i.document IN (SELECT rowid FROM incident_text WHERE incident_text MATCH ?)";
            conditions.and(matching, [Value::from(words)]);
        }
        let places = [
            query.near.as_ref().map(super::query::Near::bounds).transpose()?,
            query.within.as_ref().map(super::query::Area::bounds).transpose()?,
        ];
        for bounds in places.into_iter().flatten() {
            let (find, values) = places_in(&bounds);
            if self.are_few(&find, &values)? {
                lead = "NOT INDEXED";
                conditions.and(&format!("i.document IN ({find})"), values);
            }
        }
        let (sql, values) = window("i.happened", query.happened, |at| Value::from(at.0));
        if !sql.is_empty() {
            let find = format!("SELECT i.document FROM incidents AS i WHERE true{sql}");
            if lead.starts_with("INDEXED") && self.are_few(&find, &values)? {
                lead = "INDEXED BY incidents_by_happened";
            }
            conditions.sql.push_str(&sql);
            conditions.values.extend(values);
        }
        let exact = if query.near.is_some() || query.within.is_some() { ", i.lat, i.lon" } else { "" };
        // Where an index of place or words leads, the rows are found by number and sorted.
        let sql = format!(
            "SELECT i.document{exact} FROM incidents AS i {lead} WHERE true{} ORDER BY i.effective DESC, i.entry DESC",
            conditions.sql
        );
        Ok(Some((sql, conditions.values)))
    }

    /// The filters that the index of the list answers by itself. `false` where nothing can match.
    fn filter(&self, query: &IncidentQuery, conditions: &mut Conditions) -> Result<bool, StoreError> {
        if !query.spaces.is_empty() {
            let known = query.spaces.iter().filter_map(|space| self.cache.spaces.get(space));
            conditions.one_of("i.space", &known.copied().collect::<Vec<_>>());
        }
        for (column, codes) in [
            ("i.category", &query.categories),
            ("i.severity", &query.severities),
            ("i.status", &query.statuses),
            ("i.followup", &query.followups),
            ("i.verification", &query.verifications),
            ("i.rumour", &query.rumours),
        ] {
            if codes.is_empty() {
                continue;
            }
            let known = codes.iter().filter_map(|code| self.cache.codes.get(code));
            let known: Vec<i64> = known.copied().collect();
            if known.is_empty() {
                return Ok(false);
            }
            conditions.one_of(column, &known);
        }
        if !query.hidden {
            conditions.and("i.hidden = 0", []);
        }
        if query.in_conflict {
            conditions.and("i.conflicts > 0", []);
        }
        if query.flagged {
            let files = "EXISTS (SELECT 1 FROM evidence AS a WHERE a.incident = i.id AND a.hidden = 0 AND a.flags > 0)";
            conditions.and(&format!("(i.flags > 0 OR {files})"), []);
        }
        let (sql, values) =
            window("i.effective", query.entered, |at| Value::from(ordered(HybridTime::new(at, 0))));
        conditions.sql.push_str(&sql);
        conditions.values.extend(values);
        if let Some(after) = query.after {
            let place = [Value::from(ordered(after.effective)), Value::from(after.entry.as_bytes().to_vec())];
            conditions.and("(i.effective, i.entry) < (?, ?)", place);
        }
        Ok(true)
    }

    /// Whether a statement finds at most [`FEW`] rows; it stops counting there.
    fn are_few(&self, sql: &str, values: &[Value]) -> Result<bool, StoreError> {
        let sql = format!("SELECT count(*) FROM ({sql} LIMIT {})", FEW + 1);
        let mut count = self.database.prepare_cached(&sql)?;
        let found: i64 = count.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(found <= FEW as i64)
    }

    pub(super) fn incident_row(&self, row: &Row<'_>) -> Result<IncidentRow, StoreError> {
        let (author, chain) = self.cache.writer(row.get(4)?)?;
        let code = |column| self.cache.code(row.get(column)?);
        let instant =
            |column| -> rusqlite::Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(UnixMillis)) };
        let place = match (row.get(17)?, row.get(18)?) {
            (Some(lat), Some(lon)) => {
                Some(ProjectedPlace { lat, lon, accuracy: row.get::<_, Option<f64>>(19)?.map(Metres) })
            }
            _ => None,
        };
        let short_code: Option<(String, u32)> = match (row.get(5)?, row.get(6)?) {
            (Some(prefix), Some(number)) => Some((prefix, number)),
            _ => None,
        };
        Ok(IncidentRow {
            id: DocumentId::new(row.get(0)?),
            space: self.cache.space(row.get(1)?)?,
            effective: time(row, 2)?,
            entry: EntryHash::new(row.get(3)?),
            writer: author,
            author: chain.person,
            attachments: row.get(23)?,
            flagged_attachments: row.get(24)?,
            incident: IncidentProjection {
                short_code,
                title: row.get(7)?,
                category: code(8)?,
                severity: code(9)?,
                urgency: code(10)?,
                certainty: code(11)?,
                status: code(12)?,
                followup: code(13)?,
                verification: code(25)?,
                rumour: code(26)?,
                occurred_start: instant(14)?,
                occurred_end: instant(15)?,
                reported: instant(16)?,
                place,
                conflicts: row.get(20)?,
                flags: row.get(21)?,
                marks: row.get::<_, String>(27)?.split_whitespace().map(str::to_owned).collect(),
                merged_into: row.get::<_, Option<_>>(28)?.map(DocumentId::new),
                hidden: row.get(22)?,
                origin: None,
                text: String::new(),
            },
        })
    }
}

/// `column` within a window, as conditions and their values.
fn window(column: &str, window: Window, value: impl Fn(UnixMillis) -> Value) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (String::new(), Vec::new());
    for (bound, sign) in [(window.from, ">="), (window.until, "<")] {
        if let Some(at) = bound {
            // Writing to a string cannot fail.
            let _ = write!(sql, " AND {column} {sign} ?");
            values.push(value(at));
        }
    }
    (sql, values)
}

/// The documents in any of the boxes.
fn places_in(bounds: &[Bounds]) -> (String, Vec<Value>) {
    let one =
        "SELECT document FROM incident_places WHERE north >= ? AND south <= ? AND east >= ? AND west <= ?";
    let sql = vec![one; bounds.len()].join(" UNION ALL ");
    let values = bounds.iter().flat_map(|it| [it.south, it.north, it.west, it.east]).map(Value::from);
    (sql, values.collect())
}

#[cfg(test)]
mod tests;
