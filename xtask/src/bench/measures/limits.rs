//! What this machine can do at all: md5 of one core, a sequential write, flushes.
//!
//! Nothing here is a group of its own: a limit is measured beside what it bounds, because
//! disks and shared cores change from minute to minute.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use md5_simd::Md5;

use crate::bench::Bench;
use crate::workspace::find_program;

/// The md5 speed of one core: the faster one of two implementations in assembly.
pub(super) fn md5_gb_per_second() -> Result<f64> {
    Ok(openssl_md5()?.unwrap_or(0.0).max(assembly_md5()))
}

/// The best of some short spells, so that a disturbance does not lower the reference.
fn assembly_md5() -> f64 {
    const BLOCK: usize = 64 << 10;
    const BLOCKS: usize = 1_000;
    let block = vec![0x5a; BLOCK];
    let spell = || {
        let started = Instant::now();
        let mut md5 = Md5::new();
        (0..BLOCKS).for_each(|_| md5.update(black_box(&block)));
        black_box(md5.finalize());
        (BLOCK * BLOCKS) as f64 / 1e9 / started.elapsed().as_secs_f64()
    };
    (0..5).map(|_| spell()).fold(0.0, f64::max)
}

fn openssl_md5() -> Result<Option<f64>> {
    let Some(openssl) = find_program("openssl") else { return Ok(None) };
    let output = Command::new(openssl)
        .args(["speed", "-mr", "-evp", "md5", "-bytes", "65536", "-seconds", "1"])
        .output()?;
    // Machine-readable: `+F:25:md5:646423270.00`, in bytes per second.
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("+F:")).context("openssl says nothing")?;
    let bytes_per_second = line.rsplit(':').next().context("no speed")?.parse::<f64>()?;
    Ok(Some(bytes_per_second / 1e9))
}

/// The speed of a plain sequential write with a flush at its end, into a new file.
pub(super) fn write_gb_per_second(bench: &Bench, path: &Path) -> Result<f64> {
    let size_bytes = bench.scale.parallel_bytes;
    let mut beginning = Vec::new();
    bench.payload.begin(0, size_bytes, &mut beginning);
    let mut file = File::create_new(path)?;
    let started = Instant::now();
    file.write_all(&beginning)?;
    bench.payload.write_rest(size_bytes, &mut file)?;
    file.sync_all()?;
    Ok(size_bytes as f64 / 1e9 / started.elapsed().as_secs_f64())
}

/// How often a second 4 KiB can be appended to a new file and flushed.
pub(super) fn flushes_per_second(bench: &Bench, path: &Path) -> Result<f64> {
    let mut block = Vec::new();
    bench.payload.begin(0, 4096, &mut block);
    let mut file = File::create_new(path)?;
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < bench.scale.run.min(Duration::from_secs(1)) {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
