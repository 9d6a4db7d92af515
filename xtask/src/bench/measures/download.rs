//! A large file in the page cache: whole in one and four streams, and ranges at random.

use anyhow::{Result, ensure};

use super::{interleaved, readable_size};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::Report;
use crate::bench::target::Target;
use crate::payload::scatter;

const PATH: &str = "/large/file.bin";
const RANGE_BYTES: u64 = 64 << 10;
const RANGE_CLIENTS: usize = 16;

/// Measures streams and ranges.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = Site::start(&bench.scratch.path().join("download"))?;
    for target in &site.targets {
        target.connect()?.upload(PATH, &bench.payload, 0, bench.scale.large_bytes)?;
        compare(bench, target)?;
    }
    for (name, streams) in [("download_1", 1), ("download_4", 4)] {
        let mut measured =
            interleaved(&bench.scale, &site.targets, Outcome::gb_per_second, |target, _| {
                drive(target, streams, Stop::AfterRequests(streams as u64), |client, _| {
                    let bytes = client.download(PATH, None, &mut |_| ())?;
                    ensure!(bytes == bench.scale.large_bytes, "{bytes} bytes of {PATH}");
                    Ok(bytes)
                })
            })?;
        measured.note = Some(readable_size(bench.scale.large_bytes));
        report.add(name, measured)?;
    }
    ranges(bench, report, &site.targets)?;
    site.server.stop()
}

/// Downloads once, untimed: the cache is warm after it and the bytes are known to be right.
fn compare(bench: &Bench, target: &Target) -> Result<()> {
    let (mut offset, mut right) = (0, true);
    target.connect()?.download(PATH, None, &mut |bytes| {
        right &= bench.payload.matches(offset, bytes);
        offset += bytes.len() as u64;
    })?;
    ensure!(right && offset == bench.scale.large_bytes, "{} returned other bytes", target.name);
    Ok(())
}

fn ranges(bench: &Bench, report: &mut Report, targets: &[Target]) -> Result<()> {
    let starts = bench.scale.large_bytes - RANGE_BYTES;
    let measured = interleaved(&bench.scale, targets, Outcome::per_second, |target, _| {
        drive(target, RANGE_CLIENTS, Stop::After(bench.scale.run), |client, number| {
            let start = scatter(number) % starts;
            client.download(PATH, Some(start..start + RANGE_BYTES), &mut |_| ())
        })
    })?;
    report.add("ranges_16", measured)
}
