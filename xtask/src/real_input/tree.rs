//! A tree of files: put, got, and compared with `diff -r`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Load, Pan, output_of, text};

/// Puts a tree, gets it into a fresh folder, and compares the two.
pub(super) fn round_trip(pan: &Pan, scratch: &Path, source: &Path, number: usize) -> Result<()> {
    let load = measure(source)?;
    let remote = format!("/real-input/tree-{number}");
    let back = scratch.join(format!("tree-{number}"));
    pan.step("put", source, &load, &["put", text(source)?, &remote])?;
    pan.step("get", source, &load, &["get", &remote, text(&back)?])?;
    output_of(Command::new("diff").arg("-r").args([source, &back]))?;
    fs::remove_dir_all(back)?;
    Ok(())
}

/// Counts what is in a tree.
fn measure(dir: &Path) -> Result<Load> {
    let mut load = Load { files: 0, bytes: 0 };
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                dirs.push(entry.path());
            } else {
                load.files += 1;
                load.bytes += metadata.len();
            }
        }
    }
    Ok(load)
}
