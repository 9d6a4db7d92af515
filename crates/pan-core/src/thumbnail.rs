//! Thumbnails (pcs-rest 4.14).

use std::sync::Arc;

use pan_engine::{MediaError, Thumbnail};
use pan_model::{Blake3, ByteSize, Caller, PanPath, ThumbnailSize};

use crate::media_source::ContentSource;
use crate::{Error, Pan, Result};

/// The largest image that a thumbnail is made of: PCS's 10M.
const SOURCE_MAX: ByteSize = ByteSize(10 << 20);

/// A thumbnail, and what it was made of.
#[derive(Debug, Clone)]
pub struct MadeThumbnail {
    /// The image.
    pub thumbnail: Thumbnail,
    /// The BLAKE3 of the file: as long as it is the same, so is the thumbnail.
    pub source: Blake3,
}

impl Pan {
    /// Makes a smaller image of an image file of at most 10 MiB.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`], also
    /// for a directory; [`Error::Thumbnail`] when the engine makes none.
    pub async fn thumbnail(
        &self,
        caller: &Caller,
        path: &PanPath,
        size: ThumbnailSize,
    ) -> Result<MadeThumbnail> {
        let file = self.download(caller, path).await?;
        let length = ByteSize(file.content.len());
        if length > SOURCE_MAX {
            let reason = format!("the file has {length}, and an image may have {SOURCE_MAX}");
            return Err(Error::Thumbnail(MediaError::Unsuitable(reason)));
        }
        if length.0 == 0 {
            let reason = String::from("the file is empty");
            return Err(Error::Thumbnail(MediaError::Unsuitable(reason)));
        }
        let source = file.content.fingerprint().blake3;
        let content = Arc::new(ContentSource::new(file.content));
        match self.media().thumbnail(content, size, caller.user).await {
            Ok(thumbnail) => Ok(MadeThumbnail { thumbnail, source }),
            Err(MediaError::Source(error)) => Err(Error::Engine(error)),
            Err(error) => Err(Error::Thumbnail(error)),
        }
    }
}
