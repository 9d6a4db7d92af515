use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pan_model::ByteSize;
use tokio::time::{Instant, sleep};

/// What was not used is saved up for so long: timers are late by a
/// millisecond or two, and that must not slow down what is allowed.
const SAVED: Duration = Duration::from_millis(100);
/// Bytes move in steps of a twentieth of a second, so that they move smoothly.
const STEPS_A_SECOND: u64 = 20;

/// A limit of bytes a second that transfers share. Clones are the same limit.
///
/// It counts the content of uploads and downloads, in both directions
/// together, and not the few hundred bytes that surround it. Waiting for the
/// limit is no stall.
#[derive(Debug, Clone, Default)]
pub struct Throttle(Option<Arc<Limit>>);

#[derive(Debug)]
struct Limit {
    rate: u64,
    /// When everything that has moved is paid for.
    paid: Mutex<Instant>,
}

impl Throttle {
    /// At most so many bytes a second, one at least, in all directions
    /// together.
    pub fn bytes_per_second(rate: ByteSize) -> Self {
        Self(Some(Arc::new(Limit { rate: rate.0.max(1), paid: Mutex::new(Instant::now()) })))
    }

    /// The most bytes that should move at once.
    pub(crate) fn step_bytes(&self) -> usize {
        let step = self.0.as_ref().map(|limit| (limit.rate / STEPS_A_SECOND).max(1));
        step.and_then(|step| usize::try_from(step).ok()).unwrap_or(usize::MAX)
    }

    /// Counts bytes that move now; how long to wait before more may.
    pub(crate) fn wait_for(&self, bytes: u64) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |limit| limit.take(bytes, Instant::now()))
    }

    /// Counts bytes that have moved, and waits until more may.
    pub(crate) async fn pass(&self, bytes: usize) {
        let wait = self.wait_for(bytes as u64);
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

impl Limit {
    fn take(&self, bytes: u64, now: Instant) -> Duration {
        let price = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(SAVED).unwrap_or(now);
        *paid = (*paid).max(earliest) + price;
        paid.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pan_model::ByteSize;
    use tokio::time::Instant;

    use super::{Limit, Throttle};

    /// How long it takes to move bytes, where every sleep is so much too long.
    fn took(limit: &Limit, pieces: u64, piece: u64, late: Duration) -> Duration {
        let began = Instant::now();
        let mut now = began;
        for _ in 0..pieces {
            let wait = limit.take(piece, now);
            now += if wait.is_zero() { wait } else { wait + late };
        }
        now - began
    }

    fn limit(rate: u64) -> (Throttle, std::sync::Arc<Limit>) {
        let throttle = Throttle::bytes_per_second(ByteSize(rate));
        let limit = throttle.0.clone().unwrap();
        (throttle, limit)
    }

    #[test]
    fn bytes_take_the_time_they_should() {
        for late in [Duration::ZERO, Duration::from_millis(2)] {
            let took = took(&limit(1000).1, 100, 50, late);
            assert!((4990..5020).contains(&took.as_millis()), "{took:?}");
        }
    }

    #[test]
    fn clones_share_the_limit() {
        let (throttle, _) = limit(1000);
        let other = throttle.clone();
        assert!(throttle.wait_for(1000) <= Duration::from_secs(1));
        assert!(other.wait_for(1000) > Duration::from_millis(1800));
    }

    #[test]
    fn what_was_not_used_is_lost_but_for_a_moment() {
        let (_, limit) = limit(1000);
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(limit.take(100, later), Duration::ZERO);
        assert_eq!(limit.take(1000, later), Duration::from_secs(1));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let free = Throttle::default();
        assert_eq!((free.wait_for(u64::MAX), free.step_bytes()), (Duration::ZERO, usize::MAX));
        assert_eq!(limit(0).0.step_bytes(), 1);
    }
}
