use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use pan_model::BlobKey;

use crate::EngineError;

/// A future that the seam can name: traits with these stay dyn-compatible.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The bytes of one blob, at most: 4 MiB of content and what the rules add to
/// check them by.
pub const MAX_BLOB_BYTES: u64 = (4 << 20) + (2 << 10);

/// The bytes of one [`BlobWriter::write`], at most: 256 KiB.
pub const MAX_CHUNK_BYTES: usize = 256 << 10;

/// A store of immutable, bounded blobs under keys that are never used twice.
///
/// The caller makes the key; an engine never derives a place from anything a
/// user wrote. Every method may be called from many tasks at once.
pub trait BlobStore: Send + Sync + 'static {
    /// Begins a blob under a key that no blob has had before.
    ///
    /// The blob does not exist for readers until it is finished. (What a
    /// process left unfinished when it died may be readable as far as it got:
    /// no row has its key, and the orphan sweep removes it.) Space is checked
    /// here: [`crate::ErrorKind::Full`] leaves a reserve for reading, deleting
    /// and the metadata log.
    fn create(&self, key: BlobKey) -> BoxFuture<'_, Result<Box<dyn BlobWriter>, EngineError>>;

    /// Makes the *names* of finished blobs survive a power cut. Blobs that are
    /// not synced may be gone after one. A key without a finished blob is
    /// [`crate::ErrorKind::Missing`].
    fn sync<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Reads exactly the bytes of `range`.
    ///
    /// [`crate::ErrorKind::Missing`] when there is no such blob,
    /// [`crate::ErrorKind::Corrupt`] when it is shorter than the range. The
    /// bytes are a private copy: nobody can change them between a check and
    /// their use.
    fn get(&self, key: BlobKey, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>>;

    /// Reads a whole blob as it is stored at this moment: past everything that
    /// the engine keeps open or in memory. For those who look for damage.
    ///
    /// [`crate::ErrorKind::Missing`] when there is no such blob,
    /// [`crate::ErrorKind::Corrupt`] when what is in its place is no blob,
    /// cannot be read or is longer than [`MAX_BLOB_BYTES`].
    fn get_stored(&self, key: BlobKey) -> BoxFuture<'_, Result<Bytes, EngineError>>;

    /// The length in bytes of a blob as it is stored at this moment; `None`
    /// when there is none.
    fn head(&self, key: BlobKey) -> BoxFuture<'_, Result<Option<u64>, EngineError>>;

    /// The keys of one hour's bucket that come after `after`, in order, at
    /// most `limit`. Unfinished blobs are among them.
    fn list(
        &self,
        hour: u32,
        after: Option<BlobKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<BlobKey>, EngineError>>;

    /// The hours that have a bucket, in order.
    fn hours(&self) -> BoxFuture<'_, Result<Vec<u32>, EngineError>>;

    /// Deletes blobs, finished or not; not even a power cut brings their names
    /// back. A blob that does not exist is not an error. On failure any of
    /// them may be gone; calling again is safe.
    fn delete<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Moves blobs aside, to where an operator can look at them and nobody
    /// else does: for every other method they are gone, their bytes are not.
    /// A blob that does not exist is not an error. On failure any of them may
    /// have been moved; calling again is safe.
    fn quarantine<'a>(&'a self, keys: &'a [BlobKey]) -> BoxFuture<'a, Result<(), EngineError>>;
}

/// A blob that is being written, front to back.
///
/// Dropping it unfinished leaves bytes that no reader sees and that
/// [`BlobStore::delete`] removes.
pub trait BlobWriter: Send {
    /// Appends a chunk of at most [`MAX_CHUNK_BYTES`].
    ///
    /// Resolves when the chunk is taken over; the error of a chunk may come
    /// with the next call. After an error every call fails: the blob lacks
    /// bytes and must be given up.
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Resolves when the bytes survive a power cut (the name: see
    /// [`BlobStore::sync`]). A blob whose flush failed is never durable: the
    /// flush is not tried again, and the blob must be given up.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), EngineError>>;
}
