//! A subtree, each directory before what is in it, in the order of name keys.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use pan_engine::MetaRead;
use pan_engine::meta::{ChildrenQuery, Entry, ListedAfter};
use pan_model::{ByteSize, FsId, ListBy, ListOrder, NameKey, PanPath, Timestamp};

use crate::Result;
use crate::tree::is_reachable;

/// The first window of a directory: most have no more, and of those on the way
/// down to a deep entry nothing else is needed yet.
const FIRST_WINDOW: u64 = 32;
/// Windows double up to this.
const LARGEST_WINDOW: u64 = 512;

/// A walk under way: the directories from its top down to where it is.
pub(super) struct Walk {
    open: Vec<OpenDirectory>,
}

struct OpenDirectory {
    fs_id: FsId,
    path: PanPath,
    /// The key of the last child that was read.
    after: Option<String>,
    /// Children that were read and not told yet.
    ahead: VecDeque<Entry>,
    window: u64,
    whole: bool,
}

impl Walk {
    /// Begins with what follows the entry whose key path below the top is
    /// `position`, whether that entry is still there or not.
    pub(super) fn begin(
        read: &mut dyn MetaRead,
        top: FsId,
        path: PanPath,
        position: &[String],
    ) -> Result<Self> {
        let mut open = vec![OpenDirectory::new(top, path)];
        for key in position {
            let Some(directory) = open.last_mut() else { break };
            directory.after = Some(key.clone());
            match read.get_child(directory.fs_id, &NameKey::of(key))? {
                Some(child) if child.is_directory() => {
                    let path = directory.path.join(&child.name);
                    open.push(OpenDirectory::new(child.fs_id, path));
                }
                _ => break,
            }
        }
        Ok(Self { open })
    }

    /// The next entry and where it is. Adds what was read to `rows`.
    pub(super) fn next(
        &mut self,
        read: &mut dyn MetaRead,
        rows: &mut usize,
    ) -> Result<Option<(PanPath, Entry)>> {
        while let Some(directory) = self.open.last_mut() {
            let Some(entry) = directory.ahead.pop_front() else {
                match directory.whole {
                    true => drop(self.open.pop()),
                    false => *rows += directory.read_ahead(read)?,
                }
                continue;
            };
            let path = directory.path.join(&entry.name);
            if !is_reachable(&path) {
                continue;
            }
            if entry.is_directory() {
                self.open.push(OpenDirectory::new(entry.fs_id, path.clone()));
            }
            return Ok(Some((path, entry)));
        }
        Ok(None)
    }
}

impl OpenDirectory {
    fn new(fs_id: FsId, path: PanPath) -> Self {
        let (after, ahead) = (None, VecDeque::new());
        Self { fs_id, path, after, ahead, window: FIRST_WINDOW, whole: false }
    }

    /// Reads the next window of children. Returns what it cost.
    fn read_ahead(&mut self, read: &mut dyn MetaRead) -> Result<usize> {
        let query = ChildrenQuery {
            order: ListOrder { by: ListBy::Name, descending: false },
            after: self.after.take().map(after_key),
            skip: 0,
            limit: self.window,
        };
        let ahead = &mut self.ahead;
        read.list_children(self.fs_id, &query, &mut |child| {
            ahead.push_back(child);
            ControlFlow::Continue(())
        })?;
        self.after = ahead.back().map(|child| NameKey::of(&child.name).as_str().to_owned());
        self.whole = (ahead.len() as u64) < self.window;
        self.window = (self.window * 2).min(LARGEST_WINDOW);
        Ok(ahead.len() + 1)
    }
}

/// The place after a name key; by name, nothing else of a place counts.
fn after_key(key: String) -> ListedAfter {
    ListedAfter {
        directory: false,
        extension: String::new(),
        size: ByteSize::ZERO,
        mtime: Timestamp(0),
        key,
    }
}
