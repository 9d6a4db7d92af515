//! Closures that wait for the writer: bounded, and fair between scopes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pan_engine::{EngineError, ErrorKind, Job, Scope};

use crate::copy::CopyRequest;

/// So many closures may wait; the next one is told to come back later.
const WAITING_MAX: usize = 1_024;

/// What became of waiting for something to do.
pub(crate) enum Waited {
    /// A closure, with perhaps more behind it.
    Job(Box<dyn Job>),
    /// A copy of the database was asked for.
    Copy(CopyRequest),
    /// Nothing came for as long as the pause.
    Nothing,
    /// Nothing will come any more: the queue is closed, and empty.
    Closed,
}

/// A queue with one lane per scope. Within a lane order is kept; between lanes
/// turns are taken, so that one user's thousand uploads do not stand before
/// another's mkdir.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lanes: HashMap<Scope, VecDeque<Box<dyn Job>>>,
    /// The scopes that have something waiting, the next in turn first.
    turns: VecDeque<Scope>,
    waiting: usize,
    /// Copies of the database that were asked for.
    copies: VecDeque<CopyRequest>,
    /// The writer sleeps: without this every push would be a system call.
    asleep: bool,
    closed: bool,
}

impl Queue {
    /// Queues a closure, or finishes it at once when there is no room.
    pub(crate) fn push(&self, scope: Scope, job: Box<dyn Job>) {
        let mut state = self.lock();
        if let Some(refusal) = state.refusal() {
            drop(state);
            return job.finish(Err(refusal));
        }
        state.push(scope, job);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.changed.notify_one();
        }
    }

    /// Queues a copy of the database, or refuses it when there is no writer.
    pub(crate) fn push_copy(&self, request: CopyRequest) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return request.finish(Err(stopped()));
        }
        state.copies.push_back(request);
        drop(state);
        self.changed.notify_one();
    }

    /// Whether nothing more is let in.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The next copy that was asked for.
    pub(crate) fn pop_copy(&self) -> Option<CopyRequest> {
        self.lock().copies.pop_front()
    }

    /// The next closure in turn, if one waits.
    pub(crate) fn pop(&self) -> Option<Box<dyn Job>> {
        self.lock().pop()
    }

    /// The next copy, else the next closure in turn; sleeps until there is
    /// one, or for no longer than `pause`.
    pub(crate) fn wait(&self, pause: Option<Duration>) -> Waited {
        let mut state = self.lock();
        loop {
            // Closures wait for one step of it; it would wait for all of them.
            if let Some(request) = state.copies.pop_front() {
                return Waited::Copy(request);
            }
            if let Some(job) = state.pop() {
                return Waited::Job(job);
            }
            if state.closed {
                return Waited::Closed;
            }
            state.asleep = true;
            let Some(pause) = pause else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.changed.wait_timeout(state, pause);
            let timeout;
            (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            let nothing = state.waiting == 0 && state.copies.is_empty();
            if timeout.timed_out() && nothing && !state.closed {
                state.asleep = false;
                return Waited::Nothing;
            }
        }
    }

    /// Lets nothing more in; what waits can still be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state in between is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refusal(&self) -> Option<EngineError> {
        if self.closed {
            return Some(stopped());
        }
        (self.waiting >= WAITING_MAX).then(|| {
            let reason = format!("{WAITING_MAX} changes of metadata are waiting already");
            EngineError::new(ErrorKind::Busy, reason)
        })
    }

    fn push(&mut self, scope: Scope, job: Box<dyn Job>) {
        let lane = self.lanes.entry(scope).or_default();
        if lane.is_empty() {
            self.turns.push_back(scope);
        }
        lane.push_back(job);
        self.waiting += 1;
    }

    fn pop(&mut self) -> Option<Box<dyn Job>> {
        let scope = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&scope)?;
        let job = lane.pop_front()?;
        if lane.is_empty() {
            self.lanes.remove(&scope);
        } else {
            self.turns.push_back(scope);
        }
        self.waiting -= 1;
        Some(job)
    }
}

/// What a closure is told that comes too late.
pub(crate) fn stopped() -> EngineError {
    EngineError::new(ErrorKind::Failed, "the metadata engine has stopped")
}
