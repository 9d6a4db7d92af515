use pan_model::UserNo;
use tokio::sync::oneshot;

use super::{MetaRead, MetaTxn};
use crate::{BoxFuture, EngineError, ErrorKind};

/// Whose rows a closure may write: engines run different scopes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One user's tree, counters and tmpfiles, and contents.
    User(UserNo),
    /// Users, tokens, contents, instance settings.
    Instance,
}

/// How much a read touches: where the engine should run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadCost {
    /// One entry or one page: may run in place on the calling thread.
    Bounded,
    /// A search, a sort or a long window: kept off the calling thread.
    Long,
}

/// What became of one run of a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// Keep what it wrote.
    Commit,
    /// Undo what it wrote; the closure has its own reason.
    Rollback,
}

/// A closure that writes, shipped to the engine.
pub trait Job: Send {
    /// Runs the closure. It may run again, after a conflict or after another
    /// closure of its batch failed, so it has no effect outside `tx`.
    fn run(&mut self, tx: &mut dyn MetaTxn) -> JobEnd;

    /// Called once. `Ok` means that the last run's effects are durable, or
    /// that the last run asked for a rollback and left nothing.
    fn finish(self: Box<Self>, outcome: Result<(), EngineError>);
}

/// A closure that reads in one snapshot, shipped to the engine.
pub trait ReadJob: Send {
    /// Runs the closure; called at most once.
    fn run(&mut self, snapshot: &mut dyn MetaRead);

    /// Called instead of `run` when there is no snapshot to be had, or after
    /// a `run` that panicked.
    fn fail(&mut self, error: EngineError);
}

/// A store of rows with transactions. One statement per method of
/// [`MetaTxn`]; see the methods for what each promises.
pub trait MetaStore: Send + Sync + 'static {
    /// Queues a closure. Closures of one scope run in the order they were
    /// submitted; the effects of one are atomic and isolated from all others.
    /// When the queue is full, [`Job::finish`] is called with
    /// [`ErrorKind::Busy`] at once.
    fn submit(&self, scope: Scope, job: Box<dyn Job>);

    /// Runs a closure in one snapshot: it sees every change that was
    /// acknowledged before the call and none in part. A closure of
    /// [`ReadCost::Bounded`] may run before this returns.
    fn submit_read(&self, cost: ReadCost, job: Box<dyn ReadJob>) -> BoxFuture<'static, ()>;
}

/// How the rules call a [`MetaStore`].
pub trait MetaStoreExt: MetaStore {
    /// Runs `closure` in a transaction and resolves when its effects are
    /// durable. When it returns an error nothing it wrote remains. A closure
    /// that was submitted runs even if nobody waits for it any more, and is
    /// dropped before the answer is there.
    ///
    /// # Errors
    /// The closure's own, or the engine's turned into the closure's.
    fn write<T, E, F>(&self, scope: Scope, closure: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
        F: FnMut(&mut dyn MetaTxn) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.submit(scope, Box::new(WriteJob { closure, result: None, answer }));
        async move { answered.await.unwrap_or_else(|_| Err(abandoned().into())) }
    }

    /// Runs `closure` in one snapshot.
    ///
    /// # Errors
    /// The closure's own, or the engine's turned into the closure's.
    fn read<T, E, F>(&self, cost: ReadCost, closure: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
        F: FnOnce(&mut dyn MetaRead) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = SnapshotJob { closure: Some(closure), answer: Some(answer) };
        let running = self.submit_read(cost, Box::new(job));
        async move {
            running.await;
            answered.await.unwrap_or_else(|_| Err(abandoned().into()))
        }
    }
}

impl<S: MetaStore + ?Sized> MetaStoreExt for S {}

fn abandoned() -> EngineError {
    EngineError::new(ErrorKind::Failed, "the metadata engine has stopped")
}

struct WriteJob<T, E, F> {
    closure: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for WriteJob<T, E, F>
where
    T: Send,
    E: From<EngineError> + Send,
    F: FnMut(&mut dyn MetaTxn) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut dyn MetaTxn) -> JobEnd {
        let result = (self.closure)(tx);
        let end = if result.is_ok() { JobEnd::Commit } else { JobEnd::Rollback };
        self.result = Some(result);
        end
    }

    fn finish(self: Box<Self>, outcome: Result<(), EngineError>) {
        let Self { closure, result, answer } = *self;
        // What the closure holds is given back before anybody hears of it.
        drop(closure);
        let result = match (outcome, result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(abandoned().into()),
            (Err(error), _) => Err(error.into()),
        };
        // Nobody may be waiting any more; the effects are what they are.
        let _ = answer.send(result);
    }
}

struct SnapshotJob<T, E, F> {
    closure: Option<F>,
    answer: Option<oneshot::Sender<Result<T, E>>>,
}

impl<T, E, F> SnapshotJob<T, E, F> {
    fn answer(&mut self, result: Result<T, E>) {
        if let Some(answer) = self.answer.take() {
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        }
    }
}

impl<T, E, F> ReadJob for SnapshotJob<T, E, F>
where
    T: Send,
    E: From<EngineError> + Send,
    F: FnOnce(&mut dyn MetaRead) -> Result<T, E> + Send,
{
    fn run(&mut self, snapshot: &mut dyn MetaRead) {
        if let Some(closure) = self.closure.take() {
            let result = closure(snapshot);
            self.answer(result);
        }
    }

    fn fail(&mut self, error: EngineError) {
        self.answer(Err(error.into()));
    }
}
