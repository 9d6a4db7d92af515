//! Waiting for a future without being async.
//!
//! The future is polled by a thread that parks in between; sockets and timers
//! are those of a runtime with a thread of its own. Unlike a runtime's own
//! `block_on`, that works wherever it is called.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::Error;

pub(super) struct Engine {
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Engine {
    pub(super) fn start() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("pan-sdk")
            .enable_all()
            .build()
            .map_err(|error| Error::local("cannot start the thread of a client", error))?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Waits for a future. Its tasks, sockets and timers belong to the runtime.
    /// The future is made where it is polled, so it need not be `Send`.
    pub(super) fn wait<F: Future<Output: Send>>(
        &self,
        make: impl FnOnce() -> F + Send,
    ) -> F::Output {
        if Handle::try_current().is_err() {
            return self.wait_here(make());
        }
        // A thread of another runtime has a scheduler to which a future may
        // leave its waking, and which does not run while its thread waits.
        let waited = thread::scope(|scope| scope.spawn(|| self.wait_here(make())).join());
        waited.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn wait_here<F: Future>(&self, future: F) -> F::Output {
        let _inside = self.runtime.as_ref().map(Runtime::enter);
        let mut future = pin!(future);
        let signal = Arc::new(Signal { waiter: thread::current(), given: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&signal));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            // A thread may also wake up for no reason.
            while !signal.given.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Waiting for its thread would panic inside async code.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Wakes the thread that waits.
struct Signal {
    waiter: Thread,
    given: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.given.store(true, Ordering::Release);
        self.waiter.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Engine;

    async fn work() -> u32 {
        let task = tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            2
        });
        tokio::task::yield_now().await;
        task.await.unwrap() + tokio::task::spawn_blocking(|| 1).await.unwrap()
    }

    #[test]
    fn many_threads_wait_at_once() {
        let engine = Engine::start().unwrap();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| engine.wait(work))).collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap(), 3);
            }
        });
    }

    #[tokio::test]
    async fn inside_async_code_it_waits_too_and_nothing_panics() {
        let engine = Engine::start().unwrap();
        assert_eq!(engine.wait(work), 3);
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        (0..10_000).for_each(|number| sender.send(number).unwrap());
        let all = async { while receiver.recv().await != Some(9_999) {} };
        engine.wait(|| all);
        // The runtime outside is the current one again.
        assert_eq!(work().await, 3);
        drop(engine);
    }
}
