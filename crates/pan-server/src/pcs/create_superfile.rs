//! `file?method=createsuperfile` (pcs-rest 4.4).

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::Response;
use http::header::CONTENT_TYPE;
use pan_core::{Merged, Pan};
use pan_pcs::{BatchError, parse_block_list};
use serde_json::Value;

use super::answer::Answer;
use super::error::Failure;
use super::reply::{self, Style};
use super::request::Call;
use crate::body::ReplyBody;

/// A merge that takes longer has its reply kept alive: proxies and clients
/// give up on a silent connection.
const PATIENCE: Duration = Duration::from_secs(3);
/// Blanks that keep one reply alive.
const BLANKS_MAX: usize = 4096;

type Merging = BoxFuture<'static, pan_core::Result<Merged>>;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let param = call.params.bytes("param").ok_or(BatchError::BlockList)?;
    let blocks = parse_block_list(param)?;
    let (path, ondup) = (call.params.target_path()?, call.params.ondup()?);
    let merge = pan.create_superfile(&call.caller, &path, ondup, blocks).await?;
    let mut merging: Merging = Box::pin(merge.finish());
    match tokio::time::timeout(PATIENCE, &mut merging).await {
        Ok(merged) => {
            let Merged { located, fingerprint } = merged?;
            let response = reply::json(&reply::entry(&located, call.style()));
            Ok(reply::with_digests(response, &fingerprint))
        }
        Err(_) => Ok(kept_alive(merging, call.style(), call.request_id)),
    }
}

/// What can be refused was refused: the reply begins as a success, and a
/// failure comes as an error body, which clients look for under 200 too. The
/// digests are not known yet.
fn kept_alive(merging: Merging, style: Style, request_id: u64) -> Response<ReplyBody> {
    let words = stream::unfold(Some((merging, 0usize)), move |state| async move {
        let (mut merging, blanks) = state?;
        if blanks == 0 {
            return Some((Ok(Bytes::from_static(b" ")), Some((merging, 1))));
        }
        loop {
            match tokio::time::timeout(PATIENCE, &mut merging).await {
                Ok(merged) => return Some((Ok(last_words(merged, style, request_id)), None)),
                Err(_) if blanks < BLANKS_MAX => {
                    return Some((Ok(Bytes::from_static(b" ")), Some((merging, blanks + 1))));
                }
                Err(_) => {}
            }
        }
    });
    let mut response = Response::new(ReplyBody::stream(words));
    response.headers_mut().insert(CONTENT_TYPE, reply::json_type());
    response
}

fn last_words(merged: pan_core::Result<Merged>, style: Style, request_id: u64) -> Bytes {
    let value = match merged {
        Ok(merged) => reply::entry(&merged.located, style),
        Err(error) => {
            let failure = Failure::from(error);
            serde_json::to_value(reply::error_body(&failure, request_id)).unwrap_or(Value::Null)
        }
    };
    value.to_string().into()
}
