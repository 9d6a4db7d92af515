//! One connection: HTTP/1.1 or HTTP/2, with a clock on everything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::ServerState;
use crate::router;
use crate::stall::StallGuard;

/// A request's head must be complete within this time; an idle connection is
/// closed after it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Request line and headers of one request together.
pub(crate) const HEAD_BYTES_MAX: u32 = 64 << 10;
/// What HTTP/1 reads at once: bounds the memory of one connection.
const READ_BYTES_MAX: usize = 256 << 10;
/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Requests of one HTTP/2 connection at once.
const STREAMS_MAX: u32 = 100;

/// The protocol that a connection speaks. TLS agrees on it; without TLS it is
/// HTTP/1.1, so that a silent connection meets the clock of its head at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Serves a connection to its end. `scheme` is what its URLs begin with.
pub(crate) async fn serve<S>(
    stream: S,
    protocol: Protocol,
    scheme: &'static str,
    state: Arc<ServerState>,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(router::route(state, scheme, request).await) }
    });
    let stream = TokioIo::new(StallGuard::new(stream));
    let ended = match protocol {
        Protocol::Http1 => watcher.watch(http1().serve_connection(stream, service)).await,
        Protocol::Http2 => watcher.watch(http2().serve_connection(stream, service)).await,
    };
    if let Err(error) = ended {
        // Clients that go away are no event.
        tracing::debug!(%error, "a connection ended");
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .half_close(false);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(HEAD_TIMEOUT);
    builder
}
