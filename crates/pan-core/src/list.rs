//! Listing a directory (pcs-rest 4.9), window by window.

use std::ops::ControlFlow;

use pan_engine::meta::{ChildrenQuery, Entry, ListedAfter};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, FsId, ListBy, ListOrder, PanPath, Window};

use crate::tree::{self, find, look_up};
use crate::{Error, Pan, Result};

/// Entries of one snapshot: storage bounds how long one may live.
const WINDOW_ENTRIES: u64 = 5_000;
/// A window up to this size is read in place.
const BOUNDED_ENTRIES: u64 = 1_000;

/// A listing under way. Each window is one snapshot; an entry that stays
/// where it is comes exactly once, whatever changes meanwhile.
pub struct Listing {
    pan: Pan,
    /// The directory that is listed, in its creators' spelling.
    pub directory: PanPath,
    fs_id: Option<FsId>,
    order: ListOrder,
    after: Option<ListedAfter>,
    skip: u64,
    left: u64,
}

impl Pan {
    /// Begins a listing of the direct children of a directory. A file has
    /// none; the caller's own root is empty when it was never made.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`].
    pub async fn list(
        &self,
        caller: &Caller,
        path: &PanPath,
        order: ListOrder,
        window: Window,
    ) -> Result<Listing> {
        let (caller, path) = (caller.clone(), path.clone());
        let look = move |read: &mut dyn MetaRead| {
            tree::authorize(&caller, &path)?;
            if path.depth() == caller.root.depth() && find(read, caller.user, &path)?.is_none() {
                return Ok((path, None));
            }
            let found = look_up(read, &caller, &path)?;
            let fs_id = found.entry.is_directory().then_some(found.entry.fs_id);
            Ok::<_, Error>((found.path, fs_id))
        };
        let (directory, fs_id) = self.meta().read(ReadCost::Bounded, look).await?;
        let pan = self.clone();
        let (skip, left) = (window.start, window.len());
        Ok(Listing { pan, directory, fs_id, order, after: None, skip, left })
    }
}

impl Listing {
    /// The next entries; none at the end.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn next_window(&mut self) -> Result<Vec<Entry>> {
        let wanted = self.left.min(WINDOW_ENTRIES);
        let (Some(directory), 1..) = (self.fs_id, wanted) else { return Ok(Vec::new()) };
        let query = ChildrenQuery {
            order: self.order,
            after: self.after.take(),
            skip: std::mem::take(&mut self.skip),
            limit: wanted,
        };
        let in_place = self.order.by == ListBy::Name
            && wanted <= BOUNDED_ENTRIES
            && query.skip <= BOUNDED_ENTRIES;
        let cost = if in_place { ReadCost::Bounded } else { ReadCost::Long };
        let read = move |read: &mut dyn MetaRead| {
            let mut entries = Vec::new();
            read.list_children(directory, &query, &mut |entry| {
                entries.push(entry);
                ControlFlow::Continue(())
            })?;
            Ok::<_, Error>(entries)
        };
        let entries = self.pan.meta().read(cost, read).await?;
        self.left -= entries.len() as u64;
        self.after = entries.last().map(ListedAfter::entry);
        if (entries.len() as u64) < wanted {
            self.left = 0;
        }
        Ok(entries)
    }
}
