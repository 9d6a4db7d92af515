//! Videos that were made to break out of ffmpeg.
//!
//! ffmpeg is run as carelessly as it can be: every protocol, every extension,
//! every reference is allowed. What still holds is the sandbox alone.

use std::ffi::OsString;
use std::sync::LazyLock;
use std::time::Duration;

use libtest_mimic::Trial;
use pan_media::sandbox::{Limits, Program};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::canary::{Canary, SONG};
use crate::input::Input;
use crate::{mov, run};

/// A run ends by itself or by this limit, on whichever machine.
const LIMITS: Limits = Limits { memory_bytes: 1 << 30, cpu: Duration::from_secs(3) };
const DEADLINE: Duration = Duration::from_secs(60);

const FFMPEG: &str = "/usr/bin/ffmpeg";

/// What makes ffmpeg careless.
const CARELESS: [&str; 4] = [
    "-protocol_whitelist",
    "file,http,https,tcp,tls,udp,rtp,rtsp,crypto,data,concat,subfile,ftp,gopher,mmst,mmsh,async",
    "-rw_timeout",
    "2000000",
];

pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    /// What ffmpeg is told about the input.
    options: &'static [&'static str],
    /// The video, which points to the canary.
    pub(crate) content: fn(&Canary) -> Vec<u8>,
    /// What ffmpeg makes of it.
    output: &'static [&'static str],
}

/// Bytes go through as they are, so that a song would be heard.
const COPY: &[&str] = &["-map", "0", "-c", "copy", "-f", "nut"];
const ENCODE: &[&str] = &["-preset", "ultrafast", "-r", "1000", "-f", "mpegts"];
const HLS: &[&str] = &["-f", "hls", "-allowed_extensions", "ALL"];

pub(crate) const HOSTILE: &[Hostile] = &[
    Hostile { name: "hls_file", options: HLS, content: hls_file, output: COPY },
    Hostile { name: "hls_http", options: HLS, content: hls_http, output: COPY },
    Hostile { name: "hls_nested", options: HLS, content: hls_nested, output: COPY },
    Hostile { name: "hls_sniffed", options: &[], content: hls_file, output: COPY },
    Hostile {
        name: "concat_script",
        options: &["-f", "concat", "-safe", "0"],
        content: concat_script,
        output: COPY,
    },
    Hostile { name: "dash", options: &["-f", "dash"], content: dash, output: COPY },
    Hostile { name: "sdp", options: &["-f", "sdp"], content: sdp, output: COPY },
    Hostile { name: "avi_subtitles", options: &[], content: avi_subtitles, output: COPY },
    Hostile {
        name: "mov_reference",
        options: &["-f", "mov", "-enable_drefs", "1", "-use_absolute_path", "1"],
        content: mov::reference,
        output: COPY,
    },
    Hostile { name: "asf_redirect", options: &[], content: asf_redirect, output: COPY },
    Hostile {
        name: "rtsp_redirect",
        options: &["-f", "rtsp"],
        content: asf_redirect,
        output: COPY,
    },
    Hostile { name: "text_art", options: &["-f", "tty"], content: hls_file, output: ENCODE },
    Hostile { name: "huge_pictures", options: &[], content: huge_pictures, output: ENCODE },
    Hostile { name: "lying_duration", options: &[], content: lying_duration, output: ENCODE },
];

/// Those that reach a file, and those that reach a listener, where nothing
/// confines them: the test would notice.
const READS_A_FILE: [&str; 4] = ["hls_file", "hls_nested", "concat_script", "mov_reference"];
const CALLS: [&str; 2] = ["hls_http", "dash"];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |hostile: &'static Hostile| {
        Trial::test(format!("sec_ffmpeg_canary_{}", hostile.name), move || {
            run(stays_confined(hostile));
            Ok(())
        })
    };
    let bites = Trial::test("ffmpeg_reaches_a_canary_where_nothing_confines_it", || {
        run(reaches_the_canary());
        Ok(())
    });
    HOSTILE.iter().map(trial).chain([bites]).collect()
}

/// What turns off the newest checks of the playlist reader, where it has them.
fn careless_about_playlists() -> &'static [&'static str] {
    static OPTIONS: LazyLock<&[&str]> = LazyLock::new(|| {
        let help = std::process::Command::new(FFMPEG).args(["-h", "demuxer=hls"]).output();
        let help = String::from_utf8(help.unwrap().stdout).unwrap();
        let is_picky = help.contains("extension_picky");
        if is_picky { &["-extension_picky", "0"] } else { &[] }
    });
    *OPTIONS
}

/// The arguments that make ffmpeg read an input carelessly.
fn arguments(hostile: &Hostile, address: &str) -> Vec<OsString> {
    let careless = if hostile.options == HLS { careless_about_playlists() } else { &[] };
    let words = [
        &["-nostdin", "-v", "error"][..],
        hostile.options,
        careless,
        &CARELESS,
        &["-i", address],
        hostile.output,
        &["pipe:1"],
    ];
    words.concat().into_iter().map(OsString::from).collect()
}

async fn stays_confined(hostile: &'static Hostile) {
    let canary = Canary::put();
    let words = arguments(hostile, "http://127.0.0.1:8000/video.mp4");
    let program = Program::start(FFMPEG.into(), words, LIMITS).await.unwrap();
    let Program { input, mut stdout, process } = program;
    let _input = Input::serve(input, (hostile.content)(&canary));
    let mut songs = 0;
    let end = async {
        let (mut output, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
            output.extend_from_slice(&buffer[..count]);
            songs += canary.bytes_in(&output);
            // What may be the beginning of a song.
            output.drain(..output.len().saturating_sub(SONG.len() - 1));
        }
        process.wait().await
    };
    let ending = timeout(DEADLINE, end).await.expect("it ends");
    assert_eq!(songs, 0, "{} read a file", hostile.name);
    assert_eq!(canary.bytes_in(ending.said.as_bytes()), 0, "{}", ending.said);
    canary.assert_unseen();
}

/// Runs the same without a sandbox. The input comes from a file, which is what
/// the engine never gives to ffmpeg.
async fn reaches_the_canary() {
    for hostile in HOSTILE {
        let (reads, calls) = (READS_A_FILE.contains(&hostile.name), CALLS.contains(&hostile.name));
        if !reads && !calls {
            continue;
        }
        let canary = Canary::put();
        let video = canary.write("video.mp4", &(hostile.content)(&canary));
        let words = arguments(hostile, &video.display().to_string());
        let output = Command::new(FFMPEG).args(words).output();
        let (calls_seen, output) = timeout(DEADLINE, canary.hang_up_until(output)).await.unwrap();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!reads || canary.bytes_in(&output.stdout) > 0, "{}: {said}", hostile.name);
        assert!(!calls || calls_seen > 0, "{}: {said}", hostile.name);
    }
}

fn playlist(segments: &[String]) -> Vec<u8> {
    let segments: String = segments.iter().map(|url| format!("#EXTINF:1,\n{url}\n")).collect();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{segments}#EXT-X-ENDLIST\n").into()
}

pub(crate) fn hls_file(canary: &Canary) -> Vec<u8> {
    playlist(&[format!("file://{}", canary.sound().display())])
}

pub(crate) fn hls_http(canary: &Canary) -> Vec<u8> {
    playlist(&canary.urls())
}

fn hls_nested(canary: &Canary) -> Vec<u8> {
    let inner = canary.write("inner.m3u8", &hls_file(canary));
    let inner = inner.display();
    format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://{inner}\n").into()
}

fn concat_script(canary: &Canary) -> Vec<u8> {
    let sound = canary.sound();
    let urls: String = canary.urls().iter().map(|url| format!("file '{url}'\n")).collect();
    format!("ffconcat version 1.0\nfile 'file:{}'\n{urls}", sound.display()).into()
}

fn dash(canary: &Canary) -> Vec<u8> {
    let url = &canary.urls()[0];
    format!(
        r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S">
<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1">
<BaseURL>{url}</BaseURL><SegmentList duration="1"><SegmentURL media="{url}"/></SegmentList>
</Representation></AdaptationSet></Period></MPD>"#
    )
    .into()
}

fn sdp(canary: &Canary) -> Vec<u8> {
    let port = canary.port();
    format!("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n")
        .into()
}

fn asf_redirect(canary: &Canary) -> Vec<u8> {
    let urls: String = canary.urls().iter().map(|url| format!("Ref1={url}\r\n")).collect();
    format!("[Reference]\r\n{urls}").into()
}

/// An AVI whose one stream is a subtitle file (GAB2), which is a playlist.
fn avi_subtitles(canary: &Canary) -> Vec<u8> {
    let chunk = |name: &[u8], body: &[u8]| {
        let padding = vec![0; body.len() % 2];
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [name, &length, body, &padding].concat()
    };
    let list = |name: &[u8], body: &[u8]| chunk(b"LIST", &[name, body].concat());
    let subtitles = hls_file(canary);
    let length = u32::try_from(subtitles.len()).unwrap().to_le_bytes();
    // A name of two bytes of UTF-16, then the file.
    let name = [2, 0, 2, 0, 0, 0, b'x', 0, 4, 0];
    let gab2 = [&b"GAB2\0"[..], &name, &length, &subtitles].concat();
    let mut stream_header = [0; 56];
    stream_header[..4].copy_from_slice(b"txts");
    stream_header[20] = 1; // scale
    stream_header[24] = 1; // rate
    stream_header[32] = 1; // length
    let mut main_header = [0; 56];
    main_header[0] = 1;
    main_header[24] = 1; // streams
    let stream = list(b"strl", &[chunk(b"strh", &stream_header), chunk(b"strf", &[])].concat());
    let header = list(b"hdrl", &[chunk(b"avih", &main_header), stream].concat());
    let movie = list(b"movi", &chunk(b"00tx", &gab2));
    chunk(b"RIFF", &[b"AVI ", &header[..], &movie].concat())
}

/// Pictures of gigabytes.
fn huge_pictures(_: &Canary) -> Vec<u8> {
    [&b"YUV4MPEG2 W30000 H30000 F25:1 C420\nFRAME\n"[..], &[0; 1 << 16]].concat()
}

/// Two pictures, with a thousand years between them.
fn lying_duration(_: &Canary) -> Vec<u8> {
    let frame = [&b"FRAME\n"[..], &[128; 16 * 16 * 3 / 2]].concat();
    [&b"YUV4MPEG2 W16 H16 F1:1000000000 C420\n"[..], &frame, &frame, &frame].concat()
}
