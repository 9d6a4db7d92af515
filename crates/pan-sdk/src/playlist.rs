//! Playlists (RFC 8216): as much of them as services send that transcode.

use std::fmt;
use std::time::Duration;

use pan_model::StreamFormat;
use reqwest::Url;

use crate::Entry;

/// What changes the meaning of the pieces, and is not read here: pieces that
/// are encrypted, or no whole files, and lists of other lists.
const UNREAD: [&str; 4] = ["#EXT-X-KEY:", "#EXT-X-MAP:", "#EXT-X-BYTERANGE:", "#EXT-X-STREAM-INF:"];

/// A video in pieces, which are played one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Playlist {
    /// The pieces, in order: at least one.
    pub pieces: Vec<PlaylistPiece>,
    /// Whether no more pieces will come. OpenPan tells all of them at once.
    pub is_complete: bool,
    /// What it was made of, if that is known.
    pub(crate) source: Option<Source>,
    lines: Vec<Line>,
}

/// What a playlist was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The video as it was before.
    pub(crate) entry: Entry,
    pub(crate) format: StreamFormat,
}

/// A piece of a video: an MPEG transport stream.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaylistPiece {
    /// Where it is. Whoever knows the address can fetch the piece, without a
    /// token, until the address expires.
    pub url: Url,
    /// How long it plays.
    pub duration: Duration,
}

/// A line, as far as it is not an address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Text(String),
    /// Where the address of the next piece stands.
    Piece,
}

impl Playlist {
    /// Reads a playlist whose addresses may be relative to `base`.
    pub(crate) fn parse(text: &str, base: &Url) -> Result<Self, String> {
        let mut playlist =
            Self { pieces: Vec::new(), is_complete: false, source: None, lines: Vec::new() };
        let mut duration = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(tag) = UNREAD.iter().find(|tag| line.starts_with(**tag))
                && line != "#EXT-X-KEY:METHOD=NONE"
            {
                return Err(format!("the playlist has `{tag}`, which is not understood"));
            }
            if let Some(length) = line.strip_prefix("#EXTINF:") {
                duration = Some(duration_of(length).ok_or_else(|| wrong(line))?);
            }
            playlist.is_complete |= line == "#EXT-X-ENDLIST";
            if line.starts_with('#') {
                playlist.lines.push(Line::Text(line.to_owned()));
                continue;
            }
            let url = base.join(line).map_err(|_| wrong(line))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(wrong(line));
            }
            let duration = duration.take().ok_or_else(|| wrong(line))?;
            playlist.pieces.push(PlaylistPiece { url, duration });
            playlist.lines.push(Line::Piece);
        }
        if playlist.pieces.is_empty() {
            return Err(String::from("the playlist is empty"));
        }
        Ok(playlist)
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        self.pieces.iter().map(|piece| piece.duration).sum()
    }

    /// Whether its pieces can stand for those of another one.
    pub(crate) fn is_same_video(&self, other: &Self) -> bool {
        let durations = |list: &Self| list.pieces.iter().map(|piece| piece.duration).collect();
        let (own, others): (Vec<_>, Vec<_>) = (durations(self), durations(other));
        self.source.is_some() && self.source == other.source && own == others
    }

    /// The playlist as text, with the address that `address` gives each piece,
    /// which is told by its number, from 0.
    pub fn text_with(&self, mut address: impl FnMut(usize, &PlaylistPiece) -> String) -> String {
        let mut pieces = self.pieces.iter().enumerate();
        let mut text = String::new();
        for line in &self.lines {
            match line {
                Line::Text(line) => text += line,
                Line::Piece => {
                    text.extend(pieces.next().map(|(number, piece)| address(number, piece)));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// The playlist as text. The addresses of its pieces are absolute.
impl fmt::Display for Playlist {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text_with(|_, piece| piece.url.to_string()))
    }
}

/// Shows no more of the address than the host: the rest opens the piece.
impl fmt::Debug for PlaylistPiece {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PlaylistPiece")
            .field("host", &self.url.host_str())
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

/// The seconds before the comma and the title.
fn duration_of(text: &str) -> Option<Duration> {
    let seconds = text.split(',').next()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn wrong(line: &str) -> String {
    // An address may be a secret, and what is wrong with it shows at its beginning.
    let shown: String = line.chars().take(24).collect();
    format!("the playlist has a line that makes no sense: `{shown}`")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Url;

    use super::Playlist;

    fn parse(text: &str) -> Result<Playlist, String> {
        Playlist::parse(text, &Url::parse("https://h/rest/2.0/pcs/file").unwrap())
    }

    #[test]
    fn addresses_of_every_kind_are_those_of_the_service() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-KEY:METHOD=NONE\r\n\
            #EXTINF:4.004,title, of it\r\nhttp://other/1.ts?sign=s\r\n#EXT-X-DISCONTINUITY\r\n\
            #EXTINF:4,\r\n\r\n/hls/x/1.ts\r\n#EXTINF: 0.5\r\n2.ts\r\n#EXT-X-ENDLIST\r\n";
        let playlist = parse(text).unwrap();
        let urls: Vec<_> = playlist.pieces.iter().map(|piece| piece.url.as_str()).collect();
        let expected =
            ["http://other/1.ts?sign=s", "https://h/hls/x/1.ts", "https://h/rest/2.0/pcs/2.ts"];
        assert_eq!(urls, expected);
        assert_eq!(playlist.duration(), Duration::from_millis(8504));
        assert!(playlist.is_complete);
        assert!(!format!("{playlist:?}").contains("sign"));

        let again = parse(&playlist.to_string()).unwrap();
        assert_eq!(again, playlist);
        let own = playlist.text_with(|number, _| format!("{number}.ts"));
        assert!(own.contains("title, of it\n0.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n1.ts\n"));
        assert!(!own.contains("http"), "{own}");
    }

    #[test]
    fn what_cannot_be_played_from_piece_to_piece_is_refused() {
        for text in [
            "#EXTM3U",
            "#EXTM3U\n#EXT-X-ENDLIST",
            "#EXTM3U\na.ts",
            "#EXTM3U\n#EXTINF:1,\na.ts\nb.ts",
            "#EXTM3U\n#EXTINF:x,\na.ts",
            "#EXTM3U\n#EXTINF:-1,\na.ts",
            "#EXTM3U\n#EXTINF:nan,\na.ts",
            "#EXTM3U\n#EXTINF:1e99,\na.ts",
            "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd",
            "#EXTM3U\n#EXTINF:1,\nhttp://",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na.ts",
            "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\na.ts",
            "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:9@0\na.ts",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let live = parse("#EXTM3U\n#EXTINF:1,\na.ts").unwrap();
        assert!(!live.is_complete);
    }
}
