//! Plain values into PCS words.

use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use pan_core::{Entry, Located, RecycledEntry};
use pan_model::{Fingerprint, Md5, Md5Style, PanPath};
use pan_pcs::{
    BLAKE3_HEADER, EntryReply, ErrorReply, ExtraReply, MD5_HEADER, RecycledReply, show_md5,
};
use serde::Serialize;

use super::error::Failure;
use crate::body::ReplyBody;

/// A JSON reply with status 200.
pub(super) fn json(value: &impl Serialize) -> Response<ReplyBody> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(ReplyBody::Whole(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, json_type());
    response
}

/// Adds the digests of what was stored, for clients that know of them
/// (pcs-rest 4.26).
pub(super) fn with_digests(
    mut response: Response<ReplyBody>,
    fingerprint: &Fingerprint,
) -> Response<ReplyBody> {
    let digests = [
        (BLAKE3_HEADER, fingerprint.blake3.to_string()),
        (MD5_HEADER, fingerprint.md5.to_string()),
    ];
    for (name, hex) in digests {
        if let Ok(value) = HeaderValue::try_from(hex) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

pub(super) fn json_type() -> HeaderValue {
    HeaderValue::from_static("application/json")
}

/// The error body, with the HTTP status of its code.
pub(super) fn failure(failure: &Failure, request_id: u64) -> Response<ReplyBody> {
    let mut response = json(&error_body(failure, request_id));
    let status = failure.status.unwrap_or(failure.code.status());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(seconds) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(length) = failure.unsatisfied_length
        && let Ok(value) = HeaderValue::try_from(format!("bytes */{length}"))
    {
        headers.insert(CONTENT_RANGE, value);
    }
    response
}

/// The error body as a value, for replies that began as successes.
pub(super) fn error_body(failure: &Failure, request_id: u64) -> impl Serialize + use<> {
    let (code, message) = (failure.code.code(), failure.message());
    OwnedError { code, message, extra: failure.extra.clone(), request_id }
}

struct OwnedError {
    code: u32,
    message: String,
    extra: Option<Vec<serde_json::Value>>,
    request_id: u64,
}

impl Serialize for OwnedError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = self.extra.as_ref().map(|list| ExtraReply { list: list.iter().collect() });
        ErrorReply {
            error_code: self.code,
            error_msg: &self.message,
            extra,
            request_id: self.request_id,
        }
        .serialize(serializer)
    }
}

/// Whose words an entry is put into.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) md5: Md5Style,
    pub(super) request_id: Option<u64>,
}

/// An entry that is the whole reply, or one of a short list.
pub(super) fn entry(located: &Located, style: Style) -> serde_json::Value {
    let blocks = one_block(&located.entry);
    described(located, &blocks, style)
}

/// An entry with all its blocks.
pub(super) fn described(located: &Located, blocks: &[Md5], style: Style) -> serde_json::Value {
    let blocks: Vec<String> = blocks.iter().map(Md5::to_string).collect();
    let mut value = None;
    with_entry(&located.path, &located.entry, &blocks, style, |reply| {
        value = serde_json::to_value(reply).ok();
    });
    value.unwrap_or_default()
}

/// Appends an entry of a listing to JSON text.
pub(super) fn write_entry(out: &mut Vec<u8>, path: &PanPath, entry: &Entry, md5: Md5Style) {
    let blocks: Vec<String> = one_block(entry).iter().map(Md5::to_string).collect();
    let style = Style { md5, request_id: None };
    with_entry(path, entry, &blocks, style, |reply| write(out, reply));
}

/// Appends an entry of the recycle bin to JSON text: when it was deleted is
/// told beside its own times.
pub(super) fn write_recycled(out: &mut Vec<u8>, recycled: &RecycledEntry, md5: Md5Style) {
    let Located { path, entry } = &recycled.located;
    let blocks: Vec<String> = one_block(entry).iter().map(Md5::to_string).collect();
    let delete_time = recycled.deleted_at.0;
    with_entry(path, entry, &blocks, Style { md5, request_id: None }, |entry| {
        write(out, &RecycledReply { entry, delete_time });
    });
}

/// Writing to memory does not fail, and the fields of a reply are plain.
pub(super) fn write(out: &mut Vec<u8>, reply: &(impl Serialize + ?Sized)) {
    let _ = serde_json::to_writer(&mut *out, reply);
}

/// The block list where only a file of one block has one.
pub(super) fn one_block(entry: &Entry) -> Vec<Md5> {
    entry.file().filter(|facts| facts.one_block).map(|facts| facts.md5).into_iter().collect()
}

pub(super) fn with_entry(
    path: &PanPath,
    entry: &Entry,
    blocks: &[String],
    style: Style,
    write: impl FnOnce(&EntryReply<'_>),
) {
    let facts = entry.file();
    let md5 = facts.map(|facts| show_md5(&facts.md5, style.md5)).unwrap_or_default();
    write(&EntryReply {
        fs_id: entry.fs_id.get(),
        path: path.as_str(),
        server_filename: path.name().unwrap_or_default(),
        ctime: entry.ctime.0,
        mtime: entry.mtime.0,
        size: facts.map_or(0, |facts| facts.size.0),
        isdir: u8::from(facts.is_none()),
        ifhassubdir: u8::from(entry.has_subdirectory()),
        md5: &md5,
        block_list: blocks,
        request_id: style.request_id,
    });
}
