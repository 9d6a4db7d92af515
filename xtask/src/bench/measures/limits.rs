//! What this machine can do at all: md5 of one core, a sequential write, flushes.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use md5_simd::Md5;

use super::{Series, settle};
use crate::bench::report::{Measured, Report};
use crate::bench::{Bench, Scale};
use crate::workspace::find_program;

/// Measures the three limits.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let file = bench.scratch.path().join("limits");
    let of = |value: Series| Measured { value, ..Measured::default() };
    let rounds = |run: &dyn Fn() -> Result<f64>| repeat(&bench.scale, run);
    report.add("md5_one_core", of(rounds(&md5_gb_per_second)?))?;
    report.add("write_fsync", of(rounds(&|| write_gb_per_second(bench, &file))?))?;
    report.add("fsyncs", of(rounds(&|| fsyncs_per_second(bench, &file))?))?;
    fs::remove_file(file)?;
    Ok(())
}

fn repeat(scale: &Scale, run: &dyn Fn() -> Result<f64>) -> Result<Series> {
    (0..scale.rounds)
        .map(|_| {
            settle();
            run()
        })
        .collect()
}

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

fn write_gb_per_second(bench: &Bench, path: &Path) -> Result<f64> {
    let size = bench.scale.large_bytes;
    let mut block = Vec::new();
    bench.payload.begin(0, u64::MAX, &mut block);
    let mut file = File::create(path)?;
    let started = Instant::now();
    for _ in 0..size / block.len() as u64 {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(size as f64 / 1e9 / started.elapsed().as_secs_f64())
}

fn fsyncs_per_second(bench: &Bench, path: &Path) -> Result<f64> {
    let mut block = Vec::new();
    bench.payload.begin(0, 4096, &mut block);
    let mut file = File::create(path)?;
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < bench.scale.run.min(Duration::from_secs(1)) {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
