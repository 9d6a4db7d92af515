//! Work that nobody waits for: named, paced, visible.

use std::time::Duration;

use pan_engine::BoxFuture;

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

/// Collects what nothing points to.
struct Collector(Pan);

impl Worker for Collector {
    fn name(&self) -> &'static str {
        "gc"
    }

    fn work(&self) -> BoxFuture<'_, Result<WorkerStatus>> {
        Box::pin(async {
            let report = self.0.collect().await?;
            if report.is_idle() {
                return Ok(WorkerStatus::Idle);
            }
            tracing::info!(?report, "collected");
            Ok(WorkerStatus::Busy)
        })
    }

    fn rest(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// Between two pieces of work; requests come first.
const PACE: Duration = Duration::from_millis(100);

/// Runs every worker until the future is dropped.
pub async fn run_workers(pan: Pan) {
    let worker = Collector(pan);
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
