//! Rows that others sent ahead of the entries: what is on its way here. They prove nothing, and each goes when
//! its record is here.

use firsthand_ids::{DeviceKey, Position, SpaceId, UnixMillis, WriterId};
use firsthand_log::Vector;
use rusqlite::{TransactionBehavior, params};

use crate::cache::position;
use crate::{Store, StoreError, database};

/// An incident in short, as somebody who holds it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRow {
    /// The chain that creates it.
    pub writer: WriterId,
    /// Where in that chain.
    pub position: Position,
    /// The short code's prefix and number.
    pub short_code: Option<(String, u32)>,
    /// One line.
    pub title: String,
    /// A code of the team's list.
    pub category: Option<String>,
    /// The code of the severity.
    pub severity: Option<String>,
    /// The code of the status.
    pub status: Option<String>,
    /// When it began, or else when the team was told.
    pub happened: Option<UnixMillis>,
}

/// Somebody or a shift, as somebody who holds the record tells. The store does not read what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRosterRow {
    /// The chain that creates the record.
    pub writer: WriterId,
    /// Where in that chain.
    pub position: Position,
    /// What is told.
    pub row: Vec<u8>,
}

/// Whether anything is on its way.
pub(crate) const ANY: &str =
    "SELECT EXISTS (SELECT 1 FROM expected) OR EXISTS (SELECT 1 FROM expected_roster)";
/// Codes of incidents that nothing is to be done about.
const SETTLED: [&str; 2] = ["closed", "merged_into"];

impl Store {
    /// Rows for somebody who holds `receiver`: incidents it lacks, hidden ones left out, newest first, those that are
    /// closed or merged after all others.
    ///
    /// # Errors
    /// From the disk.
    pub fn rows_ahead(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        limit: usize,
    ) -> Result<Vec<ExpectedRow>, StoreError> {
        let Some(space) = self.cache.spaces.get(space) else { return Ok(Vec::new()) };
        let mut select = self.database.prepare_cached(
            "SELECT e.writer, e.position, i.short_prefix, i.short_number, i.title, i.category, i.severity, i.status,
                 coalesce(i.occurred_start, i.reported)
             FROM incidents AS i INDEXED BY incidents_in_order
                 JOIN documents AS d ON d.number = i.document JOIN entries AS e ON e.number = d.creator
             WHERE i.hidden = 0 AND i.space = ?1
             ORDER BY i.effective DESC, i.entry DESC",
        )?;
        let mut found = select.query([space])?;
        let (mut rows, mut settled) = (Vec::new(), Vec::new());
        while rows.len() < limit {
            let Some(row) = found.next()? else { break };
            let (writer, _) = self.cache.writer(row.get(0)?)?;
            let position = position(row, 1)?;
            if position <= receiver.position(&writer) {
                continue;
            }
            let code = |column| self.cache.code(row.get(column)?);
            let status = code(7)?;
            let is_settled = status.as_deref().is_some_and(|status| SETTLED.contains(&status));
            let list = if is_settled { &mut settled } else { &mut rows };
            if list.len() >= limit {
                continue;
            }
            list.push(ExpectedRow {
                writer,
                position,
                short_code: row.get::<_, Option<String>>(2)?.zip(row.get(3)?),
                title: row.get(4)?,
                category: code(5)?,
                severity: code(6)?,
                status,
                happened: row.get::<_, Option<i64>>(8)?.map(UnixMillis),
            });
        }
        settled.truncate(limit - rows.len());
        rows.append(&mut settled);
        Ok(rows)
    }

    /// Keeps what a device tells of what is on its way, in the place of what it told before. What is here already is left
    /// out. Does not wait for the disk: it can be told again.
    ///
    /// # Errors
    /// From the disk; then nothing has changed.
    pub fn expect(
        &mut self,
        space: &SpaceId,
        teller: &DeviceKey,
        rows: &[ExpectedRow],
        roster: &[ExpectedRosterRow],
    ) -> Result<(), StoreError> {
        database::wait_for_disk(&self.database, false)?;
        let kept = self.replace_expected(space, teller, rows, roster);
        database::wait_for_disk(&self.database, true)?;
        self.cache.expects = kept?;
        Ok(())
    }

    fn replace_expected(
        &mut self,
        space: &SpaceId,
        teller: &DeviceKey,
        rows: &[ExpectedRow],
        roster: &[ExpectedRosterRow],
    ) -> Result<bool, StoreError> {
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for table in ["expected", "expected_roster"] {
            transaction.execute(
                &format!("DELETE FROM {table} WHERE space = ?1 AND teller = ?2"),
                params![space.as_bytes(), teller.as_bytes()],
            )?;
        }
        let is_held = |writer: &WriterId, position: Position| {
            self.cache.chain(space, writer).is_some_and(|chain| position <= chain.position)
        };
        let mut insert = transaction.prepare_cached(
            "INSERT INTO expected (space, writer, position, teller, number, short_prefix, short_number, title,
                 category, severity, status, happened)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
        )?;
        for (number, row) in rows.iter().enumerate() {
            if is_held(&row.writer, row.position) {
                continue;
            }
            insert.execute(params![
                space.as_bytes(),
                row.writer.as_bytes(),
                row.position.0 as i64,
                teller.as_bytes(),
                number as i64,
                row.short_code.as_ref().map(|(prefix, _)| prefix),
                row.short_code.as_ref().map(|(_, number)| number),
                row.title,
                row.category,
                row.severity,
                row.status,
                row.happened.map(|at| at.0),
            ])?;
        }
        drop(insert);
        let mut insert = transaction.prepare_cached(
            "INSERT INTO expected_roster (space, writer, position, teller, number, row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        for (number, row) in (0i64..).zip(roster) {
            if is_held(&row.writer, row.position) {
                continue;
            }
            insert.execute(params![
                space.as_bytes(),
                row.writer.as_bytes(),
                row.position.0 as i64,
                teller.as_bytes(),
                number,
                row.row,
            ])?;
        }
        drop(insert);
        let any = transaction.query_row(ANY, [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(any)
    }

    /// What is on its way, newest first as those who told it had it, and who told.
    ///
    /// # Errors
    /// From the disk.
    pub fn expected(&self, limit: usize) -> Result<Vec<(ExpectedRow, DeviceKey)>, StoreError> {
        if !self.cache.expects {
            return Ok(Vec::new());
        }
        let mut select = self.database.prepare_cached(
            "SELECT writer, position, teller, short_prefix, short_number, title, category, severity, status, happened
             FROM expected ORDER BY number, writer, position LIMIT ?1",
        )?;
        let rows = select.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let expected = ExpectedRow {
                writer: WriterId::new(row.get(0)?),
                position: position(row, 1)?,
                short_code: row.get::<_, Option<String>>(3)?.zip(row.get(4)?),
                title: row.get(5)?,
                category: row.get(6)?,
                severity: row.get(7)?,
                status: row.get(8)?,
                happened: row.get::<_, Option<i64>>(9)?.map(UnixMillis),
            };
            Ok((expected, DeviceKey::new(row.get(2)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// People and shifts that are on their way and of which there is no record yet, in the order in which they were told,
    /// and who told.
    ///
    /// # Errors
    /// From the disk.
    pub fn expected_roster(&self) -> Result<Vec<(ExpectedRosterRow, DeviceKey)>, StoreError> {
        if !self.cache.expects {
            return Ok(Vec::new());
        }
        let mut select = self.database.prepare_cached(
            "SELECT x.writer, x.position, x.teller, x.row FROM expected_roster AS x WHERE NOT EXISTS (
                 SELECT 1 FROM writers AS w
                     JOIN entries AS e ON e.writer = w.number AND e.position = x.position
                     JOIN documents AS d ON d.number = e.document
                 WHERE w.id = x.writer AND d.kind IS NOT NULL)
             ORDER BY x.number, x.writer, x.position",
        )?;
        let rows = select.query_map([], |row| {
            let told = ExpectedRosterRow {
                writer: WriterId::new(row.get(0)?),
                position: position(row, 1)?,
                row: row.get(3)?,
            };
            Ok((told, DeviceKey::new(row.get(2)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether anything is said to be on its way.
    #[must_use]
    pub const fn expects(&self) -> bool {
        self.cache.expects
    }
}
