//! Deleting blobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use pan_engine::EngineError;
use pan_model::BlobKey;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::blocking;
use crate::bucket::Bucket;
use crate::error::refused;
use crate::place::file_name;
use crate::store::{Shared, this_hour};

/// An empty bucket is removed when it is this many hours old: nobody begins
/// blobs there any more.
const OLD_HOURS: u32 = 48;

/// Deletes blobs so that not even a power cut brings them back: whoever asked
/// is about to forget their names.
pub(crate) async fn delete(shared: &Arc<Shared>, keys: &[BlobKey]) -> Result<(), EngineError> {
    let (deleter, keys) = (Arc::clone(shared), keys.to_vec());
    let buckets = blocking::run(move || {
        let unlinked = unlink(&deleter, &keys);
        // After the names are gone: an open one could be opened again.
        deleter.readers.close(&keys);
        unlinked
    })
    .await?;
    for bucket in buckets.values() {
        Arc::clone(bucket).sync().await?;
    }
    let old = this_hour().saturating_sub(OLD_HOURS);
    let empty: Vec<u32> = buckets.into_keys().filter(|hour| *hour < old).collect();
    if empty.is_empty() {
        return Ok(());
    }
    let remover = Arc::clone(shared);
    blocking::run(move || {
        empty.iter().for_each(|hour| remover.buckets.remove_if_empty(*hour));
        Ok(())
    })
    .await
}

/// Removes the names; returns the buckets that they were in.
fn unlink(shared: &Shared, keys: &[BlobKey]) -> Result<BTreeMap<u32, Arc<Bucket>>, EngineError> {
    let mut buckets = BTreeMap::new();
    for key in keys {
        let Some(bucket) = shared.buckets.get(key.hour)? else { continue };
        match rustix::fs::unlinkat(bucket.dir(), file_name(*key), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(refused(errno, format!("deleting blob {key}"))),
        }
        shared.unfinished.remove(*key);
        // Also when the name was gone already: perhaps it was not flushed.
        buckets.insert(key.hour, bucket);
    }
    Ok(buckets)
}
