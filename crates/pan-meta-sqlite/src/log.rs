//! Moving what the log holds into the database.
//!
//! The writer does it, between two batches. Another thread could do it at the
//! same time as commits, but then the log would hardly ever be seen empty and
//! would grow for ever instead of starting again from its beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};

use crate::connection::BUSY_TIMEOUT;
use crate::error::is_device_failure;

/// Move the log's pages when so many have come in: 16 MiB.
const PAGES_PER_CHECKPOINT: u32 = 4_000;

/// A log of so many pages could not start again because there was always some
/// reader in it: then wait for them.
const PAGES_TO_WAIT_FOR_READERS: u32 = 4 * PAGES_PER_CHECKPOINT;

/// How long to wait for readers after each batch. Their windows take
/// milliseconds, but on a busy machine it can be a while until one gets to run.
const WAIT_FOR_READERS: Duration = Duration::from_millis(100);

/// The log, as its writer sees it.
pub(crate) struct Log {
    /// How many pages it has; SQLite tells at every commit.
    pages: Arc<AtomicU32>,
    /// How many of them were moved.
    moved: u32,
}

impl Log {
    pub(crate) fn watch(conn: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pages);
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, moved: 0 })
    }

    /// Moves pages if there are enough of them. Called between transactions.
    ///
    /// # Errors
    /// Those of the device. Everything else leaves pages in the log, where
    /// they are safe, and the next time moves them.
    pub(crate) fn checkpoint_if_due(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.moved {
            self.moved = 0; // The log has started again.
        }
        if pages - self.moved < PAGES_PER_CHECKPOINT {
            return Ok(());
        }
        if pages < PAGES_TO_WAIT_FOR_READERS {
            checkpoint(conn, CheckpointMode::PASSIVE)?;
            self.moved = pages;
            return Ok(());
        }
        conn.busy_timeout(WAIT_FOR_READERS)?;
        let restarted = checkpoint(conn, CheckpointMode::RESTART);
        conn.busy_timeout(BUSY_TIMEOUT)?;
        // Until it has been possible, every batch tries.
        if restarted? {
            self.moved = pages;
        }
        Ok(())
    }

    /// Moves everything and leaves an empty log. Called before closing.
    pub(crate) fn empty(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        checkpoint(conn, CheckpointMode::TRUNCATE).map(drop)
    }
}

/// Whether nobody was in the way.
fn checkpoint(conn: &Connection, mode: CheckpointMode) -> rusqlite::Result<bool> {
    match conn.wal_checkpoint_v2(Some(MAIN_DB), mode) {
        Ok(_) => Ok(true),
        Err(error) if is_device_failure(&error) => Err(error),
        // A reader is still in the log: nothing unusual.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        Err(error) => {
            tracing::warn!(%error, "the metadata log could not be moved into the database yet");
            Ok(false)
        }
    }
}
