//! The blobs that are open for reading.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pan_model::BlobKey;

/// A finished blob, open for reading.
pub(crate) struct OpenBlob {
    pub(crate) key: BlobKey,
    pub(crate) file: File,
    pub(crate) size: u64,
}

/// A bounded number of open blobs, so that a small read is one system call.
///
/// Nothing here can be stale: a blob never changes, and its key is never used
/// again. When the cache is full, a hand goes round and closes the first blob
/// that was not read since it last came by.
pub(crate) struct Readers(Mutex<Cache>);

struct Cache {
    places: HashMap<BlobKey, usize>,
    slots: Vec<Slot>,
    slots_max: usize,
    hand: usize,
    deletions: u64,
}

struct Slot {
    blob: Arc<OpenBlob>,
    read: bool,
}

/// A moment in the life of the cache.
#[derive(Clone, Copy)]
pub(crate) struct Moment(u64);

impl Readers {
    /// Keeps at most `max` blobs open.
    pub(crate) fn new(max: usize) -> Self {
        let cache = Cache {
            places: HashMap::new(),
            slots: Vec::new(),
            slots_max: max.max(1),
            hand: 0,
            deletions: 0,
        };
        Self(Mutex::new(cache))
    }

    /// An open blob, or the moment at which it was not there.
    pub(crate) fn get(&self, key: BlobKey) -> Result<Arc<OpenBlob>, Moment> {
        let mut cache = self.cache();
        let Some(place) = cache.places.get(&key).copied() else {
            return Err(Moment(cache.deletions));
        };
        let slot = &mut cache.slots[place];
        slot.read = true;
        Ok(Arc::clone(&slot.blob))
    }

    /// Keeps a blob open that was opened after `since`.
    pub(crate) fn keep(&self, blob: Arc<OpenBlob>, since: Moment) {
        let mut cache = self.cache();
        // It may be one of the blobs that were deleted meanwhile.
        if cache.deletions == since.0 {
            cache.insert(blob);
        }
    }

    /// Closes blobs that have just been deleted.
    pub(crate) fn close(&self, keys: &[BlobKey]) {
        let mut cache = self.cache();
        cache.deletions += 1;
        for key in keys {
            cache.remove(*key);
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn insert(&mut self, blob: Arc<OpenBlob>) {
        if self.places.contains_key(&blob.key) {
            return;
        }
        if self.slots.len() == self.slots_max {
            self.remove_one();
        }
        self.places.insert(blob.key, self.slots.len());
        self.slots.push(Slot { blob, read: false });
    }

    fn remove_one(&mut self) {
        loop {
            self.hand = (self.hand + 1) % self.slots.len();
            let slot = &mut self.slots[self.hand];
            if !slot.read {
                let key = slot.blob.key;
                return self.remove(key);
            }
            slot.read = false;
        }
    }

    fn remove(&mut self, key: BlobKey) {
        let Some(place) = self.places.remove(&key) else { return };
        self.slots.swap_remove(place);
        if let Some(moved) = self.slots.get(place) {
            self.places.insert(moved.blob.key, place);
        }
    }
}
