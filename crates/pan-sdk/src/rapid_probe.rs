use pan_model::ContentProbe;
use pan_pcs::{Object, RapidProbeBody};

use crate::call::Call;
use crate::local_file::LocalFile;
use crate::{Client, Error};

impl Client {
    /// Asks whether a [`rapid_upload`](Self::rapid_upload) may succeed of a
    /// file of this size that begins so (pcs-rest 4.26). "No" is certain; a
    /// "yes" is worth reading the whole file for.
    /// [`Extensions::rapid_probe`](crate::Extensions::rapid_probe) tells
    /// whether the service knows the question.
    ///
    /// # Errors
    /// 3 at other services than OpenPan; 31023 for a size of up to 256 KiB.
    pub async fn rapid_probe(&self, probe: &ContentProbe) -> Result<bool, Error> {
        let call = Call::get(Object::File, "rapidprobe")
            .with("content-length", probe.size.0.to_string())
            .with("slice-md5", probe.slice_md5.to_string());
        let body: RapidProbeBody = self.ask(&call).await?;
        Ok(body.possible)
    }

    /// Whether it is worth reading a file for a rapid upload. Where nobody can
    /// say, it is.
    pub(crate) async fn may_be_known(&self, file: &LocalFile) -> Result<bool, Error> {
        if !self.extensions_soon().await.rapid_probe {
            return Ok(true);
        }
        match self.rapid_probe(&file.probe().await?).await {
            Ok(possible) => Ok(possible),
            // The rapid upload will hear it again, or be none.
            Err(Error::Refused(_) | Error::Reply { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
