//! Video: from the upload to the playlist, to the first segment, and to a segment after a
//! seek; beside what ffmpeg alone needs to encode the same seconds in the same way.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::programs::ffmpeg;
use super::{Measured, Series};
use crate::bench::Bench;
use crate::bench::peers;
use crate::bench::report::Report;
use crate::bench::target::Client;
use crate::server::Server;

/// What the server encodes with for 640 x 480, as in `pan-media`; the seconds and the files
/// are missing.
const ENCODE: &str = "-vf scale=640:360:flags=bilinear,fps=30,format=yuv420p -c:v libx264 \
                      -preset veryfast -profile:v main -bf 0 -crf 23 -maxrate 1200k \
                      -bufsize 2400k -g 120 -sc_threshold 0 -c:a aac -b:a 128k -ac 2 -ar 48000 \
                      -f mpegts";

/// A film of a minute and a half, as phones and cameras make them.
const FILM: &str = "-f lavfi -i testsrc2=s=1280x720:r=30:d=90,noise=alls=8:allf=t \
                    -f lavfi -i sine=r=48000:d=90 -pix_fmt yuv420p -c:v libx264 \
                    -preset ultrafast -crf 30 -g 60 -c:a aac";

/// Where the seek goes: a share of the whole.
const SEEK: f64 = 0.8;

#[derive(Default)]
struct Figures {
    playlist: Series,
    first: [Series; 2],
    seek: [Series; 2],
}

/// Measures another content in every round: nothing is known of it.
pub(super) fn measure(bench: &Bench, report: &mut Report, dir: &Path) -> Result<()> {
    let film = dir.join("film.mp4");
    ffmpeg(&FILM.split_whitespace().collect::<Vec<_>>(), &film)?;
    let bytes = fs::read(&film)?;
    let server = Server::start(&dir.join("video"))?;
    let mut figures = Figures::default();
    for round in 0..bench.scale.rounds {
        figures.round(&server, &film, &bytes, round)?;
    }
    let note = Some(format!("720p, 90 s, {:.0} MB", bytes.len() as f64 / 1e6));
    let playlist = Measured { note: note.clone(), ..Measured::of(figures.playlist) };
    report.add("video_playlist", playlist)?;
    for (name, [value, alone]) in [("video_first", figures.first), ("video_seek", figures.seek)] {
        let reference = Some(("ffmpeg", alone));
        report.add(name, Measured { reference, note: note.clone(), ..Measured::of(value) })?;
    }
    server.stop()
}

impl Figures {
    fn round(&mut self, server: &Server, film: &Path, bytes: &[u8], round: usize) -> Result<()> {
        let target = peers::openpan(server);
        let mut client = target.connect()?;
        let (seen_first, seen_later) = (place(round, 1), place(round, 2));
        let started = Instant::now();
        client.upload_bytes(&seen_first, &another(bytes, 2 * round))?;
        let segments = playlist(&mut client, &seen_first)?;
        self.playlist.push(started.elapsed().as_secs_f64() * 1e3);
        self.first[0].push(fetch(&mut client, &segments[0].1)?);
        self.first[1].push(alone(film, 0.0, segments[0].0)?);

        client.upload_bytes(&seen_later, &another(bytes, 2 * round + 1))?;
        let segments = playlist(&mut client, &seen_later)?;
        let at = (segments.len() as f64 * SEEK) as usize;
        let begin = segments[..at].iter().map(|(seconds, _)| seconds).sum();
        self.seek[0].push(fetch(&mut client, &segments[at].1)?);
        self.seek[1].push(alone(film, begin, segments[at].0)?);
        Ok(())
    }
}

fn place(round: usize, number: usize) -> String {
    format!("/films/{round}-{number}.mp4")
}

/// The same film as another content: an MP4 may end in a box that nobody looks at.
fn another(film: &[u8], stamp: usize) -> Vec<u8> {
    let stamp = (stamp as u64).to_be_bytes();
    [film, b"\0\0\0\x10free", &stamp].concat()
}

/// The segments of a playlist: seconds and link.
fn playlist(client: &mut Client<'_>, path: &str) -> Result<Vec<(f64, String)>> {
    let query = format!("file?method=streaming&path={path}&type=M3U8_640_480");
    let mut text = Vec::new();
    client.ask(&query, &mut |bytes| text.extend_from_slice(bytes))?;
    let text = String::from_utf8(text)?;
    let lines = text.lines().collect::<Vec<_>>();
    let segments = lines.windows(2).filter_map(|pair| {
        let seconds = pair[0].strip_prefix("#EXTINF:")?.split(',').next()?.parse();
        Some(seconds.map(|seconds| (seconds, pair[1].to_owned())))
    });
    let segments = segments.collect::<Result<Vec<_>, _>>().context("not a playlist")?;
    ensure!(segments.len() > 10, "a playlist of {} segments: {text}", segments.len());
    Ok(segments)
}

/// Milliseconds until a segment is there.
fn fetch(client: &mut Client<'_>, link: &str) -> Result<f64> {
    let started = Instant::now();
    let bytes = client.follow(link, &mut |_| ())?;
    ensure!(bytes > 10_000, "a segment of {bytes} bytes");
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Milliseconds that ffmpeg needs for the same seconds.
fn alone(film: &Path, begin: f64, seconds: f64) -> Result<f64> {
    let (film, begin, seconds) = (film.to_string_lossy(), begin.to_string(), seconds.to_string());
    let mut arguments = vec!["-ss", &begin, "-t", &seconds, "-i", &film];
    arguments.extend(ENCODE.split_whitespace());
    Ok(ffmpeg(&arguments, &Path::new(&*film).with_extension("out"))? * 1e3)
}
