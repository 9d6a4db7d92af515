//! `file?method=rapidprobe` (pcs-rest 4.26): whether it is worth reading a
//! whole file for a rapid upload.

use pan_core::Pan;
use pan_pcs::RapidProbeReply;

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let probe = call.params.content_probe()?;
    let possible = pan.rapid_probe(&call.caller, probe).await?;
    Ok(reply::json(&RapidProbeReply { possible, request_id: call.request_id }))
}
