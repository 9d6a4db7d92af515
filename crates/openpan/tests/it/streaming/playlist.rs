//! A playlist as a player reads it (RFC 8216), and the way to its segments.

use pan_conformance::pcs::wire::{Answer, Connection};
use pan_conformance::pcs::{Client, Reply};

/// A whole playlist.
pub(crate) struct Playlist {
    pub(crate) segments: Vec<Segment>,
}

/// One line of it.
pub(crate) struct Segment {
    /// `EXTINF`.
    pub(crate) seconds: f64,
    /// Absolute.
    pub(crate) url: String,
}

/// What `type` asks for, unless the test is about it.
pub(crate) const FORMAT: &str = "M3U8_320_240";

/// Asks for a playlist, in whatever way it goes.
pub(crate) fn ask(client: &Client, path: &str) -> Reply {
    client.file("streaming").param("path", path).param("type", FORMAT).get().send()
}

impl Playlist {
    /// Asks for it; it must be complete.
    #[track_caller]
    pub(crate) fn of(client: &Client, path: &str) -> Self {
        let reply = ask(client, path);
        assert_eq!(reply.status(), 200, "{reply}");
        let kind = reply.field("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/vnd.apple.mpegurl"), "{reply}");
        let mut this = Self::parse(std::str::from_utf8(reply.bytes()).unwrap());
        // The client says that it talks to Baidu, as old clients do; the URLs
        // begin with where the request was sent.
        for segment in &mut this.segments {
            let path = segment.url.strip_prefix("http://pcs.baidu.com/").expect("the host asked");
            segment.url = format!("http://{}/{path}", client.address());
        }
        this
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#EXTM3U"), "{text}");
        assert_eq!(text.lines().last(), Some("#EXT-X-ENDLIST"), "{text}");
        for tag in ["#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"] {
            assert!(text.lines().any(|line| line == tag), "{tag}: {text}");
        }
        let (mut segments, mut target, mut announced) = (Vec::new(), 0.0, None);
        for line in lines {
            if let Some(seconds) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
                target = seconds.parse().unwrap();
            } else if let Some(seconds) = line.strip_prefix("#EXTINF:") {
                announced = Some(seconds.trim_end_matches(',').parse().unwrap());
            } else if !line.is_empty() && !line.starts_with('#') {
                let seconds: f64 = announced.take().expect("EXTINF before every segment");
                assert!(seconds > 0.0 && seconds.round() <= target, "{seconds} of {target}");
                segments.push(Segment { seconds, url: line.into() });
            }
        }
        assert!(!segments.is_empty(), "{text}");
        Self { segments }
    }

    /// How long it is, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.segments.iter().map(|segment| segment.seconds).sum()
    }

    /// Segments in an order in which each two neighbours are far from one another.
    pub(crate) fn jumping(&self) -> Vec<usize> {
        let count = self.segments.len();
        let (mut order, step) = (Vec::new(), count / 2 + 1);
        for start in 0..step {
            order.extend((start..count).step_by(step));
        }
        order
    }
}

impl Segment {
    /// Its bytes, as MPEG-TS.
    #[track_caller]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let answer = get(&self.url);
        let said = || String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
        assert_eq!(answer.head.status, 200, "{}: {}", self.url, said());
        assert_eq!(answer.head.field("content-type"), Some("video/mp2t"));
        answer.body
    }

    /// The status of an answer to a request for it.
    pub(crate) fn status(&self) -> u16 {
        get(&self.url).head.status
    }
}

/// Asks as a player does: no token, no cookie.
#[track_caller]
pub(crate) fn get(url: &str) -> Answer {
    let rest = url.strip_prefix("http://").expect("an absolute URL");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut connection = Connection::open(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes()).unwrap();
    let head = connection.read_head().unwrap();
    let body = connection.read_body("GET", &head).unwrap();
    Answer { head, body }
}
