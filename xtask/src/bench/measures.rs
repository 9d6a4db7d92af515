//! The groups of measures: which there are, in which order they run, and what they share.

mod client;
mod download;
mod limits;
mod list;
mod media;
mod memory;
mod small_download;
mod small_upload;
mod start;
mod tree;
mod upload;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::ValueEnum;

use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::report::{Measured, Report};
use crate::bench::series::Series;
use crate::bench::target::Target;
use crate::bench::{Bench, Scale};

/// What can be asked for with `--only`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Flushes of the disk; 4 KiB uploads, and again after a purge
    SmallUpload,
    /// 4 KiB downloads
    SmallDownload,
    /// Whole directories and first pages
    List,
    /// Start to first answer
    Start,
    /// md5 of one core, a plain write; large uploads, one and four at once
    Upload,
    /// Large downloads and ranges
    Download,
    /// Memory, idle and under uploads
    Memory,
    /// A tree of a million entries: whole directories, lists, search, diff
    Tree,
    /// Thumbnails beside vipsthumbnail and ImageMagick, video beside ffmpeg alone
    Media,
    /// The `pan` command beside bypy, rclone, find and curl
    Client,
}

impl Group {
    /// Small files first: what large files leave behind slows them down.
    pub(crate) fn in_order() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// What it is called on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures the group.
    pub(crate) fn measure(self, bench: &Bench, report: &mut Report) -> Result<()> {
        match self {
            Self::SmallUpload => small_upload::measure(bench, report),
            Self::SmallDownload => small_download::measure(bench, report),
            Self::List => list::measure(bench, report),
            Self::Start => start::measure(bench, report),
            Self::Upload => upload::measure(bench, report),
            Self::Download => download::measure(bench, report),
            Self::Memory => memory::measure(bench, report),
            Self::Tree => tree::measure(bench, report),
            Self::Media => media::measure(bench, report),
            Self::Client => client::measure(bench, report),
        }
    }
}

/// Runs every target in every round, one after the other, and compares OpenPan with nginx.
fn interleaved(
    scale: &Scale,
    targets: &[Target],
    figure: fn(&Outcome) -> f64,
    mut run: impl FnMut(&Target, usize) -> Result<Outcome>,
) -> Result<Measured> {
    let mut series = BTreeMap::<_, Series>::new();
    let mut latencies_ms = None;
    for round in 0..scale.rounds {
        // Who goes first changes, in case it matters.
        let mut order = targets.iter().collect::<Vec<_>>();
        order.rotate_left(round % targets.len());
        for target in order {
            settle();
            let outcome = run(target, round)?;
            series.entry(target.name).or_default().push(figure(&outcome));
            if target.name == "openpan" {
                latencies_ms = Some([outcome.percentile_ms(0.5), outcome.percentile_ms(0.99)]);
            }
        }
    }
    let value = series.remove("openpan").unwrap_or_default();
    let reference = series.remove("nginx").map(|nginx| ("nginx", nginx));
    Ok(Measured { value, reference, peers: series, latencies_ms, note: None })
}

/// Lets the system write back what earlier runs have left, so that it does not weigh on the next.
fn settle() {
    rustix::fs::sync();
}

/// Uploads `count` files of `size_bytes` into a directory of a target.
fn fill(bench: &Bench, target: &Target, dir: &str, count: usize, size_bytes: u64) -> Result<()> {
    drive(target, 64, Stop::AfterRequests(count as u64), |client, number| {
        client.upload(&file_in(dir, number), &bench.payload, number, size_bytes)?;
        Ok(size_bytes)
    })?;
    Ok(())
}

fn file_in(dir: &str, number: u64) -> String {
    format!("{dir}/f{number:06}.bin")
}

/// A size for people; all sizes here are whole MiB.
fn readable_size(size_bytes: u64) -> String {
    let mib = size_bytes >> 20;
    if mib >= 1024 && mib.is_multiple_of(1024) {
        format!("{} GiB", mib >> 10)
    } else {
        format!("{mib} MiB")
    }
}

/// How long ext4 avoids the inodes of deleted files, at the longest.
const MEMORY_OF_EXT4: Duration = Duration::from_secs(360);

/// Waits until deletions of an earlier run no longer slow down new files.
pub(crate) fn wait_for_earlier_deletions(dir: &Path) {
    let age = fs::metadata(dir.join("deleted"))
        .and_then(|stamp| stamp.modified())
        .ok()
        .and_then(|time| SystemTime::now().duration_since(time).ok());
    if let Some(left) = age.and_then(|age| MEMORY_OF_EXT4.checked_sub(age)) {
        eprintln!(
            "waiting {} s: the deletions of the last run slow down new files",
            left.as_secs()
        );
        thread::sleep(left);
    }
}

/// Remembers that a run has just deleted its files.
pub(crate) fn note_deletions(dir: &Path) -> Result<()> {
    settle();
    fs::write(dir.join("deleted"), "")?;
    Ok(())
}
