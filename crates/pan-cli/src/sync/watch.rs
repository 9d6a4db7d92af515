//! Keeping two directories the same as they change.
//!
//! What the system tells about local files only says *that* something
//! happened: what it was, a look at the tree finds out. So nothing is lost
//! when events are, and nothing piles up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::Sync;
use super::names::is_ours;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::read_or_not;

/// How long it must be quiet before a change is carried over …
const CALM: Duration = Duration::from_millis(500);
/// … unless it never is.
const IMPATIENCE: Duration = Duration::from_secs(5);
/// How long what failed is left alone.
const GRUDGE: Duration = Duration::from_secs(60);
/// The pauses after failures that may pass; the last one is repeated.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Synchronises until something fails for good, or the command is ended.
pub(crate) async fn run(sync: Sync<'_>) -> Result<(), Failure> {
    let changed = Arc::new(Notify::new());
    // Before the first look, so that nothing happens unseen.
    let watcher = watch(&sync.local, &changed);
    if let Err(error) = &watcher {
        let seconds = sync.args.interval;
        let text =
            format!("cannot watch the directory, so it is looked at every {seconds} s: {error}");
        sync.screen.stderr.note(&text);
    }
    let mut failures = 0;
    let mut forgiven = Instant::now();
    loop {
        if forgiven.elapsed() > GRUDGE {
            sync.failed.borrow_mut().clear();
            sync.noted.borrow_mut().clear();
            forgiven = Instant::now();
        }
        let done = sync.until_quiet().await;
        read_or_not(sync.screen.flush())?;
        match done {
            Ok(()) => {
                failures = 0;
                let is_all_well = sync.failed.borrow().is_empty();
                let news = sync.wait_for_news(&changed, watcher.is_err());
                match is_all_well {
                    true => news.await?,
                    // What failed is tried again, whatever happens or not.
                    false => timeout(GRUDGE, news).await.unwrap_or(Ok(()))?,
                }
            }
            Err(failure) if failure.exit == Exit::Temporary => {
                sync.pause(&failure, failures).await;
                failures += 1;
            }
            Err(failure) => return sync.finish(Err(failure)),
        }
    }
}

impl Sync<'_> {
    /// Waits until one of the sides has changed.
    async fn wait_for_news(&self, changed: &Notify, is_blind: bool) -> Result<(), Failure> {
        let interval = Duration::from_secs(self.args.interval.into());
        let mut failures = 0;
        loop {
            if timeout(interval, changed.notified()).await.is_ok() {
                until_calm(changed).await;
                return Ok(());
            }
            if is_blind {
                return Ok(());
            }
            let cursor = self.base.borrow().fact("cursor")?;
            match self.client.diff(cursor.as_deref()).await.map_err(Failure::from) {
                Ok(page) if page.changes.is_empty() && !page.has_more && !page.reset => {}
                Ok(_) => return Ok(()),
                Err(failure) if failure.exit == Exit::Temporary => {
                    self.pause(&failure, failures).await;
                    failures += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn pause(&self, failure: &Failure, failures: usize) {
        let pause = PAUSES[failures.min(PAUSES.len() - 1)];
        let text = format!("{}; trying again in {} s", failure.message, pause.as_secs());
        self.screen.stderr.note(&text);
        sleep(pause).await;
    }
}

/// Waits until nothing has happened for a moment.
async fn until_calm(changed: &Notify) {
    let begin = Instant::now();
    while begin.elapsed() < IMPATIENCE && timeout(CALM, changed.notified()).await.is_ok() {}
}

/// Tells of changes below a directory, as long as the watcher lives.
fn watch(root: &Path, changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let changed = Arc::clone(changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error may mean that events were lost.
        if event.is_err() || event.is_ok_and(|event| is_change(&event)) {
            changed.notify_one();
        }
    })?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Whether an event is more than reading, and not about our own files in the
/// making.
fn is_change(event: &Event) -> bool {
    let is_reading = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    let is_our_own =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_ours);
    let is_only_ours = !event.paths.is_empty() && event.paths.iter().all(|path| is_our_own(path));
    event.need_rescan() || !(is_reading || is_only_ours)
}
