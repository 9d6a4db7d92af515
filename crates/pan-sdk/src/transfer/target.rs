//! A local file in the making: written under a temporary name beside its
//! place, and put there when it is whole. Dropping it removes it, unless a
//! journal says what is in it.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::{NamedTempFile, TempPath};
use tokio::task::{JoinHandle, spawn_blocking};

use super::download_journal::DownloadJournal;
use super::write_back::WriteBack;
use crate::Error;
use crate::local_file::{blocking, cannot};

/// How much is collected before it is written.
const WRITE_BYTES: usize = 1 << 20;

/// The file.
pub(super) struct Target {
    file: Arc<File>,
    write_back: Arc<WriteBack>,
    temporary: Temporary,
    place: PathBuf,
}

/// The temporary name.
enum Temporary {
    /// Removed on drop.
    Lost(TempPath),
    /// Found again by the next try.
    Kept(PathBuf),
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
        Ok(Self::new(file, Temporary::Lost(temporary), place))
    }

    /// Begins the file under a temporary name that stays. What has that name
    /// is not written to but removed: somebody may still be writing to it.
    pub(super) fn create_at(place: &Path, temporary: &Path) -> Result<Self, Error> {
        let created = match fs::remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::options().read(true).write(true).create_new(true).open(temporary),
        };
        let file = created.map_err(|error| cannot("create", place, error))?;
        Ok(Self::kept(file, place, temporary))
    }

    /// Goes on with a file that was begun, if so many bytes of it are there.
    pub(super) fn reopen(place: &Path, temporary: &Path, length: u64) -> Option<Self> {
        let file = File::options().read(true).write(true).open(temporary).ok()?;
        let has = file.metadata().ok().filter(Metadata::is_file)?.len();
        (length > 0 && has >= length).then(|| Self::kept(file, place, temporary))
    }

    fn kept(file: File, place: &Path, temporary: &Path) -> Self {
        Self::new(file, Temporary::Kept(temporary.to_owned()), place.to_owned())
    }

    fn new(file: File, temporary: Temporary, place: PathBuf) -> Self {
        let file = Arc::new(file);
        Self { write_back: WriteBack::new(Arc::clone(&file)), file, temporary, place }
    }

    /// The open file, to be written and read at offsets.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Flushes the file to the disk and gives it its place, where it replaces
    /// what was there: after a power cut there is the old file or the new one.
    pub(super) async fn finish(self, modified: Option<SystemTime>) -> Result<(), Error> {
        blocking(move || {
            let flushed = self.write_back.finish();
            flushed.map_err(|error| cannot("write", &self.place, error))?;
            self.finish_now(modified)
        })
        .await
    }

    fn finish_now(self, modified: Option<SystemTime>) -> Result<(), Error> {
        let Self { file, temporary, place, .. } = self;
        let dated = modified.map_or(Ok(()), |time| file.set_modified(time));
        let placed = dated.and_then(|()| match temporary {
            Temporary::Lost(path) => path.persist(&place).map_err(io::Error::from),
            Temporary::Kept(path) => fs::rename(path, &place),
        });
        placed.map_err(|error| cannot("create", &place, error))
    }

    /// Makes a whole small file at once. It is left to the system when it
    /// gets to the disk: to wait for that would take longer than the rest.
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
    let mut builder = tempfile::Builder::new();
    // The name of the file itself could be too long with anything added.
    builder.prefix(".pan-").suffix(".part");
    // As any new file: what the umask leaves.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory_of(place))
}

/// Where a file is or will be.
pub(super) fn directory_of(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes pieces to a file from an offset on, in the background and in bulk.
pub(super) struct Writer {
    file: Arc<File>,
    write_back: Arc<WriteBack>,
    path: PathBuf,
    pieces: Vec<Bytes>,
    /// Written, up to its end, or on its way to be.
    offset: u64,
    collected: usize,
    writing: Option<JoinHandle<io::Result<()>>>,
    journal: Option<DownloadJournal>,
    /// Written, and not in the journal yet.
    unrecorded: Range<u64>,
}

impl Writer {
    pub(super) fn new(target: &Target, offset: u64, journal: Option<&DownloadJournal>) -> Self {
        Self {
            file: target.file(),
            write_back: Arc::clone(&target.write_back),
            path: target.place.clone(),
            pieces: Vec::new(),
            offset,
            collected: 0,
            writing: None,
            journal: journal.cloned(),
            unrecorded: offset..offset,
        }
    }

    /// Takes the next piece, which may have to wait for those before.
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
        self.wait().await?;
        self.record(1);
        Ok(())
    }

    /// Begins to write what was collected, after what is being written.
    async fn flush(&mut self) -> Result<(), Error> {
        self.wait().await?;
        self.record(self.journal.as_ref().map_or(u64::MAX, DownloadJournal::step));
        let (file, mut offset) = (Arc::clone(&self.file), self.offset);
        let (pieces, write_back) = (std::mem::take(&mut self.pieces), Arc::clone(&self.write_back));
        let collected = std::mem::take(&mut self.collected) as u64;
        self.offset += collected;
        self.writing = Some(spawn_blocking(move || {
            for piece in pieces {
                write_all_at(&file, &piece, offset)?;
                offset += piece.len() as u64;
            }
            write_back.wrote(collected);
            Ok(())
        }));
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), Error> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| cannot("write", &self.path, error))?;
        self.unrecorded.end = self.offset;
        Ok(())
    }

    /// Remembers what is written, if it is so much.
    fn record(&mut self, least: u64) {
        if let Some(journal) = &self.journal
            && self.unrecorded.end - self.unrecorded.start >= least
        {
            journal.record(self.unrecorded.clone());
            self.unrecorded.start = self.unrecorded.end;
        }
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
