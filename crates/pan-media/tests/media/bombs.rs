//! Images that were made to cost a server its memory or its time.

use std::fs;
use std::io::Cursor;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use image::{DynamicImage, ImageFormat, RgbImage};
use libtest_mimic::Trial;
use pan_engine::{MediaEngine, MediaError};
use pan_media::sandbox::{Answer, Limits, run_job};
use pan_model::{ThumbnailSize, UserNo};

use crate::files::{bmp, deflated_zeros, gif, gif_frame, jpeg, jpeg_with_scans, png, png_chunk};
use crate::source::{engine, memory};
use crate::trial;

/// What each may cost: on a processor, where the machine has other things to do.
const EACH_MAX: Duration = Duration::from_secs(2);

const GROWTH_MAX_KIB: u64 = 64 << 10;

pub(crate) fn trials() -> Vec<Trial> {
    // One after the other, since both measure this process.
    vec![trial("sec_image_bombs", hostile_and_large)]
}

/// Every hostile image, and whether it must be refused.
fn bombs() -> Vec<(&'static str, Vec<u8>, bool)> {
    let picture = DynamicImage::from(RgbImage::from_fn(200, 200, |x, y| {
        image::Rgb([x as u8, y as u8, (x * y) as u8])
    }));
    let encoded = |format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let (a_jpeg, a_png) = (encoded(ImageFormat::Jpeg), encoded(ImageFormat::Png));
    let (a_gif, a_bmp) = (encoded(ImageFormat::Gif), encoded(ImageFormat::Bmp));
    let zeros = deflated_zeros(64 << 20);
    let cut = |bytes: &[u8], at: usize| bytes[..at].to_vec();
    let profile = [b"x\0\0".as_slice(), &deflated_zeros(512 << 20)].concat();
    let frames = |count: usize| gif(64, 64, &gif_frame(0, 0, 1, 1, &[0x44, 0x01]).repeat(count));
    vec![
        ("png that claims 16384²", png(16384, 16384, 2, 8, &[], &zeros), true),
        ("png that claims 65535²", png(65535, 65535, 6, 8, &[], &zeros), true),
        ("png that claims 2³¹−1²", png(0x7fff_ffff, 0x7fff_ffff, 0, 1, &[], &zeros), true),
        ("png of nothing", png(0, 0, 2, 8, &[], &zeros), true),
        ("png of 7000² in 16 bits", png(7000, 7000, 6, 16, &[], &zeros), true),
        ("png header alone", cut(&png(7000, 7000, 2, 8, &[], &[]), 33), true),
        (
            "png of zeros for longer than its pixels",
            png(10, 10, 0, 8, &[], &deflated_zeros(1 << 30)),
            false,
        ),
        (
            "png with a profile of 512 MiB",
            png(100, 100, 0, 8, &png_chunk(b"iCCP", &profile), &zeros),
            false,
        ),
        (
            "png with texts of 512 MiB",
            png(100, 100, 0, 8, &png_chunk(b"zTXt", &profile).repeat(2), &zeros),
            false,
        ),
        (
            "png with 100 000 chunks",
            png(100, 100, 0, 8, &png_chunk(b"teSt", b"").repeat(100_000), &zeros),
            false,
        ),
        ("png cut", cut(&a_png, a_png.len() / 2), true),
        ("png with a chunk of 4 GiB", [&a_png[..33], b"\xff\xff\xff\xffIDAT"].concat(), true),
        ("jpeg that claims 65535²", jpeg(65535, 65535, 100), true),
        ("jpeg of 50 megapixels without data", jpeg(8688, 5792, 0), false),
        ("jpeg of nothing", jpeg(0, 0, 100), true),
        ("jpeg with 1000 scans of 50 megapixels", jpeg_with_scans(8688, 5792, 1000), true),
        ("jpeg with 5000 scans of 1 megapixel", jpeg_with_scans(1024, 1024, 5000), true),
        ("jpeg header alone", cut(&a_jpeg, 20), true),
        ("jpeg cut", cut(&a_jpeg, a_jpeg.len() / 2), false),
        ("jpeg of markers", [b"\xff\xd8".as_slice(), &[0xff; 10_000_000]].concat(), true),
        ("jpeg with an EXIF that points to itself", with_looping_exif(&a_jpeg), false),
        ("gif that claims 65535²", gif(65535, 65535, &gif_frame(0, 0, 1, 1, &[0x44, 0x01])), true),
        (
            "gif with a picture of 65535²",
            gif(16, 16, &gif_frame(0, 0, 65535, 65535, &[0x44, 0x01])),
            true,
        ),
        ("gif with 400 000 pictures", frames(400_000), false),
        ("gif without a picture", gif(64, 64, &[]), true),
        (
            "gif of 7000² with 9 MiB of LZW clears",
            gif(7000, 7000, &gif_frame(0, 0, 7000, 7000, &[0x24, 0x49, 0x92].repeat(3 << 20))),
            true,
        ),
        ("gif of 10 MiB of comments", gif(64, 64, &b"\x21\xfe\x01.\0".repeat(2_000_000)), true),
        ("gif cut", cut(&a_gif, 900), true),
        ("bmp that claims 2³¹−1²", bmp(i32::MAX, i32::MAX, 24, 0, &[]), true),
        ("bmp of negative sizes", bmp(-100, i32::MIN, 24, 0, &[]), true),
        ("bmp of 30000 × 1600 in one run", bmp(30_000, 1600, 8, 1, &[0xff, 0, 0, 1]), false),
        ("bmp that jumps", bmp(4000, 4000, 8, 1, &[0, 2, 255, 255].repeat(2_000_000)), true),
        ("bmp cut", cut(&a_bmp, a_bmp.len() / 2), true),
        ("bmp of an unknown compression", bmp(100, 100, 8, 77, &[0; 100]), true),
        ("gif named png inside", [b"\x89PNG\r\n\x1a\n".as_slice(), &a_gif].concat(), true),
        ("jpeg and zip in one", [a_jpeg.as_slice(), b"PK\x05\x06", &[0; 18]].concat(), false),
        ("bmp magic and a text", b"BMX-Bikes are fun".repeat(1000), true),
    ]
}

/// The first directory of the EXIF says that the next one is itself.
fn with_looping_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(&[0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 8]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

/// Memory of this process: the most it ever had, and what it has now.
fn memory_kib() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (value("VmHWM:"), value("VmRSS:"))
}

/// Begins to measure how much memory this process needs at most.
fn measure() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    memory_kib().1
}

async fn hostile_and_large() {
    each_fails_or_is_served_soon().await;
    large_images_at_once().await;
}

async fn each_fails_or_is_served_soon() {
    let bombs = bombs();
    assert!(bombs.len() >= 30);
    let (engine, _directory) = engine();
    let size = ThumbnailSize::within(320, 320);
    let images: Vec<_> = bombs
        .into_iter()
        .map(|(name, content, refused)| (name, Bytes::from(content), refused))
        .collect();
    let before = measure();
    let mut wrong = Vec::new();
    for (name, content, refused) in images {
        let source = memory(content.clone());
        let began = Instant::now();
        let made = engine.thumbnail(source.clone(), size, UserNo(1)).await;
        let took = began.elapsed();
        let outcome = match &made {
            Ok(_) => "served",
            Err(MediaError::Unsuitable(_)) => "refused",
            Err(error) => panic!("{name}: {error}"),
        };
        println!("{took:>8.0?} {outcome:7} {name}");
        let is_slow = took > EACH_MAX && !costs_little(content).await;
        if is_slow || refused != made.is_err() {
            wrong.push(name);
        }
        // What failed once is known.
        let began = Instant::now();
        assert_eq!(engine.thumbnail(source, size, UserNo(1)).await.is_err(), made.is_err());
        assert!(began.elapsed() < Duration::from_secs(1), "{name}");
    }
    let growth = memory_kib().0.saturating_sub(before);
    println!("this process grew by {growth} KiB");
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB");
}

/// Whether the job ends by itself when it may use a processor for that long.
async fn costs_little(image: Bytes) -> bool {
    let limits = Limits { memory_bytes: 512 << 20, cpu: EACH_MAX };
    let job = ["thumbnail", "320", "320", "80"];
    match run_job(&job, image, limits, Duration::from_secs(60)).await.unwrap() {
        Answer::Made(_) => true,
        // What is ended by its limit says nothing.
        Answer::Refused(why) => !why.is_empty(),
        Answer::Interrupted => false,
    }
}

async fn large_images_at_once() {
    let (engine, _directory) = engine();
    // Each is a content of its own.
    let sources: Vec<_> = (0..8_u8)
        .map(|number| memory([jpeg(8688, 5792, usize::MAX), vec![number]].concat()))
        .collect();
    let before = measure();
    let size = ThumbnailSize::within(1600, 1600);
    let began = Instant::now();
    let made = sources.iter().map(|source| engine.thumbnail(source.clone(), size, UserNo(1)));
    for made in join_all(made).await {
        made.unwrap();
    }
    let growth = memory_kib().0.saturating_sub(before);
    println!(
        "8 images of 50 megapixels: {:.0?}, this process grew by {growth} KiB",
        began.elapsed()
    );
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB");
}
