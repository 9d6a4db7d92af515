//! The store: what the rest of OpenPan sees of this engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use pan_engine::{BoxFuture, EngineError, Job, MetaStore, ReadCost, ReadJob, Scope};
use pan_model::ByteSize;
use tokio::sync::Semaphore;

use crate::copy::CopyRequest;
use crate::queue::Queue;
use crate::reader::Readers;
use crate::{connection, writer};

/// So many long reads run at once; the others wait for their turn, so that
/// neither threads nor memory grow with the number of clients.
const LONG_READS_MAX: usize = 8;

/// What to do when the device fails under a commit.
pub(crate) type OnDeviceFailure = Arc<dyn Fn(&EngineError) + Send + Sync>;

/// How to open a [`SqliteStore`].
#[derive(Clone)]
pub struct Options {
    /// The database grows no larger than this; `None` for as large as the disk.
    pub size_max: Option<ByteSize>,
    /// Called when the device failed under a commit or a checkpoint. Nobody
    /// was acknowledged, and what the disk holds is unknown: the process is to
    /// end, so that the next one recovers from the log. The default does that.
    /// When this returns, every later change is refused.
    pub on_device_failure: Arc<dyn Fn(&EngineError) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self { size_max: None, on_device_failure: Arc::new(end_process) }
    }
}

fn end_process(error: &EngineError) {
    tracing::error!(%error, "the device of the metadata failed; ending, to recover from the log");
    std::process::abort();
}

/// Metadata in one SQLite database.
///
/// One process owns the database; `openpan` holds the lock of the data
/// directory. Dropping the store runs what was submitted, then closes.
pub struct SqliteStore {
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    long_reads: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the database in this file, creating it if it is not there and
    /// bringing an older one up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database of OpenPan, is one of a
    /// newer OpenPan, or when the SQLite library is known to lose data.
    pub fn open(path: &Path, options: Options) -> Result<Self, EngineError> {
        connection::check_library()?;
        let conn = connection::open_writer(path, options.size_max)?;
        let queue = Arc::new(Queue::default());
        let writer = writer::start(conn, Arc::clone(&queue), options.on_device_failure)?;
        Ok(Self {
            queue,
            readers: Arc::new(Readers::new(path.into())),
            long_reads: Arc::new(Semaphore::new(LONG_READS_MAX)),
            writer: Some(writer),
        })
    }
}

impl SqliteStore {
    /// Copies the database, as it is at one moment, to a file that is not
    /// there yet; resolves when the copy is durable but for its name. Changes
    /// go on meanwhile and wait only for single steps; every change that was
    /// acknowledged before the call is in the copy.
    ///
    /// A copy that fails leaves a part of a file, which is of no use.
    pub fn copy_to(
        &self,
        path: PathBuf,
    ) -> impl Future<Output = Result<(), EngineError>> + Send + use<> {
        let (request, copied) = CopyRequest::new(path);
        self.queue.push_copy(request);
        copied
    }
}

impl MetaStore for SqliteStore {
    fn submit(&self, scope: Scope, job: Box<dyn Job>) {
        self.queue.push(scope, job);
    }

    fn submit_read(&self, cost: ReadCost, mut job: Box<dyn ReadJob>) -> BoxFuture<'static, ()> {
        match cost {
            ReadCost::Bounded => {
                self.readers.run(job.as_mut());
                Box::pin(std::future::ready(()))
            }
            ReadCost::Long => {
                let readers = Arc::clone(&self.readers);
                let long_reads = Arc::clone(&self.long_reads);
                Box::pin(async move {
                    // Only a closed semaphore refuses, and nobody closes this one.
                    let turn = long_reads.acquire_owned().await.ok();
                    let run = move || {
                        readers.run(job.as_mut());
                        drop(turn);
                    };
                    // The closure's panics are caught below; its answer says all.
                    let _ = tokio::task::spawn_blocking(run).await;
                })
            }
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.close();
        let Some(writer) = self.writer.take() else { return };
        // The last owner may be a closure that the writer itself has just run.
        if writer.thread().id() != std::thread::current().id() && writer.join().is_err() {
            tracing::error!("the writer of the metadata panicked");
        }
    }
}
