use std::ops::Range;
use std::path::Path;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use pan_model::{ByteSize, Md5, Ondup, PanPath, SLICE_BYTES};

use super::parts::cut;
use crate::local_file::LocalFile;
use crate::upload::compare;
use crate::{Client, Content, Entry, Error, TransferOptions};

/// What came of a rapid upload.
enum Tried {
    Hit(Entry),
    /// With the md5 of the file, if it was computed.
    Miss(Option<Md5>),
}

impl Client {
    /// Uploads a local file of any size.
    ///
    /// What the service has already is not sent (see [`TransferOptions::rapid`]).
    /// Anything else than a hit is followed by the ordinary upload.
    ///
    /// A file above the threshold goes as a superfile: its parts are uploaded
    /// in parallel, each tried again on its own, and then merged. Every md5 in
    /// a reply is compared; that of the merged file only where it is one
    /// (pcs-rest 9.2). The file appears at `to` whole or not at all.
    ///
    /// # Errors
    /// As [`upload`](Self::upload); [`Error::LocalChanged`] when the file
    /// changed while it was being read, and then nothing was stored.
    pub async fn upload_file(
        &self,
        local: impl AsRef<Path>,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let file = LocalFile::open(local.as_ref()).await?;
        let tried = match options.rapid && file.length() > SLICE_BYTES {
            true => self.try_rapid(&file, to, ondup).await?,
            false => Tried::Miss(None),
        };
        let md5 = match tried {
            Tried::Hit(entry) => {
                options.progress.meter().reach(file.length());
                return Ok(entry);
            }
            Tried::Miss(md5) => md5,
        };
        if options.is_cut(file.length()) {
            return self.upload_in_parts(file, md5, to, ondup, options).await;
        }
        let range = 0..file.length();
        let content = Content::file_range(file, range);
        self.upload_metered(to, content, ondup, &options.progress).await
    }

    async fn try_rapid(
        &self,
        file: &LocalFile,
        to: &PanPath,
        ondup: Ondup,
    ) -> Result<Tried, Error> {
        let claim = file.claim().await?;
        match self.rapid_upload(to, &claim, ondup).await {
            Ok(entry) => Ok(Tried::Hit(entry)),
            // Whatever speaks against the file itself, the upload will hear.
            Err(Error::Refused(_) | Error::Reply { .. }) => Ok(Tried::Miss(Some(claim.md5))),
            Err(error) => Err(error),
        }
    }

    async fn upload_in_parts(
        &self,
        file: LocalFile,
        known: Option<Md5>,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let part_size = ByteSize(options.part_bytes(file.length()));
        let upload_part = |range: Range<u64>| {
            let content = Content::file_range(file.clone(), range);
            self.upload_tmpfile_metered(content, &options.progress)
        };
        let blocks = stream::iter(cut(0..file.length(), part_size))
            .map(upload_part)
            .buffered(options.lanes())
            .try_collect::<Vec<Md5>>();
        let (blocks, whole) = tokio::try_join!(blocks, self.md5_to_compare(&file, known))?;
        self.merge(to, &blocks, ondup, whole).await
    }

    /// The md5 of the whole file, read beside the uploading, where there will
    /// be something to compare it with.
    async fn md5_to_compare(
        &self,
        file: &LocalFile,
        known: Option<Md5>,
    ) -> Result<Option<Md5>, Error> {
        match (self.endpoint().has_true_superfile_md5(), known) {
            (false, _) => Ok(None),
            (true, Some(md5)) => Ok(Some(md5)),
            (true, None) => file.md5().await.map(Some),
        }
    }

    /// Merges blocks into a file whose md5 is known, if it is.
    pub(super) async fn merge(
        &self,
        to: &PanPath,
        blocks: &[Md5],
        ondup: Ondup,
        whole: Option<Md5>,
    ) -> Result<Entry, Error> {
        let entry = self.create_superfile(to, blocks, ondup).await?;
        compare(whole, entry.md5)?;
        Ok(entry)
    }
}
