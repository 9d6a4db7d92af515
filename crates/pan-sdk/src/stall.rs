//! Noticing that nothing moves any more, without ever limiting how long
//! something that moves may take.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When bytes last moved. Clones share the moment.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    started: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Activity {
    /// Now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), last_ms: Arc::new(AtomicU64::new(0)) }
    }

    /// Bytes moved.
    pub(crate) fn mark(&self) {
        let elapsed = self.started.elapsed().as_millis();
        self.last_ms.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Nothing will move for so long, and that is meant.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = (self.started.elapsed() + wait).as_millis();
        self.last_ms.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.started + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }
}

/// Waits for `future` as long as the activity goes on; `None` when it has
/// ceased for `limit`.
pub(crate) async fn while_active<F: Future>(
    activity: &Activity,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    loop {
        let deadline = activity.last() + limit;
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            () = sleep_until(deadline) => {
                if activity.last() + limit <= Instant::now() {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::{Activity, while_active};

    const LIMIT: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn what_moves_may_take_its_time() {
        let activity = Activity::start();
        let work = async {
            for _ in 0..8 {
                sleep(LIMIT / 3).await;
                activity.mark();
            }
        };
        assert_eq!(while_active(&activity, LIMIT, work).await, Some(()));
    }

    #[tokio::test]
    async fn a_pause_that_is_meant_is_no_stall() {
        let activity = Activity::start();
        activity.pause(LIMIT * 3);
        assert_eq!(while_active(&activity, LIMIT, sleep(LIMIT * 3)).await, Some(()));
    }

    #[tokio::test]
    async fn what_stands_still_ends() {
        let activity = Activity::start();
        assert_eq!(while_active(&activity, LIMIT, std::future::pending::<()>()).await, None);
    }
}
