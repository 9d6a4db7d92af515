//! What a test holds in its hand when the rules run in its own process: the
//! clock, the dice, and nobody to make backups.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pan_engine::{
    BackupPlace, Backups, BoxFuture, Clock, EngineError, Entropy, ErrorKind, LocalTime, MetaStore,
    StoreId,
};
use pan_model::Timestamp;
use rand::RngCore;

/// When every story begins.
const BEGIN: i64 = 1_790_000_000;

/// A clock that stands still until it is told to move.
#[derive(Default)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    /// Lets time pass.
    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(BEGIN + self.0.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    fn local(&self, _at: Timestamp) -> LocalTime {
        LocalTime { year: 2026, month: 9, day: 21, hour: 12, minute: 0, second: 0 }
    }
}

/// Real randomness.
pub(crate) struct Dice;

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Nobody makes a backup.
pub(crate) struct NoBackups;

impl Backups for NoBackups {
    fn open<'a>(
        &'a self,
        _place: &'a str,
        _store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn BackupPlace>, EngineError>> {
        Box::pin(async { Err(no_backups()) })
    }

    fn freeze(&self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>> {
        Box::pin(async { Err(no_backups()) })
    }
}

pub(crate) fn no_backups() -> EngineError {
    EngineError::new(ErrorKind::Failed, "nobody makes backups here")
}
