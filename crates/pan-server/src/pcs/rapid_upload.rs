//! `file?method=rapidupload` (pcs-rest 4.19).
//!
//! Old clients try it before every upload of more than 256 KiB. A miss is what
//! they take quietly and follow with the upload itself.

use pan_core::Pan;

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let (path, ondup) = (call.params.path("path")?, call.params.ondup()?);
    let claim = call.params.content_claim()?;
    let stored = pan.rapid_upload(&call.caller, &path, ondup, claim).await?;
    Ok(reply::json(&reply::entry(&stored, call.style())))
}
