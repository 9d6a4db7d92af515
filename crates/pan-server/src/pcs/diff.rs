//! `file?method=diff` (pcs-rest 4.15).

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{DiffPage, Pan};
use pan_model::Md5Style;

use super::answer::Answer;
use super::reply;
use super::request::Call;
use crate::body::ReplyBody;

/// About what an entry takes as text.
const ENTRY_BYTES: usize = 360;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let cursor = call.params.cursor()?;
    let page = pan.diff(&call.caller, cursor.as_deref()).await?;
    let text = write(&page, call.caller.md5_style, call.request_id);
    let mut response = Response::new(ReplyBody::Whole(text));
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    Ok(response)
}

/// Straight into text: a page has thousands of entries.
fn write(page: &DiffPage, md5: Md5Style, request_id: u64) -> Bytes {
    let mut text = Vec::with_capacity(256 + page.changes.len() * ENTRY_BYTES);
    text.extend_from_slice(br#"{"entries":{"#);
    for (i, (path, change)) in page.changes.iter().enumerate() {
        if i > 0 {
            text.push(b',');
        }
        reply::write_text(&mut text, path.as_str());
        text.push(b':');
        reply::write_change(&mut text, path, change, md5);
    }
    // The cursor has letters, digits, `-` and `_` only.
    let end = format!(
        r#"}},"has_more":{},"reset":{},"cursor":"{}","request_id":{request_id}}}"#,
        page.has_more, page.reset, page.cursor
    );
    text.extend_from_slice(end.as_bytes());
    text.into()
}
