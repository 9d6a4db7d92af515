//! Opening connections, one kind for the writer and one for readers.

use std::path::Path;
use std::time::Duration;

use pan_engine::{EngineError, ErrorKind};
use pan_model::ByteSize;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::engine_error;
use crate::{listing, media, schema};

/// SQLite up to 3.51.2 can corrupt a database when a checkpoint meets a commit.
const OLDEST_SQLITE: i32 = 3_051_003;

/// A body of 4 KiB takes 1.1 pages of 4 KiB, its row and one overflow page; in
/// larger pages it leaves up to half of each empty. An upload costs 29 us of
/// processor with 4 KiB, 42 with 8 KiB and 35 with 16 KiB.
const PAGE_BYTES: u32 = 4096;

/// All that one user's upload touches stays in memory between batches.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// SQLite drops a reader's cache at every commit of the writer: a large one
/// would hold memory and save nothing.
const READER_CACHE_KIB: i64 = 1 << 10;

/// More than there are statements that read.
const STATEMENTS_MAX: usize = 128;

/// How long to wait for another process, such as a `sqlite3` shell.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The log file is cut to this when a restart finds it longer.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Refuses a library that is known to lose data.
pub(crate) fn check_library() -> Result<(), EngineError> {
    if rusqlite::version_number() >= OLDEST_SQLITE {
        return Ok(());
    }
    let version = rusqlite::version();
    let reason = format!("SQLite {version} may corrupt data; 3.51.3 is the oldest that does not");
    Err(EngineError::new(ErrorKind::Failed, reason))
}

/// Opens the one connection that writes, creating the database or bringing it
/// up to date.
pub(crate) fn open_writer(
    path: &Path,
    size_max: Option<ByteSize>,
) -> Result<Connection, EngineError> {
    let failed = |error| engine_error("opening the metadata", error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    // The page size first: it can only be chosen while there is nothing.
    conn.pragma_update(None, "page_size", PAGE_BYTES).map_err(failed)?;
    begin_log(&conn)?;
    set_up_writer(&conn, size_max).map_err(failed)?;
    set_up_any(&conn).map_err(failed)?;
    schema::migrate(&mut conn)?;
    sync_directory(path)?;
    Ok(conn)
}

/// Opens a connection that reads. The database is there already.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    set_up_any(&conn)?;
    Ok(conn)
}

/// Makes commits go to a log, so that readers and the writer never wait for
/// each other.
fn begin_log(conn: &Connection) -> Result<(), EngineError> {
    let mode: String = conn
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| engine_error("opening the metadata", error))?;
    if mode == "wal" {
        return Ok(());
    }
    let reason = "the file system of the metadata cannot share memory, which its log needs";
    Err(EngineError::new(ErrorKind::Failed, reason))
}

fn set_up_writer(conn: &Connection, size_max: Option<ByteSize>) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    conn.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    // The writer checkpoints between batches, see `log`.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    if let Some(ByteSize(bytes)) = size_max {
        let pages = i64::try_from(bytes / u64::from(PAGE_BYTES)).unwrap_or(i64::MAX);
        conn.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// What readers and the writer have in common.
fn set_up_any(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Plans do not look at what is bound. Otherwise SQLite compiles a statement
    // with a `LIMIT ?` anew whenever the limit is bound, which takes longer than
    // a window of ten entries.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Sorts and statement journals stay in memory; both are bounded by windows
    // and by the rows of a closure.
    conn.pragma_update(None, "temp_store", "memory")?;
    listing::add_functions(conn)?;
    media::add_functions(conn)
}

/// Makes the name of a new database durable, not only its pages.
fn sync_directory(path: &Path) -> Result<(), EngineError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| {
        let what = "making the metadata's directory durable";
        EngineError::new(ErrorKind::Failed, what).with_source(error)
    })
}
