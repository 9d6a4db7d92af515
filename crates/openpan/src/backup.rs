//! A backup is a data directory that lies beside the one in use.
//!
//! ```text
//! backup        says whose it is, and whether the last run came to its end
//! meta.db       the rows of the last backup; replaced at the end of the next
//! meta.db.new   those of a backup under way
//! blobs/        what either of them names
//! ```
//!
//! Without `meta.db` there is no backup, only the beginning of one. Whoever
//! serves a backup makes it a store of its own: it is no place for backups
//! any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_engine::{
    BackupPlace, Backups, BlobStore, BoxFuture, EngineError, ErrorKind, MetaStore, StoreId,
};
use pan_meta_sqlite::SqliteStore;

use crate::data_dir::{self, DataDir};
use crate::frozen;

const MARK: &str = "backup";
/// So much stays free beside the copied rows, for the log of whoever writes.
const RESERVE_BYTES: u64 = 512 << 20;

/// Makes backups of the store in a data directory.
pub(crate) struct LocalBackups {
    meta: Arc<SqliteStore>,
    /// The files of the database that is copied.
    database: PathBuf,
    frozen: PathBuf,
}

impl LocalBackups {
    pub(crate) fn new(meta: Arc<SqliteStore>, directory: &DataDir) -> Self {
        Self { meta, database: directory.meta(), frozen: directory.frozen() }
    }

    /// The bytes that a copy of the rows takes, about.
    fn rows_bytes(&self) -> u64 {
        let mut log = self.database.as_os_str().to_owned();
        log.push("-wal");
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        length(&self.database) + length(Path::new(&log))
    }
}

impl Backups for LocalBackups {
    fn open<'a>(
        &'a self,
        place: &'a str,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn BackupPlace>, EngineError>> {
        let (meta, path, bytes) = (self.meta.clone(), PathBuf::from(place), self.rows_bytes());
        let own = self.database.parent().unwrap_or(&self.database).to_owned();
        Box::pin(blocking(move || {
            let is_inside = path.starts_with(std::path::absolute(&own)?);
            if is_inside || resolved(&path).starts_with(fs::canonicalize(&own)?) {
                bail!("{} lies in what is to be backed up", path.display());
            }
            // Whoever writes meanwhile needs room for the log.
            check_space(&own, 0)?;
            let place = Place::open(meta, path, store, bytes)?;
            Ok(Box::new(place) as Box<dyn BackupPlace>)
        }))
    }

    fn freeze(&self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async move {
            let (directory, bytes) = (self.frozen.clone(), self.rows_bytes());
            blocking(move || check_space(directory.parent().unwrap_or(&directory), bytes)).await?;
            frozen::freeze(&self.meta, self.frozen.clone()).await
        })
    }
}

/// Refuses to begin on a backup that broke off: it would be taken for a store.
pub(crate) fn refuse_beginning(data: &Path) -> Result<()> {
    if data.join(MARK).exists() && !data_dir::is_set_up(data) {
        bail!(
            "{} holds a backup that broke off: run `openpan backup` once more to complete it",
            data.display()
        );
    }
    Ok(())
}

/// Makes a backup a store of its own, so that no later backup overwrites it.
pub(crate) fn adopt(data: &Path) -> Result<()> {
    match fs::remove_file(data.join(MARK)) {
        Ok(()) => {
            tracing::info!("this was a backup; it is a store of its own now");
            sync(data).context("could not make a store of the backup")
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context("could not make a store of the backup"),
    }
}

/// What the mark of a backup says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    store: StoreId,
    whole: bool,
}

impl Mark {
    /// `None` when there is none.
    fn read(directory: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(directory.join(MARK)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mark = text.strip_suffix('\n').and_then(Self::parse);
        Ok(Some(mark.context("the file `backup` is not one of ours")?))
    }

    fn parse(text: &str) -> Option<Self> {
        let (store, state) = text.strip_prefix("openpan backup 1 ")?.split_once(' ')?;
        let whole = match state {
            "whole" => true,
            "under way" => false,
            _ => return None,
        };
        let store = u128::from_str_radix(store, 16).ok().filter(|_| store.len() == 32)?;
        Some(Self { store: store.to_be_bytes(), whole })
    }

    fn write(&self, directory: &Path) -> std::io::Result<()> {
        let state = if self.whole { "whole" } else { "under way" };
        let store = u128::from_be_bytes(self.store);
        let (new, mark) = (directory.join("backup.new"), directory.join(MARK));
        fs::write(&new, format!("openpan backup 1 {store:032x} {state}\n"))?;
        File::open(&new)?.sync_all()?;
        fs::rename(&new, mark)?;
        sync(directory)
    }
}

/// A place for backups, open.
struct Place {
    meta: Arc<SqliteStore>,
    directory: PathBuf,
    mark: Mark,
    /// Before this run.
    was_whole: bool,
    blobs: Arc<dyn BlobStore>,
    _lock: File,
}

impl Place {
    fn open(meta: Arc<SqliteStore>, path: PathBuf, store: StoreId, bytes: u64) -> Result<Self> {
        let known = Mark::read(&path)?;
        match known {
            Some(mark) if mark.store != store => {
                bail!("{} holds backups of another store", path.display())
            }
            None if !is_empty(&path)? => bail!(
                "{} is neither empty nor a place of backups (one that was served is a store \
                 of its own)",
                path.display()
            ),
            _ => {}
        }
        let Some((_directory, lock)) = DataDir::borrow(&path)? else {
            bail!("another openpan has {} open", path.display());
        };
        if Mark::read(&path)? != known {
            bail!("another openpan had {} open just now: try again", path.display());
        }
        check_space(&path, bytes)?;
        let mark = Mark { store, whole: false };
        mark.write(&path)?;
        sync(path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))?;
        let blobs = path.join("blobs");
        if known.is_some_and(|mark| !mark.whole) && blobs.exists() {
            // What is found whole may never have been flushed by who was killed.
            sync_below(&blobs).context("could not flush what an earlier backup copied")?;
        }
        let blobs = DiskStore::open(&blobs, DiskOptions::default())?;
        Ok(Self {
            meta,
            directory: path,
            mark,
            was_whole: known.is_some_and(|mark| mark.whole),
            blobs: Arc::new(blobs),
            _lock: lock,
        })
    }

    fn new_rows(&self) -> PathBuf {
        data_dir::new_meta(&self.directory)
    }
}

impl BackupPlace for Place {
    fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.blobs
    }

    fn is_whole(&self) -> bool {
        self.was_whole
    }

    fn copy_rows(&mut self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async move {
            let path = self.new_rows();
            let leftover = path.clone();
            blocking(move || Ok(frozen::remove_database(&leftover)?)).await?;
            self.meta.copy_to(path.clone()).await?;
            blocking(move || open_rows(&path)).await
        })
    }

    fn finish(
        &mut self,
        rows: Box<dyn MetaStore>,
    ) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        let (directory, new, mark) = (self.directory.clone(), self.new_rows(), self.mark);
        Box::pin(blocking(move || {
            // Closed, so that everything is in the one file that is renamed.
            drop(rows);
            frozen::make_one_file(&new)?;
            let last = data_dir::meta(&directory);
            close_last(&last)?;
            File::open(&new)?.sync_all()?;
            fs::rename(&new, &last)?;
            sync(&directory)?;
            Mark { whole: true, ..mark }.write(&directory)?;
            open_rows(&last)
        }))
    }
}

fn open_rows(path: &Path) -> Result<Box<dyn MetaStore>> {
    Ok(Box::new(SqliteStore::open(path, frozen::options())?))
}

/// A log that whoever looked at the last backup left behind would be taken
/// for the new rows' own. Opening and closing empties it.
fn close_last(last: &Path) -> Result<()> {
    let mut log = last.as_os_str().to_owned();
    log.push("-wal");
    if !Path::new(&log).exists() {
        return Ok(());
    }
    drop(SqliteStore::open(last, frozen::options())?);
    Ok(frozen::make_one_file(last)?)
}

/// Whether there is nothing in a directory but what a backup that was killed
/// at its very beginning leaves, or no directory.
fn is_empty(path: &Path) -> Result<bool> {
    let looking = || format!("could not look at {}", path.display());
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error).with_context(looking),
    };
    for entry in entries {
        let name = entry.with_context(looking)?.file_name();
        if name != "lock" && name != "backup.new" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses when the copied rows would leave too little for everybody else.
fn check_space(directory: &Path, bytes: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(directory)?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let reserve = RESERVE_BYTES.max(stat.f_blocks.saturating_mul(stat.f_frsize) / 100);
    if free < bytes.saturating_add(reserve) {
        let needed = pan_model::ByteSize(bytes.saturating_add(reserve));
        let free = pan_model::ByteSize(free);
        bail!("{}: {needed} must be free to begin, {free} are", directory.display());
    }
    Ok(())
}

/// Makes the names in a directory survive a power cut.
fn sync(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The same for every file and directory below one, and their bytes.
fn sync_below(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_below(&entry.path())?;
        } else if kind.is_file() {
            sync(&entry.path())?;
        }
    }
    sync(directory)
}

/// Where a path leads to, as far as there is anything.
fn resolved(path: &Path) -> PathBuf {
    path.ancestors().find_map(|above| fs::canonicalize(above).ok()).unwrap_or_else(|| path.into())
}

/// Runs what waits for the disk where it may, and tells it in the words of the
/// seam.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.into()))
        .map_err(|error| EngineError::new(ErrorKind::Failed, format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::{Mark, check_space};

    #[test]
    fn a_full_disk_is_told_before_anything_is_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let refused = check_space(directory.path(), 1 << 60).expect_err("no disk is so large");
        assert!(refused.to_string().contains("must be free to begin"), "{refused}");
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(Mark::read(directory.path()).ok(), Some(None));
        for whole in [false, true] {
            let mark = Mark { store: [9; 16], whole };
            mark.write(directory.path()).expect("a mark");
            assert_eq!(Mark::read(directory.path()).ok(), Some(Some(mark)));
        }
    }

    #[test]
    fn other_files_are_no_marks() {
        for text in ["", "openpan backup 2 00 whole", "openpan backup 1 00 whole", "notes"] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
