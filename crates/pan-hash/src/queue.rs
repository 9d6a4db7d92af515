//! The lanes that have work, and who may take them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::lane::{BoxedLane, Digest, TreeAndCrc};
use crate::md5::{ContentMd5, MAX_LANES};

/// What a worker takes from the queue in one go.
pub(crate) enum Job {
    /// Up to [`MAX_LANES`] lanes, to be digested together.
    Md5(Vec<BoxedLane<ContentMd5>>),
    Tree(BoxedLane<TreeAndCrc>),
}

/// The lanes that wait for a worker.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

struct Waiting {
    md5: VecDeque<Ticketed<ContentMd5>>,
    tree: VecDeque<Ticketed<TreeAndCrc>>,
    next_ticket: u64,
    /// Workers that are digesting md5 lanes now, and how many may.
    md5_workers: usize,
    md5_workers_max: usize,
    idle_workers: usize,
    closed: bool,
}

struct Ticketed<D: Digest> {
    ticket: u64,
    lane: BoxedLane<D>,
}

impl Queue {
    /// A queue for this many workers.
    pub(crate) fn new(workers: usize) -> Self {
        let waiting = Waiting {
            md5: VecDeque::new(),
            tree: VecDeque::new(),
            next_ticket: 0,
            md5_workers: 0,
            // Two md5 lanes on one core cost less than one each on two, so
            // lanes had better wait for company than spread out.
            md5_workers_max: workers.div_ceil(2),
            idle_workers: 0,
            closed: false,
        };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new() }
    }

    /// Queues an md5 lane.
    pub(crate) fn put_md5(&self, lane: BoxedLane<ContentMd5>) {
        let mut waiting = self.waiting();
        let ticket = waiting.ticket();
        waiting.md5.push_back(Ticketed { ticket, lane });
        if waiting.md5_workers < waiting.md5_workers_max {
            self.wake_one(&waiting);
        }
    }

    /// Queues a tree lane.
    pub(crate) fn put_tree(&self, lane: BoxedLane<TreeAndCrc>) {
        let mut waiting = self.waiting();
        let ticket = waiting.ticket();
        waiting.tree.push_back(Ticketed { ticket, lane });
        self.wake_one(&waiting);
    }

    /// Waits for a job; `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            if let Some(job) = waiting.take() {
                return Some(job);
            }
            if waiting.closed && waiting.md5.is_empty() {
                return None;
            }
            waiting.idle_workers += 1;
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle_workers -= 1;
        }
    }

    /// Ends a [`Job::Md5`] with the lanes of it that have more to do.
    pub(crate) fn end_md5(&self, lanes: Vec<BoxedLane<ContentMd5>>) {
        let mut waiting = self.waiting();
        waiting.md5_workers -= 1;
        for lane in lanes {
            let ticket = waiting.ticket();
            waiting.md5.push_back(Ticketed { ticket, lane });
        }
        // This worker comes back at once, but it may find a tree lane first, or
        // more md5 lanes than it can take.
        if !waiting.tree.is_empty() || waiting.md5.len() > MAX_LANES {
            self.wake_one(&waiting);
        }
    }

    /// Lets the workers go when everything has been digested.
    pub(crate) fn close(&self) {
        self.waiting().closed = true;
        self.arrived.notify_all();
    }

    fn wake_one(&self, waiting: &Waiting) {
        if waiting.idle_workers > 0 {
            self.arrived.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// The oldest lane that may be taken; an md5 lane brings its company.
    fn take(&mut self) -> Option<Job> {
        let tree = self.tree.front().map(|front| front.ticket);
        let md5 = self.md5.front().map(|front| front.ticket);
        let md5 = md5.filter(|_| self.md5_workers < self.md5_workers_max);
        if md5.is_some_and(|md5| tree.is_none_or(|tree| md5 < tree)) {
            self.md5_workers += 1;
            let company = self.md5.len().min(MAX_LANES);
            return Some(Job::Md5(self.md5.drain(..company).map(|front| front.lane).collect()));
        }
        self.tree.pop_front().map(|front| Job::Tree(front.lane))
    }
}
