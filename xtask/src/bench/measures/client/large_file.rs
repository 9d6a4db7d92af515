//! One large file in parts, four on their way at once: `pan`, and curl with parts that are
//! files already and with ranges into files that nobody joins.

use std::fs::{self, File};
use std::io::{Read, copy};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::pan::Pan;
use super::{Peaks, curl, trees};
use crate::bench::Bench;
use crate::bench::measures::{Series, readable_size, settle};
use crate::bench::report::{Measured, Report};
use crate::server::Server;

/// The size of a part of `pan`, unless it is told otherwise.
const PART_BYTES: u64 = 32 << 20;

/// What one side reached, in GB/s.
#[derive(Default)]
struct Rates {
    up: Series,
    down: Series,
}

/// Measures up and down in every round, with another content each time.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("client-large");
    fs::create_dir_all(&dir)?;
    expect_room(bench, &dir)?;
    let server = Server::start(&dir.join("openpan"))?;
    let pan = Pan::new(&dir, server.url(), &server.token)?;
    let site = Site { bench, dir: &dir, server: &server, pan: &pan };
    let (mut ours, mut theirs, mut peaks) = (Rates::default(), Rates::default(), Peaks::default());
    for round in 0..bench.scale.rounds {
        let is_first = round.is_multiple_of(2);
        if is_first {
            site.pan_up(round, &mut ours, &mut peaks)?;
        }
        site.curl_up(round, &mut theirs)?;
        if !is_first {
            site.pan_up(round, &mut ours, &mut peaks)?;
        }
        if is_first {
            site.pan_down(round, &mut ours, &mut peaks)?;
        }
        site.curl_down(round, &mut theirs)?;
        if !is_first {
            site.pan_down(round, &mut ours, &mut peaks)?;
        }
    }
    for (figure, ours, theirs) in
        [("client_put_large", ours.up, theirs.up), ("client_get_large", ours.down, theirs.down)]
    {
        let measured = Measured {
            reference: Some(("curl", theirs)),
            note: Some(readable_size(bench.scale.client_large_bytes)),
            ..Measured::of(ours)
        };
        report.add(figure, measured)?;
    }
    peaks.report(report)?;
    server.stop()
}

/// Nothing is deleted before the end, so there must be room for everything.
fn expect_room(bench: &Bench, dir: &Path) -> Result<()> {
    // Two copies in the storage and two downloads in each round, and the two sources.
    let needed = bench.scale.client_large_bytes * (4 * bench.scale.rounds as u64 + 2);
    let disk = rustix::fs::statvfs(dir)?;
    let free = disk.f_bavail * disk.f_frsize;
    ensure!(free > needed, "{} are needed, {} free", readable_size(needed), readable_size(free));
    Ok(())
}

struct Site<'a> {
    bench: &'a Bench,
    dir: &'a Path,
    server: &'a Server,
    pan: &'a Pan,
}

impl Site<'_> {
    fn size_bytes(&self) -> u64 {
        self.bench.scale.client_large_bytes
    }

    fn rate(&self, seconds: f64) -> f64 {
        self.size_bytes() as f64 / 1e9 / seconds
    }

    /// Makes the source of an upload, in the place of the last one.
    fn source(&self, stamp: usize) -> Result<PathBuf> {
        let source = self.dir.join("source");
        trees::make_large(self.bench, &source, self.size_bytes(), stamp as u64)?;
        Ok(source)
    }

    fn pan_up(&self, round: usize, rates: &mut Rates, peaks: &mut Peaks) -> Result<()> {
        let source = self.source(2 * round)?.display().to_string();
        settle();
        let run = self.pan.run(&["put", &source, &remote(round)])?;
        rates.up.push(self.rate(run.seconds));
        peaks.push("client_memory_put_large", &run);
        Ok(())
    }

    fn curl_up(&self, round: usize, rates: &mut Rates) -> Result<()> {
        let parts = self.cut(&self.source(2 * round + 1)?)?;
        settle();
        let to = format!("/curl-{round}");
        let seconds = curl::upload(self.server, self.dir, &parts, &to)?;
        rates.up.push(self.rate(seconds));
        let stat = self.pan.output(&["--json", "stat", &to])?;
        ensure!(stat.contains(&format!("\"size\":{}", self.size_bytes())), "curl put {stat}");
        Ok(())
    }

    /// Cuts a file into parts, in the place of the last ones.
    fn cut(&self, source: &Path) -> Result<Vec<PathBuf>> {
        let mut source = File::open(source)?;
        let parts = self.size_bytes().div_ceil(PART_BYTES);
        (0..parts)
            .map(|number| {
                let part = self.dir.join(format!("part-{number:03}"));
                copy(&mut (&mut source).take(PART_BYTES), &mut File::create(&part)?)?;
                Ok(part)
            })
            .collect()
    }

    fn pan_down(&self, round: usize, rates: &mut Rates, peaks: &mut Peaks) -> Result<()> {
        let back = self.dir.join(format!("pan-back-{round}"));
        settle();
        let run = self.pan.run(&["get", &remote(round), &back.display().to_string()])?;
        rates.down.push(self.rate(run.seconds));
        peaks.push("client_memory_get_large", &run);
        let found = back.metadata()?.len();
        ensure!(found == self.size_bytes(), "{found} bytes came back");
        Ok(())
    }

    /// The same file that `pan` gets.
    fn curl_down(&self, round: usize, rates: &mut Rates) -> Result<()> {
        let back = self.dir.join(format!("curl-back-{round}"));
        settle();
        let seconds = curl::download(self.server, &remote(round), self.size_bytes(), &back)?;
        rates.down.push(self.rate(seconds));
        Ok(())
    }
}

fn remote(round: usize) -> String {
    format!("/pan-{round}")
}
