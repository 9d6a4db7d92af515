//! Hostile videos, given to the engine as users give them.
//!
//! Here ffmpeg is told what it may do, and the sandbox holds as well.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use libtest_mimic::Trial;
use pan_engine::{MediaEngine, MediaError, Piece, Viewer};
use pan_model::{StreamFormat, UserNo};
use tokio::time::timeout;

use crate::canary::Canary;
use crate::hostile::{HOSTILE, hls_file, hls_http};
use crate::matroska;
use crate::run;
use crate::source::{engine, memory};

/// Each is refused at once, or played; the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(60);

type Content = fn(&Canary) -> Vec<u8>;

/// Those that begin as a video does, beyond those of the sandbox.
const VIDEOS: &[(&str, Content)] = &[
    ("matroska_links", matroska::links),
    ("lying_ten_hours", matroska::ten_hours),
    ("lying_billion_years", matroska::a_billion_years),
    ("lying_not_a_number", matroska::no_number_of_hours),
    ("lying_negative", matroska::negative_hours),
    ("lying_size", matroska::huge_pictures),
    ("lying_rate", matroska::a_million_pictures_a_second),
    ("ten_thousand_streams", matroska::ten_thousand_streams),
];

/// Those of which something is played: silence.
const PLAYED: [&str; 2] = ["matroska_links", "lying_ten_hours"];

pub(crate) fn trials() -> Vec<Trial> {
    let known = HOSTILE.iter().map(|hostile| (hostile.name, hostile.content));
    let trial = |(name, content): (&'static str, Content)| {
        Trial::test(format!("sec_ffmpeg_canary_engine_{name}"), move || {
            run(gets_nothing(name, content));
            Ok(())
        })
    };
    let disguised = Trial::test("sec_ffmpeg_canary_engine_disguised", || {
        run(disguised_playlists_get_nothing());
        Ok(())
    });
    known.chain(VIDEOS.iter().copied()).map(trial).chain([disguised]).collect()
}

async fn gets_nothing(name: &str, content: Content) {
    let canary = Canary::put();
    let played = look_at(name, &canary, content(&canary)).await;
    assert!(played || !PLAYED.contains(&name), "{name} is not played");
}

/// Playlists behind the first bytes of everything that is played.
async fn disguised_playlists_get_nothing() {
    let beginnings: [(&str, &[u8]); 9] = [
        ("asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c\n"),
        ("avi", b"RIFF\x00\x10\x00\x00AVI \n"),
        ("flv", b"FLV\x01\n"),
        ("gif", b"GIF89a\n"),
        ("matroska", b"\x1a\x45\xdf\xa3\n"),
        ("mov", b"\x00\x00\x00\x08ftyp\n"),
        ("mpeg", b"\x00\x00\x01\xba\n"),
        ("rm", b".RMF\x00\x00\x00\n"),
        ("mpegts", b""),
    ];
    for (name, beginning) in beginnings {
        let canary = Canary::put();
        let playlists = [hls_file(&canary), hls_http(&canary)].concat();
        let content = match name {
            "mpegts" => between_sync_bytes(&playlists),
            _ => [beginning, &playlists].concat(),
        };
        assert!(!look_at(name, &canary, content).await, "a playlist in {name} is played");
    }
}

/// Packets of a transport stream, filled with text.
fn between_sync_bytes(text: &[u8]) -> Vec<u8> {
    let text: Vec<_> = text.iter().copied().cycle().take(187 * 64).collect();
    let packets: Vec<_> = text.chunks(187).map(|chunk| [&[0x47], chunk].concat()).collect();
    [packets.concat(), [&[0x47][..], &[0xff; 187]].concat()].concat()
}

/// Asks for the timeline of a video and its first piece; whether there is one.
async fn look_at(name: &str, canary: &Canary, content: Vec<u8>) -> bool {
    let (engine, cache) = engine();
    let before = written_by_nobody();
    let source = memory(content);
    let viewer = Viewer { user: UserNo(1), session: 1 };
    let piece = Piece { format: StreamFormat::M3u8_320x240, index: 0, viewer };
    let looking = async {
        engine.timeline(source.clone(), viewer.user).await?;
        engine.piece(source, piece).await
    };
    let made: Result<Bytes, _> = timeout(DEADLINE, looking).await.expect("it ends");
    drop(engine);
    canary.assert_unseen();
    assert_eq!(written_by_nobody(), before, "{name} wrote a file");
    match made {
        Ok(piece) => {
            assert!(is_silent(&piece), "{name}: something is heard");
            assert_eq!(canary.bytes_in(&piece), 0, "{name} read a file");
            true
        }
        Err(MediaError::Unsuitable(why)) => {
            println!("{name}: {why}");
            assert_eq!(canary.bytes_in(why.as_bytes()), 0, "{name}: {why}");
            assert_eq!(files(cache.path()), 0, "{name} is kept");
            false
        }
        Err(error) => panic!("{name}: {error:?}"),
    }
}

/// How many files there are below a directory.
fn files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

/// What belongs, in the place for temporary files, to whom the confined
/// processes of root belong.
fn written_by_nobody() -> HashSet<PathBuf> {
    const NOBODY: u32 = 65534;
    let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let is_nobodys = |path: &PathBuf| path.symlink_metadata().is_ok_and(|it| it.uid() == NOBODY);
    entries.map(|entry| entry.path()).filter(is_nobodys).collect()
}

/// Whether nothing is heard in a piece: what is heard of a file that was read is
/// loud.
fn is_silent(piece: &[u8]) -> bool {
    let mut decoder = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mpegts", "-i", "-", "-vn", "-f", "s16le", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, piece) = (decoder.stdin.take().unwrap(), piece.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&piece));
    let sound = decoder.wait_with_output().unwrap().stdout;
    writer.join().unwrap().unwrap();
    let samples = sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    assert!(!sound.is_empty());
    samples.into_iter().all(|sample| sample.unsigned_abs() < 64)
}
