//! Thumbnails: looked up, made once by a confined process, kept.
//!
//! What a content is decoded by runs in `shrink`, in that process; here its
//! bytes are only carried.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use pan_engine::{EngineError, ErrorKind, MediaError, MediaSource, SourceKey, Thumbnail};
use pan_model::{Blake3, ThumbnailSize, UserNo};
use tracing::debug;

use self::failed::{Cause, Failed};
use self::kind::kind_of;
use crate::cache::{Cache, Key};
use crate::sandbox::{Answer, Limits, run_job};
use crate::turns::Turns;

mod failed;
pub(crate) mod job;
mod kind;
mod shrink;

/// Changes when thumbnails of the same source would look different.
const PIPELINE: u32 = 1;

/// PCS takes sources up to this size; more is not read into memory.
const SOURCE_BYTES_MAX: u64 = 10 << 20;

/// 1600 × 1600 pixels of four bytes, and some.
const THUMBNAIL_BYTES_MAX: usize = 16 << 20;

const LIMITS: Limits = Limits { memory_bytes: 512 << 20, cpu: Duration::from_secs(10) };

/// The processors are shared.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long a request waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Makes thumbnails.
pub(crate) struct Thumbnails {
    shared: Arc<Work>,
}

struct Work {
    cache: Arc<Cache>,
    turns: Turns,
    /// What is being made. Whoever waits for it drives it, and it ends with
    /// the last of them.
    making: Mutex<HashMap<Key, (u64, WeakShared<Making>)>>,
    /// How many were begun.
    begun: AtomicU64,
    failed: Mutex<Failed>,
}

type Making = BoxFuture<'static, Result<Thumbnail, Failure>>;

/// A [`MediaError`] for everybody who waited.
#[derive(Clone)]
struct Failure(Arc<MediaError>);

impl Thumbnails {
    pub(crate) fn new(cache: Arc<Cache>, turns: Turns) -> Self {
        let (making, failed, begun) = Default::default();
        Self { shared: Arc::new(Work { cache, turns, making, failed, begun }) }
    }

    /// A thumbnail, kept or made.
    pub(crate) async fn thumbnail(
        &self,
        source: Arc<dyn MediaSource>,
        size: ThumbnailSize,
        user: UserNo,
    ) -> Result<Thumbnail, MediaError> {
        let key = key(source.key(), size);
        if let Some(kept) = self.shared.cache.get(&key).await.and_then(checked) {
            return Ok(kept);
        }
        self.join(key, source, size, user).await.map_err(Failure::into_error)
    }

    fn join(
        &self,
        key: Key,
        source: Arc<dyn MediaSource>,
        size: ThumbnailSize,
        user: UserNo,
    ) -> Shared<Making> {
        let mut making = lock(&self.shared.making);
        if let Some(joined) = making.get(&key).and_then(|(_, begun)| begun.upgrade()) {
            return joined;
        }
        let number = self.shared.begun.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { key, number, shared: Arc::clone(&self.shared) };
        let begun = async move { entry.make(&*source, size, user).await }.boxed().shared();
        if let Some(begun) = begun.downgrade() {
            making.insert(key, (number, begun));
        }
        begun
    }
}

/// What is being made, listed as such until this is dropped.
struct Entry {
    key: Key,
    /// Tells it from another of the same key, which began when this had been
    /// given up.
    number: u64,
    shared: Arc<Work>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut making = lock(&self.shared.making);
        if making.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            making.remove(&self.key);
        }
    }
}

impl Entry {
    async fn make(
        &self,
        source: &dyn MediaSource,
        size: ThumbnailSize,
        user: UserNo,
    ) -> Result<Thumbnail, Failure> {
        let made = self.shared.make(source, size, user).await.map_err(Failure::from)?;
        self.shared.cache.put(self.key, made.image.clone()).await;
        Ok(made)
    }
}

impl Work {
    async fn make(
        &self,
        source: &dyn MediaSource,
        size: ThumbnailSize,
        user: UserNo,
    ) -> Result<Thumbnail, MediaError> {
        let key = source.key();
        if !(1..=SOURCE_BYTES_MAX).contains(&key.size.0) {
            return Err(unsuitable("thumbnails are made of images of up to 10 MiB"));
        }
        if let Some(cause) = lock(&self.failed).cause(&key, Instant::now()) {
            return Err(cause.error());
        }
        let _turn = self.turns.take(user, WAIT_MAX).await?;
        let content = read(source).await?;
        let Some(kind) = kind_of(&content) else {
            return Err(unsuitable("thumbnails are made of JPEG, PNG, GIF and BMP images"));
        };
        let [width, height, quality] = job::words(size);
        let job = [job::JOB, &width, &height, &quality];
        let cause = match run_job(&job, content, LIMITS, DEADLINE).await? {
            Answer::Made(image) => match checked(image).filter(|made| made.kind == kind) {
                Some(made) => return Ok(made),
                None => Cause::Content,
            },
            Answer::Refused(why) => {
                debug!("no thumbnail: {why}");
                Cause::Content
            }
            Answer::Interrupted => Cause::Machine,
        };
        lock(&self.failed).insert(key, cause, Instant::now());
        Err(cause.error())
    }
}

/// The digest of everything that a thumbnail is made from.
fn key(source: SourceKey, size: ThumbnailSize) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key("openpan media thumbnail");
    hasher.update(&PIPELINE.to_le_bytes());
    hasher.update(&source.blake3.0).update(&source.size.0.to_le_bytes());
    hasher.update(&size.width.to_le_bytes()).update(&size.height.to_le_bytes());
    hasher.update(&[size.quality]);
    Blake3(*hasher.finalize().as_bytes())
}

async fn read(source: &dyn MediaSource) -> Result<Bytes, EngineError> {
    let size = source.key().size.0;
    let mut content = BytesMut::with_capacity(usize::try_from(size).unwrap_or(0));
    while (content.len() as u64) < size {
        let read = source.read(content.len() as u64..size).await?;
        if read.is_empty() {
            return Err(EngineError::new(ErrorKind::Corrupt, "reading an image: it ended early"));
        }
        content.extend_from_slice(&read);
    }
    Ok(content.freeze())
}

/// What came out of the confined process, or of the cache, if it looks like a
/// thumbnail.
fn checked(image: Bytes) -> Option<Thumbnail> {
    let kind = kind_of(&image).filter(|_| image.len() <= THUMBNAIL_BYTES_MAX)?;
    Some(Thumbnail { kind, image })
}

fn unsuitable(why: &str) -> MediaError {
    MediaError::Unsuitable(String::from(why))
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self(Arc::new(error))
    }
}

impl Failure {
    /// The error itself for the last who asks, and one that says the same for
    /// the others.
    fn into_error(self) -> MediaError {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| match &*shared {
            MediaError::Unsuitable(why) => MediaError::Unsuitable(why.clone()),
            MediaError::Unavailable(why) => MediaError::Unavailable(why.clone()),
            MediaError::Busy(why) => MediaError::Busy(why.clone()),
            MediaError::Failed(why) => MediaError::Failed(why.clone()),
            MediaError::Source(error) => {
                MediaError::Source(EngineError::new(error.kind(), error.to_string()))
            }
        })
    }
}

/// Nothing that holds a lock here can leave it half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
