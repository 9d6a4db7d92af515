use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{BoxFuture, MediaEngine, MediaError, MediaSource, Piece, Thumbnail, Timeline};
use pan_model::{ThumbnailSize, UserNo};

use crate::Options;
use crate::cache::Cache;
use crate::hls::Hls;
use crate::thumbnail::Thumbnails;
use crate::turns::Turns;

/// The media engine of one machine.
pub struct LocalMedia {
    thumbnails: Thumbnails,
    hls: Hls,
}

impl LocalMedia {
    /// An engine over a cache directory. Nothing is started before it is needed.
    ///
    /// # Errors
    /// What the system says about the cache directory.
    pub fn open(options: Options) -> std::io::Result<Self> {
        let cache = Arc::new(Cache::open(&options.cache_dir, options.cache_size)?);
        let turns = Turns::new(options.processes_max, options.processes_of_user_max);
        Ok(Self {
            thumbnails: Thumbnails::new(Arc::clone(&cache), turns.clone()),
            hls: Hls::new(options.ffmpeg, cache, turns),
        })
    }

    /// Finds out whether videos can be transcoded here, and logs what it found.
    /// Without it the first who watches waits for that, some hundred
    /// milliseconds.
    pub async fn warm(&self) {
        if let Err(error) = self.hls.warm().await {
            tracing::warn!("no video can be watched: {error}");
        }
    }
}

impl MediaEngine for LocalMedia {
    fn thumbnail(
        &self,
        source: Arc<dyn MediaSource>,
        size: ThumbnailSize,
        user: UserNo,
    ) -> BoxFuture<'_, Result<Thumbnail, MediaError>> {
        Box::pin(self.thumbnails.thumbnail(source, size, user))
    }

    fn timeline(
        &self,
        source: Arc<dyn MediaSource>,
        user: UserNo,
    ) -> BoxFuture<'_, Result<Timeline, MediaError>> {
        Box::pin(self.hls.timeline(source, user))
    }

    fn piece(
        &self,
        source: Arc<dyn MediaSource>,
        piece: Piece,
    ) -> BoxFuture<'_, Result<Bytes, MediaError>> {
        Box::pin(self.hls.piece(source, piece))
    }
}
