//! Large uploads: hashed and durable on our side, just written on the peers'.

use anyhow::Result;

use super::limits::md5_gb_per_second;
use super::{Series, interleaved, readable_size};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::{Measured, Report};

/// Measures one upload and four at once, against the md5 speed of one core.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = Site::start(&bench.scratch.path().join("upload"))?;
    let [large, parallel] = [bench.scale.large_bytes, bench.scale.parallel_bytes];
    for (name, clients, size_bytes) in [("upload_1", 1, large), ("upload_4", 4, parallel)] {
        let measured = at_once(bench, &site, name, clients, size_bytes)?;
        report.add(name, measured)?;
    }
    site.server.stop()
}

fn at_once(
    bench: &Bench,
    site: &Site,
    name: &str,
    clients: usize,
    size_bytes: u64,
) -> Result<Measured> {
    let mut md5 = Series::default();
    let mut measured =
        interleaved(&bench.scale, &site.targets, Outcome::gb_per_second, |target, round| {
            if target.name == "openpan" {
                md5.push(md5_gb_per_second()?);
            }
            let requests = Stop::AfterRequests(clients as u64);
            drive(target, clients, requests, |client, number| {
                let path = format!("/{name}/{round}/{number}");
                client.upload(&path, &bench.payload, (round as u64) << 32 | number, size_bytes)?;
                Ok(size_bytes)
            })
        })?;
    let nginx = measured.reference.replace(("md5", md5));
    measured.peers.extend(nginx);
    measured.note = Some(format!("{clients} x {}", readable_size(size_bytes)));
    Ok(measured)
}
