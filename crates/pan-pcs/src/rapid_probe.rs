//! Whether a rapid upload may succeed, before the whole file is read (pcs-rest
//! 4.26).

use pan_model::{ByteSize, ContentProbe, SLICE_BYTES};
use serde::{Deserialize, Serialize};

use crate::params::check_md5;
use crate::{ParamError, Params};

impl Params {
    /// What is known of a file after its first 256 KiB.
    ///
    /// # Errors
    /// 31023 when a parameter is missing or wrong, or when the file is not
    /// larger than 256 KiB.
    pub fn content_probe(&self) -> Result<ContentProbe, ParamError> {
        let slice_md5 = self.text("slice-md5")?.ok_or(ParamError::Missing("slice-md5"))?;
        Ok(ContentProbe {
            size: self.rapid_length()?,
            slice_md5: check_md5("slice-md5", slice_md5)?,
        })
    }

    /// The length of a file that rapid upload takes.
    pub(crate) fn rapid_length(&self) -> Result<ByteSize, ParamError> {
        let size = self.number("content-length")?.ok_or(ParamError::Missing("content-length"))?;
        if size <= SLICE_BYTES {
            let reason = "rapid upload is for files of more than 262144 bytes".into();
            return Err(ParamError::Invalid { name: "content-length", reason });
        }
        Ok(ByteSize(size))
    }
}

/// The reply of `rapidprobe`, as the server writes it.
#[derive(Debug, Clone, Serialize)]
pub struct RapidProbeReply {
    /// Whether a rapid upload may succeed.
    pub possible: bool,
    /// The id of the request.
    pub request_id: u64,
}

/// The reply of `rapidprobe`, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RapidProbeBody {
    /// Whether a rapid upload may succeed.
    pub possible: bool,
}
