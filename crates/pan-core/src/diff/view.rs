//! Where entries are in this snapshot, and what of it a token sees.

use std::collections::HashMap;

use pan_engine::MetaRead;
use pan_engine::meta::Entry;
use pan_model::{Caller, FsId, PanPath};

use crate::Result;
use crate::tree::{DEPTH_MAX, is_reachable};

/// Directories whose place is remembered before all are forgotten.
const PLACES_MAX: usize = 1_000;

/// Where a path lies, seen from the root of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Below the root: the token sees it.
    Below,
    /// The root itself, or a directory above it.
    AtOrAbove,
    /// Elsewhere.
    Outside,
}

/// The tree as one token sees it in one snapshot.
pub(super) struct View<'a> {
    pub(super) root: &'a PanPath,
    root_depth: usize,
    /// Where directories are; `None` for what is in the bin, gone, or out of
    /// reach.
    places: HashMap<FsId, Option<PanPath>>,
}

impl<'a> View<'a> {
    pub(super) fn of(caller: &'a Caller) -> Self {
        let root_depth = caller.root.depth();
        Self { root: &caller.root, root_depth, places: HashMap::new() }
    }

    pub(super) fn relation(&self, path: &PanPath) -> Relation {
        if path.is_within(self.root) && path.depth() > self.root_depth {
            Relation::Below
        } else if self.root.is_within(path) {
            Relation::AtOrAbove
        } else {
            Relation::Outside
        }
    }

    /// Where an entry is, in its creators' spelling; `None` when it is not in
    /// the tree, or out of reach.
    pub(super) fn path_of(
        &mut self,
        read: &mut dyn MetaRead,
        entry: &Entry,
    ) -> Result<Option<PanPath>> {
        let Some(parent) = entry.parent else {
            return Ok(entry.fs_id.is_root().then(PanPath::root));
        };
        let path = self.directory(read, parent)?.map(|parent| parent.join(&entry.name));
        Ok(path.filter(is_reachable))
    }

    /// Where the directory with this id is.
    pub(super) fn directory(
        &mut self,
        read: &mut dyn MetaRead,
        fs_id: FsId,
    ) -> Result<Option<PanPath>> {
        if self.places.len() >= PLACES_MAX {
            self.places.clear();
        }
        // Up to what is known, then down again.
        let mut above = Vec::new();
        let mut at = fs_id;
        let mut place = loop {
            if let Some(known) = self.places.get(&at) {
                break known.clone();
            }
            let Some(entry) = read.get_entry(at)? else { break None };
            if at.is_root() {
                break Some(PanPath::root());
            }
            let parent = entry.parent;
            above.push(entry);
            if above.len() > DEPTH_MAX {
                self.places.insert(fs_id, None);
                return Ok(None);
            }
            match parent {
                Some(parent) => at = parent,
                None => break None,
            }
        };
        while let Some(entry) = above.pop() {
            place = place.map(|parent| parent.join(&entry.name)).filter(is_reachable);
            self.places.insert(entry.fs_id, place.clone());
        }
        Ok(place)
    }
}
