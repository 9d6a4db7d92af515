//! Snapshots: connections that read, and never wait for the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pan_engine::ReadJob;
use rusqlite::Connection;

use crate::batch::panicked;
use crate::connection::open_reader;
use crate::error::engine_error;
use crate::session::Session;

/// So many idle connections are kept, about 1.2 MiB each at most. More are
/// opened when more closures read at once.
const IDLE_MAX: usize = 16;

/// The connections that are not in use, the one used last on top: its pages
/// and statements are the warmest.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs a closure in one snapshot, in place.
    pub(crate) fn run(&self, job: &mut dyn ReadJob) {
        let conn = match self.take() {
            Ok(conn) => conn,
            Err(error) => return job.fail(engine_error("opening a connection", error)),
        };
        if run_job(job, &mut Session::of_reader(&conn)) {
            self.put_back(conn);
        }
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.lock().pop();
        idle.map_or_else(|| open_reader(&self.path), Ok)
    }

    fn put_back(&self, conn: Connection) {
        let mut idle = self.lock();
        if idle.len() < IDLE_MAX {
            idle.push(conn);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a closure and ends its snapshot. Says whether the connection can be
/// used again.
fn run_job(job: &mut dyn ReadJob, session: &mut Session<'_>) -> bool {
    if let Err(error) = session.control("BEGIN") {
        job.fail(engine_error("beginning a snapshot", error));
        return false;
    }
    if catch_unwind(AssertUnwindSafe(|| job.run(session))).is_err() {
        job.fail(panicked());
    }
    session.control("COMMIT").is_ok()
}
