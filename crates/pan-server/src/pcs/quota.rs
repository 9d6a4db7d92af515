//! `quota?method=info` (pcs-rest 4.1).

use pan_core::Pan;
use pan_pcs::QuotaReply;

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let info = pan.quota(&call.caller).await?;
    let request_id = call.request_id;
    Ok(reply::json(&QuotaReply { quota: info.quota.0, used: info.used.0, request_id }))
}
