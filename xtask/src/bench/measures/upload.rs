//! Large uploads: hashed and durable on our side, just written on the peers'. Beside them
//! the two limits that bound them: the md5 of one core and a plain write.

use anyhow::Result;

use super::limits::{md5_gb_per_second, write_gb_per_second};
use super::{Series, interleaved, readable_size, settle};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::{Measured, Report};

/// The limits, measured before every upload.
#[derive(Default)]
struct Limits {
    md5: Series,
    write: Series,
}

/// Measures one upload and four at once, against the md5 speed of one core.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = Site::start(&bench.scratch.path().join("upload"))?;
    let [large, parallel] = [bench.scale.large_bytes, bench.scale.parallel_bytes];
    let mut all = Limits::default();
    for (name, clients, size_bytes) in [("upload_1", 1, large), ("upload_4", 4, parallel)] {
        let mut limits = Limits::default();
        let mut measured = at_once(bench, &site, name, clients, size_bytes, &mut limits)?;
        all.md5.extend(&limits.md5);
        all.write.extend(&limits.write);
        let nginx = measured.reference.replace(("md5", limits.md5));
        measured.peers.extend(nginx);
        measured.peers.insert("plain write", limits.write);
        measured.note = Some(format!("{clients} x {}", readable_size(size_bytes)));
        report.add(name, measured)?;
    }
    report.add("md5_one_core", Measured::of(all.md5))?;
    report.add("write_fsync", Measured::of(all.write))?;
    site.server.stop()
}

fn at_once(
    bench: &Bench,
    site: &Site,
    name: &str,
    clients: usize,
    size_bytes: u64,
    limits: &mut Limits,
) -> Result<Measured> {
    interleaved(&bench.scale, &site.targets, Outcome::gb_per_second, |target, round| {
        if target.name == "openpan" {
            limits.md5.push(md5_gb_per_second()?);
            let file = bench.scratch.path().join(format!("plain-{name}-{round}"));
            limits.write.push(write_gb_per_second(bench, &file)?);
            settle();
        }
        let requests = Stop::AfterRequests(clients as u64);
        drive(target, clients, requests, |client, number| {
            let path = format!("/{name}/{round}/{number}");
            client.upload(&path, &bench.payload, (round as u64) << 32 | number, size_bytes)?;
            Ok(size_bytes)
        })
    })
}
