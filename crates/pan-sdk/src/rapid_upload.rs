use std::path::Path;

use pan_model::{ContentClaim, Ondup, PanPath};

use crate::call::Call;
use crate::digest::compare;
use crate::local_file::LocalFile;
use crate::{Client, Entry, Error};

impl Client {
    /// Uploads a file that the service has already, by what is known about it
    /// (pcs-rest 4.19): more than 256 KiB. [`claim_file`](Self::claim_file)
    /// computes it.
    ///
    /// # Errors
    /// 31079 when the service has no such content, or none that it may tell:
    /// then the bytes have to be sent. Otherwise as [`upload`](Self::upload).
    pub async fn rapid_upload(
        &self,
        path: &PanPath,
        claim: &ContentClaim,
        ondup: Ondup,
    ) -> Result<Entry, Error> {
        let mut call = Call::post("rapidupload")
            .with_path(path)
            .with_ondup(ondup)
            .with("content-length", claim.size.0.to_string())
            .with("content-md5", claim.md5.to_string())
            .with("slice-md5", claim.slice_md5.to_string());
        // With its prefix nobody can read it as a decimal number.
        if let [crc32] = claim.crc32[..] {
            call = call.with("content-crc32", format!("{:#010x}", crc32.0));
        }
        let entry = self.ask_entry(&call).await?;
        // Elsewhere the content may have been merged (pcs-rest 9.2).
        if self.endpoint().has_true_superfile_md5() {
            compare(Some(claim.md5), entry.md5)?;
        }
        Ok(entry)
    }

    /// Reads a local file once, for [`rapid_upload`](Self::rapid_upload).
    ///
    /// # Errors
    /// [`Error::Local`]; [`Error::LocalChanged`] when it changed meanwhile.
    pub async fn claim_file(&self, local: impl AsRef<Path>) -> Result<ContentClaim, Error> {
        LocalFile::open(local.as_ref()).await?.claim().await
    }
}
