//! Batches: which form was meant, and in which order things happen
//! (pcs-rest 5, 11.2, 12.5).

use pan_pcs::{BatchError, parse_batch};
use serde::Deserialize;
use serde_json::Value;

use super::error::Failure;
use super::request::Call;

/// The items of `param`, or `None` when the single form was meant: when there
/// is no `param`, or a stale one of another method beside a complete single
/// form.
pub(super) fn items<T: for<'a> Deserialize<'a>>(
    call: &Call,
    single: bool,
) -> Result<Option<Vec<T>>, Failure> {
    let Some(json) = call.params.bytes("param") else { return Ok(None) };
    match parse_batch(json) {
        Ok(items) => Ok(Some(items)),
        Err(BatchError::Shape) if single => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Does items in order and stops at the first failure. What was done stays
/// done and is told with the failure.
pub(super) async fn in_order<T, F, D>(items: Vec<T>, mut each: F) -> Result<Vec<Value>, Failure>
where
    F: FnMut(T) -> D,
    D: Future<Output = Result<Value, Failure>>,
{
    let mut done = Vec::with_capacity(items.len());
    for item in items {
        match each(item).await {
            Ok(value) => done.push(value),
            Err(failure) => return Err(failure.with_extra(done)),
        }
    }
    Ok(done)
}
