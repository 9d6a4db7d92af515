//! Deleting: what is still what the plan saw, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use futures_util::stream::{self, StreamExt};
use pan_sdk::{ListBy, ListOrder, Window};

use super::Sync;
use super::apply::{CALLS_AT_ONCE, Outcome, is_missing};
use super::model::{Item, Kind, Remote};
use super::names::{is_below, parents};
use super::pass::View;
use super::scan::stat_at;
use super::tell::Did;
use crate::failure::Failure;

impl Sync<'_> {
    /// Deletes local files, and the directories that are empty then. A
    /// directory with something in it that is not synchronised stays.
    pub(crate) fn delete_local(&self, view: &View, items: Vec<Item>) -> Result<bool, Failure> {
        let mut again = false;
        // What is in a directory comes behind it.
        for item in items.iter().rev() {
            let Some(local) = &item.local else { continue };
            let path = view.tree.path_of(&self.local, &item.key);
            let removed = match local.stat.kind {
                Kind::Dir => fs::remove_dir(&path),
                Kind::File => match stat_at(&path) {
                    Ok(Some(stat)) if stat == local.stat => fs::remove_file(&path),
                    Ok(None) => Ok(()),
                    Ok(Some(_)) => {
                        again = true;
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match removed {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                    let why = format!("{}: kept, something in it is not synchronised", item.key);
                    self.kept(item, item.remote.is_some(), why)?;
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let message = format!("{}: cannot be deleted: {error}", path.display());
                    self.fail(&item.key, Failure::other(message))?;
                }
                _ => self.deleted(Did::DeleteLocal, item)?,
            }
        }
        Ok(again)
    }

    /// Deletes remote entries: whole directories where nothing else is in
    /// them, so that they are one record in the recycle bin.
    pub(crate) async fn delete_remote(&self, items: Vec<Item>) -> Result<bool, Failure> {
        let doomed: BTreeMap<&str, &Item> =
            items.iter().map(|item| (item.key.as_str(), item)).collect();
        let dirs: BTreeSet<&str> = items
            .iter()
            .filter(|item| item.remote.is_some_and(|remote| remote.kind == Kind::Dir))
            .map(|item| item.key.as_str())
            .collect();
        let mut whole: BTreeSet<&str> = BTreeSet::new();
        for dir in &dirs {
            let is_inside = parents(dir).any(|above| whole.contains(above));
            if !is_inside && self.is_all_doomed(dir, &doomed).await? {
                whole.insert(dir);
            }
        }
        let mut again = false;
        for dir in &whole {
            if self.delete_one(doomed[dir], true).await?.is_none() {
                // It failed: all that is in it is still there.
                continue;
            }
            let below = items.iter().filter(|item| is_below(&item.key, dir));
            for item in below {
                self.deleted(Did::DeleteRemote, item)?;
            }
        }
        let is_gone =
            |key: &str| whole.contains(key) || parents(key).any(|above| whole.contains(above));
        let files =
            items.iter().filter(|item| !dirs.contains(item.key.as_str()) && !is_gone(&item.key));
        let mut deleted = stream::iter(files)
            .map(|item| self.delete_one(item, false))
            .buffer_unordered(CALLS_AT_ONCE);
        while let Some(one) = deleted.next().await {
            again |= matches!(one?, Some(Outcome::Stale));
        }
        for dir in dirs.iter().rev().filter(|dir| !is_gone(dir)) {
            self.delete_if_empty(doomed[dir]).await?;
        }
        Ok(again)
    }

    /// Whether everything in a remote directory is to be deleted, by what it
    /// is now.
    async fn is_all_doomed(
        &self,
        dir: &str,
        doomed: &BTreeMap<&str, &Item>,
    ) -> Result<bool, Failure> {
        let order = ListOrder { by: ListBy::Name, descending: false };
        let mut walk = std::pin::pin!(self.client.walk(&self.root.path_of(dir), order));
        while let Some(step) = walk.next().await {
            let entry = match step {
                Ok(entry) => entry,
                Err((_, error)) if is_missing(&error) => continue,
                // What cannot be seen is not deleted.
                Err(_) => return Ok(false),
            };
            let key = self.root.key_below(&entry.path).unwrap_or_default();
            let seen = doomed.get(key.as_str()).and_then(|item| item.remote.as_ref());
            if !seen.is_some_and(|seen| seen.is_same_content(&Remote::of(&entry))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes an entry; `None` when that failed.
    async fn delete_one(&self, item: &Item, is_dir: bool) -> Result<Option<Outcome>, Failure> {
        let Some(seen) = &item.remote else { return Ok(Some(Outcome::Done)) };
        let is_still = match is_dir {
            true => Ok(true),
            false => self.is_still(&item.key, seen).await,
        };
        let deleted = match is_still {
            Ok(false) => return Ok(Some(Outcome::Stale)),
            Ok(true) => self.client.delete_entry(&self.root.path_of(&item.key)).await,
            Err(error) => Err(error),
        };
        match deleted {
            Err(error) if !is_missing(&error) => {
                self.fail(&item.key, Failure::from(error).about(&item.key))?;
                Ok(None)
            }
            _ => self.deleted(Did::DeleteRemote, item).map(|()| Some(Outcome::Done)),
        }
    }

    async fn delete_if_empty(&self, item: &Item) -> Result<(), Failure> {
        let path = self.root.path_of(&item.key);
        let order = ListOrder { by: ListBy::Name, descending: false };
        match self.client.list(&path, order, Window { start: 0, end: 1 }).await {
            Ok(list) if list.is_empty() => self.delete_one(item, true).await.map(drop),
            Ok(_) => {
                let why = format!("{}: kept, something in it is not synchronised", item.key);
                self.kept(item, item.local.is_some(), why)
            }
            Err(error) if is_missing(&error) => self.deleted(Did::DeleteRemote, item),
            Err(error) => self.fail(&item.key, Failure::from(error).about(&item.key)),
        }
    }

    /// A directory was not empty. That is no failure, unless the other side
    /// has something else to put there.
    fn kept(&self, item: &Item, is_in_the_way: bool, why: String) -> Result<(), Failure> {
        if is_in_the_way {
            return self.fail(&item.key, Failure::other(why));
        }
        if self.noted.borrow_mut().insert(why.clone()) {
            self.screen.stderr.note(&why);
        }
        Ok(())
    }

    fn deleted(&self, did: Did, item: &Item) -> Result<(), Failure> {
        self.deleted.set(self.deleted.get() + 1);
        let other = match did {
            Did::DeleteLocal => item.remote,
            _ => None,
        };
        self.base.borrow_mut().change(|change| {
            change.drop_pair(&item.key)?;
            change.tell(&item.key, other.as_ref())
        })?;
        self.done(did, &item.key)
    }
}
