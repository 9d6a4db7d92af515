//! The buckets that are open, and the making of new ones.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pan_engine::EngineError;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::bucket::Bucket;
use crate::error::refused;
use crate::place::bucket_name;

/// Only the server's own user may look.
const DIRECTORY_MODE: Mode = Mode::RWXU;

/// Buckets that are kept open: those being written, and some being read.
const OPEN_MAX: usize = 64;

/// The store's directory and its open buckets.
pub(crate) struct Buckets {
    root: OwnedFd,
    open: Mutex<BTreeMap<u32, Arc<Bucket>>>,
    making: Mutex<()>,
}

impl Buckets {
    pub(crate) fn new(root: OwnedFd) -> Self {
        Self { root, open: Mutex::default(), making: Mutex::default() }
    }

    /// The store's directory.
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The bucket of an hour; `None` when there is none.
    pub(crate) fn get(&self, hour: u32) -> Result<Option<Arc<Bucket>>, EngineError> {
        if let Some(bucket) = self.open().get(&hour) {
            return Ok(Some(Arc::clone(bucket)));
        }
        match self.open_bucket(hour) {
            Ok(dir) => Ok(Some(self.keep(hour, dir))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(refused(errno, format!("opening bucket {}", bucket_name(hour)))),
        }
    }

    /// The bucket of an hour, made if need be. Its name survives a power cut.
    pub(crate) fn make(&self, hour: u32) -> Result<Arc<Bucket>, EngineError> {
        if let Some(bucket) = self.open().get(&hour).filter(|bucket| bucket.is_durable()) {
            return Ok(Arc::clone(bucket));
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let name = bucket_name(hour);
        let doing = |errno| refused(errno, format!("making bucket {name}"));
        match rustix::fs::mkdirat(self.root(), &*name, DIRECTORY_MODE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(doing(errno)),
        }
        let dir = self.open_bucket(hour).map_err(doing)?;
        let bucket = self.keep(hour, dir);
        if !bucket.is_durable() {
            // Its inode, then its name.
            bucket.flush()?;
            rustix::fs::fsync(self.root()).map_err(doing)?;
            bucket.set_durable();
        }
        Ok(bucket)
    }

    /// Forgets a bucket that was found to be removed.
    pub(crate) fn forget(&self, hour: u32) {
        self.open().remove(&hour);
    }

    /// Removes a bucket if it is empty.
    pub(crate) fn remove_if_empty(&self, hour: u32) {
        let mut open = self.open();
        if open.get(&hour).is_some_and(|bucket| bucket.is_broken()) {
            return;
        }
        // Under the lock, so that nobody keeps it open again meanwhile. It is
        // tidying: when it fails, an empty directory stays.
        if rustix::fs::unlinkat(self.root(), &*bucket_name(hour), AtFlags::REMOVEDIR).is_ok() {
            open.remove(&hour);
        }
    }

    /// Keeps a bucket open. If it is already, that one stays: it knows what
    /// has been flushed.
    fn keep(&self, hour: u32, dir: OwnedFd) -> Arc<Bucket> {
        let mut open = self.open();
        let bucket = open.entry(hour).or_insert_with(|| Arc::new(Bucket::new(hour, dir)));
        let bucket = Arc::clone(bucket);
        if open.len() > OPEN_MAX {
            let oldest = open.iter().find(|(_, bucket)| !bucket.is_broken());
            if let Some(hour) = oldest.map(|(hour, _)| *hour) {
                open.remove(&hour);
            }
        }
        bucket
    }

    /// Never through a link.
    fn open_bucket(&self, hour: u32) -> Result<OwnedFd, Errno> {
        open_directory(self.root(), Path::new(&bucket_name(hour)), OFlags::NOFOLLOW)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Bucket>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a directory.
pub(crate) fn open_directory(
    parent: BorrowedFd<'_>,
    path: &Path,
    more: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    rustix::fs::openat(parent, path, flags, Mode::empty())
}
