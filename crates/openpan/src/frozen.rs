//! Rows as they were at one moment: a copy of the database that is removed
//! when it is dropped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pan_engine::{BoxFuture, EngineError, ErrorKind, Job, MetaStore, ReadCost, ReadJob, Scope};
use pan_meta_sqlite::{Options, SqliteStore};

use crate::data_dir::DataDir;

/// Copies that lie side by side must not have one name.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A copy of the database.
pub(crate) struct Frozen {
    store: Option<SqliteStore>,
    path: PathBuf,
}

/// Makes the directory of copies, without those of a process that was killed.
pub(crate) fn prepare(directory: &DataDir) -> std::io::Result<()> {
    match fs::remove_dir_all(directory.frozen()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a database into a directory, which is made if need be.
pub(crate) async fn freeze(
    store: &SqliteStore,
    directory: PathBuf,
) -> Result<Box<dyn MetaStore>, EngineError> {
    fs::create_dir_all(&directory).map_err(|error| {
        let doing = format!("making `{}`", directory.display());
        EngineError::new(ErrorKind::Failed, doing).with_source(error)
    })?;
    let path = directory.join(format!("{}.db", NUMBER.fetch_add(1, Ordering::Relaxed)));
    // From here on, whatever goes wrong removes the file.
    let mut frozen = Frozen { store: None, path: path.clone() };
    store.copy_to(path.clone()).await?;
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path, options())).await;
    frozen.store = Some(opened.map_err(|error| {
        EngineError::new(ErrorKind::Panicked, "opening a copy").with_source(error)
    })??);
    Ok(Box::new(frozen))
}

/// A copy that fails is no reason to end the process.
pub(crate) fn options() -> Options {
    let report = |error: &EngineError| tracing::error!(%error, "the device of a copy failed");
    Options { on_device_failure: std::sync::Arc::new(report), ..Options::default() }
}

/// Removes a database file and those that SQLite may have put beside it.
pub(crate) fn remove_database(path: &Path) -> std::io::Result<()> {
    remove_logs(path)?;
    remove(path.as_os_str())
}

/// Makes sure that a closed database is one file: what is left beside it is
/// empty, and removed.
pub(crate) fn make_one_file(path: &Path) -> std::io::Result<()> {
    match log_left(path) {
        Some(_) => Err(std::io::Error::other(format!("`{}` is still in use", path.display()))),
        None => remove_logs(path),
    }
}

/// The log beside a database file, if there is anything in it. Whatever file
/// comes to this path next, SQLite would read the log as a part of it.
pub(crate) fn log_left(path: &Path) -> Option<PathBuf> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(&log).is_ok_and(|left| left.len() > 0).then(|| log.into())
}

/// Removes the files that SQLite may have put beside a database.
fn remove_logs(path: &Path) -> std::io::Result<()> {
    for suffix in ["-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        remove(&file)?;
    }
    Ok(())
}

fn remove(file: &OsStr) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Frozen {
    fn store(&self) -> Result<&SqliteStore, EngineError> {
        let closed = || EngineError::new(ErrorKind::Failed, "the copy is closed");
        self.store.as_ref().ok_or_else(closed)
    }
}

impl MetaStore for Frozen {
    fn submit(&self, scope: Scope, job: Box<dyn Job>) {
        match self.store() {
            Ok(store) => store.submit(scope, job),
            Err(error) => job.finish(Err(error)),
        }
    }

    fn submit_read(&self, cost: ReadCost, mut job: Box<dyn ReadJob>) -> BoxFuture<'static, ()> {
        match self.store() {
            Ok(store) => store.submit_read(cost, job),
            Err(error) => {
                job.fail(error);
                Box::pin(std::future::ready(()))
            }
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // Closed first.
        self.store = None;
        if let Err(error) = remove_database(&self.path) {
            tracing::warn!(%error, "could not remove `{}`", self.path.display());
        }
    }
}
