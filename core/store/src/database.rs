//! Opening the encrypted database, and its migrations.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::path::Path;
use std::sync::Once;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use zeroize::{Zeroize, Zeroizing};

use crate::{StoreError, slots};

/// Bytes in a page. A save touches five to twelve pages here and there, each encrypted and authenticated whole, so small
/// pages make a save twice as fast as pages of 16 KiB would and cost 5 % more space. docs/adr/0012-small-pages.md has the figures.
pub(crate) const PAGE_BYTES: u32 = 4096;

/// Bytes of SQLCipher's salt.
pub(crate) const SALT_BYTES: usize = 16;

/// Each file brings the database from the version before to its own; the first to version 1. Files never change once
/// a version with them was released.
const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_first.sql"), include_str!("../migrations/0002_closing.sql")];

/// SQLite says that it is initialised before SQLCipher's own part of the initialisation has run, so a thread that opens its
/// first database at the same moment as another would find no encryption there. One connection is opened alone, and
/// everybody waits for it.
fn initialise() {
    static ONCE: Once = Once::new();
    // Whatever is wrong here shows again, with its error, where the database is opened.
    ONCE.call_once(|| drop(Connection::open_in_memory()));
}

/// Opens `store.db` with its key and makes sure that the key is right. The file must exist; it may be empty.
pub(crate) fn open(path: &Path, key: &[u8; 32]) -> Result<Connection, StoreError> {
    initialise();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Whoever opens decides when everything of the log was seen: until then closing must not drop it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // SQLCipher's own log goes to standard error and may name the file.
    connection.query_row("PRAGMA cipher_log_level = NONE", [], |_| Ok(()))?;
    set_key(&connection, key)?;
    // The first read: a wrong key or a damaged first page shows here.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    // Where a file cannot be opened for writing, SQLite opens it for reading and fails at the first save.
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem).into());
    }
    settle(&connection)?;
    Ok(connection)
}

/// Gives the key and the salt. SQLCipher would read the salt from the beginning of the file, where it stands unprotected: a
/// sector spoilt there, by a power cut while page 1 is written, would close the whole database, although the write-ahead
/// log still has that page.
fn set_key(connection: &Connection, key: &[u8; 32]) -> Result<(), StoreError> {
    let salt = slots::derive(key, "firsthand database key v1", b"salt");
    let mut statement = Zeroizing::new(String::with_capacity(128));
    statement.push_str("PRAGMA key = \"x'");
    for byte in key.iter().chain(&salt[..SALT_BYTES]) {
        // Writing to a string cannot fail.
        let _ = write!(statement, "{byte:02x}");
    }
    statement.push_str("'\"");
    connection.query_row(&statement, [], |_| Ok(()))?;
    statement.zeroize();
    connection.pragma_update(None, "cipher_page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "cipher_hmac_algorithm", "HMAC_SHA256")?;
    Ok(())
}

/// Opens a copy of a damaged database for reading. Where its first page is damaged, which names all tables, that of a new
/// database takes its place: the tables lie where the same migrations put them. `None` where even so nothing can be
/// read.
///
/// # Errors
/// From the disk.
pub(crate) fn open_damaged(path: &Path, key: &[u8; 32]) -> Result<Option<Connection>, StoreError> {
    initialise();
    if let Ok(connection) = read_only(path, key) {
        return Ok(Some(connection));
    }
    let len = fs::metadata(path)?.len();
    if len <= u64::from(PAGE_BYTES) {
        return Ok(None);
    }
    for layout in [Layout::Migrated, Layout::Compacted] {
        let first = blank_first_page(path, key, len, layout)?;
        OpenOptions::new().write(true).open(path)?.write_all(&first)?;
        if let Some(connection) = read_only(path, key).ok().filter(fits) {
            return Ok(Some(connection));
        }
    }
    // Neither shows: what can be read is read as the migrations put it.
    let first = blank_first_page(path, key, len, Layout::Migrated)?;
    OpenOptions::new().write(true).open(path)?.write_all(&first)?;
    Ok(read_only(path, key).ok())
}

/// Where the tables of a database begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Where the migrations put them.
    Migrated,
    /// Where they came to lie when the database was made smaller.
    Compacted,
}

/// The first page of a new database that is at least as long as another one.
fn blank_first_page(path: &Path, key: &[u8; 32], len: u64, layout: Layout) -> Result<Vec<u8>, StoreError> {
    let blank = path.with_extension("blank");
    File::create(&blank)?;
    let mut connection = open(&blank, key)?;
    migrate(&mut connection, State::New)?;
    if layout == Layout::Compacted {
        compact(&connection)?;
    }
    // The first page says how long the database is.
    let mut left = len;
    while left > 0 {
        let piece = left.min(32 * 1024 * 1024);
        connection.execute(
            "INSERT INTO settings (key, value) VALUES (?1, zeroblob(?2))",
            rusqlite::params![format!("filler {left}"), piece as i64],
        )?;
        left -= piece;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.close().map_err(|(_, error)| error)?;
    let mut page = vec![0; PAGE_BYTES as usize];
    File::open(&blank)?.read_exact(&mut page)?;
    fs::remove_file(&blank)?;
    Ok(page)
}

/// Whether tables lie where the first page says: what is read of the two that every home has is of the right shape.
fn fits(connection: &Connection) -> bool {
    [
        "SELECT length(id) = 16 AND length(device) = 32 FROM writers LIMIT 1",
        "SELECT length(hash) = 32 AND length(content) = 32 FROM entries LIMIT 1",
    ]
    .iter()
    .all(|sql| connection.query_row(sql, [], |row| row.get(0)).unwrap_or(false))
}

/// Writes the database anew, as small as what it holds, in memory first.
pub(crate) fn compact(connection: &Connection) -> Result<(), StoreError> {
    connection.flush_prepared_statement_cache();
    // SQLite builds the new one as a second database beside the first; like everything temporary it lies in memory.
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    let compacted = connection.execute_batch("VACUUM");
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(compacted?)
}

fn read_only(path: &Path, key: &[u8; 32]) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.query_row("PRAGMA cipher_log_level = NONE", [], |_| Ok(()))?;
    set_key(&connection, key)?;
    // Otherwise SQLite refuses a file that is shorter than its first page says.
    connection.execute_batch("PRAGMA writable_schema = ON")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    for pragma in ["query_only = ON", "temp_store = MEMORY", "trusted_schema = OFF", "cell_size_check = ON"] {
        connection.execute_batch(&format!("PRAGMA {pragma}"))?;
    }
    Ok(connection)
}

fn settle(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    for (pragma, value) in [
        // On Apple fsync alone leaves the bytes in the drive's cache; elsewhere these two do nothing.
        ("fullfsync", "ON"),
        ("checkpoint_fullfsync", "ON"),
        // No temporary file, ever.
        ("temp_store", "MEMORY"),
        ("foreign_keys", "ON"),
        // What is deleted is overwritten, inside the encryption too.
        ("secure_delete", "ON"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        // In KiB: a list and its indexes for some thousand incidents, an eighth of what a phone grants at ease.
        ("cache_size", "-8192"),
    ] {
        connection.execute_batch(&format!("PRAGMA {pragma} = {value}"))?;
    }
    wait_for_disk(connection, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    for (limit, value) in [
        // The longest value is a saved document; none that was ever seen came near 64 MiB.
        (Limit::SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 64),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Whether a commit waits for the disk. It does, so that what was acknowledged survives a pulled battery; without, a
/// transaction is still whole or not there at all.
pub(crate) fn wait_for_disk(connection: &Connection, wait: bool) -> Result<(), StoreError> {
    let level = if wait { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
    Ok(connection.execute_batch(level)?)
}

/// What a database is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// An empty file.
    New,
    /// One that was written before.
    Existing,
}

/// Brings the database to the newest version, in one transaction.
///
/// # Errors
/// [`StoreError::Newer`] where a newer program wrote it: it is not touched. [`StoreError::Damaged`] where it should
/// hold something and is empty: SQLite takes a file that was cut to nothing for a new one.
pub(crate) fn migrate(connection: &mut Connection, state: State) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as u32;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { what: "database", found, known });
    }
    if (found == 0) != (state == State::New) {
        return Err(StoreError::Damaged { what: "the database" });
    }
    if found < known {
        for migration in MIGRATIONS.iter().skip(found as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()?;
    }
    Ok(())
}
