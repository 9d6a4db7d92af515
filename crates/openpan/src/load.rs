//! `openpan load`: the metadata of a new data directory, from a dump.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use pan_engine::NoMedia;
use pan_server::admin;

use crate::data_dir::{self, DataDir};
use crate::{backup, frozen, open};

/// Loads a dump. The metadata get their name when all of it is there, so that
/// a dump that was cut leaves nothing that could be served.
pub(crate) async fn run(directory: &Path, file: &Path) -> Result<()> {
    backup::refuse_beginning(directory)?;
    if data_dir::is_set_up(directory) {
        bail!("{} holds data already; a dump is loaded into a new one", directory.display());
    }
    let text: Box<dyn BufRead + Send> = match file == Path::new("-") {
        true => Box::new(BufReader::new(std::io::stdin())),
        false => Box::new(BufReader::new(
            File::open(file).with_context(|| format!("could not open {}", file.display()))?,
        )),
    };
    let Some(taken) = DataDir::take(directory)? else {
        bail!("another openpan has {} open", directory.display());
    };
    if let Some(log) = frozen::log_left(&taken.meta()) {
        bail!(
            "{} is left of a database that is gone, and would be taken for a part of this one: \
             move it away, or load into a new directory",
            log.display()
        );
    }
    let new = taken.new_meta();
    frozen::remove_database(&new)?;
    let pan = open::open_with(&taken, &new, pan_core::Settings::default(), Arc::new(NoMedia))?;
    let rows = admin::load(&pan, text).await.map_err(|why| anyhow!(why))?;
    // Closed, so that everything is in the one file that is renamed.
    drop(pan);
    frozen::make_one_file(&new)?;
    fs::rename(&new, taken.meta())?;
    File::open(directory)?.sync_all()?;
    println!("loaded {rows} rows");
    println!("put the blobs into {}, then run `openpan check`", taken.blobs().display());
    Ok(())
}
