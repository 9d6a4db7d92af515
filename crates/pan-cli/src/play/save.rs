//! Writing the transcode of a video to a file.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Instant;

use futures_util::stream::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use pan_sdk::{ByteSize, Client, Playlist};
use tokio::io::{AsyncWriteExt, Stdout, stdout};

use super::remux::Remux;
use crate::failure::Failure;
use crate::fresh_file::FreshFile;
use crate::get::OnDup;
use crate::place::Place;
use crate::progress::ForPeople;
use crate::remote::RemotePath;
use crate::screen::{Screen, read_or_not};
use crate::session::Session;
use crate::show::DoneObject;
use crate::stderr::{Stderr, without_control};

const BAR: &str = "  {wide_msg} {bar:24} {percent:>3} % of ";

/// Where the transcode goes, and as what.
pub(super) enum Target {
    Stdout,
    File(PathBuf, Kind),
}

/// What a file is, by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mp4,
    TransportStream,
    Playlist,
}

impl Target {
    /// Reads what was asked for, and finds out whether it can be.
    pub(super) async fn of(out: &Path, path: &RemotePath, on_dup: OnDup) -> Result<Self, Failure> {
        if out == Path::new("-") {
            return match io::stdout().is_terminal() {
                true => Err(Failure::usage("a video is not shown on a terminal")
                    .hint("write it to a file or into a pipe; without `--download` it is played")),
                false => Ok(Self::Stdout),
            };
        }
        let place = match Place::local(out, 1)? {
            Place::As(place) => place,
            Place::Into(directory) => directory.join(renamed(path.path.name().unwrap_or_default())),
        };
        let kind = Kind::of(&place).ok_or_else(|| {
            Failure::usage(format!("{}: the ending does not say what it is to be", place.display()))
                .hint("write .mp4, .ts for a transport stream, or .m3u8 for the playlist")
        })?;
        on_dup.check(&place)?;
        if kind == Kind::Mp4 {
            Remux::check().await?;
        }
        Ok(Self::File(place, kind))
    }
}

impl Kind {
    fn of(place: &Path) -> Option<Self> {
        match place.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" => Some(Self::Mp4),
            "ts" => Some(Self::TransportStream),
            "m3u8" => Some(Self::Playlist),
            _ => None,
        }
    }
}

/// `sea.mov` becomes `sea.mp4`.
fn renamed(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{}.mp4", if stem.is_empty() { name } else { stem })
}

/// What the pieces are written to.
enum Sink {
    Stdout(Stdout),
    File(FreshFile),
    Mp4(Box<Remux>),
}

impl Sink {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout(out) => {
                out.write_all(bytes).await.map_err(|error| Failure::output(&error))
            }
            Self::File(file) => file.write(bytes),
            Self::Mp4(remux) => remux.write(bytes).await,
        }
    }

    /// Puts what was written in its place; the size, where there is one.
    async fn finish(self) -> Result<Option<u64>, Failure> {
        match self {
            Self::Stdout(mut out) => {
                out.flush().await.map_err(|error| Failure::output(&error)).map(|()| None)
            }
            Self::File(file) => file.finish().map(Some),
            Self::Mp4(remux) => remux.finish().await.map(Some),
        }
    }
}

pub(super) async fn run(
    session: &Session<'_>,
    client: &Client,
    path: &RemotePath,
    playlist: &Playlist,
    target: Target,
) -> Result<(), Failure> {
    let stderr = &session.screen.stderr;
    let sink = match &target {
        Target::Stdout => Sink::Stdout(stdout()),
        Target::File(place, Kind::Mp4) => Sink::Mp4(Box::new(Remux::start(place)?)),
        // Whoever reads its links can watch.
        Target::File(place, Kind::Playlist) => Sink::File(FreshFile::create_private(place)?),
        Target::File(place, _) => Sink::File(FreshFile::create(place)?),
    };
    let started = Instant::now();
    let (size, bytes) = match &target {
        Target::File(_, Kind::Playlist) => write_playlist(sink, playlist).await?,
        _ => fetch(stderr, client, path, playlist, sink).await?,
    };
    if let Target::File(place, _) = &target {
        read_or_not(tell(session.screen, path, place, size))?;
    }
    let (length, seconds) = (ForPeople(playlist.duration()), started.elapsed().as_secs_f64());
    stderr.summary(&format!("{length} of video, {} in {seconds:.1} s", ByteSize(bytes)));
    Ok(())
}

fn tell(screen: &Screen, path: &RemotePath, to: &Path, size: Option<u64>) -> Result<(), Failure> {
    let (from, to) = (path.to_string(), to.display().to_string());
    if !screen.json {
        screen.stderr.moved(&format!("{from} -> {to}"));
        return Ok(());
    }
    screen.object(&DoneObject { kind: Some("file"), size, ..DoneObject::new("play", &from, &to) })
}

/// The size of a file, where there is one, and how many bytes came for it.
type Written = (Option<u64>, u64);

async fn write_playlist(mut sink: Sink, playlist: &Playlist) -> Result<Written, Failure> {
    let text = playlist.to_string();
    sink.write(text.as_bytes()).await?;
    Ok((sink.finish().await?, text.len() as u64))
}

/// Fetches all pieces in order.
async fn fetch(
    stderr: &Stderr,
    client: &Client,
    path: &RemotePath,
    playlist: &Playlist,
    mut sink: Sink,
) -> Result<Written, Failure> {
    if !playlist.is_complete {
        let length = ForPeople(playlist.duration());
        stderr.note(&format!("{path}: the service has transcoded {length} of it so far"));
    }
    let mut bytes = 0;
    let bar = stderr.bars().add(bar(&path.to_string(), playlist));
    let mut pieces = pin!(client.stream_pieces(playlist));
    let mut durations = playlist.pieces.iter().map(|piece| piece.duration);
    while let Some(piece) = pieces.try_next().await.map_err(|e| Failure::from(e).about(path))? {
        sink.write(&piece).await?;
        bytes += piece.len() as u64;
        bar.inc(durations.next().unwrap_or_default().as_millis() as u64);
    }
    let size = sink.finish().await?;
    bar.finish_and_clear();
    Ok((size, bytes))
}

/// Counts what was fetched in time that it plays; how many bytes there will be
/// nobody knows.
fn bar(name: &str, playlist: &Playlist) -> ProgressBar {
    let duration = playlist.duration();
    let style = ProgressStyle::with_template(&format!("{BAR}{}", ForPeople(duration)));
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─");
    let bar = ProgressBar::new(duration.as_millis() as u64).with_style(style);
    bar.with_message(without_control(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Kind, renamed};

    #[test]
    fn endings_say_what_a_file_is() {
        for (name, kind) in [
            ("a.mp4", Some(Kind::Mp4)),
            ("a.b/x.TS", Some(Kind::TransportStream)),
            ("a.m3u8", Some(Kind::Playlist)),
            ("a.avi", None),
            ("mp4", None),
        ] {
            assert_eq!(Kind::of(Path::new(name)), kind, "{name}");
        }
        for (name, new) in [("sea.mov", "sea.mp4"), ("sea", "sea.mp4"), (".mov", ".mov.mp4")] {
            assert_eq!(renamed(name), new);
        }
    }
}
