//! An open store and what the tests do to it.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use bytes::Bytes;
use pan_engine::meta::{
    ContentKind, Entry, EntryKind, MetaTxn, NewContent, NewUser, Result, Totals, TotalsDelta,
};
use pan_engine::{EngineError, ErrorKind, MetaStoreExt, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{
    Blake3, ByteSize, ContentId, Crc32, Fingerprint, FsId, Md5, Rev, Timestamp, UserNo,
};
use tempfile::TempDir;

/// A store in a directory of its own, which goes with it.
pub(crate) struct Opened {
    store: SqliteStore,
    directory: TempDir,
}

impl Deref for Opened {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

impl Opened {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("meta.db"), options).unwrap();
        Self { store, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("meta.db")
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(self) -> Self {
        let path = self.path();
        drop(self.store);
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        Self { store, directory: self.directory }
    }

    /// Closes the store and leaves the file.
    pub(crate) fn close(self) -> (TempDir, PathBuf) {
        let path = self.path();
        drop(self.store);
        (self.directory, path)
    }

    /// Keeps the writer busy until the gate is opened. What is submitted
    /// meanwhile runs as one batch.
    pub(crate) async fn hold_writer(&self) -> Gate {
        let (open, opened) = channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let mut begun = Some(begun);
        // It takes longer than a batch may: what waits comes in the next one.
        drop(self.write::<_, EngineError, _>(Scope::Instance, move |_| {
            let _ = begun.take().map(|begun| begun.send(()));
            let _ = opened.recv();
            std::thread::sleep(std::time::Duration::from_millis(11));
            Ok(())
        }));
        has_begun.await.unwrap();
        Gate(open)
    }

    /// How many settings there are, read past the store.
    pub(crate) fn count_settings(&self) -> u32 {
        let conn = rusqlite::Connection::open(self.path()).unwrap();
        conn.query_row("SELECT count(*) FROM setting", [], |row| row.get(0)).unwrap()
    }

    /// The size of the log's file.
    pub(crate) fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.path().with_extension("db-wal")).map_or(0, |file| file.len())
    }

    /// Adds user 1 and so many directories in their root.
    pub(crate) async fn add_directories(&self, count: u64) -> Vec<FsId> {
        let user = NewUser { name: "a".into(), quota: ByteSize(1 << 40), created: Timestamp(1) };
        let add = move |tx: &mut dyn MetaTxn| tx.insert_user(&user);
        let user = self.write::<_, EngineError, _>(Scope::Instance, add).await.unwrap();
        let mut directories = Vec::new();
        for from in (0..count).step_by(500) {
            let add = move |tx: &mut dyn MetaTxn| {
                (from..count.min(from + 500)).map(|n| add_directory(tx, user, n)).collect()
            };
            let added: Result<Vec<_>> = self.write(Scope::User(user), add).await;
            directories.extend(added.unwrap());
        }
        directories
    }
}

/// Holds the writer until it is opened or dropped.
pub(crate) struct Gate(Sender<()>);

impl Gate {
    pub(crate) fn open(self) {
        drop(self.0);
    }
}

pub(crate) type Closure = Box<dyn FnMut(&mut dyn MetaTxn) -> Result<()> + Send>;

/// Writes one setting.
pub(crate) fn put(n: u32) -> impl FnMut(&mut dyn MetaTxn) -> Result<()> + Send + 'static {
    move |tx| tx.put_setting(&format!("setting {n}"), b"")
}

pub(crate) fn fail<T>() -> Result<T> {
    Err(EngineError::new(ErrorKind::Failed, "on purpose"))
}

/// Adds an inline content of so many bytes.
pub(crate) fn add_body(
    bytes: usize,
) -> impl FnMut(&mut dyn MetaTxn) -> Result<ContentId> + Send + 'static {
    move |tx| {
        let md5 = Md5::EMPTY;
        let size = ByteSize(bytes as u64);
        let (crc32, blake3) = (Crc32(0), Blake3([0; 32]));
        let fingerprint = Fingerprint { size, md5, slice_md5: md5, crc32, blake3 };
        let id = tx.insert_content(&NewContent { fingerprint, kind: ContentKind::Inline })?;
        tx.insert_body(id, &Bytes::from(vec![b'x'; bytes]))?;
        Ok(id)
    }
}

pub(crate) fn add_to_totals(
    directories: Vec<FsId>,
) -> impl FnMut(&mut dyn MetaTxn) -> Result<()> + Send + 'static {
    move |tx| {
        let delta = TotalsDelta { entries: 1, ..TotalsDelta::default() };
        directories.iter().try_for_each(|directory| tx.add_totals(*directory, &delta, Rev(1)))
    }
}

fn add_directory(tx: &mut dyn MetaTxn, user: UserNo, n: u64) -> Result<FsId> {
    let fs_id = tx.next_fs_id(user)?;
    let directory = Entry {
        fs_id,
        parent: Some(FsId::root(user)),
        name: format!("d{n}"),
        kind: EntryKind::Directory { has_subdirectory: false },
        ctime: Timestamp(1),
        mtime: Timestamp(1),
        rev: Rev(1),
    };
    tx.insert_entry(&directory, &Totals::default())?;
    Ok(fs_id)
}
