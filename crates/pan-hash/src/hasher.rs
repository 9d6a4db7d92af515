use std::sync::Arc;
use std::thread;

use crate::StreamDigest;
use crate::queue::Queue;
use crate::worker;

/// The one hasher of a process: digests streams on threads of its own.
///
/// A clone is another handle to the same threads. They end when the last
/// handle and the last stream are gone.
///
/// A stream has two lanes, md5 and the quicker digests, so that even a single
/// stream uses two cores. Lanes of different streams that wait for md5 at the
/// same time are digested together in SIMD registers.
#[derive(Clone)]
pub struct Hasher {
    pool: Arc<Pool>,
}

/// The threads, as long as somebody may have work for them.
pub(crate) struct Pool {
    pub(crate) queue: Arc<Queue>,
}

impl Hasher {
    /// Starts `threads` threads, one at least.
    ///
    /// # Panics
    ///
    /// When the system refuses a thread.
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        let queue = Arc::new(Queue::new(threads));
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            let started = thread::Builder::new()
                .name(format!("pan-hash-{number}"))
                .spawn(move || worker::work(&queue));
            assert!(started.is_ok(), "the system refuses a thread to hash on");
        }
        Self { pool: Arc::new(Pool { queue }) }
    }

    /// Begins the digest of a stream that is stored in blobs: its check lists
    /// are handed out blob by blob.
    pub fn stream(&self) -> StreamDigest {
        StreamDigest::new(Arc::clone(&self.pool), true)
    }

    /// Begins a digest that keeps no check lists, as merging needs it.
    pub fn whole(&self) -> StreamDigest {
        StreamDigest::new(Arc::clone(&self.pool), false)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
    }
}
