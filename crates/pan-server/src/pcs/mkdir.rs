//! `file?method=mkdir` (pcs-rest 4.6).

use pan_core::Pan;

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let made = pan.mkdir(&call.caller, &path).await?;
    Ok(reply::json(&reply::entry(&made, call.style())))
}
