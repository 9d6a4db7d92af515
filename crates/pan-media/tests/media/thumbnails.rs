//! Thumbnails look like what they were made of.

use std::io::Cursor;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use libtest_mimic::Trial;
use pan_engine::{ImageKind, MediaEngine, MediaError};
use pan_model::{ThumbnailSize, UserNo};

use crate::source::{engine, memory};
use crate::trial;

const USER: UserNo = UserNo(1);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("thumbnails_look_like_their_source", look_like_their_source),
        trial("thumbnails_are_turned_as_exif_says", are_turned),
        trial("thumbnails_of_odd_files", odd_files),
        trial("thumbnails_keep_transparency", keep_transparency),
        trial("thumbnails_tell_nothing_but_the_picture", tell_nothing_else),
        trial("thumbnails_are_made_once", are_made_once),
        trial("thumbnails_of_what_is_no_image", no_image),
    ]
}

/// A picture without symmetry, with smooth parts and edges.
fn scene(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let (u, v) = (x * 255 / width, y * 255 / height);
        let inside = u > 30 && u < 120 && v > 20 && v < 90;
        let blue = if inside { 255 } else { 40 };
        Rgba([u as u8, v as u8, blue, 255])
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn thumbnail(content: Vec<u8>, size: ThumbnailSize) -> (ImageKind, RgbaImage) {
    let (engine, _directory) = engine();
    let made = engine.thumbnail(memory(content), size, USER).await.unwrap();
    (made.kind, decoded(&made.image))
}

fn decoded(image: &[u8]) -> RgbaImage {
    image::load_from_memory(image).unwrap().into_rgba8()
}

/// What the smaller image should look like: every pixel is the mean of the
/// area it stands for.
fn averaged(image: &RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let columns = x * image.width() / width..(x + 1) * image.width() / width;
        let rows = y * image.height() / height..(y + 1) * image.height() / height;
        let count = (columns.len() * rows.len()) as u32;
        let mut sums = [0_u32; 4];
        for pixel in rows.flat_map(|y| columns.clone().map(move |x| image.get_pixel(x, y))) {
            sums.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += u32::from(value));
        }
        Rgba(sums.map(|sum| (sum / count) as u8))
    })
}

/// The mean difference of their samples, 0 to 255.
fn difference(one: &RgbaImage, other: &RgbaImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let samples = one.as_raw().iter().zip(other.as_raw());
    let sum: u64 = samples.map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    sum as f64 / one.as_raw().len() as f64
}

async fn look_like_their_source() {
    let scene = DynamicImage::from(scene(640, 480));
    let grey = DynamicImage::from(scene.to_luma8());
    let opaque = DynamicImage::from(scene.to_rgb8());
    let cases = [
        ("JPEG", encoded(&opaque, ImageFormat::Jpeg), &scene, ImageKind::Jpeg),
        ("grey JPEG", encoded(&grey, ImageFormat::Jpeg), &grey, ImageKind::Jpeg),
        ("PNG", encoded(&opaque, ImageFormat::Png), &scene, ImageKind::Png),
        ("PNG with alpha", encoded(&scene, ImageFormat::Png), &scene, ImageKind::Png),
        ("grey PNG", encoded(&grey, ImageFormat::Png), &grey, ImageKind::Png),
        ("16 bits", encoded(&scene.to_rgb16().into(), ImageFormat::Png), &scene, ImageKind::Png),
        ("16 grey", encoded(&scene.to_luma16().into(), ImageFormat::Png), &grey, ImageKind::Png),
        ("GIF", encoded(&scene, ImageFormat::Gif), &scene, ImageKind::Gif),
        ("BMP", encoded(&opaque, ImageFormat::Bmp), &scene, ImageKind::Bmp),
    ];
    for (name, content, source, kind) in cases {
        let made = thumbnail(content, ThumbnailSize::within(160, 160)).await;
        assert_eq!((made.0, made.1.dimensions()), (kind, (160, 120)), "{name}");
        let difference = difference(&made.1, &averaged(&source.to_rgba8(), (160, 120)));
        println!("{name}: mean difference {difference:.2}");
        assert!(
            difference < if kind == ImageKind::Gif { 6.0 } else { 2.5 },
            "{name}: {difference}"
        );
    }
}

/// A JPEG with metadata: where its first row and column are shown.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(&[1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

async fn are_turned() {
    let stored = scene(320, 200);
    let jpeg = encoded(&DynamicImage::from(stored.clone()).to_rgb8().into(), ImageFormat::Jpeg);
    let (right, bottom) = (stored.width() - 1, stored.height() - 1);
    for orientation in 1..=8 {
        let at = |x: u32, y: u32| match orientation {
            1 => (x, y),
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (y, bottom - x),
            7 => (right - y, bottom - x),
            _ => (right - y, x),
        };
        let (width, height) = if orientation < 5 { (320, 200) } else { (200, 320) };
        let shown = RgbaImage::from_fn(width, height, |x, y| {
            let (x, y) = at(x, y);
            *stored.get_pixel(x, y)
        });
        let size = ThumbnailSize::within(160, 100);
        let made = thumbnail(with_orientation(&jpeg, orientation), size).await.1;
        let fits = if orientation < 5 { (160, 100) } else { (63, 100) };
        let difference = difference(&made, &averaged(&shown, fits));
        assert!(difference < 4.0, "orientation {orientation}: {difference}");
    }
}

/// Left red, right blue.
fn is_red_and_blue(image: &RgbaImage) -> bool {
    let (width, height) = image.dimensions();
    let (left, right) =
        (image.get_pixel(width / 8, height / 2).0, image.get_pixel(width * 7 / 8, height / 2).0);
    left[0] > 150 && left[2] < 100 && right[2] > 100 && right[0] < 100
}

async fn odd_files() {
    let files: [(&str, &[u8]); 3] = [
        ("CMYK", include_bytes!("images/cmyk.jpg")),
        ("interlaced", include_bytes!("images/interlaced.png")),
        ("palette", include_bytes!("images/palette.png")),
    ];
    for (name, content) in files {
        let smaller = thumbnail(content.to_vec(), ThumbnailSize::within(32, 32)).await.1;
        assert_eq!(smaller.dimensions(), (32, 24), "{name}");
        assert!(is_red_and_blue(&smaller), "{name}");
        let same = thumbnail(content.to_vec(), ThumbnailSize::within(1600, 1600)).await.1;
        assert_eq!(same.dimensions(), (64, 48), "{name}: never larger than the source");
    }
    for (width, height) in [(6000, 1), (1, 6000)] {
        let line = encoded(&DynamicImage::from(scene(width, height)), ImageFormat::Png);
        let made = thumbnail(line, ThumbnailSize::within(100, 100)).await.1;
        assert_eq!(made.dimensions(), (width.min(100), height.min(100)));
    }
}

async fn keep_transparency() {
    // The first of two pictures: a red square of 32 × 32 at 16, 8 on a canvas of 64 × 48.
    let animated = include_bytes!("images/animated.gif").to_vec();
    let (kind, made) = thumbnail(animated, ThumbnailSize::within(32, 32)).await;
    assert_eq!((kind, made.dimensions()), (ImageKind::Gif, (32, 24)));
    let (outside, inside) = (made.get_pixel(2, 2), made.get_pixel(16, 12));
    assert!(outside.0[3] == 0 && inside.0[3] == 255 && inside.0[0] > 200, "{outside:?} {inside:?}");

    // What cannot be seen has a colour, which is not to be seen at the edge.
    let half = RgbaImage::from_fn(64, 64, |x, _| match x < 30 {
        true => Rgba([255, 255, 255, 255]),
        false => Rgba([0, 0, 0, 0]),
    });
    let content = encoded(&DynamicImage::from(half), ImageFormat::Png);
    let made = thumbnail(content, ThumbnailSize::within(16, 16)).await.1;
    assert!(made.pixels().all(|pixel| pixel.0[3] < 20 || pixel.0[0] > 230));
    assert_eq!((made.get_pixel(0, 0).0[3], made.get_pixel(15, 0).0[3]), (255, 0));
}

/// A profile with nothing inside but what says that it is one.
fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![0; 132];
    profile[3] = 132;
    profile[16..20].copy_from_slice(space);
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

fn with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let mut segment = b"\xff\xe2".to_vec();
    segment.extend_from_slice(&u16::try_from(profile.len() + 16).unwrap().to_be_bytes());
    segment.extend_from_slice(b"ICC_PROFILE\0\x01\x01");
    [&jpeg[..2], &segment, profile, &jpeg[2..]].concat()
}

async fn tell_nothing_else() {
    let jpeg = encoded(&DynamicImage::from(scene(64, 64)).to_rgb8().into(), ImageFormat::Jpeg);
    let comment = b"\xff\xfe\x00\x0fsecret-place!";
    let told = [&jpeg[..2], comment, &with_orientation(&jpeg, 1)[2..]].concat();
    for (space, kept) in [(b"RGB ", true), (b"CMYK", false)] {
        let content = with_profile(&told, &profile(space));
        let (engine, _directory) = engine();
        let size = ThumbnailSize::within(32, 32);
        let made = engine.thumbnail(memory(content), size, USER).await.unwrap().image;
        let has = |what: &[u8]| made.windows(what.len()).any(|window| window == what);
        assert!(!has(b"secret-place!") && !has(b"Exif"));
        assert_eq!(has(b"ICC_PROFILE"), kept);
    }
}

async fn are_made_once() {
    let content = encoded(&DynamicImage::from(scene(640, 480)), ImageFormat::Png);
    let (engine, directory) = engine();
    let (source, size) = (memory(content), ThumbnailSize::within(320, 320));
    let first = engine.thumbnail(source.clone(), size, USER);
    let others = (2..20).map(|user| engine.thumbnail(source.clone(), size, UserNo(user)));
    // One who begins and goes away does not take the others' thumbnail along.
    let gone = engine.thumbnail(source.clone(), size, USER);
    let all = async {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), gone).await;
        let mut made = join_all(others).await;
        made.push(first.await);
        made.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let all = all.await;
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    let reads = source.reads.load(Ordering::Relaxed);
    assert!(reads <= 2, "read {reads} times");
    assert_eq!(engine.thumbnail(source.clone(), size, USER).await.unwrap(), all[0]);
    assert_eq!(source.reads.load(Ordering::Relaxed), reads);

    std::fs::remove_dir_all(directory.path()).unwrap();
    assert_eq!(engine.thumbnail(source, size, USER).await.unwrap().kind, ImageKind::Png);
}

async fn no_image() {
    let (engine, _directory) = engine();
    let large = encoded(&DynamicImage::from(scene(64, 64)), ImageFormat::Png);
    let large = [large, vec![0; 10 << 20]].concat();
    let contents = [Vec::new(), b"#EXTM3U".to_vec(), b"<svg/>".to_vec(), b"GIF89".to_vec(), large];
    for content in contents {
        let source = memory(content);
        let refused = engine.thumbnail(source, ThumbnailSize::within(32, 32), USER).await;
        assert!(matches!(refused, Err(MediaError::Unsuitable(_))), "{refused:?}");
    }
}
