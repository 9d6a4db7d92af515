//! Uploads in parts: which go when, and what is asked meanwhile.

use std::future::ready;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, Either, FutureExt, select};
use futures_util::stream::{self, StreamExt};
use pan_model::{Blake3, ByteSize, ContentClaim, Md5, Ondup, PanPath, SLICE_BYTES};
use pan_pcs::ErrorCode;
use tokio::sync::oneshot;
use tracing::info;

use super::parts::cut;
use super::upload_file::Tried;
use super::upload_journal::UploadJournal;
use crate::digest::{Algorithm, ReplyDigests, compare};
use crate::local_file::LocalFile;
use crate::{Client, Content, Digest, Entry, Error, TransferOptions};

/// Reading so much and asking takes no longer than half a second. Larger files
/// are on their way meanwhile, of which that sends too much if they are there.
const ASKED_FIRST_BYTES: u64 = 256 << 20;

/// What is no larger is hashed as a whole while the service merges it, and the
/// machine has nothing else to do: it is in memory, for it was just read.
/// Larger files are hashed while they are sent, and all where it is by md5.
const HASHED_LATE_BYTES: u64 = 4 << 30;

impl Client {
    /// Uploads a file in parts, and goes on where an earlier try stopped.
    pub(super) async fn upload_large(
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
            // A part: the others are what they should be.
            Err(error @ Error::Damaged { .. }) if !journal.is_complete() => return Err(error),
            // What is remembered led to another file: it is never of use again.
            Err(error @ Error::Damaged { .. }) if !went_on || ondup != Ondup::Overwrite => {
                journal.forget();
                return Err(error);
            }
            Err(error) if went_on && is_of_no_use(&error) => {
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
        let algorithm = self.algorithm_for(ByteSize(file.length())).await;
        let parts = self.upload_parts(file, journal, algorithm, options);
        let ask = options.rapid && journal.whole().is_none() && file.length() > SLICE_BYTES;
        if !ask || !self.may_be_known(file).await? {
            let (sent, all_sent) = oneshot::channel::<()>();
            let parts = async {
                let blocks = parts.await?;
                let _ = sent.send(());
                Ok(blocks)
            };
            let whole = async {
                if algorithm == Algorithm::Blake3 && file.length() <= HASHED_LATE_BYTES {
                    let _ = all_sent.await;
                }
                self.whole_to_compare(file, journal.whole(), algorithm).await
            };
            return self.merge_parts(to, parts, ondup, whole).await;
        }
        // Boxed, as below: an upload must be `Send` for any lifetime.
        let ask = move |claim: ContentClaim| {
            async move {
                let tried = self.try_rapid(claim, to, ondup).await?;
                match &tried {
                    Tried::Hit(_) => options.progress.meter().reach(file.length()),
                    Tried::Miss(md5) => journal.record_whole(*md5),
                }
                Ok(tried)
            }
            .boxed()
        };
        let claim = file.claim();
        if file.length() <= ASKED_FIRST_BYTES {
            return match ask(claim.await?).await? {
                Tried::Hit(entry) => Ok(entry),
                Tried::Miss(md5) => {
                    self.merge_parts(to, parts, ondup, ready(Some(md5.into()))).await
                }
            };
        }
        match ask_while_sending(claim, ask, parts).await? {
            Asked::Hit(entry) => Ok(entry),
            Asked::Missed(blocks, md5) => self.merge(to, &blocks, ondup, Some(md5.into())).await,
            Asked::Sent(blocks, claim) => {
                let whole = async { claim.await.ok().map(|claim| claim.md5.into()) };
                self.merge_parts(to, ready(Ok(blocks)), ondup, whole).await
            }
        }
    }

    /// Merges the parts when they are there. The digest of the whole may
    /// come later: the service needs a while to find it, too.
    async fn merge_parts(
        &self,
        to: &PanPath,
        parts: impl Future<Output = Result<Vec<Md5>, Error>>,
        ondup: Ondup,
        whole: impl Future<Output = Option<Digest>>,
    ) -> Result<Entry, Error> {
        let merged = async { self.merge_blocks(to, &parts.await?, ondup).await };
        let mut merged = pin!(merged);
        let (merged, whole) = match select(&mut merged, pin!(whole)).await {
            Either::Left((merged, whole)) => {
                let merged = merged?;
                (merged, whole.await)
            }
            Either::Right((whole, merged)) => (merged.await?, whole),
        };
        self.checked_merge(merged, whole).await
    }

    /// Uploads the parts that the service does not have. When one fails, those
    /// that are on their way still arrive: they need not be sent again.
    async fn upload_parts(
        &self,
        file: &LocalFile,
        journal: &UploadJournal,
        algorithm: Algorithm,
        options: &TransferOptions,
    ) -> Result<Vec<Md5>, Error> {
        let failed = AtomicBool::new(false);
        let has_failed = &failed;
        let upload_part = move |(index, range): (usize, Range<u64>)| {
            async move {
                if let Some(md5) = journal.part(index) {
                    options.progress.meter().reach(range.end - range.start);
                    return Ok((index, md5));
                }
                let content = Content::file_range(file.clone(), range).compared_by(algorithm);
                let uploaded = self.upload_tmpfile_metered(content, options).await;
                match &uploaded {
                    Ok(md5) => journal.record_part(index, *md5),
                    Err(_) => has_failed.store(true, Ordering::Relaxed),
                }
                uploaded.map(|md5| (index, md5))
            }
            .boxed()
        };
        let part_size = ByteSize(options.part_bytes(file.length()));
        let parts = cut(0..file.length(), part_size).enumerate();
        let mut uploads = pin!(
            stream::iter(parts.take_while(|_| !failed.load(Ordering::Relaxed)))
                .map(upload_part)
                // In any order: one that takes long holds up none of the others.
                .buffer_unordered(options.lanes())
        );
        let mut blocks = Ok(Vec::new());
        while let Some(uploaded) = uploads.next().await {
            blocks = blocks.and_then(|mut blocks| {
                blocks.push(uploaded?);
                Ok(blocks)
            });
        }
        let mut blocks = blocks?;
        journal.complete();
        blocks.sort_unstable_by_key(|(index, _)| *index);
        Ok(blocks.into_iter().map(|(_, md5)| md5).collect())
    }

    /// The digest of the whole file, where there will be something to compare it
    /// with. None when the file changes meanwhile: if it did so before its
    /// parts were read, they say so.
    async fn whole_to_compare(
        &self,
        file: &LocalFile,
        known: Option<Md5>,
        algorithm: Algorithm,
    ) -> Option<Digest> {
        match (self.endpoint().has_true_superfile_md5(), known) {
            (false, _) => None,
            (true, Some(md5)) => Some(md5.into()),
            (true, None) => file.digest(0..file.length(), algorithm).await.ok(),
        }
    }

    /// Merges blocks into a file whose digest is known, if it is.
    pub(super) async fn merge(
        &self,
        to: &PanPath,
        blocks: &[Md5],
        ondup: Ondup,
        whole: Option<Digest>,
    ) -> Result<Entry, Error> {
        self.checked_merge(self.merge_blocks(to, blocks, ondup).await?, whole).await
    }

    /// A merged file, if it is what was meant.
    async fn checked_merge(
        &self,
        (entry, told): (Entry, ReplyDigests),
        whole: Option<Digest>,
    ) -> Result<Entry, Error> {
        compare(told.md5, entry.md5)?;
        match whole.filter(|_| self.endpoint().has_true_superfile_md5()) {
            Some(Digest::Md5(md5)) => compare(Some(md5), entry.md5)?,
            Some(Digest::Blake3(blake3)) => {
                // The headers of a reply that took its time came before it was known.
                let found = match told.blake3 {
                    Some(found) => Some(found),
                    None => self.blake3_of(&entry).await,
                };
                compare(Some(blake3), found)?;
            }
            None => {}
        }
        Ok(entry)
    }

    /// The BLAKE3 of a file that was just made, unless it is another already.
    async fn blake3_of(&self, entry: &Entry) -> Option<Blake3> {
        let facts = self.facts(&entry.path).await.ok()?;
        facts.blake3.filter(|_| facts.size == entry.size && facts.md5 == entry.md5)
    }
}

/// What came of asking and sending at once. `C` is the file being read.
enum Asked<C> {
    Hit(Entry),
    /// The parts are there, and nobody had to wait for the md5 of the whole.
    Missed(Vec<Md5>, Md5),
    /// The parts were there before the file was read.
    Sent(Vec<Md5>, C),
}

/// Sends until it turns out that there was no need to.
async fn ask_while_sending<'a, C>(
    claim: C,
    ask: impl Fn(ContentClaim) -> BoxFuture<'a, Result<Tried, Error>>,
    parts: impl Future<Output = Result<Vec<Md5>, Error>>,
) -> Result<Asked<Pin<Box<C>>>, Error>
where
    C: Future<Output = Result<ContentClaim, Error>>,
{
    let mut parts = pin!(parts);
    let (claim, parts) = match select(Box::pin(claim), parts.as_mut()).await {
        Either::Left((claim, parts)) => (claim?, parts),
        Either::Right((Ok(blocks), claim)) => return Ok(Asked::Sent(blocks, claim)),
        // There may be no room for the parts, and no need for it.
        Either::Right((Err(error), claim)) => {
            return match ask(claim.await?).await {
                Ok(Tried::Hit(entry)) => Ok(Asked::Hit(entry)),
                _ => Err(error),
            };
        }
    };
    let (tried, sent) = match select(pin!(ask(claim)), parts).await {
        Either::Left((Ok(Tried::Hit(entry)), _)) => return Ok(Asked::Hit(entry)),
        Either::Left((tried, parts)) => (tried?, parts.await),
        // To ask and to leave would be to do it twice, perhaps.
        Either::Right((sent, ask)) => (ask.await?, sent),
    };
    match tried {
        Tried::Hit(entry) => Ok(Asked::Hit(entry)),
        Tried::Miss(md5) => Ok(Asked::Missed(sent?, md5)),
    }
}

/// Whether a merge failed because the service does not have a block any more,
/// or not as it was (pcs-rest 4.4; 31081 is what Baidu says), or because the
/// blocks were not those of this file.
fn is_of_no_use(error: &Error) -> bool {
    let codes = [ErrorCode::BlockMissing, ErrorCode::ObjectNotExists, ErrorCode::SuperfileFailed];
    matches!(error, Error::Damaged { .. }) || codes.iter().any(|code| error.is(*code))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::future::FutureExt;
    use pan_model::{ByteSize, ContentClaim, Md5};

    use super::{Asked, Tried, ask_while_sending};
    use crate::{Entry, Error};

    const MD5: Md5 = Md5([7; 16]);

    fn claim() -> ContentClaim {
        ContentClaim { size: ByteSize(1), md5: MD5, slice_md5: MD5, crc32: Vec::new() }
    }

    fn entry() -> Entry {
        let body = serde_json::from_str(r#"{"path":"/there","fs_id":1,"size":1}"#).unwrap();
        Entry::read(body).unwrap()
    }

    fn failure() -> Result<Vec<Md5>, Error> {
        Err(Error::Input(String::from("no room")))
    }

    /// What comes of it, in a word.
    async fn outcome(
        claim: impl Future<Output = Result<ContentClaim, Error>>,
        hit: bool,
        parts: impl Future<Output = Result<Vec<Md5>, Error>>,
    ) -> &'static str {
        let ask = |_| ready(Ok(if hit { Tried::Hit(entry()) } else { Tried::Miss(MD5) })).boxed();
        match ask_while_sending(claim, ask, parts).await {
            Ok(Asked::Hit(_)) => "hit",
            Ok(Asked::Missed(..)) => "missed",
            Ok(Asked::Sent(..)) => "sent",
            Err(_) => "failed",
        }
    }

    #[tokio::test]
    async fn sending_ends_when_it_turns_out_to_be_needless() {
        let late = async || {
            tokio::task::yield_now().await;
            Ok(claim())
        };
        let sent = || ready(Ok(vec![MD5]));
        assert_eq!(outcome(ready(Ok(claim())), true, pending()).await, "hit");
        assert_eq!(outcome(ready(Ok(claim())), false, sent()).await, "missed");
        assert_eq!(outcome(pending(), true, sent()).await, "sent");
        assert_eq!(outcome(late(), true, ready(failure())).await, "hit");
        assert_eq!(outcome(late(), false, ready(failure())).await, "failed");
        assert_eq!(outcome(ready(Ok(claim())), true, ready(failure())).await, "hit");
        assert_eq!(outcome(ready(Ok(claim())), false, ready(failure())).await, "failed");
    }
}
