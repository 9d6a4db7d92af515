//! The scrub as a worker: slowly, in rounds.
//!
//! A round begins every two weeks and is over before the next: between two
//! reads of the same byte there are never more than four. A restart goes on
//! where the round was.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pan_engine::{BoxFuture, MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{ContentId, Timestamp};

use super::ScrubReport;
use super::scrub::{BEGINNING, Place};
use crate::{Error, Pan, Result, Worker, WorkerStatus};

/// The setting that holds the round.
const ROUND: &str = "scrub_round";

/// A round of the scrub, as its setting holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    begun: Timestamp,
    /// What comes next; `None` when the round is over.
    place: Option<Place>,
    bytes: u64,
}

impl Round {
    fn begin(now: Timestamp) -> Self {
        Self { begun: now, place: Some(BEGINNING), bytes: 0 }
    }

    fn to_bytes(self) -> Vec<u8> {
        // No content has the id 0.
        let place = self.place.unwrap_or(Place { content: ContentId(0), seq: 0 });
        let mut bytes = self.begun.0.to_be_bytes().to_vec();
        bytes.extend(place.content.0.to_be_bytes());
        bytes.extend(place.seq.to_be_bytes());
        bytes.extend(self.bytes.to_be_bytes());
        bytes
    }

    /// `None` for what is no round: a new one begins.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (begun, rest) = bytes.split_first_chunk()?;
        let (content, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let content = ContentId(i64::from_be_bytes(*content));
        let place = Place { content, seq: u32::from_be_bytes(*seq) };
        Some(Self {
            begun: Timestamp(i64::from_be_bytes(*begun)),
            place: Some(place).filter(|place| place.content.0 > 0),
            bytes: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }

    /// Whether another round is due. A clock that went back must not stop
    /// them for ever.
    fn is_past(&self, now: Timestamp, seconds: i64) -> bool {
        now < self.begun || now >= self.begun.plus_seconds(seconds)
    }

    /// Bytes a second: enough to be through when the next round is due.
    fn rate(&self, now: Timestamp, seconds: i64, stored: u64, floor: u64) -> u64 {
        let left = (self.begun.0 + seconds - now.0).clamp(3600, seconds.max(3600));
        (stored.saturating_sub(self.bytes) / left.unsigned_abs()).max(floor)
    }
}

/// Reads every byte once in a round, with pauses.
pub(crate) struct Scrubber {
    pan: Pan,
    rest: Mutex<Duration>,
}

/// How often to look whether a round is due.
const REST: Duration = Duration::from_secs(3600);
/// A process that has just begun has better things to do.
const AT_FIRST: Duration = Duration::from_secs(60);
/// Rests are no shorter, so that contents without bytes do not spin.
const REST_MIN: Duration = Duration::from_millis(20);

impl Scrubber {
    pub(crate) fn new(pan: Pan) -> Self {
        Self { pan, rest: Mutex::new(REST) }
    }

    async fn go_on(&self) -> Result<Duration> {
        let pan = &self.pan;
        if let Some(wait) = AT_FIRST.checked_sub(pan.clock().uptime()) {
            return Ok(wait);
        }
        let (seconds, now) = (pan.settings().scrub_round_seconds, pan.now());
        let load = |read: &mut dyn MetaRead| {
            Ok::<_, Error>((read.get_setting(ROUND)?, stored_bytes(read)?))
        };
        let (setting, stored) = pan.meta().read(ReadCost::Bounded, load).await?;
        let known = setting.and_then(|bytes| Round::from_bytes(&bytes));
        let mut round = known.unwrap_or_else(|| Round::begin(now));
        if round.place.is_none() && round.is_past(now, seconds) {
            round = Round::begin(now);
        }
        let Some(place) = round.place else { return Ok(REST) };
        let mut report = ScrubReport::default();
        round.place = pan.scrub_slice(place, &mut report).await?;
        round.bytes += report.bytes_read;
        if round.place.is_none() {
            pan.recognise_recovered().await?;
            tracing::info!(bytes_read = round.bytes, "every stored byte was read and compared");
        }
        let job =
            move |tx: &mut dyn MetaTxn| Ok::<_, Error>(tx.put_setting(ROUND, &round.to_bytes())?);
        pan.meta().write(Scope::Instance, job).await?;
        let rate = round.rate(now, seconds, stored, pan.settings().scrub_bytes_per_second.0);
        Ok(Duration::from_secs_f64(report.bytes_read as f64 / rate.max(1) as f64).max(REST_MIN))
    }
}

/// What all users have stored, at most: the same bytes of two are there once.
fn stored_bytes(read: &mut dyn MetaRead) -> Result<u64> {
    let mut users = Vec::new();
    read.list_users(&mut |user| {
        users.push(user.user);
        ControlFlow::Continue(())
    })?;
    let mut stored = 0u64;
    for user in users {
        if let Some(usage) = read.get_usage(user)? {
            stored = stored.saturating_add((usage.used + usage.recycled + usage.tmpfiles).0);
        }
    }
    Ok(stored)
}

impl Worker for Scrubber {
    fn name(&self) -> &'static str {
        "scrub"
    }

    fn work(&self) -> BoxFuture<'_, Result<WorkerStatus>> {
        Box::pin(async {
            let rest = self.go_on().await?;
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = rest;
            // Never busy: the rest is the pace.
            Ok(WorkerStatus::Idle)
        })
    }

    fn rest(&self) -> Duration {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a_round_is_remembered() {
        let begun = Timestamp(1_795_000_000);
        for place in [None, Some(BEGINNING), Some(Place { content: ContentId(1 << 40), seq: 9 })] {
            let round = Round { begun, place, bytes: 1 << 50 };
            assert_eq!(Round::from_bytes(&round.to_bytes()), Some(round));
        }
        for bytes in [&b""[..], &[0; 27], &[0; 29]] {
            assert_eq!(Round::from_bytes(bytes), None);
        }
    }

    #[test]
    fn a_large_store_is_read_in_time() {
        let round = Round::begin(Timestamp(0));
        let rate = |now, stored| round.rate(Timestamp(now), 14 * DAY, stored, 4 << 20);
        assert_eq!(rate(0, 0), 4 << 20, "the floor");
        assert_eq!(rate(0, 1 << 40), 4 << 20, "a terabyte is no hurry");
        assert!(rate(0, 20 << 40) >= (20 << 40) / (14 * DAY as u64));
        assert!(rate(13 * DAY, 1 << 40) >= (1 << 40) / DAY as u64, "a day is left");
        assert!(rate(15 * DAY, 1 << 40) > 4 << 20, "too late is no reason to stop");
    }

    #[test]
    fn rounds_go_on_when_the_clock_jumps() {
        let round = Round::begin(Timestamp(100 * DAY));
        assert!(!round.is_past(Timestamp(113 * DAY), 14 * DAY));
        assert!(round.is_past(Timestamp(114 * DAY), 14 * DAY));
        assert!(round.is_past(Timestamp(99 * DAY), 14 * DAY));
    }
}
