//! What ffprobe says about a file or a segment.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The clock of MPEG-TS.
const TICKS_PER_SECOND: f64 = 90_000.0;

/// One segment.
pub(crate) struct Probed {
    pub(crate) video: Option<Track>,
    pub(crate) audio: Option<Track>,
}

/// One stream of a segment.
#[derive(Default)]
pub(crate) struct Track {
    pub(crate) codec: String,
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// When each frame is shown, in order, in ticks.
    pub(crate) shown: Vec<i64>,
    /// When each frame is decoded, as stored.
    pub(crate) decoded: Vec<i64>,
    /// The places of key frames.
    pub(crate) keys: Vec<usize>,
}

/// Looks into a segment; what it finds damaged is an error.
#[track_caller]
pub(crate) fn segment(bytes: &[u8]) -> Probed {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "warning", "-f", "mpegts", "-of", "json", "-show_streams"]);
    command.args(["-show_packets", "pipe:0"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may stop to read before the end; then its answer says why.
        scope.spawn(move || stdin.write_all(bytes));
        child.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    Probed { video: track(&found, "video"), audio: track(&found, "audio") }
}

fn track(found: &Value, kind: &str) -> Option<Track> {
    let streams = found["streams"].as_array().unwrap();
    let stream = streams.iter().find(|stream| stream["codec_type"] == kind)?;
    let mut track = Track {
        codec: stream["codec_name"].as_str().unwrap().into(),
        width: stream["width"].as_u64().unwrap_or_default(),
        height: stream["height"].as_u64().unwrap_or_default(),
        ..Track::default()
    };
    let packets = found["packets"].as_array().unwrap().iter();
    for packet in packets.filter(|packet| packet["stream_index"] == stream["index"]) {
        let flags = packet["flags"].as_str().unwrap();
        assert!(!flags.contains('C'), "a damaged packet: {packet}");
        if flags.contains('K') {
            track.keys.push(track.shown.len());
        }
        track.shown.push(packet["pts"].as_i64().expect("every packet has a time"));
        track.decoded.push(packet["dts"].as_i64().expect("every packet has a time"));
    }
    track.shown.sort_unstable();
    Some(track)
}

impl Probed {
    /// The stream that the segments are cut by.
    pub(crate) fn leading(&self) -> &Track {
        self.video.as_ref().or(self.audio.as_ref()).expect("a segment has a stream")
    }
}

impl Track {
    /// Goes on exactly where another one ended.
    #[track_caller]
    pub(crate) fn append(&mut self, next: Self) {
        assert_eq!((self.width, self.height), (next.width, next.height));
        self.shown.extend(next.shown);
        self.decoded.extend(next.decoded);
    }

    /// Frames come one after the other, all equally long but for rounding; the
    /// length of one in seconds.
    #[track_caller]
    pub(crate) fn is_even(&self) -> f64 {
        let frames = self.shown.len() as f64;
        let whole = (self.shown[self.shown.len() - 1] - self.shown[0]) as f64;
        let ticks = whole / (frames - 1.0);
        for times in [&self.shown, &self.decoded] {
            for (place, pair) in times.windows(2).enumerate() {
                let step = (pair[1] - pair[0]) as f64;
                assert!((step - ticks).abs() <= 1.0, "frame {place}: {step} instead of {ticks}");
            }
        }
        ticks / TICKS_PER_SECOND
    }
}

/// Seconds since a tick.
pub(crate) fn seconds_since(first: i64, tick: i64) -> f64 {
    (tick - first) as f64 / TICKS_PER_SECOND
}

/// How long a file is, in seconds.
pub(crate) fn duration(file: &Path) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0", "-show_entries", "format=duration"]);
    let output = command.arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
