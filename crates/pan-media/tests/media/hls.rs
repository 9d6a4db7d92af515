//! Video with the real ffmpeg: who gets which piece, made by how many.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use libtest_mimic::Trial;
use pan_engine::{ErrorKind, MediaEngine, MediaError, Piece, Viewer};
use pan_media::{LocalMedia, Options};
use pan_model::{ByteSize, StreamFormat, UserNo};
use tempfile::TempDir;

use crate::trial;
use crate::videos::{Video, another, make, minute, video};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_timeline_is_always_the_same", a_timeline_is_always_the_same),
        trial("a_piece_is_the_same_wherever_its_run_began", a_piece_is_the_same),
        trial("a_seek_makes_nothing_before_it", a_seek_makes_nothing_before_it),
        trial("all_who_want_a_piece_wait_for_one_run", all_who_want_a_piece_wait_for_one_run),
        trial("who_goes_away_leaves_nothing_behind", who_goes_away_leaves_nothing_behind),
        trial("damage_is_not_taken_for_a_broken_video", damage_is_damage),
        trial("without_ffmpeg_only_video_is_missing", without_ffmpeg_only_video_is_missing),
        trial("a_cache_may_be_deleted_at_any_time", a_cache_may_be_deleted_at_any_time),
        trial("two_viewers_watch_different_places", two_viewers_watch_different_places),
        trial("a_run_does_not_make_what_nobody_watches", a_run_stops_ahead),
        trial("what_is_no_video_is_refused", what_is_no_video_is_refused),
        trial("a_video_that_was_cut_off_ends_in_an_answer", a_cut_video_has_an_end),
        trial("sec_transcode_flood", sec_transcode_flood),
    ]
}

const FORMAT: StreamFormat = StreamFormat::M3u8_320x240;
const ANNA: UserNo = UserNo(1);
const BEN: UserNo = UserNo(2);

fn engine() -> (Arc<LocalMedia>, TempDir) {
    engine_with(2, "ffmpeg")
}

fn engine_with(processes_max: usize, ffmpeg: &str) -> (Arc<LocalMedia>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        cache_dir: directory.path().to_owned(),
        cache_size: ByteSize(64 << 20),
        ffmpeg: ffmpeg.into(),
        processes_max,
        processes_of_user_max: 2,
    };
    (Arc::new(LocalMedia::open(options).unwrap()), directory)
}

fn piece(index: u32, session: u64) -> Piece {
    Piece { format: FORMAT, index, viewer: Viewer { user: ANNA, session } }
}

async fn pieces_of(engine: &LocalMedia, source: &Arc<Video>) -> u32 {
    engine.timeline(source.clone(), ANNA).await.unwrap().pieces
}

/// How many values a cache holds.
fn kept(cache: &Path) -> usize {
    let buckets = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let files = buckets.flat_map(|bucket| std::fs::read_dir(bucket.path()).into_iter().flatten());
    files.flatten().filter(|file| !file.file_name().to_string_lossy().contains('.')).count()
}

/// Waits for something that will be.
async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_stream(piece: &Bytes) -> bool {
    !piece.is_empty()
        && piece.len().is_multiple_of(188)
        && piece.chunks(188).all(|packet| packet[0] == 0x47)
}

async fn a_timeline_is_always_the_same() {
    let source = video(minute());
    let (engine, _cache) = engine();
    let all = join_all((0..8).map(|_| engine.timeline(source.clone(), ANNA))).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    // Once to see what it is, and once for ffprobe.
    assert_eq!(source.beginnings.load(Ordering::Relaxed), 2);
    let (another_engine, _cache) = self::engine();
    let again = another_engine.timeline(source.clone(), BEN).await.unwrap();
    assert!(all.iter().all(|timeline| *timeline == again));
    let length = again.piece * (again.pieces - 1) + again.last;
    assert!(length.abs_diff(Duration::from_secs(60)) < Duration::from_millis(100), "{length:?}");
}

async fn a_piece_is_the_same() {
    let source = video(minute());
    let (engine, _cache) = engine();
    let (another_engine, _another_cache) = self::engine();
    for index in 0..3 {
        assert!(is_stream(&engine.piece(source.clone(), piece(index, 1)).await.unwrap()));
    }
    let played = engine.piece(source.clone(), piece(3, 1)).await.unwrap();
    let sought = another_engine.piece(source.clone(), piece(3, 1)).await.unwrap();
    let times = |piece: &Bytes| crate::packets::times(piece);
    assert_eq!(times(&played), times(&sought));
}

async fn a_seek_makes_nothing_before_it() {
    let source = video(minute());
    let (engine, cache) = engine();
    let pieces = pieces_of(&engine, &source).await;
    let before = source.read_bytes();
    let index = pieces * 8 / 10;
    assert!(is_stream(&engine.piece(source.clone(), piece(index, 1)).await.unwrap()));
    until(|| kept(cache.path()) >= (pieces - index).min(5) as usize).await;
    let read = source.read_bytes() - before;
    let size = minute().len() as u64;
    assert!(read < size * 6 / 10, "{read} of {size} bytes were read");
}

async fn all_who_want_a_piece_wait_for_one_run() {
    let source = video(minute());
    let (engine, _cache) = engine();
    pieces_of(&engine, &source).await;
    let asked = (0..8).map(|session| engine.piece(source.clone(), piece(5, session)));
    let made: HashSet<Bytes> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(source.beginnings.load(Ordering::Relaxed), 3);
}

async fn who_goes_away_leaves_nothing_behind() {
    let source = video(minute());
    let (engine, _cache) = engine();
    pieces_of(&engine, &source).await;
    let asked = engine.piece(source.clone(), piece(4, 1));
    let gone = tokio::time::timeout(Duration::from_millis(50), asked).await;
    let (one, other) = (piece(4, 2), piece(0, 1));
    let both = tokio::join!(engine.piece(source.clone(), one), engine.piece(source.clone(), other));
    assert!(is_stream(&both.0.unwrap()) && is_stream(&both.1.unwrap()));
    drop(gone);
}

async fn damage_is_damage() {
    let source = video(minute());
    let (engine, _cache) = engine();
    pieces_of(&engine, &source).await;
    source.is_damaged.store(true, Ordering::Relaxed);
    let failed = engine.piece(source.clone(), piece(0, 1)).await;
    assert!(
        matches!(&failed, Err(MediaError::Source(error)) if error.kind() == ErrorKind::Corrupt),
        "{failed:?}"
    );
    // It is not remembered.
    source.is_damaged.store(false, Ordering::Relaxed);
    assert!(is_stream(&engine.piece(source.clone(), piece(0, 1)).await.unwrap()));
}

async fn without_ffmpeg_only_video_is_missing() {
    let source = video(minute());
    let (engine, _cache) = engine_with(2, "/nowhere/ffmpeg");
    engine.warm().await;
    let timeline = engine.timeline(source.clone(), ANNA).await;
    assert!(matches!(&timeline, Err(MediaError::Unavailable(_))), "{timeline:?}");
    let piece = engine.piece(source.clone(), piece(0, 1)).await;
    assert!(matches!(&piece, Err(MediaError::Unavailable(_))), "{piece:?}");
    assert_eq!(source.read_bytes(), 0);
}

async fn a_cache_may_be_deleted_at_any_time() {
    let source = video(minute());
    let (engine, cache) = engine();
    for index in 0..pieces_of(&engine, &source).await {
        assert!(is_stream(&engine.piece(source.clone(), piece(index, 1)).await.unwrap()));
        for bucket in std::fs::read_dir(cache.path()).unwrap().flatten() {
            let _ = std::fs::remove_dir_all(bucket.path());
        }
    }
}

async fn two_viewers_watch_different_places() {
    let source = video(minute());
    let (engine, _cache) = engine();
    pieces_of(&engine, &source).await;
    let watch = async |session, first: u32| {
        for index in first..first + 3 {
            let piece = engine.piece(source.clone(), piece(index, session)).await;
            assert!(is_stream(&piece.unwrap()));
        }
    };
    tokio::join!(watch(1, 0), watch(2, 9));
    assert_eq!(source.beginnings.load(Ordering::Relaxed), 4);
}

async fn a_run_stops_ahead() {
    let source = video(minute());
    let (engine, cache) = engine();
    pieces_of(&engine, &source).await;
    engine.piece(source.clone(), piece(0, 1)).await.unwrap();
    until(|| kept(cache.path()) >= 5).await;
    // Nothing tells of what does not happen.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(kept(cache.path()), 5);
    let (read, size) = (source.read_bytes(), minute().len() as u64);
    assert!(read < size * 3 / 4, "{read} of {size} bytes were read");
}

async fn what_is_no_video_is_refused() {
    let (engine, _cache) = engine();
    for content in ["", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "ffconcat version 1.0\n"] {
        let source = video(Bytes::from_static(content.as_bytes()));
        for _ in 0..2 {
            let refused = engine.timeline(source.clone(), ANNA).await;
            assert!(matches!(refused, Err(MediaError::Unsuitable(_))), "{content}: {refused:?}");
        }
    }
    let source = video(minute());
    let beyond = pieces_of(&engine, &source).await;
    for index in [beyond, u32::MAX] {
        let refused = engine.piece(source.clone(), piece(index, 1)).await;
        assert!(matches!(refused, Err(MediaError::Unsuitable(_))), "{refused:?}");
    }
}

async fn a_cut_video_has_an_end() {
    let whole = make(20, "mkv", &["-c:v", "libx264", "-preset", "ultrafast"]);
    let source = video(whole.slice(..whole.len() / 2));
    let (engine, _cache) = engine();
    let pieces = pieces_of(&engine, &source).await;
    assert!(is_stream(&engine.piece(source.clone(), piece(0, 1)).await.unwrap()));
    let last = engine.piece(source.clone(), piece(pieces - 1, 1)).await;
    assert!(matches!(last, Ok(_) | Err(MediaError::Unsuitable(_))), "{last:?}");
}

/// Twenty windows of one user, all at once, and one of another.
async fn sec_transcode_flood() {
    let (engine, _cache) = engine_with(3, "ffmpeg");
    let content = make(4, "mp4", &["-c:v", "libx264", "-preset", "ultrafast"]);
    // Told by its size from what other tests start.
    let watch = async |user, session: u64| {
        let source = another(u8::try_from(session).unwrap(), content.clone());
        let viewer = Viewer { user, session };
        let format = StreamFormat::M3u8_480x224;
        engine.piece(source, Piece { format, index: 0, viewer }).await
    };
    let mut counts = HashSet::new();
    let counting = async {
        loop {
            counts.insert(transcoders());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let flood = join_all((0..20).map(|session| watch(ANNA, session)));
    let other = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let made = watch(BEN, 99).await;
        (made, begun.elapsed())
    };
    let all = async {
        tokio::join!(async { (flood.await, Instant::now()) }, async {
            (other.await, Instant::now())
        })
    };
    let ((flood, flood_ended), (other, other_ended)) = tokio::select! {
        () = counting => unreachable!(),
        all = all => all,
    };
    assert!(is_stream(&other.0.unwrap()));
    assert!(other_ended < flood_ended, "the other waited for all, {:?}", other.1);
    assert!(flood.iter().all(|made| matches!(made, Ok(_) | Err(MediaError::Busy(_)))));
    // Two of one user and one of the other.
    assert!(counts.iter().all(|count| *count <= 3), "{counts:?}");
    assert!(counts.len() > 1, "{counts:?}");
}

/// How many processes of this one transcode for the flood.
fn transcoders() -> usize {
    let ours = format!("PPid:\t{}\n", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_one = |process: &std::fs::DirEntry| {
        let read = |name| std::fs::read(process.path().join(name)).unwrap_or_default();
        let (status, command) = (read("status"), read("cmdline"));
        let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|some| some == part);
        has(&status, ours.as_bytes()) && has(&command, b"224") && !has(&status, b"State:\tZ")
    };
    processes.filter(is_one).count()
}
