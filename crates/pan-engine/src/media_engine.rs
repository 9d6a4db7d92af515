use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pan_model::{Blake3, ByteSize, StreamFormat, ThumbnailSize, UserNo};

use crate::{BoxFuture, EngineError};

/// What tells one content from every other: what is made of it is kept by it,
/// so that copies and equal files share what was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// The BLAKE3 of the content.
    pub blake3: Blake3,
    /// Its length.
    pub size: ByteSize,
}

/// The bytes of one content, verified, in any order.
pub trait MediaSource: Send + Sync + 'static {
    /// Which content it is.
    fn key(&self) -> SourceKey;

    /// Reads from the beginning of a range that is within the content and not
    /// empty: at least one byte, perhaps fewer than asked for.
    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>>;
}

/// What a thumbnail is encoded as: what its source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF: the first picture of an animated one.
    Gif,
    /// BMP.
    Bmp,
}

impl ImageKind {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
        }
    }
}

/// A smaller image of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// How it is encoded.
    pub kind: ImageKind,
    /// The encoded image.
    pub image: Bytes,
}

/// How a video is cut into pieces: all of the same length, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    /// How many pieces there are: at least one.
    pub pieces: u32,
    /// The length of every piece but the last.
    pub piece: Duration,
    /// The length of the last: more than nothing, and at most that of the others.
    pub last: Duration,
}

impl Timeline {
    /// The length of a piece; `None` beyond the last one.
    pub fn length_of(&self, index: u32) -> Option<Duration> {
        match index.checked_add(1)?.cmp(&self.pieces) {
            std::cmp::Ordering::Less => Some(self.piece),
            std::cmp::Ordering::Equal => Some(self.last),
            std::cmp::Ordering::Greater => None,
        }
    }
}

/// Who watches: decides whose turn it is, and which transcoder is of use to
/// nobody any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// On whose behalf.
    pub user: UserNo,
    /// One for each playlist that was handed out.
    pub session: u64,
}

/// One piece that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The format it is wanted in.
    pub format: StreamFormat,
    /// Its place in the timeline.
    pub index: u32,
    /// Who wants it.
    pub viewer: Viewer,
}

/// Why a media engine made nothing. What is said is for people.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The content is nothing that this is made of, is larger than it may be,
    /// or cannot be decoded: asking again does not help.
    #[error("{0}")]
    Unsuitable(String),
    /// The operator's machine lacks what is needed; everything else works.
    #[error("{0}")]
    Unavailable(String),
    /// Too much is being made already; nothing was begun. Asking again later
    /// helps.
    #[error("{0}")]
    Busy(String),
    /// It failed here, and not because of the content.
    #[error("{0}")]
    Failed(String),
    /// The bytes of the content could not be had.
    #[error(transparent)]
    Source(#[from] EngineError),
}

/// Makes what is looked at of what is stored.
///
/// Whatever the content is, the process of the caller neither grows by its
/// decoded size nor runs its decoder, and nothing but its own bytes can come
/// out. What was made is kept, as long as there is room, under the
/// [`SourceKey`] and what was asked; all of it can be dropped at any time.
/// Whoever asks for what is being made already waits for it. A future that is
/// dropped leaves nothing behind that somebody else would wait for in vain.
pub trait MediaEngine: Send + Sync + 'static {
    /// Makes a thumbnail of a jpg, png, gif or bmp: within the size, in the
    /// shape of the source, turned as its EXIF says, never larger than it.
    fn thumbnail(
        &self,
        source: Arc<dyn MediaSource>,
        size: ThumbnailSize,
        user: UserNo,
    ) -> BoxFuture<'_, Result<Thumbnail, MediaError>>;

    /// Finds out how a video, or sound alone, is cut into pieces. The same for
    /// every format, and the same whenever it is asked.
    fn timeline(
        &self,
        source: Arc<dyn MediaSource>,
        user: UserNo,
    ) -> BoxFuture<'_, Result<Timeline, MediaError>>;

    /// Makes one piece of a video: an MPEG transport stream that can be decoded
    /// without the others and continues the piece before it. Pieces before it
    /// are not made for it. One beyond the timeline is
    /// [`MediaError::Unsuitable`].
    fn piece(
        &self,
        source: Arc<dyn MediaSource>,
        piece: Piece,
    ) -> BoxFuture<'_, Result<Bytes, MediaError>>;
}

/// A media engine for where nothing is looked at: it makes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoMedia;

impl NoMedia {
    fn refuse<'a, T: Send + 'a>(self) -> BoxFuture<'a, Result<T, MediaError>> {
        let reason = String::from("this server makes neither thumbnails nor video");
        Box::pin(std::future::ready(Err(MediaError::Unavailable(reason))))
    }
}

impl MediaEngine for NoMedia {
    fn thumbnail(
        &self,
        _source: Arc<dyn MediaSource>,
        _size: ThumbnailSize,
        _user: UserNo,
    ) -> BoxFuture<'_, Result<Thumbnail, MediaError>> {
        self.refuse()
    }

    fn timeline(
        &self,
        _source: Arc<dyn MediaSource>,
        _user: UserNo,
    ) -> BoxFuture<'_, Result<Timeline, MediaError>> {
        self.refuse()
    }

    fn piece(
        &self,
        _source: Arc<dyn MediaSource>,
        _piece: Piece,
    ) -> BoxFuture<'_, Result<Bytes, MediaError>> {
        self.refuse()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timeline;

    #[test]
    fn the_last_piece_is_the_last() {
        let (piece, last) = (Duration::from_secs(4), Duration::from_secs(1));
        let timeline = Timeline { pieces: 2, piece, last };
        let lengths = [0, 1, 2, u32::MAX].map(|index| timeline.length_of(index));
        assert_eq!(lengths, [Some(piece), Some(last), None, None]);
    }
}
