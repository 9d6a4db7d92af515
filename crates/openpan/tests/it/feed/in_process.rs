//! The rules on real engines, in this process: pages of any size, a clock in
//! the hand, and no HTTP.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_core::{Change, Engines, Entry, Pan, Settings};
use pan_engine::NoMedia;
use pan_hash::Hasher;
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{ByteSize, Caller, ListBy, ListOrder, Md5Style, Ondup, PanPath, PathRules, Window};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::program::PAGE_MAX;
use super::storage::{Fact, Op, Page, ROOTS, Storage, Tree};
use crate::hands::{Dice, HandClock, NoBackups};

/// A store with nothing in it.
pub(crate) struct Ground {
    /// The same store under rules with pages of 1, 2, 3 … entries.
    pans: Vec<Pan>,
    runtime: Arc<Runtime>,
    clock: Arc<HandClock>,
    directory: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        // Nothing here is about power cuts: a directory in memory will do.
        let memory = std::path::Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => TempDir::new_in(memory).unwrap(),
            false => TempDir::new().unwrap(),
        };
        let clock = Arc::new(HandClock::default());
        let meta = SqliteStore::open(&directory.path().join("meta.db"), Options::default());
        let meta: Arc<SqliteStore> = Arc::new(meta.unwrap());
        let blobs = DiskStore::open(&directory.path().join("blobs"), DiskOptions::default());
        let blobs: Arc<DiskStore> = Arc::new(blobs.unwrap());
        let hasher = Hasher::new(1);
        let pan_of = |diff_page_entries| {
            let engines = Engines {
                meta: meta.clone(),
                backups: Arc::new(NoBackups),
                blobs: blobs.clone(),
                media: Arc::new(NoMedia),
                hasher: hasher.clone(),
                clock: clock.clone(),
                entropy: Arc::new(Dice),
            };
            Pan::new(engines, Settings { diff_page_entries, ..Settings::default() })
        };
        let pans = (1..=PAGE_MAX).map(pan_of).collect();
        Self { pans, runtime: Arc::new(runtime), clock, directory }
    }

    /// The database, for whoever wants to lie.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("meta.db")
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, days: i64) {
        self.clock.pass_seconds(days * 24 * 3600);
    }

    /// Forgets old changes, all of them. Returns how many.
    pub(crate) fn trim(&self) -> u64 {
        let mut trimmed = 0;
        loop {
            match self.runtime.block_on(self.pans[0].trim_changes()).unwrap() {
                0 => return trimmed,
                more => trimmed += more,
            }
        }
    }

    /// A new user.
    pub(crate) fn user(&self, name: &str) -> InProcess {
        let adding = self.pans[0].add_user(name, ByteSize::UNLIMITED);
        let user = self.runtime.block_on(adding).unwrap();
        let caller = |root: &&str| Caller {
            user,
            root: PanPath::parse(root).unwrap(),
            rules: PathRules::Relaxed,
            md5_style: Md5Style::Plain,
        };
        let callers = ROOTS.iter().map(caller).collect();
        InProcess { pans: self.pans.clone(), runtime: self.runtime.clone(), callers }
    }

    /// Every invariant holds.
    pub(crate) fn check(&self) {
        let report = self.runtime.block_on(self.pans[0].check(false)).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

/// A user of a [`Ground`].
pub(crate) struct InProcess {
    pans: Vec<Pan>,
    runtime: Arc<Runtime>,
    callers: Vec<Caller>,
}

impl Storage for InProcess {
    fn act(&self, op: &Op) {
        // What is refused is refused.
        let _ = self.runtime.block_on(self.perform(op));
    }

    fn page(&self, root: usize, cursor: Option<&str>, size: usize) -> Page {
        let diff = self.pans[size - 1].diff(&self.callers[root], cursor);
        let page = self.runtime.block_on(diff).unwrap();
        assert!(page.changes.len() <= size && page.cursor.len() <= 3 << 10);
        let changes = page.changes.into_iter().map(|(path, change)| {
            let fact = match change {
                Change::Present(entry) => Some(fact(&entry)),
                Change::Gone(_) => None,
            };
            (path.as_str().to_owned(), fact)
        });
        Page {
            changes: changes.collect(),
            cursor: page.cursor,
            has_more: page.has_more,
            reset: page.reset,
        }
    }

    fn listing(&self, root: usize) -> Tree {
        let caller = &self.callers[root];
        let mut tree = Tree::new();
        let mut open = vec![caller.root.clone()];
        while let Some(directory) = open.pop() {
            for (path, entry) in self.runtime.block_on(self.children(caller, &directory)) {
                if entry.is_directory() {
                    open.push(path.clone());
                }
                tree.insert(path.as_str().to_owned(), fact(&entry));
            }
        }
        tree
    }
}

impl InProcess {
    async fn perform(&self, op: &Op) -> pan_core::Result<()> {
        let (pan, owner) = (&self.pans[0], &self.callers[0]);
        let path = |text: &str| PanPath::parse(text).unwrap();
        match op {
            Op::Put { path: at, content } => {
                let bytes = Bytes::from(content.clone());
                let size = Some(ByteSize(bytes.len() as u64));
                let (at, body) = (path(at), stream::iter([Ok(bytes)]));
                let target = Some((&at, Ondup::Overwrite));
                let received = pan.receive_upload(owner, target, size, body).await?;
                pan.upload(owner, &at, Ondup::Overwrite, received).await.map(drop)
            }
            Op::Mkdir { path: at } => pan.mkdir(owner, &path(at)).await.map(drop),
            Op::Move { from, to } => pan.move_entry(owner, &path(from), &path(to)).await,
            Op::Copy { from, to } => pan.copy_entry(owner, &path(from), &path(to)).await,
            Op::Delete { path: at } => pan.delete(owner, &path(at)).await,
            Op::Restore { nth } => {
                let bin = pan.list_recycle(owner, 0, 1_000).next_window().await?;
                match bin.get(nth % bin.len().max(1)) {
                    Some(record) => pan.restore(owner, record.located.entry.fs_id).await,
                    None => Ok(()),
                }
            }
            Op::Empty { root } => pan.empty_recycle(&self.callers[*root]).await.map(drop),
        }
    }

    async fn children(&self, caller: &Caller, directory: &PanPath) -> Vec<(PanPath, Entry)> {
        let order = ListOrder { by: ListBy::Name, descending: false };
        let listing = self.pans[0].list(caller, directory, order, Window::ALL).await;
        let mut listing = listing.unwrap();
        let mut children = Vec::new();
        loop {
            let window = listing.next_window().await.unwrap();
            if window.is_empty() {
                return children;
            }
            let place = |entry: Entry| (listing.directory.join(&entry.name), entry);
            children.extend(window.into_iter().map(place));
        }
    }
}

fn fact(entry: &Entry) -> Fact {
    let md5 = entry.file().map(|facts| facts.md5.to_string()).unwrap_or_default();
    (entry.fs_id.get(), entry.is_directory(), md5)
}
