//! `thumbnail?method=generate` (pcs-rest 4.14).

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method as Verb, Response, StatusCode};
use pan_core::{MadeThumbnail, Pan};
use pan_model::ThumbnailSize;

use super::answer::Answer;
use super::request::Call;
use crate::body::ReplyBody;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let size = call.params.thumbnail()?;
    let path = call.params.path("path")?;
    let made = pan.thumbnail(&call.caller, &path, size).await?;
    let etag = etag(&made, size);
    let mut response = Response::new(ReplyBody::empty());
    if is_fresh(&call.headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let image = made.thumbnail.image;
        response.headers_mut().insert(CONTENT_LENGTH, image.len().into());
        if call.verb != Verb::HEAD {
            *response.body_mut() = ReplyBody::Whole(image);
        }
    }
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static(made.thumbnail.kind.media_type());
    headers.insert(CONTENT_TYPE, media_type);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    let fixed = [
        // The path may hold another image tomorrow: ask, it costs little.
        (CACHE_CONTROL.as_str(), "private, no-cache"),
        ("content-disposition", "inline"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-site"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn etag(made: &MadeThumbnail, size: ThumbnailSize) -> String {
    let ThumbnailSize { width, height, quality } = size;
    format!("\"{}-{width}x{height}-{quality}\"", made.source)
}

fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_same = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    tags.is_some_and(|tags| tags.split(',').map(str::trim).any(is_same))
}
