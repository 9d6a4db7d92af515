//! `file?method=bulkupload` (pcs-rest 4.26).

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{BodyError, Error, Pan, PendingUpload};
use pan_model::{ByteSize, Md5Style};
use pan_pcs::{BULK_TYPE, BulkLimits, BulkRefusal};

use super::answer::Answer;
use super::bulk_frames::{Frames, Item, Wanted};
use super::error::Failure;
use super::reply;
use super::request::{Call, broken};
use crate::body::ReplyBody;

pub(super) async fn answer(pan: &Pan, call: &mut Call) -> Answer {
    let mut frames = Frames::new(call.take_plain(BULK_TYPE, BulkLimits::OPENPAN.bytes_max)?);
    let mut begun = Vec::new();
    let read = begin_all(pan, call, &mut frames, &mut begun).await;
    call.put_back_plain(frames.into_body());
    // Also when the body broke off: after the reply nothing more happens.
    let list = finish_all(begun, call.caller.md5_style).await;
    read?;
    let end = format!(r#"],"request_id":{}}}"#, call.request_id);
    let text = [br#"{"list":["#.as_slice(), &list, end.as_bytes()].concat();
    let mut response = Response::new(ReplyBody::Whole(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    Ok(response)
}

/// An item whose content has come, or which is refused already.
struct Begun {
    path: String,
    upload: Result<PendingUpload, Failure>,
}

/// Receives the items, and begins the upload of each.
async fn begin_all(
    pan: &Pan,
    call: &Call,
    frames: &mut Frames,
    begun: &mut Vec<Begun>,
) -> Result<(), Failure> {
    while let Some(Item { path, size, wanted }) = frames.next_item().await.map_err(broken)? {
        let upload = match wanted {
            Err(error) => Err(error.into()),
            Ok(wanted) => match begin(pan, call, size, &wanted, frames).await {
                // Where the next item begins is not known then.
                Err(Error::Body(error)) => return Err(broken(error)),
                upload => upload.map_err(Failure::from),
            },
        };
        begun.push(Begun { path, upload });
    }
    Ok(())
}

async fn begin(
    pan: &Pan,
    call: &Call,
    size: ByteSize,
    wanted: &Wanted,
    frames: &mut Frames,
) -> Result<PendingUpload, Error> {
    let pieces = Box::pin(pieces(frames));
    let received = pan.receive_small(&call.caller, &wanted.path, size, pieces).await?;
    let received = received.matching(wanted.md5)?;
    Ok(pan.begin_upload(&call.caller, &wanted.path, wanted.ondup, received).await)
}

/// Waits for all items; the elements of the list of the reply.
async fn finish_all(begun: Vec<Begun>, md5_style: Md5Style) -> Vec<u8> {
    let mut list = Vec::new();
    for Begun { path, upload } in begun {
        let stored = match upload {
            Ok(pending) => pending.finish().await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if !list.is_empty() {
            list.push(b',');
        }
        match stored {
            Ok(located) => reply::write_entry(&mut list, &located.path, &located.entry, md5_style),
            Err(failure) => {
                let (error_code, error_msg) = (failure.code.code(), &*failure.message());
                reply::write(&mut list, &BulkRefusal { path: &path, error_code, error_msg });
            }
        }
    }
    list
}

fn pieces(frames: &mut Frames) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + '_ {
    stream::unfold(frames, |frames| async move {
        frames.next_piece().await.transpose().map(|piece| (piece, frames))
    })
}
