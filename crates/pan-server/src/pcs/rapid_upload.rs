//! `file?method=rapidupload` (pcs-rest 4.19): a miss, so far.
//!
//! Old clients try it before every upload of more than 256 KiB. A miss is what
//! they take quietly and follow with the upload itself.

use pan_pcs::ErrorCode;

use super::answer::Answer;
use super::error::Failure;
use super::request::Call;

pub(super) fn answer(call: &Call) -> Answer {
    call.params.target_path()?;
    Err(Failure::new(ErrorCode::Md5NotFound, ""))
}
