//! Which buckets and blobs there are.

use std::os::fd::BorrowedFd;

use pan_engine::EngineError;
use pan_model::BlobKey;
use rustix::fs::Dir;

use crate::error::refused;
use crate::place::{bucket_name, parse_bucket_name, parse_file_name};
use crate::store::Shared;

/// The hours that have a bucket, in order.
pub(crate) fn hours(shared: &Shared) -> Result<Vec<u32>, EngineError> {
    let mut hours = names(shared.buckets.root(), parse_bucket_name)
        .map_err(|errno| refused(errno, "listing the buckets"))?;
    hours.sort_unstable();
    Ok(hours)
}

/// The keys in an hour's bucket after `after`, in order, at most `limit`.
pub(crate) fn keys(
    shared: &Shared,
    hour: u32,
    after: Option<BlobKey>,
    limit: usize,
) -> Result<Vec<BlobKey>, EngineError> {
    let Some(bucket) = shared.buckets.get(hour)? else { return Ok(Vec::new()) };
    let ours = |name: &[u8]| {
        parse_file_name(hour, name).filter(|key| after.is_none_or(|after| *key > after))
    };
    let mut keys = names(bucket.dir(), ours)
        .map_err(|errno| refused(errno, format!("listing bucket {}", bucket_name(hour))))?;
    keys.sort_unstable();
    keys.truncate(limit);
    Ok(keys)
}

/// The names in a directory that mean something.
fn names<T>(
    dir: BorrowedFd<'_>,
    meaning: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, rustix::io::Errno> {
    let mut found = Vec::new();
    // A descriptor of its own: concurrent listings must not share a position.
    for entry in Dir::read_from(dir)? {
        found.extend(meaning(entry?.file_name().to_bytes()));
    }
    Ok(found)
}
