//! Videos, made by the real ffmpeg, and a source that knows what was read of it.

use std::ops::Range;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pan_engine::{BoxFuture, EngineError, ErrorKind, MediaSource, SourceKey};
use pan_model::{Blake3, ByteSize};

/// A minute of moving picture and sound, with its index at the end.
pub(crate) fn minute() -> Bytes {
    static MINUTE: OnceLock<Bytes> = OnceLock::new();
    MINUTE.get_or_init(|| make(60, "mp4", &["-c:v", "libx264", "-preset", "ultrafast"])).clone()
}

/// Makes a video of some megabytes, so that what is not read can be told.
pub(crate) fn make(seconds: u32, ending: &str, encode: &[&str]) -> Bytes {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("video").with_extension(ending);
    let picture = format!("testsrc2=size=320x240:rate=25:duration={seconds},noise=alls=20:allf=t");
    let sound = format!("sine=frequency=440:sample_rate=44100:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", &sound])
        .args(encode)
        .args(["-g", "50", "-c:a", "aac"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::read(path).unwrap().into()
}

/// A video in memory.
pub(crate) struct Video {
    content: Bytes,
    key: SourceKey,
    /// How many bytes were read.
    pub(crate) read_bytes: AtomicU64,
    /// How often somebody began at the beginning: once to see what it is, once
    /// for each process.
    pub(crate) beginnings: AtomicU64,
    /// From when on nothing can be read.
    pub(crate) is_damaged: AtomicBool,
}

/// A content in memory.
pub(crate) fn video(content: Bytes) -> Arc<Video> {
    let blake3 = Blake3(*blake3::hash(&content).as_bytes());
    let key = SourceKey { blake3, size: ByteSize(content.len() as u64) };
    let (read_bytes, beginnings) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_damaged = AtomicBool::new(false);
    Arc::new(Video { content, key, read_bytes, beginnings, is_damaged })
}

/// The same video as somebody else's content.
pub(crate) fn another(number: u8, content: Bytes) -> Arc<Video> {
    let mut content = Vec::from(content);
    // A box that every player skips.
    content.extend([&[0, 0, 0, 9][..], b"free", &[number]].concat());
    video(content.into())
}

impl Video {
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }
}

impl MediaSource for Video {
    fn key(&self) -> SourceKey {
        self.key
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        Box::pin(async move {
            if self.is_damaged.load(Ordering::Relaxed) {
                return Err(EngineError::new(ErrorKind::Corrupt, "the content is damaged"));
            }
            let start = usize::try_from(range.start).unwrap();
            let end = usize::try_from(range.end).unwrap();
            self.read_bytes.fetch_add((end - start) as u64, Ordering::Relaxed);
            self.beginnings.fetch_add(u64::from(start == 0), Ordering::Relaxed);
            Ok(self.content.slice(start..end))
        })
    }
}
