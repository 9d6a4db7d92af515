//! Puts the embedded engines under the rules.

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_core::{Engines, Pan, Settings};
use pan_engine::MediaEngine;
use pan_hash::Hasher;
use pan_meta_sqlite::SqliteStore;

use crate::backup::LocalBackups;
use crate::data_dir::DataDir;
use crate::frozen;
use crate::system::{SystemClock, SystemEntropy};

/// Opens everything in a data directory.
pub(crate) fn open(
    directory: &DataDir,
    rules: Settings,
    media: Arc<dyn MediaEngine>,
) -> Result<Pan> {
    open_with(directory, &directory.meta(), rules, media)
}

/// Opens everything in a data directory, with the metadata in another file.
pub(crate) fn open_with(
    directory: &DataDir,
    meta: &Path,
    rules: Settings,
    media: Arc<dyn MediaEngine>,
) -> Result<Pan> {
    let meta = SqliteStore::open(meta, pan_meta_sqlite::Options::default())
        .context("could not open the metadata")?;
    let blobs = DiskStore::open(&directory.blobs(), DiskOptions::default())
        .context("could not open the blobs")?;
    let threads = available_parallelism().map_or(1, usize::from);
    frozen::prepare(directory).context("could not remove old copies of the metadata")?;
    let meta = Arc::new(meta);
    let engines = Engines {
        backups: Arc::new(LocalBackups::new(meta.clone(), directory)),
        media,
        meta,
        blobs: Arc::new(blobs),
        hasher: Hasher::new(threads),
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
    };
    Ok(Pan::new(engines, rules))
}
