//! `cargo xtask bench`: the release binary over loopback, beside nginx and beside what
//! this machine can do at all.
//!
//! OpenPan is durable and hashes, as always; nginx is as it comes. Both sides share the
//! cores, rounds are interleaved, figures are medians. Three traps are avoided:
//! - ext4 creates files many times slower for minutes after others were deleted nearby, and
//!   freed blocks that are discarded slow down flushes. So nothing is deleted before the
//!   end, and small uploads wait for the deletions of the last run.
//! - Delayed acknowledgements cost 44 ms against servers that send a reply in two
//!   pieces. The client asks for quick ones before every receive.
//! - What one run leaves to be written back slows down the next one: `settle` first.
//!
//! Other work on the machine falsifies every figure: leave it alone while this runs.

mod figures;
mod http;
mod load;
mod measures;
mod peers;
mod report;
mod series;
mod target;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::children::{self, Scratch};
use crate::payload::Payload;
use crate::{release, workspace};
use measures::Group;
use report::Report;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A smoke test of under a minute: one short round, small files; its figures mean little
    #[arg(long)]
    quick: bool,
    /// Only these groups of measures
    #[arg(long, value_name = "GROUP", value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// Also write the JSON lines to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where to put the data, removed at the end [default: target/bench]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Rounds of every measure
    #[arg(long, value_name = "N")]
    rounds: Option<NonZeroUsize>,
}

/// How much is measured.
pub(crate) struct Scale {
    /// Rounds of every measure.
    rounds: usize,
    /// How long a run of small requests lasts.
    run: Duration,
    /// The file that is uploaded and downloaded in one stream.
    large_bytes: u64,
    /// Each of the four files that are uploaded at once.
    parallel_bytes: u64,
    /// Each of the 64 files that are uploaded at once.
    many_bytes: u64,
    /// Entries of the large and of the small directory.
    entries: [usize; 2],
    /// Files purged before the last run of small uploads.
    purged: usize,
    /// Starts of the server.
    starts: usize,
    /// Entries of the tree that actions on whole trees are measured with.
    tree: u64,
    /// Files of 4 KiB that `pan` uploads, and that slower clients upload.
    client_files: [usize; 2],
    /// Files of the tree that is synchronised.
    client_synced: usize,
    /// The file that clients transfer in parts.
    client_large_bytes: u64,
}

const FULL: Scale = Scale {
    rounds: 3,
    run: Duration::from_secs(3),
    large_bytes: 1 << 30,
    parallel_bytes: 512 << 20,
    many_bytes: 32 << 20,
    entries: [100_000, 10_000],
    purged: 8_000,
    starts: 10,
    tree: 1_000_000,
    client_files: [10_000, 500],
    client_synced: 50_000,
    client_large_bytes: 2 << 30,
};

const QUICK: Scale = Scale {
    rounds: 1,
    run: Duration::from_millis(500),
    large_bytes: 256 << 20,
    parallel_bytes: 64 << 20,
    many_bytes: 4 << 20,
    entries: [10_000, 1_000],
    purged: 1_000,
    starts: 3,
    tree: 20_000,
    client_files: [300, 20],
    client_synced: 1_000,
    client_large_bytes: 192 << 20,
};

/// What every measure needs.
pub(crate) struct Bench {
    scale: Scale,
    payload: Payload,
    scratch: Scratch,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<()> {
    release::enter()?;
    children::clean_up_on_interrupt()?;
    let parent = options.dir.clone().unwrap_or_else(|| workspace::target().join("bench"));
    let mut scale = if options.quick { QUICK } else { FULL };
    scale.rounds = options.rounds.map_or(scale.rounds, NonZeroUsize::get);
    let groups = Group::in_order()
        .filter(|group| options.only.is_empty() || options.only.contains(group))
        .collect::<Vec<_>>();
    if !options.quick && groups.contains(&Group::SmallUpload) {
        measures::wait_for_earlier_deletions(&parent);
    }
    let mut report = Report::new(options.quick, options.json.as_deref())?;
    let bench = Bench { scale, payload: Payload::new(), scratch: Scratch::new(&parent)? };
    for group in groups {
        eprintln!("measuring {}", group.name());
        group.measure(&bench, &mut report)?;
    }
    drop(bench);
    measures::note_deletions(&parent)?;
    report.print_table();
    Ok(())
}
