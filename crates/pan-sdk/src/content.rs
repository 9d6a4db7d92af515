use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use pan_model::ByteSize;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::digest::Algorithm;
use crate::local_file::{LocalFile, blocking};
use crate::multipart::{Frames, Proof};
use crate::{Digest, Error};

/// How much is read at a time from a reader.
const CHUNK_BYTES: usize = 256 * 1024;
/// What is no larger is hashed where it stands: that takes a millisecond.
const HASHED_IN_PLACE: usize = 512 * 1024;

/// What an upload sends. Its length is known beforehand.
///
/// Bytes and files can be sent again after a failure; a reader or a stream
/// cannot, so an upload from one has a single try.
pub struct Content {
    source: Source,
    length: u64,
    /// Where it is known before anything is sent.
    digest: Option<Digest>,
    /// What is computed where it is not.
    algorithm: Algorithm,
}

enum Source {
    Bytes(Bytes),
    File(LocalFile, Range<u64>),
    /// Gone after the first sending.
    Once(Option<Frames>),
}

impl Content {
    fn new(length: u64, source: Source) -> Self {
        Self { source, length, digest: None, algorithm: Algorithm::Md5 }
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(bytes.len() as u64, Source::Bytes(bytes))
    }

    /// A regular file, whole.
    ///
    /// # Errors
    /// [`Error::Local`] when it cannot be opened.
    pub async fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = LocalFile::open(path.as_ref()).await?;
        let range = 0..file.length();
        Ok(Self::file_range(file, range))
    }

    /// The next `length` bytes of a reader.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static, length: ByteSize) -> Self {
        let limited = reader.take(length.0);
        let frames = stream::try_unfold(limited, async |mut reader| {
            let mut chunk =
                BytesMut::with_capacity(CHUNK_BYTES.min(reader.limit() as usize).max(1));
            while chunk.len() < chunk.capacity() && reader.read_buf(&mut chunk).await? > 0 {}
            Ok((!chunk.is_empty()).then(|| (chunk.freeze(), reader)))
        });
        Self::stream(frames, length)
    }

    /// A stream of pieces, of `length` bytes in all.
    pub fn stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: ByteSize,
    ) -> Self {
        let read = |piece: io::Result<Bytes>| {
            piece.map_err(|error| Error::local("cannot read the content of an upload", error))
        };
        Self::new(length.0, Source::Once(Some(stream.map(read).boxed())))
    }

    /// A part of a file.
    pub(crate) fn file_range(file: LocalFile, range: Range<u64>) -> Self {
        Self::new(range.end - range.start, Source::File(file, range))
    }

    /// How many bytes there are.
    pub fn size(&self) -> ByteSize {
        ByteSize(self.length)
    }

    /// Begins a sending; `None` when the content was sent and cannot be again.
    pub(crate) fn frames(&mut self) -> Option<Frames> {
        match &mut self.source {
            Source::Bytes(bytes) => {
                let bytes = bytes.clone();
                Some(stream::once(async move { Ok(bytes) }).boxed())
            }
            Source::File(file, range) => Some(file.frames(range.clone())),
            Source::Once(frames) => frames.take(),
        }
    }

    /// The same content, of which the digest is known, if it is.
    pub(crate) fn with_digest(self, digest: Option<Digest>) -> Self {
        Self { digest, ..self }
    }

    /// The same content, to be compared by this digest. Of what can be read
    /// only once it stays the md5, which everybody knows.
    pub(crate) fn compared_by(self, algorithm: Algorithm) -> Self {
        if self.is_repeatable() { Self { algorithm, ..self } } else { self }
    }

    /// The digest, if it is known.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What a sending is compared by.
    pub(crate) fn proof(&self) -> Proof {
        self.digest.map_or(Proof::By(self.algorithm), Proof::Known)
    }

    /// Finds the digest before anything is sent, unless the content can be
    /// read only once.
    pub(crate) async fn hash(&mut self) -> Result<(), Error> {
        if self.digest.is_none() {
            self.digest = self.compute(self.algorithm).await?;
        }
        Ok(())
    }

    /// Computes a digest; none of what can be read only once.
    pub(crate) async fn compute(&mut self, algorithm: Algorithm) -> Result<Option<Digest>, Error> {
        Ok(match &self.source {
            Source::Bytes(bytes) if bytes.len() <= HASHED_IN_PLACE => Some(algorithm.digest(bytes)),
            Source::Bytes(bytes) => {
                let bytes = bytes.clone();
                Some(blocking(move || Ok(algorithm.digest(&bytes))).await?)
            }
            Source::File(file, range) => Some(file.digest(range.clone(), algorithm).await?),
            Source::Once(_) => None,
        })
    }

    /// Whether it can be sent another time.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.source, Source::Once(_))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::Bytes(_) => "bytes",
            Source::File(..) => "file",
            Source::Once(_) => "stream",
        };
        write!(out, "Content({source}, {} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream::TryStreamExt;
    use pan_model::ByteSize;

    use super::Content;

    #[tokio::test]
    async fn a_reader_is_read_to_its_length_and_once() {
        let mut content = Content::reader(&b"hello world"[..], ByteSize(5));
        let pieces: Vec<_> = content.frames().unwrap().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"hello");
        assert!(content.frames().is_none());
    }

    #[tokio::test]
    async fn a_file_is_read_in_large_pieces_and_as_often_as_asked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..700_000u32).map(|i| i as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let mut content = Content::file(file.path()).await.unwrap();
        for _ in 0..2 {
            let pieces: Vec<_> = content.frames().unwrap().try_collect().await.unwrap();
            assert_eq!(pieces.len(), 3);
            assert_eq!(pieces.concat(), bytes);
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (before, after) in [(600_000, 600_001), (600_000, 10)] {
            std::fs::write(file.path(), vec![1; before]).unwrap();
            let mut content = Content::file(file.path()).await.unwrap();
            std::fs::write(file.path(), vec![2; after]).unwrap();
            let read: Result<Vec<_>, _> = content.frames().unwrap().try_collect().await;
            assert!(matches!(read, Err(crate::Error::LocalChanged { .. })), "{before} {after}");
        }
    }

    #[tokio::test]
    async fn a_small_file_is_what_it_was_when_it_was_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "before").unwrap();
        let mut content = Content::file(file.path()).await.unwrap();
        std::fs::write(file.path(), "afterwards").unwrap();
        let pieces: Vec<_> = content.frames().unwrap().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"before");
    }
}
