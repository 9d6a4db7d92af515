//! Acting: what the plan says, each action recorded as soon as it is done.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use futures_util::stream::{self, StreamExt};
use pan_sdk::{Entry, Error, ErrorCode};

use super::Sync;
use super::hash::settled;
use super::model::{Item, Kind, Pair, Remote, Stat};
use super::moves::{Move, Where, in_turn};
use super::names::{conflict_path, is_below, split};
use super::pass::View;
use super::plan::{Action, Step};
use super::scan::stat_at;
use super::tell::Did;
use crate::failure::Failure;

/// How many small calls are on their way at once.
pub(crate) const CALLS_AT_ONCE: usize = 8;

/// How an action went.
pub(crate) enum Outcome {
    Done,
    /// What it was meant for is not there any more: look again.
    Stale,
}

impl Sync<'_> {
    /// Does what is to be done. Says whether to look again.
    pub(crate) async fn act(&self, view: &View, steps: Vec<Step>) -> Result<bool, Failure> {
        let mut again = false;
        let (mut agreed, mut forgotten) = (Vec::new(), Vec::new());
        let (mut dirs_here, mut dirs_there) = (Vec::new(), Vec::new());
        let (mut uploads, mut downloads) = (Vec::new(), Vec::new());
        let (mut deletes_here, mut deletes_there) = (Vec::new(), Vec::new());
        for Step { item, action, .. } in steps {
            match action {
                Action::SetLocalAside => again |= self.set_local_aside(view, &item)?,
                Action::SetRemoteAside => again |= self.set_remote_aside(view, &item).await?,
                Action::Agree => agreed.push(item),
                Action::Forget => forgotten.push(item.key),
                Action::MakeLocalDir => dirs_here.push(item),
                Action::MakeRemoteDir => dirs_there.push(item),
                Action::Upload => uploads.push(item),
                Action::Download => downloads.push(item),
                Action::DeleteLocal => deletes_here.push(item),
                Action::DeleteRemote => deletes_there.push(item),
                Action::InTheWay => self.in_the_way(&item)?,
            }
        }
        self.agree_all(view, &agreed)?;
        self.base.borrow_mut().forget(forgotten.iter().map(String::as_str))?;
        for item in &dirs_here {
            self.make_local_dir(view, item)?;
        }
        self.make_remote_dirs(view, &dirs_there).await?;
        again |= self.upload_all(view, uploads).await?;
        again |= self.download_all(view, downloads).await?;
        again |= self.delete_local(view, deletes_here)?;
        again |= self.delete_remote(deletes_there).await?;
        Ok(again)
    }

    /// A file and a directory have one name, and neither may go.
    pub(crate) fn in_the_way(&self, item: &Item) -> Result<(), Failure> {
        let message =
            format!("{}: it is a file on one side and a directory on the other", item.key);
        self.fail(&item.key, Failure::other(message).hint("`--delete` removes what is in the way"))
    }

    fn agree_all(&self, view: &View, items: &[Item]) -> Result<(), Failure> {
        self.base.borrow_mut().change(|change| {
            for item in items {
                if let Some(pair) = item.agreed() {
                    let stat = settled(pair.stat, view.at);
                    change.set_pair(&item.key, &Pair { stat, ..pair })?;
                    change.settle(&item.key)?;
                }
            }
            Ok(())
        })
    }

    fn make_local_dir(&self, view: &View, item: &Item) -> Result<(), Failure> {
        let path = view.tree.path_of(&self.local, &item.key);
        let made = fs::create_dir_all(&path).and_then(|()| stat_at(&path));
        match (made, item.remote) {
            (Ok(Some(stat)), Some(remote)) => {
                self.base.borrow_mut().agree(&item.key, &Pair { stat, remote, md5: None })?;
                self.done(Did::MkdirLocal, &item.key)
            }
            (Err(error), _) => {
                let message = format!("cannot make the directory `{}`: {error}", path.display());
                self.fail(&item.key, Failure::other(message))
            }
            _ => Ok(()),
        }
    }

    /// Makes directories in the storage; those above others come with them.
    async fn make_remote_dirs(&self, view: &View, items: &[Item]) -> Result<(), Failure> {
        let has_below = |item: &Item, next: Option<&Item>| {
            next.is_some_and(|next| is_below(&next.key, &item.key))
        };
        let mut above: Vec<&Item> = Vec::new();
        let mut leaves = Vec::new();
        for (index, item) in items.iter().enumerate() {
            above.retain(|one| is_below(&item.key, &one.key));
            above.push(item);
            if !has_below(item, items.get(index + 1)) {
                leaves.push(std::mem::take(&mut above));
            }
        }
        let mut made = stream::iter(leaves)
            .map(|dirs| async move {
                let Some(last) = dirs.last() else { return (dirs, Ok(None)) };
                let made = self.client.ensure_dir(&self.root.path_of(&last.key)).await;
                (dirs, made.map(Some))
            })
            .buffer_unordered(CALLS_AT_ONCE);
        while let Some((dirs, made)) = made.next().await {
            match made {
                Ok(entry) => self.made_remotely(view, &dirs, entry.as_ref())?,
                Err(error) => {
                    let last = dirs.last().map_or("", |item| item.key.as_str());
                    self.fail(last, Failure::from(error).about(last))?;
                }
            }
        }
        Ok(())
    }

    /// Remembers a directory that was made, and those above it.
    fn made_remotely(
        &self,
        view: &View,
        dirs: &[&Item],
        last: Option<&Entry>,
    ) -> Result<(), Failure> {
        let mut base = self.base.borrow_mut();
        for (index, item) in dirs.iter().enumerate() {
            let Some(local) = &item.local else { continue };
            let entry = last.filter(|_| index + 1 == dirs.len());
            // The feed will tell the ids of those above.
            let unknown = Remote { kind: Kind::Dir, fs_id: 0, size: 0, mtime: 0, md5: None };
            let remote = entry.map_or(unknown, Remote::of);
            let stat = settled(local.stat, view.at);
            base.agree(&item.key, &Pair { stat, remote, md5: None })?;
            self.done(Did::MkdirRemote, &item.key)?;
        }
        Ok(())
    }

    /// Renames a local file that has a rival, so that both are kept.
    fn set_local_aside(&self, view: &View, item: &Item) -> Result<bool, Failure> {
        let from = view.tree.path_of(&self.local, &item.key);
        if stat_at(&from).ok().flatten() != item.local.as_ref().map(|local| local.stat) {
            return Ok(true);
        }
        let directory = from.parent().unwrap_or(&self.local);
        let key = self.conflict_name(&item.key, directory);
        let to = directory.join(split(&key).1);
        if let Err(error) = rename_to_free(&from, &to) {
            let message = format!("{}: cannot be renamed: {error}", from.display());
            self.fail(&item.key, Failure::other(message))?;
            return Ok(true);
        }
        self.base.borrow_mut().change(|change| {
            change.drop_pair(&item.key)?;
            change.tell(&item.key, item.remote.as_ref())
        })?;
        self.done_to(Did::Conflict, &item.key, &key)?;
        Ok(true)
    }

    /// Renames a remote file where a local directory is.
    async fn set_remote_aside(&self, view: &View, item: &Item) -> Result<bool, Failure> {
        let directory = view.tree.path_of(&self.local, split(&item.key).0);
        let key = self.conflict_name(&item.key, &directory);
        let (from, to) = (self.root.path_of(&item.key), self.root.path_of(&key));
        match self.client.move_entry(&from, &to).await {
            Ok(()) => {
                self.base.borrow_mut().change(|change| {
                    change.drop_pair(&item.key)?;
                    change.settle(&item.key)?;
                    change.tell(&key, item.remote.as_ref())
                })?;
                self.done_to(Did::Conflict, &item.key, &key)?;
            }
            Err(error) if is_missing(&error) || error.is(ErrorCode::FileExists) => {}
            Err(error) => self.fail(&item.key, Failure::from(error).about(&item.key))?,
        }
        Ok(true)
    }

    /// A name for a conflict copy that is free on both sides.
    pub(crate) fn conflict_name(&self, key: &str, directory: &Path) -> String {
        let date = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let base = self.base.borrow();
        conflict_path(key, &date, |path| {
            directory.join(split(path).1).symlink_metadata().is_ok()
                || base.knows(path).unwrap_or(true)
        })
    }

    /// Carries renamings over, one after the other. Says whether any worked.
    pub(crate) async fn rename_all(
        &self,
        view: &View,
        found: Vec<Move>,
        side: Where,
    ) -> Result<bool, Failure> {
        let aside = |to: &str| {
            let directory = view.tree.path_of(&self.local, split(to).0);
            self.conflict_name(to, &directory)
        };
        let mut worked = false;
        let mut stuck: BTreeSet<String> = BTreeSet::new();
        for (from, to) in in_turn(found, aside) {
            if stuck.contains(&from) || stuck.contains(&to) {
                continue;
            }
            let renamed = match side {
                Where::Remotely => self.rename_remotely(&from, &to).await?,
                Where::Locally => self.rename_locally(view, &from, &to)?,
            };
            if renamed {
                let did = if side == Where::Remotely { Did::MoveRemote } else { Did::MoveLocal };
                self.done_to(did, &from, &to)?;
                worked = true;
            } else {
                // What waits for this one would meet a taken name.
                stuck.extend([from, to]);
            }
        }
        Ok(worked)
    }

    async fn rename_remotely(&self, from: &str, to: &str) -> Result<bool, Failure> {
        let (source, target) = (self.root.path_of(from), self.root.path_of(to));
        match self.client.move_entry(&source, &target).await {
            Ok(()) => {
                self.base.borrow_mut().rename(from, to)?;
                Ok(true)
            }
            Err(error) => {
                let failure = Failure::from(error);
                if failure.is_fatal() {
                    return Err(failure);
                }
                // Then its content goes the long way, and tells what is wrong.
                self.screen.stderr.say(&format!("{from}: not renamed: {}", failure.message));
                Ok(false)
            }
        }
    }

    fn rename_locally(&self, view: &View, from: &str, to: &str) -> Result<bool, Failure> {
        let source = view.tree.path_of(&self.local, from);
        let target = view.tree.path_of(&self.local, to);
        let parent = target.parent().unwrap_or(&self.local);
        let before = stat_at(&source).ok().flatten();
        let renamed = fs::create_dir_all(parent).and_then(|()| rename_to_free(&source, &target));
        match renamed {
            Ok(()) => {
                self.base.borrow_mut().follow(from, to)?;
                self.refresh(to, before, &target)?;
                Ok(true)
            }
            Err(error) => {
                self.screen.stderr.say(&format!("{from}: not renamed: {error}"));
                Ok(false)
            }
        }
    }

    /// Renaming changed the ctime of a file, and nothing else of it. One that
    /// was not as agreed before stays so.
    fn refresh(&self, key: &str, before: Option<Stat>, path: &Path) -> Result<(), Failure> {
        let (Some(before), Ok(Some(stat))) = (before, stat_at(path)) else { return Ok(()) };
        self.base.borrow_mut().change(|change| match change.pair(key)? {
            Some(pair) if pair.stat == before && before.is_same_entry(&stat) => {
                change.set_pair(key, &Pair { stat, ..pair })
            }
            _ => Ok(()),
        })
    }

    /// Both sides agree on a place, because something was just done. `stat` is
    /// settled by when the file was read: it may have changed while it was sent.
    pub(crate) fn agree(&self, key: &str, stat: Stat, remote: Remote) -> Result<(), Failure> {
        let pair = Pair { stat, remote, md5: remote.md5 };
        self.base.borrow_mut().agree(key, &pair)
    }

    pub(crate) fn done(&self, did: Did, key: &str) -> Result<(), Failure> {
        self.tally.borrow_mut().done();
        self.teller.did(did, key, None)
    }

    fn done_to(&self, did: Did, key: &str, to: &str) -> Result<(), Failure> {
        self.tally.borrow_mut().done();
        self.teller.did(did, key, Some(to))
    }

    /// Whether a remote entry is still what the plan saw.
    pub(crate) async fn is_still(&self, key: &str, seen: &Remote) -> Result<bool, Error> {
        match self.client.meta(&self.root.path_of(key)).await {
            Ok(entry) => {
                let now = Remote::of(&entry);
                let is_same_id = seen.fs_id == 0 || now.fs_id == seen.fs_id;
                Ok(is_same_id && now.is_same_content(seen))
            }
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether the service says that nothing is there.
pub(crate) fn is_missing(error: &Error) -> bool {
    error.is(ErrorCode::FileNotExists)
}

/// Renames, and never onto something.
pub(crate) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() && !is_same_entry(from, to) {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    fs::rename(from, to)
}

/// Whether two paths are spellings of one name.
fn is_same_entry(one: &Path, other: &Path) -> bool {
    let entry = |path: &Path| stat_at(path).ok().flatten().map(|stat| stat.inode);
    entry(one).is_some_and(|inode| inode != 0 && Some(inode) == entry(other))
        && one.parent() == other.parent()
        && one.file_name().map(|name| name.to_string_lossy().to_lowercase())
            == other.file_name().map(|name| name.to_string_lossy().to_lowercase())
}
