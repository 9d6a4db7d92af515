use std::collections::{BTreeMap, HashMap};

use super::Key;

/// Which values are there, how large they are, and in which order they were
/// used. May list files that somebody else has removed.
#[derive(Default)]
pub(super) struct Index {
    values: HashMap<Key, Value>,
    /// The keys by the time of their last use.
    by_use: BTreeMap<u64, Key>,
    size: u64,
    /// Counts uses.
    now: u64,
}

struct Value {
    size: u64,
    used: u64,
}

impl Index {
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.values.contains_key(key)
    }

    /// Adds a value, used just now, or replaces it.
    pub(super) fn insert(&mut self, key: Key, size: u64) {
        self.remove(&key);
        self.now += 1;
        self.values.insert(key, Value { size, used: self.now });
        self.by_use.insert(self.now, key);
        self.size += size;
    }

    /// A value was used.
    pub(super) fn touch(&mut self, key: &Key) {
        if let Some(value) = self.values.get_mut(key) {
            self.now += 1;
            self.by_use.remove(&value.used);
            self.by_use.insert(self.now, *key);
            value.used = self.now;
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(value) = self.values.remove(key) {
            self.by_use.remove(&value.used);
            self.size -= value.size;
        }
    }

    /// The value that was not used for the longest time, if all together are
    /// larger than so many bytes.
    pub(super) fn oldest_beyond(&self, size: u64) -> Option<Key> {
        if self.size <= size {
            return None;
        }
        self.by_use.first_key_value().map(|(_, key)| *key)
    }
}
