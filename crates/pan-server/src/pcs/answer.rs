//! From a request to its reply: route, verb, token, parameters, call
//! (pcs-rest 12.2).

use http::{Method as Verb, Response};
use pan_pcs::Method;

use super::error::Failure;
use super::reply;
use super::request::{Call, Request, extract};
use super::{
    bulk_upload, create_superfile, delete, diff, download, extensions, list, media, meta, mkdir,
    move_copy, quota, rapid_probe, rapid_upload, recycle, search, streaming, thumbnail, upload,
    upload_tmpfile,
};
use crate::ServerState;
use crate::body::ReplyBody;

/// A reply, or why there is none.
pub(super) type Answer = Result<Response<ReplyBody>, Failure>;

/// Answers a call; also says what was called, for the log.
pub(crate) async fn answer(
    state: &ServerState,
    request: Request,
) -> (&'static str, Response<ReplyBody>) {
    let request_id = request.request_id;
    let bodiless = request.head.method == Verb::HEAD;
    let (name, answer) = match extract(state, request).await {
        Ok(mut call) => {
            let name = call.spec.name;
            let answer = dispatch(state, &mut call).await;
            call.finish();
            (name, answer)
        }
        Err(failure) => ("refused", Err(failure)),
    };
    let mut response = answer.unwrap_or_else(|failure| reply::failure(&failure, request_id));
    if bodiless && !response.status().is_success() {
        *response.body_mut() = ReplyBody::empty();
    }
    (name, response)
}

/// The error body for what a rule refused outside of a call.
pub(crate) fn refusal(error: pan_core::Error, request_id: u64) -> Response<ReplyBody> {
    reply::failure(&Failure::from(error), request_id)
}

async fn dispatch(state: &ServerState, call: &mut Call) -> Answer {
    let pan = &state.pan;
    match call.spec.method {
        Method::Quota => quota::answer(pan, call).await,
        Method::Upload => upload::answer(pan, call).await,
        Method::UploadTmpfile => upload_tmpfile::answer(pan, call).await,
        Method::CreateSuperfile => create_superfile::answer(pan, call).await,
        Method::Download => download::answer(pan, call).await,
        Method::Mkdir => mkdir::answer(pan, call).await,
        Method::Meta => meta::answer(pan, call).await,
        Method::List => list::answer(pan, call).await,
        Method::Move => move_copy::answer_move(pan, call).await,
        Method::Copy => move_copy::answer_copy(pan, call).await,
        Method::Delete => delete::answer(pan, call).await,
        Method::Diff => diff::answer(pan, call).await,
        Method::ListRecycle => recycle::answer_list(pan, call).await,
        Method::Restore => recycle::answer_restore(pan, call).await,
        Method::EmptyRecycle => recycle::answer_empty(pan, call).await,
        Method::RapidUpload => rapid_upload::answer(pan, call).await,
        Method::Search => search::answer(pan, call).await,
        Method::ListMedia => media::answer(pan, call).await,
        Method::Thumbnail => thumbnail::answer(pan, call).await,
        Method::Streaming => streaming::answer(state, call).await,
        Method::RapidProbe => rapid_probe::answer(pan, call).await,
        Method::Extensions => extensions::answer(call),
        Method::BulkUpload => bulk_upload::answer(pan, call).await,
    }
}
