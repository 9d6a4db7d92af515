//! The memory of a running process.
//!
//! Of a server `RssAnon` and not the resident size: pages of mapped files belong to the page
//! cache and go when somebody needs them. Of a command that soon ends the peak of its
//! resident size, which no moment between two looks can hide from.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

/// The anonymous memory of a process, in bytes.
pub(crate) fn rss_anon_bytes(process: u32) -> Result<u64> {
    status_bytes(process, "RssAnon")
}

/// The most that was ever resident of a process, mapped files too, in bytes.
fn resident_peak_bytes(process: u32) -> Result<u64> {
    status_bytes(process, "VmHWM")
}

/// The anonymous memory of all that a process has started, together, in bytes.
fn descendants_bytes(process: u32) -> Result<u64> {
    let mut sum = 0;
    let mut parents = vec![process];
    while let Some(parent) = parents.pop() {
        // What has ended meanwhile has neither children nor memory.
        for child in children(parent).unwrap_or_default() {
            sum += rss_anon_bytes(child).unwrap_or(0);
            parents.push(child);
        }
    }
    Ok(sum)
}

/// What the threads of a process have started.
fn children(process: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        children.extend(list.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    Ok(children)
}

fn status_bytes(process: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    Ok(kib.with_context(|| format!("no {name}"))?.trim().parse::<u64>()? * 1024)
}

/// Looks at a process again and again and keeps the largest figure.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Sampler {
    /// Starts to look at the anonymous memory, every ten milliseconds.
    pub(crate) fn start(process: u32) -> Self {
        Self::look(process, rss_anon_bytes, Duration::from_millis(10))
    }

    /// Starts to look at the peak of the resident size, often enough for a command that
    /// lasts no longer than a few looks.
    pub(crate) fn of_resident(process: u32) -> Self {
        Self::look(process, resident_peak_bytes, Duration::from_millis(2))
    }

    /// Starts to look at the anonymous memory of all that a process has started.
    pub(crate) fn of_descendants(process: u32) -> Self {
        Self::look(process, descendants_bytes, Duration::from_millis(5))
    }

    fn look(process: u32, figure: fn(u32) -> Result<u64>, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut peak = 0;
                while !stop.load(Ordering::Relaxed) {
                    // A process that has just ended has no figure and needs none.
                    peak = peak.max(figure(process).unwrap_or(0));
                    thread::sleep(pause);
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
        // What is over is still known of the resident size.
        drop(block);
        let sampler = Sampler::of_resident(std::process::id());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(sampler.peak_bytes() >= before + (24 << 20));
    }
}
