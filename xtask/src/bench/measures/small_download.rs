//! Files of 4 KiB, downloaded by 64 clients; our side looks up a token and an entry each time.

use anyhow::{Result, ensure};

use super::{file_in, fill, interleaved};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::Report;
use crate::payload::scatter;

const SIZE_BYTES: u64 = 4096;
const FILES: usize = 1_000;
const CLIENTS: usize = 64;

/// Measures the rate.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = Site::start(&bench.scratch.path().join("small-download"))?;
    for target in &site.targets {
        fill(bench, target, "/small", FILES, SIZE_BYTES)?;
    }
    let measured = interleaved(&bench.scale, &site.targets, Outcome::per_second, |target, _| {
        drive(target, CLIENTS, Stop::After(bench.scale.run), |client, number| {
            let path = file_in("/small", scatter(number) % FILES as u64);
            let bytes = client.download(&path, None, &mut |_| ())?;
            ensure!(bytes == SIZE_BYTES, "{bytes} bytes of {path}");
            Ok(bytes)
        })
    })?;
    report.add("small_download_64", measured)?;
    site.server.stop()
}
