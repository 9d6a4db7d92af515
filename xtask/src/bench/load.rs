//! Clients that ask as fast as they get answers: a thread and a connection each.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::target::{Client, Target};

/// When the clients stop.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    /// After so many requests in all.
    AfterRequests(u64),
    /// When the time is over; requests under way are finished and counted.
    After(Duration),
}

/// What the clients did.
pub(crate) struct Outcome {
    /// Requests answered.
    pub(crate) requests: u64,
    /// The sum of what the requests returned.
    pub(crate) bytes: u64,
    /// From the moment when all were connected to the last answer.
    pub(crate) elapsed: Duration,
    latencies_us: Vec<u32>,
}

impl Outcome {
    /// Requests per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Gigabytes (10⁹) per second.
    pub(crate) fn gb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e9 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let last = self.latencies_us.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies_us.get(at).map_or(0.0, |us| f64::from(*us) / 1e3)
    }
}

/// Lets `clients` connections run `request` until they are to stop.
///
/// Requests are numbered from 0 across all clients; `request` returns the bytes it
/// moved. The first error ends the run.
pub(crate) fn drive(
    target: &Target,
    clients: usize,
    stop: Stop,
    request: impl Fn(&mut Client<'_>, u64) -> Result<u64> + Sync,
) -> Result<Outcome> {
    let next = AtomicU64::new(0);
    let ready = Barrier::new(clients + 1);
    let (started, parts) = thread::scope(|scope| {
        let threads = (0..clients)
            .map(|_| scope.spawn(|| client(target, stop, &next, &ready, &request)))
            .collect::<Vec<_>>();
        ready.wait();
        let started = Instant::now();
        let parts = threads.into_iter().map(|thread| thread.join().expect("clients do not panic"));
        (started, parts.collect::<Result<Vec<_>>>())
    });
    let elapsed = started.elapsed();
    let mut outcome = Outcome { requests: 0, bytes: 0, elapsed, latencies_us: Vec::new() };
    for (bytes, latencies) in parts? {
        outcome.requests += latencies.len() as u64;
        outcome.bytes += bytes;
        outcome.latencies_us.extend(latencies);
    }
    ensure!(outcome.requests > 0, "no request was answered in time");
    outcome.latencies_us.sort_unstable();
    Ok(outcome)
}

fn client(
    target: &Target,
    stop: Stop,
    next: &AtomicU64,
    ready: &Barrier,
    request: &(impl Fn(&mut Client<'_>, u64) -> Result<u64> + Sync),
) -> Result<(u64, Vec<u32>)> {
    // Nobody may leave before the barrier, or the others would wait for ever.
    let connected = target.connect();
    ready.wait();
    let mut client = connected?;
    let (last, duration) = match stop {
        Stop::AfterRequests(count) => (count, Duration::MAX),
        Stop::After(duration) => (u64::MAX, duration),
    };
    let started = Instant::now();
    let (mut bytes, mut latencies) = (0, Vec::new());
    while started.elapsed() < duration {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= last {
            break;
        }
        let asked = Instant::now();
        bytes += request(&mut client, number)?;
        latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok((bytes, latencies))
}
