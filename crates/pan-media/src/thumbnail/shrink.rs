//! What the confined process does: one image in, a smaller one out.
//!
//! Every limit is compared with what the header claims, before anything of
//! that size is allocated.

use std::io::Cursor;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::bmp::{BmpDecoder, BmpEncoder};
use image::codecs::gif::{GifDecoder, GifEncoder};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{PngDecoder, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, Limits};
use pan_engine::ImageKind;
use pan_model::ThumbnailSize;

use super::kind::kind_of;

/// 50 megapixels as cameras count them: 8688 × 5792 is one of those.
const PIXELS_MAX: u64 = 50 << 20;

/// What the decoded pixels may occupy.
const DECODED_BYTES_MAX: u64 = 256 << 20;

/// A progressive JPEG goes over its pixels once for each scan: usually 10
/// times, but a small file can say thousands of times.
const SCANNED_PIXELS_MAX: u64 = 20 * PIXELS_MAX;

/// A profile of a camera or a display has a few kilobytes; those of printers,
/// with tables of megabytes, are for colours that thumbnails do not have.
const PROFILE_BYTES_MAX: usize = 64 << 10;

/// From 1, slow, to 30: how a palette is chosen.
const PALETTE_SPEED: i32 = 10;

/// Why there is no thumbnail; nobody but a developer reads it.
type Reason = Box<dyn std::error::Error + Send + Sync>;

/// Makes a thumbnail of what an image file holds.
pub(crate) fn shrink(content: &[u8], size: ThumbnailSize) -> Result<Vec<u8>, Reason> {
    let kind = kind_of(content).ok_or("neither JPEG, PNG, GIF nor BMP")?;
    let mut decoder = open(kind, content)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS_MAX || decoder.total_bytes() > DECODED_BYTES_MAX {
        return Err("too many pixels".into());
    }
    if kind == ImageKind::Jpeg && pixels.saturating_mul(scans(content)) > SCANNED_PIXELS_MAX {
        return Err("too many scans".into());
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();

    let image = DynamicImage::from_decoder(decoder)?;
    let mut image = resized(image, fitting((width, height), turned(size, orientation)))?;
    image.apply_orientation(orientation);
    encode(kind, image, size.quality, profile)
}

fn open<'a>(kind: ImageKind, content: &'a [u8]) -> Result<Box<dyn ImageDecoder + 'a>, Reason> {
    let content = Cursor::new(content);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    Ok(match kind {
        ImageKind::Jpeg => Box::new(JpegDecoder::new(content)?),
        ImageKind::Png => Box::new(PngDecoder::with_limits(content, limits)?),
        ImageKind::Gif => Box::new(GifDecoder::new(content)?),
        ImageKind::Bmp => Box::new(BmpDecoder::new(content)?),
    })
}

/// How often a JPEG says "start of scan"; in the data of a scan these two
/// bytes cannot follow one another.
fn scans(jpeg: &[u8]) -> u64 {
    jpeg.windows(2).filter(|pair| *pair == [0xff, 0xda]).count() as u64
}

/// The bounds before the image is turned as its EXIF says.
fn turned(size: ThumbnailSize, orientation: Orientation) -> (u32, u32) {
    let (width, height) = (u32::from(size.width), u32::from(size.height));
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}

/// The size within the bounds in the shape of the source, never larger than it.
fn fitting((width, height): (u32, u32), (width_max, height_max): (u32, u32)) -> (u32, u32) {
    // Sides are below 2^32 and bounds below 2^16, and so are the products.
    let scaled = |side: u32, numerator: u32, denominator: u32| {
        let (side, numerator) = (u64::from(side), u64::from(numerator));
        let rounded = (side * numerator + u64::from(denominator) / 2) / u64::from(denominator);
        u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
    };
    if width <= width_max && height <= height_max {
        (width, height)
    } else if u64::from(width) * u64::from(height_max) >= u64::from(height) * u64::from(width_max) {
        (width_max, scaled(height, width_max, width))
    } else {
        (scaled(width, height_max, height), height_max)
    }
}

fn resized(image: DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage, Reason> {
    if (image.width(), image.height()) == (width, height) {
        return Ok(image);
    }
    let mut smaller = DynamicImage::new(width, height, image.color());
    // Pixels are weighed by their alpha, so that the colour of invisible ones
    // does not bleed into the edges.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .use_alpha(true);
    Resizer::new().resize(&image, &mut smaller, &options)?;
    Ok(smaller)
}

/// Encodes the pixels and the colour profile and no other metadata: where a
/// photo was taken is not told.
fn encode(
    kind: ImageKind,
    image: DynamicImage,
    quality: u8,
    profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, Reason> {
    let mut encoded = Vec::new();
    match kind {
        ImageKind::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut encoded, quality);
            write(encoder, if is_grey(&image) { grey(image) } else { rgb(image) }, profile)?;
        }
        ImageKind::Png => write(PngEncoder::new(&mut encoded), eight_bits(image), profile)?,
        ImageKind::Bmp => write(BmpEncoder::new(&mut encoded), eight_bits(image), None)?,
        ImageKind::Gif => {
            let encoder = GifEncoder::new_with_speed(&mut encoded, PALETTE_SPEED);
            write(encoder, seen_or_not(image), None)?;
        }
    }
    Ok(encoded)
}

fn write(
    mut encoder: impl ImageEncoder,
    image: DynamicImage,
    profile: Option<Vec<u8>>,
) -> Result<(), Reason> {
    if let Some(profile) = profile.filter(|profile| describes(profile, &image)) {
        encoder.set_icc_profile(profile)?;
    }
    let color = ExtendedColorType::from(image.color());
    Ok(encoder.write_image(image.as_bytes(), image.width(), image.height(), color)?)
}

/// Whether a profile is one, and of pixels like these: a CMYK image has become
/// an RGB one.
fn describes(profile: &[u8], image: &DynamicImage) -> bool {
    let space: &[u8] = if is_grey(image) { b"GRAY" } else { b"RGB " };
    profile.len() <= PROFILE_BYTES_MAX
        && profile.get(16..20) == Some(space)
        && profile.get(36..40) == Some(b"acsp")
}

fn is_grey(image: &DynamicImage) -> bool {
    !image.color().has_color()
}

fn grey(image: DynamicImage) -> DynamicImage {
    image.into_luma8().into()
}

fn rgb(image: DynamicImage) -> DynamicImage {
    image.into_rgb8().into()
}

fn eight_bits(image: DynamicImage) -> DynamicImage {
    match (image.color().has_color(), image.color().has_alpha()) {
        (true, true) => image.into_rgba8().into(),
        (true, false) => rgb(image),
        (false, true) => image.into_luma_alpha8().into(),
        (false, false) => grey(image),
    }
}

/// A pixel of a GIF is there or not.
fn seen_or_not(image: DynamicImage) -> DynamicImage {
    let mut image = image.into_rgba8();
    for pixel in image.pixels_mut() {
        if pixel.0[3] < 128 {
            pixel.0 = [0; 4];
        } else {
            pixel.0[3] = 255;
        }
    }
    image.into()
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_thumbnail_fits_and_keeps_the_shape() {
        for (source, bounds, expected) in [
            ((4000, 3000), (320, 320), (320, 240)),
            ((3000, 4000), (320, 320), (240, 320)),
            ((4000, 3000), (320, 100), (133, 100)),
            ((100, 50), (320, 320), (100, 50)),
            ((320, 320), (320, 320), (320, 320)),
            ((60_000, 1), (1600, 1600), (1600, 1)),
            ((1, 60_000), (16, 16), (1, 16)),
            ((1601, 1600), (1600, 1600), (1600, 1599)),
        ] {
            assert_eq!(fitting(source, bounds), expected, "{source:?} in {bounds:?}");
        }
    }
}
