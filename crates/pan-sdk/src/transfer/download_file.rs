use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use md5::{Digest, Md5 as Hasher};
use pan_model::{Md5, PanPath};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::parts::cut;
use super::target::{Target, Writer};
use crate::local_file::{blocking, read_exact_at};
use crate::upload::compare;
use crate::{Client, Download, Error, FileFacts, TransferOptions};

/// What is no larger is held in memory and written at once.
const SMALL_BYTES: u64 = 1 << 20;
/// How much of a written file is read back at a time.
const HASH_BYTES: u64 = 1 << 20;

impl Client {
    /// Downloads a file of any size to a local path, where it replaces what
    /// was there.
    ///
    /// The bytes go to a temporary file in the same directory, which is
    /// renamed once its size and md5 are right; until then, and after a
    /// failure, the path is as it was. A file above the threshold is fetched
    /// in parallel ranges.
    ///
    /// # Errors
    /// As [`download`](Self::download); [`Error::RemoteChanged`] and
    /// [`Error::Damaged`]; [`Error::Local`] when it cannot be written.
    pub async fn download_file(
        &self,
        from: &PanPath,
        to: impl AsRef<Path>,
        options: &TransferOptions,
    ) -> Result<FileFacts, Error> {
        let to = to.as_ref();
        let first = self.download(from, 0..options.threshold.0.max(1)).await?;
        let facts = first.facts().clone();
        if first.range() == (0..facts.size.0) && facts.size.0 <= SMALL_BYTES {
            let pieces = collect(first, options).await?;
            Target::write_small(to, pieces, options.modified).await?;
            return Ok(facts);
        }
        let target = Target::create(to).await?;
        if first.range() == (0..facts.size.0) {
            save(first, &target, options).await?;
        } else {
            self.download_in_parts(from, first, &target, options).await?;
        }
        target.finish(options.modified).await?;
        Ok(facts)
    }

    /// Fetches what is behind the first range in parallel to it. Beside that,
    /// what was written is read back in order, to compare the md5.
    async fn download_in_parts(
        &self,
        from: &PanPath,
        first: Download,
        target: &Target,
        options: &TransferOptions,
    ) -> Result<(), Error> {
        let facts = first.facts().clone();
        let rest = cut(first.range().end..facts.size.0, options.part_size)
            .map(|range| self.download_part(from, range, &facts, target, options).boxed());
        let (saved, ranges) = unbounded_channel();
        let fetch = async move {
            let first = save(first, target, options).boxed();
            let parts = stream::iter([first]).chain(stream::iter(rest));
            let mut parts = pin!(parts.buffer_unordered(options.lanes()));
            while let Some(range) = parts.try_next().await? {
                // The other half has ended only when it failed, and that ends this one.
                let _ = saved.send(range);
            }
            Ok(())
        };
        let check = hash_as_saved(target.file(), facts.md5, ranges);
        tokio::try_join!(fetch, check).map(|_| ())
    }

    async fn download_part(
        &self,
        from: &PanPath,
        range: Range<u64>,
        facts: &FileFacts,
        target: &Target,
        options: &TransferOptions,
    ) -> Result<Range<u64>, Error> {
        let part = self.download(from, range.clone()).await?;
        if !facts.is_same_content(part.facts()) || part.range() != range {
            return Err(Error::RemoteChanged { path: from.clone() });
        }
        save(part, target, options).await
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
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Receives a range into its place in the file.
async fn save(
    mut download: Download,
    target: &Target,
    options: &TransferOptions,
) -> Result<Range<u64>, Error> {
    let range = download.range();
    let meter = options.progress.meter();
    let mut writer = Writer::new(target, range.start);
    let mut received = 0;
    while let Some(piece) = download.chunk().await? {
        received += piece.len() as u64;
        meter.reach(received);
        writer.write(piece).await?;
    }
    writer.finish().await?;
    Ok(range)
}

/// Hashes a file from its beginning, as its ranges are reported in any order,
/// and compares the md5.
async fn hash_as_saved(
    file: Arc<File>,
    expected: Option<Md5>,
    mut saved: UnboundedReceiver<Range<u64>>,
) -> Result<(), Error> {
    let Some(expected) = expected else { return Ok(()) };
    let mut hasher = Hasher::new();
    let mut position = 0;
    let mut waiting = HashMap::new();
    while let Some(range) = saved.recv().await {
        waiting.insert(range.start, range.end);
        while let Some(end) = waiting.remove(&position) {
            hasher = hash_range(Arc::clone(&file), hasher, position..end).await?;
            position = end;
        }
    }
    compare(Some(expected), Some(Md5(hasher.finalize().into())))
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
    use crate::Error;

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
            let md5 = text.parse().unwrap();
            let checked = hash_as_saved(Arc::clone(&file), Some(md5), ranges).await;
            assert_eq!(checked.is_ok(), right);
            assert!(right || matches!(checked, Err(Error::Damaged { .. })));
        }
    }
}
