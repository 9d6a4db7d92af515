//! Going through what lies below a directory, a window of rows at a time:
//! where that is less work than asking an index about the whole account.

use std::ops::ControlFlow;
use std::sync::Arc;

use pan_engine::meta::{ChildrenQuery, Entry, ListedAfter};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{FsId, ListBy, ListOrder};

use crate::{Error, Pan, Result};

/// Rows of one snapshot.
const WINDOW_ROWS: u64 = 5_000;

/// Rows that are gone through at most: about 200 ms.
pub(crate) const GATHERED_MAX: u64 = 100_000;

/// What is kept of a file, if it is wanted.
pub(crate) type Pick<T> = Arc<dyn Fn(&Entry) -> Option<T> + Send + Sync>;

/// Directories that are still to be listed, the last one from a place on.
struct Open {
    directories: Vec<FsId>,
    after: Option<ListedAfter>,
}

impl Pan {
    /// Picks from the files in a directory and, if `deep`, from all below it.
    /// `None` when there are more than `rows_max` rows.
    ///
    /// What moves meanwhile may be picked twice or not at all.
    pub(crate) async fn gather<T: Send + 'static>(
        &self,
        directory: FsId,
        deep: bool,
        rows_max: u64,
        pick: Pick<T>,
    ) -> Result<Option<Vec<T>>> {
        let mut open = Open { directories: vec![directory], after: None };
        let (mut picked, mut rows) = (Vec::new(), 0);
        while !open.directories.is_empty() {
            let pick = Arc::clone(&pick);
            let read = move |read: &mut dyn MetaRead| {
                let (mut picked, mut rows) = (Vec::new(), 0);
                while rows < WINDOW_ROWS && !open.directories.is_empty() {
                    rows += open.step(read, deep, WINDOW_ROWS - rows, |file| {
                        picked.extend(pick(file));
                    })?;
                }
                Ok::<_, Error>((open, picked, rows))
            };
            let (rest, more, seen) = self.meta().read(ReadCost::Long, read).await?;
            open = rest;
            picked.extend(more);
            rows += seen;
            if rows > rows_max {
                return Ok(None);
            }
        }
        Ok(Some(picked))
    }
}

impl Open {
    /// Lists up to `limit` children of the last directory. Returns how many
    /// rows that was worth.
    fn step(
        &mut self,
        read: &mut dyn MetaRead,
        deep: bool,
        limit: u64,
        mut file: impl FnMut(&Entry),
    ) -> Result<u64> {
        let Some(directory) = self.directories.pop() else { return Ok(0) };
        let query = ChildrenQuery {
            order: ListOrder { by: ListBy::Name, descending: false },
            after: self.after.take(),
            skip: 0,
            limit,
        };
        let (mut last, mut rows, mut entered) = (None, 0, Vec::new());
        read.list_children(directory, &query, &mut |child| {
            rows += 1;
            if !child.is_directory() {
                file(&child);
            } else if deep {
                entered.push(child.fs_id);
            }
            last = Some(child);
            ControlFlow::Continue(())
        })?;
        self.directories.append(&mut entered);
        if rows == limit {
            self.directories.push(directory);
            self.after = last.as_ref().map(ListedAfter::entry);
        }
        // An empty directory is a look, too.
        Ok(rows.max(1))
    }
}
