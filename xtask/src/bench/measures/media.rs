//! What is made of pictures and video, beside what other programs make of them.
//!
//! Nothing is in the cache unless a measure is about the cache: every request is for another
//! quality or another content. Other programs run as one would run them, a process for each
//! picture, and are measured where they are installed
//! (`apt-get install libvips-tools imagemagick`).

mod memory;
mod photos;
mod programs;
mod thumbnails;
mod video;

use std::fs;

use anyhow::Result;

use super::Series;
use crate::bench::Bench;
use crate::bench::report::{Measured, Report};

/// Measures pictures, then video, then memory.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("media");
    fs::create_dir_all(&dir)?;
    let photos = photos::make(&dir)?;
    thumbnails::measure(bench, report, &dir, &photos)?;
    video::measure(bench, report, &dir)?;
    memory::measure(bench, report, &dir, &photos)
}
