//! `file?method=list` (pcs-rest 4.9), written as it is read.

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{Entry, Listing, Pan};
use pan_model::{Md5Style, PanPath};
use tokio::sync::mpsc;

use super::answer::Answer;
use super::reply;
use super::request::Call;
use crate::body::{ReplyBody, ReplyCut};

/// Entries of one piece of the reply: about 256 KiB.
const PIECE_ENTRIES: usize = 1_000;
/// A first window up to this length is the whole reply.
const WHOLE_ENTRIES: usize = 1_000;
/// Pieces that wait for a slow reader.
const PIECES_AHEAD: usize = 2;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let (order, window) = (call.params.list_order()?, call.params.window()?);
    let mut listing = pan.list(&call.caller, &path, order, window).await?;
    let first = listing.next_window().await?;
    let mut writer = Writer::new(&listing, call);
    let body = if first.len() <= WHOLE_ENTRIES {
        ReplyBody::Whole(writer.whole(&first))
    } else {
        stream_windows(listing, first, writer)
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    Ok(response)
}

/// Puts entries into JSON text.
struct Writer {
    directory: PanPath,
    md5_style: Md5Style,
    request_id: u64,
    begun: bool,
}

impl Writer {
    fn new(listing: &Listing, call: &Call) -> Self {
        let directory = listing.directory.clone();
        let (md5_style, request_id) = (call.caller.md5_style, call.request_id);
        Self { directory, md5_style, request_id, begun: false }
    }

    fn whole(&mut self, entries: &[Entry]) -> Bytes {
        let mut text = Vec::with_capacity(64 + entries.len() * 320);
        self.entries(&mut text, entries);
        self.end(&mut text);
        text.into()
    }

    fn entries(&mut self, text: &mut Vec<u8>, entries: &[Entry]) {
        for entry in entries {
            text.extend_from_slice(if self.begun { b"," } else { br#"{"list":["# });
            self.begun = true;
            let path = self.directory.join(&entry.name);
            reply::write_entry(text, &path, entry, self.md5_style);
        }
    }

    fn end(&mut self, text: &mut Vec<u8>) {
        if !self.begun {
            text.extend_from_slice(br#"{"list":["#);
        }
        text.extend_from_slice(format!(r#"],"request_id":{}}}"#, self.request_id).as_bytes());
    }
}

fn stream_windows(mut listing: Listing, first: Vec<Entry>, mut writer: Writer) -> ReplyBody {
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
            window = match listing.next_window().await {
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
