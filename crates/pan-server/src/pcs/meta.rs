//! `file?method=meta`, single and batch (pcs-rest 4.7, 4.8).

use pan_core::Pan;
use pan_pcs::MetaItem;
use serde_json::json;

use super::answer::Answer;
use super::request::Call;
use super::{batch, reply};

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let single = call.params.bytes("path").is_some();
    let paths = match batch::items::<MetaItem>(call, single)? {
        Some(items) => items.iter().map(MetaItem::path).collect::<Result<Vec<_>, _>>()?,
        None => vec![call.params.path("path")?],
    };
    let mut list = Vec::with_capacity(paths.len());
    for path in &paths {
        let described = pan.meta_of(&call.caller, path).await?;
        let style = reply::Style { request_id: None, ..call.style() };
        list.push(reply::described(&described.located, &described.blocks, style));
    }
    Ok(reply::json(&json!({ "list": list, "request_id": call.request_id })))
}
