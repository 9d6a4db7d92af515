//! Small changes by 64 clients at once, beside the plainest durable transaction of SQLite.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use md5_simd::Md5;
use rusqlite::Connection;

use super::{Series, Site};
use crate::bench::load::{Outcome, Stop, drive};
use crate::bench::report::{Measured, Report};

/// More than 256 KiB, which rapid upload asks for.
const KNOWN_BYTES: u64 = 300 << 10;

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let known = Known::upload(site)?;
    let mut reference = Series::default();
    let (mut made, mut moved, mut rapid) =
        (Series::default(), Series::default(), Series::default());
    for round in 0..site.bench.scale.rounds {
        super::super::settle();
        let file = site.bench.scratch.path().join(format!("transactions-{round}"));
        reference.push(transactions_per_second(&file, site.bench.scale.run)?);
        let mkdir = make(site, round)?;
        made.push(mkdir.per_second());
        moved.push(shift(site, round, mkdir.requests)?.per_second());
        rapid.push(known.again(site, round)?.per_second());
    }
    report.add("tree_transactions", Measured::of(reference.clone()))?;
    for (name, value) in
        [("tree_mkdir_64", made), ("tree_move_64", moved), ("tree_rapid_64", rapid)]
    {
        let reference = Some(("transactions", reference.clone()));
        report.add(name, Measured { reference, ..Measured::of(value) })?;
    }
    Ok(())
}

fn make(site: &Site<'_>, round: usize) -> Result<Outcome> {
    drive(&site.target, 64, Stop::After(site.bench.scale.run), |client, number| {
        client.call("mkdir", &format!("path=/made-{round}/d{number}")).map(|()| 0)
    })
}

/// Moves directories that were just made.
fn shift(site: &Site<'_>, round: usize, count: u64) -> Result<Outcome> {
    drive(&site.target, 64, Stop::AfterRequests(count), |client, number| {
        let form = format!("from=/made-{round}/d{number}&to=/moved-{round}/d{number}");
        client.call("move", &form).map(|()| 0)
    })
}

/// A file that the account has already.
struct Known {
    md5: String,
    slice_md5: String,
}

impl Known {
    fn upload(site: &Site<'_>) -> Result<Self> {
        let payload = &site.bench.payload;
        site.target.connect()?.upload("/known.bin", payload, 0, KNOWN_BYTES)?;
        let mut bytes = Vec::new();
        payload.begin(0, KNOWN_BYTES, &mut bytes);
        Ok(Self { md5: md5_of(&bytes), slice_md5: md5_of(&bytes[..256 << 10]) })
    }

    fn again(&self, site: &Site<'_>, round: usize) -> Result<Outcome> {
        drive(&site.target, 64, Stop::After(site.bench.scale.run), |client, number| {
            let form = format!(
                "path=/rapid-{round}/f{number}&content-length={KNOWN_BYTES}\
                 &content-md5={}&slice-md5={}",
                self.md5, self.slice_md5
            );
            client.call("rapidupload", &form).map(|()| 0)
        })
    }
}

fn md5_of(bytes: &[u8]) -> String {
    let mut md5 = Md5::new();
    md5.update(bytes);
    md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One row a transaction, each synced before the next: what one client of SQLite gets.
fn transactions_per_second(file: &Path, duration: Duration) -> Result<f64> {
    let conn = Connection::open(file)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)", [])?;
    let mut insert = conn.prepare("INSERT INTO t (text) VALUES (?1)")?;
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < duration {
        insert.execute(["a row of the size of a directory's entry, or about it"])?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
