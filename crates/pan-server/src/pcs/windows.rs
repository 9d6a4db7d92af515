//! Lists that are written as they are read: memory does not grow with them.

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http::header::CONTENT_TYPE;
use tokio::sync::mpsc;

use super::answer::Answer;
use super::reply;
use crate::body::{ReplyBody, ReplyCut};

/// Items of one piece of the reply: about 256 KiB.
const PIECE_ITEMS: usize = 1_000;
/// A list up to this length is sent as a whole.
const WHOLE_ITEMS: usize = 1_000;
/// Pieces that wait for a slow reader.
const PIECES_AHEAD: usize = 2;

/// A list that comes in windows.
pub(super) trait Windows: Send + 'static {
    /// What is listed.
    type Item: Send + Sync;

    /// The next items; none at the end.
    fn next_window(&mut self) -> impl Future<Output = pan_core::Result<Vec<Self::Item>>> + Send;

    /// Appends one item as JSON.
    fn write(&self, text: &mut Vec<u8>, item: &Self::Item);
}

/// Answers with `{"list":[…],"request_id":…}`.
///
/// A list that ends soon is a whole reply, and its failure an error. One that
/// breaks off later is cut, so that no client takes it for whole.
pub(super) async fn answer(mut windows: impl Windows, request_id: u64) -> Answer {
    let mut first = windows.next_window().await?;
    let mut is_whole = first.is_empty();
    while !is_whole && first.len() <= WHOLE_ITEMS {
        let more = windows.next_window().await?;
        is_whole = more.is_empty();
        first.extend(more);
    }
    let mut writer = Writer { request_id, begun: false };
    let body = if is_whole {
        ReplyBody::Whole(writer.whole(&windows, &first))
    } else {
        stream_windows(windows, first, writer)
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    Ok(response)
}

/// Puts items into JSON text.
struct Writer {
    request_id: u64,
    begun: bool,
}

impl Writer {
    fn whole<W: Windows>(&mut self, windows: &W, items: &[W::Item]) -> Bytes {
        let mut text = Vec::with_capacity(64 + items.len() * 320);
        self.items(&mut text, windows, items);
        self.end(&mut text);
        text.into()
    }

    fn items<W: Windows>(&mut self, text: &mut Vec<u8>, windows: &W, items: &[W::Item]) {
        for item in items {
            text.extend_from_slice(if self.begun { b"," } else { br#"{"list":["# });
            self.begun = true;
            windows.write(text, item);
        }
    }

    fn end(&mut self, text: &mut Vec<u8>) {
        if !self.begun {
            text.extend_from_slice(br#"{"list":["#);
        }
        text.extend_from_slice(format!(r#"],"request_id":{}}}"#, self.request_id).as_bytes());
    }
}

fn stream_windows<W: Windows>(
    mut windows: W,
    first: Vec<W::Item>,
    mut writer: Writer,
) -> ReplyBody {
    let (pieces, ahead) = mpsc::channel::<Result<Bytes, ReplyCut>>(PIECES_AHEAD);
    tokio::spawn(async move {
        let mut window = first;
        while !window.is_empty() {
            for items in window.chunks(PIECE_ITEMS) {
                let mut text = Vec::with_capacity(items.len() * 320);
                writer.items(&mut text, &windows, items);
                if pieces.send(Ok(text.into())).await.is_err() {
                    return;
                }
            }
            window = match windows.next_window().await {
                Ok(window) => window,
                Err(error) => {
                    tracing::error!(%error, "a listing broke off");
                    let _ = pieces.send(Err(ReplyCut)).await;
                    return;
                }
            };
        }
        let mut text = Vec::new();
        writer.end(&mut text);
        let _ = pieces.send(Ok(text.into())).await;
    });
    ReplyBody::stream(stream::unfold(ahead, |mut ahead| async move {
        Some((ahead.recv().await?, ahead))
    }))
}
