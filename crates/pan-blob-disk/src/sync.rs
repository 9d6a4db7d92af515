//! Making the names of blobs durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use pan_engine::{EngineError, ErrorKind};
use pan_model::BlobKey;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::blocking;
use crate::bucket::Bucket;
use crate::error::refused;
use crate::place::file_name;
use crate::store::Shared;

/// Flushes the bucket of every key; each key must have a finished blob.
pub(crate) async fn sync(shared: &Arc<Shared>, keys: &[BlobKey]) -> Result<(), EngineError> {
    let (finder, keys) = (Arc::clone(shared), keys.to_vec());
    let buckets = blocking::run(move || buckets_of(&finder, &keys)).await?;
    for bucket in buckets {
        bucket.sync().await?;
    }
    Ok(())
}

fn buckets_of(shared: &Shared, keys: &[BlobKey]) -> Result<Vec<Arc<Bucket>>, EngineError> {
    let mut buckets = BTreeMap::new();
    for key in keys {
        let missing = || EngineError::new(ErrorKind::Missing, format!("there is no blob {key}"));
        let bucket = shared.buckets.get(key.hour)?.ok_or_else(missing)?;
        match rustix::fs::statat(bucket.dir(), file_name(*key), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) if !shared.unfinished.contains(*key) => {}
            Ok(_) | Err(Errno::NOENT) => return Err(missing()),
            Err(errno) => return Err(refused(errno, format!("looking at blob {key}"))),
        }
        buckets.insert(key.hour, bucket);
    }
    Ok(buckets.into_values().collect())
}
