//! The release build that `bench` and `real-input` work with.

use std::env;
use std::os::unix::process::CommandExt;

use anyhow::{Result, bail};

use crate::workspace;

/// Builds the release binaries and goes on as the release build of this program.
///
/// An unoptimised load generator would measure itself.
pub(crate) fn enter() -> Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    eprintln!("building the release binaries");
    let status = workspace::cargo(&["build", "--quiet", "--release"])
        .args(["--package", "openpan", "--package", "pan-cli", "--package", "xtask"])
        .status()?;
    if !status.success() {
        bail!("the release build failed");
    }
    let error = workspace::release("xtask").args(env::args_os().skip(1)).exec();
    bail!("cannot start the release build of xtask: {error}");
}
