//! What the server does by itself. Garbage collection when the engines fail
//! (T11), and beside a backup: what something points to is never deleted.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use pan_blob_disk::{DiskOptions, DiskStore};
use pan_conformance::pcs::digest;
use pan_core::{Engines, Pan, Settings};
use pan_engine::{
    BackupPlace, Backups, BlobStore, BlobWriter, BoxFuture, Clock, EngineError, ErrorKind, Job,
    LocalTime, MetaStore, MetaStoreExt, MetaTxn, NoMedia, ReadCost, ReadJob, Scope, StoreId,
};
use pan_hash::Hasher;
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{BlobKey, Timestamp};

use crate::damage::blob_files;
use crate::hands::{Dice, NoBackups, no_backups};
use crate::server::{Server, empty_directory};

crate::tests![
    a_failing_engine_makes_gc_delete_nothing_that_counts,
    no_blob_goes_while_a_backup_is_under_way,
    contents_that_are_in_use_are_looked_at_to_the_end,
    damage_is_found_by_a_worker,
];

/// Three days from now, in a process that has been up for as long.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp(elapsed.as_secs() as i64 + 3 * 86_400)
    }

    fn uptime(&self) -> Duration {
        Duration::from_secs(3 * 86_400)
    }

    fn local(&self, _at: Timestamp) -> LocalTime {
        LocalTime { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

/// The call that fails, counted over both engines.
struct Faults {
    calls: AtomicU64,
    fails: Option<u64>,
}

impl Faults {
    fn at(fails: Option<u64>) -> Arc<Self> {
        Arc::new(Self { calls: AtomicU64::new(0), fails })
    }

    fn meet(&self) -> Result<(), EngineError> {
        match self.fails == Some(self.calls.fetch_add(1, Ordering::SeqCst)) {
            true => Err(EngineError::new(ErrorKind::Failed, "a fault of the test")),
            false => Ok(()),
        }
    }
}

struct FaultyMeta(Arc<SqliteStore>, Arc<Faults>);

impl MetaStore for FaultyMeta {
    fn submit(&self, scope: Scope, job: Box<dyn Job>) {
        match self.1.meet() {
            Ok(()) => self.0.submit(scope, job),
            Err(error) => job.finish(Err(error)),
        }
    }

    fn submit_read(&self, cost: ReadCost, mut job: Box<dyn ReadJob>) -> BoxFuture<'static, ()> {
        match self.1.meet() {
            Ok(()) => self.0.submit_read(cost, job),
            Err(error) => {
                job.fail(error);
                Box::pin(std::future::ready(()))
            }
        }
    }
}

struct FaultyBlobs(DiskStore, Arc<Faults>);

/// Makes every method of a store meet the fault first.
macro_rules! faulty {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, Result<$result, EngineError>> {
            Box::pin(async move {
                self.1.meet()?;
                self.0.$name($($argument),*).await
            })
        }
    )*};
}

impl BlobStore for FaultyBlobs {
    faulty! {
        create(key: BlobKey) -> Box<dyn BlobWriter>;
        sync(keys: &'a [BlobKey]) -> ();
        get(key: BlobKey, range: Range<u64>) -> bytes::Bytes;
        get_stored(key: BlobKey) -> bytes::Bytes;
        head(key: BlobKey) -> Option<u64>;
        list(hour: u32, after: Option<BlobKey>, limit: usize) -> Vec<BlobKey>;
        hours() -> Vec<u32>;
        delete(keys: &'a [BlobKey]) -> ();
        quarantine(keys: &'a [BlobKey]) -> ();
    }
}

fn rows(data: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(&data.join("meta.db"), Options::default()).unwrap())
}

/// The rules, impatient: what may go, goes at once.
fn open(data: &Path, faults: &Arc<Faults>) -> Pan {
    open_with(data, rows(data), faults, Arc::new(NoBackups))
}

fn open_with(
    data: &Path,
    meta: Arc<SqliteStore>,
    faults: &Arc<Faults>,
    backups: Arc<dyn Backups>,
) -> Pan {
    let blobs = DiskStore::open(&data.join("blobs"), DiskOptions::default()).unwrap();
    let engines = Engines {
        meta: Arc::new(FaultyMeta(meta, faults.clone())),
        blobs: Arc::new(FaultyBlobs(blobs, faults.clone())),
        backups,
        media: Arc::new(NoMedia),
        hasher: Hasher::new(1),
        clock: Arc::new(Later),
        entropy: Arc::new(Dice),
    };
    let settings = Settings { gc_grace_seconds: 0, tmpfile_seconds: 0, ..Settings::default() };
    Pan::new(engines, settings)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// Files that are in use in every way, and garbage of every kind.
fn prepare(data: &Path) {
    let server = Server::start(data);
    let admin = server.admin();
    let content = |seed| digest::content(seed, 300_000 + seed as usize);
    for seed in 0..6 {
        admin.put(&format!("/{seed}"), &content(seed)).ok();
    }
    // Pointed to by the bin, by another entry, by a part.
    admin.file("delete").param("path", "/0").send().ok();
    admin.put("/again", &content(1)).ok();
    admin.put_ondup("/1", b"small", "overwrite").ok();
    let blocks = [content(20), content(21)].map(|block| admin.put_block(&block));
    admin.merge("/merged", &blocks).ok();
    // Pointed to by nothing.
    for seed in 2..4 {
        admin.put_ondup(&format!("/{seed}"), &content(seed + 50), "overwrite").ok();
    }
    admin.put_block(&content(30));
    server.stop();
    let orphan = blob_files(data)[0].with_file_name("00".repeat(12));
    fs::write(orphan, b"nobody's").unwrap();
}

fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(status.success());
}

async fn assert_clean(pan: &Pan, when: &str) {
    let report = pan.check(true).await.unwrap();
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
}

fn a_failing_engine_makes_gc_delete_nothing_that_counts() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    prepare(&data);
    let before = blob_files(&data).len();
    let mut fails = 0;
    loop {
        let trial = directory.path().join(format!("trial{fails}"));
        copy(&data, &trial);
        let faults = Faults::at(Some(fails));
        let collected = block_on(async { open(&trial, &faults).collect().await });
        let met = faults.calls.load(Ordering::SeqCst) > fails;
        assert_eq!(collected.is_err(), met, "call {fails}: a failure ends the run");
        let healthy = Faults::at(None);
        block_on(async {
            let pan = open(&trial, &healthy);
            assert_clean(&pan, &format!("call {fails} failed")).await;
            // The next run does what was left.
            while !pan.collect().await.unwrap().is_idle() {}
            assert_clean(&pan, &format!("after call {fails} failed")).await;
        });
        // 2 and 3, the block, the orphan.
        assert_eq!(blob_files(&trial).len(), before - 4, "call {fails}: all garbage is gone");
        fs::remove_dir_all(&trial).unwrap();
        if !met {
            break;
        }
        fails += 1;
    }
    assert!(fails > 10, "only {fails} calls were made to fail");
}

/// A place that lets somebody work while rows are being copied.
struct SlowPlace {
    copy: PathBuf,
    from: Arc<SqliteStore>,
    blobs: Arc<dyn BlobStore>,
    meanwhile: tokio::sync::mpsc::Sender<tokio::sync::oneshot::Sender<()>>,
}

struct SlowBackups(std::sync::Mutex<Option<SlowPlace>>);

impl Backups for SlowBackups {
    fn open<'a>(
        &'a self,
        _place: &'a str,
        _store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn BackupPlace>, EngineError>> {
        let place = self.0.lock().unwrap().take().unwrap();
        Box::pin(async { Ok(Box::new(place) as Box<dyn BackupPlace>) })
    }

    fn freeze(&self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async { Err(no_backups()) })
    }
}

impl BackupPlace for SlowPlace {
    fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.blobs
    }

    fn is_whole(&self) -> bool {
        false
    }

    fn copy_rows(&mut self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async {
            self.from.copy_to(self.copy.clone()).await?;
            let (done, wait) = tokio::sync::oneshot::channel();
            self.meanwhile.send(done).await.unwrap();
            wait.await.unwrap();
            let rows = SqliteStore::open(&self.copy, Options::default())?;
            Ok(Box::new(rows) as Box<dyn MetaStore>)
        })
    }

    fn finish(
        &mut self,
        rows: Box<dyn MetaStore>,
    ) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async { Ok(rows) })
    }
}

fn no_blob_goes_while_a_backup_is_under_way() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    prepare(&data);
    let before = blob_files(&data).len();
    block_on(async {
        let meta = rows(&data);
        let (meanwhile, mut asked) = tokio::sync::mpsc::channel(1);
        let copies = directory.path().join("blobs");
        let copies = DiskStore::open(&copies, DiskOptions::default()).unwrap();
        let place = SlowPlace {
            copy: directory.path().join("copy.db"),
            from: meta.clone(),
            blobs: Arc::new(copies),
            meanwhile,
        };
        let backups = Arc::new(SlowBackups(std::sync::Mutex::new(Some(place))));
        let pan = open_with(&data, meta, &Faults::at(None), backups);
        let collecting = async {
            let done = asked.recv().await.unwrap();
            for _ in 0..3 {
                pan.collect().await.unwrap();
            }
            assert_eq!(blob_files(&data).len(), before, "the backup has not copied them yet");
            done.send(()).unwrap();
        };
        let (report, ()) = tokio::join!(pan.backup("anywhere", &|_| {}), collecting);
        let report = report.unwrap();
        assert_eq!(report.damages.contents, 0, "{report:?}");
        // All but the orphan, which no row names.
        assert_eq!(report.blobs_copied, before as u64 - 1);
        while !pan.collect().await.unwrap().is_idle() {}
        assert_eq!(blob_files(&data).len(), before - 4, "then they go");
        assert_clean(&pan, "after the backup").await;
    });
}

/// More of them than one pass takes up must not look like the end of the work.
fn contents_that_are_in_use_are_looked_at_to_the_end() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/0", &digest::content(1, 300_000)).ok();
    for number in 0..210 {
        let path = format!("/small/{number}");
        admin.put(&path, format!("{number}").as_bytes()).ok();
    }
    server.stop();
    block_on(async {
        let meta = rows(&data);
        let note = |tx: &mut dyn MetaTxn| {
            let mut ids = Vec::new();
            tx.scan_contents(None, 1_000, &mut |row| {
                ids.push(row.id);
                ControlFlow::Continue(())
            })?;
            ids.into_iter().try_for_each(|id| tx.add_maybe_unreferenced(id))
        };
        meta.write::<_, EngineError, _>(Scope::Instance, note).await.unwrap();
        let pan = open_with(&data, meta, &Faults::at(None), Arc::new(NoBackups));
        let report = pan.collect().await.unwrap();
        assert_eq!((report.contents_examined, report.contents_deletable), (200, 0));
        assert!(!report.is_idle(), "there is more");
        assert_eq!(pan.collect().await.unwrap().contents_examined, 11);
        assert!(pan.collect().await.unwrap().is_idle());
        assert_clean(&pan, "after looking").await;
    });
}

fn damage_is_found_by_a_worker() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    prepare(&data);
    // All of them: some are garbage and may be gone before anybody looks.
    for blob in blob_files(&data) {
        let mut bytes = fs::read(&blob).unwrap();
        bytes[5] ^= 8;
        fs::write(&blob, bytes).unwrap();
    }
    block_on(async {
        let pan = open(&data, &Faults::at(None));
        assert_clean_rows(&pan).await;
        let workers = tokio::spawn(pan_core::run_workers(pan.clone()));
        let begun = std::time::Instant::now();
        loop {
            let report = pan.check(false).await.unwrap();
            if report.findings.iter().any(|finding| finding.contains("was found damaged")) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody found it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        workers.abort();
    });
}

async fn assert_clean_rows(pan: &Pan) {
    let report = pan.check(false).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}
