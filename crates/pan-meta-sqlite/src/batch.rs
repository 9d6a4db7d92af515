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

/// Why a batch could not be committed as it was run. It is rolled back.
enum Again {
    /// A closure failed that had written.
    WithSavepoints,
    /// The transaction failed as a whole, for this reason.
    OneByOne(EngineError),
    Never(DeviceFailure),
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
    first: Box<dyn Job>,
) -> Result<(), DeviceFailure> {
    let mut batch = Batch { jobs: vec![first], answers: Vec::new() };
    let again = match batch.run_plainly(session, queue) {
        Ok(()) => return Ok(batch.answer_all()),
        Err(again) => again,
    };
    let again = match again {
        Again::WithSavepoints => match batch.run_with_savepoints(session) {
            Ok(()) => return Ok(batch.answer_all()),
            Err(again) => again,
        },
        other => other,
    };
    match again {
        Again::Never(failure) => batch.abandon(failure),
        Again::WithSavepoints | Again::OneByOne(_) => batch.run_one_by_one(session),
    }
}

/// The closures of one batch and, for those that have run, their answers.
struct Batch {
    jobs: Vec<Box<dyn Job>>,
    answers: Vec<Answer>,
}

impl Batch {
    fn run_plainly(&mut self, session: &mut Session<'_>, queue: &Queue) -> Result<(), Again> {
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
                    return Err(Again::WithSavepoints);
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
        commit(session)
    }

    fn run_with_savepoints(&mut self, session: &mut Session<'_>) -> Result<(), Again> {
        self.answers.clear();
        begin(session)?;
        for job in &mut self.jobs {
            let failed = |error| Again::OneByOne(engine_error("dividing a batch", error));
            session.control("SAVEPOINT closure").map_err(failed)?;
            let answer = match run_job(job.as_mut(), session) {
                Ran::Kept => Ok(()),
                Ran::Failed(answer) => {
                    session.control("ROLLBACK TO closure").map_err(failed)?;
                    session.pending.undo();
                    answer
                }
                Ran::Lost(error) => return Err(lost(session, error)),
            };
            session.control("RELEASE closure").map_err(failed)?;
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

    /// The effects are durable: tells everybody.
    fn answer_all(self) {
        for (job, answer) in self.jobs.into_iter().zip(self.answers) {
            finish(job, answer);
        }
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
        Err(Again::OneByOne(error)) => Ok(Err(error)),
        Err(Again::WithSavepoints) => Ok(Err(stopped())),
        Err(Again::Never(failure)) => Err(failure),
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

fn begin(session: &mut Session<'_>) -> Result<(), Again> {
    session
        .control("BEGIN IMMEDIATE")
        .map_err(|error| Again::OneByOne(engine_error("beginning a transaction", error)))
}

fn commit(session: &mut Session<'_>) -> Result<(), Again> {
    if let Err(error) = session.write_pending() {
        return Err(lost(session, error));
    }
    session.control("COMMIT").map_err(|error| {
        let device_failed = is_device_failure(&error);
        let error = engine_error("committing", error);
        if device_failed { Again::Never(DeviceFailure(error)) } else { lost(session, error) }
    })
}

fn lost(session: &mut Session<'_>, error: EngineError) -> Again {
    roll_back(session);
    Again::OneByOne(error)
}

/// Leaves no transaction open; SQLite may have ended it already.
fn roll_back(session: &mut Session<'_>) {
    session.pending.clear();
    if session.is_transaction_lost() {
        return;
    }
    if let Err(error) = session.control("ROLLBACK") {
        // SQLite promises that this does not happen.
        tracing::error!(%error, "rolling back a transaction of the metadata failed");
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
