//! A local file that must stay as it is while it is being read.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use md5::{Digest as _, Md5 as Hasher};
use pan_model::{ByteSize, ContentClaim, ContentProbe, Crc32, Md5, SLICE_BYTES};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::digest::{self, Algorithm};
use crate::multipart::Frames;
use crate::transfer::cut;
use crate::{Digest, Error};

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// How many chunks are read ahead.
const CHUNKS_AHEAD: usize = 2;

/// An open file, and what it looked like when it was opened. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LocalFile(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    inode: Option<(u64, u64)>,
    changed: Option<(i64, i64)>,
    /// All of a small file: it is read as it is opened, in one go.
    small: Option<Bytes>,
}

impl LocalFile {
    /// Opens a regular file.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        blocking(move || Self::open_now(path)).await
    }

    fn open_now(path: PathBuf) -> Result<Self, Error> {
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| cannot("read", &path, error))?;
        if !metadata.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(cannot("read", &path, error));
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        let (inode, changed) = (inode_of(&metadata), changed_of(&metadata));
        let mut opened = Opened { file, path, length, modified, inode, changed, small: None };
        if length <= CHUNK_BYTES as u64 {
            opened.small = Some(opened.last_chunk(0..length)?);
        }
        Ok(Self(Arc::new(opened)))
    }

    /// Where it is, as it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.0.length
    }

    /// A range of it, piece by piece. The last piece is handed out only when
    /// the file is still what it was.
    pub(crate) fn frames(&self, range: Range<u64>) -> Frames {
        if let Some(small) = &self.0.small {
            let piece = small.slice(range.start as usize..range.end as usize);
            return stream::iter([Ok(piece)]).boxed();
        }
        let file = Arc::clone(&self.0);
        let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
        spawn_blocking(move || {
            for chunk in file.chunks(range) {
                let is_last = chunk.is_err();
                // A receiver that is gone wants no more.
                if chunks.blocking_send(chunk).is_err() || is_last {
                    break;
                }
            }
        });
        stream::unfold(received, async |mut received| Some((received.recv().await?, received)))
            .boxed()
    }

    /// What rapid upload says about the file, in one pass over it.
    pub(crate) async fn claim(&self) -> Result<ContentClaim, Error> {
        let file = Arc::clone(&self.0);
        let (_wanted, given_up) = wanted();
        blocking(move || {
            let (mut md5, mut crc32) = (Hasher::new(), crc32fast::Hasher::new());
            let mut slice_md5 = None;
            // The first chunk is the slice.
            const { assert!(CHUNK_BYTES as u64 == SLICE_BYTES) };
            file.each_chunk(0..file.length, |chunk| {
                given_up()?;
                md5.update(chunk);
                crc32.update(chunk);
                slice_md5.get_or_insert_with(|| Md5(md5.clone().finalize().into()));
                Ok(())
            })?;
            let md5 = Md5(md5.finalize().into());
            Ok(ContentClaim {
                size: ByteSize(file.length),
                md5,
                slice_md5: slice_md5.unwrap_or(md5),
                crc32: vec![Crc32(crc32.finalize())],
            })
        })
        .await
    }

    /// What can be said about the file after its beginning.
    pub(crate) async fn probe(&self) -> Result<ContentProbe, Error> {
        let (file, mut hasher) = (Arc::clone(&self.0), Hasher::new());
        let (size, slice) = (ByteSize(file.length), 0..file.length.min(SLICE_BYTES));
        blocking(move || {
            file.each_chunk(slice, |chunk| {
                hasher.update(chunk);
                Ok(())
            })?;
            Ok(ContentProbe { size, slice_md5: Md5(hasher.finalize().into()) })
        })
        .await
    }

    /// The md5 of the whole.
    pub(crate) async fn md5(&self) -> Result<Md5, Error> {
        let hasher = self
            .hash(0..self.length(), Hasher::new(), |hasher, bytes| hasher.update(bytes))
            .await?;
        Ok(Md5(hasher.finalize().into()))
    }

    /// A digest of a range, or of the whole.
    pub(crate) async fn digest(
        &self,
        range: Range<u64>,
        algorithm: Algorithm,
    ) -> Result<Digest, Error> {
        let hasher = self.hash(range, algorithm.hasher(), digest::Hasher::update).await?;
        Ok(hasher.finish())
    }

    async fn hash<H: Send + 'static>(
        &self,
        range: Range<u64>,
        mut hasher: H,
        update: fn(&mut H, &[u8]),
    ) -> Result<H, Error> {
        // What is in memory is hashed in less time than a thread needs to wake up.
        if let Some(small) = &self.0.small {
            update(&mut hasher, &small[range.start as usize..range.end as usize]);
            return Ok(hasher);
        }
        let file = Arc::clone(&self.0);
        let (_wanted, given_up) = wanted();
        blocking(move || {
            file.each_chunk(range, |chunk| {
                given_up()?;
                update(&mut hasher, chunk);
                Ok(())
            })?;
            Ok(hasher)
        })
        .await
    }

    /// What it looked like when it was opened.
    pub(crate) fn looks(&self) -> Looks {
        let modified = self.0.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.map(|time| time.as_nanos() as u64);
        let Opened { length: size, inode, changed, .. } = *self.0;
        Looks { size, modified_ns, inode, changed }
    }
}

/// What tells a file from the one that it may have become. Two that look the
/// same have the same content, unless somebody took pains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Looks {
    size: u64,
    /// Nanoseconds since 1970.
    modified_ns: Option<u64>,
    /// Device and number, where files have them.
    inode: Option<(u64, u64)>,
    /// When anything of it changed, in seconds and nanoseconds, where that is
    /// known: unlike the modification time nobody can turn it back.
    changed: Option<(i64, i64)>,
}

impl Opened {
    /// The chunks of a range. The last one of all is an error when the file
    /// has changed.
    fn chunks(&self, range: Range<u64>) -> impl Iterator<Item = Result<Bytes, Error>> {
        let end = range.end;
        cut(range, ByteSize(CHUNK_BYTES as u64)).map(move |chunk| {
            if chunk.end < end { self.chunk(chunk) } else { self.last_chunk(chunk) }
        })
    }

    fn last_chunk(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let chunk = self.chunk(range)?;
        self.check_unchanged()?;
        Ok(chunk)
    }

    fn chunk(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let mut chunk = BytesMut::zeroed((range.end - range.start) as usize);
        self.fill(&mut chunk, range.start)?;
        Ok(chunk.freeze())
    }

    /// Shows the chunks of a range, in one buffer, and fails in the end when
    /// the file has changed.
    fn each_chunk(
        &self,
        range: Range<u64>,
        mut show: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK_BYTES];
        for chunk in cut(range, ByteSize(CHUNK_BYTES as u64)) {
            let length = (chunk.end - chunk.start) as usize;
            self.fill(&mut buffer[..length], chunk.start)?;
            show(&buffer[..length])?;
        }
        self.check_unchanged()
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        read_exact_at(&self.file, buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => cannot("read", &self.path, error),
        })
    }

    fn check_unchanged(&self) -> Result<(), Error> {
        let now = self.file.metadata().map_err(|error| cannot("read", &self.path, error))?;
        if self.is_unchanged(&now) { Ok(()) } else { Err(self.changed()) }
    }

    fn is_unchanged(&self, now: &Metadata) -> bool {
        now.len() == self.length && now.modified().ok() == self.modified
    }

    fn changed(&self) -> Error {
        Error::LocalChanged { path: self.path.clone() }
    }
}

#[cfg(unix)]
fn inode_of(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode_of(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(unix)]
fn changed_of(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed_of(_: &Metadata) -> Option<(i64, i64)> {
    None
}

#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

/// While the first is kept, the second finds nothing: a thread cannot be
/// stopped from outside, and nobody should read a large file for nobody.
fn wanted() -> (Arc<()>, impl Fn() -> Result<(), Error>) {
    let wanted = Arc::new(());
    let watched = Arc::downgrade(&wanted);
    let given_up = move || match watched.strong_count() {
        0 => Err(Error::local("a file is not read on", io::ErrorKind::Interrupted.into())),
        _ => Ok(()),
    };
    (wanted, given_up)
}

/// Runs something that blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::local("a task was given up", io::Error::other(error))),
    }
}

/// An error with the name of the file that it is about.
pub(crate) fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::local(format!("cannot {verb} `{}`", path.display()), error)
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5 as Hasher};
    use pan_model::Md5;

    use super::LocalFile;

    #[tokio::test]
    async fn a_claim_is_what_the_file_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..700_001u32).map(|i| ((i * 7) >> 3) as u8).collect();
        for length in [262_144, 262_145, 524_288, 700_001] {
            let bytes = &bytes[..length];
            std::fs::write(file.path(), bytes).unwrap();
            let claim = LocalFile::open(file.path()).await.unwrap().claim().await.unwrap();
            let md5 = |bytes: &[u8]| Md5(Hasher::digest(bytes).into());
            assert_eq!(claim.size.0, length as u64);
            assert_eq!((claim.md5, claim.slice_md5), (md5(bytes), md5(&bytes[..262_144])));
            assert_eq!(claim.crc32[0].0, crc32fast::hash(bytes));
        }
    }
}
