//! `file?method=upload&type=tmpfile` (pcs-rest 4.3).

use pan_core::Pan;
use pan_pcs::TmpfileReply;

use super::answer::Answer;
use super::request::Call;
use super::{content, reply};

pub(super) async fn answer(pan: &Pan, call: &mut Call) -> Answer {
    let received = content::take(pan, call).await?;
    let fingerprint = *received.fingerprint();
    let md5 = pan.upload_tmpfile(&call.caller, received).await?;
    let response = reply::json(&TmpfileReply { md5: md5.to_string(), request_id: call.request_id });
    Ok(reply::with_digests(response, &fingerprint))
}
