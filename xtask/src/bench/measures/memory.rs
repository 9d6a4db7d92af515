//! Anonymous memory of the server: idle, and its peak under uploads.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{Series, readable_size};
use crate::bench::Bench;
use crate::bench::load::{Stop, drive};
use crate::bench::peers;
use crate::bench::report::{Measured, Report};
use crate::memory::{Sampler, rss_anon_bytes};
use crate::server::Server;

/// Measures a fresh server for each figure, so that none inherits another's memory.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("memory");
    std::fs::create_dir_all(&dir)?;
    let idle = rounds(bench, &dir, "idle", |server| {
        peers::openpan(server).connect()?.quota()?;
        thread::sleep(Duration::from_secs(1));
        rss_anon_bytes(server.id())
    })?;
    report.add("memory_idle", idle)?;
    let scale = &bench.scale;
    for (name, clients, size_bytes) in
        [("memory_upload_4", 4, scale.parallel_bytes), ("memory_upload_64", 64, scale.many_bytes)]
    {
        let mut measured =
            rounds(bench, &dir, name, |server| peak_bytes(bench, server, clients, size_bytes))?;
        measured.note = Some(format!("{clients} x {}", readable_size(size_bytes)));
        report.add(name, measured)?;
    }
    Ok(())
}

fn rounds(
    bench: &Bench,
    dir: &Path,
    name: &str,
    run: impl Fn(&Server) -> Result<u64>,
) -> Result<Measured> {
    let mut value = Series::default();
    for round in 0..bench.scale.rounds {
        let server = Server::start(&dir.join(format!("{name}-{round}")))?;
        value.push(run(&server)? as f64 / 1e6);
        server.stop()?;
    }
    Ok(Measured::of(value))
}

fn peak_bytes(bench: &Bench, server: &Server, clients: usize, size_bytes: u64) -> Result<u64> {
    let sampler = Sampler::start(server.id());
    let requests = Stop::AfterRequests(clients as u64);
    let outcome = drive(&peers::openpan(server), clients, requests, |client, number| {
        client.upload(&format!("/at-once/{number}"), &bench.payload, number, size_bytes)?;
        Ok(size_bytes)
    });
    let peak = sampler.peak_bytes();
    outcome.map(|_| peak)
}
