//! What a confined program reads: one source, over HTTP, on its own network.
//!
//! The program asks for ranges as its demuxer needs them, and each is read and
//! verified when it is asked for: nothing is copied to the disk, and a source of
//! any size plays at once. A source that cannot be read ends the service with
//! its error, so that damage is never taken for a broken video.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt, unfold};
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pan_engine::{EngineError, MediaError, MediaSource};
use tokio::net::{TcpListener, TcpStream};

use super::range;
use crate::sandbox::INPUT_PORT;

const PATH: &str = "/source";
/// A demuxer that seeks opens a connection and closes another; one that reads
/// sound and picture from different places has two.
const CONNECTIONS_MAX: usize = 4;
/// What is read first, of a range that may be left again at once.
const STEP_FIRST: u64 = 64 << 10;
/// What is read at once by somebody who goes on reading.
const STEP: u64 = 256 << 10;
/// Most demuxers ask for everything from a place on and hang up when they have
/// enough: what the kernel holds for them by then was read for nothing.
const SEND_BUFFER_BYTES: usize = 256 << 10;

type Body = UnsyncBoxBody<Bytes, EngineError>;
type Failure = Arc<Mutex<Option<EngineError>>>;

/// Where the program finds its source, in its own network.
pub(crate) fn url() -> String {
    format!("http://127.0.0.1:{INPUT_PORT}{PATH}")
}

/// Serves a source to a program until the future is dropped, or the source
/// fails: why is the result.
pub(crate) async fn serve(listener: &TcpListener, source: &Arc<dyn MediaSource>) -> MediaError {
    let failure = Failure::default();
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = connections.next() => {
                let failed = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(error) = failed {
                    return MediaError::Source(error);
                }
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => connections.push(connection(stream, source, &failure)),
                Err(error) => return MediaError::Failed(format!("no connection: {error}")),
            }
        }
    }
}

async fn connection(stream: TcpStream, source: &Arc<dyn MediaSource>, failure: &Failure) {
    // Not more than a matter of speed.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
    let service = service_fn(|request| {
        let reply = answer(&request, source, failure);
        async move { Ok::<_, Infallible>(reply) }
    });
    let serving = http1::Builder::new()
        .half_close(false)
        .max_buf_size(SEND_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // A program that hangs up is no event.
    let _ = pin!(serving).await;
}

fn answer<B>(
    request: &Request<B>,
    source: &Arc<dyn MediaSource>,
    failure: &Failure,
) -> Response<Body> {
    if request.uri().path() != PATH {
        return empty(StatusCode::NOT_FOUND);
    }
    let with_body = match *request.method() {
        Method::GET => true,
        Method::HEAD => false,
        _ => return empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    let size = source.key().size.0;
    let asked = request.headers().get(RANGE).map(HeaderValue::as_bytes);
    let (status, wanted) = match asked.map(|asked| range::of(asked, size)) {
        None => (StatusCode::OK, 0..size),
        Some(Some(wanted)) => (StatusCode::PARTIAL_CONTENT, wanted),
        Some(None) => return not_in_it(size),
    };
    let mut reply = empty(status);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(http::header::CONTENT_LENGTH, (wanted.end - wanted.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let said = format!("bytes {}-{}/{size}", wanted.start, wanted.end - 1);
        insert_text(headers, &said);
    }
    if with_body {
        let frames = read(source.clone(), wanted, failure.clone());
        *reply.body_mut() = StreamBody::new(frames).boxed_unsync();
    }
    reply
}

/// The bytes of a range, each step read when the one before it is sent.
fn read(
    source: Arc<dyn MediaSource>,
    range: Range<u64>,
    failure: Failure,
) -> impl Stream<Item = Result<Frame<Bytes>, EngineError>> + Send {
    unfold((range, STEP_FIRST), move |(range, step)| {
        let (source, failure) = (source.clone(), failure.clone());
        async move {
            if range.is_empty() {
                return None;
            }
            let end = range.end.min(range.start + step);
            match source.read(range.start..end).await {
                Ok(bytes) => {
                    let rest = range.start + bytes.len() as u64..range.end;
                    Some((Ok(Frame::data(bytes)), (rest, STEP)))
                }
                Err(error) => {
                    let cut = EngineError::new(error.kind(), "the source ended");
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Some((Err(cut), (range.end..range.end, step)))
                }
            }
        }
    })
}

fn not_in_it(size: u64) -> Response<Body> {
    let mut reply = empty(StatusCode::RANGE_NOT_SATISFIABLE);
    insert_text(reply.headers_mut(), &format!("bytes */{size}"));
    reply
}

fn insert_text(headers: &mut http::HeaderMap, content_range: &str) {
    if let Ok(value) = HeaderValue::from_str(content_range) {
        headers.insert(CONTENT_RANGE, value);
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut reply = Response::new(nothing);
    *reply.status_mut() = status;
    reply
}

#[cfg(test)]
mod tests;
