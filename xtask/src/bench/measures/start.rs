//! From the start of the process to its first answer, on a data directory in use.

use std::time::Instant;

use anyhow::Result;

use super::{Series, fill};
use crate::bench::Bench;
use crate::bench::peers;
use crate::bench::report::{Measured, Report};
use crate::server::Server;

/// Measures the time; the answer needs a token and the database.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("start");
    std::fs::create_dir_all(&dir)?;
    let data = dir.join("openpan");
    let entries = bench.scale.entries[1];
    let first = Server::start(&data)?;
    fill(bench, &peers::openpan(&first), "/files", entries, 4096)?;
    let token = first.token.clone();
    first.stop()?;
    let mut value = Series::default();
    for _ in 0..bench.scale.starts {
        let started = Instant::now();
        let server = Server::restart(&data, &token)?;
        peers::openpan(&server).connect()?.quota()?;
        value.push(started.elapsed().as_secs_f64() * 1e3);
        server.stop()?;
    }
    let note = Some(format!("with {entries} files"));
    report.add("start", Measured { note, ..Measured::of(value) })
}
