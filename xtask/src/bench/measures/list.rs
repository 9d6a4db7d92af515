//! Directories: a large one whole, its first page, and one of a tenth of its size.

use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;

use anyhow::{Result, ensure};

use super::{file_in, fill, interleaved};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::{Measured, Report};
use crate::bench::target::Target;

const PAGE: usize = 1_000;
/// Requests of one run, one after the other; the figure is their median.
const REQUESTS: u64 = 5;

/// Measures the latencies.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = Site::start(&bench.scratch.path().join("list"))?;
    let [many, few] = bench.scale.entries;
    for (dir, count) in [("/many", many), ("/few", few)] {
        fill(bench, site.openpan(), dir, count, 1)?;
        for root in &site.peer_roots {
            make_files(root, dir, count)?;
        }
    }
    for (name, dir, count) in [("list_whole", "/many", many), ("list_tenth", "/few", few)] {
        let mut measured = interleaved(&bench.scale, &site.targets, median_ms, |target, _| {
            requests(target, dir, None, count)
        })?;
        measured.note = Some(format!("{count} entries"));
        report.add(name, measured)?;
    }
    let page = interleaved(&bench.scale, &site.targets[..1], median_ms, |target, _| {
        requests(target, "/many", Some(0..PAGE), PAGE)
    })?;
    report.add("list_first_page", Measured { note: Some(format!("of {many} entries")), ..page })?;
    site.server.stop()
}

/// Makes files for the peers to list, directly: only OpenPan keeps entries of its own.
fn make_files(root: &Path, dir: &str, count: usize) -> Result<()> {
    fs::create_dir(root.join(&dir[1..]))?;
    for number in 0..count as u64 {
        File::create(root.join(&file_in(dir, number)[1..]))?;
    }
    Ok(())
}

fn requests(
    target: &Target,
    dir: &str,
    window: Option<Range<usize>>,
    entries: usize,
) -> Result<Outcome> {
    // The first reply is read: a server that leaves out entries would look fast.
    let mut reply = Vec::new();
    target.connect()?.list(dir, window.clone(), &mut |bytes| reply.extend_from_slice(bytes))?;
    let listed = count_entries(&reply);
    ensure!(listed == entries, "{} listed {listed} of {entries} entries", target.name);
    drive(target, 1, Stop::AfterRequests(REQUESTS), |client, _| {
        client.list(dir, window.clone(), &mut |_| ())
    })
}

fn median_ms(outcome: &Outcome) -> f64 {
    outcome.percentile_ms(0.5)
}

/// Counts the entries of a listing: each has one modification time, in every dialect.
fn count_entries(reply: &[u8]) -> usize {
    const TIME: &[u8] = b"\"mtime\"";
    reply.windows(TIME.len()).filter(|window| *window == TIME).count()
}
