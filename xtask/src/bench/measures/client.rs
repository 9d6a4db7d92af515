//! The `pan` command and what people would use in its place: bypy on the same server,
//! rclone with the WebDAV servers that are installed, `find` and curl.
//!
//! Every program runs as it would for its user: a process of its own from start to end,
//! its output into a file. Contents are never the same twice, so that no server knows them.

mod bypy;
mod curl;
mod large_file;
mod pan;
mod process;
mod rclone;
mod small_files;
mod start;
mod trees;
mod unchanged_tree;

use std::collections::BTreeMap;

use anyhow::Result;

use super::Series;
use crate::bench::Bench;
use crate::bench::report::{Measured, Report};

/// Measures small files first: what large files leave behind slows them down.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    start::measure(bench, report)?;
    small_files::measure(bench, report)?;
    unchanged_tree::measure(bench, report)?;
    large_file::measure(bench, report)
}

/// The peaks of `pan` by the name of their figure, in MiB.
#[derive(Default)]
struct Peaks(BTreeMap<&'static str, Series>);

impl Peaks {
    fn push(&mut self, figure: &'static str, run: &process::Run) {
        self.0.entry(figure).or_default().push(run.peak_bytes as f64 / f64::from(1 << 20));
    }

    fn report(self, report: &mut Report) -> Result<()> {
        self.0.into_iter().try_for_each(|(name, peaks)| report.add(name, Measured::of(peaks)))
    }
}
