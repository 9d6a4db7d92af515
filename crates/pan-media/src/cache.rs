//! What was made, kept on the disk up to a size; the least recently used goes.
//!
//! Every value is kept with its BLAKE3 and comes out as it went in or not at
//! all: a file that a crash cut, or that somebody changed, is a miss. Nothing is
//! flushed: what is lost is made again.
//!
//! Every file call is made on a thread that may wait for the disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use bytes::Bytes;
use pan_model::{Blake3, ByteSize};
use rustix::fs::OFlags;
use tokio::task::spawn_blocking;
use tracing::warn;

use self::index::Index;

mod index;

/// Names one value: the digest of everything that it was made from.
pub(crate) type Key = Blake3;

/// A file begins with the digest of its key and value.
const HEADER_BYTES: usize = 32;

/// How the name of a file ends that is not complete.
const UNFINISHED: &str = ".new";

/// Derived bytes on the disk.
pub(crate) struct Cache {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    size_max: u64,
    index: Mutex<Index>,
    /// Held while files appear or vanish under their keys, so that the index
    /// never lacks one that is there.
    files: Mutex<()>,
    /// Set once the index knows what an earlier cache left.
    surveyed: OnceLock<()>,
    unfinished: AtomicU64,
}

impl Cache {
    /// A cache in a directory, which may hold what an earlier one kept. That is
    /// found at once; how much there is of it is counted in the background.
    pub(crate) fn open(directory: &Path, size_max: ByteSize) -> io::Result<Self> {
        make_directory(directory)?;
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            size_max: size_max.0,
            index: Mutex::default(),
            files: Mutex::default(),
            surveyed: OnceLock::new(),
            unfinished: AtomicU64::new(0),
        });
        let surveyor = Arc::clone(&shared);
        thread::Builder::new().name("media-cache".into()).spawn(move || surveyor.survey())?;
        Ok(Self { shared })
    }

    /// Whether a value is there, perhaps.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        lock(&self.shared.index).contains(key)
    }

    /// A value, if it is there and whole.
    pub(crate) async fn get(&self, key: &Key) -> Option<Bytes> {
        let (shared, key) = (Arc::clone(&self.shared), *key);
        spawn_blocking(move || shared.get(&key)).await.ok()?
    }

    /// Keeps a value. A disk that is full or fails costs the value, no more.
    /// It is kept, too, when nobody waits for it to be.
    pub(crate) async fn put(&self, key: Key, value: Bytes) {
        let shared = Arc::clone(&self.shared);
        let kept = spawn_blocking(move || shared.put(&key, &value)).await;
        if let Ok(Err(error)) = kept {
            warn!(%error, "could not keep what was made in the media cache");
        }
    }
}

impl Shared {
    fn get(&self, key: &Key) -> Option<Bytes> {
        match self.read(key) {
            Ok(value) => {
                lock(&self.index).touch(key);
                Some(value)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound || self.is_listed(key) {
                    self.remove(key);
                }
                None
            }
        }
    }

    fn is_listed(&self, key: &Key) -> bool {
        lock(&self.index).contains(key)
    }

    fn read(&self, key: &Key) -> io::Result<Bytes> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(self.path(key))?;
        let about = file.metadata()?;
        if !about.is_file() || about.len() > self.size_max {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
        file.take(about.len()).read_to_end(&mut bytes)?;
        match bytes.split_first_chunk::<HEADER_BYTES>() {
            Some((header, value)) if *header == digest(key, value) => {
                Ok(Bytes::from(bytes).slice(HEADER_BYTES..))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn put(&self, key: &Key, value: &[u8]) -> io::Result<()> {
        let size = size_on_disk(value.len() as u64 + HEADER_BYTES as u64);
        // Before that nobody knows how much room there is.
        self.surveyed.wait();
        if size > self.size_max {
            return Ok(());
        }
        let unfinished = self.unfinished_path(key);
        let kept = self.write(&unfinished, key, value).and_then(|()| {
            let _files = lock(&self.files);
            self.delete(key);
            self.make_room(size);
            fs::rename(&unfinished, self.path(key))?;
            lock(&self.index).insert(*key, size);
            Ok(())
        });
        if kept.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        kept
    }

    fn write(&self, path: &Path, key: &Key, value: &[u8]) -> io::Result<()> {
        let mut file = create(path).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            make_directory(&self.bucket(key))?;
            create(path)
        })?;
        file.write_all(&digest(key, value))?;
        file.write_all(value)
    }

    /// Removes files until so many bytes have room. Called with `files` held.
    fn make_room(&self, size: u64) {
        let room = self.size_max.saturating_sub(size);
        loop {
            let Some(key) = lock(&self.index).oldest_beyond(room) else { return };
            self.delete(&key);
        }
    }

    fn remove(&self, key: &Key) {
        let _files = lock(&self.files);
        self.delete(key);
    }

    /// Called with `files` held.
    fn delete(&self, key: &Key) {
        let _ = fs::remove_file(self.path(key));
        lock(&self.index).remove(key);
    }

    /// Finds out what is there: what an earlier cache did not finish goes.
    fn survey(&self) {
        let _files = lock(&self.files);
        let mut found = Vec::new();
        for bucket in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            for file in fs::read_dir(bucket.path()).into_iter().flatten().flatten() {
                let name = file.file_name();
                let Some(name) = name.to_str() else { continue };
                if is_unfinished(name) {
                    let _ = fs::remove_file(file.path());
                } else if let (Ok(key), Ok(about)) = (name.parse::<Key>(), file.metadata())
                    && self.path(&key) == file.path()
                {
                    let used = about.accessed().ok().max(about.modified().ok());
                    found.push((used, key, size_on_disk(about.len())));
                }
            }
        }
        found.sort_unstable_by_key(|(used, ..)| *used);
        for (_, key, size) in found {
            lock(&self.index).insert(key, size);
        }
        self.make_room(0);
        let _ = self.surveyed.set(());
    }

    /// The first byte of a key is a directory, so that none grows large.
    fn bucket(&self, key: &Key) -> PathBuf {
        self.directory.join(format!("{:02x}", key.0[0]))
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.bucket(key).join(key.to_string())
    }

    fn unfinished_path(&self, key: &Key) -> PathBuf {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        self.bucket(key).join(format!("{key}.{number}{UNFINISHED}"))
    }
}

fn is_unfinished(name: &str) -> bool {
    let key = name.strip_suffix(UNFINISHED).and_then(|name| name.split_once('.'));
    key.is_some_and(|(key, _)| key.parse::<Key>().is_ok())
}

/// The key is part of it, so that a file under the name of another is a miss.
fn digest(key: &Key, value: &[u8]) -> [u8; HEADER_BYTES] {
    *blake3::Hasher::new_keyed(&key.0).update(value).finalize().as_bytes()
}

/// Disks give room in blocks.
fn size_on_disk(size_bytes: u64) -> u64 {
    size_bytes.next_multiple_of(4096)
}

/// Only the server's own user may look: what is inside was made of private files.
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Nothing that holds a lock here can leave it half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
