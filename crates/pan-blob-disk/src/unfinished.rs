use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pan_model::BlobKey;

/// The blobs that this process has begun and not finished: their files exist,
/// but readers must not see them.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<HashSet<BlobKey>>);

impl Unfinished {
    /// Whether the key was not there yet.
    pub(crate) fn insert(&self, key: BlobKey) -> bool {
        self.keys().insert(key)
    }

    pub(crate) fn remove(&self, key: BlobKey) {
        self.keys().remove(&key);
    }

    pub(crate) fn contains(&self, key: BlobKey) -> bool {
        self.keys().contains(&key)
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<BlobKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
