//! Lists of any length, written as they are read.

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{Error, Located};
use pan_model::Md5Style;
use tokio::sync::mpsc;

use super::answer::Answer;
use super::reply;
use super::request::Call;
use crate::body::{ReplyBody, ReplyCut};

/// Entries of one piece of the reply: about 256 KiB.
const PIECE_ENTRIES: usize = 1_000;
/// A list up to this length is sent as a whole.
const WHOLE_ENTRIES: usize = 1_000;
/// Pieces that wait for a slow reader.
const PIECES_AHEAD: usize = 2;

/// A list that is read window by window; an empty one is the end.
pub(super) trait Windows: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Vec<Located>, Error>> + Send;
}

/// A list that ends soon is a whole reply, and its failure an error. One that
/// breaks off later is cut, so that no client takes it for whole.
pub(super) async fn answer(mut windows: impl Windows, call: &Call) -> Answer {
    let mut writer =
        Writer { md5_style: call.caller.md5_style, request_id: call.request_id, begun: false };
    let mut first = windows.next().await?;
    let mut is_whole = first.is_empty();
    while !is_whole && first.len() <= WHOLE_ENTRIES {
        let more = windows.next().await?;
        is_whole = more.is_empty();
        first.extend(more);
    }
    let body = if is_whole {
        ReplyBody::Whole(writer.whole(&first))
    } else {
        stream_windows(windows, first, writer)
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    Ok(response)
}

/// Puts entries into JSON text.
struct Writer {
    md5_style: Md5Style,
    request_id: u64,
    begun: bool,
}

impl Writer {
    fn whole(&mut self, entries: &[Located]) -> Bytes {
        let mut text = Vec::with_capacity(64 + entries.len() * 320);
        self.entries(&mut text, entries);
        self.end(&mut text);
        text.into()
    }

    fn entries(&mut self, text: &mut Vec<u8>, entries: &[Located]) {
        for Located { path, entry } in entries {
            text.extend_from_slice(if self.begun { b"," } else { br#"{"list":["# });
            self.begun = true;
            reply::write_entry(text, path, entry, self.md5_style);
        }
    }

    fn end(&mut self, text: &mut Vec<u8>) {
        if !self.begun {
            text.extend_from_slice(br#"{"list":["#);
        }
        text.extend_from_slice(format!(r#"],"request_id":{}}}"#, self.request_id).as_bytes());
    }
}

fn stream_windows(mut windows: impl Windows, first: Vec<Located>, mut writer: Writer) -> ReplyBody {
    let (pieces, ahead) = mpsc::channel::<Result<Bytes, ReplyCut>>(PIECES_AHEAD);
    tokio::spawn(async move {
        let mut window = first;
        while !window.is_empty() {
            for entries in window.chunks(PIECE_ENTRIES) {
                let mut text = Vec::with_capacity(entries.len() * 320);
                writer.entries(&mut text, entries);
                if pieces.send(Ok(text.into())).await.is_err() {
                    return;
                }
            }
            window = match windows.next().await {
                Ok(window) => window,
                Err(error) => {
                    tracing::error!(%error, "a list broke off");
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
