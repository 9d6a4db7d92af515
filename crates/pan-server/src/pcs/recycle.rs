//! `file?method=listrecycle`, `restore`, and `delete&type=recycle`
//! (pcs-rest 4.25).

use pan_core::{Error, Pan, RecycleListing, RecycledEntry};
use pan_model::Md5Style;
use pan_pcs::{ErrorCode, ExtraReply, PlainReply, RestoreItem, RestoredReply};
use serde_json::json;

use super::answer::Answer;
use super::error::Failure;
use super::request::Call;
use super::windows::{self, Windows};
use super::{batch, reply};

/// What one list has when nobody says how much.
const DEFAULT_LIMIT: u64 = 1_000;

pub(super) async fn answer_list(pan: &Pan, call: &Call) -> Answer {
    let start = call.params.number("start")?.unwrap_or(0);
    let limit = call.params.number("limit")?.unwrap_or(DEFAULT_LIMIT);
    let listing = pan.list_recycle(&call.caller, start, limit);
    let md5_style = call.caller.md5_style;
    windows::answer(Bin { listing, md5_style }, call.request_id).await
}

pub(super) async fn answer_restore(pan: &Pan, call: &Call) -> Answer {
    let list = batch::in_order(items(call)?, |item: RestoreItem| async move {
        let Some(fs_id) = item.fs_id()? else {
            return Err(Failure::new(ErrorCode::InvalidFsId, "no entry has such an id"));
        };
        pan.restore(&call.caller, fs_id).await?;
        Ok(json!({ "fs_id": fs_id.to_string() }))
    })
    .await?;
    let request_id = call.request_id;
    Ok(reply::json(&RestoredReply { extra: ExtraReply { list }, request_id }))
}

fn items(call: &Call) -> Result<Vec<RestoreItem>, Failure> {
    let single = call.params.text("fs_id")?;
    if let Some(items) = batch::items(call, single.is_some())? {
        return Ok(items);
    }
    Ok(vec![RestoreItem::new(single.ok_or(pan_pcs::ParamError::Missing("fs_id"))?)])
}

/// Whatever else came along, this form means the bin and nothing else.
pub(super) async fn answer_empty(pan: &Pan, call: &Call) -> Answer {
    match pan.empty_recycle(&call.caller).await {
        Ok(_) => Ok(reply::json(&PlainReply { request_id: call.request_id })),
        Err(Error::Engine(error)) => {
            tracing::error!(%error, "the recycle bin could not be emptied");
            let detail = "the recycle bin could not be emptied whole; try again";
            Err(Failure::new(ErrorCode::DeleteFailed, detail))
        }
        Err(error) => Err(error.into()),
    }
}

/// The caller's part of the bin.
struct Bin {
    listing: RecycleListing,
    md5_style: Md5Style,
}

impl Windows for Bin {
    type Item = RecycledEntry;

    async fn next_window(&mut self) -> pan_core::Result<Vec<RecycledEntry>> {
        self.listing.next_window().await
    }

    fn write(&self, text: &mut Vec<u8>, recycled: &RecycledEntry) {
        reply::write_recycled(text, recycled, self.md5_style);
    }
}
