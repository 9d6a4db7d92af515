//! What waits to be transferred, and how much of it may be under way.

use std::collections::VecDeque;

use pan_sdk::SmallFile;

use super::Job;

/// How many bytes of small files go together at most: with what surrounds
/// them they still fit into a request of the SDK, of 8 MiB.
const BATCH_BYTES: u64 = 7 << 20;
/// How many files wait for a lane, in each, before no more are taken from the walk.
const WAITING_MAX: usize = 1_000;

/// Where a transfer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Small files, and directories.
    Small,
    /// Files that are worth watching one by one.
    Large,
}

/// The two lanes and what waits for them.
#[derive(Debug)]
pub(super) struct Queue<J> {
    small: VecDeque<J>,
    large: VecDeque<J>,
    batch_files: usize,
    small_free: usize,
    large_free: usize,
}

impl<J: Job> Queue<J> {
    pub(super) fn new(batch_files: usize, batches: usize, large: usize) -> Self {
        Self {
            small: VecDeque::new(),
            large: VecDeque::new(),
            batch_files,
            small_free: batches,
            large_free: large,
        }
    }

    /// Whether more should be taken from the walk.
    pub(super) fn has_room(&self) -> bool {
        self.small.len() < WAITING_MAX && self.large.len() < WAITING_MAX
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    pub(super) fn push(&mut self, job: J) {
        match job.size() {
            Some(size) if size > SmallFile::MAX_BYTES => self.large.push_back(job),
            _ => self.small.push_back(job),
        }
    }

    /// The next jobs for which there is a free lane, which they occupy. Small
    /// ones do not wait for others to fill their batch.
    pub(super) fn next(&mut self) -> Option<(Lane, Vec<J>)> {
        if self.large_free > 0
            && let Some(job) = self.large.pop_front()
        {
            self.large_free -= 1;
            return Some((Lane::Large, vec![job]));
        }
        if self.small_free == 0 || self.small.is_empty() {
            return None;
        }
        self.small_free -= 1;
        Some((Lane::Small, self.batch()))
    }

    /// What was in this lane has ended.
    pub(super) fn ended(&mut self, lane: Lane) {
        match lane {
            Lane::Small => self.small_free += 1,
            Lane::Large => self.large_free += 1,
        }
    }

    fn batch(&mut self) -> Vec<J> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < self.batch_files
            && let Some(size) = self.small.front().map(|job| job.size().unwrap_or(0))
            && bytes + size <= BATCH_BYTES
        {
            bytes += size;
            batch.extend(self.small.pop_front());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH_BYTES, Job, Lane, Queue};

    struct Size(Option<u64>);

    impl Job for Size {
        fn size(&self) -> Option<u64> {
            self.0
        }

        fn name(&self) -> String {
            String::new()
        }
    }

    /// What is begun, by lane and number of jobs.
    fn begun(queue: &mut Queue<Size>) -> Vec<(Lane, usize)> {
        std::iter::from_fn(|| queue.next().map(|(lane, jobs)| (lane, jobs.len()))).collect()
    }

    #[test]
    fn lanes_are_not_overfilled_and_batches_neither() {
        use Lane::{Large, Small};
        let mut queue = Queue::new(3, 2, 1);
        for size in
            [Some(1), None, Some(1 << 30), Some(0), Some(5), Some(1 << 20), Some(9), Some(9)]
        {
            queue.push(Size(size));
        }
        assert_eq!(begun(&mut queue), [(Large, 1), (Small, 3), (Small, 3)]);
        queue.ended(Small);
        assert_eq!(begun(&mut queue), []);
        queue.push(Size(Some(1)));
        queue.ended(Large);
        assert_eq!(begun(&mut queue), [(Large, 1), (Small, 1)]);
    }

    #[test]
    fn a_batch_is_bounded_in_bytes() {
        let mut queue = Queue::new(1000, 9, 1);
        let quarter = 256 << 10;
        (0..100).for_each(|_| queue.push(Size(Some(quarter))));
        let batches = begun(&mut queue);
        assert_eq!(batches[0], (Lane::Small, (BATCH_BYTES / quarter) as usize));
        assert_eq!(batches.iter().map(|(_, jobs)| jobs).sum::<usize>(), 100);
    }
}
