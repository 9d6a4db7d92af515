//! `file?method=download` and `stream?method=download` (pcs-rest 4.5, 4.18).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method as Verb, Response, StatusCode};
use pan_core::{Download, Pan};
use pan_pcs::{BLAKE3_HEADER, ErrorCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Answer;
use super::byteranges::Framed;
use super::error::Failure;
use super::range::{self, Wanted};
use super::request::Call;
use crate::body::ReplyBody;

/// RFC 5987 lets these stand as they are.
const PLAIN_IN_NAME: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let file = pan.download(&call.caller, &path).await?;
    let facts = Facts::of(&file);
    let mut headers = facts.headers(&file);
    if facts.is_fresh(&call.headers) {
        return Ok(with_status(StatusCode::NOT_MODIFIED, headers, ReplyBody::empty()));
    }
    let wanted = match facts.range_holds(&call.headers) {
        true => range::parse(text(&call.headers, RANGE), file.content.len()),
        false => Wanted::Whole,
    };
    let framed = match wanted {
        Wanted::Whole => Framed::whole(file.content.len()),
        Wanted::Ranges(ranges) => Framed::ranges(ranges, file.content.len()),
        Wanted::Unsatisfiable => return Err(unsatisfiable(file.content.len())),
    };
    let status = framed.status();
    framed.describe(&mut headers);
    let body = match call.verb == Verb::HEAD {
        true => ReplyBody::empty(),
        false => framed.body(file.content).await?,
    };
    Ok(with_status(status, headers, body))
}

fn with_status(status: StatusCode, headers: HeaderMap, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn unsatisfiable(length: u64) -> Failure {
    let detail = format!("the range is beyond the {length} bytes of the file");
    let failure = Failure::new(ErrorCode::Param, detail).with_status(416);
    Failure { unsatisfied_length: Some(length), ..failure }
}

/// What conditions are judged by.
struct Facts {
    etag: String,
    modified: SystemTime,
}

impl Facts {
    fn of(file: &Download) -> Self {
        let seconds = file.located.entry.mtime.0.max(0).unsigned_abs();
        Self {
            etag: format!("\"{}\"", file.content.fingerprint().blake3),
            modified: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    /// The headers that clients read (pcs-rest 4.5), and those that keep a
    /// browser from running what it is given.
    fn headers(&self, file: &Download) -> HeaderMap {
        let fingerprint = file.content.fingerprint();
        let mut headers = HeaderMap::with_capacity(16);
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        set("content-md5", fingerprint.md5.to_string());
        set(BLAKE3_HEADER, fingerprint.blake3.to_string());
        set("x-bs-file-size", fingerprint.size.0.to_string());
        set("x-bs-meta-crc32", fingerprint.crc32.0.to_string());
        set("content-disposition", disposition(&file.located.entry.name));
        set("etag", self.etag.clone());
        set("last-modified", httpdate::fmt_http_date(self.modified));
        let fixed = [
            ("accept-ranges", "bytes"),
            ("content-type", "application/octet-stream"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("cross-origin-resource-policy", "same-site"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
    }

    /// Whether the client has these very bytes.
    fn is_fresh(&self, headers: &HeaderMap) -> bool {
        match text(headers, IF_NONE_MATCH) {
            Some(tags) => tags
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag),
            None => date(headers, IF_MODIFIED_SINCE).is_some_and(|since| self.modified <= since),
        }
    }

    /// Whether a range is of the bytes that the client has the rest of.
    fn range_holds(&self, headers: &HeaderMap) -> bool {
        match text(headers, IF_RANGE) {
            None => true,
            Some(tag) if tag.starts_with('"') => tag == self.etag,
            Some(_) => date(headers, IF_RANGE) == Some(self.modified),
        }
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(headers: &HeaderMap, name: http::HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

/// `attachment` with the name in both spellings: for old readers with what is
/// not plain ASCII replaced, for all others whole.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let whole = utf8_percent_encode(name, PLAIN_IN_NAME);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}
