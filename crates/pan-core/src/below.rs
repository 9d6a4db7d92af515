//! Where entries are, seen from one directory.
//!
//! Search and media lists find rows by an index that knows nothing of the tree:
//! an entry may be in the bin, or outside of what was asked for. Whether it
//! counts is decided by the way up from it, in the snapshot that found it.

use std::collections::HashMap;

use pan_engine::MetaRead;
use pan_engine::meta::Entry;
use pan_model::{Caller, FsId, NameKey, PanPath};

use crate::Result;
use crate::tree::{DEPTH_MAX, is_reachable};

/// A live directory, and what was learnt in one snapshot about those below it.
pub(crate) struct Below {
    directory: FsId,
    path: PanPath,
    prefix: String,
    /// The paths of directories; `None` for those that do not count.
    known: HashMap<FsId, Option<PanPath>>,
}

impl Below {
    /// What lies below a directory, in children whose key begins with
    /// `prefix`. `None` when the directory is no longer within what the caller
    /// may see.
    pub(crate) fn new(
        read: &mut dyn MetaRead,
        caller: &Caller,
        directory: FsId,
        prefix: &str,
    ) -> Result<Option<Self>> {
        let mut from_root = Self {
            directory: FsId::root(caller.user),
            path: PanPath::root(),
            prefix: String::new(),
            known: HashMap::new(),
        };
        let path = from_root.directory_path(read, directory)?;
        let visible = path.filter(|path| path.is_within(&caller.root));
        let (prefix, known) = (prefix.to_owned(), HashMap::new());
        Ok(visible.map(|path| Self { directory, path, prefix, known }))
    }

    /// The path of an entry, if it lies below the directory.
    pub(crate) fn locate(
        &mut self,
        read: &mut dyn MetaRead,
        entry: &Entry,
    ) -> Result<Option<PanPath>> {
        let Some(parent) = entry.parent else { return Ok(None) };
        let path = self.directory_path(read, parent)?;
        Ok(path.filter(|_| self.has_prefix(entry)).map(|path| path.join(&entry.name)))
    }

    fn directory_path(&mut self, read: &mut dyn MetaRead, fs_id: FsId) -> Result<Option<PanPath>> {
        let mut way = Vec::new();
        let mut at = fs_id;
        let mut path = loop {
            if at == self.directory {
                break Some(self.path.clone());
            }
            if let Some(known) = self.known.get(&at) {
                break known.clone();
            }
            // No path that counts has so many names.
            let entry = if way.len() <= DEPTH_MAX { read.get_entry(at)? } else { None };
            let Some((entry, parent)) = entry.and_then(|entry| entry.parent.map(|up| (entry, up)))
            else {
                self.known.insert(at, None);
                break None;
            };
            way.push(entry);
            at = parent;
        };
        while let Some(entry) = way.pop() {
            path = path
                .filter(|_| self.has_prefix(&entry))
                .map(|path| path.join(&entry.name))
                .filter(is_reachable);
            self.known.insert(entry.fs_id, path.clone());
        }
        Ok(path)
    }

    /// Only the children of the directory itself have to begin with it.
    fn has_prefix(&self, entry: &Entry) -> bool {
        entry.parent != Some(self.directory)
            || NameKey::of(&entry.name).as_str().starts_with(&self.prefix)
    }
}
