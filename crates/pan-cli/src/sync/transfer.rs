//! Sending and fetching: what is still what the plan saw takes the place of
//! what is still what the plan saw.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pan_sdk::{Entry, Error, ErrorCode, Ondup, SmallFile, TransferOptions};
use tokio::task::spawn_blocking;

use super::Sync;
use super::apply::{CALLS_AT_ONCE, Outcome, is_missing};
use super::hash::settled;
use super::model::{Item, Pair, Remote, Stat};
use super::names::{join, name_in_the_making, split};
use super::pass::View;
use super::scan::{stat_at, stat_of};
use super::tell::Did;
use crate::failure::Failure;

/// How many small files go together, and how many bytes.
const BATCH_FILES: usize = 128;
const BATCH_BYTES: u64 = 4 << 20;

/// A small file, read.
struct Small<'i> {
    item: &'i Item,
    stat: Stat,
    bytes: Bytes,
}

impl Sync<'_> {
    /// Uploads files. Says whether to look again.
    pub(crate) async fn upload_all(&self, view: &View, items: Vec<Item>) -> Result<bool, Failure> {
        let size = |item: &Item| item.local.as_ref().map_or(0, |local| local.stat.size);
        let (small, large): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| size(item) <= SmallFile::MAX_BYTES);
        for item in &items {
            self.bars.borrow().counts().found(size(item));
        }
        let mut batches: Vec<Vec<&Item>> = Vec::new();
        let mut bytes = 0;
        for item in small {
            bytes += size(item);
            match batches.last_mut() {
                Some(last) if last.len() < BATCH_FILES && bytes <= BATCH_BYTES => last.push(item),
                _ => {
                    bytes = size(item);
                    batches.push(vec![item]);
                }
            }
        }
        let mut again = false;
        let mut sent =
            stream::iter(batches).map(|batch| self.upload_batch(view, batch)).buffer_unordered(2);
        while let Some(one) = sent.next().await {
            again |= one?;
        }
        let mut sent = stream::iter(large)
            .map(|item| async move { (item, self.upload_large(view, item).await) })
            .buffer_unordered(self.args.transfer.at_once());
        while let Some((item, one)) = sent.next().await {
            again |= self.settle(item, one)?;
        }
        Ok(again)
    }

    /// Counts what became of a transfer. Says whether to look again.
    fn settle(&self, item: &Item, went: Result<Outcome, Failure>) -> Result<bool, Failure> {
        match went {
            Ok(Outcome::Done) => Ok(false),
            Ok(Outcome::Stale) => Ok(true),
            Err(failure) => self.fail(&item.key, failure.about(&item.key)).map(|()| false),
        }
    }

    async fn upload_batch(&self, view: &View, items: Vec<&Item>) -> Result<bool, Failure> {
        let mut again = false;
        let mut files = Vec::with_capacity(items.len());
        for item in items {
            match self.read_small(view, item).await {
                Ok(Some(small)) => files.push(small),
                Ok(None) => again = true,
                Err(failure) => self.fail(&item.key, failure)?,
            }
        }
        let mut room = stream::iter(files)
            .map(|small| async move { (self.make_room(small.item).await, small) })
            .buffered(CALLS_AT_ONCE);
        let mut files = Vec::new();
        while let Some((room, small)) = room.next().await {
            match room {
                Ok(true) => files.push(small),
                Ok(false) => again = true,
                Err(error) => {
                    let key = &small.item.key;
                    self.fail(key, Failure::from(error).about(key))?;
                }
            }
        }
        let sending = files.iter().map(|small| SmallFile {
            path: self.root.path_of(&small.item.key),
            bytes: small.bytes.clone(),
            ondup: Ondup::Fail,
        });
        let sent = self.client.upload_many(sending.collect(), &self.args.transfer.options()).await;
        for (small, sent) in files.iter().zip(sent) {
            if sent.is_ok() {
                self.bars.borrow().counts().moved(small.stat.size);
            }
            let went = self.sent(small.item, settled(small.stat, view.at), sent);
            again |= self.settle(small.item, went)?;
        }
        Ok(again)
    }

    /// Reads a small file; `None` when it is not as it was seen.
    async fn read_small<'i>(
        &self,
        view: &View,
        item: &'i Item,
    ) -> Result<Option<Small<'i>>, Failure> {
        let path = view.tree.path_of(&self.local, &item.key);
        let shown = path.display().to_string();
        let read = spawn_blocking(move || -> io::Result<(Option<Stat>, Vec<u8>)> {
            let mut bytes = Vec::new();
            // It may have become a large one.
            let file = fs::File::open(&path)?;
            file.take(SmallFile::MAX_BYTES + 1).read_to_end(&mut bytes)?;
            Ok((stat_at(&path)?, bytes))
        });
        let read = read.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let (stat, bytes) = match read {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::other(format!("{shown}: cannot be read: {error}")));
            }
        };
        let seen = item.local.as_ref().map(|local| local.stat);
        let is_seen = |stat: &Stat| Some(*stat) == seen && stat.size == bytes.len() as u64;
        let stat = stat.filter(is_seen);
        Ok(stat.map(|stat| Small { item, stat, bytes: bytes.into() }))
    }

    /// Deletes the remote file that is to be replaced. So whatever it is by
    /// now is in the recycle bin: PCS cannot say *replace only this version*,
    /// and keeps nothing of what an overwrite replaced. Says whether there is
    /// room now, or else that it is not what was seen any more.
    async fn make_room(&self, item: &Item) -> Result<bool, Error> {
        let Some(there) = &item.remote else { return Ok(true) };
        if !self.is_still(&item.key, there).await? {
            return Ok(false);
        }
        match self.client.delete_entry(&self.root.path_of(&item.key)).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(true),
        }
    }

    async fn upload_large(&self, view: &View, item: &Item) -> Result<Outcome, Failure> {
        let path = view.tree.path_of(&self.local, &item.key);
        let seen = item.local.as_ref().map(|local| local.stat);
        let Some(stat) = stat_at(&path).ok().flatten().filter(|stat| Some(*stat) == seen) else {
            return Ok(Outcome::Stale);
        };
        let bar = self.bars.borrow().file(&item.key, stat.size, 0);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        let sent = match &item.remote {
            None => {
                let to = self.root.path_of(&item.key);
                self.client.upload_file(&path, &to, Ondup::Fail, &options).await
            }
            Some(_) => match self.replace(&path, item, &options).await {
                Ok(Some(entry)) => Ok(entry),
                Ok(None) => return Ok(Outcome::Stale),
                Err(error) => Err(error),
            },
        };
        // A change while it was read was found; one after that is news.
        let is_as_seen = stat_at(&path).ok().flatten() == Some(stat);
        let stat = if is_as_seen { settled(stat, view.at) } else { Stat { ctime: 0, ..stat } };
        self.sent(item, stat, sent)
    }

    /// Uploads a large file under another name, and gives it its place when it
    /// is whole, so that the place is not empty for as long as that takes.
    /// `None` when what is there is not what was seen any more.
    async fn replace(
        &self,
        path: &Path,
        item: &Item,
        options: &TransferOptions,
    ) -> Result<Option<Entry>, Error> {
        let to = self.root.path_of(&item.key);
        let making = join(split(&item.key).0, &name_in_the_making(&self.whose, &item.key));
        let making = self.root.path_of(&making);
        let entry = self.client.upload_file(path, &making, Ondup::Overwrite, options).await?;
        let replaced = match self.make_room(item).await {
            Ok(true) => self.client.move_entry(&making, &to).await.map(|()| Some(entry)),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        if matches!(replaced, Ok(Some(_))) {
            return replaced;
        }
        // It does no harm if that fails: the next upload takes its place.
        let _ = self.client.delete_entry(&making).await;
        match replaced {
            Err(error) if error.is(ErrorCode::FileExists) => Ok(None),
            replaced => replaced,
        }
    }

    /// Remembers what was sent.
    fn sent(
        &self,
        item: &Item,
        stat: Stat,
        sent: Result<Entry, Error>,
    ) -> Result<Outcome, Failure> {
        match sent {
            Ok(entry) => {
                self.agree(&item.key, stat, Remote::of(&entry))?;
                self.bars.borrow().counts().file_done();
                self.done(Did::Upload, &item.key)?;
                Ok(Outcome::Done)
            }
            // Somebody was quicker: the feed knows.
            Err(error) if error.is(ErrorCode::FileExists) => Ok(Outcome::Stale),
            Err(Error::LocalChanged { .. }) => Ok(Outcome::Stale),
            Err(error) => Err(error.into()),
        }
    }

    /// Downloads files. Says whether to look again.
    pub(crate) async fn download_all(
        &self,
        view: &View,
        items: Vec<Item>,
    ) -> Result<bool, Failure> {
        let mut again = false;
        for item in &items {
            let size = item.remote.map_or(0, |remote| remote.size);
            self.bars.borrow().counts().found(size);
        }
        let mut got = stream::iter(&items)
            .map(|item| async move { (item, self.download(view, item).await) })
            .buffer_unordered(self.args.transfer.at_once());
        while let Some((item, one)) = got.next().await {
            again |= self.settle(item, one)?;
        }
        Ok(again)
    }

    async fn download(&self, view: &View, item: &Item) -> Result<Outcome, Failure> {
        let Some(remote) = item.remote else { return Ok(Outcome::Stale) };
        let target = self.target(view, item)?;
        let making = Making::beside(&target, &self.whose, &item.key);
        let bar = self.bars.borrow().file(&item.key, remote.size, 0);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        options.modified = time_of(remote.mtime);
        let got =
            self.client.download_file(&self.root.path_of(&item.key), &making.0, &options).await;
        let facts = match got {
            Ok(facts) => facts,
            Err(error) if is_missing(&error) => return Ok(Outcome::Stale),
            Err(Error::RemoteChanged { .. }) => return Ok(Outcome::Stale),
            Err(error) => return Err(error.into()),
        };
        let is_as_seen = facts.size.0 == remote.size
            && (facts.md5.is_none() || remote.md5.is_none() || facts.md5 == remote.md5);
        if !is_as_seen {
            return Ok(Outcome::Stale);
        }
        let over = item.local.as_ref().map(|local| local.stat);
        let placed = spawn_blocking(move || making.place(&target, over)).await;
        let placed = placed.unwrap_or_else(|error| Err(io::Error::other(error)));
        let cannot = |error| Failure::other(format!("{}: cannot be written: {error}", item.key));
        let Some(stat) = placed.map_err(cannot)? else { return Ok(Outcome::Stale) };
        let md5 = facts.md5.or(remote.md5);
        self.base.borrow_mut().agree(&item.key, &Pair { stat, remote, md5 })?;
        self.bars.borrow().counts().file_done();
        self.done(Did::Download, &item.key)?;
        Ok(Outcome::Done)
    }

    /// Where a file goes. What a link points to is replaced, not the link.
    fn target(&self, view: &View, item: &Item) -> Result<PathBuf, Failure> {
        let path = view.tree.path_of(&self.local, &item.key);
        if !path.is_symlink() {
            return Ok(path);
        }
        path.canonicalize().map_err(|error| Failure::other(format!("{}: {error}", path.display())))
    }
}

fn time_of(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// A file in the making, beside its place. Dropping it removes it.
struct Making(PathBuf);

impl Making {
    fn beside(target: &Path, whose: &str, key: &str) -> Self {
        Self(target.with_file_name(format!(".{}", name_in_the_making(whose, key))))
    }

    /// Gives it its place, if what is there is what was seen: nothing, or a
    /// file that looks like this. Says how it looks there.
    ///
    /// It is on the disk then. What is remembered of it may lie on another one,
    /// and must not outlive it: a file that a power cut, or a stick that was
    /// pulled, took away again would look like one that was deleted here.
    fn place(self, target: &Path, over: Option<Stat>) -> io::Result<Option<Stat>> {
        fs::File::open(&self.0)?.sync_all()?;
        let placed = self.place_synced(target, over)?;
        // Not every file system has that for directories.
        if let Some(directory) = target.parent().filter(|_| placed.is_some()) {
            let _ = fs::File::open(directory).and_then(|directory| directory.sync_all());
        }
        Ok(placed)
    }

    fn place_synced(self, target: &Path, over: Option<Stat>) -> io::Result<Option<Stat>> {
        let made = fs::metadata(&self.0)?;
        match over {
            None => {
                if !self.place_new(target)? {
                    return Ok(None);
                }
            }
            Some(seen) => {
                if stat_at(target)? != Some(seen) {
                    return Ok(None);
                }
                fs::set_permissions(&self.0, fs::metadata(target)?.permissions())?;
                fs::rename(&self.0, target)?;
            }
        }
        // Whoever wrote to it since has changed its time: it was set.
        let (before, now) = (stat_of(&made), stat_at(target)?);
        let is_untouched = |one: &Stat, other: &Stat| one.is_same_entry(other);
        Ok(match (before, now) {
            (Some(before), Some(now)) if is_untouched(&before, &now) => Some(now),
            (before, _) => before.map(|stat| Stat { ctime: 0, ..stat }),
        })
    }

    /// Gives it a place where nothing is. A link is atomic; where there are
    /// none, nobody is expected in between.
    fn place_new(&self, target: &Path) -> io::Result<bool> {
        match fs::hard_link(&self.0, target) {
            Ok(()) => fs::remove_file(&self.0).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(_) if target.symlink_metadata().is_ok() => Ok(false),
            Err(_) => fs::rename(&self.0, target).map(|()| true),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
