//! Which web page of another origin may fetch what (the Fetch standard, CORS):
//! the one that the operator named, thumbnails and video, nothing else.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method as Verb, Response, StatusCode};
use pan_pcs::Object;
use percent_encoding::percent_decode_str;

use crate::body::ReplyBody;
use crate::hls;
use crate::site::Site;

/// What a request may be told about origins.
pub(crate) struct Cors {
    /// The reply depends on the origin.
    varies: bool,
    /// The origin that asks, and may.
    allowed: Option<HeaderValue>,
}

impl Cors {
    pub(crate) fn of(site: &Site, head: &Parts, path: &str) -> Self {
        let Some(origin) = site.web_origin().filter(|_| is_shared(head, path)) else {
            return Self { varies: false, allowed: None };
        };
        let asking = head.headers.get(ORIGIN).filter(|asking| *asking == origin);
        Self { varies: true, allowed: asking.cloned() }
    }

    /// Whether a browser asks if it may ask.
    pub(crate) fn is_preflight(&self, head: &Parts) -> bool {
        self.varies
            && head.method == Verb::OPTIONS
            && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Says in a reply who may read it.
    pub(crate) fn allow(self, response: &mut Response<ReplyBody>) {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static("content-length, retry-after, x-request-id");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}

/// The answer to a preflight: which verbs and headers there are. Who may use
/// them [`Cors::allow`] says.
pub(crate) fn preflight() -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, range"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Whether a page of the named origin may fetch this: the method is looked for
/// in the query alone, which is where pages have it.
fn is_shared(head: &Parts, path: &str) -> bool {
    if path.starts_with(hls::PREFIX) {
        return true;
    }
    let method = match Object::of_path(path) {
        Some(Object::File) => "method=streaming",
        Some(Object::Thumbnail) => "method=generate",
        _ => return false,
    };
    // The last one counts, in any spelling: with two it is not certain which.
    let is_method = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        percent_decode_str(key).eq(b"method".iter().copied())
    };
    let mut methods = head.uri.query().unwrap_or_default().split('&').filter(is_method);
    methods.next() == Some(method) && methods.next().is_none()
}
