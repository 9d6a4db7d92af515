//! From a path to whoever answers it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::ServerState;
use crate::body::{ReplyBody, RequestBody};
use crate::connection::HEAD_BYTES_MAX;
use crate::cors::{self, Cors};
use crate::middleware::{AccessLog, dress};
use crate::{hls, pcs};

/// Answers a request.
pub(crate) async fn route(
    state: Arc<ServerState>,
    scheme: &'static str,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let request_id = state.request_ids.next();
    let log = AccessLog::begin(request_id);
    let (head, incoming) = request.into_parts();
    let path = percent_encoding::percent_decode_str(head.uri.path()).decode_utf8_lossy();
    let cors = Cors::of(&state.site, &head, &path);
    let (what, mut response) = match &*path {
        _ if head_bytes(&head) > HEAD_BYTES_MAX as usize => {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            ("refused", plain(status, "the request's head is longer than 64 KiB\n"))
        }
        _ if cors.is_preflight(&head) => ("preflight", cors::preflight()),
        "/livez" | "/healthz" => ("health", plain(StatusCode::OK, "ok\n")),
        "/readyz" if state.is_ready() => ("health", plain(StatusCode::OK, "ok\n")),
        "/readyz" => ("health", plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n")),
        path if path.starts_with("/rest/2.0/") => {
            let path = path.to_owned();
            let call =
                pcs::Request { head, path, scheme, body: RequestBody::new(incoming), request_id };
            pcs::answer(&state, call).await
        }
        path if path.starts_with(hls::PREFIX) => {
            ("hls", hls::answer(&state, &head, path, request_id).await)
        }
        _ => ("unknown", plain(StatusCode::NOT_FOUND, "there is nothing here\n")),
    };
    cors.allow(&mut response);
    dress(&mut response, request_id);
    log.end(what, response.status());
    response
}

/// What the request line and the headers came to, about.
fn head_bytes(head: &http::request::Parts) -> usize {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    target + headers.sum::<usize>()
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let value = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, value);
    response
}
