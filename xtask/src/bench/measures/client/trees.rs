//! Local trees of small files, and what is in them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::bench::Bench;

/// Files in a directory of a tree.
const FILES_IN_DIR: usize = 100;
/// A block that `Payload` repeats; each gets a stamp of its own in a large file.
const BLOCK_BYTES: u64 = 512 << 10;

/// Makes a tree of files whose contents nobody has seen; a tree of another `stamp` has
/// other ones.
pub(super) fn make(
    bench: &Bench,
    dir: &Path,
    files: usize,
    size_bytes: u64,
    stamp: u64,
) -> Result<()> {
    let mut content = Vec::new();
    for number in 0..files {
        let below = dir.join(format!("d{:03}", number / FILES_IN_DIR));
        if number.is_multiple_of(FILES_IN_DIR) {
            fs::create_dir_all(&below)?;
        }
        content.clear();
        bench.payload.begin((stamp << 32) + number as u64, size_bytes, &mut content);
        File::create_new(below.join(format!("f{number:06}.bin")))?.write_all(&content)?;
    }
    Ok(())
}

/// Makes a large file in which no block comes twice, in this file or any other.
pub(super) fn make_large(bench: &Bench, path: &Path, size_bytes: u64, stamp: u64) -> Result<()> {
    let mut file = File::create(path)?;
    let mut block = Vec::new();
    for number in 0..size_bytes / BLOCK_BYTES {
        block.clear();
        bench.payload.begin((stamp << 32) + number, BLOCK_BYTES, &mut block);
        file.write_all(&block)?;
    }
    Ok(())
}

/// Fails unless a tree has so many files of this size.
pub(super) fn expect(dir: &Path, files: usize, size_bytes: u64) -> Result<()> {
    let found = count(dir, size_bytes)?;
    ensure!(found == files, "{found} of {files} files came to {}", dir.display());
    Ok(())
}

fn count(dir: &Path, size_bytes: u64) -> Result<usize> {
    let mut found = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        found += match entry.file_type()?.is_dir() {
            true => count(&entry.path(), size_bytes)?,
            false => usize::from(entry.metadata()?.len() == size_bytes),
        };
    }
    Ok(found)
}
