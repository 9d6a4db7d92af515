//! How the bytes of a download are framed: as they are, or as
//! `multipart/byteranges` (RFC 9110 14.6) when several ranges were asked for.

use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use pan_core::ContentReader;

use super::error::Failure;
use crate::body::{ReplyBody, ReplyCut};

/// A range up to this length is read before the reply begins, so that damage
/// is a clean error.
const WHOLE_BYTES: u64 = 256 << 10;
/// Stands in no content by chance: a reader that is given it knows where it
/// is by `Content-Length` besides.
const BOUNDARY: &str = "openpan-7c4f0a5e3b91d268";

/// The body of a download, as a sequence of pieces.
pub(super) struct Framed {
    pieces: Vec<Piece>,
    content_range: Option<String>,
    many: bool,
}

enum Piece {
    Text(Bytes),
    Range(Range<u64>),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Range(range) => range.end - range.start,
        }
    }
}

impl Framed {
    /// All of a content.
    pub(super) fn whole(length: u64) -> Self {
        Self { pieces: vec![Piece::Range(0..length)], content_range: None, many: false }
    }

    /// One range, or several.
    pub(super) fn ranges(ranges: Vec<Range<u64>>, length: u64) -> Self {
        let shown =
            |range: &Range<u64>| format!("bytes {}-{}/{length}", range.start, range.end - 1);
        if let [range] = &ranges[..] {
            let content_range = Some(shown(range));
            return Self { pieces: vec![Piece::Range(range.clone())], content_range, many: false };
        }
        let mut pieces = Vec::with_capacity(ranges.len() * 2 + 1);
        for range in ranges {
            pieces.push(Piece::Text(Bytes::from(format!(
                "\r\n--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\nContent-Range: {}\r\n\r\n",
                shown(&range)
            ))));
            pieces.push(Piece::Range(range));
        }
        pieces.push(Piece::Text(Bytes::from(format!("\r\n--{BOUNDARY}--\r\n"))));
        Self { pieces, content_range: None, many: true }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self.many || self.content_range.is_some() {
            true => StatusCode::PARTIAL_CONTENT,
            false => StatusCode::OK,
        }
    }

    /// Sets the headers that say how the body is framed.
    pub(super) fn describe(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_LENGTH, self.pieces.iter().map(Piece::len).sum::<u64>().into());
        if let Some(range) = &self.content_range
            && let Ok(value) = HeaderValue::try_from(range.as_str())
        {
            headers.insert(CONTENT_RANGE, value);
        }
        if self.many
            && let Ok(value) =
                HeaderValue::try_from(format!("multipart/byteranges; boundary={BOUNDARY}"))
        {
            headers.insert(CONTENT_TYPE, value);
        }
    }

    /// The bytes. A failure after the first ones cuts the connection.
    pub(super) async fn body(self, content: ContentReader) -> Result<ReplyBody, Failure> {
        if let [Piece::Range(range)] = &self.pieces[..]
            && range.end - range.start <= WHOLE_BYTES
        {
            return Ok(ReplyBody::Whole(content.read(range.clone()).await?));
        }
        let pieces = stream::iter(self.pieces);
        Ok(ReplyBody::stream(pieces.flat_map(move |piece| bytes_of(piece, &content))))
    }
}

fn bytes_of(piece: Piece, content: &ContentReader) -> BoxStream<'static, Result<Bytes, ReplyCut>> {
    match piece {
        Piece::Text(text) => stream::iter([Ok(text)]).boxed(),
        Piece::Range(range) => content
            .stream(range)
            .map(|step| {
                step.map_err(|error| {
                    tracing::error!(%error, "a download broke off");
                    ReplyCut
                })
            })
            .boxed(),
    }
}
