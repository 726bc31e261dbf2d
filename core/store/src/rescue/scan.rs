use std::path::PathBuf;

use rusqlite::{Connection, Row, params};
use zeroize::Zeroizing;

use crate::{StoreError, database};

/// So many queries may fail before the rest of a table is given up: a damaged page fails for each of its rows, and each
/// failure takes half a millisecond.
const MAX_FAILURES: u32 = 20_000;
/// Ranges from this length on are probed before they are halved: more rows than a page has.
const PROBED: i64 = 256;
/// Rows a page can hold, of the shortest rows that a table here has.
const ROWS_A_PAGE: u64 = 256;

/// A damaged database that is read piece by piece. After an error SQLCipher refuses everything else on the same
/// connection, so each error costs a new one.
pub(super) struct Reader {
    path: PathBuf,
    key: Zeroizing<[u8; 32]>,
    connection: Option<Connection>,
    pages: u64,
}

impl Reader {
    /// `None` where not even the first page can be made out.
    pub(super) fn open(
        path: PathBuf,
        key: Zeroizing<[u8; 32]>,
        pages: u64,
    ) -> Result<Option<Self>, StoreError> {
        let connection = database::open_damaged(&path, &key)?;
        Ok(connection.map(|connection| Self { path, key, connection: Some(connection), pages }))
    }

    fn ask<T>(&mut self, with: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        if self.connection.is_none() {
            self.connection = database::open_damaged(&self.path, &self.key).ok().flatten();
        }
        let answer = with(self.connection.as_ref()?);
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok()
    }

    /// Reads the rows of a table that can be read, in the order of their numbers. `sql` selects those with numbers between
    /// `?1` and `?2`, the number first. Where a page is damaged the range is halved until what lies around it was read.
    /// `index` is one of the table's: it lies on other pages and says how far the numbers go.
    pub(super) fn scan<T>(
        &mut self,
        table: &str,
        index: &str,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let last = format!("SELECT max(rowid) FROM (SELECT rowid FROM {table} INDEXED BY {index})");
        let last: Option<i64> =
            self.ask(|database| database.query_row(&last, [], |row| row.get(0))).flatten();
        let most = i64::try_from(self.pages.saturating_mul(ROWS_A_PAGE)).unwrap_or(i64::MAX);
        let mut rows = Vec::new();
        let mut failures = 0;
        let last = last.unwrap_or(most).max(1);
        let mut ranges = vec![(1, last)];
        while let Some((from, to)) = ranges.pop() {
            let mut next = from;
            let whole = self.ask(|database| {
                let mut select = database.prepare_cached(sql)?;
                let mut found = select.query(params![from, to])?;
                while let Some(row) = found.next()? {
                    next = row.get::<_, i64>(0)?.saturating_add(1);
                    // A value of another type than the program writes is as good as not there.
                    rows.extend(read(row).ok());
                }
                Ok(())
            });
            if whole.is_some() {
                continue;
            }
            failures += 1;
            if failures > MAX_FAILURES {
                break;
            }
            if next > from {
                ranges.push((next, to));
            } else if from < to && (to - from < PROBED || self.leads_anywhere(sql, from, to)) {
                let middle = from + (to - from) / 2;
                ranges.push((middle + 1, to));
                ranges.push((from, middle));
            }
        }
        rows
    }

    /// Whether anything in a range can be reached: where the page is damaged that leads to all of it, each row would
    /// fail for itself.
    fn leads_anywhere(&mut self, sql: &str, from: i64, to: i64) -> bool {
        let even = (1..=16).map(|part| from + (to - from) / 16 * part);
        let doubling = (0..62).map(|power| 1_i64 << power).take_while(|step| *step <= to - from);
        let mut probes = even.chain(doubling.map(|step| from + step));
        probes.any(|number| {
            self.ask(|database| {
                database.prepare_cached(sql)?.query(params![number, number])?.next().map(drop)
            })
            .is_some()
        })
    }
}
