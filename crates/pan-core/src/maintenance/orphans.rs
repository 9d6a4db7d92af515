//! Deletes blobs that belong to no content: what a crash left of uploads that
//! were never committed.
//!
//! Bytes without a row can only be in young buckets, so each bucket is swept
//! once, when it is two days old. Buckets younger than that at our own start
//! may hold uploads that are still under way and are left to the next start.

use pan_engine::{MetaRead, MetaStore, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::BlobKey;

use crate::{Error, Pan, Result};

/// Hours after which an upload cannot still be under way.
const SETTLED_HOURS: u32 = 48;
/// Keys that are looked at together.
const AT_ONCE: usize = 500;
/// The setting that holds the last hour that was swept.
const SWEPT: &str = "orphans_swept_through_hour";

impl Pan {
    /// Sweeps the buckets that became old, unless a backup is under way.
    /// Returns how many blobs were deleted.
    pub(crate) async fn sweep_orphans(&self) -> Result<u64> {
        let Some(_removal) = self.inner().leases.try_remove() else { return Ok(0) };
        let oldest = self.inner().started.hour().min(self.now().hour());
        let Some(through) = oldest.checked_sub(SETTLED_HOURS) else { return Ok(0) };
        let swept = self.swept_through().await?;
        let mut removed = 0;
        let hours = self.blobs().hours().await?;
        for hour in hours.into_iter().filter(|&hour| hour > swept && hour <= through) {
            removed += self.sweep_bucket(hour).await?;
        }
        if through > swept {
            let job = move |tx: &mut dyn MetaTxn| {
                Ok::<_, Error>(tx.put_setting(SWEPT, &through.to_be_bytes())?)
            };
            self.meta().write(Scope::Instance, job).await?;
        }
        Ok(removed)
    }

    async fn swept_through(&self) -> Result<u32> {
        let look = |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_setting(SWEPT)?);
        let value = self.meta().read(ReadCost::Bounded, look).await?;
        Ok(value.and_then(|value| value.try_into().ok()).map_or(0, u32::from_be_bytes))
    }

    async fn sweep_bucket(&self, hour: u32) -> Result<u64> {
        let mut removed = 0;
        let mut after = None;
        loop {
            let keys = self.blobs().list(hour, after, AT_ONCE).await?;
            let Some(&last) = keys.last() else { return Ok(removed) };
            let orphans = unknown(self.meta(), keys).await?;
            self.blobs().delete(&orphans).await?;
            removed += orphans.len() as u64;
            after = Some(last);
        }
    }
}

/// Those of the keys that no row names.
pub(super) async fn unknown(rows: &dyn MetaStore, keys: Vec<BlobKey>) -> Result<Vec<BlobKey>> {
    let look = move |read: &mut dyn MetaRead| {
        let mut unknown = Vec::new();
        for key in keys {
            if !read.is_blob_known(key)? {
                unknown.push(key);
            }
        }
        Ok::<_, Error>(unknown)
    };
    rows.read(ReadCost::Long, look).await
}
