//! `/hls/<link>/<index>.ts`: the pieces of a video, for players, which send no
//! token (pcs-rest 4.16). The playlist that names them is `pcs/streaming`.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method as Verb, Response, StatusCode};

use crate::ServerState;
use crate::body::ReplyBody;
use crate::pcs;
use crate::router::plain;

/// What the paths of pieces begin with.
pub(crate) const PREFIX: &str = "/hls/";

/// The path of a piece.
pub(crate) fn path(link: &str, index: u32) -> String {
    format!("{PREFIX}{link}/{index}.ts")
}

/// Answers with a piece.
pub(crate) async fn answer(
    state: &ServerState,
    head: &Parts,
    path: &str,
    request_id: u64,
) -> Response<ReplyBody> {
    if !matches!(head.method, Verb::GET | Verb::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this takes GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some((link, index)) = parse(path) else {
        return plain(StatusCode::NOT_FOUND, "there is nothing here\n");
    };
    let mut response = match state.pan.stream_piece(link, index).await {
        Ok(piece) => {
            let length = piece.len();
            let mut response = Response::new(ReplyBody::Whole(piece));
            let headers = response.headers_mut();
            headers.insert(CONTENT_LENGTH, length.into());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("video/mp2t"));
            // Players go back; what a link leads to never changes.
            let cached = HeaderValue::from_static("private, max-age=3600");
            headers.insert(CACHE_CONTROL, cached);
            response
        }
        Err(error) => pcs::refusal(error, request_id),
    };
    let fixed = [
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-site"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if head.method == Verb::HEAD {
        *response.body_mut() = ReplyBody::empty();
    }
    response
}

fn parse(path: &str) -> Option<(&str, u32)> {
    let (link, name) = path.strip_prefix(PREFIX)?.split_once('/')?;
    let digits = name.strip_suffix(".ts")?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    Some((link, digits.parse().ok().filter(|_| plain)?))
}

#[cfg(test)]
mod tests {
    use super::{parse, path};

    #[test]
    fn paths_go_both_ways() {
        assert_eq!(parse(&path("a-_9", 0)), Some(("a-_9", 0)));
        assert_eq!(parse(&path("a", u32::MAX)), Some(("a", u32::MAX)));
        for wrong in ["/hls/", "/hls/a", "/hls/a/1", "/hls/a/.ts", "/hls/a/+1.ts", "/hls/a/b/1.ts"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("/hls/a/4294967296.ts"), None);
    }
}
