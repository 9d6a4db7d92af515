//! The grid with a real ffmpeg: pieces of different runs make one video.

mod gaps;
mod joins;
mod shapes;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use pan_model::StreamFormat;

use super::{
    Encoding, Facts, HEAD_BYTES, Plan, Splitter, encode_arguments, probe_arguments, sniff,
};

/// A source, planned.
struct Source {
    url: String,
    facts: Facts,
    plan: Plan,
}

impl Source {
    fn of(path: &Path) -> Self {
        let url = path.display().to_string();
        let mut head = std::fs::read(path).unwrap();
        head.truncate(HEAD_BYTES);
        let container = sniff(&head).expect("a container");
        // As for the engine, what it says aside does not count.
        let probing = Command::new("ffprobe").args(probe_arguments(container, &url)).output();
        let output = probing.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let facts = Facts::parse(container, &output.stdout).unwrap();
        let plan = Plan::of(&facts).unwrap();
        Self { url, facts, plan }
    }

    /// The pieces of one run, up to some number.
    fn pieces(&self, first_piece: u32, count: usize) -> BTreeMap<u32, Bytes> {
        let made = self.pieces_if_possible(first_piece, count);
        made.unwrap_or_else(|_| panic!("{} from {first_piece}", self.url))
    }

    /// The same; those that came before it ended badly, if it did.
    fn pieces_if_possible(
        &self,
        first_piece: u32,
        count: usize,
    ) -> Result<BTreeMap<u32, Bytes>, BTreeMap<u32, Bytes>> {
        let format = StreamFormat::M3u8_320x240;
        let encoding = Encoding { input: &self.url, format, first_piece, threads: 1 };
        let mut child = Command::new("ffmpeg")
            .args(encode_arguments(&self.facts, &self.plan, encoding))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut splitter = Splitter::new(&self.plan, first_piece);
        let (mut pieces, mut buffer) = (BTreeMap::new(), vec![0; 65536]);
        let mut stdout = child.stdout.take().unwrap();
        while pieces.len() < count {
            let read = std::io::Read::read(&mut stdout, &mut buffer).unwrap();
            if read == 0 {
                if !child.wait().unwrap().success() {
                    return Err(pieces);
                }
                pieces.extend(splitter.finish().unwrap().map(|cut| (cut.index, cut.stream)));
                return Ok(pieces);
            }
            let cuts = splitter.push(&buffer[..read]).unwrap();
            pieces.extend(cuts.into_iter().map(|cut| (cut.index, cut.stream)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        Ok(pieces)
    }
}

fn run(program: &str, arguments: impl IntoIterator<Item: AsRef<std::ffi::OsStr>>) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{program} said: {said}");
    output.stdout
}

/// For each stream, by its PID: (pts, key) of the packets, in the order of the stream.
fn packets(stream: &Path) -> BTreeMap<String, Vec<(i64, i64, bool)>> {
    let arguments = ["-v", "error", "-f", "mpegts", "-show_entries"];
    let entries = ["packet=codec_type,pts,dts,flags", "-of", "compact=p=0:nk=1"];
    let output = run(
        "ffprobe",
        arguments
            .into_iter()
            .chain(entries)
            .map(String::from)
            .chain([stream.display().to_string()]),
    );
    let mut packets = BTreeMap::<_, Vec<_>>::new();
    for line in String::from_utf8(output).unwrap().lines() {
        let fields = line.split('|').collect::<Vec<_>>();
        let [kind, pts, dts, flags, ..] = fields[..] else { continue };
        let time = |text: &str| text.parse::<i64>().unwrap();
        packets.entry(kind.to_owned()).or_default().push((
            time(pts),
            time(dts),
            flags.starts_with('K'),
        ));
    }
    packets
}

/// Makes a file with ffmpeg.
fn make(path: &Path, making: &str) {
    let arguments = ["-v", "fatal", "-y"].into_iter().chain(making.split_whitespace());
    run("ffmpeg", arguments.map(Into::into).chain([path.as_os_str().to_owned()]));
}

/// Makes a video, asks for its pieces from one run and from a run each, and
/// holds the two against each other.
fn check(name: &str, making: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    make(&path, making);
    let source = Source::of(&path);
    let timeline = source.plan.timeline();
    let whole = source.pieces(0, usize::MAX);
    assert_eq!(whole.len(), timeline.pieces as usize, "{name}");

    // Pieces of the one run and of others by turns.
    let mut mixed = Vec::new();
    for (index, piece) in &whole {
        let is_alone = *index == 1 || index + 1 == timeline.pieces;
        if !is_alone {
            mixed.extend_from_slice(piece);
            continue;
        }
        let alone = source.pieces(*index, 1).remove(index).unwrap();
        if source.facts.video.is_some() {
            let [one, other] = [piece, &alone].map(|piece| numbers(directory.path(), piece));
            assert_eq!(one, other, "{name}: piece {index}");
        }
        mixed.extend_from_slice(&alone);
    }
    assert!(counters_go_on(&mixed), "{name}");
    let path = directory.path().join("mixed.ts");
    std::fs::write(&path, mixed).unwrap();
    let streams = packets(&path);
    let rate = source.plan.rate();
    for (kind, packets) in &streams {
        let mut shown = packets.iter().map(|packet| packet.0).collect::<Vec<_>>();
        for pair in packets.windows(2) {
            assert!(pair[0].1 < pair[1].1, "{name}: {kind} goes back: {pair:?}");
        }
        shown.sort_unstable();
        let step = match kind.as_str() {
            "video" => 90_000.0 * rate.under as f64 / rate.over as f64,
            _ => 1920.0,
        };
        for pair in shown.windows(2) {
            let off = (pair[1] - pair[0]) as f64 - step;
            assert!(off.abs() <= 1.01, "{name}: {kind} {pair:?} is not a step of {step}");
        }
        if kind == "video" {
            assert_eq!(packets.len() as u64, source.plan.units(), "{name}");
            let keys = packets.iter().filter(|packet| packet.2).count();
            assert_eq!(keys, timeline.pieces as usize, "{name}");
        }
    }
    assert_eq!(streams.contains_key("video"), source.facts.video.is_some(), "{name}");
    assert_eq!(streams.contains_key("audio"), source.facts.audio.is_some(), "{name}");
    let mixed = path.display().to_string();
    run("ffmpeg", ["-v", "warning", "-xerror", "-f", "mpegts", "-i", &mixed, "-f", "null", "-"]);
}

/// The frames of a piece, by the number that [`coded`] has drawn into each.
fn numbers(directory: &Path, piece: &[u8]) -> Vec<u32> {
    let path = directory.join("piece.ts");
    std::fs::write(&path, piece).unwrap();
    let path = path.display().to_string();
    let arguments =
        ["-v", "error", "-f", "mpegts", "-i", &path, "-map", "0:v", "-fps_mode", "passthrough"];
    let output = ["-vf", "scale=128:16", "-f", "rawvideo", "-pix_fmt", "gray", "-"];
    let frames = run("ffmpeg", arguments.into_iter().chain(output));
    let number = |frame: &[u8]| {
        (0..16).filter(|bit| frame[8 * 128 + bit * 8 + 4] > 128).map(|bit| 1 << bit).sum()
    };
    frames.chunks(128 * 16).map(number).collect()
}

/// Every counter goes on: what RFC 8216 wants of pieces.
fn counters_go_on(stream: &[u8]) -> bool {
    let mut next = BTreeMap::new();
    stream.chunks(188).all(|packet| {
        let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff;
        let carries = u8::from(packet[3] & 0x10 != 0);
        let before =
            next.insert(pid, packet[3] & 15).unwrap_or(packet[3].wrapping_sub(carries) & 15);
        packet[3] & 15 == (before + carries) & 15
    })
}

/// Pictures that carry their own number, and a tone.
fn coded(rate: &str, seconds: u32) -> String {
    format!(
        "-f lavfi -i nullsrc=s=128x64:r={rate}:d={seconds},\
         geq=lum='if(mod(floor(N/pow(2,floor(X/8))),2),235,16)':cb=128:cr=128 \
         -f lavfi -i sine=d={seconds} -preset ultrafast -pix_fmt yuv420p "
    )
}

/// Name, rate, seconds and the rest of what ffmpeg is told to make it.
const SOURCES: &[(&str, &str, u32, &str)] = &[
    ("a.mp4", "30000/1001", 21, "-c:v libx264"),
    ("film.mp4", "24000/1001", 20, "-c:v libx264 -bf 3 -g 100"),
    ("fast.mp4", "60", 14, "-c:v libx264 -an"),
    ("index-first.mov", "50", 14, "-c:v libx264 -movflags faststart"),
    ("fragments.mp4", "25", 14, "-c:v libx264 -movflags frag_keyframe+empty_moov"),
    ("a.mkv", "25", 14, "-c:v libx264 -c:a libopus"),
    ("a.webm", "30", 14, "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
    ("a.avi", "12", 20, "-c:v mpeg4 -q:v 2 -c:a libmp3lame"),
    ("a.m2ts", "25", 9, "-c:v libx264 -c:a ac3 -f mpegts -mpegts_m2ts_mode 1"),
    ("hevc.mp4", "25", 9, "-c:v libx265 -x265-params log-level=none"),
    ("vp9.webm", "25", 9, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libvorbis"),
    ("a.flv", "25", 14, "-c:v flv -q:v 2 -ar 44100 -c:a libmp3lame"),
    ("a.ts", "25", 26, "-c:v libx264"),
    ("a.mpg", "25", 14, "-c:v mpeg2video -q:v 2 -c:a mp2 -f vob"),
    ("a.wmv", "25", 14, "-c:v wmv2 -q:v 2 -c:a wmav2"),
    (
        "long-sound.mp4",
        "25",
        10,
        "-c:v libx264 -filter_complex [1:a]apad=pad_dur=6[a] -map 0:v -map [a]",
    ),
    (
        "short-sound.mkv",
        "25",
        14,
        "-c:v libx264 -filter_complex [1:a]atrim=end=6[a] -map 0:v -map [a]",
    ),
    (
        "late-sound.mp4",
        "25",
        14,
        "-c:v libx264 -filter_complex [1:a]asetpts=PTS+3/TB[a] -map 0:v -map [a]",
    ),
    ("gaps.mp4", "30", 20, "-c:v libx264 -vf select='not(between(t,5,15))' -fps_mode vfr"),
    ("stretched.mp4", "25", 9, "-c:v libx264 -vf setsar=4/3,crop=126:62:0:0,pad=128:64"),
    ("a.gif", "10", 14, "-an -loop 0"),
    ("sound.m4a", "1", 14, "-vn"),
];

#[test]
fn pieces_of_different_runs_make_one_video() {
    let problems = SOURCES.iter().filter_map(|&(name, rate, seconds, rest)| {
        let making = coded(rate, seconds) + rest;
        std::panic::catch_unwind(|| check(name, &making)).is_err().then_some(name)
    });
    let problems = problems.collect::<Vec<_>>();
    assert!(problems.is_empty(), "{problems:?}");
}
