//! Whether there is room for another blob.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pan_engine::{EngineError, ErrorKind, MAX_BLOB_BYTES};
use pan_model::ByteSize;
use rustix::fs::StatVfs;

use crate::error::refused;

/// How long an answer of the file system is believed.
const MEMORY: Duration = Duration::from_secs(1);

/// Left free for reading, deleting and the metadata log: this much or one
/// hundredth of the file system, whichever is more.
const RESERVE_BYTES: u64 = 512 << 20;

/// As many files must still be possible.
const RESERVE_FILES: u64 = 1024;

/// Watches the free space of a file system.
pub(crate) struct Space {
    reserve: Option<ByteSize>,
    last: Mutex<Option<Look>>,
}

/// What the file system said, less what has been begun since.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    free: u64,
    reserve: u64,
}

impl Space {
    /// Keeps `reserve` free; `None` for the usual reserve.
    pub(crate) fn new(reserve: Option<ByteSize>) -> Self {
        Self { reserve, last: Mutex::new(None) }
    }

    /// Counts a blob against the free space, if there is room for it.
    pub(crate) fn take_blob(&self, root: BorrowedFd<'_>) -> Result<(), EngineError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = last.filter(|look| look.at.elapsed() < MEMORY && look.has_room());
        let mut look = match fresh {
            Some(look) => look,
            None => self.look(root)?,
        };
        let room = look.has_room();
        look.free = look.free.saturating_sub(MAX_BLOB_BYTES);
        *last = Some(look);
        if room {
            return Ok(());
        }
        let context = format!("less than {} would be free", ByteSize(look.reserve));
        Err(EngineError::new(ErrorKind::Full, context))
    }

    fn look(&self, root: BorrowedFd<'_>) -> Result<Look, EngineError> {
        let stat = rustix::fs::fstatvfs(root)
            .map_err(|errno| refused(errno, "asking for the free space"))?;
        let reserve = match self.reserve {
            Some(reserve) => reserve.0,
            None => RESERVE_BYTES.max(stat.f_blocks.saturating_mul(stat.f_frsize) / 100),
        };
        Ok(Look { at: Instant::now(), free: free_bytes(&stat), reserve })
    }
}

impl Look {
    fn has_room(self) -> bool {
        self.free >= self.reserve.saturating_add(MAX_BLOB_BYTES)
    }
}

/// What an ordinary user may still write. None when inodes run out; a file
/// system that says it has no inodes does not count them.
fn free_bytes(stat: &StatVfs) -> u64 {
    if stat.f_files > 0 && stat.f_favail < RESERVE_FILES {
        return 0;
    }
    stat.f_bavail.saturating_mul(stat.f_frsize)
}
