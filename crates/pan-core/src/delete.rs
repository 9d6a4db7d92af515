//! Deleting (pcs-rest 4.12): into the recycle bin, constant, restorable.

use std::ops::ControlFlow;

use pan_engine::meta::{ChildrenQuery, Entry};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{Caller, ListBy, ListOrder, PanPath};

use crate::ledger::{self, Node};
use crate::tree::{authorize, look_up};
use crate::{Error, Pan, Result};

/// Children of an emptied root that are looked at together.
const WINDOW_ENTRIES: u64 = 500;

impl Pan {
    /// Moves a file, or a directory with everything below it, to the recycle
    /// bin, however full that is. The caller's own root is emptied instead,
    /// child by child: it stays (pcs-rest 12.1).
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], also for `/` itself, [`Error::NameInvalid`],
    /// [`Error::NotFound`].
    pub async fn delete(&self, caller: &Caller, path: &PanPath) -> Result<()> {
        authorize(caller, path)?;
        if path.is_root() {
            return Err(Error::OutsideRoot { path: path.clone() });
        }
        if path.depth() == caller.root.depth() {
            return self.empty_root(caller, path).await;
        }
        let scope = Scope::User(caller.user);
        let (caller, path, now) = (caller.clone(), path.clone(), self.now());
        let job = move |tx: &mut dyn MetaTxn| {
            let found = look_up(tx.as_read(), &caller, &path)?;
            let old = Node::found(tx, &found)?;
            let new = old.recycled(found.path);
            ledger::apply(tx, now, Some(old), Some(new))?;
            Ok::<_, Error>(())
        };
        self.meta().write(scope, job).await
    }

    async fn empty_root(&self, caller: &Caller, root: &PanPath) -> Result<()> {
        loop {
            let children = self.some_children(caller, root).await?;
            if children.is_empty() {
                return Ok(());
            }
            for child in children {
                match Box::pin(self.delete(caller, &root.join(&child.name))).await {
                    // Somebody else was faster.
                    Ok(()) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn some_children(&self, caller: &Caller, root: &PanPath) -> Result<Vec<Entry>> {
        let (caller, root) = (caller.clone(), root.clone());
        let look = move |read: &mut dyn MetaRead| {
            let directory = look_up(read, &caller, &root)?.entry.fs_id;
            let query = ChildrenQuery {
                order: ListOrder { by: ListBy::Name, descending: false },
                after: None,
                skip: 0,
                limit: WINDOW_ENTRIES,
            };
            let mut children = Vec::new();
            read.list_children(directory, &query, &mut |child| {
                children.push(child);
                ControlFlow::Continue(())
            })?;
            Ok::<_, Error>(children)
        };
        self.meta().read(ReadCost::Bounded, look).await
    }
}
