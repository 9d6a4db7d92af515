//! Lanes: one digest of one stream, and the chunks that wait for it.
//!
//! A lane is owned by exactly one place at a time: it rests in its own
//! [`Inbox`], waits in the queue, or is in the hands of a worker. So its state
//! needs no lock, and its chunks are digested in the order they came in.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::BlobDigest;
use crate::md5::{ContentMd5, Md5Pair};
use crate::tree::ContentTree;

/// A digest that can be a lane's state.
pub(crate) trait Digest {
    /// What can be asked of it between chunks.
    type Ask: Send;
}

impl Digest for ContentMd5 {
    /// The sums of the whole; the last thing that is asked.
    type Ask = oneshot::Sender<Md5Pair>;
}

/// BLAKE3 and CRC-32: quick beside md5, so that they share a lane.
#[derive(Default)]
pub(crate) struct TreeAndCrc {
    pub(crate) tree: ContentTree,
    pub(crate) crc32: crc32fast::Hasher,
}

/// What can be asked of a [`TreeAndCrc`].
pub(crate) enum TreeAsk {
    EndBlob(oneshot::Sender<BlobDigest>),
    Finish(oneshot::Sender<TreeEnd>),
}

/// What a [`TreeAndCrc`] says in the end.
pub(crate) struct TreeEnd {
    pub(crate) blake3: pan_model::Blake3,
    pub(crate) crc32: pan_model::Crc32,
}

impl TreeAndCrc {
    /// Appends bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.tree.update(bytes);
        self.crc32.update(bytes);
    }
}

impl Digest for TreeAndCrc {
    type Ask = TreeAsk;
}

/// One thing that waits for a lane.
pub(crate) enum Work<A> {
    Chunk(Bytes),
    Ask(A),
}

/// A digest and the work that a worker has taken up for it.
pub(crate) struct Lane<D: Digest> {
    pub(crate) digest: D,
    pub(crate) work: VecDeque<Work<D::Ask>>,
    inbox: Arc<Inbox<D>>,
}

/// A lane as it goes from place to place.
pub(crate) type BoxedLane<D> = Box<Lane<D>>;

/// Where a stream leaves work for its lane.
pub(crate) struct Inbox<D: Digest>(Mutex<Slot<D>>);

struct Slot<D: Digest> {
    work: VecDeque<Work<D::Ask>>,
    /// The lane, while it has nothing to do.
    resting: Option<BoxedLane<D>>,
    /// Nobody wants the digest any more.
    closed: bool,
}

impl<D: Digest + Default> Inbox<D> {
    /// A new lane, resting in its inbox.
    pub(crate) fn new() -> Arc<Self> {
        let slot = Slot { work: VecDeque::new(), resting: None, closed: false };
        let inbox = Arc::new(Self(Mutex::new(slot)));
        let lane = Lane { digest: D::default(), work: VecDeque::new(), inbox: Arc::clone(&inbox) };
        inbox.slot().resting = Some(Box::new(lane));
        inbox
    }
}

impl<D: Digest> Inbox<D> {
    /// Leaves work. Returns the lane if it was resting and must be queued.
    pub(crate) fn leave(&self, work: Work<D::Ask>) -> Option<BoxedLane<D>> {
        let mut slot = self.slot();
        if slot.closed {
            return None;
        }
        slot.work.push_back(work);
        slot.resting.take()
    }

    /// Abandons the digest: what waits is dropped, and the lane with it.
    pub(crate) fn close(&self) {
        let mut slot = self.slot();
        slot.closed = true;
        let waste = (mem::take(&mut slot.work), slot.resting.take());
        drop(slot);
        drop(waste);
    }

    fn slot(&self) -> MutexGuard<'_, Slot<D>> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Digest> Lane<D> {
    /// Takes up what has been left in the inbox.
    pub(crate) fn collect(&mut self) {
        let mut slot = self.inbox.slot();
        if self.work.is_empty() {
            mem::swap(&mut self.work, &mut slot.work);
        } else {
            self.work.append(&mut slot.work);
        }
    }

    /// Puts the lane to rest. Returns it if there is more to do.
    pub(crate) fn settle(self: Box<Self>) -> Option<Box<Self>> {
        let inbox = Arc::clone(&self.inbox);
        let mut slot = inbox.slot();
        if slot.closed {
            // The lane closes its inbox when it is dropped: not under the lock.
            drop(slot);
            return None;
        }
        if self.work.is_empty() && slot.work.is_empty() {
            slot.resting = Some(self);
            return None;
        }
        Some(self)
    }
}

impl<D: Digest> Drop for Lane<D> {
    /// A lane that a panic took away leaves nobody waiting for an answer.
    fn drop(&mut self) {
        self.inbox.close();
    }
}
