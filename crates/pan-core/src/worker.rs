//! Work that nobody waits for: named, paced, visible.

use std::time::Duration;

use pan_engine::BoxFuture;
use tokio::task::JoinSet;

use crate::maintenance::{Collector, Purger, Scrubber, Trimmer};
use crate::{Pan, Result};

/// How a worker is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerStatus {
    /// There was something to do, and there may be more.
    Busy,
    /// Nothing to do for now.
    Idle,
}

/// A kind of background work.
pub trait Worker: Send + Sync + 'static {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Does one bounded piece of work.
    fn work(&self) -> BoxFuture<'_, Result<WorkerStatus>>;

    /// How long to rest when there is nothing to do.
    fn rest(&self) -> Duration;
}

/// Between two pieces of work; requests come first.
const PACE: Duration = Duration::from_millis(100);

/// Every kind of background work there is.
fn workers(pan: Pan) -> Vec<Box<dyn Worker>> {
    vec![
        Box::new(Collector(pan.clone())),
        Box::new(Purger(pan.clone())),
        Box::new(Trimmer(pan.clone())),
        Box::new(Scrubber::new(pan)),
    ]
}

/// Runs every worker, side by side, until the future is dropped.
pub async fn run_workers(pan: Pan) {
    let mut running = JoinSet::new();
    for worker in workers(pan) {
        running.spawn(run(worker));
    }
    // Nobody waits for a worker, so one that panics is told of here; the
    // others go on.
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a worker has ended");
        }
    }
}

async fn run(worker: Box<dyn Worker>) {
    loop {
        let rest = match worker.work().await {
            Ok(WorkerStatus::Busy) => PACE,
            Ok(WorkerStatus::Idle) => worker.rest(),
            Err(error) => {
                tracing::error!(worker = worker.name(), %error, "a worker failed; it will try again");
                worker.rest()
            }
        };
        tokio::time::sleep(rest).await;
    }
}
