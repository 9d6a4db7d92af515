//! Which run makes which piece, and for whom.
//!
//! A run is one transcoder that makes the pieces of one stream in their order,
//! from where somebody began to watch. Whoever asks for what it holds or will
//! come to soon joins it; whoever asks for another place leaves it. The lock is
//! held for a few instructions and never while something is awaited.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pan_engine::{MediaError, SourceKey, Viewer};
use pan_model::StreamFormat;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::refusals::Refusals;

/// How many pieces a run makes past the last one that was asked for. It holds
/// as many in memory, so that a disk that is full stops nobody.
pub(crate) const AHEAD: u32 = 4;
/// A run that nobody asks any more ends after this time.
const IDLE: Duration = Duration::from_secs(20);

/// What a run makes the pieces of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StreamKey {
    pub(crate) source: SourceKey,
    pub(crate) format: StreamFormat,
}

/// All runs of a media engine. Dropping it ends them.
#[derive(Default)]
pub(crate) struct Runs {
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    runs: HashMap<u64, Run>,
    /// The run of each viewer who has one.
    viewers: HashMap<Viewer, u64>,
    refusals: Refusals,
    runs_begun: u64,
}

struct Run {
    stream: StreamKey,
    first: u32,
    /// The piece that is being made.
    next: u32,
    /// The pieces before it, as many as are held.
    held: VecDeque<Bytes>,
    /// The last piece that was asked for.
    asked: u32,
    asked_at: Instant,
    viewers: Vec<Viewer>,
    waiters: Vec<(u32, oneshot::Sender<Made>)>,
    changed: Arc<Notify>,
    task: Option<AbortHandle>,
}

/// What became of a piece that was waited for.
type Made = Result<Bytes, Arc<MediaError>>;

/// What came of asking for a piece.
pub(crate) enum Asked {
    Held(Bytes),
    Waiting(Waiting),
    Refused(MediaError),
}

/// A piece that a run will come to.
pub(crate) struct Waiting {
    made: oneshot::Receiver<Made>,
    changed: Arc<Notify>,
}

impl Waiting {
    /// Waits for the piece; `None` when the run ended before it came to it.
    pub(crate) async fn made(mut self) -> Option<Made> {
        (&mut self.made).await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.made.close();
        self.changed.notify_one();
    }
}

/// A run's own place in the table. It leaves the table when this is dropped.
pub(crate) struct Membership {
    number: u64,
    table: Arc<Mutex<Table>>,
    changed: Arc<Notify>,
}

/// What a run should do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Go,
    /// It is far enough ahead, for now.
    PauseUntil(Instant),
    /// It is of no use any more, and is not in the table any more.
    End,
}

impl Runs {
    /// Asks for a piece: joins a run that holds it or will come to it soon, or
    /// begins one with it.
    pub(crate) fn ask(
        &self,
        stream: StreamKey,
        index: u32,
        viewer: Viewer,
        begin: impl FnOnce(Membership) -> AbortHandle,
    ) -> Asked {
        let mut table = lock(&self.table);
        if let Some(reason) = table.refusals.of(stream, index) {
            return Asked::Refused(MediaError::Unsuitable(reason));
        }
        let covering = table.covering(stream, index, viewer);
        table.detach(viewer, covering);
        let number = covering.unwrap_or_else(|| table.begin(stream, index));
        let asked = table.join(number, index, viewer);
        let changed = table.runs.get(&number).map(|run| Arc::clone(&run.changed));
        drop(table);
        if covering.is_none()
            && let Some(changed) = changed
        {
            let table = Arc::clone(&self.table);
            let task = begin(Membership { number, table, changed });
            if let Some(run) = lock(&self.table).runs.get_mut(&number) {
                run.task = Some(task);
            }
        }
        asked
    }

    /// Notes that a viewer was given a piece from the cache: a run that is ahead
    /// of it goes on.
    pub(crate) fn touch(&self, stream: StreamKey, index: u32, viewer: Viewer) {
        let mut table = lock(&self.table);
        let Some(&number) = table.viewers.get(&viewer) else { return };
        if let Some(run) = table.runs.get_mut(&number)
            && run.stream == stream
            && run.covers(index)
        {
            run.ask(index);
        }
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        lock(&self.table).runs.len()
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        let runs = std::mem::take(&mut lock(&self.table).runs);
        for task in runs.values().filter_map(|run| run.task.as_ref()) {
            task.abort();
        }
    }
}

impl Table {
    /// A run that has the piece or will soon: the viewer's own, if it does.
    fn covering(&self, stream: StreamKey, index: u32, viewer: Viewer) -> Option<u64> {
        let covers = |number: &u64| {
            self.runs.get(number).is_some_and(|run| run.stream == stream && run.covers(index))
        };
        let own = self.viewers.get(&viewer).copied();
        own.filter(covers).or_else(|| self.runs.keys().copied().find(covers))
    }

    /// Takes a viewer from the run they have, unless it is this one.
    fn detach(&mut self, viewer: Viewer, keep: Option<u64>) {
        let Some(&number) = self.viewers.get(&viewer) else { return };
        if keep == Some(number) {
            return;
        }
        self.viewers.remove(&viewer);
        if let Some(run) = self.runs.get_mut(&number) {
            run.viewers.retain(|other| *other != viewer);
            run.changed.notify_one();
        }
    }

    /// Makes a place for a run.
    fn begin(&mut self, stream: StreamKey, first: u32) -> u64 {
        let number = self.runs_begun;
        self.runs_begun += 1;
        let run = Run {
            stream,
            first,
            next: first,
            held: VecDeque::new(),
            asked: first,
            asked_at: Instant::now(),
            viewers: Vec::new(),
            waiters: Vec::new(),
            changed: Arc::default(),
            task: None,
        };
        self.runs.insert(number, run);
        number
    }

    fn join(&mut self, number: u64, index: u32, viewer: Viewer) -> Asked {
        let (sender, made) = oneshot::channel();
        let Some(run) = self.runs.get_mut(&number) else {
            return Asked::Waiting(Waiting { made, changed: Arc::default() });
        };
        if !run.viewers.contains(&viewer) {
            run.viewers.push(viewer);
            self.viewers.insert(viewer, number);
        }
        run.ask(index);
        match run.held(index) {
            Some(piece) => Asked::Held(piece),
            None => {
                run.waiters.push((index, sender));
                Asked::Waiting(Waiting { made, changed: Arc::clone(&run.changed) })
            }
        }
    }

    fn remove(&mut self, number: u64) -> Option<Run> {
        let run = self.runs.remove(&number)?;
        for viewer in &run.viewers {
            self.viewers.remove(viewer);
        }
        Some(run)
    }
}

impl Run {
    fn covers(&self, index: u32) -> bool {
        let held = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        (self.next - held..=self.next.saturating_add(AHEAD)).contains(&index)
    }

    fn held(&self, index: u32) -> Option<Bytes> {
        let back = usize::try_from(self.next.checked_sub(index)?).ok()?;
        self.held.get(self.held.len().checked_sub(back)?).cloned()
    }

    fn ask(&mut self, index: u32) {
        self.asked = self.asked.max(index);
        self.asked_at = Instant::now();
        self.changed.notify_one();
    }

    /// Forgets waiters who do not wait any more; whether there are others.
    fn is_waited_for(&mut self) -> bool {
        self.waiters.retain(|(_, waiter)| !waiter.is_closed());
        !self.waiters.is_empty()
    }

    /// The last piece that is worth making now.
    fn last_wanted(&self) -> Option<u32> {
        let waited_for = self.waiters.iter().map(|(index, _)| *index).max();
        let ahead = (!self.viewers.is_empty()).then(|| self.asked.saturating_add(AHEAD));
        waited_for.max(ahead)
    }

    fn step(&mut self, now: Instant) -> Step {
        let is_waited_for = self.is_waited_for();
        match self.last_wanted() {
            None => Step::End,
            Some(last) if self.next <= last => Step::Go,
            Some(_) if is_waited_for || now < self.asked_at + IDLE => {
                Step::PauseUntil(self.asked_at + IDLE)
            }
            Some(_) => Step::End,
        }
    }
}

impl Membership {
    /// What the run should do now.
    pub(crate) fn step(&self) -> Step {
        let mut table = lock(&self.table);
        let Some(run) = table.runs.get_mut(&self.number) else { return Step::End };
        let step = run.step(Instant::now());
        if step == Step::End {
            table.remove(self.number);
        }
        step
    }

    /// Waits until the answer of [`step`](Self::step) may be another.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether somebody waits for a piece.
    pub(crate) fn is_waited_for(&self) -> bool {
        lock(&self.table).runs.get_mut(&self.number).is_some_and(Run::is_waited_for)
    }

    /// Leaves the table, if nobody waits for a piece.
    pub(crate) fn give_up(&self) -> bool {
        let mut table = lock(&self.table);
        let is_waited_for = table.runs.get_mut(&self.number).is_some_and(Run::is_waited_for);
        if !is_waited_for {
            table.remove(self.number);
        }
        !is_waited_for
    }

    /// Hands the next piece to all who wait for it.
    pub(crate) fn deliver(&self, piece: &Bytes) {
        let mut table = lock(&self.table);
        let Some(run) = table.runs.get_mut(&self.number) else { return };
        let index = run.next;
        run.next += 1;
        run.held.push_back(piece.clone());
        if run.held.len() > AHEAD as usize + 1 {
            run.held.pop_front();
        }
        for (_, waiter) in run.waiters.extract_if(.., |(wanted, _)| *wanted == index) {
            let _ = waiter.send(Ok(piece.clone()));
        }
    }

    /// Ends with an error. A video that cannot be decoded is only known to be
    /// so where the run began: of what comes later, another run may make more.
    pub(crate) fn fail(&self, error: MediaError) {
        let mut table = lock(&self.table);
        let Some(run) = table.remove(self.number) else { return };
        let is_local = matches!(error, MediaError::Unsuitable(_));
        if is_local && run.next > run.first {
            return;
        }
        if let MediaError::Unsuitable(reason) = &error {
            table.refusals.add(run.stream, run.first, reason.clone());
        }
        let error = Arc::new(error);
        for (index, waiter) in run.waiters {
            if !is_local || index == run.first {
                let _ = waiter.send(Err(Arc::clone(&error)));
            }
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        lock(&self.table).remove(self.number);
    }
}

/// Nothing that holds the lock can leave the table half done.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
