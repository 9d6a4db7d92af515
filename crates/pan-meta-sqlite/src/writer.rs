//! The thread that writes.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pan_engine::{EngineError, ErrorKind};
use pan_model::UserNo;
use rusqlite::Connection;

use crate::batch::{self, Answerer, DeviceFailure};
use crate::copy;
use crate::error::engine_error;
use crate::log::Log;
use crate::queue::{Queue, Waited, stopped};
use crate::session::Session;
use crate::store::OnDeviceFailure;

/// How long nobody must have wanted anything before names are folded, which
/// leaves most of the time to those who come next.
const FOLD_PAUSE: Duration = Duration::from_millis(20);

/// Starts the thread. It ends when the queue is closed and empty.
pub(crate) fn start(
    mut conn: Connection,
    queue: Arc<Queue>,
    on_device_failure: OnDeviceFailure,
) -> Result<JoinHandle<()>, EngineError> {
    let log = Log::watch(&mut conn).map_err(|error| engine_error("watching the log", error))?;
    let answerer = Answerer::new();
    let run = move || {
        let _rest = RefuseRest(&queue);
        if let Err(DeviceFailure(error)) = write(&conn, log, &queue, &answerer) {
            on_device_failure(&error);
        }
    };
    std::thread::Builder::new().name("meta-writer".into()).spawn(run).map_err(|error| {
        EngineError::new(ErrorKind::Failed, "starting the writer").with_source(error)
    })
}

fn write(
    conn: &Connection,
    mut log: Log,
    queue: &Queue,
    answerer: &Answerer,
) -> Result<(), DeviceFailure> {
    // A failed sync of the database file is as bad as one of the log: the next
    // would report success for pages that were never written.
    let failed = |error| DeviceFailure(engine_error("moving the log", error));
    let mut session = Session::of_writer(conn);
    if let Err(error) = session.load_backlog() {
        // Names are found without the index until there are new ones.
        tracing::warn!(%error, "the index of names waits");
    }
    loop {
        let rested = session.backlog.next();
        let due = match queue.wait(rested.map(|_| FOLD_PAUSE)) {
            Waited::Job(first) => {
                batch::run(&mut session, queue, answerer, first)?;
                session.backlog.overdue()
            }
            Waited::Copy(request) => {
                copy::run(conn, queue, request, || {
                    // Whoever writes waits for a step of the copy, not for all of it.
                    if let Some(first) = queue.pop() {
                        batch::run(&mut session, queue, answerer, first)?;
                        if let Some(user) = session.backlog.overdue() {
                            fold(&mut session, user)?;
                        }
                        log.checkpoint_if_due(conn).map_err(failed)?;
                    }
                    Ok(())
                })?;
                session.backlog.overdue()
            }
            Waited::Nothing => rested,
            Waited::Closed => break,
        };
        if let Some(user) = due {
            fold(&mut session, user)?;
        }
        log.checkpoint_if_due(conn).map_err(failed)?;
    }
    drop(session);
    log.empty(conn).map_err(failed)
}

/// Puts a slice of a user's names into the index.
fn fold(session: &mut Session<'_>, user: UserNo) -> Result<(), DeviceFailure> {
    match batch::run_own(session, |session| session.fold_slice(user))? {
        Ok(slice) => session.has_folded(&slice),
        Err(error) => {
            session.backlog.give_up(user);
            tracing::warn!(%error, "the index of names waits");
        }
    }
    Ok(())
}

/// Once there is no writer, for whatever reason, nobody may wait for it.
struct RefuseRest<'q>(&'q Queue);

impl Drop for RefuseRest<'_> {
    fn drop(&mut self) {
        self.0.close();
        while let Some(job) = self.0.pop() {
            batch::finish(job, Err(stopped()));
        }
        while let Some(request) = self.0.pop_copy() {
            request.finish(Err(stopped()));
        }
    }
}
