use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};
use pan_model::{ByteSize, Md5, Ondup, PanPath, SLICE_BYTES};
use pan_pcs::ErrorCode;
use tracing::info;

use super::parts::cut;
use super::upload_journal::UploadJournal;
use crate::local_file::LocalFile;
use crate::upload::compare;
use crate::{Client, Content, Entry, Error, TransferOptions};

/// Reading so much and asking takes no longer than half a second. Larger files
/// are on their way meanwhile, of which that sends too much if they are there.
const ASKED_FIRST_BYTES: u64 = 256 << 20;

/// What came of a rapid upload.
enum Tried {
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
    /// in parallel, each tried again on its own, and then merged. Every md5 in
    /// a reply is compared; that of the merged file only where it is one
    /// (pcs-rest 9.2). The file appears at `to` whole or not at all. Up to the
    /// threshold it goes in one request, as [`upload`](Self::upload) does it.
    ///
    /// With a [journal](TransferOptions::journal) a file above the threshold
    /// goes on where an earlier call with the same arguments stopped, as long
    /// as its size, modification time and inode are the same: parts that the
    /// service has acknowledged are not sent again. If the service has lost
    /// them meanwhile, all is sent again.
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
        let tried = match options.rapid && file.length() > SLICE_BYTES {
            true => Some(self.try_rapid(&file, to, ondup).await?),
            false => None,
        };
        let md5 = match tried {
            Some(Tried::Hit(entry)) => {
                options.progress.meter().reach(file.length());
                return Ok(entry);
            }
            Some(Tried::Miss(md5)) => Some(md5),
            None => None,
        };
        let range = 0..file.length();
        let content = Content::file_range(file, range).with_md5(md5);
        self.upload_metered(to, content, ondup, options).await
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
            // It may have been a hit: then an upload would be one too many.
            Err(error @ Error::Reply { status: 200, .. }) if ondup != Ondup::Overwrite => {
                Err(error)
            }
            // Whatever speaks against the file itself, the upload will hear.
            Err(Error::Refused(_) | Error::Reply { .. }) => Ok(Tried::Miss(claim.md5)),
            Err(error) => Err(error),
        }
    }

    async fn upload_large(
        &self,
        file: &LocalFile,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let part_bytes = options.part_bytes(file.length());
        let directory = options.journal.as_deref();
        let progress = options.progress.up_to(file.length());
        let options = &TransferOptions { progress, ..options.clone() };
        let mut journal = UploadJournal::open(self, directory, file, to, part_bytes).await?;
        let went_on = journal.has_parts();
        let uploaded = self.upload_in_parts(file, &journal, to, ondup, options).await;
        let uploaded = match uploaded {
            Err(error) if went_on && is_missing_block(&error) => {
                info!("sending `{}` again: {error}", file.path().display());
                journal.forget();
                self.upload_in_parts(file, &journal, to, ondup, options).await
            }
            uploaded => uploaded,
        };
        let entry = uploaded?;
        journal.finish();
        Ok(entry)
    }

    async fn upload_in_parts(
        &self,
        file: &LocalFile,
        journal: &UploadJournal,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let parts = self.upload_parts(file, journal, options);
        if !options.rapid || journal.whole().is_some() || file.length() <= SLICE_BYTES {
            let whole = self.md5_to_compare(file, journal.whole());
            let (blocks, whole) = tokio::try_join!(parts, whole)?;
            return self.merge(to, &blocks, ondup, whole).await;
        }
        let ask = async {
            let tried = self.try_rapid(file, to, ondup).await?;
            match &tried {
                Tried::Hit(_) => options.progress.meter().reach(file.length()),
                Tried::Miss(md5) => journal.record_whole(*md5),
            }
            Ok(tried)
        };
        let (blocks, whole) = if file.length() <= ASKED_FIRST_BYTES {
            match ask.await? {
                Tried::Hit(entry) => return Ok(entry),
                Tried::Miss(md5) => (parts.await?, md5),
            }
        } else {
            match ask_while_sending(ask, parts).await? {
                Asked::Hit(entry) => return Ok(entry),
                Asked::Sent(blocks, md5) => (blocks, md5),
            }
        };
        let whole = self.endpoint().has_true_superfile_md5().then_some(whole);
        self.merge(to, &blocks, ondup, whole).await
    }

    /// Uploads the parts that the service does not have. When one fails, those
    /// that are on their way still arrive: they need not be sent again.
    async fn upload_parts(
        &self,
        file: &LocalFile,
        journal: &UploadJournal,
        options: &TransferOptions,
    ) -> Result<Vec<Md5>, Error> {
        let failed = AtomicBool::new(false);
        let upload_part = async |(index, range): (usize, Range<u64>)| {
            if let Some(md5) = journal.part(index) {
                options.progress.meter().reach(range.end - range.start);
                return Ok(md5);
            }
            let content = Content::file_range(file.clone(), range);
            let uploaded = self.upload_tmpfile_metered(content, options).await;
            match &uploaded {
                Ok(md5) => journal.record_part(index, *md5),
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
            uploaded
        };
        let part_size = ByteSize(options.part_bytes(file.length()));
        let parts = cut(0..file.length(), part_size).enumerate();
        let mut uploads = pin!(
            stream::iter(parts.take_while(|_| !failed.load(Ordering::Relaxed)))
                .map(upload_part)
                .buffered(options.lanes())
        );
        let mut blocks = Ok(Vec::new());
        while let Some(uploaded) = uploads.next().await {
            blocks = blocks.and_then(|mut blocks| {
                blocks.push(uploaded?);
                Ok(blocks)
            });
        }
        blocks
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
            (true, None) => file.md5(0..file.length()).await.map(Some),
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

/// What came of asking and sending at once.
enum Asked {
    Hit(Entry),
    /// The parts, and the md5 of the whole.
    Sent(Vec<Md5>, Md5),
}

/// Sends until it turns out that there was no need to.
async fn ask_while_sending(
    ask: impl Future<Output = Result<Tried, Error>>,
    parts: impl Future<Output = Result<Vec<Md5>, Error>>,
) -> Result<Asked, Error> {
    match select(pin!(ask), pin!(parts)).await {
        Either::Left((tried, parts)) => match tried? {
            Tried::Hit(entry) => Ok(Asked::Hit(entry)),
            Tried::Miss(md5) => Ok(Asked::Sent(parts.await?, md5)),
        },
        Either::Right((sent, ask)) => match (sent, ask.await) {
            // There may be no room for the parts, and no need for it.
            (_, Ok(Tried::Hit(entry))) => Ok(Asked::Hit(entry)),
            (sent, tried) => match (sent?, tried?) {
                (blocks, Tried::Miss(md5)) => Ok(Asked::Sent(blocks, md5)),
                (_, Tried::Hit(entry)) => Ok(Asked::Hit(entry)),
            },
        },
    }
}

/// Whether a merge failed because the service does not have a block any more,
/// or not as it was (pcs-rest 4.4; 31081 is what Baidu says).
fn is_missing_block(error: &Error) -> bool {
    let codes = [ErrorCode::BlockMissing, ErrorCode::ObjectNotExists, ErrorCode::SuperfileFailed];
    codes.iter().any(|code| error.is(*code))
}
