//! What every request gets, whatever it asks for: an id and a log line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Response, StatusCode};

use crate::body::ReplyBody;

/// Request ids: positive, unique within a server's life, below 2^53 so that
/// every JSON reader keeps them whole.
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn new() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Microseconds fit in 51 bits until 2041; a server that starts later
        // than another begins above it.
        Self(AtomicU64::new(elapsed.as_micros() as u64 & ((1 << 52) - 1) | 1))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A line about a request, written once, when its reply is ready. It names no
/// parameter: tokens travel in queries.
pub(crate) struct AccessLog {
    begun: Instant,
    request_id: u64,
}

impl AccessLog {
    pub(crate) fn begin(request_id: u64) -> Self {
        Self { begun: Instant::now(), request_id }
    }

    pub(crate) fn end(self, what: &str, status: StatusCode) {
        let micros = self.begun.elapsed().as_micros();
        let (request_id, status) = (self.request_id, status.as_u16());
        tracing::info!(target: "access", request_id, status, micros, "{what}");
    }
}

/// Headers that no reply goes without.
pub(crate) fn dress(response: &mut Response<ReplyBody>, request_id: u64) {
    let headers = response.headers_mut();
    headers.insert("x-request-id", HeaderValue::from(request_id));
    // A path in a Referer would carry the token of its query.
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if !headers.contains_key("cache-control") {
        headers.insert("cache-control", HeaderValue::from_static("private, no-store"));
    }
}
