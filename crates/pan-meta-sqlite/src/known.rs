//! What the writer remembers from one batch to the next.
//!
//! It is the only one that writes, so what it has read stays true until it
//! changes it. A rollback forgets everything: what was remembered may have
//! been written by what was rolled back.

use std::collections::HashMap;
use std::ops::Range;

use pan_engine::meta::Entry;
use pan_model::FsId;

/// Directories that are remembered: enough for the ways that uploads take.
const DIRECTORIES_MAX: usize = 4096;

/// See the module.
pub(crate) struct Known {
    by_id: HashMap<FsId, Entry>,
    by_name: HashMap<FsId, HashMap<String, Entry>>,
    /// How many directories more are remembered before all are forgotten.
    room: usize,
    /// Content ids that are reserved in the database and not given out yet.
    pub(crate) content_ids: Range<i64>,
    /// No content is noted as damaged: no upload has to look.
    pub(crate) nothing_is_damaged: bool,
    /// Only the thread that writes may remember it.
    writes: bool,
}

impl Known {
    /// Remembers nothing: for a snapshot, which ends with its closure.
    pub(crate) fn nothing() -> Self {
        Self {
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            room: 0,
            content_ids: 0..0,
            nothing_is_damaged: false,
            writes: false,
        }
    }

    /// Remembers: for the thread that writes.
    pub(crate) fn of_writer() -> Self {
        Self { room: DIRECTORIES_MAX, writes: true, ..Self::nothing() }
    }

    /// The directory with this id, if it is remembered.
    pub(crate) fn directory(&self, fs_id: FsId) -> Option<&Entry> {
        self.by_id.get(&fs_id)
    }

    /// The directory that this key addresses, if it is remembered.
    pub(crate) fn child_directory(&self, parent: FsId, key: &str) -> Option<&Entry> {
        self.by_name.get(&parent)?.get(key)
    }

    /// Remembers a directory that was read by its id.
    pub(crate) fn learn(&mut self, entry: &Entry) {
        if self.takes(entry) {
            self.by_id.insert(entry.fs_id, entry.clone());
        }
    }

    /// Remembers a directory that was read by its name.
    pub(crate) fn learn_child(&mut self, parent: FsId, key: &str, entry: &Entry) {
        if self.takes(entry) {
            self.by_name.entry(parent).or_default().insert(key.to_owned(), entry.clone());
        }
    }

    /// Remembers whether any content is noted as damaged.
    pub(crate) fn learn_damage(&mut self, any: bool) {
        self.nothing_is_damaged = self.writes && !any;
    }

    /// Forgets the directories: one of them changed. That is rare beside the
    /// uploads that only pass through them.
    pub(crate) fn forget_directories(&mut self) {
        if !(self.by_id.is_empty() && self.by_name.is_empty()) {
            self.by_id.clear();
            self.by_name.clear();
            self.room = DIRECTORIES_MAX;
        }
    }

    /// Forgets everything.
    pub(crate) fn forget(&mut self) {
        self.forget_directories();
        self.content_ids = 0..0;
        self.nothing_is_damaged = false;
    }

    fn takes(&mut self, entry: &Entry) -> bool {
        if !entry.is_directory() || self.room == 0 {
            return false;
        }
        self.room -= 1;
        if self.room == 0 {
            self.forget_directories();
        }
        true
    }
}
