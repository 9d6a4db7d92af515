use pan_model::ThumbnailSize;

use super::shrink::shrink;

/// The name of the job.
pub(crate) const JOB: &str = "thumbnail";

/// What the job is told about the size.
pub(super) fn words(size: ThumbnailSize) -> [String; 3] {
    [size.width.to_string(), size.height.to_string(), size.quality.to_string()]
}

/// The job, in the confined process: from an image file to a smaller one.
pub(crate) fn run(words: &[String], content: Vec<u8>) -> Result<Vec<u8>, String> {
    let size = size(words).filter(|size| size.is_valid()).ok_or("no such size")?;
    shrink(&content, size).map_err(|error| error.to_string())
}

fn size(words: &[String]) -> Option<ThumbnailSize> {
    let [width, height, quality] = words else { return None };
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    Some(ThumbnailSize { width, height, quality: quality.parse().ok()? })
}
