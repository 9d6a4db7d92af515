//! Puts the embedded engines under the rules.

use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_core::{Engines, Pan, Settings};
use pan_hash::Hasher;
use pan_meta_sqlite::{Options, SqliteStore};

use crate::data_dir::DataDir;
use crate::system::{SystemClock, SystemEntropy};

/// Opens everything in a data directory.
pub(crate) fn open(directory: &DataDir, rules: Settings) -> Result<Pan> {
    let meta = SqliteStore::open(&directory.meta(), Options::default())
        .context("could not open the metadata")?;
    let blobs = DiskStore::open(&directory.blobs(), DiskOptions::default())
        .context("could not open the blobs")?;
    let threads = available_parallelism().map_or(1, usize::from);
    let engines = Engines {
        meta: Arc::new(meta),
        blobs: Arc::new(blobs),
        hasher: Hasher::new(threads),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
    };
    Ok(Pan::new(engines, rules))
}
