//! A copy of the whole database while it is in use.
//!
//! The writer makes it, page by page, between its batches. SQLite carries
//! every change of the same connection over to the pages that are copied
//! already, so that the copy is the database as it is at the end, and no
//! snapshot stands in the way of the log for as long as it takes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pan_engine::{EngineError, ErrorKind};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::batch::DeviceFailure;
use crate::error::engine_error;
use crate::queue::{Queue, stopped};

/// Pages of one step, 1 MiB: whoever writes waits for some milliseconds.
const PAGES_PER_STEP: i32 = 256;

/// How long to wait for another process that has the database locked.
const PAUSE: Duration = Duration::from_millis(20);

/// A copy that was asked for.
pub(crate) struct CopyRequest {
    path: PathBuf,
    answer: oneshot::Sender<Result<(), EngineError>>,
}

impl CopyRequest {
    /// The request, and when it is done.
    pub(crate) fn new(
        path: PathBuf,
    ) -> (Self, impl Future<Output = Result<(), EngineError>> + Send + use<>) {
        let (answer, answered) = oneshot::channel();
        let copy = path.clone();
        let copied = async move {
            answered.await.unwrap_or_else(|_| Err(stopped()))?;
            // The bytes of a large database take their time: not the writer's.
            let flushed = tokio::task::spawn_blocking(move || {
                File::open(&copy).and_then(|copy| copy.sync_all())
            });
            flushed
                .await
                .unwrap_or_else(|error| Err(std::io::Error::other(error)))
                .map_err(|error| failed("flushing the copy").with_source(error))
        };
        (Self { path, answer }, copied)
    }

    /// Says what became of it.
    pub(crate) fn finish(self, outcome: Result<(), EngineError>) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(outcome);
    }
}

/// Copies the database. `between` is called after every step and runs what
/// waits; only its failures are the writer's.
pub(crate) fn run(
    conn: &Connection,
    queue: &Queue,
    request: CopyRequest,
    mut between: impl FnMut() -> Result<(), DeviceFailure>,
) -> Result<(), DeviceFailure> {
    let copying = |error| engine_error("copying the metadata", error);
    let mut target = match open_target(&request.path) {
        Ok(target) => target,
        Err(error) => {
            request.finish(Err(error));
            return Ok(());
        }
    };
    let copied = match Backup::new(conn, &mut target) {
        Ok(backup) => loop {
            match backup.step(PAGES_PER_STEP) {
                Ok(StepResult::Done) => break Ok(()),
                Ok(StepResult::More) => {}
                Ok(_) => std::thread::sleep(PAUSE),
                Err(error) => break Err(copying(error)),
            }
            if queue.is_closed() {
                break Err(stopped());
            }
            if let Err(failure) = between() {
                request.finish(Err(stopped()));
                return Err(failure);
            }
        },
        Err(error) => Err(copying(error)),
    };
    let closed = target.close().map_err(|(_, error)| copying(error));
    request.finish(copied.and(closed));
    Ok(())
}

/// A database that is thrown away if anything goes wrong: it needs neither
/// journal nor flushes, and is flushed as a file at the end.
fn open_target(path: &Path) -> Result<Connection, EngineError> {
    if path.exists() {
        return Err(failed(&format!("`{}` is there already", path.display())));
    }
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let target = Connection::open_with_flags(path, flags)?;
        target.pragma_update(None, "journal_mode", "memory")?;
        target.pragma_update(None, "synchronous", "off")?;
        Ok(target)
    };
    open().map_err(|error| engine_error("making a copy of the metadata", error))
}

fn failed(what: &str) -> EngineError {
    EngineError::new(ErrorKind::Failed, what)
}
