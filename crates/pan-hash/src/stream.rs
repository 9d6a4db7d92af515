use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use pan_model::{Blake3, ByteSize, Fingerprint};
use tokio::sync::oneshot;

use crate::hasher::Pool;
use crate::lane::{Inbox, TreeAndCrc, TreeAsk, Work};
use crate::md5::{ContentMd5, Md5Pair};

/// The content bytes of a blob: all but the last of a stream have exactly these.
pub const BLOB_BYTES: u64 = 4 << 20;

/// What proves a blob's bytes when they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobDigest {
    /// The root over the check list: the chaining value of the blob as a
    /// subtree at its place in the content.
    pub root: Blake3,
    /// The chaining values of the blob's groups, 32 bytes for each
    /// [`crate::GROUP_BYTES`].
    pub check_list: Bytes,
}

/// The digests of one stream while it comes in.
///
/// Dropping it abandons the work.
pub struct StreamDigest {
    md5: Arc<Inbox<ContentMd5>>,
    tree: Arc<Inbox<TreeAndCrc>>,
    pool: Arc<Pool>,
    size: u64,
    /// The bytes since the last blob ended; `None` when no lists are kept.
    blob_bytes: Option<u64>,
    /// The last blob was not a full one, so nothing can follow it.
    complete: bool,
}

impl StreamDigest {
    pub(crate) fn new(pool: Arc<Pool>, in_blobs: bool) -> Self {
        Self {
            md5: Inbox::new(),
            tree: Inbox::new(),
            pool,
            size: 0,
            blob_bytes: in_blobs.then_some(0),
            complete: false,
        }
    }

    /// Appends a chunk and keeps it until it is digested.
    ///
    /// Never blocks: what bounds the bytes in flight is the caller's pool of
    /// buffers.
    ///
    /// # Panics
    ///
    /// When the chunk reaches beyond the end of a blob, or follows a blob that
    /// was shorter than 4 MiB: such a stream has no BLAKE3 tree.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        self.size += chunk.len() as u64;
        if let Some(blob_bytes) = &mut self.blob_bytes {
            *blob_bytes += chunk.len() as u64;
            assert!(*blob_bytes <= BLOB_BYTES && !self.complete, "a blob of a stream is 4 MiB");
        }
        self.leave_md5(Work::Chunk(chunk.clone()));
        self.leave_tree(Work::Chunk(chunk));
    }

    /// Ends the current blob. All but the last of a stream are exactly 4 MiB.
    ///
    /// Resolves when everything pushed so far has gone through the tree; with
    /// `None` when the stream was given up meanwhile.
    ///
    /// # Panics
    ///
    /// When the blob is empty, or the digest was begun with
    /// [`crate::Hasher::whole`].
    pub fn end_blob(&mut self) -> impl Future<Output = Option<BlobDigest>> + Send + 'static {
        let bytes = self.blob_bytes.replace(0).unwrap_or(0);
        assert!(bytes > 0, "only a blob with bytes can be ended");
        self.complete = bytes < BLOB_BYTES;
        let (answer, answered) = oneshot::channel();
        self.leave_tree(Work::Ask(TreeAsk::EndBlob(answer)));
        async { answered.await.ok() }
    }

    /// Ends the stream; resolves with all its digests.
    ///
    /// The future panics if the hasher did.
    pub fn finish(self) -> impl Future<Output = Fingerprint> + Send + 'static {
        let (md5, md5_answered) = oneshot::channel();
        let (tree, tree_answered) = oneshot::channel();
        self.leave_md5(Work::Ask(md5));
        self.leave_tree(Work::Ask(TreeAsk::Finish(tree)));
        let size = ByteSize(self.size);
        async move {
            // The stream is kept until its digests are there.
            let _stream = self;
            let md5 = answer_of(md5_answered).await;
            let tree = answer_of(tree_answered).await;
            Fingerprint {
                size,
                md5: md5.whole,
                slice_md5: md5.slice,
                crc32: tree.crc32,
                blake3: tree.blake3,
            }
        }
    }

    fn leave_md5(&self, work: Work<oneshot::Sender<Md5Pair>>) {
        if let Some(lane) = self.md5.leave(work) {
            self.pool.queue.put_md5(lane);
        }
    }

    fn leave_tree(&self, work: Work<TreeAsk>) {
        if let Some(lane) = self.tree.leave(work) {
            self.pool.queue.put_tree(lane);
        }
    }
}

impl Drop for StreamDigest {
    fn drop(&mut self) {
        self.md5.close();
        self.tree.close();
    }
}

/// A digest is dropped unanswered only by a worker that panics.
async fn answer_of<T>(answered: oneshot::Receiver<T>) -> T {
    match answered.await {
        Ok(answer) => answer,
        Err(_) => panic!("the hasher panicked"),
    }
}
