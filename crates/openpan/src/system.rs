//! Time and randomness as the system has them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use pan_engine::{Clock, Entropy, LocalTime};
use pan_model::Timestamp;
use rand::TryRngCore;

/// The system's clock.
pub(crate) struct SystemClock {
    begun: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now() }
    }
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(unix_seconds())
    }

    fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }

    fn local(&self, at: Timestamp) -> LocalTime {
        let moment = jiff::Timestamp::from_second(at.0).unwrap_or_default();
        let local = moment.to_zoned(TimeZone::system());
        LocalTime {
            year: i32::from(local.year()),
            month: local.month().unsigned_abs(),
            day: local.day().unsigned_abs(),
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
            second: local.second().unsigned_abs(),
        }
    }
}

/// The system's random numbers.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = rand::rngs::OsRng.try_fill_bytes(bytes) {
            // Without randomness no token is secret and no key is unique.
            tracing::error!(%error, "the system has no randomness; ending");
            std::process::abort();
        }
    }
}
