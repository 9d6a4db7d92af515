//! Bodies: what a reply is made of, and what a request brings.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pan_core::BodyError;

/// A piece of a request must come within this time.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// A request may be slow for this long before its mean rate is judged.
const SLOW_GRACE: Duration = Duration::from_secs(30);
/// Bytes per second that a request must bring in the mean.
const SLOWEST: u64 = 1024;

/// Why a reply ends before its end. The connection is cut: a client never
/// takes half a body for a whole one.
#[derive(Debug)]
pub(crate) struct ReplyCut;

impl std::fmt::Display for ReplyCut {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the reply was cut")
    }
}

impl std::error::Error for ReplyCut {}

type ReplyStream = Pin<Box<dyn Stream<Item = Result<Bytes, ReplyCut>> + Send>>;

/// The body of a reply: all of it, or a stream.
pub(crate) enum ReplyBody {
    Whole(Bytes),
    Stream(ReplyStream),
}

impl ReplyBody {
    pub(crate) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    pub(crate) fn stream(
        stream: impl Stream<Item = Result<Bytes, ReplyCut>> + Send + 'static,
    ) -> Self {
        Self::Stream(Box::pin(stream))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReplyCut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyCut>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => stream
                .as_mut()
                .poll_next(context)
                .map(|item| item.map(|item| item.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The body of a request, which must keep coming.
pub(crate) struct RequestBody {
    source: Source,
    begun: Instant,
    received: u64,
}

enum Source {
    Connection(Incoming),
    Nothing,
    #[cfg(test)]
    Pieces(std::collections::VecDeque<Bytes>),
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self::from_source(Source::Connection(incoming))
    }

    /// The body of a request whose body is elsewhere.
    pub(crate) fn none() -> Self {
        Self::from_source(Source::Nothing)
    }

    #[cfg(test)]
    pub(crate) fn of_pieces(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self::from_source(Source::Pieces(pieces.into_iter().collect()))
    }

    fn from_source(source: Source) -> Self {
        Self { source, begun: Instant::now(), received: 0 }
    }

    /// Bytes that are still announced; `None` when that is not known.
    pub(crate) fn announced(&self) -> Option<u64> {
        match &self.source {
            Source::Connection(incoming) => incoming.size_hint().exact(),
            Source::Nothing => Some(0),
            #[cfg(test)]
            Source::Pieces(_) => None,
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let incoming = match &mut self.source {
            Source::Connection(incoming) => incoming,
            Source::Nothing => return Ok(None),
            #[cfg(test)]
            Source::Pieces(pieces) => return Ok(pieces.pop_front()),
        };
        loop {
            let frame = tokio::time::timeout(PIECE_TIMEOUT, incoming.frame()).await;
            let frame = frame.map_err(|_| BodyError::Cut("nothing came for 30 s".into()))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| BodyError::Cut(error.to_string()))?;
            // Trailers carry nothing that PCS knows.
            let Ok(piece) = frame.into_data() else { continue };
            self.received += piece.len() as u64;
            check_rate(self.begun.elapsed(), self.received)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Reads on after the reply, within bounds, so that a client that sends
    /// first and listens then gets to hear it.
    pub(crate) fn discard(mut self) {
        const BYTES_MAX: u64 = 64 << 20;
        const TIME_MAX: Duration = Duration::from_secs(30);
        let Source::Connection(incoming) = &self.source else { return };
        if incoming.is_end_stream() {
            return;
        }
        tokio::spawn(tokio::time::timeout(TIME_MAX, async move {
            let already = self.received;
            while let Ok(Some(_)) = self.next().await {
                if self.received - already > BYTES_MAX {
                    return;
                }
            }
        }));
    }
}

fn check_rate(elapsed: Duration, received: u64) -> Result<(), BodyError> {
    if elapsed > SLOW_GRACE && received / elapsed.as_secs().max(1) < SLOWEST {
        return Err(BodyError::Cut("it came slower than 1 KiB/s".into()));
    }
    Ok(())
}
