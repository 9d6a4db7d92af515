//! `file?method=move` and `file?method=copy`, single and batch (pcs-rest 4.10).

use pan_core::Pan;
use pan_pcs::{ExtraReply, MoveItem, MovedReply};
use serde_json::json;

use super::answer::Answer;
use super::error::Failure;
use super::request::Call;
use super::{batch, reply};

pub(super) async fn answer_move(pan: &Pan, call: &Call) -> Answer {
    let done = batch::in_order(pairs(call)?, |pair: MoveItem| async move {
        let (from, to) = pair.paths()?;
        pan.move_entry(&call.caller, &from, &to).await?;
        Ok(json!({ "from": from.as_str(), "to": to.as_str() }))
    });
    told(call, done.await?)
}

pub(super) async fn answer_copy(pan: &Pan, call: &Call) -> Answer {
    let done = batch::in_order(pairs(call)?, |pair: MoveItem| async move {
        let (from, to) = pair.paths()?;
        pan.copy_entry(&call.caller, &from, &to).await?;
        Ok(json!({ "from": from.as_str(), "to": to.as_str() }))
    });
    told(call, done.await?)
}

fn pairs(call: &Call) -> Result<Vec<MoveItem>, Failure> {
    let params = &call.params;
    let single = params.bytes("from").is_some() && params.bytes("to").is_some();
    if let Some(items) = batch::items(call, single)? {
        return Ok(items);
    }
    // Missing and malformed paths are told apart before anything is done.
    let (from, to) = (params.path("from")?, params.path("to")?);
    Ok(vec![MoveItem::new(from.as_str(), to.as_str())])
}

fn told(call: &Call, list: Vec<serde_json::Value>) -> Answer {
    let request_id = call.request_id;
    Ok(reply::json(&MovedReply { extra: ExtraReply { list }, request_id }))
}
