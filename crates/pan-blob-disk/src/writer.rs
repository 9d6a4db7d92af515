//! Writing one blob.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{BlobWriter, BoxFuture, EngineError, ErrorKind, MAX_BLOB_BYTES, MAX_CHUNK_BYTES};
use pan_model::BlobKey;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::task::JoinHandle;

use crate::blocking;
use crate::error::{failed, refused};
use crate::place::file_name;
use crate::store::Shared;

/// Only the server's own user may look.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A blob that is being written.
///
/// One chunk is on its way to the file while the caller fetches the next.
pub(crate) struct DiskWriter {
    key: BlobKey,
    file: Arc<File>,
    shared: Arc<Shared>,
    size: u64,
    on_its_way: Option<JoinHandle<Result<(), EngineError>>>,
    /// A write failed, so that the file lacks bytes.
    broken: bool,
}

/// Begins a blob. Waits for the disk.
pub(crate) fn create(shared: &Arc<Shared>, key: BlobKey) -> Result<DiskWriter, EngineError> {
    shared.space.take_blob(shared.buckets.root())?;
    // Before the file is there, so that no reader ever sees it unfinished.
    if !shared.unfinished.insert(key) {
        return Err(refused(Errno::EXIST, format!("creating blob {key}")));
    }
    match create_file(shared, key) {
        Ok(file) => Ok(DiskWriter {
            key,
            file: Arc::new(file),
            shared: Arc::clone(shared),
            size: 0,
            on_its_way: None,
            broken: false,
        }),
        Err(error) => {
            shared.unfinished.remove(key);
            Err(error)
        }
    }
}

fn create_file(shared: &Shared, key: BlobKey) -> Result<File, EngineError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = file_name(key);
    let open = || {
        let bucket = shared.buckets.make(key.hour)?;
        bucket.check()?;
        Ok(rustix::fs::openat(bucket.dir(), &*name, flags, FILE_MODE))
    };
    let mut opened = open()?;
    if matches!(opened, Err(Errno::NOENT)) {
        // The bucket was empty and old, and has just been removed.
        shared.buckets.forget(key.hour);
        opened = open()?;
    }
    opened.map(File::from).map_err(|errno| refused(errno, format!("creating blob {key}")))
}

impl DiskWriter {
    async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), EngineError> {
        self.arrive().await?;
        let size = self.size + chunk.len() as u64;
        if chunk.len() > MAX_CHUNK_BYTES || size > MAX_BLOB_BYTES {
            self.broken = true;
            return Err(self.error("too many bytes for"));
        }
        self.size = size;
        let (key, file) = (self.key, Arc::clone(&self.file));
        self.on_its_way = Some(blocking::begin(move || {
            (&*file).write_all(&chunk).map_err(|error| failed(error, format!("writing blob {key}")))
        }));
        Ok(())
    }

    /// Waits until the chunk on its way is in the file.
    async fn arrive(&mut self) -> Result<(), EngineError> {
        if let Some(write) = &mut self.on_its_way {
            // Left in place until it is done: the caller may stop waiting.
            let written = blocking::ended(write.await);
            self.on_its_way = None;
            self.broken |= written.is_err();
            written?;
        }
        if self.broken { Err(self.error("an earlier write failed for")) } else { Ok(()) }
    }

    async fn flush(mut self: Box<Self>) -> Result<(), EngineError> {
        self.arrive().await?;
        let (key, file) = (self.key, Arc::clone(&self.file));
        // If this fails the kernel may have dropped the bytes and would report
        // success the next time, so there is no next time: `self` is gone and
        // the blob stays unfinished.
        blocking::run(move || {
            file.sync_data().map_err(|error| failed(error, format!("flushing blob {key}")))
        })
        .await?;
        self.shared.unfinished.remove(self.key);
        Ok(())
    }

    fn error(&self, what: &str) -> EngineError {
        EngineError::new(ErrorKind::Failed, format!("{what} blob {}", self.key))
    }
}

impl BlobWriter for DiskWriter {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.write_chunk(chunk))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(self.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiskOptions, DiskStore};

    /// A writer whose file is a device.
    fn writer_to(device: &str) -> (Box<DiskWriter>, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = DiskStore::open(directory.path(), DiskOptions::default()).unwrap();
        let key = BlobKey { hour: 7, random: [7; 12] };
        let mut writer = create(&store.shared, key).unwrap();
        writer.file = Arc::new(File::options().write(true).open(device).unwrap());
        (Box::new(writer), directory)
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_not_forgotten() {
        let (mut writer, _directory) = writer_to("/dev/full");
        writer.write(Bytes::from_static(b"taken over")).await.unwrap();
        let error = writer.write(Bytes::from_static(b"more")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        assert!(writer.write(Bytes::new()).await.is_err());
        assert!(writer.finish().await.is_err());
    }

    #[tokio::test]
    async fn the_error_of_the_last_chunk_comes_with_the_end() {
        let (mut writer, _directory) = writer_to("/dev/full");
        writer.write(Bytes::from_static(b"taken over")).await.unwrap();
        assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::Full);
    }

    /// G20: a blob whose flush failed stays unfinished for ever.
    #[tokio::test]
    async fn a_failed_flush_leaves_no_blob() {
        // It takes every byte and cannot be flushed.
        let (mut writer, _directory) = writer_to("/dev/null");
        writer.write(Bytes::from_static(b"bytes")).await.unwrap();
        let (key, shared) = (writer.key, Arc::clone(&writer.shared));
        let error = writer.finish().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("flushing blob {key}: ")), "{error}");
        assert!(shared.unfinished.contains(key));
    }
}
