//! `stream?method=list` (pcs-rest 4.17).

use pan_core::{MEDIA_PAGE_MAX, Pan};
use serde_json::json;

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let params = call.params.media()?;
    let (start, limit) = (params.start, params.limit.min(MEDIA_PAGE_MAX));
    let page = pan.list_media(&call.caller, params.media, &params.prefix, start, limit).await?;
    let style = reply::Style { request_id: None, ..call.style() };
    let list: Vec<_> = page.files.iter().map(|file| reply::entry(file, style)).collect();
    Ok(reply::json(&json!({
        "total": page.total,
        "start": start,
        "limit": limit,
        "list": list,
        "request_id": call.request_id,
    })))
}
