//! Rows of the list that others sent ahead of the entries: what is on its way here. They prove nothing, and each goes when
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

impl Store {
    /// Rows for somebody who holds `receiver`: incidents it lacks, newest first, hidden ones left out.
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
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(row) = found.next()? else { break };
            let (writer, _) = self.cache.writer(row.get(0)?)?;
            let position = position(row, 1)?;
            if position <= receiver.position(&writer) {
                continue;
            }
            let code = |column| self.cache.code(row.get(column)?);
            rows.push(ExpectedRow {
                writer,
                position,
                short_code: row.get::<_, Option<String>>(2)?.zip(row.get(3)?),
                title: row.get(4)?,
                category: code(5)?,
                severity: code(6)?,
                status: code(7)?,
                happened: row.get::<_, Option<i64>>(8)?.map(UnixMillis),
            });
        }
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
    ) -> Result<(), StoreError> {
        database::wait_for_disk(&self.database, false)?;
        let kept = self.replace_expected(space, teller, rows);
        database::wait_for_disk(&self.database, true)?;
        self.cache.expects = kept?;
        Ok(())
    }

    fn replace_expected(
        &mut self,
        space: &SpaceId,
        teller: &DeviceKey,
        rows: &[ExpectedRow],
    ) -> Result<bool, StoreError> {
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "DELETE FROM expected WHERE space = ?1 AND teller = ?2",
            params![space.as_bytes(), teller.as_bytes()],
        )?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO expected (space, writer, position, teller, number, short_prefix, short_number, title,
                 category, severity, status, happened)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
        )?;
        for (number, row) in rows.iter().enumerate() {
            let held = self.cache.chain(space, &row.writer).map_or(Position::START, |chain| chain.position);
            if row.position <= held {
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
        let any = transaction.query_row("SELECT EXISTS (SELECT 1 FROM expected)", [], |row| row.get(0))?;
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

    /// Whether anything is said to be on its way.
    #[must_use]
    pub const fn expects(&self) -> bool {
        self.cache.expects
    }
}
