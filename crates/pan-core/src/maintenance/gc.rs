//! Frees the bytes that nothing points to: present → deletable → deleting →
//! gone, each step in a transaction of its own.
//!
//! A content is looked at again under the row lock before each step, so that
//! a hit can revive it until its deletion has begun.

use std::time::Duration;

use pan_engine::meta::{ContentKind, ContentState};
use pan_engine::{BoxFuture, MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{ContentId, Timestamp};

use crate::{Error, Pan, Result, Worker, WorkerStatus, tmpfile};

/// Rows that one pass takes up at a time.
const AT_ONCE: u64 = 200;
/// Parts that one closure takes from a superfile: two rows each.
const PARTS_AT_ONCE: usize = 500;

/// What a pass of the collector did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectReport {
    /// Tmpfiles that nobody used any more.
    pub tmpfiles_expired: u64,
    /// Entries that nobody can see any more and that were removed: of what
    /// was purged, and of copies that were given up.
    pub staged_removed: u64,
    /// Contents that had lost a pointer and were looked at.
    pub contents_examined: u64,
    /// Those of them that nothing points to any more.
    pub contents_deletable: u64,
    /// Contents that were removed with their bytes.
    pub contents_removed: u64,
    /// Blobs that belonged to no content and were deleted.
    pub orphans_removed: u64,
}

impl CollectReport {
    /// Whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// Collects what nothing points to.
pub(crate) struct Collector(pub(crate) Pan);

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

impl Pan {
    /// One pass over everything that may be freed. The first failure of an
    /// engine ends it: nothing is deleted on a guess.
    ///
    /// # Errors
    /// Only those of the engines.
    pub async fn collect(&self) -> Result<CollectReport> {
        let tmpfiles_expired = self.expire_tmpfiles().await?;
        let staged_removed = self.remove_staged().await?;
        let (contents_examined, contents_deletable) = self.mark_deletable().await?;
        Ok(CollectReport {
            tmpfiles_expired,
            staged_removed,
            contents_examined,
            contents_deletable,
            contents_removed: self.remove_contents().await?,
            orphans_removed: self.sweep_orphans().await?,
        })
    }

    async fn expire_tmpfiles(&self) -> Result<u64> {
        let until = self.now().plus_seconds(-self.settings().tmpfile_seconds);
        let list =
            move |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_idle_tmpfiles(until, AT_ONCE)?);
        let idle = self.meta().read(ReadCost::Bounded, list).await?;
        let mut expired = 0;
        for (key, _) in idle {
            let scope = Scope::User(key.user);
            let job = move |tx: &mut dyn MetaTxn| {
                let Some(row) = tx.get_tmpfile(&key)?.filter(|row| row.used_at <= until) else {
                    return Ok::<_, Error>(0);
                };
                tmpfile::remove(tx, &key, &row)?;
                Ok(1)
            };
            expired += self.meta().write(scope, job).await?;
        }
        Ok(expired)
    }

    /// Returns how many contents were looked at, and how many may go.
    async fn mark_deletable(&self) -> Result<(u64, u64)> {
        let list = |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_maybe_unreferenced(AT_ONCE)?);
        let noted = self.meta().read(ReadCost::Bounded, list).await?;
        if noted.is_empty() {
            return Ok((0, 0));
        }
        let now = self.now();
        let job = move |tx: &mut dyn MetaTxn| {
            let mut marked = 0;
            for &id in &noted {
                marked += u64::from(mark_if_unreferenced(tx, id, now)?);
            }
            Ok::<_, Error>((noted.len() as u64, marked))
        };
        self.meta().write(Scope::Instance, job).await
    }

    async fn remove_contents(&self) -> Result<u64> {
        self.begin_deletions().await?;
        let list = |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_deleting(AT_ONCE)?);
        let deleting = self.meta().read(ReadCost::Bounded, list).await?;
        let mut removed = 0;
        for id in deleting {
            // A backup has begun: what goes may be among what it copies.
            let Some(_removal) = self.inner().leases.try_remove() else { break };
            self.remove_content(id).await?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Deletable long enough, by the wall clock and by our own uptime, so
    /// that a clock that jumps cannot cut the grace short.
    async fn begin_deletions(&self) -> Result<()> {
        let grace = self.settings().gc_grace_seconds;
        if self.clock().uptime() < Duration::from_secs(grace.unsigned_abs()) {
            return Ok(());
        }
        let until = self.now().plus_seconds(-grace);
        let list =
            move |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_deletable(until, AT_ONCE)?);
        let deletable = self.meta().read(ReadCost::Bounded, list).await?;
        if deletable.is_empty() {
            return Ok(());
        }
        let job = move |tx: &mut dyn MetaTxn| {
            for &id in &deletable {
                let row = tx.get_content(id)?;
                if !row.is_some_and(|row| matches!(row.state, ContentState::Deletable(_))) {
                    continue;
                }
                let referenced = tx.is_referenced(id)?;
                let state = if referenced { ContentState::Present } else { ContentState::Deleting };
                tx.set_content_state(id, state)?;
            }
            Ok::<_, Error>(())
        };
        self.meta().write(Scope::Instance, job).await
    }

    /// Bytes first, then the rows that name them: a crash in between leaves
    /// rows in the state deleting, and this runs again.
    async fn remove_content(&self, id: ContentId) -> Result<()> {
        let list =
            move |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_blobs(id, 0, u64::MAX)?);
        let blobs = self.meta().read(ReadCost::Long, list).await?;
        let keys: Vec<_> = blobs.iter().map(|blob| blob.key).collect();
        self.blobs().delete(&keys).await?;
        loop {
            let job = move |tx: &mut dyn MetaTxn| remove_rows(tx, id);
            if self.meta().write(Scope::Instance, job).await? {
                return Ok(());
            }
        }
    }
}

/// Removes a content, of a superfile some of its parts first. Returns whether
/// all of it is gone.
fn remove_rows(tx: &mut dyn MetaTxn, id: ContentId) -> Result<bool> {
    let Some(row) = tx.get_content(id)? else { return Ok(true) };
    if row.kind == ContentKind::Superfile {
        let parts = tx.list_parts(id)?;
        let kept = parts.len().saturating_sub(PARTS_AT_ONCE);
        for part in &parts[kept..] {
            tx.add_maybe_unreferenced(part.id)?;
        }
        tx.remove_parts(id, kept as u32)?;
        if kept > 0 {
            return Ok(false);
        }
    }
    tx.remove_content(id)?;
    Ok(true)
}

fn mark_if_unreferenced(tx: &mut dyn MetaTxn, id: ContentId, now: Timestamp) -> Result<bool> {
    tx.remove_maybe_unreferenced(id)?;
    let Some(row) = tx.get_content(id)? else { return Ok(false) };
    if row.state != ContentState::Present || tx.is_referenced(id)? {
        return Ok(false);
    }
    tx.set_content_state(id, ContentState::Deletable(now))?;
    Ok(true)
}
