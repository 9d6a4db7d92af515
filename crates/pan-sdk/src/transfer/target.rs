//! A local file in the making: written under a temporary name beside its
//! place, and put there when it is whole. Dropping it removes it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::{NamedTempFile, TempPath};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Error;
use crate::local_file::{blocking, cannot};

/// How much is collected before it is written.
const WRITE_BYTES: usize = 1 << 20;

/// The file.
pub(super) struct Target {
    file: Arc<File>,
    temporary: TempPath,
    place: PathBuf,
}

impl Target {
    /// Begins the file that will be at `place`.
    pub(super) async fn create(place: &Path) -> Result<Self, Error> {
        let place = place.to_owned();
        blocking(move || Self::create_now(place)).await
    }

    fn create_now(place: PathBuf) -> Result<Self, Error> {
        let temporary =
            temporary_beside(&place).map_err(|error| cannot("create", &place, error))?;
        let (file, temporary) = temporary.into_parts();
        Ok(Self { file: Arc::new(file), temporary, place })
    }

    /// The open file, to be written and read at offsets.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Gives the file its place, where it replaces what was there.
    pub(super) async fn finish(self, modified: Option<SystemTime>) -> Result<(), Error> {
        blocking(move || self.finish_now(modified)).await
    }

    fn finish_now(self, modified: Option<SystemTime>) -> Result<(), Error> {
        let Self { file, temporary, place } = self;
        let dated = modified.map_or(Ok(()), |time| file.set_modified(time));
        dated
            .and_then(|()| temporary.persist(&place).map_err(io::Error::from))
            .map_err(|error| cannot("create", &place, error))
    }

    /// Makes a whole small file at once.
    pub(super) async fn write_small(
        place: &Path,
        pieces: Vec<Bytes>,
        modified: Option<SystemTime>,
    ) -> Result<(), Error> {
        let place = place.to_owned();
        blocking(move || {
            let target = Self::create_now(place)?;
            let written = pieces.iter().try_for_each(|piece| (&*target.file).write_all(piece));
            written.map_err(|error| cannot("write", &target.place, error))?;
            target.finish_now(modified)
        })
        .await
    }
}

fn temporary_beside(place: &Path) -> io::Result<NamedTempFile> {
    let directory = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // The name of the file itself could be too long with anything added.
    builder.prefix(".pan-").suffix(".part");
    // As any new file: what the umask leaves.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Writes pieces to a file from an offset on, in the background and in bulk.
pub(super) struct Writer {
    file: Arc<File>,
    path: PathBuf,
    offset: u64,
    pieces: Vec<Bytes>,
    collected: usize,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Writer {
    pub(super) fn new(target: &Target, offset: u64) -> Self {
        let (file, path) = (target.file(), target.place.clone());
        Self { file, path, offset, pieces: Vec::new(), collected: 0, writing: None }
    }

    /// How much waits to be written.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        self.collected += piece.len();
        self.pieces.push(piece);
        if self.collected < WRITE_BYTES {
            return Ok(());
        }
        self.flush().await
    }

    /// Waits until everything is written.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        self.flush().await?;
        self.wait().await
    }

    /// Begins to write what was collected, after what is being written.
    async fn flush(&mut self) -> Result<(), Error> {
        self.wait().await?;
        let (file, mut offset) = (Arc::clone(&self.file), self.offset);
        let pieces = std::mem::take(&mut self.pieces);
        self.offset += std::mem::take(&mut self.collected) as u64;
        self.writing = Some(spawn_blocking(move || {
            for piece in pieces {
                write_all_at(&file, &piece, offset)?;
                offset += piece.len() as u64;
            }
            Ok(())
        }));
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), Error> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| cannot("write", &self.path, error))
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
