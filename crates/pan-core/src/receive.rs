//! The only way in for bytes: cut, hashed, capped, stored.
//!
//! What is received is durable and nobody's. A commit makes it a content;
//! dropping it gives the bytes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use pan_engine::meta::{BlobRow, ContentKind};
use pan_engine::{BlobStore, BlobWriter, EngineError, ErrorKind, MAX_CHUNK_BYTES};
use pan_hash::{BLOB_BYTES, StreamDigest};
use pan_model::{Blake3, BlobKey, ByteSize, Fingerprint, Md5};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::pool::Buffer;
use crate::{BodyError, Error, Pan, Result};

/// Contents up to this size live in the metadata store, in the same
/// transaction as their entry: 16 KiB costs one flush instead of three.
const INLINE_BYTES: usize = 16 << 10;
/// Chunks that may wait for the disk within one blob.
const CHUNKS_AHEAD: usize = 4;
/// Blobs whose flush may be under way while the next is received.
const FLUSHES_AHEAD: usize = 3;
/// A stream that pauses this long gives its buffer back, so that slow clients
/// cannot hold all of them.
const PAUSE: Duration = Duration::from_millis(200);

/// Bytes that came in and are durable, but belong to nothing yet.
///
/// Dropping it deletes its blobs, unless a commit took them over.
pub struct Received {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) stored: Stored,
}

pub(crate) enum Stored {
    Inline(Bytes),
    Blobs(Vec<StoredBlob>),
}

/// A blob that is deleted when this is dropped, unless it was kept.
pub(crate) struct StoredBlob {
    store: Arc<dyn BlobStore>,
    row: BlobRow,
    kept: bool,
}

impl StoredBlob {
    pub(crate) fn row(&self) -> &BlobRow {
        &self.row
    }
}

impl Drop for StoredBlob {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let (store, key) = (self.store.clone(), self.row.key);
        // Without a runtime the process is ending; the orphan sweep is next.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store.delete(&[key]).await {
                    tracing::warn!(%key, %error, "could not give back a blob; gc will");
                }
            });
        }
    }
}

impl Received {
    /// All digests of the bytes.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Compares the bytes with the md5 that was announced, if one was.
    ///
    /// # Errors
    /// [`Error::Md5Mismatch`].
    pub fn matching(self, expected: Option<Md5>) -> Result<Self> {
        let found = self.fingerprint.md5;
        match expected {
            Some(expected) if expected != found => Err(Error::Md5Mismatch { expected, found }),
            _ => Ok(self),
        }
    }

    /// Compares the bytes with the BLAKE3 that was announced, if one was.
    ///
    /// # Errors
    /// [`Error::Blake3Mismatch`].
    pub fn matching_blake3(self, expected: Option<Blake3>) -> Result<Self> {
        let found = self.fingerprint.blake3;
        match expected {
            Some(expected) if expected != found => Err(Error::Blake3Mismatch { expected, found }),
            _ => Ok(self),
        }
    }

    /// Leaves the blobs where they are: rows name them now, or may.
    pub(crate) fn keep(mut self) {
        if let Stored::Blobs(blobs) = &mut self.stored {
            blobs.iter_mut().for_each(|blob| blob.kept = true);
        }
    }

    /// What kind of content it would be.
    pub(crate) fn kind(&self) -> ContentKind {
        match self.stored {
            Stored::Inline(_) => ContentKind::Inline,
            Stored::Blobs(_) => ContentKind::Blobs,
        }
    }

    pub(crate) fn is_inline(&self) -> bool {
        matches!(self.stored, Stored::Inline(_))
    }
}

/// The most bytes that a request may bring, and why no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// The most that one upload may have.
    pub(crate) limit: ByteSize,
    /// What the account has free.
    pub(crate) free: ByteSize,
}

impl Allowance {
    pub(crate) fn check(&self, size: ByteSize) -> Result<()> {
        if size > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        if size > self.free {
            return Err(Error::QuotaExceeded { needed: size, free: self.free });
        }
        Ok(())
    }
}

/// Takes a stream of bytes in. Resolves when they would survive a power cut.
pub(crate) async fn receive<S>(pan: &Pan, allowance: Allowance, mut body: S) -> Result<Received>
where
    S: Stream<Item = std::result::Result<Bytes, BodyError>> + Unpin,
{
    let mut head = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece?;
        if head.is_empty() && piece.len() > INLINE_BYTES {
            return receive_blobs(pan, allowance, piece, body).await;
        }
        head.extend_from_slice(&piece);
        if head.len() > INLINE_BYTES {
            return receive_blobs(pan, allowance, head.freeze(), body).await;
        }
    }
    allowance.check(ByteSize(head.len() as u64))?;
    let body = head.freeze();
    Ok(Received { fingerprint: pan_hash::fingerprint(&body), stored: Stored::Inline(body) })
}

async fn receive_blobs<S>(
    pan: &Pan,
    allowance: Allowance,
    head: Bytes,
    mut body: S,
) -> Result<Received>
where
    S: Stream<Item = std::result::Result<Bytes, BodyError>> + Unpin,
{
    let mut cutter = Cutter::new(pan, allowance);
    cutter.take(head).await?;
    loop {
        match tokio::time::timeout(PAUSE, body.next()).await {
            Ok(Some(piece)) => cutter.take(piece?).await?,
            Ok(None) => return cutter.finish().await,
            Err(_) => cutter.flush_chunk().await?,
        }
    }
}

/// Cuts a stream into chunks and blobs and feeds hasher and disk.
struct Cutter<'a> {
    pan: &'a Pan,
    allowance: Allowance,
    size: u64,
    buffer: Option<Buffer>,
    digest: StreamDigest,
    blob: Option<OpenBlob>,
    flushing: VecDeque<JoinHandle<Result<StoredBlob>>>,
    done: Vec<StoredBlob>,
    blobs: u32,
}

impl<'a> Cutter<'a> {
    fn new(pan: &'a Pan, allowance: Allowance) -> Self {
        Self {
            pan,
            allowance,
            size: 0,
            buffer: None,
            digest: pan.hasher().stream(),
            blob: None,
            flushing: VecDeque::new(),
            done: Vec::new(),
            blobs: 0,
        }
    }

    async fn take(&mut self, mut piece: Bytes) -> Result<()> {
        self.size += piece.len() as u64;
        self.allowance.check(ByteSize(self.size))?;
        while !piece.is_empty() {
            let mut buffer = match self.buffer.take() {
                Some(buffer) => buffer,
                None => self.pan.inner().buffers.take().await,
            };
            let room = self.blob.as_ref().map_or(BLOB_BYTES, OpenBlob::room);
            let limit = usize::try_from(room).unwrap_or(usize::MAX).min(MAX_CHUNK_BYTES);
            buffer.fill(&mut piece, limit);
            let full = buffer.len() == limit;
            self.buffer = Some(buffer);
            if full {
                self.flush_chunk().await?;
            }
        }
        Ok(())
    }

    /// Hands the buffered bytes to hasher and disk.
    async fn flush_chunk(&mut self) -> Result<()> {
        let Some(chunk) = self.buffer.take().map(Buffer::freeze) else { return Ok(()) };
        let mut blob = match self.blob.take() {
            Some(blob) => blob,
            None => self.begin_blob().await?,
        };
        self.digest.push(chunk.clone());
        blob.write(chunk).await?;
        if blob.room() == 0 {
            return self.end_blob(blob).await;
        }
        self.blob = Some(blob);
        Ok(())
    }

    async fn begin_blob(&mut self) -> Result<OpenBlob> {
        while self.flushing.len() >= FLUSHES_AHEAD {
            self.collect_one().await?;
        }
        let key = self.pan.new_blob_key();
        let seq = self.blobs;
        self.blobs += 1;
        Ok(OpenBlob::begin(self.pan.blobs().clone(), key, seq))
    }

    async fn end_blob(&mut self, blob: OpenBlob) -> Result<()> {
        let digest = self.digest.end_blob();
        self.flushing.push_back(blob.end(digest).await?);
        Ok(())
    }

    async fn collect_one(&mut self) -> Result<()> {
        if let Some(flush) = self.flushing.pop_front() {
            self.done.push(joined(flush).await?);
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Received> {
        self.flush_chunk().await?;
        if let Some(blob) = self.blob.take() {
            self.end_blob(blob).await?;
        }
        while !self.flushing.is_empty() {
            self.collect_one().await?;
        }
        let keys: Vec<BlobKey> = self.done.iter().map(|blob| blob.row.key).collect();
        // Names before rows: a row must never name a file that a power cut takes.
        self.pan.blobs().sync(&keys).await?;
        let fingerprint = self.digest.finish().await;
        Ok(Received { fingerprint, stored: Stored::Blobs(self.done) })
    }
}

/// A blob that is being written by a task of its own. When the sender is
/// dropped without an end, the task gives the bytes back.
struct OpenBlob {
    size: u64,
    messages: mpsc::Sender<Message>,
    task: JoinHandle<Result<StoredBlob>>,
}

enum Message {
    Chunk(Bytes),
    End { size: ByteSize, digest: DigestFuture },
}

type DigestFuture = std::pin::Pin<Box<dyn Future<Output = Option<pan_hash::BlobDigest>> + Send>>;

impl OpenBlob {
    fn begin(store: Arc<dyn BlobStore>, key: BlobKey, seq: u32) -> Self {
        let (messages, inbox) = mpsc::channel(CHUNKS_AHEAD);
        let task = tokio::spawn(write_blob(store, key, seq, inbox));
        Self { size: 0, messages, task }
    }

    fn room(&self) -> u64 {
        BLOB_BYTES - self.size
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.size += chunk.len() as u64;
        self.send(Message::Chunk(chunk)).await
    }

    async fn end(
        mut self,
        digest: impl Future<Output = Option<pan_hash::BlobDigest>> + Send + 'static,
    ) -> Result<JoinHandle<Result<StoredBlob>>> {
        let end = Message::End { size: ByteSize(self.size), digest: Box::pin(digest) };
        self.send(end).await?;
        Ok(self.task)
    }

    /// A task that does not listen any more has failed and says why.
    async fn send(&mut self, message: Message) -> Result<()> {
        if self.messages.send(message).await.is_ok() {
            return Ok(());
        }
        match joined_ref(&mut self.task).await {
            Ok(_) => Err(EngineError::new(ErrorKind::Failed, "a blob ended too soon").into()),
            Err(error) => Err(error),
        }
    }
}

async fn write_blob(
    store: Arc<dyn BlobStore>,
    key: BlobKey,
    seq: u32,
    mut inbox: mpsc::Receiver<Message>,
) -> Result<StoredBlob> {
    let row = BlobRow { seq, key, size: ByteSize::ZERO, root: Blake3([0; 32]) };
    // From here on, whatever ends this task early deletes the file.
    let mut blob = StoredBlob { store: store.clone(), row, kept: false };
    let mut writer: Box<dyn BlobWriter> = store.create(key).await?;
    loop {
        match inbox.recv().await {
            Some(Message::Chunk(chunk)) => writer.write(chunk).await?,
            Some(Message::End { size, digest }) => {
                let digest = digest.await.ok_or_else(given_up)?;
                writer.write(digest.check_list).await?;
                writer.finish().await?;
                blob.row.size = size;
                blob.row.root = digest.root;
                return Ok(blob);
            }
            None => return Err(given_up()),
        }
    }
}

fn given_up() -> Error {
    BodyError::Cut("the upload was given up".into()).into()
}

async fn joined(mut task: JoinHandle<Result<StoredBlob>>) -> Result<StoredBlob> {
    joined_ref(&mut task).await
}

async fn joined_ref(task: &mut JoinHandle<Result<StoredBlob>>) -> Result<StoredBlob> {
    match task.await {
        Ok(result) => result,
        Err(error) => {
            Err(EngineError::new(ErrorKind::Panicked, "writing a blob").with_source(error).into())
        }
    }
}
