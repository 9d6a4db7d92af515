//! Moving blobs aside: `quarantine/<hour>-<random>` below the store's
//! directory. Nothing here reads from there or deletes anything.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use pan_engine::EngineError;
use pan_model::BlobKey;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::blocking;
use crate::bucket::Bucket;
use crate::buckets::open_directory;
use crate::error::refused;
use crate::place::file_name;
use crate::store::Shared;

const NAME: &str = "quarantine";

/// Moves blobs aside so that a power cut leaves each in one place or the other.
pub(crate) async fn quarantine(shared: &Arc<Shared>, keys: &[BlobKey]) -> Result<(), EngineError> {
    if keys.is_empty() {
        return Ok(());
    }
    let (mover, keys) = (Arc::clone(shared), keys.to_vec());
    let buckets = blocking::run(move || {
        let moved = move_aside(&mover, &keys);
        // After the names are gone: an open one could be opened again.
        mover.readers.close(&keys);
        moved
    })
    .await?;
    for bucket in buckets.into_values() {
        bucket.sync().await?;
    }
    Ok(())
}

/// Moves the names; returns the buckets that they were in.
fn move_aside(
    shared: &Shared,
    keys: &[BlobKey],
) -> Result<BTreeMap<u32, Arc<Bucket>>, EngineError> {
    let aside = open(shared).map_err(|errno| refused(errno, "opening the quarantine"))?;
    let mut buckets = BTreeMap::new();
    for key in keys {
        let Some(bucket) = shared.buckets.get(key.hour)? else { continue };
        match rustix::fs::renameat(bucket.dir(), file_name(*key), &aside, key.to_string()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(refused(errno, format!("moving blob {key} aside"))),
        }
        buckets.insert(key.hour, bucket);
    }
    // The new names before the old ones are known to be gone.
    rustix::fs::fsync(&aside).map_err(|errno| refused(errno, "flushing the quarantine"))?;
    Ok(buckets)
}

fn open(shared: &Shared) -> Result<OwnedFd, Errno> {
    let root = shared.buckets.root();
    match rustix::fs::mkdirat(root, NAME, Mode::RWXU) {
        Ok(()) => rustix::fs::fsync(root)?,
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    open_directory(root, Path::new(NAME), OFlags::NOFOLLOW)
}
