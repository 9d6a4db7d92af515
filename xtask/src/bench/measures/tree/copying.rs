//! A directory of ten thousand entries copied, while another user goes on with small things.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{Series, Site, milliseconds};
use crate::bench::report::{Measured, Report};
use crate::bench::target::{Dialect, Target};

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let token = site.server.add_user("neighbour")?;
    let neighbour =
        Target { name: "openpan", address: site.target.address, dialect: Dialect::Pcs { token } };
    let (mut copies, mut waits) = (Series::default(), Series::default());
    for round in 0..site.bench.scale.rounds {
        super::super::settle();
        let (copy, wait) = one(site, &neighbour, round)?;
        copies.push(copy);
        waits.push(wait);
    }
    let note = format!("{} entries", site.plan.area("/copied").entries());
    report.add("tree_copy", Measured { note: Some(note), ..Measured::of(copies) })?;
    report.add("tree_copy_wait", Measured::of(waits))
}

/// The time of the copy and the longest wait of the neighbour.
fn one(site: &Site<'_>, neighbour: &Target, round: usize) -> Result<(f64, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| -> Result<f64> {
            let mut client = neighbour.connect()?;
            let (mut longest, mut number) = (0.0_f64, 0);
            while !over.load(Ordering::Relaxed) {
                let path = format!("path=/r{round}/n{number}");
                longest = longest.max(milliseconds(|| client.call("mkdir", &path))?);
                number += 1;
                thread::sleep(Duration::from_millis(1));
            }
            Ok(longest)
        });
        let copied = site.target.connect().and_then(|mut client| {
            let form = format!("from=/copied&to=/copies/c{round}");
            milliseconds(|| client.call("copy", &form))
        });
        over.store(true, Ordering::Relaxed);
        let longest = watch.join().expect("the neighbour does not panic");
        Ok((copied?, longest?))
    })
}
