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

#[cfg(test)]
mod tests {
    use super::*;

    /// G20: what a failed flush did not write, the next one would not report.
    #[tokio::test]
    async fn a_failed_flush_is_never_tried_again() {
        // A pipe cannot be flushed.
        let (reader, _writer) = std::io::pipe().unwrap();
        let bucket = Arc::new(Bucket::new(7, reader.into()));
        assert!(bucket.check().is_ok());
        let first = Arc::clone(&bucket).sync().await.unwrap_err().to_string();
        assert!(first.starts_with("flushing bucket 00000007: "), "{first}");
        for _ in 0..2 {
            let later = Arc::clone(&bucket).sync().await.unwrap_err().to_string();
            assert_eq!(later, "an earlier flush of bucket 00000007 failed");
        }
        assert!(bucket.check().is_err());
    }

    #[tokio::test]
    async fn one_flush_serves_all_who_asked_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let dir = std::fs::File::open(directory.path()).unwrap();
        let bucket = Arc::new(Bucket::new(7, dir.into()));
        let waiting = bucket.served.lock().await;
        let mut asked: Vec<_> = (0..3).map(|_| tokio::spawn(Arc::clone(&bucket).sync())).collect();
        while bucket.asked.load(Ordering::Acquire) < 3 {
            tokio::task::yield_now().await;
        }
        drop(waiting);
        asked.remove(0).await.unwrap().unwrap();
        // The first flush was for all three.
        assert_eq!(*bucket.served.lock().await, 3);
        for sync in asked {
            sync.await.unwrap().unwrap();
        }
    }
}
