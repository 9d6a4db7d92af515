use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pan_engine::{BlobStore, BlobWriter, BoxFuture, EngineError, ErrorKind};
use pan_model::{BlobKey, ByteSize};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use tracing::warn;

use crate::buckets::{Buckets, open_directory};
use crate::error::refused;
use crate::readers::Readers;
use crate::space::Space;
use crate::unfinished::Unfinished;
use crate::{blocking, delete, list, quarantine, read, stored, sync, writer};

/// What an operator or a test may choose.
#[derive(Debug, Clone)]
pub struct DiskOptions {
    /// No blob is begun when less than this would stay free. `None`: 512 MiB
    /// or one hundredth of the file system, whichever is more.
    pub reserve: Option<ByteSize>,
    /// Blobs that are kept open for reading.
    pub open_blobs_max: usize,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { reserve: None, open_blobs_max: 256 }
    }
}

/// Blobs as files below one directory of the local disk.
#[derive(Clone)]
pub struct DiskStore {
    pub(crate) shared: Arc<Shared>,
}

/// What all parts of the store share.
pub(crate) struct Shared {
    pub(crate) buckets: Buckets,
    pub(crate) readers: Readers,
    pub(crate) unfinished: Unfinished,
    pub(crate) space: Space,
    /// The latest hour whose bucket has been made ahead of time.
    made_ahead: AtomicU32,
}

impl DiskStore {
    /// Opens the store in `dir`, which is made if it does not exist, with the
    /// buckets of this hour and the next. Waits for the disk.
    pub fn open(dir: &Path, options: DiskOptions) -> Result<Self, EngineError> {
        let doing = |errno| refused(errno, format!("opening the blob store `{}`", dir.display()));
        match rustix::fs::mkdir(dir, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(doing(errno)),
        }
        // Also when it was there: whoever made it may have been killed here.
        sync_parent(dir).map_err(doing)?;
        let root = open_directory(CWD, dir, OFlags::empty()).map_err(doing)?;
        let hour = this_hour();
        let shared = Shared {
            buckets: Buckets::new(root),
            readers: Readers::new(options.open_blobs_max),
            unfinished: Unfinished::default(),
            space: Space::new(options.reserve),
            made_ahead: AtomicU32::new(hour + 1),
        };
        shared.buckets.make(hour)?;
        shared.buckets.make(hour + 1)?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes the bucket of the next hour, so that no upload has to wait for it.
    fn make_ahead(&self) {
        let next = this_hour() + 1;
        if self.shared.made_ahead.swap(next, Ordering::Relaxed) != next {
            let shared = Arc::clone(&self.shared);
            blocking::begin(move || {
                shared.buckets.make(next).map(drop).inspect_err(|error| warn!("{error}"))
            });
        }
    }
}

impl BlobStore for DiskStore {
    fn create(&self, key: BlobKey) -> BoxFuture<'_, Result<Box<dyn BlobWriter>, EngineError>> {
        Box::pin(async move {
            self.make_ahead();
            let shared = Arc::clone(&self.shared);
            let writer = blocking::run(move || writer::create(&shared, key)).await?;
            Ok(Box::new(writer) as Box<dyn BlobWriter>)
        })
    }

    fn sync<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(sync::sync(&self.shared, keys))
    }

    fn get(&self, key: BlobKey, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        Box::pin(read::read(&self.shared, key, range))
    }

    fn get_stored(&self, key: BlobKey) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        Box::pin(stored::get(&self.shared, key))
    }

    fn head(&self, key: BlobKey) -> BoxFuture<'_, Result<Option<u64>, EngineError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(blocking::run(move || match read::open_from_disk(&shared, key) {
            Ok(blob) => Ok(Some(blob.size)),
            Err(error) if error.kind() == ErrorKind::Missing => Ok(None),
            Err(error) => Err(error),
        }))
    }

    fn list(
        &self,
        hour: u32,
        after: Option<BlobKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<BlobKey>, EngineError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(blocking::run(move || list::keys(&shared, hour, after, limit)))
    }

    fn hours(&self) -> BoxFuture<'_, Result<Vec<u32>, EngineError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(blocking::run(move || list::hours(&shared)))
    }

    fn delete<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(delete::delete(&self.shared, keys))
    }

    fn quarantine<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(quarantine::quarantine(&self.shared, keys))
    }
}

/// The hour whose bucket is being filled.
pub(crate) fn this_hour() -> u32 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since_1970.as_secs() / 3600).unwrap_or(u32::MAX - 1)
}

/// Makes the name of a directory survive a power cut.
fn sync_parent(dir: &Path) -> Result<(), Errno> {
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    rustix::fs::fsync(open_directory(CWD, parent, OFlags::empty())?)
}
