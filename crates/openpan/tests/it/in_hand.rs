//! The rules on real engines, in this process, with the clock in our hand.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_conformance::pcs::digest;
use pan_core::{BodyError, Engines, Located, Pan, RecycledEntry, Settings};
use pan_engine::meta::ChangeRow;
use pan_engine::{EngineError, MediaEngine, MetaRead, MetaStoreExt, NoMedia, ReadCost};
use pan_hash::Hasher;
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{
    ByteSize, Caller, ContentClaim, Crc32, Md5, Md5Style, Ondup, PanPath, PathRules, Rev,
};
use tempfile::TempDir;

use crate::hands::{Dice, HandClock, NoBackups};
use crate::server::empty_directory;

/// A storage of one's own.
pub(crate) struct InHand {
    pub(crate) pan: Pan,
    clock: Arc<HandClock>,
    meta: Arc<SqliteStore>,
    /// Goes last.
    _directory: TempDir,
}

impl InHand {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::with_media(settings, Arc::new(NoMedia))
    }

    pub(crate) fn with_media(settings: Settings, media: Arc<dyn MediaEngine>) -> Self {
        let directory = empty_directory();
        let file = directory.path().join("meta.db");
        let meta = Arc::new(SqliteStore::open(&file, Options::default()).unwrap());
        let blobs = DiskStore::open(&directory.path().join("blobs"), DiskOptions::default());
        let clock = Arc::new(HandClock::default());
        let engines = Engines {
            meta: meta.clone(),
            backups: Arc::new(NoBackups),
            blobs: Arc::new(blobs.unwrap()),
            media,
            hasher: Hasher::new(1),
            clock: clock.clone(),
            entropy: Arc::new(Dice),
        };
        Self { pan: Pan::new(engines, settings), clock, meta, _directory: directory }
    }

    /// Runs a story on a storage of its own; everything holds at its end.
    pub(crate) fn story<F: Future<Output = ()>>(
        settings: Settings,
        story: impl FnOnce(Arc<Self>) -> F,
    ) {
        Self::tell(Self::new(settings), story);
    }

    /// The same on one that is there.
    pub(crate) fn tell<F: Future<Output = ()>>(this: Self, story: impl FnOnce(Arc<Self>) -> F) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let storage = Arc::new(this);
            story(storage.clone()).await;
            let report = storage.pan.check(true).await.unwrap();
            assert!(report.is_clean(), "{:#?}", report.findings);
        });
    }

    /// Lets time pass.
    pub(crate) fn wait_seconds(&self, seconds: i64) {
        self.clock.pass_seconds(seconds);
    }

    /// A new user, and their own caller.
    pub(crate) async fn user(&self, name: &str, quota: ByteSize) -> Caller {
        let user = self.pan.add_user(name, quota).await.unwrap();
        Caller {
            user,
            root: PanPath::root(),
            rules: PathRules::Relaxed,
            md5_style: Md5Style::Plain,
        }
    }

    /// Uploads; what is there is replaced.
    pub(crate) async fn put(&self, caller: &Caller, at: &str, content: &[u8]) -> Located {
        let pieces = content.chunks(1 << 16).map(Bytes::copy_from_slice);
        let pieces: Vec<_> = pieces.map(Ok::<_, BodyError>).collect();
        let (path, size) = (path(at), Some(ByteSize(content.len() as u64)));
        let target = Some((&path, Ondup::Overwrite));
        let body = stream::iter(pieces);
        let received = self.pan.receive_upload(caller, target, size, body).await.unwrap();
        self.pan.upload(caller, &path, Ondup::Overwrite, received).await.unwrap()
    }

    /// Uploads a block for a merge.
    pub(crate) async fn put_block(&self, caller: &Caller, content: &[u8]) -> Md5 {
        let body = stream::iter([Ok::<_, BodyError>(Bytes::copy_from_slice(content))]);
        let received = self.pan.receive_tmpfile(caller, None, body).await.unwrap();
        self.pan.upload_tmpfile(caller, received).await.unwrap()
    }

    /// Merges blocks into a file.
    pub(crate) async fn merge(&self, caller: &Caller, at: &str, blocks: Vec<Md5>) -> Located {
        let merge = self.pan.create_superfile(caller, &path(at), Ondup::Overwrite, blocks).await;
        merge.unwrap().finish().await.unwrap().located
    }

    /// Uploads by digests alone.
    pub(crate) async fn rapid(
        &self,
        caller: &Caller,
        at: &str,
        content: &[u8],
    ) -> pan_core::Result<Located> {
        let md5 = |bytes: &[u8]| digest::md5_hex(bytes).parse::<Md5>().unwrap();
        let claim = ContentClaim {
            size: ByteSize(content.len() as u64),
            md5: md5(content),
            slice_md5: md5(&content[..256 << 10]),
            crc32: vec![Crc32(digest::crc32(content))],
        };
        self.pan.rapid_upload(caller, &path(at), Ondup::Fail, claim).await
    }

    pub(crate) async fn rm(&self, caller: &Caller, at: &str) {
        self.pan.delete(caller, &path(at)).await.unwrap();
    }

    /// The whole bin.
    pub(crate) async fn bin(&self, caller: &Caller) -> Vec<RecycledEntry> {
        let mut listing = self.pan.list_recycle(caller, 0, u64::MAX);
        let mut bin = Vec::new();
        loop {
            let window = listing.next_window().await.unwrap();
            if window.is_empty() {
                return bin;
            }
            bin.extend(window);
        }
    }

    /// Everything in the change log since `after`.
    pub(crate) async fn changes(&self, caller: &Caller, after: Rev) -> Vec<ChangeRow> {
        let user = caller.user;
        let look = move |read: &mut dyn MetaRead| {
            let mut changes = Vec::new();
            read.list_changes(user, after, 10_000, &mut |change| {
                changes.push(change);
                ControlFlow::Continue(())
            })?;
            Ok::<_, EngineError>(changes)
        };
        self.meta.read(ReadCost::Bounded, look).await.unwrap()
    }

    /// How many entries there are, seen and unseen.
    pub(crate) async fn rows(&self) -> u64 {
        self.pan.check(false).await.unwrap().entries
    }

    /// How many contents there are.
    pub(crate) async fn contents(&self) -> u64 {
        self.pan.check(false).await.unwrap().contents
    }
}

pub(crate) fn path(text: &str) -> PanPath {
    PanPath::parse(text).unwrap()
}
