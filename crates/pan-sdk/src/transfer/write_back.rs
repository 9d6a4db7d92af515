//! Flushing a file to the disk while it is still being written, so that little
//! is left to be waited for in the end.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

/// How much is written before it is flushed.
const STEP_BYTES: u64 = 128 << 20;

/// The flushing of one file.
#[derive(Debug)]
pub(super) struct WriteBack {
    file: Arc<File>,
    /// Written since a flush was begun.
    unflushed: AtomicU64,
    /// Held by whoever flushes. A system tells a failure once, and then no
    /// more: it is kept for the end.
    failure: Mutex<Option<io::Error>>,
}

impl WriteBack {
    pub(super) fn new(file: Arc<File>) -> Arc<Self> {
        Arc::new(Self { file, unflushed: AtomicU64::new(0), failure: Mutex::new(None) })
    }

    /// So much more was written; some of it may go to the disk now, beside
    /// what comes next.
    pub(super) fn wrote(self: &Arc<Self>, bytes: u64) {
        let unflushed = self.unflushed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unflushed < STEP_BYTES {
            return;
        }
        let this = Arc::clone(self);
        spawn_blocking(move || this.flush_some());
    }

    fn flush_some(&self) {
        // Otherwise somebody is at it.
        if let Ok(mut failure) = self.failure.try_lock()
            && self.unflushed.swap(0, Ordering::Relaxed) >= STEP_BYTES
            && let Err(error) = self.file.sync_data()
        {
            *failure = Some(error);
        }
    }

    /// Waits until everything is on the disk.
    pub(super) fn finish(&self) -> io::Result<()> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = self.file.sync_data();
        failure.take().map_or(flushed, Err)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::{STEP_BYTES, WriteBack};

    #[tokio::test]
    async fn a_failure_on_the_way_is_told_in_the_end() {
        let write_back = WriteBack::new(Arc::new(tempfile::tempfile().unwrap()));
        write_back.wrote(STEP_BYTES);
        assert!(write_back.finish().is_ok());
        // A pipe cannot be flushed.
        let (_reader, writer) = io::pipe().unwrap();
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
        let write_back = WriteBack::new(Arc::new(file));
        write_back.unflushed.store(STEP_BYTES, std::sync::atomic::Ordering::Relaxed);
        write_back.flush_some();
        assert!(write_back.failure.lock().unwrap().is_some());
        assert!(write_back.finish().is_err());
    }
}
