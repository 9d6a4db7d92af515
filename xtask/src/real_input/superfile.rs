//! A file that is too large for one request: put in parts, got back, and its md5 compared
//! with what `md5sum` says and with what the server says.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Load, Pan, output_of, text};
use crate::payload::scatter;

const REMOTE: &str = "/real-input/superfile.bin";

/// Puts the file and gets it back.
pub(super) fn round_trip(pan: &Pan, scratch: &Path, size_bytes: u64) -> Result<()> {
    let (file, back) = (scratch.join("superfile.bin"), scratch.join("superfile.back"));
    write_random(&file, size_bytes)?;
    let load = Load { files: 1, bytes: size_bytes };
    pan.step("put", Path::new("superfile"), &load, &["put", text(&file)?, REMOTE])?;
    let md5 = md5sum(&file)?;
    fs::remove_file(file)?;
    let stored = stored_md5(pan)?;
    ensure!(stored == md5, "the server says md5 {stored}, but it is {md5}");
    pan.step("get", Path::new("superfile"), &load, &["get", REMOTE, text(&back)?])?;
    let got = md5sum(&back)?;
    ensure!(got == md5, "the file came back with md5 {got} instead of {md5}");
    fs::remove_file(back)?;
    Ok(())
}

fn write_random(path: &Path, size_bytes: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for word in 0..size_bytes / 8 {
        file.write_all(&scatter(word).to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}

fn md5sum(path: &Path) -> Result<String> {
    let line = output_of(Command::new("md5sum").arg(path))?;
    Ok(line.split_whitespace().next().context("md5sum says nothing")?.to_owned())
}

fn stored_md5(pan: &Pan) -> Result<String> {
    let line = pan.output(&["stat", "--json", REMOTE])?;
    let entry = serde_json::from_str::<Value>(&line)?;
    Ok(entry["md5"].as_str().with_context(|| format!("no md5 in {line}"))?.to_owned())
}
