//! Purging: what leaves the recycle bin for good, because it is asked for or
//! has been there for long.
//!
//! One closure takes an entry out of everybody's sight; what lay below a
//! directory is removed later, slice by slice, by `staged`.

use std::collections::BTreeMap;
use std::time::Duration;

use pan_engine::meta::{Recycled, StagedRow};
use pan_engine::{BoxFuture, MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{Timestamp, UserNo};

use crate::ledger::{self, Node};
use crate::recycle::PURGED_AT_ONCE;
use crate::{Error, Pan, Result, Worker, WorkerStatus};

const SECONDS_PER_DAY: i64 = 24 * 3600;

/// Purges what has been in the bin for long.
pub(crate) struct Purger(pub(crate) Pan);

impl Worker for Purger {
    fn name(&self) -> &'static str {
        "purge"
    }

    fn work(&self) -> BoxFuture<'_, Result<WorkerStatus>> {
        Box::pin(async {
            let purged = self.0.purge_expired().await?;
            if purged == 0 {
                return Ok(WorkerStatus::Idle);
            }
            tracing::info!(records = purged, "purged from the recycle bin");
            Ok(WorkerStatus::Busy)
        })
    }

    fn rest(&self) -> Duration {
        Duration::from_secs(60)
    }
}

impl Pan {
    /// Purges a bounded number of records that are older than the bin keeps
    /// them. Returns how many; zero when there are no more.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn purge_expired(&self) -> Result<u64> {
        let days = i64::from(self.settings().recycle_retention_days);
        let until = self.now().plus_seconds(-days * SECONDS_PER_DAY);
        let look = move |read: &mut dyn MetaRead| {
            Ok::<_, Error>(read.list_expired_recycled(until, PURGED_AT_ONCE)?)
        };
        let mut users: BTreeMap<UserNo, Vec<Recycled>> = BTreeMap::new();
        for record in self.meta().read(ReadCost::Bounded, look).await? {
            users.entry(record.fs_id.user()).or_default().push(record);
        }
        let mut purged = 0;
        for (user, records) in users {
            match self.purge(records).await {
                Ok(records) => purged += records,
                // Others' bins are purged all the same.
                Err(Error::Damaged { what }) => {
                    tracing::error!(%user, %what, "this user's bin cannot be purged");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(purged)
    }

    /// Purges records of one user, those that are still in the bin: they may
    /// have been restored, or deleted anew, since they were read.
    pub(crate) async fn purge(&self, records: Vec<Recycled>) -> Result<u64> {
        let Some(first) = records.first() else { return Ok(0) };
        let (scope, now) = (Scope::User(first.fs_id.user()), self.now());
        let job = move |tx: &mut dyn MetaTxn| {
            let mut purged = 0;
            for known in &records {
                if tx.get_recycled(known.fs_id)?.is_some_and(|record| record.rev == known.rev) {
                    purge(tx, now, known)?;
                    purged += 1;
                }
            }
            Ok::<_, Error>(purged)
        };
        self.meta().write(scope, job).await
    }
}

/// Takes a record out of the bin for good: from now on its entry is
/// invisible, not restorable and not counted. A constant number of rows.
fn purge(tx: &mut dyn MetaTxn, now: Timestamp, record: &Recycled) -> Result<()> {
    let old = Node::in_bin(tx, record)?;
    if !old.entry.is_directory() {
        ledger::apply(tx, now, Some(old), None)?;
        return Ok(());
    }
    let new = old.staged();
    tx.insert_staged(&StagedRow { fs_id: record.fs_id, begun: now, removing: true })?;
    ledger::apply(tx, now, Some(old), Some(new))?;
    Ok(())
}
