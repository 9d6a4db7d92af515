use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pan_engine::{Backups, BlobStore, Clock, Entropy, MediaEngine, MetaStore};
use pan_hash::Hasher;
use pan_model::{BlobKey, ByteSize, FsId, Timestamp};
use tokio::sync::{OnceCell, Semaphore};

use crate::account::CallerCache;
use crate::bulk_upload;
use crate::maintenance::Leases;
use crate::pool::BufferPool;
use crate::read::CheckLists;
use crate::seal::Seal;
use crate::superfile::MergeTurns;

/// Uploads of bytes that were stored already whose older copy waits to be read.
const SPARES_MAX: usize = 16;

/// Among whose contents rapid upload looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RapidUploadScope {
    /// What the caller's token can see: its root, live or in the recycle bin.
    #[default]
    Token,
    /// Everything that is stored: whoever knows the digests of a file gets it.
    Instance,
}

/// What the operator may set about the rules.
#[derive(Debug, Clone)]
pub struct Settings {
    /// All bytes that uploads and downloads may hold in buffers together.
    pub transfer_buffers: ByteSize,
    /// How long a content that nothing points to is kept, in seconds.
    pub gc_grace_seconds: i64,
    /// How long a tmpfile is kept after its last use, in seconds.
    pub tmpfile_seconds: i64,
    /// How long a deleted entry stays in the recycle bin, in days.
    pub recycle_retention_days: u32,
    /// How much a user's files and bin may hold together, in quotas: what
    /// would add to more is refused. A user without a quota has no limit.
    pub recycle_limit_ratio: f64,
    /// Among whose contents rapid upload looks.
    pub rapid_upload_scope: RapidUploadScope,
    /// How long a change is kept in the log, in days.
    pub diff_retention_days: u32,
    /// How many changes a page of the change feed holds at most.
    pub diff_page_entries: usize,
    /// Every stored byte is read once in so many seconds, and then again.
    pub scrub_round_seconds: i64,
    /// How fast that is done at least; faster when the round is too short.
    pub scrub_bytes_per_second: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transfer_buffers: ByteSize(32 << 20),
            // reliability G7: unreferenced for a day.
            gc_grace_seconds: 24 * 3600,
            // PCS clients resume a day later; we keep blocks for two.
            tmpfile_seconds: 48 * 3600,
            // What PCS promises (pcs-rest 4.25).
            recycle_retention_days: 10,
            recycle_limit_ratio: 2.0,
            rapid_upload_scope: RapidUploadScope::default(),
            // A device that is away for a holiday need not begin anew.
            diff_retention_days: 90,
            // What Baidu's own pages have (pcs-rest 4.15).
            diff_page_entries: 2_000,
            // reliability G6: two rounds lie between two reads, at most, and
            // together they have 30 days.
            scrub_round_seconds: 14 * 86_400,
            // A terabyte in three days, beside requests that hardly notice.
            scrub_bytes_per_second: ByteSize(4 << 20),
        }
    }
}

/// The engines that the rules stand on.
pub struct Engines {
    /// Rows.
    pub meta: Arc<dyn MetaStore>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Copies of both.
    pub backups: Arc<dyn Backups>,
    /// Thumbnails and video.
    pub media: Arc<dyn MediaEngine>,
    /// Digests.
    pub hasher: Hasher,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A personal cloud storage: one method per PCS verb. A handle; cheap to clone.
#[derive(Clone)]
pub struct Pan(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engines: Engines,
    pub(crate) settings: Settings,
    pub(crate) buffers: BufferPool,
    pub(crate) check_lists: CheckLists,
    pub(crate) callers: CallerCache,
    pub(crate) merge_turns: MergeTurns,
    /// Made, or read, when the first cursor is needed.
    pub(crate) cursor_key: OnceCell<Seal>,
    /// The same for links to pieces of videos.
    pub(crate) link_key: OnceCell<Seal>,
    pub(crate) leases: Leases,
    /// Twins of what was uploaded are read one at a time: each takes a blob's
    /// room in memory.
    pub(crate) spare_turn: tokio::sync::Mutex<()>,
    /// Places for those that wait for it: what they hold is on the disk.
    pub(crate) spares: Arc<Semaphore>,
    /// Turns of uploads of bulk requests.
    pub(crate) bulk_turns: Arc<Semaphore>,
    /// Staged trees that somebody is still building.
    pub(crate) building: Mutex<HashSet<FsId>>,
    /// When these rules began: what was stored before it has no owner left
    /// that is still at work.
    pub(crate) started: Timestamp,
}

impl Pan {
    /// Puts the rules on top of engines.
    pub fn new(engines: Engines, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            buffers: BufferPool::new(settings.transfer_buffers),
            check_lists: CheckLists::new(),
            callers: CallerCache::new(),
            merge_turns: MergeTurns::default(),
            cursor_key: OnceCell::new(),
            link_key: OnceCell::new(),
            leases: Leases::default(),
            spare_turn: tokio::sync::Mutex::default(),
            spares: Arc::new(Semaphore::new(SPARES_MAX)),
            bulk_turns: Arc::new(Semaphore::new(bulk_upload::WAITING_MAX)),
            building: Mutex::default(),
            started: engines.clock.now(),
            engines,
            settings,
        }))
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn building(&self) -> MutexGuard<'_, HashSet<FsId>> {
        self.0.building.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn meta(&self) -> &dyn MetaStore {
        &*self.0.engines.meta
    }

    pub(crate) fn media(&self) -> &dyn MediaEngine {
        &*self.0.engines.media
    }

    pub(crate) fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.0.engines.blobs
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.engines.hasher
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.engines.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.engines.clock.now()
    }

    pub(crate) fn new_blob_key(&self) -> BlobKey {
        let mut random = [0; 12];
        self.0.engines.entropy.fill(&mut random);
        BlobKey { hour: self.now().hour(), random }
    }
}
