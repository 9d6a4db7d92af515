use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt};
use pan_model::PanPath;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing::info;

use super::download_journal::{Begun, DownloadJournal, DownloadName};
use super::parts::cut;
use super::target::{Target, Writer};
use crate::digest::{Hasher, compare};
use crate::local_file::{blocking, read_exact_at};
use crate::{Client, Digest, Download, Error, FileFacts, Progress, TransferOptions};

/// What is no larger is held in memory and written at once.
const SMALL_BYTES: u64 = 1 << 20;
/// How much of a written file is read back at a time.
const HASH_BYTES: u64 = 1 << 20;

impl Client {
    /// Downloads a file of any size to a local path, where it replaces what
    /// was there.
    ///
    /// The bytes go to a temporary file in the same directory, which is
    /// renamed once its size and digest are right; until then, and after a
    /// failure, the path is as it was. What is damaged on its way is fetched
    /// once more. A file of more than 1 MiB is flushed to the disk before it
    /// gets its name; smaller ones are left to the operating system.
    ///
    /// A file above the threshold is fetched in parallel ranges. With a
    /// [journal](TransferOptions::journal) what has arrived of it stays, under
    /// the name `.pan-….part` beside `to`, when the download fails or is
    /// dropped, or the process ends; the same call goes on with what is
    /// missing, as long as the file on the service is the same. What nobody
    /// comes back for is removed after 14 days by another transfer with that
    /// journal.
    ///
    /// # Errors
    /// As [`download`](Self::download); [`Error::RemoteChanged`] and
    /// [`Error::Damaged`]; [`Error::Local`] when it cannot be written, or the
    /// same download is running already.
    pub async fn download_file(
        &self,
        from: &PanPath,
        to: impl AsRef<Path>,
        options: &TransferOptions,
    ) -> Result<FileFacts, Error> {
        let to = to.as_ref();
        match self.download_file_once(from, to, options).await {
            Err(error @ Error::Damaged { .. }) if self.retry().repeats() => {
                info!("fetching `{from}` once more: {error}");
                // Its bytes were counted.
                let uncounted =
                    TransferOptions { progress: Progress::default(), ..options.clone() };
                self.download_file_once(from, to, &uncounted).await
            }
            done => done,
        }
    }

    async fn download_file_once(
        &self,
        from: &PanPath,
        to: &Path,
        options: &TransferOptions,
    ) -> Result<FileFacts, Error> {
        let journal = options.journal.as_deref();
        let name = journal.map(|directory| DownloadName::new(directory, self, from, to));
        if let Some(name) = name.as_ref().filter(|name| name.is_known()) {
            let facts = self.facts(from).await?;
            if facts.size > options.threshold
                && let Some(begun) = name.begin(&facts).await?
            {
                return self.go_on(from, facts, None, begun, options).await;
            }
        }
        let first = self.download(from, 0..options.threshold.0.max(1)).await?;
        let facts = first.facts().clone();
        if first.range() != (0..facts.size.0) {
            let begun = match name {
                Some(name) => name.begin(&facts).await?,
                None => None,
            };
            let begun = match begun {
                Some(begun) => begun,
                None => Begun::unremembered(Target::create(to).await?),
            };
            return self.go_on(from, facts, Some(first), begun, options).await;
        }
        if facts.size.0 <= SMALL_BYTES {
            let pieces = collect(first, options).await?;
            Target::write_small(to, pieces, options.modified).await?;
            return Ok(facts);
        }
        let target = Target::create(to).await?;
        save(first, &target, None, options).await?;
        target.finish(options.modified).await?;
        Ok(facts)
    }

    /// Fetches what is missing of a file, and gives it its place.
    async fn go_on(
        &self,
        from: &PanPath,
        facts: FileFacts,
        first: Option<Download>,
        begun: Begun,
        options: &TransferOptions,
    ) -> Result<FileFacts, Error> {
        options.progress.meter().reach(begun.done.total());
        let first = first.filter(|_| begun.done.is_empty());
        let fetched = self.download_in_parts(from, &facts, first, &begun, options).await;
        let Begun { journal, target, .. } = begun;
        if let (Err(Error::Damaged { .. }), Some(journal)) = (&fetched, &journal) {
            journal.forget();
        }
        fetched?;
        target.finish(options.modified).await?;
        if let Some(journal) = journal {
            journal.finish();
        }
        Ok(facts)
    }

    /// Fetches the missing ranges in parallel, the first of which may have
    /// begun. Beside that, what was written is read back in order, to compare
    /// the digest.
    async fn download_in_parts(
        &self,
        from: &PanPath,
        facts: &FileFacts,
        first: Option<Download>,
        begun: &Begun,
        options: &TransferOptions,
    ) -> Result<(), Error> {
        let Begun { journal, target, done } = begun;
        let mut missing = done.clone();
        missing.insert(first.iter().map(Download::range).next().unwrap_or_default());
        let gaps = missing.gaps(facts.size.0);
        let rest = gaps
            .into_iter()
            .flat_map(|gap| cut(gap, options.part_size))
            .map(|range| self.download_part(from, range, facts, begun, options).boxed());
        let failed = AtomicBool::new(false);
        let rest = rest.take_while(|_| !failed.load(Ordering::Relaxed));
        let first = first.map(|first| save(first, target, journal.as_ref(), options).boxed());
        // Boxed, or the compiler cannot tell that the whole may be given to a task.
        let parts = stream::iter(first).chain(stream::iter(rest)).boxed();
        let (saved, ranges) = unbounded_channel();
        for range in done.iter() {
            // The other half has ended only when it failed, and that ends this one.
            let _ = saved.send(range);
        }
        let fetch = async {
            let saved = saved;
            let mut parts = pin!(parts.buffer_unordered(options.lanes()));
            let mut fetched = Ok(());
            while let Some(part) = parts.next().await {
                match part {
                    Ok(range) => _ = saved.send(range),
                    // Those that are on their way still arrive, to be remembered.
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        fetched = fetched.and(Err(error));
                    }
                }
            }
            fetched
        };
        let check = hash_as_saved(target.file(), facts.digest(), ranges);
        tokio::try_join!(fetch, check).map(|_| ())
    }

    async fn download_part(
        &self,
        from: &PanPath,
        range: Range<u64>,
        facts: &FileFacts,
        begun: &Begun,
        options: &TransferOptions,
    ) -> Result<Range<u64>, Error> {
        let part = self.download(from, range.clone()).await?;
        if !facts.is_same_content(part.facts()) || part.range() != range {
            return Err(Error::RemoteChanged { path: from.clone() });
        }
        save(part, &begun.target, begun.journal.as_ref(), options).await
    }
}

/// Receives a small file whole.
async fn collect(mut download: Download, options: &TransferOptions) -> Result<Vec<Bytes>, Error> {
    let mut pieces = Vec::new();
    let meter = options.progress.meter();
    let mut received = 0;
    while let Some(piece) = download.chunk().await? {
        received += piece.len() as u64;
        meter.reach(received);
        options.throttle.pass(piece.len()).await;
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Receives a range into its place in the file.
async fn save(
    mut download: Download,
    target: &Target,
    journal: Option<&DownloadJournal>,
    options: &TransferOptions,
) -> Result<Range<u64>, Error> {
    let range = download.range();
    let meter = options.progress.meter();
    let mut writer = Writer::new(target, range.start, journal);
    let mut received = 0;
    loop {
        let piece = match download.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                // What has come is worth keeping; why no more comes is worth telling.
                let _ = writer.finish().await;
                return Err(error);
            }
        };
        let length = piece.len();
        received += length as u64;
        meter.reach(received);
        writer.write(piece).await?;
        options.throttle.pass(length).await;
    }
    writer.finish().await?;
    Ok(range)
}

/// Hashes a file from its beginning, as its ranges are reported in any order,
/// and compares the digest.
async fn hash_as_saved(
    file: Arc<File>,
    expected: Option<Digest>,
    mut saved: UnboundedReceiver<Range<u64>>,
) -> Result<(), Error> {
    let Some(expected) = expected else { return Ok(()) };
    let mut hasher = expected.algorithm().hasher();
    let mut position = 0;
    let mut waiting = HashMap::new();
    while let Some(range) = saved.recv().await {
        waiting.insert(range.start, range.end);
        while let Some(end) = waiting.remove(&position) {
            hasher = hash_range(Arc::clone(&file), hasher, position..end).await?;
            position = end;
        }
    }
    compare(Some(expected), Some(hasher.finish()))
}

async fn hash_range(
    file: Arc<File>,
    mut hasher: Hasher,
    range: Range<u64>,
) -> Result<Hasher, Error> {
    let read = move || -> io::Result<Hasher> {
        let mut buffer = vec![0; HASH_BYTES as usize];
        let mut start = range.start;
        while start < range.end {
            let length = HASH_BYTES.min(range.end - start) as usize;
            read_exact_at(&file, &mut buffer[..length], start)?;
            hasher.update(&buffer[..length]);
            start += length as u64;
        }
        Ok(hasher)
    };
    blocking(|| read().map_err(|error| Error::local("cannot read back what was written", error)))
        .await
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use tokio::sync::mpsc::unbounded_channel;

    use super::hash_as_saved;
    use crate::{Digest, Error};

    #[tokio::test]
    async fn ranges_are_hashed_in_order_whatever_order_they_come_in() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello world").unwrap();
        let file = Arc::new(file);
        for (text, right) in [
            ("5eb63bbbe01eeed093cb22bb8f5acdc3", true),
            ("900150983cd24fb0d6963f7d28e17f72", false),
        ] {
            let (saved, ranges) = unbounded_channel();
            for range in [8..11, 0..3, 3..8] {
                saved.send(range).unwrap();
            }
            drop(saved);
            let expected = Some(Digest::Md5(text.parse().unwrap()));
            let checked = hash_as_saved(Arc::clone(&file), expected, ranges).await;
            assert_eq!(checked.is_ok(), right);
            assert!(right || matches!(checked, Err(Error::Damaged { .. })));
        }
    }
}
