//! The memory of a running process.
//!
//! `RssAnon` and not the resident size: pages of mapped files belong to the page cache
//! and go when somebody needs them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

/// The anonymous memory of a process, in bytes.
pub(crate) fn rss_anon_bytes(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).context("no RssAnon")?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}

/// Looks at a process every ten milliseconds and keeps the largest figure.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Sampler {
    /// Starts to look.
    pub(crate) fn start(process: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut peak = 0;
                while !stop.load(Ordering::Relaxed) {
                    // A process that has just ended has no figure and needs none.
                    peak = peak.max(rss_anon_bytes(process).unwrap_or(0));
                    thread::sleep(Duration::from_millis(10));
                }
                peak
            }
        });
        Self { stop, thread }
    }

    /// Stops and returns the peak, in bytes.
    pub(crate) fn peak_bytes(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the sampler does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::{Sampler, rss_anon_bytes};

    #[test]
    fn memory_in_use_is_seen() {
        let before = rss_anon_bytes(std::process::id()).unwrap();
        let sampler = Sampler::start(std::process::id());
        let block = vec![1_u8; 32 << 20];
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(std::hint::black_box(&block)[1], 1);
        assert!(sampler.peak_bytes() >= before + (24 << 20));
    }
}
