use std::path::Path;

use pan_model::{ByteSize, ContentClaim, Md5, Ondup, PanPath, SLICE_BYTES};

use crate::local_file::LocalFile;
use crate::{Client, Content, Digest, Entry, Error, TransferOptions};

/// What came of a rapid upload.
pub(super) enum Tried {
    Hit(Entry),
    /// With the md5 of the file.
    Miss(Md5),
}

impl Client {
    /// Uploads a local file of any size.
    ///
    /// What the service has already is not sent (see [`TransferOptions::rapid`]).
    /// Anything else than a hit is followed by the ordinary upload.
    ///
    /// A file above the threshold goes as a superfile: its parts are uploaded
    /// in parallel, each tried again on its own, and then merged. Every
    /// digest in a reply is compared; the md5 of the merged file only where it
    /// is one (pcs-rest 9.2). The file appears at `to` whole or not at all. Up to the
    /// threshold it goes in one request, as [`upload`](Self::upload) does it.
    ///
    /// With a [journal](TransferOptions::journal) a file above the threshold
    /// goes on where an earlier call with the same arguments stopped, as long
    /// as its size, inode and times of modification and change are the same:
    /// parts that the service has acknowledged are not sent again. If the
    /// service has lost them meanwhile, or the merged file is not this one and
    /// may be overwritten, all is sent again.
    ///
    /// # Errors
    /// As [`upload`](Self::upload); [`Error::LocalChanged`] when the file
    /// changed while it was being read, and then nothing was stored;
    /// [`Error::Local`] also when the same upload is running already.
    pub async fn upload_file(
        &self,
        local: impl AsRef<Path>,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let file = LocalFile::open(local.as_ref()).await?;
        if options.is_cut(file.length()) {
            return self.upload_large(&file, to, ondup, options).await;
        }
        let length = ByteSize(file.length());
        let ask = options.rapid && length.0 > SLICE_BYTES && self.may_be_known(&file).await?;
        let tried = match ask {
            true => Some(self.try_rapid(file.claim().await?, to, ondup).await?),
            false => None,
        };
        let digest = match tried {
            Some(Tried::Hit(entry)) => {
                options.progress.meter().reach(file.length());
                return Ok(entry);
            }
            Some(Tried::Miss(md5)) => Some(Digest::Md5(md5)),
            None => None,
        };
        let range = 0..file.length();
        let algorithm = self.algorithm_for(length).await;
        let content = Content::file_range(file, range).compared_by(algorithm).with_digest(digest);
        self.upload_metered(to, content, ondup, options).await
    }

    /// Asks the service whether it has the content already.
    pub(super) async fn try_rapid(
        &self,
        claim: ContentClaim,
        to: &PanPath,
        ondup: Ondup,
    ) -> Result<Tried, Error> {
        match self.rapid_upload(to, &claim, ondup).await {
            Ok(entry) => Ok(Tried::Hit(entry)),
            // It may have been a hit: then an upload would be one too many.
            Err(error @ Error::Reply { status: 200, .. }) if ondup != Ondup::Overwrite => {
                Err(error)
            }
            // Whatever speaks against the file itself, the upload will hear.
            Err(Error::Refused(_) | Error::Reply { .. }) => Ok(Tried::Miss(claim.md5)),
            Err(error) => Err(error),
        }
    }
}
