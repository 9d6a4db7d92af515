//! Forgets old changes: a reader that stayed away for longer begins anew.

use std::ops::ControlFlow;
use std::time::Duration;

use pan_engine::{BoxFuture, MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{Rev, Timestamp, UserNo};

use crate::{Error, Pan, Result, Worker, WorkerStatus};

const SECONDS_PER_DAY: i64 = 24 * 3600;
/// Changes that one piece of work removes.
const AT_ONCE: u64 = 500;

impl Pan {
    /// Removes changes that are older than the log is to be, a bounded number
    /// of one user's. Returns how many; 0 when there are none left.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn trim_changes(&self) -> Result<u64> {
        let days = i64::from(self.settings().diff_retention_days);
        let before = self.now().plus_seconds(-days * SECONDS_PER_DAY);
        for user in self.users().await? {
            let user = user.user;
            if !self.begins_before(user, before).await? {
                continue;
            }
            let job =
                move |tx: &mut dyn MetaTxn| Ok::<_, Error>(tx.trim_changes(user, before, AT_ONCE)?);
            return self.meta().write(Scope::User(user), job).await;
        }
        Ok(0)
    }

    /// Whether the first change in a user's log is older than that.
    async fn begins_before(&self, user: UserNo, before: Timestamp) -> Result<bool> {
        let look = move |read: &mut dyn MetaRead| {
            let mut begins = None;
            read.list_changes(user, Rev(0), 1, &mut |change| {
                begins = Some(change.at);
                ControlFlow::Break(())
            })?;
            Ok::<_, Error>(begins.is_some_and(|begins| begins < before))
        };
        self.meta().read(ReadCost::Bounded, look).await
    }
}

/// Keeps the change log as short as the operator wants it.
pub(crate) struct Trimmer(pub(crate) Pan);

impl Worker for Trimmer {
    fn name(&self) -> &'static str {
        "trim"
    }

    fn work(&self) -> BoxFuture<'_, Result<WorkerStatus>> {
        Box::pin(async {
            let trimmed = self.0.trim_changes().await?;
            if trimmed == 0 {
                return Ok(WorkerStatus::Idle);
            }
            tracing::debug!(trimmed, "forgot old changes");
            Ok(WorkerStatus::Busy)
        })
    }

    fn rest(&self) -> Duration {
        // Days are what counts.
        Duration::from_secs(3600)
    }
}
