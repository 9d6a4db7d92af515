//! A tree of a million entries: what people do with it must not cost more than with ten.

mod actions;
mod copying;
mod feed;
mod listing;
mod plan;
mod rates;
mod search;

use std::time::Instant;

use anyhow::{Context, Result};

use super::Series;
use crate::bench::Bench;
use crate::bench::load::{Stop, drive};
use crate::bench::peers;
use crate::bench::report::{Measured, Report};
use crate::bench::target::{Client, Target};
use crate::memory::{Sampler, rss_anon_bytes};
use crate::server::Server;
use plan::Plan;

/// What every part of the group needs.
struct Site<'a> {
    bench: &'a Bench,
    plan: Plan,
    server: &'a Server,
    target: Target,
}

/// Fills an account, then measures one kind of thing after the other on it.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("tree");
    std::fs::create_dir_all(&dir)?;
    let data = dir.join("openpan");
    let server = Server::start(&data)?;
    let target = peers::openpan(&server);
    target.connect()?.quota()?;
    let idle = rss_anon_bytes(server.id())?;
    let sampler = Sampler::start(server.id());
    let site = Site { bench, plan: Plan::of(bench.scale.tree), server: &server, target };
    let measured = site.measure(report);
    let above_idle = sampler.peak_bytes().saturating_sub(idle);
    measured?;
    report.add("tree_memory", Measured::of([above_idle as f64 / 1e6].into_iter().collect()))?;
    let token = server.token.clone();
    server.stop()?;
    report.add("tree_start", start(bench, &data, &token)?)
}

fn start(bench: &Bench, data: &std::path::Path, token: &str) -> Result<Measured> {
    let mut value = Series::default();
    for _ in 0..bench.scale.starts {
        let started = Instant::now();
        let server = Server::restart(data, token)?;
        peers::openpan(&server).connect()?.quota()?;
        value.push(started.elapsed().as_secs_f64() * 1e3);
        server.stop()?;
    }
    Ok(Measured::of(value))
}

impl Site<'_> {
    fn measure(&self, report: &mut Report) -> Result<()> {
        self.fill()?;
        actions::measure(self, report)?;
        listing::measure(self, report)?;
        search::measure(self, report)?;
        feed::measure(self, report)?;
        copying::measure(self, report)?;
        rates::measure(self, report)
    }

    fn fill(&self) -> Result<()> {
        let started = Instant::now();
        let files = self.plan.files();
        drive(&self.target, 64, Stop::AfterRequests(files), |client, number| {
            // Sizes differ, so that an order by size is one.
            let size_bytes = 1 + number % 97;
            let path = self.plan.path(number);
            client.upload(&path, &self.bench.payload, number, size_bytes)?;
            Ok(size_bytes)
        })?;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("uploaded {files} files in {seconds:.0} s");
        Ok(())
    }
}

/// How long something takes, in milliseconds.
fn milliseconds(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    run()?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Asks for something and keeps the reply.
fn reply_to(client: &mut Client<'_>, query: &str) -> Result<Vec<u8>> {
    let mut reply = Vec::new();
    client.ask(query, &mut |bytes| reply.extend_from_slice(bytes))?;
    Ok(reply)
}

/// A directory's id.
fn fs_id(client: &mut Client<'_>, path: &str) -> Result<u64> {
    let reply = reply_to(client, &format!("file?method=meta&path={path}"))?;
    let reply: serde_json::Value = serde_json::from_slice(&reply)?;
    reply["list"][0]["fs_id"].as_u64().with_context(|| format!("no fs_id of {path}"))
}

/// How many entries a reply has: each has one modification time.
fn count_entries(reply: &[u8]) -> usize {
    const TIME: &[u8] = b"\"mtime\"";
    reply.windows(TIME.len()).filter(|window| *window == TIME).count()
}
