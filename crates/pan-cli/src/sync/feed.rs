//! The remote side: the change feed, taken into the base.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::stream::StreamExt;
use pan_sdk::{Change, Client, DiffPage, PanPath};

use super::base::Base;
use super::model::{Pair, Remote};
use super::names::{is_ours, key_of, split};
use crate::failure::Failure;

/// The directory in the storage that is synchronised.
#[derive(Debug, Clone)]
pub(crate) struct RemoteRoot {
    pub(crate) path: PanPath,
    key: String,
}

/// Where a remote path lies.
enum Place {
    Below(String),
    Root,
    /// The root lies below it.
    Above,
    Elsewhere,
}

impl RemoteRoot {
    pub(crate) fn new(path: PanPath) -> Self {
        let key = key_of(path.as_str()).trim_end_matches('/').to_owned();
        Self { path, key }
    }

    /// The remote path of a place.
    pub(crate) fn path_of(&self, key: &str) -> PanPath {
        key.split('/')
            .filter(|name| !name.is_empty())
            .fold(self.path.clone(), |path, name| path.join(name))
    }

    /// The place of a remote path; `None` when it is not below the root.
    pub(crate) fn key_below(&self, path: &PanPath) -> Option<String> {
        match self.place(path) {
            Place::Below(key) => Some(key),
            _ => None,
        }
    }

    fn place(&self, path: &PanPath) -> Place {
        let path = key_of(path.as_str());
        let path = path.trim_end_matches('/');
        if path == self.key {
            return Place::Root;
        }
        match path.strip_prefix(&self.key) {
            Some(below) if below.starts_with('/') => Place::Below(below[1..].to_owned()),
            _ if super::names::is_below(&self.key, path) => Place::Above,
            _ => Place::Elsewhere,
        }
    }
}

/// Reads what happened since the last time, a page at a time, each with its
/// cursor in one transaction.
pub(crate) async fn read(
    client: &Client,
    root: &RemoteRoot,
    base: &RefCell<Base>,
) -> Result<(), Failure> {
    let cursor = base.borrow().fact("cursor")?;
    let mut anew: Option<BTreeMap<String, Remote>> = None;
    let mut pages = std::pin::pin!(client.diff_all(cursor.as_deref()));
    while let Some(page) = pages.next().await {
        let page = page?;
        if page.reset {
            anew = Some(BTreeMap::new());
        }
        match &mut anew {
            None => take(&page, root, &mut base.borrow_mut())?,
            Some(tree) => {
                let is_last = !page.has_more;
                let cursor = page.cursor.clone();
                collect(page, root, tree);
                if is_last {
                    begin_anew(tree, &cursor, &mut base.borrow_mut())?;
                }
            }
        }
    }
    Ok(())
}

/// Takes a page that goes on where the last one ended.
fn take(page: &DiffPage, root: &RemoteRoot, base: &mut Base) -> Result<(), Failure> {
    if page.changes.is_empty() && !page.has_more {
        return Ok(());
    }
    base.change(|change| {
        let gone = page.changes.iter().filter(|change| matches!(change, Change::Gone(_)));
        for gone in gone {
            match root.place(gone.path()) {
                Place::Below(key) => change.tell_gone(&key)?,
                Place::Root | Place::Above => change.tell_all_gone()?,
                Place::Elsewhere => {}
            }
        }
        for present in &page.changes {
            if let Change::Present(entry) = present
                && let Some(key) = wanted(root, &entry.path)
            {
                change.tell(&key, Some(&Remote::of(entry)))?;
            }
        }
        change.set_cursor(&page.cursor)
    })
}

/// Collects the pages of a feed that begins anew.
fn collect(page: DiffPage, root: &RemoteRoot, tree: &mut BTreeMap<String, Remote>) {
    for change in &page.changes {
        let Change::Gone(gone) = change else { continue };
        match root.place(&gone.path) {
            Place::Below(key) => {
                let (begin, end) = (format!("{key}/"), format!("{key}0"));
                tree.remove(&key);
                let below: Vec<_> = tree.range(begin..end).map(|(key, _)| key.clone()).collect();
                for key in below {
                    tree.remove(&key);
                }
            }
            Place::Root | Place::Above => tree.clear(),
            Place::Elsewhere => {}
        }
    }
    for change in page.changes {
        if let Change::Present(entry) = change
            && let Some(key) = wanted(root, &entry.path)
        {
            tree.insert(key, Remote::of(&entry));
        }
    }
}

/// Replaces all that was known of the remote side.
///
/// What was agreed on and is not told may have been deleted, or the service
/// may have lost it, as after a restored backup: nobody knows. So it is
/// forgotten, and what is still here counts as new.
fn begin_anew(
    tree: &BTreeMap<String, Remote>,
    cursor: &str,
    base: &mut Base,
) -> Result<(), Failure> {
    let pairs = base.load()?.pairs;
    base.change(|change| {
        change.settle_all()?;
        for (key, _) in pairs.iter().filter(|(key, _)| !tree.contains_key(key)) {
            change.drop_pair(key)?;
        }
        for (key, remote) in tree {
            // Another version that is not newer comes from a backup, and what
            // is here may be the only copy of what was made since.
            let is_doubtful = |pair: Pair| {
                !pair.remote.is_same_content(remote) && remote.mtime <= pair.remote.mtime
            };
            if change.pair(key)?.is_some_and(is_doubtful) {
                change.drop_pair(key)?;
            }
            change.tell(key, Some(remote))?;
        }
        change.set_cursor(cursor)
    })
}

/// The place of what is synchronised.
fn wanted(root: &RemoteRoot, path: &PanPath) -> Option<String> {
    root.key_below(path).filter(|key| !is_ours(split(key).1))
}
