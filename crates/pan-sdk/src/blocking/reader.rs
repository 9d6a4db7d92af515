//! Ordinary readers for calls that take something async.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use pan_model::ByteSize;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::spawn_blocking;

/// How much is read at a time for a request.
const PIECE_BYTES: u64 = 256 << 10;

/// Reads in the thread that polls, for a call that reads by itself: that is
/// the thread that waits for it.
pub(super) struct Waiting<R>(pub(super) R);

impl<R: Read + Unpin> AsyncRead for Waiting<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.0.read(into.initialize_unfilled()) {
                Ok(count) => {
                    into.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Reads for a connection, whose thread must not wait for a reader: others
/// have their connections there.
pub(super) fn pieces(
    reader: impl Read + Send + 'static,
    length: ByteSize,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(reader.take(length.0), async |mut reader| {
        let read = move || {
            let mut piece = Vec::new();
            (&mut reader).take(PIECE_BYTES).read_to_end(&mut piece)?;
            Ok((!piece.is_empty()).then(|| (piece.into(), reader)))
        };
        spawn_blocking(read).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    })
}
