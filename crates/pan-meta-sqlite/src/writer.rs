//! The thread that writes.

use std::sync::Arc;
use std::thread::JoinHandle;

use pan_engine::{EngineError, ErrorKind};
use rusqlite::Connection;

use crate::batch::{self, Answerer, DeviceFailure};
use crate::copy;
use crate::error::engine_error;
use crate::log::Log;
use crate::queue::{Queue, Waited, stopped};
use crate::session::Session;
use crate::store::OnDeviceFailure;

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
    loop {
        match queue.wait() {
            Waited::Job(first) => {
                batch::run(&mut session, queue, answerer, first)?;
                log.checkpoint_if_due(conn).map_err(failed)?;
            }
            Waited::Copy(request) => copy::run(conn, queue, request, || {
                // Whoever writes waits for a step of the copy, not for all of it.
                if let Some(first) = queue.pop() {
                    batch::run(&mut session, queue, answerer, first)?;
                    log.checkpoint_if_due(conn).map_err(failed)?;
                }
                Ok(())
            })?,
            Waited::Closed => break,
        }
    }
    drop(session);
    log.empty(conn).map_err(failed)
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
