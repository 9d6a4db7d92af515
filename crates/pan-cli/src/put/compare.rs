//! What is there already: `--update` and `--checksum`.
//!
//! One listing of a directory answers for all its files.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use futures_util::stream::TryStreamExt;
use pan_sdk::{ByteSize, Client, Entry, Error, ErrorCode, ListBy, ListOrder, Md5, PanPath};
use unicode_normalization::UnicodeNormalization;

use crate::copy_args::CopyArgs;
use crate::failure::Failure;
use crate::local_walk::PutJob;
use crate::transfers::Step;

/// The storage as the walk sees it: the directories on the way down to where
/// it is, no others.
pub(super) struct Storage<'a> {
    client: &'a Client,
    args: &'a CopyArgs,
    /// Whether one source only is put: then a file is asked for alone.
    is_alone: bool,
    listed: Vec<(PanPath, Listed)>,
}

/// The files of a directory by the keys of their names; `None` where there is none.
type Listed = Option<HashMap<String, Twin>>;

/// What is said of a file that has the place of one that is put.
#[derive(Debug, Clone, Copy)]
struct Twin {
    size: ByteSize,
    md5: Option<Md5>,
    modified: SystemTime,
}

impl<'a> Storage<'a> {
    pub(super) fn new(client: &'a Client, args: &'a CopyArgs, is_alone: bool) -> Self {
        Self { client, args, is_alone, listed: Vec::new() }
    }

    /// Looks at the place of a file, where an option wants that.
    pub(super) async fn compare(&mut self, mut job: PutJob) -> Step<PutJob> {
        let Some(size) = job.size.filter(|_| self.args.update || self.args.checksum) else {
            return Step::Do(job);
        };
        let twin = match self.twin(&job.remote).await {
            Ok(Some(twin)) => twin,
            Ok(None) => return Step::Do(job),
            Err(error) => return Step::Fail(Failure::from(error).about(job.local.display())),
        };
        if self.args.update && twin.is_as_new_as(&job) {
            let text = format!("{}: left out, the storage's is as new", job.local.display());
            return Step::Same(text);
        }
        if self.args.checksum && twin.size.0 == size {
            job.same_if = twin.md5;
        }
        Step::Do(job)
    }

    async fn twin(&mut self, path: &PanPath) -> Result<Option<Twin>, Error> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Ok(None) };
        let name = &key(name);
        while self.listed.last().is_some_and(|(listed, _)| !parent.is_within(listed)) {
            self.listed.pop();
        }
        let nearest = self.listed.last();
        if let Some((listed, files)) = nearest
            && (*listed == parent || files.is_none())
        {
            // Below what is not there, nothing is.
            return Ok(files.as_ref().and_then(|files| files.get(name).copied()));
        }
        if nearest.is_none() && self.is_alone {
            let entry = absent_as_none(self.client.meta(path).await)?;
            if entry.as_ref().is_none_or(|entry| !entry.is_dir) {
                // There may be more files here: those are listed.
                self.is_alone = false;
                return Ok(entry.as_ref().map(Twin::of));
            }
        }
        let files = absent_as_none(self.list(&parent).await)?;
        let twin = files.as_ref().and_then(|files| files.get(name).copied());
        self.listed.push((parent, files));
        Ok(twin)
    }

    async fn list(&self, directory: &PanPath) -> Result<HashMap<String, Twin>, Error> {
        let order = ListOrder { by: ListBy::Name, descending: false };
        let entries = self.client.list_all(directory, order);
        let files = entries.try_filter(|entry| std::future::ready(!entry.is_dir));
        files.map_ok(|entry| (key(entry.name()), Twin::of(&entry))).try_collect().await
    }
}

impl Twin {
    fn of(entry: &Entry) -> Self {
        let seconds = u64::try_from(entry.mtime.0).unwrap_or(0);
        let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
        Self { size: entry.size, md5: entry.md5, modified }
    }

    /// The storage tells whole seconds: what was modified in the second in
    /// which it was uploaded counts as newer, which at worst sends it again.
    fn is_as_new_as(self, job: &PutJob) -> bool {
        let Some(modified) = job.modified else { return false };
        self.modified > modified || (self.modified == modified && Some(self.size.0) == job.size)
    }
}

/// Names of the same key are one to the storage (pcs-rest 2.2).
fn key(name: &str) -> String {
    name.nfc().collect()
}

fn absent_as_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is(ErrorCode::FileNotExists) => Ok(None),
        Err(error) => Err(error),
    }
}
