use bytes::Bytes;
use pan_model::PanPath;
use pan_pcs::Object;

use crate::call::Call;
use crate::{Client, Error};

/// The most pixels of a side.
const MAX_PIXELS: u16 = 1600;

/// How large a thumbnail may be, and how good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThumbnailSize {
    /// The most pixels across, 1 to 1600.
    pub width: u16,
    /// The most pixels down, 1 to 1600.
    pub height: u16,
    /// The quality of a lossy image, 1 to 100.
    pub quality: u8,
}

impl ThumbnailSize {
    /// At most so many pixels across and down, in full quality.
    pub fn within(width: u16, height: u16) -> Self {
        Self { width, height, quality: 100 }
    }

    fn check(self) -> Result<(), Error> {
        let sides = 1..=MAX_PIXELS;
        if sides.contains(&self.width)
            && sides.contains(&self.height)
            && (1..=100).contains(&self.quality)
        {
            return Ok(());
        }
        let Self { width, height, quality } = self;
        let reason = format!(
            "a thumbnail has 1 to {MAX_PIXELS} pixels each way and a quality of 1 to 100, \
             not {width} × {height} and {quality}"
        );
        Err(Error::Input(reason))
    }
}

/// A smaller image of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thumbnail {
    /// The encoded image, in the format of its source.
    pub image: Bytes,
    /// What it is, such as `image/jpeg`, when the service said.
    pub media_type: Option<String>,
}

impl Client {
    /// Has a smaller image made of an image (pcs-rest 4.14): a jpg, jpeg, bmp,
    /// gif or png of at most 10 MiB.
    ///
    /// An OpenPan server does not make thumbnails yet: it refuses with 3.
    ///
    /// # Errors
    /// 31066 when nothing is there, 31141 when no thumbnail can be made of
    /// it. 31142, while it is being made, is waited out like a failure in
    /// passing. [`Error::Input`] for a size out of range.
    pub async fn thumbnail(&self, path: &PanPath, size: ThumbnailSize) -> Result<Thumbnail, Error> {
        size.check()?;
        let call = Call::get(Object::Thumbnail, "generate")
            .with_path(path)
            .with("width", size.width.to_string())
            .with("height", size.height.to_string())
            .with("quality", size.quality.to_string());
        let reply = self.ask_content(&call).await?;
        if reply.body.is_empty() {
            return Err(self.malformed(&call, String::from("the image is empty")));
        }
        Ok(Thumbnail { image: reply.body, media_type: reply.kind })
    }
}
