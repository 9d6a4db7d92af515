use bytes::Bytes;
use pan_model::{PanPath, ThumbnailSize};
use pan_pcs::Object;

use crate::call::Call;
use crate::{Client, Error};

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
    /// It fits into the size, has the shape of its source, and is never larger
    /// than that.
    ///
    /// # Errors
    /// 31066 when nothing is there, 31141 when no thumbnail can be made of
    /// it. 31142, while it is being made, is waited out like a failure in
    /// passing. [`Error::Input`] for a size out of range.
    pub async fn thumbnail(&self, path: &PanPath, size: ThumbnailSize) -> Result<Thumbnail, Error> {
        check(size)?;
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

fn check(size: ThumbnailSize) -> Result<(), Error> {
    if size.is_valid() {
        return Ok(());
    }
    let ThumbnailSize { width, height, quality } = size;
    let reason = format!(
        "a thumbnail has 1 to {} pixels each way and a quality of 1 to 100, \
         not {width} × {height} and {quality}",
        ThumbnailSize::MAX_PIXELS
    );
    Err(Error::Input(reason))
}
