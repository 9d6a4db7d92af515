//! `file?method=streaming` (pcs-rest 4.16): the playlist. Its pieces are in
//! [`crate::hls`].

use std::fmt::Write;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderValue, Method as Verb, Response};
use pan_core::{Stream, Timeline};
use pan_pcs::ErrorCode;

use super::answer::Answer;
use super::error::Failure;
use super::request::Call;
use crate::body::ReplyBody;
use crate::site::Site;
use crate::{ServerState, hls};

pub(super) async fn answer(state: &ServerState, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let Some(format) = call.params.stream_format()? else {
        let detail = "the type is none of those in the book, as in M3U8_640_480";
        return Err(Failure::new(ErrorCode::StreamTypeInvalid, detail));
    };
    let stream = state.pan.streaming(&call.caller, &path, format).await?;
    let text = Bytes::from(playlist(&stream, &base_url(&state.site, call)));
    let length = text.len();
    let mut response = Response::new(match call.verb {
        Verb::HEAD => ReplyBody::empty(),
        _ => ReplyBody::Whole(text),
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.apple.mpegurl"));
    let fixed = [
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-site"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What the URLs of pieces begin with: whole URLs, because some players keep
/// the playlist in a file. Empty, for one relative to the playlist, when the
/// request does not say where it was sent.
fn base_url(site: &Site, call: &Call) -> String {
    if let Some(url) = site.public_url() {
        return url.to_owned();
    }
    let host = call.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| call.uri.authority().map(Authority::as_str));
    let is_plain = |host: &&str| !host.contains('@') && host.parse::<Authority>().is_ok();
    host.filter(is_plain).map(|host| format!("{}://{host}", call.scheme)).unwrap_or_default()
}

/// The playlist, complete from the beginning (RFC 8216).
fn playlist(stream: &Stream, base_url: &str) -> String {
    let Stream { timeline, link } = stream;
    let longest = timeline.piece.max(timeline.last).as_secs_f64().ceil();
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    for (index, seconds) in lengths(timeline) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "#EXTINF:{seconds:.6},\n{base_url}{}", hls::path(link, index));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn lengths(timeline: &Timeline) -> impl Iterator<Item = (u32, f64)> {
    (0..timeline.pieces).filter_map(|index| Some((index, timeline.length_of(index)?.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pan_core::{Stream, Timeline};

    use super::playlist;

    #[test]
    fn a_playlist_is_complete() {
        let piece = Duration::from_secs_f64(4.004);
        let timeline = Timeline { pieces: 2, piece, last: Duration::from_millis(500) };
        let text = playlist(&Stream { timeline, link: "abc".into() }, "https://a.b");
        let expected = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n\
            #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXTINF:4.004000,\nhttps://a.b/hls/abc/0.ts\n\
            #EXTINF:0.500000,\nhttps://a.b/hls/abc/1.ts\n#EXT-X-ENDLIST\n";
        assert_eq!(text, expected);
    }
}
