//! `file?method=delete`, single and batch (pcs-rest 4.12).

use pan_core::Pan;
use pan_pcs::{DeleteItem, PlainReply, parse_batch};
use serde_json::json;

use super::answer::Answer;
use super::error::Failure;
use super::request::Call;
use super::{batch, reply};

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    batch::in_order(items(call)?, |item: DeleteItem| async move {
        let path = item.path()?;
        pan.delete(&call.caller, &path).await?;
        Ok(json!({ "path": path.as_str() }))
    })
    .await?;
    Ok(reply::json(&PlainReply { request_id: call.request_id }))
}

fn items(call: &Call) -> Result<Vec<DeleteItem>, Failure> {
    let path = call.params.bytes("path");
    if let Some(items) = batch::items(call, path.is_some())? {
        return Ok(items);
    }
    // baidupan sends its batches in `path` (pcs-rest 12.4).
    if let Some(json) = path.filter(|path| path.starts_with(b"{")) {
        return Ok(parse_batch(json)?);
    }
    Ok(vec![DeleteItem::new(call.params.path("path")?.as_str())])
}
