//! A batch: closures that are run in one transaction and committed together.
//!
//! The first attempt gives no closure a savepoint, because hardly any fails
//! after it has written. If one does, everything is rolled back and runs again
//! with a savepoint each. If SQLite itself ends the transaction, or the commit
//! fails, everything runs again one by one, so that each gets its own answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use pan_engine::meta::JobEnd;
use pan_engine::{EngineError, ErrorKind, Job};
use tokio::runtime::Handle;

use crate::error::{engine_error, is_device_failure};
use crate::queue::{Queue, stopped};
use crate::session::Session;

/// A commit waits for no more than this: what comes first.
const CLOSURES_MAX: usize = 256;
const BATCH_TIME_MAX: Duration = Duration::from_millis(10);

/// What a closure is told: `Ok` also when it wanted nothing kept.
type Answer = Result<(), EngineError>;

/// The device failed under a commit: whether it is durable is unknown, and
/// only a new process that reads the log can tell.
#[derive(Debug)]
pub(crate) struct DeviceFailure(pub(crate) EngineError);

/// How the first attempt to run a batch ended.
enum Attempt {
    Committed,
    /// A closure failed that had written. Everything is rolled back.
    NeedsSavepoints,
}

/// Why a transaction failed as a whole. Nothing of it remains.
enum Failure {
    Transaction(EngineError),
    Device(DeviceFailure),
}

/// How one run of a closure ended.
enum Ran {
    /// What it wrote waits for the commit.
    Kept,
    /// Nothing of it is to remain.
    Failed(Answer),
    /// SQLite has ended the transaction, with all that the batch had written.
    Lost(EngineError),
}

/// Runs what waits in the queue, beginning with `first`, and answers it.
pub(crate) fn run(
    session: &mut Session<'_>,
    queue: &Queue,
    answerer: &Answerer,
    first: Box<dyn Job>,
) -> Result<(), DeviceFailure> {
    let mut batch = Batch { jobs: vec![first], answers: Vec::new() };
    let attempt = batch.run_plainly(session, queue).and_then(|attempt| match attempt {
        Attempt::Committed => Ok(()),
        Attempt::NeedsSavepoints => batch.run_with_savepoints(session),
    });
    match attempt {
        Ok(()) => {
            answerer.answer(batch.jobs, batch.answers);
            Ok(())
        }
        Err(Failure::Transaction(error)) => {
            tracing::warn!(%error, closures = batch.jobs.len(), "a batch runs again one by one");
            batch.run_one_by_one(session)
        }
        Err(Failure::Device(failure)) => batch.abandon(failure),
    }
}

/// The closures of one batch and, for those that have run, their answers.
struct Batch {
    jobs: Vec<Box<dyn Job>>,
    answers: Vec<Answer>,
}

impl Batch {
    fn run_plainly(
        &mut self,
        session: &mut Session<'_>,
        queue: &Queue,
    ) -> Result<Attempt, Failure> {
        begin(session)?;
        let begun = Instant::now();
        loop {
            let next = self.answers.len();
            let answer = match run_job(self.jobs[next].as_mut(), session) {
                Ran::Kept => Ok(()),
                Ran::Failed(answer) if !session.has_written() => {
                    session.pending.undo();
                    answer
                }
                Ran::Failed(_) => {
                    roll_back(session);
                    return Ok(Attempt::NeedsSavepoints);
                }
                Ran::Lost(error) => return Err(lost(session, error)),
            };
            self.answers.push(answer);
            if self.jobs.len() == CLOSURES_MAX || begun.elapsed() > BATCH_TIME_MAX {
                break;
            }
            match queue.pop() {
                Some(job) => self.jobs.push(job),
                None => break,
            }
        }
        commit(session).map(|()| Attempt::Committed)
    }

    fn run_with_savepoints(&mut self, session: &mut Session<'_>) -> Result<(), Failure> {
        self.answers.clear();
        begin(session)?;
        for job in &mut self.jobs {
            control(session, "SAVEPOINT closure")?;
            let answer = match run_job(job.as_mut(), session) {
                Ran::Kept => Ok(()),
                Ran::Failed(answer) => {
                    control(session, "ROLLBACK TO closure")?;
                    session.undo_closure();
                    answer
                }
                Ran::Lost(error) => return Err(lost(session, error)),
            };
            control(session, "RELEASE closure")?;
            self.answers.push(answer);
        }
        commit(session)
    }

    fn run_one_by_one(self, session: &mut Session<'_>) -> Result<(), DeviceFailure> {
        let mut jobs = self.jobs.into_iter();
        while let Some(mut job) = jobs.next() {
            match run_alone(job.as_mut(), session) {
                Ok(answer) => finish(job, answer),
                Err(failure) => {
                    let jobs = std::iter::once(job).chain(jobs).collect();
                    return Batch { jobs, answers: Vec::new() }.abandon(failure);
                }
            }
        }
        Ok(())
    }

    /// Nobody is acknowledged.
    fn abandon(self, failure: DeviceFailure) -> Result<(), DeviceFailure> {
        for job in self.jobs {
            finish(job, Err(stopped()));
        }
        Err(failure)
    }
}

/// Runs a closure in a transaction of its own and says what to answer it.
fn run_alone(job: &mut dyn Job, session: &mut Session<'_>) -> Result<Answer, DeviceFailure> {
    let ran = begin(session).and_then(|()| match run_job(job, session) {
        Ran::Kept => commit(session).map(|()| Ok(())),
        Ran::Failed(answer) => {
            roll_back(session);
            Ok(answer)
        }
        Ran::Lost(error) => Err(lost(session, error)),
    });
    match ran {
        Ok(answer) => Ok(answer),
        Err(Failure::Transaction(error)) => Ok(Err(error)),
        Err(Failure::Device(failure)) => Err(failure),
    }
}

/// Runs what the engine does for itself in a transaction of its own. When it
/// fails, nothing of it remains.
pub(crate) fn run_own<T>(
    session: &mut Session<'_>,
    work: impl FnOnce(&mut Session<'_>) -> Result<T, EngineError>,
) -> Result<Result<T, EngineError>, DeviceFailure> {
    let ran = begin(session).and_then(|()| {
        session.end_closures();
        let done = work(session).map_err(|error| lost(session, error))?;
        commit(session).map(|()| done)
    });
    match ran {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Transaction(error)) => Ok(Err(error)),
        Err(Failure::Device(failure)) => Err(failure),
    }
}

/// Runs a closure. What counts is what the transaction has seen, not what the
/// closure says: it may have ignored an error.
fn run_job(job: &mut dyn Job, session: &mut Session<'_>) -> Ran {
    session.begin_closure();
    let end = catch_unwind(AssertUnwindSafe(|| job.run(session)));
    if session.is_transaction_lost() {
        return Ran::Lost(session.failure().unwrap_or_else(stopped));
    }
    match (end, session.failure()) {
        (Err(_), _) => Ran::Failed(Err(panicked())),
        (Ok(JobEnd::Rollback), _) => Ran::Failed(Ok(())),
        (Ok(JobEnd::Commit), Some(failure)) => Ran::Failed(Err(failure)),
        (Ok(JobEnd::Commit), None) => Ran::Kept,
    }
}

fn begin(session: &mut Session<'_>) -> Result<(), Failure> {
    control(session, "BEGIN IMMEDIATE")
}

fn commit(session: &mut Session<'_>) -> Result<(), Failure> {
    if let Err(error) = session.write_pending() {
        return Err(lost(session, error));
    }
    match session.control("COMMIT") {
        Err(error) if is_device_failure(&error) => {
            Err(Failure::Device(DeviceFailure(engine_error("committing", error))))
        }
        committed => committed.map_err(|error| lost(session, engine_error("committing", error))),
    }
}

/// Runs a statement that begins or divides the transaction.
fn control(session: &mut Session<'_>, sql: &'static str) -> Result<(), Failure> {
    session.control(sql).map_err(|error| lost(session, engine_error(sql, error)))
}

fn lost(session: &mut Session<'_>, error: EngineError) -> Failure {
    roll_back(session);
    Failure::Transaction(error)
}

/// Leaves no transaction open; SQLite may have ended it already.
fn roll_back(session: &mut Session<'_>) {
    session.pending.clear();
    session.known.forget();
    if session.is_transaction_lost() {
        return;
    }
    if let Err(error) = session.control("ROLLBACK") {
        // SQLite promises that this does not happen.
        tracing::error!(%error, "rolling back a transaction of the metadata failed");
    }
}

/// Tells everybody in a batch whose effects are durable.
///
/// Waking a waiting task costs more than most closures do: a batch is told by
/// a task of its own, so that the writer can run the next one.
pub(crate) struct Answerer(Option<Handle>);

impl Answerer {
    /// Answers on the runtime of the caller, if there is one.
    pub(crate) fn new() -> Self {
        Self(Handle::try_current().ok())
    }

    fn answer(&self, jobs: Vec<Box<dyn Job>>, answers: Vec<Answer>) {
        let alone = jobs.len() == 1;
        let tell = move || {
            jobs.into_iter().zip(answers).for_each(|(job, answer)| finish(job, answer));
        };
        match &self.0 {
            Some(runtime) if !alone => drop(runtime.spawn(async move { tell() })),
            _ => tell(),
        }
    }
}

/// A job that cannot be told must not take the writer with it.
pub(crate) fn finish(job: Box<dyn Job>, answer: Answer) {
    if catch_unwind(AssertUnwindSafe(|| job.finish(answer))).is_err() {
        tracing::error!("telling a closure how it ended panicked");
    }
}

pub(crate) fn panicked() -> EngineError {
    EngineError::new(ErrorKind::Panicked, "a closure panicked and was rolled back")
}
