//! Every piece from a run of its own, and still one video.

use std::fmt::Write as _;
use std::path::Path;

use super::{Source, make, run};

/// The samples of the sound from some time on: one channel, 48 kHz.
fn samples(path: &Path, from_seconds: u32) -> Vec<f32> {
    let path = path.display().to_string();
    let input = ["-v", "warning", "-xerror", "-protocol_whitelist", "file", "-i", &path];
    let first = from_seconds * 48_000;
    let cut = format!("aresample=48000,aresample=48000:async=1:first_pts={first}");
    let output = ["-copyts", "-map", "0:a", "-af", &cut, "-ac", "1", "-f", "f32le", "-"];
    let bytes = run("ffmpeg", input.into_iter().chain(output));
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks_exact(4).map(sample).collect()
}

/// How many pictures and frames of sound ffprobe counts.
fn counted(path: &Path) -> (u64, u64) {
    let path = path.display().to_string();
    let arguments = ["-v", "warning", "-count_frames", "-show_entries"];
    let entries = ["stream=codec_type,nb_read_frames", "-of", "csv=p=0", &path];
    let output = String::from_utf8(run("ffprobe", arguments.into_iter().chain(entries))).unwrap();
    let of = |kind: &str| {
        let line = output.lines().find(|line| line.starts_with(kind));
        line.map_or(0, |line| line.split(',').nth(1).unwrap().parse().unwrap())
    };
    (of("video"), of("audio"))
}

fn playlist(source: &Source) -> String {
    let timeline = source.plan.timeline();
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n");
    for index in 0..timeline.pieces {
        let is_last = index + 1 == timeline.pieces;
        let length = if is_last { timeline.last } else { timeline.piece };
        writeln!(text, "#EXTINF:{:.6},\n{index}.ts", length.as_secs_f64()).unwrap();
    }
    text + "#EXT-X-ENDLIST\n"
}

/// Whether every piece can come from another transcoder, and nobody notices.
fn check(name: &str, making: &str, seconds: f64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    make(&path, making);
    let source = Source::of(&path);
    let (has_video, pieces) = (source.facts.video.is_some(), source.plan.timeline().pieces);
    let rate = source.plan.rate();
    let unit = rate.under as f64 / rate.over as f64;
    let (mut units, mut joined, mut one_run) = (0, Vec::new(), Vec::new());
    let whole = source.pieces(0, usize::MAX);
    for index in 0..pieces {
        let piece = source.pieces(index, 1).remove(&index).unwrap();
        let path = directory.path().join(format!("{index}.ts"));
        std::fs::write(&path, &piece).unwrap();
        // It can be played without any other.
        let (pictures, sounds) = counted(&path);
        units += if has_video { pictures } else { sounds };
        assert!(sounds > 0, "{name}: {index}");
        joined.extend_from_slice(&piece);
        one_run.extend_from_slice(&whole[&index]);
    }
    let sum = units as f64 * unit;
    assert!((sum - seconds).abs() <= unit * 1.01, "{name}: {sum} of {seconds}");

    let list = directory.path().join("list.m3u8");
    std::fs::write(&list, playlist(&source)).unwrap();
    let (one, other) = (directory.path().join("one.ts"), directory.path().join("joined.ts"));
    std::fs::write(&one, one_run).unwrap();
    std::fs::write(&other, joined).unwrap();
    let (one, other, listed) = (samples(&one, 10), samples(&other, 10), samples(&list, 10));
    assert_eq!(other, listed, "{name}");
    assert_eq!(one.len(), other.len(), "{name}");
    // A click would be as large as the tone is, 0.125, and sound at another time
    // too. What the encoder leaves out or adds is far below.
    assert!(farthest(&one, &other) < 0.01, "{name}: {}", farthest(&one, &other));
    let source = samples(&path, 0);
    assert!(farthest(&source, &other) < 0.02, "{name}: {}", farthest(&source, &other));
}

/// How far sounds are from each other, but for the first frames, which a decoder
/// fades in, and the last half second.
fn farthest(one: &[f32], other: &[f32]) -> f32 {
    let count = one.len().min(other.len()).saturating_sub(24_000);
    assert!(count > 4 * 48_000);
    let off = one.iter().zip(other).take(count).skip(2048).map(|(one, other)| (one - other).abs());
    off.fold(0.0, f32::max)
}

#[test]
fn pieces_that_are_all_of_different_runs_play_as_one() {
    // A tone that rises, so that it is another at every time.
    let tone = |rate| format!("-f lavfi -i aevalsrc=0.125*sin(2*PI*(200*t+20*t*t)):s={rate}:d=17");
    let pictures = "-f lavfi -i testsrc=s=160x90:r=30000/1001:d=17";
    let video = "-preset ultrafast -g 45 -pix_fmt yuv420p -c:v libx264";
    check("a.mp4", &format!("{pictures} {} {video}", tone(44_100)), 17.0);
    check("a.mov", &format!("{pictures} {} {video} -c:a pcm_s16le", tone(22_050)), 17.0);
    check("a.m4a", &tone(44_100), 17.0);
}
