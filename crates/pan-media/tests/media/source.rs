//! Contents in memory, and engines to look at them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use pan_engine::{BoxFuture, EngineError, MediaSource, SourceKey};
use pan_media::{LocalMedia, Options};
use pan_model::{Blake3, ByteSize};

/// A content in memory, which counts how often it is read.
pub(crate) struct Memory {
    content: Bytes,
    pub(crate) reads: AtomicUsize,
}

pub(crate) fn memory(content: impl Into<Bytes>) -> Arc<Memory> {
    Arc::new(Memory { content: content.into(), reads: AtomicUsize::new(0) })
}

impl MediaSource for Memory {
    fn key(&self) -> SourceKey {
        let blake3 = Blake3(*blake3::hash(&self.content).as_bytes());
        SourceKey { blake3, size: ByteSize(self.content.len() as u64) }
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let start = usize::try_from(range.start).unwrap();
        // Fewer than asked for.
        let end = usize::try_from(range.end).unwrap().min(start + (1 << 20));
        Box::pin(std::future::ready(Ok(self.content.slice(start..end))))
    }
}

/// An engine with an empty cache, and the directory of that.
pub(crate) fn engine() -> (Arc<LocalMedia>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        cache_dir: directory.path().to_owned(),
        cache_size: ByteSize(64 << 20),
        ffmpeg: "ffmpeg".into(),
        processes_max: 2,
        processes_of_user_max: 2,
    };
    (Arc::new(LocalMedia::open(options).unwrap()), directory)
}
