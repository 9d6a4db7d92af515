//! Removes staged trees that nobody needs any more: what was purged, and what
//! a crash or a copy that was given up left behind. Slices, leaves first.

use std::ops::ControlFlow;

use pan_engine::meta::{ChildrenQuery, Entry, StagedRow};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{FsId, ListBy, ListOrder};

use crate::{Error, Pan, Result};

/// Entries that one closure removes.
const SLICE_ENTRIES: usize = 500;
/// Entries that one pass removes, so that requests have the writer to
/// themselves most of the time.
const PASS_ENTRIES: usize = 2_000;
/// Trees that are looked at in one pass.
const TREES_AT_ONCE: u64 = 100;
/// A tree this young may not have told us yet that it is being built.
const YOUNG_SECONDS: i64 = 60;

impl Pan {
    /// Removes some of what is staged and nobody builds. Returns how many
    /// entries went; zero when there is nothing left to remove.
    pub(crate) async fn remove_staged(&self) -> Result<u64> {
        let list = |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_staged(TREES_AT_ONCE)?);
        let staged = self.meta().read(ReadCost::Bounded, list).await?;
        let mut left = PASS_ENTRIES;
        for tree in staged.into_iter().filter(|tree| !self.may_be_building(tree)) {
            loop {
                let limit = left.min(SLICE_ENTRIES);
                let job = move |tx: &mut dyn MetaTxn| remove_slice(tx, tree.fs_id, limit);
                let slice = self.meta().write(Scope::User(tree.fs_id.user()), job).await?;
                left -= slice.removed;
                if left == 0 {
                    return Ok(PASS_ENTRIES as u64);
                }
                if slice.is_last {
                    break;
                }
            }
        }
        Ok((PASS_ENTRIES - left) as u64)
    }

    /// What is being removed never was, or is no longer, anybody's work.
    fn may_be_building(&self, tree: &StagedRow) -> bool {
        let young = tree.begun.plus_seconds(YOUNG_SECONDS) > self.now();
        !tree.removing && (young || self.building().contains(&tree.fs_id))
    }
}

struct Slice {
    removed: usize,
    /// Whether the whole tree is gone.
    is_last: bool,
}

/// Removes up to `limit` entries below `top`, then `top` itself.
fn remove_slice(tx: &mut dyn MetaTxn, top: FsId, limit: usize) -> Result<Slice> {
    let Some(tree) = tx.get_staged(top)? else {
        // Somebody else was faster, or the tree was linked after all.
        return Ok(Slice { removed: 0, is_last: true });
    };
    if !tree.removing {
        // Whoever builds it after all must not link what is left of it.
        tx.remove_staged(top)?;
        tx.insert_staged(&StagedRow { removing: true, ..tree })?;
    }
    let mut open = vec![top];
    let mut left = limit;
    while let (Some(&directory), 1..) = (open.last(), left) {
        let children = first_children(tx, directory, left)?;
        let entered = children.last().filter(|child| child.is_directory()).map(|child| child.fs_id);
        for file in &children {
            if let Some(facts) = file.file() {
                tx.add_maybe_unreferenced(facts.content)?;
                tx.remove_entry(file.fs_id)?;
                left -= 1;
            }
        }
        match entered {
            Some(directory) => open.push(directory),
            None if children.is_empty() => {
                tx.remove_entry(directory)?;
                open.pop();
                left -= 1;
            }
            None => {}
        }
    }
    let is_last = open.is_empty();
    if is_last {
        tx.remove_staged(top)?;
    }
    Ok(Slice { removed: limit - left, is_last })
}

/// The first children, up to the first directory.
fn first_children(tx: &mut dyn MetaTxn, directory: FsId, limit: usize) -> Result<Vec<Entry>> {
    let query = ChildrenQuery {
        order: ListOrder { by: ListBy::Name, descending: false },
        after: None,
        skip: 0,
        limit: limit as u64,
    };
    let mut children = Vec::new();
    tx.list_children(directory, &query, &mut |child| {
        let stop = child.is_directory();
        children.push(child);
        // What follows a directory is looked at once that is gone.
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(children)
}
