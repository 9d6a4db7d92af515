//! `file?method=upload` (pcs-rest 4.2).

use pan_core::Pan;

use super::answer::Answer;
use super::request::Call;
use super::{content, reply};

pub(super) async fn answer(pan: &Pan, call: &mut Call) -> Answer {
    let received = content::take(pan, call).await?;
    let (path, ondup) = (call.params.target_path()?, call.params.ondup()?);
    let fingerprint = *received.fingerprint();
    let stored = pan.upload(&call.caller, &path, ondup, received).await?;
    let response = reply::json(&reply::entry(&stored, call.style()));
    Ok(reply::with_digests(response, &fingerprint))
}
