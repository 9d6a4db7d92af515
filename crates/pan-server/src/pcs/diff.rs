//! `file?method=diff` (pcs-rest 4.15).

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{Change, Departure, DiffPage, GoneHow, Pan};
use pan_model::{FsId, Md5, Md5Style, PanPath};
use pan_pcs::{ChangeReply, EntryReply};

use super::answer::Answer;
use super::reply::{self, Style};
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
        reply::write(&mut text, path.as_str());
        text.push(b':');
        write_change(&mut text, path, change, md5);
    }
    // The cursor has letters, digits, `-` and `_` only.
    let end = format!(
        r#"}},"has_more":{},"reset":{},"cursor":"{}","request_id":{request_id}}}"#,
        page.has_more, page.reset, page.cursor
    );
    text.extend_from_slice(end.as_bytes());
    text.into()
}

fn write_change(text: &mut Vec<u8>, path: &PanPath, change: &Change, md5: Md5Style) {
    match change {
        Change::Present(entry) => {
            let blocks: Vec<String> = reply::one_block(entry).iter().map(Md5::to_string).collect();
            let (isdelete, revision) = (0, entry.rev.0);
            reply::with_entry(path, entry, &blocks, Style { md5, request_id: None }, |entry| {
                reply::write(text, &ChangeReply { entry, isdelete, revision });
            });
        }
        Change::Gone(departure) => {
            let entry = &departed(path, departure);
            let isdelete = if departure.how == GoneHow::Recycled { -1 } else { 1 };
            reply::write(text, &ChangeReply { entry, isdelete, revision: departure.rev.0 });
        }
    }
}

/// What is known of an entry that is gone. Its times are when it went.
fn departed<'a>(path: &'a PanPath, departure: &Departure) -> EntryReply<'a> {
    EntryReply {
        fs_id: departure.fs_id.map_or(0, FsId::get),
        path: path.as_str(),
        server_filename: path.name().unwrap_or_default(),
        ctime: departure.at.0,
        mtime: departure.at.0,
        size: 0,
        isdir: u8::from(departure.directory),
        ifhassubdir: 0,
        md5: "",
        block_list: &[],
        request_id: None,
    }
}
