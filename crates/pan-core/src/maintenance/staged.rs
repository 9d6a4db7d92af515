//! Removes staged trees that nobody builds any more: what a crash or a copy
//! that was given up left behind. Slices, leaves first.

use std::ops::ControlFlow;

use pan_engine::meta::{ChildrenQuery, Entry};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{FsId, ListBy, ListOrder};

use crate::{Error, Pan, Result};

/// Entries that one closure removes.
const SLICE_ENTRIES: usize = 500;
/// Trees that are looked at in one pass.
const TREES_AT_ONCE: u64 = 100;
/// A tree this young may not have told us yet that it is being built.
const YOUNG_SECONDS: i64 = 60;

impl Pan {
    /// Removes abandoned staged trees. Returns how many.
    pub(crate) async fn remove_abandoned(&self) -> Result<u64> {
        let list = |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_staged(TREES_AT_ONCE)?);
        let staged = self.meta().read(ReadCost::Bounded, list).await?;
        let mut removed = 0;
        for tree in staged {
            let young = tree.begun.plus_seconds(YOUNG_SECONDS) > self.now();
            if young || self.building().contains(&tree.fs_id) {
                continue;
            }
            while !self.remove_slice(tree.fs_id).await? {}
            removed += 1;
        }
        Ok(removed)
    }

    async fn remove_slice(&self, top: FsId) -> Result<bool> {
        let job = move |tx: &mut dyn MetaTxn| remove_slice(tx, top);
        self.meta().write(Scope::User(top.user()), job).await
    }
}

/// Removes up to a slice of entries below `top`, then `top` itself. Returns
/// whether the whole tree is gone.
fn remove_slice(tx: &mut dyn MetaTxn, top: FsId) -> Result<bool> {
    let mut open = vec![top];
    let mut left = SLICE_ENTRIES;
    while let (Some(&directory), 1..) = (open.last(), left) {
        let children = first_children(tx, directory, left)?;
        let entered = children.iter().find(|child| child.is_directory()).map(|child| child.fs_id);
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
    let gone = open.is_empty();
    if gone {
        tx.remove_staged(top)?;
    }
    Ok(gone)
}

fn first_children(tx: &mut dyn MetaTxn, directory: FsId, limit: usize) -> Result<Vec<Entry>> {
    let query = ChildrenQuery {
        order: ListOrder { by: ListBy::Name, descending: false },
        after: None,
        skip: 0,
        limit: limit as u64,
    };
    let mut children = Vec::new();
    tx.list_children(directory, &query, &mut |child| {
        children.push(child);
        ControlFlow::Continue(())
    })?;
    Ok(children)
}
