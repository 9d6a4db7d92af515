//! Bringing a database up to the schema that this program speaks.
//!
//! A numbered list of scripts and SQLite's own `user_version` are all that an
//! embedded database needs; a migration library would add a table and a
//! dialect to say the same.

use pan_engine::{EngineError, ErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::engine_error;

/// Script `n` brings version `n` to version `n + 1`. Scripts are never edited
/// once released; a change of the schema is a new one.
const SCRIPTS: [&str; 6] = [
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_recycle.sql"),
    include_str!("schema/0003_listing.sql"),
    include_str!("schema/0004_maintenance.sql"),
    include_str!("schema/0005_search.sql"),
    include_str!("schema/0006_slice.sql"),
];

/// The version that the last script leads to.
const NEWEST: i64 = SCRIPTS.len() as i64;

/// What `PRAGMA application_id` says of our databases: "OPAN".
const APPLICATION_ID: i64 = 0x4f50_414e;

/// Runs the scripts that the database has not seen, all of them or none.
///
/// A database of a newer program or of another one is refused untouched.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), EngineError> {
    let failed = |error| engine_error("bringing the metadata up to date", error);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let number = |sql| tx.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);

    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(refused("the file is a database of another program".into()));
    }
    let version = number("PRAGMA user_version")?;
    let unseen = usize::try_from(version).ok().and_then(|version| SCRIPTS.get(version..));
    let Some(unseen) = unseen else {
        return Err(refused(format!(
            "the metadata has schema version {version} and this program knows up to {NEWEST}: \
             it was written by a newer OpenPan"
        )));
    };
    if unseen.is_empty() {
        return Ok(());
    }
    for script in unseen {
        tx.execute_batch(script).map_err(failed)?;
    }
    tx.pragma_update(None, "user_version", NEWEST).map_err(failed)?;
    tx.commit().map_err(failed)
}

fn refused(reason: String) -> EngineError {
    EngineError::new(ErrorKind::Failed, reason)
}
