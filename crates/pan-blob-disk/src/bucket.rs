//! A bucket: the directory of one hour's blobs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pan_engine::{EngineError, ErrorKind};
use tokio::sync::Mutex;

use crate::blocking;
use crate::error::refused;
use crate::place::bucket_name;

/// An open bucket.
pub(crate) struct Bucket {
    hour: u32,
    dir: OwnedFd,
    /// Whether its own name survives a power cut.
    durable: AtomicBool,
    /// A flush of it failed. What it did not write is not known and cannot be
    /// written any more, so that no later flush proves anything.
    broken: AtomicBool,
    /// How many flushes have been asked for.
    asked: AtomicU64,
    /// How many of them are done. Held by the one that flushes.
    served: Mutex<u64>,
}

impl Bucket {
    pub(crate) fn new(hour: u32, dir: OwnedFd) -> Self {
        Self {
            hour,
            dir,
            durable: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            served: Mutex::new(0),
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Whether its own name survives a power cut.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire)
    }

    /// Notes that its own name survives a power cut.
    pub(crate) fn set_durable(&self) {
        self.durable.store(true, Ordering::Release);
    }

    /// Whether a flush has failed: nothing new can be made durable here.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Makes everything durable that was in the directory before the call.
    ///
    /// One flush serves all who asked before it began.
    pub(crate) async fn sync(self: Arc<Self>) -> Result<(), EngineError> {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut served = self.served.lock().await;
        if *served >= ticket {
            return Ok(());
        }
        let all = self.asked.load(Ordering::Acquire);
        let bucket = Arc::clone(&self);
        blocking::run(move || bucket.flush()).await?;
        *served = all;
        Ok(())
    }

    /// Flushes the directory, now.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        self.check()?;
        rustix::fs::fsync(self.dir()).map_err(|errno| {
            self.broken.store(true, Ordering::Release);
            refused(errno, format!("flushing bucket {}", bucket_name(self.hour)))
        })
    }

    /// Fails when the bucket is broken.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.is_broken() {
            let context = format!("an earlier flush of bucket {} failed", bucket_name(self.hour));
            return Err(EngineError::new(ErrorKind::Failed, context));
        }
        Ok(())
    }
}
