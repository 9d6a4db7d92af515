//! Files of 4 KiB, uploaded by 1, 16 and 64 clients, and again after a purge.

use anyhow::Result;

use super::limits::flushes_per_second;
use super::{Series, interleaved, settle};
use crate::bench::Bench;
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::peers::Site;
use crate::bench::report::{Measured, Report};
use crate::bench::target::{Target, percent_encoded};

const SIZE_BYTES: u64 = 4096;
/// PCS refuses longer batches.
const BATCH_MAX: usize = 999;

/// Measures the rates.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut flushes = Series::default();
    for round in 0..bench.scale.rounds {
        settle();
        let file = bench.scratch.path().join(format!("flushes-{round}"));
        flushes.push(flushes_per_second(bench, &file)?);
    }
    report.add("fsyncs", Measured::of(flushes))?;
    let site = Site::start(&bench.scratch.path().join("small-upload"))?;
    for clients in [1, 16, 64] {
        let measured =
            interleaved(&bench.scale, &site.targets, Outcome::per_second, |target, round| {
                run(bench, target, clients, &format!("/c{clients}-{round}"))
            })?;
        report.add(&format!("small_upload_{clients}"), measured)?;
    }
    // Last: the files that this deletes would slow down every run after it.
    after_a_purge(bench, report, site.openpan())?;
    site.server.stop()
}

/// Uploads for a while into fresh directories of a thousand files each.
fn run(bench: &Bench, target: &Target, clients: usize, dir: &str) -> Result<Outcome> {
    drive(target, clients, Stop::After(bench.scale.run), |client, number| {
        client.upload(&path(dir, number), &bench.payload, number, SIZE_BYTES)?;
        Ok(SIZE_BYTES)
    })
}

fn path(dir: &str, number: u64) -> String {
    format!("{dir}/d{:03}/f{number:06}.bin", number / 1000)
}

fn after_a_purge(bench: &Bench, report: &mut Report, openpan: &Target) -> Result<()> {
    let (mut before, mut after) = (Series::default(), Series::default());
    let (mut purged, mut emptied) = (0, true);
    for round in 0..bench.scale.rounds {
        settle();
        let dir = format!("/before-{round}");
        let outcome = run(bench, openpan, 64, &dir)?;
        before.push(outcome.per_second());
        purged = outcome.requests.min(bench.scale.purged as u64);
        emptied &= purge(openpan, &dir, purged)?;
        after.push(run(bench, openpan, 64, &format!("/after-{round}"))?.per_second());
    }
    // A server that cannot empty its bin yet has deleted into it.
    let where_to = if emptied { "" } else { " into the bin" };
    let measured = Measured {
        reference: Some(("before", before)),
        note: Some(format!("{purged} files{where_to}")),
        ..Measured::of(after)
    };
    report.add("small_upload_64_purged", measured)
}

/// Deletes the first `count` files of a run and empties the bin, as far as the server can.
fn purge(openpan: &Target, dir: &str, count: u64) -> Result<bool> {
    let mut client = openpan.connect()?;
    let numbers = (0..count).collect::<Vec<_>>();
    for batch in numbers.chunks(BATCH_MAX) {
        let list = batch.iter().map(|number| serde_json::json!({ "path": path(dir, *number) }));
        let param = serde_json::json!({ "list": list.collect::<Vec<_>>() }).to_string();
        client.call("delete", &format!("param={}", percent_encoded(&param)))?;
    }
    Ok(client.call("delete", "type=recycle").is_ok())
}
