//! A command from its start to its end: how long it took and how large it became.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::children::Guarded;
use crate::memory::Sampler;
use crate::steps::line_of;

/// What a command took.
pub(super) struct Run {
    /// From its start to its end.
    pub(super) seconds: f64,
    /// The peak of its resident size.
    pub(super) peak_bytes: u64,
}

impl Run {
    /// How many of `things` it did in a second.
    pub(super) fn per_second(&self, things: usize) -> f64 {
        things as f64 / self.seconds
    }
}

/// Runs a command that must succeed, its output into a file.
pub(super) fn run(mut command: Command, output: &Path) -> Result<Run> {
    let file = File::create(output)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let started = Instant::now();
    let mut child = Guarded::spawn(&mut command)?;
    let sampler = Sampler::of_resident(child.id());
    let status = child.child().wait()?;
    let seconds = started.elapsed().as_secs_f64();
    let peak_bytes = sampler.peak_bytes();
    ensure!(status.success(), "`{}`: {status}\n{}", line_of(&command), end_of(output)?);
    Ok(Run { seconds, peak_bytes })
}

/// Runs commands at once, all of which must succeed; how long they took together.
pub(super) fn run_together(commands: Vec<Command>, output: &Path) -> Result<f64> {
    let file = File::create(output)?;
    let started = Instant::now();
    let mut children = Vec::new();
    for mut command in commands {
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?);
        children.push((Guarded::spawn(&mut command)?, line_of(&command)));
    }
    for (child, line) in &mut children {
        let status = child.child().wait()?;
        ensure!(status.success(), "`{line}`: {status}\n{}", end_of(output)?);
    }
    Ok(started.elapsed().as_secs_f64())
}

/// The end of what a program wrote.
pub(super) fn end_of(output: &Path) -> Result<String> {
    let bytes = fs::read(output)?;
    let end = &bytes[bytes.len().saturating_sub(2_000)..];
    Ok(String::from_utf8_lossy(end).into_owned())
}
