//! The buffers of all transfers: a fixed total, so that memory does not grow
//! with the number of streams. When it is empty, sockets are not read.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pan_engine::MAX_CHUNK_BYTES;
use pan_model::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone)]
pub(crate) struct BufferPool {
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// A buffer of [`MAX_CHUNK_BYTES`], filled from the front.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
    home: Arc<Mutex<Vec<Box<[u8]>>>>,
    _turn: OwnedSemaphorePermit,
}

impl BufferPool {
    pub(crate) fn new(total: ByteSize) -> Self {
        let buffers = usize::try_from(total.0).unwrap_or(usize::MAX) / MAX_CHUNK_BYTES;
        let turns = Arc::new(Semaphore::new(buffers.clamp(4, Semaphore::MAX_PERMITS)));
        Self { turns, idle: Arc::default() }
    }

    /// Waits for a buffer; those who wait are served in turn.
    pub(crate) async fn take(&self) -> Buffer {
        let turn = match self.turns.clone().acquire_owned().await {
            Ok(turn) => turn,
            Err(_) => unreachable!("the semaphore is never closed"),
        };
        let reused = lock(&self.idle).pop();
        let bytes = reused.unwrap_or_else(|| vec![0; MAX_CHUNK_BYTES].into_boxed_slice());
        Buffer { bytes, filled: 0, home: self.idle.clone(), _turn: turn }
    }
}

impl Buffer {
    /// Copies from the front of `bytes` what fits below `limit` and takes it off.
    pub(crate) fn fill(&mut self, bytes: &mut Bytes, limit: usize) {
        let room = limit.min(self.bytes.len()).saturating_sub(self.filled);
        let piece = bytes.split_to(room.min(bytes.len()));
        self.bytes[self.filled..self.filled + piece.len()].copy_from_slice(&piece);
        self.filled += piece.len();
    }

    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    /// The filled part; the buffer goes home when the last copy is dropped.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        lock(&self.home).push(std::mem::take(&mut self.bytes));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pan_model::ByteSize;

    use super::BufferPool;

    #[tokio::test]
    async fn buffers_come_back_and_are_counted() {
        let pool = BufferPool::new(ByteSize(1 << 20));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(pool.take().await);
        }
        assert_eq!(pool.turns.available_permits(), 0);
        let mut buffer = held.remove(0);
        buffer.fill(&mut Bytes::from_static(b"hello"), 4);
        assert_eq!(buffer.len(), 4);
        let bytes = buffer.freeze();
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!((&copy[..], pool.turns.available_permits()), (&b"hell"[..], 0));
        drop(copy);
        assert_eq!(pool.take().await.len(), 0);
    }
}
