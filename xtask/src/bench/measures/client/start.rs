//! What a command costs that does nearly nothing: the start of the program, one request.

use anyhow::Result;

use super::curl;
use super::pan::Pan;
use crate::bench::Bench;
use crate::bench::measures::Series;
use crate::bench::report::{Measured, Report};
use crate::server::Server;

/// Starts of one round; the figure is the median of all.
const STARTS: usize = 20;

/// Measures `pan quota`, and curl asking for the same.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("client-start");
    std::fs::create_dir_all(&dir)?;
    let server = Server::start(&dir.join("openpan"))?;
    let pan = Pan::new(&dir, server.url(), &server.token)?;
    let (mut value, mut reference) = (Series::default(), Series::default());
    for _ in 0..STARTS * bench.scale.rounds {
        value.push(pan.run(&["quota"])?.seconds * 1e3);
        let ask = curl::get(&server, "quota?method=info")?;
        reference.push(super::process::run(ask, &dir.join("curl"))?.seconds * 1e3);
    }
    report.add(
        "client_start",
        Measured { reference: Some(("curl", reference)), ..Measured::of(value) },
    )?;
    server.stop()
}
