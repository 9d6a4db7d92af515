//! `file?method=extensions` (pcs-rest 4.26): what there is beyond the book.

use pan_pcs::{BulkLimits, DigestList, ExtensionList, ExtensionsReply};

use super::answer::Answer;
use super::reply;
use super::request::Call;

pub(super) fn answer(call: &Call) -> Answer {
    let extensions = ExtensionList {
        bulkupload: Some(BulkLimits::OPENPAN),
        digests: DigestList { blake3: true },
        rapidprobe: true,
    };
    Ok(reply::json(&ExtensionsReply { extensions, request_id: call.request_id }))
}
