use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pan_model::{Md5, Ondup, PanPath};
use pan_pcs::{BULK_END, BulkLimits, ErrorCode, MAX_BULK_HEADER_BYTES};

use super::TransferOptions;
use crate::bulk_upload::frame_of;
use crate::{Client, Content, Entry, Error, Progress};

/// How many files are on their way at once where each needs a call of its own.
const ALONE_AT_ONCE: usize = 16;
/// How many bulk requests are: while one is being committed the next comes.
const BULK_AT_ONCE: usize = 2;
/// The most that a bulk request holds, however much the service takes: what
/// is sent again after a failure should be little.
const BULK_ITEMS: u64 = 500;
const BULK_BYTES: u64 = 8 << 20;

/// A small file that is uploaded together with others.
#[derive(Debug, Clone)]
pub struct SmallFile {
    /// Where it goes. Missing parents are created.
    pub path: PanPath,
    /// All its bytes.
    pub bytes: Bytes,
    /// What happens when the name is taken.
    pub ondup: Ondup,
}

impl SmallFile {
    /// Files up to this size are worth uploading together: 256 KiB.
    pub const MAX_BYTES: u64 = 256 << 10;
}

type Outcome = Result<Entry, Error>;

impl Client {
    /// Uploads many small files. Each succeeds or fails on its own; the
    /// results come in the order of the files. No path should be there twice:
    /// which of the two comes last is not said.
    ///
    /// They go in [bulk requests](Self::bulk_upload) where the service takes
    /// such; what is too large for one, and everything at other services, is
    /// an [`upload`](Self::upload) of its own, 16 at once. Of the options
    /// `progress` and `throttle` count.
    pub async fn upload_many(
        &self,
        files: Vec<SmallFile>,
        options: &TransferOptions,
    ) -> Vec<Result<Entry, Error>> {
        let mut run = Run::new(&files);
        match self.bulk_limits().await {
            Some(limits) => self.send_packs(&mut run, limits, options).await,
            None => run.leave_alone(0..files.len(), &options.progress),
        }
        self.send_alone(&mut run, options).await;
        run.outcomes.into_iter().flatten().collect()
    }

    /// The limits of bulk requests, if they are of use here.
    async fn bulk_limits(&self) -> Option<BulkLimits> {
        if self.is_bulk_refused() {
            return None;
        }
        self.extensions_soon().await.bulk_upload
    }

    async fn send_packs(&self, run: &mut Run<'_>, limits: BulkLimits, options: &TransferOptions) {
        let files = run.files;
        let send = async |pack: Pack| {
            let meter = options.progress.meter();
            let files: Vec<_> = pack.iter().map(|&nth| &files[nth]).collect();
            let result = self.bulk_upload_metered(&files, &meter, &options.throttle).await;
            (pack, meter.reached(), result)
        };
        let packs = run.pack(limits, &options.progress);
        let mut sent = stream::iter(packs).map(send).buffer_unordered(BULK_AT_ONCE);
        while let Some((pack, told, result)) = sent.next().await {
            match result {
                Ok(outcomes) => run.take(&pack, outcomes, &options.progress),
                Err(error) => {
                    if is_refused_for_good(&error) {
                        self.refuse_bulk();
                    }
                    run.take_failure(&pack, &error, &options.progress.beyond(told));
                }
            }
        }
    }

    async fn send_alone(&self, run: &mut Run<'_>, options: &TransferOptions) {
        let files = run.files;
        let send = async |Alone { nth, progress }| {
            let file: &SmallFile = &files[nth];
            let content = Content::bytes(file.bytes.clone());
            let options = TransferOptions { progress, ..options.clone() };
            (nth, self.upload_metered(&file.path, content, file.ondup, &options).await)
        };
        let alone = std::mem::take(&mut run.alone);
        let mut sent = stream::iter(alone).map(send).buffer_unordered(ALONE_AT_ONCE);
        while let Some((nth, outcome)) = sent.next().await {
            run.outcomes[nth] = Some(outcome);
        }
    }
}

/// Files of one bulk request, by their numbers.
type Pack = Vec<usize>;

/// A file that needs a call of its own, and who is told of its bytes.
struct Alone {
    nth: usize,
    progress: Progress,
}

/// What has become of the files.
struct Run<'a> {
    files: &'a [SmallFile],
    outcomes: Vec<Option<Outcome>>,
    alone: Vec<Alone>,
}

impl<'a> Run<'a> {
    fn new(files: &'a [SmallFile]) -> Self {
        Self { files, outcomes: files.iter().map(|_| None).collect(), alone: Vec::new() }
    }

    fn leave_alone(&mut self, files: impl IntoIterator<Item = usize>, progress: &Progress) {
        self.alone.extend(files.into_iter().map(|nth| Alone { nth, progress: progress.clone() }));
    }

    /// Cuts the files into what fits into requests; what fits into none is
    /// left alone.
    fn pack(&mut self, limits: BulkLimits, progress: &Progress) -> Vec<Pack> {
        let items_max = limits.items_max.min(BULK_ITEMS);
        let bytes_max = limits.bytes_max.min(BULK_BYTES).saturating_sub(BULK_END.len() as u64);
        let (mut packs, mut pack) = (Vec::new(), Pack::new());
        let mut bytes = 0;
        for (nth, file) in self.files.iter().enumerate() {
            // Any md5 is as long as the one that will be sent.
            let header = frame_of(file, Md5([0; 16])).len();
            let (size, frame) = (file.bytes.len() as u64, header as u64 + file.bytes.len() as u64);
            let is_long = header - BULK_END.len() > MAX_BULK_HEADER_BYTES;
            if size > limits.item_bytes_max || frame > bytes_max || is_long || items_max == 0 {
                self.leave_alone([nth], progress);
                continue;
            }
            if pack.len() as u64 == items_max || bytes + frame > bytes_max {
                packs.push(std::mem::take(&mut pack));
                bytes = 0;
            }
            pack.push(nth);
            bytes += frame;
        }
        packs.push(pack);
        packs.retain(|pack| !pack.is_empty());
        packs
    }

    /// Takes what came of the files of a request, whose bytes are all told.
    fn take(&mut self, pack: &[usize], outcomes: Vec<Outcome>, progress: &Progress) {
        for (&nth, outcome) in pack.iter().zip(outcomes) {
            let file = &self.files[nth];
            match outcome {
                Err(error) if is_worth_a_try(&error, file.ondup) => {
                    self.leave_alone([nth], &progress.beyond(file.bytes.len() as u64));
                }
                outcome => self.outcomes[nth] = Some(outcome),
            }
        }
    }

    /// Takes the failure of a whole request.
    fn take_failure(&mut self, pack: &[usize], error: &Error, progress: &Progress) {
        for &nth in pack {
            let is_harmless = self.files[nth].ondup == Ondup::Overwrite;
            if is_refused_for_good(error) || (is_harmless && error.is(ErrorCode::Param)) {
                self.leave_alone([nth], progress);
            } else {
                self.outcomes[nth] = Some(Err(error.again()));
            }
        }
    }
}

/// Whether a call of its own may end better, and cannot do harm.
fn is_worth_a_try(error: &Error, ondup: Ondup) -> bool {
    let is_harmless = ondup == Ondup::Overwrite || error.is_unexecuted();
    // 31208: the bytes were others when they arrived, and nothing was stored.
    (error.is_retryable() && is_harmless) || error.is(ErrorCode::BadRequest)
}

/// Whether bulk requests do not get through here, whatever is in them: the
/// service has forgotten them, or something in between takes no such bodies.
fn is_refused_for_good(error: &Error) -> bool {
    match error {
        Error::Reply { status, .. } => matches!(status, 403..=405 | 411 | 413 | 415 | 501),
        _ => error.is(ErrorCode::UnsupportedApi),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pan_model::{Ondup, PanPath};
    use pan_pcs::BulkLimits;

    use super::{Run, SmallFile};
    use crate::Progress;

    fn files(sizes: &[usize]) -> Vec<SmallFile> {
        let path = PanPath::parse("/a").unwrap();
        let file = |&size: &usize| SmallFile {
            path: path.clone(),
            bytes: Bytes::from(vec![0; size]),
            ondup: Ondup::Fail,
        };
        sizes.iter().map(file).collect()
    }

    #[test]
    fn files_are_packed_within_the_limits() {
        let sizes = [0, 10, 2_000, 10, 900, 900, 900, 1];
        let files = files(&sizes);
        let mut run = Run::new(&files);
        let limits = BulkLimits { items_max: 3, item_bytes_max: 1_000, bytes_max: 2_100 };
        let packs = run.pack(limits, &Progress::default());
        assert_eq!(packs, [vec![0, 1, 3], vec![4, 5], vec![6, 7]]);
        assert_eq!(run.alone.iter().map(|alone| alone.nth).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn nothing_is_packed_where_nothing_fits() {
        let files = files(&[0, 10]);
        let limits = BulkLimits { items_max: 0, item_bytes_max: 1_000, bytes_max: 2_100 };
        let mut run = Run::new(&files);
        assert!(run.pack(limits, &Progress::default()).is_empty());
        assert_eq!(run.alone.len(), 2);
        assert!(Run::new(&[]).pack(BulkLimits::OPENPAN, &Progress::default()).is_empty());
    }
}
